"""``vermilion-authority``: make a home, hold a ceremony, serve, say how things are."""

from __future__ import annotations

import base64
import logging
import os
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import click

from hsm import config, home, process
from hsm.client import AuthorityClient
from hsm.config import AuthoritySettings, PeerRole
from hsm.daemon import Daemon
from hsm.errors import AuthorityError, UnknownKey
from hsm.files import write_durably
from hsm.home import LastingAuthorityLock
from hsm.intents import instant
from hsm.log_lines import log_handler
from hsm.log_memory import require_log_remembered
from hsm.process import ServiceManager
from hsm.store import AuthorityStore
from hsm.timestamp import require_issuing

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_NEW_FILE = click.Path(dir_okay=False, path_type=Path)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)

_codes_to = click.option(
    "--codes-to", type=_NEW_FILE, help="Write the codes to this file (mode 0600) instead of showing them."
)


def _settings() -> AuthoritySettings:
    settings = config.load(_root())
    os.environ.update(home.module_environment(settings, os.environ))
    return settings


def _root() -> Path:
    return Path(os.environ.get("VERMILION_HOME") or "var").absolute()


@click.group()
def commands() -> None:
    """The authority of Vermilion: the one process that holds keys. Its home is VERMILION_HOME (./var)."""


@commands.command()
def init() -> None:
    """Make a first home: settings, SoftHSM's configuration, random PINs. Existing files stay as they are."""
    for path in home.make_home(_root()):
        click.echo(f"made {path}")


@commands.command()
@click.argument("file", type=_FILE)
@_codes_to
@click.option(
    "--pins",
    type=_FOLDER,
    help="The folder with so.pin, user.pin and root.pin (or parts: root.pin.1, …) instead of secrets/.",
)
def ceremony(file: Path, codes_to: Path | None, pins: Path | None) -> None:
    """Hold the key ceremony that FILE describes, and print its transcript."""
    # Ceremonies use PKCS#11, which the parent of `serve` must never load: imported only here.
    from hsm.ceremony import CeremonyPins, CeremonyPlan, hold_ceremony, load  # noqa: PLC0415 - see above

    process.keep_memory_private()
    settings, plan = _settings(), load(CeremonyPlan, file)
    read = CeremonyPins.read(pins or settings.home.root / "secrets")
    result = hold_ceremony(settings, plan, read, show=click.echo)
    what = "set-up codes, each for one officer; they are kept nowhere else:"
    result.show_outcome(click.echo, what, codes_to)


@commands.command("renewal-act")
@click.argument("file", type=_FILE)
@click.option("--out", required=True, type=_NEW_FILE, help="Where the act goes.")
def renewal_act(file: Path, out: Path) -> None:
    """Write the intent by which officers allow the renewal that FILE describes, and show its challenge."""
    # Ceremonies use PKCS#11, which the parent of `serve` must never load: imported only here.
    from hsm.ceremony import RenewalPlan, load  # noqa: PLC0415 - see above
    from hsm.ceremony.renewal import encode_intent, intent_for  # noqa: PLC0415 - see above

    intent = intent_for(load(RenewalPlan, file), _settings())
    write_durably(out, encode_intent(intent), mode=0o600)
    click.echo(f"challenge: {base64.urlsafe_b64encode(intent.challenge()).decode().rstrip('=')}")
    click.echo(f"good until {instant(intent.expires)}")


@commands.command()
@click.argument("file", type=_FILE)
@click.option("--act", type=_FILE, help="From `renewal-act`.")
@click.option(
    "--activation",
    "activations",
    multiple=True,
    type=_FILE,
    help="An officer's assertion over the act, in JSON; again for each officer.",
)
@click.option("--in-software", "officers", multiple=True, help="In development: the officer, whose key is a file.")
def renew(file: Path, act: Path | None, activations: tuple[Path, ...], officers: tuple[str, ...]) -> None:
    """Renew what FILE describes (the root's CRL, the issuing CA, service keys), and print the transcript."""
    from hsm.ceremony import CeremonyPins, RenewalPlan, hold_renewal, load  # noqa: PLC0415 - see above
    from hsm.ceremony.renewal import in_software, read_permission  # noqa: PLC0415 - see above

    process.keep_memory_private()
    settings, plan = _settings(), load(RenewalPlan, file)
    if act is not None:
        permission = read_permission(act, activations)
    elif officers:
        permission = in_software(plan, settings, officers)
    else:
        raise click.UsageError("Give --act and --activation, or in development --in-software.")
    pins = CeremonyPins.read(settings.home.root / "secrets")
    hold_renewal(settings, plan, permission, pins=pins, show=click.echo).show_outcome(click.echo)


@commands.command()
def officers() -> None:
    """List the officers, and how many authenticators each has; also while nothing runs."""
    with closing(AuthorityStore(_settings().home.store)) as store:
        for subject, name, authenticators in store.people.officers():
            click.echo(f"{subject} {name}, authenticators: {authenticators}")


@commands.command()
@click.argument("file", type=_FILE)
@click.option(
    "--pins",
    type=_FOLDER,
    help="The folder with root.pin or its parts (root.pin.1, …) instead of secrets/.",
)
@click.option("--ask", type=click.IntRange(1, 9), help="Ask for so many parts of the PIN instead, unseen.")
@_codes_to
def recover(file: Path, pins: Path | None, ask: int | None, codes_to: Path | None) -> None:
    """Give officers who lost every authenticator a new way in, by FILE and the PIN of the root's token."""
    from hsm.ceremony import RecoveryPlan, RootPin, hold_recovery, load  # noqa: PLC0415 - see above

    process.keep_memory_private()
    settings, plan = _settings(), load(RecoveryPlan, file)
    if ask is None:
        pin = RootPin.read(pins or settings.home.root / "secrets")
    else:
        prompts = (f"Part {number} of {ask} of the PIN of the root's token" for number in range(1, ask + 1))
        pin = RootPin.typed([click.prompt(each, hide_input=True, err=True) for each in prompts])
    result = hold_recovery(settings, plan, pin, show=click.echo)
    named = ", ".join(plan.officers)
    what = f"recovery codes, one for each in this order: {named}; kept nowhere else:"
    result.show_outcome(click.echo, what, codes_to)


@commands.command()
def serve() -> None:
    """Serve the sockets until SIGTERM or Ctrl-C."""
    process.keep_memory_private()
    settings = _settings()
    logging.basicConfig(level=logging.INFO, handlers=[log_handler(settings.logs.format, "vermilion-authority")])
    with closing(AuthorityStore(settings.home.store)) as store:  # closed again before the fork
        require_log_remembered(settings.home, store.checkpoints)
        _require_timestamp_certificate(store)
    Daemon(settings, _pin(settings), ServiceManager.taken_from(os.environ)).run()


def _pin(settings: AuthoritySettings) -> str | None:
    """The PIN that is kept, unless somebody has locked the authority: it then starts locked."""
    pin = home.user_pin(settings, os.environ)
    if pin is not None and LastingAuthorityLock(settings.home.lasting_lock).is_locked:
        logging.getLogger(__name__).warning("somebody locked the authority: it starts locked, its PIN is not used")
        return None
    return pin


def _require_timestamp_certificate(store: AuthorityStore) -> None:
    """Nothing is served with a certificate under which no token may be issued."""
    with suppress(UnknownKey):  # before the ceremony: none
        require_issuing(store.registry.certificate("tsa").certificate)


@commands.command()
def status() -> None:
    """Show state, clock, keys and log of the running authority."""
    with AuthorityClient(_settings().home.socket(PeerRole.OPERATOR)) as client:
        report = client.status()
    click.echo(f"state: {report.state.value}. {report.sentence}")
    click.echo(f"clock: {report.clock.source}. {report.clock.sentence}")
    for key in report.keys:
        click.echo(f"key: {key.subject} {key.algorithm} {key.label}, until {key.not_after:%Y-%m-%d}")
    size = "nothing signed yet" if report.checkpoint is None else f"{report.checkpoint.size} entries signed"
    click.echo(f"log: {report.origin}, {size}")


@commands.command("release-latch")
def release_latch() -> None:
    """After a wrong PIN was corrected: permit one new attempt. Restart the authority afterwards."""
    with closing(AuthorityStore(_settings().home.store)) as store:
        released = store.latch.release_all()
    click.echo("one attempt is permitted again" if released else "nothing was latched")


def main() -> None:
    """The console script: a refusal is one sentence on standard error and exit status 1."""
    os.environ["TZ"] = "UTC"
    time.tzset()
    try:
        commands()
    except AuthorityError as error:
        click.echo(f"vermilion-authority: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()

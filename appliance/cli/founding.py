"""Founding: from nothing to a home in which the demonstration's people can sign. Each step is done once.

1. settings for both sides; 2. secrets, mode 0600; 3. the key ceremony, by the reviewed file; 4. the people and the
seal, enrolled by the officer whom the ceremony appointed. A run that was broken off goes on where it stopped.
"""

from __future__ import annotations

import secrets
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta

from appliance.clock import utc_now
from appliance.config import Settings, WebSettings, load
from appliance.demonstration import participants
from appliance.demonstration.accounts import give_accounts
from appliance.demonstration.new_home import DEMONSTRATION, NewHome
from appliance.demonstration.older_home import renew_addresses
from appliance.demonstration.participants import DemonstrationAuthenticators
from appliance.demonstration.template import give_template
from appliance.errors import ConfigurationError, NotFound, SupervisionFailed
from appliance.home import Home, make_directory
from appliance.ledger import Sequencer
from appliance.model.people import Person, Seal
from appliance.supervision import Say, operational, running_authority
from appliance.wiring import LINKS_KEY, Appliance, open_appliance
from hsm import config
from hsm.client import AuthorityClient
from hsm.errors import UnknownKey
from hsm.files import write_private
from hsm.home import make_home
from hsm.intents import OfficerIntent

FORM_KEY = "web.key"
CONSOLE_KEY = "console.key"
CEREMONY = "ceremony.toml"


def found_home(
    home: Home,
    *,
    say: Say,
    environment: Mapping[str, str],
    port: int | None = None,
    wanted: NewHome | None = None,
) -> None:
    """Does what is missing in *home*; quick when nothing is. The authority runs only while it is needed here.

    *port* goes into the settings of a new home: the portal's, in every address that names it. A new home is as
    *wanted*, without that the demonstration's; in an enterprise's own there is nobody before its first officer.

    Raises :class:`ConfigurationError`, with nothing changed, for a home that is another organisation's than
    *wanted* or has another address, and for what no home can be told; and as :func:`renew_addresses`.
    """
    if wanted is not None:
        wanted.check()
    if home.settings.exists():
        new = _as_it_is(home, wanted)
    else:
        new = wanted or DEMONSTRATION
        _write_settings(home, say, port or WebSettings().port, new)
    _write_secrets(home, say)
    if not operational(home):  # which has read its settings already
        renew_addresses(home, new, port=port, say=say)
    if not (home.log_key).exists():
        _hold_ceremony(home, say, environment, new)
    settings = load(home)
    if not new.is_demonstration or _populated(settings):
        return
    with (
        running_authority(home, say=say, environment=environment),
        open_appliance(settings, role="web") as appliance,
    ):
        _populate(appliance, settings, say, [new.organisation, new.partner])


def give_accounts_for_trying(home: Home) -> None:
    """In the demonstration's home programs can make contracts in the names of its people, and from a template."""
    authenticators = DemonstrationAuthenticators(home)
    if authenticators.are_for_trying:
        with open_appliance(load(home), role="web") as appliance:
            give_accounts(appliance, authenticators)
            give_template(appliance)


def sequencer_of(appliance: Appliance) -> Sequencer:
    """A sequencer as the scheduler's: the portal's role may not ask for checkpoints."""
    socket = appliance.settings.home.authority_socket("scheduler")
    return Sequencer(appliance.database, AuthorityClient(socket))


def _as_it_is(home: Home, wanted: NewHome | None) -> NewHome:
    settings = load(home)
    name = settings.organisation.name
    if wanted is not None and wanted.organisation != name:
        raise ConfigurationError(
            "{home} is the home of {organisation} already, and a home stays its organisation's; for another one"
            " choose another directory (VERMILION_HOME=DIR). Nothing was changed.",
            home=home.root,
            organisation=name,
        )
    if wanted is not None and wanted.url and wanted.address(settings.web.port) != settings.web.public_url:
        raise ConfigurationError(
            "{home} is reached at {address}, to which its people's passkeys belong; for another address choose"
            " another directory (VERMILION_HOME=DIR). Nothing was changed.",
            home=home.root,
            address=settings.web.public_url,
        )
    url = "" if settings.web.relying_party == "localhost" else settings.web.public_url
    known = config.load(home.root).certificates.organisations if home.authority_settings.exists() else ()
    return NewHome(name, url, partner=participants.BETA if participants.BETA in known else "")


def _write_settings(home: Home, say: Say, port: int, new: NewHome) -> None:
    """The appliance's settings come last: where they are, the others are."""
    for folder in (home.root, home.settings.parent, home.secrets, home.people, home.logs, home.run):
        make_directory(folder)
    texts = {
        home.policy: new.policy(),
        home.authority_settings: new.authority_settings(port),
        home.settings: new.appliance_settings(port),
    }
    for path, text in texts.items():
        if not path.exists():
            write_private(path, text.encode())
            say("founding    {path}", path=path)


def _write_secrets(home: Home, say: Say) -> None:
    for path in make_home(home.root):
        say("founding    {path}", path=path)
    for name in (FORM_KEY, LINKS_KEY, CONSOLE_KEY):
        if not (home.secrets / name).exists():
            write_private(home.secrets / name, secrets.token_hex(32).encode() + b"\n")


def _hold_ceremony(home: Home, say: Say, environment: Mapping[str, str], new: NewHome) -> None:
    plan = home.settings.with_name(CEREMONY)
    say("founding    key ceremony {name}: tokens, root and issuing CA, keys in the HSM", name=plan)
    if not plan.exists():
        write_private(plan, new.ceremony().encode())
    done = subprocess.run(
        [sys.executable, "-m", "hsm.cli", "ceremony", str(plan), "--codes-to", str(home.setup_code)],
        env={**environment, "VERMILION_HOME": str(home.root)},
        capture_output=True,
        text=True,
        check=False,
    )
    (home.logs / "ceremony.log").write_text(done.stdout + done.stderr, encoding="utf-8")
    if done.returncode != 0:
        raise SupervisionFailed(
            "The key ceremony ended with status {status}: {why} (see {log})",
            status=done.returncode,
            why=(done.stderr.strip().splitlines() or ["no reason given"])[-1],
            log=home.logs / "ceremony.log",
        )


def _populated(settings: Settings) -> bool:
    """Whether everybody of the cast is registered, asked without an authority."""
    if not settings.home.database.exists():
        return False
    with open_appliance(settings, role="web") as appliance:
        return _is_known(appliance, participants.CONTRACT_SEAL.subject)


def _populate(appliance: Appliance, settings: Settings, say: Say, organisations: Sequence[str]) -> None:
    home = settings.home
    authenticators = DemonstrationAuthenticators(home)
    with AuthorityClient(home.authority_socket("operator")) as authority:
        for person in (each for each in participants.PEOPLE if each.organisation in organisations):
            if not _is_known(appliance, person.subject):
                certificate = _enrolled(authority, authenticators, person, settings)
                appliance.registry.add_person(person, certificate, by=participants.OFFICER)
                shown = {"name": person.name, "organisation": person.organisation}
                say("founding    {name} ({organisation}) has a key and an authenticator", **shown)
        seal = participants.CONTRACT_SEAL
        appliance.registry.add_seal(seal, _enrolled_seal(authority, authenticators, seal), by=participants.OFFICER)
        say("founding    company seal of {organisation} has a key", organisation=seal.organisation)


def _is_known(appliance: Appliance, subject: str) -> bool:
    try:
        appliance.registry.certificate(subject)
    except NotFound:
        return False
    return True


def _enrolled(
    authority: AuthorityClient, authenticators: DemonstrationAuthenticators, person: Person, settings: Settings
) -> bytes:
    """The person's certificate: from now, or from a run that was broken off after enrolling."""
    try:
        return authority.certificate(person.subject)
    except UnknownKey:
        web, origin = settings.web, settings.activation.origin
        fingerprint = authenticators.register(person.subject, rp_id=web.relying_party, origin=origin)
    act = _act("enrol_person", person, name=person.name, credentials=[fingerprint])
    authenticators.confirm(participants.OFFICER, act)
    return authority.enrol_person(act)


def _enrolled_seal(authority: AuthorityClient, authenticators: DemonstrationAuthenticators, seal: Seal) -> bytes:
    try:
        return authority.certificate(seal.subject)
    except UnknownKey:
        kind, custodians = seal.kind.value, list(seal.custodians)
    name = f"{seal.organisation}{kind}"
    act = _act("enrol_seal", seal, name=name, custodians=custodians, kind=kind, needed=seal.needed)
    authenticators.confirm(participants.OFFICER, act)
    return authority.enrol_seal(act)


def _act(what: str, whose: Person | Seal, **details: object) -> OfficerIntent:
    expires = (utc_now() + timedelta(minutes=5)).replace(microsecond=0)
    about = {"subject": whose.subject, "organisation": whose.organisation, **details}
    return OfficerIntent(what, about, expires, secrets.token_bytes(16))

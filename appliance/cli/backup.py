"""``vermilion backup``, ``drill`` and ``restore``: archives made, listed, checked, removed, tried out and
restored."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import click

from appliance.administration.host import last_drill_outcome
from appliance.cli.program import FILE, FOLDER, NEW_FILE, REFUSED, Context
from appliance.clock import utc_now
from appliance.config import load
from appliance.errors import ApplianceError
from appliance.home import Home
from appliance.operations.backup import BackupArchive, BackupContext, check_archive, create_archive
from appliance.operations.backup.checking import prune_archives
from appliance.operations.backup.creating import ensure_key
from appliance.operations.drill import run_drill
from appliance.operations.restore import RestoreOrder, restore_archive
from appliance.operations.results import BackupOutcome
from appliance.supervision import inherited, running_authority
from hsm.client import AuthorityClient
from hsm.config import TokenBackup
from hsm.encryption import new_identity, recipient_of
from hsm.errors import RefusalError
from hsm.files import write_private
from hsm.note import NoteKey, parse_vkey, read_vkey


@click.group("backup")
def backup_group() -> None:
    """Make backups, list them, check them, remove old ones."""


@backup_group.command("key")
@click.argument("file", type=NEW_FILE)
@click.pass_obj
def key(context: Context, file: Path) -> None:
    """Make a recovery key: the secret half into FILE, which belongs in a safe and not on this machine."""
    identity = new_identity()
    try:
        write_private(file, f"# Vermilion: recovery key of backups\n{identity}\n".encode())
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror}") from error
    context.terminal.say(
        "The recovery key is in {path}: whoever has it can open every backup. Keep it elsewhere.", path=file
    )
    recipient = recipient_of(identity)
    context.terminal.say("Where the appliance is installed by a bundle, this line belongs in its settings.yml:")
    click.echo(f"\nbackup_recipients: [{recipient}]\n")
    context.terminal.say(
        "Elsewhere these belong in config/appliance.toml and config/authority.toml; then restart:"
    )
    click.echo(f'\n[backup]\nrecipients = ["{recipient}"]')


@backup_group.command("create")
@click.option("--keep-all", is_flag=True, help="Do not remove older backups afterwards.")
@click.pass_obj
def create_(context: Context, keep_all: bool) -> None:
    """Make a backup while the system runs, then remove those that the settings no longer keep."""
    with ExitStack() as stack:
        backups, archive = _made(context, stack)
        manifest = archive.manifest()
        context.terminal.say(
            "Backup {name}: documents {documents}, log of size {size}, schema {schema}; in {path}.",
            name=archive.name,
            documents=manifest.documents,
            size=manifest.authority.log_size,
            schema=manifest.schema,
            path=archive.path,
        )
        if manifest.authority.token is TokenBackup.ALONE:
            context.terminal.say(
                "A restore needs the PIN of the token {label}; no backup has it.", label=manifest.authority.label
            )
        if manifest.authority.token is TokenBackup.OWN:
            context.terminal.say(
                "A restore needs the HSM, or its own backup, with the keys in the token {label}.",
                label=manifest.authority.label,
            )
        if not keep_all:
            _pruned(context, backups)


def _made(context: Context, stack: ExitStack) -> tuple[BackupContext, BackupArchive]:
    """A new archive, and where it was made (until *stack* ends); what came of it is kept for whoever asks how
    everything stands, also where there was no authority to begin with."""
    now = utc_now()
    try:
        backups = stack.enter_context(_backup_context(context))
        ensure_key(backups)
        archive = create_archive(backups, now=now)
    except RefusalError as error:
        with suppress(OSError):  # the disk may be what is wrong; the error itself says so
            BackupOutcome.from_error("", now, error).save(context.home.last_backup)
        raise
    BackupOutcome(archive.name, now).save(context.home.last_backup)
    return backups, archive


@backup_group.command("list")
@click.pass_obj
def list_(context: Context) -> None:
    """List the backups, the oldest first."""
    for archive in BackupContext.without_authority(load(context.home), os.environ).archives.all():
        try:
            manifest = archive.manifest()
        except ApplianceError as error:
            context.terminal.refuse(error)
            continue
        context.terminal.say(
            "{name}  release {release}, schema {schema}, documents {documents}, log of size {size}",
            name=archive.name,
            release=manifest.release,
            schema=manifest.schema,
            documents=manifest.documents,
            size=manifest.authority.log_size,
        )


@backup_group.command("verify")
@click.argument("names", nargs=-1)
@click.pass_context
def verify(ctx: click.Context, names: tuple[str, ...]) -> None:
    """Check the backups NAMES, or all, byte by byte: signature, parts, documents. Status 1 for damage."""
    context: Context = ctx.obj
    backups = BackupContext.without_authority(load(context.home), os.environ)
    key = read_vkey(context.home.log_key)
    archives = [backups.archives.get(name) for name in names] or backups.archives.all()
    if not archives:
        context.terminal.warn("There is no backup in {path}.", path=backups.archives.root)
        ctx.exit(REFUSED)
    whole = [_is_whole(context, archive, key, backups) for archive in archives]
    if not all(whole):
        ctx.exit(REFUSED)


@backup_group.command("prune")
@click.pass_obj
def prune_(context: Context) -> None:
    """Remove the backups that backup.daily, weekly and monthly do not keep, and documents that none needs."""
    _pruned(context, BackupContext.without_authority(load(context.home), os.environ))


def _is_whole(context: Context, archive: BackupArchive, key: NoteKey, backups: BackupContext) -> bool:
    try:
        manifest = check_archive(archive, key, [backups.identity()], backups.home.state)
    except RefusalError as error:
        context.terminal.refuse(error)
        return False
    context.terminal.say(
        "{name} is whole; documents: {documents}.", name=archive.name, documents=manifest.documents
    )
    return True


def _pruned(context: Context, backups: BackupContext) -> None:
    gone, documents = prune_archives(backups)
    if documents is None:
        context.terminal.warn(
            "A backup that is kept cannot be opened with this machine's key; sealed documents were not removed."
        )
    if gone:
        names = ", ".join(gone)
        context.terminal.say(
            "Removed: {names}; documents that no backup needs: {documents}.", names=names, documents=documents or 0
        )


@contextmanager
def _backup_context(context: Context) -> Iterator[BackupContext]:
    """With the authority that runs; in development else with one that is started for as long as it is asked."""
    home, settings = context.home, load(context.home)
    with ExitStack() as stack:
        if home.secrets.is_dir():
            running = running_authority(home, say=context.terminal.say, environment=inherited(os.environ))
            stack.enter_context(running)
        authority = stack.enter_context(AuthorityClient(home.authority_socket("backup")))
        yield BackupContext(settings, os.environ, authority)


@click.command("drill")
@click.option("--scratch", type=FOLDER, help="Where to open it; in the home's state without this.")
@click.pass_obj
def drill_command(context: Context, scratch: Path | None) -> None:
    """Open the newest backup beside the running system and verify it. Status 0 when it can be relied on.

    The result is kept; `vermilion diagnose` shows it and its age.
    """
    settings = load(context.home)
    run_drill(BackupContext.without_authority(settings, os.environ), now=utc_now(), scratch=scratch)
    outcome = last_drill_outcome(settings)
    context.terminal.say(outcome.template, **outcome.values)


@click.command("restore")
@click.argument("archive", type=FOLDER)
@click.option("--identity", required=True, type=FILE, help="The file with the secret half of the recovery key.")
@click.option("--aside", is_flag=True, help="Put a home that is in use aside.")
@click.option("--forget-newer", is_flag=True, help="Although the authority here has signed more of the log since.")
@click.option(
    "--log-key",
    help="The log's key (one line, as in the ceremony's transcript); needed where trust/log.vkey is not there.",
)
@click.pass_obj
def restore_command(
    context: Context, archive: Path, identity: Path, aside: bool, forget_newer: bool, log_key: str | None
) -> None:
    """Restore ARCHIVE (a directory, beside its `objects`) into the home, once everything in it is verified.

    Nothing may run meanwhile. After an interruption, run it again: it completes what it had begun.
    """
    key = parse_vkey(log_key) if log_key else None
    order = RestoreOrder(BackupArchive(archive.absolute()), identity.absolute(), aside, forget_newer, key)
    done, say = restore_archive(context.home, order, now=utc_now()), context.terminal.say
    if done is None:
        say("The restore that was interrupted is complete: {home}.", home=context.home.root)
        return
    say(
        "Restored. Documents: {documents}; log of size {size} checked; signed contracts verified: {contracts}.",
        documents=done.manifest.documents,
        size=done.verified.log.size,
        contracts=done.verified.contracts,
    )
    say("It is signed with the log's key {key}.", key=done.key.vkey())
    if _has_witnesses(context.home):
        say(
            "The log has outside witnesses: where one knows more entries than this backup, the authority does not"
            " start (`vermilion log gate` asks them)."
        )
    if context.home.is_managed:
        say(
            "Secrets of the backup are in {path}: seal them as credentials, then remove them.",
            path=context.home.secrets,
        )
    if done.aside is not None:
        say("What was there before is in {path}.", path=done.aside)
    if done.spool is not None:
        say(
            "The timestamps that waited here are of another appliance than this log; they are in {path}.",
            path=done.spool,
        )


def _has_witnesses(home: Home) -> bool:
    try:
        return load(home).witnesses.configured
    except ApplianceError:  # settings that are wrong, which is said when something starts
        return False

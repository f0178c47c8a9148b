"""``vermilion restore``: an archive becomes the home, or nothing changes."""

from __future__ import annotations

from pathlib import Path

import click

from appliance.cli.program import Context
from appliance.operations.backup import BackupArchive
from appliance.operations.restore import RestoreOrder, restore_archive
from appliance.wiring import utc_now
from hsm.note import parse_vkey


@click.command("restore")
@click.argument("archive", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--identity",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The file with the secret half of the recovery key.",
)
@click.option("--aside", is_flag=True, help="Put a home that is in use aside.")
@click.option("--forget-newer", is_flag=True, help="Although the authority here has signed more of the log since.")
@click.option("--log-key", help="The log's key (one line, as in trust/log.vkey) that the backup is signed with.")
@click.pass_obj
def command(
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
    say("The log's key is {key}; compare it with the transcript of the ceremony.", key=done.key.vkey())
    if context.home.is_managed:
        say(
            "Secrets of the backup are in {path}: seal them as credentials, then remove them.",
            path=context.home.secrets,
        )
    if done.aside is not None:
        say("What was there before is in {path}.", path=done.aside)

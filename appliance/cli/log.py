"""``vermilion log`` and ``ceremonies``: the log checked and proven, and the records of key ceremonies."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import click

from appliance.cli.program import FILE, REFUSED, Context, Terminal
from appliance.clock import utc_now
from appliance.config import load
from appliance.errors import ConfigurationError, StorageError
from appliance.home import Home
from appliance.ledger import LogCheck, LogProofs, LogScan
from appliance.store.database import Database
from appliance.supervision import inherited, running_authority
from appliance.witnesses import policy_of
from appliance.witnesses.asking import LogCheckpoint
from appliance.witnesses.gate import (
    MOST_ENTRIES,
    LaterCheckpoint,
    accept_loss,
    ask_witnesses,
    keep_checkpoint,
    keep_verdict,
    read_refusals,
    unasked,
)
from appliance.witnesses.messages import Submission
from appliance.witnesses.quorum import witnessed_size
from appliance.witnesses.submitting import Submitting
from hsm.client import AuthorityClient
from hsm.errors import RefusalError
from hsm.note import read_vkey

BEHIND = 3
"""The status of the gate when a witness knows more; 1 is any trouble of its own: the unit then asks again."""


@click.group("log")
def log_group() -> None:
    """Check the tamper-evident log, print its checkpoint, prove an entry."""


@log_group.command("check")
@click.pass_obj
def check(context: Context) -> None:
    """Walk the whole log and compare it with its checkpoints and the authority's memory.

    Starts the authority for as long as it is asked, where none runs: without its memory, a log that was cut off
    at an earlier checkpoint would look whole.
    """
    home, database = context.home, _database(context)
    with (
        running_authority(home, say=context.terminal.say, environment=inherited(os.environ)),
        AuthorityClient(home.authority_socket("operator")) as authority,
    ):
        report = LogCheck(database, authority, key=read_vkey(home.log_key)).check()
    context.terminal.say(
        "The log holds; entries: {size}, waiting: {waiting}; checkpoints: {checkpoints}; root {root}.",
        size=report.size,
        root=report.root.hex(),
        checkpoints=report.checkpoints,
        waiting=report.waiting,
    )


@log_group.command("checkpoint")
@click.pass_obj
def checkpoint(context: Context) -> None:
    """Print the latest checkpoint, a C2SP signed note."""
    click.echo(LogProofs(_database(context)).checkpoint().cosigned_note, nl=False)


@log_group.command("submission")
@click.option("--from", "old", type=click.IntRange(0), default=0, help="The size that the witness cosigned last.")
@click.pass_obj
def submission(context: Context, old: int) -> None:
    """Print the latest checkpoint with its consistency proof, for a witness without a network (`vermilion witness
    cosign`); it is the body of an add-checkpoint request of C2SP tlog-witness."""
    proofs = LogProofs(_database(context))
    newest = proofs.checkpoint()
    click.echo(Submission(old, tuple(proofs.consistency(old, newest.size)), newest.note).encode(), nl=False)


@log_group.command("cosignatures")
@click.argument("file", type=FILE)
@click.pass_obj
def cosignatures(context: Context, file: Path) -> None:
    """Take over the cosignatures in FILE, a checkpoint that a witness of the policy has cosigned."""
    settings = load(context.home)
    policy = policy_of(settings)
    if policy is None:
        raise ConfigurationError("The settings name no witness policy (witnesses.policy).")
    key = partial(read_vkey, context.home.log_key)
    names = Submitting(_database(context), policy, key, settings, utc_now).take(file.read_bytes())
    context.terminal.say("Cosigned by: {names}.", names=", ".join(names))


@log_group.command("gate")
@click.option(
    "--accept",
    is_flag=True,
    help="What witnesses know beyond this log, as the last refusal says, is lost for good.",
)
@click.option(
    "--without-database",
    is_flag=True,
    help="Do not read the database; what counts is the newest checkpoint that was seen here at an earlier start.",
)
@click.pass_context
def gate(ctx: click.Context, accept: bool, without_database: bool) -> None:
    """Ask the outside witnesses whether they know more of the log than there is here; status 3 when one does.

    Run before each start of the authority, which then does not start (vermilion-authority-gate.service). A
    refusal stands until that witness takes it back; else a witness that does not answer holds nothing up. With
    --accept, said by root, it starts although entries are missing. The newest checkpoint is kept for the
    authority, which starts only where it has signed as much.
    """
    home, terminal = ctx.obj.home, ctx.obj.terminal
    told = _accept_refused(home, terminal) if accept else frozenset()
    try:
        report = ask_witnesses(load(home), utc_now, with_database=not without_database)
    except (RefusalError, OSError) as error:
        # Settings, policy and the log's key are written by root and the authority alone: who would get past the
        # gate by them could remove the gate. A mistake there is no reason to stop signing.
        terminal.warn("The witnesses were not asked: {why}", why=error)
        report = unasked(home)
    for name, said in (report.remarks or {}).items():
        terminal.warn(
            "The witness {name} did not confirm this log: {why}", name=name, why=said or "no answer in time"
        )
    try:
        keep_verdict(home, report)
    except OSError as error:  # a full disk, say: what the witnesses said counts all the same
        terminal.warn("The verdict cannot be kept: {why}", why=error)
    for each in report.accepted:
        if each.witness not in told:
            _say_accepted(terminal, each)
    if report.later and report.unread:
        terminal.warn("The database has no checkpoint that counts: {why}", why=report.unread)
    for each in report.later:
        terminal.warn(
            "The witness {name} knows {known} entries of this log, the database here has {size}: it was set back,"
            " or the newer one is elsewhere. The authority does not start; see"
            " docs/runbook/log-behind-witness.md.",
            name=each.name,
            known=each.known,
            size=each.size,
        )
    if report.later:
        ctx.exit(BEHIND)
    if report.newest and not _is_kept(home, terminal, report.newest):
        ctx.exit(1)
    terminal.say("Witnesses asked: {count}; none knows more of the log than there is here.", count=report.asked)


def _is_kept(home: Home, terminal: Terminal, newest: LogCheckpoint) -> bool:
    try:
        keep_checkpoint(home, newest)
    except OSError as error:
        terminal.warn(
            "The newest checkpoint, with which the authority compares its memory, cannot be kept: {why}", why=error
        )
        return False
    return True


def _accept_refused(home: Home, terminal: Terminal) -> frozenset[str]:
    """Accepts what was refused and shown, and nothing that a witness says from now on; the vkeys of those who said
    it."""
    refusals, accepted = read_refusals(home).values(), set()
    if not refusals:
        terminal.warn("Nothing was refused, so nothing is accepted.")
    for each in refusals:
        if each.known > MOST_ENTRIES:
            terminal.warn(
                "The witness {name} claims {known} entries, more than a log can have. That is not accepted as a"
                " loss: the witness is at fault.",
                name=each.name,
                known=each.known,
            )
        else:
            accept_loss(home, {each.witness: each.known})
            _say_accepted(terminal, each)
            accepted.add(each.witness)
    return frozenset(accepted)


def _say_accepted(terminal: Terminal, loss: LaterCheckpoint) -> None:
    terminal.warn(
        "Accepted as lost: the witness {name} knows {known} entries, this log has {size}.",
        name=loss.name,
        known=loss.known,
        size=loss.size,
    )


@log_group.command("prove")
@click.argument("index", type=click.IntRange(0))
@click.pass_obj
def prove(context: Context, index: int) -> None:
    """Print the offline proof (C2SP tlog-proof) of the entry INDEX."""
    witnessed = partial(witnessed_size, load(context.home))
    click.echo(LogProofs(_database(context), witnessed).proof_file(index), nl=False)


@log_group.command("history")
@click.argument("contract")
@click.option("--from", "start", type=click.IntRange(0), default=0, help="Size of the checkpoint to begin at.")
@click.option(
    "--to", "end", type=click.IntRange(1), help="Size of the checkpoint to end at; the newest by default."
)
@click.pass_obj
def history(context: Context, contract: str, start: int, end: int | None) -> None:
    """Print all that the log says of CONTRACT between two checkpoints, and prove that it is all.

    The whole log is read and hashed again; each line is one entry as it stands in the log, without names.
    """
    key = read_vkey(context.home.log_key)
    proven = LogScan(_database(context), key).history(contract, start=start, end=end)
    for number, leaf in proven.entries:
        click.echo(f"{number}\t{leaf.decode()}")
    context.terminal.say(
        "Complete: entries of contract {contract} between the checkpoints of size {start} and {end}: {count}.",
        count=len(proven.entries),
        contract=contract,
        start=proven.start,
        end=proven.end,
    )


def _database(context: Context) -> Database:
    """The database, never made anew by a question about it."""
    if not context.home.database.exists():
        raise StorageError("There is no database in {home}; `vermilion init` makes one.", home=context.home.root)
    return Database(context.home.database)


@click.command("ceremonies")
@click.argument("number", type=int, required=False)
@click.pass_obj
def ceremonies_command(context: Context, number: int | None) -> None:
    """List the key ceremonies and every later act on a key that one made; with NUMBER, print a transcript.

    The status is 1 when a transcript is not as it was written.
    """
    with AuthorityClient(context.home.authority_socket("operator")) as authority:
        held = authority.ceremonies()
        if number is not None:
            click.echo(authority.transcript(number), nl=False)
            held = [each for each in held if each.number == number]
    for each in held:
        if number is None:
            at = f"{each.held:%Y-%m-%d %H:%M} UTC"
            context.terminal.say("{number}  {at}  {name}", number=each.number, at=at, name=each.name)
            click.echo(f"   SHA-256 {each.sha256.hex()}")
        if not each.intact:
            context.terminal.warn("The transcript of the ceremony {name} is gone or was changed.", name=each.name)
    if not all(each.intact for each in held):
        raise click.exceptions.Exit(REFUSED)

"""The gate before the authority's start: do the outside witnesses know more of the log than there is here?

A volume that was set back, by a copy of a disk or by a backup, is consistent in itself: database and authority's
store agree, and the authority would sign a second history over the first. Who remembers the first is outside, so
that is asked, by a process of its own: the authority has no network.

Whoever has taken over the portal writes the database, too. So it counts only with the log's own signature; without
such a checkpoint in it, there are 0 entries here. A refusal is kept where the portal cannot write (``HOME/gate``),
one for each witness, until that witness names a size that is here, or root accepts that the rest is lost. A
witness that does not answer takes nothing back, and where it has refused nothing it holds nothing up.

The newest checkpoint that the gate saw here is kept, too. Any witness can be asked with it, whatever has become of
the database. As what is here, it counts only where reading the database has ended this process twice
(``--without-database``): it lies on one volume with the authority's store and is set back with it, so it never
claims more than that has signed; but it is as old as the last start, and may be too small. A restore or a rollback
replaces the store, and so has to remove it (:func:`forget_checkpoint`).

Checkpoints are public: whoever writes the database of a volume that was set back can put a genuine one of the
longer log into it, and the witnesses know no more than that. Only the authority's own memory tells, which nobody
else reads: before it serves, it compares that with the checkpoint kept here (:mod:`hsm.log_memory`). So where
the newest checkpoint cannot be kept, the gate does not pass (status 1): the portal can fill the disk.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from appliance.config import Settings
from appliance.egress import Egress, ExchangeLimits
from appliance.home import Home
from appliance.sharing import give_mode, write_whole
from appliance.store.copying import moment_of
from appliance.witnesses.asking import LogCheckpoint, cosigned_size
from appliance.witnesses.messages import origin_hash
from appliance.witnesses.policy import PolicyWitness, is_answer_authentic, policy_of, require_log
from appliance.witnesses.submitting import LIMITS, SubmissionFailed
from hsm.errors import RefusalError
from hsm.files import flush, opened_to_read, sync_directory, write_durably
from hsm.note import NoteKey, read_vkey

SECONDS: Final = 3.0
"""One exchange with a witness, of which there are two at most."""

PATIENCE: Final = 8.0
"""Seconds for all witnesses together: the start waits no longer."""

MOST_ENTRIES: Final = 1 << 40
"""More than a log can have: that is a thousand entries a second for 34 years."""

_LARGEST: Final = 10_000
"""Bytes of a file that the gate keeps; what is larger is none of ours."""

_PUBLIC: Final = 0o644
"""Of the checkpoint alone: the authority, which shares no group, reads it."""

_EXCHANGE: Final = ExchangeLimits(SECONDS, LIMITS.largest, LIMITS.accepted)


@dataclass(frozen=True, slots=True)
class LaterCheckpoint:
    """The witness ``name`` (its key's name), whose vkey is ``witness``, has cosigned ``known`` entries of this
    log; here were ``size`` when it said so."""

    name: str
    witness: str
    known: int
    size: int


@dataclass(frozen=True, slots=True)
class GateReport:
    """``later``: what witnesses know beyond the log here, as they say now or have said and not taken back; but for
    what was accepted as lost: ``accepted``. ``ended`` are the vkeys of witnesses whose refusals count no more.

    ``asked`` is the number of witnesses. ``remarks``: by the name of each that has not said a size, what it said;
    empty for one that did not answer in time. ``newest``: the checkpoint in the database; without one, ``unread``
    says why, and ``size`` is what counts as here.
    """

    asked: int = 0
    later: tuple[LaterCheckpoint, ...] = ()
    accepted: tuple[LaterCheckpoint, ...] = ()
    ended: frozenset[str] = frozenset()
    remarks: Mapping[str, str] | None = None
    newest: LogCheckpoint | None = None
    size: int = 0
    unread: str = ""


def ask_witnesses(
    settings: Settings,
    now: Callable[[], datetime],
    *,
    patience: float = PATIENCE,
    with_database: bool = True,
) -> GateReport:
    """What the witnesses of *settings* know of the log here, which is read in the database where *with_database*.

    Raises :class:`ConfigurationError` for a policy that cannot be read or is another log's,
    :class:`hsm.errors.AuthorityError` for a log's key that cannot be read, and OSError.
    """
    home, policy = settings.home, policy_of(settings)
    kept = read_refusals(home)
    if policy is None:
        return GateReport(ended=frozenset(kept))
    if not home.log_key.exists():  # before `vermilion init`; nobody but the authority could remove it
        return unasked(home)
    log = read_vkey(home.log_key)
    require_log(policy, log)
    newest, unread = _in_database(home, log) if with_database else (None, "")
    before = _kept_checkpoint(home, log)
    size = newest.size if newest else 0
    if before and not with_database:
        size = before.size
    witnesses = [each for each in policy.witnesses if each.url]
    tls = settings.witnesses.tls
    trust = str(settings.beside(tls)) if tls else None
    answers = _answers(witnesses, log, newest or before, trust, now, patience)
    if newest and any(isinstance(each, int) and each > size for each in answers.values()):
        # Where the appliance serves, the log may have grown meanwhile, and a witness have seen that.
        newest = _in_database(home, log)[0] or newest
        size = newest.size

    found: dict[str, LaterCheckpoint] = {}
    remarks: dict[str, str] = {}
    for each in witnesses:
        vkey, answer = each.key.vkey(), answers.get(each)
        if not isinstance(answer, int):
            remarks[each.name] = str(answer or "")
        elif answer > size:
            found[vkey] = LaterCheckpoint(each.key.name, vkey, answer, size)
            continue
        if vkey in kept and not (isinstance(answer, int) and _takes_back(each, answer, kept[vkey])):
            found[vkey] = kept[vkey]
    later, accepted = _divided(home, found)
    ended = frozenset(kept) - {each.witness for each in later}
    return GateReport(len(witnesses), later, accepted, ended, remarks, newest, size, unread)


def unasked(home: Home) -> GateReport:
    """Where nobody can be asked: what was refused before still counts."""
    later, accepted = _divided(home, read_refusals(home))
    return GateReport(later=later, accepted=accepted)


def _divided(
    home: Home, found: Mapping[str, LaterCheckpoint]
) -> tuple[tuple[LaterCheckpoint, ...], tuple[LaterCheckpoint, ...]]:
    """What holds the start, and what was accepted as lost."""
    lost = accepted_losses(home)
    later = tuple(each for each in found.values() if each.known > lost.get(each.witness, 0))
    return later, tuple(each for each in found.values() if each not in later)


def _takes_back(witness: PolicyWitness, size: int, refusal: LaterCheckpoint) -> bool:
    """Whether a *size* that there is here ends the *refusal*. Over plain HTTP anybody can repeat what the witness
    signed before that."""
    return is_answer_authentic(witness.url) or size >= refusal.known


def _in_database(home: Home, log: NoteKey) -> tuple[LogCheckpoint | None, str]:
    """The newest checkpoint in the database, or why there is none that counts."""
    try:
        with moment_of(home.database) as moment:
            note = moment.newest_checkpoint()
        return (LogCheckpoint.verified(note, log), "") if note else (None, "it has no checkpoint")
    except (RefusalError, OSError, ValueError, MemoryError) as error:  # whatever somebody has put there
        return None, str(error) or type(error).__name__


def _answers(
    witnesses: list[PolicyWitness],
    log: NoteKey,
    checkpoint: LogCheckpoint | None,
    trust: str | None,
    now: Callable[[], datetime],
    patience: float,
) -> Mapping[PolicyWitness, int | SubmissionFailed]:
    """The size that each cosigned last, or why it said none; who did not answer in time is missing."""
    answers: dict[PolicyWitness, int | SubmissionFailed] = {}

    def ask(witness: PolicyWitness) -> None:
        try:
            answers[witness] = cosigned_size(witness, log, checkpoint, Egress(_EXCHANGE, trust=trust), now)
        except SubmissionFailed as failure:
            answers[witness] = failure

    # Not a pool: nobody waits for those that are late.
    threads = [threading.Thread(target=ask, args=(each,), daemon=True) for each in witnesses]
    for thread in threads:
        thread.start()
    until = time.monotonic() + patience
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    return dict(answers)


def accepted_losses(home: Home) -> Mapping[str, int]:
    """By the vkey of a witness: up to which size what it knows is accepted as lost."""
    try:
        said = json.loads(home.log_lost.read_bytes())
        return {str(witness): int(size) for witness, size in said.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def accept_loss(home: Home, known: Mapping[str, int]) -> None:
    """What witnesses know beyond the log here, by their vkeys up to these sizes, is lost for good: the authority
    starts all the same. Raises OSError; on an appliance root alone can write it."""
    before = accepted_losses(home)
    lost = {**before, **{witness: max(size, before.get(witness, 0)) for witness, size in known.items()}}
    home.log_lost.parent.mkdir(mode=0o700, exist_ok=True)
    write_durably(home.log_lost, f"{json.dumps(lost)}\n".encode(), mode=0o644)  # the folder says who gets there
    for witness, refusal in read_refusals(home).items():
        if refusal.known <= lost.get(witness, 0):
            _place(home, witness).unlink(missing_ok=True)
    forget_checkpoint(home)


def accept_loss_up_to(settings: Settings, size: int) -> None:
    """The same for every witness of *settings*, none of which is asked: one that knows more than *size* entries
    is believed. Raises :class:`ConfigurationError` and OSError."""
    if policy := policy_of(settings):
        accept_loss(settings.home, {each.key.vkey(): size for each in policy.witnesses})


def keep_verdict(home: Home, report: GateReport) -> None:
    """Keeps what refuses the start. Raises OSError."""
    if not home.is_managed:
        home.gate.mkdir(mode=0o700, exist_ok=True)
    for each in report.later:
        _write(_place(home, each.witness), f"{json.dumps(asdict(each))}\n".encode())
    for witness in report.ended:
        _place(home, witness).unlink(missing_ok=True)
    if not report.later:
        (home.alarms / GATE_UNIT).unlink(missing_ok=True)


def keep_checkpoint(home: Home, newest: LogCheckpoint) -> None:
    """Keeps the *newest* checkpoint for the next gate and for the authority, where nothing refuses the start.
    Raises OSError."""
    path = _checkpoint(home)
    try:
        write_whole(path, newest.note, durable=True, mode=_PUBLIC)
        sync_directory(path.parent)
    except OSError:  # a full disk: what the file has already is room enough
        file = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(file, "wb") as stream:
            give_mode(file, _PUBLIC)
            stream.write(newest.note)
            stream.truncate()
            flush(stream)


def read_refusals(home: Home) -> Mapping[str, LaterCheckpoint]:
    """By the vkey of each witness that keeps the authority from starting: what it said, as :func:`keep_verdict`
    kept it."""
    found = filter(None, (_refusal(path) for path in sorted(home.gate.glob("*.json"))))
    return {each.witness: each for each in found}


def forget_checkpoint(home: Home) -> None:
    """The log here may be shorter than the gate saw it. Refusals stay: the witnesses are asked again. Raises
    OSError."""
    _checkpoint(home).unlink(missing_ok=True)


GATE_UNIT: Final = "vermilion-authority-gate.service"
"""The unit whose alarm ends by itself, once the authority may start."""


def _refusal(path: Path) -> LaterCheckpoint | None:
    try:
        said = json.loads(_read(path))
        return LaterCheckpoint(str(said["name"]), str(said["witness"]), int(said["known"]), int(said["size"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _kept_checkpoint(home: Home, log: NoteKey) -> LogCheckpoint | None:
    try:
        return LogCheckpoint.verified(_read(_checkpoint(home)), log)
    except (OSError, RefusalError):  # none yet, or of the log that was here before
        return None


def _place(home: Home, witness: str) -> Path:
    """A file for each witness: two that run at once take nothing from each other."""
    return home.gate / f"{origin_hash(witness)}.json"


def _checkpoint(home: Home) -> Path:
    return home.gate / "checkpoint"


def _read(path: Path) -> bytes:
    with opened_to_read(path) as file:
        return os.read(file, _LARGEST)


def _write(path: Path, data: bytes) -> None:
    write_whole(path, data, durable=True)
    sync_directory(path.parent)

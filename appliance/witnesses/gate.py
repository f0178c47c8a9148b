"""The gate before the authority's start: do the outside witnesses know more of the log than there is here?

A volume that was set back, by a copy of a disk or by a backup, is consistent in itself: database and authority's
store agree, and the authority would sign a second history over the first. Who remembers the first is outside, so
that is asked, by a process of its own: the authority has no network. A witness that does not answer holds nothing
up. Root may accept that what a witness knows is lost; that counts up to the size which it knew then.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from typing import Final

from appliance.config import Settings
from appliance.egress import ExchangeLimits
from appliance.home import Home
from appliance.model.witnesses import WitnessProblem
from appliance.sharing import opened_to_read, write_whole
from appliance.store import ledger
from appliance.store import witnesses as store
from appliance.store.database import Database
from appliance.witnesses.policy import PolicyWitness, policy_of, require_log
from appliance.witnesses.submitting import LIMITS, SubmissionFailed, Submitting
from hsm.files import write_durably
from hsm.note import read_vkey

SECONDS: Final = 3.0
"""One exchange with a witness, of which there are three."""

PATIENCE: Final = 8.0
"""Seconds for all witnesses together: the start waits no longer."""

LARGEST_VERDICT: Final = 10_000
"""Bytes of a verdict; what is larger is none of ours."""

_EXCHANGE: Final = ExchangeLimits(SECONDS, LIMITS.largest, LIMITS.accepted)


@dataclass(frozen=True, slots=True)
class LaterCheckpoint:
    """The witness ``name`` (its key's name), whose vkey is ``witness``, has cosigned ``known`` entries of this
    log; the newest checkpoint here has ``size``."""

    name: str
    witness: str
    known: int
    size: int


@dataclass(frozen=True, slots=True)
class GateReport:
    """``later``: what witnesses know beyond the log here, but for what was accepted as lost; ``accepted`` is that.
    ``remarks``: by the name of each witness that neither cosigned nor knows more, what it said; empty for one
    that did not answer in time. ``asked`` is the number of witnesses."""

    asked: int
    later: tuple[LaterCheckpoint, ...] = ()
    accepted: tuple[LaterCheckpoint, ...] = ()
    remarks: Mapping[str, str] | None = None


def ask_witnesses(settings: Settings, now: Callable[[], datetime], *, patience: float = PATIENCE) -> GateReport:
    """What the witnesses of *settings* know of the log here; nobody is asked before the first checkpoint.

    Raises :class:`ConfigurationError` for a policy that cannot be read or is another log's, and
    :class:`StorageError`.
    """
    home, policy = settings.home, policy_of(settings)
    if policy is None or not home.database.exists() or not home.log_key.exists():
        return GateReport(0)
    require_log(policy, read_vkey(home.log_key))
    with closing(Database(home.database)) as database:
        with database.reading() as tx:
            checkpoint, states = ledger.last_checkpoint(tx), store.states(tx)
        if checkpoint is None:
            return GateReport(0)
        submitting = Submitting(
            database, policy, partial(read_vkey, home.log_key), settings, now, limits=_EXCHANGE
        )
        witnesses = [each for each in policy.witnesses if each.url]
        answers: dict[PolicyWitness, SubmissionFailed | None] = {}

        def ask(witness: PolicyWitness) -> None:
            answers[witness] = submitting.compare(witness, checkpoint, states.get(witness.key.vkey()))

        # Not a pool: nobody waits for those that are late.
        threads = [threading.Thread(target=ask, args=(each,), daemon=True) for each in witnesses]
        for thread in threads:
            thread.start()
        until = time.monotonic() + patience
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))
        answered = dict(answers)
    found = [
        LaterCheckpoint(each.key.name, each.key.vkey(), known, checkpoint.size)
        for each, failure in answered.items()
        if failure is not None and (known := _known_beyond(failure, checkpoint.size))
    ]
    lost = accepted_losses(home)
    remarks = {each.name: "" for each in witnesses if each not in answered}
    ahead = {each.witness for each in found}
    for each, failure in answered.items():
        if failure is not None and each.key.vkey() not in ahead:
            remarks[each.name] = str(failure)
    return GateReport(
        len(witnesses),
        tuple(each for each in found if each.known > lost.get(each.witness, 0)),
        tuple(each for each in found if each.known <= lost.get(each.witness, 0)),
        remarks,
    )


def _known_beyond(failure: SubmissionFailed, size: int) -> int | None:
    """The size that the witness cosigned, where that is above *size*."""
    last = failure.values.get("last")
    is_later = failure.problem is WitnessProblem.FORKED and isinstance(last, int) and last > size
    return last if is_later and isinstance(last, int) else None


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


def accept_loss_up_to(settings: Settings, size: int) -> None:
    """The same for every witness of *settings*, none of which is asked: one that knows more than *size* entries
    is believed. Raises :class:`ConfigurationError` and OSError."""
    if policy := policy_of(settings):
        accept_loss(settings.home, {each.key.vkey(): size for each in policy.witnesses})


def keep_verdict(home: Home, report: GateReport) -> None:
    """Leaves for the health checks why the authority does not start; nothing when it may. Raises OSError."""
    if report.later:
        write_whole(home.log_behind, f"{json.dumps(asdict(report.later[0]))}\n".encode())
        return
    home.log_behind.unlink(missing_ok=True)
    (home.alarms / GATE_UNIT).unlink(missing_ok=True)


GATE_UNIT: Final = "vermilion-authority-gate.service"
"""The unit whose alarm ends by itself, once the authority may start."""


def read_verdict(home: Home) -> LaterCheckpoint | None:
    """Why the authority does not start, as :func:`keep_verdict` left it; None when it may."""
    try:
        with opened_to_read(home.log_behind) as file:  # where others write, too
            said = json.loads(os.read(file, LARGEST_VERDICT))
        return LaterCheckpoint(str(said["name"]), str(said["witness"]), int(said["known"]), int(said["size"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None

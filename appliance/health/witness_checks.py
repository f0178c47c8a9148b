"""Outside witnesses of the log: each cosigns, and the newest checkpoint with a quorum is not old.

Signing goes on without them, so nothing here stands in the way of readiness; that a witness knows another log
under our key is as grave as a damaged log.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from appliance.errors import ConfigurationError
from appliance.health.check_context import CheckContext, NotAnswerable
from appliance.health.findings import HealthFinding, RunbookPage, attention, failing, good, unset
from appliance.model.witnesses import WitnessesStatus, WitnessProblem, WitnessStanding
from appliance.store import maintenance as stored_maintenance
from appliance.witnesses import policy_of
from appliance.witnesses.gate import read_refusals
from appliance.witnesses.policy import require_log
from appliance.witnesses.quorum import status_of
from hsm.errors import RefusalError
from hsm.note import read_vkey

PATIENCE: Final = timedelta(minutes=15)
"""A witness may be restarted, and a quorum late by so much, before anybody is told."""

LONG: Final = timedelta(days=1)
"""Without a quorum for so long, nobody outside confirms a day's entries."""

BY_HAND: Final = timedelta(days=7)
"""Where every witness is asked by hand, a quorum may be so old."""

_NONE: Final = "The log has no outside witnesses: nobody outside confirms that all see the same log."
_BEHIND: Final = (
    "The authority does not start: the witness {name} knows {known} entries of this log, the database here had"
    " {size}."
)
_BEHIND_SEVERAL: Final = (
    "The authority does not start: the witness {name} knows {known} entries of this log, the database here had"
    " {size}; witnesses that know more: {count}."
)
_WRONG: Final = {
    WitnessProblem.UNREACHABLE: "The witness {name} does not answer since {at}: {why}",
    WitnessProblem.UNKNOWN_LOG: "The witness {name} does not know this log (since {at}): {why}",
    WitnessProblem.NOT_SIGNED: "The witness {name} knows another key of this log (since {at}): {why}",
    WitnessProblem.FORKED: (
        "The witness {name} cosigned a log that this one does not continue, under this log's key (since {at}):"
        " {why}"
    ),
    WitnessProblem.BAD_ANSWER: "The witness {name} answers without a good cosignature (since {at}): {why}",
    WitnessProblem.REFUSED: "The witness {name} refuses (since {at}): {why}",
}


def witnesses(context: CheckContext) -> HealthFinding:
    """Each witness cosigns. Asks the scheduler's record, not the witnesses."""
    status = witnesses_status(context)
    if status is None:
        return unset(_NONE)
    if (elsewhere := _about_other_logs(context)) is not None:
        return elsewhere
    if refusals := read_refusals(context.configured().home):
        most = max(refusals.values(), key=lambda each: each.known)
        values = {"name": most.name, "known": most.known, "size": most.size, "count": len(refusals)}
        template = _BEHIND if len(refusals) == 1 else _BEHIND_SEVERAL
        return failing(RunbookPage.LOG_BEHIND_WITNESS, template, most.name, **values)
    worst = sorted(filter(None, (_finding(each, context.now) for each in status.witnesses)), key=_rank)
    if worst:
        return worst[-1]
    return good("Witnesses of the log that have cosigned: {count}.", count=_cosigning(status))


def quorum(context: CheckContext) -> HealthFinding | None:
    """The newest checkpoint with a quorum is not old; nothing to say without a policy that asks for one."""
    status = witnesses_status(context)
    if status is None or not status.demanded:
        return None
    with context.reading() as tx:
        window = stored_maintenance.open_window(tx)
    by_hand = not any(each.url for each in status.witnesses)
    return quorum_finding(status, context.now, during_maintenance=window is not None, by_hand=by_hand)


def quorum_finding(
    status: WitnessesStatus, now: datetime, *, during_maintenance: bool = False, by_hand: bool = False
) -> HealthFinding:
    """What to say of the quorum at the time *now*."""
    waiting = status.waiting_since
    age = timedelta() if waiting is None else now - waiting
    values = {"size": status.size or 0, "at": _moment(status.at), "since": _moment(waiting)}
    if age <= (BY_HAND if by_hand else PATIENCE) or during_maintenance:
        if status.at is None:
            return good("The first checkpoint waits for its witnesses.")
        return good("Entries that a quorum of witnesses has confirmed: {size}, at {at}.", **values)
    template = "Checkpoints have no quorum of witnesses since {since}; size of the last that had one: {size}."
    found = failing if age > (2 * BY_HAND if by_hand else LONG) else attention
    return found(RunbookPage.QUORUM_MISSING, template, **values)


def witnesses_status(context: CheckContext) -> WitnessesStatus | None:
    """How the witnesses of the settings stand; None where there are none. Raises :class:`NotAnswerable`."""
    try:
        policy = policy_of(context.configured())
    except RefusalError as error:
        raise NotAnswerable from error
    if policy is None:
        return None
    with context.reading() as tx:
        return status_of(tx, policy)


def _about_other_logs(context: CheckContext) -> HealthFinding | None:
    """Nobody is asked by a policy of other logs, and so nobody refuses either."""
    settings = context.configured()
    policy = policy_of(settings)
    if policy is None or not settings.home.log_key.exists():
        return None
    try:
        require_log(policy, read_vkey(settings.home.log_key))
    except ConfigurationError as error:
        return attention(RunbookPage.QUORUM_MISSING, error.template, **error.values)
    return None


def _finding(witness: WitnessStanding, now: datetime) -> HealthFinding | None:
    if witness.problem is None or witness.since is None:
        return None
    values = {"name": witness.name, "url": witness.url, "at": _moment(witness.since), "why": witness.said}
    template = _WRONG[witness.problem]
    if witness.problem is WitnessProblem.FORKED:
        return failing(RunbookPage.LOG_FORKED, template, witness.name, **values)
    if witness.problem is WitnessProblem.UNREACHABLE:
        if now - witness.since <= PATIENCE:
            return None
        return attention(RunbookPage.WITNESS_SILENT, template, witness.name, **values)
    return attention(RunbookPage.WITNESS_REFUSES, template, witness.name, **values)


def _rank(finding: HealthFinding) -> int:
    return finding.condition.rank


def _cosigning(status: WitnessesStatus) -> int:
    return sum(each.size is not None for each in status.witnesses)


def _moment(at: datetime | None) -> str:
    return "–" if at is None else f"{at:%Y-%m-%d %H:%M} UTC"

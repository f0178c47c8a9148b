"""Acts are performed: here, by the scheduler, or by root, each once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from appliance.administration.action import ExecutedBy
from appliance.administration.decided import require_approved
from appliance.administration.parts import ActionContext
from appliance.administration.performed import ExecutedRequests
from appliance.administration.registry import actions_executed_by, find_action
from appliance.administration.room import AdministrationContext
from appliance.administration.signatures import RequestSignatures
from appliance.errors import ApplianceError, NotFound, StateRefused
from appliance.model.administration import (
    NOBODY,
    ROOT,
    Actor,
    AdminRequest,
    AdminRequestOutcome,
    AdminRequestState,
    JournalKind,
)
from appliance.store.administration import acts, administrators
from hsm.errors import AuthorityError

LONGEST = {
    ExecutedBy.CONSOLE: timedelta(minutes=10),
    ExecutedBy.SCHEDULER: timedelta(minutes=10),
    ExecutedBy.PRIVILEGED_HELPER: timedelta(hours=24),
}
"""After this an act that has not ended is interrupted: its process is no more."""


_NOT_TAKEN = AdminRequestOutcome("No process took it in time; it was not done.")
_NOT_ENDED = AdminRequestOutcome("Its process ended before it said what came of it; look before asking anew.")


@dataclass(frozen=True, slots=True)
class ExecutionSafeguards:
    """What no database is believed about: who signed, and what was performed already."""

    signatures: RequestSignatures
    performed: ExecutedRequests


class RequestExecutor:
    """What one process performs. ``hands`` are those that are this process's; acts of the others are handed on:
    the scheduler looks for its own, *steward* is told the id of what root does. Thread-safe."""

    def __init__(
        self,
        room: AdministrationContext,
        parts: ActionContext,
        hands: frozenset[ExecutedBy],
        trust: ExecutionSafeguards,
        *,
        steward: Callable[[str], None] = lambda _act: None,
    ) -> None:
        self._room = room
        self._parts = parts
        self._hands = hands
        self._trust = trust
        self._steward = steward

    def dispatch_request(self, act: AdminRequest, arguments: Mapping[str, str]) -> AdminRequest:
        """Performs *act* if it is this process's, else hands it on; the act as it stands then.

        *arguments* are all of them, secret ones too, which are stored nowhere.
        """
        hand = find_action(act.action).executed_by
        if hand in self._hands:
            return self.execute_request(act.id, arguments)
        if hand is ExecutedBy.PRIVILEGED_HELPER:
            try:
                self._steward(act.id)
            except (ApplianceError, OSError) as error:
                return self._ended(act, AdminRequestState.FAILED, _refusal(error))
        return self._now(act.id)

    def execute_request(self, act_id: str, arguments: Mapping[str, str] | None = None) -> AdminRequest:
        """Performs the act, if nobody took it before. Raises :class:`StateRefused` when somebody did, or when it
        is another process's to do."""
        with self._room.database.transaction() as tx:
            act = acts.act(tx, act_id)
            if find_action(act.action).executed_by not in self._hands:
                raise StateRefused("{action} is done by another process.", action=act.action)
            if not acts.start(tx, act_id, self._room.now()):
                raise StateRefused("{id} is {state} and was taken already.", id=act_id, state=act.state)
            asker = administrators.find(tx, act.asked_by)
        action, by = find_action(act.action), Actor(act.asked_by, asker.role) if asker else ROOT
        try:
            with self._room.database.reading() as tx:
                require_approved(tx, act, action, self._trust.signatures, now=self._room.now())
            if action.approvers:
                self._trust.performed.record_execution(action.executed_by, act.id)
            given = act.arguments if arguments is None else arguments
            outcome = action.perform(replace(self._parts, act=act), given, by)
        except (ApplianceError, AuthorityError, OSError) as error:
            return self._ended(act, AdminRequestState.FAILED, _refusal(error))
        except BaseException as fault:
            self._ended(act, AdminRequestState.FAILED, _fault(fault))
            raise
        return self._ended(act, AdminRequestState.DONE, outcome)

    def execute_waiting(self) -> None:
        """Performs whatever waits for this process, and ends what others left."""
        for hand in self._hands:
            with self._room.database.reading() as tx:
                found = acts.untaken(tx, actions_executed_by(hand))
            for act in found:
                self.execute_request(act.id)
        self.interrupt_overdue()

    def interrupt_overdue(self) -> None:
        """What was taken too long ago is interrupted, and what nobody took is not done any more."""
        with self._room.database.reading() as tx:
            open_ = acts.in_state(tx, AdminRequestState.PERFORMING)
        for act in open_:
            begun = act.started or act.decided or act.asked
            if begun + _longest(act) <= self._room.now():
                self._ended(act, AdminRequestState.INTERRUPTED, _NOT_TAKEN if act.started is None else _NOT_ENDED)

    def _ended(self, act: AdminRequest, after: AdminRequestState, outcome: AdminRequestOutcome) -> AdminRequest:
        kinds = {
            AdminRequestState.DONE: JournalKind.ACT_DONE,
            AdminRequestState.FAILED: JournalKind.ACT_FAILED,
            AdminRequestState.INTERRUPTED: JournalKind.ACT_INTERRUPTED,
        }
        with self._room.writing() as tx:
            if acts.end(tx, act.id, after, outcome, self._room.now()):
                said = outcome.template.format(**outcome.values)
                self._room.journal.append_line(
                    tx, kinds[after], NOBODY, act=act.id, action=act.action, outcome=said
                )
        return replace(self._now(act.id), outcome=outcome)

    def _now(self, act_id: str) -> AdminRequest:
        with self._room.database.reading() as tx:
            return acts.act(tx, act_id)


def _longest(act: AdminRequest) -> timedelta:
    """How long *act* may take; the longest for one of another release, which this one does not know."""
    try:
        return LONGEST[find_action(act.action).executed_by]
    except NotFound:
        return max(LONGEST.values())


def _refusal(error: ApplianceError | AuthorityError | OSError) -> AdminRequestOutcome:
    if isinstance(error, OSError):
        return AdminRequestOutcome("It could not be done: {why}.", {"why": error.strerror or str(error)})
    values = {name: value if isinstance(value, int) else str(value) for name, value in error.values.items()}
    return AdminRequestOutcome(error.template, values)


def _fault(fault: BaseException) -> AdminRequestOutcome:
    return AdminRequestOutcome(
        "An unexpected fault ({kind}) ended this: {why}.", {"kind": type(fault).__name__, "why": str(fault)}
    )

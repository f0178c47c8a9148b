"""Requests are executed: by the console, by the scheduler, or by root, each once.

Whoever executes a request looks again: it is what somebody who may asked for and, where it takes two, another
person approved. Between decision and execution accounts change, and so may a release. And the row need not come
from :mod:`appliance.administration.admin_requests`: whoever took over a process that writes this database can
make one. What takes two persons is therefore signed by both (:mod:`appliance.administration.signatures`), by keys
that are confirmed elsewhere; what takes one could be made up, but only to do what could have been asked for.

Which requests of two persons were executed is remembered outside the database too, since whoever can write it can
set a row back, and what both have signed counts for a day: an empty file by the request's id::

    confirmed/performed/ID        what root has executed; the console cannot write there
    performed/ID                  what the scheduler has executed; the console cannot even see it
    administration/performed/ID   what the console has executed: its own actions change that database alone, so who
                                  took it over needs none; this holds against who writes the database and no more

Nothing is ever forgotten: a request of two persons is rare, and a clock can be set back. None of it is in a
backup, and no restore touches it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from appliance import sharing
from appliance.administration.action import Action, ActionContext, ExecutedBy
from appliance.administration.actions import REGISTRY, actions_executed_by, find_action
from appliance.administration.confirmed import RequestStatement, ensure_folder
from appliance.administration.context import AdministrationContext
from appliance.administration.signatures import RequestSignatures
from appliance.config import Settings
from appliance.errors import ApplianceError, NotAllowed, NotFound, PreconditionRefused, StateRefused, StorageError
from appliance.home import Home
from appliance.model.administration import (
    NOBODY,
    ROOT,
    Actor,
    AdministratorRole,
    AdministratorState,
    AdminRequest,
    AdminRequestOutcome,
    AdminRequestState,
    DualControlRole,
    JournalKind,
)
from appliance.store.administration import admin_requests, administrators
from appliance.store.database import Transaction
from hsm.errors import RefusalError
from hsm.files import sync_directory


def record_execution(home: Home, hand: ExecutedBy, request_id: str) -> None:
    """The admin request is about to be performed by *hand*; on disk on return. Safe between threads and processes.

    Raises :class:`StateRefused` when it was before, :class:`StorageError` where nothing can be written.
    """
    folder = {
        ExecutedBy.PRIVILEGED_HELPER: home.confirmed / "performed",
        ExecutedBy.SCHEDULER: home.performed,
        ExecutedBy.CONSOLE: home.administration.with_name("performed"),
    }[hand]
    make = ensure_folder if hand is ExecutedBy.PRIVILEGED_HELPER else sharing.make_directory
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        make(folder)
        try:
            os.close(os.open(folder / request_id, flags, 0o600))
        except FileExistsError as error:
            raise StateRefused("{id} was performed already.", id=request_id) from error
        sync_directory(folder)
    except OSError as error:
        raise StorageError(
            "What is performed cannot be remembered in {path} ({why}), so it was not done.",
            path=folder,
            why=error.strerror or error,
        ) from error


def require_approved(
    tx: Transaction, act: AdminRequest, action: Action, signatures: RequestSignatures, *, now: datetime
) -> None:
    """Raises :class:`StateRefused` when *act* is not what *action* says and takes, :class:`NotAllowed` when who
    asked for it, or approved it, may not or may not any more, or has not signed it."""
    if not _is_what_it_says(act, action):
        raise StateRefused(
            "{id} is not what {action} takes and says now; it was not done, ask anew.",
            id=act.id,
            action=act.action,
        )
    require_author(tx, act, action)
    if action.approvers:
        second = act.decided_by or ""
        if second == act.asked_by or not _is_one_of(tx, second, action.approvers):
            raise NotAllowed("{who} may not approve this any more.", who=second)
        signatures.require_signature(
            tx, RequestStatement(act, DualControlRole.ASKS, act.asked_by), action.who, now=now
        )
        signatures.require_signature(
            tx, RequestStatement(act, DualControlRole.APPROVES, second), action.approvers, now=now
        )


def require_author(tx: Transaction, act: AdminRequest, action: Action) -> None:
    """Raises :class:`NotAllowed` when who asked for *act* may not ask for it any more."""
    if act.asked_by != ROOT.login and not _is_one_of(tx, act.asked_by, action.who):
        raise NotAllowed("{who} may not ask for this any more.", who=act.asked_by)


def _is_what_it_says(act: AdminRequest, action: Action) -> bool:
    kept = dict(act.arguments)
    try:
        same = action.checked_without_secrets(kept) == kept
    except PreconditionRefused:
        return False
    return same and act.persons == action.persons and action.effect_in_english(kept) == act.effect


def _is_one_of(tx: Transaction, login: str, roles: frozenset[AdministratorRole]) -> bool:
    found = administrators.find(tx, login)
    return found is not None and found.state is AdministratorState.ACTIVE and found.role in roles


LONGEST = {
    ExecutedBy.CONSOLE: timedelta(minutes=10),
    ExecutedBy.SCHEDULER: timedelta(minutes=10),
    ExecutedBy.PRIVILEGED_HELPER: timedelta(hours=24),
}
"""After this time an admin request that has not ended counts as interrupted: its process has ended."""


_ENDINGS = {
    AdminRequestState.DONE: JournalKind.REQUEST_DONE,
    AdminRequestState.FAILED: JournalKind.REQUEST_FAILED,
    AdminRequestState.INTERRUPTED: JournalKind.REQUEST_INTERRUPTED,
}
_NOT_TAKEN = AdminRequestOutcome("No process took it in time; it was not done.")
_NOT_ENDED = AdminRequestOutcome("Its process ended before it said what came of it; look before asking anew.")


class RequestExecutor:
    """Performs the admin requests of one process. ``hands`` says which are its own. The others are left to their
    process: the scheduler looks for its own, *privileged_helper* gets the id of what root does. Thread-safe."""

    def __init__(
        self,
        context: AdministrationContext,
        parts: ActionContext,
        hands: frozenset[ExecutedBy],
        signatures: RequestSignatures,
        *,
        privileged_helper: Callable[[str], None] = lambda _act: None,
    ) -> None:
        self._context = context
        self._parts = parts
        self._hands = hands
        self._signatures = signatures
        self._privileged_helper = privileged_helper

    @property
    def settings(self) -> Settings:
        return self._parts.settings

    def dispatch_request(self, act: AdminRequest, arguments: Mapping[str, str]) -> AdminRequest:
        """Performs *act* if it is this process's, else leaves it to another; the admin request as it is then.

        *arguments* are all of them, secret ones too, which are stored nowhere.
        """
        hand = find_action(act.action).executed_by
        if hand in self._hands:
            return self.execute_request(act.id, arguments)
        if hand is ExecutedBy.PRIVILEGED_HELPER:
            try:
                self._privileged_helper(act.id)
            except (ApplianceError, OSError) as error:
                return self._ended(act, AdminRequestState.FAILED, _refusal(error))
        return self._now(act.id)

    def execute_request(self, request_id: str, arguments: Mapping[str, str] | None = None) -> AdminRequest:
        """Performs the request, if nobody took it before. Raises :class:`StateRefused` when somebody did, or when
        it is another process's to do."""
        with self._context.database.transaction() as tx:
            act = admin_requests.load_request(tx, request_id)
            if find_action(act.action).executed_by not in self._hands:
                raise StateRefused("{action} is done by another process.", action=act.action)
            if not admin_requests.start(tx, request_id, self._context.now()):
                raise StateRefused("{id} is {state} and was taken already.", id=request_id, state=act.state)
            asker = administrators.find(tx, act.asked_by)
        action, by = find_action(act.action), Actor(act.asked_by, asker.role) if asker else ROOT
        try:
            self._context.database.query(require_approved, act, action, self._signatures, now=self._context.now())
            if action.approvers:
                record_execution(self._parts.settings.home, action.executed_by, act.id)
            given = act.arguments if arguments is None else arguments
            outcome = action.perform(replace(self._parts, act=act), given, by)
        except (RefusalError, OSError) as error:
            return self._ended(act, AdminRequestState.FAILED, _refusal(error))
        except BaseException as fault:
            self._ended(act, AdminRequestState.FAILED, _fault(fault))
            raise
        return self._ended(act, AdminRequestState.DONE, outcome)

    def execute_waiting(self) -> None:
        """Performs whatever waits for this process, and ends what others left."""
        for hand in self._hands:
            found = self._context.database.query(admin_requests.untaken, actions_executed_by(hand))
            for act in found:
                self.execute_request(act.id)
        self.finish_begun_elsewhere()
        self.interrupt_overdue()

    def finish_begun_elsewhere(self) -> None:
        """Ends what a process began that it ended itself, once what came of it can be seen."""
        for act in self._context.database.query(admin_requests.in_state, AdminRequestState.PERFORMING):
            action = REGISTRY.get(act.action)  # none of another release
            if act.started is None or action is None or action.outcome_elsewhere is None:
                continue
            try:
                outcome = action.outcome_elsewhere(self.settings, act)
            except RefusalError as error:
                self._ended(act, AdminRequestState.FAILED, _refusal(error))
                continue
            if outcome is not None:
                self._ended(act, AdminRequestState.DONE, outcome)

    def interrupt_overdue(self) -> None:
        """What was taken too long ago is interrupted, and what nobody took is not done any more."""
        open_ = self._context.database.query(admin_requests.in_state, AdminRequestState.PERFORMING)
        for act in open_:
            begun = act.started or act.decided or act.asked
            if begun + _longest(act) <= self._context.now():
                self._ended(act, AdminRequestState.INTERRUPTED, _NOT_TAKEN if act.started is None else _NOT_ENDED)

    def _ended(self, act: AdminRequest, after: AdminRequestState, outcome: AdminRequestOutcome) -> AdminRequest:
        with self._context.writing() as tx:
            if admin_requests.end(tx, act.id, after, outcome, self._context.now()):
                said = outcome.template.format(**outcome.values)
                self._context.journal.append_line(
                    tx, _ENDINGS[after], NOBODY, act=act.id, action=act.action, outcome=said
                )
        return replace(self._now(act.id), outcome=outcome)

    def _now(self, request_id: str) -> AdminRequest:
        return self._context.database.query(admin_requests.load_request, request_id)


def _longest(act: AdminRequest) -> timedelta:
    """How long *act* may take; the longest for one of another release, which this one does not know."""
    try:
        return LONGEST[find_action(act.action).executed_by]
    except NotFound:
        return max(LONGEST.values())


def _refusal(error: RefusalError | OSError) -> AdminRequestOutcome:
    if isinstance(error, OSError):
        return AdminRequestOutcome("It could not be done: {why}.", {"why": error.strerror or str(error)})
    return AdminRequestOutcome(error.template, error.plain_values())


def _fault(fault: BaseException) -> AdminRequestOutcome:
    return AdminRequestOutcome(
        "An unexpected fault ({kind}) ended this: {why}.", {"kind": type(fault).__name__, "why": str(fault)}
    )

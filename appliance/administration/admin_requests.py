"""Admin requests: what was asked for, who decided, and that it is performed exactly once.

1. Name, role and arguments are checked; the request is written down with the sentence that says what it will do.
2. What takes two persons is signed by who asks, and waits for a day. Somebody else of a fitting role approves
   exactly that sentence, and signs it, or refuses.
3. Whoever performs takes the request by a conditional update: of two that try at once, one does. It looks again
   whether the request is one that was decided, and verifies both signatures
   (:mod:`appliance.administration.executor`).
4. What came of it is written down. Where a process dies in between, the request is interrupted, never done again.
"""

from __future__ import annotations

import secrets as randomness
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from appliance.administration import approval_mail
from appliance.administration.action import Action
from appliance.administration.actions import find_action, may_approve, may_ask
from appliance.administration.confirmed import REQUEST_LASTS, RequestStatement
from appliance.administration.context import AdministrationContext
from appliance.administration.executor import RequestExecutor, require_author
from appliance.administration.signatures import RequestSignatures, SignedRequest
from appliance.errors import NotAllowed, StateRefused
from appliance.model.administration import (
    NOBODY,
    Actor,
    AdminRequest,
    AdminRequestState,
    DualControlRole,
    JournalKind,
)
from appliance.store.administration import admin_requests
from appliance.store.database import Transaction, reads

SIGNING_PAGE_LASTS = timedelta(minutes=10)
"""How long a page with a sentence to sign may stay open."""

_DECISIONS = {
    AdminRequestState.PERFORMING: JournalKind.REQUEST_APPROVED,
    AdminRequestState.REFUSED: JournalKind.REQUEST_REFUSED,
    AdminRequestState.WITHDRAWN: JournalKind.REQUEST_WITHDRAWN,
}


class AdminRequests:
    """What may be asked for, what was, and who decided. Thread-safe."""

    def __init__(
        self, context: AdministrationContext, performing: RequestExecutor, signatures: RequestSignatures
    ) -> None:
        self._context = context
        self._database = context.database
        self._performing = performing
        self._signatures = signatures

    def draft_request(self, name: str, given: Mapping[str, str], *, by: Actor) -> AdminRequest:
        """The request as :meth:`submit_request` would write it down, for its author to sign. Raises the same."""
        action = find_action(name)
        if not may_ask(by, action):
            raise NotAllowed("{action} is not for {who}.", action=name, who=by.role)
        self.require_possible(action, given)
        return _new(action, action.checked(given), by, asked=self._context.now())

    def require_possible(self, action: Action, given: Mapping[str, str]) -> None:
        """Raises :class:`PreconditionRefused` for what would certainly be refused once it is performed."""
        if action.precheck is not None:
            action.precheck(self._performing.settings, action.checked(given))

    def submit_request(
        self, name: str, given: Mapping[str, str], *, by: Actor, signed: SignedRequest | None = None
    ) -> AdminRequest:
        """Asks for an action: one that takes one person is under way, or done, on return; others wait.

        What takes two is *signed*, unless root's own command asks. Raises :class:`NotFound` for an unknown name,
        :class:`NotAllowed`, :class:`PreconditionRefused` for arguments and for what does not verify,
        :class:`StateRefused` for a page that is too old, and for who has no passkey. What goes wrong afterwards is
        the outcome of the admin request.
        """
        act, action = self.draft_request(name, given, by=by), find_action(name)
        if signed is not None and act.persons == 2:
            _require_fresh(signed.asked, self._context.now())
            act = replace(act, id=signed.request_id, asked=signed.asked, expires=signed.asked + REQUEST_LASTS)
        self._write(act, action, by, signed.answer if signed else None)
        arguments = action.checked(given)
        return act if act.state is AdminRequestState.WAITING else self._performing.dispatch_request(act, arguments)

    def signing_options(self, act: AdminRequest, part: DualControlRole, *, by: Actor) -> str | None:
        """What *by*'s browser asks the passkey for (JSON); None without one that counts."""
        return self._context.database.query(self._signatures.options, RequestStatement(act, part, by.login))

    def approve_request(
        self, request_id: str, *, by: Actor, answer: str | None = None, shown: AdminRequest | None = None
    ) -> AdminRequest:
        """The second person agrees, and the request is performed, as :meth:`submit_request` has it. *answer* is
        their passkey's; without one, root's command has asked for password and code, *shown* is what they read.

        Raises :class:`PreconditionRefused` for an answer that does not verify; :class:`NotAllowed` for its author,
        for a role that may not, and when its author may not ask for it any more; :class:`StateRefused` when it was
        decided already, has expired, is not what was *shown* or would now do something else, and for who has no
        passkey.
        """
        with self._context.writing() as tx:
            act, action = self._decidable(tx, request_id)
            _require_second(act, action, by)
            require_author(tx, act, action)
            if shown is not None and act != shown:  # a console that was taken over writes this table meanwhile
                raise StateRefused(
                    "{id} was changed after it was shown: suspect the console, and look at it anew.", id=request_id
                )
            if action.effect_in_english(act.arguments) != act.effect:
                raise StateRefused(
                    "Since {id} was asked for, {action} has changed; ask anew.", id=request_id, action=act.action
                )
            statement = RequestStatement(act, DualControlRole.APPROVES, by.login)
            self._signatures.accept_answer(tx, statement, answer, action.approvers, now=self._context.now())
            act = self._decide(tx, act, AdminRequestState.PERFORMING, by)
        return self._performing.dispatch_request(act, act.arguments)

    def refuse_request(self, request_id: str, *, by: Actor) -> AdminRequest:
        """The second person does not agree. Raises as :meth:`approve_request`."""
        with self._context.writing() as tx:
            act, action = self._decidable(tx, request_id)
            _require_second(act, action, by)
            return self._decide(tx, act, AdminRequestState.REFUSED, by)

    def withdraw_request(self, request_id: str, *, by: Actor) -> AdminRequest:
        """The author takes it back. Raises :class:`NotAllowed` for anybody else."""
        with self._context.writing() as tx:
            act, _ = self._decidable(tx, request_id)
            if by.login != act.asked_by:
                raise NotAllowed("Only who asked for {id} withdraws it.", id=request_id)
            return self._decide(tx, act, AdminRequestState.WITHDRAWN, by)

    find_request = reads(admin_requests.load_request)

    def waiting(self) -> list[AdminRequest]:
        """What waits for a second person, the oldest first."""
        self.expire_requests()
        return self._context.database.query(admin_requests.in_state, AdminRequestState.WAITING)

    def under_way(self) -> list[AdminRequest]:
        """What is being performed, or is about to be."""
        return self._context.database.query(admin_requests.in_state, AdminRequestState.PERFORMING)

    recent = reads(admin_requests.recent)

    def expire_requests(self) -> None:
        """Ends what waited for too long."""
        waiting = self._context.database.query(admin_requests.in_state, AdminRequestState.WAITING)
        if any(each.expires <= self._context.now() for each in waiting):
            with self._context.writing() as tx:
                for request_id in admin_requests.expire(tx, self._context.now()):
                    self._context.journal.append_line(tx, JournalKind.REQUEST_EXPIRED, NOBODY, act=request_id)

    def _write(self, act: AdminRequest, action: Action, by: Actor, answer: str | None) -> None:
        waits = act.state is AdminRequestState.WAITING
        with self._context.writing() as tx:
            admin_requests.insert_request(tx, act)
            if waits:
                statement = RequestStatement(act, DualControlRole.ASKS, by.login)
                self._signatures.accept_answer(tx, statement, answer, action.who, now=self._context.now())
                approval_mail.queue_approval_mail(tx, act, action, self._context.now())
            kind = JournalKind.REQUEST_ASKED if waits else JournalKind.REQUEST_BEGUN
            self._context.journal.append_line(tx, kind, by, act=act.id, action=act.action, effect=act.effect)

    def _decidable(self, tx: Transaction, request_id: str) -> tuple[AdminRequest, Action]:
        act = admin_requests.load_request(tx, request_id)
        if act.state is not AdminRequestState.WAITING:
            raise StateRefused("{id} is {state}; nothing is left to decide.", id=request_id, state=act.state)
        if act.expires <= self._context.now():
            raise StateRefused("{id} waited for a day and has expired; ask anew.", id=request_id)
        return act, find_action(act.action)

    def _decide(self, tx: Transaction, act: AdminRequest, after: AdminRequestState, by: Actor) -> AdminRequest:
        if not admin_requests.decide(tx, act.id, after, by=by.login, now=self._context.now()):
            raise StateRefused("{id} was decided already.", id=act.id)
        self._context.journal.append_line(tx, _DECISIONS[after], by, act=act.id, action=act.action)
        return admin_requests.load_request(tx, act.id)


def _new(action: Action, arguments: Mapping[str, str], by: Actor, *, asked: datetime) -> AdminRequest:
    kept = action.storable(arguments)
    return AdminRequest(
        id=randomness.token_hex(6),
        action=action.name,
        arguments=kept,
        effect=action.effect_in_english(kept),
        state=AdminRequestState.WAITING if action.persons == 2 else AdminRequestState.PERFORMING,
        persons=action.persons,
        asked_by=by.login,
        asked=asked,
        expires=asked + REQUEST_LASTS,
    )


def _require_fresh(asked: datetime, now: datetime) -> None:
    if not now - SIGNING_PAGE_LASTS <= asked <= now:
        raise StateRefused("This page is too old or was used already; load it again and repeat the last step.")


def _require_second(act: AdminRequest, action: Action, by: Actor) -> None:
    if by.login == act.asked_by:
        raise NotAllowed("Nobody decides on what they asked for; another person does.")
    if not may_approve(by, action):
        raise NotAllowed("{action} is not decided on by {who}.", action=action.name, who=by.role or by.login)

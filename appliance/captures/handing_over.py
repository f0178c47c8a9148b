"""What people who have left leave behind of captures: an officer hands all of it to a colleague who may capture.
Until then no capture of their plans is made, which counts as missed (:mod:`appliance.captures.planning`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from appliance.contracts.rules import require_reason
from appliance.errors import NotAllowed, NotFound, PreconditionRefused, StateRefused
from appliance.ledger.audit_trail import AuditEvent, EventKind, append_event
from appliance.model.captures import CaptureSchedule, LeftCaptures
from appliance.model.notice import Notice, NoticeKind
from appliance.model.people import Person
from appliance.store import captures, left_captures, members, outbox, people
from appliance.store.database import Database, Transaction, reads

SHOWN: Final = 200
"""People who have left, and plans of one of them, on a page."""

MOST_CANDIDATES: Final = 50
"""Colleagues of whom a list shows those who may capture."""

_TOGETHER: Final = 100
"""Captures and plans that change hands in one transaction."""


class CaptureHandingOver:
    """Thread-safe, and safe between processes."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database, self._now = database, now

    count_resting = reads(left_captures.count_resting)

    def everybody(self) -> Sequence[LeftCaptures]:
        """Who has left and still has captures or plans, those with plans that rest first."""
        return self._database.query(left_captures.left_captures, SHOWN)

    def left_behind(self, subject: str) -> LeftCaptures | None:
        """What *subject* left; None for somebody who has not left, or left nothing."""
        return self._database.query(left_captures.left_by, subject)

    def schedules(self, subject: str) -> Sequence[CaptureSchedule]:
        """The newest plans of *subject*."""
        return self._database.query(captures.schedules_of, subject, SHOWN)

    def candidates(self, subject: str, words: str) -> Sequence[Person]:
        """Colleagues of *subject* who may capture, and who have *words* in name, department or mail address."""
        with self._database.reading() as tx:
            return captures.investigators(tx, people.person(tx, subject), words, limit=MOST_CANDIDATES)

    def hand_over(self, subject: str, *, to: str, reason: str, by: str) -> int:
        """Everything that *subject* left belongs to *to* from now on, who is told; how many captures and plans.
        The log names each of them, *by*, who decided, and the *reason*; that somebody else ordered it stays known.

        Raises :class:`NotAllowed` for a *by* who is no officer, :class:`PreconditionRefused` for a *to* who is no
        colleague that may capture, and :class:`StateRefused` where nothing is left to hand over.
        """
        words, now, passed = require_reason(reason), self._now(), 0
        while True:
            with self._database.transaction() as tx:
                _require_allowed(tx, subject, to, by)
                orders = left_captures.orders_left(tx, subject, _TOGETHER)
                for kind, order in orders:
                    left_captures.pass_on(tx, kind, order, to)
                    public = {kind.value: order, "from": subject, "to": to}
                    event = AuditEvent(EventKind.CAPTURE_HANDED_OVER, now, by, None, public, {"reason": words})
                    append_event(tx, event)
                if orders and not passed:
                    outbox.enqueue(tx, Notice(None, to, NoticeKind.CAPTURES_TAKEN_OVER, now, subject))
            passed += len(orders)
            if not orders:
                break
        if not passed:
            raise StateRefused("Nothing is left of the captures of this person that could be handed over.")
        return passed


def _require_allowed(tx: Transaction, subject: str, to: str, by: str) -> None:
    if by not in members.officers(tx):
        raise NotAllowed("Only an officer hands over the captures of somebody who has left.")
    if not people.has_left(tx, subject):
        raise PreconditionRefused("{name} has not left.", name=people.person(tx, subject).name)
    try:
        person = people.person(tx, to)
    except NotFound as unknown:
        raise PreconditionRefused("Choose a colleague from the list.") from unknown
    if not people.is_colleague(tx, subject, to) or not captures.may_capture(tx, to):
        raise PreconditionRefused(
            "{name} cannot take them over: that takes a colleague with an active account and the role of an"
            " investigator.",
            name=person.name,
        )

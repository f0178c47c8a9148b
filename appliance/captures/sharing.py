"""Captures and plans shared with colleagues, who read them and change nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from appliance.captures.register import PAGE, SHOWN_SCHEDULES, CapturePage, page_of
from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.ledger.audit_trail import AuditEvent, EventKind, append_event
from appliance.model.captures import CaptureSchedule, CaptureState, OrderKind
from appliance.model.notice import Notice, NoticeKind
from appliance.model.people import Person
from appliance.store import captures, members, outbox, people
from appliance.store.database import Database, Transaction, reads

MOST_READERS: Final = 50
"""People with whom one capture, or one plan, is shared."""

_WITHOUT_FILES: Final = (CaptureState.CANCELLED, CaptureState.DISPOSED)


class CaptureSharing:
    """``by`` is the owner. With a plan all of its captures are shared, those to come as well. Thread-safe."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database, self._now = database, now

    def share(self, kind: OrderKind, order: str, person: str, *, by: str) -> None:
        """*person*, a colleague of the owner, may read it from now on, and is told.

        Raises :class:`NotFound`, :class:`PreconditionRefused` for somebody who is no colleague with an active
        account, and :class:`StateRefused` for a capture of which there is nothing to read.
        """
        now = self._now()
        with self._database.transaction() as tx:
            _require_own(tx, kind, order, by)
            if kind is OrderKind.CAPTURE and captures.load_capture(tx, order).state in _WITHOUT_FILES:
                raise StateRefused("Nothing is left of this capture that could be shared.")
            _require_colleague(tx, kind, order, person, by)
            if captures.share(tx, kind, order, person, now):
                _log(tx, EventKind.CAPTURE_SHARED, kind, order, person, by, now)
                outbox.enqueue(tx, Notice(None, person, NoticeKind.CAPTURE_SHARED, now, order))

    def unshare(self, kind: OrderKind, order: str, person: str, *, by: str) -> None:
        """*person* reads it no more; what was read and saved cannot be taken back. Raises :class:`NotFound`."""
        now = self._now()
        with self._database.transaction() as tx:
            _require_own(tx, kind, order, by)
            if captures.unshare(tx, kind, order, person):
                _log(tx, EventKind.CAPTURE_UNSHARED, kind, order, person, by, now)

    readers = reads(captures.readers_of)
    is_shared_with = reads(captures.is_shared_with)

    def colleagues(self, subject: str, words: str) -> Sequence[Person]:
        """With whom *subject* can share: those who have *words* in name, department or mail address, by name."""
        with self._database.reading() as tx:
            return members.colleagues(tx, people.person(tx, subject), words, limit=MOST_READERS)

    def captures_of(self, subject: str, *, after: str | None = None) -> CapturePage:
        """The newest captures that colleagues share with *subject*, behind the one with the id *after*. Raises
        :class:`NotFound` for an *after* that is not theirs to see."""
        with self._database.reading() as tx:
            if after is not None:
                captures.readable_capture(tx, after, subject)
            return page_of(captures.captures_shared_with(tx, subject, after, PAGE + 1))

    def schedules_of(self, subject: str) -> Sequence[CaptureSchedule]:
        """The newest plans that colleagues share with *subject*."""
        return self._database.query(captures.schedules_shared_with, subject, SHOWN_SCHEDULES)

    def count(self, subject: str) -> int:
        """How many captures and plans colleagues share with *subject*, up to those of a page."""
        return len(self.captures_of(subject).captures) + len(self.schedules_of(subject))


def _require_own(tx: Transaction, kind: OrderKind, order: str, by: str) -> None:
    if kind is OrderKind.CAPTURE:
        captures.load_capture(tx, order, by)
    else:
        captures.load_schedule(tx, order, by)


def _require_colleague(tx: Transaction, kind: OrderKind, order: str, subject: str, by: str) -> None:
    try:
        person = people.person(tx, subject)
    except NotFound as unknown:
        raise PreconditionRefused("Choose a colleague from the list.") from unknown
    if not people.is_colleague(tx, by, subject):
        raise PreconditionRefused(
            "{name} is not a colleague with an active account; a capture is shared within the organisation only.",
            name=person.name,
        )
    if len(captures.readers_of(tx, kind, order)) >= MOST_READERS:
        raise PreconditionRefused("A capture is shared with at most {most} people.", most=MOST_READERS)


def _log(
    tx: Transaction, event: EventKind, kind: OrderKind, order: str, person: str, by: str, at: datetime
) -> None:
    append_event(tx, AuditEvent(event, at, by, None, {kind.value: order, "recipient": person}))

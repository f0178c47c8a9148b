"""How long captures are kept: the setting's number of days, and longer where their owner or an officer says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from appliance.config.captures import CaptureSettings
from appliance.errors import PreconditionRefused
from appliance.ledger.audit_trail import SYSTEM, AuditEvent, EventKind, append_event
from appliance.ledger.disclosure import Audience, belongs
from appliance.model.captures import CaptureState, OrderedCapture
from appliance.model.notice import Notice, NoticeKind
from appliance.policy import Policy
from appliance.retention import PAGE, Disposals, require_not_held
from appliance.store import captures, members, outbox, retention
from appliance.store.database import Database, Transaction
from hsm.intents import instant

TOLD_AGAIN: Final = timedelta(days=1)
"""Officers are told of further captures after that time."""


class CaptureRetention(Disposals[OrderedCapture]):
    """Captures whose term is over are disposed of: files, address, purpose and what opens their entry of the log.
    The entry itself stays, and so does the log's proof of it; blobs are removed by
    :meth:`appliance.retention.RetentionService.remove_doomed_blobs`. Officers propose and confirm it as they do of
    contracts, or it happens by itself, where policy says so (``retention.captures_by_officers``). Thread-safe."""

    _kind = retention.CAPTURES

    def __init__(
        self, database: Database, settings: CaptureSettings, policy: Policy, now: Callable[[], datetime]
    ) -> None:
        super().__init__(database, policy, now)
        self._settings = settings

    @property
    def by_officers(self) -> bool:
        """Whether nothing is disposed of unless officers have decided so."""
        return self._policy.default.retention.captures_by_officers

    def list_due(self) -> Sequence[OrderedCapture]:
        """Captures whose term is over, the oldest first, without those that are held or proposed for disposal."""
        if not self._settings.keep_days:
            return ()
        before = self._now() - timedelta(days=self._settings.keep_days)
        return self._database.query(captures.to_dispose, before, PAGE)

    def dispose_due(self) -> int:
        """Disposes of some of those whose term is over, where it happens by itself; how many."""
        if self.by_officers:
            return 0
        now = self._now()
        return sum(self._database.commit(self._dispose_by_itself, each.id, now) for each in self.list_due())

    def tell_officers(self) -> int:
        """Tells every officer, once a day at most, that the term of further captures is over, where nothing goes
        by itself; how many were told."""
        if not self.by_officers or not self._settings.keep_days:
            return 0
        now = self._now()
        before = instant(now - timedelta(days=self._settings.keep_days))
        if not self._database.query(captures.came_due, None, before):
            return 0
        with self._database.transaction() as tx:
            due = [each for each in members.officers(tx) if _is_news(tx, each, before, now)]
            for each in due:
                outbox.enqueue(tx, Notice(None, each, NoticeKind.CAPTURES_DUE, now, before))
                captures.note_told(tx, each, now, before)
        return len(due)

    def is_held(self, capture_id: str) -> bool:
        """Whether it is under a legal hold."""
        return self._database.query(retention.is_held, capture_id, of=self._kind)

    def knows(self, number: str) -> bool:
        """Whether a web capture has this number: contracts have others."""
        return self._database.query(captures.find_capture, number) is not None

    def is_of(self, capture_id: str, audience: Audience) -> bool:
        """Whether somebody of *audience* ordered it. Raises :class:`NotFound`."""
        with self._database.reading() as tx:
            return belongs(tx, captures.load_capture(tx, capture_id).owner, audience)

    def _dispose_by_itself(self, tx: Transaction, capture_id: str, now: datetime) -> bool:
        try:
            capture = self._disposable(tx, capture_id, now)
        except PreconditionRefused:  # somebody keeps it since it was looked for
            return False
        self._dispose(tx, capture, SYSTEM, now)
        return True

    def _event(self, kind: EventKind, at: datetime, by: str, number: str, reason: str) -> AuditEvent:
        return AuditEvent(kind, at, by, None, {"capture": number}, {"reason": reason})

    def _after_lifting(self, tx: Transaction, number: str) -> None:
        captures.tell_anew(tx, captures.load_capture(tx, number))

    def _require_known(self, tx: Transaction, number: str) -> None:
        if captures.load_capture(tx, number).state is not CaptureState.DONE:
            raise PreconditionRefused("There is nothing to keep of this capture.")

    def _disposable(self, tx: Transaction, number: str, now: datetime) -> OrderedCapture:
        capture = captures.load_capture(tx, number)
        if capture.state is not CaptureState.DONE or capture.ended is None:
            raise PreconditionRefused("There is nothing to dispose of in web capture {capture}.", capture=number)
        require_not_held(tx, number, of=self._kind)
        if capture.held is not None:
            raise PreconditionRefused(
                "Whoever ordered web capture {capture} keeps it longer; it stays until they say otherwise.",
                capture=number,
            )
        days = self._settings.keep_days
        if not days:
            raise PreconditionRefused("Web captures are kept for good here; {capture} stays.", capture=number)
        until = capture.ended + timedelta(days=days)
        if now < until:
            raise PreconditionRefused(
                "Web capture {capture} has to be kept until {until}; it stays until then.",
                capture=number,
                until=until,
            )
        return capture

    def _dispose(self, tx: Transaction, retained: OrderedCapture, by: str, now: datetime) -> int:
        retention.mark_for_removal(tx, captures.dispose(tx, retained.id), since=now)
        if retained.record is not None:
            retention.forget_openings(tx, [retained.record.entry])
        return append_event(tx, AuditEvent(EventKind.CAPTURE_DISPOSED, now, by, None, {"capture": retained.id}))


def _is_news(tx: Transaction, officer: str, before: str, now: datetime) -> bool:
    """Whether a capture is due of which *officer* was not told."""
    told = captures.told_of_due(tx, officer)
    if told is None:
        return True
    at, until = told
    return now - at >= TOLD_AGAIN and captures.came_due(tx, until, before)

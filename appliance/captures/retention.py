"""How long captures are kept: the setting's number of days, and longer where their owner says so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from appliance.config.captures import CaptureSettings
from appliance.ledger.audit_trail import SYSTEM, AuditEvent, EventKind, append_event
from appliance.model.captures import OrderedCapture
from appliance.store import captures, retention
from appliance.store.database import Database, Transaction

_TOGETHER = 50


class CaptureRetention:
    """Disposes of captures whose term is over: files, address, purpose and what opens their entry of the log. The
    entry itself stays, and so does the log's proof of it; blobs are removed by
    :meth:`appliance.retention.RetentionService.remove_doomed_blobs`. Thread-safe."""

    def __init__(self, database: Database, settings: CaptureSettings, now: Callable[[], datetime]) -> None:
        self._database = database
        self._settings = settings
        self._now = now

    def dispose_due(self) -> int:
        """Disposes of some of those whose term is over; how many."""
        if not self._settings.keep_days:
            return 0
        now = self._now()
        before = now - timedelta(days=self._settings.keep_days)
        due = self._database.query(captures.to_dispose, before, _TOGETHER)
        return sum(self._database.commit(self._dispose, each.id, now) for each in due)

    def _dispose(self, tx: Transaction, capture_id: str, now: datetime) -> bool:
        capture = captures.load_capture(tx, capture_id)
        if not _is_to_go(capture):  # its owner keeps it since it was looked for
            return False
        retention.mark_for_removal(tx, captures.dispose(tx, capture_id), since=now)
        if capture.record is not None:
            retention.forget_openings(tx, [capture.record.entry])
        append_event(tx, AuditEvent(EventKind.CAPTURE_DISPOSED, now, SYSTEM, None, {"capture": capture_id}))
        return True


def _is_to_go(capture: OrderedCapture) -> bool:
    return capture.record is not None and capture.held is None

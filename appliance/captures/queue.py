"""The scheduler's work on web captures: each is made by the confined service, recorded, or told as failed.

What was ordered stands in the database, and so does how far it is. A capture whose process died is made once more,
then it has failed; what is not the page's fault (no service, no clock, no space) is tried again for an hour.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from appliance.capture_service.client import CaptureService, CaptureUnavailable
from appliance.capture_service.messages import CaptureFault
from appliance.captures.live_views import LiveLogIns
from appliance.captures.orders import order_of
from appliance.captures.recording import CaptureRecording, CaptureRequest, RecordedCapture
from appliance.captures.telling import asked_by, tell
from appliance.contracts.crash_safety import ProcessLeases
from appliance.documents.blobs import BlobStore
from appliance.errors import StateRefused
from appliance.evidence.captures.facts import fit
from appliance.ledger.audit_trail import EventKind
from appliance.model.captures import CaptureFile, CaptureRecord, OrderedCapture
from appliance.model.notice import Notice, NoticeKind
from appliance.store import captures, outbox, people
from appliance.store.database import Database, Transaction
from appliance.web_capture.capturing import Capture
from appliance.web_capture.model import CaptureFailed, CaptureProgress
from hsm.errors import RefusalError, Sentence

MOST_ATTEMPTS: Final = 2
"""How often a capture is begun whose process dies."""

PAUSE: Final = timedelta(seconds=30)
"""Until the next try of what failed by no fault of the page."""

GIVEN_UP: Final = timedelta(hours=1)
"""For how long that is tried."""

BETWEEN: Final = 0.5
"""Seconds between two notes of how far a capture is."""

INTERRUPTED: Final = Sentence("It was interrupted twice, as the machine stopped; capture the address again.")
LOG_IN_INTERRUPTED: Final = Sentence("It was interrupted, as the machine stopped; capture the address again.")
ONCE_MORE: Final = Sentence("It was interrupted, as the machine stopped, and is made once more.")


class CaptureQueue:
    """Thread-safe: each thread that runs :meth:`run_next` makes one capture at a time. *leases* tell whose
    captures were left by a process that died."""

    def __init__(
        self,
        database: Database,
        blobs: BlobStore,
        leases: ProcessLeases,
        makers: tuple[CaptureService, CaptureRecording],
        log_ins: LiveLogIns,
        now: Callable[[], datetime],
    ) -> None:
        self._database, self._blobs, self._leases, self._now = database, blobs, leases, now
        self._service, self._recording = makers
        self._log_ins = log_ins

    def run_next(self, *, log_in: bool = False) -> bool:
        """Makes the capture that waits longest, of those with a *log_in* by hand or of the others; False when none
        waits. Raises what nobody has foreseen: the capture waits again then, and has failed after the second time.
        """
        self._database.commit(self._take_up_abandoned)
        taken = self._database.commit(self._take, log_in=log_in)
        if taken is None:
            return False
        try:
            self._make(taken)
        except CaptureFailed as failure:
            self._fail(taken, Sentence(failure.template, failure.values))
        except CaptureUnavailable as failure:
            counts = self._may_be_the_pages(taken, failure)
            self._postpone(taken, Sentence(failure.template, failure.values), counts=counts)
        except RefusalError as failure:  # of our own: the machine cannot do it now
            self._postpone(taken, Sentence(failure.template, failure.values))
        except BaseException:
            self._database.commit(self._leave, taken)
            raise
        return True

    def _take(self, tx: Transaction, *, log_in: bool = False) -> OrderedCapture | None:
        now = self._now()
        found = captures.next_waiting(tx, now, log_in=log_in)
        if found is not None:
            captures.begin(tx, found.id, self._leases.own_lease(), now)
        return found

    def _take_up_abandoned(self, tx: Transaction) -> None:
        """What a process that died was making waits again, or has failed."""
        for capture, claimant in captures.under_way(tx):
            if not self._leases.is_held(claimant):
                self._left(tx, capture, claimant)

    def _leave(self, tx: Transaction, taken: OrderedCapture) -> None:
        capture = captures.load_capture(tx, taken.id)
        self._left(tx, capture, self._leases.own_lease())

    def _left(self, tx: Transaction, capture: OrderedCapture, claimant: str) -> None:
        now = self._now()
        if capture.work.attempts < MOST_ATTEMPTS and not capture.log_in:
            captures.wait_again(tx, capture.id, claimant, now, ONCE_MORE, counts=True)
        elif captures.fail(tx, capture.id, claimant, now, LOG_IN_INTERRUPTED if capture.log_in else INTERRUPTED):
            _tell(tx, capture, now)

    def _make(self, taken: OrderedCapture) -> None:
        progress = _Noting(partial(self._note, taken.id))
        order = order_of(taken.address, taken.steps, log_in=taken.log_in)
        with self._log_ins.of(taken.id, taken.owner) if taken.log_in else nullcontext() as live:
            capture = self._service.capture(order, progress=progress, live=live)
        with self._database.reading() as tx:
            person = people.person(tx, taken.owner)
        request = CaptureRequest(taken.id, taken.purpose, person.name, person.organisation, person.zone)
        with asked_by(taken):
            self._recording.record(capture, request=request, by=taken.owner, keep=partial(self._keep, capture))

    def _may_be_the_pages(self, taken: OrderedCapture, failure: CaptureUnavailable) -> bool:
        """Whether a page may have made the program fail, by all its memory perhaps: it would do so each time."""
        begun = self._database.query(captures.load_capture, taken.id).work.stage
        return bool(begun) or failure.cause in (CaptureFault.UNBELIEVABLE, CaptureFault.LATE)

    def _note(self, capture_id: str, made: CaptureProgress) -> None:
        """Raises :class:`StateRefused`, which ends the capture, once its owner has cancelled it."""
        words = {"requests": made.requests, "received": made.received}
        lease = self._leases.own_lease()
        if not self._database.commit(captures.note_progress, capture_id, lease, made.stage.value, **words):
            raise StateRefused("This capture was cancelled.")

    def _keep(self, capture: Capture, tx: Transaction, recorded: RecordedCapture) -> None:
        """In the transaction of the log's entry, so that there is none of a capture that was cancelled."""
        record = CaptureRecord(
            recorded.title, fit(capture.visit.address), recorded.entry, recorded.at, recorded.audience
        )
        files = [CaptureFile(path, each, self._blobs.size(each)) for path, each in recorded.files.items()]
        if not captures.finish(tx, recorded.id, self._leases.own_lease(), record, files):
            raise StateRefused("This capture was cancelled.")

    def _fail(self, taken: OrderedCapture, why: Sentence) -> None:
        with self._database.transaction() as tx:
            if captures.fail(tx, taken.id, self._leases.own_lease(), self._now(), why):
                _tell(tx, taken, self._now())

    def _postpone(self, taken: OrderedCapture, why: Sentence, *, counts: bool = False) -> None:
        """Tried again later; not for ever, and not at all where it was cancelled meanwhile, or somebody would have
        to log in again. With *counts* it was an attempt as where a process dies."""
        now = self._now()
        begun = taken.work.attempts + 1
        if taken.log_in or now - taken.ordered >= GIVEN_UP or (counts and begun >= MOST_ATTEMPTS):
            self._fail(taken, why)
            return
        lease = self._leases.own_lease()
        self._database.commit(captures.wait_again, taken.id, lease, now + PAUSE, why, counts=counts)


@dataclass
class _Noting:
    """Notes progress when a stage begins, and now and then within it. What it raises ends the capture."""

    note: Callable[[CaptureProgress], None]
    stage: str = ""
    next: float = 0.0

    def __call__(self, made: CaptureProgress) -> None:
        now = time.monotonic()
        if made.stage.value != self.stage or now >= self.next:
            self.stage, self.next = made.stage.value, now + BETWEEN
            self.note(made)


def _tell(tx: Transaction, capture: OrderedCapture, at: datetime) -> None:
    """Its owner, and the program that ordered it, that nothing came of it."""
    tell(tx, capture, EventKind.CAPTURE_FAILED, at)
    outbox.enqueue(tx, Notice(None, capture.owner, NoticeKind.CAPTURE_FAILED, at, capture.id))

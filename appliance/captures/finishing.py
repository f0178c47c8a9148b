"""What the scheduler makes of a recorded capture: a small picture, and the comparison with the one before.

Each is kept when it is there, so whatever interrupts this, the next round goes on with the rest.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from appliance.captures.telling import tell
from appliance.confinement.pool import Confinement
from appliance.documents.blobs import BlobStore
from appliance.errors import NotFound
from appliance.evidence.captures import layout
from appliance.evidence.captures.facts import CaptureFacts, decode
from appliance.evidence.captures.thumbnail import thumbnail_of
from appliance.ledger.audit_trail import EventKind
from appliance.model.captures import CaptureFile, CaptureState, OrderedCapture, OrderKind, RecordedComparison
from appliance.model.notice import Notice, NoticeKind
from appliance.store import captures, outbox, people
from appliance.store.database import Database, Transaction
from appliance.web_capture.differences import ComparedPage, compare_pages

PREVIEW: Final = "preview.jpg"
MARKED: Final = "differences.png"
MADE_LATER: Final = frozenset({PREVIEW, MARKED})
"""What is made here, among the files of a capture: no part of its package."""


class CaptureFinishing:
    """Thread-safe; one scheduler runs the rounds."""

    def __init__(
        self,
        database: Database,
        blobs: BlobStore,
        confinement: Confinement,
        now: Callable[[], datetime],
    ) -> None:
        self._database, self._blobs, self._confinement, self._now = database, blobs, confinement, now

    def run_round(self) -> int:
        """Finishes the capture that waits longest; how many were finished. Raises what the confined processes or
        the disk raise: what is missing is made in a later round, after that of the others."""
        waiting = self._database.query(captures.to_finish, 1)
        for capture_id in waiting:
            with self._database.transaction() as tx:
                capture = captures.load_capture(tx, capture_id)
                files = {each.name: each.digest for each in captures.files_of(tx, capture_id)}
                captures.finish_later(tx, capture_id, self._now())
            self._preview(capture, files)
            self._compare(capture, files)
            self._database.commit(captures.finished, capture_id)
        return len(waiting)

    def _preview(self, capture: OrderedCapture, files: Mapping[str, str]) -> None:
        if PREVIEW in files:
            return
        small = thumbnail_of(self._confinement, self._blobs.get(files[layout.PICTURE]))
        if small:  # otherwise it cannot be read: a page may have taken over the browser that made it
            self._add(capture.id, PREVIEW, small)

    def _compare(self, capture: OrderedCapture, files: Mapping[str, str]) -> None:
        """With the one before of the same schedule; its owner, and who reads the plan, are told of what is
        different."""
        with self._database.reading() as tx:
            earlier = None if capture.schedule is None else captures.one_before(tx, capture)
            before = (
                {} if earlier is None else {each.name: each.digest for each in captures.files_of(tx, earlier.id)}
            )
        if earlier is None or capture.comparison is not None:
            return
        found = compare_pages(self._page(before), self._page(files), self._confinement)
        told = json.dumps(found.differences.encode(), ensure_ascii=False)
        comparison = RecordedComparison(earlier.id, not found.differences.same, told)
        if found.marked:
            self._add(capture.id, MARKED, found.marked)
        self._database.commit(self._note, capture, comparison)

    def _note(self, tx: Transaction, capture: OrderedCapture, comparison: RecordedComparison) -> None:
        captures.note_comparison(tx, capture.id, comparison)
        if comparison.changed:
            at = self._now()
            tell(tx, capture, EventKind.CAPTURE_CHANGED, at, compared=comparison.earlier)
            for each in (capture.owner, *_readers(tx, capture)):
                outbox.enqueue(tx, Notice(None, each, NoticeKind.CAPTURE_CHANGED, at, capture.id))

    def _page(self, files: Mapping[str, str]) -> ComparedPage:
        facts = decode(self._blobs.get(files[layout.FACTS]))
        return ComparedPage(
            facts.page.address,
            facts.page.title,
            self._blobs.get(files[layout.TEXT]).decode(errors="replace"),
            self._blobs.get(files[layout.PICTURE]),
            self._blobs.get(files[layout.WACZ]),
            _certificate(facts),
        )

    def _add(self, capture_id: str, name: str, content: bytes) -> None:
        """One more file, unless the capture was disposed of meanwhile."""
        file = CaptureFile(name, self._blobs.put(content), len(content))
        with self._database.transaction() as tx:
            if captures.load_capture(tx, capture_id).state is not CaptureState.DONE:
                raise NotFound("There is no web capture {capture}.", capture=capture_id)
            captures.add_file(tx, capture_id, file)


def _readers(tx: Transaction, capture: OrderedCapture) -> list[str]:
    """The colleagues with whom the plan of *capture* is shared and who may still read it."""
    shared = captures.readers_of(tx, OrderKind.SCHEDULE, capture.schedule or "")
    return [
        each for each in shared if people.is_active(tx, each) and captures.is_shared_with(tx, capture.id, each)
    ]


def _certificate(facts: CaptureFacts) -> str:
    """SHA-256 of what the server of the page's last address showed; empty without TLS."""
    host = urlsplit(facts.page.address).hostname or ""
    return next((each.certificates[0] for each in facts.tls if each.host == host and each.certificates), "")

"""Evidence packages of captures: made when somebody first asks for one, and kept from then on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from appliance.captures.finishing import MADE_LATER
from appliance.captures.recording import CaptureRecording, RecordedCapture
from appliance.captures.register import CaptureRegister
from appliance.captures.telling import tell
from appliance.documents.blobs import BlobStore
from appliance.errors import StateRefused
from appliance.evidence.captures.layout import FACTS
from appliance.ledger.audit_trail import EventKind
from appliance.model.captures import CaptureFile, OrderedCapture
from appliance.store import captures
from appliance.store.database import Database, Transaction

PACKAGE: Final = "package.zip"
"""Its name among the files of a capture."""


class CapturePackages:
    """In a process to which the authority signs manifests: the portal. Thread-safe."""

    def __init__(
        self, database: Database, blobs: BlobStore, register: CaptureRegister, recording: CaptureRecording
    ) -> None:
        self._database, self._blobs, self._register, self._recording = database, blobs, register, recording

    def package(self, capture_id: str, *, by: str) -> bytes:
        """The package of a capture that *by* may see. The first time it waits for a checkpoint of the log, and the
        authority signs and dates it; later it is the same octets again.

        Raises :class:`NotFound`, :class:`StateRefused` for a capture without files or while no checkpoint comes,
        and what the authority raises.
        """
        capture = self._register.get(capture_id, by=by)
        files = {each.name: each.digest for each in self._register.files(capture_id, by=by)}
        if PACKAGE in files:
            return self._blobs.get(files[PACKAGE])
        made = self._recording.package(_recorded(capture, files))
        file = CaptureFile(PACKAGE, self._blobs.put(made), len(made))
        return self._blobs.get(self._database.commit(self._keep, capture, file))

    def _keep(self, tx: Transaction, capture: OrderedCapture, file: CaptureFile) -> str:
        """The digest of the package that stands: whoever made the first one."""
        if captures.add_file(tx, capture.id, file):
            tell(tx, capture, EventKind.CAPTURE_PACKAGED, self._register.now(), package=file.digest)
        return next(each.digest for each in captures.files_of(tx, capture.id) if each.name == file.name)


def _recorded(capture: OrderedCapture, files: Mapping[str, str]) -> RecordedCapture:
    record = capture.record
    if record is None or FACTS not in files:
        raise StateRefused("There is no package of this capture: it has not ended well, or was disposed of.")
    return RecordedCapture(
        id=capture.id,
        address=capture.address,
        title=record.title,
        audience=record.audience,
        entry=record.entry,
        at=record.recorded,
        files={name: digest for name, digest in files.items() if name not in MADE_LATER},
    )

"""Evidence packages of captures: made soon after these, kept from then on, and renewed before timestamps run out.

They are made in the portal, to which alone the authority signs manifests: one that is made after the certificate
of the recording's timestamp has run out has nothing older to stand on. Renewing needs timestamps alone, and is the
scheduler's.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from appliance.archive_renewal import MOST, SLICE, RenewalAttempts, RenewalRound
from appliance.captures.finishing import MADE_LATER
from appliance.captures.recording import CaptureRecording, RecordedCapture
from appliance.captures.register import CaptureRegister
from appliance.captures.telling import tell
from appliance.config import KeepingSettings
from appliance.contracts.dependencies import ContractRecords, SigningBackend
from appliance.documents.blobs import BlobStore
from appliance.errors import NotFound, ResultRefused, StateRefused
from appliance.evidence import container
from appliance.evidence.captures.layout import FACTS
from appliance.evidence.captures.renewals import last_token, renewed
from appliance.evidence.gathering import certificates_of
from appliance.evidence.repacked import read_zip
from appliance.ledger.audit_trail import EventKind
from appliance.maintenance import Maintenance
from appliance.model.captures import CaptureFile, CaptureState, OrderedCapture
from appliance.store import archive_renewals, captures, ledger, retention
from appliance.store.archive_renewals import PACKAGES
from appliance.store.database import Transaction
from appliance.timestamping.issuing import horizon_of_token
from appliance.verification import Indication
from hsm.errors import RefusalError

log = logging.getLogger(__name__)

PACKAGE: Final = "package.zip"
"""Its name among the files of a capture."""

EVERY: Final = 2.0
"""Seconds between two looks at what waits."""

CLAIMED: Final = timedelta(minutes=10)
"""For how long one process makes a package that no other one takes up."""

LAST_RETRY: Final = timedelta(minutes=30)


class CapturePackages:
    """In a process to which the authority signs manifests: the portal. Thread-safe; any number may run rounds."""

    def __init__(
        self, records: ContractRecords, blobs: BlobStore, register: CaptureRegister, recording: CaptureRecording
    ) -> None:
        self._database, self._now, self._blobs = records.database, records.now, blobs
        self._register, self._recording = register, recording
        faults = (RefusalError, OSError)
        self._attempts = RenewalAttempts(self._database, self._now, PACKAGES, LAST_RETRY, faults)

    def package(self, capture_id: str, *, by: str) -> bytes:
        """The package of a capture that *by* may see. Where there is none yet it is made: that waits for a
        checkpoint of the log, and the authority signs and dates it. Later it is the same octets again, and more
        once it was renewed.

        Raises :class:`NotFound`, :class:`StateRefused` for a capture without files, or whose timestamp holds no
        longer, or while no checkpoint comes, and what the authority raises.
        """
        return self._package_of(self._register.get(capture_id, by=by))

    def run_round(self) -> bool:
        """Makes the package of one capture that waits for it, or notes why it cannot be made now; False when none
        waits."""
        now = self._now()
        taken = self._database.commit(archive_renewals.take_unmade, now, until=now + CLAIMED)
        if taken is None:
            return False
        self._attempts.attempt(taken, self._make)
        return True

    def run_until(self, over: threading.Event, maintenance: Maintenance) -> None:
        """Rounds while nothing is *over*, and not during a maintenance."""
        failing = ""
        while not over.wait(EVERY):
            try:
                while maintenance.under_way() is None and self.run_round() and not over.is_set():
                    failing = ""
            except Exception as error:  # whatever it is, the pages go on, and so does this
                if str(error) != failing:
                    log.warning("packages of web captures: %s", error)
                failing = str(error)

    def _make(self, capture_id: str) -> None:
        capture = self._database.query(captures.load_capture, capture_id)
        try:
            package = self._package_of(capture)
        except NotFound:
            if self._database.query(_can_have_one, capture_id):
                raise  # a file that was lost may come back from a backup
            self._database.commit(archive_renewals.drop, capture_id, of=PACKAGES)
            return
        horizon = horizon_of_token(last_token(read_zip(package).files))
        self._database.commit(archive_renewals.save_package, capture_id, horizon, self._now())

    def _package_of(self, capture: OrderedCapture) -> bytes:
        files = {each.name: each.digest for each in self._database.query(captures.files_of, capture.id)}
        if PACKAGE in files:
            return self._blobs.get(files[PACKAGE])
        made = self._recording.package(_recorded(capture, files))
        file = CaptureFile(PACKAGE, self._blobs.put(made), len(made))
        return self._blobs.get(self._database.commit(self._keep, capture, file))

    def _keep(self, tx: Transaction, capture: OrderedCapture, file: CaptureFile) -> str:
        """The digest of the package that stands: whoever made the first one."""
        if captures.load_capture(tx, capture.id).state is not CaptureState.DONE:
            raise NotFound("There is no web capture {capture}.", capture=capture.id)
        if captures.add_file(tx, capture.id, file):
            tell(tx, capture, EventKind.CAPTURE_PACKAGED, self._now(), package=file.digest)
        return next(each.digest for each in captures.files_of(tx, capture.id) if each.name == file.name)


def _can_have_one(tx: Transaction, capture_id: str) -> bool:
    """False for what was disposed of, or where what opens its entry was erased: there will never be a package."""
    capture = captures.load_capture(tx, capture_id)
    if capture.state is not CaptureState.DONE or capture.record is None:
        return False
    return ledger.opening(tx, capture.record.entry) is not None


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


class PackageRenewal:
    """Run by the scheduler: packages get one more timestamp before the last one stops proving anything.
    *due_before*: what :meth:`appliance.archive_renewal.ArchiveRenewal.due_before` says."""

    def __init__(
        self,
        records: ContractRecords,
        backend: SigningBackend,
        settings: KeepingSettings,
        due_before: Callable[[datetime], datetime],
    ) -> None:
        self._database, self._now, self._backend = records.database, records.now, backend
        self._settings, self._due_before = settings, due_before
        self._attempts = RenewalAttempts(self._database, self._now, PACKAGES)

    def run_round(self) -> RenewalRound:
        """One slice of what is due, most urgent first. Raises :class:`hsm.errors.AuthorityError` when the
        authority does not answer: that is no package's fault."""
        until, now = time.monotonic() + SLICE, self._now()
        limit, ends = self._due_before(now), self._settings.ends
        due = self._database.query(archive_renewals.due, limit, ends, now=now, limit=MOST, of=PACKAGES)
        if due:
            self._backend.authority.issue_crl()  # those at hand may be overdue: then verifiers pass no renewal
        done, failed = self._attempts.each(due, self.renew_package, until)
        return RenewalRound(0, done, failed)

    def renew_package(self, capture_id: str) -> None:
        """The package gets one more timestamp; what is in it stays as it is.

        Only what the verifier that strangers use passes is kept: after the last timestamp has run out it no longer
        would. Raises :class:`ResultRefused` then, and what the parts raise.
        """
        files = {each.name: each for each in self._database.query(captures.files_of, capture_id)}
        if PACKAGE not in files:
            return  # disposed of meanwhile
        before = self._backend.blobs.get(files[PACKAGE].digest)
        inside = read_zip(before).files
        added = renewed(inside, certificates_of(self._backend.authority), self._backend.timestamps.issue_reply)
        made = container.write_container({**inside, **added})
        report = self._backend.verifier.verify(made)
        if report.indication is not Indication.PASSED:
            why = " ".join(map(str, report.reasons))
            raise ResultRefused(
                "The package of capture {capture} was not renewed: {why}", capture=capture_id, why=why
            )
        file = CaptureFile(PACKAGE, self._backend.blobs.put(made), len(made))
        self._database.commit(self._keep, capture_id, files[PACKAGE], file, last_token({**inside, **added}))

    def _keep(
        self, tx: Transaction, capture_id: str, before: CaptureFile, file: CaptureFile, token: bytes
    ) -> None:
        now = self._now()
        if captures.replace_file(tx, capture_id, file, of=before.digest):
            archive_renewals.save_package(tx, capture_id, horizon_of_token(token), now)
            retention.mark_for_removal(tx, [before.digest], since=now)
        else:  # disposed of, or renewed by another, meanwhile
            retention.mark_for_removal(tx, [file.digest], since=now)

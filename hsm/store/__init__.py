"""The authority's own memory: one SQLite database that no other process opens."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from hsm.errors import Sentence
from hsm.store.ceremonies import CeremonyRecord, CeremonyStore, SetupCodeStore
from hsm.store.database import AuthorityDatabase
from hsm.store.intents import Approval, ApprovalStore, IntentStore
from hsm.store.log import CheckpointStore, PinLatch, TimeLease
from hsm.store.people import CompanySealRecord, CompanySealStore, Credential, Subject, SubjectKind, SubjectStore
from hsm.store.registrations import RegistrationStore
from hsm.store.registry import CertificateRecord, CertificateStore, CrlRecord, KeyRecord
from hsm.store.statements import StatementStore
from hsm.store.vouchings import VouchingStore

__all__ = [
    "Approval",
    "AuthorityDatabase",
    "AuthorityStore",
    "CeremonyRecord",
    "CertificateRecord",
    "CertificateStore",
    "CompanySealRecord",
    "CompanySealStore",
    "Credential",
    "CrlRecord",
    "KeyRecord",
    "Subject",
    "SubjectKind",
    "SubjectStore",
]


class AuthorityStore:
    """Opened by each worker for itself, after the fork. Not thread-safe.

    It is in no reference cycle, so the file is closed, and its WAL written back, with the last reference to it.
    """

    def __init__(self, path: Path) -> None:
        self._database = AuthorityDatabase(path)
        self.intents = IntentStore(self._database)
        self.approvals = ApprovalStore(self._database)
        self.ceremonies = CeremonyStore(self._database)
        self.checkpoints = CheckpointStore(self._database)
        self.latch = PinLatch(self._database)
        self.people = SubjectStore(self._database)
        unconfirmed = Sentence("No officer has confirmed the power of attorney {power} here.")
        self.powers = StatementStore(self._database, "power", unconfirmed)
        self.anchors = StatementStore(
            self._database, "anchor", Sentence("No officer has approved the anchor {anchor} here.")
        )
        self.registrations = RegistrationStore(self._database)
        self.registry = CertificateStore(self._database)
        self.seals = CompanySealStore(self._database)
        self.setup = SetupCodeStore(self._database)
        self.time = TimeLease(self._database)
        self.vouchings = VouchingStore(self._database)

    def transaction(self) -> AbstractContextManager[None]:
        """Everything inside, or nothing."""
        return self._database.transaction()

    def close(self) -> None:
        self._database.close()

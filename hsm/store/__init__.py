"""The authority's own memory: one SQLite database that no other process opens."""

from __future__ import annotations

from pathlib import Path

from hsm.store.ceremonies import CeremonyRecord, CeremonyStore, SetupCodeStore
from hsm.store.database import AuthorityDatabase
from hsm.store.intents import Approval, ApprovalStore, IntentStore
from hsm.store.log import CheckpointStore, PinLatch, TimeLease
from hsm.store.people import CompanySealRecord, CompanySealStore, Credential, Subject, SubjectKind, SubjectStore
from hsm.store.registry import CertificateRecord, CertificateStore, CrlRecord, KeyRecord

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


class AuthorityStore(AuthorityDatabase):
    """Opened by each worker for itself, after the fork. Not thread-safe."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.intents = IntentStore(self)
        self.approvals = ApprovalStore(self)
        self.ceremonies = CeremonyStore(self)
        self.checkpoints = CheckpointStore(self)
        self.latch = PinLatch(self)
        self.people = SubjectStore(self)
        self.registry = CertificateStore(self)
        self.seals = CompanySealStore(self)
        self.setup = SetupCodeStore(self)
        self.time = TimeLease(self)

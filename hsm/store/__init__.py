"""The authority's own memory: one SQLite database that no other process opens."""

from hsm.store.approvals import Approval
from hsm.store.ceremonies import CeremonyRecord
from hsm.store.database import Database
from hsm.store.log import CheckpointMemory, RememberedCheckpoint
from hsm.store.people import Credential, People, Subject, SubjectKind
from hsm.store.registry import CertificateRecord, CrlRecord, KeyRecord, Registry, RevokedCertificate
from hsm.store.seals import SealRecord, Seals
from hsm.store.store import Store
from hsm.store.time import TimeLease

__all__ = [
    "Approval",
    "CeremonyRecord",
    "CertificateRecord",
    "CheckpointMemory",
    "Credential",
    "CrlRecord",
    "Database",
    "KeyRecord",
    "People",
    "Registry",
    "RememberedCheckpoint",
    "RevokedCertificate",
    "SealRecord",
    "Seals",
    "Store",
    "Subject",
    "SubjectKind",
    "TimeLease",
]

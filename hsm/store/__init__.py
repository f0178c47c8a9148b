"""The authority's own memory: one SQLite database that no other process opens."""

from hsm.store.ceremonies import CeremonyRecord
from hsm.store.database import AuthorityDatabase
from hsm.store.intents import Approval
from hsm.store.log import CheckpointStore, RememberedCheckpoint, TimeLease
from hsm.store.people import Credential, Subject, SubjectKind, SubjectStore
from hsm.store.registry import CertificateRecord, CertificateStore, CrlRecord, KeyRecord, RevokedCertificate
from hsm.store.seals import CompanySealRecord, CompanySealStore
from hsm.store.store import AuthorityStore

__all__ = [
    "Approval",
    "AuthorityDatabase",
    "AuthorityStore",
    "CeremonyRecord",
    "CertificateRecord",
    "CertificateStore",
    "CheckpointStore",
    "CompanySealRecord",
    "CompanySealStore",
    "Credential",
    "CrlRecord",
    "KeyRecord",
    "RememberedCheckpoint",
    "RevokedCertificate",
    "Subject",
    "SubjectKind",
    "SubjectStore",
    "TimeLease",
]

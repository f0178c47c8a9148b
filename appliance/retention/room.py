"""The parts of retention, put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from appliance.documents.blobs import BlobStore
from appliance.documents.pictures import PagePictures
from appliance.ledger.audit_trail import AuditTrail
from appliance.policy import Policy
from appliance.retention.disposing import DisposalService
from appliance.retention.erasing import ErasureService
from appliance.retention.holding import LegalHoldService
from appliance.store.database import Database


@dataclass(frozen=True, slots=True)
class RetentionServices:
    """Holds, disposals, erasure; each thread-safe."""

    holding: LegalHoldService
    disposing: DisposalService
    erasing: ErasureService


def open_retention(
    database: Database,
    audit: AuditTrail,
    documents: tuple[BlobStore, PagePictures],
    policy: Policy,
    now: Callable[[], datetime],
) -> RetentionServices:
    """All of it on one database and one store of *documents*, with the pictures that are made of them."""
    return RetentionServices(
        LegalHoldService(database, audit, now),
        DisposalService(database, audit, *documents, policy, now),
        ErasureService(database, audit, policy, now),
    )

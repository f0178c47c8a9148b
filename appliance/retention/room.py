"""The parts of retention, put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from appliance.documents.blobs import BlobStore
from appliance.documents.pictures import PagePictures
from appliance.ledger.audit_trail import AuditTrail
from appliance.policy import Policy
from appliance.retention.disposing import Disposing
from appliance.retention.erasing import Erasing
from appliance.retention.holding import Holding
from appliance.store.database import Database


@dataclass(frozen=True, slots=True)
class Retention:
    """Holds, disposals, erasure; each thread-safe."""

    holding: Holding
    disposing: Disposing
    erasing: Erasing


def open_retention(
    database: Database,
    audit: AuditTrail,
    documents: tuple[BlobStore, PagePictures],
    policy: Policy,
    now: Callable[[], datetime],
) -> Retention:
    """All of it on one database and one store of *documents*, with the pictures that are made of them."""
    return Retention(
        Holding(database, audit, now),
        Disposing(database, audit, *documents, policy, now),
        Erasing(database, audit, policy, now),
    )

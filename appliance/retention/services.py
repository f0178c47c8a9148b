"""Legal holds, and the parts of retention put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from appliance.contracts.rules import require_reason
from appliance.documents.blobs import BlobStore
from appliance.documents.page_pictures import PagePictures
from appliance.ledger.audit_trail import AuditEvent, AuditTrail, EventKind
from appliance.model.retention import LegalHold
from appliance.policy import Policy
from appliance.retention.disposal import DisposalService
from appliance.retention.erasure import ErasureService
from appliance.store import contracts, retention
from appliance.store.database import Database


class LegalHoldService:
    """Placed and lifted by officers, each with a reason that the log keeps. Thread-safe."""

    def __init__(self, database: Database, audit: AuditTrail, now: Callable[[], datetime]) -> None:
        self._database = database
        self._audit = audit
        self._now = now

    def list_holds(self) -> tuple[LegalHold, ...]:
        """The holds that stand, the newest first."""
        with self._database.reading() as tx:
            return tuple(retention.open_holds(tx))

    def place_hold(self, contract_id: str, *, reason: str, by: str) -> None:
        """Raises :class:`NotFound`, :class:`PreconditionRefused` without a reason, or :class:`StateRefused` when
        one stands already or the contract was disposed of."""
        words, now = require_reason(reason), self._now()
        with self._database.transaction() as tx:
            contracts.load_contract(tx, contract_id)
            retention.require_there(tx, contract_id)
            retention.place_hold(tx, LegalHold(contract_id, words, now, by))
            self._audit.append(tx, AuditEvent(EventKind.HOLD_PLACED, now, by, contract_id, {}, {"reason": words}))

    def lift_hold(self, contract_id: str, *, reason: str, by: str) -> None:
        """Raises :class:`PreconditionRefused` without a reason, :class:`StateRefused` when none stands."""
        words, now = require_reason(reason), self._now()
        with self._database.transaction() as tx:
            retention.lift_hold(tx, contract_id, at=now, by=by, because=words)
            self._audit.append(tx, AuditEvent(EventKind.HOLD_LIFTED, now, by, contract_id, {}, {"reason": words}))


@dataclass(frozen=True, slots=True)
class RetentionServices:
    """Holds, disposals, erasure; each thread-safe."""

    holds: LegalHoldService
    disposal: DisposalService
    erasure: ErasureService


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

"""What the steps of the signing cycle work with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from appliance.contracts.agreement_text import AgreementText, standard_text
from appliance.contracts.authorisation_basis import BasisFinder
from appliance.contracts.failpoints import FailpointHook, ignore_failpoint
from appliance.contracts.leases import ProcessLeases
from appliance.contracts.preconditions import Precondition, SealConditions
from appliance.documents.blobs import BlobStore
from appliance.ledger.audit_trail import AuditTrail
from appliance.model.notice import Notice
from appliance.pdf.workshop import PdfWorkshop
from appliance.policy import Policy
from appliance.review.review_status import ReviewStatuses
from appliance.store.database import Database, Transaction
from appliance.timestamping import OutsideAuthority, TimestampIssuer
from appliance.verification import Verifier
from hsm.client import AuthorityClient

Notifier = Callable[[Transaction, Iterable[Notice]], None]
"""Puts notices on their way, in the caller's transaction."""

LIFETIME = timedelta(minutes=10)
"""How long a prepared signature can be activated; the authority allows fifteen minutes at most."""

SEAL_LIFETIME = timedelta(hours=71)
"""The same for a seal, whose two people need not meet; the authority allows ``activation.seal_hours``, 72."""


@dataclass(frozen=True, slots=True)
class SigningRoom:
    """Shared by every step; each of the parts is safe for threads. ``now`` gives aware instants."""

    database: Database
    blobs: BlobStore
    workshop: PdfWorkshop
    verifier: Verifier
    authority: AuthorityClient
    timestamps: TimestampIssuer
    audit: AuditTrail
    leases: ProcessLeases
    now: Callable[[], datetime]
    preconditions: Sequence[Precondition]
    notify: Notifier
    policy: Policy
    basis_finder: BasisFinder
    standings: ReviewStatuses
    seals: SealConditions
    agreement: AgreementText = field(default_factory=standard_text)
    outside: OutsideAuthority | None = None
    reach: FailpointHook = ignore_failpoint
    lifetime: timedelta = LIFETIME
    seal_lifetime: timedelta = SEAL_LIFETIME

"""What commands on contracts work with: three values, of which each command takes those that it needs."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from appliance.contracts.agreement_text import AgreementText, standard_text
from appliance.contracts.authorisation_basis import BasisFinder
from appliance.contracts.crash_safety import FailpointHook, ProcessLeases, ignore_failpoint
from appliance.contracts.preconditions import Precondition, SealConditions
from appliance.documents.blobs import BlobStore
from appliance.model.contract import Contract
from appliance.model.notice import Notice
from appliance.pdf.workshop import PdfWorkshop
from appliance.policy import Policy
from appliance.review.review_status import ReviewStatuses
from appliance.store.database import Database, Transaction
from appliance.timestamping import OutsideAuthority, TimestampIssuer
from appliance.verification import Verifier
from hsm import canonical
from hsm.client import AuthorityClient
from hsm.cms import parse
from hsm.intents import SigningIntent
from hsm.names import visible
from hsm.records import named_in_intent, require_kind

Notifier = Callable[[Transaction, Iterable[Notice]], None]
"""Puts notices on their way, in the caller's transaction."""

LIFETIME = timedelta(minutes=10)
"""How long a prepared signature can be activated; the authority allows fifteen minutes at most."""

SEAL_LIFETIME = timedelta(hours=71)
"""The same for a seal, whose two people need not meet; the authority allows ``activation.seal_hours``, 72."""


@dataclass(frozen=True, slots=True)
class ContractRecords:
    """What every command on a contract needs: database, notices, and a clock of aware instants.

    Thread-safe, as :class:`SigningRules` and :class:`SigningBackend` are.
    """

    database: Database
    notify: Notifier
    now: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class SigningRules:
    """What the enterprise demands of a signature, and how long a prepared one can be activated."""

    policy: Policy
    preconditions: Sequence[Precondition]
    basis_finder: BasisFinder
    reviews: ReviewStatuses
    seals: SealConditions
    agreement: AgreementText = field(default_factory=standard_text)
    lifetime: timedelta = LIFETIME
    seal_lifetime: timedelta = SEAL_LIFETIME

    def passkey_only(self, contract: Contract) -> bool:
        """Whether what is confirmed about *contract* takes a passkey, by the policy for its type."""
        return self.policy.rules_for(contract.kind).signing.passkey_only


@dataclass(frozen=True, slots=True)
class SigningBackend:
    """What makes, timestamps, verifies and stores signed documents; ``reach`` is called at each failpoint."""

    authority: AuthorityClient
    timestamps: TimestampIssuer
    workshop: PdfWorkshop
    verifier: Verifier
    blobs: BlobStore
    leases: ProcessLeases
    outside: OutsideAuthority | None = None
    reach: FailpointHook = ignore_failpoint

    def sign_record(self, intent: SigningIntent, record: bytes) -> tuple[bytes, datetime]:
        """The signature over a small *record* of its own, no contract's: timestamped (CMS, DER), and its time.

        Raises :class:`SignatureRefused` for one that does not name the record's kind."""
        cms = self.authority.sign_document(intent)
        require_kind(parse(cms), record)
        return self.timestamps.stamp(cms)


def record_intent(
    subject: str,
    record: bytes,
    *,
    field: str,
    expires: datetime,
    about: Contract | None = None,
    passkey_only: bool = False,
) -> SigningIntent:
    """What *subject* activates to sign *record*, a record of the kind *field*. *about* is the contract whose title
    and parties the page names, where the record is about one."""
    return SigningIntent(
        contract=named_in_intent(field, canonical.decode(record)),
        party=subject,
        field=field,
        signer=subject,
        digest=hashlib.sha256(record).digest(),
        expires=expires.replace(microsecond=0),
        nonce=secrets.token_bytes(16),
        title=visible(about.title) if about else "",
        parties=about.visible_party_names if about else (),
        passkey_only=passkey_only,
    )

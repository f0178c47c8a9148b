"""The audit trail: every event becomes an entry of the log, in the transaction that makes it true.

The events of one contract are a chain: each names its place in the contract's history (``sequence``, from 1) and
the leaf hash of the one before (``previous``), so that none can be left out without the gap being seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from appliance.ledger import LedgerEntry, record
from appliance.store import ledger
from appliance.store.database import Transaction
from hsm import canonical
from hsm.merkle import leaf_hash

Field = str | int | None


class EventKind(StrEnum):
    """The kinds of entry that this part writes into the log."""

    PERSON_REGISTERED = "person-registered"
    SEAL_REGISTERED = "seal-registered"
    AGREEMENT_ACCEPTED = "agreement-accepted"
    CONTRACT_DRAFTED = "contract-drafted"
    PARTY_ADDED = "party-added"
    CONTRACT_SENT = "contract-sent"
    SIGNATURE_PREPARED = "signature-prepared"
    PARTY_SIGNED = "party-signed"
    PARTY_DECLINED = "party-declined"
    CONTRACT_RECALLED = "contract-recalled"
    CONTRACT_EXPIRED = "contract-expired"
    CONTRACT_CORRECTED = "contract-corrected"
    """A new draft was made in place of one that has ended."""
    CONTRACT_COMPLETED = "contract-completed"
    ARCHIVE_RENEWED = "archive-renewed"
    """A further archive timestamp, before the one before it runs out."""
    CONTRACT_REVISED = "contract-revised"
    DOCUMENT_REPLACED = "document-replaced"
    PARTY_REMOVED = "party-removed"
    PARTIES_REORDERED = "parties-reordered"
    FIELDS_PLACED = "fields-placed"
    CONTRACT_DISCARDED = "contract-discarded"
    PARTY_HANDED_OVER = "party-handed-over"
    INITIATOR_CHANGED = "initiator-changed"
    """The contract of somebody who has left was taken over."""
    DEADLINE_EXTENDED = "deadline-extended"
    DATES_CHANGED = "dates-changed"
    """Dates beyond signing: when it takes effect, is to be renewed or ended, and ends."""
    NOTICE_RESENT = "notice-resent"
    VOID_PROPOSED = "void-proposed"
    VOID_DECLARED = "void-declared"
    VOID_REFUSED = "void-refused"
    CONTRACT_VOIDED = "contract-voided"
    CONTENT_CHECKED = "content-checked"
    REVIEW_REQUESTED = "review-requested"
    CLAUSE_WAIVED = "clause-waived"
    REVIEW_SIGNED_OFF = "review-signed-off"
    REVIEW_RETURNED = "review-returned"
    OWNERSHIP_DEPOSITED = "ownership-deposited"
    SEAL_REQUESTED = "seal-requested"
    SEAL_APPROVED = "seal-approved"
    SEAL_HALF_APPROVED = "seal-half-approved"
    """By one custodian of two."""
    SEAL_REFUSED = "seal-refused"
    SEAL_REQUEST_WITHDRAWN = "seal-request-withdrawn"
    SEAL_REQUEST_LAPSED = "seal-request-lapsed"
    GUEST_INVITED = "guest-invited"
    GUEST_ENTERED = "guest-entered"
    GUEST_SIGNED_IN = "guest-signed-in"
    """With the passkey, at any time after the first."""
    GUEST_CORRECTED = "guest-corrected"
    GUEST_LINK_SHOWN = "guest-link-shown"
    """To the initiator, who hands it over where no mail goes out."""
    GUEST_CODE_ASKED = "guest-code-asked"
    GUEST_CODE_RENEWED = "guest-code-renewed"
    OFFICER_APPOINTED = "officer-appointed"
    ENROLMENT_REQUESTED = "enrolment-requested"
    ENROLMENT_WITHDRAWN = "enrolment-withdrawn"
    ENROLMENT_REFUSED = "enrolment-refused"
    PERSON_ENROLLED = "person-enrolled"
    CREDENTIAL_ADDED = "credential-added"
    CREDENTIAL_REVOKED = "credential-revoked"
    PERSON_LEFT = "person-left"
    SEAL_SUSPENDED = "seal-suspended"
    SEAL_RESUMED = "seal-resumed"
    CUSTODIAN_ADDED = "custodian-added"
    CUSTODIAN_REMOVED = "custodian-removed"
    CUSTODIANS_NEEDED_CHANGED = "custodians-needed-changed"
    SEAL_PICTURE_CHANGED = "seal-picture-changed"
    SEAL_DESTROYED = "seal-destroyed"
    KEY_ROTATED = "key-rotated"
    CERTIFICATE_REVOKED = "certificate-revoked"
    KEEPER_ENROLLED = "keeper-enrolled"
    """Somebody of those of whom two unlock the HSM."""
    KEEPER_RETIRED = "keeper-retired"
    KEY_CEREMONY = "key-ceremony"
    """The authority's record of a ceremony, or of a key that was exchanged or revoked later."""
    OFFICE_ACT_APPROVED = "office-act-approved"
    OFFICE_ACT_REFUSED = "office-act-refused"
    IDENTITY_CHECKED = "identity-checked"
    IDENTITY_WITHDRAWN = "identity-withdrawn"
    POWER_REGISTERED = "power-registered"
    POWER_VERIFIED = "power-verified"
    POWER_REFUSED = "power-refused"
    POWER_REVOKED = "power-revoked"

    HOLD_PLACED = "hold-placed"
    HOLD_LIFTED = "hold-lifted"
    DISPOSAL_PROPOSED = "disposal-proposed"
    DISPOSAL_REFUSED = "disposal-refused"
    CONTRACT_DISPOSED = "contract-disposed"
    PERSONAL_DATA_ERASED = "personal-data-erased"

    ACCOUNT_INVITED = "account-invited"
    ACCOUNT_ACTIVATED = "account-activated"
    ACCOUNT_SUSPENDED = "account-suspended"
    ACCOUNT_RESUMED = "account-resumed"
    ROLES_CHANGED = "roles-changed"
    PROFILE_CHANGED = "profile-changed"
    SIGNED_IN = "signed-in"
    SIGN_IN_BLOCKED = "sign-in-blocked"
    PASSWORD_CHANGED = "password-changed"  # noqa: S105  # the name of an event
    LOGIN_CODE_CHANGED = "login-code-changed"
    PASSKEY_ADDED = "passkey-added"
    PASSKEY_REMOVED = "passkey-removed"
    SESSION_REVOKED = "session-revoked"
    RECOVERY_STARTED = "recovery-started"
    ACCOUNT_RECOVERED = "account-recovered"

    ADMINISTRATION = "administration"
    """A line of the administration's journal (:mod:`appliance.administration.context`)."""


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One act. ``public`` fields stand in the log as they are: identifiers, digests, numbers, never names.

    ``private`` fields (names, addresses, words that people wrote) enter it as salted commitments. ``actor`` is the
    subject who acted, ``system`` when nobody did; ``contract`` is None for acts that belong to no contract.
    """

    kind: EventKind
    at: datetime
    actor: str
    contract: str | None = None
    public: Mapping[str, Field] = field(default_factory=dict)
    private: Mapping[str, Field] = field(default_factory=dict)


SYSTEM = "system"
"""The actor of what happens by itself: an expiry, sealing off."""


def append_event(tx: Transaction, event: AuditEvent) -> int:
    """Record *event*; the number of its entry. What cannot be written does not happen: an error here ends the
    caller's transaction."""
    place = {} if event.contract is None else _place(tx, event.contract)
    number = record(tx, _entry(event, place))
    if event.contract is not None:
        ledger.link_to_contract(tx, event.contract, number)
    return number


def _place(tx: Transaction, contract_id: str) -> dict[str, Any]:
    """Where the next event stands in the contract's chain."""
    last = ledger.last_leaf_of(tx, contract_id)
    place: dict[str, Any] = {"contract": contract_id, "sequence": 1}
    if last is not None:
        place["sequence"] = canonical.decode(last)["public"]["sequence"] + 1
        place["previous"] = leaf_hash(last).hex()
    return place


def _entry(event: AuditEvent, place: Mapping[str, Any]) -> LedgerEntry:
    return LedgerEntry(
        kind=event.kind.value,
        at=event.at,
        public={"actor": event.actor, **event.public, **place},
        private={name: value for name, value in event.private.items() if value is not None},
    )

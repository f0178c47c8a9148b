"""How the history's events and their fields are called; the ids of the two languages' catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

TITLES: Final[Mapping[str, str]] = {
    "person-registered": "Person registered",
    "seal-registered": "Company seal registered",
    "agreement-accepted": "Agreed to sign electronically",
    "contract-drafted": "Contract drafted",
    "party-added": "Party added",
    "contract-sent": "Contract sent for signing",
    "signature-prepared": "Shown to the signer, ready to sign",
    "party-signed": "Signed",
    "party-declined": "Declined to sign",
    "contract-recalled": "Contract recalled",
    "contract-expired": "Contract expired",
    "contract-corrected": "Corrected in a new draft",
    "contract-completed": "Contract completed and sealed off",
    "archive-renewed": "Archive timestamp renewed for safekeeping",
    "contract-revised": "Draft revised",
    "document-replaced": "Document of the draft replaced",
    "party-removed": "Party removed",
    "parties-reordered": "Order of signing changed",
    "fields-placed": "Signature fields placed",
    "contract-discarded": "Draft discarded",
    "party-handed-over": "Signature handed over",
    "initiator-changed": "Contract taken over from somebody who left",
    "deadline-extended": "Deadline extended",
    "dates-changed": "Dates of the contract noted",
    "notice-resent": "Mail sent once more",
    "void-proposed": "Voiding proposed",
    "void-declared": "Contract declared void",
    "void-refused": "Voiding refused",
    "contract-voided": "Contract voided by all parties",
    "content-checked": "Content checked",
    "review-requested": "Review requested",
    "clause-waived": "Finding of the content check waived",
    "review-signed-off": "Content check signed off by the reviewer",
    "review-returned": "Returned by the reviewer",
    "seal-requested": "Use of the seal requested",
    "seal-approved": "Use of the seal approved",
    "seal-half-approved": "Use of the seal approved by one custodian of two",
    "seal-refused": "Use of the seal refused",
    "seal-request-withdrawn": "Request for the seal withdrawn",
    "seal-request-lapsed": "Request for the seal lapsed",
    "guest-invited": "Outside signer invited",
    "guest-entered": "Outside signer let in by link and code",
    "guest-signed-in": "Outside signer signed in with the passkey",
    "guest-corrected": "Outside signer corrected by the initiator",
    "guest-link-shown": "Link of the outside signer shown to the initiator",
    "guest-code-asked": "Outside signer asked for a new code",
    "guest-code-renewed": "New code for the outside signer",
    "ownership-deposited": "Ownership of a file deposited",
    "hold-placed": "Legal hold placed",
    "hold-lifted": "Legal hold lifted",
    "disposal-proposed": "Disposal proposed",
    "disposal-refused": "Disposal refused",
    "contract-disposed": "Disposed of",
    "identity-checked": "Identity checked",
    "identity-withdrawn": "Identity check withdrawn",
    "power-registered": "Power of attorney registered",
    "power-verified": "Power of attorney verified",
    "power-refused": "Power of attorney refused",
    "power-revoked": "Power of attorney revoked",
}

LABELS: Final[Mapping[str, str]] = {
    "name": "Name",
    "organisation": "Organisation",
    "title": "Title",
    "kind": "Kind",
    "purpose": "Purpose",
    "amount": "Amount",
    "reason": "Reason",
    "address": "Network address",
    "location": "Place",
    "from": "Handed over by",
    "to": "Handed over to",
    "before": "Deadline before",
    "deadline": "Deadline",
    "zone": "Deadline set in the time zone",
    "effective": "Takes effect",
    "renewal": "To be renewed or ended by",
    "expiry": "Ends",
    "replaces": "Replaces contract",
    "successor": "Replaced by contract",
    "recipient": "Recipient",
    "signer": "Signing key",
    "custodian": "Seal custodian",
    "requester": "Requested by",
    "needed": "Custodians needed",
    "power": "Power of attorney",
    "identity": "Identity check",
    "pages": "Pages",
    "unverified": "Signatures from before that could not be verified here",
    "version": "Version",
    "expires": "Can be signed until",
    "digest": "Document, SHA-256",
    "base": "As shown, SHA-256",
    "signed": "Signed bytes, SHA-256",
    "outside_dated": "Second timestamp, by an authority outside",
    "outside_unreachable": "No second timestamp: the authority outside could not be reached",
    "outside_late": "No second timestamp: the authority outside did not answer in time",
    "outside_refused": "No second timestamp: the authority outside refused",
    "outside_wrong": "No second timestamp: what the authority outside answered does not hold",
    "outside_paused": "No second timestamp: the authority outside had just failed and was not asked",
    "agreement": "Agreement on electronic signing, log entry",
    "grounds": "Grounds of the signature, SHA-256",
    "item": "Item of the content check",
    "document": "Checked document, SHA-256",
    "check": "Result of the content check, SHA-256",
    "rules": "Rules of the content check, SHA-256",
}
"""The fields that are shown, in this order; others stand in ``history.json`` alone."""


_OWN_LABELS: Final[Mapping[tuple[str, str], str]] = {
    ("signature-prepared", "digest"): "To be signed, SHA-256",
    ("guest-corrected", "before"): "Name before",
    ("roles-changed", "before"): "Roles before",
}
"""Labels of fields that mean something else in one kind of event."""


def fact_label(kind: str, field: str) -> str:
    """What *field* of :data:`LABELS` is called in an event of *kind*, as a message id."""
    return _OWN_LABELS.get((kind, field), LABELS[field])


def says_nothing(kind: str, field: str, fields: Mapping[str, Any], shown: object) -> bool:
    """Whether *field* is who was meant before a correction that left the person the same, or whose name is not the
    reader's business, so that it is *shown* as the subject."""
    before = (kind, field) == ("guest-corrected", "before")
    return before and fields[field] in (fields.get("person"), shown)

"""How the history's events and their fields are called (message ids), and who may see which event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from appliance.ledger.audit_trail import EventKind


class DataOwner(StrEnum):
    """To whom the internal part of an event belongs."""

    INITIATOR = "initiator"
    """The organisation that drafted the contract."""
    SEAL = "seal"
    """The company whose seal it is about."""
    ACTOR = "actor"
    """The organisation of who acted."""
    GIVER = "giver"
    """The organisation of who handed a signature over."""


@dataclass(frozen=True, slots=True)
class DisclosureRule:
    """``shared`` are the private fields of an event that every party may read; None when the whole event is
    internal, so that others do not see that it happened. What is not shared belongs to ``owner``."""

    owner: DataOwner
    shared: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class EventMeaning:
    """How a kind of event is called (``title``, a message id), and the ``rule`` by which organisations see it
    (None for what is in no contract's history)."""

    title: str
    rule: DisclosureRule | None = None


def _shared(title: str, *fields: str, owner: DataOwner = DataOwner.INITIATOR) -> EventMeaning:
    return EventMeaning(title, DisclosureRule(owner, frozenset(fields)))


def _internal(title: str, owner: DataOwner = DataOwner.INITIATOR) -> EventMeaning:
    return EventMeaning(title, DisclosureRule(owner))


_ORIGIN: Final = ("address", "location")

EVENTS: Final[Mapping[str, EventMeaning]] = {
    EventKind.PERSON_REGISTERED: EventMeaning("Person registered"),
    EventKind.SEAL_REGISTERED: EventMeaning("Company seal registered"),
    EventKind.AGREEMENT_ACCEPTED: _shared("Agreed to sign electronically"),
    EventKind.CONTRACT_DRAFTED: _internal("Contract drafted"),
    EventKind.PARTY_ADDED: _internal("Party added"),
    EventKind.CONTRACT_SENT: _shared("Contract sent for signing"),
    EventKind.SIGNATURE_PREPARED: _internal("Shown to the signer, ready to sign", DataOwner.ACTOR),
    EventKind.PARTY_SIGNED: _shared("Signed", "name", "organisation", *_ORIGIN),
    EventKind.PARTY_DECLINED: _shared("Declined to sign", "reason", *_ORIGIN),
    EventKind.CONTRACT_RECALLED: _shared("Contract recalled", "reason"),
    EventKind.CONTRACT_EXPIRED: _shared("Contract expired"),
    EventKind.CONTRACT_CORRECTED: _internal("Corrected in a new draft"),
    EventKind.CONTRACT_COMPLETED: _shared("Contract completed and sealed off"),
    EventKind.ARCHIVE_RENEWED: _shared("Archive timestamp renewed for safekeeping"),
    EventKind.CONTRACT_REVISED: _internal("Draft revised"),
    EventKind.DOCUMENT_REPLACED: _internal("Document of the draft replaced"),
    EventKind.PARTY_REMOVED: _internal("Party removed"),
    EventKind.PARTIES_REORDERED: _internal("Order of signing changed"),
    EventKind.FIELDS_PLACED: _internal("Signature fields placed"),
    EventKind.CONTRACT_DISCARDED: _internal("Draft discarded"),
    EventKind.PARTY_HANDED_OVER: _shared("Signature handed over", owner=DataOwner.GIVER),
    EventKind.INITIATOR_CHANGED: _shared("Contract taken over from somebody who left"),
    EventKind.DEADLINE_EXTENDED: _shared("Deadline extended"),
    EventKind.DATES_CHANGED: _internal("Dates of the contract noted"),
    EventKind.NOTICE_RESENT: _internal("Mail sent once more"),
    EventKind.VOID_PROPOSED: _shared("Voiding proposed", "reason"),
    EventKind.VOID_DECLARED: _shared("Contract declared void"),
    EventKind.VOID_REFUSED: _shared("Voiding refused", "reason"),
    EventKind.CONTRACT_VOIDED: _shared("Contract voided by all parties"),
    EventKind.CONTENT_CHECKED: _internal("Content checked"),
    EventKind.REVIEW_REQUESTED: _internal("Review requested"),
    EventKind.CLAUSE_WAIVED: _internal("Finding of the content check waived"),
    EventKind.REVIEW_SIGNED_OFF: _internal("Content check signed off by the reviewer"),
    EventKind.REVIEW_RETURNED: _internal("Returned by the reviewer"),
    EventKind.SEAL_REQUESTED: _internal("Use of the seal requested", DataOwner.SEAL),
    EventKind.SEAL_APPROVED: _internal("Use of the seal approved", DataOwner.SEAL),
    EventKind.SEAL_HALF_APPROVED: _internal("Use of the seal approved by one custodian of two", DataOwner.SEAL),
    EventKind.SEAL_REFUSED: _internal("Use of the seal refused", DataOwner.SEAL),
    EventKind.SEAL_REQUEST_WITHDRAWN: _internal("Request for the seal withdrawn", DataOwner.SEAL),
    EventKind.SEAL_REQUEST_LAPSED: _internal("Request for the seal lapsed", DataOwner.SEAL),
    EventKind.GUEST_INVITED: _shared("Outside signer invited"),
    EventKind.GUEST_ENTERED: _shared("Outside signer let in by link and code", "address"),
    EventKind.GUEST_SIGNED_IN: _shared("Outside signer signed in with the passkey", "address"),
    EventKind.GUEST_CORRECTED: _shared("Outside signer corrected by the initiator", "name"),
    EventKind.GUEST_LINK_SHOWN: _shared("Link of the outside signer shown to the initiator"),
    EventKind.GUEST_CODE_ASKED: _shared("Outside signer asked for a new code"),
    EventKind.GUEST_CODE_RENEWED: _shared("New code for the outside signer"),
    EventKind.OWNERSHIP_DEPOSITED: EventMeaning("Ownership of a file deposited"),
    EventKind.HOLD_PLACED: _internal("Legal hold placed"),
    EventKind.HOLD_LIFTED: _internal("Legal hold lifted"),
    EventKind.DISPOSAL_PROPOSED: _internal("Disposal proposed"),
    EventKind.DISPOSAL_REFUSED: _internal("Disposal refused"),
    EventKind.CONTRACT_DISPOSED: _shared("Disposed of"),
    EventKind.IDENTITY_CHECKED: EventMeaning("Identity checked"),
    EventKind.IDENTITY_WITHDRAWN: EventMeaning("Identity check withdrawn"),
    EventKind.POWER_REGISTERED: EventMeaning("Power of attorney registered"),
    EventKind.POWER_VERIFIED: EventMeaning("Power of attorney verified"),
    EventKind.POWER_REFUSED: EventMeaning("Power of attorney refused"),
    EventKind.POWER_REVOKED: EventMeaning("Power of attorney revoked"),
}
"""A kind that is not here is internal to the organisation that drafted the contract."""


def title_of_event(kind: str) -> str:
    """What happened, as a message id; the *kind* itself for one that this release does not know."""
    known = EVENTS.get(kind)
    return kind if known is None else known.title


def disclosure_rule(kind: str) -> DisclosureRule:
    """Who sees events of this *kind*."""
    known = EVENTS.get(kind)
    return DisclosureRule(DataOwner.INITIATOR) if known is None or known.rule is None else known.rule


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

"""How the history's events and their fields are called (message ids), and who may see which event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from appliance.ledger.audit_trail import DataOwner, DisclosureRule, EventKind, EventMeaning


def title_of_event(kind: str) -> str:
    """What happened, as a message id; the *kind* itself for one that this release does not know."""
    known = _meaning(kind)
    return kind if known is None else known.title


def disclosure_rule(kind: str) -> DisclosureRule:
    """Who sees events of this *kind*."""
    known = _meaning(kind)
    return DisclosureRule(DataOwner.INITIATOR) if known is None or known.rule is None else known.rule


def _meaning(kind: str) -> EventMeaning | None:
    return EventKind(kind).meaning if kind in set(EventKind) else None


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
    "activated_pin_totp": "Confirmed by PIN and one-time code, the weaker way",
    "outside_dated": "Second timestamp, by an authority outside",
    "outside_unreachable": "No second timestamp: the authority outside could not be reached",
    "outside_late": "No second timestamp: the authority outside did not answer in time",
    "outside_refused": "No second timestamp: the authority outside refused",
    "outside_wrong": "No second timestamp: what the authority outside answered does not hold",
    "outside_paused": "No second timestamp: the authority outside had just failed and was not asked",
    "together_count": "Documents that were confirmed at once, with this one",
    "together_place": "Place of this document among them",
    "together_root": "Root over all of them, SHA-256",
    "agreement": "Agreement on electronic signing, log entry",
    "grounds": "Grounds of the signature, SHA-256",
    "statement": "Officers' confirmation, SHA-256",
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

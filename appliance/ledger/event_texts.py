"""How the history's events and their fields are called (message ids), and who may see which event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from appliance.ledger.audit_trail import DataOwner, DisclosureRule, EventKind, EventMeaning
from appliance.signing_methods import METHOD_TITLES, SigningMethod


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
    "client": "Through the API client",
    "name": "Name",
    "organisation": "Organisation",
    "title": "Title",
    "values": "Filled in",
    "number": "Contract number",
    "kind": "Kind",
    "purpose": "Purpose",
    "amount": "Amount",
    "reason": "Reason",
    "address": "Network address",
    "origin": "Embedded in pages of",
    "origins": "Embedded in pages of",
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
    "annex": "Annex, SHA-256",
    "merged": "Merged into the document as its pages",
    "supplement": "Supplement to contract",
    "replacement": "In place of contract",
    "termination": "Terminates contract",
    "earlier": "Signed document of that contract, SHA-256",
    "amendment": "Agreement that changes this contract",
    "amending": "Signed document of that agreement, SHA-256",
    "copied": "Like contract",
    "recipient": "Recipient",
    "people": "Reminded",
    "signer": "Signing key",
    "method": "Signing method",
    "certified": "Certificate of",
    "authority": "Certificate issued by",
    "certificate": "Certificate, SHA-256",
    "anchor": "Approved authority",
    "declared_version": "Accepted with the file, without a signature: agreement on electronic signing, version",
    "dated_digest": "Second document: with our timestamp, SHA-256",
    "custodian": "Seal custodian",
    "requester": "Requested by",
    "needed": "Custodians needed",
    "power": "Power of attorney",
    "identity": "Identity check",
    "pages": "Pages",
    "unresolved": "Comments and proposed changes still open",
    "proposal": "Version of the text that is proposed",
    "accepted": "Changes accepted",
    "rejected": "Changes rejected",
    "seconds": "Seconds",
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
    "department": "Department",
    "approved_as": "Approved as",
    "item": "Item of the content check",
    "document": "Checked document, SHA-256",
    "check": "Result of the content check, SHA-256",
    "rules": "Rules of the content check, SHA-256",
    "capture": "Web capture",
    "schedule": "Captures by plan",
    "compared": "Compared with the web capture",
    "package": "Evidence package, SHA-256",
    "declarer": "Declared by",
    "obtained": "Declaration obtained on",
    "warc": "Recording (WARC), SHA-256",
    "facts": "Facts of the capture, SHA-256",
    "serial": "Serial number of the recording's timestamp",
}
"""The fields that are shown, in this order; others stand in ``history.json`` alone."""


def value_as_message(field: str, value: str) -> str | None:
    """The message id that says what a *value* of *field* means; None for a value that is shown as it is."""
    if field == "approved_as" and value == "manager":
        return "The initiator's manager"
    return METHOD_TITLES[SigningMethod(value)] if field == "method" and value in set(SigningMethod) else None


_OF_ANNEXES = ("annex-added", "annex-removed", "annex-merged", "annex-separated", "annex-attached")

_OWN_LABELS: Final[Mapping[tuple[str, str], str]] = {
    ("signature-prepared", "digest"): "To be signed, SHA-256",
    ("guest-corrected", "before"): "Name before",
    ("roles-changed", "before"): "Roles before",
    ("page-captured", "address"): "Address of the page",
    ("page-captured", "title"): "Title of the page",
    **{(kind, "name"): "File" for kind in _OF_ANNEXES},
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

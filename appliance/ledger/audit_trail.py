"""The audit trail: every event becomes an entry of the log, in the transaction that makes it true.

The events of one contract are a chain: each names its place in the contract's history (``sequence``, from 1) and
the leaf hash of the one before (``previous``), so that none can be left out without the gap being seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Self

from appliance.acting_client import acting_client
from appliance.ledger import LedgerEntry, record
from appliance.store import ledger
from appliance.store.database import Transaction
from hsm import canonical
from hsm.merkle import leaf_hash

Field = str | int | None


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


def _of_seal(title: str) -> EventMeaning:
    return _internal(title, DataOwner.SEAL)


_ORIGIN: Final = ("address", "location")


class EventKind(StrEnum):
    """The kinds of entry that this part writes into the log; those that pages show have a ``meaning``.

    A kind without a rule is internal to the organisation that drafted the contract.
    """

    _value_: str
    meaning: EventMeaning | None

    def __new__(cls, value: str, meaning: EventMeaning | None = None) -> Self:
        """The kind that is called *value* in the log."""
        kind = str.__new__(cls, value)
        kind._value_, kind.meaning = value, meaning
        return kind

    PERSON_REGISTERED = "person-registered", EventMeaning("Person registered")
    SEAL_REGISTERED = "seal-registered", EventMeaning("Company seal registered")
    AGREEMENT_ACCEPTED = "agreement-accepted", _shared("Agreed to sign electronically")
    CONTRACT_DRAFTED = "contract-drafted", _internal("Contract drafted")
    PARTY_ADDED = "party-added", _internal("Party added")
    DRAFT_SHARED = "draft-shared", _internal("Draft shared with a colleague for comments")
    DRAFT_UNSHARED = "draft-unshared", _internal("Draft no longer shared with a colleague")
    COMMENT_WRITTEN = "comment-written", _internal("Comment written on the draft")
    COMMENT_RESOLVED = "comment-resolved", _internal("Comment resolved")
    COMMENT_OPENED = "comment-opened", _internal("Resolved comment opened again")
    CHANGES_PROPOSED = "changes-proposed", _internal("Changes proposed to the text of the draft")
    CHANGES_DECIDED = "changes-decided", _internal("Proposed changes accepted or rejected")
    CHANGES_WITHDRAWN = "changes-withdrawn", _internal("Proposed changes withdrawn by their author")
    SENT_WITH_COMMENTS = "sent-with-comments", _internal("Sent although comments were not resolved")
    COPY_ADDED = "copy-added", _internal("Copy of the contract to a colleague")
    COPY_REMOVED = "copy-removed", _internal("No more copies to a colleague")
    ANNEX_ADDED = "annex-added", _internal("Annex added to the draft")
    ANNEX_REMOVED = "annex-removed", _internal("Annex taken out of the draft")
    ANNEX_MERGED = "annex-merged", _internal("Annex merged into the document of the draft")
    ANNEX_SEPARATED = "annex-separated", _internal("Annex no longer merged into the document of the draft")
    ANNEX_ATTACHED = "annex-attached", _shared("Annex, as it was sent with the contract", "name")
    CONTRACT_SENT = "contract-sent", _shared("Contract sent for signing", "number")
    SIGNATURE_PREPARED = "signature-prepared", _internal("Shown to the signer, ready to sign", DataOwner.ACTOR)
    PARTY_SIGNED = (
        "party-signed",
        _shared("Signed", "name", "organisation", "title", "values", "certified", "authority", *_ORIGIN),
    )
    PARTY_DECLINED = "party-declined", _shared("Declined to sign", "reason", *_ORIGIN)
    CONTRACT_RECALLED = "contract-recalled", _shared("Contract recalled", "reason")
    CONTRACT_EXPIRED = "contract-expired", _shared("Contract expired")
    CONTRACT_CORRECTED = "contract-corrected", _internal("Corrected in a new draft")
    """A new draft was made in place of one that has ended."""
    CONTRACT_COMPLETED = "contract-completed", _shared("Contract completed and sealed off")
    ARCHIVE_RENEWED = "archive-renewed", _shared("Archive timestamp renewed for safekeeping")
    """A further archive timestamp, before the one before it runs out."""
    CONTRACT_REVISED = "contract-revised", _internal("Draft revised")
    DOCUMENT_REPLACED = "document-replaced", _internal("Document of the draft replaced")
    PARTY_REMOVED = "party-removed", _internal("Party removed")
    PARTIES_REORDERED = "parties-reordered", _internal("Order of signing changed")
    FIELDS_PLACED = "fields-placed", _internal("Signature fields placed")
    CONTRACT_DISCARDED = "contract-discarded", _internal("Draft discarded")
    PARTY_HANDED_OVER = "party-handed-over", _shared("Signature handed over", owner=DataOwner.GIVER)
    INITIATOR_CHANGED = "initiator-changed", _shared("Contract taken over by a colleague")
    DEADLINE_EXTENDED = "deadline-extended", _shared("Deadline extended")
    DOCUMENT_READ = "document-read", _internal("Read page by page before signing", DataOwner.ACTOR)
    SIGNERS_REMINDED = "signers-reminded", _internal("Reminder sent at the initiator's request")
    DATES_CHANGED = "dates-changed", _internal("Dates of the contract noted")
    """Dates beyond signing: when it takes effect, is to be renewed or ended, and ends."""
    NOTICE_RESENT = "notice-resent", _internal("Mail sent once more")
    VOID_PROPOSED = "void-proposed", _shared("Voiding proposed", "reason")
    VOID_DECLARED = "void-declared", _shared("Declaration to void signed")
    VOID_REFUSED = "void-refused", _shared("Voiding refused", "reason")
    CONTRACT_VOIDED = "contract-voided", _shared("Contract voided by all parties")
    CONTRACT_SUPPLEMENTED = "contract-supplemented", _shared("Supplemented by a further agreement")
    CONTRACT_REPLACED = "contract-replaced", _shared("Replaced by another agreement of the parties")
    CONTRACT_TERMINATED = "contract-terminated", _shared("Terminated by agreement of the parties")
    AMENDMENT_VOIDED = "amendment-voided", _shared("The agreement that changed this contract was voided")
    CONTENT_CHECKED = "content-checked", _internal("Content checked")
    REVIEW_REQUESTED = "review-requested", _internal("Review requested")
    CLAUSE_WAIVED = "clause-waived", _internal("Finding of the content check waived")
    REVIEW_STEP_APPROVED = "review-step-approved", _internal("Step of the review approved")
    REVIEW_SIGNED_OFF = "review-signed-off", _internal("Content check signed off by the reviewer")
    REVIEW_RETURNED = "review-returned", _internal("Returned by the reviewer")
    MAIL_MERGE_MADE = "mail-merge-made", EventMeaning("Contracts made of a list")
    MAIL_MERGE_SENT = "mail-merge-sent", EventMeaning("Contracts of a list sent")
    PAGE_CAPTURED = "page-captured", EventMeaning("Web page captured")
    CAPTURE_FAILED = "capture-failed", EventMeaning("Web page not captured")
    CAPTURE_CHANGED = "capture-changed", EventMeaning("Web page captured by plan has changed")
    CAPTURE_PACKAGED = "capture-packaged", EventMeaning("Evidence package of the web capture made")
    CAPTURE_SHARED = "capture-shared", EventMeaning("Web capture shared with a colleague")
    CAPTURE_UNSHARED = "capture-unshared", EventMeaning("Web capture no longer shared with a colleague")
    CAPTURE_HANDED_OVER = "capture-handed-over", EventMeaning("Web capture of somebody who left handed over")
    CAPTURE_HELD = "capture-held", EventMeaning("Web capture kept longer")
    CAPTURE_RELEASED = "capture-released", EventMeaning("Web capture kept for its usual term again")
    CAPTURE_DISPOSED = "capture-disposed", EventMeaning("Web capture disposed of")
    OWNERSHIP_DEPOSITED = "ownership-deposited", EventMeaning("Files deposited")
    OWNERSHIP_CERTIFIED = "ownership-certified", EventMeaning("Certificate of a deposit made")
    SEAL_REQUESTED = "seal-requested", _of_seal("Use of the seal requested")
    SEAL_APPROVED = "seal-approved", _of_seal("Use of the seal approved")
    SEAL_HALF_APPROVED = "seal-half-approved", _of_seal("Use of the seal approved by one custodian of two")
    SEAL_APPROVAL_TAKEN_BACK = "seal-approval-taken-back", _of_seal("Approval of the use of the seal taken back")
    SEAL_REFUSED = "seal-refused", _of_seal("Use of the seal refused")
    SEAL_REQUEST_WITHDRAWN = "seal-request-withdrawn", _of_seal("Request for the seal withdrawn")
    SEAL_REQUEST_LAPSED = "seal-request-lapsed", _of_seal("Request for the seal lapsed")
    GUEST_INVITED = "guest-invited", _shared("Outside signer invited")
    GUEST_ENTERED = "guest-entered", _shared("Outside signer let in by link and code", "address")
    GUEST_SIGNED_IN = "guest-signed-in", _shared("Outside signer signed in with the passkey", "address")
    """With the passkey, at any time after the first."""
    GUEST_CORRECTED = "guest-corrected", _shared("Outside signer corrected by the initiator", "name")
    GUEST_LINK_SHOWN = "guest-link-shown", _shared("Link of the outside signer shown to the initiator")
    """To the initiator, who hands it over where no mail goes out."""
    GUEST_LINK_GIVEN = "guest-link-given", _shared("Link of the outside signer given to a program")
    """To an API client, whose organisation delivers it."""
    GUEST_CODE_TEXTED = "guest-code-texted", _shared("Outside signer asked for the code by text message")
    GUEST_CODE_ASKED = "guest-code-asked", _shared("Outside signer asked for a new code")
    GUEST_CODE_RENEWED = "guest-code-renewed", _shared("New code for the outside signer")
    GUEST_VOUCHED = "guest-vouched", _shared("The initiator vouched for the outside signer")
    GUEST_CERTIFIED = "guest-certified", _shared("Outside signer certified for this contract")
    OFFICER_APPOINTED = "officer-appointed"
    ENROLMENT_REQUESTED = "enrolment-requested"
    ENROLMENT_WITHDRAWN = "enrolment-withdrawn"
    ENROLMENT_REFUSED = "enrolment-refused"
    PERSON_ENROLLED = "person-enrolled"
    CREDENTIAL_ADDED = "credential-added"
    CREDENTIAL_REVOKED = "credential-revoked"
    REMOTE_KEY_ADDED = "remote-key-added"
    """A key with which other software has a person's documents signed."""
    REMOTE_REQUESTED = "remote-requested", EventMeaning("Signature for other software asked for")
    REMOTE_SIGNED = "remote-signed", EventMeaning("Signed for other software")
    REMOTE_REFUSED = "remote-refused", EventMeaning("Signature for other software refused")
    REMOTE_LAPSED = "remote-lapsed", EventMeaning("Request of other software for a signature lapsed")
    REMOTE_BLOCKED = "remote-blocked", EventMeaning("Software blocked from asking for signatures")
    REMOTE_ADMITTED = "remote-admitted", EventMeaning("Software allowed to ask for signatures again")
    PERSON_LEFT = "person-left"
    SEAL_SUSPENDED = "seal-suspended"
    SEAL_RESUMED = "seal-resumed"
    CUSTODIAN_ADDED = "custodian-added"
    CUSTODIAN_REMOVED = "custodian-removed"
    CUSTODIANS_NEEDED_CHANGED = "custodians-needed-changed"
    SEAL_PICTURE_CHANGED = "seal-picture-changed"
    SEAL_DESTROYED = "seal-destroyed"
    SEAL_RULES_CHANGED = "seal-rules-changed"
    SEAL_FILED = "seal-filed"
    """Where the chop is on file was entered."""
    KEY_ROTATED = "key-rotated"
    CERTIFICATE_REVOKED = "certificate-revoked"
    PIN_CUSTODIAN_ENROLLED = "keeper-enrolled"
    """Somebody of those of whom two unlock the HSM."""
    PIN_CUSTODIAN_RETIRED = "keeper-retired"
    KEY_CEREMONY = "key-ceremony"
    """The authority's record of a ceremony, or of a key that was exchanged or revoked later."""
    OFFICE_ACT_APPROVED = "office-act-approved"
    OFFICE_ACT_REFUSED = "office-act-refused"
    OFFICE_ACT_WITHDRAWN = "office-act-withdrawn"
    """A partner's administrator took the request for a seal back."""
    IDENTITY_CHECKED = "identity-checked", EventMeaning("Identity checked")
    IDENTITY_WITHDRAWN = "identity-withdrawn", EventMeaning("Identity check withdrawn")
    POWER_REGISTERED = "power-registered", EventMeaning("Power of attorney registered")
    POWER_VERIFIED = "power-verified", EventMeaning("Power of attorney verified")
    POWER_REFUSED = "power-refused", EventMeaning("Power of attorney refused")
    POWER_REVOKED = "power-revoked", EventMeaning("Power of attorney revoked")
    ANCHOR_REGISTERED = "anchor-registered", EventMeaning("Certification authority of outside signers registered")
    ANCHOR_APPROVED = "anchor-approved", EventMeaning("Certification authority of outside signers approved")
    ANCHOR_ENDED = "anchor-ended", EventMeaning("Certification authority of outside signers ended")

    PARTNER_REGISTERED = "partner-registered", EventMeaning("Partner organisation registered")
    PARTNER_CHANGED = "partner-changed", EventMeaning("Details of the partner organisation changed")
    PARTNER_VOUCHED = "partner-vouched", EventMeaning("Vouched for the partner organisation")
    PARTNER_DOCUMENT_ADDED = "partner-document-added", EventMeaning("Document of the partner organisation added")
    REPRESENTATIVE_INVITED = "representative-invited", EventMeaning("Representative invited")
    REPRESENTATIVE_LEFT = "representative-left", EventMeaning("Representative left")
    PARTNER_ADMINISTRATOR_NAMED = "partner-administrator-named", EventMeaning("Administrator of the partner named")

    HOLD_PLACED = "hold-placed", _internal("Legal hold placed")
    HOLD_LIFTED = "hold-lifted", _internal("Legal hold lifted")
    DISPOSAL_PROPOSED = "disposal-proposed", _internal("Disposal proposed")
    DISPOSAL_REFUSED = "disposal-refused", _internal("Disposal refused")
    CONTRACT_DISPOSED = "contract-disposed", _shared("Disposed of")
    PERSONAL_DATA_ERASED = "personal-data-erased"
    LEDGER_EXPORTED = "ledger-exported"

    ABSENCE_ENTERED = "absence-entered"
    ABSENCE_ENDED = "absence-ended"
    ACCOUNT_INVITED = "account-invited"
    ACCOUNT_ACTIVATED = "account-activated"
    ACCOUNT_SUSPENDED = "account-suspended"
    ACCOUNT_RESUMED = "account-resumed"
    ROLES_CHANGED = "roles-changed"
    PROFILE_CHANGED = "profile-changed"
    DEPARTMENT_CHANGED = "department-changed"
    MANAGER_CHANGED = "manager-changed"
    DIRECTORY_LINKED = "directory-linked"
    """An account follows a user of a directory from now on."""
    DIRECTORY_SYNCHRONISED = "directory-synchronised"
    """One synchronisation that changed something, with counts."""
    DIRECTORY_RELEASED = "directory-released"
    """Two administrators agreed to what waited for them."""
    PERSON_DEPARTED = "person-departed"
    """The directory has disabled or removed somebody; officers end the certificate."""
    PERSON_RETURNED = "person-returned"
    """The directory has somebody again who was not let go yet."""
    SIGN_ON_LINKED = "sign-on-linked"
    """Somebody signed in through the identity provider for the first time."""
    SIGNED_OUT_BY_PROVIDER = "signed-out-by-provider"
    SIGNED_IN = "signed-in"
    SIGN_IN_BLOCKED = "sign-in-blocked"
    PASSWORD_CHANGED = "password-changed"  # noqa: S105  # the name of an event
    LOGIN_CODE_CHANGED = "login-code-changed"
    PASSKEY_ADDED = "passkey-added"
    PASSKEY_REMOVED = "passkey-removed"
    SESSION_REVOKED = "session-revoked"
    RECOVERY_STARTED = "recovery-started"
    ACCOUNT_RECOVERED = "account-recovered"

    API_CLIENT_CREATED = "api-client-created", EventMeaning("API client created")
    API_CLIENT_ORIGINS_CHANGED = "api-client-origins-changed", EventMeaning("Embedding by the API client changed")
    API_CLIENT_SUSPENDED = "api-client-suspended", EventMeaning("API client suspended")
    API_CLIENT_RESUMED = "api-client-resumed", EventMeaning("API client resumed")
    API_CLIENT_SECRET_CHANGED = "api-client-secret-changed", EventMeaning("Secret of the API client changed")
    API_CLIENT_CERTIFICATE_CHANGED = (
        "api-client-certificate-changed",
        EventMeaning("Certificate of the API client changed"),
    )
    WEBHOOK_CREATED = "webhook-created", EventMeaning("Webhook added")
    WEBHOOK_SECRET_MADE = "webhook-secret-made", EventMeaning("Secret of the webhook made")
    WEBHOOK_CHANGED = "webhook-changed", EventMeaning("Types of event of the webhook changed")
    WEBHOOK_ENABLED = "webhook-enabled", EventMeaning("Webhook enabled")
    WEBHOOK_DISABLED = "webhook-disabled", EventMeaning("Webhook disabled")
    WEBHOOK_REMOVED = "webhook-removed", EventMeaning("Webhook removed")
    WEBHOOK_REPLAYED = "webhook-replayed", EventMeaning("Events sent to the webhook once more")

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

DIRECTORY = "directory"
"""The actor of what the organisation's directory changes."""

NOBODY = frozenset({SYSTEM, DIRECTORY})
"""Actors that are no people."""


def append_event(tx: Transaction, event: AuditEvent) -> int:
    """Record *event*; the number of its entry. What cannot be written does not happen: an error here ends the
    caller's transaction. While an API client acts (:mod:`appliance.acting_client`), the entry names it."""
    place = {} if event.contract is None else _place(tx, event.contract)
    reach = acting_client()
    asked = {} if reach is None else {"client": reach.client}
    public = {"actor": event.actor, **event.public, **asked, **place}
    private = {name: value for name, value in event.private.items() if value is not None}
    number = record(tx, LedgerEntry(event.kind.value, event.at, public, private))
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

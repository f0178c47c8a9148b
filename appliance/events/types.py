"""The types of event: what each means, and the kind of log entry that it is made of. The one table, from which the
API's description and its pages are made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Self

from appliance.errors import PreconditionRefused
from appliance.ledger.audit_trail import EventKind
from appliance.model.contract import ContractState

_Source = EventKind | None
_State = ContractState | None


class EventType(StrEnum):
    """``kind`` is that of the log entry, None for what is in no log. ``state`` is the one into which the entry
    brings the contract, where the entry alone proves it. Events that are ``drafting`` belong to the time before a
    contract is sent: only the client that made the draft gets them."""

    _value_: str
    description: str
    kind: EventKind | None
    state: ContractState | None
    drafting: bool

    def __new__(
        cls, value: str, description: str, kind: _Source = None, state: _State = None, drafting: bool = False
    ) -> Self:
        """The type that is called *value* in events."""
        made = str.__new__(cls, value)
        made._value_, made.description = value, description
        made.kind, made.state, made.drafting = kind, state, drafting
        return made

    DRAFTED = "contract.drafted", "A draft was made.", EventKind.CONTRACT_DRAFTED, ContractState.DRAFT, True
    REVIEW_REQUESTED = (
        *("contract.review.requested", "The draft was given to a reviewer."),
        *(EventKind.REVIEW_REQUESTED, None, True),
    )
    REVIEW_STEP_APPROVED = (
        *("contract.review.step_approved", "One step of the draft's review was approved."),
        *(EventKind.REVIEW_STEP_APPROVED, None, True),
    )
    REVIEW_SIGNED_OFF = (
        *("contract.review.signed_off", "The reviewer signed off the draft's content."),
        *(EventKind.REVIEW_SIGNED_OFF, None, True),
    )
    REVIEW_RETURNED = (
        *("contract.review.returned", "The reviewer returned the draft."),
        *(EventKind.REVIEW_RETURNED, None, True),
    )
    DISCARDED = (
        *("contract.discarded", "The draft was discarded."),
        *(EventKind.CONTRACT_DISCARDED, ContractState.DISCARDED, True),
    )
    SENT = "contract.sent", "The contract was sent for signing.", EventKind.CONTRACT_SENT, ContractState.SENT
    GUEST_INVITED = (
        "contract.guest.invited",
        "An outside signer was invited: it is this party's turn.",
        EventKind.GUEST_INVITED,
    )
    GUEST_ARRIVED = (
        "contract.guest.arrived",
        "An outside signer came in by link and code.",
        EventKind.GUEST_ENTERED,
    )
    GUEST_CORRECTED = (
        "contract.guest.corrected",
        "The initiator corrected who the outside signer is, or how to reach them.",
        EventKind.GUEST_CORRECTED,
    )
    GUEST_VOUCHED = (
        "contract.guest.vouched",
        "The initiator vouched for the outside signer.",
        EventKind.GUEST_VOUCHED,
    )
    GUEST_CERTIFIED = (
        "contract.guest.certified",
        "The outside signer got a certificate for this contract.",
        EventKind.GUEST_CERTIFIED,
    )
    SEAL_REQUESTED = (
        "contract.seal.requested",
        "The use of a company seal was requested.",
        EventKind.SEAL_REQUESTED,
    )
    SEAL_HALF_APPROVED = (
        "contract.seal.half_approved",
        "One custodian of the two that the seal needs approved its use.",
        EventKind.SEAL_HALF_APPROVED,
    )
    SEAL_APPROVED = "contract.seal.approved", "The use of the seal was approved.", EventKind.SEAL_APPROVED
    SEAL_APPROVAL_TAKEN_BACK = (
        "contract.seal.approval_taken_back",
        "A custodian took the approval of the seal's use back.",
        EventKind.SEAL_APPROVAL_TAKEN_BACK,
    )
    SEAL_REFUSED = "contract.seal.refused", "The use of the seal was refused.", EventKind.SEAL_REFUSED
    SEAL_WITHDRAWN = (
        "contract.seal.withdrawn",
        "The request for the seal was withdrawn.",
        EventKind.SEAL_REQUEST_WITHDRAWN,
    )
    SEAL_LAPSED = (
        "contract.seal.lapsed",
        "The request for the seal lapsed unanswered.",
        EventKind.SEAL_REQUEST_LAPSED,
    )
    PARTY_SIGNED = "contract.party.signed", "A party signed.", EventKind.PARTY_SIGNED
    PARTY_DECLINED = (
        "contract.party.declined",
        "A party declined to sign, which ends the contract.",
        EventKind.PARTY_DECLINED,
        ContractState.DECLINED,
    )
    PARTY_HANDED_OVER = (
        "contract.party.handed_over",
        "A party's signature was handed over to somebody else.",
        EventKind.PARTY_HANDED_OVER,
    )
    INITIATOR_CHANGED = (
        "contract.initiator_changed",
        "Somebody else of the organisation took the contract over.",
        EventKind.INITIATOR_CHANGED,
    )
    DEADLINE_EXTENDED = (
        "contract.deadline_extended",
        "The deadline for signing was extended.",
        EventKind.DEADLINE_EXTENDED,
    )
    RECALLED = (
        "contract.recalled",
        "The initiator recalled the contract.",
        EventKind.CONTRACT_RECALLED,
        ContractState.RECALLED,
    )
    EXPIRED = (
        "contract.expired",
        "The deadline passed before everybody had signed.",
        EventKind.CONTRACT_EXPIRED,
        ContractState.EXPIRED,
    )
    COMPLETED = (
        "contract.completed",
        "All parties have signed and the document is sealed off; evidence packages can be made.",
        EventKind.CONTRACT_COMPLETED,
        ContractState.COMPLETED,
    )
    ARCHIVE_RENEWED = (
        "contract.archive_renewed",
        "The document got a further archive timestamp, so that it stays provable: its file is a newer one.",
        EventKind.ARCHIVE_RENEWED,
    )
    VOID_PROPOSED = "contract.void.proposed", "A party proposed to void the contract.", EventKind.VOID_PROPOSED
    VOID_DECLARED = "contract.void.declared", "A party signed the declaration to void.", EventKind.VOID_DECLARED
    VOID_REFUSED = "contract.void.refused", "A party refused to void the contract.", EventKind.VOID_REFUSED
    VOIDED = (
        "contract.voided",
        "All parties have declared the contract void.",
        EventKind.CONTRACT_VOIDED,
        ContractState.VOIDED,
    )
    SUPPLEMENTED = (
        "contract.supplemented",
        "A further agreement of the parties supplements the contract.",
        EventKind.CONTRACT_SUPPLEMENTED,
    )
    REPLACED = (
        "contract.replaced",
        "Another agreement of the parties replaces the contract.",
        EventKind.CONTRACT_REPLACED,
    )
    TERMINATED = (
        "contract.terminated",
        "The parties have agreed to terminate the contract.",
        EventKind.CONTRACT_TERMINATED,
    )
    AMENDMENT_VOIDED = (
        "contract.amendment_voided",
        "The agreement that changed this contract was voided.",
        EventKind.AMENDMENT_VOIDED,
    )
    HOLD_PLACED = "contract.hold.placed", "A legal hold was placed on the contract.", EventKind.HOLD_PLACED
    HOLD_LIFTED = "contract.hold.lifted", "The legal hold was lifted.", EventKind.HOLD_LIFTED
    DISPOSED = "contract.disposed", "The contract's documents were disposed of.", EventKind.CONTRACT_DISPOSED
    CAPTURE_DONE = (
        "capture.done",
        "A page was captured: its recording is timestamped and logged.",
        EventKind.PAGE_CAPTURED,
    )
    CAPTURE_FAILED = "capture.failed", "Nothing came of a capture; it says why.", EventKind.CAPTURE_FAILED
    CAPTURE_CHANGED = (
        "capture.changed",
        "A page captured by schedule differs from the capture before.",
        EventKind.CAPTURE_CHANGED,
    )
    CAPTURE_PACKAGE_READY = (
        "capture.package_ready",
        "The evidence package of a capture is made.",
        EventKind.CAPTURE_PACKAGED,
    )
    DEPOSIT_MADE = "deposit.made", "Files were deposited.", EventKind.OWNERSHIP_DEPOSITED
    TEST = "webhook.test", "A test of a webhook; it stands for nothing that happened."


OF_KIND: Mapping[str, EventType] = MappingProxyType(
    {each.kind.value: each for each in EventType if each.kind is not None}
)
"""The type that is made of each kind of log entry."""


def wanted_types(names: Iterable[str]) -> frozenset[EventType]:
    """The types called so; of no names none, which stands for all. Raises :class:`PreconditionRefused`."""
    known = {each.value for each in OF_KIND.values()}
    wanted = frozenset(names)
    if unknown := sorted(wanted - known):
        raise PreconditionRefused("There is no type of event called {name}.", name=unknown[0])
    return frozenset(each for each in EventType if each.value in wanted)

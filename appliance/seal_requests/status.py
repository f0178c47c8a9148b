"""Whether a request for a seal can still lead to a signature, and who is told when it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum

from appliance.entered_text import require_text
from appliance.errors import PreconditionRefused, StateRefused
from appliance.model.api_clients import require_person
from appliance.model.contract import ContractState
from appliance.model.intent import IntentState
from appliance.model.notice import Notice, NoticeKind
from appliance.model.people import SealRequest, SealRequestState
from appliance.store import contracts, intents, people
from appliance.store.database import Transaction
from hsm.intents import LONGEST_SEAL_REASON

LONGEST_REQUEST_REASON = LONGEST_SEAL_REASON
"""Characters of a reason, asked or answered."""


class Lapse(StrEnum):
    """Why a request ended without an answer; the sentences are kept with it and translated when shown."""

    CHANGED = "Another party signed first, so the document is a different one now; ask for the seal again."
    ENDED = "The contract ended before the seal was used."
    LATE = "The time for this request ran out; ask for the seal again."
    DESTROYED = "The seal was destroyed before it was used."
    CUSTODIAN_GONE = "A custodian who had approved keeps this seal no more; ask for the seal again."
    LEFT = "Whoever asked for the seal has left."
    NO_CUSTODIAN = "No custodian of the seal is left who could answer; ask an officer."
    HANDED_OVER = "Somebody else asks for this seal now."
    NOT_MADE = "The signature could not be made and nothing was signed; ask for the seal again."


def lapse_of(tx: Transaction, request: SealRequest, now: datetime) -> Lapse | None:
    """Why *request* cannot be used any more, or None while it can (or has been)."""
    record = intents.load_intent(tx, request.intent)
    contract = contracts.load_contract(tx, request.contract)
    found = None
    if record.state is IntentState.COMPLETED:
        found = None
    elif contract.state is not ContractState.SENT:
        found = Lapse.ENDED
    elif contract.current.number != record.base:
        found = Lapse.CHANGED
    elif contract.require_party(request.party).responsible != request.requester:
        found = Lapse.HANDED_OVER
    elif now >= record.intent.expires:
        found = Lapse.LATE
    elif (of_seal := _lapse_of_seal(tx, request)) is not None:
        found = of_seal
    elif record.state is IntentState.ABANDONED:
        found = Lapse.NOT_MADE
    elif people.has_left(tx, request.requester):
        found = Lapse.LEFT
    elif request.state is SealRequestState.WAITING and _no_custodian_left(tx, request):
        found = Lapse.NO_CUSTODIAN
    return found


def _lapse_of_seal(tx: Transaction, request: SealRequest) -> Lapse | None:
    seal = people.seal(tx, request.seal)
    if seal.destroyed is not None:
        return Lapse.DESTROYED
    return None if set(request.approved_by) <= set(seal.custodians) else Lapse.CUSTODIAN_GONE


def _no_custodian_left(tx: Transaction, request: SealRequest) -> bool:
    """Whether all who could answer have left; those who stay are asked already."""
    return all(people.has_left(tx, each) for each in custodians_of(tx, request))


def custodians_of(tx: Transaction, request: SealRequest) -> tuple[str, ...]:
    """Who may answer *request*: the seal's custodians, never the one who asks."""
    return request.asked_of(people.seal(tx, request.seal))


def require_custodian(tx: Transaction, request: SealRequest, subject: str) -> None:
    """Raises :class:`PreconditionRefused` unless *subject* may answer."""
    require_person()
    if subject not in custodians_of(tx, request):
        raise PreconditionRefused("Only a custodian of the seal who has not asked for it answers this request.")


def require_waiting(request: SealRequest) -> None:
    """Raises :class:`StateRefused` for a request that has been answered, or has ended."""
    if request.state is not SealRequestState.WAITING:
        raise StateRefused("This request has been answered already; look at what became of it.")


NO_REASON = "Write under “What the seal is for” why it is needed, such as the business and the number of copies."
"""Of a request."""
NO_ANSWER = "Write under “Reason” why the seal is not to be used; the one who asked reads it."
"""Of a refusal."""
TOO_LONG = "The reason may have {most} characters at most."


def require_request_reason(reason: str, missing: str = NO_REASON) -> str:
    """*reason* without outer blanks. Raises :class:`PreconditionRefused` when it is empty (the sentence *missing*)
    or too long."""
    return require_text(reason, missing=missing, too_long=TOO_LONG, most=LONGEST_REQUEST_REASON)


def to_custodians(tx: Transaction, request: SealRequest, now: datetime) -> Iterator[Notice]:
    """One notice for each who may answer."""
    for custodian in custodians_of(tx, request):
        yield Notice(request.contract, custodian, NoticeKind.SEAL_REQUESTED, now, request.id)


def after_lapse(tx: Transaction, request: SealRequest, now: datetime) -> Iterator[Notice]:
    """Both sides are told: the one who asked, and those who would have answered."""
    for recipient in (request.requester, *custodians_of(tx, request)):
        yield Notice(request.contract, recipient, NoticeKind.SEAL_LAPSED, now, request.id)

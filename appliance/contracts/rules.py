"""Pure questions about a contract: in which lists of whom it is, and who is notified of what."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from appliance.entered_text import require_text
from appliance.errors import StateRefused
from appliance.model.contract import (
    Contract,
    ContractState,
    Party,
    PartyKind,
)
from appliance.model.listing import EVERYTHING, ContractBucket, SearchWords
from appliance.model.notice import Notice, NoticeKind


def require_state(contract: Contract, needed: ContractState) -> None:
    """Raises :class:`StateRefused` unless the contract is in the state *needed*."""
    if contract.state is not needed:
        raise StateRefused(
            "Contract “{title}” is {state}; this needs it to be {needed}.",
            title=contract.title,
            state=contract.state,
            needed=needed,
        )


LONGEST_REASON = 1000


def require_reason(reason: str) -> str:
    """*reason* tidied. Raises :class:`PreconditionRefused` when there is none, or too much of it."""
    return require_text(
        reason,
        missing="Give a reason; the others will read it.",
        too_long="The reason is too long; {most} characters are possible.",
        most=LONGEST_REASON,
    )


_BUCKETS = {
    ContractState.DRAFT: ContractBucket.DRAFT,
    ContractState.SENT: ContractBucket.WAITING,
    ContractState.SIGNED: ContractBucket.WAITING,
    ContractState.COMPLETED: ContractBucket.DONE,
}


def buckets_of(contract: Contract, requested: Collection[str] = ()) -> dict[str, ContractBucket]:
    """Each person (subject) in whose lists the contract is; those who see everything are :data:`EVERYTHING`.

    *requested*: the parties (ids) for which a seal is asked for already. They wait for its custodians, and nobody
    has anything to sign for them.
    """
    bucket = _BUCKETS.get(contract.state, ContractBucket.ENDED)
    found = {EVERYTHING: bucket}
    if contract.state is ContractState.DISCARDED:
        return found
    if contract.state is ContractState.DRAFT:
        return found | {contract.initiator: bucket}
    found |= dict.fromkeys((*contract.former, *contract.copied, *contract.everybody), bucket)
    return found | dict.fromkeys(_asked(contract, requested), ContractBucket.TO_SIGN)


def _asked(contract: Contract, requested: Collection[str]) -> list[str]:
    """Who is to do something now: sign, or declare the contract void."""
    if contract.state is ContractState.COMPLETED and contract.voiding is not None:
        return [one for one in contract.signatories if one not in contract.voiding.declared]
    return [party.responsible for party in contract.on_turn if party.id not in requested]


def search_words_of(contract: Contract) -> SearchWords:
    """Title, type and number, and the names of all parties."""
    names = dict.fromkeys(name for party in contract.parties for name in (party.name, party.organisation))
    number = f"\n{contract.number}" if contract.number else ""
    return SearchWords(f"{contract.title}\n{contract.kind}{number}", "\n".join(names))


def after_sending(contract: Contract, now: datetime) -> Iterator[Notice]:
    """Everybody whose turn it is but the initiator, who has just sent it; *contract* is sent already."""
    return (notice for notice in newly_on_turn((), contract, now) if notice.recipient != contract.initiator)


def newly_on_turn(before: Sequence[Party], contract: Contract, now: datetime) -> Iterator[Notice]:
    """Who acts for a party whose turn it is and was not *before*, each person once."""
    known = {(party.id, party.responsible) for party in before}
    turn = [party for party in contract.on_turn if (party.id, party.responsible) not in known]
    signing = {party.responsible for party in turn if party.kind is PartyKind.PERSON}
    for subject in dict.fromkeys(party.responsible for party in turn):
        kind = NoticeKind.YOUR_TURN if subject in signing else NoticeKind.SEAL_TURN
        yield Notice(contract.id, subject, kind, now)


def after_signature(before: Contract, after: Contract, signed: Party, now: datetime) -> Iterator[Notice]:
    """The initiator, and those whose turn comes by it; *before* and *after* the signature of *signed*."""
    if after.initiator != signed.responsible:
        yield Notice(after.id, after.initiator, NoticeKind.PARTY_SIGNED, now, signed.id)
    yield from newly_on_turn(before.on_turn, after, now)


def to_everybody(contract: Contract, kind: NoticeKind, now: datetime) -> Iterator[Notice]:
    """Initiator, everybody who acts for a party, and who gets a copy, each once."""
    for subject in dict.fromkeys((*contract.everybody, *contract.copied)):
        yield Notice(contract.id, subject, kind, now)


def to_those_who_know(contract: Contract, kind: NoticeKind, now: datetime) -> Iterator[Notice]:
    """The initiator and those who have answered or whose turn it is; the others have not heard of it yet."""
    turn = contract.on_turn
    later = set(contract.waiting) - set(turn)
    knowing = [party.responsible for party in contract.parties if party not in later]
    for subject in dict.fromkeys([contract.initiator, *knowing]):
        yield Notice(contract.id, subject, kind, now)

"""What every change of a contract leaves behind: log entry, next version, lists of all involved, notices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from appliance.contracts import rules
from appliance.ledger.audit_trail import AuditTrail
from appliance.ledger.events import AuditEvent
from appliance.model.contract import Contract, ContractState, Party, PartyKind
from appliance.model.listing import EVERYTHING, ContractBucket, SearchWords
from appliance.model.notice import Notice, NoticeKind
from appliance.store import contracts, involvements
from appliance.store.database import Transaction


def record_change(
    tx: Transaction, audit: AuditTrail, contract: Contract, event: AuditEvent, *, appended: bool = False
) -> Contract:
    """The contract as it is now: with the log entry of *event*, its next version, and the lists of all involved.

    *told*: the caller has appended the event already, because it needed the entry's number.
    """
    if not appended:
        audit.append(tx, event)
    contracts.touch(tx, contract.id, kind=event.kind, actor=event.actor, at=event.at)
    now = contracts.load(tx, contract.id)
    involvements.refresh(tx, now.id, buckets_of(now), search_words_of(now))
    return now


_BUCKETS = {
    ContractState.DRAFT: ContractBucket.DRAFT,
    ContractState.SENT: ContractBucket.WAITING,
    ContractState.SIGNED: ContractBucket.WAITING,
    ContractState.COMPLETED: ContractBucket.DONE,
}


def buckets_of(contract: Contract) -> dict[str, ContractBucket]:
    """Each person (subject) who has the contract in a list; those who see everything are :data:`EVERYTHING`."""
    bucket = _BUCKETS.get(contract.state, ContractBucket.ENDED)
    found = {EVERYTHING: bucket}
    if contract.state is ContractState.DISCARDED:
        return found
    if contract.state is ContractState.DRAFT:
        return found | {contract.initiator: bucket}
    found |= dict.fromkeys((*contract.former, *rules.everybody(contract)), bucket)
    return found | dict.fromkeys(_asked(contract), ContractBucket.TO_SIGN)


def _asked(contract: Contract) -> list[str]:
    """Who is to do something now: sign, or declare the contract void."""
    if contract.state is ContractState.COMPLETED and contract.voiding is not None:
        return [one for one in rules.signatories(contract) if one not in contract.voiding.declared]
    return [party.responsible for party in rules.whose_turn(contract)]


def search_words_of(contract: Contract) -> SearchWords:
    """Title and type, and the names of all parties."""
    names = dict.fromkeys(name for party in contract.parties for name in (party.name, party.organisation))
    return SearchWords(f"{contract.title}\n{contract.kind}", "\n".join(names))


def after_sending(contract: Contract, now: datetime) -> Iterator[Notice]:
    """Everybody whose turn it is but the initiator, who has just sent it; *contract* is sent already."""
    return (notice for notice in newly_on_turn((), contract, now) if notice.recipient != contract.initiator)


def newly_on_turn(before: Sequence[Party], contract: Contract, now: datetime) -> Iterator[Notice]:
    """Who acts for a party whose turn it is and was not *before*, each person once."""
    known = {(party.id, party.responsible) for party in before}
    turn = [party for party in rules.whose_turn(contract) if (party.id, party.responsible) not in known]
    signing = {party.responsible for party in turn if party.kind is PartyKind.PERSON}
    for subject in dict.fromkeys(party.responsible for party in turn):
        kind = NoticeKind.YOUR_TURN if subject in signing else NoticeKind.SEAL_TURN
        yield Notice(contract.id, subject, kind, now)


def after_signature(before: Contract, after: Contract, signed: Party, now: datetime) -> Iterator[Notice]:
    """The initiator, and those whose turn comes by it; *before* and *after* the signature of *signed*."""
    if after.initiator != signed.responsible:
        yield Notice(after.id, after.initiator, NoticeKind.PARTY_SIGNED, now, signed.id)
    yield from newly_on_turn(rules.whose_turn(before), after, now)


def to_everybody(contract: Contract, kind: NoticeKind, now: datetime) -> Iterator[Notice]:
    """Initiator and everybody who acts for a party, each once."""
    for subject in rules.everybody(contract):
        yield Notice(contract.id, subject, kind, now)


def to_those_who_know(contract: Contract, kind: NoticeKind, now: datetime) -> Iterator[Notice]:
    """The initiator and those who have answered or whose turn it is; the others have not heard of it yet."""
    turn = rules.whose_turn(contract)
    waiting = set(rules.waiting(contract)) - set(turn)
    knowing = [party.responsible for party in contract.parties if party not in waiting]
    for subject in dict.fromkeys([contract.initiator, *knowing]):
        yield Notice(contract.id, subject, kind, now)

"""Who is to be told what, after each act on a contract. Pure; the caller puts the notices on their way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from appliance.contracts import rules
from appliance.model.contract import Contract, Party, PartyKind
from appliance.model.notice import Notice, NoticeKind


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

"""Who is to be told what, after each act on a contract. Pure; the caller queues the notices in its transaction."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from appliance.contracts import rules
from appliance.model.contract import Contract, Party, SigningOrder
from appliance.model.notice import Notice, NoticeKind


def after_sending(contract: Contract, now: datetime) -> Iterator[Notice]:
    """Everybody whose turn it is; *contract* is sent already."""
    for party in rules.whose_turn(contract):
        yield Notice(contract.id, party.responsible, NoticeKind.YOUR_TURN, now)


def after_signature(contract: Contract, signed: Party, now: datetime) -> Iterator[Notice]:
    """The initiator, and in sequential order the next one; *contract* has the signature already."""
    if contract.initiator != signed.responsible:
        yield Notice(contract.id, contract.initiator, NoticeKind.PARTY_SIGNED, now)
    if contract.order is SigningOrder.SEQUENTIAL:
        yield from after_sending(contract, now)


def to_everybody(contract: Contract, kind: NoticeKind, now: datetime) -> Iterator[Notice]:
    """Initiator and everybody who acts for a party, each once."""
    everybody = dict.fromkeys([contract.initiator, *(party.responsible for party in contract.parties)])
    for subject in everybody:
        yield Notice(contract.id, subject, kind, now)

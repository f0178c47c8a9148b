"""Putting notices on their way: into the outbox; whoever is from outside and asked to sign is invited instead."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from appliance.model.contract import GUEST_PREFIX, Contract, Party
from appliance.model.notice import Notice, NoticeKind
from appliance.store import contracts, outbox
from appliance.store.database import Transaction


class GuestInviter(Protocol):
    """Makes the invitation of a party from outside, and queues its letter, in the caller's transaction."""

    def __call__(self, tx: Transaction, contract: Contract, party: Party, *, by: str, now: datetime) -> object:
        """*by* invites and vouches."""


class NoticeQueue:
    """Whatever it is given is queued in the caller's transaction, so that nothing is told that did not happen."""

    def __init__(self, invite: GuestInviter) -> None:
        self._invite = invite

    def __call__(self, tx: Transaction, notices: Iterable[Notice]) -> None:
        """Queue *notices*; a guest whose turn it is is invited instead."""
        for notice in notices:
            if notice.contract is not None and _invites(notice):
                self._call(tx, contracts.load(tx, notice.contract), notice)
            else:
                outbox.enqueue(tx, notice)

    def _call(self, tx: Transaction, contract: Contract, notice: Notice) -> None:
        party = next(party for party in contract.parties if party.subject == notice.recipient)
        self._invite(tx, contract, party, by=contract.initiator, now=notice.due)


def _invites(notice: Notice) -> bool:
    return notice.kind is NoticeKind.YOUR_TURN and notice.recipient.startswith(GUEST_PREFIX)

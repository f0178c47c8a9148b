"""The status of a contract in one plain line for its reader."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from appliance.model.contract import Contract, ContractState, Party, PartyKind, PartyState
from webui.shared.language import moment, translate

NAMED = 3
"""Parties that a line names; of more it tells the number."""


def state_line(contract: Contract, viewer: str, now: datetime, *, asked: bool = False) -> str:
    """What the contract waits for, or how it ended; *viewer* (a subject) is spoken to. *asked*: their request for
    the seal that is on turn is open."""
    say = translate()
    if contract.state is ContractState.SENT:
        return _waiting_line(contract, viewer, now, asked=asked)
    if contract.state is ContractState.COMPLETED:
        return _completed_line(contract)
    refusing = [party for party in contract.parties if party.state is PartyState.DECLINED]
    return {
        ContractState.DRAFT: say("A draft: nobody else has seen it yet."),
        ContractState.SIGNED: say("All parties have signed; the document is being sealed for the archive."),
        ContractState.DECLINED: say(
            "{names} declined to sign. The contract has ended.", names=names_of_parties(refusing)
        ),
        ContractState.RECALLED: say("The initiator recalled it. The contract has ended."),
        ContractState.EXPIRED: _too_late(contract),
        ContractState.DISCARDED: say("This draft was thrown away."),
        ContractState.VOIDED: say("All parties have declared this contract void."),
    }[contract.state]


def remaining(until: datetime, now: datetime) -> str:
    """What is left of the time to *until*: ``3 days left``, ``5 hours left``; empty once it has passed."""
    left = until - now
    say = translate()
    if left <= timedelta():
        return ""
    if left >= timedelta(days=2):
        return say("{count} days left", count=left.days)
    hours = int(left.total_seconds() // 3600)
    if hours >= 2:
        return say("{count} hours left", count=hours)
    minutes = int(left.total_seconds() // 60)
    return say("{count} minutes left", count=minutes) if minutes >= 2 else say("less than two minutes left")


def names_of_parties(parties: Iterable[Party]) -> str:
    """The parties' names as a list in the reader's language; the first few when there are many."""
    say = translate()
    names = [party.name for party in parties]
    first = say(", ").join(names[:NAMED])
    return first if len(names) <= NAMED else say("{names} and {count} more", names=first, count=len(names) - NAMED)


def _waiting_line(contract: Contract, viewer: str, now: datetime, *, asked: bool) -> str:
    say = translate()
    turn = contract.on_turn
    at = moment(contract.deadline.at)
    if now >= contract.deadline.at:
        return _too_late(contract)
    mine = [party for party in turn if party.responsible == viewer]
    if any(party.kind is PartyKind.PERSON for party in mine):
        return say("Waiting for your signature, until {at}", at=at)
    if mine and asked:
        return say("Waiting for the custodians to decide about your request for the seal, until {at}", at=at)
    if mine:
        return say("Waiting for the seal, which you ask for, until {at}", at=at)
    if all(party.kind is PartyKind.SEAL for party in turn):
        return say("Waiting for the seal: {names}, until {at}", names=names_of_parties(turn), at=at)
    return say("Waiting for {names} to sign, until {at}", names=names_of_parties(turn), at=at)


def _too_late(contract: Contract) -> str:
    late = names_of_parties(contract.waiting)
    at = moment(contract.deadline.at)
    return translate()("The deadline passed on {at} without the signature of {names}.", at=at, names=late)


def _completed_line(contract: Contract) -> str:
    say = translate()
    at = moment(contract.current.at)
    if contract.voiding is not None:
        return say("Completed on {at}. A proposal to void it waits for the parties.", at=at)
    return say("Completed on {at}: every signature made here is dated and verified.", at=at)

"""Pure questions about a contract: what may follow what, who has it in which list, and who is told of what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from appliance.entered_text import require_text
from appliance.errors import NotFound, StateRefused
from appliance.language import instants
from appliance.model.contract import (
    Contract,
    ContractState,
    Deadline,
    Party,
    PartyKind,
    PartyState,
    RevisionKind,
    SigningOrder,
)
from appliance.model.intent import IntentRecord
from appliance.model.listing import EVERYTHING, ContractBucket, SearchWords
from appliance.model.notice import Notice, NoticeKind
from hsm.intents import SigningIntent


def party_of(contract: Contract, party_id: str) -> Party:
    """The party with this id. Raises :class:`NotFound`."""
    party = contract.party(party_id)
    if party is None:
        raise NotFound("Contract “{title}” has no party {party}.", title=contract.title, party=party_id)
    return party


def signing_party(contract: Contract, intent: SigningIntent) -> Party:
    """The party of *intent*, while it is still its signer's.

    Raises :class:`NotFound`, or :class:`StateRefused` when somebody else signs in that place by now: a signature
    never counts for another one than who made it.
    """
    party = party_of(contract, intent.party)
    if (party.subject, party.field) != (intent.signer, intent.field):
        raise StateRefused(
            "{name} signs “{title}” in this place by now; nothing was signed here.",
            name=party.name,
            title=contract.title,
        )
    return party


def require_state(contract: Contract, needed: ContractState) -> None:
    """Raises :class:`StateRefused` unless the contract is in the state *needed*."""
    if contract.state is not needed:
        raise StateRefused(
            "Contract “{title}” is {state}; this needs it to be {needed}.",
            title=contract.title,
            state=contract.state,
            needed=needed,
        )


def waiting(contract: Contract) -> tuple[Party, ...]:
    """The parties that have not answered, in signing order."""
    return tuple(party for party in contract.parties if party.state is PartyState.WAITING)


def whose_turn(contract: Contract) -> tuple[Party, ...]:
    """The parties that may sign now; empty unless the contract is sent.

    The initiator signs first, in parallel order too: nobody else is on turn before.
    """
    if contract.state is not ContractState.SENT:
        return ()
    left = waiting(contract)
    first = tuple(party for party in left if party.subject == contract.initiator)
    return left[:1] if contract.order is SigningOrder.SEQUENTIAL else first or left


def everybody(contract: Contract) -> tuple[str, ...]:
    """The people (subjects) who act in the contract, each once: the initiator, and who acts for each party."""
    return tuple(dict.fromkeys([contract.initiator, *signatories(contract)]))


def signatories(contract: Contract) -> tuple[str, ...]:
    """The people (subjects) who act for the parties, each once."""
    return tuple(dict.fromkeys(party.responsible for party in contract.parties))


def local(deadline: Deadline) -> str:
    """The deadline as read in its own zone, to the minute, with the offset: ``2026-11-28 18:00 UTC+08:00``."""
    return instants.minute(deadline.at, deadline.zone)


def is_first_signature(contract: Contract) -> bool:
    """True while no party has signed: the next signature is the one that certifies."""
    return all(revision.kind is not RevisionKind.SIGNATURE for revision in contract.revisions)


def is_last_signature(contract: Contract, party: Party) -> bool:
    """True when *party* is the only one left: its signature locks every field."""
    return waiting(contract) == (party,)


def state_after(contract: Contract, party: Party) -> ContractState:
    """The contract's state once *party* has signed."""
    return ContractState.SIGNED if is_last_signature(contract, party) else ContractState.SENT


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


def buckets_of(contract: Contract) -> dict[str, ContractBucket]:
    """Each person (subject) who has the contract in a list; those who see everything are :data:`EVERYTHING`."""
    bucket = _BUCKETS.get(contract.state, ContractBucket.ENDED)
    found = {EVERYTHING: bucket}
    if contract.state is ContractState.DISCARDED:
        return found
    if contract.state is ContractState.DRAFT:
        return found | {contract.initiator: bucket}
    found |= dict.fromkeys((*contract.former, *everybody(contract)), bucket)
    return found | dict.fromkeys(_asked(contract), ContractBucket.TO_SIGN)


def _asked(contract: Contract) -> list[str]:
    """Who is to do something now: sign, or declare the contract void."""
    if contract.state is ContractState.COMPLETED and contract.voiding is not None:
        return [one for one in signatories(contract) if one not in contract.voiding.declared]
    return [party.responsible for party in whose_turn(contract)]


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
    turn = [party for party in whose_turn(contract) if (party.id, party.responsible) not in known]
    signing = {party.responsible for party in turn if party.kind is PartyKind.PERSON}
    for subject in dict.fromkeys(party.responsible for party in turn):
        kind = NoticeKind.YOUR_TURN if subject in signing else NoticeKind.SEAL_TURN
        yield Notice(contract.id, subject, kind, now)


def after_signature(before: Contract, after: Contract, signed: Party, now: datetime) -> Iterator[Notice]:
    """The initiator, and those whose turn comes by it; *before* and *after* the signature of *signed*."""
    if after.initiator != signed.responsible:
        yield Notice(after.id, after.initiator, NoticeKind.PARTY_SIGNED, now, signed.id)
    yield from newly_on_turn(whose_turn(before), after, now)


def to_everybody(contract: Contract, kind: NoticeKind, now: datetime) -> Iterator[Notice]:
    """Initiator and everybody who acts for a party, each once."""
    for subject in everybody(contract):
        yield Notice(contract.id, subject, kind, now)


def to_those_who_know(contract: Contract, kind: NoticeKind, now: datetime) -> Iterator[Notice]:
    """The initiator and those who have answered or whose turn it is; the others have not heard of it yet."""
    turn = whose_turn(contract)
    later = set(waiting(contract)) - set(turn)
    knowing = [party.responsible for party in contract.parties if party not in later]
    for subject in dict.fromkeys([contract.initiator, *knowing]):
        yield Notice(contract.id, subject, kind, now)


def require_current(contract: Contract, record: IntentRecord) -> None:
    """Raises :class:`StateRefused` when the revision that was to be signed is no longer the newest."""
    if contract.current.number != record.base:
        raise StateRefused("Another party signed “{title}” in the meantime; prepare again.", title=contract.title)

"""Whom a mail about a contract names: signatories and the initiator, who are known to all parties of it anyway."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from appliance.language import Language, Translator
from appliance.model.contract import Contract, Party, PartyState
from appliance.model.notice import Notice, NoticeKind
from appliance.store import people
from appliance.store.database import Transaction

_BY_INITIATOR = frozenset(
    {
        NoticeKind.YOUR_TURN,
        NoticeKind.SEAL_TURN,
        NoticeKind.GUEST_INVITED,
        NoticeKind.RECALLED,
        NoticeKind.EXTENDED,
    }
)


@dataclass(frozen=True, slots=True)
class NamedActor:
    """Somebody with the organisation, which is empty for who signs for none."""

    name: str
    organisation: str = ""


def actors_of_notice(tx: Transaction, notice: Notice, contract: Contract) -> tuple[NamedActor, ...]:
    """Who did what *notice* tells, or whom it is about; nobody where that is not known."""
    if notice.kind in _BY_INITIATOR:
        return (_person(tx, contract.initiator),)
    if notice.kind is NoticeKind.VOID_PROPOSED:
        return () if contract.voiding is None else (_person(tx, contract.voiding.by),)
    if notice.kind is NoticeKind.COMPLETED:
        return tuple(_party(party) for party in contract.parties)
    if notice.kind is NoticeKind.DECLINED:
        return tuple(_party(party) for party in contract.parties if party.state is PartyState.DECLINED)
    party = contract.party(notice.about)
    return () if party is None else (_party(party),)


def format_actors(who: Sequence[NamedActor], translate: Translator, language: Language) -> str:
    """*who* as words of a sentence."""
    comma = "、" if language is Language.CHINESE else ", "
    return comma.join(
        translate("{name} ({organisation})", name=each.name, organisation=each.organisation)
        if each.organisation
        else each.name
        for each in who
    )


def _person(tx: Transaction, subject: str) -> NamedActor:
    person = people.person(tx, subject)
    return NamedActor(person.name, person.organisation)


def _party(party: Party) -> NamedActor:
    return NamedActor(party.name, "" if party.organisation in party.name else party.organisation)

"""Between whom a contract is: the sides that agree to sign it electronically."""

from __future__ import annotations

from collections.abc import Iterable

from appliance.model.acceptance import AgreementSide
from appliance.model.contract import Contract, Party
from appliance.model.people import Person


def side_of(party: Party) -> AgreementSide:
    """The organisation that *party* signs for; the signer, where that is none."""
    organisation = party.organisation.strip()
    return AgreementSide(organisation) if organisation else AgreementSide(party.name, party.subject)


def side_of_person(person: Person) -> AgreementSide:
    """The side that *person* is on."""
    organisation = person.organisation.strip()
    return AgreementSide(organisation) if organisation else AgreementSide(person.name, person.subject)


def sides_of(contract: Contract) -> tuple[AgreementSide, ...]:
    """Every side of *contract*, each once, in the order of signing."""
    return distinct(side_of(party) for party in contract.parties)


def distinct(sides: Iterable[AgreementSide], *, but: AgreementSide | None = None) -> tuple[AgreementSide, ...]:
    """*sides*, each once, without the side *but*."""
    known = {each.key: each for each in sides}
    return tuple(side for key, side in known.items() if but is None or key != but.key)

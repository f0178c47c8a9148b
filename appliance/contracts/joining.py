"""Who becomes a party of a draft, and where its field may lie. Pure, but for new ids."""

from __future__ import annotations

import math
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from appliance.contact_details import email_address, organisation_name, person_name
from appliance.contracts.placing import default_placement
from appliance.errors import PreconditionRefused
from appliance.language.instants import zone_of
from appliance.model.contract import GUEST_PREFIX, Contract, CrossPage, GuestDetails, Party, PartyKind, Placement
from appliance.model.people import Person

MOST_PARTIES, MOST_PLACES = 50, 200


class PlacementChoice(Enum):
    """Says that a field goes where fields go when nobody says where: to the foot of the last page."""

    DEFAULT = "usual place"


@dataclass(frozen=True, slots=True)
class Signatory:
    """Who becomes a party."""

    kind: PartyKind
    subject: str
    name: str
    organisation: str
    requester: str | None = None
    phone: str | None = None


def new_party(contract: Contract, signatory: Signatory, placement: Placement | PlacementChoice | None) -> Party:
    """The last party of *contract*, or its first when the initiator signs. Raises :class:`PreconditionRefused`."""
    if len(contract.parties) >= MOST_PARTIES:
        raise PreconditionRefused("A contract has at most {most} parties.", most=MOST_PARTIES)
    if any(other.subject == signatory.subject for other in contract.parties):
        raise PreconditionRefused("{name} is a party already.", name=signatory.name)
    position = len(contract.parties) + 1
    place = (
        default_placement(signatory.kind, position, contract.pages)
        if placement is PlacementChoice.DEFAULT
        else placement
    )
    if place is not None:
        require_places(contract, (place,))
    return Party(
        id=secrets.token_hex(12),
        position=position,
        kind=signatory.kind,
        subject=signatory.subject,
        name=signatory.name,
        organisation=signatory.organisation,
        requester=signatory.requester,
        field=_field(contract, signatory.kind),
        placement=place,
        phone=signatory.phone,
    )


def _field(contract: Contract, kind: PartyKind) -> str:
    """The contract's id keeps the name apart from fields of a document that was signed here before."""
    taken = {party.field for party in contract.parties}
    names = (f"{kind.value}-{number}-{contract.id[:8]}" for number in range(len(taken) + 1, 2 * len(taken) + 2))
    return next(name for name in names if name not in taken)


def in_order(contract: Contract, party_ids: Sequence[str]) -> tuple[str, ...]:
    """*party_ids* as the order of signing: all of them, once, the initiator's own first."""
    if sorted(party_ids) != sorted(party.id for party in contract.parties):
        raise PreconditionRefused("The order must name every party of “{title}” once.", title=contract.title)
    own = [party.id for party in contract.parties if party.subject == contract.initiator]
    return (*own, *(one for one in party_ids if one not in own))


def require_places(contract: Contract, places: Sequence[Placement], cross_page: CrossPage | None = None) -> None:
    """Raises :class:`PreconditionRefused` for places that no document like this has."""
    if len(places) > MOST_PLACES:
        raise PreconditionRefused("A signature has at most {most} places.", most=MOST_PLACES)
    for place in places:
        if place.page not in range(contract.pages):
            raise PreconditionRefused(
                "The document does not have this page; its pages are 1 to {pages}.", pages=contract.pages
            )
        numbers = (place.x, place.y, place.width, place.height)
        if not all(math.isfinite(number) for number in numbers) or not (place.width > 0 and place.height > 0):
            raise PreconditionRefused("A field needs a width and a height.")
    if cross_page is not None and (cross_page.edge != "right" or not 0 <= cross_page.y <= 100):
        raise PreconditionRefused("A cross-page seal lies on the right edge, between 0 and 100 per cent.")


def guest_person(guest: GuestDetails, initiator: Person) -> Person:
    """Somebody from outside as a person of the register; without a choice, with the initiator's language and zone.

    Raises :class:`PreconditionRefused` when the name is missing, or something cannot be certified, written to or
    called. A missing address of mail only keeps the contract from being sent; who signs for nobody else has no
    organisation.
    """
    name, email = person_name(guest.name), guest.email.strip()
    organisation = organisation_name(guest.organisation) if guest.organisation.strip() else ""
    email = email_address(email) if email else ""
    return Person(
        subject=f"{GUEST_PREFIX}{secrets.token_hex(6)}",
        name=name,
        organisation=organisation,
        email=email,
        language=guest.language or initiator.language,
        zone=zone_of(guest.zone).key if guest.zone else initiator.zone,
        guest=True,
    )

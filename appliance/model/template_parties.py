"""What a template keeps beside its text: who signs every contract that is made from it, in which order and where,
who gets a copy of it, and which files belong to it. No I/O."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from appliance.errors import PreconditionRefused
from appliance.model.annexes import Annex
from appliance.model.contract import (
    Contract,
    CrossPage,
    GuestDetails,
    Party,
    PartyKind,
    Placement,
    SignerInput,
    SigningOrder,
)
from appliance.signing_methods import SigningMethod

LONGEST_ROLE, LONGEST_PHRASE = 40, 100
"""Characters of a role's name, and of the words behind which its field goes."""

ON_ANNEXES: Final = 1_000_000
"""Kept pages from this one on are those of the merged annexes, counted through in their order."""


class RoleKind(StrEnum):
    """Who takes a role: whoever makes the contract, the same person or seal each time, or somebody from outside
    who is named for each contract."""

    SENDER = "sender"
    PERSON = "person"
    SEAL = "seal"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class TemplateRole:
    """One signature on every contract. ``name`` is what the contract calls the party: 买方, Buyer.

    ``subject`` is the person's or the seal's; ``requester`` asks for the seal, empty for whoever makes the
    contract. ``organisation`` is that for which an open role always signs, empty where it is named each time.
    The first field goes behind the last place where ``words`` stand; else to ``places``, whose pages count from 0,
    or from -1 for the text's last page backwards, or from :data:`ON_ANNEXES`; else to the foot of the last page.
    ``inputs``, what the signer fills in, have their places by the same count, and no values.
    """

    name: str
    kind: RoleKind
    subject: str = ""
    requester: str = ""
    organisation: str = ""
    method: SigningMethod | None = None
    words: str = ""
    places: tuple[Placement, ...] = ()
    cross_page: CrossPage | None = None
    inputs: tuple[SignerInput, ...] = ()


@dataclass(frozen=True, slots=True)
class TemplateAnnex:
    """A file that belongs to every contract. ``digest`` is its SHA-256 (hex); ``pages`` is how many of its pages
    are merged after the text, 0 where it lies beside the document."""

    name: str
    digest: str
    size: int
    pages: int = 0


@dataclass(frozen=True, slots=True)
class TemplateParties:
    """The roles in the order of signing; none where each contract gets its parties by hand. ``copies`` are the
    subjects of the people who get a copy."""

    order: SigningOrder = SigningOrder.SEQUENTIAL
    roles: tuple[TemplateRole, ...] = ()
    copies: tuple[str, ...] = ()
    annexes: tuple[TemplateAnnex, ...] = ()

    @property
    def named_by_lists(self) -> bool:
        """Whether a list of counterparties can name who is open: one role, or no roles at all."""
        return not self.roles or len(self.open_roles) == 1

    @property
    def open_roles(self) -> tuple[TemplateRole, ...]:
        """Those that are named for each contract."""
        return tuple(role for role in self.roles if role.kind is RoleKind.OPEN)

    def cast(self, guests: Sequence[GuestDetails]) -> tuple[tuple[TemplateRole, GuestDetails | None], ...]:
        """Each role with who takes it, the open ones in the order of *guests*. Raises
        :class:`PreconditionRefused` when there are more or fewer of them."""
        if len(guests) != len(self.open_roles):
            raise PreconditionRefused("Name somebody for each open role of the template.")
        named = iter(guests)
        return tuple((role, next(named) if role.kind is RoleKind.OPEN else None) for role in self.roles)

    def without(self, names: Collection[str]) -> TemplateParties:
        """Without the roles of these *names*."""
        return replace(self, roles=tuple(role for role in self.roles if role.name not in names))

    def keeping(self, copies: Collection[str], digests: Collection[str]) -> TemplateParties:
        """With these of its copies and annexes alone; places on the pages of others go."""
        moved: dict[int, int] = {}
        first = ON_ANNEXES
        for annex in self.annexes:
            if annex.digest in digests:
                moved |= {first + page: ON_ANNEXES + len(moved) + page for page in range(annex.pages)}
            first += annex.pages
        return replace(
            self,
            roles=tuple(_on_pages(role, moved) for role in self.roles),
            copies=tuple(each for each in self.copies if each in copies),
            annexes=tuple(each for each in self.annexes if each.digest in digests),
        )

    def names(self, known: Mapping[str, str], guests: Sequence[GuestDetails]) -> dict[str, str]:
        """Role → what the text calls its party, the organisation before the person; *known*: subject → that of
        people and seals, the sender's own under the empty subject."""
        return {
            role.name: (guest.organisation or guest.name) if guest else known.get(role.subject, "")
            for role, guest in self.cast(guests)
        }


NO_PARTIES: Final = TemplateParties()


def kept_of(contract: Contract, attached: Sequence[Annex]) -> TemplateParties:
    """What a template can keep of *contract*: order, roles without names, copies, and the *attached* annexes."""
    annexes = tuple(
        TemplateAnnex(each.name, each.digest, each.size, each.merged.count if each.merged else 0)
        for each in attached
    )
    own = contract.pages - sum(each.pages for each in annexes)
    return TemplateParties(contract.order, _roles_of(contract, own), contract.copied, annexes)


def _roles_of(contract: Contract, own: int) -> tuple[TemplateRole, ...]:
    """The parties of a text of *own* pages. A seal that an outside signer of this contract alone asks for is left
    out: for another contract there is nobody who could ask."""
    initiator, found = contract.initiator, []
    for party in contract.parties:
        if party.kind is PartyKind.SEAL and party.outside and party.partner is None:
            continue
        requester = "" if party.requester in (None, initiator) else party.requester or ""
        role = TemplateRole("", _kind(party, initiator), party.subject, requester, method=party.method)
        if role.kind is RoleKind.OPEN:
            role = replace(role, subject="", organisation=party.organisation)
        if role.kind is RoleKind.SENDER:
            role = replace(role, subject="")
        places = tuple(_kept_place(place, own) for place in party.places)
        inputs = tuple(_kept_inputs(party, own))
        found.append(replace(role, places=places, cross_page=party.cross_page, inputs=inputs))
    return tuple(found)


def _kind(party: Party, initiator: str) -> RoleKind:
    if party.kind is PartyKind.SEAL:
        return RoleKind.SEAL
    if party.subject == initiator:
        return RoleKind.SENDER
    return RoleKind.OPEN if party.guest else RoleKind.PERSON


def _kept_place(place: Placement, own: int) -> Placement:
    """What lies on the text's last page, or on an annex, stays there, however many pages the text has."""
    if place.page >= own:
        return replace(place, page=place.page - own + ON_ANNEXES)
    return replace(place, page=-1) if place.page == own - 1 else place


def _kept_inputs(party: Party, own: int) -> Iterator[SignerInput]:
    for each in party.inputs:
        yield replace(each, id="", places=tuple(_kept_place(place, own) for place in each.places), value="")


def _on_pages(role: TemplateRole, moved: Mapping[int, int]) -> TemplateRole:
    """*role* with its places on annexes where they have *moved* to."""

    def there(places: tuple[Placement, ...]) -> tuple[Placement, ...]:
        kept = (each for each in places if each.page < ON_ANNEXES or each.page in moved)
        return tuple(replace(each, page=moved.get(each.page, each.page)) for each in kept)

    inputs = tuple(replace(each, places=there(each.places)) for each in role.inputs)
    return replace(role, places=there(role.places), inputs=inputs)


def places_in(places: Sequence[Placement], own: int, pages: int) -> tuple[Placement, ...]:
    """The kept *places* in a document of so many *pages*, of which the text's *own* come first; those on pages
    that it does not have are left out."""
    found = []
    for each in places:
        annexed = each.page >= ON_ANNEXES
        page = each.page - ON_ANNEXES + own if annexed else each.page + own if each.page < 0 else each.page
        if page in (range(own, pages) if annexed else range(own)):
            found.append(replace(each, page=page))
    return tuple(found)

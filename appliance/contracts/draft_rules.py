"""What a draft may say: its terms, its parties, and where signature fields may lie. Pure, but for new ids."""

from __future__ import annotations

import math
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from enum import Enum, StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from appliance.contact_details import email_address, organisation_name, person_name
from appliance.entered_text import require_zone
from appliance.errors import PreconditionRefused
from appliance.language import Language, instants
from appliance.language.characters import without_hidden, words
from appliance.model.contract import (
    GUEST_PREFIX,
    Contract,
    CrossPage,
    Deadline,
    GuestDetails,
    Money,
    Party,
    PartyKind,
    Placement,
    RevisionKind,
    SigningOrder,
)
from appliance.model.people import Person
from appliance.pdf.values import FoundPhrase, PageSize
from appliance.policy.rules import OutsideSignerRules
from appliance.signing_methods import AVAILABLE, NOT_ALLOWED, NOT_AVAILABLE, NOT_HERE, SigningMethod
from hsm.errors import Sentence
from hsm.intents import LONGEST_TITLE, MOST_PARTIES

COLUMNS = 3
MARGIN = 5.0
GAP = 2.0
FOOT = 6.0
"""Above the page numbers of what was written here."""

WIDTH = (100 - 2 * MARGIN - (COLUMNS - 1) * GAP) / COLUMNS
HEIGHT = 9.0
SEAL_HEIGHT = 14.5
"""Room for a seal of 40 mm on A4: 43 mm of 297."""


def default_placement(kind: PartyKind, position: int, pages: int) -> Placement:
    """The place of the party at *position* (from 1) in a document of so many *pages*; all in percent."""
    row, column = divmod(position - 1, COLUMNS)
    height = SEAL_HEIGHT if kind is PartyKind.SEAL else HEIGHT
    return Placement(
        page=pages - 1,
        x=MARGIN + column * (WIDTH + GAP),
        y=max(0.0, 100 - FOOT - row * (SEAL_HEIGHT + GAP) - height),
        width=WIDTH,
        height=height,
    )


_STEP = 2.0
"""Per cent of the page between two heights at which a free place is looked for."""


def places_from_the_foot(kind: PartyKind, position: int, pages: int) -> list[Placement]:
    """Where the field of the party at *position* can come on the last page, the best place first: its usual one,
    then from the foot upwards."""
    height = SEAL_HEIGHT if kind is PartyKind.SEAL else HEIGHT
    heights = range(int((100 - FOOT - MARGIN - height) / _STEP) + 1)
    return [
        default_placement(kind, position, pages),
        *(
            Placement(pages - 1, MARGIN + column * (WIDTH + GAP), 100 - FOOT - height - row * _STEP, WIDTH, height)
            for row in heights
            for column in range(COLUMNS)
        ),
    ]


LONGEST_KIND, LONGEST_PURPOSE = 60, 2000
"""In characters."""

DEFAULT_DAYS = 14
"""Until the deadline when nobody names one."""

END_OF_WORK = time(18, 0)
"""When a day ends on which a deadline falls for which nobody names an hour."""


@dataclass(frozen=True, slots=True)
class DraftTerms:
    """What the initiator (a person's subject) says of a contract: its title, type and purpose in words.

    A draft may lack type and purpose. Without a ``deadline`` a new draft gets one in two weeks, a revised one
    keeps its own. ``amount``: what the contract is worth; None when it names no amount. ``language``: in which
    signatures are worded on the document; the initiator's where nothing is said, a revised draft's own.
    ``number``: the organisation's number of it, where somebody enters one; None leaves it as it is.
    """

    title: str
    kind: str
    purpose: str
    initiator: str
    deadline: Deadline | None = None
    order: SigningOrder = SigningOrder.SEQUENTIAL
    amount: Money | None = None
    language: Language | None = None
    number: str | None = None


def tidy_terms(terms: DraftTerms, now: datetime, *, before: Deadline | None = None) -> DraftTerms:
    """*terms* without stray spaces and hidden characters. Raises :class:`PreconditionRefused` for invalid ones.

    A deadline in the past is refused unless the draft had it *before*.
    """
    tidied = replace(
        terms, title=words(terms.title), kind=words(terms.kind), purpose=without_hidden(terms.purpose).strip()
    )
    if not tidied.title:
        raise PreconditionRefused("A contract needs a title.")
    if len(tidied.title) > LONGEST_TITLE:
        raise PreconditionRefused("The title is too long; {most} characters are possible.", most=LONGEST_TITLE)
    if len(tidied.kind) > LONGEST_KIND:
        raise PreconditionRefused("The type is too long; {most} characters are possible.", most=LONGEST_KIND)
    if len(tidied.purpose) > LONGEST_PURPOSE:
        raise PreconditionRefused("The purpose is too long; {most} characters are possible.", most=LONGEST_PURPOSE)
    if tidied.deadline is not None and tidied.deadline != before:
        require_deadline(tidied.deadline, now)
    return tidied


FARTHEST_YEARS: Final = 10
"""The farthest that a deadline can be from now; the clocks of other zones have to reach it, too."""

TOO_FAR: Final = "A deadline is at most {years} years away; choose an earlier one."


def is_too_far(at: datetime, now: datetime) -> bool:
    """Whether a deadline *at* lies too many years ahead."""
    return at.year - now.year > FARTHEST_YEARS


def require_deadline(deadline: Deadline, now: datetime) -> None:
    """Raises :class:`PreconditionRefused` for an unknown zone, or a moment that is not in the future, or too far
    in it."""
    require_zone(deadline.zone)
    if is_too_far(deadline.at, now):
        raise PreconditionRefused(TOO_FAR, years=FARTHEST_YEARS)
    if deadline.at <= now:
        raise PreconditionRefused(
            "The deadline {deadline} is in the past.", deadline=instants.named(deadline.at, deadline.zone)
        )


def default_deadline(now: datetime, zone: str, days: int = DEFAULT_DAYS) -> Deadline:
    """The end of work *days* from *now*, in *zone*."""
    day = now.astimezone(ZoneInfo(zone)).date() + timedelta(days=days)
    return Deadline(instants.on(day, END_OF_WORK, zone), zone)


def deadline_again(contract: Contract, now: datetime) -> Deadline:
    """A deadline by the same rule: as many days from *now* as *contract* had from when it was sent, at the same
    time of day in its zone; as long from now where that was the same day."""
    before, zone = contract.deadline, ZoneInfo(contract.deadline.zone)
    given_fields = (each.at for each in contract.revisions if each.kind is RevisionKind.FIELDS)
    sent = next(given_fields, contract.created)  # a contract gets its fields when it is sent
    due = before.at.astimezone(zone)
    days = (due.date() - sent.astimezone(zone).date()).days
    if days < 1:
        return Deadline(now + (before.at - sent), before.zone)
    day = now.astimezone(zone).date() + timedelta(days=days)
    return Deadline(instants.on(day, due.time(), zone), before.zone)


def revised_draft(contract: Contract, terms: DraftTerms) -> Contract:
    """The draft with the words, order and deadline of *terms*; initiator and everything else stay."""
    return replace(
        contract,
        title=terms.title,
        kind=terms.kind,
        purpose=terms.purpose,
        order=terms.order,
        deadline=terms.deadline or contract.deadline,
        amount=terms.amount,
        language=terms.language or contract.language,
    )


MOST_PLACES = 200
MOST_PLACES_IN_ALL: Final = 2_000
"""Places of all signatures and of all that is filled in: each is a field of the PDF, which every signature looks
through."""

TOO_MANY_PLACES: Final = "All fields of a contract together have at most {most} places; take some away."

MOST_SHARED: Final = 0.5
"""Of the smaller field's area: more of it under another field is no longer readable."""


class PlacementChoice(Enum):
    """Asks for the default placement of a field: at the foot of the last page."""

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
    method: SigningMethod | None = None


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
        method=signatory.method,
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


def require_places(
    contract: Contract,
    places: Sequence[Placement],
    cross_page: CrossPage | None = None,
    *,
    before: Sequence[Placement] = (),
) -> None:
    """Raises :class:`PreconditionRefused` for places that are invalid in this document, and for too many of them,
    which come instead of those *before*."""
    if len(places) > MOST_PLACES:
        raise PreconditionRefused("A signature has at most {most} places.", most=MOST_PLACES)
    others = sum(len(places_of(party)) for party in contract.parties) - len(before)
    if len(places) > len(before) and others + len(places) > MOST_PLACES_IN_ALL:
        raise PreconditionRefused(TOO_MANY_PLACES, most=MOST_PLACES_IN_ALL)
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


def places_of(party: Party) -> list[Placement]:
    """Where the signature of *party* shows, and what its signer fills in."""
    return [*party.places, *(place for each in party.inputs for place in each.places)]


def covering(contract: Contract) -> frozenset[tuple[str, str]]:
    """The parties (ids, in their order) whose fields cover each other; the same one twice for its own fields.

    Only what is beside each other on one page, from its left to its right edge, is compared.
    """
    laid = [(number, place) for number, party in enumerate(contract.parties) for place in places_of(party)]
    laid.sort(key=lambda each: (each[1].page, each[1].x))
    found: set[tuple[int, int]] = set()
    open_ones: list[tuple[int, Placement]] = []
    for number, place in laid:
        open_ones = [
            (other, under)
            for other, under in open_ones
            if under.page == place.page and under.x + under.width > place.x
        ]
        found.update(
            pair
            for other, under in open_ones
            if (pair := (min(number, other), max(number, other))) not in found and _cover(place, under)
        )
        open_ones.append((number, place))
    return frozenset((contract.parties[one].id, contract.parties[other].id) for one, other in found)


def _cover(one: Placement, other: Placement) -> bool:
    """True when the two share more than :data:`MOST_SHARED` of the smaller one."""
    smaller = min(one.width * one.height, other.width * other.height)
    return one.shared_with(other) > MOST_SHARED * smaller


def guest_person(guest: GuestDetails, initiator: Person) -> Person:
    """An outside signer as a person of the register; language and zone are the initiator's unless chosen.

    Raises :class:`PreconditionRefused` when the name is missing, or a value cannot be certified, written to or
    called. A missing mail address only prevents sending; a guest who signs for no organisation has none.
    """
    name, email = person_name(guest.name), guest.email.strip()
    organisation = organisation_name(guest.organisation) if guest.organisation.strip() else ""
    email = email_address(email) if email else ""
    return Person(
        subject=new_guest_subject(),
        name=name,
        organisation=organisation,
        email=email,
        language=guest.language or initiator.language,
        zone=require_zone(guest.zone).key if guest.zone else initiator.zone,
        guest=True,
    )


def method_refusal(
    rules: OutsideSignerRules, name: str, method: SigningMethod | None, *, vouching: bool = True
) -> Sentence | None:
    """Why the outside signer called *name* cannot sign by *method*, or None. *vouching*: whether anybody can vouch
    here."""
    if method is None:
        return None
    if method not in rules.allowed:
        return Sentence(NOT_ALLOWED[method], {"name": name})
    if method is SigningMethod.VOUCHED and not vouching:
        return Sentence(NOT_HERE, {"name": name})
    return None if method in AVAILABLE else Sentence(NOT_AVAILABLE, {"name": name})


def offered_methods(rules: OutsideSignerRules, vouching: bool = True) -> tuple[SigningMethod, ...]:
    """What a form offers: what policy allows, and this release and this machine (*vouching*) have."""
    lacking = frozenset() if vouching else {SigningMethod.VOUCHED}
    return tuple(method for method in rules.allowed if method in AVAILABLE - lacking)


def new_guest_subject() -> str:
    """By which the register and the authority will know an outside signer."""
    return f"{GUEST_PREFIX}{secrets.token_hex(6)}"


POINTS_PER_MM = 72 / 25.4
ANCHOR_GAP_MM = 2.0
"""Between the words and the field."""


class AnchorSide(StrEnum):
    """Where the field goes, seen from the words."""

    AFTER = "after"
    BELOW = "below"
    OVER = "over"


def place_beside(
    found: FoundPhrase, side: AnchorSide, page: PageSize, *, width_mm: float, height_mm: float
) -> Placement:
    """The place of a field of that size at *found*, moved as far as is needed to lie inside the page."""
    page_width, page_height = page.width / POINTS_PER_MM, page.height / POINTS_PER_MM
    width, height = min(100.0, 100 * width_mm / page_width), min(100.0, 100 * height_mm / page_height)
    middle_x, middle_y = found.x + found.width / 2, found.y + found.height / 2
    x, y = {
        AnchorSide.AFTER: (found.x + found.width + 100 * ANCHOR_GAP_MM / page_width, middle_y - height / 2),
        AnchorSide.BELOW: (found.x, found.y + found.height + 100 * ANCHOR_GAP_MM / page_height),
        AnchorSide.OVER: (middle_x - width / 2, middle_y - height / 2),
    }[side]
    return Placement(
        found.page,
        round(min(max(x, 0.0), 100 - width), 3),
        round(min(max(y, 0.0), 100 - height), 3),
        round(width, 3),
        round(height, 3),
    )


_USUAL_MM = {True: (42.0, 42.0), False: (50.0, 20.0)}
"""How large the field of a seal (True) and of a person is where a template has kept no place."""


def place_behind(
    found: FoundPhrase, kept: Sequence[Placement], pages: Sequence[PageSize], *, seal: bool
) -> Placement:
    """The place of a field behind the words that were *found*, as large as the first of the *kept* ones."""
    page = pages[found.page]
    width, height = _USUAL_MM[seal]
    for first in kept[:1]:
        before = pages[first.page]
        width = first.width / 100 * before.width / POINTS_PER_MM
        height = first.height / 100 * before.height / POINTS_PER_MM
    return place_beside(found, AnchorSide.AFTER, page, width_mm=width, height_mm=height)

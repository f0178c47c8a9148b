"""What keeps a draft from being sent, each with its place in the form. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from appliance.contracts import rules
from appliance.contracts.acts import Refusal
from appliance.model.contract import Contract, Party, PartyKind, Placement

MOST_SHARED = 0.5
"""Of the smaller field's area: more of it under another field is no longer readable."""


class ProblemPlace(StrEnum):
    """The step of the form where a problem is solved."""

    DOCUMENT = "document"
    """The document and its words: title, type, purpose."""
    PARTIES = "parties"
    FIELDS = "fields"
    DEADLINE = "deadline"
    REVIEW = "review"
    """The content check, and the reviewer's answer."""


@dataclass(frozen=True, slots=True)
class DraftProblem:
    """One thing to mend: a sentence (message id) with its values; ``party`` is the id of the party concerned."""

    place: ProblemPlace
    party: str | None
    template: str
    values: Mapping[str, object] = field(default_factory=dict)

    @property
    def sentence(self) -> Refusal:
        """The same as what :class:`Sending` refuses with."""
        return Refusal(self.template, dict(self.values))


def problems_of(contract: Contract, now: datetime) -> Iterator[DraftProblem]:
    """Everything that the contract itself shows; the register of people and seals is asked elsewhere."""
    yield from _words(contract)
    if not contract.parties:
        yield DraftProblem(ProblemPlace.PARTIES, None, "Nobody is to sign yet; add a party.")
    yield from _fields(contract)
    if now >= contract.deadline.at:
        yield DraftProblem(
            ProblemPlace.DEADLINE,
            None,
            "The deadline {deadline} ({zone}) has passed; set a later one.",
            {"deadline": rules.local(contract.deadline), "zone": contract.deadline.zone},
        )


def _words(contract: Contract) -> Iterator[DraftProblem]:
    if not contract.kind:
        yield DraftProblem(ProblemPlace.DOCUMENT, None, "The type of the contract is missing.")
    if not contract.purpose:
        yield DraftProblem(ProblemPlace.DOCUMENT, None, "The purpose of the contract is missing.")


def _fields(contract: Contract) -> Iterator[DraftProblem]:
    for number, party in enumerate(contract.parties):
        name = {"name": party.name}
        if not party.places:
            template = "{name} has no field yet; place one."
            if party.kind is PartyKind.SEAL and party.cross_page is not None:
                template = "{name} needs a place of its own besides the edges of the pages."
            yield DraftProblem(ProblemPlace.FIELDS, party.id, template, name)
        if not all(_lies_on_page(contract, place) for place in party.places):
            yield DraftProblem(
                ProblemPlace.FIELDS, party.id, "A field of {name} lies outside its page; move it back.", name
            )
        for other in contract.parties[number + 1 :]:
            if _hides(party, other):
                both = {"name": party.name, "other": other.name}
                template = "The fields of {name} and {other} cover each other; move them apart."
                yield DraftProblem(ProblemPlace.FIELDS, party.id, template, both)
        if _hides_itself(party):
            yield DraftProblem(
                ProblemPlace.FIELDS, party.id, "Two fields of {name} cover each other; move them apart.", name
            )


def _lies_on_page(contract: Contract, place: Placement) -> bool:
    """A hundredth of a percent is allowed for rounding."""
    inside = place.x > -0.01 and place.y > -0.01
    return (
        place.page < contract.pages
        and inside
        and place.x + place.width < 100.01
        and place.y + place.height < 100.01
    )


def _hides(one: Party, other: Party) -> bool:
    return any(_cover(place, under) for place in one.places for under in other.places)


def _hides_itself(party: Party) -> bool:
    places = party.places
    return any(_cover(place, other) for number, place in enumerate(places) for other in places[number + 1 :])


def _cover(one: Placement, other: Placement) -> bool:
    """True when the two share more than half of the smaller one."""
    if one.page != other.page:
        return False
    wide = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    high = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    smaller = min(one.width * one.height, other.width * other.height)
    return wide > 0 and high > 0 and wide * high > MOST_SHARED * smaller

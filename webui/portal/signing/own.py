"""The visitor's own party, and what a page about to be signed shows of the document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import request

from appliance.contracts import rules
from appliance.model.contract import Contract, Party, PartyState, Placement
from webui.portal.contracts.view import ContractView

WIDTH = 1000
"""Pixels of a page's picture where the browser cannot choose."""

GROUP = 8
"""Characters of a digest that are read together."""


@dataclass(frozen=True, slots=True)
class OwnField:
    """One place of the visitor's signature: ``number`` counts from 1 over all pages."""

    number: int
    place: Placement


@dataclass(frozen=True, slots=True)
class ShownPage:
    """One page: ``number`` from 1, with the visitor's own fields on it."""

    number: int
    fields: tuple[OwnField, ...]


def own_party(seen: ContractView) -> Party | None:
    """The party that the visitor signs for: the one asked for, else one on turn, else one that waits, else any."""
    own = [party for party in seen.contract.parties if party.responsible == seen.who.subject]
    wanted = request.values.get("party")
    turn = rules.whose_turn(seen.contract)
    ranked = sorted(own, key=lambda one: (one.id != wanted, one not in turn, one.state is not PartyState.WAITING))
    return ranked[0] if ranked else None


def shown_pages(contract: Contract, party: Party) -> tuple[ShownPage, ...]:
    """Every page, with the party's fields numbered in reading order."""
    places = sorted(party.places, key=lambda place: (place.page, place.y, place.x))
    fields = [OwnField(number, place) for number, place in enumerate(places, 1)]
    return tuple(
        ShownPage(page + 1, tuple(each for each in fields if each.place.page == page))
        for page in range(contract.pages)
    )


def grouped_digest(digest: bytes) -> Sequence[str]:
    """A digest's hex digits in groups that people can compare."""
    digits = digest.hex()
    return [digits[start : start + GROUP] for start in range(0, len(digits), GROUP)]

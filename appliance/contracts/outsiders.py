"""Of which organisations nobody from outside can be: those of this house, however their names are written."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from appliance.contracts.acts import Refusal
from appliance.contracts.room import SigningRoom
from appliance.store import people
from appliance.store.database import Transaction
from hsm.errors import AuthorityError
from hsm.organisations import same_organisation


def certified_here(room: SigningRoom) -> list[str]:
    """What else the authority certifies as this house, to be asked outside transactions. While it does not answer
    it is not asked: it certifies no outside signer under those names anyway."""
    with suppress(AuthorityError):
        return room.authority.organisations()
    return []


def of_this_house(
    tx: Transaction, room: SigningRoom, organisation: str, more: Iterable[str] = ()
) -> Refusal | None:
    """Why an outside signer cannot be of *organisation*, or None. ``more`` are further names of this house."""
    for own in (room.basis_finder.own, *people.organisations(tx), *more):
        if same_organisation(own, organisation):
            return Refusal(
                "An outside signer cannot be of {organisation}: {own} is an organisation of this house. Who works"
                " here signs with an account.",
                {"organisation": organisation, "own": own},
            )
    return None

"""Links of outside signers for API clients: the organisation's own system delivers them (decision 80).

A client gets the link and never the code, so that it cannot come in as the signer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from appliance.contracts.access import Command, admit
from appliance.contracts.permissions import ACTING_CLIENT, Permission
from appliance.guests.inviting import Guests
from appliance.model.accounts import GuestInvitation
from appliance.store.database import Database


@dataclass(frozen=True, slots=True)
class GivenLink:
    """The ``invitation`` whose link the client gets, and the moment from which nobody comes in by it."""

    invitation: GuestInvitation
    until: datetime


class GivenLinks:
    """Thread-safe. For the API client that acts."""

    def __init__(self, database: Database, guests: Guests, now: Callable[[], datetime]) -> None:
        self._database = database
        self._guests = guests
        self._now = now

    def give(self, contract_id: str, party_id: str) -> GivenLink:
        """The link of a guest of a contract that the client made: the one that holds, or a new one if it was used,
        also while mail goes out.

        Raises :class:`NotFound`; :class:`PreconditionRefused` for a contract of others and for somebody with an
        account; :class:`StateRefused` before the guest's turn and when the invitation is over.
        """
        with self._database.transaction() as tx:
            contract = admit(tx, Command(contract_id, Permission.READ, ACTING_CLIENT, self._now()))
            invitation = self._guests.give_link(tx, contract, party_id)
            return GivenLink(invitation, invitation.until(contract))

"""Inviting an outside signer, in the transaction that sends the contract."""

from __future__ import annotations

from datetime import datetime

from appliance.model.contract import Contract, Party
from appliance.model.guest import Invitation
from appliance.store.database import Transaction


def invite(tx: Transaction, contract: Contract, party: Party, *, by: str, now: datetime) -> Invitation:
    """The invitation of a guest *party*, which ends an earlier one, and its notice (``guest-invited``).

    The letter's link is ``links.token("guest", invitation.id)`` of the invitation that
    :func:`appliance.store.guests.current` gives for contract and person.
    """
    raise NotImplementedError

"""Who may read a contract; everybody else learns not even that it exists."""

from __future__ import annotations

from datetime import datetime

from appliance.contracts.acts import Actor, Permission
from appliance.contracts.model import refusal_for
from appliance.errors import NotFound
from appliance.model.contract import Contract
from appliance.store import contracts, custody
from appliance.store.database import Transaction


def actor_of(
    tx: Transaction, subject: str, *, auditor: bool = False, guest_of: tuple[str, str] | None = None
) -> Actor:
    """*subject* as the state machine knows people: with the seals in that person's custody."""
    return Actor(subject, auditor, custody.seals_kept_by(tx, subject), guest_of)


def require_reader(tx: Transaction, contract_id: str, actor: Actor, now: datetime) -> Contract:
    """The contract, when *who* may read it. Raises the :class:`NotFound` of a contract that is not there."""
    contract = contracts.load(tx, contract_id)
    refusal = refusal_for(contract, Permission.READ, actor, now)
    if refusal is not None:
        if refusal.late:  # of a contract that this reader knew
            raise refusal.error()
        raise NotFound("There is no contract {contract}.", contract=contract_id)
    return contract

"""When an agreement may change an earlier contract, and what happens to that one once the agreement is completed.

The earlier contract keeps its document, its signatures and its state; what is added is an entry in its history.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from appliance.contracts.access import record_change
from appliance.contracts.permissions import Refusal
from appliance.ledger.audit_trail import SYSTEM, AuditEvent, EventKind, Field
from appliance.model.contract import Amendment, AmendmentKind, Contract, ContractState, Party
from appliance.store import amendments, contracts
from appliance.store.database import Transaction

_TAKES_EFFECT: Final = {
    AmendmentKind.SUPPLEMENT: EventKind.CONTRACT_SUPPLEMENTED,
    AmendmentKind.REPLACEMENT: EventKind.CONTRACT_REPLACED,
    AmendmentKind.TERMINATION: EventKind.CONTRACT_TERMINATED,
}


def sent_fields(tx: Transaction, contract: Contract) -> dict[str, Field]:
    """What the log keeps of the contract that *contract* changes, when it is sent: number and digest, no words."""
    amendment = amendments.amendment_by(tx, contract.id)
    if amendment is None:
        return {}
    earlier = contracts.load_contract(tx, amendment.earlier)
    return {
        amendment.kind.value: earlier.id,
        "earlier": earlier.current.digest,
        "effective": amendment.effective.isoformat(),
    }


def refusals_to_send(tx: Transaction, contract: Contract) -> Iterator[Refusal]:
    """Why *contract* cannot change the earlier one as things stand: nothing changes a contract but an agreement of
    all its sides (民法典, articles 543 and 562), and what is over is changed no more."""
    amendment = amendments.amendment_by(tx, contract.id)
    if amendment is None:
        return
    earlier = contracts.load_contract(tx, amendment.earlier)
    if earlier.state is not ContractState.COMPLETED:
        yield Refusal(
            "“{title}”, which this agreement is to change, is {state}.",
            {"title": earlier.title, "state": earlier.state},
        )
    yield from refusal_once_over(tx, earlier)
    known = {_side_of(party) for party in contract.parties}
    missing = dict.fromkeys(
        party.organisation or party.name for party in earlier.parties if _side_of(party) not in known
    )
    if missing:
        yield Refusal(
            "This agreement is to change “{title}”; these parties of that contract are missing here: {names}.",
            {"title": earlier.title, "names": ", ".join(missing)},
        )


def refusal_once_over(tx: Transaction, earlier: Contract) -> Iterator[Refusal]:
    """For a contract that an agreement in force has replaced or terminated already."""
    ended = amendments.ended_from(tx, earlier.id)
    if ended is not None:
        yield Refusal(
            "“{title}” has been replaced or terminated by agreement already, with effect from {day}.",
            {"title": earlier.title, "day": ended.isoformat()},
        )


def _side_of(party: Party) -> str:
    """By what the side of a party is known in both contracts; a guest who signs for none is known by the name,
    since each contract has its own guests."""
    return f"guest:{party.name}" if party.guest and not party.organisation.strip() else party.side.key


def take_effect(tx: Transaction, later: Contract, at: datetime) -> None:
    """*later* is completed: the history of the contract that it changes says so from now on."""
    amendment = amendments.amendment_by(tx, later.id)
    if amendment is not None:
        _record(tx, amendment, _TAKES_EFFECT[amendment.kind], SYSTEM, later, at)


def lose_effect(tx: Transaction, later: Contract, *, by: str, at: datetime) -> None:
    """*later* is void: it changes nothing any more."""
    amendment = amendments.amendment_by(tx, later.id)
    if amendment is not None:
        _record(tx, amendment, EventKind.AMENDMENT_VOIDED, by, later, at)


def _record(
    tx: Transaction, amendment: Amendment, kind: EventKind, by: str, later: Contract, at: datetime
) -> None:
    earlier = contracts.load_contract(tx, amendment.earlier)
    if earlier.disposed is not None:  # nothing is left of it that could be read
        return
    public: dict[str, Field] = {"amendment": later.id, "amending": later.current.digest}
    if kind is not EventKind.AMENDMENT_VOIDED:
        public["effective"] = amendment.effective.isoformat()
    record_change(tx, earlier, AuditEvent(kind, at, by, earlier.id, public))

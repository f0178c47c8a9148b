"""The parties of contracts and the places of their fields, in the database."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from appliance.errors import StateRefused
from appliance.model.contract import Contract, CrossPage, Party, Placement
from appliance.store.database import Transaction
from hsm.rows import RowMapper, columns, fields_of

_FAR = 100_000
"""More than a contract has parties: positions are moved out of the way by it while they change."""


def insert_party(tx: Transaction, contract_id: str, party: Party) -> None:
    """One more party of a draft."""
    names = "id position kind subject name organisation requester field phone state signed_at"
    tx.insert("parties", fields_of(party, names) | {"contract": contract_id})
    place(tx, party.id, party.places, party.cross_page)


def place(tx: Transaction, party_id: str, places: Sequence[Placement], cross_page: CrossPage | None) -> None:
    """The places of a party's field become these."""
    first = _columns(places[0]) if places else (None,) * 5
    tx.execute(
        "UPDATE parties SET page = ?, x = ?, y = ?, width = ?, height = ?, cross_page = ? WHERE id = ?",
        (*first, None if cross_page is None else cross_page.y, party_id),
    )
    tx.execute("DELETE FROM placements WHERE party = ?", (party_id,))
    tx.executemany(
        "INSERT INTO placements (party, number, page, x, y, width, height) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(party_id, number, *_columns(other)) for number, other in enumerate(places[1:], 1)],
    )


def remove(tx: Transaction, party_id: str) -> None:
    """A party leaves a draft; the caller closes the gap with :func:`order`."""
    tx.execute("DELETE FROM placements WHERE party = ?", (party_id,))
    tx.execute("DELETE FROM parties WHERE id = ?", (party_id,))


def order(tx: Transaction, contract_id: str, party_ids: Sequence[str]) -> None:
    """The parties of a draft sign in this order from now on."""
    tx.execute("UPDATE parties SET position = position + ? WHERE contract = ?", (_FAR, contract_id))
    tx.executemany(
        "UPDATE parties SET position = ? WHERE id = ? AND contract = ?",
        [(position, party_id, contract_id) for position, party_id in enumerate(party_ids, 1)],
    )


def pass_on(tx: Transaction, contract: Contract, party: Party) -> None:
    """The waiting party is acted for by whom *party* names now."""
    _require_one(
        tx.change(
            "UPDATE parties SET subject = ?, name = ?, organisation = ?, requester = ?"
            " WHERE id = ? AND contract = ?"
            " AND state = 'waiting'",
            (party.subject, party.name, party.organisation, party.requester, party.id, contract.id),
        ),
        contract,
    )


def correct(tx: Transaction, contract: Contract, party: Party) -> None:
    """Who signs for the waiting party of a guest, as the initiator has corrected it."""
    _require_one(
        tx.change(
            "UPDATE parties SET subject = ?, name = ?, phone = ? WHERE id = ? AND contract = ?"
            " AND state = 'waiting'",
            (party.subject, party.name, party.phone, party.id, contract.id),
        ),
        contract,
    )


def mark_signed(tx: Transaction, contract: Contract, party: Party, at: datetime) -> None:
    """The party has signed. Raises :class:`StateRefused` unless it was waiting."""
    _require_one(
        tx.change(
            "UPDATE parties SET state = 'signed', signed_at = ? WHERE id = ? AND contract = ?"
            " AND state = 'waiting'",
            (at, party.id, contract.id),
        ),
        contract,
    )


def mark_declined(tx: Transaction, contract: Contract, party: Party, reason: str) -> None:
    """The party will not sign. Raises :class:`StateRefused` unless it was waiting."""
    _require_one(
        tx.change(
            "UPDATE parties SET state = 'declined', reason = ? WHERE id = ? AND contract = ?"
            " AND state = 'waiting'",
            (reason, party.id, contract.id),
        ),
        contract,
    )


def of_contract(tx: Transaction, contract_id: str) -> tuple[Party, ...]:
    """The parties of a contract, in signing order."""
    return tuple(
        _PARTIES.all(
            tx.execute(
                "SELECT id, position, kind, subject, name, organisation, requester, field, page, x, y, width,"
                " height, state, signed_at, reason, cross_page, phone, (SELECT json_group_array("
                "json_array(page, x, y, width, height)) FROM (SELECT page, x, y, width, height FROM placements"
                " WHERE party = parties.id ORDER BY number)) AS more"
                " FROM parties WHERE contract = ? ORDER BY position",
                (contract_id,),
            )
        )
    )


def _placement(page: int | None, *box: float) -> Placement | None:
    return None if page is None else Placement(page, *box)


_PARTIES = RowMapper(
    Party,
    placement=columns(_placement, "page", "x", "y", "width", "height"),
    more=lambda places: tuple(Placement(*place) for place in json.loads(places)),
    cross_page=CrossPage,
)


def _columns(place: Placement) -> tuple[int, float, float, float, float]:
    return (place.page, place.x, place.y, place.width, place.height)


def _require_one(count: int, contract: Contract) -> None:
    if count != 1:
        raise StateRefused(
            "Contract “{title}” has changed in the meantime; look at it again, then decide.", title=contract.title
        )


def acts_elsewhere(tx: Transaction, subject: str, contract_id: str) -> bool:
    """Whether *subject* is a party of another contract that is under way."""
    return bool(
        tx.count(
            "SELECT EXISTS (SELECT 1 FROM parties AS p JOIN contracts AS c ON c.id = p.contract"
            " WHERE p.subject = ? AND c.id <> ? AND c.state IN ('draft', 'sent', 'signed'))",
            (subject, contract_id),
        )
    )

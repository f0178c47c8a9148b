"""The parties of contracts and the places of their fields, in the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from appliance.errors import StateRefused
from appliance.model.contract import Contract, CrossPage, Party, PartyKind, PartyState, Placement
from appliance.store.database import Transaction
from appliance.store.moments import loaded, stored

_FAR = 100_000
"""More than a contract has parties: positions are moved out of the way by it while they change."""


def insert(tx: Transaction, contract_id: str, party: Party) -> None:
    """One more party of a draft."""
    tx.execute(
        "INSERT INTO parties (id, contract, position, kind, subject, name, organisation, requester, field, phone,"
        " state, signed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            party.id,
            contract_id,
            party.position,
            party.kind,
            party.subject,
            party.name,
            party.organisation,
            party.requester,
            party.field,
            party.phone,
            party.state,
            None if party.signed_at is None else stored(party.signed_at),
        ),
    )
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
    passed = tx.execute(
        "UPDATE parties SET subject = ?, name = ?, organisation = ?, requester = ?"
        " WHERE id = ? AND contract = ? AND state = 'waiting'",
        (party.subject, party.name, party.organisation, party.requester, party.id, contract.id),
    )
    _require_one(passed.rowcount, contract)


def correct(tx: Transaction, contract: Contract, party: Party) -> None:
    """Who signs for the waiting party of a guest, as the initiator has corrected it."""
    corrected = tx.execute(
        "UPDATE parties SET subject = ?, name = ?, phone = ? WHERE id = ? AND contract = ? AND state = 'waiting'",
        (party.subject, party.name, party.phone, party.id, contract.id),
    )
    _require_one(corrected.rowcount, contract)


def mark_signed(tx: Transaction, contract: Contract, party: Party, at: datetime) -> None:
    """The party has signed. Raises :class:`StateRefused` unless it was waiting."""
    marked = tx.execute(
        "UPDATE parties SET state = 'signed', signed_at = ? WHERE id = ? AND contract = ? AND state = 'waiting'",
        (stored(at), party.id, contract.id),
    )
    _require_one(marked.rowcount, contract)


def mark_declined(tx: Transaction, contract: Contract, party: Party, reason: str) -> None:
    """The party will not sign. Raises :class:`StateRefused` unless it was waiting."""
    marked = tx.execute(
        "UPDATE parties SET state = 'declined', reason = ? WHERE id = ? AND contract = ? AND state = 'waiting'",
        (reason, party.id, contract.id),
    )
    _require_one(marked.rowcount, contract)


def of_contract(tx: Transaction, contract_id: str) -> tuple[Party, ...]:
    """The parties of a contract, in signing order."""
    rows = tx.execute(
        "SELECT id, position, kind, subject, name, organisation, requester, field, page, x, y, width, height,"
        " state, signed_at, reason, cross_page, phone FROM parties WHERE contract = ? ORDER BY position",
        (contract_id,),
    ).fetchall()
    more = _more(tx, contract_id)
    return tuple(_party(row, more.get(row[0], ())) for row in rows)


def _more(tx: Transaction, contract_id: str) -> dict[str, tuple[Placement, ...]]:
    rows = tx.execute(
        "SELECT other.party, other.page, other.x, other.y, other.width, other.height"
        " FROM parties JOIN placements AS other ON other.party = parties.id"
        " WHERE parties.contract = ? ORDER BY other.party, other.number",
        (contract_id,),
    )
    found: dict[str, tuple[Placement, ...]] = {}
    for party_id, *place_columns in rows:
        found[party_id] = (*found.get(party_id, ()), Placement(*place_columns))
    return found


def _party(row: tuple[Any, ...], more: tuple[Placement, ...]) -> Party:
    return Party(
        id=row[0],
        position=row[1],
        kind=PartyKind(row[2]),
        subject=row[3],
        name=row[4],
        organisation=row[5],
        requester=row[6],
        field=row[7],
        placement=None if row[8] is None else Placement(*row[8:13]),
        state=PartyState(row[13]),
        signed_at=loaded(row[14]),
        reason=row[15],
        more=more,
        cross_page=None if row[16] is None else CrossPage(row[16]),
        phone=row[17],
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
    row = tx.execute(
        "SELECT EXISTS (SELECT 1 FROM parties AS p JOIN contracts AS c ON c.id = p.contract"
        " WHERE p.subject = ? AND c.id <> ? AND c.state IN ('draft', 'sent', 'signed'))",
        (subject, contract_id),
    ).fetchone()
    return bool(row[0])

"""Contracts with their parties and revisions, the days that they name, handovers, and which contract replaces
which. Every function runs in the caller's transaction."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final

from appliance.acting_client import acting_client
from appliance.errors import NotFound, StateRefused
from appliance.model.contract import (
    UNSENT,
    Contract,
    ContractRevision,
    ContractState,
    CrossPage,
    Deadline,
    InputKind,
    Money,
    OpenVoiding,
    Party,
    PartyState,
    Placement,
    SignerInput,
    SigningOrder,
)
from appliance.model.discussion import DraftKind
from appliance.model.notice import ContractDate, Occasion
from appliance.policy.numbering import number_key
from appliance.store.database import Transaction
from appliance.store.discussions import colleagues
from hsm.rows import Query, columns, fields_of, refusing

_REVISIONS = Query(ContractRevision, "SELECT number, kind, digest, size, at, party FROM revisions")
_VOIDINGS = Query(OpenVoiding)
_DATES = Query(ContractDate, "SELECT kind, day, set_by, set_at FROM contract_dates")


def _money(minor: int | None, currency: str) -> Money | None:
    return None if minor is None else Money(minor, currency)


def _placement(page: int | None, *box: float) -> Placement | None:
    return None if page is None else Placement(page, *box)


_PARTIES = Query(
    Party,
    placement=columns(_placement, "page", "x", "y", "width", "height"),
    more=lambda places: tuple(Placement(*place) for place in json.loads(places)),
    cross_page=CrossPage,
    inputs=lambda rows: tuple(map(_signer_input, json.loads(rows))),
)
_CONTRACTS = Query(
    Contract,
    order=columns(SigningOrder, "signing_order"),
    deadline=columns(lambda at, zone: Deadline(datetime.fromisoformat(at), zone), "deadline", "zone"),
    amount=columns(_money, "amount", "currency"),
)


def insert_contract(tx: Transaction, contract: Contract) -> None:
    """A new contract with its first revision; parties follow by :func:`insert_party`. Raises :class:`NotFound` for
    an id that is another's: whoever chose it made that contract before, and does not reach it any more."""
    row = fields_of(contract, "id initiator state created pages department api_client")
    row |= {"revision": contract.current.number, "touched": contract.created} | _terms(contract)
    beyond = NotFound("There is no contract {contract}.", contract=contract.id)
    with refusing(beyond, only=["contracts.id"]):
        tx.insert("contracts", row)
    for revision in contract.revisions:
        _insert_revision(tx, contract.id, revision)


def add_revision(tx: Transaction, contract: Contract, revision: ContractRevision, *, state: ContractState) -> None:
    """Append *revision* and move to *state*; *contract* is the contract as it was read.

    Raises :class:`StateRefused` when it has another current revision or another state by now.
    """
    row: dict[str, object] = {"revision": revision.number, "state": state}
    if state is not contract.state and state in _MOMENTS:
        row[_MOMENTS[state]] = revision.at
    _move(tx, contract, row)
    _insert_revision(tx, contract.id, revision)


_MOMENTS = {ContractState.SENT: "sent", ContractState.COMPLETED: "completed"}
"""Columns that say when a contract came into the state."""


def move(tx: Transaction, contract: Contract, state: ContractState) -> None:
    """Change the state alone, on the same condition as :func:`add_revision`."""
    _move(tx, contract, {"state": state})


def _move(tx: Transaction, contract: Contract, row: Mapping[str, object]) -> None:
    seen = {"revision": contract.current.number, "state": contract.state}
    _require_one(tx.update("contracts", row, id=contract.id, **seen), contract)


def load_contract(tx: Transaction, contract_id: str) -> Contract:
    """The contract as it stands in this transaction. Raises :class:`NotFound`, also for one that is out of the
    reach of the API client for which this thread works."""
    missing = NotFound("There is no contract {contract}.", contract=contract_id)
    contract = _CONTRACTS.one(
        tx,
        "SELECT id, title, kind, purpose, initiator, signing_order, deadline, zone, state, created, pages,"
        " version, amount, currency, (SELECT d.ended FROM disposals AS d"
        " WHERE d.contract = contracts.id AND d.state = 'done') AS disposed, language,"
        " contract_number AS number, number_entered, department, api_client FROM contracts WHERE id = ?",
        (contract_id,),
        parties=_parties(tx, contract_id),
        revisions=_revisions(tx, contract_id),
        former=handover_givers(tx, contract_id),
        copied=_copied(tx, contract_id),
        colleagues=colleagues(tx, DraftKind.CONTRACT, contract_id),
        voiding=_voiding(tx, contract_id),
        missing=missing,
    )
    reach = acting_client()
    if reach is not None and not reach.reads(
        tx.value(str, "SELECT organisation FROM people WHERE subject = ?", (contract.initiator,)) or "",
        contract.kind,
        made_by=contract.api_client,
        unsent=contract.state in UNSENT,
    ):
        raise missing
    return contract


def _copied(tx: Transaction, contract_id: str) -> tuple[str, ...]:
    query = "SELECT person FROM copies WHERE contract = ? ORDER BY at, person"
    return tuple(tx.column(str, query, (contract_id,)))


def current_revision(tx: Transaction, contract_id: str) -> int:
    """The number of the contract's newest revision. Raises :class:`NotFound`."""
    found = tx.value(int, "SELECT revision FROM contracts WHERE id = ?", (contract_id,))
    if found is None:
        raise NotFound("There is no contract {contract}.", contract=contract_id)
    return found


def set_initiator(tx: Transaction, contract: Contract, subject: str) -> None:
    """*subject* is the initiator from now on. Raises :class:`StateRefused` when somebody else became it first."""
    if not tx.update("contracts", {"initiator": subject}, id=contract.id, initiator=contract.initiator):
        raise StateRefused("Somebody else has taken over “{title}”.", title=contract.title)


GONE: Final = "—"
"""In place of a number that somebody entered, of a contract that was disposed of."""


def next_count(tx: Transaction, organisation: str, scope: str) -> int:
    """One more of the counter *scope* of *organisation*, from 1; it is given back when the transaction fails."""
    return tx.count(
        "INSERT INTO number_counters (organisation, scope, last) VALUES (?, ?, 1)"
        " ON CONFLICT (organisation, scope) DO UPDATE SET last = last + 1 RETURNING last",
        (organisation, scope),
    )


def number_taken(tx: Transaction, organisation: str, number: str, contract_id: str) -> bool:
    """Whether another contract of *organisation* has *number*; that of a draft that was thrown away is free."""
    return tx.exists(
        "SELECT 1 FROM contracts WHERE number_owner = ?1 AND number_key IN (?2, ?3) AND id <> ?4"
        " AND state <> 'discarded'",
        (organisation, number_key(number), _digest_of_key(organisation, number), contract_id),
    )


def forget_entered_number(tx: Transaction, contract: Contract) -> None:
    """What somebody entered as the number of *contract* goes, which is disposed of: people enter names, too. Its
    digest stays, so that the number is not given again; a number from a counter stays as it is."""
    if contract.number_entered:
        owner = tx.value(str, "SELECT number_owner FROM contracts WHERE id = ?", (contract.id,)) or ""
        row = {"contract_number": GONE, "number_key": _digest_of_key(owner, contract.number)}
        tx.update("contracts", row, id=contract.id)


def _digest_of_key(organisation: str, number: str) -> str:
    return f"sha256:{hashlib.sha256(f'{organisation}:{number_key(number)}'.encode()).hexdigest()}"


def save_number(tx: Transaction, contract: Contract, organisation: str) -> None:
    """The draft of *organisation* gets the number and the department that *contract* has. Raises
    :class:`StateRefused` for a number that another has."""
    key = number_key(contract.number) or None
    row: dict[str, object] = {"contract_number": contract.number, "number_key": key}
    row |= {"number_entered": contract.number_entered, "number_owner": organisation}
    row |= {"department": contract.department}
    taken = StateRefused("Another contract has the number {number}.", number=contract.number)
    if key is not None and number_taken(tx, organisation, contract.number, contract.id):
        raise taken
    with refusing(taken, only=["contracts_one_number", "contracts.number_owner"]):
        tx.update("contracts", row, id=contract.id, state=ContractState.DRAFT)


def revise(tx: Transaction, contract: Contract) -> None:
    """The words, amount, language, order and deadline of a draft become those of *contract*."""
    tx.update("contracts", _terms(contract), id=contract.id, state=ContractState.DRAFT)


def replace_original(tx: Transaction, contract: Contract, original: ContractRevision, pages: int) -> None:
    """Another document takes the place of a draft's; the first one was never anybody's but the initiator's."""
    tx.update("contracts", {"pages": pages}, id=contract.id, state=ContractState.DRAFT)
    tx.update("revisions", fields_of(original, "digest size at"), contract=contract.id, number=0)


def postpone(tx: Transaction, contract: Contract, deadline: Deadline) -> None:
    """A later deadline for a contract that waits for signatures."""
    seen = {"state": ContractState.SENT, "deadline": contract.deadline.at}
    _require_one(tx.update("contracts", _deadline(deadline), id=contract.id, **seen), contract)


def touch(tx: Transaction, contract_id: str, *, kind: str, actor: str, at: datetime) -> None:
    """The contract's next version: an event of *kind* by *actor* made it."""
    tx.execute("UPDATE contracts SET version = version + 1, touched = ? WHERE id = ?", (at, contract_id))
    tx.execute(
        "INSERT INTO contract_changes (contract, version, kind, actor, at)"
        " SELECT id, version, ?, ?, ? FROM contracts WHERE id = ?",
        (kind, actor, at, contract_id),
    )


def last_change(tx: Transaction, contract_id: str) -> tuple[str, str, datetime] | None:
    """The event that made the current version: its kind, who did it, when; None before the first change."""
    row = tx.execute(
        "SELECT kind, actor, at FROM contract_changes WHERE contract = ? ORDER BY version DESC LIMIT 1",
        (contract_id,),
    ).fetchone()
    if row is None:
        return None
    kind, actor, at = row
    return kind, actor, datetime.fromisoformat(at)


def overdue(
    tx: Transaction,
    now: datetime,
    *,
    grace: Callable[[str], timedelta] = lambda _kind: timedelta(),
    limit: int = 100,
) -> list[str]:
    """Ids of sent contracts whose deadline has come, and the *grace* of their type is over, the oldest first."""
    rows = tx.execute(
        "SELECT id, kind, deadline FROM contracts WHERE state = 'sent' AND deadline <= ? ORDER BY deadline",
        (now,),
    )
    over = (contract for contract, kind, deadline in rows if datetime.fromisoformat(deadline) + grace(kind) <= now)
    return list(islice(over, limit))


def to_finalise(tx: Transaction) -> list[str]:
    """Ids of contracts that everybody has signed and that are not sealed off."""
    return tx.column(str, "SELECT id FROM contracts WHERE state = 'signed' ORDER BY +number")


def count_unfinalised(tx: Transaction, before: datetime) -> int:
    """How many contracts were signed by all *before* that moment and are not sealed off; at most 1,000."""
    return tx.count(
        "SELECT count(*) FROM (SELECT 1 FROM contracts AS c WHERE c.state = 'signed' AND"
        " (SELECT max(at) FROM contract_changes WHERE contract = c.id) < ? LIMIT 1000)",
        (before,),
    )


def _terms(contract: Contract) -> dict[str, object]:
    amount = contract.amount
    return (
        fields_of(contract, "title kind purpose language")
        | {"signing_order": contract.order, **_deadline(contract.deadline)}
        | {"amount": amount and amount.minor, "currency": amount and amount.currency}
    )


def _deadline(deadline: Deadline) -> dict[str, object]:
    return {"deadline": deadline.at, "zone": deadline.zone}


def _insert_revision(tx: Transaction, contract_id: str, revision: ContractRevision) -> None:
    tx.insert("revisions", {"contract": contract_id} | fields_of(revision, "number kind digest size at party"))


def _revisions(tx: Transaction, contract_id: str) -> tuple[ContractRevision, ...]:
    return tuple(_REVISIONS.all(tx, "WHERE contract = ? ORDER BY number", (contract_id,)))


def _voiding(tx: Transaction, contract_id: str) -> OpenVoiding | None:
    return _VOIDINGS.first(
        tx,
        "SELECT id, proposer AS by, reason, at, (SELECT json_group_array(person) FROM"
        " (SELECT person FROM void_declarations WHERE voiding = voidings.id AND signed IS NOT NULL"
        " ORDER BY signed, person)) AS declared FROM voidings WHERE contract = ? AND state = 'open'",
        (contract_id,),
    )


def _require_one(changed: bool, contract: Contract) -> None:
    if not changed:
        raise StateRefused(
            "Contract “{title}” has changed in the meantime; look at it again, then decide.", title=contract.title
        )


def insert_handover(tx: Transaction, *, party: str, giver: str, recipient: str, reason: str, at: datetime) -> None:
    """*giver* hands *party* over to *recipient* (subjects)."""
    tx.execute(
        "INSERT INTO handovers (contract, party, giver, recipient, reason, at)"
        " SELECT contract, id, ?, ?, ?, ? FROM parties WHERE id = ?",
        (giver, recipient, reason, at, party),
    )


def handover_givers(tx: Transaction, contract_id: str) -> tuple[str, ...]:
    """Those who handed over in this contract, each once, by subject."""
    query = "SELECT DISTINCT giver FROM handovers WHERE contract = ? ORDER BY giver"
    return tuple(tx.column(str, query, (contract_id,)))


def insert_copy(tx: Transaction, contract_id: str, person: str, *, at: datetime) -> None:
    """*person* may read the contract."""
    tx.insert("copies", {"contract": contract_id, "person": person, "at": at})


def remove_copy(tx: Transaction, contract_id: str, person: str) -> None:
    tx.execute("DELETE FROM copies WHERE contract = ? AND person = ?", (contract_id, person))


def insert_succession(tx: Transaction, contract_id: str, *, replaces: str) -> None:
    """*contract_id*, a new draft, replaces a contract that has ended."""
    tx.insert("successions", {"contract": contract_id, "replaces": replaces})


def successor(tx: Transaction, contract_id: str) -> str | None:
    """The contract that replaces this one; None while there is none but drafts that were thrown away."""
    return tx.value(
        str,
        "SELECT s.contract FROM successions AS s JOIN contracts AS c ON c.id = s.contract"
        " WHERE s.replaces = ? AND c.state <> 'discarded'",
        (contract_id,),
    )


def replaced(tx: Transaction, contract_id: str) -> str | None:
    """The contract that this one replaces, or None."""
    return tx.value(str, "SELECT replaces FROM successions WHERE contract = ?", (contract_id,))


def dates_of(tx: Transaction, contract_id: str) -> tuple[ContractDate, ...]:
    return tuple(_DATES.all(tx, "WHERE contract = ? ORDER BY day, kind", (contract_id,)))


def save_date(tx: Transaction, contract_id: str, entry: ContractDate) -> None:
    """Writes a date in place of an earlier one of its kind."""
    row = {"contract": contract_id} | fields_of(entry, "kind day set_by set_at")
    tx.save("contract_dates", row, key="contract kind")


def remove_date(tx: Transaction, contract_id: str, kind: Occasion) -> None:
    tx.execute("DELETE FROM contract_dates WHERE contract = ? AND kind = ?", (contract_id, kind))


_BOX = "page x y width height"
_FAR = 100_000
"""More than a contract has parties: positions are moved out of the way by it while they change."""


def insert_party(tx: Transaction, contract_id: str, party: Party) -> None:
    names = "id position kind subject name organisation requester field phone method state signed_at"
    tx.insert("parties", fields_of(party, names) | {"contract": contract_id})
    place_party(tx, party.id, party.places, party.cross_page)
    for field in party.inputs:
        save_input(tx, party.id, field)


def place_party(tx: Transaction, party_id: str, places: Sequence[Placement], cross_page: CrossPage | None) -> None:
    """The places of a party's field become these."""
    first = fields_of(places[0], _BOX) if places else dict.fromkeys(_BOX.split())
    tx.update("parties", first | {"cross_page": None if cross_page is None else cross_page.y}, id=party_id)
    tx.execute("DELETE FROM placements WHERE party = ?", (party_id,))
    for number, other in enumerate(places[1:], 1):
        tx.insert("placements", {"party": party_id, "number": number} | fields_of(other, _BOX))


def _signer_input(row: list[Any]) -> SignerInput:
    id_, number, kind, label, required, most, choices, places, value = row
    placed = tuple(Placement(*place) for place in places)
    return SignerInput(id_, number, InputKind(kind), label, bool(required), most, tuple(choices), placed, value)


def save_input(tx: Transaction, party_id: str, field: SignerInput) -> None:
    """What the signer of *party_id* fills in, in place of what it was before."""
    boxes = [[each.page, each.x, each.y, each.width, each.height] for each in field.places]
    row = {"party": party_id, "required": int(field.required), "places": json.dumps(boxes)}
    row |= {"choices": json.dumps(field.choices, ensure_ascii=False)}
    tx.save("signer_inputs", row | fields_of(field, "id number kind label most value"), key="id")


def load_inputs(tx: Transaction, party_id: str) -> list[str]:
    """The ids of what the signer of *party_id* fills in."""
    return tx.column(str, "SELECT id FROM signer_inputs WHERE party = ? ORDER BY number", (party_id,))


def remove_input(tx: Transaction, input_id: str) -> None:
    tx.execute("DELETE FROM signer_inputs WHERE id = ?", (input_id,))


def remove_party(tx: Transaction, party_id: str) -> None:
    """A party leaves a draft; the caller closes the gap with :func:`order_parties`."""
    tx.execute("DELETE FROM signer_inputs WHERE party = ?", (party_id,))
    tx.execute("DELETE FROM placements WHERE party = ?", (party_id,))
    tx.execute("DELETE FROM parties WHERE id = ?", (party_id,))


def order_parties(tx: Transaction, contract_id: str, party_ids: Sequence[str]) -> None:
    """The parties of a draft sign in this order from now on."""
    tx.execute("UPDATE parties SET position = position + ? WHERE contract = ?", (_FAR, contract_id))
    tx.executemany(
        "UPDATE parties SET position = ? WHERE id = ? AND contract = ?",
        [(position, party_id, contract_id) for position, party_id in enumerate(party_ids, 1)],
    )


def pass_on(tx: Transaction, contract: Contract, party: Party) -> None:
    """The waiting party is acted for by whom *party* names now."""
    _update_waiting(tx, contract, party, fields_of(party, "subject name organisation requester"))
    tx.execute("UPDATE signer_inputs SET value = '' WHERE party = ?", (party.id,))


def correct_party(tx: Transaction, contract: Contract, party: Party) -> None:
    """Who signs for the waiting party of a guest, as the initiator has corrected it."""
    _update_waiting(tx, contract, party, fields_of(party, "subject name phone"))
    tx.execute("UPDATE signer_inputs SET value = '' WHERE party = ?", (party.id,))


def mark_signed(tx: Transaction, contract: Contract, party: Party, at: datetime) -> None:
    """The party has signed. Raises :class:`StateRefused` unless it was waiting."""
    _update_waiting(tx, contract, party, {"state": PartyState.SIGNED, "signed_at": at})


def mark_declined(tx: Transaction, contract: Contract, party: Party, reason: str) -> None:
    """The party will not sign. Raises :class:`StateRefused` unless it was waiting."""
    _update_waiting(tx, contract, party, {"state": PartyState.DECLINED, "reason": reason})


def _update_waiting(tx: Transaction, contract: Contract, party: Party, row: Mapping[str, object]) -> None:
    waiting = {"contract": contract.id, "state": PartyState.WAITING}
    _require_one(tx.update("parties", row, id=party.id, **waiting), contract)


def _parties(tx: Transaction, contract_id: str) -> tuple[Party, ...]:
    """The parties of a contract, in signing order."""
    return tuple(
        _PARTIES.all(
            tx,
            "SELECT id, position, kind, subject, name, organisation, requester, field, page, x, y, width,"
            " height, state, signed_at, reason, cross_page, phone, method,"
            " (SELECT partner FROM representatives AS r"
            " WHERE r.subject = coalesce(parties.requester, parties.subject)) AS partner,"
            " (SELECT json_group_array("
            "json_array(page, x, y, width, height)) FROM (SELECT page, x, y, width, height FROM placements"
            " WHERE party = parties.id ORDER BY number)) AS more"
            ", (SELECT json_group_array(json_array(id, number, kind, label, required, most, json(choices),"
            " json(places), value)) FROM (SELECT * FROM signer_inputs WHERE party = parties.id ORDER BY number))"
            " AS inputs FROM parties WHERE contract = ? ORDER BY position",
            (contract_id,),
        )
    )


def acts_elsewhere(tx: Transaction, subject: str, contract_id: str) -> bool:
    """Whether *subject* is a party of another contract that is under way."""
    return tx.exists(
        "SELECT 1 FROM parties AS p JOIN contracts AS c ON c.id = p.contract"
        " WHERE p.subject = ? AND c.id <> ? AND c.state IN ('draft', 'sent', 'signed')",
        (subject, contract_id),
    )

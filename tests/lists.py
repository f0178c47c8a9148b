"""Whether the rows of the lists agree with the contracts from which they are derived."""

from __future__ import annotations

from appliance.contracts import rules
from appliance.model.listing import ContractBucket
from appliance.store import contracts, seal_requests
from appliance.store.database import Database, Transaction
from appliance.store.participation_index import indexed, tokens


def find_wrong(database: Database, *, newest: int | None = None) -> list[str]:
    """Ids of contracts whose rows are not those that follow from them; only the *newest* so many, if given."""
    with database.reading() as tx:
        listed = tx.execute(
            "SELECT id, number FROM contracts WHERE NOT EXISTS"
            " (SELECT 1 FROM disposals WHERE contract = contracts.id AND state = 'done')"
            " ORDER BY number DESC LIMIT ?",
            (-1 if newest is None else newest,),
        ).fetchall()
        return [contract_id for contract_id, number in listed if not _is_true(tx, contract_id, number)]


def _is_true(tx: Transaction, contract_id: str, number: int) -> bool:
    """Whether rows and search words follow from the contract, and the index of short words finds it."""
    contract = contracts.load_contract(tx, contract_id)
    requested = seal_requests.parties_requested(tx, contract_id)
    buckets, words = rules.buckets_of(contract, requested), rules.search_words_of(contract)
    rows = tx.execute("SELECT person, bucket FROM involvements WHERE number = ?", (number,))
    if {person: ContractBucket(bucket) for person, bucket in rows} != buckets:
        return False
    found = tx.execute("SELECT title, parties, people FROM contract_search WHERE rowid = ?", (number,)).fetchone()
    if found is None or tuple(found) != indexed(buckets, words):
        return False
    query = "SELECT 1 FROM contract_grams WHERE contract_grams MATCH ? AND rowid = ?"
    return tx.exists(query, (" AND ".join(tokens(buckets, words).split()), number))

"""Whether the lists are what the contracts themselves say, and mending them where they are not."""

from __future__ import annotations

from appliance.contracts import rules
from appliance.store import contracts, involvements
from appliance.store.database import Database, Transaction

AT_ONCE = 200
"""Contracts in one transaction: other writers wait meanwhile."""


class ListCheck:
    """The lists are derived, so they can always be derived again. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find_wrong(self, *, newest: int | None = None) -> list[str]:
        """The contracts (ids) whose rows are not those that follow from them; *newest* looks at so many only."""
        with self._database.reading() as tx:
            return [one for one in involvements.contracts(tx, newest) if not _is_true(tx, one)]

    def add_missing(self) -> int:
        """Lists the contracts that an older release left without rows; how many there were."""
        done = 0
        while True:
            with self._database.transaction() as tx:
                missing = involvements.without_rows(tx, AT_ONCE)
                for contract_id in missing:
                    derive_rows(tx, contract_id)
            if not missing:
                return done
            done += len(missing)


def derive_rows(tx: Transaction, contract_id: str) -> None:
    """The rows of one contract, anew."""
    contract = contracts.load(tx, contract_id)
    involvements.refresh(tx, contract_id, rules.buckets_of(contract), rules.search_words_of(contract))


def _is_true(tx: Transaction, contract_id: str) -> bool:
    contract = contracts.load(tx, contract_id)
    buckets, words = rules.buckets_of(contract), rules.search_words_of(contract)
    listed = involvements.of_contract(tx, contract_id) == (buckets, involvements.indexed(buckets, words))
    return listed and involvements.is_found(tx, contract_id, buckets, words)

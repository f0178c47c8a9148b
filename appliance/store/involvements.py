"""Who has which contract in which list: a read model, refreshed in the transaction of every change."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from appliance.model.listing import EVERYTHING, ContractBucket, SearchWords
from appliance.store import grams
from appliance.store.database import Transaction

_MARKS = (0xE000, 0xE800, 0xF000)
"""Where the three signs of a mark come from: private use (Unicode 23.5), 2,048 each, so that no name has them."""


def mark(person: str) -> str:
    """The three signs (one trigram) that stand for *person* in the index; two people may share one."""
    digest = hashlib.sha256(person.encode()).digest()
    parts = (int.from_bytes(digest[place : place + 2]) % 2048 for place in (0, 2, 4))
    return "".join(chr(start + part) for start, part in zip(_MARKS, parts, strict=True))


def refresh(tx: Transaction, contract_id: str, buckets: Mapping[str, ContractBucket], words: SearchWords) -> None:
    """The contract's rows become these; it is found by these *words*."""
    number = tx.count("SELECT number FROM contracts WHERE id = ?", (contract_id,))
    tx.execute("DELETE FROM involvements WHERE number = ?", (number,))
    tx.executemany(
        "INSERT INTO involvements (person, number, bucket, kind, touched, deadline)"
        " SELECT ?, number, ?, kind, touched, deadline FROM contracts WHERE number = ?",
        [(person, bucket, number) for person, bucket in buckets.items()],
    )
    found = indexed(buckets, words)
    known = tx.execute("SELECT title, parties, people FROM contract_search WHERE rowid = ?", (number,)).fetchone()
    if known == found and grams.known(tx, number):
        return
    grams.put(tx, number, grams.tokens(buckets, words))
    tx.execute("DELETE FROM contract_search WHERE rowid = ?", (number,))
    tx.execute("INSERT INTO contract_search (rowid, title, parties, people) VALUES (?, ?, ?, ?)", (number, *found))


def indexed(buckets: Mapping[str, ContractBucket], words: SearchWords) -> tuple[str, str, str]:
    """What the index has of a contract: title, parties, and the marks of all who have it in a list."""
    return words.title, words.parties, "".join(mark(person) for person in sorted(buckets))


def contracts(tx: Transaction, newest: int | None) -> list[str]:
    """Ids of all contracts that were not disposed of, or of so many of the newest."""
    return tx.column(
        str,
        "SELECT id FROM contracts WHERE NOT EXISTS"
        " (SELECT 1 FROM disposals WHERE contract = contracts.id AND state = 'done') ORDER BY number DESC LIMIT ?",
        (-1 if newest is None else newest,),
    )


def without_rows(tx: Transaction, limit: int) -> list[str]:
    """Ids of at most *limit* contracts that are in no list at all, or not found by short words.

    What was disposed of is in no list on purpose.
    """
    return tx.column(
        str,
        "SELECT id FROM contracts WHERE (NOT EXISTS"
        " (SELECT 1 FROM involvements WHERE person = ? AND number = contracts.number)"
        " OR NOT EXISTS (SELECT 1 FROM contract_grams WHERE rowid = contracts.number))"
        " AND NOT EXISTS (SELECT 1 FROM disposals WHERE contract = contracts.id AND state = 'done') LIMIT ?",
        (EVERYTHING, limit),
    )


def is_found(tx: Transaction, contract_id: str, buckets: Mapping[str, ContractBucket], words: SearchWords) -> bool:
    """Whether the short ones of *words* lead everybody in *buckets* to the contract."""
    number = tx.count("SELECT number FROM contracts WHERE id = ?", (contract_id,))
    return grams.has(tx, number, grams.tokens(buckets, words))


def of_contract(tx: Transaction, contract_id: str) -> tuple[dict[str, ContractBucket], tuple[str, ...] | None]:
    """The rows as they stand, and the words (title, parties, people) that the index has."""
    rows = tx.execute(
        "SELECT person, bucket FROM involvements WHERE number = (SELECT number FROM contracts WHERE id = ?)",
        (contract_id,),
    )
    buckets = {person: ContractBucket(bucket) for person, bucket in rows}
    words = tx.execute(
        "SELECT title, parties, people FROM contract_search"
        " WHERE rowid = (SELECT number FROM contracts WHERE id = ?)",
        (contract_id,),
    ).fetchone()
    return buckets, None if words is None else tuple(words)

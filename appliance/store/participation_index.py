"""Who has which contract in which list: a read model, refreshed in the transaction of every change.

Short words have an index of their own: one or two signs, a word in Chinese, are too few for trigrams. Each
contract has a row of tokens: ``t…`` for a sign of the title or two that follow each other, ``p…`` the same for
its parties, ``w…`` for each person who has it in a list. The signs stand in a token by their code points, so
that no tokenizer changes them.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Iterator, Mapping

from appliance.model.listing import EVERYTHING, ContractBucket, SearchWords
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
    indexed_before = tx.execute(
        "SELECT title, parties, people FROM contract_search WHERE rowid = ?", (number,)
    ).fetchone()
    if indexed_before == found and has_grams(tx, number):
        return
    save_grams(tx, number, tokens(buckets, words))
    tx.execute("DELETE FROM contract_search WHERE rowid = ?", (number,))
    tx.execute("INSERT INTO contract_search (rowid, title, parties, people) VALUES (?, ?, ?, ?)", (number, *found))


def indexed(buckets: Mapping[str, ContractBucket], words: SearchWords) -> tuple[str, str, str]:
    """What the index has of a contract: title, parties, and the marks of all who have it in a list."""
    return words.title, words.parties, "".join(mark(person) for person in sorted(buckets))


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


LONGEST = 2
"""Signs that a gram has at most; longer words are found by trigrams."""


def tokens(people: Iterable[str], words: SearchWords) -> str:
    """The tokens of a contract that *people* have in a list."""
    found = {f"w{_digest(person)}" for person in people}
    for place, text in (("t", words.title), ("p", words.parties)):
        found.update(place + gram for gram in _grams(text))
    return " ".join(sorted(found))


def gram_query(person: str, *, anywhere: str = "", party: str = "") -> str:
    """The FTS5 query for contracts of *person*: *anywhere* is in title or parties, *party* in the latter."""
    wanted = [f"w{_digest(person)}"]
    wanted += [f"(t{gram} OR p{gram})" for gram in _longest(anywhere)]
    wanted += [f"p{gram}" for gram in _longest(party)]
    return " AND ".join(wanted)


def save_grams(tx: Transaction, number: int, row: str) -> None:
    """*row* (of :func:`tokens`) becomes that of the contract *number*."""
    tx.execute("DELETE FROM contract_grams WHERE rowid = ?", (number,))
    tx.execute("INSERT INTO contract_grams (rowid, grams) VALUES (?, ?)", (number, row))


def has_grams(tx: Transaction, number: int) -> bool:
    """Whether the contract has a row."""
    return tx.exists("SELECT 1 FROM contract_grams WHERE rowid = ?", (number,))


def _digest(person: str) -> str:
    return hashlib.sha256(person.encode()).hexdigest()[:12]


def _longest(text: str) -> list[str]:
    """What *text* of one or two signs is looked up by: the pair alone, or the sign. Folding may make it longer."""
    signs = text.strip().casefold()
    return list(_pairs(signs)) if len(signs) > 1 else list(_singles(signs))


def _grams(text: str) -> Iterator[str]:
    signs = text.casefold()
    yield from _singles(signs)
    yield from _pairs(signs)


def _singles(signs: str) -> Iterator[str]:
    return (f"{ord(sign):x}" for sign in signs if not sign.isspace())


def _pairs(signs: str) -> Iterator[str]:
    for first, second in itertools.pairwise(signs):
        if not first.isspace() and not second.isspace():
            yield f"{ord(first):x}x{ord(second):x}"

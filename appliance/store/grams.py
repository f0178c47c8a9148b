"""Short words in an index: one or two signs, which is a word in Chinese, are too few for trigrams.

Each contract has a row of tokens: ``t…`` for a sign of the title or two that follow each other, ``p…`` the same
for its parties, ``w…`` for each person who has it in a list. The signs stand in a token by their code points, so
that no tokenizer has an opinion of them.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Iterator

from appliance.model.listing import SearchWords
from appliance.store.database import Transaction

LONGEST = 2
"""Signs that a gram has at most; longer words are found by trigrams."""


def tokens(people: Iterable[str], words: SearchWords) -> str:
    """The tokens of a contract that *people* have in a list."""
    found = {f"w{_digest(person)}" for person in people}
    for place, text in (("t", words.title), ("p", words.parties)):
        found.update(place + gram for gram in _grams(text))
    return " ".join(sorted(found))


def match(person: str, *, anywhere: str = "", party: str = "") -> str:
    """The FTS5 query for contracts of *person*: *anywhere* is in title or parties, *party* in the latter."""
    wanted = [f"w{_digest(person)}"]
    wanted += [f"(t{gram} OR p{gram})" for gram in _longest(anywhere)]
    wanted += [f"p{gram}" for gram in _longest(party)]
    return " AND ".join(wanted)


def put(tx: Transaction, number: int, row: str) -> None:
    """*row* (of :func:`tokens`) becomes that of the contract *number*."""
    tx.execute("DELETE FROM contract_grams WHERE rowid = ?", (number,))
    tx.execute("INSERT INTO contract_grams (rowid, grams) VALUES (?, ?)", (number, row))


def known(tx: Transaction, number: int) -> bool:
    """Whether the contract has a row."""
    return tx.exists("SELECT 1 FROM contract_grams WHERE rowid = ?", (number,))


def has(tx: Transaction, number: int, row: str) -> bool:
    """Whether the contract is found by every token of *row*."""
    query = "SELECT 1 FROM contract_grams WHERE contract_grams MATCH ? AND rowid = ?"
    return tx.exists(query, (" AND ".join(row.split()), number))


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

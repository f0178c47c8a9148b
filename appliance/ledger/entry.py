"""Log entries: an event as one canonical byte string (the leaf) and, apart from it, the data that may be erased.

Issued timestamps get an entry and a unique row each, many in one transaction.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from appliance.store import ledger
from appliance.store.database import Transaction
from hsm import canonical
from hsm.intents import instant
from hsm.timestamp import IssuedToken

SALT_BYTES = 32
FORMAT = "vermilion-log-entry/1"


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One act. ``at`` is aware; the leaf has it in whole seconds.

    ``public`` holds JSON values without floats: identifiers, digests, numbers; they stand in the log for ever.
    ``private`` holds personal data; each field enters the log as a salted commitment alone, so that it can be
    erased without breaking the tree.
    """

    kind: str
    at: datetime
    public: Mapping[str, Any] = field(default_factory=dict)
    private: Mapping[str, Any] = field(default_factory=dict)


def record(tx: Transaction, entry: LedgerEntry) -> int:
    """Writes *entry* into the log in the caller's transaction; its number, which is its index in the tree.

    The tree and a checkpoint over it follow within a second (see :class:`appliance.ledger.Sequencer`). Raises
    :class:`hsm.errors.Malformed` for values without a canonical form.
    """
    opening = {name: _opened(value) for name, value in entry.private.items()}
    number = ledger.append(tx, [leaf_of(entry, opening)])
    if opening:
        ledger.keep_opening(tx, number, canonical.encode(opening))
    return number


def leaf_of(entry: LedgerEntry, opening: Mapping[str, Mapping[str, Any]]) -> bytes:
    """The bytes that are hashed into the tree. *opening* has a salt and a value for each private field."""
    return canonical.encode(
        {
            "at": instant(entry.at),
            "commitments": {name: commitment(name, **opened) for name, opened in opening.items()},
            "format": FORMAT,
            "kind": entry.kind,
            "public": dict(entry.public),
        }
    )


def commitment(name: str, *, salt: str, value: Any) -> str:
    """SHA-256 in hex of the canonical JSON of ``{"name", "salt", "value"}``; whoever has these can compute it."""
    return hashlib.sha256(canonical.encode({"name": name, "salt": salt, "value": value})).hexdigest()


def _opened(value: Any) -> dict[str, Any]:
    return {"salt": secrets.token_hex(SALT_BYTES), "value": value}


KIND = "timestamp"


@dataclass(frozen=True, slots=True)
class TimestampEntry:
    """What the log says of an issued token: its ``serial`` (at most 160 bits), its time (aware), and the SHA-256
    of its DER in hex. Not what was dated: the serial is random, so nobody who reads the log can guess from it
    which data a client had dated."""

    serial: int
    at: datetime
    digest: str

    @classmethod
    def of(cls, token: IssuedToken) -> TimestampEntry:
        """The entry of *token*."""
        return cls(token.serial, token.gen_time, hashlib.sha256(token.token).hexdigest())

    def leaf(self) -> bytes:
        """The leaf as :func:`leaf_of` gives it, written out: thousands are made a second."""
        return (
            f'{{"at":"{instant(self.at)}","commitments":{{}},"format":"{FORMAT}","kind":"{KIND}",'
            f'"public":{{"serial":"{self.serial:040x}","token":"{self.digest}"}}}}'
        ).encode()


def record_timestamps(tx: Transaction, entries: Sequence[TimestampEntry]) -> int:
    """Writes *entries* into the log; the number of the first one.

    Raises ``IntegrityError`` for a serial issued before.
    """
    first = ledger.append(tx, [entry.leaf() for entry in entries])
    ledger.register_timestamps(tx, [entry.serial for entry in entries], first)
    return first


def record_tokens(tx: Transaction, tokens: Sequence[IssuedToken]) -> int:
    """The same for tokens that this process got from the authority itself."""
    return record_timestamps(tx, [TimestampEntry.of(token) for token in tokens])

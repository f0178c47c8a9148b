"""Issued timestamps in the log: an entry and a unique row for each, many in one transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from appliance.ledger.entry import FORMAT
from appliance.store import ledger, timestamps
from appliance.store.database import Transaction
from hsm.intents import instant
from hsm.timestamp import IssuedToken

KIND = "timestamp"


def record_timestamps(tx: Transaction, tokens: Sequence[IssuedToken]) -> int:
    """Writes *tokens* into the log; the number of the first one's entry.

    The entry has the token's hash, not what was dated: the serial in the token is random, so nobody who reads the
    log can guess from it which data a client had dated. Raises ``IntegrityError`` for a serial issued before.
    """
    first = ledger.append(tx, [leaf_of_token(token) for token in tokens])
    timestamps.register(tx, [token.serial for token in tokens], first)
    return first


def leaf_of_token(token: IssuedToken) -> bytes:
    """The leaf as :func:`~appliance.ledger.entry.leaf_of` gives it, written out: thousands are made a second."""
    return (
        f'{{"at":"{instant(token.gen_time)}","commitments":{{}},"format":"{FORMAT}","kind":"{KIND}",'
        f'"public":{{"serial":"{token.serial:040x}","token":"{hashlib.sha256(token.token).hexdigest()}"}}}}'
    ).encode()

"""How web captures have gone, as health checks ask for it every few seconds. Each function reads little, in the
caller's transaction; ``captures`` has the rest."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from appliance.store.database import Transaction
from hsm.errors import Sentence
from hsm.rows import Query


@dataclass(frozen=True, slots=True)
class EndedCapture:
    """One that has come to its end: at that time, and why it failed, if it did."""

    ended: datetime
    failure: Sentence | None


def last_ended(tx: Transaction, limit: int, *, since: datetime) -> Sequence[EndedCapture]:
    """The last that were ordered since then and made or failed, the latest first; without those for which people
    log in by hand, or do not."""
    ended = "state IN ('done', 'failed', 'disposed') AND log_in = 0"
    rest = f"WHERE ordered > ? AND {ended} ORDER BY ended DESC LIMIT ?"
    return _ENDED.all(tx, rest, (since, limit))


@dataclass(frozen=True, slots=True)
class WaitingCaptures:
    """So many wait, the first of them ``since``, for the reason ``why`` if one was noted."""

    count: int
    since: datetime
    why: Sentence | None


def waiting(tx: Transaction) -> WaitingCaptures | None:
    """None where none waits; those for which people log in by hand wait for one another."""
    return _WAITING.first(tx, "WHERE state = 'waiting' AND log_in = 0 HAVING count(*)")


def bytes_kept(tx: Transaction, since: datetime) -> int:
    """What all files of the captures that were ordered since then take, each as often as it is named."""
    return tx.count(
        "SELECT coalesce(sum(f.size), 0) FROM captures AS c JOIN capture_files AS f ON f.capture = c.id"
        " WHERE c.ordered > ?",
        (since,),
    )


def _sentence(written: str | None) -> Sentence | None:
    return None if written is None else Sentence(*json.loads(written))


def _ended(ended: datetime, refusal: str | None) -> EndedCapture:
    return EndedCapture(ended, _sentence(refusal))


def _waiting(count: int, since: datetime, refusal: str | None) -> WaitingCaptures:
    return WaitingCaptures(count, since, _sentence(refusal))


_ENDED = Query(_ended, "SELECT ended, CASE state WHEN 'failed' THEN refusal END AS refusal FROM captures")
# SQLite gives the other columns of the row that has the least (SQLite, SELECT, "bare columns").
_WAITING = Query(_waiting, "SELECT count(*) AS count, min(ordered) AS since, refusal FROM captures")

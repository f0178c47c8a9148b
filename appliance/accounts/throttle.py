"""Throttling of sign-ins, by account and by network address: waits that double, kept in the database.

An attempt is counted before it is looked at, so that many at once get no further than one by one. An account
that does not exist is counted like one that does: nobody learns which there are.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from appliance.errors import TooManyAttempts
from appliance.store import attempts
from appliance.store.database import Transaction

FORGOTTEN_AFTER = timedelta(hours=1)
"""After an hour without an attempt the count starts anew."""

FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Limit:
    """How many attempts are free before waits begin."""

    prefix: str
    free: int


ACCOUNT = Limit("account", 5)
ADDRESS = Limit("address", 30)
"""Many people share one address."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt under way: what it counts for, and whether it is beyond the free ones if it fails."""

    account: str
    address: str
    blocks: bool
    count: int


def begin(tx: Transaction, login: str, address: str, *, now: datetime) -> Attempt:
    """Counts an attempt. Raises :class:`TooManyAttempts` with ``until`` while another one is to wait."""
    keys = (_key(ACCOUNT, login), _key(ADDRESS, address))
    found = [attempts.count(tx, key, since=now - FORGOTTEN_AFTER) for key in keys]
    waits = [until for _, until in found if until is not None and until > now]
    if waits:
        raise TooManyAttempts("Too many failed attempts to sign in; try again after {until}.", until=max(waits))
    counts = [count + 1 for count, _ in found]
    for key, count, limit in zip(keys, counts, (ACCOUNT, ADDRESS), strict=True):
        attempts.put(tx, key, count, now=now, until=_until(count, limit, now))
    attempts.forget(tx, now - FORGOTTEN_AFTER)
    return Attempt(keys[0], keys[1], counts[0] >= ACCOUNT.free or counts[1] >= ADDRESS.free, counts[0])


def halfway(tx: Transaction, attempt: Attempt) -> None:
    """The password was right: this attempt does not count, those before it still do."""
    attempts.give_back(tx, attempt.account)
    attempts.give_back(tx, attempt.address)


def passed(tx: Transaction, attempt: Attempt) -> None:
    """Somebody is in: the account's count starts anew, the address's is one less."""
    attempts.clear(tx, attempt.account)
    attempts.give_back(tx, attempt.address)


def _until(count: int, limit: Limit, now: datetime) -> datetime | None:
    if count < limit.free:
        return None
    return now + min(LONGEST_WAIT, FIRST_WAIT * (1 << min(count - limit.free, 10)))


def _key(limit: Limit, value: str) -> str:
    return f"{limit.prefix}:{hashlib.sha256(value.encode()).hexdigest()}"

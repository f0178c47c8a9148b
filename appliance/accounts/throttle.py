"""Throttling of what is guessed from the network: passwords, login codes, set-up codes.

An attempt is counted before it is looked at, so that many at once get no further than one by one:

1. for the login from this network: after a few, waits that double;
2. for the network, whatever the login;
3. for the login from anywhere: so many networks together guess no faster than a few do.

Whoever has signed in from a network before is *known* there, and only the first count makes them wait: nobody who
guesses from elsewhere keeps them out. A login that does not exist is counted like one that does: nobody learns
which there are. Portal and console each keep their counts in their own database.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from appliance.errors import TooManyAttempts
from appliance.store import attempts
from appliance.store.database import Transaction

FORGOTTEN_AFTER = timedelta(hours=1)
"""After an hour without an attempt the count starts anew."""

FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(minutes=15)

KNOWN_FOR = timedelta(days=90)
"""How long a network stays known after somebody signed in from it."""

IPV6_PREFIX = 64
"""Bits of an IPv6 address that one subscriber shares at least (RFC 6177): the rest is anybody's to choose."""


@dataclass(frozen=True, slots=True)
class AttemptLimit:
    """How many attempts are free before waits begin."""

    prefix: str
    free: int


LOGIN_FROM_NETWORK = AttemptLimit("login-network", 5)
NETWORK = AttemptLimit("network", 30)
"""Many people share one address."""
LOGIN = AttemptLimit("login", 50)
"""From networks where the login is not known, together."""


@dataclass(frozen=True, slots=True)
class SignInAttempt:
    """One attempt under way: the keys that it counts for with the waits that there were before, whether it is
    beyond the free ones if it fails, and how many there were of this login from this network. ``known`` is the key
    of login and network together."""

    keys: tuple[str, ...]
    waits: tuple[datetime | None, ...]
    known: str
    blocks: bool
    count: int


def begin_attempt(
    tx: Transaction, login: str, address: str, *, now: datetime, guessable: bool = True
) -> SignInAttempt:
    """Counts an attempt of whoever gives *login* from the network *address*.

    What is not *guessable*, a passkey's signature or a code of 160 bits, has no count from anywhere. Raises
    :class:`TooManyAttempts` with ``until`` while another one is to wait.
    """
    network = network_of(address)
    pair = _digest(f"{login} {network}")
    known = attempts.is_known(tx, pair, since=now - KNOWN_FOR)
    limits = (LOGIN_FROM_NETWORK, NETWORK, LOGIN) if guessable and not known else (LOGIN_FROM_NETWORK, NETWORK)
    digests = (pair, _digest(network), _digest(login))
    keys = tuple(f"{limit.prefix}:{digest}" for limit, digest in zip(limits, digests, strict=False))
    found = [attempts.count(tx, key, since=now - FORGOTTEN_AFTER) for key in keys]
    _require_no_wait([until for _, until in (found[:1] if known else found)], now)
    counts = [count + 1 for count, _ in found]
    for key, count, limit in zip(keys, counts, limits, strict=True):
        attempts.save_count(tx, key, count, now=now, until=_until(count, limit, now))
    attempts.forget(tx, now - FORGOTTEN_AFTER)
    blocks = any(count >= limit.free for count, limit in zip(counts, limits, strict=True))
    return SignInAttempt(keys, tuple(until for _, until in found), pair, blocks, counts[0])


def record_right_password(tx: Transaction, attempt: SignInAttempt) -> None:
    """The password was right: this attempt does not count, those before it still do, and so does the wait that
    others of the network have brought about: nobody ends it by an account of their own."""
    for key, until in zip(attempt.keys, attempt.waits, strict=True):
        attempts.give_back(tx, key, until=until)


def record_success(tx: Transaction, attempt: SignInAttempt, *, now: datetime) -> None:
    """Somebody is in, and known in this network from now on: what failed there is forgotten, what failed elsewhere
    still counts."""
    record_right_password(tx, attempt)
    attempts.clear(tx, attempt.keys[0])
    attempts.keep_known(tx, attempt.known, now=now)
    attempts.forget_known(tx, now - KNOWN_FOR)


def record_known_network(tx: Transaction, login: str, address: str, *, now: datetime) -> None:
    """Somebody has come in from *address* by another way than the one that was counted, and is known there."""
    attempts.keep_known(tx, _digest(f"{login} {network_of(address)}"), now=now)


def network_of(address: str) -> str:
    """The network that stands for *address*: an IPv4 address itself, the first 64 bits of an IPv6 address."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        mapped = parsed.ipv4_mapped
        return str(mapped or ip_network((parsed, IPV6_PREFIX), strict=False))
    return str(parsed)


def _require_no_wait(ends: list[datetime | None], now: datetime) -> None:
    waits = [until for until in ends if until is not None and until > now]
    if not waits:
        return
    elsewhere = len(ends) == 3 and ends[2] in waits and ends[0] not in waits and ends[1] not in waits
    if elsewhere:
        raise TooManyAttempts(
            "Somebody is guessing at this account from many places; try again after {until}, or sign in with a"
            " passkey, or from where you have signed in before.",
            until=max(waits),
        )
    raise TooManyAttempts("Too many failed attempts to sign in; try again after {until}.", until=max(waits))


def _until(count: int, limit: AttemptLimit, now: datetime) -> datetime | None:
    if count < limit.free:
        return None
    return now + min(LONGEST_WAIT, FIRST_WAIT * (1 << min(count - limit.free, 10)))


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()

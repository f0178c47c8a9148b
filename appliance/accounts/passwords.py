"""Passwords: at least twelve characters, kept as argon2id (RFC 9106). NFKC first, so that each keyboard agrees."""

from __future__ import annotations

import unicodedata
from functools import cache
from itertools import pairwise

import argon2

from appliance.errors import PreconditionRefused

SHORTEST = 12
"""Characters, after normalisation (NIST SP 800-63B asks for 8 with a second factor; 12 costs people little)."""

LONGEST = 200
_FEWEST_DIFFERENT = 5

_hasher = argon2.PasswordHasher()


def normalised(password: str) -> str:
    """NFKC, as NIST SP 800-63B section 5.1.1.2 recommends."""
    return unicodedata.normalize("NFKC", password)


def require_good_password(password: str, *, login: str, name: str) -> None:
    """Raises :class:`PreconditionRefused` with the reason when *password* is no good one for this account."""
    given = normalised(password)
    if not SHORTEST <= len(given) <= LONGEST:
        raise PreconditionRefused(
            "A password has {shortest} to {longest} characters; a short sentence works well.",
            shortest=SHORTEST,
            longest=LONGEST,
        )
    folded = given.casefold()
    if any(len(known) > 1 and _mostly(folded, known) for known in (login.casefold(), name.casefold())):
        raise PreconditionRefused("The password must not be made of the login or the name; choose another one.")
    if len(set(folded)) < _FEWEST_DIFFERENT or folded in _sequences():
        raise PreconditionRefused("This password is guessed at once; choose a less regular one.")


def hash_password(password: str) -> str:
    """The argon2id hash with its parameters and salt."""
    return _hasher.hash(normalised(password))


_PIN_LENGTHS = range(6, 13)
_pin_hasher = argon2.PasswordHasher(memory_cost=65_536, time_cost=3, parallelism=1)


def require_good_pin(pin: str) -> None:
    """Raises :class:`PreconditionRefused` for a PIN for signing that is not 6 to 12 digits, or trivial."""
    if len(pin) not in _PIN_LENGTHS or not (pin.isascii() and pin.isdigit()):
        raise PreconditionRefused("A PIN has 6 to 12 digits.")
    steps = {(ord(after) - ord(before)) % 10 for before, after in pairwise(pin)}
    if len(steps) == 1 and steps <= {0, 1, 9}:
        raise PreconditionRefused("This PIN is one that everybody guesses; choose another.")


def hash_pin(pin: str) -> str:
    """The argon2id hash of a PIN for signing, as the authority demands it."""
    return _pin_hasher.hash(pin)


def password_matches(password: str, stored: str | None) -> bool:
    """Whether *password* is the one behind *stored*. It takes as long when there is none (``None``)."""
    try:
        return _hasher.verify(stored or _nobodys(), normalised(password[: 4 * LONGEST])) and stored is not None
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False


def is_outdated(stored: str) -> bool:
    """Whether the hash was made with other parameters than those of today."""
    return _hasher.check_needs_rehash(stored)


@cache
def _nobodys() -> str:
    return _hasher.hash("a password that nobody has")


def _mostly(password: str, known: str) -> bool:
    """Whether fewer than half of the characters are left when *known* is taken out."""
    return len(password.replace(known, "")) * 2 < len(password)


@cache
def _sequences() -> frozenset[str]:
    rows = ("1234567890", "abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm", "qwertyuiop", "password")
    doubled = [row * 3 for row in rows]
    return frozenset(
        row[start : start + length]
        for row in [*doubled, *(row[::-1] for row in doubled)]
        for start in range(len(row))
        for length in range(SHORTEST, 31)
        if start + length <= len(row)
    )

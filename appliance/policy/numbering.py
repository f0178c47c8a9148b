"""How an organisation numbers its contracts: the pattern, and by which numbers are compared. No I/O."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import Final

from hsm.names import name_key

LONGEST_NUMBER: Final = 120
"""Characters of a number that somebody enters."""

LONGEST_PATTERN: Final = 60

NUMBER: Final = "number"
WORDS: Final = ("type", "department", "year")
"""What a pattern can name besides the counter; the counter can start anew with each of them."""

_WIDTH = re.compile(r"(?:0[1-9])?")


class NumberEntry(StrEnum):
    """Whether the initiator enters the number of a contract."""

    NEVER = "never"
    ALLOWED = "allowed"
    """The counter gives it where nobody does."""
    REQUIRED = "required"


@cache
def places_of(pattern: str) -> frozenset[str] | None:
    """What *pattern* names in braces; None when it is no pattern: one counter, known places, visible text."""
    try:
        parts = list(string.Formatter().parse(pattern))
    except ValueError:
        return None
    found = [(name, width) for _, name, width, _ in parts if name is not None]
    names = [name for name, _ in found]
    known = all(name == NUMBER or (name in WORDS and not width) for name, width in found)
    widths = all(_WIDTH.fullmatch(width or "") for name, width in found if name == NUMBER)
    plain = all(conversion is None for _, _, _, conversion in parts)
    text = "".join(literal for literal, *_ in parts)
    usual = text.isprintable() and len(pattern) <= LONGEST_PATTERN and pattern == pattern.strip()
    fits = known and widths and plain and usual and names.count(NUMBER) == 1
    return frozenset(names) if fits else None


def filled(pattern: str, words: Mapping[str, str], number: int) -> str:
    """*pattern* with its places filled."""
    return pattern.format(**words, number=number)


def number_key(number: str) -> str:
    """By which numbers are compared: width, case and blanks do not tell one from another."""
    return name_key(number)

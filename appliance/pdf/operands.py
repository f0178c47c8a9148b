"""What stands before an operator in a content stream: numbers, strings, names and what these mean (ISO
32000-2, 7.8)."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Protocol

from appliance.pdf import content_tokens as tokens
from appliance.pdf.inline_images import NotPlain

_MOST_OPERANDS = 16
"""PDFium forgets more."""
_LONGEST_STRING = 32767
"""PDFium cuts off what is longer."""


class NamedResources(Protocol):
    """What the names in a content stream mean."""

    def find(self, kind: str, name: bytes) -> Any:
        """The resource of that *name*. Raises :class:`NotPlain` when there is none."""

    def components(self, name: bytes) -> int:
        """How many numbers make a colour in the colour space of that *name*, or ``PATTERN`` less them."""


def require_short_strings(content: bytes) -> None:
    """Raises :class:`NotPlain` for a string in *content* of which some programs take a part."""
    if len(content) > _LONGEST_STRING and any(
        each.end() - each.start() > _LONGEST_STRING for each in tokens.STRINGS.finditer(content)
    ):
        raise NotPlain("a string of that length")


def only_numbers(operators: bytes) -> bytes:
    """*operators* without strings, comments and odd blanks, and without Tw, which ends as w does."""
    return tokens.STRINGS.sub(b" ", operators).replace(b"\0", b" ").replace(b"Tw", b"Tc")


def first_name(operands: bytes) -> bytes:
    """The name that *operands* begin with."""
    return tokens.NAME.match(operands)[0]  # type: ignore[index]  # one is there, by the kinds of the operands


@cache
def fits(kinds: str, given: str) -> bool:
    """Whether operands of the *given* kinds are of those that are demanded; there are few of either."""
    return re.fullmatch(kinds, given) is not None


def numbers_of(operands: bytes) -> list[float]:
    """The values of *operands*. Raises :class:`NotPlain` for any that is no number."""
    place, found = tokens.SPACE.match(operands).end(), []  # type: ignore[union-attr]  # it matches nothing, too
    while place < len(operands):
        number = tokens.OPERAND.match(operands, place)
        if number is None or number["n"] is None:
            raise NotPlain(f"no number: {operands[:40]!r}")
        found.append(float(number["n"]))
        place = tokens.SPACE.match(operands, number.end()).end()  # type: ignore[union-attr]  # as above
    return found


def kinds_of(operands: bytes) -> str:
    """A letter for each of the *operands*."""
    place, kinds = 0, ""
    while place < len(operands):
        found = tokens.OPERAND.match(operands, place)
        if found is None or len(kinds) >= _MOST_OPERANDS:
            raise NotPlain("operands")
        kinds += str(found.lastgroup)
        place = tokens.SPACE.match(operands, found.end()).end()  # type: ignore[union-attr]  # as above
    return kinds

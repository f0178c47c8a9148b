"""The text of PDF objects, token by token (ISO 32000-2, 7.2 and 7.3), and whether all programs read it alike.

Here and in :mod:`appliance.pdf.extents` patterns that are searched for in long texts begin with plain letters or
digits: ``re`` then looks for these alone, many times faster than for what may stand before them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

BLANK = rb"[\x00\t\n\x0c\r ]"
REGULAR = rb"[^\x00\t\n\x0c\r ()<>\[\]{}/%]"
"""A character of a word."""

_TOKEN = re.compile(
    BLANK + rb"++|%[^\r\n]*+|<<|>>|<[^<>]*+>|[\[\]{}]|/" + REGULAR + rb"*+|" + REGULAR + rb"++", re.DOTALL
)
_PARENTHESIS = re.compile(rb"\\.|[()]", re.DOTALL)
_ESCAPE = re.compile(rb"#([0-9A-Fa-f]{2})")
_REFERENCE = re.compile(rb"R(?!" + REGULAR + rb")(?<!/R)(?<!" + REGULAR + rb"R)")
_PLAIN_REFERENCE = re.compile(
    rb"\d(?<!" + REGULAR + rb"\d)\d{0,9}+" + BLANK + rb"++0" + BLANK + rb"++R(?!" + REGULAR + rb")"
)
_LONG_HEXADECIMAL = re.compile(rb"<[0-9A-Fa-f]{64,}+>")
_NAME = re.compile(rb"/" + REGULAR + rb"*+")
_COMMENT = re.compile(rb"%[^\r\n]*+")
_DIGIT = re.compile(rb"\d")
_PART = re.compile(
    rb"(?:" + BLANK + rb"++|%[^\r\n]*+)*+"
    rb"(?:(<<|\[)|(>>|\])|(/" + REGULAR + rb"*+)|"
    rb"((?:" + REGULAR + rb"++|[{}]|<[^<>]*+>|\((?:[^()\\]++|\\.)*+\)|" + BLANK + rb"++|%[^\r\n]*+)++))?",
    re.DOTALL,
)
"""What opens, what closes, a name, or all that stands between such, after blanks and comments."""
_OPENING, _CLOSING, _NAMED = 1, 2, 3


class Unreadable(ValueError):
    """What is written there is no object whose end is known."""


def is_ambiguous(objects: bytes) -> bool:
    """Whether one of the dictionaries in *objects*, written one after the other, has a key twice, or a
    reference is not written plainly."""
    references = len(_REFERENCE.findall(objects))
    if references and references != len(_PLAIN_REFERENCE.findall(without_digits(objects))):
        return True
    names = _NAME.findall(plain_names(objects))
    if len(set(names)) == len(names) and b"%" not in objects:
        return False
    try:
        return _has_telling_comments(objects) or _repeats(objects)
    except Unreadable:
        return True


def _has_telling_comments(objects: bytes) -> bool:
    """Whether there is a comment with a number, which a program might take for a part of a reference."""
    if not any(map(_DIGIT.search, _COMMENT.findall(objects))):
        return False
    place = 0
    for start, end in tokens(objects, 0):
        if any(map(_DIGIT.search, _COMMENT.findall(objects, place, start))):
            return True
        place = end
    return False


def _repeats(objects: bytes) -> bool:
    """Whether a key is there twice. A name in a dictionary is a key unless it comes right after one; what a
    reference has behind its number is passed over."""
    keys: list[set[bytes] | None] = []
    keyed = False  # whether a key came last, which waits for its value
    for kind, word in _parts(objects):
        if kind == _OPENING:
            keys.append(set() if word == b"<<" else None)
        elif kind == _CLOSING:
            if not keys:
                raise Unreadable
            keys.pop()
        elif kind == _NAMED and not keyed and keys and (known := keys[-1]) is not None:
            name = plain_names(word)
            if name in known:
                return True
            known.add(name)
            keyed = True
            continue
        keyed = False
    return False


def _parts(text: bytes) -> Iterator[tuple[int | None, bytes]]:
    """Kind and text of every part. Raises :class:`Unreadable` where there is none."""
    place = 0
    while place < len(text):
        found = _PART.match(text, place)
        kind, place = found.lastindex, found.end()  # type: ignore[union-attr]  # it matches nothing, too
        if kind is not None:
            yield kind, found[kind]  # type: ignore[index]
        elif text[place : place + 1] == b"(":
            place = _end_of_string(text, place)
            yield None, b""
        elif place < len(text):
            raise Unreadable


def tokens(text: bytes, place: int) -> Iterator[tuple[int, int]]:
    """Start and end of every token in *text* from *place* on; space and comments left out."""
    while place < len(text):
        if text[place : place + 1] == b"(":
            end = _end_of_string(text, place)
        else:
            found = _TOKEN.match(text, place)
            if found is None:
                raise Unreadable
            end = found.end()
        if text[place] not in b"\x00\t\n\x0c\r %":
            yield place, end
        place = end


def _end_of_string(text: bytes, place: int) -> int:
    depth = 0
    for found in _PARENTHESIS.finditer(text, place):
        depth += (found[0] == b"(") - (found[0] == b")")
        if not depth and found[0] == b")":
            return found.end()
    return len(text)


def without_digits(text: bytes) -> bytes:
    """*text* with letters in the place of long hexadecimal strings, such as signatures. It is as long as before,
    and much faster to search for what begins with a digit and goes on outside of them."""
    return _LONG_HEXADECIMAL.sub(lambda found: b"<%b>" % (b"A" * (len(found[0]) - 2)), text)


def plain_names(names: bytes) -> bytes:
    """Names without their escapes (7.3.5)."""
    return _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), names) if b"#" in names else names

"""The text of PDF objects, token by token (ISO 32000-2, 7.2 and 7.3), and whether all programs read it alike.

Here and in :mod:`appliance.pdf.extents` patterns that are searched for in long texts begin with plain letters or
digits: ``re`` then looks for these alone, many times faster than for what may stand before them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

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
_BEFORE_REFERENCE = re.compile(rb"(?<!" + REGULAR + rb")(\d{1,10})" + BLANK + rb"++0" + BLANK + rb"++\Z")
_NEAR = 64
_LONGEST_NUMBER = 10
_LONG_HEXADECIMAL = re.compile(rb"<[0-9A-Fa-f]{64,}+>")
_NAME = re.compile(rb"/" + REGULAR + rb"*+")
_COMMENT = re.compile(rb"%[^\r\n]*+")
_DIGIT = re.compile(rb"\d")
_PART = re.compile(
    rb"(?:" + BLANK + rb"++|%[^\r\n]*+)*+(<<|>>|/" + REGULAR + rb"*+|(?:" + REGULAR + rb"++|[{}]|<[^<>]*+>|"
    rb"\[[^()<>\[\]/%]*+(?:\[[^()<>\[\]/%]*+\][^()<>\[\]/%]*+)*+\]|"
    rb"\((?:[^()\\]++|\\.)*+\)|" + BLANK + rb"++)++|.|\Z)",
    re.DOTALL,
)
"""What opens or closes, a name, or all that stands between such (arrays of plain words too), after blanks and
comments. It matches at every place, so that none is passed over: a character alone where there is no part, nothing
at the end."""
_ALONE = frozenset((b"(", b")", b"<", b">"))


class Unreadable(ValueError):
    """What is written there is no object whose end is known."""


def is_ambiguous(objects: bytes, *, plainly: bool = False) -> bool:
    """Whether one of the dictionaries in *objects*, written one after the other, has a key twice, or a
    reference is not written plainly (unless it is known that all are written *plainly*, by :func:`references`)."""
    references = 0 if plainly else len(_REFERENCE.findall(objects))
    if references and references != len(_PLAIN_REFERENCE.findall(without_digits(objects))):
        return True
    names = _NAME.findall(plain_names(objects))
    commented = b"%" in objects
    if len(set(names)) == len(names) and not commented:
        return False
    try:
        outline = None if commented or b"#" in objects else _outline(objects)
        if outline is not None and not _is_repetitive(outline):
            return False
        return _has_telling_comments(objects) or _repeats(objects)
    except Unreadable:
        return True


def _outline(objects: bytes) -> bytes | None:
    """*objects* with empty strings, and a zero for each number: of many that are alike few are left. A key that is
    there twice still is, and what has no end has none. None where a parenthesis could be in no string."""
    text = _STRING.sub(b"()", objects) if b"(" in objects else objects
    if text.count(b"<") != 2 * text.count(b"<<"):
        return None
    text = text.translate(_ZEROS)
    for run in (b"0" * 8, b"0000", b"00", b"00"):
        text = text.replace(run, b"0")
    return text


_STRING = re.compile(rb"\((?:[^()\\]++|\\.)*+\)", re.DOTALL)
_ZEROS = bytes(ord("0") if each in b"0123456789+-." else each for each in range(256))


@lru_cache(maxsize=1024)
def _is_repetitive(outline: bytes) -> bool:
    try:
        return _repeats(outline)
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
    escaped = b"#" in objects
    outer: list[set[bytes] | None] = []
    known: set[bytes] | None = None  # the keys of the dictionary in which we are
    keyed = False  # whether a key came last, which waits for its value
    for part in _parts(objects):
        if part.startswith(b"/") and not keyed and known is not None:
            name = plain_names(part) if escaped else part
            if name in known:
                return True
            known.add(name)
            keyed = True
            continue
        keyed = False
        if part in (b"<<", b"["):
            outer.append(known)
            known = set() if part == b"<<" else None
        elif part in (b">>", b"]"):
            if not outer:
                raise Unreadable
            known = outer.pop()
    return False


def _parts(text: bytes) -> Iterable[bytes]:
    """Every part. Raises :class:`Unreadable` where there is none."""
    if b"\\(" in text:  # without an end, the search would begin anew at each of them
        return _parts_with_strings(text)
    parts: list[bytes] = _PART.findall(text)
    return parts if _ALONE.isdisjoint(parts) else _parts_with_strings(text)


def _parts_with_strings(text: bytes) -> Iterator[bytes]:
    """The same of a text with strings in which others are, for which there is no pattern."""
    place = 0
    while place < len(text):
        found = _PART.match(text, place)
        part, place = found[1], found.end()  # type: ignore[index,union-attr]  # it matches everywhere
        if part == b"(":
            place = _end_of_string(text, place - 1)
        elif part in _ALONE:
            raise Unreadable
        yield part


_PLAIN_VALUE = rb"\d{1,10}%b++0%b++R(?!%b)|/%b++|%b++(?<!null)(?!%b)|\([^()\\]*+\)|\[[^()<>\[\]/%%]*+\]" % (
    BLANK,
    BLANK,
    REGULAR,
    REGULAR,
    REGULAR,
    REGULAR,
)
_PLAIN_ENTRY = re.compile(rb"%b*+/(%b++)%b*+(%b)" % (BLANK, REGULAR, BLANK, _PLAIN_VALUE))
_PLAIN_DICTIONARY = re.compile(
    rb"%b*+<<((?:%b*+/%b++%b*+(?:%b))*+)%b*+>>%b*+(?:endobj)?"
    % (BLANK, BLANK, REGULAR, BLANK, _PLAIN_VALUE, BLANK, BLANK)
)


def plain_entries(text: bytes) -> dict[bytes, bytes] | None:
    """The values of the dictionary that *text* is, as they are written, by their keys; None unless each is a word,
    a name, a reference, a string with no escape or parenthesis, or an array of words and references. There is one
    way to read that, and it takes a fiftieth of the time to do so."""
    found = _PLAIN_DICTIONARY.fullmatch(text)
    if found is None or b"#" in text:
        return None
    entries = _PLAIN_ENTRY.findall(found[1])
    values = dict(entries)
    return values if len(values) == len(entries) else None


def referred_to(value: bytes) -> Iterator[int]:
    """The numbers of the references in a *value* of :func:`plain_entries`."""
    if not value.startswith((b"/", b"(")):
        words = value.strip(b"[]").split()
        yield from (int(words[at - 2]) for at, word in enumerate(words) if word == b"R" and at > 1)


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


def references(text: bytes, begin: int, end: int, *, plainly: bool) -> Iterator[int]:
    """The numbers that are referred to between two places. Raises :class:`Unreadable` where a reference may be
    written otherwise, if all have to be written *plainly*."""
    for found in _REFERENCE.finditer(text, begin, end):
        stop = found.start() - len(b" 0 ")
        if stop > begin and text.startswith(b" 0 ", stop):  # as nearly all are written
            start = text.rfind(b" ", max(begin, stop - _LONGEST_NUMBER - 1), stop) + 1
            if start and text[start:stop].isdigit():
                yield int(text[start:stop])
                continue
        numbers = _BEFORE_REFERENCE.search(text, max(begin, found.start() - _NEAR), found.start())
        if numbers is not None:
            yield int(numbers[1])
        elif plainly:
            raise Unreadable


def without_digits(text: bytes) -> bytes:
    """*text* with letters in the place of long hexadecimal strings, such as signatures. It is as long as before,
    and much faster to search for what begins with a digit and goes on outside of them."""
    return _LONG_HEXADECIMAL.sub(lambda found: b"<%b>" % (b"A" * (len(found[0]) - 2)), text)


def plain_names(names: bytes) -> bytes:
    """Names without their escapes (7.3.5)."""
    return _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), names) if b"#" in names else names

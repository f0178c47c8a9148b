"""What two wordings of a text differ in: changes of paragraphs, and in these of words (of characters in Chinese).

A wording is compared line by line in its plain form (:mod:`appliance.writing.plain`): a line is a paragraph, a
heading, an item of a list, or a row of a table. However long and however different two wordings are, comparing
takes no longer than a moment: where too much would have to be compared, a larger part counts as one change.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from appliance.sequence_differences import Difference, differences, steps
from appliance.writing.elements import Table, TextList
from appliance.writing.markup import markup, read_markup, require_size
from appliance.writing.plain import from_plain, to_plain

_HAN = "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_TOKEN = re.compile(rf"\\.|[{_HAN}]|[^\W{_HAN}]+ *|\*\*|//|\+\+| +|.", re.DOTALL)
_NUMBER = re.compile(r"( *)\d{1,3}\. ")
_BEGINNING = re.compile(r"(#{1,3} | *- | *1\. )")

MOST_STEPS_SHOWN = 240_000_000
"""Steps that comparing the words of all changes on one page takes at most."""

MOST_ALIGNED = 400
"""Pairs of lines of which the likest are looked for."""

LIKE = 0.4
"""How much of two lines must be the same for one to count as a change of the other."""

CONTEXT = 2
"""Unchanged lines that are shown on each side of a change."""


class Tone(StrEnum):
    """What became of some words."""

    SAME = "same"
    GONE = "gone"
    NEW = "new"


@dataclass(frozen=True, slots=True)
class Piece:
    """Words within a line."""

    tone: Tone
    words: str


@dataclass(frozen=True, slots=True)
class RedlinedLine:
    """A line to be read: its ``style`` (h1, h2, h3, item, row or p), and its words."""

    style: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class TextChange:
    """One change, with an ``id`` that says what and where it is; ``before`` are the lines ``first`` to ``last`` of
    the one wording, ``after`` those of the other, from ``place`` on."""

    id: str
    first: int
    last: int
    place: int
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of the page: a change (None: the same in both), and its lines; ``folded`` when nobody needs them."""

    change: TextChange | None
    lines: tuple[RedlinedLine, ...]
    folded: bool = False


def lines_of(html: str) -> tuple[str, ...]:
    """The lines of a wording. Numbers of items are all 1: otherwise one new item would change all that follow. A
    list or table straight after another one begins with a line end, which keeps the two apart."""
    found: list[str] = []
    before: object = None
    for block in read_markup(html):
        lines = to_plain((block,)).split("\n")
        if isinstance(block, TextList):
            lines = [_NUMBER.sub(r"\g<1>1. ", line, count=1) for line in lines]
        if isinstance(block, TextList | Table) and type(before) is type(block):
            lines[0] = f"\n{lines[0]}"
        found += lines
        before = block
    return tuple(found)


def html_of(lines: Sequence[str]) -> str:
    """The wording of these lines. Raises :class:`DocumentRefused` for more than a text may hold."""
    html = markup(from_plain("\n".join(lines)))
    require_size(html)
    return html


def changes(before: Sequence[str], after: Sequence[str]) -> list[TextChange]:
    """Every change from the one wording to the other, each as small as it can be judged alone."""
    return [
        _change(before, after, each)
        for difference in differences(before, after)
        for each in _apart(before, after, difference)
    ]


def _change(before: Sequence[str], after: Sequence[str], where: Difference) -> TextChange:
    first, last, start, end = where
    gone, new = tuple(before[first:last]), tuple(after[start:end])
    told = repr((first, last, start, gone, new))
    return TextChange(hashlib.sha256(told.encode()).hexdigest()[:16], first, last, start, gone, new)


def place_of(change: TextChange, before: Sequence[str], now: Sequence[str]) -> int | None:
    """The line of the wording *now* at which *change*, a change of the wording *before*, is to be made; None when
    that place has changed itself."""
    at, there = 0, 0
    ends = (len(before), len(before), len(now), len(now))
    for first, last, start, end in (*differences(before, now), ends):
        if at <= change.first and change.last <= first:
            return change.first - at + there
        at, there = last, end
        del start
    return None


def made(lines: Sequence[str], at: int, change: TextChange) -> tuple[str, ...]:
    """*lines* with *change* made at line *at*."""
    return (*lines[:at], *change.after, *lines[at + len(change.before) :])


def unmade(lines: Sequence[str], change: TextChange) -> tuple[str, ...]:
    """The wording *after* a change, without it."""
    return (*lines[: change.place], *change.before, *lines[change.place + len(change.after) :])


def redline(before: Sequence[str], after: Sequence[str]) -> list[Passage]:
    """The page on which all changes are read, in the order of the text."""
    budget, at, every = _Budget(), 0, changes(before, after)
    found: list[Passage] = []
    for number, change in enumerate(every):
        found += _unchanged(before[at : change.first], first=number == 0, last=False)
        found.append(Passage(change, tuple(budget.lines(change))))
        at = change.last
    return [*found, *_unchanged(before[at:], first=not every, last=True)]


def _unchanged(lines: Sequence[str], *, first: bool, last: bool) -> Iterator[Passage]:
    """The lines between two changes; those that are far from both are folded away."""
    head = 0 if first else CONTEXT
    tail = len(lines) if last else len(lines) - CONTEXT
    parts = [(lines, False)]
    if tail - head > CONTEXT:
        parts = [(lines[:head], False), (lines[head:tail], True), (lines[tail:], False)]
    for part, folded in parts:
        if part:
            yield Passage(None, tuple(shown(line) for line in part), folded)


def shown(line: str, tone: Tone = Tone.SAME) -> RedlinedLine:
    """A line that is in one wording alone, or the same in both."""
    style, beginning = _style(line)
    words = "".join(map(_read, _TOKEN.findall(line.lstrip("\n")[beginning:])))
    return RedlinedLine(style, (Piece(tone, words),))


def _style(line: str) -> tuple[str, int]:
    """How the line stands on the page, and how many letters of it say so."""
    line = line.lstrip("\n")
    if line.startswith("|"):
        return "row", 0
    found = _BEGINNING.match(line)
    if found is None:
        return "p", 0
    return (f"h{len(found[1]) - 1}" if line.startswith("#") else "item"), found.end()


def _read(token: str) -> str:
    """A word as people read it: without the backslash that the plain form puts before signs."""
    if len(token) > 1 and token.startswith("\\"):
        return "\N{DOWNWARDS ARROW WITH CORNER LEFTWARDS}" if token[1] == "n" else token[1:]
    return token


@dataclass(slots=True)
class _Budget:
    """How much may still be compared word by word."""

    left: int = field(default=MOST_STEPS_SHOWN)

    def lines(self, change: TextChange) -> Iterator[RedlinedLine]:
        """The lines of a change: mixed when one line became another, else what goes and then what comes."""
        if len(change.before) == len(change.after) == 1:
            old, new = change.before[0], change.after[0]
            both = _style(old)
            if both == _style(new):
                pieces = self._pieces(*(_TOKEN.findall(line.lstrip("\n")[both[1] :]) for line in (old, new)))
                yield RedlinedLine(both[0], tuple(pieces))
                return
        yield from (shown(line, Tone.GONE) for line in change.before)
        yield from (shown(line, Tone.NEW) for line in change.after)

    def _pieces(self, old: list[str], new: list[str]) -> Iterator[Piece]:
        self.left -= steps(old, new)
        whole = [(0, len(old), 0, len(new))]
        found = list(differences(old, new)) if self.left > 0 else whole
        at = 0
        for first, last, start, end in (*found, (len(old), len(old), 0, 0)):
            for tone, tokens in (
                (Tone.SAME, old[at:first]),
                (Tone.GONE, old[first:last]),
                (Tone.NEW, new[start:end]),
            ):
                if tokens:
                    yield Piece(tone, "".join(map(_read, tokens)))
            at = last


def _apart(old: Sequence[str], new: Sequence[str], where: Difference) -> Iterator[Difference]:
    """A difference in parts: lines that are like each other belong together."""
    first, last, start, end = where
    if first == last or start == end:
        if first != last or start != end:
            yield where
        return
    if (last - first) * (end - start) > MOST_ALIGNED:
        yield where
        return
    here = {at: Counter(_TOKEN.findall(old[at])) for at in range(first, last)}
    there = {at: Counter(_TOKEN.findall(new[at])) for at in range(start, end)}
    like, _, one, other = max(
        (_likeness(here[i], there[j]), -abs((i - first) - (j - start)), i, j) for i in here for j in there
    )
    if like < LIKE:
        yield where
        return
    yield from _apart(old, new, (first, one, start, other))
    if old[one] != new[other]:
        yield one, one + 1, other, other + 1
    yield from _apart(old, new, (one + 1, last, other + 1, end))


def _likeness(one: Counter[str], other: Counter[str]) -> float:
    return 2 * (one & other).total() / max(1, one.total() + other.total())

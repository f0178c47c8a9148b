"""Where two sequences of lines or words differ, within a bounded number of steps.

Comparing takes time that grows faster than what is compared: where it would take too much, a larger part counts as
one difference, which is coarse and never wrong.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Final

MOST_PAIRS: Final = 50_000
"""Pairs of equal items that are weighed against each other at once."""
MOST_STEPS: Final = 60_000_000
"""Steps that comparing takes at most at once; five thousand lines, each once, take fewer."""

Difference = tuple[int, int, int, int]
"""Items of the one sequence, from and to, in the place of which the other has these items."""


def steps(old: Sequence[str], new: Sequence[str]) -> int:
    """How many steps comparing the two takes at most: each block that is the same can take a walk through all."""
    pairs = _pairs(old, new)
    return (len(old) + pairs) * min(len(old), len(new), pairs)


def differences(old: Sequence[str], new: Sequence[str]) -> Iterator[Difference]:
    """Where the two differ, from the front; what is between them is the same."""
    head, here, there = _middle(old, new)
    yield from _placed((head, head), here, there, fine=_is_little(here, there, MOST_STEPS))


def long_differences(old: Sequence[str], new: Sequence[str]) -> tuple[list[Difference], bool]:
    """The same for long texts: lines that each text has once, and which keep their order, divide them into short
    parts; all parts together take :data:`MOST_STEPS`. Also whether some part would have taken too much."""
    found: list[Difference] = []
    left, coarse = MOST_STEPS, False
    first = start = 0
    for last, end in [*_anchors(old, new), (len(old), len(new))]:
        head, here, there = _middle(old[first:last], new[start:end])
        fine = _is_little(here, there, left)
        if fine:
            left -= steps(here, there)
        coarse |= bool(here and there and not fine)
        found += _placed((first + head, start + head), here, there, fine=fine)
        first, start = last + 1, end + 1
    return found, coarse


def _middle(old: Sequence[str], new: Sequence[str]) -> tuple[int, Sequence[str], Sequence[str]]:
    """Both without what is the same at the beginning (so many items) and at the end."""
    short = min(len(old), len(new))
    head = next((at for at in range(short) if old[at] != new[at]), short)
    most = short - head
    tail = next((at for at in range(most) if old[-1 - at] != new[-1 - at]), most)
    return head, old[head : len(old) - tail], new[head : len(new) - tail]


def _is_little(old: Sequence[str], new: Sequence[str], most_steps: int) -> bool:
    return bool(old and new) and _pairs(old, new) <= MOST_PAIRS and steps(old, new) <= most_steps


def _placed(at: tuple[int, int], old: Sequence[str], new: Sequence[str], *, fine: bool) -> Iterator[Difference]:
    """The differences of two parts that begin *at* these places; one difference unless *fine*."""
    here, there = at
    whole = [("replace", 0, len(old), 0, len(new))] if old or new else []
    codes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes() if fine else whole
    for tag, first, last, start, end in codes:
        if tag != "equal":
            yield here + first, here + last, there + start, there + end


def _pairs(old: Sequence[str], new: Sequence[str]) -> int:
    there = Counter(new)
    return sum(count * there[each] for each, count in Counter(old).items())


def _anchors(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Places of items that are once in each, as many as keep their order (patience sorting)."""
    once = {item for item, count in Counter(new).items() if count == 1}
    places = {item: at for at, item in enumerate(new) if item in once}
    alone = {item for item, count in Counter(old).items() if count == 1}
    both = [(at, places[item]) for at, item in enumerate(old) if item in alone and item in places]
    ends: list[int] = []
    holders: list[int] = []
    before: list[int] = []
    for number, (_, place) in enumerate(both):
        depth = bisect_left(ends, place)
        before.append(holders[depth - 1] if depth else -1)
        ends[depth : depth + 1] = [place]
        holders[depth : depth + 1] = [number]
    kept: list[tuple[int, int]] = []
    at = holders[-1] if holders else -1
    while at >= 0:
        kept.append(both[at])
        at = before[at]
    return kept[::-1]

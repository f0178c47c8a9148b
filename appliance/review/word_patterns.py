"""Frames: words that say something when they stand near each other in one sentence, in any order.

A frame is written ``a & b & !c & !!d``: *a* and *b* lie within :data:`REACH`, *c* does not stand in the parts of
the sentence (from comma to comma) in which they do, and *d* nowhere in the sentence. Each part is a pattern.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from appliance.review.rule_book import compiled, expression

REACH: Final = {"zh": 90, "en": 260}
"""Characters from the first to the last part of a frame at most."""

_JOINT: Final = re.compile(r"\s+&\s+")
_COMMA: Final = re.compile(r"[,，;；。]")

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class MarkedText:
    """A sentence's text; where a pattern matches is looked up once, as frames share their words."""

    text: str
    _spans: dict[re.Pattern[str], list[Span]] = field(default_factory=dict)

    def spans(self, pattern: re.Pattern[str]) -> list[Span]:
        """All places of *pattern*."""
        found = self._spans.get(pattern)
        if found is None:
            found = self._spans[pattern] = [match.span() for match in pattern.finditer(self.text)]
        return found


@dataclass(frozen=True, slots=True)
class WordPattern:
    """A frame, compiled."""

    parts: tuple[re.Pattern[str], ...]
    not_beside: tuple[re.Pattern[str], ...]
    nowhere: tuple[re.Pattern[str], ...]
    reach: int

    def said(self, marked: MarkedText) -> bool:
        """Whether the sentence says it."""
        return any(True for _ in self._places(marked))

    def subjects(self, marked: MarkedText) -> set[str]:
        """The words of the first part wherever the sentence says it."""
        first = marked.spans(self.parts[0])
        return {
            marked.text[start:end].casefold()
            for begin, stop in self._places(marked)
            for start, end in first
            if begin <= start and end <= stop
        }

    def _places(self, marked: MarkedText) -> Iterator[Span]:
        if not all(marked.spans(part) for part in self.parts) or any(marked.spans(each) for each in self.nowhere):
            return iter(())
        return (window for window in self._windows(marked) if not self._contradicted(marked, window))

    def _windows(self, marked: MarkedText) -> Iterator[Span]:
        """The shortest stretches that hold one of each part."""
        hits = sorted((end, start, at) for at, part in enumerate(self.parts) for start, end in marked.spans(part))
        latest: dict[int, int] = {}
        for end, start, at in hits:
            latest[at] = max(start, latest.get(at, start))
            first = min(latest.values())
            if len(latest) == len(self.parts) and (end - first <= self.reach or len(self.parts) == 1):
                yield first, end

    def _contradicted(self, marked: MarkedText, window: Span) -> bool:
        if not self.not_beside:
            return False
        first, last = window
        commas = marked.spans(_COMMA)
        begin = max((end for _, end in commas if end <= first), default=0)
        stop = min((start for start, _ in commas if start >= last), default=len(marked.text))
        return any(start < stop and end > begin for each in self.not_beside for start, end in marked.spans(each))


def parts(written: str) -> Iterator[tuple[str, str]]:
    """The parts of a frame as written: what stands before each (nothing, ``!`` or ``!!``), and its pattern."""
    for part in _JOINT.split(written.strip()):
        mark = "!!" if part.startswith("!!") else "!" if part.startswith("!") else ""
        yield mark, part[len(mark) :]


def word_pattern(written: str, language: str, words: Mapping[str, str]) -> WordPattern:
    """*written* with the *words* of *language* put in. English parts are whole words."""
    sorts: dict[str, list[re.Pattern[str]]] = {"": [], "!": [], "!!": []}
    for mark, pattern in parts(written):
        whole = expression(pattern, language, words)
        sorts[mark].append(compiled(rf"(?<!\w)(?:{whole})(?!\w)" if language == "en" else whole))
    return WordPattern(tuple(sorts[""]), tuple(sorts["!"]), tuple(sorts["!!"]), REACH[language])

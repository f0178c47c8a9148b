"""The rules as values: clauses with their patterns, types of contract, and the digest that names the set.

A pattern may be a frame, written ``a & b & !c & !!d``: *a* and *b* lie within :data:`REACH`, in any order, *c* is
not in the parts of the sentence (from comma to comma) in which they do, and *d* nowhere in the sentence.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

import cattrs

from appliance.model.review import ClauseLevel
from hsm import canonical
from hsm.names import name_key

Texts = Mapping[str, tuple[str, ...]]
"""Language → phrases or patterns."""

OTHER = "other"
"""The type of contract for those that no other knows."""


@dataclass(frozen=True, slots=True)
class ClauseRule:
    """How one clause is recognised; see the head of ``rules/clauses-1-bargain.yaml``."""

    key: str
    name: Mapping[str, str]
    topic: Texts
    hints: Texts
    headings: Texts = field(default_factory=dict)
    says: Texts = field(default_factory=dict)
    pairs: Texts = field(default_factory=dict)
    parties: Texts = field(default_factory=dict)
    passing: Texts = field(default_factory=dict)
    within: str = ""
    weight: int | None = None
    duties: bool = False


@dataclass(frozen=True, slots=True)
class KindRule:
    """A type of contract: the words it is known by, and the clauses that it must or should have."""

    key: str
    names: tuple[str, ...]
    required: tuple[str, ...]
    advised: tuple[str, ...]

    def level(self, clause: str) -> ClauseLevel:
        """How much *clause* is wanted."""
        if clause in self.required:
            return ClauseLevel.REQUIRED
        return ClauseLevel.ADVISED if clause in self.advised else ClauseLevel.OPTIONAL


@dataclass(frozen=True, slots=True)
class RuleBook:
    """A whole set of rules. ``words`` and ``passing`` serve the patterns (``rules/words.yaml``),
    ``weights`` is the digest of what is weighed besides."""

    clauses: tuple[ClauseRule, ...]
    kinds: tuple[KindRule, ...]
    words: Mapping[str, Mapping[str, str]]
    passing: Texts
    samples: Texts
    weights: str = ""

    def plain(self) -> dict[str, Any]:
        """The same as plain values, for the confined process."""
        return _PLAIN.unstructure(self)  # type: ignore[no-any-return]  # a dataclass becomes a dict

    @property
    def digest(self) -> str:
        """SHA-256 (hex) over all of it: what names this set of rules on record."""
        return hashlib.sha256(canonical.encode(self.plain())).hexdigest()

    def kind_of(self, words: str) -> KindRule:
        """The type whose name *words* contain, the longest name first; ``other`` when none does."""
        said, run_on = " ".join(map(name_key, words.split())), name_key(words)
        known = [
            (len(name), -at, kind)
            for at, kind in enumerate(self.kinds)
            for name in kind.names
            if name in said or (not name.isascii() and name in run_on)  # 采 购合同 is 采购合同
        ]
        if known:
            return max(known, key=lambda each: each[:2])[2]
        return next(kind for kind in self.kinds if kind.key == OTHER)


def read_plain(plain: Mapping[str, Any]) -> RuleBook:
    """A rule book out of what :meth:`RuleBook.plain` gave."""
    return _PLAIN.structure(plain, RuleBook)


_PLAIN: Final = cattrs.Converter(unstruct_collection_overrides={tuple: list})


_GAP = {"zh": r"[^。；]{0,30}?", "en": r".{0,80}?"}
_APART = r"\b.{1,80}?\b"
"""A gap between two English words, with blanks around it."""


def expression(pattern: str, language: str, words: Mapping[str, str], topic: str = "") -> str:
    """The regular expression that *pattern* stands for, ``<words>`` and ``…`` replaced. Raises KeyError."""

    def word(match: re.Match[str]) -> str:
        return f"(?:{topic if match[1] == 'topic' else words[match[1]]})"

    whole = re.sub(r"<([a-z]+)>", word, pattern)
    if language == "en":
        whole = whole.replace(" … ", _APART)
    return whole.replace("…", _GAP[language])


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """*pattern* as it is used everywhere: capital and small letters are the same."""
    return re.compile(pattern, re.IGNORECASE)


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

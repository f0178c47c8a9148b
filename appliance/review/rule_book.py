"""The rules as values: clauses with their patterns, types of contract, and the digest that names the set."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any

from appliance.language.characters import name_key
from appliance.model.review import ClauseLevel
from hsm import canonical

Texts = Mapping[str, tuple[str, ...]]
"""Language → phrases or patterns."""

OTHER = "other"
"""The type of contract for those that no other knows."""


@dataclass(frozen=True, slots=True)
class ClauseRule:
    """How one clause is recognised; see the head of ``rules/clauses.yaml``."""

    key: str
    name: Mapping[str, str]
    topic: Texts
    headings: Texts
    hints: Texts
    says: Texts = field(default_factory=dict)
    pairs: Texts = field(default_factory=dict)
    parties: Texts = field(default_factory=dict)
    passing: Texts = field(default_factory=dict)
    within: str = ""


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
    """A whole set of rules. ``words`` and ``passing`` serve the patterns (``rules/words.yaml``)."""

    clauses: tuple[ClauseRule, ...]
    kinds: tuple[KindRule, ...]
    words: Mapping[str, Mapping[str, str]]
    passing: Texts
    samples: Texts

    def plain(self) -> dict[str, Any]:
        """The same as plain values, for the confined process."""
        return _plain(asdict(self))  # type: ignore[no-any-return]  # a mapping stays one

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
    return RuleBook(
        clauses=tuple(ClauseRule(**_tuples(each)) for each in plain["clauses"]),
        kinds=tuple(KindRule(**_tuples(each)) for each in plain["kinds"]),
        words=plain["words"],
        passing=_tuples(plain["passing"]),
        samples=_tuples(plain["samples"]),
    )


def _tuples(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    return {key: _tuples(item) for key, item in value.items()} if isinstance(value, dict) else value


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value


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

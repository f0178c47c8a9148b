"""Which clauses a heading announces. A heading of two clauses, or one with “and”, promises less of each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from appliance.review.outline import Sentence
from appliance.review.rule_book import ClauseRule, compiled

_SHARED: Final = re.compile(r"\b(?:and|or)\b|[&/、与和及]", re.IGNORECASE)


class Headings:
    """The headings' words of all clauses. Remembers what it was asked: a heading stands above many sentences."""

    def __init__(self, rules: Iterable[ClauseRule]) -> None:
        self._titles = [
            (rule.key, [compiled(_title(texts, name)) for name, texts in rule.headings.items() if texts])
            for rule in rules
        ]
        self._known: dict[str, frozenset[str]] = {}

    def above(self, sentence: Sentence) -> tuple[str, frozenset[str]]:
        """The nearest heading that announces a clause, and the keys of those that it does; or nothing."""
        for heading in (sentence.inline, *reversed(sentence.headings)):
            found = self._announced(heading) if heading else None
            if found:
                return heading, found
        return "", frozenset()

    def _announced(self, heading: str) -> frozenset[str]:
        found = self._known.get(heading)
        if found is None:
            keys = (key for key, titles in self._titles if any(title.search(heading) for title in titles))
            found = self._known[heading] = frozenset(keys)
        return found


def shared(heading: str) -> bool:
    """Whether it joins two things."""
    return bool(_SHARED.search(heading))


def _title(phrases: Sequence[str], language: str) -> str:
    """Any of *phrases*; an English one begins a word, but letters that were set apart have lost their blanks."""
    words = "|".join(phrases)
    if language == "zh":
        return f"(?:{words})"
    blank = re.sub(r"(\(\?<[!=][^)]*\))| ", lambda found: found[1] or " ?", words)
    return rf"(?:(?<![a-z])|(?<=and)|(?<=of)|(?<=the)|(?-i:(?<=[a-z])(?=[A-Z])))(?:{blank})"

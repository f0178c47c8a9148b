"""What the words of a sentence weigh for each clause, as learnt from contracts whose clauses are marked.

The signs of a sentence are its pairs and triples of characters (Chinese) or its words and pairs of words
(English), the word classes of the rules that it has, alone and two together, the clause that a heading above
announces, and the words of the nearest heading. ``rules/weights.txt`` has what each weighs, and
``make review-weights`` learns it anew.
"""

from __future__ import annotations

import hashlib
import re
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from itertools import combinations, pairwise
from math import sqrt
from typing import Final

from appliance.review.outline import Sentence, shared
from appliance.review.rule_book import MarkedText, compiled, expression

FILE: Final = "weights.txt"
UNIT: Final = 16
"""Weights are whole numbers: so many are one."""

SMOOTH: Final = 8.0
_PREFIX: Final = 6
"""Letters of an English word that count: “deliver” and “delivered” are the same sign nearly always."""

_HEADING: Final = 24
"""Characters of a Chinese heading that count; three times as many letters of another."""

_LABELLED: Final = re.compile(r"^[^:：，,。]{1,24}[:：]\s?[^_\s]{2}")
_OTHER_NAME: Final = re.compile(r"(?<=\w) ?[(（][^()（）:：]{1,20}[)）]\s?[:：]")
"""After the label of a party: another name of the same."""

_NO_PARTY: Final = {"company", "公司"}
"""Words for a party that stand in names, too."""

_HAN: Final = re.compile(r"[\u4e00-\u9fff]")
_LETTER: Final = re.compile(r"[A-Za-z]")
_NUMBER: Final = re.compile(
    r"\d[\d,.]*|(?<![一二三四五六七八九十百])[一二三四五六七八九十百]+(?=[个天日年月周元倍方次条款份])"
)
_WORD: Final = re.compile(r"[a-z@$€£%']+|0|[;:,.]")
_START: Final = {
    "zh": r"(?:^|[，,；;。:：、)）])\s?(?:由|若|如|而)?({})",
    "en": r"(?:^|[,;.:]|\band\b|\bwhile\b)\W{{0,3}}(?:the )?({})\b",
}
_ALL: Final = {
    "zh": re.compile("双方|各方|三方|彼此|互相|相互|两家|两人|任何一方|每一方|大家|共同"),
    "en": re.compile(
        r"\b(?:both|each (?:party|side|of)|either|the (?:two )?(?:parties|partners)|one another|each other)\b",
        re.IGNORECASE,
    ),
}


def written_in(text: str) -> str:
    """The language that most of *text* is in."""
    chinese = len(_HAN.findall(text))
    return "zh" if chinese and 3 * chinese >= len(_LETTER.findall(text)) else "en"


class Signs:
    """The signs of sentences, by the word classes of a rule book."""

    def __init__(self, words: Mapping[str, Mapping[str, str]]) -> None:
        self._classes = {
            language: {name: compiled(_whole(f"<{name}>", language, every)) for name in every}
            for language, every in words.items()
        }
        roles = {language: every["role"] for language, every in words.items()}
        roles["en"] += "|i|we|you|he|she"
        self._starts = {name: re.compile(_START[name].format(roles[name]), re.IGNORECASE) for name in roles}
        self._roles = {
            name: re.compile(rf"(?<!\w)(?:{roles[name]})(?!\w)" if name == "en" else roles[name], re.IGNORECASE)
            for name in roles
        }

    def of(
        self, body: str, marked: MarkedText, headings: tuple[str, str], announced: Iterable[str], *, early: bool
    ) -> set[str]:
        """The signs of a sentence that says *body*, *marked* being the whole of it, below *headings*: the one that
        announces clauses, and the nearest."""
        heading, nearest = headings
        language = written_in(body)
        own = self._classes[language]
        held = sorted(f"<{name}>" for name, pattern in own.items() if marked.spans(pattern))
        signs = set(self._grams(body, language, own["role"]))
        signs.update(held)
        signs.update(f"{one}{other}" for one, other in combinations(held, 2))
        alone = "" if shared(heading) else "only "
        keys = list(announced)
        signs.update(f"heading {key}" for key in keys)
        if len(keys) == 1 and alone:
            signs.add(f"heading only {keys[0]}")
        signs.update(f"above {word}" for word in self._words(nearest))
        signs.add(f"language {language}")
        form = "label" if _LABELLED.match(marked.text) else "blank" if "__" in marked.text else "sentence"
        signs.add(f"{form} at the beginning" if early else form)
        return signs

    def _grams(self, body: str, language: str, role: re.Pattern[str]) -> Iterator[str]:
        text = _NUMBER.sub("0", role.sub("@", body.lower().replace("’", "'")))
        if language == "zh":
            text = f"^{text.replace(' ', '')}$"
            for length in (1, 2, 3):
                yield from (text[at : at + length] for at in range(len(text) - length + 1))
        else:
            words = ["^", *(word[:_PREFIX] for word in _WORD.findall(text)), "$"]
            yield from words
            yield from (f"{one} {other}" for one, other in pairwise(words))

    @staticmethod
    def _words(heading: str) -> Iterator[str]:
        """The words of a *heading*; pairs of characters where it is Chinese."""
        if written_in(heading) == "zh":
            yield from map("".join, pairwise(heading[:_HEADING]))
        else:
            yield from (word[:_PREFIX] for word in _WORD.findall(heading[: 3 * _HEADING].lower()))

    def named(self, told: Sequence[Sentence]) -> list[set[str]]:
        """Whom each of the sentences names."""
        plain = (_OTHER_NAME.sub(":", each.text) for each in told)
        return [self._roles_in(text) - _NO_PARTY | self._all(text) for text in plain]

    def bound(self, told: Sequence[Sentence]) -> list[set[str]]:
        """Whom each of the sentences is about: its subjects, those of the heading, or of the one before."""
        found: list[set[str]] = []
        for at, sentence in enumerate(told):
            subjects = self._subjects(sentence.text) | self._all(sentence.text)
            above = map(self._roles_in, (sentence.inline, *reversed(sentence.headings)))
            subjects = subjects or next(filter(None, above), set())
            if not subjects and at and sentence.block - told[at - 1].block <= 1:
                subjects = found[-1]
            found.append(subjects)
        return found

    def _roles_in(self, text: str) -> set[str]:
        return {match.lower() for match in self._roles[written_in(text)].findall(text)}

    def _subjects(self, text: str) -> set[str]:
        return {match.lower() for match in self._starts[written_in(text)].findall(text)}

    def _all(self, text: str) -> set[str]:
        """Two, where the text says “both”."""
        return {"one", "another"} if _ALL[written_in(text)].search(text) else set()


def _whole(pattern: str, language: str, words: Mapping[str, str]) -> str:
    """As frames have it, so that what was looked up for one need not be for the other."""
    whole = expression(pattern, language, words)
    return rf"(?<!\w)(?:{whole})(?!\w)" if language == "en" else whole


class Weights:
    """What each sign weighs, for each clause."""

    def __init__(self, text: str) -> None:
        first, *lines = text.splitlines()
        self.clauses: tuple[str, ...] = tuple(first.split())
        self._table: dict[str, array[int]] = {}
        for line in lines:
            sign, _, weighs = line.rpartition("\t")
            self._table[sign] = array("h", map(int, weighs.split()))

    def scores(self, signs: Iterable[str]) -> list[float]:
        """What they weigh together, for each of :attr:`clauses`."""
        known = [self._table[sign] for sign in signs if sign in self._table]
        total = [0] * len(self.clauses)
        for weighs in known:
            for clause, weight in zip(weighs[::2], weighs[1::2], strict=True):
                total[clause] += weight
        scale = SMOOTH / (UNIT * sqrt(max(1, len(known))))
        return [each * scale for each in total]

    def score(self, clause: int, signs: Iterable[str]) -> float:
        """What they weigh together for one of :attr:`clauses`."""
        known = [self._table[sign] for sign in signs if sign in self._table]
        total = sum(
            [weighs[at + 1] for weighs in known for at in range(0, len(weighs), 2) if weighs[at] == clause]
        )
        return total * SMOOTH / (UNIT * sqrt(max(1, len(known))))


def written() -> str:
    """The file of weights."""
    return resources.files("appliance.review").joinpath("rules", FILE).read_text(encoding="utf-8")


@cache
def learnt() -> Weights:
    """The weights of the package."""
    return Weights(written())


@cache
def digest() -> str:
    """SHA-256 (hex) of the file of weights."""
    return hashlib.sha256(written().encode()).hexdigest()

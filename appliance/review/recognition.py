"""Which clauses the sentences say: by themselves, or below a heading of the clause. Mentions in passing do not."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Final, TypeVar

from appliance.review.outline import Headings, Sentence, shared
from appliance.review.rule_book import (
    ClauseRule,
    MarkedText,
    RuleBook,
    Texts,
    WordPattern,
    compiled,
    expression,
    word_pattern,
)

LANGUAGES: Final = ("zh", "en")
ENOUGH: Final = 6
"""Sentences that are shown of a clause; what says it again after so many is not looked for."""

_SHORTEST: Final = 6
"""Letters that a sentence below a heading has at least, to say something."""

_SCRIPT: Final = {"zh": re.compile(r"[\u4e00-\u9fff]"), "en": re.compile(r"[A-Za-z]{3}")}

_WHOLE: Final = 10
"""Chinese characters of a whole sentence; twice as many letters of Latin script."""

_DEFINITION: Final = re.compile(
    r"[”\"](?:一词)?(?:是指|系指|指)|[”\"] ?(?:means|shall mean|refers to|has the meaning)|见第.{1,6}条"
)

_ASIDE: Final = re.compile(r"[（(][^（()）]{0,40}[)）]")
"""What stands in brackets: another name of the same party, mostly."""

_EMPTY: Final = re.compile(
    r"^\W*(?:无|/|略|不适用|空白|none|n/?a|reserved|(?:intentionally )?(?:omitted|left blank|deleted)"
    r"|not applicable|not used)\W*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class ClauseEvidence:
    """The sentences that say a clause, with those beside them in its sections, in the order of the text."""

    clause: str
    sentences: tuple[Sentence, ...]


class Recogniser:
    """The clauses of one rule book, compiled."""

    def __init__(self, book: RuleBook) -> None:
        self._clauses = [_Clause(rule, book) for rule in book.clauses]
        self._headings = Headings(book.clauses)
        self.samples = [
            compiled(expression(pattern, name, book.words[name]))
            for name in LANGUAGES
            for pattern in book.samples[name]
        ]

    def evidence(self, sentences: Sequence[Sentence]) -> list[ClauseEvidence]:
        """What was found, one for each clause that is there."""
        told = [each for each in sentences if not each.sample]
        found = self._found([each for each in self._clauses if not each.rule.within], told)
        for clause in self._clauses:
            if clause.rule.within:
                found |= self._found([clause], found.get(clause.rule.within, ()))
        return [
            ClauseEvidence(clause.rule.key, found[clause.rule.key])
            for clause in self._clauses
            if clause.rule.key in found
        ]

    def _found(self, clauses: Sequence[_Clause], sentences: Sequence[Sentence]) -> dict[str, tuple[Sentence, ...]]:
        gathered = [(clause, _Gathered()) for clause in clauses]
        for sentence in sentences:
            marked = MarkedText(sentence.text)
            heading, announced = self._headings.above(sentence)
            for clause, so_far in gathered:
                clause.note(sentence, marked, so_far)
                if clause.rule.key in announced:
                    clause.note_below(sentence, heading, so_far, alone=len(announced) == 1)
        said = {clause.rule.key: tuple(so_far.said()) for clause, so_far in gathered}
        return {key: each for key, each in said.items() if each}


@dataclass(slots=True)
class _Gathered:
    """What sentences were seen of one clause."""

    pairs: list[Sentence] = field(default_factory=list)
    different: set[str] = field(default_factory=set)
    spoken: list[Sentence] = field(default_factory=list)
    sections: list[Sentence] = field(default_factory=list)
    named: set[tuple[str, str]] = field(default_factory=set)
    speaks: bool = False

    @property
    def of_one(self) -> bool:
        """Whether the clause's sections are about one party alone, though the clause is about all of them."""
        languages = Counter(language for language, _ in self.named)
        return bool(languages) and max(languages.values()) == 1

    def said(self) -> list[Sentence]:
        """The sentences that say the clause, and those beside them in its sections."""
        pairs = self.pairs if len(self.different) >= 2 else ()
        sections = self.sections if self.speaks and not self.of_one else ()
        every = [*pairs, *self.spoken, *sections]
        return sorted({(each.block, each.start): each for each in every}.values(), key=_place)


def _place(sentence: Sentence) -> tuple[int, int]:
    return sentence.block, sentence.start


class _Clause:
    def __init__(self, rule: ClauseRule, book: RuleBook) -> None:
        self.rule = rule
        self._searched = any(each.within == rule.key for each in book.clauses)
        topics = {name: rule.topic[name][0] for name in rule.topic}
        self._says: dict[str, list[WordPattern]] = {
            name: [word_pattern(each, name, book.words[name]) for each in every]
            for name, every in rule.says.items()
        }
        self._pairs: dict[str, list[WordPattern]] = {
            name: [word_pattern(each, name, book.words[name]) for each in every]
            for name, every in rule.pairs.items()
        }
        self._passing = _compiled(_together(book.passing, rule.passing), book, topics)
        self._parties = _compiled(rule.parties, book, topics)
        self._hints = [re.compile(_any(texts, name), re.IGNORECASE) for name, texts in rule.hints.items() if texts]

    def note(self, sentence: Sentence, marked: MarkedText, so_far: _Gathered) -> None:
        """Takes in what the sentence says by itself."""
        matched = {words for each in _fitting(self._pairs, sentence) for words in each.subjects(marked)}
        if matched:
            so_far.pairs.append(sentence)
            so_far.different |= {self._whom(words) for words in matched}
        if len(so_far.spoken) >= ENOUGH and not self._searched:
            return
        if self._says_it(marked) and not self._in_passing(sentence):
            so_far.spoken.append(sentence)

    def note_below(self, sentence: Sentence, heading: str, so_far: _Gathered, *, alone: bool) -> None:
        """Takes in a sentence below a *heading* of the clause, which is of no other clause when *alone*."""
        if len(sentence.text) < _SHORTEST or _EMPTY.match(sentence.text) or self._in_passing(sentence):
            return
        so_far.sections.append(sentence)
        so_far.named |= self._named(heading, sentence)
        so_far.speaks = so_far.speaks or self._speaks(sentence, heading, alone=alone)

    def _speaks(self, sentence: Sentence, heading: str, *, alone: bool) -> bool:
        """Whether a sentence below the clause's heading says something of it: below a heading of its own any whole
        sentence does, but no definition; below one with “and”, one with a hint; below one that is of another
        clause too, one that says it anyway."""
        body = sentence.text
        if body.startswith(sentence.inline) and len(sentence.inline) <= 40:
            body = body[len(sentence.inline) :].lstrip(" .:：-–—")
        if len(body) < _SHORTEST or _EMPTY.match(body):
            return False
        if not alone:
            return self._says_it(MarkedText(body))
        if any(hint.search(body) for hint in self._hints):
            return True
        whole = len(body) >= (_WHOLE if _SCRIPT["zh"].search(body) else 2 * _WHOLE)
        return whole and not shared(heading) and not _DEFINITION.search(body)

    def _whom(self, words: str) -> str:
        """The party that *words* of a pair name, whatever else stands there; the words where none is known."""
        names = (one.search(words) for one, *_ in self._parties.values())
        return next((name[0].casefold() for name in names if name is not None), words)

    def _named(self, heading: str, sentence: Sentence) -> set[tuple[str, str]]:
        """Whom the heading and the sentence below it are about, by language: several who are named together (by a
        pattern after the first) count as more than one."""
        text = _ASIDE.sub("", f"{heading} {sentence.text}")
        found = set()
        for language, (one, *several) in self._parties.items():
            found |= {(language, match[0].casefold()) for match in one.finditer(text)}
            if any(pattern.search(text) for pattern in several):
                found |= {(language, "one"), (language, "another")}
        return found

    def _says_it(self, marked: MarkedText) -> bool:
        return any(each.said(marked) for each in _fitting(self._says, marked))

    def _in_passing(self, sentence: Sentence) -> bool:
        return any(pattern.search(sentence.text) for pattern in _fitting(self._passing, sentence))


_T = TypeVar("_T")
Patterns = dict[str, list[re.Pattern[str]]]


def _fitting(rules: Mapping[str, Sequence[_T]], sentence: Sentence | MarkedText) -> Iterator[_T]:
    """By language: Chinese ones where there is Chinese, English ones where there are Latin letters."""
    for name, each in rules.items():
        if _SCRIPT[name].search(sentence.text):
            yield from each


def _together(*texts: Texts) -> Texts:
    """The patterns of all of *texts*."""
    return {name: tuple(chain.from_iterable(each.get(name, ()) for each in texts)) for name in LANGUAGES}


def _compiled(texts: Texts, book: RuleBook, topics: dict[str, str]) -> Patterns:
    return {
        name: [
            compiled(expression(pattern, name, book.words[name], topics.get(name, "(?!)"))) for pattern in patterns
        ]
        for name, patterns in texts.items()
    }


def _any(phrases: Sequence[str], language: str) -> str:
    words = "|".join(re.escape(phrase) for phrase in phrases)
    return rf"\b(?:{words})" if language == "en" else f"(?:{words})"

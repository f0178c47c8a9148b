"""Which clauses the sentences say: by themselves, or below a heading of the clause. Mentions in passing do not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from appliance.review.outline import Sentence
from appliance.review.rule_book import ClauseRule, RuleBook, Texts, compiled, expression

LANGUAGES: Final = ("zh", "en")
_SHORTEST: Final = 6
"""Letters that a sentence below a heading has at least, to say something."""

_SCRIPT: Final = {"zh": re.compile(r"[\u4e00-\u9fff]"), "en": re.compile(r"[A-Za-z]{3}")}

_WHOLE: Final = 10
"""Chinese characters of a whole sentence; twice as many letters of Latin script."""

_SHARED: Final = re.compile(r"\b(?:and|or)\b|[&/、与和及]", re.IGNORECASE)
_DEFINITION: Final = re.compile(
    r"[”\"](?:一词)?(?:是指|系指|指)|[”\"] ?(?:means|shall mean|refers to|has the meaning)|见第.{1,6}条"
)

_EMPTY: Final = re.compile(
    r"^\W*(?:无|/|略|不适用|空白|none|n/?a|reserved|(?:intentionally )?(?:omitted|left blank|deleted)"
    r"|not applicable|not used)\W*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """The sentences that say a clause, in the order of the text; the ``best`` one first comes from a heading."""

    clause: str
    sentences: tuple[Sentence, ...]


class Recogniser:
    """The clauses of one rule book, compiled."""

    def __init__(self, book: RuleBook) -> None:
        self._clauses = [_Clause(rule, book) for rule in book.clauses]
        self.samples = [
            compiled(expression(pattern, name, book.words[name]))
            for name in LANGUAGES
            for pattern in book.samples[name]
        ]

    def evidence(self, sentences: Sequence[Sentence]) -> list[Evidence]:
        """What was found, one for each clause that is there."""
        found: dict[str, Evidence] = {}
        ordered = sorted(self._clauses, key=lambda clause: bool(clause.rule.within))
        for clause in ordered:
            among = sentences
            if clause.rule.within:
                outer = found.get(clause.rule.within)
                among = () if outer is None else outer.sentences
            said = tuple(clause.said(among))
            if said:
                found[clause.rule.key] = Evidence(clause.rule.key, said)
        return [found[clause.rule.key] for clause in self._clauses if clause.rule.key in found]


class _Clause:
    def __init__(self, rule: ClauseRule, book: RuleBook) -> None:
        self.rule = rule
        topics = {name: rule.topic[name][0] for name in rule.topic}
        self._says = _compiled(rule.says, book, topics)
        self._pairs = _compiled(rule.pairs, book, topics)
        self._passing = _compiled(book.passing, book, topics)
        self._hints = [re.compile(_any(texts, name), re.IGNORECASE) for name, texts in rule.hints.items() if texts]
        self._titles = [
            re.compile(_title(texts, name), re.IGNORECASE) for name, texts in rule.headings.items() if texts
        ]

    def said(self, sentences: Sequence[Sentence]) -> Iterator[Sentence]:
        """The sentences that say the clause, and those beside them in its sections."""
        pairs = [each for each in sentences if not each.sample and _one(self._pairs, each.text)]
        matched = {
            match[0]
            for each in pairs
            for pattern in chain(*self._pairs.values())
            for match in pattern.finditer(each.text)
        }
        if len(matched) >= 2:
            yield from pairs
            return
        counted = [each for each in sentences if not each.sample and not _one(self._passing, each.text)]
        sections = [each for each in counted if self._below_heading(each)]
        if not any(self._speaks(each) for each in sections):
            sections = []
        spoken = [each for each in counted if _one(self._says, each.text)]
        kept = {id(each) for each in (*sections, *spoken)}
        yield from (each for each in sentences if id(each) in kept)

    def _below_heading(self, sentence: Sentence) -> bool:
        if len(sentence.text) < _SHORTEST or _EMPTY.match(sentence.text):
            return False
        return any(title.match(each) for each in (*sentence.headings, sentence.inline) for title in self._titles)

    def _speaks(self, sentence: Sentence) -> bool:
        """Whether a sentence below the clause's heading says something of it: below a heading of its own any whole
        sentence does, but no definition; below one that it shares with others, one that says it anyway."""
        body = sentence.text
        if body.startswith(sentence.inline) and len(sentence.inline) <= 40:
            body = body[len(sentence.inline) :].lstrip(" .:：-–—")
        if len(body) < _SHORTEST:
            return False
        titles = [
            each
            for each in (*sentence.headings, sentence.inline)
            if any(title.match(each) for title in self._titles)
        ]
        if all(_SHARED.search(each) for each in titles):
            return _one(self._says, body)
        if any(hint.search(body) for hint in self._hints):
            return True
        whole = len(body) >= (_WHOLE if re.search(r"[\u4e00-\u9fff]", body) else 2 * _WHOLE)
        return whole and not _DEFINITION.search(body)


Patterns = dict[str, list[re.Pattern[str]]]
"""By language: Chinese ones are tried where there is Chinese, English ones where there are Latin letters."""


def _one(patterns: Patterns, text: str) -> bool:
    return any(
        pattern.search(text) for name, each in patterns.items() if _SCRIPT[name].search(text) for pattern in each
    )


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


def _title(phrases: Sequence[str], language: str) -> str:
    """A heading that begins with one of *phrases*, or has it after “and”."""
    words = "|".join(re.escape(phrase) for phrase in sorted(phrases, key=len, reverse=True))
    if language == "en":
        words = words.replace("\\ ", " ?")
        end = r"(?:\b|(?=and|of|for)|(?=(?-i:[A-Z])))"  # letters that were set apart have lost their blanks
        return rf"\W*(?:(?:[\w’']+,? ){{0,3}}(?:and|or|&|;|/) )?(?:the )?(?:mutual |general )?(?:{words}){end}"
    joined = "(?:[^，。；]{0,8}(?:与|和|及|、|以及))?"
    whose = "(?:甲方|乙方|双方|各方|甲乙双方|甲乙)*"
    return rf"[【\[《(（“\"\s]*{joined}(?:本|关于)?(?:合同|协议)?{whose}的?(?:{words})"

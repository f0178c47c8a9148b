"""Which clauses the sentences say: by themselves, or below a heading of the clause. Mentions in passing do not.

For a clause whose rule has a ``weight``, what the patterns find is a hint beside what the words of each sentence
weigh (:mod:`appliance.review.weighing`): one that weighs enough states the clause. Of the heaviest, the part that
weighs most is quoted (:mod:`appliance.review.quoting`).
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import chain, pairwise
from typing import Final, NamedTuple, TypeVar

from appliance.review.named_parties import renamed, stand_ins
from appliance.review.outline import Headings, Sentence, shared
from appliance.review.quoting import Part, between, heaviest, parts
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
from appliance.review.weighing import Signs, Weights, learnt

LANGUAGES: Final = ("zh", "en")
ENOUGH: Final = 6
"""Sentences that are shown of a clause; what says it again after so many is not looked for."""

_SHORTEST: Final = 6
"""Letters that a sentence below a heading has at least, to say something."""

_LONGEST_OPENING: Final = 40

_SCRIPT: Final = {"zh": re.compile(r"[\u4e00-\u9fff]"), "en": re.compile(r"[A-Za-z]{3}")}

_WHOLE: Final = 10
"""Chinese characters of a whole sentence; twice as many letters of Latin script."""

_DEFINITION: Final = re.compile(
    r"[”\"](?:一词)?(?:是指|系指|指)|[”\"] ?(?:means|shall mean|refers to|has the meaning)|见第.{1,6}条"
)

_ASIDE: Final = re.compile(r"[（(][^（()）]{0,40}[)）]")
"""What stands in brackets: another name of the same party, mostly."""

_HINT: Final = 2.0
"""What a sentence weighs more that the rules found."""

_BARE: Final = 0.2
"""So much more must weigh a sentence that no pattern found and no heading announces."""

_EARLY: Final = 6
"""So many sentences are the beginning of a contract, where its parties are named."""

_NEAR: Final = 3
"""Paragraphs within which what is said of one side and of the other is one clause."""

_BESIDE: Final = 4.0
"""So much less may weigh what the same paragraph says of the other side."""

_TRIED: Final = 4
"""So many of the heaviest sentences are tried for a quote …"""

_LIGHTER: Final = 3.0
"""… that weigh at most so much less than the first."""

_SENTENCE: Final = 0.75
"""So much of what its sentence weighs less than the heaviest counts against a part."""

_NOTHING: Final = re.compile(
    r"^[(（][^()（）]*[)）]\W*$|^(?:dear|to whom|gentlemen|尊敬的|敬爱的)[^.;。；]{0,60}[,，:：]?$",
    re.IGNORECASE,
)
"""An aside, or a salutation: it says nothing of the contract."""

_ALIASED: Final = re.compile(r"^[^:：，,(（]{1,12}[(（][^()（）:：]{1,20}[)）]\s?[:：][^:：]*$")
"""The label of one party, with its other name in brackets."""

_LABEL: Final = re.compile(r"^[^:：]{1,24}[:：]\s?")

_EMPTY: Final = re.compile(
    r"^\W*(?:无|/|略|不适用|空白|none|n/?a|reserved|(?:intentionally )?(?:omitted|left blank|deleted)"
    r"|not applicable|not used)\W*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class ClauseEvidence:
    """The sentences that say a clause, with those beside them in its sections: first the one that says it best,
    then the others in the order of the text. ``quote`` is the part of the first that does."""

    clause: str
    sentences: tuple[Sentence, ...]
    quote: Sentence


class Recogniser:
    """The clauses of one rule book, compiled."""

    def __init__(self, book: RuleBook, weights: Weights | None = None) -> None:
        self._clauses = [_Clause(rule, book) for rule in book.clauses]
        self._headings = Headings(book.clauses)
        self._signs = Signs(book.words)
        self._weights = learnt() if weights is None else weights
        self._roles = [compiled(book.words[name]["role"]) for name in LANGUAGES]
        self.samples = [
            compiled(expression(pattern, name, book.words[name]))
            for name in LANGUAGES
            for pattern in book.samples[name]
        ]

    def evidence(self, sentences: Sequence[Sentence]) -> list[ClauseEvidence]:
        """What was found, one for each clause that is there."""
        own = [each for each in sentences if not each.sample]
        names = self._names(own)
        told = list(renamed(own, names))
        written = {_place(each): each for each in own}
        weighed = _Weighed(
            told, [self._weights.scores(each) for each in self.signs(told)], self._signs, self._headings
        )
        early = {_place(each) for each in own[:_EARLY]}
        cut = cache(lambda place: self._parts(written[place], names, early=place in early))
        found = self._found([each for each in self._clauses if not each.rule.within], told)
        quotes: dict[str, Sentence] = {}
        for clause in self._clauses:
            key, within = clause.rule.key, clause.rule.within
            if within:
                found |= self._found([clause], found.get(within, ()))
            if clause.rule.weight is not None and key in self._weights.clauses:
                at = self._weights.clauses.index(key)
                heavy = weighed.heavy(clause, at, found.pop(key, ()))
                if heavy and (not within or within in found):
                    best, part = self._best(clause, at, heavy, cut)
                    rest = sorted((each.sentence for each in heavy if each is not best), key=_place)
                    found[key] = (best.sentence, *rest)
                    quotes[key] = _quoted(written[_place(best.sentence)], cut(_place(best.sentence)), part)
        return [
            ClauseEvidence(clause.rule.key, sentences, quotes.get(clause.rule.key, sentences[0]))
            for clause in self._clauses
            if (sentences := tuple(written[_place(each)] for each in found.get(clause.rule.key, ())))
        ]

    def told(self, sentences: Sequence[Sentence]) -> tuple[list[Sentence], list[Sentence]]:
        """The sentences of the contract's own terms as they stand, and with known words for its parties."""
        own = [each for each in sentences if not each.sample]
        return own, list(renamed(own, self._names(own)))

    def signs(self, told: Iterable[Sentence]) -> Iterator[set[str]]:
        """The signs of each sentence (:class:`appliance.review.weighing.Signs`)."""
        return (self._signs_of(each, early=number < _EARLY) for number, each in enumerate(told))

    def _parts(self, own: Sentence, names: Mapping[str, str], *, early: bool) -> list[Part]:
        """The parts of a sentence as it stands, told with *names*."""
        cut = parts(own)
        return [
            Part(each, told.text, frozenset(self._signs_of(told, early=early)))
            for each, told in zip(cut, renamed(cut, names), strict=True)
        ]

    def _signs_of(self, told: Sentence, *, early: bool) -> set[str]:
        heading, announced = self._headings.above(told)
        nearest = told.inline or next(reversed(told.headings), "")
        return self._signs.of(_body(told), MarkedText(told.text), (heading, nearest), announced, early=early)

    def _best(
        self, clause: _Clause, at: int, heavy: Sequence[_Heavy], cut: Callable[[tuple[int, int]], list[Part]]
    ) -> tuple[_Heavy, tuple[int, int] | None]:
        """Which of the *heavy* sentences, or first and last of its parts, weighs most."""
        best, part, most = heavy[0], None, heavy[0].weight
        for each in heavy[:_TRIED]:
            own = cut(_place(each.sentence))
            if each.weight >= heavy[0].weight - _LIGHTER and len(own) > 1:
                weight, *ends = heaviest(
                    own, partial(self._weights.score, at), lambda text: clause.says(MarkedText(text)), each.hint
                )
                weight += _SENTENCE * (each.weight - heavy[0].weight)
                if weight > most:
                    best, part, most = each, (ends[0], ends[1]), weight
        return best, part

    def _names(self, own: Sequence[Sentence]) -> Mapping[str, str]:
        """The words for parties that stand for others, and what the rules have for them."""
        return {word: name for word, name in stand_ins(own).items() if not self._known(word)}

    def _known(self, word: str) -> bool:
        """Whether the frames have *word* for a party."""
        return any(roles.fullmatch(word) for roles in self._roles)

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
    whom: list[set[str]] = field(default_factory=list)
    spoken: list[Sentence] = field(default_factory=list)
    sections: list[Sentence] = field(default_factory=list)
    named: set[tuple[str, str]] = field(default_factory=set)
    plain: set[tuple[int, int]] = field(default_factory=set)
    speaks: bool = False

    @property
    def of_one(self) -> bool:
        """Whether the clause's sections are about one party alone, though the clause is about all of them."""
        languages = Counter(language for language, _ in self.named)
        return bool(languages) and max(languages.values()) == 1

    def _side_by_side(self) -> Iterator[Sentence]:
        """The sentences of pairs next to which another one is about somebody else."""
        for (before, of_one), (after, of_other) in pairwise(zip(self.pairs, self.whom, strict=True)):
            if after.block - before.block <= 1 and len(of_one | of_other) >= 2:
                yield before

    def said(self) -> list[Sentence]:
        """The sentences that say the clause, and those beside them in its sections."""
        pairs = self.pairs if len(set[str]().union(*self.whom)) >= 2 else ()
        sections = self.sections if self.speaks and not self.of_one else ()
        worth = Counter(_place(each) for each in pairs)
        worth.update(_place(each) for each in self._side_by_side() if pairs)
        worth.update({_place(each): 2 for each in self.spoken})
        worth.update({_place(each): 1 + 2 * (_place(each) in self.plain) for each in sections})
        every = sorted({_place(each): each for each in (*pairs, *self.spoken, *sections)}.values(), key=_place)
        best = max(every, key=lambda each: (not each.is_heading, worth[_place(each)]), default=None)
        return every if best is None else [best, *(each for each in every if each is not best)]


class _Heavy(NamedTuple):
    """A sentence that weighs enough for a clause; ``hint``: how much of that the patterns gave."""

    sentence: Sentence
    weight: float
    hint: float


@dataclass(frozen=True, slots=True)
class _Weighed:
    """What the words of each sentence weigh for each clause."""

    told: Sequence[Sentence]
    scores: Sequence[Sequence[float]]
    signs: Signs
    headings: Headings

    def heavy(self, clause: _Clause, at: int, ruled: Sequence[Sentence]) -> list[_Heavy]:
        """The sentences that weigh enough, the heaviest first; *ruled*, which the patterns found, weigh more."""
        hints = {_place(each) for each in ruled}
        weights = [
            scores[at] + _HINT * (_place(each) in hints)
            for each, scores in zip(self.told, self.scores, strict=True)
        ]
        enough = (clause.rule.weight or 0) / 100
        heavy = [
            number
            for number, (each, weight) in enumerate(zip(self.told, weights, strict=True))
            if weight > enough
            and (weight > enough + _BARE or _place(each) in hints or self._announced(clause, each))
            and clause.may_be_of(each)
        ]
        if clause.rule.duties:
            heavy = self._of_several(heavy, weights, enough - _BESIDE)
        elif clause.rule.parties:
            named = self._near(heavy, self.signs.named(self.told))
            heavy = [each for each in heavy if _place(self.told[each]) in hints or len(named[each]) != 1]
        heavy.sort(key=lambda number: (-weights[number], number))
        return [
            _Heavy(self.told[each], weights[each], _HINT * (_place(self.told[each]) in hints)) for each in heavy
        ]

    def _announced(self, clause: _Clause, sentence: Sentence) -> bool:
        return clause.rule.key in self.headings.above(sentence)[1]

    def _of_several(self, heavy: Sequence[int], weights: Sequence[float], least: float) -> list[int]:
        """The *heavy* sentences, without those about one party whose paragraphs say nothing of another."""
        about = self.signs.bound(self.told)
        beside: dict[int, set[str]] = {}
        for sentence, weight, whom in zip(self.told, weights, about, strict=True):
            if weight > least:
                beside.setdefault(sentence.block, set()).update(whom)
        near = self._near(heavy, about)
        return [each for each in heavy if len(near[each] | beside[self.told[each].block]) != 1]

    def _near(self, heavy: Sequence[int], about: Sequence[set[str]]) -> dict[int, set[str]]:
        """By each of the heavy sentences whom those near it are about: one alone is not the parties."""
        blocks: dict[int, set[str]] = defaultdict(set)
        for number in heavy:
            blocks[self.told[number].block] |= about[number]
        found: dict[int, set[str]] = {}
        for number in heavy:
            first = self.told[number].block - _NEAR
            near = (blocks.get(each, set()) for each in range(first, first + 2 * _NEAR + 1))
            found[number] = set[str]().union(*near)
        return found


def _place(sentence: Sentence) -> tuple[int, int]:
    return sentence.block, sentence.start


def _quoted(sentence: Sentence, cut: Sequence[Part], part: tuple[int, int] | None) -> Sentence:
    """The *part* of the sentence; all of it, where that is none."""
    if part is None:
        return sentence
    first, last = (cut[each].place for each in part)
    return between(sentence, first.start - sentence.start, last.end - sentence.start)


def _body(sentence: Sentence) -> str:
    """What the sentence says after the heading with which its block begins; all, where that is no heading."""
    heading = sentence.inline
    if not heading or len(heading) > _LONGEST_OPENING or not sentence.text.startswith(heading):
        return sentence.text
    rest = sentence.text[len(heading) :].lstrip(" .:：-–—")
    return rest if rest.strip("。；;！") or sentence.is_heading else sentence.text


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
        if matched and not self._in_passing(sentence):
            whom = {self._whom(words) for words in matched}
            so_far.pairs.append(sentence)
            so_far.whom.append({min(whom)} if _ALIASED.match(sentence.text) else whom)
        if len(so_far.spoken) >= ENOUGH and not self._searched:
            return
        if self.says(marked) and not self._in_passing(sentence) and not _EMPTY.match(_body(sentence)):
            so_far.spoken.append(sentence)

    def note_below(self, sentence: Sentence, heading: str, so_far: _Gathered, *, alone: bool) -> None:
        """Takes in a sentence below a *heading* of the clause, which is of no other clause when *alone*."""
        if len(sentence.text) < _SHORTEST or _EMPTY.match(sentence.text) or self._in_passing(sentence):
            return
        so_far.sections.append(sentence)
        so_far.named |= self._named(heading, sentence)
        if self._speaks(sentence, heading, alone=alone):
            so_far.speaks = True
            if any(hint.search(_body(sentence)) for hint in self._hints):
                so_far.plain.add(_place(sentence))

    def _speaks(self, sentence: Sentence, heading: str, *, alone: bool) -> bool:
        """Whether a sentence below the clause's heading says something of it: below a heading of its own any whole
        sentence does, but no definition; below one with “and”, one with a hint; below one that is of another
        clause too, one that says it anyway."""
        body = _body(sentence)
        if len(body) < _SHORTEST or _EMPTY.match(body):
            return False
        if not alone:
            return self.says(MarkedText(body))
        if any(hint.search(body) for hint in self._hints):
            return True
        whole = len(body) >= (_WHOLE if _SCRIPT["zh"].search(body) else 2 * _WHOLE)
        return whole and not shared(heading) and not _DEFINITION.search(body)

    def may_be_of(self, sentence: Sentence) -> bool:
        """Whether the sentence can state the clause: it is no heading alone, no blank, no mention in passing."""
        body = _body(sentence)
        blank = len(body) < _SHORTEST or _EMPTY.match(body) or _EMPTY.match(_LABEL.sub("", body))
        blank = blank or _NOTHING.match(sentence.text)
        return not (blank or sentence.is_heading or self._in_passing(sentence))

    def _whom(self, words: str) -> str:
        """The party that *words* of a pair name, whatever else stands there; the words where none is known."""
        names = (one.search(words) for one, *_ in self._parties.values())
        return next((name[0].casefold() for name in names if name is not None), words.removeprefix("the "))

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

    def says(self, marked: MarkedText) -> bool:
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

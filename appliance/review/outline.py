"""Sections by their numbers, sentences with the headings above them, and which clauses a heading announces.

A heading of two clauses, or one with “and”, is weaker evidence for each of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from appliance.review.prose import ProseBlock
from appliance.review.rule_book import ClauseRule, compiled

LONGEST_SENTENCE: Final = 1200
"""Characters that patterns are tried on at most; what is longer is cut there."""

_STYLES: Final[tuple[tuple[str, re.Pattern[str]], ...]] = tuple(
    (style, re.compile(pattern, re.IGNORECASE))
    for style, pattern in (
        (
            "annex",
            r"(?:(?:附件|附录)(?=\s?[一二三四五六七八九十\d:：.、]|\s|$)|annex|schedule|appendix|exhibit)\s?(?:[一二三四五六七八九十\d]{1,3}|[A-Z]\b|[ivx]{1,4}\b)?[:：.、\s]?",
        ),
        ("chapter", r"(?:第[一二三四五六七八九十百\d]+(?:章|部分|编)|part\s+[\divxlc]+\b)[.:：、\s]?"),
        (
            "article",
            r"(?:第[一二三四五六七八九十百零〇\d]+条|(?:article|section|clause)\s*(?:\d+|[ivxlc]+\b)|§\s?\d+)[.:：、)\s—–-]*",
        ),
        ("section", r"第[一二三四五六七八九十\d]+[节款][.:：、\s]?"),
        ("chinese", r"[一二三四五六七八九十]{1,3}[、.．:：]\s?"),
        ("deep", r"\d{1,2}\.\d{1,2}(?:\.\d{1,2}){0,2}[.、)）]?\s?"),
        ("number", r"\d{1,2}\s?[.、．)）:：]\s?|\d{1,2}\s(?=[A-Z])"),
        ("roman", r"[ivx]{1,5}\.\s"),
        ("bracket", r"[(（][一二三四五六七八九十]{1,3}[)）]\s?"),
        ("small", r"[(（](?:\d{1,2}|[a-z]|[ivx]{1,4})[)）]\s?|[a-z][)）]\s|[①-⑳]|[●•·■◆–—-]\s"),
    )
)
_HEADING_ENDS: Final = re.compile(r"[:：。]|\.(?!\d)|\s[-–—]\s|(?<=[\u4e00-\u9fff]) (?=[\u4e00-\u9fff“])")
_TITLE: Final = re.compile(
    r"(?:合同|协议|协议书|合同书|约定书)(?:书)?$|(?:agreement|contract|deed|lease|letter)$", re.IGNORECASE
)
"""A heading that names the whole document, not a part of it."""
_SENTENCE_END: Final = re.compile(
    r"(?<=[。；！？])|(?<=[.;])\s+(?=\d{1,2}\.\d{1,2} [A-Z])|(?<=[;!?])\s|(?<=[a-z\d)”\"’%]\.)"
    r"(?<!Inc\.)(?<!Ltd\.)(?<!Co\.)(?<!Corp\.)(?<!Mr\.)(?<!Mrs\.)(?<!Ms\.)(?<!Dr\.)(?<!No\.)(?<!Messrs\.)(?<!Bhd\.)(?<!Sdn\.)"
    r"(?<!Prof\.)(?<!M/s\.)(?<!Pvt\.)(?<!Pte\.)(?<!Pty\.)\s+(?=[A-Z“\"(])"
)
_DOCUMENT: Final = re.compile(r"合同|协议|文本|agreement|contract|undertaking|template|form", re.IGNORECASE)
"""What a heading names that can be a specimen."""

_TITLE_PAGE: Final = 12
"""Within so many paragraphs, and above the first number, a specimen's name is the document's own title: a contract
written on a model form is a contract."""

_NAMING: Final = re.compile(
    r"[(（][^()（）]*[“”\"][^()（）]*[)）]|\bhereinafter\b|有限(?:责任)?公司", re.IGNORECASE
)
"""A line with these names a party, also below a number."""

_UNNUMBERED: Final = re.compile(r"[“”\"]|公司|[,，]$|\b(?:and|or|the|of)$")
"""What a heading without a number does not have."""

_CELLS: Final = re.compile(
    r"\d[\d,.]*\s?(?:[%％‰元倍]|per ?cent)|[$€£¥]\s?\d|\b(?:19|20)\d\d\b"
    r"|(?:中心|医院|学校|大学|银行|厂|店|社|馆|局|所|会)$|\b(?:Limited|Ltd|LLC|Inc|Corp|GmbH|PLC|AG|BV)\b"
)
"""A row of a table, with an amount, a year or a name, and no heading."""

_VERBS: Final = re.compile(
    r"\b(?:shall|must|will|may|is|are|agrees?|applies|apply|decides?|governs?|controls?|runs|begins|pays|has|have|was|were|suggested|asked|noted|proposed)\b"
)
"""With one of these it is a sentence."""

_FEW_WORDS: Final = 6
"""With more of them, what a paragraph begins with is a sentence rather than a heading."""

_CHINESE_SENTENCE: Final = re.compile(r"(?=.*[\u4e00-\u9fff])(?:.{10}|本[^的]+$)")
"""The same of Chinese, which has no spaces between words."""

_LONGEST_HEADING: Final = {True: 24, False: 80}


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence with its place (block, first and one past the last letter in it).

    ``headings`` are those above it, outermost first; ``inline`` is the heading with which its block begins, if
    any. ``sample``: it belongs to a specimen, not to the contract.
    """

    block: int
    start: int
    end: int
    text: str
    headings: tuple[str, ...]
    inline: str
    sample: bool = False

    @property
    def is_heading(self) -> bool:
        """Whether it is no more than the heading with which its block begins."""
        text = self.text.strip(" .。:：；;")
        return (
            text == self.inline.strip() and len(text.split()) <= _FEW_WORDS and not _CHINESE_SENTENCE.match(text)
        )


def sentences(found: Sequence[ProseBlock], samples: Sequence[re.Pattern[str]]) -> Iterator[Sentence]:
    """The sentences of all blocks, in their order; headings themselves are not among them."""
    stack: list[tuple[str, str]] = []
    sample, own_title, numbered = False, "", False
    for number, block in enumerate(found):
        style, begin = _style(block.text)
        rest = block.text[begin:]
        heading = _is_heading(rest, numbered=bool(style))
        if style == "annex" or (style and heading):
            _open(stack, style)
        elif style:
            _close(stack, style)
        elif heading:
            style = "bare"
            _open(stack, style)
        numbered = numbered or style not in ("", "bare")
        specimen = heading and bool(_DOCUMENT.search(rest)) and any(each.search(rest) for each in samples)
        if specimen and not numbered and number < _TITLE_PAGE:
            own_title = own_title or rest
        elif style == "annex" or (specimen and rest != own_title):
            sample = any(each.search(block.text[:120]) for each in samples)
        if heading:
            if not (style == "bare" and _TITLE.search(rest)):
                stack.append((style, rest))
            continue
        above = tuple(text for _, text in stack)
        if style:
            stack.append((style, _opening(rest)))
        yield from _of_block(number, block.text, begin, above, sample)


def _of_block(number: int, text: str, begin: int, above: tuple[str, ...], sample: bool) -> Iterator[Sentence]:
    rest = text[begin:]
    opening = _opening(rest)
    start = begin
    for piece in _SENTENCE_END.split(rest):
        at = text.find(piece, start) if piece else -1
        if at < 0:
            continue
        start = at + len(piece)
        shown = piece[:LONGEST_SENTENCE].strip()
        if shown:
            at = text.index(shown, at)
            yield Sentence(number, at, at + len(shown), shown, above, opening, sample)


def _opening(rest: str) -> str:
    """The heading with which a paragraph begins in the same line, or nothing."""
    opening, *more = _HEADING_ENDS.split(rest, maxsplit=1)
    return opening if more and more[0].strip() and _is_heading(opening, numbered=True) else ""


def _style(text: str) -> tuple[str, int]:
    for style, pattern in _STYLES:
        match = pattern.match(text)
        if match:
            return style, match.end()
    return "", 0


def _is_heading(rest: str, *, numbered: bool) -> bool:
    chinese = bool(re.search(r"[\u4e00-\u9fff]", rest))
    bare = rest.rstrip(" :：.。")
    if _NAMING.search(bare) or (not numbered and (_UNNUMBERED.search(bare) or _CELLS.search(bare))):
        return False
    if rest.endswith((".", "。")) and not (numbered and len(bare) <= (6 if chinese else 40)):
        return False
    if not re.search(r"[\u4e00-\u9fffA-Za-z]{2}", bare) or len(bare) > _LONGEST_HEADING[chinese]:
        return False
    if re.search(r"[，。；:：]" if chinese else r"[;:]|\.\s", bare):
        return False
    if chinese:
        return not re.search(r"应当|不得|有权|支付|负责|自.*起", bare)
    return not _VERBS.search(bare) and len(bare.split()) <= 10


def _open(stack: list[tuple[str, str]], style: str) -> None:
    """A new section of *style*: what is of the same style or deeper ends."""
    _close(stack, style)
    if style in ("annex", "chapter"):
        stack.clear()


def _close(stack: list[tuple[str, str]], style: str) -> None:
    styles = [each for each, _ in stack]
    if style in styles:
        del stack[styles.index(style) :]


_SHARED: Final = re.compile(r"\b(?:and|or)\b|[&/、与和及]", re.IGNORECASE)


_LABEL: Final = frozenset({"parties"})
"""“甲方：” at the beginning of a paragraph is no heading of its own: what the party must do may follow."""


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
            if found and (found != _LABEL or heading != sentence.inline):
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

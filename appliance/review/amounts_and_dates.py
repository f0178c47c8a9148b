"""Amounts of money and calendar dates in a text, Chinese and English.

Amounts are figures, Chinese capitals (大写) or English words, and it is checked whether they agree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final

from appliance.money import NotAnAmount, amount_of

LARGEST: Final = Decimal(10) ** 16
_CURRENCIES: Final = {
    "CNY": r"人民币|rmb|cny|¥|￥|yuan|renminbi",
    "USD": r"美元|美金|us\$|usd|us dollars?|dollars?|\$",
    "EUR": r"欧元|eur|euros?|€",
    "GBP": r"英镑|gbp|pounds?(?: sterling)?|£",
    "HKD": r"港币|港元|hkd|hk\$|hk dollars?",
    "JPY": r"日元|jpy|yen",
}
_ANY: Final = "|".join(_CURRENCIES[key] for key in ("HKD", "USD", "CNY", "EUR", "GBP", "JPY"))
_FIGURE: Final = r"\d{1,3}(?:[,，]\d{3})+(?:\.\d{1,4})?|\d{1,15}(?:\.\d{1,6})?"
_SCALE: Final = {
    "千万": 10**7, "百万": 10**6, "十万": 10**5, "万": 10**4, "亿": 10**8, "千": 1000, "百": 100,
    "million": 10**6, "mn": 10**6, "m": 10**6, "billion": 10**9, "bn": 10**9, "thousand": 1000, "k": 1000,
}  # fmt: skip
_SCALES: Final = "千万|百万|十万|万|亿|千|百|million|billion|thousand|mn|bn"
_IN_FIGURES: Final = re.compile(
    rf"(?:(?P<before>{_ANY})\s?[:：]?\s?(?P<first>{_FIGURE})(?![\d.]?\d)\s?(?P<scaled>{_SCALES}|(?:bn|[mk])(?![a-z\d²³]))?\s?(?P<unit>元|圆)?"
    rf"|(?<![\d.,])(?P<second>{_FIGURE})\s?(?P<scale>{_SCALES})?\s?(?P<after>元|圆|{_ANY})(?![a-z]))",
    re.IGNORECASE,
)
_CAPITALS: Final = re.compile(
    r"(?:人民币|RMB|CNY|¥)?\s?(?P<words>[零〇壹贰叁肆伍陆柒捌玖拾佰仟萬万亿两一二三四五六七八九十百千]{1,40}[元圆]"
    r"(?:[零壹贰叁肆伍陆柒捌玖一二三四五六七八九]角)?零?(?:[壹贰叁肆伍陆柒捌玖一二三四五六七八九]分)?[整正]?)",
    re.IGNORECASE,
)
_ENGLISH_ONES: Final = {word: number for number, word in enumerate((
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
))}  # fmt: skip
_ENGLISH_TENS: Final = {word: 10 * number for number, word in enumerate((
    "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
), start=2)}  # fmt: skip
_ENGLISH_WORD: Final = "|".join(
    (*_ENGLISH_ONES, *_ENGLISH_TENS, "hundred", "thousand", "million", "billion", "and")
)
_ENGLISH: Final = re.compile(
    rf"\b(?P<words>(?:{_ENGLISH_WORD})(?:[\s-]+(?:{_ENGLISH_WORD})){{0,24}})"
    rf"\s+(?:{_ANY}|us|chinese|united states)\b",
    re.IGNORECASE,
)
_BETWEEN: Final = re.compile(
    r"(?:[\s(（)）:：,，\[\]“”\"]|大写|小写|即|in words|say|计|金额|人民币|为|only|renminbi|rmb|cny|¥|￥|整"
    r"|us|dollars?|chinese){0,40}",
    re.IGNORECASE,
)
"""What announces the same sum once more."""

_NEAR: Final = 40
"""Letters that may lie between figures and the words that repeat them."""


@dataclass(frozen=True, slots=True)
class AmountMention:
    """A sum and its place in the text; ``words`` is what stands beside it in words, None without."""

    value: Decimal
    currency: str
    start: int
    end: int
    words: Decimal | None = None


def sums(text: str) -> Iterator[AmountMention]:
    """The sums in *text*, each once: where words repeat figures, together."""
    figures = list(_amounts_in_figures(text))
    for words in sorted((*_in_capitals(text), *_in_english(text)), key=lambda each: each.start):
        beside = [at for at, each in enumerate(figures) if each.words is None and _repeats(text, each, words)]
        if not beside:
            figures.append(words)
            continue
        at = min(beside, key=lambda each: abs(figures[each].start - words.start))
        one = figures[at]
        start, end = min(one.start, words.start), max(one.end, words.end)
        figures[at] = AmountMention(one.value, one.currency or words.currency, start, end, words.value)
    return iter(sorted(figures, key=lambda each: each.start))


def from_english(words: str) -> int:
    """The number that *words* such as ``one million two hundred thousand`` say. Raises ValueError."""
    total = group = 0
    for word in re.split(r"[\s-]+", words.casefold()):
        if word in _ENGLISH_ONES or word in _ENGLISH_TENS:
            group += _ENGLISH_ONES.get(word, 0) + _ENGLISH_TENS.get(word, 0)
        elif word == "hundred":
            group *= 100
        elif word in ("thousand", "million", "billion"):
            total, group = total + group * _SCALE[word], 0
        elif word != "and":
            raise ValueError(words)
    if not total + group:
        raise ValueError(words)
    return total + group


def _amounts_in_figures(text: str) -> Iterator[AmountMention]:
    for match in _IN_FIGURES.finditer(text):
        number = match["first"] or match["second"]
        scale = match["scaled"] or match["scale"] or ""
        try:
            value = Decimal(re.sub("[,，]", "", number)) * _SCALE.get(scale.casefold(), 1)
        except InvalidOperation:
            continue
        if value <= LARGEST:
            yield AmountMention(
                value, _currency(match["before"] or match["after"] or ""), match.start(), match.end()
            )


def _in_capitals(text: str) -> Iterator[AmountMention]:
    for match in _CAPITALS.finditer(text):
        try:
            yield AmountMention(amount_of(match["words"]), "CNY", match.start(), match.end())
        except NotAnAmount:
            continue


def _in_english(text: str) -> Iterator[AmountMention]:
    for match in _ENGLISH.finditer(text):
        try:
            value = Decimal(from_english(match["words"]))
        except ValueError:
            continue
        yield AmountMention(value, _currency(match[0][len(match["words"]) :].strip()), match.start(), match.end())


def _repeats(text: str, figures: AmountMention, words: AmountMention) -> bool:
    """Whether *words* repeat *figures*: between them lie only brackets, and words that announce such a thing."""
    first, second = (figures, words) if figures.start < words.start else (words, figures)
    if first.end > second.start:
        return True
    between = text[first.end : second.start]
    return len(between) <= _NEAR and bool(_BETWEEN.fullmatch(between))


def _currency(words: str) -> str:
    said = words.strip().casefold()
    if said in ("元", "圆", ""):
        return "CNY" if said else ""
    for code in ("HKD", "USD", "CNY", "EUR", "GBP", "JPY"):
        if re.fullmatch(_CURRENCIES[code], said, re.IGNORECASE):
            return code
    return {"us": "USD", "united states": "USD", "chinese": "CNY"}.get(said, "")


_MONTHS: Final = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_MONTH: Final = "|".join(f"{name}|{name[:3]}\\.?" for name in _MONTHS) + r"|sept\."
_NUMERAL: Final = "〇零○Ｏ一二三四五六七八九十"
_PATTERNS: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?<!\d)(?P<y>(?:19|20)\d\d)\s?年\s?(?P<m>\d{1,2})\s?月\s?(?P<d>\d{1,2})\s?[日号]",
        rf"(?P<y>[二一][{_NUMERAL}]{{3}})年(?P<m>[{_NUMERAL}]{{1,2}})月(?P<d>[{_NUMERAL}]{{1,3}})[日号]",
        r"(?<![\d.\-/])(?P<y>(?:19|20)\d\d)(?P<sep>[-/.])(?P<m>\d{1,2})(?P=sep)(?P<d>\d{1,2})(?![\d\-/])",
        rf"(?<![A-Za-z\d])(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?:\s+day)?(?:\s+of)?(?P<sep>-|\s+)(?P<m>{_MONTH})(?:(?P=sep)|,?\s+)(?P<y>(?:19|20)\d\d)(?!\d)",
        rf"(?<![A-Za-z])(?P<m>{_MONTH})\s+(?P<d>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<y>(?:19|20)\d\d)(?!\d)",
    )
)
_SAME_YEAR: Final = re.compile(r"同年\s?(?P<m>\d{1,2})\s?月\s?(?P<d>\d{1,2})\s?[日号]")


@dataclass(frozen=True, slots=True)
class DateMention:
    """A date and its place in the text."""

    day: date
    start: int
    end: int


def days(text: str) -> Iterator[DateMention]:
    """The dates in *text* that the calendar has, in their order."""
    found = [
        DateMention(day, match.start(), match.end())
        for pattern in _PATTERNS
        for match in pattern.finditer(text)
        if (day := _date(match["y"], match["m"], match["d"])) is not None
    ]
    found.sort(key=lambda each: each.start)
    return iter(sorted((*found, *_of_same_year(text, found)), key=lambda each: each.start))


def _of_same_year(text: str, found: list[DateMention]) -> Iterator[DateMention]:
    """Dates of the year of the date before them: 同年12月31日."""
    for match in _SAME_YEAR.finditer(text):
        before = [each for each in found if each.end <= match.start()]
        day = _date(str(before[-1].day.year), match["m"], match["d"]) if before else None
        if day is not None:
            yield DateMention(day, match.start(), match.end())


def _date(year: str, month: str, day: str) -> date | None:
    try:
        return date(_number(year, year=True), _number(month), _number(day))
    except ValueError:
        return None


def _number(text: str, *, year: bool = False) -> int:
    if text.isascii() and text.isdecimal():
        return int(text)
    if text[:3].casefold() in {name[:3] for name in _MONTHS}:
        return next(at for at, name in enumerate(_MONTHS, start=1) if name.startswith(text[:3].casefold()))
    digits = {letter: at for at, letter in enumerate("零一二三四五六七八九")} | dict.fromkeys("〇○Ｏ", 0)
    if year:
        return int("".join(str(digits[letter]) for letter in text))
    tens, ten, ones = text.rpartition("十")
    if not ten:
        return digits[text] if len(text) == 1 else int("".join(str(digits[letter]) for letter in text))
    return (digits[tens] if tens else 1) * 10 + (digits[ones] if ones else 0)

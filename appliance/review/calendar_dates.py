"""Calendar dates in a text, Chinese and English."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

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

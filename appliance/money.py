"""Amounts of money as people write them: read from figures, from Chinese capitals (大写) or from both, and
written in capitals.

Read are ``1000000``, ``1,000,000.00``, ``100万元``, ``壹佰万元整``,
``人民币1,000,000.00元（大写：壹佰万元整）``. Source of the capitals: 支付结算办法 (People's Bank of
China, 1997), annex 1, 正确填写票据和结算凭证的基本规定, articles 2 and 4.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal, InvalidOperation
from typing import Final

from appliance.model.contract import EXPONENTS, LARGEST, Money

LONGEST: Final = 100
"""Characters; more is no amount."""

_DIGITS: Final = {
    **{character: value for value, character in enumerate("零壹贰叁肆伍陆柒捌玖")},
    **{character: value for value, character in enumerate("〇一二三四五六七八九")},
    "貳": 2, "參": 3, "叄": 3, "陸": 6, "两": 2, "兩": 2, "貮": 2, "弍": 2,
}  # fmt: skip
_SMALL: Final = {"拾": 10, "十": 10, "佰": 100, "百": 100, "仟": 1000, "千": 1000}
_FIGURES: Final = re.compile(r"(\d{1,3}(?:,\d{3})+|\d+)(\.\d+)?(万亿|亿|万)?")
_SCALES: Final = {None: 0, "万": 4, "亿": 8, "万亿": 12}
_CAPITALS: Final = re.compile(
    rf"([{''.join(_DIGITS)}{''.join(_SMALL)}万萬亿億]+)(?:元|圆|圓)"
    rf"(?:([{''.join(_DIGITS)}])角)?(?:零?([{''.join(_DIGITS)}])分)?(?:整|正)?"
)
_CENTS: Final = re.compile(rf"(?:([{''.join(_DIGITS)}])角)?(?:([{''.join(_DIGITS)}])分)?(?:整|正)?")
_NOISE: Final = re.compile(r"人民币|人民幣|RMB|CNY|[¥￥]|大写|大寫|小写|小寫|合计|共计|[:：\s]", re.IGNORECASE)
_PARTS: Final = re.compile(r"[（()）]")


class NotAnAmount(ValueError):
    """What was typed is no amount; ``contradictory`` when figures and capitals are two different ones."""

    def __init__(self, typed: str, *, contradictory: bool = False) -> None:
        super().__init__(f"no amount: {typed[:LONGEST]}")
        self.contradictory = contradictory


def read_money(typed: str, currency: str) -> Money:
    """The amount of *currency* in *typed*. Raises :class:`NotAnAmount`, also for parts of the smallest unit."""
    minor = amount_of(typed).scaleb(EXPONENTS[currency])
    if minor != minor.to_integral_value() or not minor < LARGEST:
        raise NotAnAmount(typed)
    return Money(int(minor), currency)


def amount_of(typed: str) -> Decimal:
    """The number of whole units in *typed*, from 0. Raises :class:`NotAnAmount`."""
    if len(typed) > LONGEST:
        raise NotAnAmount(typed)
    cleaned = _NOISE.sub("", unicodedata.normalize("NFKC", typed))
    parts = [part for part in _PARTS.split(cleaned) if part]
    amounts = {_part(part, typed) for part in parts}
    if not amounts:
        raise NotAnAmount(typed)
    if len(amounts) > 1:
        raise NotAnAmount(typed, contradictory=True)
    return amounts.pop()


def _part(part: str, typed: str) -> Decimal:
    bare = re.sub(r"[元圆圓](?:整|正)?$", "", part)
    figures = _FIGURES.fullmatch(bare)
    if figures is not None:
        return _figures(figures, typed)
    if found := _CAPITALS.fullmatch(part):
        whole, tenths, hundredths = found.groups()
        return Decimal(_number(whole, typed)) + _fraction(tenths, hundredths)
    if (found := _CENTS.fullmatch(part)) and any(found.groups()):
        return _fraction(*found.groups())
    return Decimal(_number(part, typed))


def _figures(found: re.Match[str], typed: str) -> Decimal:
    whole, fraction, scale = found.groups()
    try:
        return Decimal(f"{whole.replace(',', '')}{fraction or ''}").scaleb(_SCALES[scale])
    except InvalidOperation as error:
        raise NotAnAmount(typed) from error


def _fraction(tenths: str | None, hundredths: str | None) -> Decimal:
    minor = _DIGITS[tenths] * 10 if tenths else 0
    return Decimal(minor + (_DIGITS[hundredths] if hundredths else 0)).scaleb(-2)


def _number(capitals: str, typed: str) -> int:
    """A whole number; 亿 splits it first, then 万, so that 万亿 is read as a multiple."""
    text = capitals.replace("萬", "万").replace("億", "亿")
    for unit, size in (("亿", 10**8), ("万", 10**4)):
        if unit in text:
            upper, _, lower = text.rpartition(unit)
            below = _number(lower, typed) if lower else 0
            if below >= size:
                raise NotAnAmount(typed)
            return _number(upper, typed) * size + below
    return _four(text, typed)


def _four(text: str, typed: str) -> int:
    """From 0 to 9999; units must fall, and each takes one digit. 拾伍 is fifteen."""
    total, digit, last = 0, None, 10_000
    for position, character in enumerate(text):
        if character in _DIGITS:
            if digit:
                raise NotAnAmount(typed)  # two digits in a row, such as 一二
            digit = _DIGITS[character]
            continue
        size = _SMALL.get(character)
        if size is None or size >= last or (not digit and not (size == 10 and position == 0)):
            raise NotAnAmount(typed)
        total, digit, last = total + (digit or 1) * size, None, size
    if not text or (digit and last == 1):
        raise NotAnAmount(typed)
    return total + (digit or 0)


DIGITS = "零壹贰叁肆伍陆柒捌玖"
_UNITS = ("", "拾", "佰", "仟")
_LARGEST_WRITTEN = Decimal("9999999999999999.99")


def in_capitals(amount: Decimal) -> str:
    """*amount* of yuan, from 0 with at most two decimals: ``人民币壹佰万元整``. Raises ValueError for others."""
    cents = amount * 100
    if not amount.is_finite() or cents != cents.to_integral_value() or not 0 <= amount <= _LARGEST_WRITTEN:
        raise ValueError(f"no amount of renminbi: {amount}")
    yuan, rest = divmod(int(cents), 100)
    return f"人民币{_whole(yuan, rest)}{_fraction_in_capitals(yuan, rest)}"


def _whole(yuan: int, rest: int) -> str:
    if yuan:
        return f"{_number_in_capitals(yuan)}元"
    return "" if rest else "零元"


def _fraction_in_capitals(yuan: int, rest: int) -> str:
    tenths, hundredths = divmod(rest, 10)
    if not rest:
        return "整"
    if not hundredths:
        return f"{DIGITS[tenths]}角整"
    if tenths:
        return f"{DIGITS[tenths]}角{DIGITS[hundredths]}分"
    return f"{'零' if yuan else ''}{DIGITS[hundredths]}分"


def _number_in_capitals(number: int) -> str:
    """From 1: by 亿 (which 万 may precede), 万, and four digits; a gap of noughts is one 零."""
    for size, unit in ((10**8, "亿"), (10**4, "万")):
        if number >= size:
            upper, lower = divmod(number, size)
            gap = "零" if 0 < lower < size // 10 else ""
            return f"{_number_in_capitals(upper)}{unit}{gap}{_number_in_capitals(lower) if lower else ''}"
    return _four_in_capitals(number)


def _four_in_capitals(number: int) -> str:
    """From 1 to 9999."""
    written, gap = "", False
    for power in (3, 2, 1, 0):
        digit = number // 10**power % 10
        if digit:
            written += f"{'零' if gap and written else ''}{DIGITS[digit]}{_UNITS[power]}"
        gap = digit == 0
    return written

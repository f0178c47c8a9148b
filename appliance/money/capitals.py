"""Amounts of money in words: renminbi in the capital characters that contracts and cheques use.

Source: 支付结算办法 (People's Bank of China, 1997), annex 1, 正确填写票据和结算凭证的基本规定, articles 2 and 4.
"""

from __future__ import annotations

from decimal import Decimal

DIGITS = "零壹贰叁肆伍陆柒捌玖"
_UNITS = ("", "拾", "佰", "仟")
LARGEST = Decimal("9999999999999999.99")


def in_capitals(amount: Decimal) -> str:
    """*amount* of yuan, from 0 with at most two decimals: ``人民币壹佰万元整``. Raises ValueError for others."""
    cents = amount * 100
    if not amount.is_finite() or cents != cents.to_integral_value() or not 0 <= amount <= LARGEST:
        raise ValueError(f"no amount of renminbi: {amount}")
    yuan, rest = divmod(int(cents), 100)
    return f"人民币{_whole(yuan, rest)}{_fraction(yuan, rest)}"


def _whole(yuan: int, rest: int) -> str:
    if yuan:
        return f"{_number(yuan)}元"
    return "" if rest else "零元"


def _fraction(yuan: int, rest: int) -> str:
    tenths, hundredths = divmod(rest, 10)
    if not rest:
        return "整"
    if not hundredths:
        return f"{DIGITS[tenths]}角整"
    if tenths:
        return f"{DIGITS[tenths]}角{DIGITS[hundredths]}分"
    return f"{'零' if yuan else ''}{DIGITS[hundredths]}分"


def _number(number: int) -> str:
    """From 1: by 亿 (which 万 may precede), 万, and four digits; a gap of noughts is one 零."""
    for size, unit in ((10**8, "亿"), (10**4, "万")):
        if number >= size:
            upper, lower = divmod(number, size)
            gap = "零" if 0 < lower < size // 10 else ""
            return f"{_number(upper)}{unit}{gap}{_number(lower) if lower else ''}"
    return _four(number)


def _four(number: int) -> str:
    """From 1 to 9999."""
    written, gap = "", False
    for power in (3, 2, 1, 0):
        digit = number // 10**power % 10
        if digit:
            written += f"{'零' if gap and written else ''}{DIGITS[digit]}{_UNITS[power]}"
        gap = digit == 0
    return written

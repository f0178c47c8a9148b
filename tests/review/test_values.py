"""Amounts and dates as contracts write them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from appliance.review.amounts_and_dates import days, sums
from appliance.review.prose import plain


@pytest.mark.parametrize(
    ("text", "value", "currency"),
    [
        ("总价¥1,000,000.00。", "1000000", "CNY"),
        ("人民币36.5万元", "365000", "CNY"),
        ("共计１２０００元整", "12000", "CNY"),
        ("RMB 2.5 million", "2500000", "CNY"),
        ("USD 36,500 per year", "36500", "USD"),
        ("US$1,250.50", "1250.5", "USD"),
        ("人民币壹佰贰拾万零伍佰元叁角整", "1200500.3", "CNY"),
        ("two hundred and fifty thousand US dollars", "250000", "USD"),
        ("3,000 euros", "3000", "EUR"),
        ("壹亿零叁万元整", "100030000", "CNY"),
    ],
)
def test_an_amount(text: str, value: str, currency: str) -> None:
    (found,) = sums(plain(text))
    assert (found.value, found.currency) == (Decimal(value), currency)


@pytest.mark.parametrize(
    ("text", "agree"),
    [
        ("人民币壹佰万元整（¥1,000,000.00）", True),
        ("人民币1,000,000元（大写：壹佰万元整）", True),
        ("人民币1,000,000元（大写：壹拾万元整）", False),
        ("USD 1,000,000 (in words: one million US dollars)", True),
        ("one hundred thousand US dollars (US$1,000,000)", False),
    ],
)
def test_words_and_figures_are_compared(text: str, agree: bool) -> None:
    (found,) = sums(plain(text))
    assert (found.words == found.value) is agree


@pytest.mark.parametrize("text", ["第12条", "30%", "电话 010-12345678", "三方各执一份", "合同编号 2026-001"])
def test_what_is_no_amount(text: str) -> None:
    assert not list(sums(plain(text)))


@pytest.mark.parametrize(
    "text",
    [
        "2026年3月1日",
        "2026 年 03 月 01 日",
        "2026-03-01",
        "2026/3/1",
        "二〇二六年三月一日",
        "1 March 2026",
        "March 1st, 2026",
        "2026.3.1",
    ],
)
def test_a_date(text: str) -> None:
    assert [each.day.isoformat() for each in days(plain(f"自{text}起"))] == ["2026-03-01"]


@pytest.mark.parametrize("text", ["2026年2月30日", "31 April 2026", "1.2.3.4", "2026-13-01"])
def test_what_the_calendar_does_not_have(text: str) -> None:
    assert not list(days(plain(text)))

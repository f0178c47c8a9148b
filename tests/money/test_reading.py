"""Amounts as people type them."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.model.contract import Money
from appliance.money import NotAnAmount, amount_of, in_capitals, read_money


@pytest.mark.parametrize(
    ("typed", "units"),
    [
        ("1000000", "1000000"),
        ("1,000,000.00", "1000000"),
        ("１，０００", "1000"),
        ("¥ 99.5", "99.5"),
        ("100万元", "1000000"),
        ("1.5亿", "150000000"),
        ("壹佰万元整", "1000000"),
        ("人民币壹佰万圆正", "1000000"),
        ("一百二十万零三百元", "1200300"),
        ("拾伍元伍角整", "15.5"),
        ("贰拾元零伍分", "20.05"),
        ("叁角伍分", "0.35"),
        ("壹万亿元整", "1000000000000"),
        ("人民币1,000,000.00元（大写：壹佰万元整）", "1000000"),
        ("零元整", "0"),
    ],
)
def test_figures_and_capitals(typed: str, units: str) -> None:
    assert amount_of(typed) == Decimal(units)


@pytest.mark.parametrize(
    "typed",
    ["", "about ten", "-5", "1e9", "NaN", "1.2.3", "10,00", "壹贰元", "佰元", "壹佰佰元", "壹拾佰元", "万元", "元",
     "壹佰万元整多", "1000美元", "9" * 101],
)  # fmt: skip
def test_what_is_no_amount(typed: str) -> None:
    with pytest.raises(NotAnAmount):
        amount_of(typed)


def test_figures_and_capitals_that_differ_are_refused_as_such() -> None:
    with pytest.raises(NotAnAmount) as refused:
        amount_of("1,000,000元（大写：壹拾万元整）")
    assert refused.value.contradictory


def test_an_amount_is_kept_in_the_smallest_unit_of_its_currency() -> None:
    assert read_money("99.50", "CNY") == Money(9950, "CNY")
    assert read_money("99", "JPY") == Money(99, "JPY")
    assert read_money("1.234", "KWD") == Money(1234, "KWD")
    assert str(read_money("1000000", "CNY")) == "CNY 1,000,000.00"
    for typed, currency in (("1.5", "JPY"), ("0.001", "CNY"), ("9" * 18, "CNY")):
        with pytest.raises(NotAnAmount):
            read_money(typed, currency)


@given(st.integers(0, 10**17 - 1))
def test_what_is_written_in_capitals_is_read_back(minor: int) -> None:
    money = Money(minor, "CNY")
    assert read_money(in_capitals(money.units), "CNY") == money


@given(st.text(alphabet="壹贰叁零拾佰仟万亿元角分整0123456789,.（）大写：", max_size=30))
def test_whatever_is_typed_is_an_amount_or_refused(typed: str) -> None:
    with suppress(NotAnAmount):
        assert amount_of(typed) >= 0

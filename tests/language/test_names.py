"""Names with their organisations, in the brackets of their script."""

from __future__ import annotations

import pytest

from appliance.language.characters import with_organisation, words
from hsm.names import same_name


@pytest.mark.parametrize(
    ("name", "organisation", "shown"),
    [
        ("张示例", "甲公司", "张示例（甲公司）"),
        ("Zhang", "甲公司", "Zhang（甲公司）"),
        ("Zhang", "Alpha Ltd", "Zhang (Alpha Ltd)"),
        ("甲公司 合同专用章", "甲公司", "甲公司 合同专用章"),
        ("Zhang", None, "Zhang"),
        ("Zhang", "", "Zhang"),
    ],
)
def test_brackets_follow_the_script_and_nothing_is_said_twice(
    name: str, organisation: str | None, shown: str
) -> None:
    assert with_organisation(name, organisation) == shown


@pytest.mark.parametrize(
    "typed",
    [
        "采 购合同",
        "采购合同\u200b",
        "采\u200c购合同",
        "采购合\ufe00同",
        "采购合同\u3164",
        "采购\u034f合同",
        "采购合同\U000e0101",
    ],
)
def test_what_nobody_sees_makes_no_other_name(typed: str) -> None:
    assert same_name(typed, "采购合同")


def test_width_case_and_brackets_make_no_other_name() -> None:
    assert same_name("Ａlpha（北京） Ltd", "ALPHA(北京)ltd")
    assert not same_name("采购合同", "采购合同二")


@pytest.mark.parametrize("typed", ["\ufe0f", "\u200b\ufe00", " \U000e0100\u180b ", "\ufe0f\n\ufe0f"])
def test_variation_selectors_that_follow_nothing_are_no_name(typed: str) -> None:
    assert words(typed) == ""
    assert words(f"葛\U000e0100飾{typed}").startswith("葛\U000e0100飾")

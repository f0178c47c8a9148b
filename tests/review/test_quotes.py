"""What is quoted of a long sentence: the part that says the clause."""

from __future__ import annotations

import pytest

from appliance.review.outline import Sentence
from appliance.review.quoting import parts
from tests.review.test_checking import checked


def quoted(clause: str, text: str) -> str:
    """What the check quotes of *text* for *clause*."""
    return next(each.quote for each in checked(text).findings if each.clause == clause)


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        (
            "本协议签字盖章即行生效，一式四份，双方各执两份。",
            ["本协议签字盖章即行生效，", "一式四份，双方各执两份。"],
        ),
        ("乙方逾期交货的，每日支付违约金1,000元。", ["乙方逾期交货的，每日支付违约金1,000元。"]),
        ("甲方（以下简称出租人，或我方）支付租金。", ["甲方（以下简称出租人，或我方）支付租金。"]),
        (
            "English law governs this agreement, and the courts of London have jurisdiction.",
            ["English law governs this agreement,", "and the courts of London have jurisdiction."],
        ),
        (
            "If the Buyer pays late, interest accrues at 8% from 1 May, 2027.",
            ["If the Buyer pays late, interest accrues at 8% from 1 May, 2027."],
        ),
        (
            "The Supplier shall deliver and install the goods.",
            ["The Supplier shall deliver and install the goods."],
        ),
    ],
)
def test_a_sentence_is_cut_at_its_joints(text: str, cut: list[str]) -> None:
    """A condition stays with what follows from it; brackets, numbers and dates are no joints."""
    sentence = Sentence(0, 0, len(text), text, (), "")
    assert [each.text for each in parts(sentence)] == cut
    assert all(text[each.start : each.end].strip() == each.text for each in parts(sentence))


def test_the_part_that_says_the_clause_is_quoted() -> None:
    assert (
        quoted("effect", "本协议自双方签字盖章之日起生效，一式四份，甲乙双方各执两份。")
        == "本协议自双方签字盖章之日起生效…"
    )
    text = "This agreement is governed by Scots law, and any dispute is decided by the courts of Scotland."
    assert quoted("governing-law", text) == "This agreement is governed by Scots law…"
    assert quoted("dispute-resolution", text) == "…any dispute is decided by the courts of Scotland."


def test_a_sentence_that_says_one_thing_is_quoted_whole() -> None:
    text = "未经甲方书面同意，乙方不得向第三方披露本合同内容。"
    assert quoted("confidentiality", text) == text


def test_the_place_is_that_of_the_whole_sentence() -> None:
    """It goes on over the page, and what is quoted does not."""
    result = checked("本协议自双方签字盖章之日起生效，一式四份，甲乙双方", "各执两份。")
    (effect,) = [each for each in result.findings if each.clause == "effect"]
    assert {spot.page for spot in effect.spots} == {0, 1}
    assert effect.quote.endswith("生效…")


@pytest.mark.parametrize(
    ("clause", "text", "said"),
    [
        (
            "breach-consequences",
            "乙方隐瞒净销售额的，除补足提成费之外，应赔偿甲方由此受到的全部损失。",
            "应赔偿甲方",
        ),
        (
            "term",
            "本合同有效期三年，自2027年1月1日起算，但甲方可以将起算日推迟，推迟不逾九十日。",
            "本合同有效期三年",
        ),
        (
            "term",
            "This agreement lasts three years from 1 May 2027, but the Buyer may delay that by ninety days.",
            "This agreement lasts three years",
        ),
    ],
)
def test_a_quote_is_understood_without_what_stands_before_it(clause: str, text: str, said: str) -> None:
    """It begins with no “but” or verb, and ends with no condition."""
    assert said in quoted(clause, text)

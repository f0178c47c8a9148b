"""Frames: words near each other, in any order, and what must not stand with them."""

from __future__ import annotations

import pytest

from appliance.review import rule_files
from appliance.review.outline import sentences
from appliance.review.prose import blocks
from appliance.review.recognition import Recogniser
from appliance.review.rule_book import MarkedText, word_pattern

WORDS = {"fault": "逾期|违约", "remedy": "赔偿|违约金"}


@pytest.mark.parametrize(
    ("written", "text", "said"),
    [
        ("<fault> & <remedy>", "逾期的，应当赔偿损失。", True),
        ("<fault> & <remedy>", "应当赔偿因逾期造成的损失。", True),
        ("<fault> & <remedy>", "逾期的，可以顺延。", False),
        ("<fault> & <remedy>", f"逾期的，{'双方另行商定办法，' * 12}赔偿损失。", False),
        ("<fault> & <remedy> & !保险", "逾期的，由保险公司赔偿。", False),
        ("<fault> & <remedy> & !保险", "货物另行保险，逾期的，应当赔偿。", True),
        ("<fault> & <remedy> & !!不可抗力", "因不可抗力造成的，逾期不赔偿。", False),
    ],
)
def test_a_frame(written: str, text: str, said: bool) -> None:
    assert word_pattern(written, "zh", WORDS).said(MarkedText(text)) is said


def test_english_parts_are_whole_words() -> None:
    late = word_pattern("late & fees?", "en", {})
    assert late.said(MarkedText("A fee applies to late payment."))
    assert not late.said(MarkedText("Feedback is collated."))


def test_subjects_are_those_of_which_the_sentence_says_it() -> None:
    duty = word_pattern("<who>(?=应) & !付", "zh", {"who": "甲方|乙方"})
    assert duty.subjects(MarkedText("甲方应提供场地，乙方应维护设备。")) == {"甲方", "乙方"}
    assert duty.subjects(MarkedText("甲方应提供场地，乙方应付房租。")) == {"甲方"}


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("9. Term and Termination\nEither party may end this contract on thirty days' notice.", {"termination"}),
        ("9. Term and Termination\nThis contract runs for two years from 1 March 2026.", {"term"}),
        (
            "9. Term and Termination\nThis contract runs for two years. Either party may terminate it at will.",
            {"term", "termination"},
        ),
        ("第九条 法律适用与争议解决\n本合同适用中华人民共和国法律。", {"governing-law"}),
        ("第九条 违约与解除\n9.1 保密\n乙方应对资料保密。", {"confidentiality"}),
    ],
)
def test_a_heading_of_two_clauses_counts_for_what_is_said_below(text: str, clauses: set[str]) -> None:
    recogniser = Recogniser(rule_files.load_rules())
    found = recogniser.evidence(list(sentences(blocks([text]), recogniser.samples)))
    assert {each.clause for each in found} == clauses

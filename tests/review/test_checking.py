"""What the check finds and where, and what it does not take for a clause."""

from __future__ import annotations

from itertools import count

import pytest

from appliance.errors import DocumentRefused
from appliance.model.review import CheckResult
from appliance.pdf.search import PageText
from appliance.review.checking import check_text, read_pages
from appliance.review.reviewing import ContentChecker
from tests.review.documents import printed, purchase, scan
from tests.review.rules import book, recogniser


def checked(*pages: str) -> CheckResult:
    """The check of pages with this text, without a PDF."""
    reading = read_pages((PageText(page, True, False) for page in pages), lambda: 0.0)
    return check_text(reading, len(pages), book(), recogniser(), lambda page, start, end: [(0.0, 0.0, 1.0, 1.0)])


@pytest.mark.parametrize(
    ("clause", "text"),
    [
        ("confidentiality", "第八条 保密\n乙方应当对所知悉的资料严格保密。"),
        ("confidentiality", "第八條 保密\n乙方應當對所知悉的資料嚴格保密。"),
        ("confidentiality", "８、保 密 条 款\n未经甲方同意，乙方不得泄露有关资料。"),
        ("confidentiality", "未经甲方书面同意，乙方不得向第三方披露本合同内容。"),
        (
            "confidentiality",
            "7. CONFIDENTIALITY\nThe Supplier shall keep secret what it learns.",
        ),
        ("confidentiality", "Each party shall keep all informa-\ntion strictly confiden-\ntial."),
        ("confidentiality", "附件一：保密约定\n乙方应对甲方的资料保密，不得泄露。"),
        ("termination", "Article 9 – Termination\nEither party may end this contract on thirty days' notice."),
        ("force-majeure", "因不可抗力不能履行的，免除责任。"),
        ("governing-law", "This Agreement is governed by the laws of Exampleland."),
    ],
)
def test_a_clause_is_found_however_it_is_numbered_and_broken(clause: str, text: str) -> None:
    assert clause in checked(text).found


@pytest.mark.parametrize(
    ("clause", "text"),
    [
        ("confidentiality", "本合同不含保密条款。"),
        ("confidentiality", "第八条 保密条款\n无"),
        ("confidentiality", "“保密信息”是指标有“机密”字样的资料。"),
        ("confidentiality", "双方可另行签订保密协议。"),
        ("confidentiality", "This Agreement imposes no confidentiality obligations on the parties."),
        ("confidentiality", "8. Confidentiality\nIntentionally omitted"),
        ("confidentiality", "附件二：保密协议（范本，仅供参考）\n乙方应对甲方的资料保密，不得泄露。"),
        ("governing-law", "乙方应遵守适用法律。"),
        ("governing-law", "根据《中华人民共和国民法典》，双方订立本合同。"),
        ("parties", "甲方：________\n乙方：________"),
        ("effect", "补充协议自双方签字之日起生效。"),
        ("breach", "双方不存在重大违约记录。"),
        ("parties", "甲方（委托方）：云州第一小学\n乙方（受托方）：________（以中标通知书为准）"),
        ("parties", "The Contractor: Hailang Engineering Co., Ltd.\nThe Subcontractor: to be filled in: ________"),
        ("parties", "（方案编号：QH-301）"),
        ("parties", "Dear Mrs Thornaby,"),
        ("term", "第五条 保密\n此项义务应在期限届满后继续存续五年。"),
        ("term", "5. Secrecy\nThis obligation continues for five years after the end of the agreement."),
        ("termination", "本部分义务在合同终止后仍然有效，期限为十年。"),
        ("rights-obligations", "Both parties shall keep the friendly spirit."),
        ("force-majeure", "Weather, strikes and acts of God are addressed in the Manual."),
        ("effect", "本合同何时生效，双方另议。"),
        ("dispute-resolution", "目录\n第一条 标的\n第二条 争议解决"),
    ],
)
def test_a_mention_in_passing_is_no_clause(clause: str, text: str) -> None:
    assert clause not in checked(text).found


@pytest.mark.parametrize(
    ("title", "text", "there"),
    [
        ("仓储合同（示范文本）", "第一条 保密\n乙方应对甲方的资料保密，不得泄露。", True),
        (
            "GF-2017-0201\n仓储合同（示范文本）",
            "仓储合同（示范文本）\n第一条 保密\n乙方应对甲方的资料保密，不得泄露。",
            True,
        ),
        ("Storage agreement (template)", "1. Secrecy\nThe Buyer shall keep all information confidential.", True),
        ("仓储合同", "第一条 货物\n煤炭。\n保密协议（示范文本）\n乙方应对甲方的资料保密，不得泄露。", False),
        (
            "仓储合同（示范文本）",
            "第一条 货物\n煤炭。\n附件一：保密协议（范本）\n乙方应对甲方的资料保密，不得泄露。",
            False,
        ),
    ],
)
def test_a_contract_on_a_model_form_is_one_and_an_annexed_form_is_none(title: str, text: str, there: bool) -> None:
    assert ("confidentiality" in checked(f"{title}\n{text}").found) is there


def test_a_breach_clause_without_an_amount_is_a_finding_of_its_own() -> None:
    found = checked("第五条 违约责任\n违约方应当赔偿对方的损失。").found
    assert {"breach", "breach-consequences"} <= found
    assert "breach-figures" not in found
    assert "breach-figures" in checked("第五条 违约责任\n违约方应支付合同总价5%的违约金。").found


def test_a_sentence_goes_on_over_the_page() -> None:
    result = checked(
        "第三条 保密\n乙方应当对甲方提供的全部资料以及在履行中知悉的", "商业秘密严格保密，不得向任何人泄露。"
    )
    (finding,) = [each for each in result.findings if each.clause == "confidentiality"]
    assert {spot.page for spot in finding.spots} == {0, 1}


def test_each_finding_has_its_place_on_the_page(checker: ContentChecker) -> None:
    result = checker.check_document(printed("# 第一条 标的\n见附件。\n# 第二条 保密\n乙方应对资料严格保密。"))
    (finding,) = [each for each in result.findings if each.clause == "confidentiality"]
    (spot,) = finding.spots
    assert spot.page == 0
    assert 5 < spot.x < 15
    assert 15 < spot.y < 40
    assert 0.5 < spot.height < 4


def test_a_whole_contract_has_nothing_missing(checker: ContentChecker) -> None:
    result = checker.check_document(purchase())
    assert set(book().kind_of("采购").required) <= result.found
    assert [(each.value, each.currency, each.consistent) for each in result.amounts] == [("1000000", "CNY", True)]


def test_a_scan_says_that_it_cannot_be_read(checker: ContentChecker) -> None:
    result = checker.check_document(scan(2))
    assert result.unread == (0, 1)
    assert result.pages_read == 2
    assert not result.found


def test_what_takes_too_long_says_where_it_stopped() -> None:
    clock = count()
    pages = (PageText(f"第{number}页的文字，双方应遵守约定。", True, False) for number in range(2000))
    reading = read_pages(pages, lambda: float(next(clock)))
    assert 0 < len(reading.texts) < 20
    result = check_text(reading, 2000, book(), recogniser(), lambda page, start, end: [])
    assert (result.pages, result.pages_read) == (2000, len(reading.texts))


def test_a_child_that_does_not_end_is_ended(checker: ContentChecker) -> None:
    impatient = ContentChecker(checker._confinement, book(), timeout=0.001)
    with pytest.raises(DocumentRefused):
        impatient.check_document(purchase())

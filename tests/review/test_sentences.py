"""Each variant of the corpus as a bare sentence, without heading or PDF; and the values of heldout.yaml."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from appliance.pdf.search import PageText
from appliance.review.amounts_and_dates import days, sums
from appliance.review.checking import check_text, read_pages
from appliance.review.prose import plain
from tests.review.corpus.contracts import HERE, OF_BREACH
from tests.review.rules import book, recogniser

FILES = ("zh", "en", "fresh", "heldout", "sentences")
WORDS = {
    "zh": {"a": "甲方", "b": "乙方", "sum": "人民币120,000元", "day": "2026年3月1日", "later": "2028年3月1日"},
    "en": {"a": "Buyer", "b": "Supplier", "sum": "USD 120,000", "day": "1 March 2026", "later": "1 March 2028"},
}


def written(name: str) -> Iterator[tuple[str, Any]]:
    """Language and content of a file, for each language that it has."""
    content = yaml.safe_load((HERE / f"{name}.yaml").read_text(encoding="utf-8"))
    yield from ((language, content[language]) for language in WORDS if language in content)
    if "clauses" in content:
        yield name, content


def found(text: str, language: str) -> frozenset[str]:
    for name, word in WORDS[language].items():
        text = text.replace(f"{{{name}}}", word)
    reading = read_pages([PageText(text, True, False)], lambda: 0.0)
    return check_text(reading, 1, book(), recogniser(), lambda page, start, end: []).found


@pytest.mark.parametrize("name", FILES)
def test_a_sentence_says_its_clause_and_no_other(name: str) -> None:
    wrong, missed, hits = [], [], 0
    for language, content in written(name):
        for clause, variants in content["clauses"].items():
            for variant in variants:
                wanted = {clause, *variant.get("also", ())}
                if clause == "breach":
                    wanted |= set(OF_BREACH) - set(variant.get("lacks", ()))
                said = found(variant["text"], language)
                hits += len(said & wanted)
                wrong += [(each, variant["text"]) for each in said - wanted]
                missed += [(each, variant["text"]) for each in wanted - said]
    assert hits / (hits + len(missed)) >= 0.95, missed
    assert hits / (hits + len(wrong)) >= 0.9, wrong


@pytest.mark.parametrize("name", FILES)
def test_what_only_looks_like_a_clause_is_none(name: str) -> None:
    tried, wrong = 0, []
    for language, content in written(name):
        for clause, texts in content.get("distractors", {}).items():
            tried += len(texts)
            wrong += [(clause, text) for text in texts if clause in found(text, language)]
    assert len(wrong) <= 0.02 * tried, wrong


def test_amounts_and_dates_are_those_of_the_sentence() -> None:
    wrong = []
    for _, content in written("heldout"):
        for value in content["values"]:
            text = plain(value["text"])
            amounts, dates = list(sums(text)), [each.day.isoformat() for each in days(text)]
            told = [f"{each.value.normalize():f}" for each in amounts]
            differ = any(each.words is not None and each.words != each.value for each in amounts)
            if (told, dates, differ) != (value["amounts"], value["dates"], value.get("mismatch", False)):
                wrong.append((value, told, dates))
    assert not wrong


MENTIONED = {
    "zh": (
        "合同终止不影响本合同中争议解决条款的效力。",
        "本合同无效、被撤销或者终止的，不影响合同中有关解决争议方法的条款的效力。",
        "争议解决条款独立存在，本合同的变更、解除或者无效均不影响其效力。",
        "仲裁费用由败诉方承担，但仲裁庭另有裁决的除外。",
        "因处理争议支出的律师费、诉讼费由违约方负担。",
        "第十条 争议解决\n诉讼费由败诉一方承担。",
    ),
    "en": (
        "The provisions on confidentiality, governing law and dispute resolution shall survive termination.",
        "Termination does not affect the validity of the arbitration clause.",
        "The costs of arbitration shall be borne by the losing party.",
        "10. Dispute Resolution\nEach party bears its own legal costs.",
    ),
}
SETTLED = {
    "zh": (
        "争议解决条款不因合同终止失效；因本合同发生的争议提交深圳国际仲裁院仲裁，仲裁费由败诉方承担。",
        "本合同终止后，因其引起的争议仍由杭州市西湖区人民法院管辖。",
        "第十条 争议解决\n协商不成的，向原告所在地人民法院起诉，律师费由败诉方承担。",
    ),
    "en": (
        "This clause survives termination, and any dispute shall be referred to arbitration in Geneva.",
        "10. Disputes\nDisputes are decided by the courts of London, and the loser bears the costs.",
    ),
}


def test_a_dispute_clause_says_how_disputes_are_settled() -> None:
    """That it outlives the contract, or who pays for a lawsuit, is none; beside such words it still is one."""
    for language in WORDS:
        assert [text for text in MENTIONED[language] if "dispute-resolution" in found(text, language)] == []
        assert [text for text in SETTLED[language] if "dispute-resolution" not in found(text, language)] == []


@pytest.mark.parametrize(
    ("clause", "of_one", "of_all"),
    [
        (
            "parties",
            "甲公司示例有限公司（以下简称甲方）",
            "甲公司示例有限公司（以下简称甲方）\n乙公司示例有限公司（以下简称乙方）",
        ),
        ("parties", "Example Ltd (the “Buyer”)", "Example Ltd (the “Buyer”)\nSample GmbH (the “Supplier”)"),
        (
            "rights-obligations",
            "第三条 甲方的权利和义务\n甲方应向乙方提供场地，并按时验收成果。",
            "第三条 甲方的权利和义务\n甲方应提供场地。\n第四条 乙方的权利和义务\n乙方应按期交付成果。",
        ),
        (
            "rights-obligations",
            "第三条 权利义务\n承租人应妥善使用房屋，不得擅自转租。",
            "第三条 权利义务\n双方应妥善保管对方交付的资料。",
        ),
        (
            "rights-obligations",
            "3. Obligations of the Supplier\nThe Supplier shall deliver the goods to the Buyer and train staff.",
            "3. Obligations\nThe Supplier shall deliver the goods. The Buyer shall inspect them.",
        ),
    ],
)
def test_one_party_is_not_all_parties(clause: str, of_one: str, of_all: str) -> None:
    language = "en" if of_one.isascii() or "Example" in of_one else "zh"
    assert clause not in found(of_one, language)
    assert clause in found(of_all, language)

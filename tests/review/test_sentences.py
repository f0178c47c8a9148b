"""Each variant of the corpus as a bare sentence, without heading or PDF; and the values of heldout.yaml."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from appliance.pdf.transcript import PageText
from appliance.review import rule_files
from appliance.review.calendar_dates import days
from appliance.review.checking import check, take_in
from appliance.review.money import sums
from appliance.review.prose import plain
from appliance.review.recognition import Recogniser
from tests.review.corpus.contracts import HERE, OF_BREACH

FILES = ("zh", "en", "fresh", "heldout", "sentences")
BOOK = rule_files.load()
RECOGNISER = Recogniser(BOOK)
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
    reading = take_in([PageText(text, True, False)], lambda: 0.0)
    return check(reading, 1, BOOK, RECOGNISER, lambda page, start, end: []).found


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

"""The content check measured on a part of the corpus; ``make review-corpus`` takes all of it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from appliance.review.reviewing import ContentChecker
from tests.review.corpus.__main__ import LABELS, labels
from tests.review.corpus.annotated import FOLDERS, LEARNT, read
from tests.review.corpus.contracts import plans
from tests.review.corpus.measure import Measurement, measured_text
from tests.review.corpus.printing import printed
from tests.review.rules import recogniser
from tests.sweeps import first_of

EVERY = (20, 4)
"""One pair of contracts in so many: in `make test`, and in `make test-long`."""


def test_the_labels_are_those_of_the_contracts() -> None:
    assert LABELS.read_text(encoding="utf-8") == labels()


def test_there_are_enough_contracts_of_both_languages_with_gaps() -> None:
    every = list(plans())
    assert len(every) >= 60
    assert sum(plan.language == "zh" for plan in every) == len(every) // 2
    assert Counter(plan.part for plan in every) == {"known": 48, "fresh": 24, "heldout": 48}
    assert all(len(plan.present) < 15 for plan in every)


@pytest.mark.slow
@pytest.mark.parametrize("every", first_of(EVERY))
def test_precision_and_recall(checker: ContentChecker, every: int) -> None:
    measured = Measurement()
    for number, plan in enumerate(plans()):
        if number // 2 % every == 0:
            measured.add(plan, checker.check_document(printed(plan)))
    total = measured.total()
    assert measured.contracts == len(list(plans())) // every
    assert total.recall >= 0.95, measured.mistakes
    assert total.precision >= 0.9, measured.mistakes


@pytest.mark.parametrize(
    "folder",
    [pytest.param(each, id=each.name, marks=pytest.mark.long if each in LEARNT else ()) for each in FOLDERS],
)
def test_contracts_as_somebody_wrote_them(folder: Path) -> None:
    """Their text alone; ``make review-corpus`` prints them. ``make test`` has what nothing was learnt from."""
    measured = measured_text(folder, recogniser())
    assert measured.contracts >= 60
    assert measured.good, (measured.line(folder.name), measured.mistakes)


def test_a_quote_is_right_if_most_of_it_states_the_clause(tmp_path: Path) -> None:
    path = tmp_path / "zh-01.txt"
    path.write_text(
        "采购, book\n\n第三条 付款\n{payment term?:甲方应付\n清货款。}乙方负责送货。\n", encoding="utf-8"
    )
    contract = read(path)
    assert contract.present == {"payment"}
    assert contract.doubtful == {"term"}
    assert contract.states("payment", "甲方应付清货款。")
    assert contract.states("payment", "第三条 付款 甲方应付清货款")
    assert not contract.states("payment", "付款")
    assert not contract.states("payment", "乙方负责送货。")
    assert not contract.states("notices", "甲方应付清货款。")

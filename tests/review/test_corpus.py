"""The content check measured on a part of the corpus; ``make review-corpus`` takes all of it."""

from __future__ import annotations

from collections import Counter

import pytest

from appliance.review.reviewing import ContentChecker
from tests.review.corpus.__main__ import LABELS, labels
from tests.review.corpus.contracts import plans
from tests.review.corpus.measure import Measurement
from tests.review.corpus.printing import printed

EVERY = 4


def test_the_labels_are_those_of_the_contracts() -> None:
    assert LABELS.read_text(encoding="utf-8") == labels()


def test_there_are_enough_contracts_of_both_languages_with_gaps() -> None:
    every = list(plans())
    assert len(every) >= 60
    assert sum(plan.language == "zh" for plan in every) == len(every) // 2
    assert Counter(plan.part for plan in every) == {"known": 48, "fresh": 24, "heldout": 48}
    assert all(len(plan.present) < 15 for plan in every)


@pytest.mark.slow
def test_precision_and_recall(checker: ContentChecker) -> None:
    measured = Measurement()
    for number, plan in enumerate(plans()):
        if number // 2 % EVERY == 0:
            measured.add(plan, checker.check_document(printed(plan)))
    total = measured.total()
    assert measured.contracts >= 18
    assert total.recall >= 0.95, measured.mistakes
    assert total.precision >= 0.9, measured.mistakes

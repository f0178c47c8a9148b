"""The content check measured on a part of the corpus; ``make review-corpus`` takes all of it."""

from __future__ import annotations

from collections import Counter

import pytest

from appliance.review.reviewing import ContentChecker
from tests.review.corpus.__main__ import LABELS, labels
from tests.review.corpus.contracts import plans
from tests.review.corpus.measure import Measurement
from tests.review.corpus.printing import printed
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

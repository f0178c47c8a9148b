"""No false alarm on good files of many producers, and each at its level."""

from __future__ import annotations

import pytest

from tests.attacks.good import false_alarm, samples
from tests.attacks.judging import disagreement, in_process
from tests.sweeps import one_in


@pytest.mark.parametrize("name", one_in(4, samples()))
def test_a_good_file_passes(name: str) -> None:
    sample = samples()[name]
    attempt = sample.attempt()
    report = in_process(attempt)
    assert false_alarm(sample, report) is None
    assert disagreement(attempt, report) is None

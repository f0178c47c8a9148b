"""No false alarm on good files of many producers, and each at its level."""

from __future__ import annotations

import pytest

from tests.attacks.good import false_alarm, samples
from tests.attacks.judging import in_process


@pytest.mark.parametrize("name", samples())
def test_a_good_file_passes(name: str) -> None:
    sample = samples()[name]
    assert false_alarm(sample, in_process(sample.attempt())) is None

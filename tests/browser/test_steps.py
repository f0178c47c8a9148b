"""The figures of decision 49 are those that the stories in real browsers are held to."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.steps import WAYS

DECISION = Path(__file__).parents[2] / "docs/decisions/0049-one-passkey-and-a-receipt.md"
FIRST_HOUR = ("first officer", "newcomer", "newcomer by codes", "guest")


@pytest.mark.parametrize("way", WAYS)
def test_no_way_takes_more_steps_than_it_may(way: str) -> None:
    """In the first hour as many as before the activation service; elsewhere one click and one prompt more."""
    (before, now), more = WAYS[way], 0 if way in FIRST_HOUR else 1
    assert now.clicks <= before.clicks + more and now.prompts <= before.prompts + more
    assert now.fields <= before.fields + (way == "enrolment")


def test_the_decision_says_the_same() -> None:
    cells = [line.strip("| ").split(" | ") for line in DECISION.read_text(encoding="utf-8").splitlines()]
    told = {row[0]: tuple(row[-2:]) for row in cells if row[0] in WAYS}
    assert told == {name: (str(way.before), str(way.now)) for name, way in WAYS.items()}

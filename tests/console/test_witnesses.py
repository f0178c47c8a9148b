"""The console's page of the log's outside witnesses."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from appliance.model.witnesses import WitnessedCheckpoint, WitnessesStatus, WitnessProblem, WitnessStanding
from tests.console.conftest import Console

AT = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
STATUS = WitnessesStatus(
    demanded=True,
    witnesses=(
        WitnessStanding("w1.example", "https://w1.example", 1234, AT, None, "", None, 0),
        WitnessStanding("w2.example", "https://w2.example", 9, AT, WitnessProblem.FORKED, "It said <b>.", AT, 3),
        WitnessStanding("w3.example", "", None, None, None, "", None, 0),
    ),
    size=1234,
    at=AT,
    waiting_since=AT,
)


def test_without_witnesses_it_says_how_to_have_some(console: Console) -> None:
    assert "The log has no witnesses" in console.browser("wu").get("/witnesses").text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_witness_is_shown_as_it_stands(console: Console, language: str) -> None:
    console.site.administration.witnesses.publish(STATUS)
    assert console.site.administration.witnesses.status() == STATUS
    page = console.browser("wu", language=language).get("/witnesses").text
    for said in ("w1.example", "1,234", "It said &lt;b&gt;.", "log-forked", "w3.example"):
        assert said in page
    assert ("under this log's key" in page.replace("&#39;", "'")) is (language == "en")


def test_what_an_earlier_policy_confirmed_is_shown_beside_it(console: Console) -> None:
    """Today's policy is not met by what met the one before."""
    earlier = WitnessedCheckpoint(98_765, AT)
    for status, shown in ((STATUS, False), (replace(STATUS, size=None, at=None, earlier=earlier), True)):
        console.site.administration.witnesses.publish(status)
        assert console.site.administration.witnesses.status() == status
        page = console.browser("wu").get("/witnesses").text
        assert [said in page for said in ("Confirmed under an earlier policy", "98,765")] == [shown, shown]
    assert "none yet" in page

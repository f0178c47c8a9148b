"""Where signatures are confirmed: an authority that takes confirmations from the portal's pages, or none from the
activation service's, is told loudly, in both languages."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from appliance.cli import main
from appliance.health import Condition, HealthFinding, Observations, RunbookPage
from appliance.health.check_context import open_check_context
from appliance.health.surveys import diagnose, readiness
from appliance.home import Home
from tests.demo.older_homes import AUTHORITY, OWN, PORTAL, older_home
from tests.sweeps import first_of
from tests.world import authority

PORTALS = f"portal's pages could confirm signatures: .* names {PORTAL}"


@contextmanager
def served(line: str) -> Iterator[Home]:
    """A home whose authority has that line in its settings, and serves."""
    with tempfile.TemporaryDirectory(prefix="vermilion-") as folder:
        home = older_home(Path(folder))
        home.authority_settings.write_text(AUTHORITY.replace(f'\norigins = ["{PORTAL}"]', f"\n{line}"), "utf-8")
        with authority(home):
            yield home


def found(home: Home) -> HealthFinding:
    [finding] = [each.finding for each in diagnose(home, datetime.now(UTC)) if each.finding.name == "origins"]
    return finding


def not_served(home: Home) -> list[str]:
    """Why ``/readyz`` says that nobody is served."""
    observations = Observations(home.health)
    try:
        with open_check_context(home, role="web", now=datetime.now(UTC)) as context:
            return readiness(context, observations).reasons
    finally:
        observations.close()


@pytest.mark.parametrize(
    ("line", "said", "in_chinese"),
    first_of(
        (
            (f'origins = ["{PORTAL}"]', PORTALS, "门户页面也能确认签署"),
            (f'origins = ["{OWN}", "{PORTAL}"]', PORTALS, "门户页面也能确认签署"),
            (
                'origins = ["http://localhost:9003"]',
                f"Nobody can confirm .* not name {OWN}",
                "任何人都无法确认签署",
            ),
        )
    ),
)
def test_it_fails_loudly_and_says_what_to_change(line: str, said: str, in_chinese: str) -> None:
    with served(line) as home:
        finding, reasons = found(home), not_served(home)
        told = CliRunner().invoke(main, ["--home", str(home.root), "--lang", "zh", "diagnose"])
    assert (finding.condition, finding.page) == (Condition.FAILING, RunbookPage.ORIGINS_WRONG)
    assert re.search(said, str(finding)) and str(finding) in reasons
    file = home.authority_settings
    assert finding.advice == f'In {file} set `activation.origins` to `["{OWN}"]`, and restart the authority.'
    assert in_chinese in told.output and f"请在 {file} 中" in told.output
    assert told.exit_code == 1 and "docs/runbook/origins-wrong.md" in told.output


def test_where_it_is_right_it_says_where() -> None:
    with served(f'origins = ["{OWN}"]') as home:
        finding, reasons = found(home), not_served(home)
        told = CliRunner().invoke(main, ["--home", str(home.root), "--lang", "zh", "diagnose"])
    assert str(finding) == f"Signatures are confirmed on {OWN}, and nowhere in the portal."
    assert finding.condition is Condition.GOOD and not reasons
    assert f"签署在 {OWN} 上确认" in told.output


def test_an_upgrade_goes_on_with_the_settings_of_the_release_before() -> None:
    """The role writes the new ones after the switch, and the role ``verify`` asks then."""
    with served(f'origins = ["{PORTAL}"]') as home:
        told = CliRunner().invoke(main, ["--home", str(home.root), "probe"])
        assert not_served(home)
    assert (told.exit_code, told.output) == (0, "This release serves.\n")

"""The count at the end: how many rows of the table are guaranteed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from appliance.activation_requests import ActivationRequest
from tests.browser.conftest import launched
from tests.takeover.origins import Scene, scene
from tests.takeover.rows import ROWS


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """``takeover: N of N rows guaranteed``, when all of them were tried. None is while something else fails here,
    such as an attack from the portal's origin."""
    passed, failed = (
        {
            each.nodeid.rpartition("::")[2].partition("[")[0]
            for each in terminalreporter.getreports(outcome)
            if each.nodeid.startswith("tests/takeover/")
        }
        for outcome in ("passed", "failed")
    )
    if set(ROWS) <= passed | failed:
        kept = 0 if failed - set(ROWS) else len(set(ROWS) & passed - failed)
        terminalreporter.write_line(f"takeover: {kept} of {len(ROWS)} rows guaranteed")


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """A real browser; each visitor gets a context of its own."""
    with launched() as browser:
        yield browser


@pytest.fixture(scope="package")
def stage(chromium: Browser) -> Iterator[Scene]:
    with scene(chromium) as stage:
        yield stage


@pytest.fixture
def request_(stage: Scene) -> ActivationRequest:
    return stage.desk.document()


@pytest.fixture
def path(stage: Scene, request_: ActivationRequest) -> str:
    """Where Zhang is asked to sign."""
    return stage.desk.put(request_)

"""The count at the end: how many rows of the table are guaranteed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import launched
from tests.takeover.rows import ROWS


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """``takeover: N of N rows guaranteed``, when all of them were tried. None is while something else fails here,
    such as an attack from the portal's origin."""
    passed = {each.nodeid.rpartition("::")[2].partition("[")[0] for each in terminalreporter.getreports("passed")}
    failed = {each.nodeid.rpartition("::")[2].partition("[")[0] for each in terminalreporter.getreports("failed")}
    if set(ROWS) <= passed | failed:
        kept = 0 if failed - set(ROWS) else len(set(ROWS) & passed - failed)
        terminalreporter.write_line(f"takeover: {kept} of {len(ROWS)} rows guaranteed")


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """A real browser; each visitor gets a context of its own."""
    with launched() as browser:
        yield browser

"""Real browsers on a real appliance: Debian's Chromium driven by Playwright, one appliance for all these tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.house import House, house
from tests.browser.troupe import Troupe, troupe

CHROMIUM = next(path for path in ("/usr/bin/chromium-headless-shell", "/usr/bin/chromium") if Path(path).exists())
"""The build without a window takes less than half the processor time of the other."""
ARGUMENTS = [
    "--no-sandbox",  # the tests run as root on machines that exist for them alone
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

expect.set_options(timeout=30_000)  # milliseconds; a busy machine is slow, not wrong


@contextmanager
def launched(*more: str) -> Iterator[Browser]:
    """Chromium with *more* arguments, until the context ends."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*ARGUMENTS, *more])
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def the_house() -> Iterator[House]:
    """One appliance for the whole folder: make people and contracts of your own in it."""
    with house() as running:
        yield running


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """One browser; each visitor gets a context of its own."""
    with launched() as browser:
        yield browser


@pytest.fixture(scope="package")
def people(the_house: House, chromium: Browser) -> Iterator[Troupe]:
    """The demonstration's people at browsers, for tests that are not about signing in or enrolling."""
    with troupe(the_house, chromium) as everybody:
        yield everybody

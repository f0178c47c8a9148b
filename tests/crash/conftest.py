"""Counts what the crash tests did, and says so at the end of the run."""

from __future__ import annotations

from collections import Counter

import pytest

COUNTS = pytest.StashKey[Counter[str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[COUNTS] = Counter()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    counts = terminalreporter.config.stash[COUNTS]
    if counts:
        what = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
        terminalreporter.write_line(f"crash tests: {what}")


@pytest.fixture
def counted(request: pytest.FixtureRequest) -> Counter[str]:
    """The counts of this run, to be added to."""
    return request.config.stash[COUNTS]

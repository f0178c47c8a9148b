"""Says at the end of the run what the crash tests counted."""

from __future__ import annotations

import pytest

from tests.crash.tally import COLUMNS, Tally

TALLY = pytest.StashKey[Tally]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[TALLY] = Tally()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    counts = terminalreporter.config.stash[TALLY].counts
    if counts:
        said = ", ".join(f"{counts[name]} {name}" for name in COLUMNS)
        terminalreporter.write_line(f"crash tests: {said}")


@pytest.fixture
def counted(request: pytest.FixtureRequest) -> Tally:
    """The tally of this run, to be added to."""
    return request.config.stash[TALLY]

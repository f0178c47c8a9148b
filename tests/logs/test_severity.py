"""Journald, and the collector behind it, knows an error from a remark."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hsm.log_lines import LogFormat, WithSeverity, is_the_journal
from tests.logs.test_lines import said


@pytest.mark.parametrize(
    ("level", "severity"),
    [(logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (logging.DEBUG, 7)],
)
def test_each_line_begins_with_its_severity(level: int, severity: int) -> None:
    lines = WithSeverity(logging.Formatter("%(message)s")).format(said(level, "it fell", failing=True)).split("\n")
    assert len(lines) > 3 and all(line.startswith(f"<{severity}>") for line in lines)


def test_the_journal_is_told_by_what_it_connected(tmp_path: Path) -> None:
    status = os.fstat(2)
    assert is_the_journal({"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"})
    for other in ({}, {"JOURNAL_STREAM": ""}, {"JOURNAL_STREAM": f"{status.st_dev}:1"}):
        assert not is_the_journal(other)


@pytest.mark.parametrize("form", LogFormat)
def test_a_process_whose_standard_error_is_the_journals(form: LogFormat, tmp_path: Path) -> None:
    """The stream of the test stands for journald's: what counts is device and inode."""
    program = (
        "import logging, os, sys; from hsm.log_lines import LogFormat, log_handler;"
        "s = os.fstat(2); os.environ['JOURNAL_STREAM'] = f'{s.st_dev}:{s.st_ino}';"
        f"handler = log_handler(LogFormat('{form}'), 'vermilion-authority');"
        "logging.basicConfig(level=logging.INFO, handlers=[handler]);"
        "logging.warning('slow')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr.startswith("<4>" + ('{"time": ' if form is LogFormat.JSON else "WARNING root slow"))

"""Rules for the tests themselves, which a busy machine must not make fail (decision 40)."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
MEASURING = ("bench", "machine")
"""Folders that measure, of machines that have nothing else to do."""

DURATION = re.compile(r"assert\b.*\b(monotonic|perf_counter|time\.time)\(\) - .*<")


def test_no_test_asserts_how_long_something_took() -> None:
    found = [
        f"{path.relative_to(TESTS)}:{number}: {line.strip()}"
        for path in sorted(TESTS.rglob("*.py"))
        if path.relative_to(TESTS).parts[0] not in MEASURING
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if DURATION.search(line)
    ]
    assert not found, "\n".join(found)


def test_the_rule_finds_one() -> None:
    line = "assert {} < 1".format("time.monotonic() - began")
    assert DURATION.search(line) and not DURATION.search("assert time.monotonic() < deadline")

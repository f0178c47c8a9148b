"""Rules for the tests themselves, which a busy machine must not make fail (decision 40)."""

from __future__ import annotations

import re
from pathlib import Path

from tests.distribution import PART, SECONDS, SEPARATE, group

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


def test_files_that_are_distributed_exist() -> None:
    listed = [line.split()[1] for line in SECONDS.read_text(encoding="utf-8").splitlines()]
    missing = [path for path in (*listed, *SEPARATE) if not (TESTS.parent / path).is_file()]
    assert not missing, f"{missing}: take them out of {SECONDS.name}, or measure anew (tests/distribution.py)"


def test_a_file_goes_to_one_worker_and_a_long_folder_to_several() -> None:
    seconds = dict(reversed(line.split()) for line in SECONDS.read_text(encoding="utf-8").splitlines())
    folder = [path for path in seconds if path.startswith("tests/evidence/")]
    parts = {group(f"{path}::test_something") for path in folder}
    assert (len(parts) > 1) is (sum(float(seconds[path]) for path in folder) > PART)
    assert all(group(f"{path}::test_one[a]") == group(f"{path}::test_two") for path in folder)

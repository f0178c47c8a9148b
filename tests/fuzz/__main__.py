"""``make fuzz``: targets guided by coverage for a while, then fuzzed requests to a real endpoint; figures last."""

from __future__ import annotations

import argparse
import os
import re
import secrets
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.authority import running_authority
from tests.conformance.endpoint import running_tsa
from tests.conformance.waiting import workers_of
from tests.fuzz.sweep import Figures, edge, sweep

TARGETS = ("request", "reply", "frames", "connection", "portal")


@dataclass(frozen=True, slots=True)
class Guided:
    """One target's run: how many inputs were tried; ``found`` is what made it fail."""

    target: str
    tried: int
    status: int
    found: list[Path]
    said: str

    def line(self) -> str:
        """One line; with what libFuzzer said at the end when something was found."""
        if self.status == 0 and not self.found:
            return f"{self.target}: {self.tried} inputs, nothing found"
        return (
            f"{self.target}: {self.tried} inputs, FOUND {[str(path) for path in self.found]}\n{self.said[-3000:]}"
        )


def guided(target: str, seconds: int, folder: Path) -> Guided:
    """Runs *target* under atheris for *seconds*; what it discovers stays in *folder* for the next time."""
    folder.mkdir(parents=True, exist_ok=True)
    before = set(folder.glob("found-*"))
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.guided", target, str(folder), str(seconds)],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=seconds + 300,
        check=False,
    )
    tried = re.search(r"stat::number_of_executed_units:\s*(\d+)", done.stderr)
    found = sorted(set(folder.glob("found-*")) - before)
    return Guided(target, int(tried[1]) if tried else 0, done.returncode, found, done.stderr)


def main() -> int:
    """The status is 0 when nothing was found."""
    options = _options()
    folder = Path(os.environ.get("VERMILION_HOME") or "var") / "fuzz"
    say(f"seed {options.seed}; what guided fuzzing keeps is in {folder}")
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        runs = list(pool.map(lambda target: guided(target, options.seconds, folder / target), TARGETS))
    for run in runs:
        say(run.line())
    with running_authority() as authority, running_tsa(authority.root) as tsa:
        over_http = edge(tsa, max(options.requests // 100, 100), seed=options.seed)
        workers = workers_of(authority)
        say("broken HTTP:", *over_http.lines())
        figures = sweep(tsa, options.requests, seed=options.seed, progress=lambda sent: say(f"{sent} sent"))
        figures.restarts += len(set(workers) - set(workers_of(authority)))
    say("requests:", *figures.lines()[:-1])
    return _conclude(runs, over_http, figures)


def _conclude(runs: list[Guided], over_http: Figures, figures: Figures) -> int:
    found = sum(run.status != 0 or bool(run.found) for run in runs)
    tried = sum(run.tried for run in runs)
    say(f"guided: {tried} inputs to {len(runs)} targets, {found} with finds; {over_http.sent} broken connections")
    say(figures.lines()[-1])
    return 0 if not found and tried and over_http.good and figures.good else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    return parser.parse_args()


def say(*lines: str) -> None:
    """One line each, at once."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

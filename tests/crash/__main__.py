"""``python -m tests.crash ROUNDS [LANES]``: that many rounds, or the plan of that name (:data:`PLANS`), in lanes
side by side; the table, totals last."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

from tests.crash.plan import PLANS, Share
from tests.crash.tally import COLUMNS, Tally
from tests.world import make_template_home

LANES = 2 * (os.cpu_count() or 1)
"""A lane often waits: for a second to pass before it seals off, for a process to come back."""


class Table:
    """Counts by fault."""

    def __init__(self, say: Callable[[str], object]) -> None:
        self._say = say
        self.rows: defaultdict[str, Tally] = defaultdict(Tally)
        self.rounds: defaultdict[str, int] = defaultdict(int)
        self.total = Tally()
        self.done = 0
        self._remarks: set[str] = set()
        self.broken: list[str] = []

    def take(self, line: dict[str, Any]) -> None:
        tally = Tally()
        tally.counts.update(line["tally"]["counts"])
        tally.notes.update(line["tally"]["notes"])
        tally.findings = line["tally"]["findings"]
        fault = line["scenario"].partition(" · ")[0]
        self.rows[fault].add(tally)
        self.rounds[fault] += 1
        self.total.add(tally)
        self.done += "at the end" not in line["scenario"]
        for finding in tally.findings:
            self._say(f"  {line['scenario']}: {finding}")

    def remark(self, line: str) -> None:
        """Something to know of all lanes, said once."""
        if line not in self._remarks:
            self._remarks.add(line)
            self._say(line)

    def print(self, seconds: float) -> None:
        self._say(f"{'act: fault':30}{'rounds':>8}" + "".join(f"{name:>14}" for name in COLUMNS))
        for fault in sorted(self.rows):
            self._row(fault, self.rounds[fault], self.rows[fault])
        notes = ", ".join(f"{count} {name}" for name, count in sorted(self.total.notes.items()))
        self._say(f"also: {notes}; {seconds:.0f} s, {self.done / seconds * 60:.0f} rounds a minute")
        self._row("total", self.done, self.total)

    def _row(self, name: str, rounds: int, tally: Tally) -> None:
        self._say(f"{name:30}{rounds:>8}" + "".join(f"{tally.counts[column]:>14}" for column in COLUMNS))


def main(rounds: str, lanes: str = str(LANES)) -> int:
    """Exit status 0 when nothing is lost, duplicated or left half-done, and every lane came to its end."""
    table, began = Table(say), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="vermilion-template-") as directory:
        make_template_home(Path(directory))
        running = [
            Thread(target=run_lane, args=(directory, str(share), seed, table))
            for seed, share in enumerate(shares(rounds, int(lanes)))
        ]
        for each in running:
            each.start()
        for each in running:
            each.join()
    for broken in table.broken:
        say(broken)
    table.print(time.monotonic() - began)
    wanted = table.done if rounds in PLANS else int(rounds)  # a lane does the whole of a plan, or breaks off
    return 0 if table.total.is_good and not table.broken and table.done == wanted > 0 else 1


def shares(rounds: str, lanes: int) -> list[Share | int]:
    """*rounds*, or the plan of that name, spread over the *lanes*."""
    if rounds in PLANS:
        return [Share(lane, lanes, rounds) for lane in range(lanes)]
    number = int(rounds)
    return [share for share in (number // lanes + (lane < number % lanes) for lane in range(lanes)) if share]


def run_lane(template: str, rounds: str, seed: int, table: Table) -> None:
    """One lane, as a process of its own; *rounds* as it takes them."""
    command = [sys.executable, "-m", "tests.crash.lane", template, rounds, str(seed)]
    if subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode == 0:
        command = ["unshare", "-m", *command]
    else:
        table.remark("the disk is never filled: this user may not have a mount namespace of its own")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            table.take(json.loads(line))
    if process.returncode != 0:
        table.broken.append(f"lane {seed} broke off with status {process.returncode}")


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

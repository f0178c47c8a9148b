"""``python -m tests.batches ROWS KILLS``: a batch of so many rows, made and sent by a real scheduler process that
is killed (-9) so many times and started anew; what is found in the end, how long it took, what others waited."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from appliance.config import load
from appliance.demonstration.participants import ZHANG
from appliance.model.mail_merge import BatchOrder, MailMerge, MergeStage, RowState
from appliance.wiring import Appliance, open_appliance
from tests.batches.stock import findings, published, typed_rows
from tests.world import authority, make_template_home

PATIENCE = 600.0
"""Seconds without one row more, after which it has failed."""


class Watch:
    """Looks each half second how far the batch is, and how long somebody waits who writes meanwhile."""

    def __init__(self, appliance: Appliance, batch: MailMerge) -> None:
        self._appliance = appliance
        self._batch = batch
        self.waits: list[float] = []

    def look(self) -> tuple[int, bool]:
        """How many rows are sent, and whether anything is left to do."""
        began = time.monotonic()
        with self._appliance.database.transaction():
            self.waits.append(time.monotonic() - began)
        progress = self._appliance.mail_merges.progress(self._batch.id, ZHANG.subject)
        return progress.counts.get(RowState.SENT, 0), progress.busy

    def until(self, wanted: int) -> None:
        """Returns once so many rows are sent, or nothing is left to do."""
        (seen, busy), since = self.look(), time.monotonic()
        while busy and seen < wanted:
            time.sleep(0.5)
            before = seen
            seen, busy = self.look()
            since = time.monotonic() if seen > before else since
            if time.monotonic() - since > PATIENCE:
                raise AssertionError(f"no row more than {seen} in {PATIENCE:.0f} s")


def main(rows: str = "10000", kills: str = "10") -> int:
    """Exit status 0 when each row is one contract, sent once."""
    with tempfile.TemporaryDirectory(prefix="vermilion-batch-") as directory:
        home = make_template_home(Path(directory))
        with authority(home), open_appliance(load(home)) as appliance:
            return _run(appliance, directory, int(rows), int(kills))


def _run(appliance: Appliance, root: str, rows: int, kills: int) -> int:
    began = time.monotonic()
    order = BatchOrder(published(appliance).id, typed_rows(rows), stage=MergeStage.SENDING)
    batch = appliance.mail_merges.create(order, by=ZHANG.subject)
    say(f"{rows} rows checked and kept in {time.monotonic() - began:.1f} s")
    watch, began = Watch(appliance, batch), time.monotonic()
    for killed, wanted in enumerate(moments(rows, kills), 1):
        with Scheduler(root) as scheduler:
            watch.until(wanted)
            scheduler.kill_at_random()
        say(f"killed for the {killed}. time at {watch.look()[0]} rows, after {time.monotonic() - began:.0f} s")
    with Scheduler(root):
        watch.until(rows)
    seconds = time.monotonic() - began
    found = findings(appliance, batch, rows)
    for each in found[:20]:
        say(each)
    say(f"{rows} rows, killed {kills} times: {seconds:.0f} s, {1000 * seconds / rows:.0f} ms a row")
    waits = sorted(watch.waits)
    middle = waits[len(waits) // 2]
    say(f"another writer waited {1000 * middle:.1f} ms (median), {1000 * waits[-1]:.0f} ms (longest)")
    say(f"{rows} contracts, none twice" if not found else f"{len(found)} findings")
    return 1 if found else 0


def moments(rows: int, kills: int) -> Sequence[int]:
    """At how many rows to kill, one time in each part of the batch."""
    chance, part = random.Random(rows), rows / (kills + 1)  # noqa: S311 -- no secret
    return [int(part * (number + chance.uniform(0.2, 0.8))) for number in range(kills)]


class Scheduler:
    """A real one, which starts on entering, and is ended on leaving if it was not killed."""

    def __init__(self, root: str) -> None:
        self._environment = {**os.environ, "VERMILION_HOME": root}

    def __enter__(self) -> Scheduler:
        command = [sys.executable, "-m", "appliance.jobs"]
        self._process = subprocess.Popen(command, env=self._environment, stderr=subprocess.DEVNULL)
        return self

    def kill_at_random(self) -> None:
        time.sleep(random.uniform(0, 2))  # noqa: S311 -- no secret
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait()


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

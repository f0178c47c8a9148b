"""A lease is held exactly as long as its process."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from appliance.contracts.crash_safety import ProcessLeases


def child(directory: Path) -> tuple[int, str]:
    """A process that has claimed and waits to be killed: its id and its lease's name."""
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        os.write(writing, ProcessLeases(directory).own_lease().encode())
        os.close(writing)
        signal.pause()
    os.close(writing)
    with os.fdopen(reading) as stream:
        return process, stream.read()


def test_a_killed_process_is_noticed_at_once(tmp_path: Path) -> None:
    leases = ProcessLeases(tmp_path)
    process, name = child(tmp_path)
    assert leases.is_held(name)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    assert not leases.is_held(name)
    assert list(tmp_path.iterdir()) == []


def test_the_own_process_lives_and_keeps_its_name(tmp_path: Path) -> None:
    leases = ProcessLeases(tmp_path)
    assert leases.own_lease() == leases.own_lease()
    assert leases.is_held(leases.own_lease())
    assert ProcessLeases(tmp_path).is_held(leases.own_lease())


def test_a_fork_has_another_lease_and_its_end_is_not_the_parents(tmp_path: Path) -> None:
    leases = ProcessLeases(tmp_path)
    mine = leases.own_lease()
    process = os.fork()
    if process == 0:
        os._exit(0 if leases.own_lease() != mine else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
    assert leases.is_held(mine)
    assert ProcessLeases(tmp_path).is_held(mine)


def test_a_name_that_nobody_ever_had_does_not_live(tmp_path: Path) -> None:
    leases = ProcessLeases(tmp_path)
    assert not leases.is_held("1-00")
    assert not leases.is_held(None)
    assert not leases.is_held("../somewhere")

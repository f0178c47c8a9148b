"""A claimant lives exactly as long as its process."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from appliance.contracts.claimants import Claimants


def child(directory: Path) -> tuple[int, str]:
    """A process that has claimed and waits to be killed: its id and its claimant's name."""
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        os.write(writing, Claimants(directory).mine().encode())
        os.close(writing)
        signal.pause()
    os.close(writing)
    with os.fdopen(reading) as stream:
        return process, stream.read()


def test_a_killed_process_is_noticed_at_once(tmp_path: Path) -> None:
    claimants = Claimants(tmp_path)
    process, name = child(tmp_path)
    assert claimants.lives(name)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    assert not claimants.lives(name)
    assert list(tmp_path.iterdir()) == []


def test_the_own_process_lives_and_keeps_its_name(tmp_path: Path) -> None:
    claimants = Claimants(tmp_path)
    assert claimants.mine() == claimants.mine()
    assert claimants.lives(claimants.mine())
    assert Claimants(tmp_path).lives(claimants.mine())


def test_a_fork_is_another_claimant_and_its_end_is_not_the_parents(tmp_path: Path) -> None:
    claimants = Claimants(tmp_path)
    mine = claimants.mine()
    process = os.fork()
    if process == 0:
        os._exit(0 if claimants.mine() != mine else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
    assert claimants.lives(mine)
    assert Claimants(tmp_path).lives(mine)


def test_a_name_that_nobody_ever_had_does_not_live(tmp_path: Path) -> None:
    claimants = Claimants(tmp_path)
    assert not claimants.lives("1-00")
    assert not claimants.lives(None)
    assert not claimants.lives("../somewhere")

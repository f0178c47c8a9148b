"""The supervisor with real child processes: order, death and return, ends that leave nobody behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.errors import SupervisionFailed
from appliance.supervision import Service, Supervisor

SERVE = """
import os, pathlib, sys, time
new = pathlib.Path(sys.argv[1] + ".new")
new.write_text(str(os.getpid()))
new.rename(sys.argv[1])
time.sleep(600)
"""


def service(folder: Path, name: str, code: str = SERVE, after: tuple[str, ...] = ()) -> Service:
    mark = folder / name
    command = (sys.executable, "-c", code, str(mark))
    return Service(name, command, mark.exists, folder / f"{name}.log", after=after)


def process_of(folder: Path, name: str) -> int:
    return int((folder / name).read_text())


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def wait_for(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.02)


def test_services_start_after_those_that_they_need_and_end_before_them(tmp_path: Path) -> None:
    said: list[str] = []
    seen = "import pathlib, sys\nhere = pathlib.Path(sys.argv[1])\n"
    goes = f"{seen}(here.parent / 'second.end').write_text(str((here.parent / 'first').exists()))\nsys.exit()"
    first = f"{seen}import signal\nsignal.signal(15, lambda *_: (here.unlink(), sys.exit()))\n{SERVE}"
    second = (
        f"{seen}assert (here.parent / 'first').exists()\nimport signal\n"
        f"signal.signal(15, lambda *_: exec({goes!r}))\n{SERVE}"
    )
    services = [service(tmp_path, "first", first), service(tmp_path, "second", second, after=("first",))]
    with Supervisor(services, say=lambda template, **values: said.append(template.format(**values))):
        processes = [process_of(tmp_path, name) for name in ("first", "second")]
        assert all(alive(process) for process in processes)
    assert not any(alive(process) for process in processes)
    assert [line.split()[0] for line in said] == ["first", "second"]
    assert (tmp_path / "second.end").read_text() == "True"


def test_services_that_need_nothing_of_each_other_start_and_end_side_by_side(tmp_path: Path) -> None:
    meets = (
        "import os, pathlib, signal, sys, time\n"
        "here, other = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[1]).with_name({other!r})\n"
        "def together(word):\n"
        "    here.with_suffix(word).touch()\n"
        "    while not other.with_suffix(word).exists():\n"
        "        time.sleep(0.01)\n"
        "def end(*_):\n"
        "    together('.end')\n"
        "    here.with_suffix('.met').touch()\n"
        "    os._exit(0)\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "together('.start')\n" + SERVE.replace("{", "{{").replace("}", "}}")
    )
    pair = [service(tmp_path, name, meets.format(other=other)) for name, other in (("one", "two"), ("two", "one"))]
    with Supervisor(pair, say=lambda template, **values: None):
        assert all(alive(process_of(tmp_path, name)) for name in ("one", "two"))
    for name in ("one", "two"):
        assert (tmp_path / name).with_suffix(".met").exists(), "it waited for the other in vain, and was killed"


def test_a_service_comes_after_one_that_stands_before_it(tmp_path: Path) -> None:
    first, second = service(tmp_path, "first", after=("second",)), service(tmp_path, "second")
    with pytest.raises(ValueError, match="first comes after second"):
        Supervisor([first, second], say=lambda template, **values: None)


def test_a_dead_child_is_announced_and_started_again(tmp_path: Path) -> None:
    said: list[str] = []
    mortal = service(tmp_path, "mortal")
    with Supervisor([mortal], say=lambda template, **values: said.append(template.format(**values))) as supervisor:
        before = process_of(tmp_path, "mortal")
        os.kill(before, signal.SIGKILL)
        end = time.monotonic() + 60
        supervisor.watch(until=lambda: process_of(tmp_path, "mortal") != before or time.monotonic() > end)
        after = process_of(tmp_path, "mortal")
        assert after != before
        assert alive(after)
    assert any("killed by signal 9" in line and "again in 1 s" in line for line in said)


def test_a_service_that_cannot_start_is_named_with_its_last_words_and_nobody_stays(tmp_path: Path) -> None:
    broken = service(tmp_path, "broken", "import sys; sys.exit('the port is taken')", after=("first",))
    with (
        pytest.raises(SupervisionFailed, match=r"broken ended with status 1 .*the port is taken"),
        Supervisor([service(tmp_path, "first"), broken], say=lambda template, **values: None),
    ):
        raise AssertionError("it must not get here")
    assert not alive(process_of(tmp_path, "first"))


def test_children_end_with_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    code = (
        "import pathlib, sys, time\n"
        "from appliance.supervision import Service, Supervisor\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        f"one = Service('orphan', (sys.executable, '-c', {SERVE!r}, str(folder / 'orphan')),\n"
        "              (folder / 'orphan').exists, folder / 'orphan.log')\n"
        "with Supervisor([one], say=lambda template, **values: None) as supervisor:\n"
        "    supervisor.watch(until=lambda: False)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.DEVNULL) as parent:
        wait_for((tmp_path / "orphan").exists)
        orphan = process_of(tmp_path, "orphan")
        parent.kill()
    wait_for(lambda: not alive(orphan))

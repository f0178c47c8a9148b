"""Attended: the PIN is kept nowhere. Everything starts and says so, and two people unlock at the machine."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from appliance.demonstration.new_home import DEMONSTRATION
from appliance.home import Home
from hsm.files import write_private
from hsm.operation_types import AuthorityState
from tests.authority import RunningAuthority, running_authority
from tests.systemd.conftest import UNITS
from tests.systemd.test_activation import UnixConnection, listener

BIN = Path(sys.executable).parent
LONGEST = 240.0
"""Seconds that five services have to start at once, on a machine that has other work."""

SERVICES = {
    name: [f"{BIN}/gunicorn", "--config", f"python:webui.{package}.gunicorn", f"webui.{package}.process:create()"]
    for name, package in (("web", "portal"), ("tsa", "tsa"), ("console", "console"), ("activation", "activation"))
} | {"scheduler": [f"{BIN}/vermilion-scheduler"]}


@pytest.fixture(scope="module")
def locked() -> Iterator[RunningAuthority]:
    """As after a start of the machine: it runs, and nobody has given it the PIN."""
    with running_authority() as authority:
        home = Home(authority.root)
        home.settings.write_text(DEMONSTRATION.appliance_settings(8080), encoding="utf-8")
        for name in ("web.key", "links.key", "console.key"):
            write_private(home.secrets / name, secrets.token_hex(32).encode())
        (home.secrets / "user.pin").rename(home.root / "kept-by-people")
        authority.restart()
        yield authority


@contextmanager
def started(home: Path, name: str, folder: Path) -> Iterator[tuple[Path, socket.socket]]:
    """The service as systemd starts it: the socket that it was given, and the one where it says READY."""
    at, told = folder / f"{name}.sock", folder / f"{name}.notify"
    with listener(socket.SOCK_STREAM, at) as given, listener(socket.SOCK_DGRAM, told) as notified:
        given.listen(8)
        notified.settimeout(LONGEST)
        takes_over = ["bash", "-c", 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@" 3<&"$HANDED"', "start"]
        environment = {
            "PATH": os.environ["PATH"],
            "HANDED": str(given.fileno()),
            "VERMILION_HOME": str(home),
            "NOTIFY_SOCKET": str(told),
        }
        with subprocess.Popen(
            [*(takes_over if name != "scheduler" else ()), *SERVICES[name]],
            env=environment,
            pass_fds=[given.fileno()],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            try:
                yield at, notified
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(LONGEST)


def got(at: Path, path: str, host: str = "localhost") -> tuple[int, str]:
    connection = UnixConnection(at)
    connection.request("GET", path, headers={"Host": host})
    reply = connection.getresponse()
    found = reply.status, reply.read().decode()
    connection.close()
    return found


@pytest.mark.long
def test_the_machine_starts_while_nobody_has_unlocked(locked: RunningAuthority, tmp_path: Path) -> None:
    status = locked.client("operator").status()
    assert status.state is AuthorityState.LOCKED
    assert "an operator has to unlock it" in str(status.sentence)
    with ExitStack() as stack:
        given = {name: stack.enter_context(started(locked.root, name, tmp_path)) for name in SERVICES}
        for name, (_, notified) in given.items():
            assert notified.recv(100) == b"READY=1", name
        at = {name: place for name, (place, _) in given.items()}
        for name in ("web", "console", "activation"):
            assert got(at[name], "/livez")[0] == 200, name
        ready, why = got(at["web"], "/readyz")
        assert (ready, "an operator has to unlock it" in why) == (503, True)
        # What waits for its keepers is there: it is no reason for a node of a cluster to give up.
        (Home(locked.root).run / "web.sock").symlink_to(at["web"])
        script = (UNITS / "bin/vermilion-cluster").read_text(encoding="utf-8")
        (tmp_path / "asking").write_text(script.replace('"/run/vermilion"', f'"{Home(locked.root).run}"'))
        asking = [sys.executable, tmp_path / "asking", "answers"]
        assert subprocess.run(asking, check=False).returncode == 0

        pin = (locked.root / "kept-by-people").read_text().strip()
        act = locked.officer_act("unlock")
        locked.client("operator").unlock(act, locked.by_officer(act), pins=[pin[:6], pin[6:]])
        deadline = time.monotonic() + LONGEST
        while got(at["web"], "/readyz")[0] != 200 and time.monotonic() < deadline:
            time.sleep(0.2)
        assert got(at["web"], "/readyz")[0] == 200, "it is ready once it is unlocked, without another start"


PROGRAMS = {
    "id": "echo 0",
    "systemd-creds": 'cat >"$6"',
    "systemctl": 'echo "$@" >>{0}/asked; cp {0}/run/vermilion.user.pin {0}/taken',
    "vermilion-authority": """case "$(cat {0}/taken)" in
1234567890) echo "state: operational. Ready to sign." ;;
*) echo "state: locked." ;;
esac""",
}


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """The command as it is, in places of our own, with an authority that takes what it is started with."""
    for name, does in PROGRAMS.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{does.replace('{0}', str(tmp_path))}\n")
        (tmp_path / name).chmod(0o755)
    script = (UNITS / "bin/vermilion-unlock").read_text(encoding="utf-8")
    for place, ours in {"/etc/credstore.encrypted": "etc", "/run/credstore.encrypted": "run"}.items():
        assert place in script
        script = script.replace(place, str(tmp_path / ours))
    (tmp_path / "script").write_text(script)
    return tmp_path


def unlock(machine: Path, *parts: str, arguments: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", machine / "script", *(arguments or (str(len(parts)),))],
        env={**os.environ, "PATH": f"{machine}:{os.environ['PATH']}"},
        input="".join(f"{part}\n" for part in parts),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("parts", [("1234567890",), ("12345", "67890"), ("123", "4567", "890")])
def test_whoever_knows_a_part_types_it_and_nothing_of_it_stays(machine: Path, parts: tuple[str, ...]) -> None:
    done = unlock(machine, *parts)
    assert (done.returncode, done.stdout, done.stderr) == (0, "operational. Ready to sign.\n", "")
    assert (machine / "asked").read_text() == "restart vermilion-authority.service\n"
    assert list((machine / "run").iterdir()) == []


def test_a_wrong_part_is_said_and_does_not_stay(machine: Path) -> None:
    done = unlock(machine, "12345", "00000")
    assert (done.returncode, done.stdout) == (1, "locked.\n")
    assert list((machine / "run").iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "parts", "sentence"),
    [
        (("2",), ("12345",), "the PIN was not given"),
        (("1",), ("",), "the PIN was not given"),
        (("0",), (), "PARTS is a number from 1 to 9"),
        (("two",), (), "PARTS is a number from 1 to 9"),
    ],
)
def test_what_is_no_pin_changes_nothing(
    machine: Path, arguments: tuple[str, ...], parts: tuple[str, ...], sentence: str
) -> None:
    done = unlock(machine, *parts, arguments=arguments)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert not (machine / "asked").exists()


def test_where_the_machine_keeps_its_pin_there_is_nothing_to_unlock(machine: Path) -> None:
    (machine / "etc").mkdir()
    (machine / "etc/vermilion.user.pin").write_text("sealed")
    done = unlock(machine, "1234567890")
    assert done.returncode == 1
    assert "keeps its PIN" in done.stderr
    assert not (machine / "asked").exists()

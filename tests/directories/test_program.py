"""The program: what it loads, and what it takes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from appliance.confinement import frames
from appliance.directory_service import ldap_connection
from appliance.directory_service.messages import DirectoryFault, RequestFailed
from tests.directories import cases
from tests.directories.conftest import Ask
from tests.directories.slapd import needs_slapd

CODE = """
import socket, sys
from appliance.directory_service import program
near, far = socket.socketpair()
from appliance.confinement import frames
frames.write(near, {"kind": sys.argv[1], "arguments": {}})
program.answer(far, {"VERMILION_HOME": sys.argv[2]})
far.close()
try:
    while True:
        last = frames.read(near, limit=1 << 24)
except frames.FrameError:
    print(*last)
others = ("appliance.store", "appliance.wiring", "appliance.accounts", "appliance.contracts", "appliance.ledger",
          "hsm.client", "hsm.store", "pysqlite3", "sqlite3", "pyhanko", "pikepdf", "flask", "babel")
print(*(name for name in sys.modules if name.startswith(others)))
print(*(name for name in sys.modules if name in ("ldap", "appliance.egress")))
"""


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/appliance.toml").write_text("")
    return tmp_path


@needs_slapd
@pytest.mark.parametrize("kind", ["users", "check"])
def test_it_loads_neither_database_nor_documents(ask: Ask, home: Path, kind: str) -> None:
    ask(people=cases.PLACE)
    assert loaded(kind, home) == (["complete"], [], ["ldap"])


def test_it_loads_no_ldap_where_there_is_no_directory(bare: Path) -> None:
    assert loaded("users", bare) == (["failed"], [], [])


def loaded(kind: str, home: Path) -> tuple[list[str], ...]:
    """How the answer ends, and what the program has loaded by then: of the others' modules, and of its own."""
    done = subprocess.run(
        [sys.executable, "-c", CODE, kind, str(home)], capture_output=True, text=True, check=True
    )
    end, others, own = (line.split() for line in done.stdout.splitlines())
    return end, others, own


def test_what_hangs_is_ended_and_told() -> None:
    code = (
        "import socket, sys, time\n"
        "from appliance.directory_service.program import _Line\n"
        "with _Line(socket.socket(fileno=0)).ending_at(time.monotonic()): time.sleep(600)\n"
    )
    near, far = socket.socketpair()
    with near:
        with far:
            process = subprocess.Popen([sys.executable, "-c", code], stdin=far.fileno())
        try:
            near.settimeout(60)
            assert frames.read(near, limit=1 << 20) == {"failed": {"fault": "late", "why": "the time is up"}}
            assert process.wait(60) == 1
        finally:
            process.kill()
            process.wait()


def test_without_debians_package_one_sentence_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(ldap_connection, "_DEBIAN", str(tmp_path))
    for name in [each for each in sys.modules if each.partition(".")[0] == "ldap"]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(RequestFailed, match="package python3-ldap is not installed") as failure:
        ldap_connection.load_ldap()
    assert failure.value.fault is DirectoryFault.PROGRAM
    assert str(tmp_path) not in sys.path


@pytest.mark.parametrize(
    "asked",
    [
        {"kind": "users"},
        {"kind": "everything", "arguments": {}},
        {"kind": "users", "arguments": {"url": 7}},
        {"kind": "users", "arguments": {}, "url": "ldaps://elsewhere.example"},
        [],
    ],
)
def test_what_is_no_request_gets_no_answer(bare: Path, asked: Any) -> None:
    with pytest.raises(frames.FrameError):
        replies(bare, asked)


def test_settings_that_cannot_be_read_are_told(bare: Path) -> None:
    (bare / "config/appliance.toml").write_text("[ldap]\nport = 1\n")
    [reply] = replies(bare, {"kind": "users", "arguments": {}}, most=1)
    assert reply["failed"]["fault"] == "unset" and "ldap.port" in reply["failed"]["why"]


def replies(home: Path, asked: Any, most: int = 10) -> list[Any]:
    """What the program says to *asked*, at most so many frames."""
    near, far = socket.socketpair()
    with near:
        with far:
            process = subprocess.Popen(
                [sys.executable, "-m", "appliance.directory_service"],
                stdin=far.fileno(),
                stderr=subprocess.DEVNULL,
                env={**os.environ, "VERMILION_HOME": str(home)},
            )
        try:
            near.settimeout(60)
            frames.write(near, asked)
            return [frames.read(near, limit=1 << 20) for _ in range(most)]
        finally:
            process.kill()
            process.wait()

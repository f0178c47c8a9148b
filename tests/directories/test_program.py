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

CODE = """
import socket, sys
from appliance.directory_service import program
near, far = socket.socketpair()
from appliance.confinement import frames
frames.write(near, {"kind": sys.argv[1], "arguments": {}})
program.answer(far, {"VERMILION_HOME": sys.argv[2]})
others = ("appliance.store", "appliance.wiring", "appliance.accounts", "appliance.contracts", "appliance.ledger",
          "hsm.client", "hsm.store", "pysqlite3", "sqlite3", "pyhanko", "pikepdf", "flask", "babel", "http")
print(*(name for name in sys.modules if name.startswith(others)))
print(*(name for name in sys.modules if name in ("ldap", "appliance.egress")))
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/appliance.toml").write_text("")
    return tmp_path


@pytest.mark.parametrize(("kind", "loaded"), [("users", []), ("check", [])])
def test_it_loads_neither_database_nor_documents(home: Path, kind: str, loaded: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE, kind, str(home)], capture_output=True, text=True, check=True
    )
    others, asked = done.stdout.splitlines()
    assert others.split() == [] and asked.split() == loaded


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
def test_what_is_no_request_gets_no_answer(home: Path, asked: Any) -> None:
    with pytest.raises(frames.FrameError):
        replies(home, asked)


def test_settings_that_cannot_be_read_are_told(home: Path) -> None:
    (home / "config/appliance.toml").write_text("[ldap]\nport = 1\n")
    [reply] = replies(home, {"kind": "users", "arguments": {}}, most=1)
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

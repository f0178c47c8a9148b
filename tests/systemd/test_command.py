"""The command on an appliance: the key of administrators' codes is there while it is needed, and no longer."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.systemd.conftest import UNITS

PROGRAMS = {
    "vermilion": '''echo "$@"; [ -z "${CREDENTIALS_DIRECTORY:-}" ] || cat "$CREDENTIALS_DIRECTORY/console.key"''',
    "systemd-creds": '''cp "$3" "$4"''',
    "id": "echo 0",
}


@pytest.fixture
def command(tmp_path: Path) -> Path:
    """The script as it is, in places of our own."""
    for name, does in PROGRAMS.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{does}\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "sealed").write_text("the key\n")
    (tmp_path / "run").mkdir()
    script = (UNITS / "bin/vermilion").read_text()
    for place, ours in {
        "/opt/vermilion/current/bin/vermilion": tmp_path / "vermilion",
        "/etc/credstore.encrypted/vermilion.console.key": tmp_path / "sealed",
        "/run/": f"{tmp_path}/run/",
    }.items():
        assert place in script
        script = script.replace(place, str(ours))
    (tmp_path / "script").write_text(script)
    return tmp_path / "script"


@pytest.mark.parametrize(
    ("arguments", "is_opened"),
    [
        (["approve", "0123456789ab", "--login", "shi"], True),
        (["do", "administrators.link", "--login", "wei"], True),
        (["do", "backup.now"], False),
        (["administrators", "list"], False),
        ([], False),
    ],
)
def test_the_key_is_opened_where_a_code_is_checked_or_shown(
    command: Path, arguments: list[str], is_opened: bool
) -> None:
    here = {**os.environ, "PATH": f"{command.parent}:{os.environ['PATH']}"}
    here.pop("CREDENTIALS_DIRECTORY", None)
    done = subprocess.run(["sh", command, *arguments], env=here, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[0] == " ".join(arguments)
    assert ("the key" in done.stdout) is is_opened
    assert list((command.parent / "run").iterdir()) == []

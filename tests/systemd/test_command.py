"""The command on an appliance: secrets are there while they are needed, and archives stay their user's."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from appliance.operations.backup.creating import SECRETS as BACKED_UP
from tests.systemd.conftest import UNITS

SECRETS = sorted(("backup.key", *BACKED_UP))
"""Those of the unit that makes backups, in the order of their names."""

PROGRAMS = {
    "vermilion": """echo "$@"; [ -z "${CREDENTIALS_DIRECTORY:-}" ] || cat "$CREDENTIALS_DIRECTORY"/*; exit 3""",
    "systemd-creds": '''cp "$3" "$4"''',
    "id": "echo 0",
    "chown": "",
    "setpriv": '''echo "$1 $2" >&2; while [ "${1#--}" != "$1" ]; do shift; done; exec "$@"''',
}


@pytest.fixture
def command(tmp_path: Path) -> Path:
    """The script as it is, in places of our own."""
    for name, does in PROGRAMS.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{does}\n")
        (tmp_path / name).chmod(0o755)
    sealed = tmp_path / "sealed"
    sealed.mkdir()
    for name in SECRETS:
        (sealed / f"vermilion.{name}").write_text(f"{name}\n")
    (tmp_path / "run").mkdir()
    script = (UNITS / "bin/vermilion").read_text()
    for place, ours in {
        "/opt/vermilion/current/bin/vermilion": tmp_path / "vermilion",
        "/etc/credstore.encrypted": sealed,
        "/run/": f"{tmp_path}/run/",
    }.items():
        assert place in script
        script = script.replace(place, str(ours))
    (tmp_path / "script").write_text(script)
    return tmp_path / "script"


@pytest.mark.parametrize(
    ("arguments", "opened"),
    [
        (["approve", "0123456789ab", "--login", "shi"], ["console.key"]),
        (["do", "administrators.link", "--login", "wei"], ["console.key"]),
        (["--lang", "zh", "approve", "0123456789ab", "--login", "shi"], ["console.key"]),
        (["--lang=zh", "do", "administrators.link", "--login", "wei"], ["console.key"]),
        (["--lang", "zh", "drill"], SECRETS),
        (["--lang", "zh"], []),
        (["backup", "create", "--keep-all"], SECRETS),
        (["backup", "verify"], SECRETS),
        (["backup", "prune"], SECRETS),
        (["drill"], SECRETS),
        (["directory", "sync", "--dry-run"], ["links.key"]),
        (["--lang", "zh", "directory", "sync"], ["links.key"]),
        (["directory", "check"], []),
        (["backup", "list"], []),
        (["backup", "key", "recovery.key"], []),
        (["do", "backup.now"], []),
        (["administrators", "list"], []),
        ([], []),
    ],
)
def test_secrets_are_opened_where_they_are_needed(command: Path, arguments: list[str], opened: list[str]) -> None:
    done = ran(command, arguments)
    assert done.stdout.splitlines() == [" ".join(arguments), *opened]
    assert done.returncode == 3
    assert list((command.parent / "run").iterdir()) == []
    is_operators = opened in (SECRETS, ["links.key"])
    assert done.stderr == ("--reuid=vermilion-operator --regid=vermilion\n" if is_operators else "")


def test_who_is_not_root_gets_the_program_alone(command: Path) -> None:
    (command.parent / "id").write_text("#!/bin/sh\necho 1000\n")
    done = ran(command, ["backup", "create"])
    assert (done.stdout, done.stderr, done.returncode) == ("backup create\n", "", 3)


def ran(command: Path, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """What the script prints and ends with."""
    here = {**os.environ, "PATH": f"{command.parent}:{os.environ['PATH']}"}
    here.pop("CREDENTIALS_DIRECTORY", None)
    return subprocess.run(["sh", command, *arguments], env=here, capture_output=True, text=True, check=False)

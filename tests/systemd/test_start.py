"""What starts a release puts its units, commands, users and places there, and takes away what it has not."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.systemd.conftest import UNITS

SYSTEM = "usr/local/lib/systemd/system"
COMMANDS = "usr/local/sbin"
PLACES = (
    "/opt/vermilion",
    "/var/lib/vermilion",
    "/usr/local",
    "/etc/sysusers.d",
    "/etc/tmpfiles.d",
    "/etc/vermilion",
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A machine's root directory with this release as the current one; systemd's programs write down what they are
    asked."""
    shutil.copytree(UNITS, tmp_path / "opt/vermilion/current/systemd")
    bin_ = tmp_path / "opt/vermilion/current/bin"
    bin_.mkdir()
    (bin_ / "python").symlink_to(sys.executable)
    for name in ("systemctl", "systemd-sysusers", "systemd-tmpfiles"):
        (bin_ / name).write_text(f'#!/bin/sh\necho {name} "$@" >>{tmp_path}/asked\n')
        (bin_ / name).chmod(0o755)
    for folder in (COMMANDS, "etc/vermilion"):
        (tmp_path / folder).mkdir(parents=True)
    return tmp_path


def start(root: Path) -> None:
    """The script as it is, in this root directory."""
    script = (UNITS / "bin/vermilion-start").read_text(encoding="utf-8")
    for place in PLACES:
        assert place in script
        script = script.replace(place, f"{root}{place}")
    (root / "script").write_text(script)
    here = {**os.environ, "PATH": f"{root}/opt/vermilion/current/bin:{os.environ['PATH']}"}
    # Pacemaker starts it with this umask.
    subprocess.run(["sh", root / "script"], env=here, capture_output=True, text=True, check=True, umask=0o026)


def files(folder: Path, pattern: str = "*") -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob(pattern) if path.is_file()}


def shipped() -> dict[str, bytes]:
    """The units of a release, with the drop-ins that it has for them."""
    return {name: content for name, content in files(UNITS).items() if name.startswith("vermilion")}


def test_units_and_commands_are_those_of_the_release(root: Path) -> None:
    start(root)
    assert files(root / SYSTEM) == shipped()
    assert files(root / COMMANDS) == files(UNITS / "bin")
    assert all(os.access(path, os.X_OK) for path in (root / COMMANDS).iterdir())
    asked = (root / "asked").read_text().splitlines()
    assert asked[-2:] == ["systemctl daemon-reload", "systemctl start vermilion.target"]


def test_what_another_release_had_is_gone_and_what_is_no_releases_stays(root: Path) -> None:
    start(root)
    (root / SYSTEM / "vermilion-tsa.service").write_text("of a newer release\n")
    (root / SYSTEM / "vermilion-newer.service.d").mkdir()
    (root / SYSTEM / "vermilion-newer.service.d/10-it.conf").write_text("[Service]\n")
    for name in ("vermilion-newer", "vermilion-front-certificate", "theirs"):
        (root / COMMANDS / name).write_text("#!/bin/sh\n")

    start(root)

    assert files(root / SYSTEM) == shipped()
    left = {path.name for path in (root / COMMANDS).iterdir()} - set(files(UNITS / "bin"))
    assert left == {"vermilion-front-certificate", "theirs"}


def test_nothing_is_touched_or_started_while_a_rollback_is_interrupted(root: Path) -> None:
    marker = root / "var/lib/vermilion/.rolling-back.json"
    marker.parent.mkdir(parents=True)
    marker.touch()
    with pytest.raises(subprocess.CalledProcessError) as failed:
        start(root)
    assert failed.value.stderr.startswith("vermilion-start: A rollback was interrupted;")
    assert not (root / SYSTEM).exists() and not (root / "asked").exists()


def test_what_was_put_there_is_no_change_by_hand(root: Path) -> None:
    record = root / "etc/vermilion/provisioned.json"
    other = {f"{root}/etc/vermilion/settings.yml": "0" * 64, f"{root}/{SYSTEM}/vermilion-gone.service": "1" * 64}
    record.write_text(json.dumps({"files": other}))

    start(root)

    assert record.stat().st_mode & 0o777 == 0o644, "a backup reads it, and is not root's"
    known = json.loads(record.read_bytes())["files"]
    assert known.pop(f"{root}/etc/vermilion/settings.yml") == "0" * 64
    assert f"{root}/{SYSTEM}/vermilion-gone.service" not in known
    assert {Path(path).name for path in known} >= {"vermilion-release", "vermilion.release@.service"}
    for path, digest in known.items():
        assert hashlib.sha256(Path(path).read_bytes()).hexdigest() == digest, path

"""What each node tells of its settings, and what it refuses to do by hand."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

from tests.systemd.cluster.machine import asked, cluster, program, ran, there
from tests.systemd.conftest import UNITS


@pytest.mark.skipif(
    shutil.which("systemd-creds") is None or os.geteuid() != 0, reason="root's systemd-creds seals"
)
class TestSettings:
    """By what each node tells whether its settings are the other's."""

    @staticmethod
    def seal(root: Path, content: str, name: str = "smtp.password") -> None:
        place = root / f"etc/credstore.encrypted/vermilion.{name}"
        place.parent.mkdir(exist_ok=True)
        place.unlink(missing_ok=True)
        sealing = ["systemd-creds", "encrypt", "--with-key=host", f"--name={name}", "-", str(place)]
        subprocess.run(sealing, input=content.encode(), check=True, capture_output=True)

    @staticmethod
    def digest(root: Path) -> str:
        assert cluster(root, "probe", CIB_file="/nothing")[0] == 0
        return str(json.loads((root / "run/vermilion-cluster/state.json").read_text())["settings"])

    def test_a_secret_that_is_other_on_one_node_is_found_and_told_to_nobody(self, root: Path) -> None:
        (root / "etc/corosync").mkdir()
        key = root / "etc/corosync/authkey"
        key.write_bytes(b"what the two nodes know alone")
        self.seal(root, "hunter2")
        first = self.digest(root)
        self.seal(root, "hunter2")  # as the other node has it, which has sealed it anew
        assert self.digest(root) == first
        self.seal(root, "hunter3")
        assert self.digest(root) != first
        self.seal(root, "hunter2")
        self.seal(root, "", "openid.secret")
        assert self.digest(root) != first
        (root / "etc/credstore.encrypted/vermilion.openid.secret").unlink()
        key.write_bytes(b"another key: what was told says nothing of the secret to who has not this one")
        other = self.digest(root)
        assert other != first
        kept = root / "run/vermilion-cluster/secrets.json"
        assert kept.stat().st_mode & 0o777 == 0o600
        assert not any(guess in kept.read_text() for guess in ("hunter", sha256(b"hunter2").hexdigest()))
        key.unlink()
        assert self.digest(root) not in (first, other), "what the two do not know alone proves nothing"

    def test_secrets_are_opened_once_and_again_where_that_failed(self, root: Path) -> None:
        (root / "etc/corosync").mkdir()
        (root / "etc/corosync/authkey").write_bytes(b"what the two nodes know alone")
        self.seal(root, "hunter2")
        program(root / "bin/systemd-creds", "#!/bin/sh\nexit 1\n")
        failed = self.digest(root)
        (root / "bin/systemd-creds").unlink()
        opened = self.digest(root)
        program(root / "bin/systemd-creds", "#!/bin/sh\nexit 1\n")
        assert failed != opened == self.digest(root)


class TestByHand:
    @pytest.mark.parametrize("command", ["vermilion-start", "vermilion-stop"])
    def test_the_standby_refuses_in_one_sentence(self, root: Path, command: str) -> None:
        program(root / f"usr/local/sbin/{command}", there(root, UNITS / f"bin/{command}"))
        done = ran(root, f"{root}/usr/local/sbin/{command}", mounted=False)
        assert done.returncode == 1
        assert "does not have the volume" in done.stderr and len(done.stderr.splitlines()) == 1
        assert asked(root) == ""

    def test_a_release_is_not_changed_on_one_node_alone(self, root: Path) -> None:
        program(root / "release", there(root, UNITS / "bin/vermilion-release"))
        done = ran(root, f"{root}/release", "upgrade-1.1", RUNTIME_DIRECTORY=str(root))
        assert done.returncode == 1
        assert "a node of a cluster" in (root / "told").read_text()

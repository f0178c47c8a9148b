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


def digest(root: Path) -> str:
    """By what the node tells whether its settings are the other's."""
    assert cluster(root, "probe", CIB_file="/nothing")[0] == 0
    return str(json.loads((root / "run/vermilion-cluster/state.json").read_text())["settings"])


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

    def test_a_secret_that_is_other_on_one_node_is_found_and_told_to_nobody(self, root: Path) -> None:
        (root / "etc/corosync").mkdir()
        key = root / "etc/corosync/authkey"
        key.write_bytes(b"what the two nodes know alone")
        self.seal(root, "hunter2")
        first = digest(root)
        self.seal(root, "hunter2")  # as the other node has it, which has sealed it anew
        assert digest(root) == first
        self.seal(root, "hunter3")
        assert digest(root) != first
        self.seal(root, "hunter2")
        self.seal(root, "", "openid.secret")
        assert digest(root) != first
        (root / "etc/credstore.encrypted/vermilion.openid.secret").unlink()
        key.write_bytes(b"another key: what was told says nothing of the secret to who has not this one")
        other = digest(root)
        assert other != first
        kept = root / "run/vermilion-cluster/secrets.json"
        assert kept.stat().st_mode & 0o777 == 0o600
        assert not any(guess in kept.read_text() for guess in ("hunter", sha256(b"hunter2").hexdigest()))
        key.unlink()
        assert digest(root) not in (first, other), "what the two do not know alone proves nothing"

    def test_secrets_are_opened_once_and_again_where_that_failed(self, root: Path) -> None:
        (root / "etc/corosync").mkdir()
        (root / "etc/corosync/authkey").write_bytes(b"what the two nodes know alone")
        self.seal(root, "hunter2")
        program(root / "bin/systemd-creds", "#!/bin/sh\nexit 1\n")
        failed = digest(root)
        (root / "bin/systemd-creds").unlink()
        opened = digest(root)
        program(root / "bin/systemd-creds", "#!/bin/sh\nexit 1\n")
        assert failed != opened == digest(root)


class TestFiles:
    def test_a_certificate_that_is_other_on_one_node_is_found(self, root: Path) -> None:
        """Whichever it is: the appliance's own, or one that was given, and its key, in a place of its own."""
        own, given, key = (root / name for name in ("etc/nginx/tls/own.pem", "srv/house.pem", "srv/house.key"))
        known = root / "etc/vermilion/cluster.toml"
        known.write_text(known.read_text() + f'files = ["{given}", "{key}"]\n')
        told = [digest(root)]
        for path in (own, given, key):
            path.parent.mkdir(parents=True, exist_ok=True)
            for content in ("the one of both", "renewed"):
                path.write_text(content)
                told.append(digest(root))
        assert len(set(told)) == len(told)
        own.write_text("the one of both")
        own.with_name("another.pem").symlink_to(own)
        assert digest(root) == digest(root) != told[-1], "and what is the same again is"
        own.write_text("renewed")
        assert digest(root) == told[-1], "a link is nothing that the playbook would bring to the other node"

    def test_a_node_whose_playbook_named_no_files_yet_tells_of_the_others(self, root: Path) -> None:
        """As in the middle of an upgrade."""
        before = digest(root)
        (root / "etc/nginx/tls").mkdir(parents=True)
        (root / "etc/nginx/tls/own.pem").write_text("made")
        assert "files" not in (root / "etc/vermilion/cluster.toml").read_text()
        assert digest(root) != before


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

"""DRBD's fence-peer handler: the real script of drbd-utils with Pacemaker's commands, on a CIB in a file."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import pytest

pytest.importorskip("ansible", reason="ansible-core comes with `scripts/setup lint`")

from tests.cluster.commands import ENVIRONMENT, tool
from tests.provisioning.clusters import CLUSTER
from tests.provisioning.test_cluster_configuration import configured
from tests.systemd.cluster.pacemaker import drbd_says

pytestmark = [pytest.mark.slow, tool("crm-fence-peer.sh")]

LOST = 'in_ccm="0" crmd="0" join="down" expected="member"'
CUT = 'in_ccm="0" crmd="0" join="down" expected="down"'
HELD = drbd_says("cs:WFConnection ro:Primary/Unknown ds:UpToDate/DUnknown C s-----")
WRITES = drbd_says("cs:WFConnection ro:Primary/Unknown ds:UpToDate/Outdated C r-----")


class Node:
    """node-a, which serves and has lost node-b."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.cib, self.drbd = folder, configured(folder), folder / "drbd"
        self.drbd.write_text(HELD)
        found = shutil.which("crm-fence-peer.sh", path=ENVIRONMENT["PATH"])
        for name, source in (("script", Path(str(found))), ("fence-peer", CLUSTER / "files/fence-peer")):
            text = source.read_text().replace("/proc/drbd", str(self.drbd)).replace("$(uname -n)", "node-a")
            text = text.replace("/usr/lib/drbd/crm-fence-peer.sh", str(folder / "crm-fence-peer.sh"))
            self._program("crm-fence-peer.sh" if name == "script" else name, text)
        reading = (CLUSTER / "files/cibadmin").read_text()
        path = shutil.which("cibadmin", path=ENVIRONMENT["PATH"])
        self._program("cibadmin", reading.replace("/usr/sbin/cibadmin", str(path)))
        self._program("drbdadm", f'#!/bin/sh\necho "$@" >>{folder}/asked\n')
        self.sees(LOST)

    def _program(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)
        (self.folder / name).chmod(0o755)

    def sees(self, other: str) -> None:
        """What Pacemaker says of node-b from now on, at once as a whole."""
        text = self.cib.read_text()
        before = text.partition("<status")[0]
        new = self.cib.with_suffix(".new")
        new.write_text(f'{before}<status><node_state id="2" uname="node-b" {other}/></status></cib>')
        new.replace(self.cib)

    def handler(self, seconds_ago: int = 0) -> subprocess.Popen[bytes]:
        """The handler as it is when DRBD called it so long ago: bash counts on from SECONDS."""
        environment = {
            **ENVIRONMENT,
            "PATH": f"{self.folder}:{ENVIRONMENT['PATH']}",
            "CIB_file": str(self.cib),
            "DRBD_RESOURCE": "vermilion",
            "DRBD_PEER": "node-b",
            "DRBD_MINOR": "0",
            "SECONDS": str(seconds_ago),
        }
        return subprocess.Popen([self.folder / "fence-peer"], env=environment)

    @property
    def asked(self) -> str:
        """What drbdadm was told."""
        told = self.folder / "asked"
        return told.read_text() if told.exists() else ""


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


@pytest.mark.parametrize("since", [0, 95, 86_400])
def test_it_returns_when_the_other_node_is_cut_and_not_before(node: Node, since: int) -> None:
    """By itself the script gives up after 90 s, and DRBD writes on."""
    handler = node.handler(since)
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            handler.wait(6)
        assert "drbd-fence-by-handler" not in node.cib.read_text()
        node.sees(CUT)
        assert handler.wait(30) == 7
    finally:
        handler.kill()
    assert "drbd-fence-by-handler-vermilion-volume-clone" in node.cib.read_text()


@pytest.mark.parametrize(("drbd", "asked"), [(HELD, "disconnect vermilion\nconnect vermilion\n"), (WRITES, "")])
def test_drbd_that_waits_no_longer_for_the_answer_is_made_to_ask_again(node: Node, drbd: str, asked: str) -> None:
    """drbdadm ends after ten minutes, and DRBD goes on holding every write."""
    node.sees(CUT)
    node.drbd.write_text(HELD)
    assert node.handler().wait(30) == 7
    node.drbd.write_text(drbd)
    deadline = time.monotonic() + (30 if asked else 8)
    while time.monotonic() < deadline and not (asked and node.asked == asked):
        time.sleep(0.2)
    assert node.asked == asked

"""DRBD's fence-peer handler: the real script of drbd-utils with Pacemaker's commands, on a CIB in a file."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

pytest.importorskip("ansible", reason="ansible-core comes with `scripts/setup lint`")

from tests.cluster.commands import ENVIRONMENT, tool
from tests.provisioning.clusters import CLUSTER, written
from tests.provisioning.test_cluster_configuration import configured
from tests.systemd.cluster.pacemaker import IN_SYNC, drbd_says

pytestmark = [pytest.mark.slow, tool("crm-fence-peer.sh")]

LOST = 'in_ccm="0" crmd="0" join="down" expected="member"'
BACK = 'in_ccm="1" crmd="1" join="member" expected="member"'
CUT = 'in_ccm="0" crmd="0" join="down" expected="down"'
HELD = drbd_says("cs:WFConnection ro:Primary/Unknown ds:UpToDate/DUnknown C s-----")
HELD_APART = drbd_says("cs:StandAlone ro:Primary/Unknown ds:UpToDate/DUnknown   s-----")
STANDS_BY = drbd_says("cs:WFConnection ro:Secondary/Unknown ds:UpToDate/DUnknown C r-----")
CATCHES_UP = drbd_says("cs:SyncSource ro:Primary/Secondary ds:UpToDate/Inconsistent C r-----")
OF_THE_AGENT = "--quiet --flock-required --flock-timeout 0 --unfence-only-if-owner-match"  # its unfence_extra_args
CONSTRAINT = "drbd-fence-by-handler-vermilion-volume-clone"


class Node:
    """node-a, which serves and has lost node-b."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.cib, self.drbd = folder, configured(folder), folder / "drbd"
        self.drbd.write_text(HELD)
        (folder / "lib").mkdir()
        found = shutil.which("crm-fence-peer.sh", path=ENVIRONMENT["PATH"])
        for name, source in (("script", Path(str(found))), ("fence-peer", CLUSTER / "files/fence-peer")):
            text = source.read_text().replace("/proc/drbd", str(self.drbd)).replace("$(uname -n)", "node-a")
            text = text.replace("/usr/lib/drbd/crm-fence-peer.sh", str(folder / "crm-fence-peer.sh"))
            text = text.replace("/var/lock/drbd", f"{folder}/locks").replace("/var/lib/drbd", f"{folder}/lib")
            text = text.replace("/run/vermilion-fence-peer.lock", f"{folder}/lock")
            self.program("crm-fence-peer.sh" if name == "script" else name, text)
        reading = (CLUSTER / "files/cibadmin").read_text()
        path = shutil.which("cibadmin", path=ENVIRONMENT["PATH"])
        self.program("cibadmin", reading.replace("/usr/sbin/cibadmin", str(path)))
        self.program(
            "logger",
            f"#!/bin/sh\ncase $* in *daemon.crit*) cat >> {folder}/critical;; *) cat > /dev/null;; esac\n",
        )
        self.sees(LOST)
        script = (folder / "crm-fence-peer.sh").read_text()  # which of both it is called by it knows by its name
        self.program("crm-unfence-peer.sh", script)

    def takes_back(self, handler: str) -> int:
        """The status of the *handler* of vermilion.res that takes the constraint back."""
        command = re.search(rf'^ *{handler} "(.*)";$', written("vermilion.res.j2"), re.MULTILINE)
        assert command is not None
        shell = re.sub(r"^PATH=\S+ ", "", command[1]).replace("/usr/lib/drbd", str(self.folder))
        of_the_agent = {"OCF_RESKEY_unfence_extra_args": OF_THE_AGENT} if handler == "unfence-peer" else {}
        environment = {**self._environment, **of_the_agent}
        done = subprocess.run(["sh", "-c", shell], env=environment, capture_output=True, timeout=60, check=False)
        return done.returncode

    @property
    def answers_nothing_yet(self) -> bool:
        """Whether the handler has left the file that says so of its constraint."""
        return any((self.folder / "lib").iterdir())

    @property
    def critical(self) -> str:
        """What the handler has said to the journal as critical."""
        said = self.folder / "critical"
        return said.read_text() if said.exists() else ""

    def program(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)
        (self.folder / name).chmod(0o755)

    def sees(self, other: str) -> None:
        """What Pacemaker says of node-b from now on, at once as a whole."""
        text = self.cib.read_text()
        before = text.partition("<status")[0]
        new = self.cib.with_suffix(".new")
        new.write_text(f'{before}<status><node_state id="2" uname="node-b" {other}/></status></cib>')
        new.replace(self.cib)

    @contextmanager
    def handler(self, seconds_ago: int = 0) -> Iterator[subprocess.Popen[bytes]]:
        """The handler as it is when DRBD called it so long ago: bash counts on from SECONDS. It ends with what it
        has started."""
        environment = {**self._environment, "SECONDS": str(seconds_ago)}
        begun = subprocess.Popen([self.folder / "fence-peer"], env=environment, start_new_session=True)
        try:
            yield begun
        finally:
            with suppress(ProcessLookupError):
                os.killpg(begun.pid, signal.SIGKILL)
            begun.wait()

    @property
    def _environment(self) -> dict[str, str]:
        return {
            **ENVIRONMENT,
            "PATH": f"{self.folder}:{ENVIRONMENT['PATH']}",
            "CIB_file": str(self.cib),
            "DRBD_RESOURCE": "vermilion",
            "DRBD_PEER": "node-b",
            "DRBD_MINOR": "0",
        }


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


@pytest.mark.parametrize("since", [0, 95, 86_400])
def test_it_returns_when_the_other_node_is_cut_and_not_before(node: Node, since: int) -> None:
    """By itself the script gives up after 90 s, and DRBD writes on."""
    with node.handler(since) as handler:
        with pytest.raises(subprocess.TimeoutExpired):
            handler.wait(6)
        assert CONSTRAINT not in node.cib.read_text()
        node.sees(CUT)
        assert handler.wait(30) == 7
    assert CONSTRAINT in node.cib.read_text()


@pytest.mark.parametrize("drbd", [HELD, HELD_APART])
def test_what_fails_is_tried_again(node: Node, drbd: str) -> None:
    """The script ends at once where Pacemaker does not answer, and nobody but the handler would call it again."""
    node.drbd.write_text(drbd)
    node.sees(CUT)
    away = node.cib.rename(node.folder / "away")
    with node.handler() as handler:
        with pytest.raises(subprocess.TimeoutExpired):
            handler.wait(8)
        away.rename(node.cib)
        assert handler.wait(30) == 7
    assert CONSTRAINT in node.cib.read_text()


def test_nothing_is_tried_again_once_the_other_node_is_back(node: Node) -> None:
    node.drbd.write_text(IN_SYNC)
    node.sees(BACK)
    node.program("crmadmin", '#!/bin/sh\necho "Controller on node-b in state S_NOT_DC: ok"\n')
    with node.handler() as handler:
        assert handler.wait(30) == 1
    assert CONSTRAINT not in node.cib.read_text()


def test_without_fencing_nothing_is_written(node: Node) -> None:
    """There the script takes the other node for dead at once, and for fenced when it is asked again."""
    before = node.cib.read_text()
    enabled = 'name="stonith-enabled" value="{}"'
    node.cib.write_text(before.replace(enabled.format("true"), enabled.format("false")))
    assert node.cib.read_text() != before
    with node.handler() as handler:
        with pytest.raises(subprocess.TimeoutExpired):
            handler.wait(15)
        assert "fencing is off" in node.critical
        without_fencing = node.cib.read_text()
        node.cib.write_text(without_fencing.replace(enabled.format("false"), enabled.format("true")))
        node.sees(CUT)
        assert handler.wait(45) == 7
    assert CONSTRAINT in node.cib.read_text()


@pytest.mark.parametrize(("since", "answers"), [(0, False), (70, True)])
def test_before_it_serves_a_node_does_not_wait_without_end(node: Node, since: int, answers: bool) -> None:
    """Pacemaker gives a node 90 s to begin to serve; "taken for dead" would let it."""
    node.drbd.write_text(STANDS_BY)
    with node.handler(since) as handler:
        if not answers:
            with pytest.raises(subprocess.TimeoutExpired):
                handler.wait(6)
            return
        assert handler.wait(30) == 1
    for _ in range(2):  # DRBD asks again, and what the first time left must be no answer
        with node.handler(since) as handler:
            assert handler.wait(30) == 1
    assert CONSTRAINT not in node.cib.read_text()
    node.sees(CUT)
    with node.handler() as handler:
        assert handler.wait(30) == 7
    assert CONSTRAINT in node.cib.read_text()


@pytest.mark.parametrize("handler", ["unfence-peer", "after-resync-target"])
def test_the_constraint_ends_when_both_copies_are_equal_and_not_before(node: Node, handler: str) -> None:
    node.sees(CUT)
    with node.handler() as fencing:
        assert fencing.wait(30) == 7
    others = node.cib.read_text().count("<rsc_location ")
    node.sees(BACK)
    for drbd, status, left in ((CATCHES_UP, 1, others), (IN_SYNC, 0, others - 1), (IN_SYNC, 0, others - 1)):
        node.drbd.write_text(drbd)
        assert node.takes_back(handler) == status
        text = node.cib.read_text()
        assert (CONSTRAINT in text, text.count("<rsc_location ")) == (left == others, left)


def the_constraint(of: str) -> str:
    """As crm-fence-peer.sh writes it."""
    return (
        f'<rsc_location rsc="volume-clone" id="{CONSTRAINT}"><rule role="Promoted" score="-INFINITY" id="held">'
        f'<expression attribute="#uname" operation="ne" value="{of}" id="is"/></rule></rsc_location>'
    )


def place(node: Node, of: str) -> None:
    text = node.cib.read_text()
    node.cib.write_text(text.replace("</constraints>", the_constraint(of) + "</constraints>"))


def test_a_constraint_that_answered_is_an_answer_still(node: Node) -> None:
    """The other copy may be behind since then: its own failed try must not take that back."""
    node.sees(CUT)
    with node.handler() as handler:
        assert handler.wait(30) == 7
    assert not node.answers_nothing_yet
    node.drbd.write_text(STANDS_BY)
    node.sees(LOST)
    away = node.cib.rename(node.folder / "away")
    with node.handler() as handler:
        assert handler.wait(30) == 1
    away.rename(node.cib)
    assert CONSTRAINT in node.cib.read_text()
    with node.handler() as handler:
        assert handler.wait(30) == 4
    assert CONSTRAINT in node.cib.read_text()


@pytest.mark.parametrize("drbd", [HELD, STANDS_BY])
def test_a_constraint_that_could_not_be_taken_back_is_no_answer(node: Node, drbd: str) -> None:
    """Where Pacemaker does not answer when the script has placed it for "taken for dead"."""
    node.drbd.write_text(STANDS_BY)
    reads = (node.folder / "cibadmin").read_text()
    node.program("cibadmin", reads.replace("\n", '\ncase "$*" in *--delete*) exit 1;; esac\n', 1))
    with node.handler(70) as handler:
        assert handler.wait(30) == 1
    assert CONSTRAINT in node.cib.read_text() and node.answers_nothing_yet
    with node.handler(70) as handler:
        assert handler.wait(30) == 1
    node.program("cibadmin", reads)
    node.drbd.write_text(drbd)
    with node.handler(0) as handler:
        with pytest.raises(subprocess.TimeoutExpired):
            handler.wait(4)
        assert CONSTRAINT not in node.cib.read_text()
        node.sees(CUT)
        assert handler.wait(30) == 7
    assert CONSTRAINT in node.cib.read_text() and not node.answers_nothing_yet


def test_what_a_handler_that_was_killed_has_placed_is_no_answer(node: Node) -> None:
    """DRBD asks again after a handler that was killed, such as for want of memory."""
    node.drbd.write_text(STANDS_BY)
    script = (node.folder / "crm-fence-peer.sh").read_text()
    placing = f"cibadmin --create --scope constraints --xml-text '{the_constraint('node-a')}'"
    node.program("crm-fence-peer.sh", f"#!/bin/sh\n{placing}\nkill -9 $PPID\n")
    with node.handler() as handler:
        assert handler.wait(30) == -signal.SIGKILL
    assert CONSTRAINT in node.cib.read_text()
    node.program("crm-fence-peer.sh", script)
    with node.handler(70) as handler:
        assert handler.wait(30) == 1
    assert CONSTRAINT not in node.cib.read_text()


def test_what_comes_back_after_it_was_taken_back_is_no_answer(node: Node) -> None:
    """Pacemaker answers before its own file is written; a node that loses power then starts with what that had."""
    node.drbd.write_text(STANDS_BY)
    with node.handler(70) as handler:
        assert handler.wait(30) == 1
    assert CONSTRAINT not in node.cib.read_text()
    place(node, "node-a")
    with node.handler(70) as handler:
        assert handler.wait(30) == 1
    assert CONSTRAINT not in node.cib.read_text()


def test_what_a_part_of_it_places_after_its_end_is_no_answer(node: Node) -> None:
    """The script alone is killed, and what it has started goes on."""
    script = (node.folder / "crm-fence-peer.sh").read_text()
    placing = f"cibadmin --create --scope constraints --xml-text '{the_constraint('node-a')}'"
    node.program("crm-fence-peer.sh", f"#!/bin/sh\n(sleep 3; {placing}) &\nkill -9 $$\n")
    with node.handler() as handler:
        time.sleep(2)
        node.program("crm-fence-peer.sh", script)
        with pytest.raises(subprocess.TimeoutExpired):
            handler.wait(12)
        assert CONSTRAINT not in node.cib.read_text()
        node.sees(CUT)
        assert handler.wait(45) == 7


def test_what_replaces_a_constraint_that_answered_is_no_answer(node: Node) -> None:
    """The end of a resynchronization deletes that one in between, and the script places another."""
    node.drbd.write_text(STANDS_BY)
    place(node, "node-a")
    script = (node.folder / "crm-fence-peer.sh").read_text()
    deleting = f"cibadmin --delete --xpath \"//rsc_location[@id='{CONSTRAINT}']\""
    node.program("crm-fence-peer.sh", script.replace("\n", f"\n{deleting}\n", 1))
    with node.handler(70) as handler:
        assert handler.wait(30) == 1
    node.program("crm-fence-peer.sh", script)
    with node.handler(70) as handler:
        assert handler.wait(30) == 1
    assert CONSTRAINT not in node.cib.read_text()


def test_without_its_file_it_holds_the_writes_and_says_so(node: Node) -> None:
    node.sees(CUT)
    away = (node.folder / "lib").rename(node.folder / "away")
    with node.handler() as handler:
        with pytest.raises(subprocess.TimeoutExpired):
            handler.wait(6)
        assert "cannot be written" in node.critical and CONSTRAINT not in node.cib.read_text()
        away.rename(node.folder / "lib")
        assert handler.wait(60) == 7
    assert not node.answers_nothing_yet


def test_it_does_not_answer_while_its_file_still_says_otherwise(node: Node) -> None:
    """The next one would take the constraint back, although DRBD has written on by it."""
    node.sees(CUT)
    node.program("rm", '#!/bin/sh\ncase "$*" in *unanswered) exit 1;; esac\nexec /bin/rm "$@"\n')
    with node.handler() as handler:
        with pytest.raises(subprocess.TimeoutExpired):
            handler.wait(8)
        assert "cannot be removed" in node.critical
        (node.folder / "rm").unlink()
        assert handler.wait(60) == 7
    assert CONSTRAINT in node.cib.read_text() and not node.answers_nothing_yet


def test_the_constraint_of_the_other_node_stays(node: Node) -> None:
    """It says that this copy may be the one that is behind."""
    place(node, "node-b")
    node.drbd.write_text(STANDS_BY)
    with node.handler(70) as handler:
        assert handler.wait(30) == 1
    with node.handler() as handler:
        node.sees(CUT)
        assert handler.wait(30) == 1
    assert 'value="node-b"' in node.cib.read_text()


def test_two_that_ask_at_once_do_not_answer_each_other(node: Node) -> None:
    """DRBD calls another handler where the connection breaks again; the first may still wait."""
    with node.handler() as first, node.handler() as second:
        for handler in (first, second):
            with pytest.raises(subprocess.TimeoutExpired):
                handler.wait(6)
        node.sees(CUT)
        assert {first.wait(45), second.wait(45)} == {7, 4}
    assert CONSTRAINT in node.cib.read_text() and not node.answers_nothing_yet

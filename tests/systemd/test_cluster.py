"""Two machines with one appliance: the resource agent and `vermilion-cluster`, each in a root directory of our
own, where a folder is mounted as the replicated volume would be."""

from __future__ import annotations

import json
import os
import shutil
import socket
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from appliance.cluster.parsing import parse_drbd
from tests.cluster.scenes import MADE
from tests.systemd.conftest import UNITS

OK, GENERIC, ARGUMENTS, UNIMPLEMENTED, INSTALLED, CONFIGURED, STOPPED = 0, 1, 2, 3, 5, 6, 7
"""What an agent ends with (OCF resource agent API 1.1)."""

HERE, THERE = socket.gethostname(), "another-node"
VOLUME = "var/lib/vermilion"
PLACES = (
    "/etc/corosync",
    "/etc/vermilion",
    "/etc/credstore.encrypted",
    "/etc/systemd/system",
    "/opt/vermilion",
    "/proc/drbd",
    "/run/vermilion",
    "/usr/lib/ocf",
    "/usr/local/sbin",
    "/var/lib/systemd",
    "/var/lib/vermilion",
)
UNITS_OF_TARGET = "vermilion-authority.service vermilion-web.socket vermilion-web.service"
SYSTEMCTL = """
echo "$@" >>{0}/asked
case "$1" in
list-units)
    case "$*" in *release@*) ours=vermilion.release@ ;; *) ours="vermilion-|vermilion.target" ;; esac
    ls {0}/running | grep -E "^($ours)" | sed 's/$/ loaded active running/' ;;
show) echo {1} ;;
is-failed) [ -e {0}/refused ] ;;
is-system-running) cat {0}/system 2>/dev/null || {{ echo degraded; exit 1; }} ;;
start) cd {0}/running && touch vermilion.target {1} vermilion-steward.socket ;;
stop) shift 2; cd {0}/running && for unit in "$@"; do [ -e {0}/clings ] || rm -f "$unit"; done ;;
kill) shift 2; cd {0}/running && for unit in "$@"; do [ -e {0}/dead ] || rm -f "$unit"; done ;;
esac
"""
"""A systemd that keeps a file for each unit that runs."""

START = """#!/bin/sh
[ ! -e {0}/broken ] || {{ echo "It is broken." >&2; exit 1; }}
systemctl start vermilion.target
"""


def there(root: Path, path: Path) -> str:
    """The script *path* as it is, with its places in *root*."""
    text = path.read_text(encoding="utf-8")
    for place in PLACES:
        text = text.replace(place, f"{root}{place}")
    return text


def program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A node that has the releases 1.0 and 1.1 installed, 1.0 as the current one; the volume names 1.1."""
    for name in ("volume", "running", VOLUME, "etc/vermilion", "run/vermilion", "run/vermilion-cluster"):
        (tmp_path / name).mkdir(parents=True)
    for version in ("1.0", "1.1"):
        release = tmp_path / "opt/vermilion/releases" / version
        program(release / "systemd/bin/vermilion-start", START.format(tmp_path))
        program(release / "systemd/bin/vermilion-stop", there(tmp_path, UNITS / "bin/vermilion-stop"))
        (release / ".complete").write_text("{}\n")
    (tmp_path / "opt/vermilion/current").symlink_to(tmp_path / "opt/vermilion/releases/1.0")
    program(tmp_path / "usr/local/sbin/vermilion-cluster", there(tmp_path, UNITS / "bin/vermilion-cluster"))
    program(tmp_path / "usr/lib/ocf/resource.d/vermilion/appliance", there(tmp_path, UNITS / "cluster/appliance"))
    program(tmp_path / "bin/systemctl", f"#!/bin/sh{SYSTEMCTL.format(tmp_path, UNITS_OF_TARGET)}")
    (tmp_path / "volume/release").write_text("1.1\n")
    (tmp_path / "etc/vermilion/cluster.toml").write_text(
        f'name = "contracts"\nnodes = ["{HERE}", "{THERE}"]\naddress = "192.0.2.10"\nresource = "vermilion"\n'
    )
    return tmp_path


def ran(root: Path, *command: str, mounted: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
    """What *command* says where the volume is *mounted*, or is not."""
    mount = 'mount --bind "$0/volume" "$0/var/lib/vermilion" && ' if mounted else ""
    apart = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    here = {**os.environ, "PATH": f"{root}/bin:{os.environ['PATH']}", **environment}
    return subprocess.run(
        [*apart, "sh", "-c", f'{mount} exec "$@"', root, *command],
        env=here,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def agent(root: Path, action: str, *, mounted: bool = True, **parameters: str) -> tuple[int, str]:
    """The status that the agent ends with, and its exit reason."""
    given = {
        f"OCF_RESKEY_{name}": value for name, value in {"patience": "0", "serving": "0", **parameters}.items()
    }
    path = str(root / "usr/lib/ocf/resource.d/vermilion/appliance")
    done = ran(root, path, action, mounted=mounted, OCF_RESOURCE_INSTANCE="appliance", **given)
    reasons = [line for line in done.stderr.splitlines() if line.startswith("ocf-exit-reason:")]
    return done.returncode, "".join(reasons).removeprefix("ocf-exit-reason:")


def cluster(root: Path, *arguments: str, mounted: bool = True, **environment: str) -> tuple[int, str]:
    """The status of the command, and what it says."""
    done = ran(root, f"{root}/usr/local/sbin/vermilion-cluster", *arguments, mounted=mounted, **environment)
    return done.returncode, (done.stdout + done.stderr).strip()


def running(root: Path) -> set[str]:
    return {path.name for path in (root / "running").iterdir()}


def asked(root: Path) -> str:
    return (root / "asked").read_text() if (root / "asked").exists() else ""


def history(root: Path) -> list[dict[str, str]]:
    path = root / "volume/cluster/history.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


class _Authority(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        length = int.from_bytes(self.rfile.read(4), "big")
        assert self.rfile.read(length) == b"\xa2\x62op\x66status\x64args\xa0"
        self.wfile.write(b"\0\0\0\x05\xa1\x62ok\xf6")


class _Portal(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/livez" else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass

    def address_string(self) -> str:
        return "here"


@contextmanager
def answering(root: Path, *names: str) -> Iterator[None]:
    """Something answers on these sockets as the real ones do (which another test asks)."""
    kinds = {"authority-operator": _Authority, "web": _Portal}
    with ExitStack() as stack:
        for name in names:
            path = root / f"run/vermilion/{name}.sock"
            path.unlink(missing_ok=True)
            server = stack.enter_context(socketserver.ThreadingUnixStreamServer(str(path), kinds[name]))
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
            stack.callback(server.shutdown)
        yield


BOTH = ("authority-operator", "web")


class TestAgent:
    def test_it_describes_itself(self, root: Path) -> None:
        done = ran(root, str(UNITS / "cluster/appliance"), "meta-data", mounted=False)
        found = ElementTree.fromstring(done.stdout)  # noqa: S314 - our own agent's
        assert (done.returncode, found.get("name")) == (OK, "appliance")
        wanted = {"start", "stop", "monitor", "meta-data", "validate-all"}
        assert {each.get("name") for each in found.iterfind("actions/action")} == wanted
        assert {each.get("name") for each in found.iterfind("parameters/parameter")} == {"patience", "serving"}

    def test_what_it_does_not_know_is_unimplemented(self, root: Path) -> None:
        assert agent(root, "promote")[0] == UNIMPLEMENTED
        assert agent(root, "")[0] == ARGUMENTS

    def test_a_machine_that_is_no_node_and_a_wrong_number_are_refused(self, root: Path) -> None:
        assert agent(root, "validate-all") == (OK, "")
        status, why = agent(root, "validate-all", patience="soon")
        assert (status, "'soon'" in why) == (CONFIGURED, True)
        (root / "etc/vermilion/cluster.toml").unlink()
        status, why = agent(root, "validate-all")
        assert (status, "this machine is no node of a cluster" in why) == (INSTALLED, True)

    def test_it_starts_the_release_that_the_volume_names(self, root: Path) -> None:
        (root / "volume/health").mkdir()
        seen = root / "volume/health/health.db-wal"
        seen.write_bytes(b"")
        os.utime(seen, (1_700_000_000, 1_700_000_000))
        assert agent(root, "monitor") == (STOPPED, "")
        with answering(root, *BOTH):
            assert agent(root, "start") == (OK, "")
            assert agent(root, "monitor") == (OK, "")
        assert (root / "opt/vermilion/current").readlink() == Path("releases/1.1")
        [line] = history(root)
        assert (line["event"], line["node"], line["why"]) == ("serving", HERE, "start")
        assert datetime.fromisoformat(line["last_seen"]) == datetime.fromtimestamp(1_700_000_000, UTC)
        assert oct((root / "volume/cluster/history.jsonl").stat().st_mode)[-3:] == "644"

    def test_backups_and_drills_are_due_by_the_volume_and_not_by_the_node(self, root: Path) -> None:
        """Their timers catch up: on a node that was the standby for weeks, all at once after a failover."""
        (root / "volume/state").mkdir()
        made = root / "volume/state/backup.json"
        made.write_text("{}\n")
        os.utime(made, (1_700_000_000, 1_700_000_000))
        stamps = root / "var/lib/systemd/timers"
        stamps.mkdir(parents=True)
        (stamps / "stamp-vermilion-backup.timer").touch()
        with answering(root, *BOTH):
            agent(root, "start")
        assert (stamps / "stamp-vermilion-backup.timer").stat().st_mtime == 1_700_000_000
        assert not (stamps / "stamp-vermilion-drill.timer").exists(), "none was made yet"
        assert (stamps / "stamp-vermilion-diagnose.timer").exists(), "its timer would catch up at once"

    def test_a_start_of_what_runs_changes_nothing(self, root: Path) -> None:
        with answering(root, *BOTH):
            agent(root, "start")
            before = asked(root).count("start vermilion.target")
            assert agent(root, "start") == (OK, "")
        assert asked(root).count("start vermilion.target") == before
        assert len(history(root)) == 1

    def test_it_starts_nothing_without_the_volume(self, root: Path) -> None:
        status, why = agent(root, "start", mounted=False)
        assert (status, "is not mounted on this node" in why) == (GENERIC, True)
        assert running(root) == set()
        assert agent(root, "monitor", mounted=False)[0] == STOPPED

    @pytest.mark.parametrize(
        ("named", "sentence"),
        [
            (None, "The volume names no release"),
            ("2.0\n", "Release 2.0, which the volume names, is not installed on this node"),
            ("../1.0\n", "is not the name of a release"),
            ("\n", "is not the name of a release"),
        ],
    )
    def test_a_release_that_is_not_there_is_named_and_nothing_starts(
        self, root: Path, named: str | None, sentence: str
    ) -> None:
        (root / "volume/release").unlink()
        if named is not None:
            (root / "volume/release").write_text(named)
        status, why = agent(root, "start")
        assert (status, sentence in why) == (INSTALLED, True), why
        assert running(root) == set()
        assert (root / "opt/vermilion/current").readlink().name == "1.0"

    @pytest.mark.parametrize("left", [".restoring.json", "secrets"])
    def test_half_a_backup_is_not_started(self, root: Path, left: str) -> None:
        (root / "volume" / left).touch()
        status, why = agent(root, "start")
        assert (status, "--playbook cluster_restore" in why) == (INSTALLED, True), why
        assert running(root) == set()

    def test_a_release_that_was_not_completed_is_not_installed(self, root: Path) -> None:
        (root / "opt/vermilion/releases/1.1/.complete").unlink()
        assert agent(root, "start")[0] == INSTALLED

    def test_a_start_that_fails_says_why(self, root: Path) -> None:
        (root / "broken").touch()
        assert agent(root, "start") == (GENERIC, "Release 1.1 did not start: It is broken.")
        (root / "broken").unlink()
        with answering(root, "web"):
            status, why = agent(root, "start")
        assert (status, "The authority does not answer" in why) == (GENERIC, True)
        assert history(root) == []

    def test_a_volume_that_a_witness_refuses_is_told_at_once(self, root: Path) -> None:
        (root / "refused").touch()
        status, why = agent(root, "start", serving="600")
        assert (status, "an outside witness knows more of the log" in why) == (GENERIC, True)

    def test_a_history_that_cannot_be_written_keeps_nobody_from_reading(self, root: Path) -> None:
        """The volume is full on either node: who refused to start there would end all service."""
        (root / "volume/cluster").write_text("")
        with answering(root, *BOTH):
            assert agent(root, "start") == (OK, "")
            assert agent(root, "monitor") == (OK, "")
        assert agent(root, "stop") == (OK, "")

    def test_a_part_that_is_gone_is_waited_for_and_then_a_failure(self, root: Path) -> None:
        with answering(root, *BOTH):
            agent(root, "start")
        with answering(root, "authority-operator"):
            status, why = agent(root, "monitor", CRM_meta_interval="10000")
            assert (status, "The portal does not answer" in why) == (GENERIC, True)
            back = threading.Timer(2, lambda: stack.enter_context(answering(root, "web")))
            with ExitStack() as stack:
                back.start()
                assert agent(root, "monitor", patience="60", CRM_meta_interval="10000") == (OK, "")
                back.join()

    def test_what_runs_on_both_nodes_is_no_appliance(self, root: Path) -> None:
        both = {"vermilion-time.timer", "vermilion-front-certificate.timer", "vermilion-cluster.service"}
        for name in (*both, "vermilion-alarm@vermilion-time.service.service"):
            (root / "running" / name).touch()
        assert agent(root, "monitor", mounted=False) == (STOPPED, "")
        assert agent(root, "stop", mounted=False) == (OK, "")
        assert running(root) == both

    def test_units_that_run_without_the_volume_are_a_failure(self, root: Path) -> None:
        (root / "running/vermilion-web.service").touch()
        status, why = agent(root, "monitor", mounted=False)
        assert (status, "which has not mounted" in why) == (GENERIC, True)

    def test_it_stops_everything_but_what_looks_at_the_cluster(self, root: Path) -> None:
        with answering(root, *BOTH):
            agent(root, "start")
        for name in ("vermilion-backup.service", "vermilion-alarm@x.service", "vermilion-capture@1.service"):
            (root / "running" / name).touch()
        (root / "running/vermilion-cluster.timer").touch()
        assert agent(root, "stop") == (OK, "")
        assert running(root) == {"vermilion-cluster.timer"}
        assert agent(root, "monitor") == (STOPPED, "")
        assert [line["event"] for line in history(root)] == ["serving", "stopped"]

    def test_while_the_machine_shuts_down_it_waits_for_no_socket(self, root: Path) -> None:
        """systemd ends sockets and timers after Pacemaker then, which waits for the agent."""
        with answering(root, *BOTH):
            agent(root, "start")
        (root / "running/vermilion-capture@1.service").touch()
        (root / "system").write_text("stopping\n")
        assert agent(root, "stop") == (OK, "")
        stopped = [line for line in asked(root).splitlines() if line.startswith("stop ")]
        assert len(stopped) == 2 and all("--job-mode=ignore-dependencies" in line for line in stopped)

    def test_a_stop_of_what_does_not_run_succeeds_and_is_no_history(self, root: Path) -> None:
        for mounted in (True, False):
            assert agent(root, "stop", mounted=mounted) == (OK, "")
        assert history(root) == []

    def test_what_clings_is_killed_and_what_survives_that_fails_the_stop(self, root: Path) -> None:
        with answering(root, *BOTH):
            agent(root, "start")
        (root / "clings").touch()
        (root / "dead").touch()
        status, why = agent(root, "stop")
        assert (status, "These do not end: vermilion" in why) == (GENERIC, True), "Pacemaker fences this node then"
        (root / "dead").unlink()
        assert agent(root, "stop") == (OK, "")

    def test_ocf_tester_has_nothing_to_say_against_it(self, root: Path) -> None:
        tester = shutil.which("ocf-tester", path=f"{os.environ['PATH']}:/usr/sbin")
        if tester is None or shutil.which("xmllint") is None or os.geteuid() != 0:
            pytest.skip("it takes root, ocf-tester (Debian: resource-agents) and xmllint")
        # It also calls the agent as nobody, who does not get through to our folder.
        shown = 'mount --bind "$1" /mnt; shift; exec "$@"'
        folder = str(root / "usr/lib/ocf/resource.d/vermilion")
        command = [tester, "-n", "appliance", "-o", "patience=0", "-o", "serving=5", "/mnt/appliance"]
        with answering(root, *BOTH):
            done = ran(root, "sh", "-c", shown, "sh", folder, *command)
        assert done.returncode == 0, done.stdout + done.stderr


class TestHistory:
    @pytest.mark.parametrize(
        ("before", "why"),
        [
            ([], "start"),
            ([("stopped", HERE)], "start"),
            ([("serving", HERE)], "start"),
            ([("serving", THERE)], "failover"),
            ([("stopped", THERE)], "failover"),
        ],
    )
    def test_a_start_on_another_node_than_before_is_a_failover(
        self, root: Path, before: list[tuple[str, str]], why: str
    ) -> None:
        (root / "volume/cluster").mkdir()
        lines = [json.dumps({"event": event, "node": node}) for event, node in before]
        (root / "volume/cluster/history.jsonl").write_text("".join(f"{line}\n" for line in lines))
        assert cluster(root, "note", "serving") == (0, "")
        assert history(root)[-1]["why"] == why

    def test_what_was_planned_is_said_at_both_ends_and_counts_once(self, root: Path) -> None:
        (root / "volume/cluster").mkdir()
        plan = {"why": "drill", "by": "0123456789ab", "at": datetime.now(UTC).isoformat(), "to": THERE}
        (root / "volume/cluster/planned.json").write_text(json.dumps(plan))
        for event in ("stopped", "serving", "stopped"):
            cluster(root, "note", event)
        assert [(line["why"], line.get("by")) for line in history(root)] == [
            ("drill", "0123456789ab"),
            ("drill", "0123456789ab"),
            ("failover", None),
        ]

    def test_a_plan_of_long_ago_explains_nothing(self, root: Path) -> None:
        (root / "volume/cluster").mkdir()
        plan = {"why": "drill", "by": "wei", "at": "2026-01-01T00:00:00+00:00", "to": HERE}
        for text in (json.dumps(plan), "{", "[]"):
            (root / "volume/cluster/planned.json").write_text(text)
            cluster(root, "note", "stopped")
        assert {line["why"] for line in history(root)} == {"failover"}

    def test_a_line_that_a_power_cut_has_torn_stays_alone(self, root: Path) -> None:
        (root / "volume/cluster").mkdir()
        path = root / "volume/cluster/history.jsonl"
        path.write_text('{"event": "serving", "node": "x"}\n{"event": "sto')
        cluster(root, "note", "serving")
        lines = path.read_text().splitlines()
        assert lines[1] == '{"event": "sto'
        assert json.loads(lines[2])["why"] == "failover"


CONFIGURATION = """<cib validate-with="pacemaker-3.9" admin_epoch="0" epoch="1" num_updates="0" have-quorum="1"
 dc-uuid="1">
<configuration>
<crm_config><cluster_property_set id="options">
<nvpair id="options-fencing" name="stonith-enabled" value="true"/>
<nvpair id="options-quorum" name="no-quorum-policy" value="ignore"/>
</cluster_property_set></crm_config>
<nodes><node id="1" uname="{here}"/><node id="2" uname="{there}"/></nodes>
<resources>
<primitive id="fence-{here}" class="stonith" type="fence_ipmilan"/>
<primitive id="fence-{there}" class="stonith" type="fence_ipmilan"/>
<clone id="volume-clone">
<meta_attributes id="volume-meta"><nvpair id="volume-promotable" name="promotable" value="true"/></meta_attributes>
<primitive id="volume" class="ocf" provider="linbit" type="drbd"/>
</clone>
<group id="vermilion">
<primitive id="filesystem" class="ocf" provider="heartbeat" type="Filesystem"/>
<primitive id="address" class="ocf" provider="heartbeat" type="IPaddr2"/>
<primitive id="appliance" class="ocf" provider="vermilion" type="appliance"/>
<primitive id="front" class="systemd" type="nginx"/>
</group>
</resources>
<constraints>
<rsc_location id="there-first" rsc="fence-{there}" node="{there}" score="-INFINITY"/>
<rsc_location id="here-first" rsc="fence-{here}" node="{here}" score="-INFINITY"/>
<rsc_colocation id="c" rsc="vermilion" with-rsc="volume-clone" with-rsc-role="Promoted" score="INFINITY"/>
<rsc_order id="o" first="volume-clone" first-action="promote" then="vermilion" then-action="start"/>
</constraints>
<rsc_defaults><meta_attributes id="defaults">
<nvpair id="defaults-sticky" name="resource-stickiness" value="200"/>
</meta_attributes></rsc_defaults>
</configuration>
<status>{states}</status>
</cib>"""
"""What ha.yml has Pacemaker do, as far as the switch depends on it."""

STATE = """<node_state id="{id}" uname="{name}" in_ccm="{up}" crmd="{up}" join="{join}" expected="{join}">
<transient_attributes id="{id}"><instance_attributes id="status-{id}">
<nvpair id="status-{id}-volume" name="master-volume" value="{score}"/>
<nvpair id="status-{id}-ready" name="vermilion-ready" value="{ready}"/>
<nvpair id="status-{id}-settings" name="vermilion-settings" value="{settings}"/>
</instance_attributes></transient_attributes></node_state>"""


def drbd_says(device: str, differing: int = 0) -> str:
    """``/proc/drbd`` of DRBD 8.4 with one device, and by how many KiB the copies differ."""
    counts = f"    ns:9 nr:0 dw:9 dr:2 al:1 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:{differing}"
    return f"version: 8.4.11 (api:1/proto:86-101)\n 0: {device}\n{counts}\n"


IN_SYNC = drbd_says("cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate C r-----")

needs_pacemaker = pytest.mark.skipif(
    shutil.which("crm_simulate") is None, reason="Pacemaker's commands (pacemaker-cli-utils) are not installed"
)


class Pacemaker:
    """Pacemaker's own commands and its scheduler on a CIB in a file: who decides is real, what it decides is done
    as if all agents succeeded (``crm_simulate``)."""

    def __init__(self, root: Path) -> None:
        self.root, self.cib = root, root / "cib.xml"
        digest = cluster(root, "probe", CIB_file=str(self.cib))  # fails to reach Pacemaker, and says what it is
        assert digest == (0, ""), digest
        self.digest = json.loads((root / "run/vermilion-cluster/state.json").read_text())["settings"]

    def form(self, *, ready: str = "yes", settings: str = "", up: bool = True) -> None:
        """The appliance serves here; the other node is as is said."""
        states = STATE.format(
            id=1, name=HERE, up=1700000000, join="member", score=10001, ready="yes", settings=self.digest
        )
        states += STATE.format(
            id=2,
            name=THERE,
            up=1700000000 if up else 0,
            join="member" if up else "down",
            score=10000,
            ready=ready,
            settings=settings or self.digest,
        )
        self.cib.write_text(CONFIGURATION.format(here=HERE, there=THERE, states=states))
        self.settle()

    def settle(self) -> None:
        """What the scheduler wants is done."""
        fresh = self.cib.with_suffix(".fresh")
        command = ["crm_simulate", "--xml-file", str(self.cib), "--simulate", "--save-output", str(fresh)]
        subprocess.run(command, check=True, capture_output=True, env=self._environment)
        fresh.rename(self.cib)

    def active(self) -> str | None:
        told = subprocess.run(
            ["crm_mon", "--output-as=xml"], check=True, capture_output=True, env=self._environment
        ).stdout
        found = ElementTree.fromstring(told).find(".//resource[@id='appliance']/node")  # noqa: S314 - Pacemaker's
        return None if found is None else found.get("name")

    def constraints(self) -> str:
        command = ["cibadmin", "--query", "--scope", "constraints"]
        return subprocess.run(command, check=True, capture_output=True, text=True, env=self._environment).stdout

    def run(self, *arguments: str, mounted: bool = True) -> tuple[int, str]:
        return cluster(self.root, *arguments, mounted=mounted, CIB_file=str(self.cib))

    @property
    def _environment(self) -> dict[str, str]:
        return {**os.environ, "CIB_file": str(self.cib)}


@pytest.fixture
def pacemaker(root: Path) -> Pacemaker:
    (root / "proc").mkdir()
    (root / "proc/drbd").write_text(IN_SYNC)
    made = Pacemaker(root)
    made.form()
    assert made.active() == HERE
    return made


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


@needs_pacemaker
class TestSwitchOver:
    @pytest.mark.parametrize(("arguments", "why"), [((), "switch-over"), (("--drill",), "drill")])
    def test_the_standby_takes_over_and_nothing_of_it_is_left(
        self, pacemaker: Pacemaker, arguments: tuple[str, ...], why: str
    ) -> None:
        plan = pacemaker.root / "volume/cluster/planned.json"
        noted: list[dict[str, str]] = []
        settled = threading.Event()

        def settle() -> None:
            while not settled.wait(0.2):
                if "cli-prefer" in pacemaker.constraints():
                    noted.append(json.loads(plan.read_text()))
                    assert "PT" not in pacemaker.constraints() and "date_expression" in pacemaker.constraints()
                    pacemaker.settle()
                    return

        thread = threading.Thread(target=settle)
        thread.start()
        try:
            status, said = pacemaker.run("switch-over", *arguments, "--by", "0123456789ab", "--wait", "60")
        finally:
            settled.set()
            thread.join()
        assert (status, said) == (0, f"{THERE} serves.")
        assert pacemaker.active() == THERE
        assert "cli-" not in pacemaker.constraints()
        [planned] = noted
        assert (planned["why"], planned["by"], planned["to"]) == (why, "0123456789ab", THERE)
        pacemaker.settle()
        assert pacemaker.active() == THERE, "it does not go back by itself"

    def test_one_that_does_not_happen_is_taken_back(self, pacemaker: Pacemaker) -> None:
        status, said = pacemaker.run("switch-over", "--wait", "2")
        assert (status, said) == (1, f"{THERE} did not serve within 2 seconds; see `crm_mon -1` for what failed.")
        assert "cli-" not in pacemaker.constraints()
        assert not (pacemaker.root / "volume/cluster/planned.json").exists()

    @pytest.mark.parametrize(
        ("drbd", "why"),
        [
            (drbd_says("cs:WFConnection ro:Primary/Unknown ds:UpToDate/DUnknown C r-----"), "UpToDate/DUnknown"),
            (drbd_says("cs:SyncSource ro:Primary/Secondary ds:UpToDate/Inconsistent C r-----"), "SyncSource"),
            (drbd_says("cs:StandAlone ro:Primary/Unknown ds:UpToDate/DUnknown   r-----"), "StandAlone"),
            (drbd_says("cs:Connected ro:Primary/Secondary ds:Diskless/Outdated C r-----"), "Diskless/Outdated"),
            (drbd_says("cs:WFConnection ro:Primary/Unknown ds:Diskless/DUnknown C r-----"), "Diskless/DUnknown"),
            (drbd_says("cs:Connected ro:Primary/Secondary ds:UpToDate/Diskless C r-----"), "UpToDate/Diskless"),
            (drbd_says("cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate C r-----", 12), "in 12 KiB"),
        ],
    )
    def test_a_volume_that_is_not_the_same_on_both_is_not_moved(
        self, pacemaker: Pacemaker, drbd: str, why: str
    ) -> None:
        assert not parse_drbd(drbd).lets_take_over  # as the console reads it
        (pacemaker.root / "proc/drbd").write_text(drbd)
        status, said = pacemaker.run("switch-over", "--by", "0123456789ab")
        assert (status, why in said) == (1, True), said
        refused = json.loads((pacemaker.root / "run/vermilion-cluster/refused-0123456789ab.json").read_text())
        assert (refused["by"], refused["why"]) == ("0123456789ab", said)
        assert "cli-" not in pacemaker.constraints()

    def test_it_moves_off_a_disk_that_has_failed(self, pacemaker: Pacemaker) -> None:
        """Everything has been written to the other node's since, and this one has to be opened."""
        drbd = drbd_says("cs:Connected ro:Primary/Secondary ds:Diskless/UpToDate C r-----")
        assert parse_drbd(drbd).lets_take_over and not parse_drbd(drbd).is_equal
        (pacemaker.root / "proc/drbd").write_text(drbd)
        assert "did not serve within 1 seconds" in pacemaker.run("switch-over", "--wait", "1")[1]

    @pytest.mark.parametrize(
        ("state", "sentence"),
        [
            ({"up": False}, "is not there"),
            ({"ready": "Release 1.1, which serves, is not installed here."}, "Release 1.1, which serves, is not"),
            ({"settings": "0" * 64}, "differ from those here"),
        ],
    )
    def test_a_standby_that_could_not_serve_gets_nothing(
        self, pacemaker: Pacemaker, state: dict[str, Any], sentence: str
    ) -> None:
        pacemaker.form(**state)
        status, said = pacemaker.run("switch-over")
        assert (status, sentence in said) == (1, True), said
        assert "cli-" not in pacemaker.constraints()

    def test_a_restore_that_broke_off_goes_back_to_who_has_its_secrets(self, pacemaker: Pacemaker) -> None:
        """Their secrets differ, and have to: the playbook makes them equal once that node serves."""
        pacemaker.form(settings="0" * 64)
        marker = pacemaker.root / "volume/.restored"
        for content in ("", f"5f3a {HERE}\n"):
            marker.write_text(content)
            assert "differ from those here" in pacemaker.run("switch-over")[1]
        marker.write_text(f"5f3a {THERE}\n")
        assert "did not serve within 1 seconds" in pacemaker.run("switch-over", "--wait", "1")[1]

    def test_a_plan_that_cannot_be_written_moves_nothing(self, pacemaker: Pacemaker) -> None:
        (pacemaker.root / "volume/cluster").write_text("")
        status, said = pacemaker.run("switch-over", "--by", "0123456789ab")
        assert (status, said.endswith("Nothing was moved.")) == (1, True), said
        refused = json.loads((pacemaker.root / "run/vermilion-cluster/refused-0123456789ab.json").read_text())
        assert refused["why"] == said
        assert "cli-" not in pacemaker.constraints()

    def test_without_fencing_nothing_is_moved(self, pacemaker: Pacemaker) -> None:
        text = pacemaker.cib.read_text()
        pacemaker.cib.write_text(
            text.replace('name="stonith-enabled" value="true"', 'name="stonith-enabled" value="0"')
        )
        status, said = pacemaker.run("switch-over")
        assert (status, "Without fencing" in said) == (1, True), said

    def test_it_is_said_where_the_appliance_serves(self, pacemaker: Pacemaker) -> None:
        status, said = pacemaker.run("switch-over", mounted=False)
        assert (status, said) == (1, f"The appliance serves on {HERE}: say this there.")

    def test_a_change_of_release_is_not_cut_off(self, pacemaker: Pacemaker) -> None:
        (pacemaker.root / "running/vermilion.release@upgrade-2.0.service").touch()
        status, said = pacemaker.run("switch-over")
        assert (status, "A change of release is under way" in said) == (1, True), said

    def test_it_waits_until_a_machine_is_replaced(self, pacemaker: Pacemaker) -> None:
        (pacemaker.root / "etc/corosync").mkdir()
        (pacemaker.root / "etc/corosync/vermilion.replacing").touch()
        status, said = pacemaker.run("switch-over", "--by", "0123456789ab")
        assert (status, "`install --cluster INVENTORY --playbook cluster_replace` to its end" in said) == (1, True)
        refused = json.loads((pacemaker.root / "run/vermilion-cluster/refused-0123456789ab.json").read_text())
        assert refused["why"] == said, "the console tells it, too"
        pacemaker.form(up=False)
        assert "is not there" in pacemaker.run("switch-over", "--replacing")[1], "the playbook comes further"

    def test_whoever_stops_it_by_hand_pauses_it_first(self, pacemaker: Pacemaker) -> None:
        root = pacemaker.root
        program(root / "usr/local/sbin/vermilion-stop", there(root, UNITS / "bin/vermilion-stop"))
        stop = (f"{root}/usr/local/sbin/vermilion-stop",)
        refused = ran(root, *stop, CIB_file=str(pacemaker.cib))
        assert (refused.returncode, "vermilion-cluster pause" in refused.stderr) == (1, True)
        assert "stop" not in asked(root)

        assert pacemaker.run("pause")[0] == 0
        assert ran(root, *stop, CIB_file=str(pacemaker.cib)).returncode == 0
        assert "stop --job-mode=replace vermilion.target" in asked(root)
        status, said = pacemaker.run("switch-over")
        assert (status, "is paused" in said) == (1, True), said
        assert "paused" in pacemaker.run("status")[1]

        for _ in range(2):  # what is not paused may be resumed as well
            said = pacemaker.run("resume")[1]
            assert "--cleanup" in said, "to clean up is the next step, which a CIB in a file ends at"
        assert "paused" not in pacemaker.run("status")[1]

    @staticmethod
    def corosync(root: Path, scene: str) -> None:
        """Corosync says what it says in the *scene*."""
        told = MADE[scene]()
        for name, of in (("corosync-cfgtool", "rings"), ("corosync-quorumtool", "quorum")):
            (root / of).write_text(told[of])
            program(root / f"bin/{name}", f"#!/bin/sh\ncat {root}/{of}\n")

    def test_the_status_is_some_lines(self, pacemaker: Pacemaker) -> None:
        self.corosync(pacemaker.root, "healthy")
        status, said = pacemaker.run("status")
        assert status == 0
        assert said.splitlines() == [
            "cluster contracts: 192.0.2.10",
            f"{HERE}: active, online; ready: yes (this node)",
            f"{THERE}: standby, online; ready: yes",
            "volume: the same on both nodes",
            "fencing: ready",
            "quorum: yes",
            "rings: 10.77.1.11 to 10.77.1.12 connected, 10.77.2.11 to 10.77.2.12 connected",
            "settings: the same on both nodes",
        ]
        (pacemaker.root / "etc/corosync").mkdir()
        (pacemaker.root / "etc/corosync/vermilion.replacing").touch()
        assert "--playbook cluster_replace` until it has ended" in pacemaker.run("status")[1]

    def test_the_status_says_what_is_missing(self, pacemaker: Pacemaker) -> None:
        root, known = pacemaker.root, pacemaker.root / "etc/vermilion/cluster.toml"
        known.write_text(f'{known.read_text()}arbiter = "arbiter.enterprise.example"\n')
        for scene, votes in (("arbiter", "votes"), ("arbiter-gone", "gives no vote")):
            self.corosync(root, scene)
            assert f"arbiter: arbiter.enterprise.example {votes}" in pacemaker.run("status")[1].splitlines()
        self.corosync(root, "ring-down")
        pacemaker.form(settings="0" * 64)
        said = pacemaker.run("status")[1]
        assert "10.77.1.12 connected, 10.77.2.11 to 10.77.2.12 interrupted" in said
        assert f"settings: other on {THERE}; run `install --cluster INVENTORY`" in said
        self.corosync(root, "peer-off")
        assert "rings: the other node is seen by none" in pacemaker.run("status")[1]

    def test_the_probe_leaves_what_they_say_and_what_has_to_be_equal(self, pacemaker: Pacemaker) -> None:
        root, path = pacemaker.root, pacemaker.root / "run/vermilion-cluster/state.json"
        assert pacemaker.run("probe") == (0, "")
        state = json.loads(path.read_text())
        assert {"at", "node", "crm_mon", "drbd", "rings", "quorum", "settings"} <= set(state)
        assert (state["node"], state["drbd"]) == (HERE, IN_SYNC)
        assert ElementTree.fromstring(state["crm_mon"]).tag == "pacemaker-result"  # noqa: S314 - Pacemaker's
        assert "rings" in state["problems"], "Corosync does not run here"
        assert oct(path.stat().st_mode)[-3:] == "644"
        (root / "etc/credstore.encrypted").mkdir()
        changes = {
            "etc/vermilion/appliance.toml": True,
            "etc/credstore.encrypted/vermilion.web.key": True,
            "opt/vermilion/releases/1.2/.complete": False,
            "etc/vermilion/provisioned.json": False,
            "etc/vermilion/fence-proven.json": False,
            "etc/vermilion/fence-begun.json": False,
        }
        for name, counts in changes.items():
            before = json.loads(path.read_text())["settings"]
            (root / name).parent.mkdir(exist_ok=True)
            (root / name).write_text("changed\n")
            pacemaker.run("probe")
            assert (json.loads(path.read_text())["settings"] != before) is counts, name
        before = json.loads(path.read_text())["settings"]
        (root / "opt/vermilion/current").unlink()
        (root / "opt/vermilion/current").symlink_to("releases/1.2")
        pacemaker.run("probe")
        assert json.loads(path.read_text())["settings"] != before, "the release that would be started"


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

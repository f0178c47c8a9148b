"""The resource agent by which Pacemaker starts, watches and stops the appliance, and the history that it keeps."""

from __future__ import annotations

import json
import os
import shutil
import threading
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.systemd.cluster.machine import (
    ARGUMENTS,
    BOTH,
    CONFIGURED,
    GENERIC,
    HERE,
    INSTALLED,
    OK,
    STOPPED,
    THERE,
    UNIMPLEMENTED,
    agent,
    answering,
    asked,
    cluster,
    history,
    ran,
    running,
)
from tests.systemd.cluster.pacemaker import drbd_says
from tests.systemd.conftest import UNITS


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

    def test_while_a_rollback_is_interrupted_nothing_starts(self, root: Path) -> None:
        (root / "volume/.rolling-back.json").touch()
        status, why = agent(root, "start")
        assert (status, "--playbook cluster_rollback" in why) == (INSTALLED, True), why
        assert "where the other machine is lost, by `vermilion rollback` while it is paused" in why
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

    def test_what_hangs_because_drbd_holds_every_write_is_no_failure(self, root: Path) -> None:
        """A write that hangs cannot be stopped; Pacemaker would end in a cut of the node that serves."""
        with answering(root, *BOTH):
            agent(root, "start")
        lost = "cs:WFConnection ro:Primary/Unknown ds:UpToDate/DUnknown C {}-----"
        (root / "proc").mkdir(exist_ok=True)
        (root / "proc/drbd").write_text(drbd_says(lost.format("s")))
        assert agent(root, "monitor", CRM_meta_interval="10000") == (OK, "")
        (root / "proc/drbd").write_text(drbd_says(lost.format("r")))
        status, why = agent(root, "monitor", CRM_meta_interval="10000")
        assert (status, "does not answer" in why) == (GENERIC, True)

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

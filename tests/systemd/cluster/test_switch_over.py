"""`vermilion-cluster`: a planned switch-over, and how the cluster is."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from appliance.cluster.cluster_files import SILENT
from appliance.cluster.parsing import parse_crm_mon, parse_drbd
from tests.cluster.scenes import MADE
from tests.systemd.cluster.machine import HERE, THERE, asked, cluster, program, ran, there
from tests.systemd.cluster.pacemaker import IN_SYNC, Pacemaker, drbd_says, needs_pacemaker
from tests.systemd.conftest import UNITS

FENCED = "drbd-fence-by-handler-vermilion-volume-clone"


def _keep_away(pacemaker: Pacemaker, name: str, node: str) -> None:
    """The volume is never to be served from the *node*."""
    rule = f'<rule id="{name}-rule" role="Promoted" score="-INFINITY">'
    expression = f'<expression id="{name}-expr" attribute="#uname" operation="eq" value="{node}"/>'
    constraint = f'<rsc_location id="{name}" rsc="volume-clone">{rule}{expression}</rule></rsc_location>'
    pacemaker.say("cibadmin", "--create", "--scope", "constraints", "--xml-text", constraint)


def _fence(pacemaker: Pacemaker) -> None:
    """As crm-fence-peer.sh does, when the other node was cut."""
    _keep_away(pacemaker, FENCED, THERE)


def _unfence(pacemaker: Pacemaker) -> None:
    pacemaker.say("cibadmin", "--delete", "--xpath", f"//rsc_location[@id='{FENCED}']")


def _fail(pacemaker: Pacemaker) -> None:
    """It was moved there once, and did not start."""
    pacemaker.settle("--op-inject", f"appliance_start_0@{THERE}=1")


BARS: dict[str, tuple[Callable[[Pacemaker], None], str]] = {
    "banned": (
        lambda pacemaker: pacemaker.say("crm_resource", "--resource", "vermilion", "--ban", "--node", THERE),
        f"the constraint cli-ban-vermilion-on-{THERE} keeps vermilion away from {THERE}:"
        " `crm_resource --clear --resource vermilion`",
    ),
    "volume-banned": (
        lambda pacemaker: pacemaker.say("crm_resource", "--resource", "volume-clone", "--ban", "--node", THERE),
        "`crm_resource --clear --resource volume-clone`",
    ),
    "barred-by-another": (
        lambda pacemaker: _keep_away(pacemaker, "by-a-person", THERE),
        "find out what it is for; `cibadmin --delete",
    ),
    "barred-by-drbd": (_fence, f"keeps volume-clone away from {THERE}: say `drbdadm unfence-peer vermilion` on"),
    "failed-there": (
        _fail,
        f"appliance failed on {THERE} too often: find out why, then say `crm_resource --cleanup`",
    ),
}
"""What keeps the other node from serving, by the scene in which the console reads it."""

TAKEN_BACK = ("banned", "volume-banned", "barred-by-another")
"""Those whose remedy needs no Pacemaker or DRBD that runs."""


def _do(pacemaker: Pacemaker, said: str) -> None:
    """What the sentence says between its last backquotes."""
    pacemaker.say(*shlex.split(said.rpartition("`")[0].rpartition("`")[2]))


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

    @pytest.mark.parametrize("done", [False, True])
    def test_one_that_could_not_be_begun_leaves_nothing(self, pacemaker: Pacemaker, done: bool) -> None:
        """Also where Pacemaker did it all the same: a failure soon after would pass for what was planned."""
        root = pacemaker.root
        path = pacemaker.environment["PATH"]
        real = f'PATH="{path}" crm_resource "$@"'
        moving = f"{real}; exit 1" if done else "exit 1"
        program(root / "bin/crm_resource", f'#!/bin/sh\ncase "$*" in *--move*) {moving} ;; esac\n{real}\n')
        at = {**pacemaker.environment, "PATH": f"{root}/bin:{path}"}
        status, said = cluster(root, "switch-over", "--drill", "--by", "0123456789ab", **at)
        assert (status, "--move" in said) == (1, True), said
        assert "cli-" not in pacemaker.constraints()
        assert not (root / "volume/cluster/planned.json").exists()

    def test_one_that_is_told_to_end_leaves_nothing(self, pacemaker: Pacemaker) -> None:
        plan, ended = pacemaker.root / "volume/cluster/planned.json", threading.Event()

        def end() -> None:
            while not ended.wait(0.1):
                if "cli-prefer" in pacemaker.constraints():
                    own = str(pacemaker.root / "usr/local/sbin/vermilion-cluster").encode()
                    for each in Path("/proc").glob("[0-9]*/cmdline"):
                        with suppress(OSError):
                            if own in each.read_bytes().split(b"\0")[:3]:
                                os.kill(int(each.parent.name), signal.SIGTERM)
                    return

        thread = threading.Thread(target=end)
        thread.start()
        try:
            assert pacemaker.run("switch-over", "--drill", "--wait", "60")[0] == 1
        finally:
            ended.set()
            thread.join()
        assert "cli-" not in pacemaker.constraints() and not plan.exists()

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
        _fence(pacemaker)  # left from before the disk failed, and the agent ends it where both are whole
        said = pacemaker.run("switch-over", "--wait", "1")[1]
        assert f"{THERE} could not take over: the constraint {FENCED}" in said and "it has the only disk" in said
        assert "it has the only disk" in pacemaker.run("status")[1]
        _do(pacemaker, said)
        assert "did not serve within 1 seconds" in pacemaker.run("switch-over", "--wait", "1")[1]

    @pytest.mark.parametrize(
        ("state", "sentence"),
        [
            ({"up": False}, "is not there"),
            ({"ready": "Release 1.1, which serves, is not installed here."}, "Release 1.1, which serves, is not"),
            ({"settings": "0" * 64}, "differ from those here"),
            ({"link": 0}, f"is not ready: People could not reach {THERE}: its network card"),
            ({"silent": int(SILENT.total_seconds()) + 60}, "has said nothing for some minutes"),
            ({"silent": -int(SILENT.total_seconds()) - 60}, "has said nothing for some minutes"),
        ],
    )
    def test_a_standby_that_could_not_serve_gets_nothing(
        self, pacemaker: Pacemaker, state: dict[str, Any], sentence: str
    ) -> None:
        pacemaker.form(**state)
        status, said = pacemaker.run("switch-over")
        assert (status, sentence in said) == (1, True), said
        assert "cli-" not in pacemaker.constraints()

    @pytest.mark.parametrize("bar", BARS)
    def test_what_pacemaker_would_not_start_there_is_not_moved_there(self, pacemaker: Pacemaker, bar: str) -> None:
        """It would stay where it is, and nobody would know why."""
        does, sentence = BARS[bar]
        does(pacemaker)
        barred = {node.name: len(node.barred) for node in parse_crm_mon(pacemaker.told()).nodes}
        assert barred == {HERE: 0, THERE: 1}, "as the console reads it"
        assert sentence in pacemaker.run("status")[1].splitlines()[2]
        status, said = pacemaker.run("switch-over", "--by", "0123456789ab", "--wait", "2")
        assert (status, said.startswith(f"{THERE} could not take over: "), sentence in said) == (1, True, True), (
            said
        )
        refused = json.loads((pacemaker.root / "run/vermilion-cluster/refused-0123456789ab.json").read_text())
        assert refused["why"] == said
        assert "cli-prefer" not in pacemaker.constraints()
        if bar in TAKEN_BACK:
            _do(pacemaker, said)
            assert "ready: yes" in pacemaker.run("status")[1]
            assert "keeps" not in pacemaker.run("status")[1]
            assert "did not serve within 1 seconds" in pacemaker.run("switch-over", "--wait", "1")[1]

    def test_it_waits_for_drbd_to_take_its_constraint_back(self, pacemaker: Pacemaker) -> None:
        """Which it does some seconds after the copies are equal again."""
        _fence(pacemaker)
        ended = threading.Timer(3, _unfence, (pacemaker,))
        ended.start()
        said = pacemaker.run("switch-over", "--wait", "20")[1]
        ended.join()
        assert "cibadmin" not in said and f"{THERE} did not serve within 20 seconds" in said

    def test_what_comes_while_it_waits_is_not_missed(self, pacemaker: Pacemaker) -> None:
        _fence(pacemaker)

        def pause() -> None:
            change = ("--set-parameter", "maintenance", "--parameter-value", "true")
            pacemaker.say("crm_resource", "--resource", "appliance", "--meta", *change)
            _unfence(pacemaker)

        later = threading.Timer(3, pause)
        later.start()
        said = pacemaker.run("switch-over", "--wait", "20")[1]
        later.join()
        assert said == "The appliance is paused; say `vermilion-cluster resume` first."

    def test_while_the_copies_differ_drbds_constraint_is_no_fault(self, pacemaker: Pacemaker) -> None:
        _fence(pacemaker)
        drbd = drbd_says("cs:SyncSource ro:Primary/Secondary ds:UpToDate/Inconsistent C r-----")
        (pacemaker.root / "proc/drbd").write_text(drbd)
        assert "ready: yes" in pacemaker.run("status")[1].splitlines()[2]
        assert "constraint" not in pacemaker.run("status")[1]
        assert "SyncSource" in pacemaker.run("switch-over")[1]

    def test_a_restore_that_broke_off_goes_back_to_who_has_its_secrets(self, pacemaker: Pacemaker) -> None:
        """Their secrets differ, and have to: the playbook makes them equal once that node serves."""
        pacemaker.form(settings="0" * 64)
        marker = pacemaker.root / "volume/.restored"
        for content in ("", f"5f3a {HERE}\n"):
            marker.write_text(content)
            assert "differ from those here" in pacemaker.run("switch-over")[1]
        marker.write_text(f"5f3a {THERE}\n")
        assert "did not serve within 1 seconds" in pacemaker.run("switch-over", "--wait", "1")[1]
        unproven = pacemaker.root / "etc/vermilion/fence-unproven.json"
        unproven.write_text(json.dumps({"nodes": [THERE]}))
        assert "did not serve within 1 seconds" in pacemaker.run("switch-over", "--wait", "1")[1], (
            "else no way out"
        )
        marker.unlink()
        pacemaker.form()
        assert "is not proven" in pacemaker.run("switch-over")[1]

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
        refused = ran(root, *stop, mounted=True, **pacemaker.environment)
        assert (refused.returncode, "vermilion-cluster pause" in refused.stderr) == (1, True)
        assert "stop" not in asked(root)

        assert pacemaker.run("pause")[0] == 0
        assert ran(root, *stop, mounted=True, **pacemaker.environment).returncode == 0
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

    @pytest.mark.parametrize(("flags", "held"), [("C s-----", True), ("  s-----", True), ("C r---s-", False)])
    def test_the_status_says_that_writes_are_held(self, pacemaker: Pacemaker, flags: str, held: bool) -> None:
        self.corosync(pacemaker.root, "peer-off")
        volume = f"cs:WFConnection ro:Primary/Unknown ds:UpToDate/DUnknown {flags}"
        (pacemaker.root / "proc/drbd").write_text(drbd_says(volume))
        said = pacemaker.run("status")[1]
        assert ("nobody can sign: DRBD holds every write" in said) == held
        status, told = pacemaker.run("probe")
        assert (status, told.startswith("<2>nobody can sign: DRBD")) == (0, held), "the journal has it as critical"

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
        pacemaker.form(link=0)
        assert f"{THERE}: standby, online; ready: People could not reach {THERE}" in pacemaker.run("status")[1]
        pacemaker.form(silent=900)
        said = pacemaker.run("status")[1].splitlines()
        assert f"{THERE}: standby, online; ready: not known" in said
        assert f"settings: {THERE} does not say" in said
        self.corosync(root, "peer-off")
        assert "rings: the other node is seen by none" in pacemaker.run("status")[1]

    @pytest.mark.parametrize(
        ("left", "named"), [(f'{{"nodes": ["{THERE}"]}}', THERE), ("torn", f"{HERE} and {THERE}")]
    )
    def test_a_fence_device_that_is_not_proven_is_said(self, pacemaker: Pacemaker, left: str, named: str) -> None:
        """Nothing rests on it, but for the switch after which it is proven."""
        root, state = pacemaker.root, pacemaker.root / "run/vermilion-cluster/state.json"
        why = f"the device that cuts {named} is not proven; run `install --cluster INVENTORY` again, until it is"
        (root / "etc/vermilion/fence-unproven.json").write_text(left)
        assert f"fencing: {why}" in pacemaker.run("status")[1].splitlines()
        assert pacemaker.run("probe") == (0, "")
        assert json.loads(state.read_text())["unproven"] == named.split(" and ")
        for option in ((), ("--drill",)):
            status, said = pacemaker.run("switch-over", "--wait", "0", *option)
            assert status != 0 and f"Without fencing nothing is switched over: {why}." in said
        assert "Without fencing" not in pacemaker.run("switch-over", "--wait", "0", "--proving")[1]
        (root / "etc/vermilion/fence-unproven.json").unlink()
        assert "fencing: ready" in pacemaker.run("status")[1].splitlines()
        assert pacemaker.run("probe") == (0, "") and json.loads(state.read_text())["unproven"] == []

    def test_the_probe_tells_each_two_minutes_that_it_runs(self, pacemaker: Pacemaker) -> None:
        """Not each 15 seconds: Pacemaker decides anew after each change."""
        root, told = pacemaker.root, pacemaker.root / "told"
        program(root / "bin/attrd_updater", f'#!/bin/sh\necho "$@" >>{root}/told\n')
        text = pacemaker.cib.read_text()
        assert pacemaker.run("probe") == (0, "")
        assert "vermilion-probed" not in told.read_text()
        pacemaker.cib.write_text(re.sub(r'(status-1-probed" name="[^"]*" value=")\d+', r"\g<1>1700000000", text))
        assert pacemaker.run("probe") == (0, "")
        assert re.search(r"--name vermilion-probed --update \d{10}\n", told.read_text())

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
            "etc/vermilion/fence-unproven.json": False,
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

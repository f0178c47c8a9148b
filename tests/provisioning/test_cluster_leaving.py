"""Two machines become one again (``cluster_leave.yml``): who may leave, and what goes before what."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ansible", reason="ansible-core comes with `scripts/setup lint`")

from tests.provisioning.clusters import CLUSTER, NAMES, both, module, own, playbook, run, tasks
from tests.provisioning.test_preflight import templar, trusted

pytestmark = pytest.mark.slow

STAYS, LEAVES = NAMES
MIDDLE = {"content": base64.b64encode(b"{}").decode()}
NODES = (
    f'<nodes><node name="{STAYS}" id="1" online="true" standby="false" unclean="false"/>'
    f'<node name="{LEAVES}" id="2" online="{{}}" standby="false" unclean="{{}}"/></nodes>'
)
ROOM = {"stdout_lines": ["Used Avail", "1000 3000", "9000 4096"]}


def refused(name: str, number: int = 1, **found: Any) -> list[str]:
    """What the checks before a machine leaves say on one of the two, with what they *found* there."""
    given = {
        **both(number, cluster_leaves=LEAVES),
        "cluster_leaving": {},
        "cluster_pacemaker": {"stat": {"exists": True}},
        "cluster_replacing": {"stat": {"exists": False}},
        "cluster_has": {"rc": 0 if number == 1 else 1},
        "cluster_told": {"rc": 0, "stdout": "cluster vermilion: 192.0.2.10/24\n"},
        "cluster_volume": {"stdout": " 0: cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate C r-----"},
        "cluster_room": ROOM,
        **found,
    }
    said = []
    for task in tasks(name):
        asking = templar({**given, **own(), **trusted(task.get("vars", {}))})
        conditions = task.get("when", [])
        conditions = [conditions] if isinstance(conditions, str) else conditions
        if "ansible.builtin.assert" not in task or not all(
            asking.template(trusted(f"{{{{ {each} }}}}")) for each in conditions
        ):
            continue
        check = task["ansible.builtin.assert"]
        if not asking.template(trusted(f"{{{{ {check['that']} }}}}")):
            said.append(" ".join(str(asking.template(trusted(check["fail_msg"]))).split()))
    return said


@pytest.mark.parametrize(
    ("number", "found", "words"),
    [
        (1, {"cluster_leaves": ""}, f"`--set cluster_leaves=NAME`, as the inventory calls it: one of {STAYS} and"),
        (1, {"cluster_leaves": "node-c"}, "Name the machine that leaves"),
        (2, {"cluster_has": {"rc": 0}}, f"{LEAVES} has the volume, and the machine that has it stays"),
        (1, {"cluster_has": {"rc": 1}}, f"{STAYS} does not have the volume, so it cannot go on by itself"),
        (
            1,
            {"cluster_state": {"stdout": NODES.format("true", "false")}},
            f"{LEAVES} is not lost: the cluster sees it",
        ),
        (
            1,
            {"cluster_state": {"stdout": NODES.format("false", "true")}},
            f"{LEAVES} is not lost: the cluster sees it",
        ),
        (
            1,
            {"cluster_told": {"rc": 0, "stdout": "x\npaused: Pacemaker leaves"}},
            f"`vermilion-cluster resume` on {STAYS}",
        ),
        (
            1,
            {"cluster_told": {"rc": 1, "stdout": "", "stderr_lines": ["Pacemaker does not run."]}},
            f"{STAYS} does not know how the cluster stands: Pacemaker does not run.",
        ),
        (
            1,
            {"cluster_told": {"rc": 0, "stdout": "x\narbiter: q.example gives no vote\nsettings: x"}},
            f"The arbiter gives {STAYS} no vote",
        ),
        *(
            (
                1,
                {"cluster_told": {"rc": 0, "stdout": f"x\n{line}\nx"}},
                f"The cluster of {STAYS} does not see {LEAVES}",
            )
            for line in (
                f"{LEAVES}: standby, lost, to be fenced; ready: not known",
                f"{LEAVES}: standby, offline; ready: not known",
                "nobody can sign: DRBD holds every write here",
            )
        ),
        (2, {"cluster_replacing": {"stat": {"exists": True}}}, "run the playbook cluster_replace to its end"),
        (
            2,
            {"cluster_volume": {"stdout": " 0: cs:StandAlone ro:Secondary/Unknown ds:UpToDate/DUnknown r"}},
            "docs/runbook/cluster-split.md",
        ),
        # What an earlier run has written down excuses nothing while Pacemaker still runs.
        (1, {"cluster_leaving": MIDDLE, "cluster_has": {"rc": 1}}, "quorum.cancel_wait_for_all"),
        (
            1,
            {"cluster_leaving": MIDDLE, "cluster_state": {"stdout": NODES.format("true", "false")}},
            f"{LEAVES} is not lost: the cluster sees it",
        ),
        (1, {"cluster_leaving": {"content": ""}, "cluster_has": {"rc": 1}}, "does not have the volume"),
        (
            1,
            {"cluster_volume": {"stdout": " 0: cs:Connected ro:Primary/Secondary ds:Diskless/UpToDate C"}},
            f"The disk of {STAYS} does not have all data (DRBD says cs:Connected ro:Primary/Secondary ds:Diskless",
        ),
        (1, {"cluster_volume": {"stdout": ""}}, "(DRBD says nothing of the volume, here/there)"),
        (1, {"cluster_room": {"stdout_lines": ["Used Avail", "4000 9000", "1 5100"]}}, "until 5225 are free"),
    ],
)
def test_nobody_leaves_whose_data_are_not_with_the_other_one(
    number: int, found: dict[str, Any], words: str
) -> None:
    [said] = refused("can_leave", number, **found)
    assert words in said and said.endswith("Nothing was changed.")


def test_one_that_stands_by_may_leave_and_a_run_that_was_interrupted_goes_on() -> None:
    assert refused("can_leave", 1) == refused("can_leave", 2) == []
    seen = f"{LEAVES}: standby, online; ready: yes\n{STAYS}: active, online; ready: yes (this node)"
    lost = seen.replace("online; ready: yes\n", "offline; ready: not known\n")
    assert refused("can_leave", 1, cluster_told={"rc": 0, "stdout": seen}) == []
    assert refused("can_leave", 1, cluster_told={"rc": 0, "stdout": lost}, cluster_leaves_lost=True) == []
    assert refused("can_leave", 1, cluster_state={"stdout": NODES.format("false", "false")}) == []
    # The cluster has ended, and the volume is mounted nowhere.
    broken_off = {"cluster_leaving": MIDDLE, "cluster_has": {"rc": 1}, "cluster_told": {}, "cluster_room": {}}
    broken_off["cluster_pacemaker"] = {"stat": {"exists": False}}
    assert refused("can_leave", 1, **broken_off, cluster_volume={"stdout": ""}) == []


def test_what_is_under_way_is_ended_first() -> None:
    """By the checks that an installation has."""
    imported = [each["ansible.builtin.import_role"] for each in tasks("can_leave") if "preflight" in str(each)]
    assert [each["tasks_from"] for each in imported] == ["state", "rolling_back", "upgrading", "restoring"]


@pytest.mark.parametrize(
    ("given", "hosts"),
    [
        ({"cluster_leaves": LEAVES}, ["appliance", LEAVES, f"appliance:!{LEAVES}"]),
        (
            {"cluster_leaves": LEAVES, "cluster_leaves_lost": "true"},
            [f"appliance:!{LEAVES}", "nobody", f"appliance:!{LEAVES}"],
        ),
        ({}, ["appliance", "nobody", "appliance:!nobody"]),
    ],
)
def test_who_is_reached(given: dict[str, Any], hosts: list[str]) -> None:
    """Without a name the first play refuses on both, and no later one is reached."""
    plays = playbook("cluster_leave")
    assert [str(templar(given).template(trusted(each["hosts"]))) for each in plays] == hosts
    assert all(each["any_errors_fatal"] for each in plays)


@pytest.mark.parametrize(
    ("others", "has", "volume", "words"),
    [
        ("false", 0, "ds:UpToDate/Outdated", ""),
        ("true", 0, "ds:UpToDate/UpToDate", "another machine is in it"),
        ("false", 1, "ds:UpToDate/Outdated", "it no longer has the volume with all data"),
        ("false", 0, "ds:Diskless/Outdated", "it no longer has the volume with all data"),
    ],
)
def test_pacemaker_ends_only_where_nobody_would_take_over(others: str, has: int, volume: str, words: str) -> None:
    """The other one may have taken over since the first checks, or never have left."""
    found = {"cluster_state": {"stdout": NODES.format(others, "false")}, "ansible_check_mode": False}
    found["cluster_volume"] = {"rc": has, "stdout": f" 0: cs:WFConnection ro:Primary/Unknown {volume} C r-----"}
    found |= {"cluster_moved": {"rc": 0}, "cluster_answers": {"rc": 0}}
    said = refused("alone", **found)
    assert said == [] if not words else len(said) == 1 and words in said[0]
    found |= {"cluster_state": {}, "cluster_pacemaker": {"stat": {"exists": False}}}
    [said] = refused("alone", **found)  # it has just started anew, and no earlier run has ended it
    assert "its Pacemaker does not run" in said
    asked = [each["name"] for each in tasks("alone")]
    assert asked.index("Nobody would take over, and all data are here") < asked.index("It is kept until the end")


def test_what_does_not_serve_has_not_come_to_its_end() -> None:
    found = {
        "cluster_pacemaker": {"stat": {"exists": False}},
        "cluster_leaving": MIDDLE,
        "ansible_check_mode": False,
        "cluster_moved": {"rc": 0},
    }
    [said] = refused("alone", **found, cluster_answers={"rc": 1, "stderr_lines": []})
    assert "an outside witness knows more" in said and "Wipe nothing" in said
    asked = [each["name"] for each in tasks("alone")]
    assert asked.index("It answers") < asked.index("It has come to its end")


@pytest.mark.parametrize(
    ("left", "lost", "goes_on"), [(True, False, True), (False, False, False), (False, True, True)]
)
def test_nobody_goes_on_alone_while_the_other_one_has_not_left(left: bool, lost: bool, goes_on: bool) -> None:
    """Ansible goes on to the last play where that one could not be reached, or was left out by --limit."""
    [check] = [each for each in playbook("cluster_leave")[2]["tasks"] if "ansible.builtin.assert" in each]
    facts = {"cluster_has_left": True} if left else {}
    given = {"cluster_leaves": LEAVES, "hostvars": {LEAVES: facts}, "cluster_leaves_lost": lost}
    asked = templar(given).template(trusted(f"{{{{ {check['ansible.builtin.assert']['that']} }}}}"))
    assert bool(asked) == goes_on
    assert "cluster_has_left" in str(playbook("cluster_leave")[1]["tasks"][-1]["ansible.builtin.set_fact"])


def test_what_the_cluster_knows_is_written_down_before_it_ends(tmp_path: Path) -> None:
    settings = tmp_path / "cluster.toml"
    settings.write_text('name = "vermilion"\nnodes = ["a", "b"]\naddress = "127.0.0.1/8"\n', encoding="utf-8")
    tool = tmp_path / "drbdadm"
    tool.write_text('#!/bin/sh\n[ "$*" = "sh-ll-dev vermilion" ] && echo /dev/vdb\n', encoding="utf-8")
    tool.chmod(0o755)
    [task] = [each for each in tasks("alone") if "drbdadm sh-ll-dev" in str(each)]
    text = task["ansible.builtin.shell"].replace("/etc/vermilion/cluster.toml", str(settings))
    done = run("/bin/bash", "-c", text, PATH=f"{tmp_path}:/usr/sbin:/usr/bin:/sbin:/bin")
    assert (done.returncode, done.stderr) == (0, "")
    kept = json.loads(done.stdout)
    assert kept == {"address": "127.0.0.1/8", "interface": "lo", "disk": "/dev/vdb"}
    for given in (
        {"cluster_leaving": {}, "cluster_known": {"stdout": done.stdout}},
        {"cluster_leaving": {"content": base64.b64encode(done.stdout.encode()).decode()}},
    ):
        assert templar({**given, **own()}).template(trusted("{{ cluster_kept }}")) == kept


def test_other_playbooks_refuse_until_it_has_come_to_its_end() -> None:
    marker = str(module("survey").LEAVING)
    named = [each["name"] for each in tasks("alone")]
    touched = [index for index, each in enumerate(tasks("alone")) if marker in str(each)]
    assert tasks("alone")[touched[1]]["ansible.builtin.copy"]["dest"] == marker
    assert touched[1] < named.index("It is of no cluster any more"), "before anything ends"
    assert tasks("alone")[touched[-1]]["ansible.builtin.file"] == {"path": marker, "state": "absent"}
    assert touched[-1] > named.index("The appliance serves")
    assert named.index("The home is copied from the volume, compared, and in its place") < named.index(
        "The appliance serves"
    )


def test_who_left_has_nothing_to_join_by_or_to_cut_with() -> None:
    [found] = [each["ansible.builtin.find"] for each in tasks("left") if "ansible.builtin.find" in each]
    known = re.compile("|".join(each.replace(".", r"\.").replace("*", ".*") for each in found["patterns"]))
    secrets = [f"/etc/credstore.encrypted/vermilion.{kind}.{LEAVES}" for kind in ("fence", "fence-secrets")]
    for path in (*own()["cluster_keys"]["files"], *secrets, "/var/lib/pacemaker/cib/cib.xml"):
        assert str(Path(path).parent) in found["paths"] and known.fullmatch(Path(path).name), path


def test_nothing_that_is_other_on_a_node_is_left() -> None:
    [task] = [each for each in tasks("alone") if "fence-proven" in str(each)]
    drop_ins = (CLUSTER.parents[2] / "systemd/drop-ins").glob("*/cluster.conf")
    found = [{"path": f"/etc/systemd/system/{each.parent.name}/cluster.conf"} for each in drop_ins]
    foreign = {"path": "/etc/systemd/system/nginx.service.d/cluster.conf"}
    gone = templar({"cluster_drop_ins": {"files": [*found, foreign]}}).template(trusted(task["loop"]))
    assert {each["path"] for each in found} <= set(gone) and foreign["path"] not in gone
    assert gone[-1] == "/etc/vermilion/cluster.toml", "last: until then it is a node, and says so"

"""What counts as the proof that one machine cuts the other, and what waits for it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

pytest.importorskip("ansible", reason="ansible-core comes with `scripts/setup lint`")

from tests.provisioning import clusters
from tests.provisioning.clusters import CLUSTER, NAMES, here, tasks
from tests.provisioning.test_preflight import templar, trusted

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("refusal", "again"),
    [
        ("node-b is not ready: its probe (vermilion-cluster.timer) has said nothing yet.", True),
        (
            "Settings, secrets, release or users of node-b differ from those here;"
            " run `install --cluster INVENTORY`.",
            True,
        ),
        ("The volume is not the same on both nodes: its replication is SyncSource. Wait until it is.", True),
        ("Without fencing nothing is switched over: the fence device fence-node-a does not run.", True),
        ("The cluster has no quorum.", False),
    ],
)
def test_a_switch_waits_for_what_passes(refusal: str, again: bool) -> None:
    """A machine that was just cut is to take over: its volume and its fence device are back soon."""
    [block] = [each["block"] for each in tasks("cut") if "block" in each]
    [task] = [each for each in block if "switch-over" in str(each)]
    command = (CLUSTER.parents[2] / "systemd/bin/vermilion-cluster").read_text(encoding="utf-8")
    assert all(each in command for each in task["vars"]["cluster_passes"].split("|")), "as it says it"
    given = {**clusters.both(), **trusted(task["vars"]), "cluster_went": {"rc": 1, "stderr": refusal}}
    assert templar(given).template(trusted(f"{{{{ {task['until']} }}}}")) is not again


SUCCESS = (
    '<fence_event action="reboot" target="node-a" client="stonith_admin.7" origin="node-b" status="success"'
    ' delegate="node-b" completed="2026-11-30 16:55:11.996009Z"/>'
)
CUT_AT = int(datetime(2026, 11, 30, 16, 55, 11, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("begun", "succeeded", "started", "done"),
    [
        ({}, [SUCCESS], 60, False),
        ({"boot": "boot-0", "before": 0}, [SUCCESS], 60, True),
        ({"boot": "boot-0", "before": 1}, [SUCCESS], 60, False),
        ({"boot": "boot-0", "before": 1}, [SUCCESS] * 2, 60, True),
        ({"boot": "boot-1", "before": 0}, [SUCCESS], 60, False),
        # A device that waits before it says so, and one that said it an hour before the machine started.
        ({"boot": "boot-0", "before": 0}, [SUCCESS], -30, True),
        ({"boot": "boot-0", "before": 0}, [SUCCESS], 3600, False),
        ({"boot": "boot-0", "before": 0}, [SUCCESS], -3600, False),
        # Of several the last counts, and its zone is its own.
        ({"boot": "boot-0", "before": 1}, [SUCCESS.replace(" 16:", " 15:"), SUCCESS], 60, True),
        ({"boot": "boot-0", "before": 0}, [SUCCESS.replace(" 16:", " 17:").replace("Z", " +01:00")], 60, True),
        # What failed, and what somebody answered for (stonith_admin --confirm).
        ({"boot": "boot-0", "before": 0}, [SUCCESS.replace("success", "failed")], 60, False),
        ({"boot": "boot-0", "before": 0}, [SUCCESS.replace('te="node-b"', 'te="a human"')], 60, False),
        ({"boot": "boot-0", "before": 0}, [SUCCESS.partition(" completed")[0] + "/>"], 60, False),
    ],
)
def test_a_cut_that_was_begun_counts_once_it_was_done(
    begun: dict[str, Any], succeeded: list[str], started: int, done: bool
) -> None:
    """Not by an earlier one of the same machine, of which Pacemaker's history tells as well, nor by a start that
    was another one's."""
    cut, prove = tasks("cut"), tasks("prove")
    [asks] = [each for each in prove if each["name"] == "Whether that is done"]
    [begins] = [each for each in cut if each["name"] == "It was begun"]
    [remembers] = [str(each) for each in prove if each.get("register") == "cluster_history"]
    assert " --verbose " in remembers, "stonith_admin 3.0 tells of the oldest cut alone without it"
    given = {**clusters.own(), **clusters.both(2)}
    given |= {"cluster_cut": given["hostvars"]["node-a"]["cluster_node"], "cluster_target": "node-a"}
    given["hostvars"]["node-a"]["cluster_here"] = here(booted=CUT_AT + started)
    given["cluster_history"] = {"stdout": "\n".join(succeeded)}
    counted = sum('status="success"' in each and 'delegate="node-b"' in each for each in succeeded)
    fresh = templar(given).template(trusted(begins["ansible.builtin.copy"]["content"]))
    assert json.loads(fresh) == {"node": "node-a", "settings": "0" * 64, "boot": "boot-1", "before": counted}
    given["cluster_begun"] = {**json.loads(fresh), **begun} if begun else {}
    said = templar(given).template(trusted(asks["ansible.builtin.set_fact"]["cluster_was_cut"]))
    assert said is done
    forgets, again = [each for each in cut if each.get("ansible.builtin.file", {}).get("state") == "absent"]
    names = [each["name"] for each in cut]
    assert names.index(begins["name"]) < names.index(forgets["name"]) < names.index("It was cut")
    for result, failed in (({"rc": 1}, True), ({}, True), ({"rc": 0}, False)):
        given |= {"cluster_cutter": "node-b", "cluster_cut_done": result}
        assert templar(given).template(trusted(f"{{{{ {forgets['when']} }}}}")) is failed
    assert (
        names.index("Which start it is") < names.index(again["name"]) < names.index("It has really started anew")
    )
    assert again["ansible.builtin.file"] == forgets["ansible.builtin.file"]
    for boot, same in (("boot-1\n", True), ("boot-2\n", False)):
        given["hostvars"]["node-a"]["cluster_boot"] = {"stdout": boot}
        asking = templar(given)
        assert all(asking.template(trusted(f"{{{{ {each} }}}}")) for each in again["when"]) is same


@pytest.mark.parametrize(
    ("here_seen", "there_seen", "left"),
    [
        ("", "", [*NAMES]),
        ("ab", "ab", []),
        ("ab", "a", ["node-b"]),
        ("", "ab", [*NAMES]),
        ("xb", "xb", ["node-a"]),
    ],
)
def test_both_machines_say_which_device_is_not_proven_before_it_is_in_force(
    here_seen: str, there_seen: str, left: list[str]
) -> None:
    """By what both have on record; where nothing is left there is no file, so a second run changes nothing."""
    given = {**clusters.own(), **clusters.both()}
    for each, letter in zip(given["cluster_nodes"], "ab", strict=True):
        each["fence_digest"] = letter * 64
    for name, seen in zip(NAMES, (here_seen, there_seen), strict=True):
        record = {NAMES[n]: {"settings": letter * 64} for n, letter in enumerate(seen)}
        given["hostvars"][name]["cluster_proven"] = record
    asking = templar(given)
    assert asking.template(trusted("{{ cluster_unproven }}")) == left
    for name, between in (("configuration", "It is told, and only what differs"), ("prove", None)):
        order = tasks(name)
        says, gone = [each for each in order if "fence-unproven.json" in str(each)]
        assert json.loads(asking.template(trusted(says["ansible.builtin.copy"]["content"]))) == {"nodes": left}
        assert says["ansible.builtin.copy"]["dest"] == gone["ansible.builtin.file"]["path"]
        assert asking.template(trusted(f"{{{{ {says['when']} }}}}")) is bool(left)
        assert asking.template(trusted(f"{{{{ {gone['when']} }}}}")) is (not left)
        names = [each["name"] for each in order]
        if between:
            assert names.index(says["name"]) < names.index(between) < names.index(gone["name"])
        else:
            assert names.index("Both machines keep the record") < names.index(says["name"])
    [proves] = tasks("proof")
    for number, name in enumerate(NAMES):
        given["cluster_cut"] = given["cluster_nodes"][number]
        assert templar(given).template(trusted(f"{{{{ {proves['when']} }}}}")) is (name in left)
    joins = [str(each) for each in tasks("join")]
    [known] = [n for n, each in enumerate(joins) if "'cluster_proven'" in each]
    assert known < next(n for n, each in enumerate(joins) if "configuration.yml" in each)


@pytest.mark.parametrize("left", [True, False])
def test_no_machine_is_cut_with_a_ceremony_in_its_memory(left: bool) -> None:
    found = {each["name"]: each for each in tasks("prove")}
    guard = found["Nothing of it is lost"]
    order = list(found)
    assert order.index("Whether that is done") < order.index(guard["name"]) < order.index("It is cut")
    given = clusters.both()
    given |= {"cluster_cut": given["cluster_node"], "cluster_target": "node-a", "cluster_cutter": "node-b"}
    given["hostvars"]["node-a"]["cluster_ceremony"] = {"stat": {"exists": left}}
    given["hostvars"]["node-b"]["cluster_was_cut"] = False
    asking = templar(given)
    assert asking.template(trusted(f"{{{{ {guard['when']} }}}}")) is True
    asserted = guard["ansible.builtin.assert"]
    assert asking.template(trusted(f"{{{{ {asserted['that']} }}}}")) is not left
    said = str(asking.template(trusted(asserted["fail_msg"])))
    assert said.startswith("node-a is to be cut now") and "the files in its /run/vermilion-ceremony" in said


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ({"rc": 0}, None),
        ({"rc": 2}, None),  # it answers that the power is off
        ({"rc": 1, "stderr_lines": ["", "Login failed"], "stdout_lines": ["Status: OFF"]}, "Login failed"),
        ({"rc": 1, "stderr_lines": [], "stdout_lines": ["Connection timed out"]}, "Connection timed out"),
        ({"rc": 1, "stderr_lines": [], "stdout_lines": [], "msg": "non-zero return code"}, "non-zero return code"),
        ({"rc": 1, "msg": ""}, "it said nothing"),
        ({"msg": "No such file or directory: '/usr/sbin/fence_x'"}, "No such file or directory"),
    ],
)
def test_a_device_that_does_not_answer_is_named(result: dict[str, Any], said: str | None) -> None:
    [task] = [each for each in tasks("fence") if each["name"] == "Every device answers, to both machines"]
    given = clusters.both(1)
    given["item"] = {**result, "item": given["cluster_nodes"][1]}
    asking, asserted = templar(given), task["ansible.builtin.assert"]
    assert asking.template(trusted(f"{{{{ {asserted['that']} }}}}")) is (said is None)
    sentence = str(asking.template(trusted(asserted["fail_msg"])))
    assert sentence.startswith("node-a: the device that cuts node-b (fence_ipmilan 192.0.2.22) does not answer (")
    assert said is None or f"answer ({said}" in sentence


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ({"rc": 0}, None),
        ({"rc": 1, "stderr_lines": ["", "Timer expired"], "stdout_lines": ["waiting"]}, "Timer expired"),
        ({"rc": 1, "stderr_lines": [], "stdout_lines": ["No such device"]}, "No such device"),
        ({"msg": "async task did not complete within the requested time"}, "it said nothing"),
    ],
)
def test_a_machine_that_could_not_be_cut_is_named(result: dict[str, Any], said: str | None) -> None:
    [task] = [each for each in tasks("cut") if each["name"] == "It was cut"]
    given = clusters.both(2)
    given |= {"cluster_cutter": "node-b", "cluster_cut": given["hostvars"]["node-a"]["cluster_node"]}
    given["hostvars"]["node-b"]["cluster_cut_done"] = result
    asking, asserted = templar(given), task["ansible.builtin.assert"]
    assert asking.template(trusted(f"{{{{ {asserted['that']} }}}}")) is (said is None)
    sentence = str(asking.template(trusted(asserted["fail_msg"])))
    assert sentence.startswith("node-b could not cut node-a by fence_ipmilan 192.0.2.21 (")
    assert said is None or f"192.0.2.21 ({said}); without a proven fence there is no cluster" in sentence


@pytest.mark.parametrize(("boot", "cut"), [("boot-1\n", False), ("boot-7\n", True)])
def test_a_machine_that_did_not_start_anew_was_not_cut(boot: str, cut: bool) -> None:
    """By its own device: what is said to be cut may be another machine."""
    [task] = [each for each in tasks("cut") if each["name"] == "It has really started anew"]
    given = clusters.both(1, cluster_boot={"stdout": boot})
    given |= {"cluster_target": "node-a", "cluster_cut": given["cluster_node"]}
    asking, asserted = templar(given), task["ansible.builtin.assert"]
    assert asking.template(trusted(f"{{{{ {task['when']} }}}}")) is True
    assert asking.template(trusted(f"{{{{ {asserted['that']} }}}}")) is cut
    sentence = str(asking.template(trusted(asserted["fail_msg"])))
    assert sentence.startswith("node-a was said to be cut, and did not start anew; the device (fence_ipmilan 192.")

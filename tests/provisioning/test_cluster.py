"""Two machines as one appliance: what is refused before anything is touched, and how a machine is surveyed."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ansible", reason="ansible-core comes with `scripts/setup lint`")

from tests.cluster.commands import tool
from tests.provisioning import clusters
from tests.provisioning.clusters import (
    CLUSTER,
    DISK,
    NAMES,
    here,
    machine,
    member,
    module,
    refusals,
    run,
    survey,
    tasks,
    written,
)
from tests.provisioning.test_preflight import templar, trusted

pytestmark = pytest.mark.slow


def fence(**options: Any) -> dict[str, Any]:
    return {"agent": "fence_ipmilan", "options": options}


SETTINGS: list[tuple[str, Any, str]] = [
    (
        "cluster_given",
        {"application_host": "other.example"},
        "application_host is not the same for node-a and node-b",
    ),
    ("cluster_given", {}, "application_host is not the same"),
    ("ansible_user", "root", "node-a is reached by ssh as root, which the installation ends"),
    ("cluster_address", "192.0.2.10", "with its network's length"),
    ("cluster_address", "192.0.2.300/24", "with its network's length"),
    ("cluster_address", "2001:db8::10", "with its network's length"),
    ("cluster_address", "2001:db8::10/129", "with its network's length"),
    ("cluster_address", "2001:db8:10/64", "with its network's length"),
    ("cluster_address", "fe80::10/64", "with its network's length"),
    ("cluster_ring_addresses", ["10.77.1.1"], "node-a: cluster_ring_addresses is '10.77.1.1'"),
    ("cluster_ring_addresses", ["10.77.1.1", "10.77.1.1"], "on different networks"),
    ("cluster_ring_addresses", ["node-a", "10.77.2.1"], "two addresses of this machine"),
    ("cluster_ring_addresses", ["fd00::1::2", "10.77.2.1"], "two addresses of this machine"),
    ("cluster_ring_addresses", ["fd00:1::1", "10.77.2.1"], "have to be both IPv4 or both IPv6"),
    ("cluster_disk", "sdb", "node-a: cluster_disk is 'sdb'"),
    ("cluster_fence", {}, "node-a: cluster_fence does not say how the power of this machine is cut"),
    ("cluster_fence", {"agent": "reboot", "options": {}}, "such as fence_ipmilan"),
    (
        "cluster_fence",
        fence(password="secret"),
        "has password of the device in the clear; write a password into a file",
    ),
    ("cluster_fence", fence(community="secret"), "has community of the device in the clear"),
    ("cluster_fence", fence(hexadecimal_kg="c0ffee"), "one that secrets_file names"),
    ("cluster_fencing", "sbd", "sbd needs one or three disks"),
    ("cluster_sbd_disks", ["/dev/sdc"], "sbd needs one or three disks that both machines see, power none"),
    ("cluster_arbiter", "http://arbiter", "with corosync-qnetd, or empty"),
    ("cluster_token_ms", 10, "1000 to 60000 milliseconds"),
    ("cluster_timeout_factor", 0, "1 to 20"),
]


VOLUME = survey(1)["volume"]


REPLACING = {"cluster_formed": True, "cluster_purpose": "replace"}


BY_WATCHDOG = {"cluster_fencing": "sbd", "cluster_sbd_disks": ["/dev/sdc", "/dev/sdd", "/dev/sde"]}


MACHINES: list[tuple[str, dict[str, Any], str]] = [
    ("names", {"there": {"cluster_node": machine(1)["cluster_node"]}}, "both machines are called node-a"),
    ("hosts", {"cluster_here": here(resolved={"node-a": ["10.77.1.1"], "node-b": []})}, "where node-b is"),
    ("rings", {"cluster_here": here(rings_here=["10.77.1.1"])}, "does not have 10.77.2.1"),
    ("one network", {"cluster_here": here(ring_networks=["10.77.0.0/16"] * 2)}, "has to be another network"),
    (
        "a gateway",
        {"cluster_here": here(ring_gateways=["10.77.1.254", ""])},
        "node-a reaches 10.77.1.2, by which the volume is copied in the clear, through the gateway 10.77.1.254",
    ),
    ("module", {"cluster_here": here(module=False)}, "start the machine with Debian's kernel"),
    ("no disk", {"cluster_here": here(volume={**VOLUME, "block": False})}, "is no block device of this machine"),
    ("disk used", {"cluster_here": here(volume={**VOLUME, "used_by": "/srv"})}, "is in use (/srv)"),
    ("disk full", {"cluster_here": here(volume={**VOLUME, "holds": "ext4"})}, "is not empty (ext4)"),
    (
        "no watchdog",
        {"cluster_fencing": "sbd", "cluster_sbd_disks": ["/dev/sdc"]},
        "node-a: /dev/watchdog, which cluster_watchdog names, is no watchdog of this machine; load the driver",
    ),
    (
        "shared disk",
        {**BY_WATCHDOG, "cluster_here": here(watchdog=True, shared_missing=["/dev/sdc", "/dev/sde"])},
        "node-a: /dev/sdc and /dev/sde, which cluster_sbd_disks names, is no block device of this machine",
    ),
    (
        "other disk",
        {"cluster_formed": True, "cluster_here": here(cluster=list(NAMES), mounted="/dev/drbd0")},
        f"has the cluster's volume on another disk than {DISK}",
    ),
    ("mounted home", {"cluster_here": here(mounted="/dev/vdb1")}, "is a disk of its own (/dev/vdb1)"),
    ("sizes", {"there": {"cluster_here": here(2, volume={**VOLUME, "bytes": 1 << 30})}}, "of the same size"),
    ("room", {"cluster_here": here(home=True, home_bytes=4 << 30)}, "a quarter more than the data is the least"),
    (
        "two homes",
        {"cluster_here": here(home=True), "there": {"cluster_here": here(2, home=True)}},
        "each have an",
    ),
    ("aside", {"cluster_here": here(home=True, aside=True)}, "nothing uses it, so remove it (rm -r), or move it"),
    ("mounts", {"cluster_here": here(home=True, mounts_below_home=["/var/lib/vermilion/backups"])}, "unmount it"),
    (
        "started apart",
        {
            "cluster_formed": True,
            "cluster_here": member(mounted="/dev/drbd0"),
            "there": {"cluster_here": member(2, mounted="/dev/drbd0")},
        },
        "have both started with a volume of their own (split brain)",
    ),
    ("split", {"cluster_here": here(drbd=" 0: cs:StandAlone ro:Primary/Unknown")}, "DRBD is StandAlone"),
    (
        "nobody serves",
        {"cluster_formed": True, "cluster_here": member()},
        "no machine of it serves",
    ),
    (
        "nobody serves: alone",
        {"cluster_formed": True, "cluster_here": member(waiting={"for_quorum": True, "cuts": []})},
        "node-a waits for the other machine; start that one, or where it is lost, and this one served last, say"
        " `corosync-cmapctl -s quorum.cancel_wait_for_all u8 1` on node-a, and run this again.",
    ),
    (
        "nobody serves: apart",
        {
            "cluster_formed": True,
            "cluster_here": member(waiting={"for_quorum": True, "cuts": ["node-b"]}),
            "there": {"cluster_here": member(2, waiting={"for_quorum": True, "cuts": ["node-a"]})},
        },
        "the two do not see each other: see that both rings lead from one to the other, and run this again.",
    ),
    (
        "nobody serves: unsure",
        {
            "number": 2,
            "cluster_formed": True,
            "cluster_here": member(2),
            "there": {"cluster_here": member(waiting={"for_quorum": False, "cuts": ["node-b"]})},
        },
        "you have seen that it is off, say `stonith_admin --confirm node-b` on node-a, and run this again.",
    ),
    (
        "half replaced",
        {"cluster_formed": True, "cluster_here": member(mounted="/dev/drbd0", replacing=True)},
        "node-a: a machine of the cluster was being replaced, and that was interrupted; run the playbook",
    ),
    (
        "half left",
        {"cluster_here": here(leaving=True)},
        "node-a was to go on by itself, and that was interrupted; run the playbook cluster_leave to its end",
    ),
    (
        "unsure",
        {
            **REPLACING,
            "cluster_here": member(
                mounted="/dev/drbd0", seen=["node-a"], waiting={"for_quorum": False, "cuts": ["node-b"]}
            ),
        },
        "node-a is about to cut node-b: wait until it has",
    ),
    (
        "stranger",
        {"cluster_formed": True, "cluster_there": member(2, mounted="/dev/drbd0")},
        "is not of the cluster that node-b is of (node-a, node-b)",
    ),
    (
        "others",
        {
            "cluster_formed": True,
            "cluster_here": member(cluster=["node-a", "node-c"], mounted="/dev/drbd0"),
        },
        "is of a cluster of node-a and node-c",
    ),
    (
        "places exchanged",
        {**REPLACING, "cluster_here": {**member(mounted="/dev/drbd0", seen=["node-a"]), "number": 2}},
        "node-a is machine 2 of its cluster, and number 1 of the inventory's group appliance",
    ),
    (
        "nobody asked",
        {**REPLACING, "cluster_here": member(mounted="/dev/drbd0")},
        "its Pacemaker does not answer",
    ),
    (
        "still there",
        {**REPLACING, "cluster_here": member(mounted="/dev/drbd0", seen=["node-a", "node-c"])},
        "node-a has node-c in its cluster, which the inventory does not name; power that machine off first",
    ),
    (
        "of one name",
        {
            **REPLACING,
            "number": 2,
            "there": {"cluster_here": member(mounted="/dev/drbd0", seen=["node-a", "node-b"])},
        },
        "has another machine called node-b in it; power that one off first",
    ),
    (
        "no network",
        {"cluster_node": {**machine(1)["cluster_node"], "interface": ""}},
        "no interface in the network",
    ),
    ("address taken", {"cluster_here": here(floating_here=True)}, "belongs to no machine"),
    ("address answers", {"cluster_here": here(floating_answers="52:54:00:00:00:01")}, "by a third machine (52:54"),
    (
        "ids",
        {
            "number": 2,
            "cluster_owners": here(users={"vermilion-web": 995}, groups={"vermilion": 994}),
            "cluster_here": here(2, users={"other": 995}, groups={"games": 994}),
        },
        "node-b: uid 995, gid 994, which the appliance's users have on node-a",
    ),
]


@pytest.mark.parametrize("number", [1, 2])
def test_two_bare_machines_can_be_meant(number: int) -> None:
    assert refusals("cluster_setting_rules", number=number) == []
    assert refusals("cluster_machine_rules", number=number) == []


@pytest.mark.parametrize("address", ["2001:db8::10/64", "2001:DB8:0:0:0:0:0:10/128", "::ffff:0:1/96"])
def test_addresses_may_be_of_either_family(address: str) -> None:
    rings = {number: [f"fd00:1::{number}", f"10.77.2.{number}"] for number in (1, 2)}
    given = {"cluster_address": address, "cluster_ring_addresses": rings[1]}
    assert refusals("cluster_setting_rules", there={"cluster_ring_addresses": rings[2]}, **given) == []
    routed = {"cluster_here": here(ring_gateways=["fd00:1::ff", ""]), "cluster_ring_encrypted": True}
    assert refusals("cluster_machine_rules", **routed) == [], "whose network encrypts"


def test_an_appliance_can_be_converted_and_a_cluster_run_again() -> None:
    had = here(home=True, home_bytes=1 << 30, users={"vermilion-web": 995}, groups={"vermilion": 994})
    assert refusals("cluster_machine_rules", cluster_here=had, cluster_owners=had) == []
    bare = {"number": 2, "cluster_owners": had, "there": {"cluster_here": had}}
    assert refusals("cluster_machine_rules", **bare) == []
    both: dict[str, Any] = {
        "cluster": list(NAMES),
        "volume": {**VOLUME, "ours": True, "holds": "drbd", "used_by": "drbd0"},
    }
    active = here(mounted="/dev/drbd0", floating_here=True, **both)
    standby = here(2, floating_answers="52:54:00:00:00:01", **both)
    formed = {"cluster_formed": True, "cluster_owners": active}
    assert refusals("cluster_machine_rules", cluster_here=active, there={"cluster_here": standby}, **formed) == []
    other = {"number": 2, "cluster_here": standby, "there": {"cluster_here": active}}
    assert refusals("cluster_machine_rules", **other, **formed) == []


def test_a_bare_machine_takes_a_lost_ones_place_where_that_is_said() -> None:
    serving = member(1, mounted="/dev/drbd0", cluster=["node-a", "node-lost"], seen=["node-a"])
    meant = {"cluster_formed": True, "cluster_purpose": "replace"}
    assert refusals("cluster_machine_rules", cluster_here=serving, **meant) == []
    assert refusals("cluster_machine_rules", number=2, there={"cluster_here": serving}, **meant) == []
    # One that was away, and whose Pacemaker is alone with keys of before: it can cut nobody.
    away = member(2, seen=["node-b"], waiting={"for_quorum": True, "cuts": ["node-a"]})
    known = {"cluster_here": member(1, mounted="/dev/drbd0", seen=["node-a"])}
    assert refusals("cluster_machine_rules", number=2, cluster_here=away, there=known, **meant) == []
    [said] = refusals("cluster_machine_rules", number=2, there={"cluster_here": serving}, cluster_formed=True)
    assert "run the playbook cluster_replace" in said


@pytest.mark.parametrize(
    ("named", "said"),
    [
        (list(NAMES), None),
        (["node-a"], "has 1 hosts (node-a)"),
        ([*NAMES, "node-c"], "has 3 hosts (node-a, node-b, node-c)"),
        (None, "has 0 hosts ()"),
    ],
)
def test_a_cluster_has_exactly_two_machines(named: list[str] | None, said: str | None) -> None:
    task, *_others = tasks("survey")
    asserted = task["ansible.builtin.assert"]
    asking = templar({**clusters.own(), "groups": {} if named is None else {"appliance": named}})
    assert asking.template(trusted(f"{{{{ {asserted['that']} }}}}")) is (said is None)
    sentence = str(asking.template(trusted(asserted["fail_msg"])))
    assert said is None or sentence.startswith(
        f"The inventory's group appliance {said}; a cluster has exactly two."
    )


@pytest.mark.parametrize(("name", "value", "sentence"), SETTINGS)
def test_settings_that_cannot_be_meant_are_refused_by_one_sentence(name: str, value: Any, sentence: str) -> None:
    [refusal] = refusals("cluster_setting_rules", **{name: value})
    assert sentence in refusal


@pytest.mark.parametrize(
    ("found", "sentence"), [each[1:] for each in MACHINES], ids=[each[0] for each in MACHINES]
)
def test_machines_that_are_no_cluster_are_refused_by_one_sentence(found: dict[str, Any], sentence: str) -> None:
    [refusal] = refusals("cluster_machine_rules", **found)
    assert sentence in refusal
    assert refusal.startswith("node-")


@pytest.mark.parametrize(
    ("recorded", "quorum", "cuts"), [("healthy", False, []), ("lost", False, ["beta"]), ("peer-off", False, [])]
)
def test_what_keeps_a_cluster_from_serving(recorded: str, quorum: bool, cuts: list[str]) -> None:
    looking = module("survey")
    told = json.loads((Path(__file__).parents[1] / f"cluster/recordings/{recorded}.json").read_text("utf-8"))
    assert looking.waiting(told["crm_mon"]) == {"for_quorum": quorum, "cuts": cuts}
    alone = told["crm_mon"].replace('with_quorum="true"', 'with_quorum="false"')
    assert looking.waiting(alone)["for_quorum"] is True
    assert looking.waiting("") == {"for_quorum": False, "cuts": []}


@pytest.mark.parametrize(("name", "purpose"), [("clock", "Their clocks agree"), ("rings", "reach each other")])
def test_rings_that_do_not_answer_and_clocks_apart_are_named(name: str, purpose: str) -> None:
    [task] = [each for each in tasks("rings") if purpose in each["name"]]
    asserted = task["ansible.builtin.assert"]
    item = {"from": "10.77.2.1", "to": "10.77.2.2", "ahead": None if name == "rings" else 3.5}
    variables = {**clusters.both(), **clusters.own(), "item": item}
    assert templar(variables).template(trusted(f"{{{{ {asserted['that']} }}}}")) is False
    said = templar(variables).template(trusted(asserted["fail_msg"]))
    assert ("The clock of node-b is 3.5 s ahead of that of node-a" if name == "clock" else "(10.77.2.2)") in said
    fine = {**variables, "item": {**item, "ahead": -0.2}}
    assert templar(fine).template(trusted(f"{{{{ {asserted['that']} }}}}")) is True


def test_the_rings_are_asked_and_the_clock_compared() -> None:
    script = str(CLUSTER / "files/rings.py")
    python = [sys.executable, "-I", script]
    serving = subprocess.Popen([*python, "serve", "60", "127.0.0.1", "127.0.0.2"])
    try:
        done = run(*python, "ask", "127.0.0.3=127.0.0.1", "127.0.0.4=127.0.0.2")
        found = json.loads(done.stdout)
        assert [each["to"] for each in found] == ["127.0.0.1", "127.0.0.2"]
        assert all(abs(each["ahead"]) < 1 for each in found)
    finally:
        serving.kill()
        serving.wait()


def test_a_machine_is_surveyed_without_being_touched(tmp_path: Path) -> None:
    asked = {"volume": str(tmp_path), "names": ["localhost", "no.such.host.invalid"], "floating": "192.0.2.254"}
    asked |= {"rings": ["127.0.0.1"], "peers": ["127.0.0.2"]}
    asked |= {"watchdog": "/dev/null", "shared": ["/dev/null", "/dev/no-such-disk"]}
    [task] = [each for each in tasks("survey") if each.get("register") == "cluster_surveyed"]
    given = templar({**clusters.both(), "cluster_asked_names": list(NAMES)})
    assert set(json.loads(given.template(trusted(task["ansible.builtin.command"]["argv"][-1])))) == set(asked)
    done = run(sys.executable, "-I", CLUSTER / "files/survey.py", json.dumps(asked))
    found = json.loads(done.stdout)
    assert set(found) == set(survey(1))
    assert str(found["booted"]) in Path("/proc/stat").read_text(), "when it started, by the clock that it has now"
    assert module("survey").booted("cpu  1 2\nbtime 1796055600\nprocesses 7\n") == 1796055600
    assert module("survey").booted("") == 0
    assert found["volume"]["block"] is False
    assert found["watchdog"] is True and found["shared_missing"] == asked["shared"], "a device of the other kind"
    assert found["resolved"]["localhost"] and found["resolved"]["no.such.host.invalid"] == []
    assert found["rings_here"] == ["127.0.0.1"] and found["users"]["root"] == 0


def test_a_watchdog_is_there_by_its_name_alone(tmp_path: Path) -> None:
    """One that was opened, and is not written to from then on, has the machine started anew."""
    looking = module("survey")
    assert looking.is_device("/dev/null", stat.S_ISCHR) and not looking.is_device("/dev/null", stat.S_ISBLK)
    assert not looking.is_device(str(tmp_path / "none"), stat.S_ISCHR)
    os.mkfifo(tmp_path / "opened")  # to open it would wait for whoever writes
    assert not looking.is_device(str(tmp_path / "opened"), stat.S_ISCHR)


@tool("blkid")
@pytest.mark.parametrize(
    ("disk", "found", "said"),
    [
        ("missing", 1, "cannot be read on this machine (it is not there)"),
        ("empty", 2, None),
        ("full", 0, "is not empty"),
    ],
)
def test_a_disk_that_is_missing_is_not_an_empty_one(
    tmp_path: Path, disk: str, found: int, said: str | None
) -> None:
    """blkid ends with 2 for both, and DRBD's or SBD's part would be written to what is not there."""
    (tmp_path / "empty").write_bytes(bytes(1 << 20))
    (tmp_path / "full").write_bytes(b"LUKS\xba\xbe\0\1" + bytes(1 << 20))
    path = str(tmp_path / disk)
    for name in ("sbd", "volume"):
        looks = next(each for each in tasks(name) if "blkid" in str(each.get("ansible.builtin.shell")))
        given = templar({"item": path, "cluster_disk": path})
        script = str(given.template(trusted(looks["ansible.builtin.shell"])))
        done = run("sh", "-c", script.replace("test -b", "test -f"))  # a test has no block device
        result = {"rc": done.returncode, "stderr": done.stderr, "stderr_lines": done.stderr.splitlines()}
        assert done.returncode == found, done
        if name == "volume":
            asking = templar({"cluster_on_disk": result})
            assert asking.template(trusted(f"{{{{ {looks['failed_when']} }}}}")) is (found == 1)
            continue
        [demand] = [each for each in tasks(name) if "ansible.builtin.assert" in each]
        asking, asserted = (
            templar({**clusters.both(), "item": {**result, "item": path}}),
            demand["ansible.builtin.assert"],
        )
        assert asking.template(trusted(f"{{{{ {asserted['that']} }}}}")) is (said is None)
        sentence = str(asking.template(trusted(asserted["fail_msg"])))
        assert said is None or sentence.startswith(f"node-a: {path}, which cluster_sbd_disks names, {said}")


def test_which_machine_of_its_cluster_it_is(tmp_path: Path) -> None:
    looking, conf = module("survey"), tmp_path / "corosync.conf"
    assert looking.number(NAMES[0], conf) == 0
    conf.write_text(written("corosync.conf.j2"), encoding="utf-8")
    assert [looking.number(name, conf) for name in (*NAMES, "node")] == [1, 2, 0]


def test_whose_a_disk_is_and_in_which_network_an_address() -> None:
    looking = module("survey")
    routes = (
        "Iface Destination Gateway Flags RefCnt Use Metric Mask\n"
        "eth0 00000000 010200C0 0003 0 0 0 00000000\n"
        "eth1 00014D0A 00000000 0001 0 0 0 00FFFFFF\n"
    )
    zero = "0" * 32
    six = (
        f"fd000001{zero[8:]} 40 {zero} 00 {zero} 00000100 00000001 00000000 00000001 eth1\n"
        f"fd000001{zero[8:31]}1 80 {zero} 00 {zero} 00000000 00000002 00000000 80200001 eth1\n"
        f"{zero} 00 {zero} 00 fe80{zero[4:31]}1 00000400 00000001 00000000 00450003 eth0\n"
        f"{zero} 00 {zero} 00 {zero} ffffffff 00000001 00000000 00200200 lo\n"
    )
    assert looking.route("10.77.1.9", routes, six) == ("10.77.1.0/24", "", "eth1")
    assert looking.route("10.77.2.9", routes, six) == ("", "192.0.2.1", "")
    assert looking.route("fd00:1::1", routes, six) == ("fd00:1::/64", "", "eth1")
    assert looking.route("fd00:2::1", routes, six) == ("", "fe80::1", "")
    assert looking.route("10.77.2.9", "Iface\n", "") == ("", "", "")

"""Two machines as one appliance: what is refused before anything is touched, what the role writes as the real
tools read it, and what Pacemaker then decides."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

pytest.importorskip("ansible", reason="ansible-core comes with `scripts/setup lint`")

from appliance.operations.releases import UpgradeStep
from tests.provisioning import clusters
from tests.provisioning.clusters import CLUSTER, DISK, NAMES, machine, refusals, survey, written
from tests.provisioning.test_preflight import templar, trusted

pytestmark = pytest.mark.slow

SBIN = "/usr/sbin:/usr/bin:/sbin:/bin"


def tool(name: str) -> pytest.MarkDecorator:
    """What needs this program of Debian's is skipped where it is not installed."""
    found = shutil.which(name, path=SBIN)
    return pytest.mark.skipif(found is None, reason=f"{name} is in Debian's packages of clusters, and not here")


def run(*command: str | Path, given: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """The program in an environment with *environment*."""
    known = {**os.environ, "PATH": SBIN, **environment}
    return subprocess.run(
        [str(each) for each in command], input=given, capture_output=True, text=True, check=False, env=known
    )


def here(number: int = 1, **found: Any) -> dict[str, Any]:
    """A survey of one of the two that *found* something else than on a bare machine."""
    return {**survey(number), **found}


def member(number: int = 1, **found: Any) -> dict[str, Any]:
    """As :func:`here`, of a machine that is a node of a cluster."""
    volume = {**survey(number)["volume"], "ours": True}
    return here(number, **{"cluster": list(NAMES), "volume": volume, **found})


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


def tasks(name: str) -> list[dict[str, Any]]:
    """The role's tasks in that file."""
    import yaml  # noqa: PLC0415

    return list(yaml.safe_load((CLUSTER / f"tasks/{name}.yml").read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("purpose", "seen", "comes", "told"),
    [
        ("replace", ["node-a"], True, [True, False]),
        ("replace", ["node-a", "node-b"], False, [True, True]),
        ("form", ["node-a"], False, [True, True]),
    ],
)
def test_a_machine_comes_where_the_cluster_does_not_see_it(
    purpose: str, seen: list[str], comes: bool, told: list[bool]
) -> None:
    """Its Corosync and its DRBD do not run then, and cannot be told what was changed."""
    surveys = [member(1, mounted="/dev/drbd0", seen=seen), member(2)]
    found = []
    for number in (1, 2):
        given = clusters.both(number, cluster_formed=True, cluster_purpose=purpose)
        given["cluster_here"] = surveys[number - 1]
        for name, surveyed in zip(NAMES, surveys, strict=True):
            given["hostvars"][name]["cluster_here"] = surveyed
        asking = templar({**given, **clusters.own()})
        assert asking.template(trusted("{{ cluster_comes }}")) is comes
        found.append(asking.template(trusted("{{ cluster_runs_here }}")))
    assert found == told


def test_who_replaces_a_machine_is_known_until_it_is_done() -> None:
    """Other playbooks refuse as long as the file is there (survey.py); so it is there first, and gone last."""
    marker = str(module("survey").REPLACING)
    first, *_rest = tasks("newcomer")
    assert first["ansible.builtin.copy"]["dest"] == marker and "when" not in first, "on both machines"
    order = [each["name"] for each in tasks("main")]
    [gone] = [each for each in tasks("main") if marker in str(each)]
    assert gone["ansible.builtin.file"] == {"path": marker, "state": "absent"}
    assert order.index(gone["name"]) == len(order) - 2 and order[-1] == "What was done"
    assert "when" not in gone, "also where the machine came in an earlier run, or had been in another cluster"
    assert marker in (CLUSTER.parents[2] / "systemd/bin/vermilion-cluster").read_text(encoding="utf-8")
    [block] = [each["block"] for each in tasks("cut") if "block" in each]
    [goes] = [each["ansible.builtin.command"] for each in block if each["name"] == "It goes"]
    for purpose, option in (("replace", " --replacing"), ("form", "")):
        asked = templar({"cluster_purpose": purpose, "cluster_timeout_factor": 6}).template(trusted(goes))
        assert asked == f"/usr/local/sbin/vermilion-cluster switch-over --wait 1800{option}"


@pytest.mark.parametrize(
    ("known", "forgotten"), [(["node-a", "node-lost"], ["node-lost"]), (list(NAMES), ["node-b"]), (["node-a"], [])]
)
def test_pacemaker_forgets_whoever_was_there_before(known: list[str], forgotten: list[str]) -> None:
    """Else who serves would have to cut it, if it started anew before the other one has come."""
    [task] = [each for each in tasks("newcomer") if "crm_node" in str(each)]
    asking = templar(clusters.both(cluster_here=member(cluster=known)))
    assert asking.template(trusted(task["loop"])) == forgotten
    names = [each["name"] for each in tasks("newcomer")]
    assert names.index("Corosync knows") < names.index(task["name"]), "which sees none any more then"


@pytest.mark.parametrize(
    ("drbd", "taken"),
    [
        (" 0: cs:Connected ro:Secondary/Primary ds:UpToDate/UpToDate C r-----", False),
        (" 0: cs:SyncTarget ro:Secondary/Primary ds:Inconsistent/UpToDate C r-----", False),
        (" 0: cs:Connected ro:Secondary/Primary ds:Diskless/UpToDate C r-----", True),
        (" 0: cs:Unconfigured", True),
        ("version: 8.4.11 (api:1/proto:86-101)", True),
    ],
)
def test_a_disk_that_was_prepared_is_taken_into_use_after_an_interruption_too(drbd: str, taken: bool) -> None:
    [task] = [each for each in tasks("volume") if "crm_resource --cleanup" in str(each)]
    given = clusters.both(
        cluster_formed=True, cluster_here=member(), cluster_volume={"stdout": f"srcversion\n{drbd}\n    ns:0"}
    )

    def is_taken(purpose: str, empty: bool) -> bool:
        known = {"cluster_on_disk": {"rc": 2 if empty else 0}, "cluster_purpose": purpose}
        asking = templar({**given, **trusted(task["vars"]), **known})
        return bool(asking.template(trusted(f"{{{{ {task['when']} }}}}")))

    assert is_taken("replace", empty=False) is taken
    assert is_taken("form", empty=True) is taken
    assert not is_taken("form", empty=False), "a disk that fails is not attached again by an ordinary run"


@tool("corosync-keygen")
def test_whoever_was_replaced_knows_no_key_that_is_in_force(tmp_path: Path) -> None:
    [task] = [each for each in tasks("newcomer") if "knows the keys no more" in each["name"]]
    script = task["ansible.builtin.shell"]
    keys = [Path(each) for each in clusters.own()["cluster_keys"]["files"]]
    assert task["when"] == "inventory_hostname == cluster_active", "the other one gets them as in a new cluster"
    for key in keys:
        assert script.count(f" {key};") + script.endswith(f" {key}") == 1, "each key that both have is made anew"
        script = script.replace(str(key.parent), str(tmp_path))
    had = set()
    for _ in range(2):
        done = run("bash", "-c", script)
        assert done.returncode == 0, done.stderr
        for key in keys:
            made = tmp_path / key.name
            assert made.stat().st_mode & 0o77 == 0 and made.stat().st_size >= 32
            had.add(made.read_bytes())
    assert len(had) == 2 * len(keys) and {each.name for each in tmp_path.iterdir()} == {each.name for each in keys}


SYSCTL = "/usr/lib/systemd/systemd-sysctl"
LISTENS = """import socket
for family, address in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
    with socket.socket(family) as listener:
        listener.bind((address, 7788))
"""


@pytest.mark.skipif(not os.access(SYSCTL, os.X_OK), reason="systemd is not here")
def test_drbd_may_listen_on_an_address_that_is_away_with_its_cable() -> None:
    """Where it may not, it is StandAlone for good."""
    alone = ("unshare", "--net", *(() if os.geteuid() == 0 else ("--map-root-user",)), "sh", "-c")
    asked = (sys.executable, "-c", LISTENS)
    before = run(*alone, 'exec "$@"', "sh", *asked)
    assert "Cannot assign requested address" in before.stderr
    done = run(*alone, '"$0" "$1" && shift && exec "$@"', SYSCTL, CLUSTER / "files/sysctl.conf", *asked)
    assert done.returncode == 0, done.stderr


OWN = """import importlib.util, sys
from appliance.network_addresses import is_own_address
spec = importlib.util.spec_from_file_location("survey", sys.argv[1])
survey = importlib.util.module_from_spec(spec)
spec.loader.exec_module(survey)
for address in sys.argv[2:]:
    print(address, survey.here(address), is_own_address(address))
"""


@tool("ip")
@pytest.mark.skipif(not os.access(SYSCTL, os.X_OK), reason="systemd is not here")
def test_what_a_node_may_bind_is_no_address_of_its_own() -> None:
    """Else no second run would find the floating address free, and no webhook would leave a cluster."""
    alone = ("unshare", "--net", *(() if os.geteuid() == 0 else ("--map-root-user",)), "sh", "-c")
    begun = '"$0" "$1" && shift && ip link set lo up && ip address add 192.0.2.7/32 dev lo &&'
    begun += ' ip address add 2001:db8::7/128 dev lo nodad && exec "$@"'
    addresses = {"192.0.2.7": True, "2001:db8::7": True, "192.0.2.1": False, "2001:db8::1": False}
    asked = (sys.executable, "-I", "-c", OWN, str(CLUSTER / "files/survey.py"), *addresses)
    done = run(*alone, begun, SYSCTL, CLUSTER / "files/sysctl.conf", *asked)
    assert done.stdout.splitlines() == [f"{each} {own} {own}" for each, own in addresses.items()], done.stderr


@pytest.mark.parametrize("lost", [1, 2])
@pytest.mark.parametrize("arbiter", ["", "arbiter.enterprise.example"])
def test_whoever_was_replaced_is_taken_out_alone(lost: int, arbiter: str) -> None:
    """Corosync takes a node's new address only after it has forgotten the node; the other keeps its number."""
    [task] = [each for each in tasks("newcomer") if "is no node" in each["name"]]
    variables = {**clusters.both(), **clusters.own(), "cluster_active": NAMES[2 - lost]}
    number = templar(variables).template(trusted(task["vars"]["cluster_number"]))
    taken = task["ansible.builtin.replace"]
    pattern = templar({"cluster_number": number}).template(trusted(taken["regexp"]))
    before = written("corosync.conf.j2", cluster_arbiter=arbiter)
    after = re.sub(pattern, taken["replace"], before, flags=re.MULTILINE)
    gone = [line.strip() for line in before.splitlines() if before.count(line) > after.count(line)]
    assert {f"nodeid: {lost}", f"name: {NAMES[lost - 1]}", f"ring0_addr: 10.77.1.{lost}"} < set(gone)
    assert f"nodeid: {3 - lost}\n        name: {NAMES[2 - lost]}\n" in after
    assert after.count("{") == after.count("}") == before.count("{") - 1


def test_a_machine_that_comes_has_everything_before_the_cluster_may_use_it() -> None:
    """Pacemaker looks for the agents on a machine as soon as it joins, and a switch needs what the probe tells."""
    order = [str(each) for each in tasks("main")]

    def at(what: str, *having: str) -> int:
        [found] = [n for n, each in enumerate(order) if f"{what}.yml" in each and all(h in each for h in having)]
        return found

    steps = [("newcomer",), ("settings",), ("node", "'cluster_formed'"), ("join",), ("fence",)]
    steps += [
        ("proof", "cluster_standby"),
        ("volume",),
        ("resources",),
        ("proof", "cluster_active] if cluster_repl"),
    ]
    places = [at(*each) for each in steps]
    assert places == sorted(places)
    joining = [each["name"] for each in tasks("join")]
    assert joining.index("What was changed is in force") < joining.index("The cluster runs, and after every start")
    [told] = [n for n, each in enumerate(tasks("join")) if "configuration.yml" in str(each)]
    assert told < joining.index("The cluster runs, and after every start"), "or it would be cut by the old device"
    [devices] = [each for each in tasks("fence") if "configuration.yml" in str(each)]
    assert "when" not in devices, "a device that was changed is in force before it is proven"


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
    import yaml  # noqa: PLC0415

    tasks = yaml.safe_load((CLUSTER / "tasks/rings.yml").read_text(encoding="utf-8"))
    [task] = [each for each in tasks if purpose in each["name"]]
    asserted = task["ansible.builtin.assert"]
    item = {"from": "10.77.2.1", "to": "10.77.2.2", "ahead": None if name == "rings" else 3.5}
    variables = {**clusters.both(), "item": item}
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


def module(name: str) -> Any:
    """The role's script *name*, to ask single answers of."""
    import importlib.util  # noqa: PLC0415

    spec = importlib.util.spec_from_file_location(f"cluster_{name}", CLUSTER / f"files/{name}.py")
    assert spec is not None and spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def test_a_machine_is_surveyed_without_being_touched(tmp_path: Path) -> None:
    asked = {"volume": str(tmp_path), "names": ["localhost", "no.such.host.invalid"], "floating": "192.0.2.254"}
    asked |= {"rings": ["127.0.0.1"], "peers": ["127.0.0.2"]}
    done = run(sys.executable, "-I", CLUSTER / "files/survey.py", json.dumps(asked))
    found = json.loads(done.stdout)
    assert set(found) == set(survey(1))
    assert found["volume"]["block"] is False
    assert found["resolved"]["localhost"] and found["resolved"]["no.such.host.invalid"] == []
    assert found["rings_here"] == ["127.0.0.1"] and found["users"]["root"] == 0


def test_which_machine_of_its_cluster_it_is(tmp_path: Path) -> None:
    looking, conf = module("survey"), tmp_path / "corosync.conf"
    assert looking.number(NAMES[0], conf) == 0
    conf.write_text(written("corosync.conf.j2"), encoding="utf-8")
    assert [looking.number(name, conf) for name in (*NAMES, "node")] == [1, 2, 0]


def test_a_disk_that_is_on_its_way_up_is_not_taken_for_one_of_another_volume(tmp_path: Path) -> None:
    """Pacemaker's agent attaches the disk, asks who else is there, and connects then: StandAlone for so long."""
    [looks] = [each for each in tasks("joined_sync") if "or cannot have it" in each["name"]]
    asking = templar({**clusters.both(), "cluster_timeout_factor": 2})
    said = asking.template(trusted(looks["ansible.builtin.shell"]))
    volume = tmp_path / "volume"
    asked = str(said).replace("/proc/drbd", str(volume)).replace("sleep 30", f"echo connected >{volume}")
    for before, after in ((" 0: cs:StandAlone ro:S", "connected"), (" 0: cs:WFConnection ro:S", None)):
        volume.write_text(f"{before}\n", encoding="utf-8")
        assert run("sh", "-c", asked).stdout == f"{after or before}\n"


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


@tool("cibadmin")
def test_a_cluster_is_one_that_serves_the_appliance(tmp_path: Path) -> None:
    looking, cib = module("survey"), configured(tmp_path)
    assert looking.cluster_of(cib) == list(NAMES)
    assert looking.cluster_of(tmp_path / "nothing.xml") == []
    assert looking.cluster_of(configured(tmp_path / "young", cluster_whole=False)) == []


@pytest.mark.skipif(
    shutil.which("systemd-creds") is None or os.geteuid() != 0, reason="root's systemd-creds seals"
)
def test_settings_and_secrets_become_equal_and_are_left_alone_then(tmp_path: Path) -> None:
    equal = module("equal")
    stores = [tmp_path / "a", tmp_path / "b"]
    (tmp_path / "etc").mkdir()
    kept, own = tmp_path / "etc/appliance.toml", tmp_path / "etc/provisioned.json"
    what = {"folders": [str(tmp_path / "etc")], "files": [], "except": [str(own)], "secrets": "vermilion."}
    for store in stores:
        store.mkdir()
    kept.write_text("of the active node")
    kept.chmod(0o640)
    equal.keep("vermilion.web.key", b"\x00secret\n", stores[0])
    given = equal.give(what, stores[0])
    assert base64.b64decode(given["secrets"]["vermilion.web.key"]) == b"\x00secret\n"
    kept.write_text("of the standby")
    (tmp_path / "etc/stranger.toml").write_text("")
    own.write_text("its own")
    equal.keep("vermilion.old.key", b"old", stores[1])

    changed = equal.take(what, given, stores[1])
    assert sorted(changed) == sorted(
        [str(kept), str(tmp_path / "etc/stranger.toml"), "vermilion.old.key", "vermilion.web.key"]
    )
    assert (kept.read_text(), kept.stat().st_mode & 0o777) == ("of the active node", 0o640)
    assert own.read_text() == "its own"
    assert equal.secrets("vermilion.", stores[1]) == given["secrets"]
    assert b"secret" not in (stores[1] / "vermilion.web.key").read_bytes()
    assert equal.take(what, given, stores[1]) == []

    # One that is sealed by the key of another machine is sealed anew; from there it is not taken.
    (stores[1] / "vermilion.web.key").write_bytes(b"sealed elsewhere")
    assert equal.give(what, stores[1])["secrets"] == {"vermilion.web.key": None}
    assert equal.take(what, given, stores[1]) == ["vermilion.web.key"]
    assert equal.secrets("vermilion.", stores[1]) == given["secrets"]

    # The password of one device, node-1's, says nothing of node-10's.
    equal.keep("vermilion.fence.node-10", b"ten", stores[0])
    [sealing] = [each for each in tasks("passwords") if "cluster_sealing" in each.get("vars", {})]
    one = {**sealing["vars"]["cluster_sealing"], "secrets": "vermilion.fence.node-1"}
    secret = {"files": {}, "secrets": {one["secrets"]: base64.b64encode(b"one").decode()}}
    assert equal.take(one, secret, stores[0]) == ["vermilion.fence.node-1"]
    assert sorted(equal.secrets("vermilion.fence.", stores[0])) == [
        "vermilion.fence.node-1",
        "vermilion.fence.node-10",
    ]


@pytest.mark.skipif(
    shutil.which("systemd-creds") is None or os.geteuid() != 0, reason="root's systemd-creds seals"
)
def test_what_opens_a_device_is_handed_to_its_own_agent_alone(tmp_path: Path) -> None:
    """By the wrapper that Pacemaker calls, which knows a file and not what is in it."""
    name = "vermilion.fence-secrets.node-a.example"
    module("equal").keep(name, b"community=top secret\nsnmp_priv_passwd=%x", tmp_path)
    agent = tmp_path / "fence_told"
    known = "".join(f'<parameter name="{each}" unique="0">' for each in ("community", "snmp_priv_passwd"))
    agent.write_text(
        f"#!/bin/sh\ngiven=$(cat)\n[ \"$given\" != action=metadata ] || {{ echo '{known}'; exit 0; }}\n"
        f"printf '%s\\n' \"$given\" >{tmp_path}/told\nexit 2\n"
    )
    agent.chmod(0o755)
    script = (CLUSTER / "files/fence_vermilion").read_text(encoding="utf-8").replace("/usr/sbin", str(tmp_path))

    def fencing(**options: str) -> subprocess.CompletedProcess[str]:
        given = "".join(f"{key}={value}\n" for key, value in options.items())
        return run("sh", "-c", script, given=given)

    sealed = str(tmp_path / name)
    done = fencing(action="status", ip="192.0.2.21", agent="fence_told", secrets=sealed, plug="3")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", ""), "as its own agent ends"
    assert (tmp_path / "told").read_text().splitlines() == [
        *("action=status", "ip=192.0.2.21", "plug=3"),
        *("community=top secret", "snmp_priv_passwd=%x"),
    ]
    for other in ("fence_gone", "sh", "fence_../told", "fence_vermilion", ""):
        done = fencing(action="reboot", agent=other, secrets=sealed)
        assert done.returncode == 1 and f"there is no fence agent '{other}'" in done.stderr
    done = fencing(action="reboot", agent="fence_told", secrets=str(tmp_path / "vermilion.fence-secrets.node-b"))
    assert done.returncode == 1 and "cannot be opened" in done.stderr
    (tmp_path / "told").unlink()
    for wrong, said in ((b"communty=hush", "names no option of fence_told"), (b"hush", "is not NAME=VALUE")):
        module("equal").keep(name, b"community=top secret\n" + wrong, tmp_path)
        done = fencing(action="status", agent="fence_told", secrets=sealed)
        assert done.returncode == 1 and f"line 2 of {sealed} {said}" in done.stderr
        assert "hush" not in done.stderr and not (tmp_path / "told").exists(), "agents log what they do not know"
    described = ElementTree.fromstring(fencing(action="metadata").stdout)  # noqa: S314 # our own
    actions = {each.get("name") for each in described.iterfind("actions/action")}
    assert {"reboot", "off", "status", "monitor", "metadata"} <= actions


def test_lines_of_a_secret_may_end_as_any_editor_ends_them(tmp_path: Path) -> None:
    from ansible.plugins.loader import init_plugin_loader  # noqa: PLC0415

    init_plugin_loader()  # of lookups, such as that of a file
    (tmp_path / "secrets").write_bytes("community=机密\r\nsnmp_priv_passwd=x y\r\n".encode())
    [sealing] = [each for each in tasks("passwords") if "cluster_sealing" in each.get("vars", {})]
    given = {
        "cluster_secret": "vermilion.fence-secrets.node-a",
        "cluster_password_file": str(tmp_path / "secrets"),
    }
    asking = templar({**clusters.both(), **given, **trusted(sealing["vars"])})
    told = json.loads(asking.template(trusted(sealing["ansible.builtin.command"]["stdin"])))
    [sealed] = told["secrets"].values()
    assert base64.b64decode(sealed).decode() == "community=机密\nsnmp_priv_passwd=x y"


def test_secrets_of_a_device_stand_in_no_configuration() -> None:
    [task] = [each for each in tasks("survey") if each["name"] == "What it is in the cluster"]
    options = {"ip": "192.0.2.21", "password_file": "/root/password", "secrets_file": "/root/secrets"}
    given = clusters.both(cluster_fence={"agent": "fence_apc_snmp", "options": options})
    given["ansible_facts"]["nodename"] = "node-a"
    node = templar({**given, **trusted(task["vars"])}).template(trusted(task["ansible.builtin.set_fact"]))
    device = node["cluster_node"]["fence"]
    sealed = "/etc/credstore.encrypted/vermilion.fence-secrets.node-a"
    assert device["agent"] == "fence_vermilion"
    assert {**device["options"], "password_script": ""} == {
        "ip": "192.0.2.21",
        "agent": "fence_apc_snmp",
        "secrets": sealed,
        "password_script": "",
        "pcmk_host_list": "node-a",
    }
    assert node["cluster_node"]["fence_device"] == "fence_apc_snmp 192.0.2.21", "the one that people know"
    [task] = [each for each in tasks("settings") if "passwords.yml" in str(each)]
    kinds = [each[1] for each in templar(given).template(trusted(task["loop"])) if each[0] == "node-a"]
    opens = [["node-a", kind] for kind in kinds]
    found = [
        templar({**given, **trusted(task["vars"]), "cluster_opens": each}).template(
            trusted("{{ [cluster_secret, cluster_password_file] }}")
        )
        for each in opens
    ]
    assert found == [["vermilion.fence.node-a", "/root/password"], [Path(sealed).name, "/root/secrets"]]


def test_secrets_pass_through_memory_alone() -> None:
    """With pipelining Ansible writes neither the module nor what it is given to a file of the machine."""
    import yaml  # noqa: PLC0415

    for name in ("equal", "passwords"):
        tasks = yaml.safe_load((CLUSTER / f"tasks/{name}.yml").read_text(encoding="utf-8"))
        handling = [each for each in tasks if "equal.py" in json.dumps(each)]
        assert handling and all(each["no_log"] is True for each in handling)
    tasks = yaml.safe_load((CLUSTER / "tasks/settings.yml").read_text(encoding="utf-8"))
    shown = [each for each in tasks if "cluster_volume_secret" in each.get("vars", {})]
    assert [each["diff"] for each in shown] == [False], "`install --check` would show the secret"
    for name in ("cluster", "cluster_upgrade"):
        plays = yaml.safe_load((CLUSTER.parents[1] / f"playbooks/{name}.yml").read_text(encoding="utf-8"))
        assert all(play["vars"]["ansible_pipelining"] is True and play["any_errors_fatal"] for play in plays)


@pytest.mark.parametrize(
    ("begun", "succeeded", "done"),
    [
        ({}, 1, False),
        ({"boot": "boot-0", "before": 0}, 1, True),
        ({"boot": "boot-0", "before": 1}, 1, False),
        ({"boot": "boot-0", "before": 1}, 2, True),
        ({"boot": "boot-1", "before": 0}, 1, False),
    ],
)
def test_a_cut_that_was_begun_counts_once_it_was_done(begun: dict[str, Any], succeeded: int, done: bool) -> None:
    """Not by an earlier one of the same machine, of which Pacemaker's history tells as well."""
    import yaml  # noqa: PLC0415

    tasks = {name: yaml.safe_load((CLUSTER / f"tasks/{name}.yml").read_text("utf-8")) for name in ("cut", "prove")}
    [asks] = [each for each in tasks["prove"] if each["name"] == "Whether that is done"]
    [begins] = [each for each in tasks["cut"] if each["name"] == "It was begun"]
    [remembers] = [str(each) for each in tasks["prove"] if each.get("register") == "cluster_history"]
    assert " --verbose " in remembers, "stonith_admin 3.0 tells of the oldest cut alone without it"
    given = clusters.both()
    given |= {"cluster_cut": given["cluster_node"], "cluster_target": "node-a"}
    given["hostvars"]["node-a"]["cluster_here"] = here()
    given["cluster_history"] = {"stdout": '<fence_event target="node-a" status="success"/>' * succeeded}
    fresh = templar(given).template(trusted(begins["ansible.builtin.copy"]["content"]))
    assert json.loads(fresh) == {"node": "node-a", "settings": "0" * 64, "boot": "boot-1", "before": succeeded}
    given["cluster_begun"] = {**json.loads(fresh), **begun} if begun else {}
    said = templar(given).template(trusted(asks["ansible.builtin.set_fact"]["cluster_was_cut"]))
    assert said is done
    [forgets] = [each for each in tasks["cut"] if each.get("ansible.builtin.file", {}).get("state") == "absent"]
    names = [each["name"] for each in tasks["cut"]]
    assert names.index(begins["name"]) < names.index(forgets["name"]) < names.index("It was cut")
    for result, failed in (({"rc": 1}, True), ({}, True), ({"rc": 0}, False)):
        given |= {"cluster_cutter": "node-a", "cluster_cut_done": result}
        assert templar(given).template(trusted(f"{{{{ {forgets['when']} }}}}")) is failed


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


MONDAY, TUESDAY = "20261130T020000Z", "20261201T020000Z"


@pytest.mark.parametrize(
    ("here", "there", "taken"),
    [
        (None, ("", "begun"), True),
        (None, (MONDAY, "migrated"), True),
        (None, (MONDAY, "done"), True),
        ((MONDAY, "done"), (TUESDAY, "migrated"), True),
        ((MONDAY, "done"), (TUESDAY, "done"), True),
        ((MONDAY, "backed up"), (MONDAY, "done"), True),
        ((MONDAY, "migrated"), (MONDAY, "taken back"), True),
        ((MONDAY, "done"), (MONDAY, "taken back"), False),
        ((MONDAY, "taken back"), (MONDAY, "done"), False),
        ((TUESDAY, "stopped, databases copied"), (MONDAY, "done"), False),
        ((MONDAY, "done"), (MONDAY, "migrated"), False),
        ((TUESDAY, "taken back"), (MONDAY, "done"), False),
        ((MONDAY, "done"), ("", "begun"), False),
        ((MONDAY, "done"), (MONDAY, "done"), False),
        ((MONDAY, "done"), None, False),
        (None, None, False),
    ],
)
@pytest.mark.parametrize(("number", "current"), [(1, "1"), (1, "2"), (1, "3"), (2, "2")])
def test_the_last_upgrade_is_known_where_the_volume_is(
    number: int, current: str, here: tuple[str, str] | None, there: tuple[str, str] | None, taken: bool
) -> None:
    """How far it came says a file of the machine where it ran, which may have lost the volume since; or which was
    another appliance then, with other releases."""
    import yaml  # noqa: PLC0415

    playbooks = CLUSTER.parents[1] / "playbooks"
    [task] = yaml.safe_load((playbooks / "tasks/journal.yml").read_text(encoding="utf-8"))
    for name in ("cluster", "cluster_upgrade"):
        assert "import_tasks: tasks/journal.yml" in (playbooks / f"{name}.yml").read_text(encoding="utf-8")

    def journal(known: tuple[str, str] | None) -> dict[str, Any]:
        read: dict[str, Any] = {"skipped": True}
        if known is not None:
            said = json.dumps({"before": "1", "after": "2", "step": known[1], "archive": known[0]})
            read = {"content": base64.b64encode(said.encode()).decode()}
        return {
            "preflight_upgrade_journal": read,
            "preflight_upgrade_file": {"stat": {"exists": known is not None}},
        }

    given = clusters.both(number, there=journal(there), **journal(here))
    own = yaml.safe_load((CLUSTER.parent / "preflight/vars/main.yml").read_text(encoding="utf-8"))
    given["preflight_installed"] = {"stat": {"lnk_target": f"releases/{current}"}}
    asking = templar({**trusted(own), **trusted(task["vars"]), **given})
    found = True
    for condition in task["when"]:
        found = found and asking.template(trusted(f"{{{{ {condition} }}}}"))
    assert found is (taken and number == 1 and current in "12")
    if found and there:
        assert there[1] in str(asking.template(trusted(task["ansible.builtin.copy"]["content"])))
    assert list(UpgradeStep) == [*asking.template(trusted("{{ cluster_steps }}"))[1:], "taken back"]
    assert task["ansible.builtin.copy"]["dest"] in str(clusters.own()["cluster_meant"]["files"])


@pytest.mark.parametrize(
    ("restored", "goes_on"),
    [(None, True), ("5f3a node-a\n", True), ("placed:5f3a node-b\n", False), ("5f3a node-b\n", False)],
)
def test_only_who_has_the_secrets_of_a_backup_ends_its_restore(restored: str | None, goes_on: bool) -> None:
    """The other machine may have taken over since, with the secrets from before."""
    import yaml  # noqa: PLC0415

    steps = yaml.safe_load((CLUSTER.parents[1] / "playbooks/tasks/restored.yml").read_text(encoding="utf-8"))
    read = {} if restored is None else {"content": base64.b64encode(restored.encode()).decode()}
    [demand] = [each for each in steps if "ansible.builtin.assert" in each]
    given = {**clusters.both(1), steps[0]["register"]: read, "ansible_facts": {"nodename": "node-a"}}
    given["inventory_hostname"] = "the-first"
    asking = templar({**given, **trusted(demand["vars"])})
    asserted = demand["ansible.builtin.assert"]
    assert asking.template(trusted(f"{{{{ {asserted['that']} }}}}")) is goes_on
    said = str(asking.template(trusted(asserted["fail_msg"])))  # Ansible makes it, whether it says it or not
    if not goes_on:
        assert said.startswith(
            "A restore on node-b did not come to its end, and node-a serves without the secrets"
        )


HANDING_OVER = """
- hosts: active
  gather_facts: true
  gather_subset: [min]
  any_errors_fatal: true
  tasks:
    - block:
        - ansible.builtin.meta: noop
      always:
        - ansible.builtin.include_role:
            name: cluster
            tasks_from: hand_over
        - ansible.builtin.debug:
            msg: Pacemaker watches again
"""


def test_a_standby_that_does_not_answer_keeps_pacemaker_from_nothing(tmp_path: Path) -> None:
    """By Ansible itself: that such a failure is ignored is said in two places."""
    (tmp_path / "play.yml").write_text(HANDING_OVER)
    (tmp_path / "hosts").write_text(
        f"active ansible_connection=local ansible_python_interpreter={sys.executable}\n"
        "standby ansible_connection=ssh ansible_host=127.0.0.1 ansible_port=1\n"
    )
    nothing = {"folders": [], "files": [], "except": [], "secrets": ""}
    given = json.dumps({"cluster_meant": nothing, "cluster_partner": "standby"})
    ansible = Path(sys.executable).with_name("ansible-playbook")
    play = (ansible, "--inventory", tmp_path / "hosts", "--extra-vars", given, tmp_path / "play.yml")
    done = run(*play, ANSIBLE_ROLES_PATH=str(CLUSTER.parent), HOME=str(tmp_path), PATH=os.environ["PATH"])
    assert "ignored=1" in done.stdout, "the standby answered"
    assert "Pacemaker watches again" in done.stdout


def test_a_folder_that_was_there_keeps_its_mode() -> None:
    """What is brought to the second machine may lie in /root, which is nobody else's to read."""
    import yaml  # noqa: PLC0415

    tasks = yaml.safe_load((CLUSTER.parents[1] / "playbooks/tasks/bundle.yml").read_text(encoding="utf-8"))
    every = [each for task in tasks for each in task.get("block", [task])]
    made = [each["ansible.builtin.command"]["argv"] for each in every if "mkdir" in str(each)]
    assert len(made) == 2 and all(argv[:2] == ["mkdir", "--parents"] for argv in made)
    assert not [each for each in every if each.get("ansible.builtin.file", {}).get("state") == "directory"]


def test_a_bundle_that_is_in_its_place_is_whole() -> None:
    """A later run takes one that is there, so all of it is on the disk before, with its key."""
    import yaml  # noqa: PLC0415

    tasks = yaml.safe_load((CLUSTER.parents[1] / "playbooks/tasks/bundle.yml").read_text(encoding="utf-8"))
    [copies] = [each["block"] for each in tasks if "block" in each]
    *steps, puts = copies
    place, beside = "{{ base_bundle }}", "{{ base_bundle }}.partial"
    assert puts["ansible.builtin.command"]["argv"] == ["mv", "--no-target-directory", beside, place]
    unpacked = [each["ansible.builtin.unarchive"] for each in steps if "ansible.builtin.unarchive" in each]
    assert [each["dest"] for each in unpacked] == [beside]
    assert [each for each in steps if each.get("ansible.builtin.copy", {}).get("dest") == "{{ base_key }}"]
    assert "sha256sum" in str(steps) and ["sync", "--file-system", beside] in [
        each.get("ansible.builtin.command", {}).get("argv") for each in steps
    ]


def test_a_run_that_was_interrupted_before_the_cluster_had_anything_to_do_goes_on() -> None:
    """Each machine says already that it is one of two, and this playbook does not change one alone."""
    import yaml  # noqa: PLC0415

    [first, *_rest] = yaml.safe_load((CLUSTER.parents[1] / "playbooks/cluster.yml").read_text(encoding="utf-8"))
    guard = yaml.safe_load((CLUSTER.parent / "preflight/tasks/main.yml").read_text(encoding="utf-8"))
    [holds] = [each["ansible.builtin.assert"]["that"] for each in guard if "without the other" in each["name"]]
    for formed, halfway in ((False, True), (True, False)):
        given: dict[str, Any] = {"cluster_formed": formed, "cluster_halfway": halfway}
        given["preflight_cluster"] = {"stat": {"exists": True}}
        given["base_node"] = trusted(first["vars"]["base_node"])
        assert templar(given).template(trusted(f"{{{{ {holds} }}}}")) is True


def of_six() -> list[dict[str, Any]]:
    """Both machines, with a first ring of IPv6."""
    nodes = [machine(number)["cluster_node"] for number in (1, 2)]
    return [{**each, "rings": [f"fd00:1::{each['name'][-1]}", each["rings"][1]]} for each in nodes]


@tool("corosync")
@pytest.mark.parametrize("arbiter", ["", "arbiter.enterprise.example"])
def test_corosync_reads_who_is_in_the_cluster(tmp_path: Path, arbiter: str) -> None:
    key = tmp_path / "authkey"
    key.write_bytes(os.urandom(256))
    # The machine itself has to be one of the two, and the key where this test may put it.
    given = written("corosync.conf.j2", cluster_arbiter=arbiter).replace(
        "name: node-a", f"name: {socket.gethostname()}"
    )
    given = given.replace("10.77.1.1\n", "127.0.0.1\n").replace("10.77.2.1\n", "127.0.0.2\n")
    (tmp_path / "corosync.conf").write_text(
        given.replace("transport: knet", f"transport: knet\n    keyfile: {key}")
    )
    done = run("corosync", "-t", "-c", tmp_path / "corosync.conf")
    assert done.returncode == 0, done.stdout + done.stderr
    assert ("two_node: 1" in given) == (not arbiter)
    assert "wait_for_all: 1" in given, "who was away may have the older copy, and an arbiter does not know"


@tool("drbdadm")
def test_drbd_reads_what_the_volume_is(tmp_path: Path) -> None:
    (tmp_path / "vermilion.res").write_text(written("vermilion.res.j2"))
    kernels = {"DRBD_DRIVER_VERSION_OVERRIDE": "8.4.11"}
    done = run("drbdadm", "-c", tmp_path / "vermilion.res", "dump", **kernels)
    assert done.returncode == 0, done.stderr
    for said in ("resource-and-stonith", "protocol           C", "detach", f"disk             {DISK}"):
        assert said in done.stdout
    assert "split" not in done.stdout and done.stdout.count("disconnect;") == 3
    (tmp_path / "six.res").write_text(written("vermilion.res.j2", cluster_nodes=of_six()))
    done = run("drbdadm", "-c", tmp_path / "six.res", "dump", **kernels)
    assert (done.returncode, done.stdout.count("address          ipv6 [fd00:1::")) == (0, 2), done.stderr
    assert module("survey").volume(DISK, tmp_path / "vermilion.res")["block"] is False


EMPTY = """<cib crm_feature_set="3.20.0" validate-with="pacemaker-4.0" epoch="1" num_updates="0" admin_epoch="0">
<configuration><crm_config><cluster_property_set id="cib-bootstrap-options">
<nvpair id="cib-bootstrap-options-have-watchdog" name="have-watchdog" value="false"/>
</cluster_property_set></crm_config>
<nodes><node id="1" uname="node-a"/><node id="2" uname="node-b"/></nodes><resources/><constraints/></configuration>
<status/></cib>"""


def apply(cib: Path, **given: Any) -> subprocess.CompletedProcess[str]:
    """What the role's script says that brings the cluster's configuration in the file *cib* to the template."""
    wanted = cib.with_name("wanted.xml")
    wanted.write_text(written("cib.xml.j2", **given))
    return run(sys.executable, "-I", CLUSTER / "files/apply_cib.py", wanted, CIB_file=str(cib))


def configured(folder: Path, **given: Any) -> Path:
    """A cluster's configuration, made of an empty one."""
    folder.mkdir(exist_ok=True)
    cib = folder / "cib.xml"
    cib.write_text(EMPTY)
    done = apply(cib, **given)
    assert done.stdout == "changed\n", done.stderr
    return cib


@tool("crm_diff")
@pytest.mark.parametrize("fencing", ["power", "sbd"])
def test_pacemaker_takes_the_configuration_and_a_second_time_nothing_differs(tmp_path: Path, fencing: str) -> None:
    cib = configured(tmp_path, cluster_fencing=fencing)
    before = cib.read_text()
    assert apply(cib, cluster_fencing=fencing).stdout == "as it was\n"
    assert cib.read_text() == before
    checked = run("crm_verify", "--verbose", "--xml-file", cib)
    assert "error" not in checked.stderr, checked.stderr
    assert "stonith-enabled" in before and "fence-node-a-elsewhere" in before


@tool("crm_diff")
def test_what_others_put_into_the_configuration_stays(tmp_path: Path) -> None:
    cib = configured(tmp_path)
    environment = {"CIB_file": str(cib)}
    held = (
        '<rsc_location rsc="volume-clone" id="drbd-fence-by-handler-vermilion-volume-clone"><rule role="Promoted" '
        'score="-INFINITY" id="held"><expression attribute="#uname" operation="ne" value="node-a" id="is"/></rule>'
        "</rsc_location>"
    )
    run("cibadmin", "--create", "--scope", "constraints", "--xml-text", held, **environment)
    paused = ("crm_resource", "--resource", "appliance", "--meta", "--set-parameter", "maintenance")
    assert run(*paused, "--parameter-value", "true", **environment).returncode == 0
    assert apply(cib).stdout == "as it was\n"
    assert apply(cib, cluster_timeout_factor=2).stdout == "changed\n"
    text = cib.read_text()
    assert "drbd-fence-by-handler-vermilion-volume-clone" in text and "have-watchdog" in text
    assert 'name="maintenance" value="true"' in text and 'timeout="240s"' in text


@tool("crm_diff")
def test_a_configuration_with_an_error_is_refused_whole(tmp_path: Path) -> None:
    cib = configured(tmp_path)
    before = cib.read_text()
    wanted = tmp_path / "wanted.xml"
    wanted.write_text(written("cib.xml.j2").replace('class="systemd"', 'class="nothing"'))
    done = run(sys.executable, "-I", CLUSTER / "files/apply_cib.py", wanted, CIB_file=str(cib))
    assert done.returncode == 1 and "crm_verify says error" in done.stderr
    assert cib.read_text() == before


def observed(cib: Path, **links: int) -> None:
    """As the agents say it, both volumes are the same, and both nodes but for *links* see the network in front."""
    tree = ElementTree.parse(cib)  # noqa: S314 # our own
    for state in tree.getroot().iter("node_state"):
        for old in state.findall("transient_attributes"):
            state.remove(old)
        name, number = str(state.get("uname")), str(state.get("id"))
        place = ElementTree.SubElement(state, "transient_attributes", {"id": number})
        told = ElementTree.SubElement(place, "instance_attributes", {"id": f"status-{number}"})
        values = {"master-volume": 10000, "front-link": links.get(name.replace("-", "_"), 1)}
        for attribute, value in values.items():
            pair = {"id": f"status-{number}-{attribute}", "name": attribute, "value": str(value)}
            ElementTree.SubElement(told, "nvpair", pair)
    tree.write(cib)


def simulated(cib: Path, *event: str) -> str:
    """What Pacemaker would do after the *event*."""
    done = run("crm_simulate", "--simulate", "--xml-file", cib, *event)
    assert done.returncode == 0, done.stderr
    return done.stdout.rsplit("Transition Summary:", 1)[-1].split("Executing Cluster Transition")[0]


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration of a cluster whose appliance runs on node-a."""
    folder = tmp_path_factory.mktemp("serving")
    cib = configured(folder)
    run("crm_simulate", "--xml-file", cib, "--quorum=true", "-u", "node-a", "-u", "node-b", "-O", cib)
    for _ in range(4):
        observed(cib)
        run("crm_simulate", "--simulate", "--xml-file", cib, "--save-output", cib)
    observed(cib)
    assert simulated(cib).strip() == ""
    assert "appliance" in run("crm_simulate", "--xml-file", cib).stdout
    return cib


@tool("crm_simulate")
def test_the_standby_takes_over_after_it_has_cut_the_active_node(serving: Path) -> None:
    done = simulated(serving, "--node-fail", "node-a")
    assert "Fence (reboot) node-a" in done
    assert "Promote    volume:1       ( Unpromoted -> Promoted node-b )" in done
    for name in ("filesystem", "address", "appliance", "front "):
        assert f"Move       {name}" in done


@tool("crm_simulate")
def test_a_standby_that_is_lost_is_cut_and_moves_nothing(serving: Path) -> None:
    done = simulated(serving, "--node-fail", "node-b")
    assert "Fence (reboot) node-b" in done
    assert "Move" not in done and "Promote" not in done


@tool("crm_simulate")
@pytest.mark.parametrize(("links", "moves"), [((0, 1), True), ((1, 0), False), ((0, 0), False), ((1, 1), False)])
def test_it_serves_where_people_reach_it(
    serving: Path, tmp_path: Path, links: tuple[int, int], moves: bool
) -> None:
    cib = tmp_path / "cib.xml"
    shutil.copy(serving, cib)
    observed(cib, node_a=links[0], node_b=links[1])
    assert ("Move       appliance" in simulated(cib)) == moves


@tool("cibadmin")
def test_drbds_handler_reads_the_state_of_a_node_in_its_own_words(serving: Path) -> None:
    """crm-fence-peer.sh of drbd-utils 9.22 knows in_ccm and crmd as words; Pacemaker 3 writes times there."""
    plain = run("cibadmin", "--query", CIB_file=str(serving)).stdout
    assert "<node_state " in plain
    given = serving.with_name("times.xml")
    given.write_text(
        plain.replace('in_ccm="true"', 'in_ccm="1764500000"').replace('crmd="online"', 'crmd="1764500001"')
    )
    told = run("sh", CLUSTER / "files/cibadmin", "--query", CIB_file=str(given))
    assert told.returncode == 0
    assert told.stdout.count('in_ccm="true"') == told.stdout.count('crmd="online"') == 2
    assert run("sh", CLUSTER / "files/cibadmin", "--query", CIB_file="/nothing").returncode != 0


def test_a_node_takes_from_the_other_one_what_the_cluster_sends() -> None:
    from tests.provisioning.test_origins import rendered  # noqa: PLC0415

    alone = rendered("firewall/templates/nftables.conf.j2", firewall_peers=[])
    node = rendered("firewall/templates/nftables.conf.j2", firewall_peers=["10.77.1.2", "fd00:2::2"])
    assert "7788" not in alone
    added = [line.strip() for line in node.splitlines() if line not in alone.splitlines()]
    ports = clusters.own()["cluster_ports"]
    for peer in ("ip saddr 10.77.1.2", "ip6 saddr fd00:2::2"):
        assert f"{peer} udp dport {min(ports)}-{ports[2]} accept" in added
        assert f"{peer} tcp dport {ports[3]} accept" in added

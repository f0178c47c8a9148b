"""In which order two machines are changed, and what goes on after an interruption."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ansible", reason="ansible-core comes with `scripts/setup lint`")

from appliance.operations.releases import UpgradeStep
from tests.cluster.commands import tool
from tests.provisioning import clusters
from tests.provisioning.clusters import (
    CLUSTER,
    NAMES,
    both,
    here,
    member,
    module,
    own,
    playbook,
    run,
    tasks,
    written,
)
from tests.provisioning.test_preflight import templar, trusted

pytestmark = pytest.mark.slow


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
        assert asked == f"/usr/local/sbin/vermilion-cluster switch-over --proving --wait 1800{option}"


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


def test_a_new_user_has_one_number_before_anything_is_written_as_it(tmp_path: Path) -> None:
    """By the active node's choice: by then no package of the standby has taken it, and no release was changed."""
    plays = {each["name"]: each for each in playbook("cluster_upgrade")}
    order, users = list(plays), plays["The users of the release have the same numbers on both"]
    assert order.index(users["name"]) < order.index("The standby has the packages")
    assert order.index(users["name"]) < order.index("The active node changes to it")
    chooses, follows = users["tasks"]
    assert users["hosts"] == "vermilion_active:vermilion_standby"
    assert chooses["when"] == "inventory_hostname == cluster_active"
    assert follows["when"] == "inventory_hostname != cluster_active"
    assert follows["ansible.builtin.include_role"] == {"name": "cluster", "tasks_from": "users"}
    if shutil.which("systemd-sysusers") is None:
        pytest.skip("systemd makes the users")
    (tmp_path / "etc").mkdir()
    asking = templar({"base_bundle": str(CLUSTER.parents[2])})
    script = str(asking.template(trusted(chooses["ansible.builtin.shell"])))
    script = script.replace("systemd-sysusers", f"systemd-sysusers --root={tmp_path}")
    for made in (True, False):
        done = run("bash", "-c", script)
        assert done.returncode == 0, done.stderr
        changed = templar({"cluster_made": {"stderr": done.stderr}})
        assert changed.template(trusted(f"{{{{ {chooses['changed_when']} }}}}")) is made
    named = [line.split(":")[0] for line in (tmp_path / "etc/passwd").read_text().splitlines()]
    declared = (CLUSTER.parents[2] / "systemd/sysusers.d/vermilion.conf").read_text(encoding="utf-8")
    assert sorted(named) == sorted(line.split()[1] for line in declared.splitlines() if line.startswith("u "))
    groups = (tmp_path / "etc/group").read_text().splitlines()
    assert all(line.endswith(":") for line in groups), "what they may do besides comes with the release"


@pytest.mark.parametrize(
    ("direction", "complete", "changed"),
    [
        (None, True, True),
        ("restore", True, True),
        ("rollback", True, False),
        ("rollback", False, True),
    ],
)
def test_a_rollback_that_is_refused_leaves_what_apt_sees(
    direction: str | None, complete: bool, changed: bool
) -> None:
    """On the standby, which would else have it other than it was installed. It gets it with the rest."""
    [packages] = [each for each in playbook("cluster_upgrade") if each["name"] == "The standby has the packages"]
    *_asks, task = packages["tasks"]
    assert "{'name': 'base'}" in str(task) and "{'name': 'base'}" in str(playbook("tasks/standby"))
    given: dict[str, Any] = {"cluster_complete": {"stat": {"exists": complete}}}
    if direction is not None:
        given["cluster_direction"] = direction
    assert templar(given).template(trusted(f"{{{{ {task['when']} }}}}")) is changed


@pytest.mark.parametrize(
    ("address", "asked"), [("192.0.2.10/24", "192.0.2.10:443"), ("2001:db8::10/64", "[2001:db8::10]:443")]
)
def test_the_floating_address_is_asked_by_its_url(address: str, asked: str) -> None:
    [url] = [each["ansible.builtin.uri"]["url"] for each in tasks("resources") if "ansible.builtin.uri" in each]
    assert templar({"cluster_address": address}).template(trusted(url)) == f"https://{asked}/livez"


@pytest.mark.parametrize(
    ("named", "host", "anew"),
    [
        ("arbiter.enterprise.example", "arbiter.enterprise.example", False),
        ("arbiter.enterprise.example", "old.enterprise.example", True),
        ("arbiter", "arbiter.enterprise.example", True),
        ("192.0.2.1", "192.0.2.10", True),
        ("192.0.2.10", "192.0.2.10", False),
        ("fd00:2::1", "fd00:2::1", False),
        ("::1", "fd00:2::1", True),
        ("", "old.enterprise.example", False),
    ],
)
def test_an_arbiter_that_has_changed_is_asked_and_one_that_is_gone_is_not(
    named: str, host: str, anew: bool
) -> None:
    """Its daemon reads the name when it starts."""
    found = {each["name"]: each for each in tasks("join")}
    ends, asks = found["Where there is no arbiter, none votes"], found["The one that is named now"]
    told = f"Qdevice information\nModel:                  Net\nQNetd host:             {host}:5403\n"
    asking = templar({"cluster_arbiter": named, "cluster_arbiter_asked": {"rc": 0, "stdout": told}})
    assert asking.template(trusted(f"{{{{ {ends['when']} }}}}")) is (not named)
    assert all(asking.template(trusted(f"{{{{ {each} }}}}")) for each in asks["when"]) is anew


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
    [task] = playbook("tasks/journal")
    for name in ("cluster", "cluster_upgrade"):
        assert "'ansible.builtin.import_tasks': 'tasks/journal.yml'" in str(playbook(name))

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
    given["preflight_installed"] = {"stat": {"lnk_target": f"releases/{current}"}}
    asking = templar({**clusters.own("preflight"), **trusted(task["vars"]), **given})
    found = True
    for condition in task["when"]:
        found = found and asking.template(trusted(f"{{{{ {condition} }}}}"))
    assert found is (taken and number == 1 and current in "12")
    if found and there:
        assert there[1] in str(asking.template(trusted(task["ansible.builtin.copy"]["content"])))
    assert list(UpgradeStep) == [*asking.template(trusted("{{ cluster_steps }}"))[1:], "taken back"]
    assert task["ansible.builtin.copy"]["dest"] in str(clusters.own()["cluster_meant"]["files"])


@pytest.mark.parametrize("step", ["done", "taken back", "migrated"])
@pytest.mark.parametrize("marked", [True, False])
def test_a_rollback_that_the_volume_calls_interrupted_is_ended(step: str, marked: bool) -> None:
    """Also where the older release is the current one already, and this machine's journal knows nothing of it."""
    [rollback] = playbook("../roles/rollback/tasks/main")
    said = base64.b64encode(json.dumps({"before": "1", "after": "2", "step": step}).encode()).decode()
    given = {
        "preflight_upgrade_journal": {"content": said},
        "preflight_upgrade_file": {"stat": {"exists": True}},
        "preflight_installed": {"stat": {"lnk_target": "releases/1"}},
        "preflight_rolling_back": {"stat": {"exists": marked}},
        "base_release": {"version": "1"},
    }
    asking = templar({**clusters.own("preflight"), **given})
    assert asking.template(trusted(f"{{{{ {rollback['when']} }}}}")) is (marked or step == "migrated")
    for purpose in ("install", "upgrade"):
        tasks = [
            each.get("ansible.builtin.import_tasks") for each in playbook(f"../roles/preflight/tasks/{purpose}")
        ]
        assert "rolling_back.yml" in tasks
    [asserted] = [each for each in playbook("../roles/preflight/tasks/rolling_back") if "vars" in each]
    known = "to 0.9 was interrupted; complete it by `/opt/vermilion/bundles/0.9/"
    for name, said in (("0.9", known), ("", "was interrupted; complete it by `install ")):
        marker = json.dumps({"upgrade": {"before": name, "after": "1"}})
        read = {"preflight_rollback": {"content": base64.b64encode(marker.encode()).decode()}, "base_node": True}
        asking = templar({**clusters.own("preflight"), **given, **read, **trusted(asserted["vars"])})
        message = str(asking.template(trusted(asserted["ansible.builtin.assert"]["fail_msg"])))
        assert message.startswith(f"A rollback {said}"), message
        assert ("of the older bundle" in message, "by `vermilion rollback`" in message) == (not name, True)
    [half] = [each for each in playbook("tasks/cluster_release")[1]["always"] if ".restoring.json" in str(each)]
    assert ".rolling-back.json" in half["loop"]


def test_whatever_changes_two_machines_compares_their_clocks_first() -> None:
    """Timestamps would go back in time with a failover, whoever has changed the machines before it."""
    found = {}
    for path in sorted((CLUSTER.parents[1] / "playbooks").glob("cluster*.yml")):
        plays = playbook(path.stem)
        based = plays[0].get("ansible.builtin.import_playbook")
        steps = (
            []
            if based
            else [each.get("ansible.builtin.import_role", {}) for each in plays[0].get("pre_tasks", [])]
        )
        found[path.name] = based or [each["tasks_from"] for each in steps if each.get("name") == "cluster"]
    compared = ["survey", "rings"]
    assert found == {
        "cluster.yml": compared,
        "cluster_leave.yml": [],  # which makes one machine of the two
        "cluster_replace.yml": "cluster.yml",
        "cluster_restore.yml": "cluster_upgrade.yml",
        "cluster_rollback.yml": "cluster_upgrade.yml",
        "cluster_switch.yml": [],  # which changes no machine; vermilion-cluster judges whether it may be
        "cluster_upgrade.yml": compared,
    }
    for name in ("cluster", "cluster_upgrade"):
        *checks, ends = playbook(name)[0]["pre_tasks"]
        assert ends["ansible.builtin.meta"] == "end_play", "nothing was touched"
        [asks] = [each for each in checks if "'rings'" in str(each)]
        assert "when" not in asks


@pytest.mark.parametrize(
    ("restored", "goes_on"),
    [(None, True), ("5f3a node-a\n", True), ("placed:5f3a node-b\n", False), ("5f3a node-b\n", False)],
)
def test_only_who_has_the_secrets_of_a_backup_ends_its_restore(restored: str | None, goes_on: bool) -> None:
    """The other machine may have taken over since, with the secrets from before."""
    steps = playbook("tasks/restored")
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
            tasks_from: TASKS
        - ansible.builtin.debug:
            msg: Pacemaker watches again
"""
NOTHING = {"folders": [], "files": [], "except": [], "secrets": ""}
LOCAL = f"ansible_connection=local ansible_python_interpreter={sys.executable}"
GONE = "ansible_connection=ssh ansible_host=127.0.0.1 ansible_port=1"


def handed_over(folder: Path, meant: dict[str, Any], *, by: str = "hand_over", standby: str = LOCAL) -> Any:
    """What Ansible says of the role's tasks *by*, where *meant* is to be equal."""
    (folder / "play.yml").write_text(HANDING_OVER.replace("TASKS", by))
    (folder / "hosts").write_text(f"[appliance]\nactive {LOCAL}\nstandby {standby}\n")
    given = json.dumps({"cluster_meant": meant, "cluster_equal": meant, "cluster_active": "active"})
    ansible = Path(sys.executable).with_name("ansible-playbook")
    play = (ansible, "--inventory", folder / "hosts", "--extra-vars", given, folder / "play.yml")
    return run(*play, ANSIBLE_ROLES_PATH=str(CLUSTER.parent), HOME=str(folder), PATH=os.environ["PATH"])


def test_a_standby_that_does_not_answer_keeps_pacemaker_from_nothing(tmp_path: Path) -> None:
    """By Ansible itself: that such a failure is ignored is said in two places."""
    done = handed_over(tmp_path, NOTHING, standby=GONE)
    assert "standby: It does not answer" in done.stdout
    assert "Pacemaker watches again" in done.stdout and done.returncode == 0, done.stdout


@pytest.mark.parametrize("by", ["hand_over", "equal"])
def test_why_settings_cannot_be_equal_is_shown(tmp_path: Path, by: str) -> None:
    """Ansible hides what has secrets, and hid the reason with it. An upgrade ends there; a way back goes on."""
    (tmp_path / "kept").write_text("hush")
    files = [str(tmp_path / "kept"), "/proc/self/mem"]  # which is there, and nobody can read it
    done = handed_over(tmp_path, {**NOTHING, "files": files}, by=by)
    assert "active: /proc/self/mem cannot be read on this machine: [Errno 5]" in done.stdout, done.stdout
    assert "mend that, and run this again. standby keeps" in " ".join(done.stdout.split())
    assert "hush" not in done.stdout and base64.b64encode(b"hush").decode() not in done.stdout
    assert "standby: It does not answer" not in done.stdout
    assert (done.returncode == 0) is ("Pacemaker watches again" in done.stdout) is (by == "hand_over")


def test_a_folder_that_was_there_keeps_its_mode() -> None:
    """What is brought to the second machine may lie in /root, which is nobody else's to read."""
    every = [each for task in playbook("tasks/bundle") for each in task.get("block", [task])]
    made = [each["ansible.builtin.command"]["argv"] for each in every if "mkdir" in str(each)]
    assert len(made) == 2 and all(argv[:2] == ["mkdir", "--parents"] for argv in made)
    assert not [each for each in every if each.get("ansible.builtin.file", {}).get("state") == "directory"]


def test_a_bundle_that_is_in_its_place_is_whole() -> None:
    """A later run takes one that is there, so all of it is on the disk before, with its key."""
    [copies] = [each["block"] for each in playbook("tasks/bundle") if "block" in each]
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
    [first, *_rest] = playbook("cluster")
    [holds] = [
        each["ansible.builtin.assert"]["that"]
        for each in tasks("main", "preflight")
        if "without the other" in each["name"]
    ]
    for formed, halfway in ((False, True), (True, False)):
        given: dict[str, Any] = {"cluster_formed": formed, "cluster_halfway": halfway}
        given["preflight_cluster"] = {"stat": {"exists": True}}
        given["base_node"] = trusted(first["vars"]["base_node"])
        assert templar(given).template(trusted(f"{{{{ {holds} }}}}")) is True


@pytest.mark.parametrize(
    ("first", "second", "halfway"),
    [
        (member(1, cluster=[], aside=True), member(2, cluster=[]), True),
        (here(1, home=True), here(2), False),
        (here(1), here(2), False),
        (member(1, aside=True, mounted="/dev/drbd0"), member(2), False),
        # Of a cluster that has ended: one serves by itself, the other one has what it put aside for that cluster.
        (here(1, home=True), here(2, aside=True), False),
        (here(1, home=True, aside=True), here(2), False),
    ],
)
def test_a_home_that_is_on_the_volume_already_is_not_taken_for_none(
    first: dict[str, Any], second: dict[str, Any], halfway: bool
) -> None:
    [task] = [each for each in tasks("survey") if each["name"] == "What both are"]
    given = both(1, cluster_here=first, there={"cluster_here": second})
    asking = templar({**given, **trusted(task["vars"]), **own()})
    assert asking.template(trusted(task["ansible.builtin.set_fact"]["cluster_halfway"])) is halfway

"""How long the playbooks wait for equal copies of the volume, and when they say that it will not come to that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ansible", reason="ansible-core comes with `scripts/setup lint`")

from tests.provisioning import clusters
from tests.provisioning.clusters import run, tasks
from tests.provisioning.test_preflight import templar, trusted

pytestmark = pytest.mark.slow


def drbd(connection: str, disks: str) -> str:
    return f" 0: cs:{connection} ro:Secondary/Primary ds:{disks} C r-----"


EQUAL = drbd("Connected", "UpToDate/UpToDate")
COPIED = drbd("SyncTarget", "Inconsistent/UpToDate")
PARTED = drbd("StandAlone", "UpToDate/DUnknown")
ALONE = drbd("WFConnection", "UpToDate/DUnknown")
DISKLESS = drbd("Connected", "Diskless/UpToDate")
ELSEWHERE = drbd("Connected", "UpToDate/Failed")
COMING = [" 0: cs:Unconfigured", drbd("StandAlone", "Diskless/DUnknown"), ALONE]


@pytest.mark.parametrize(
    ("states", "slept", "ends", "said"),
    [
        ([EQUAL], 0, True, None),
        ([drbd("StandAlone", "Diskless/DUnknown"), EQUAL], 1, True, None),
        ([*COMING, COPIED], 3, False, None),
        ([COPIED], 0, False, None),
        ([drbd("PausedSyncS", "UpToDate/Inconsistent")], 0, False, None),
        ([PARTED], 1, True, "cluster-split.md"),
        ([drbd("StandAlone", "Diskless/DUnknown")], 1, True, "The disk of node-b has failed"),
        ([DISKLESS], 1, True, "The disk of node-b has failed"),
        ([ELSEWHERE], 1, True, "The disk of node-a has failed"),
        ([ALONE], 20, True, "on node-a by `crm_mon -1`"),
        ([*COMING], 20, True, "cs:WFConnection ro:Secondary/Primary ds:UpToDate/DUnknown"),
        ([" 0: cs:Unconfigured"], 20, True, "`crm_resource --cleanup --resource volume --node node-b`"),
        (["version: 8.4.11"], 20, True, "nothing of the volume"),
    ],
)
def test_a_copy_is_waited_for_as_long_as_one_is_made(
    tmp_path: Path, states: list[str], slept: int, ends: bool, said: str | None
) -> None:
    """Over a slow line for many hours. Pacemaker's agent attaches the disk, asks who else is there, and connects
    then: StandAlone for so long. Whatever does not pass ends the run, which keeps every other one waiting."""
    [enough] = waits("joined_sync")
    waited(tmp_path, states, enough, formed=True, slept=slept, ends=ends, said=said)


CONNECTED = drbd("Connected", "Inconsistent/Inconsistent")
APART = drbd("WFConnection", "Inconsistent/DUnknown")


@pytest.mark.parametrize(
    ("step", "states", "slept", "ends", "said"),
    [
        (0, [APART, CONNECTED], 1, True, None),
        (0, [EQUAL], 0, True, None),
        (0, [COPIED], 0, False, None),
        (0, [APART], 20, True, "the first ring leads from 10.77.1.2 to 10.77.1.1 and lets TCP 7788 pass"),
        (
            0,
            [drbd("StandAlone", "Inconsistent/DUnknown")],
            1,
            True,
            "`drbdadm connect vermilion` on both machines",
        ),
        (0, [" 0: cs:Unconfigured"], 20, True, "`drbdadm up vermilion` brings it up, or says why"),
        (1, [CONNECTED, COPIED], 1, False, None),
        (1, [CONNECTED, EQUAL], 1, True, None),
        (1, [APART], 20, True, "See on node-a by `cat /proc/drbd`"),
        (1, [DISKLESS], 1, True, "The disk of node-b has failed: say `drbdadm down vermilion` on both machines"),
        (1, [ELSEWHERE], 1, True, "The disk of node-a has failed"),
    ],
)
def test_the_first_copy_is_waited_for_in_the_same_way(
    tmp_path: Path, step: int, states: list[str], slept: int, ends: bool, said: str | None
) -> None:
    """First until the two are connected, then until both are equal. Pacemaker is not there to be asked yet."""
    steps = waits("first_sync")
    assert len(steps) == 2
    sentence = waited(tmp_path, states, steps[step], formed=False, slept=slept, ends=ends, said=said)
    assert not [each for each in ("crm_", "corosync-", "cluster_replace", "runbook") if each in sentence]


def waits(name: str) -> list[str]:
    """What the volume is waited for to be, in those tasks."""
    waiting = [each for each in tasks(name) if each.get("ansible.builtin.include_tasks") == "copied.yml"]
    return [each["vars"]["cluster_enough"] for each in waiting]


def waited(
    folder: Path, states: list[str], enough: str, *, formed: bool, slept: int, ends: bool, said: str | None
) -> str:
    """What is said where DRBD tells one of the *states* at each look, and the last of them from then on."""
    looks, demand = tasks("copied")
    known = {**clusters.both(2), **clusters.own(), "cluster_enough": enough, "cluster_formed": formed}
    asking = templar({**known, "cluster_timeout_factor": 2})
    (folder / "states").write_text("\n".join(states) + "\n", encoding="utf-8")
    passes = f"echo >>{folder}/slept; [ $(wc -l <{folder}/states) = 1 ] || sed -i 1d {folder}/states"
    script = str(asking.template(trusted(looks["ansible.builtin.shell"])))
    done = run(
        "sh", "-c", script.replace("cat /proc/drbd", f"head -n 1 {folder}/states").replace("sleep 30", passes)
    )
    assert done.stdout == f"{states[-1]}\n"
    assert (folder / "slept").read_text().count("\n") == slept if slept else not (folder / "slept").exists()
    asking = templar({**known, "cluster_volume": {"stdout": done.stdout}, **trusted(demand["vars"])})
    assert asking.template(trusted(f"{{{{ {looks['until']} }}}}")) is ends
    if not ends:
        return ""
    asserted = demand["ansible.builtin.assert"]
    assert asking.template(trusted(f"{{{{ {asserted['that']} }}}}")) is (said is None)
    sentence = str(asking.template(trusted(asserted["fail_msg"])))
    assert sentence.startswith("node-b: ") and (said or "") in sentence
    return sentence if said else ""


@pytest.mark.parametrize(
    ("up", "holds"),
    [
        ({"skipped": True}, True),
        ({"rc": 0, "stderr_lines": []}, True),
        ({"rc": 1, "stderr_lines": ["0: Failure: (118) IO error(s) occurred during initial access"]}, False),
        ({"rc": 10, "stderr_lines": []}, False),
    ],
)
def test_a_disk_that_cannot_be_taken_into_use_is_named(up: dict[str, Any], holds: bool) -> None:
    found = {each["name"]: each for each in tasks("first_sync")}
    asserted = found["It is up"]["ansible.builtin.assert"]
    asking = templar({**clusters.both(2), "cluster_up": up})
    assert asking.template(trusted(f"{{{{ {asserted['that']} }}}}")) is holds
    sentence = str(asking.template(trusted(asserted["fail_msg"])))
    assert sentence.startswith(f"node-b: DRBD cannot take {clusters.DISK} into use (")
    assert (up.get("stderr_lines") or ["it does not say why"])[0] in sentence


@pytest.mark.parametrize(
    ("held", "purpose", "waits"), [("off", "form", True), ("on", "form", False), ("on", "replace", True)]
)
def test_nobody_waits_for_a_machine_that_is_set_aside(held: str, purpose: str, waits: bool) -> None:
    order = [each["name"] for each in tasks("joined_sync")]
    [demand] = [each for each in tasks("joined_sync") if each["name"] == "It is not set aside"]
    assert order.index(demand["name"]) < order.index("Both disks have the same")
    given = clusters.both(2, cluster_held={"stdout": held}, cluster_purpose=purpose)
    asserted = demand["ansible.builtin.assert"]
    assert templar(given).template(trusted(f"{{{{ {asserted['that']} }}}}")) is waits
    sentence = str(templar(given).template(trusted(asserted["fail_msg"])))
    assert "`crm_attribute --type nodes --node node-b --name standby --delete` ends that" in sentence

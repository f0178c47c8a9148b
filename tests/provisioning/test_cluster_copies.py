"""How long the playbooks wait for equal copies of the volume, and when they say that it will not come to that."""

from __future__ import annotations

from pathlib import Path

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
    found = {each["name"]: each for each in tasks("joined_sync")}
    looks, demand = found["Both disks have the same, or cannot have it"], found["They have"]
    asking = templar({**clusters.both(2), "cluster_timeout_factor": 2})
    (tmp_path / "states").write_text("\n".join(states) + "\n", encoding="utf-8")
    passes = f"echo >>{tmp_path}/slept; [ $(wc -l <{tmp_path}/states) = 1 ] || sed -i 1d {tmp_path}/states"
    script = str(asking.template(trusted(looks["ansible.builtin.shell"])))
    done = run(
        "sh", "-c", script.replace("cat /proc/drbd", f"head -n 1 {tmp_path}/states").replace("sleep 30", passes)
    )
    assert done.stdout == f"{states[-1]}\n"
    assert (tmp_path / "slept").read_text().count("\n") == slept if slept else not (tmp_path / "slept").exists()
    given = {**clusters.both(2), "cluster_volume": {"stdout": done.stdout}, **trusted(demand["vars"])}
    asking = templar(given)
    assert asking.template(trusted(f"{{{{ {looks['until']} }}}}")) is ends
    if ends:
        asserted = demand["ansible.builtin.assert"]
        assert asking.template(trusted(f"{{{{ {asserted['that']} }}}}")) is (said is None)
        sentence = str(asking.template(trusted(asserted["fail_msg"])))
        assert sentence.startswith("node-b: ") and (said or "") in sentence


@pytest.mark.parametrize(
    ("held", "purpose", "waits"), [("off", "form", True), ("on", "form", False), ("on", "replace", True)]
)
def test_nobody_waits_for_a_machine_that_is_set_aside(held: str, purpose: str, waits: bool) -> None:
    order = [each["name"] for each in tasks("joined_sync")]
    [demand] = [each for each in tasks("joined_sync") if each["name"] == "It is not set aside"]
    assert order.index(demand["name"]) < order.index("Both disks have the same, or cannot have it")
    given = clusters.both(2, cluster_held={"stdout": held}, cluster_purpose=purpose)
    asserted = demand["ansible.builtin.assert"]
    assert templar(given).template(trusted(f"{{{{ {asserted['that']} }}}}")) is waits
    sentence = str(templar(given).template(trusted(asserted["fail_msg"])))
    assert "`crm_attribute --type nodes --node node-b --name standby --delete` ends that" in sentence

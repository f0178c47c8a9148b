"""Records what a node says of itself (``/run/vermilion-cluster/state.json``) in each situation that people are
told of, for the tests of whoever reads it.

    python -m tests.ha.recording KEPT FOLDER [SITUATION]...

KEPT is the folder of ``make test-ha``, which has made a pair before; ``FOLDER/SITUATION.json`` is written anew.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.ha.events import Scene
from tests.ha.house import House
from tests.ha.node import BOOTED, Node
from tests.ha.pair import SETTLED, Pair, State, eventually
from tests.ha.places import RINGS
from tests.ha.steps import boot, bundle, formed, prepared
from tests.machine.failure import StepFailed
from tests.machine.plan import say

Record = Callable[[Node, str], None]

_ADRIFT = "drbdsetup disk-options 0 --fencing=dont-care"
"""As it is where fencing was switched off by hand: else two volumes never drift apart."""


def healthy(scene: Scene, record: Record) -> None:
    """Nothing is missing."""
    record(scene.active, "healthy")


def ring_down(scene: Scene, record: Record) -> None:
    """The second ring is cut."""
    scene.active.plug(RINGS[1], in_place=False)
    scene.active.until("! corosync-cfgtool -n | grep 'LINK: 1' | grep -q connected", BOOTED)
    record(scene.active, "ring-down")
    scene.active.plug(RINGS[1], in_place=True)


def fence_failed(scene: Scene, record: Record) -> None:
    """The standby's controller does not answer."""
    house = _house(scene)
    house.stop_controller(scene.standby.place)
    scene.active.until("crm_mon --output-as=xml | grep -q '<failure .*fence-'", BOOTED)
    record(scene.active, "fence-failed")
    house.start_controller(scene.standby.place, scene.standby.folder)
    scene.active.run("crm_resource --cleanup")


def lost(scene: Scene, record: Record) -> None:
    """The standby and its controller are without current: nobody knows what it does."""
    house = _house(scene)
    house.stop_controller(scene.standby.place)
    scene.standby.mains(connected=False)
    _until(scene, lambda state: state.crm_mon.find("./nodes/node[@unclean='true']") is not None)
    record(scene.active, "lost")
    scene.standby.mains(connected=True)
    house.start_controller(scene.standby.place, scene.standby.folder)
    scene.standby.switch("power", "1")


def peer_off(scene: Scene, record: Record) -> None:
    """The standby was cut, and stays off; then it comes back, and what it missed is copied."""
    scene.standby.mains(connected=False)
    _until(scene, lambda state: state.online == {scene.active.name})
    record(scene.active, "peer-off")
    scene.active.run("dd if=/dev/urandom of=/var/lib/vermilion/filling bs=1M count=200 status=none; sync")
    scene.standby.mains(connected=True)
    scene.standby.switch("power", "1")
    _until(scene, lambda state: "cs:SyncSource" in state.volume)
    record(scene.active, "syncing")
    scene.active.run("rm /var/lib/vermilion/filling")


def split_brain(scene: Scene, record: Record) -> None:
    """Both volumes were written to apart, by hand and without fencing: DRBD leaves the decision to people."""
    scene.active.run(f"crm_attribute --name maintenance-mode --update true; sleep 5; {_ADRIFT}")
    scene.standby.run(f"{_ADRIFT}; drbdadm disconnect vermilion; drbdadm primary --force vermilion")
    scene.active.run("touch /var/lib/vermilion/drifted; sync; rm /var/lib/vermilion/drifted; sync")
    scene.standby.run("mount /dev/drbd0 /mnt; touch /mnt/drifted; umount /mnt; drbdadm secondary vermilion")
    scene.standby.run("drbdadm connect vermilion")
    scene.active.until("! grep -q cs:Connected /proc/drbd", BOOTED)
    scene.active.run("drbdadm connect vermilion; sleep 10", check=False)
    record(scene.active, "split-brain")
    scene.standby.run("drbdadm disconnect vermilion; drbdadm connect --discard-my-data vermilion", check=False)
    scene.active.run("drbdadm connect vermilion", check=False)
    for node in (scene.standby, scene.active):
        node.until("grep -q cs:Connected /proc/drbd && drbdadm adjust vermilion", SETTLED)
    scene.active.run("crm_attribute --name maintenance-mode --update false")


def no_quorum(scene: Scene, record: Record) -> None:
    """After a power failure one node alone is there: it waits for the other one."""
    for node in (scene.active, scene.standby):
        node.mains(connected=False)
        node.forget()
    scene.standby.mains(connected=True)
    scene.standby.switch("power", "1")
    scene.standby.until("crm_mon --output-as=xml | grep -q 'online=\"true\"'", BOOTED)
    record(scene.standby, "no-quorum")
    scene.active.mains(connected=True)
    scene.active.switch("power", "1")


SITUATIONS = (healthy, ring_down, fence_failed, lost, peer_off, split_brain, no_quorum)


def _house(scene: Scene) -> House:
    assert scene.pair.house is not None
    return scene.pair.house


def _until(scene: Scene, good: Callable[[State], bool]) -> None:
    def ask() -> bool:
        state = scene.pair.state(scene.active)
        return state is not None and good(state)

    eventually(ask, BOOTED, "the situation did not come about")


def recorder(folder: Path) -> Record:
    """What writes down what a node says now, under a name, in *folder*."""
    folder.mkdir(parents=True, exist_ok=True)

    def record(node: Node, name: str) -> None:
        told = json.loads(
            node.run("systemctl start vermilion-cluster.service; cat /run/vermilion-cluster/state.json")
        )
        # The tests read it at a time of their own, by which the machines' words would be old.
        told["crm_mon"] = re.sub(r' *<attribute name="vermilion-probed"[^>]*/>\n', "", told["crm_mon"])
        (folder / f"{name}.json").write_text(json.dumps(told, indent=1) + "\n")
        say(f"recorded {name}")

    return record


def main(kept: str, folder: str, *names: str) -> int:
    """The exit status."""
    pair = Pair(Path(kept), Path(tempfile.mkdtemp(prefix="vermilion-ha-", dir=kept)))
    record = recorder(Path(folder))
    try:
        bundle(pair)
        if not formed(pair).exists():
            raise StepFailed("there is no pair of this bundle yet: make test-ha ROUNDS=0")
        prepared(pair)
        boot(pair)
        for situation in SITUATIONS:
            if not names or situation.__name__.replace("_", "-") in names:
                pair.settle()
                active = pair.active()
                situation(Scene(pair, active, pair.other(active)), record)
    finally:
        pair.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

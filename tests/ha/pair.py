"""The pair: two nodes in their house, what Ansible makes of them, and what the cluster says of itself."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.ha import power
from tests.ha.house import PASSWORD, USER, House
from tests.ha.node import BOOTED, VOLUME_DISK, Node
from tests.ha.places import FLOATING, NODES
from tests.ha.preparing import VOLUME, kernel
from tests.ha.verdict import Verdict
from tests.machine import making
from tests.machine.bed import signature_of
from tests.machine.commands import LONGEST, run
from tests.machine.failure import StepFailed
from tests.machine.plan import say
from tests.machine.virtual import has_kvm

SLOWLY = {"cluster_token_ms": 10_000, "cluster_timeout_factor": 6}
"""Without KVM, beside other work: Corosync's patience, and by how much everything else may take longer. With KVM
nothing is given, so that what is shipped is measured (provisioning/roles/cluster/defaults)."""

STALLED = 200.0
"""Seconds after which a kernel that stalls as it boots is reset: it does not go on by itself."""

SETTLED = 1800.0
"""Seconds until both nodes are there again and their disks the same, at most."""

BUNDLES = "/opt/vermilion/bundles"

_MADE = ("qemu-img", "create", "-q", "-f", "qcow2", "-o", "cluster_size=4k")
_RECAP = re.compile(r"^(\S+)\s*: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Converged:
    """What a run of Ansible came to, over both nodes."""

    told: str
    ok: int
    changed: int
    seconds: float

    @classmethod
    def of(cls, told: str, seconds: float) -> Converged:
        """Raises :class:`StepFailed` when it did not come to its end, or failed."""
        found = [[int(number) for number in row[1:]] for row in _RECAP.findall(told)]
        if not found or any(unreachable or failed for _, _, unreachable, failed in found):
            raise StepFailed(f"Ansible failed:\n{told[-3000:]}")
        return cls(told, sum(row[0] for row in found), sum(row[1] for row in found), seconds)

    def __str__(self) -> str:
        return f"ok={self.ok} changed={self.changed} in {self.seconds:.0f} s"

    def tasks_that_changed(self) -> str:
        """Their names, for whoever expected others."""
        names, task = dict[str, None](), ""
        for line in self.told.splitlines():
            if line.startswith(("TASK [", "RUNNING HANDLER [")):
                task = line.partition("[")[2].partition("]")[0]
            elif line.startswith("changed:"):
                names[task] = None
        return ", ".join(names)


@dataclass(frozen=True, slots=True)
class State:
    """What one node knows of the cluster: crm_mon's XML and /proc/drbd."""

    crm_mon: ET.Element
    volume: str

    @property
    def online(self) -> set[str]:
        """Names of the nodes that take part."""
        return {
            str(each.get("name"))
            for each in self.crm_mon.iterfind("./nodes/node")
            if each.get("online") == "true" and each.get("pending") == "false" and each.get("unclean") == "false"
        }

    @property
    def is_synced(self) -> bool:
        """Whether both disks have the same."""
        return "cs:Connected" in self.volume and "ds:UpToDate/UpToDate" in self.volume

    def where(self, resource: str) -> str:
        """The node on which *resource* is started, or nothing."""
        for each in self.crm_mon.iter("resource"):
            if each.get("id") == resource and each.get("role") in ("Started", "Promoted"):
                node = each.find("node")
                return "" if node is None or each.get("failed") == "true" else str(node.get("name"))
        return ""

    @property
    def active(self) -> str:
        """The node on which everything is started, or nothing."""
        places = {self.where(each) for each in ("filesystem", "address", "appliance", "front")}
        return places.pop() if len(places) == 1 else ""

    @property
    def is_whole(self) -> bool:
        """Whether both nodes are there, one serves, both fence devices are watched, people reach both, and
        nobody is banned."""
        fences = {self.where(f"fence-{node.name}") for node in NODES}
        held = [
            each for each in self.crm_mon.iter("ban") if str(each.get("id")).startswith("drbd-fence-by-handler")
        ]
        reached = self.crm_mon.findall("./node_attributes/node/attribute[@name='front-link'][@value='1']")
        return (
            len(self.online) == len(fences) == len(reached) == 2
            and all(fences)
            and bool(self.active)
            and self.is_synced
            and not held
        )

    def took(self, node: str, starting: bool = True) -> dict[str, float]:
        """How long the last start of each resource on *node* took, in seconds, or its last stop; of the volume its
        promotion or demotion."""
        verb = {True: ("promote", "start"), False: ("demote", "stop")}[starting]
        found = dict[str, float]()
        for history in self.crm_mon.iterfind(f"./node_history/node[@name='{node}']/resource_history"):
            for operation in history.iterfind("operation_history"):
                if operation.get("task") == verb[history.get("id") != "volume"]:
                    found[str(history.get("id"))] = int(str(operation.get("exec-time")).removesuffix("ms")) / 1000
        return found


class Pair:
    """``kept`` outlives the run, ``folder`` does not. Not thread-safe."""

    def __init__(self, kept: Path, folder: Path) -> None:
        self.kept = kept
        self.folder = folder
        self.company = folder / "company"
        self.bundle = self.before = Path()
        self.house: House | None = None
        self.verdict: Verdict | None = None
        self.nodes: dict[str, Node] = {}
        self.facts: dict[str, str] = {}
        self.stalls = 0
        self._over = threading.Event()

    @property
    def alpha(self) -> Node:
        return self.nodes[NODES[0].name]

    @property
    def beta(self) -> Node:
        return self.nodes[NODES[1].name]

    def other(self, node: Node) -> Node:
        """The other one."""
        return self.beta if node is self.alpha else self.alpha

    def furnish(self, made: Path) -> None:
        """House and nodes out of what was kept in the folder *made*; nothing has power yet."""
        self.facts = json.loads((made / "facts.json").read_text())
        for name in ("company", "witness"):
            shutil.copytree(made / name, self.folder / name)
        for name in ("key", "key.pub", "witness.toml", "facts.json"):
            shutil.copy(made / name, self.folder / name)
        self.house = House(self.folder / "house")
        self.verdict = Verdict(self.house, self.company, self.folder / "watch.jsonl")
        for place in NODES:
            node = Node(place, self.house, self.folder / place.name, self.folder / "key", kernel(self.kept))
            for disk in power.DISKS:
                kept, here = made / f"{place.name}.{disk}.qcow2", node.folder / f"{disk}.qcow2"
                if kept.exists():
                    run((*_MADE, "-b", str(kept), "-F", "qcow2", str(here)))
                else:
                    new_disk(made / f"{place.name}.raw", here)
            self.nodes[place.name] = node
            self.house.start_controller(place, node.folder)
        self.house.start_clock()
        self.house.start_witness(self.folder / "witness.toml")
        threading.Thread(target=self._reset_stalled, daemon=True).start()

    def _reset_stalled(self) -> None:
        while not self._over.wait(5):
            for node in self.nodes.values():
                if node.is_on and time.time() - node.since > STALLED and power.has_stalled(node.folder):
                    self.stalls += 1
                    say(f"{'':6}{node.name:12}does not come up: the emulator has lost a timer; reset")
                    node.switch("reset", "1")

    def keep(self, place: Path) -> None:
        """Both shut down in order, the one that serves last, so that nothing moves meanwhile; their disks, and
        what people outside know, are kept in the folder *place*."""
        active = self.active()
        for node in (self.other(active), active):
            node.shut_down()
        fresh = place.with_suffix(".partial")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        for node in self.nodes.values():
            for disk in power.DISKS:
                run(("qemu-img", "commit", "-q", str(node.folder / f"{disk}.top")))
                (node.folder / f"{disk}.top").unlink()
                shutil.copy(node.folder / f"{disk}.qcow2", fresh / f"{node.name}.{disk}.qcow2")
        for name in ("company", "witness"):
            shutil.copytree(self.folder / name, fresh / name)
        for name in ("key", "key.pub", "witness.toml", "facts.json"):
            shutil.copy(self.folder / name, fresh / name)
        fresh.rename(place)

    def boot(self) -> str:
        """Both get power; how long it took until somebody could log in to each."""
        for node in self.nodes.values():
            node.switch("power", "1")
        return ", ".join(f"{node.name} {node.until('true', BOOTED):.0f} s" for node in self.nodes.values())

    def take(self, bundle: Path) -> None:
        """From now on playbooks are those of *bundle*, by the same publisher."""
        self.before, self.bundle = self.bundle, bundle
        self.facts["bundle"] = f"{BUNDLES}/{making.version_in(bundle)}"

    def converge(self, playbook: str = "ha.yml", *options: str) -> Converged:
        """Runs Ansible in the house, as on an operator's machine that has the bundle where ``install`` keeps it.
        Raises :class:`StepFailed`."""
        began = time.monotonic()
        command, within = self._ansible(playbook, options)
        told = run(command, check=False, patience=4 * LONGEST, within=within)
        # It waits 30 s for a node that was cut, and no longer; the playbooks go on where they were.
        if "mitogen.core.TimeoutError" in told:
            told = run(command, check=False, patience=4 * LONGEST, within=within)
        return Converged.of(told, time.monotonic() - began)

    def break_off(self, playbook: str, begins: str, *options: str) -> None:
        """The same, but Ansible is killed as soon as its log has a line with *begins*. Raises
        :class:`StepFailed` when it ends before."""
        command, within = self._ansible(playbook, options)
        log = self.folder / "ansible.log"
        log.unlink(missing_ok=True)
        quiet = subprocess.DEVNULL
        ansible = subprocess.Popen(
            command, cwd=within, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True
        )

        def ends_or_is_there() -> bool:
            return ansible.poll() is not None or (log.exists() and begins in log.read_text(errors="replace"))

        try:
            eventually(ends_or_is_there, 4 * LONGEST, begins)
            if ansible.poll() is not None:
                raise StepFailed(f"Ansible ended before “{begins}”:\n{log.read_text(errors='replace')[-3000:]}")
        finally:
            if ansible.poll() is None:
                os.killpg(ansible.pid, signal.SIGKILL)
            ansible.wait()

    def _ansible(self, playbook: str, options: Sequence[str]) -> tuple[list[str], str]:
        """The command for that, and the folder in which it runs."""
        assert self.house is not None
        place = self._unpacked()
        (self.folder / "settings.yml").write_text(self.facts["settings"])
        (self.folder / "controller.password").write_text(f"{PASSWORD}\n")
        inventory = self.folder / "inventory.json"
        inventory.write_text(json.dumps(self._inventory(), indent=1))
        bundle = self.facts["bundle"]
        given = f"base_bundle={bundle} base_key={bundle}.asc base_fingerprint={self.facts['fingerprint']}"
        program = str(Path(sys.executable).with_name("ansible-playbook"))
        command = [program, "--inventory", str(inventory), "--extra-vars", f"@{self.folder}/settings.yml"]
        live = ("env", f"ANSIBLE_LOG_PATH={self.folder}/ansible.log", *_faster())  # the log: how far it is
        return [
            *(*self.house.network(), *_having(place.parent), *live),
            *(*command, "--extra-vars", given, *options, playbook),
        ], str(place / "provisioning")

    def _unpacked(self) -> Path:
        place = self.folder / "bundles" / Path(self.facts["bundle"]).name
        if not place.exists():
            place.mkdir(parents=True)
            run(("tar", "-xf", str(self.bundle), "-C", str(place), "--strip-components=1"))
            shutil.copy(self.bundle.with_name("vermilion-bundle.asc"), f"{place}.asc")
        return place

    def _inventory(self) -> dict[str, object]:
        ssh = f"-i {self.folder}/key -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
        hosts = {
            node.name: {
                "ansible_host": node.front,
                "cluster_ring_addresses": node.rings,
                "cluster_disk": VOLUME_DISK,
                "cluster_fence": {
                    "agent": "fence_ipmilan",
                    "options": {
                        "ip": node.controller,
                        "username": USER,
                        "lanplus": 1,
                        "password_file": str(self.folder / "controller.password"),
                    },
                },
            }
            for node in NODES
        }
        shared = {
            "ansible_user": "root",
            "ansible_ssh_common_args": ssh,
            "ansible_python_interpreter": "/usr/bin/python3",
            "cluster_address": f"{FLOATING}/24",
            **({} if has_kvm() else SLOWLY),
        }
        return {"appliance": {"hosts": hosts, "vars": shared}}

    def state(self, node: Node) -> State | None:
        """What *node* says, or nothing when it says nothing."""
        try:
            told = node.run("cat /proc/drbd; echo; crm_mon --output-as=xml", patience=120)
            volume, start, document = told.partition("<pacemaker-result")
            return State(ET.fromstring(start + document), volume)  # noqa: S314 # Pacemaker's own
        except (StepFailed, ET.ParseError):
            node.forget()
            return None

    def active(self, patience: float = SETTLED) -> Node:
        """The node that serves, as soon as one does: a start may be under way, or a node not answer by ssh. Raises
        :class:`StepFailed` when none does."""
        began = time.monotonic()
        while True:
            for node in self.nodes.values():
                state = self.state(node) if node.is_on else None
                if state is not None and state.active:
                    return self.nodes[state.active]
            if time.monotonic() - began > patience:
                raise StepFailed(f"no node serves within {patience:.0f} s")
            time.sleep(5)

    def settle(self, patience: float = SETTLED) -> float:
        """Waits until nothing is missing; the seconds. Raises :class:`StepFailed` with what is."""
        began, seen = time.monotonic(), "no node says anything"
        while time.monotonic() - began < patience:
            for node in self.nodes.values():
                state = self.state(node) if node.is_on else None
                if state is not None:
                    seen = f"{node.name}: online {sorted(state.online)}, active {state.active or 'none'},"
                    seen += f" {state.volume.strip()[-200:]}"
                    if state.is_whole:
                        return time.monotonic() - began
            time.sleep(5)
        raise StepFailed(f"not whole within {patience:.0f} s: {seen}")

    def outside(self, verb: str, *arguments: object, patience: float = LONGEST) -> str:
        """What ``tests.machine.outside`` says of *verb*, at the floating address. Raises :class:`StepFailed`."""
        return self.errand(
            "tests.machine.outside", str(self.company), verb, *map(str, arguments), patience=patience
        )

    def errand(self, module: str, *arguments: str, patience: float = LONGEST) -> str:
        """What *module* of this checkout prints in the house. Raises :class:`StepFailed`."""
        return run(self._outside(module, arguments), patience=patience, within=str(making.CHECKOUT)).strip()

    def _outside(self, module: str, arguments: Sequence[str]) -> list[str]:
        """The command for that; it knows the client of the API, which is not installed."""
        assert self.house is not None
        known = f"PYTHONPATH={making.CHECKOUT}/clients/python"
        return [*self.house.network(), "env", known, sys.executable, "-m", module, *arguments]

    def while_it(self, module: str, *arguments: str, words: Path) -> subprocess.Popen[bytes]:
        """*module* at work in the house; what it prints is in the file *words*."""
        with words.open("wb") as place:
            return subprocess.Popen(
                self._outside(module, arguments),
                cwd=making.CHECKOUT,
                stdin=subprocess.DEVNULL,
                stdout=place,
                stderr=place,
            )

    def close(self) -> None:
        """Everything ends that the run began."""
        self._over.set()
        for node in self.nodes.values():
            node.mains(connected=False)
            node.forget()
        if self.house is not None:
            self.house.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def _having(bundles: Path) -> tuple[str, ...]:
    """What to put before a command that shall find the folder *bundles* at its place, and nobody else."""
    script = f'mount -t tmpfs tmpfs /opt && mkdir -p {BUNDLES} && mount --bind {bundles} {BUNDLES} && exec "$@"'
    return ("unshare", "--mount", "sh", "-c", script, "sh")


def _faster() -> tuple[str, ...]:
    """Variables by which Ansible runs its modules in a Python that stays on the node, where that is installed."""
    found = importlib.util.find_spec("ansible_mitogen")
    if found is None or found.origin is None or os.environ.get("PLAIN_ANSIBLE"):
        return ()
    plugins = Path(found.origin).with_name("plugins") / "strategy"
    # It does not read the options of ssh that say the same.
    return (
        f"ANSIBLE_STRATEGY_PLUGINS={plugins}",
        "ANSIBLE_STRATEGY=mitogen_linear",
        "ANSIBLE_HOST_KEY_CHECKING=False",
        "ANSIBLE_TIMEOUT=120",  # a node that starts the services is long in answering
    )


def eventually(ask: Callable[[], bool], patience: float, what: str) -> float:
    """Waits until *ask* says so; the seconds. Raises :class:`StepFailed`."""
    began = time.monotonic()
    while not ask():
        if time.monotonic() - began > patience:
            raise StepFailed(f"not within {patience:.0f} s: {what}")
        time.sleep(0.5)
    return time.monotonic() - began


def new_disk(raw: Path, disk: Path) -> None:
    """*disk* as a machine has it at first: its system's over the root *raw*, that for the volume empty."""
    if disk.stem == power.DISKS[0]:
        run((*_MADE, "-b", str(raw), "-F", "raw", str(disk)))
    else:
        run((*_MADE, str(disk), VOLUME))


__all__ = ["Converged", "Pair", "State", "eventually", "new_disk", "signature_of"]

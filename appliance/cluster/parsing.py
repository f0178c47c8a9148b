"""What the programs of the cluster print: ``crm_mon --output-as=xml`` (Pacemaker 3), ``/proc/drbd`` (DRBD 8.4),
``corosync-cfgtool -n`` and ``corosync-quorumtool -s`` (Corosync 3).

Each function raises ValueError for what is of another form; nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

APPLIANCE, VOLUME = "appliance", "volume"
"""The resources that make a node the active one: what serves, and the copy of the data."""

SETTINGS, READY, PROBED = "vermilion-settings", "vermilion-ready", "vermilion-probed"
"""The node's attributes by which each machine tells the other the digest of its settings, whether it could take
over (``yes``, or a sentence that says why not), and when it last looked, in seconds since 1970."""

FRONT_LINK = "front-link"
"""The node's attribute that Pacemaker keeps of its network card in front: ``1`` while it has a link."""

_WHILE_APART = "drbd-fence-by-handler-"
"""How the constraint begins that keeps the volume from a machine whose copy is behind; DRBD removes it again."""

_NEVER = 1_000_000
"""Pacemaker's infinity: of so many failures, or with minus so much, nothing is ever placed there."""

_DEVICE = "fence-"
"""How the names of fencing devices begin; the rest is the node that they cut off."""


class NodeRole(StrEnum):
    """What a machine does: it serves; it would take over; neither, since it is not there, or since nobody knows
    what it does until it is cut off; or it is there and set aside by an administrator."""

    ACTIVE = "active"
    STANDBY = "standby"
    ABSENT = "absent"
    LOST = "lost"
    SET_ASIDE = "set-aside"


@dataclass(frozen=True, slots=True)
class BarredResource:
    """What Pacemaker would not start on a machine: a ``constraint`` keeps it away (``crm_resource --ban`` leaves
    one until it is cleared), or else it has failed there too often."""

    resource: str
    constraint: str = ""

    @property
    def is_while_apart(self) -> bool:
        """Whether it is as it should be while the copies differ, and ends by itself when they are equal again."""
        return self.constraint.startswith(_WHILE_APART)


@dataclass(frozen=True, slots=True)
class NodeState:
    """A machine as Pacemaker sees it. ``promoted``: it has the volume for writing. ``settings`` and ``ready`` are
    what it says of itself (:data:`SETTINGS`, :data:`READY`); None where it says nothing. ``probed`` is when it
    last looked; None in a release from before. ``barred`` is what Pacemaker would not start there. ``has_link``:
    people reach it, as far as Pacemaker sees that (:data:`FRONT_LINK`)."""

    name: str
    role: NodeRole
    promoted: bool
    settings: str | None
    ready: str | None
    barred: tuple[BarredResource, ...] = ()
    probed: datetime | None = None
    has_link: bool = False

    @property
    def is_there(self) -> bool:
        """Whether it is a member of the cluster now."""
        return self.role not in (NodeRole.ABSENT, NodeRole.LOST)


@dataclass(frozen=True, slots=True)
class FencingDevice:
    """What cuts the machine ``node`` off; ``failed_at`` (:func:`_second`) and ``why`` are of its last
    failure that nobody has cleared."""

    name: str
    node: str
    agent: str
    works: bool
    failed_at: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class FencingAttempt:
    """The last time that the machine ``node`` was to be cut off, and when (:func:`_second`)."""

    node: str
    at: str
    succeeded: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class PacemakerState:
    """Both machines, what can cut them off, and whether Pacemaker acts at all: ``maintenance`` holds for
    everything, ``paused`` for what serves, or a part of it, as during an upgrade (``vermilion-cluster pause``)."""

    nodes: tuple[NodeState, ...]
    devices: tuple[FencingDevice, ...]
    attempts: tuple[FencingAttempt, ...]
    fencing: bool
    maintenance: bool
    paused: bool


def parse_crm_mon(text: str) -> PacemakerState:
    """From ``crm_mon --output-as=xml``. Raises ValueError."""
    root = _document(text)
    if root.tag != "pacemaker-result" or root.find("nodes") is None:
        raise ValueError("not what crm_mon prints")
    options = root.find("summary/cluster_options")
    if options is None:
        raise ValueError("crm_mon says nothing of the cluster's options")
    active, promoted = _running_on(root, APPLIANCE), _running_on(root, VOLUME, "Promoted")
    attributes = {
        _of(node, "name"): {_of(each, "name"): each.get("value", "") for each in node.findall("attribute")}
        for node in root.findall("node_attributes/node")
    }
    nodes = []
    for node in root.findall("nodes/node"):
        name = _of(node, "name")
        told = attributes.get(name, {})
        role = _role(node, is_active=name in active)
        said = told.get(SETTINGS), told.get(READY)
        barred, probed = tuple(_barred(root, name)), _probed(told.get(PROBED))
        has_link = told.get(FRONT_LINK) == "1"
        nodes.append(NodeState(name, role, name in promoted, *said, barred, probed, has_link))
    if not nodes:
        raise ValueError("crm_mon names no node")
    return PacemakerState(
        nodes=tuple(nodes),
        devices=tuple(_devices(root)),
        attempts=tuple(_attempts(root)),
        fencing=_flag(options, "stonith-enabled"),
        maintenance=_flag(options, "maintenance-mode"),
        paused=any(each.get("managed") == "false" for each in root.iter("resource") if not _is_device(each)),
    )


def _document(text: str) -> Element:
    if "<!" in text:  # a document type or an entity, of which crm_mon prints none
        raise ValueError("not what crm_mon prints")
    try:
        return ElementTree.fromstring(text)  # noqa: S314  # root wrote it, of bounded size, without entities
    except ElementTree.ParseError as error:
        raise ValueError(f"not XML: {error}") from error


def _role(node: Element, *, is_active: bool) -> NodeRole:
    if _flag(node, "unclean"):
        return NodeRole.LOST
    if not _flag(node, "online") or _flag(node, "pending"):
        return NodeRole.ABSENT
    if is_active:
        return NodeRole.ACTIVE
    aside = _flag(node, "standby") or _flag(node, "standby_onfail") or _flag(node, "maintenance")
    return NodeRole.SET_ASIDE if aside else NodeRole.STANDBY


def _probed(told: str | None) -> datetime | None:
    if told is None:
        return None
    if re.fullmatch(r"[0-9]{1,10}", told) is None:
        raise ValueError(f"{PROBED} is no time")
    return datetime.fromtimestamp(int(told), UTC)


def _running_on(root: Element, resource: str, role: str = "Started") -> set[str]:
    """The nodes on which *resource* is in *role*."""
    return {
        _of(node, "name")
        for each in root.iter("resource")
        if each.get("id", "").partition(":")[0] == resource and each.get("role") == role
        for node in each.findall("node")
    }


def _is_device(resource: Element) -> bool:
    return resource.get("resource_agent", "").startswith("stonith:")


def _barred(root: Element, node: str) -> Iterator[BarredResource]:
    for ban in root.findall("bans/ban"):
        name, resource = _of(ban, "id"), _of(ban, "resource")
        never = ban.get("node") == node and _score(ban, "weight") <= -_NEVER
        if never and not resource.startswith(_DEVICE):
            yield BarredResource(resource, name)
    for history in root.findall("node_history/node"):
        for each in history.findall("resource_history") if history.get("name") == node else ():
            resource, limit = _of(each, "id"), _score(each, "migration-threshold") or _NEVER
            if _score(each, "fail-count") >= limit and not resource.startswith(_DEVICE):
                yield BarredResource(resource)


def _score(element: Element, name: str) -> int:
    """A number of Pacemaker, 0 where there is none; in words it is infinity."""
    value = element.get(name, "0")
    if value in ("INFINITY", "+INFINITY", "-INFINITY"):
        return -_NEVER if value.startswith("-") else _NEVER
    if re.fullmatch(r"[+-]?\d{1,9}", value) is None:
        raise ValueError(f"{name} of <{element.tag}> is no number")
    return int(value)


def _devices(root: Element) -> Iterator[FencingDevice]:
    failures = {
        each.get("op_key", "").rpartition("_")[0].rpartition("_")[0]: each
        for each in root.findall("failures/failure")
    }
    for resource in root.iter("resource"):
        agent, name = resource.get("resource_agent", ""), _of(resource, "id")
        if not _is_device(resource):
            continue
        failure = failures.get(name)
        yield FencingDevice(
            name=name,
            node=name.removeprefix(_DEVICE) if name.startswith(_DEVICE) else "",
            agent=agent.removeprefix("stonith:"),
            works=resource.get("role") == "Started" and not _flag(resource, "failed"),
            failed_at="" if failure is None else _second(failure.get("last-rc-change", "")),
            why="" if failure is None else failure.get("exitreason", "") or failure.get("exitstatus", ""),
        )


def _attempts(root: Element) -> Iterator[FencingAttempt]:
    """The last of each node; crm_mon prints the newest first."""
    seen: set[str] = set()
    for event in root.findall("fence_history/fence_event"):
        node, status = _of(event, "target"), event.get("status", "")
        if status in ("success", "failed") and node not in seen:
            seen.add(node)
            why = event.get("exit-reason") or ""
            yield FencingAttempt(node, _second(event.get("completed", "")), status == "success", why)


def _second(printed: str) -> str:
    """A time as findings have it, ``2026-11-30 17:00:06 UTC``; what Pacemaker *printed* where that is none."""
    try:
        at = datetime.fromisoformat(printed)
    except ValueError:
        return printed
    return printed if at.tzinfo is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _of(element: Element, name: str) -> str:
    value = element.get(name)
    if not value:
        raise ValueError(f"<{element.tag}> has no {name}")
    return value


def _flag(element: Element, name: str) -> bool:
    value = element.get(name, "false")
    if value not in ("true", "false"):
        raise ValueError(f"{name} of <{element.tag}> is neither true nor false")
    return value == "true"


UP_TO_DATE = "UpToDate"
_CONNECTED = frozenset({"Connected", "VerifyS", "VerifyT"})
_TO_THE_OTHER = frozenset({"SyncSource", "PausedSyncS", "WFBitMapS", "StartingSyncS", "Ahead"})
"""The states of a synchronisation in which the other machine's copy is made up to date."""

_SYNCING = _TO_THE_OTHER | {"SyncTarget", "PausedSyncT", "WFBitMapT", "WFSyncUUID", "StartingSyncT", "Behind"}


@dataclass(frozen=True, slots=True)
class VolumeState:
    """The two copies of the data as this machine's DRBD sees them (drbd.conf(5), drbdsetup(8)): the connection,
    the states of both disks, and while one is made up to date, how much of it is (``percent``, where that is
    known). ``behind`` is what the copies differ by, in bytes. ``holds_writes``: nothing is written here until it
    is certain that the other machine writes nothing."""

    connection: str
    disk: str
    other_disk: str
    percent: float | None
    behind: int
    holds_writes: bool = False

    @property
    def is_split(self) -> bool:
        """Whether the copies were parted and will not connect by themselves."""
        return self.connection == "StandAlone"

    @property
    def is_syncing(self) -> bool:
        """Whether one copy is being made up to date."""
        return self.connection in _SYNCING

    @property
    def is_for_the_other(self) -> bool:
        """While one copy is made up to date: whether it is the other machine's."""
        return self.connection in _TO_THE_OTHER

    @property
    def is_connected(self) -> bool:
        """Whether each write goes to both."""
        return self.connection in _CONNECTED

    @property
    def is_equal(self) -> bool:
        """Whether both copies are whole, and each write goes to both."""
        return self.is_whole and self.behind == 0

    @property
    def lets_take_over(self) -> bool:
        """Whether the other machine could go on with its copy: both are equal, or the disk of this one has failed
        and each write goes to the other one's since."""
        lost_here = self.connection == "Connected" and self.disk == "Diskless" and self.other_disk == UP_TO_DATE
        return self.is_equal or lost_here

    @property
    def is_whole(self) -> bool:
        """Whether DRBD takes both copies for whole: so it does when ``drbdadm verify`` found that they differ, too
        (drbdsetup(8)), which ``behind`` tells alone."""
        return self.is_connected and self.disk == self.other_disk == UP_TO_DATE


_DRBD = re.compile(
    r"^ {0,2}0: cs:(?P<connection>\w+) ro:(?P<role>\w+)/\w+ ds:(?P<disk>\w+)/(?P<other>\w+) +"
    r"(?:[ABC] +)?(?P<suspended>s?)",
    re.MULTILINE,
)
_BEHIND = re.compile(r"\boos:(\d{1,18})\b")
_PERCENT = re.compile(r"\bsync'ed: {0,3}(\d{1,3}\.\d)%")


def parse_drbd(text: str) -> VolumeState:
    """From ``/proc/drbd`` of DRBD 8.4: its first device, ours. Raises ValueError."""
    device = _DRBD.search(text)
    if not text.startswith("version: 8.") or device is None:
        raise ValueError("not what DRBD 8.4 shows of a device in /proc/drbd")
    of_ours = text[device.start() :].partition("\n 1: ")[0]
    behind, percent = _BEHIND.search(of_ours), _PERCENT.search(of_ours)
    if behind is None:
        raise ValueError("DRBD does not say by how much the copies differ")
    return VolumeState(
        connection=device["connection"],
        disk=device["disk"],
        other_disk=device["other"],
        percent=None if percent is None else float(percent[1]),
        behind=int(behind[1]) * 1024,
        holds_writes=device["role"] == "Primary" and device["suspended"] == "s",
    )


@dataclass(frozen=True, slots=True)
class RingState:
    """One of the networks between the two machines: its number, this machine's address and the other's."""

    number: int
    here: str
    there: str
    connected: bool


_LINK = re.compile(r"^\s+LINK: (\d{1,2}) (?:\w+ )?\(([^\s()]{1,200})->([^\s()]{1,200})\)((?: +\S+)*)\s*$")


def parse_rings(text: str) -> tuple[RingState, ...]:
    """From ``corosync-cfgtool -n``, which names the rings to machines that it sees: none while the other one is
    away. Raises ValueError."""
    first, *lines = text.splitlines() or [""]
    if not re.fullmatch(r"Local node ID \d{1,10}, transport \w+", first):
        raise ValueError("not what corosync-cfgtool prints")
    found = []
    for line in lines:
        link = _LINK.match(line)
        if link is not None:
            found.append(RingState(int(link[1]), link[2], link[3], "connected" in link[4].split()))
        elif line.strip() and not line.startswith("nodeid:"):
            raise ValueError("a ring of another form than corosync-cfgtool prints")
    return tuple(found)


@dataclass(frozen=True, slots=True)
class QuorumState:
    """Whether this machine may act, with how many votes of how many; whether the arbiter gives its vote, None
    where there is none."""

    quorate: bool
    votes: int
    expected: int
    arbiter: bool | None


_QUORUM = {
    "quorate": re.compile(r"^Quorate: +(Yes|No)\s*$", re.MULTILINE),
    "votes": re.compile(r"^Total votes: +(\d{1,4})\s*$", re.MULTILINE),
    "expected": re.compile(r"^Expected votes: +(\d{1,4})\s*$", re.MULTILINE),
}
_MEMBER = re.compile(r"^ +\d+ +\d+ +(?P<arbiter>[A-Z]{1,3}(?:,[A-Z]{1,4}){0,3}) +\S+ \(local\)\s*$", re.MULTILINE)


def parse_quorum(text: str) -> QuorumState:
    """From ``corosync-quorumtool -s``. Raises ValueError."""
    values = {}
    for name, form in _QUORUM.items():
        found = form.search(text)
        if found is None:
            raise ValueError("not what corosync-quorumtool prints")
        values[name] = found[1]
    member = _MEMBER.search(
        text
    )  # A alive, V votes (votequorum_qdevice_poll(3)); without an arbiter no such column
    arbiter = None if member is None else {"A", "V"} <= set(member["arbiter"].split(","))
    return QuorumState(values["quorate"] == "Yes", int(values["votes"]), int(values["expected"]), arbiter)

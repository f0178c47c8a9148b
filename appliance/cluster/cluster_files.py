"""The two files that say which machines serve together and how they stand: read with bounds, and never trusted to
be of the right form."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from appliance.cluster.parsing import (
    NodeRole,
    NodeState,
    PacemakerState,
    QuorumState,
    RingState,
    VolumeState,
    parse_crm_mon,
    parse_drbd,
    parse_quorum,
    parse_rings,
)
from appliance.errors import ApplianceError
from appliance.home import Home
from hsm.files import opened_to_read

T = TypeVar("T")

OLD = timedelta(minutes=1)
"""Further from now than this, a state says nothing about now: it is written each 15 seconds."""

SILENT = timedelta(minutes=10)
"""Further from the state than this, when a machine last looked, its word says nothing about now: it tells that
each two minutes, by a clock of its own (``vermilion-cluster`` has the same)."""

LARGEST = 1_000_000
"""Bytes that are read of a file; what is larger is none of ours."""


class ClusterUnreadable(ApplianceError, code="cluster-unreadable"):
    """Which machines serve together, or how they stand, is unknown: a file is missing, old or of another form."""


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """Both machines by their names, the address that moves between them, how they are cut off (``power`` or
    ``sbd``), and the third machine that votes, where there is one."""

    name: str
    nodes: tuple[str, str]
    address: str
    fencing: str
    arbiter: str = ""


@dataclass(frozen=True, slots=True)
class ClusterState:
    """How the two machines stand ``at`` a moment, as ``node`` saw it. A part that could not be read is None, and
    named in ``unreadable`` with what was wrong. ``settings`` is the digest of this machine's own settings;
    ``unproven`` are the machines whose fence device, as it is now, was not seen to cut them."""

    at: datetime
    node: str
    settings: str
    pacemaker: PacemakerState | None
    volume: VolumeState | None
    rings: tuple[RingState, ...] | None
    quorum: QuorumState | None
    unreadable: tuple[tuple[str, str], ...] = ()
    unproven: tuple[str, ...] = ()

    @property
    def nodes(self) -> tuple[NodeState, ...]:
        """Both machines as Pacemaker sees them; none where that could not be read."""
        return () if self.pacemaker is None else tuple(sorted(self.pacemaker.nodes, key=lambda node: node.name))

    @property
    def active(self) -> NodeState | None:
        """Who serves."""
        return next((node for node in self.nodes if node.role is NodeRole.ACTIVE), None)

    @property
    def other(self) -> NodeState | None:
        """The machine that is not the one that saw this."""
        return next((node for node in self.nodes if node.name != self.node), None)

    @property
    def lets_take_over(self) -> bool:
        """Whether all but the standby's own word allows it to take over now: copies, quorum and fencing, that
        people would reach it, and that Pacemaker acts."""
        if self.volume is None or self.quorum is None or self.pacemaker is None:
            return False
        pacemaker = self.pacemaker
        fenced = all(
            any(each.works and each.node in (node.name, "") for each in pacemaker.devices) for node in self.nodes
        )
        acts = pacemaker.fencing and not (pacemaker.maintenance or pacemaker.paused)
        reached = all(node.has_link for node in self.nodes if node.role is NodeRole.STANDBY)
        ready = self.volume.lets_take_over and self.quorum.quorate and not self.unproven
        return ready and acts and fenced and reached


def read_cluster_settings(home: Home) -> ClusterSettings | None:
    """Which two machines serve together; None where this machine is not one of two. Raises ClusterUnreadable."""
    path = home.cluster_settings
    try:
        text = _text(path)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    try:
        tables = tomllib.loads(text)
        nodes = tables["nodes"]
        first, second = sorted(short_text(each) for each in nodes)
        return ClusterSettings(
            name=short_text(tables["name"]),
            nodes=(first, second),
            address=short_text(tables["address"]),
            fencing=short_text(tables["fencing"]),
            arbiter=tables.get("arbiter", "") and short_text(tables["arbiter"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise _unreadable(path, error) from error


def read_cluster_state(home: Home, now: datetime) -> ClusterState:
    """How they stand, as the probe saw it not long from *now*. Raises ClusterUnreadable."""
    path = home.cluster_state
    try:
        state = _state(json.loads(_text(path)))
    except FileNotFoundError as error:
        raise ClusterUnreadable("How the cluster stands is not known: there is no {path}.", path=path) from error
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise _unreadable(path, error) from error
    if abs(now - state.at) > OLD:
        raise ClusterUnreadable(
            "How the cluster stands was written down last at {at} ({path}); how it is now is not known.",
            at=f"{state.at:%Y-%m-%d %H:%M:%S} UTC",
            path=path,
        )
    return state


def _state(told: dict[str, Any]) -> ClusterState:
    at, node, settings = moment_of(told["at"]), short_text(told["node"]), short_text(told["settings"])
    wrong: list[tuple[str, str]] = []
    pacemaker = _part(told, "crm_mon", parse_crm_mon, wrong)
    volume = _part(told, "drbd", parse_drbd, wrong)
    if pacemaker is not None:
        apart = volume is None or not volume.lets_take_over
        pacemaker = replace(pacemaker, nodes=tuple(_as_of(at, node, apart=apart) for node in pacemaker.nodes))
    rings = _part(told, "rings", parse_rings, wrong)
    quorum = _part(told, "quorum", parse_quorum, wrong)
    # A probe of an earlier release says nothing of it.
    unproven = tuple(short_text(each) for each in told.get("unproven", ()))
    return ClusterState(at, node, settings, pacemaker, volume, rings, quorum, tuple(wrong), unproven)


def _as_of(at: datetime, node: NodeState, *, apart: bool) -> NodeState:
    """*node* without what it said of itself too long ago: Pacemaker keeps the last word of a member. While the
    copies are *apart*, what keeps one that is behind from serving is no fault."""
    is_silent = node.probed is not None and abs(at - node.probed) > SILENT
    if apart:
        node = replace(node, barred=tuple(each for each in node.barred if not each.is_while_apart))
    return replace(node, settings=None, ready=None) if is_silent else node


def read_refusal(home: Home, request_id: str) -> str | None:
    """Why the switch-over that an admin request asked for was not begun; None where nobody said so."""
    path = home.cluster_refusal(request_id)
    try:
        return short_text(json.loads(_text(path))["why"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        return str(_unreadable(path, error))


def moment_of(value: object) -> datetime:
    """A moment in ISO 8601 with its zone, in UTC. Raises ValueError."""
    try:
        moment = datetime.fromisoformat(short_text(value))
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except OverflowError:  # the year 1, in a zone whose clock is ahead
        pass
    raise ValueError(f"{value!r} is no moment with its zone")


def _part(told: dict[str, Any], name: str, parse: Callable[[str], T], wrong: list[tuple[str, str]]) -> T | None:
    """What *parse* makes of one program's text; what it cannot read is noted in *wrong*, and the rest is read.
    Where the program failed, the probe says so in ``problems``."""
    problems, text = told.get("problems"), told.get(name)
    problem = problems.get(name) if isinstance(problems, dict) else None
    try:
        if isinstance(problem, str):
            raise ValueError(problem)
        if not isinstance(text, str):
            raise ValueError("nothing was written down")
        return parse(text)
    except (ValueError, OverflowError) as error:
        wrong.append((name, "".join(each if each.isprintable() else "?" for each in str(error)[:300])))
        return None


def short_text(value: object) -> str:
    """*value*, if it is a text of one line that can be shown. Raises ValueError."""
    if not isinstance(value, str) or not value or len(value) > 500 or not value.isprintable():
        raise ValueError(f"{value!r:.100} is not a short text")
    return value


def _text(path: Path) -> str:
    """The whole of a small file that somebody else wrote: neither waited for nor followed."""
    with opened_to_read(path) as file:
        if os.fstat(file).st_size > LARGEST:
            raise ValueError(f"it has more than {LARGEST} bytes")
        return os.read(file, LARGEST).decode("utf-8")


def _unreadable(path: Path, error: Exception) -> ClusterUnreadable:
    why = error.strerror if isinstance(error, OSError) and error.strerror else f"{type(error).__name__}: {error}"
    return ClusterUnreadable("{path} cannot be read: {why}", path=path, why=why[:300])

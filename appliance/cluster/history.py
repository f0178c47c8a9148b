"""Which machine served when, and why: a line of JSON for each event, appended by Pacemaker's agent on whichever
machine has the volume::

    {"event": "stopped" | "serving", "node": NAME, "at": ISO 8601, "why": "failover" | "switch-over" | "drill" |
     "start", "by": the admin request or the login, "last_seen": ISO 8601}

``by`` is left out where nobody asked for it. ``last_seen`` stands where no ``stopped`` came before, since the
power was cut: when the machine before was last seen to work.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from appliance.cluster.cluster_files import ClusterUnreadable, moment_of, short_text
from appliance.home import Home
from hsm.files import opened_to_read

NEWEST = 256 * 1024
"""Bytes that are read from the end of the history: more than a thousand events."""


class TakeoverCause(StrEnum):
    """Why a machine began to serve: the other failed, somebody asked for it, somebody tried whether it works, or
    the same machine started again."""

    FAILOVER = "failover"
    SWITCH_OVER = "switch-over"
    DRILL = "drill"
    START = "start"


@dataclass(frozen=True, slots=True)
class Takeover:
    """The machine ``node`` serves since ``at``; ``before`` it another did (or itself, or it is not known: None).
    ``seconds`` is for how long nobody served: exact after an orderly end, else at most (``is_bound``) so long;
    None where nobody knows. ``by`` is the id of the admin request or the login of who asked."""

    node: str
    at: datetime
    cause: TakeoverCause
    by: str
    before: str | None
    seconds: float | None
    is_bound: bool

    @property
    def is_requested(self) -> bool:
        """Whether an admin request asked for it, whose id ``by`` is."""
        return re.fullmatch("[0-9a-f]{12}", self.by) is not None

    @property
    def moved(self) -> bool:
        """Whether it is another machine than before."""
        return self.before is not None and self.before != self.node


@dataclass(frozen=True, slots=True)
class History:
    """The newest first; ``unreadable`` counts the lines that are of another form."""

    takeovers: tuple[Takeover, ...] = ()
    unreadable: int = 0

    @property
    def last_drill(self) -> Takeover | None:
        """The newest drill that ended on the other machine."""
        return next((each for each in self.takeovers if each.cause is TakeoverCause.DRILL and each.moved), None)


def read_history(home: Home) -> History:
    """The history as far as its newest lines tell; an empty one where nothing was written yet. Raises
    ClusterUnreadable."""
    path = home.cluster_history
    try:
        with opened_to_read(path) as file:
            size = os.fstat(file).st_size
            text = os.pread(file, NEWEST, max(0, size - NEWEST)).decode("utf-8", errors="replace")
    except FileNotFoundError:
        return History()
    except OSError as error:
        raise ClusterUnreadable("{path} cannot be read: {why}", path=path, why=error.strerror or error) from error
    lines = text.splitlines()[1 if size > NEWEST else 0 :]
    events = [_event(line) for line in lines if line.strip()]
    known = [each for each in events if each is not None]
    return History(tuple(reversed(list(_takeovers(known)))), len(events) - len(known))


def find_takeover(home: Home, request_id: str) -> Takeover | None:
    """What came of the switch-over that an admin request asked for; None while nothing serves since."""
    return next((each for each in reversed(read_history(home).takeovers) if each.by == request_id), None)


@dataclass(frozen=True, slots=True)
class _Event:
    serving: bool
    node: str
    at: datetime
    cause: TakeoverCause
    by: str
    last_seen: datetime | None


def _event(line: str) -> _Event | None:
    try:
        told = json.loads(line)
        seen, by, node = told.get("last_seen"), told.get("by", ""), told["node"]
        if told["event"] not in ("stopped", "serving"):
            return None
        return _Event(
            serving=told["event"] == "serving",
            node=short_text(node),
            at=moment_of(told["at"]),
            cause=TakeoverCause(told["why"]),
            by=by and short_text(by),
            last_seen=None if seen is None else moment_of(seen),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _takeovers(events: Iterable[_Event]) -> Iterator[Takeover]:
    before: str | None = None
    stopped: datetime | None = None
    for each in events:
        if each.serving:
            since = stopped or each.last_seen
            seconds = None if since is None else max(0.0, (each.at - since).total_seconds())
            yield Takeover(each.node, each.at, each.cause, each.by, before, seconds, stopped is None)
            before, stopped = each.node, None
        else:
            before, stopped = each.node, each.at

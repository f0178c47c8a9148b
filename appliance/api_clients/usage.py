"""How much the API is used, by client, operation and outcome; refusals by reason. Each process of the portal
counts for itself, and the health monitor adds up.

No more is counted than who asked for which operation, and what came of it: no address, no parameter, no content.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Final

from appliance.process_counts import ProcessCounts, read_counts

PREFIX: Final = "api-"

UNKNOWN: Final = "unknown"
"""Stands for all who have not proven that they are a client, whatever they call themselves."""

OTHERS: Final = "others"
"""Stands for the clients and operations that are too many to be told apart."""

MOST_NAMES: Final = 4_000
"""Counts of one process that are told apart."""

PAUSE: Final = 1.0
"""Seconds between two writes of what a process has counted."""

REFUSING: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS})
"""The statuses by which somebody is refused, who may be told apart by the reason."""

_LARGEST: Final = 1024 * 1024
_NAME: Final = re.compile(
    rf"(requests|refusals) (client-[0-9a-f]{{16}}|{UNKNOWN}|{OTHERS}) ([a-z0-9_-]{{1,60}})(?: ([1-5]xx))?"
    r"|(microseconds) ([a-z0-9_-]{1,60})"
)


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One request that was answered: the id of the ``client``, where it is known; the ``reason`` is the code of
    the problem, where there was one."""

    client: str | None
    operation: str
    status: int
    reason: str
    seconds: float


class ApiUsage:
    """What one process has answered. Thread-safe."""

    def __init__(self, directory: Path | None = None) -> None:
        """Without a *directory* nothing is written."""
        self._counts = ProcessCounts(PREFIX, directory)
        self._written = time.monotonic()

    def count(self, answered: ApiRequest) -> None:
        client, status = answered.client or UNKNOWN, f"{answered.status // 100}xx"
        operation = self._told_apart(answered.operation, f"requests {client} {answered.operation} {status}")
        self._counts.add(f"requests {client if operation != OTHERS else OTHERS} {operation} {status}")
        self._counts.add(f"microseconds {operation}", round(answered.seconds * 1e6))
        if answered.status in REFUSING and answered.reason:
            reason = self._told_apart(answered.reason, f"refusals {client} {answered.reason}")
            self._counts.add(f"refusals {client if reason != OTHERS else OTHERS} {reason}")

    def write(self, *, at_once: bool = False) -> None:
        """Writes the counts for the health monitor, unless that was done just now."""
        now = time.monotonic()
        if at_once or now >= self._written + PAUSE:
            self._written = now
            self._counts.write()

    def _told_apart(self, word: str, name: str) -> str:
        return word if self._counts.knows(name) or self._counts.names() < MOST_NAMES else OTHERS


def read_usage(directory: Path, files: list[str]) -> Iterator[tuple[str, Mapping[str, int]]]:
    """Each of *files* of that directory and what it has counted, by names as :func:`parts_of` reads them."""
    for process, counts in read_counts(directory, files, largest=_LARGEST):
        yield process, {name: count for name, count in counts.items() if _NAME.fullmatch(name)}


def parts_of(name: str) -> tuple[str, ...]:
    """The words of a name: ``requests``, client, operation and class of status; ``refusals``, client and reason;
    ``microseconds`` and operation."""
    return tuple(name.split())

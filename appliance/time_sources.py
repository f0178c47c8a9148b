"""What chrony says of its time sources: how many agree, and whether what they say is authenticated.

A service of its own (``vermilion-time``, as chrony's user) writes each minute what ``chronyc -c -m sources
authdata`` prints (chronyc(1)); nobody else may ask chrony that.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from hsm.errors import Sentence
from hsm.files import opened_to_read

REPORT = Path("/run/vermilion-time/sources")
OLD = timedelta(minutes=5)
"""Further from now than this it says nothing about now: it is written each minute."""

LARGEST = 100_000
"""Bytes that are read of it."""

_MODES, _FOLLOWED, _AGREEING = frozenset("^=#"), frozenset("*+"), frozenset("*+-")
"""Of a line of ``sources``: server, peer or reference clock; selected or combined with it; these and what agrees
with them without being combined."""


class TimeAuthentication(StrEnum):
    """By what the sources that the clock follows are authenticated; one that is not is enough for ``NONE``."""

    NTS = "nts"
    KEY = "key"
    BOTH = "both"
    NONE = "none"


_SENTENCES = {
    TimeAuthentication.NTS: "Authenticated by NTS; sources that agree: {agreeing} of {configured}.",
    TimeAuthentication.KEY: "Authenticated by symmetric keys; sources that agree: {agreeing} of {configured}.",
    TimeAuthentication.BOTH: (
        "Authenticated by NTS and symmetric keys; sources that agree: {agreeing} of {configured}."
    ),
    TimeAuthentication.NONE: (
        "Not authenticated, so that whoever controls the way to the sources can shift the time; sources that"
        " agree: {agreeing} of {configured}."
    ),
}


@dataclass(frozen=True, slots=True)
class TimeSources:
    """How many sources chrony has, how many of them agree, and how those that it follows are authenticated."""

    configured: int
    agreeing: int
    authentication: TimeAuthentication

    @property
    def sentence(self) -> Sentence:
        """The same for people."""
        values = {"agreeing": self.agreeing, "configured": self.configured}
        if self.agreeing == 0:
            return Sentence("No time source is followed now; configured: {configured}.", values)
        return Sentence(_SENTENCES[self.authentication], values)


def read_time_sources(now: datetime, path: Path = REPORT) -> TimeSources | None:
    """What was written to *path* not long from *now*; None where nothing was, or nothing that can be read.

    It is written by the user of chrony, who stands before the network: neither waited for nor followed.
    """
    try:
        with opened_to_read(path) as file:
            said, written = os.read(file, LARGEST), datetime.fromtimestamp(os.fstat(file).st_mtime, UTC)
        return parse_time_sources(said.decode("utf-8")) if abs(now - written) <= OLD else None
    except (OSError, ValueError):
        return None


def parse_time_sources(text: str) -> TimeSources:
    """From the lines of ``sources`` and ``authdata``, separated by commas. Raises ValueError for other lines."""
    lines = [line.split(",") for line in text.splitlines()]
    sources = [fields for fields in lines if fields[0] in _MODES]
    proofs = {fields[0]: fields[1] for fields in lines if fields[0] not in _MODES and len(fields) > 1}
    if not sources or any(len(fields) != 10 for fields in lines):
        raise ValueError("not what chronyc prints")
    followed = set(_proofs(sources, proofs))
    return TimeSources(
        configured=len(sources),
        agreeing=sum(fields[1] in _AGREEING for fields in sources),
        authentication=_together(followed),
    )


def _proofs(sources: list[list[str]], proofs: dict[str, str]) -> Iterator[str]:
    """How each source that is followed is authenticated: NTS, SK or nothing, as a clock that is attached."""
    for _, state, name, *_ in sources:
        if state in _FOLLOWED:
            yield proofs.get(name, "-")


def _together(followed: set[str]) -> TimeAuthentication:
    if followed == {"NTS"}:
        return TimeAuthentication.NTS
    if followed == {"SK"}:
        return TimeAuthentication.KEY
    return TimeAuthentication.BOTH if followed == {"NTS", "SK"} else TimeAuthentication.NONE

"""Refused requests, counted by failInfo (RFC 3161, 2.4.2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from appliance.process_counts import ProcessCounts, read_counts
from hsm.timestamp import FailInfo

NAMES: Final[Mapping[FailInfo, str]] = {
    FailInfo.BAD_ALG: "badAlg",
    FailInfo.BAD_REQUEST: "badRequest",
    FailInfo.BAD_DATA_FORMAT: "badDataFormat",
    FailInfo.TIME_NOT_AVAILABLE: "timeNotAvailable",
    FailInfo.UNACCEPTED_POLICY: "unacceptedPolicy",
    FailInfo.UNACCEPTED_EXTENSION: "unacceptedExtension",
    FailInfo.ADD_INFO_NOT_AVAILABLE: "addInfoNotAvailable",
    FailInfo.SYSTEM_FAILURE: "systemFailure",
}
"""The names that RFC 3161 gives them."""

PREFIX: Final = "refused-"
_LARGEST: Final = 10_000


class RefusalCounts:
    """What one process has refused."""

    def __init__(self, directory: Path | None = None) -> None:
        """Without a *directory* nothing is written."""
        self._counts = ProcessCounts(PREFIX, directory)

    def count_refusal(self, fail_info: FailInfo) -> None:
        self._counts.add(NAMES[fail_info])

    def write_counts(self) -> None:
        """Writes the counts for the health monitor."""
        self._counts.write()


def read_refusals(directory: Path, files: list[str]) -> Iterator[tuple[str, Mapping[str, int]]]:
    """Each of *files* of that directory and what it has counted; reasons that there are not are left out."""
    known = frozenset(NAMES.values())
    for process, counts in read_counts(directory, files, largest=_LARGEST):
        yield process, {name: count for name, count in counts.items() if name in known}

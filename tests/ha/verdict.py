"""Whether the log stayed one, by what the independent watcher (``watching.py``) saw and the witness said."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.ha.house import House
from tests.machine.failure import StepFailed

FOLLOWED = 120.0
"""Seconds until the witness has cosigned what the watcher brings it, at most."""

_WATCHER, _WITNESS = "watching", "witness"
_REFUSED = "perhaps a fork"
"""In each line in which the witness says what it did not cosign."""


class Verdict:
    """``is_watched``: somebody watches, and the witness follows the log. Not thread-safe."""

    def __init__(self, house: House, company: Path, record: Path) -> None:
        self._house = house
        self._command = (sys.executable, "-m", "tests.ha.watching", str(company), str(record))
        self._record = record
        self._held: list[str] = []
        self._since, self._heard, self._judged = 0.0, 0, 0.0
        self.is_watched = False

    def begin(self) -> None:
        """Somebody watches from now on."""
        self._house.begin(_WATCHER, *self._command)
        self.is_watched = True

    def forks(self) -> list[str]:
        """What the watcher and the witness hold against the log, but for what became of it on purpose."""
        if not self.is_watched:
            return [*self._held]
        found = [
            f"{each['event']} at {each['where']}: {each['words']}"
            for each in self._watched()
            if each["event"] not in ("cosigned", "trouble") and each["at"] >= self._since
        ]
        return [*self._held, *found, *self.refusals()]

    def refusals(self) -> list[str]:
        """What the witness itself would not cosign, in its words."""
        told = self._house.said(_WITNESS)[self._heard :]
        return [each for each in told.splitlines() if _REFUSED in each]

    def seen(self, since: float = 0.0, place: str = "") -> int:
        """How many checkpoints the witness has cosigned for the watcher *since* then (Unix seconds), of those that
        were published at the address *place*, or anywhere."""
        found = [each for each in self._watched() if each["event"] == "cosigned" and each["at"] >= since]
        return sum(each["where"] == place or not place for each in found)

    def prove_watching(self, since: float) -> None:
        """Raises :class:`StepFailed` unless the watcher has watched *since* then: who is blind sees no fork."""
        told = [each for each in self._watched() if each["event"] == "trouble" and each["at"] >= self._judged]
        if not self._house.is_there(_WATCHER):
            raise StepFailed(f"the watcher has ended: {self._house.said(_WATCHER)[-500:]}")
        if told or not self.seen(since):
            troubles = "; ".join(each["words"] for each in told[-3:])
            raise StepFailed(f"the watcher did not see the log meanwhile: {troubles}")

    def require_no_fork(self) -> None:
        """Raises :class:`StepFailed` when the log is not one. What kept somebody from watching is over then, as
        while two machines were being made one."""
        self._refuse_forks()
        self._judged = time.time()

    def require_one_log(self, since: float) -> None:
        """Raises :class:`StepFailed` unless the log is one, and was watched *since* then."""
        self._refuse_forks()
        self.prove_watching(since)
        self._judged = time.time()

    def _refuse_forks(self) -> None:
        if forks := self.forks():
            raise StepFailed(f"the log is not one: {'; '.join(forks)}")

    @contextmanager
    def apart(self) -> Iterator[None]:
        """A second history is made on purpose meanwhile, and nobody is judged by it. The watch begins anew
        afterwards, if the witness follows the log that is there then."""
        held, watched = self.forks(), self.is_watched
        try:
            yield
        finally:
            self._house.end(_WATCHER)
            self._held, self._heard = held, len(self._house.said(_WITNESS))
            self._since = self._judged = time.time()
            self.is_watched = False
            if watched:
                self._begin_anew()

    def _begin_anew(self) -> None:
        self.begin()
        while not self.seen(self._since) and time.time() - self._since < FOLLOWED:
            time.sleep(1)
        if not self.seen(self._since) or len(self.forks()) > len(self._held):
            self._house.end(_WATCHER)
            self.is_watched = False

    def _watched(self) -> list[dict[str, Any]]:
        """The watcher's lines; one that is being written is none yet."""
        text = self._record.read_text(encoding="utf-8") if self._record.exists() else ""
        return [json.loads(each) for each in text.splitlines(keepends=True) if each.endswith("\n")]

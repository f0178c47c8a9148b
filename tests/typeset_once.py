"""Pages that tests typeset again and again: each takes a second of processor time, a package has two."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import cbor2

Typesetter = Callable[[bytes, float, int], subprocess.CompletedProcess[bytes]]


class TypesetOnce:
    """Typesets a page that promises the same bytes each time, as it has an identifier, once in this process."""

    def __init__(self, typesetter: Typesetter) -> None:
        self._typesetter = typesetter
        self._done: dict[bytes, subprocess.CompletedProcess[bytes]] = {}

    def __call__(self, order: bytes, patience: float, nice: int = 0) -> subprocess.CompletedProcess[bytes]:
        if order in self._done:
            return self._done[order]
        done = self._typesetter(order, patience, nice)
        if done.returncode == 0 and all(identifier for _, identifier in cbor2.loads(order)["pages"]):
            self._done[order] = done
        return done

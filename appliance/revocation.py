"""The authority's current revocation lists, asked for at most once a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from hsm.client import AuthorityClient

AGE = 30.0
"""Seconds for which a list at hand is good enough to verify by; sealing off asks for fresh ones itself."""


class CurrentCrls:
    """Call it for the lists (DER). Thread-safe. *elapsed* is a monotonic clock in seconds."""

    def __init__(self, authority: AuthorityClient, elapsed: Callable[[], float] = time.monotonic) -> None:
        self._authority = authority
        self._elapsed = elapsed
        self._guard = threading.Lock()
        self._asked = float("-inf")
        self._lists: tuple[bytes, ...] = ()

    def __call__(self) -> Sequence[bytes]:
        """The root's and the issuing CA's list. Raises :class:`AuthorityError` when none can be had."""
        with self._guard:
            if self._elapsed() - self._asked > AGE:
                self._lists = tuple(self._authority.crls())
                self._asked = self._elapsed()
            return self._lists

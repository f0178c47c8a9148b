"""Logging in to the token: one attempt with one PIN, by one process at a time, and a latch after a wrong one."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pkcs11

from hsm.errors import AuthorityLocked
from hsm.store.latch import PinLatch

_FINAL = (
    pkcs11.PinIncorrect,
    pkcs11.PinInvalid,
    pkcs11.PinLenRange,
    pkcs11.PinExpired,
    pkcs11.PinLocked,
)


class Login:
    """The PIN of one token. The workers share the latch through the store, and take turns through a lock file."""

    def __init__(
        self,
        label: str,
        latch: PinLatch,
        turns: Path,
        pin: str | None,
        *,
        warn: Callable[[], None] = lambda: None,
    ) -> None:
        """*turns* is the lock file; *pin* is None until somebody unlocks.

        *warn* tells the other processes to forget the PIN, when it is the one that was refused: else one of them
        would try it a second time as soon as the latch is released.
        """
        self._label = label
        self._latch = latch
        self._turns = turns
        self._pin = pin
        self._warn = warn
        self._newer = False

    def give(self, pin: str | None, *, newer: bool = False) -> None:
        """Sets the PIN, or (None) forgets it. A *newer* one than what was refused may be tried, once."""
        self._pin = pin
        self._newer = newer

    def heed_latch(self) -> None:
        """Forgets a PIN that was given although one was refused: nobody knows that it is another one."""
        if self._pin is not None and not self._newer and self._latch.sentence(self._label) is not None:
            self.give(None)
            self._warn()

    def require_pin(self) -> str:
        """The PIN. Raises :class:`AuthorityLocked` when there is none, or one was refused before."""
        latched = self._latch.sentence(self._label)
        if latched is not None and not self._newer:
            self.heed_latch()
            raise AuthorityLocked(latched)
        if self._pin is None:
            raise AuthorityLocked(
                "The authority has no PIN for the token {label}; an operator has to unlock it.",
                label=self._label,
            )
        return self._pin

    def open_session(self, token: Any, *, now: int) -> Any:
        """A logged-in read-write session. Raises :class:`AuthorityLocked`; a wrong PIN is never tried again."""
        with self._turn():
            pin = self.require_pin()
            try:
                session = token.open(rw=True, user_pin=pin)
            except _FINAL as error:
                self.give(None)
                self._warn()
                self._latch.latch(self._label, _REFUSED.format(label=self._label), at=now)
                raise AuthorityLocked(_REFUSED, label=self._label) from error
            if self._newer:
                self._latch.release(self._label)
                self._newer = False
            return session

    @contextmanager
    def _turn(self) -> Iterator[None]:
        descriptor = os.open(self._turns, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


_REFUSED = (
    "The token {label} refused the PIN. It is not tried again: correct the PIN, then run "
    "`vermilion-authority release-latch`."
)

"""Logging in to the token: one attempt with one PIN, by one process at a time, and a latch after a wrong one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pkcs11

from hsm.errors import AuthorityLocked
from hsm.files import file_lock
from hsm.store.latch import PinLatch
from hsm.worker_messages import LoginTurn, PinChange, login_turn

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
        given: PinChange,
        *,
        warn: Callable[[PinChange], None] = lambda _refused: None,
    ) -> None:
        """*turns* is the lock file; *given* is the PIN to begin with, or a lock until somebody unlocks.

        *warn* tells the other processes to forget the PIN that was refused, if it is theirs: else one of them
        would try it a second time as soon as the latch is released.
        """
        self._label = label
        self._latch = latch
        self._turns = turns
        self._known = given
        self._warn = warn
        self._newer = False

    def set_pin(self, change: PinChange, *, newer: bool = False) -> bool:
        """Sets the PIN, or forgets it; False, and nothing is done, when something that came later is known.

        A *newer* PIN than what was refused may be tried, once.
        """
        if change.is_older_than(self._known):
            return False
        self._known = change
        self._newer = newer
        return True

    def drop_refused_pin(self) -> None:
        """Forgets a PIN that was given although one was refused: nobody knows that it is another one."""
        if self._is_barred():
            with login_turn(self._turns) as turn:
                self._forget(turn)

    def require_pin(self) -> str:
        """The PIN. Raises :class:`AuthorityLocked` when there is none, or one was refused before."""
        latched = self._latch.refusal_of(self._label)
        if latched is not None and not self._newer:
            self.drop_refused_pin()
            raise AuthorityLocked(latched)
        if self._known.pin is None:
            raise AuthorityLocked(
                "The authority has no PIN for the token {label}; an operator has to unlock it.",
                label=self._label,
            )
        return self._known.pin

    def open_session(self, token: Any, *, now: int) -> Any:
        """A logged-in read-write session. Raises :class:`AuthorityLocked`; a wrong PIN is never tried again."""
        with login_turn(self._turns) as turn:
            if 0 < self._known.moment <= turn.refused:
                self.set_pin(PinChange(None, self._known.moment))  # word of it is still on its way
            if self._is_barred():
                self._forget(turn)
            pin = self.require_pin()
            try:
                session = token.open(rw=True, user_pin=pin)
            except _FINAL as error:
                self._forget(turn)
                self._latch.latch(self._label, _REFUSED.format(label=self._label), at=now)
                raise AuthorityLocked(_REFUSED, label=self._label) from error
            if self._newer:
                self._latch.release(self._label)
                self._newer = False
            return session

    def key_change_lock(self) -> AbstractContextManager[None]:
        """Entered while keys are made or destroyed: nobody copies the token's files meanwhile (see hsm.backup)."""
        return file_lock(self._turns.with_name("token.lock"))

    def _is_barred(self) -> bool:
        return self._known.pin is not None and not self._newer and self._latch.refusal_of(self._label) is not None

    def _forget(self, turn: LoginTurn) -> None:
        """The PIN was refused; whoever has the same one hears of it."""
        turn.refuse(self._known.moment)
        self.set_pin(PinChange(None, self._known.moment))
        self._warn(self._known)


_REFUSED = (
    "The token {label} refused the PIN. It is not tried again: correct the PIN, then run "
    "`vermilion-authority release-latch`."
)

"""The token connection: one module, one token, one session, in one single-threaded process; and logging in to it.

Whoever enters gets the session; whatever breaks is dropped, opened anew once, and otherwise reported as
unavailable, with a pause before the next attempt. To log in there is one attempt with one PIN, by one process at a
time; a wrong PIN is final, and latched.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeVar

import pkcs11
from pkcs11 import Attribute, ObjectClass

from hsm.errors import AuthorityError, AuthorityLocked, ModuleUnavailable, UnknownKey
from hsm.files import file_lock
from hsm.store.log import PinLatch
from hsm.worker_messages import LoginTurn, PinChange, login_turn

T = TypeVar("T")

FIRST_PAUSE, LONGEST_PAUSE = 0.25, 15.0
"""Seconds between attempts on a module that does not answer; doubled each time."""


class TokenConnection:
    """Opens lazily, so that a worker starts while the HSM is away. Not thread-safe, never used across a fork."""

    def __init__(self, module: str, label: str, login: Login) -> None:
        self._module = module
        self._label = label
        self._login = login
        self._library: Any = None
        self._session: Any = None
        self._serial: bytes | None = None
        self._handles: dict[tuple[str, ObjectClass], Any] = {}
        self._closed_until = 0.0
        self._pause = FIRST_PAUSE

    @property
    def login(self) -> Login:
        """What holds the PIN."""
        return self._login

    @property
    def is_open(self) -> bool:
        """Whether there is a session that nothing has failed on yet."""
        return self._session is not None

    def use(self, action: Callable[[], T]) -> T:
        """What *action* gives, which may call :meth:`handle` and :meth:`session`.

        After a PKCS#11 error everything is dropped and opened again, and *action* runs once more: it must be safe
        to repeat. Raises :class:`ModuleUnavailable`, :class:`AuthorityLocked` or :class:`UnknownKey`.
        """
        if self._session is not None:
            try:
                return action()
            except (pkcs11.PKCS11Error, UnknownKey):
                self.drop()
        return self._use_anew(action)

    def _use_anew(self, action: Callable[[], T]) -> T:
        if time.monotonic() < self._closed_until:
            raise self._unavailable("the last attempt failed a moment ago")
        try:
            self._open()
            result = action()
        except pkcs11.PKCS11Error as error:
            self.drop()
            self._closed_until = time.monotonic() + self._pause
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
            raise self._unavailable(type(error).__name__) from error
        self._pause = FIRST_PAUSE
        return result

    def session(self) -> Any:
        """The session; only inside :meth:`use`."""
        return self._session

    def handle(self, label: str, kind: ObjectClass = ObjectClass.PRIVATE_KEY) -> Any:
        """The key with this *label*, looked up once and kept; only inside :meth:`use`. Raises UnknownKey."""
        kept = self._handles.get((label, kind))
        if kept is None:
            found = list(self._session.get_objects({Attribute.CLASS: kind, Attribute.LABEL: label}))
            if len(found) != 1:
                raise UnknownKey(
                    "The token holds {count} keys with the label {label}, not one.", count=len(found), label=label
                )
            kept = self._handles[label, kind] = found[0]
        return kept

    def drop(self) -> None:
        """Forgets every handle and finalises the module, so that the next use starts from nothing."""
        self._session = None
        self._handles.clear()
        self._closed_until = 0.0
        if self._library is not None:
            try:
                self._library.finalize()
            except pkcs11.PKCS11Error:
                # A module that is gone cannot be closed in order; python-pkcs11 counts it as finalised anyway.
                self._library = None

    def _open(self) -> None:
        self._login.require_pin()
        self._library = pkcs11.lib(self._module)
        token = self._library.get_token(token_label=self._label)
        if self._serial not in (None, token.serial):
            raise self._unavailable("another token answers under this label")
        try:
            self._session = self._login.open_session(token, now=int(time.time()))
        except AuthorityError:
            self.drop()
            raise
        self._serial = token.serial

    def _unavailable(self, reason: str) -> ModuleUnavailable:
        return ModuleUnavailable(
            "The HSM's token {label} does not answer ({reason}); nothing was signed. Try again in a moment.",
            label=self._label,
            reason=reason,
        )


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

    def key_change_lock(self) -> AbstractContextManager[int]:
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

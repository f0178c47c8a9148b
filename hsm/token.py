"""The token connection: one module, one token, one session, in one single-threaded process.

Whoever enters gets the session; whatever breaks is dropped, opened anew once, and otherwise reported as
unavailable, with a pause before the next attempt. A wrong PIN is final (see :mod:`hsm.login`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

import pkcs11
from pkcs11 import Attribute, ObjectClass

from hsm.errors import AuthorityError, ModuleUnavailable, UnknownKey
from hsm.login import Login

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

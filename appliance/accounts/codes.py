"""Login codes: one-time codes by time (RFC 6238), with a secret that is only kept wrapped: the portal's by the
authority, the console's by a key of its own, since it has to open while the authority is gone.

The code for signing is another one: its secret is the authority's, so that the portal never knows enough to sign.
"""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from urllib.parse import quote, urlencode

from appliance.errors import PreconditionRefused
from hsm.activation.credentials import matching_step
from hsm.errors import BadRequest, Malformed, NotPermitted

_SECRET_BYTES = 20
_LONGEST_CODE = 12
_STALE = "This form is too old; load it again and scan the new code."


@dataclass(frozen=True, slots=True)
class CodeDraft:
    """A secret to show once: in base32, as ``otpauth`` address for a QR code, and ``sealed`` to be posted back."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)
    sealed: str


@dataclass(frozen=True, slots=True)
class ProvenCode:
    """A wrapped secret whose first code was right; ``step`` is the time step that it used."""

    wrapped: bytes = field(repr=False)
    step: int


class KeyWrapping(Protocol):
    """Who keeps secrets unreadable at rest. Thread-safe."""

    def wrap_key(self, context: str, key: bytes) -> bytes:
        """*key*, sealed for *context* alone."""

    def unwrap_key(self, context: str, wrapped: bytes) -> bytes:
        """What was sealed for the same *context*. Raises :class:`BadRequest`, :class:`Malformed` or
        :class:`NotPermitted` for anything else."""


class LoginCodes:
    """Makes secrets and checks codes, of signing in or for another *use*. Thread-safe."""

    def __init__(self, wrapping: KeyWrapping, issuer: str, *, use: str = "login") -> None:
        self._wrapping = wrapping
        self._issuer = issuer
        self._use = use

    def draft_secret(self, subject: str, login: str, *, sealed: str = "") -> CodeDraft:
        """A new secret for *subject*, or the one in *sealed* when its form came back with a mistake in it."""
        if sealed:
            secret = self._opened(subject, sealed)[1]
        else:
            secret = secrets.token_bytes(_SECRET_BYTES)
            sealed = self._wrapping.wrap_key(self._context(subject), secret).hex()
        letters = base64.b32encode(secret).decode()
        query = urlencode({"secret": letters, "issuer": self._issuer}, quote_via=quote)
        return CodeDraft(letters, f"otpauth://totp/{quote(f'{self._issuer}:{login}')}?{query}", sealed)

    def prove_secret(self, subject: str, sealed: str, code: str, *, now: datetime) -> ProvenCode:
        """The secret of a :meth:`draft_secret`, once *code* shows that it was scanned.

        Raises :class:`PreconditionRefused` for a wrong code or somebody else's draft.
        """
        wrapped, step = self.opened_step(subject, sealed, code, now=now)
        if step is None:
            raise PreconditionRefused("The code is not the one of now; wait for the next one and enter it.")
        return ProvenCode(wrapped, step)

    def matching_step_of(self, subject: str, wrapped: bytes, code: str, *, now: datetime) -> int | None:
        """The time step whose code is *code*, None for a wrong one; the caller sees whether it was used."""
        return _matching(self._wrapping.unwrap_key(self._context(subject), wrapped), code, now)

    def opened_step(self, subject: str, sealed: str, code: str, *, now: datetime) -> tuple[bytes, int | None]:
        """The wrapped secret of a :meth:`draft_secret`, and the time step whose code is *code*. Raises
        :class:`PreconditionRefused` for somebody else's draft."""
        wrapped, secret = self._opened(subject, sealed)
        return wrapped, _matching(secret, code, now)

    def _opened(self, subject: str, sealed: str) -> tuple[bytes, bytes]:
        try:
            wrapped = bytes.fromhex(sealed)
            return wrapped, self._wrapping.unwrap_key(self._context(subject), wrapped)
        except (ValueError, BadRequest, Malformed, NotPermitted) as error:
            raise PreconditionRefused(_STALE) from error

    def _context(self, subject: str) -> str:
        return f"{self._use}:{subject}"


def _matching(secret: bytes, code: str, now: datetime) -> int | None:
    digits = "".join(code[:_LONGEST_CODE].split())
    return matching_step(secret, digits, now) if digits.isascii() and digits.isdigit() else None

"""Links that are sent to people: the address proves itself, and nothing secret is stored.

A token is base64url(tag ‖ id ‖ HMAC-SHA-256(key, label ‖ tag ‖ id)): one byte for the purpose, sixteen for the id.
That a link works once, and until when, is kept in the row that the id names.
"""

from __future__ import annotations

import base64
import binascii
import hmac

from appliance.errors import NotFound
from appliance.model.accounts import LinkPurpose

SMALLEST_KEY = 32
"""Bytes."""

_TAGS = {LinkPurpose.WELCOME: b"w", LinkPurpose.RECOVER: b"r", LinkPurpose.GUEST: b"g"}
_LABEL = b"vermilion link\n"
_ID, _CODE = 16, 32


class LinkTokens:
    """Makes tokens and reads them, under one secret key (``links.key``)."""

    def __init__(self, key: bytes) -> None:
        if len(key) < SMALLEST_KEY:
            raise ValueError(f"a key of links has {SMALLEST_KEY} bytes or more")
        self._key = key

    def token_of(self, purpose: LinkPurpose | str, link_id: str) -> str:
        """The token of the row *link_id* (32 hex digits) for one *purpose*; the same each time."""
        body = _TAGS[LinkPurpose(purpose)] + bytes.fromhex(link_id)
        if len(body) != 1 + _ID:
            raise ValueError("the id of a link has 32 hex digits")
        return base64.urlsafe_b64encode(body + self._code(body)).rstrip(b"=").decode()

    def read_token(self, purpose: LinkPurpose | str, token: str) -> str:
        """The id in a token of ours. Raises :class:`NotFound` for any other."""
        body, code = _apart(token)
        if not hmac.compare_digest(self._code(body), code) or body[:1] != _TAGS[LinkPurpose(purpose)]:
            raise _unknown()
        return body[1:].hex()

    def derive_key(self, name: str) -> bytes:
        """A key (32 bytes) for the use *name*, derived from the key of links."""
        return hmac.digest(self._key, b"vermilion key\n" + name.encode(), "sha256")

    def _code(self, body: bytes) -> bytes:
        return hmac.digest(self._key, _LABEL + body, "sha256")


def _apart(token: str) -> tuple[bytes, bytes]:
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise _unknown() from error
    if len(raw) != 1 + _ID + _CODE:
        raise _unknown()
    return raw[: 1 + _ID], raw[1 + _ID :]


def _unknown() -> NotFound:
    return NotFound("This link is not one of ours, or it was cut off; copy it from the message once more.")

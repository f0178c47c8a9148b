"""Tickets: what a page must hand back unchanged, soon, and once. They are kept by the page, not here. And links
that are sent to people: the address proves itself, and nothing secret is stored.

A ticket is base64url(JSON) and an HMAC-SHA-256 over purpose and content. Its SHA-256 serves as the challenge of a
passkey, so that a page with a passkey button writes nothing before somebody presses it.

A link's token is base64url(tag ‖ id ‖ HMAC-SHA-256(key, label ‖ tag ‖ id)): one byte for the purpose, sixteen for
the id. That it works once, and until when, is kept in the row that the id names.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from appliance.errors import NotFound, StateRefused
from appliance.model.accounts import LinkPurpose
from appliance.store import attempts
from appliance.store.database import Transaction

LONGEST = 400_000
"""Characters of a ticket that are read."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a ticket says: ``content`` is what the page was about; ``digest`` (32 bytes) is its challenge."""

    content: str
    digest: bytes
    expires: datetime


class Tickets:
    """Issues and reads tickets under one secret *key* (32 bytes)."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def issue_ticket(self, purpose: str, content: str, *, now: datetime, lasting: timedelta) -> str:
        """A ticket that is good for *purpose* alone and for as long as *lasting*."""
        stamp = int((now + lasting).timestamp())
        said = json.dumps([stamp, secrets.token_hex(8), content], ensure_ascii=False)
        body = base64.urlsafe_b64encode(said.encode()).decode()
        return f"{body}.{self._code(purpose, body)}"

    def read_ticket(self, purpose: str, ticket: str, *, now: datetime) -> Ticket:
        """What *ticket* says. Raises :class:`StateRefused` for one that is not ours, or too old."""
        body, _, code = ticket[:LONGEST].partition(".")
        if not hmac.compare_digest(self._code(purpose, body).encode(), code.encode()):
            raise stale_page()
        try:
            stamp, _nonce, content = json.loads(base64.urlsafe_b64decode(body))
        except (ValueError, binascii.Error) as error:
            raise stale_page() from error
        expires = datetime.fromtimestamp(stamp, UTC)
        if expires <= now:
            raise stale_page()
        return Ticket(content, challenge_of(ticket), expires)

    def _code(self, purpose: str, body: str) -> str:
        return hmac.digest(self._key, f"{purpose}\n{body}".encode(), "sha256").hex()


def spend_ticket(tx: Transaction, ticket: Ticket, *, now: datetime) -> None:
    """Uses the ticket up. Raises :class:`StateRefused` when it was used before."""
    attempts.forget_spent(tx, now)
    if not attempts.spend(tx, ticket.digest, expires=ticket.expires):
        raise stale_page()


def challenge_of(ticket: str) -> bytes:
    """SHA-256 (32 bytes) of a ticket, the challenge of the page that carries it."""
    return hashlib.sha256(ticket.encode()).digest()


def stale_page() -> StateRefused:
    """What somebody is told whose page is not ours, too old, or another person's."""
    return StateRefused("This page is too old or was used already; load it again and repeat the last step.")


SMALLEST_KEY = 32
"""Bytes."""

_TAGS = {LinkPurpose.WELCOME: b"w", LinkPurpose.RECOVER: b"r", LinkPurpose.GUEST: b"g", LinkPurpose.EMBEDDED: b"e"}
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

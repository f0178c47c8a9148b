"""Tickets: what a page must hand back unchanged, soon, and once. They are kept by the page, not here.

A ticket is base64url(JSON) and an HMAC-SHA-256 over purpose and content. Its SHA-256 serves as the challenge of a
passkey, so that a page with a passkey button writes nothing before somebody presses it.
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

from appliance.errors import StateRefused
from appliance.store import attempts
from appliance.store.database import Transaction

LONGEST = 400_000
"""Letters of a ticket that are looked at."""


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

"""What the activation service is asked to show: a file for each act, named by a ticket that nobody can guess.

The portal writes it and sends the browser to the ticket's address. The activation service
(:mod:`webui.activation`) reads it, and believes nothing in it that it cannot compute or ask of the authority.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import stat
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

import cbor2

from appliance.errors import NotFound
from appliance.sharing import make_directory, write_whole
from hsm.codec import decode_request, encode
from hsm.errors import BadRequest, Malformed
from hsm.intents import LONGEST_TITLE, Intent
from hsm.names import is_visible
from hsm.protocol import decode_cbor

LASTS = timedelta(minutes=15)
"""How long an act can be opened: as long as the authority lets people think about one that nobody waits for."""

_TICKET = re.compile(r"[A-Za-z0-9_-]{32}")
_LARGEST = 128 * 1024 * 1024
"""Bytes of a request; a document has at most 100 MiB."""

_LONGEST_LOGIN = 300
"""Characters; an outside signer's is their e-mail address."""

_LARGEST_OF_OTHERS = 256 * 1024
"""The same of one that brings no document: a list, a registration. Asked for as one of these, a document is not
even read, so that their pages need no room for it (:mod:`webui.shared.room`)."""


@dataclass(frozen=True, slots=True)
class ActivationRequest:
    """*subject* is asked to activate *intent*, and goes on at ``back``, a path of the portal.

    ``content`` is what the intent's digest is of: a prepared revision whose empty signature is the ``gap`` (offset
    and length, after ``base`` bytes of the revision before), or the record that is signed; empty for an officers'
    intent. ``text`` is what the record says that the person reads, in Markdown, and ``other_text`` the same in the
    other language. ``language`` and ``zone`` are the reader's. ``paired``: the act is one of two that look
    alike, the agreement to sign electronically and the signature straight after it.
    """

    subject: str
    intent: Intent
    back: str
    language: str
    zone: str
    content: bytes = b""
    base: int = 0
    gap: tuple[int, ...] = ()
    text: str = ""
    other_text: str = ""
    paired: bool = False


@dataclass(frozen=True, slots=True)
class BatchedDocument:
    """A document of a batch: the ticket of its own :class:`ActivationRequest`, and the title by which it is named
    when that request is gone."""

    ticket: str
    title: str


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """*subject* is asked to activate all *documents* at once, in this order, and goes on at ``back``."""

    subject: str
    documents: tuple[BatchedDocument, ...]
    back: str
    language: str
    zone: str


class RegistrationPurpose(StrEnum):
    """What a registration is for: signing; a new account, which the same passkey opens; becoming a first officer,
    or an officer again, by a code; signing one contract, by the code of whoever vouched for the signer."""

    SIGNING = "signing"
    ACCOUNT = "account"
    APPOINTMENT = "appointment"
    RECOVERY = "recovery"
    VOUCHED = "vouched"


@dataclass(frozen=True, slots=True)
class KnownPasskey:
    """A passkey that its owner signs in with already; ``public_key`` is COSE."""

    credential_id: bytes
    public_key: bytes


@dataclass(frozen=True, slots=True)
class RegistrationRequest:
    """*subject* is to set up what they sign with, or becomes an officer, and goes on at ``back``.

    ``login``, ``name`` and ``handle`` (the WebAuthn user handle) are what their device lists the passkey under;
    ``known`` are passkeys that they have already. With a ``reference`` the authority keeps which form led to the
    passkey, and whoever made it brings a receipt back (:func:`kept_reference`). ``by_code``: they sign in with a
    code, so PIN and code are not folded away where the house allows them.
    """

    subject: str
    purpose: RegistrationPurpose
    back: str
    language: str
    zone: str
    login: str
    name: str
    organisation: str
    handle: bytes
    known: tuple[KnownPasskey, ...] = ()
    reference: str = ""
    by_code: bool = False


Request = ActivationRequest | BatchRequest | RegistrationRequest
R = TypeVar("R", ActivationRequest, BatchRequest, RegistrationRequest)


class ActivationRequests:
    """The requests in one *folder*, which portal and activation service share. Thread-safe."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, request: Request) -> str:
        """Keeps *request* for :data:`LASTS`; its ticket (32 characters)."""
        make_directory(self._folder)
        self._remove_old()
        ticket = secrets.token_urlsafe(24)
        write_whole(self._folder / ticket, cbor2.dumps(encode(request)))
        return ticket

    def load(self, kind: type[R], ticket: str, *, most: int = _LARGEST) -> R:
        """The request of this *kind* and ticket. Raises :class:`NotFound` for none, an old one, and one of more
        than *most* bytes: whoever made room for what :meth:`size` said reads no more than that."""
        if not _TICKET.fullmatch(ticket):
            raise _gone()
        try:
            largest = _LARGEST if kind is ActivationRequest else _LARGEST_OF_OTHERS
            data = _read(self._folder / ticket, min(most, largest))
            request = decode_request(kind, decode_cbor(data, most_values=1000, most_depth=8))
            if isinstance(request, BatchRequest) and not all(map(_is_title, request.documents)):
                raise _gone()
            if isinstance(request, RegistrationRequest) and len(request.login) > _LONGEST_LOGIN:
                raise _gone()  # no picture of it can be scanned
            return request
        except (OSError, Malformed, BadRequest) as error:
            raise _gone() from error

    def size(self, ticket: str) -> int:
        """Bytes of the request of this ticket, before anything is read; 0 for none."""
        if not _TICKET.fullmatch(ticket):
            return 0
        try:
            return min(os.lstat(self._folder / ticket).st_size, _LARGEST)
        except OSError:
            return 0

    def _remove_old(self) -> None:
        """Those whose time is over, and parts of some that were never finished."""
        now, lasts = time.time(), LASTS.total_seconds()
        for path in self._folder.iterdir():
            with suppress(FileNotFoundError):
                if abs(now - path.stat().st_mtime) > lasts:
                    path.unlink()


def _is_title(document: BatchedDocument) -> bool:
    """What may be printed where no intent vouches for it: a title of the form that those of intents have."""
    return 1 <= len(document.title) <= LONGEST_TITLE and is_visible(document.title)


def _read(path: Path, most: int) -> bytes:
    """A file of the folder, no link, of at most so many bytes. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        old = abs(time.time() - status.st_mtime) > LASTS.total_seconds()
        if not stat.S_ISREG(status.st_mode) or status.st_size > most or old:
            raise OSError
        content = stream.read(most + 1)  # it may have grown meanwhile
        if len(content) > most:
            raise OSError
        return content


def new_receipt() -> str:
    """What only the browser that has just made a passkey takes back to the portal (32 characters): whoever brings
    it is who made the passkey, so nothing needs to be touched a second time."""
    return secrets.token_urlsafe(24)


def kept_reference(reference: str, receipt: str, *, at: float) -> str:
    """What the authority keeps with a passkey: the *reference* of the form that led to it, the digest of the
    *receipt* for it, and when that was given out (*at*, seconds since 1970)."""
    return f"{reference}:{_digest(receipt)}:{int(at)}"


def was_led_by(kept: str | None, reference: str) -> bool:
    """Whether the form with this *reference* led to the passkey with which *kept* is kept."""
    return (kept or "").partition(":")[0] == reference


def is_receipt_of(receipt: str, kept: str | None, reference: str, *, now: datetime) -> bool:
    """Whether *receipt* was given out for the passkey with which *kept* is kept, to whoever came by the form with
    this *reference*, and within :data:`LASTS`."""
    form, _, rest = (kept or "").partition(":")
    digest, _, moment = rest.partition(":")
    if form != reference or not receipt or not hmac.compare_digest(digest, _digest(receipt)):
        return False
    return abs(now.timestamp() - int(moment)) <= LASTS.total_seconds()


def _digest(receipt: str) -> str:
    return hashlib.sha256(receipt.encode()).hexdigest()[:32]


def digest_of(request: Request) -> str:
    """SHA-256 (hex) of the whole request, which a form carries that was made of it: files may be exchanged."""
    return hashlib.sha256(cbor2.dumps(encode(request))).hexdigest()


def _gone() -> NotFound:
    return NotFound("There is nothing to confirm at this address any more; open it again in the portal.")

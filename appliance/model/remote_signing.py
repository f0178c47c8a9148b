"""Requests of other software for a person's signature (remote signing). No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from hsm.intents import OfficerIntent
from hsm.remote import SIGN_REMOTELY, RemoteDocument, RemoteSigning, RemoteUse


class RemoteRequestState(StrEnum):
    """``signing``: the authority is being asked, by one process; ``failed``: a signature may have been made that
    nobody received."""

    OPEN = "open"
    SIGNING = "signing"
    SIGNED = "signed"
    REFUSED = "refused"
    EXPIRED = "expired"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class AskingClient:
    """The software that asks: the ``id`` and ``name`` of its client of the API, and the ``organisations`` whose
    people it may ask."""

    id: str
    name: str
    organisations: frozenset[str]


@dataclass(frozen=True, slots=True)
class RemoteAsk:
    """What a client asks for: that the key of *person* for *use* signs the ``documents``.

    ``content`` is the document itself, where it was handed in: then it is the only one, and its digest is made
    here.
    """

    person: str
    use: RemoteUse
    documents: tuple[RemoteDocument, ...]
    content: bytes = b""


@dataclass(frozen=True, slots=True)
class RemoteRequest:
    """One request. ``secret`` is the digest of what the client fetches the signatures with; ``signatures``
    (base64) are kept until the request ``expires``."""

    id: str
    client: str
    client_name: str
    person: str
    use: RemoteUse
    documents: tuple[Mapping[str, Any], ...]
    nonce: bytes = field(repr=False)
    asked: datetime
    expires: datetime
    secret: str = field(repr=False)
    state: RemoteRequestState
    ended: datetime | None = None
    signatures: tuple[str, ...] | None = field(default=None, repr=False)

    @property
    def signing(self) -> RemoteSigning:
        """What the person activates."""
        documents = tuple(
            RemoteDocument(bytes.fromhex(each["digest"]), each["label"], each.get("shown", False))
            for each in self.documents
        )
        return RemoteSigning(self.person, self.use, self.client_name, documents)

    def intent(self) -> OfficerIntent:
        """The same as the authority takes it."""
        return OfficerIntent(SIGN_REMOTELY, self.signing.details(), self.expires, self.nonce)

    def waits(self, now: datetime) -> bool:
        """Whether its person can still activate or refuse it."""
        return self.state is RemoteRequestState.OPEN and now < self.expires


@dataclass(frozen=True, slots=True)
class BlockedClient:
    """A client that ``person`` lets ask no more, since when, and what it was called."""

    person: str
    client: str
    name: str
    since: datetime

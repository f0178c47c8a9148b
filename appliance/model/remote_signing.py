"""Requests of other software for a person's signature (remote signing). No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from hsm.intents import OfficerIntent
from hsm.remote import SIGN_REMOTELY, RemoteDocument, RemoteSigning, RemoteUse


class PdfLevel(StrEnum):
    """The level (ETSI EN 319 142-1, clause 6) at which a PDF is asked for. What validates a signature is added
    with an archive timestamp over it, so B-LT is answered by B-LTA, which includes it."""

    B = "B-B"
    T = "B-T"
    LT = "B-LT"
    LTA = "B-LTA"

    @property
    def is_archived(self) -> bool:
        return self in (PdfLevel.LT, PdfLevel.LTA)


@dataclass(frozen=True, slots=True)
class PdfOrder:
    """How a PDF that is handed in gets its signature within (PAdES): at which ``level``, and whether it
    ``certifies``: allows nothing but filling in and signing afterwards (DocMDP, ISO 32000-2, 12.8.2.2)."""

    level: PdfLevel
    certifies: bool


@dataclass(frozen=True, slots=True)
class PreparedPdf:
    """A PDF that waits for its signature: the digest (hex) of what was ``handed_in``, the ``order``, and where the
    ``gap`` for the signature lies (offset and length) in the revision after ``base`` bytes."""

    handed_in: str
    order: PdfOrder
    base: int
    gap: tuple[int, int]


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
    here. With a ``pdf`` order it is prepared for a signature within.
    """

    person: str
    use: RemoteUse
    documents: tuple[RemoteDocument, ...]
    content: bytes = b""
    pdf: PdfOrder | None = None


@dataclass(frozen=True, slots=True)
class RemoteRequest:
    """One request. ``secret`` is the digest of what the client fetches the signatures with; ``signatures``
    (base64) are kept until the request ``expires``: of a prepared ``pdf`` the signed document."""

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
    pdf: PreparedPdf | None = None

    @property
    def signing(self) -> RemoteSigning:
        """What the person activates."""
        documents = tuple(
            RemoteDocument(
                bytes.fromhex(each["digest"]), each["label"], each.get("shown", False), each.get("field", "")
            )
            for each in self.documents
        )
        return RemoteSigning(self.person, self.use, self.client_name, documents)

    @property
    def digests(self) -> tuple[bytes, ...]:
        """By which the client fetches: those that are signed, or that of the PDF as it was handed in."""
        if self.pdf is not None:
            return (bytes.fromhex(self.pdf.handed_in),)
        return tuple(each.digest for each in self.signing.documents)

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

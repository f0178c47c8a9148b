"""Anchors for outside signers with certificates of their own, and what is known of their signatures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class StatedAnchor:
    """What the authority states of an anchor, and its signature over that (CMS, DER), timestamped."""

    statement: bytes
    cms: bytes


@dataclass(frozen=True, slots=True)
class ApprovedAnchor:
    """A certification authority (``certificate``, DER; ``digest`` is its SHA-256 in hex) whose certificates are
    taken for the outside signers of ``organisation``, once officers have ``approved`` it and until it is
    ``ended``.

    ``reason`` says how its holder was found to be the right one; ``entry`` is the log's entry of the approval.
    """

    id: str
    organisation: str
    certificate: bytes
    digest: str
    reason: str
    registered_by: str
    registered: datetime
    approved: datetime | None = None
    entry: int | None = None
    ended: datetime | None = None
    ended_by: str | None = None
    ended_reason: str | None = None


@dataclass(frozen=True, slots=True)
class OwnSignature:
    """What is known of the signature of a ``party`` that was made elsewhere: the ``anchor`` (its id) to which its
    certificate leads, whom the certificate names, where its signed bytes end in the document (``ends``), a
    timestamp ``token`` (DER) over its value, and the revocation lists (DER) that came with it."""

    party: str
    anchor: str
    name: str
    ends: int
    token: bytes
    crls: tuple[bytes, ...] = ()

"""The value of an ownership certificate: that somebody had a file in exactly this form at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Deposit:
    """One deposit. ``digest`` is the file's SHA-256 in hex, ``size`` its bytes where the depositor said so.

    ``token`` is the RFC 3161 token (DER) over the digest and ``at`` the time that it gives; ``certificate`` is the
    SHA-256 (hex) under which the blob store keeps the certificate, a PDF sealed by a document timestamp.
    """

    id: str
    depositor: str
    title: str
    file: str
    digest: str
    size: int | None
    at: datetime
    token: bytes
    certificate: str
    entry: int

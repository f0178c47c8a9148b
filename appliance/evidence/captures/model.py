"""Everything that goes into the package of one capture, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from appliance.evidence.captures.facts import CaptureFacts
from appliance.evidence.model import Certificates, LogMaterial, TimestampExchange


@dataclass(frozen=True, slots=True)
class CaptureEvidence:
    """All about one capture. ``files`` are what the browser and the proxy gave (path → bytes), of which ``facts``
    has the digests; ``exchange`` dates the WARC; ``log`` has one entry, that of the capture, with all that opens
    it. ``audience`` names for whom the package is made, ``created`` is aware."""

    facts: CaptureFacts
    files: Mapping[str, bytes]
    exchange: TimestampExchange
    certificates: Certificates
    log: LogMaterial
    audience: str
    created: datetime

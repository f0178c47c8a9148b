"""Everything that goes into the package of one capture, as values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from appliance.evidence.captures.facts import CaptureFacts
from appliance.evidence.model import Certificates, LogMaterial, TimestampExchange
from hsm import timestamp


@dataclass(frozen=True, slots=True)
class CaptureEvidence:
    """All about one capture. ``files`` are what the browser and the proxy gave (path → bytes), of which ``facts``
    has the digests; ``exchange`` dates the WARC; ``log`` has one entry, that of the capture, with all that opens
    it. ``audience`` names for whom the package is made, ``created`` is aware. ``thumbnail`` is a JPEG for the
    certificate, of :func:`appliance.evidence.captures.thumbnail.thumbnail_of`, empty for none."""

    facts: CaptureFacts
    files: Mapping[str, bytes]
    exchange: TimestampExchange
    certificates: Certificates
    log: LogMaterial
    audience: str
    created: datetime
    thumbnail: bytes = b""

    def stampers(self) -> Iterator[tuple[str, x509.Certificate]]:
        """The certificate of our timestamp key, and of the keys before it that dated the WARC and the checkpoint,
        by their names below ``certificates/``."""
        current = self.certificates.timestamping
        yield "timestamping", current
        tokens = (timestamp.parse_response(self.exchange.reply), self.log.checkpoint_token)
        signers = dict.fromkeys(
            signer for each in tokens if (signer := timestamp.parse_token(each).signer) is not None
        )
        signers.pop(current, None)
        for number, signer in enumerate(signers, start=1):
            yield f"timestamping-{number}", signer

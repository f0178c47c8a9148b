"""What a file is, by its first bytes, never by its name."""

from __future__ import annotations

from appliance.verification.model import FileKind, Reason

_PDF_HEADER_WITHIN = 1024  # ISO 32000-1, annex H.3.4.1: readers look this far for the header
_SEQUENCE = 0x30
_PEM = b"-----BEGIN "


def kind_of(content: bytes) -> FileKind | None:
    """The kind of *content*, or None when it is none of the three."""
    if content[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return FileKind.EVIDENCE
    if b"%PDF-" in content[:_PDF_HEADER_WITHIN] or b"/ByteRange" in content:
        return FileKind.PDF  # a signed PDF whose header was damaged is still a damaged signed PDF
    if content[:1] == bytes((_SEQUENCE,)):
        return FileKind.TIMESTAMP
    return None


def why_unknown(content: bytes) -> Reason:
    """The sentence for a file of no known kind."""
    if not content:
        return Reason("The file is empty.")
    if content.startswith(_PEM):
        return Reason("The file is PEM text; give the PDF, the timestamp in DER, or the evidence package.")
    return Reason("The file is neither a PDF nor a timestamp nor an evidence package.")

"""The confined jobs of verification (see :mod:`appliance.confinement.jobs`): bytes in, packed reports out."""

from __future__ import annotations

from typing import Any

from appliance.verification import codec, pdf, timestamps
from appliance.verification.circumstances import ValidationContext


def verify_pdf(*, document: bytes, verified: int, **given: Any) -> dict[str, Any]:
    """Job ``verification.pdf``; *verified* as for :func:`pdf.verify`, *given* is what :meth:`Circumstances.packed`
    made."""
    return codec.pack(pdf.verify_pdf(document, ValidationContext.unpacked(**given), verified=verified))


def verify_timestamp(*, token: bytes, data: bytes | None, nonce: str | None, **given: Any) -> dict[str, Any]:
    """Job ``verification.timestamp``; *given* as for a PDF, *nonce* in decimal."""
    sent = None if nonce is None else int(nonce)
    return codec.pack(
        timestamps.verify_timestamp(token, ValidationContext.unpacked(**given), data=data, nonce=sent)
    )

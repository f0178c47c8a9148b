"""The certificate of a web capture, for people to read and print."""

from __future__ import annotations

from html import escape

from appliance.evidence.captures.model import CaptureEvidence
from appliance.language import Language
from appliance.typesetting.typesetter import typeset


def render_certificate(evidence: CaptureEvidence, language: Language) -> bytes:
    """A PDF. Raises as :func:`appliance.typesetting.typesetter.typeset`."""
    facts = evidence.facts
    heading = "网页取证证书" if language is Language.CHINESE else "Certificate of web capture"
    return typeset(f"<h1>{heading}</h1><p>{escape(facts.address)}</p><p>{facts.capture}</p>")

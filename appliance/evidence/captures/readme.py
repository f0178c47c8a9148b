"""The text that tells whoever opens the package of a capture what is in it."""

from __future__ import annotations

from appliance.evidence.captures.model import CaptureEvidence
from appliance.language import Language

_RULE = "=" * 72 + "\n"


def render_readme(evidence: CaptureEvidence, language: Language) -> bytes:
    """UTF-8."""
    facts = evidence.facts
    if language is Language.CHINESE:
        return f"网页取证证据包\n{_RULE * 16}\n网址  {facts.address}\n编号  {facts.capture}\n".encode()
    return f"Capture package\n{_RULE * 16}\nAddress  {facts.address}\nNumber   {facts.capture}\n".encode()

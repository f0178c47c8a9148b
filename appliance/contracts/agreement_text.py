"""The versioned text by which parties agree to sign electronically, in both languages."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources

from appliance.language import Language

VERSION = "1"
"""Counts up with every change of the text; a changed text is asked for again."""


@cache
def agreement_text(language: Language, version: str = VERSION) -> str:
    """The text of *version* as people read it (Markdown)."""
    name = f"electronic-signing-{version}.{language.value}.md"
    return resources.files("appliance.contracts").joinpath("agreements").joinpath(name).read_text("utf-8")


def text_digest(language: Language, version: str = VERSION) -> str:
    """SHA-256 (hex) over the text's UTF-8 bytes."""
    return hashlib.sha256(agreement_text(language, version).encode()).hexdigest()

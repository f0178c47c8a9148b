"""The declaration that a depositor makes (存证声明), by version. Its digest is in the log, so that it can be shown
later what exactly was declared."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

from appliance.errors import NotFound
from appliance.language import Language
from hsm import canonical

FORMAT: Final = "vermilion-deposit-declaration/1"

VERSION: Final = "1"
"""Of the text that depositors are shown; counts up with every change of it. Earlier texts stay."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """One version of the text; ``words`` has it in each language, a paragraph in each line."""

    version: str
    words: Mapping[Language, str]

    def encode(self) -> bytes:
        """Both texts as canonical JSON: what :attr:`digest` is of."""
        words = {language.value: text for language, text in self.words.items()}
        return canonical.encode({"format": FORMAT, "version": self.version, "words": words})

    @property
    def digest(self) -> str:
        """SHA-256 (hex)."""
        return hashlib.sha256(self.encode()).hexdigest()


@cache
def load_declaration(version: str = VERSION) -> Declaration:
    """The declaration of this *version*. Raises :class:`NotFound`."""
    if version not in map(str, range(1, int(VERSION) + 1)):
        raise NotFound("There is no declaration with the version {version}.", version=version[:20])
    folder = resources.files("appliance.ownership").joinpath("declarations")
    words = {
        language: folder.joinpath(f"{version}.{language.value}.txt").read_text("utf-8").strip()
        for language in Language
    }
    return Declaration(version, words)

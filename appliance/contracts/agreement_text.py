"""The text of the agreement on electronic signing, by version; who has accepted it is in ``preconditions``.

The text that comes along counts its versions; an enterprise's own text, in ``config/agreement``, is versioned by
its content. Either way a changed text is another version, and is asked for again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final

from appliance.errors import ConfigurationError
from appliance.language import Language
from appliance.language.sizes import ByteSize
from hsm.records import LONGEST_AGREEMENT

VERSION: Final = "4"
"""Of the text that comes along; counts up with every change of it."""

OF_PERSONS: Final = "1"
"""The version that held for persons, not between parties."""


@dataclass(frozen=True, slots=True)
class AgreementText:
    """One version of the text; ``words`` has it in each language, as people read it (Markdown)."""

    version: str
    words: Mapping[Language, str]

    def digests(self) -> dict[str, str]:
        """SHA-256 (hex) over each language's UTF-8 bytes."""
        return {language.value: _digest(words) for language, words in self.words.items()}


@cache
def standard_text(version: str = VERSION) -> AgreementText:
    """The text of *version* that is part of the product."""
    folder = resources.files("appliance.contracts").joinpath("agreements")
    words = {
        language: folder.joinpath(f"electronic-signing-{version}.{language.value}.md").read_text("utf-8")
        for language in Language
    }
    return AgreementText(version, words)


def load_text(folder: Path) -> AgreementText:
    """The enterprise's own text, ``zh.md`` and ``en.md`` in *folder*; without one, the standard text.

    Raises :class:`ConfigurationError` for a text in one language only, and for one without a title.
    """
    paths = {language: folder / f"{language.value}.md" for language in Language}
    if not any(path.exists() for path in paths.values()):
        return standard_text()
    words = {language: _read(path) for language, path in paths.items()}
    digests = "\n".join(_digest(words[language]) for language in sorted(words))
    return AgreementText(f"own-{_digest(digests)[:32]}", words)


def _read(path: Path) -> str:
    try:
        content = path.read_bytes()
        words = content.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            "The agreement on electronic signing {path} cannot be read; it is needed in both languages, in UTF-8.",
            path=path,
        ) from error
    if not words.startswith("# ") or len(content) > LONGEST_AGREEMENT:
        raise ConfigurationError(
            "The agreement on electronic signing {path} must begin with “# ” and its title, and have at most"
            " {most}.",
            path=path,
            most=ByteSize(LONGEST_AGREEMENT),
        )
    return words


def _digest(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()

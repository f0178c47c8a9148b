"""The two languages of everything that people read: English message ids, Chinese in ``zh/``, by area.

A message id is the English sentence with ``{named}`` places. The catalogue is read from the ``.po`` files
themselves, so there is nothing to compile and what the translator edits is what the program shows.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

from appliance.language import instants


class Language(StrEnum):
    """A language of the interface; Chinese is the default."""

    CHINESE = "zh"
    ENGLISH = "en"

    @property
    def tag(self) -> str:
        """As HTML and PDF name it (BCP 47)."""
        return "zh-CN" if self is Language.CHINESE else "en"

    @property
    def other(self) -> Language:
        return Language.ENGLISH if self is Language.CHINESE else Language.CHINESE


Translator = Callable[..., str]
"""``translate(message, **values)``: the sentence in one language with its places filled."""


@cache
def chinese_messages() -> dict[str, str]:
    """English message id → Chinese sentence, for every message that is translated and not marked fuzzy."""
    return {message: sentence for area in chinese_areas().values() for message, sentence in area.items()}


@cache
def chinese_areas() -> dict[str, dict[str, str]]:
    """The same, apart for each file of ``zh/``, by the file's name."""
    files = sorted(resources.files(__name__).joinpath("zh").iterdir(), key=lambda file: file.name)
    return {file.name: _messages(file) for file in files if file.name.endswith(".po")}


def _messages(file: Traversable) -> dict[str, str]:
    # Imported here: commands whose output is English start without it.
    from babel.messages.pofile import read_po  # noqa: PLC0415

    with file.open("rb") as stream:
        catalogue = read_po(stream, locale="zh")
    return {
        str(message.id): str(message.string)
        for message in catalogue
        if message.id and message.string and not message.fuzzy
    }


def translator(language: Language, zone: str = "UTC") -> Translator:
    """The translator into *language*; a message without a translation is shown in English.

    Values that are words of an enumeration, such as a contract's state, are translated too; instants are shown by
    the clocks of *zone*, the reader's.
    """
    messages = chinese_messages() if language is Language.CHINESE else {}

    def translate(message: str, /, **values: object) -> str:
        sentence = messages.get(message, message)
        return sentence.format(**{name: spoken(value) for name, value in values.items()}) if values else sentence

    def spoken(value: object) -> object:
        if isinstance(value, datetime):
            return instants.second(value, zone)
        return messages.get(value.value, value) if isinstance(value, StrEnum) else value

    return translate

"""The allow-list: numbers, moments, versions, and words that this program itself knows. Nothing else gets through.

It is not a search for what looks secret. A text is let through because it stands in a closed set: the catalogue
of sentences, enumerations, names of actions, checks, settings, tables, packages, source files. So what somebody
typed, a name, a path or a key, never is, wherever it was found; ``REMOVED`` stands in its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

REMOVED: Final = "—"

Value = None | bool | int | float | str | datetime | list["Value"] | dict[str, "Value"]

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_VERSION = re.compile(r"\d{1,5}(\.\d{1,5}){1,2}")
_MODE = re.compile(r"0o[0-7]{1,5}")


class AllowList:
    """Lets through what is in *words*; each is a text that the program has, not one that it was given."""

    def __init__(self, words: Iterable[str]) -> None:
        self._words = frozenset(words)

    def text(self, text: str) -> str:
        """*text*, or :data:`REMOVED`."""
        harmless = text in self._words or any(each.fullmatch(text) for each in (_MOMENT, _VERSION, _MODE))
        return text if harmless else REMOVED

    def value(self, value: Value) -> Value:
        """The same for a whole structure, its keys included."""
        if isinstance(value, datetime):
            return f"{value:%Y-%m-%dT%H:%M:%SZ}"
        if isinstance(value, StrEnum):
            return self.text(value.value)
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(each) for each in value]
        if isinstance(value, Mapping):
            return {self.text(name): self.value(each) for name, each in value.items()}
        return value

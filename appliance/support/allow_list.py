"""The allow-list: numbers, moments, versions, and words that this program itself knows. Nothing else gets through.

It is not a search for what looks secret. A text is let through because it stands in a closed set: the catalogue
of sentences, enumerations, names of actions, checks, settings, tables, packages, source files. So what somebody
typed, a name, a path or a key, never is, wherever it was found; ``REMOVED`` stands in its place.
"""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from importlib import metadata
from pathlib import Path
from typing import Any, Final, get_type_hints

import appliance
import hsm
from appliance.administration.actions import REGISTRY
from appliance.config import Settings
from appliance.health.registry import CHECKS, TITLES
from appliance.language import chinese_messages
from appliance.store.administration import ADMINISTRATION
from appliance.store.schema import APPLIANCE

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


SERVICE_KEYS = ("tsa", "log", "evidence", "root", *(f"issuing{end}" for end in ("", "-2", "-3", "-4", "-5")))
"""Subjects of keys that belong to nobody."""


def vocabulary(own: Iterable[str]) -> frozenset[str]:
    """All of it; *own* are the names of the bundle's own fields."""
    found = {*own, *chinese_messages(), *REGISTRY, *(check.name for check in CHECKS), *TITLES, *SERVICE_KEYS}
    found |= set(_settings()) | APPLIANCE.tables() | ADMINISTRATION.tables() | set(_packages()) | set(_sources())
    return frozenset(found | set(_enumerated()) | set(_faults()) | {sys.platform})


def _settings() -> Iterator[str]:
    for section, kind in get_type_hints(Settings).items():
        if dataclasses.is_dataclass(kind) and section != "home":
            yield from (f"{section}.{item.name}" for item in dataclasses.fields(kind))


def _packages() -> Iterator[str]:
    return (str(each.metadata["Name"]) for each in metadata.distributions() if each.metadata["Name"])


def _sources() -> Iterator[str]:
    """The program's own files, as tracebacks name them, without where it is installed."""
    for package in (appliance, hsm):
        root = Path(str(package.__file__)).parent
        yield from (str(path.relative_to(root.parent)) for path in root.rglob("*.py"))
    yield from (f"webui/{path}" for path in _below(Path(str(appliance.__file__)).parents[1] / "webui"))


def _below(root: Path) -> Iterator[str]:
    return (str(path.relative_to(root)) for path in root.rglob("*.py"))


def _enumerated() -> Iterator[str]:
    """The values of every enumeration of words that is loaded from this program."""
    for kind in _descendants(StrEnum):
        if kind.__module__.partition(".")[0] in ("appliance", "hsm", "webui"):
            yield from (member.value for member in kind)


def _faults() -> Iterator[str]:
    return (kind.__name__ for kind in _descendants(BaseException))


def _descendants(kind: Any) -> Iterator[Any]:
    for each in kind.__subclasses__():
        yield each
        yield from _descendants(each)

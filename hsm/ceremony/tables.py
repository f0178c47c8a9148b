"""Ceremony files: TOML into frozen dataclasses. Unknown names and missing ones stop the ceremony."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, TypeVar

from hsm.certificates import Profile
from hsm.errors import ConfigurationRefused
from hsm.signer import SignatureAlgorithm

T = TypeVar("T")
PROFILES = ("root", "issuing", "tsa", "log", "evidence")


def tables_of(path: Path) -> tuple[dict[str, Any], bytes]:
    """The tables in the file *path*, and the SHA-256 of the file. Raises :class:`ConfigurationRefused`."""
    try:
        content = path.read_bytes()
        return tomllib.loads(content.decode("utf-8")), hashlib.sha256(content).digest()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationRefused(
            "The ceremony file {path} cannot be read: {why}.", path=path, why=error
        ) from error


def rows_of(name: str, tables: Mapping[str, Any]) -> list[Any]:
    """The rows of ``[[name]]``, at least one. Raises :class:`ConfigurationRefused`."""
    rows = tables.get(name)
    if not isinstance(rows, list) or not rows:
        raise ConfigurationRefused("The ceremony file needs at least one [[{name}]].", name=name)
    return rows


def build(kind: type[T], section: str, table: Any, built: Mapping[str, Any] | None = None) -> T:
    """A *kind* from a TOML *table*; *built* has the values that are sections of their own."""
    if not isinstance(table, Mapping):
        raise ConfigurationRefused("The ceremony file needs a table [{name}].", name=section)
    known = {each.name: each for each in fields(kind)}  # type: ignore[arg-type] # only called with dataclasses
    required = {name for name, each in known.items() if each.default is MISSING}
    for wrong in sorted((required - set(table)) | (set(table) - set(known))):
        raise ConfigurationRefused(
            "The ceremony file has {key} {state}; {section} takes {known}.",
            key=wrong,
            state="missing" if wrong in required else "too much",
            section=section,
            known=", ".join(known),
        )
    plain = {key: _value(str(known[key].type), key, table[key]) for key in set(table) - set(built or {})}
    return kind(**plain, **(built or {}))


def _value(hint: str, name: str, value: Any) -> Any:
    hint = hint.removesuffix(" | None")
    if hint == "Profile" and value in PROFILES:
        return Profile[value.upper()]
    if hint == "SignatureAlgorithm" and value in list(SignatureAlgorithm.__members__):
        return SignatureAlgorithm[value]
    if hint == "tuple[str, ...]" and isinstance(value, list) and all(isinstance(each, str) for each in value):
        return tuple(value)
    if type(value).__name__ == hint:
        return value
    raise ConfigurationRefused(
        "In the ceremony file {name} = {value} is not what it takes.", name=name, value=value
    )

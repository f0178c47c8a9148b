"""Settings from TOML: tables into frozen dataclasses; an unknown name or a value of another type is refused.

Both settings files are read this way. Each field's default stands for what a file leaves out; :func:`checked` and
:func:`number` declare what fits; a dataclass whose settings depend on each other has a method ``check(name)``,
which :func:`section` calls.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

from hsm.errors import ConfigurationRefused

_KINDS: Mapping[Any, str] = {
    str: "a text in quotes",
    int: "a whole number",
    bool: "true or false",
    list[str]: "a list of texts",
    list[int]: "a list of whole numbers",
    list[int | str]: "a list of names and numbers",
}


INTERRUPTED_ROLLBACK = ".rolling-back.json"
"""In a home while its databases are being put back as an older release knows them."""


@dataclass(frozen=True, slots=True)
class Place:
    """A class attribute that is a path below the ``root`` of each object."""

    name: str

    def __get__(self, home: Any, _kind: type | None = None) -> Path:
        return Path(home.root / self.name)


def tables_of(path: Path, *, maker: str) -> dict[str, Any]:
    """The tables in the file *path*; *maker* is the command that makes a first one.

    Raises :class:`ConfigurationRefused` when there is none or it is not TOML in UTF-8.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigurationRefused(
            "There is no {path}; `{maker}` makes a first one, or set VERMILION_HOME.", path=path, maker=maker
        ) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationRefused("{path} cannot be read as TOML: {why}.", path=path, why=error) from error


def sections(kind: type, tables: Mapping[str, Any]) -> dict[str, Any]:
    """For each field of the dataclass *kind* but ``home``: its section, made from the table of that name.

    Raises :class:`ConfigurationRefused` naming the setting that is unknown or out of its domain.
    """
    hints = {name: hint for name, hint in _hints(kind).items() if name != "home"}
    _refuse_unknown(tables, hints, "")
    return {name: section(hint, name, tables.get(name, {})) for name, hint in hints.items()}


def require(holds: bool, name: str, domain: str) -> None:
    """Raises :class:`ConfigurationRefused` unless *holds*: the setting *name* must be *domain*."""
    if not holds:
        raise ConfigurationRefused("The setting {name} must be {domain}.", name=name, domain=domain)


def checked(default: Any, fits: Callable[[Any], object], domain: str) -> Any:
    """A field whose value must satisfy *fits*, which refusals describe as *domain*; :func:`section` checks it."""
    metadata = {"check": (fits, domain)}
    if isinstance(default, list):
        return field(default_factory=lambda: list(default), metadata=metadata)
    return field(default=default, metadata=metadata)


def number(default: int, least: int, most: int, unit: str = "") -> Any:
    """A field that is a whole number from *least* to *most*, counted in *unit*."""
    return checked(default, range(least, most + 1).__contains__, f"from {least} to {most} {unit}".rstrip())


def section(kind: Any, name: str, table: Any) -> Any:
    """The dataclass *kind* made from *table*, which messages call *name*. Raises as :func:`sections`."""
    require(isinstance(table, dict), name, f"a table, [{name}]")
    hints = _hints(kind)
    _refuse_unknown(table, hints, f"{name}.")
    made = kind(**{key: _value(hints[key], f"{name}.{key}", value) for key, value in table.items()})
    for each in fields(kind):
        if "check" in each.metadata:
            fits, domain = each.metadata["check"]
            require(bool(fits(getattr(made, each.name))), f"{name}.{each.name}", domain)
    if check := getattr(made, "check", None):
        check(name)
    return made


@cache
def _hints(kind: Any) -> dict[str, Any]:
    """The types of the fields of *kind*; kept, because their source is compiled to find them."""
    types = get_type_hints(kind)
    return {each.name: types[each.name] for each in fields(kind)}


def _value(hint: Any, name: str, value: Any) -> Any:
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        require(value in tuple(hint), name, " or ".join(f'"{member.value}"' for member in hint))
        return hint(value)
    require(_fits(hint, value), name, _KINDS[hint])
    return value


def _fits(hint: Any, value: Any) -> bool:
    members = {list[str]: (str,), list[int]: (int,), list[int | str]: (int, str)}.get(hint)
    if members is not None:
        return isinstance(value, list) and all(type(item) in members for item in value)
    return type(value) is hint


def _refuse_unknown(table: Mapping[str, Any], known: Mapping[str, Any], prefix: str) -> None:
    for key in table:
        if key not in known:
            raise ConfigurationRefused(
                "The setting {key} does not exist; known are {known}.",
                key=prefix + key,
                known=", ".join(sorted(prefix + name for name in known)),
            )

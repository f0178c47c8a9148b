"""Policy from ``config/policy.toml``: typed, an unknown or impossible entry stops the start and is named.

A table of an area (``[powers]``) holds for every type of contract. ``[types."采购合同".powers]`` says what is
different for one type; ``aliases`` of ``[types."采购合同"]`` lists what else the type is called.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any, get_type_hints

from appliance.errors import ConfigurationError
from appliance.language.characters import name_key
from appliance.policy.rules import Policy, PolicyRules, TypeRules
from hsm.errors import ConfigurationRefused
from hsm.settings import require, section, sections, tables_of

TYPES, ALIASES = "types", "aliases"


def load_policy(path: Path) -> Policy:
    """The policy in the file *path*; the defaults when there is none. Raises :class:`ConfigurationError`."""
    if not path.exists():
        return Policy()
    try:
        tables = tables_of(path, maker="vermilion init")
    except ConfigurationRefused as error:
        raise ConfigurationError(error.template, **error.values) from error
    return parse_policy(tables, path)


def parse_policy(tables: Mapping[str, Any], path: Path) -> Policy:
    """The policy in parsed TOML; *path* is for the messages. Raises :class:`ConfigurationError`."""
    try:
        general = {name: table for name, table in tables.items() if name != TYPES}
        types = tables.get(TYPES, {})
        require(isinstance(types, dict), TYPES, 'tables such as [types."采购合同".powers]')
        entries = tuple(_entry(name, table, general) for name, table in types.items())
        _refuse_doubled(entries)
        return Policy(PolicyRules(**sections(PolicyRules, general)), entries)
    except ConfigurationRefused as error:
        raise ConfigurationError("{path}: {problem}", path=path, problem=error) from error


def _entry(name: str, table: Any, general: Mapping[str, Any]) -> TypeRules:
    """One type's rules: what its tables do not say is as it is for every type."""
    place = f"{TYPES}.{name}"
    require(isinstance(table, dict), place, f"a table, [{place}]")
    require(bool(name_key(name)), place, "named")
    aliases = table.get(ALIASES, [])
    texts = isinstance(aliases, list) and all(isinstance(alias, str) and name_key(alias) for alias in aliases)
    require(texts, f"{place}.{ALIASES}", "a list of texts")
    areas = get_type_hints(PolicyRules)
    for key in table:
        if key not in (*areas, ALIASES):
            raise ConfigurationRefused(
                "The setting {key} does not exist; known are {known}.",
                key=f"{place}.{key}",
                known=", ".join([f"{place}.{ALIASES}", *(f"{place}.{area}" for area in sorted(areas))]),
            )
    return TypeRules((name, *aliases), PolicyRules(**_areas(place, table, general, areas)))


def _areas(
    place: str, table: Mapping[str, Any], general: Mapping[str, Any], areas: Mapping[str, Any]
) -> dict[str, Any]:
    made = {}
    for area, kind in areas.items():
        own, common = table.get(area, {}), general.get(area, {})
        require(isinstance(own, dict), f"{place}.{area}", f"a table, [{place}.{area}]")
        for key in getattr(kind, "FOR_ALL", ()):
            require(key not in own, f"{place}.{area}.{key}", f"the same for every type; set it in [{area}]")
        section(kind, area, common)  # what is wrong there is named there
        made[area] = _own_section(place, area, kind, {**common, **own})
    return made


def _own_section(place: str, area: str, kind: Any, table: Mapping[str, Any]) -> Any:
    """The area's rules for one type; a rule's own check names the entry without the type, so it is named here."""
    try:
        return section(kind, f"{place}.{area}", table)
    except ConfigurationRefused as error:
        name = str(error.values.get("name", ""))
        if name.startswith(f"{area}."):
            raise ConfigurationRefused(error.template, **{**error.values, "name": f"{place}.{name}"}) from error
        raise


def _refuse_doubled(entries: tuple[TypeRules, ...]) -> None:
    seen: set[str] = set()
    for name in chain.from_iterable(entry.names for entry in entries):
        require(name_key(name) not in seen, f"{TYPES}.{name}", "named once, also among the aliases")
        seen.add(name_key(name))

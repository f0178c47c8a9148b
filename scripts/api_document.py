"""The stored copy of the API's document, ``docs/openapi.json``: written by ``make api-document``, which refuses to
take away what integrators use.

Breaking are: an operation, an answer of success, a parameter, a field or a value that is gone; another type; a
field of an answer that may be missing now; a field, a parameter or a content that a request must have now.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from webui.api import openapi

STORED: Final = Path(__file__).parents[1] / "docs/openapi.json"


def breaking_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What a program that was written for *before* cannot rely on any more in *after*."""
    return [*_of_operations(before, after), *_of_schemas(before, after)]


def _of_operations(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for path, methods in before["paths"].items():
        for method, old in methods.items():
            where, new = f"{method.upper()} {path}", after["paths"].get(path, {}).get(method)
            if new is None:
                yield f"{where} is gone"
            else:
                yield from (f"{where}: {what}" for what in _of_operation(old, new))


def _of_operation(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    kept = {(each["in"], each["name"]): each for each in new.get("parameters", ())}
    known = {(each["in"], each["name"]): each for each in old.get("parameters", ())}
    for key, each in known.items():
        if key not in kept:
            yield f"the parameter {key[1]} is gone"
        elif kept[key].get("required") and not each.get("required"):
            yield f"the parameter {key[1]} is required now"
        elif kept[key]["schema"].get("type") != each["schema"].get("type"):
            yield f"the parameter {key[1]} has another type"
    yield from (
        f"the parameter {key[1]} is new and required" for key in kept.keys() - known if kept[key].get("required")
    )
    if new.get("requestBody", {}).get("required") and not old.get("requestBody", {}).get("required"):
        yield "a content is required now"
    for status, answer in old["responses"].items():
        if status.startswith("2") and answer.get("content") != new["responses"].get(status, {}).get("content"):
            yield f"the answer {status} is gone, or another one"
    if old.get("requestBody", {}).get("content", {}).keys() - new.get("requestBody", {}).get("content", {}).keys():
        yield "a kind of content is not taken any more"


def _of_schemas(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    schemas, sent = after["components"]["schemas"], _reachable(before, "requestBody")
    for name, old in before["components"]["schemas"].items():
        if name not in schemas:
            yield f"{name} is gone"
            continue
        new = schemas[name]
        yield from (f"{name}: {what}" for what in _of_schema(old, new))
        must, had = set(new.get("required", ())), set(old.get("required", ()))
        if name in sent:
            yield from (f"{name}.{field} is required now" for field in sorted(must - had))
        if name in _reachable(before, "responses"):
            yield from (f"{name}.{field} may be missing now" for field in sorted(had - must))


def _of_schema(old: Any, new: Any, where: str = "") -> Iterator[str]:
    """What is gone of a schema, in its parts too; *where* is the place in it."""
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return
    for key in ("type", "format", "$ref", "const"):
        if old.get(key) != new.get(key):
            yield f"{where or 'it'} has another {key}"
    gone = [value for value in old.get("enum", ()) if value not in new.get("enum", ())]
    yield from (f"{where or 'it'} has no {value} any more" for value in gone)
    for field, each in old.get("properties", {}).items():
        if field not in new.get("properties", {}):
            yield f"{where}.{field} is gone"
        else:
            yield from _of_schema(each, new["properties"][field], f"{where}.{field}")
    yield from _of_schema(old.get("items"), new.get("items"), f"{where}[]")
    missing = [each for each in old.get("anyOf", ()) if each not in new.get("anyOf", ())]
    if missing:
        yield f"{where or 'it'} is something else now"


def _reachable(document: Mapping[str, Any], side: str) -> set[str]:
    """The names of the schemas that *side* (``requestBody`` or ``responses``) of some operation leads to."""
    waiting = [
        each
        for methods in document["paths"].values()
        for one in methods.values()
        for each in _names(one.get(side))
    ]
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _names(document["components"]["schemas"].get(name))
    return found


def _names(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        own = [value["$ref"].rpartition("/")[2]] if isinstance(value.get("$ref"), str) else []
        mapped = value.get("mapping", {}).values() if isinstance(value.get("mapping"), Mapping) else ()
        return [
            *own,
            *(str(each).rpartition("/")[2] for each in mapped),
            *(n for each in value.values() for n in _names(each)),
        ]
    if isinstance(value, list):
        return [name for each in value for name in _names(each)]
    return []


def main() -> int:
    """Writes the copy anew; 1, and nothing is written, for what breaks integrators."""
    content = openapi.document()
    broken = breaking_changes(json.loads(STORED.read_bytes()), json.loads(content)) if STORED.exists() else []
    if broken:
        sys.stderr.write("".join(f"{each}\n" for each in broken))
        return 1
    STORED.write_bytes(content)
    return 0


if __name__ == "__main__":
    sys.exit(main())

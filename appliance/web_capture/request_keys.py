"""Under what an index of a WARC finds the response to a request that is no GET: its method and its body become
part of the query.

https://iipc.github.io/warc-specifications/guidelines/cdx-non-get-requests — written as browsers write queries,
since ReplayWeb.page makes its own key of each request and compares.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote_plus

_LONGEST: Final = 4096
"""Characters of a body that are compared."""
_KIND: Final = re.compile(rb"^content-type:([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_PART: Final = re.compile(r'name="([^"]+)"[^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n(.*)', re.DOTALL)
_DEEPEST: Final = 64
"""Levels of a JSON body that are looked at."""


def method_and_body(request: bytes) -> tuple[str, str]:
    """The method of *request* (its octets), and what of its body a query says; for a GET that is nothing."""
    head, _, body = request.partition(b"\r\n\r\n")
    method = head.partition(b" ")[0].decode("latin-1")
    if method == "GET":
        return method, ""
    found = _KIND.search(head)
    return method, _as_query(found[1].decode("latin-1").strip() if found else "", body)[:_LONGEST]


def with_query(address: str, method: str, body: str) -> str:
    """*address* as the one of a GET that asks for the same."""
    return address if method == "GET" else f"{address}{'&' if '?' in address else '?'}__wb_method={method}&{body}"


def _as_query(kind: str, body: bytes) -> str:
    name = kind.partition(";")[0].strip().lower()
    if name == "application/x-www-form-urlencoded":
        return body.decode("utf-8", "replace")
    if name in ("application/json", "text/plain"):
        try:
            return _encoded(_members(json.loads(body)))
        except (ValueError, RecursionError):
            return _octets(body) if name == "text/plain" else ""
    if name == "multipart/form-data" and "boundary=" in kind:
        boundary = kind.partition("boundary=")[2].strip('"')
        parts = (_PART.search(each) for each in body.decode("utf-8", "replace").split(f"--{boundary}"))
        return _encoded((each[1], each[2].removesuffix("\r\n")) for each in parts if each)
    return _octets(body)


def _octets(body: bytes) -> str:
    return f"__wb_post_data={base64.b64encode(body).decode()}"


def _members(value: Any, name: str = "", level: int = 0) -> Iterator[tuple[str, str]]:
    """The plain values in *value*, each by the name that it has where it stands; lists have that of their own."""
    if level > _DEEPEST:
        raise ValueError("too deep")
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _members(each, key, level + 1)
    elif isinstance(value, list):
        for each in value:
            yield from _members(each, name, level + 1)
    elif value != "":
        yield name, value if isinstance(value, str) else json.dumps(value).removesuffix(".0")


def _encoded(pairs: Iterator[tuple[str, str]]) -> str:
    """A query, in which a name that comes again has a number."""
    found: dict[str, str] = {}
    times: dict[str, int] = {}
    for name, value in pairs:
        times[name] = times.get(name, 0) + 1
        found[name if times[name] == 1 else f"{name}.{times[name]}_"] = value
    return "&".join(f"{_escaped(name)}={_escaped(value)}" for name, value in found.items())


def _escaped(text: str) -> str:
    return quote_plus(text, safe="*", errors="replace").replace("~", "%7E")

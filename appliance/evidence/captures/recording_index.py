"""Whether the index of a WACZ (CDXJ) leads to the responses of a WARC: to each of them once, by its own address.

Readers go to the octets that a line names, and show what is there as the response from the line's address. So
each line is the one that the record there gets (:func:`appliance.web_capture.wacz.index_line`): its address with
the key of it, time, status, media type, digest, place and method. Only what a line says of a request's body, by
which the response to a form is found among others from that address, is taken as it is.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from appliance.evidence.container import LARGEST
from appliance.web_capture.wacz import index_line
from appliance.web_capture.warc import IndexEntry, RecordType, index_entry

_BLOCK: Final = 1 << 16
_GZIP: Final = 31
_MEMBER: Final = b"\x1f\x8b\x08\x00"
"""RFC 1952, 2.3.1: deflate, and no optional field."""
_HEAD: Final = re.compile(rb"WARC/1\.1(?:\r\n[A-Za-z-]+: [^\r\n]*)+")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")
_ADDRESS: Final = re.compile(
    r"""https?://(?:\[[0-9A-Fa-f:.]+\]|[!"$-.0-9;->A-Z^-~]+)(?::[0-9]{1,5})?(?:[/?][!"$-~]*)?"""
)
"""As clients ask for it (RFC 9110, 7.1): in ASCII, without a user and a fragment."""
_END: Final = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class _Record:
    fields: Mapping[str, str]
    block: bytes
    place: tuple[int, int]


def leads_to_each(warc: bytes, index: bytes, page: str) -> bool:
    """Whether *index* is one of all responses in *warc*. The one at the address *page* may be listed as that of a
    GET besides, where forms alone led to it: so readers open it."""
    try:
        responses, methods = _responses(warc)
        lines = index.decode().split("\n")
        if lines.pop() or lines != sorted(lines):
            return False
        listed = sorted(_listed(line, responses) for line in lines)
    except (ValueError, LookupError, RecursionError, zlib.error):
        return False
    told = dict(listed)
    wanted = [(at, methods.get(at, told.get(at, ""))) for at in sorted(responses)]
    there = [(at, method) for at, method in wanted if responses[at].address == page.partition("#")[0]]
    if there and all(method != "GET" for _, method in there):
        wanted.append((there[-1][0], "GET"))
    return listed == sorted(wanted)


def _listed(line: str, responses: Mapping[int, IndexEntry]) -> tuple[int, str]:
    """Offset and method of what *line* leads to. Raises ValueError, LookupError for a line that no record gets."""
    told: Any = json.loads(line.split(" ", 2)[2])
    if not isinstance(told, dict) or not all(isinstance(each, str) for each in told.values()):
        raise ValueError(line)
    method = told.get("method", "GET")
    entry = replace(responses[int(told["offset"])], method=method, body=told.get("requestBody", ""))
    if index_line(entry) != f"{line}\n":
        raise ValueError(line)
    return entry.offset, method


def _responses(warc: bytes) -> tuple[Mapping[int, IndexEntry], Mapping[int, str]]:
    """All responses by their offset, and the methods of the requests that they answer, where there is a record."""
    found: dict[int, IndexEntry] = {}
    offsets: dict[str, int] = {}
    methods: dict[str, str] = {}
    for record in _records(warc):
        kind = record.fields["WARC-Type"]
        if kind == RecordType.RESPONSE:
            address, date = record.fields["WARC-Target-URI"], record.fields["WARC-Date"]
            if _ADDRESS.fullmatch(address) is None or _DATE.fullmatch(date) is None:
                raise ValueError(address)
            entry = index_entry(address, datetime.fromisoformat(date), record.block, record.place)
            found[entry.offset] = entry
            offsets[record.fields["WARC-Record-ID"]] = entry.offset
        elif kind == RecordType.REQUEST and "WARC-Concurrent-To" in record.fields:
            answered = record.fields["WARC-Concurrent-To"]
            methods[answered] = record.block.partition(b" ")[0].decode("latin-1")
    if len(offsets) != len(found):
        raise ValueError("two records of one number")
    return found, {at: methods[number] for number, at in offsets.items() if number in methods}


def _records(warc: bytes) -> Iterator[_Record]:
    """Every record, each a gzip member of its own. Raises ValueError, zlib.error."""
    at, left = 0, LARGEST
    while at < len(warc):
        octets, end = _member(memoryview(warc), at, left)
        left -= len(octets)
        head, _, rest = octets.partition(_END)
        block = rest.removesuffix(_END)
        named = [line.partition(": ") for line in head.decode().split("\r\n")[1:]]
        fields = {name: value for name, _, value in named}
        whole = len(rest) == len(block) + len(_END) and fields.get("Content-Length") == str(len(block))
        once = len({name.lower() for name in fields}) == len(named)
        if _HEAD.fullmatch(head) is None or not whole or not once:
            raise ValueError("another form")
        yield _Record(fields, block, (at, end - at))
        at = end


def _member(warc: memoryview, at: int, most: int) -> tuple[bytes, int]:
    """What the gzip member *at* has, and where it ends. Raises ValueError for more than *most* bytes."""
    if bytes(warc[at : at + len(_MEMBER)]) != _MEMBER:
        raise ValueError("no member")
    unpacking, parts, size, given = zlib.decompressobj(_GZIP), [], 0, at
    while not unpacking.eof:
        block = warc[given : given + _BLOCK]
        parts.append(unpacking.decompress(block))
        given, size = given + len(block), size + len(parts[-1])
        if not block or size > most:
            raise ValueError("cut off, or too long")
    return b"".join(parts), given - len(unpacking.unused_data)

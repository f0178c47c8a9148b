"""WARC 1.1 (ISO 28500:2017), written as it comes: every record is a gzip member of its own (Annex D).

Blocks are the octets as they were sent and received, so that header fields keep their order, case and spaces, and
chunks stay chunks. Libraries parse header fields and write them anew, which is why this is our own.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import threading
import uuid
import zlib
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, BinaryIO, Final

from appliance.web_capture.request_keys import method_and_body

_LEVEL: Final = 6
_GZIP: Final = 31
"""zlib's word for gzip with the largest window."""
_END: Final = b"\r\n\r\n"
_STATUS: Final = re.compile(rb"HTTP/1\.[01] (\d{3})")
_CONTENT_TYPE: Final = re.compile(rb"^content-type:([^;\r\n]*)", re.IGNORECASE | re.MULTILINE)
_CHUNKED: Final = re.compile(rb"^transfer-encoding:[^\r\n]*chunked", re.IGNORECASE | re.MULTILINE)
_CHUNK: Final = re.compile(rb"([0-9A-Fa-f]{1,15})[^\r\n]*\r\n")


class RecordType(StrEnum):
    """ISO 28500:2017, 6."""

    WARCINFO = "warcinfo"
    REQUEST = "request"
    RESPONSE = "response"
    METADATA = "metadata"
    RESOURCE = "resource"


_MEDIA_TYPES: Final = {
    RecordType.WARCINFO: "application/warc-fields",
    RecordType.REQUEST: "application/http; msgtype=request",
    RecordType.RESPONSE: "application/http; msgtype=response",
    RecordType.METADATA: "application/warc-fields",
}


def record_id() -> str:
    """A new identifier for a record (5.2)."""
    return f"<{uuid.UUID(bytes=secrets.token_bytes(16), version=4).urn}>"


def digest_of(octets: bytes) -> str:
    """A labelled digest (5.8, 5.9): SHA-256 in hex, as ``sha256sum`` prints it."""
    return f"sha256:{hashlib.sha256(octets).hexdigest()}"


def warc_date(moment: datetime) -> str:
    """5.4, with fractions of a second, which version 1.1 allows."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """Where a response lies in the file: ``offset`` and ``length`` of its gzip member in octets; ``digest`` of its
    payload, without the frames of chunks (ISO 28500:2017, 5.9): these differ from one time to the next. ``method``
    is the request's, ``body`` what an index says of its body (:mod:`.request_keys`)."""

    address: str
    at: datetime
    mime: str
    status: int
    digest: str
    offset: int
    length: int
    method: str = "GET"
    body: str = ""


class WarcFile:
    """A WARC file under way. Thread-safe; every record is whole once :meth:`write` has returned. ``entries`` are
    the responses in it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size = 0
        self.entries: list[IndexEntry] = []
        self._turn = threading.RLock()
        self._info = ""
        self._ended = False

    def begin(self, fields: Mapping[str, str], at: datetime) -> None:
        """The first record, which says what made the file (6.2)."""
        block = "".join(f"{name}: {value}\r\n" for name, value in fields.items()).encode()
        self._info = self.write(RecordType.WARCINFO, "", block, at)

    def together(self) -> AbstractContextManager[Any]:
        """What the thread writes within it stands together: readers take a request for that of the response before
        it."""
        return self._turn

    def end(self) -> None:
        """Nothing comes after this: whoever still writes gets a ValueError."""
        with self._turn:
            self._ended = True

    def write(
        self,
        kind: RecordType,
        address: str,
        block: bytes,
        at: datetime,
        *,
        identifier: str = "",
        more: Mapping[str, str] | None = None,
        asked: bytes = b"GET ",
    ) -> str:
        """One record about *address* (a URI); *more* are further named fields, *asked* is the request that a
        response answers. Returns its identifier."""
        number = identifier or record_id()
        fields = {
            "WARC-Type": kind.value,
            "WARC-Record-ID": number,
            "WARC-Date": warc_date(at),
            **({"WARC-Target-URI": address} if address else {}),
            **({"WARC-Warcinfo-ID": self._info} if self._info else {}),
            "WARC-Block-Digest": digest_of(block),
            **({"Content-Type": _MEDIA_TYPES[kind]} if kind in _MEDIA_TYPES else {}),
            **(more or {}),
            "Content-Length": str(len(block)),
        }
        head = "WARC/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items()) + "\r\n"
        packing = zlib.compressobj(_LEVEL, wbits=_GZIP)
        parts = [packing.compress(head.encode()), packing.compress(block), packing.compress(_END), packing.flush()]
        length = sum(map(len, parts))
        with self._turn:
            if self._ended:
                raise ValueError("the file has ended")
            if kind is RecordType.RESPONSE:
                self.entries.append(index_entry(address, at, block, (self._size, length), asked))
            self._file.writelines(parts)
            self._size += length
        return number


def index_entry(
    address: str, at: datetime, block: bytes, place: tuple[int, int], asked: bytes = b"GET "
) -> IndexEntry:
    """What an index says of the response *block* to the request *asked*, whose record is at *place* (offset and
    length)."""
    head, _, body = block.partition(b"\r\n\r\n")
    status = _STATUS.match(head)
    kind = _CONTENT_TYPE.search(head)
    mime = kind[1].decode("latin-1").strip().lower() if kind else "unk"
    payload = _unchunked(body) if _CHUNKED.search(head) else body
    code = int(status[1]) if status else 0
    return IndexEntry(address, at, mime, code, digest_of(payload), *place, *method_and_body(asked))


def _unchunked(body: bytes) -> bytes:
    """What the chunks of *body* hold (RFC 9112, 7.1), as far as they are whole."""
    found, at = [], 0
    while size := _CHUNK.match(body, at):
        start, length = size.end(), int(size[1], 16)
        found.append(body[start : start + length])
        at = start + length + 2
        if not length:
            break
    return b"".join(found)

"""What the timestamp service takes of HTTP (RFC 3161, 3.4).

In one place: POST alone (405 with ``Allow``), the one media type (415), at most 64 KiB (413, drained before),
lengths that agree, fields that are well-formed and HTTP/1.0 or 1.1 (400, the parser says which), heads (431).
What the client sends is never answered with 5xx, and every answer leaves in the order of the requests.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from time import gmtime, strftime, time

LARGEST_BODY = 64 * 1024
"""Bytes. A request is about a hundred; larger ones are drained, then refused."""

MOST_DRAINED = 16 * 1024 * 1024
"""Bytes of a refused body that are read, so that the client sees the refusal instead of a reset."""

LARGEST_HEAD = 32 * 1024
"""Bytes of a request's line and fields."""

MOST_FIELDS = 100
"""Fields of a request, trailers included."""

MOST_SILENT = 75.0
"""Seconds from the last answer, or the first byte, in which a request must have arrived whole."""

QUERY = "application/timestamp-query"
REPLY = "application/timestamp-reply"


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """Status, headers (Content-Length among them) and body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def closes(self) -> bool:
        """Whether the connection ends with this answer."""
        return ("Connection", "close") in self.headers

    def to_bytes(self, *, connection: str = "", with_body: bool = True) -> bytes:
        """The answer as HTTP/1.1 sends it; *connection* says what becomes of it where that is not the usual."""
        fields = "".join(f"{name}: {value}\r\n" for name, value in self.headers)
        if connection and not self.closes:
            fields += f"Connection: {connection}\r\n"
        reason = HTTPStatus(self.status).phrase
        head = f"HTTP/1.1 {self.status} {reason}\r\nDate: {_date(int(time()))}\r\n{fields}\r\n"
        return head.encode("latin-1") + (self.body if with_body else b"")


def timestamp_response(reply: bytes) -> HttpAnswer:
    """200 with a DER TimeStampResp; refusals of the protocol too."""
    return _answer(200, REPLY, reply)


def http_refusal(method: str, content_type: str | None) -> HttpAnswer | None:
    """The answer to a request that cannot be a timestamp request, or None when its body is to be read."""
    if method != "POST":
        return _answer(405, "text/plain", b"Timestamps are asked for with POST.\n", ("Allow", "POST"))
    if (content_type or "").partition(";")[0].strip().lower() != QUERY:
        sentence = f"A timestamp request has the media type {QUERY}.\n".encode()
        return _answer(415, "text/plain", sentence, ("Accept", QUERY))
    return None


def _closing(status: int, sentence: str, *headers: tuple[str, str]) -> HttpAnswer:
    return _answer(status, "text/plain", f"{sentence}\n".encode(), ("Connection", "close"), *headers)


@lru_cache(maxsize=2)
def _date(second: int) -> str:
    """RFC 9110, 5.6.7; the same for all answers of a second."""
    return strftime("%a, %d %b %Y %H:%M:%S GMT", gmtime(second))


def _answer(status: int, kind: str, body: bytes, *headers: tuple[str, str]) -> HttpAnswer:
    fixed = (
        ("Content-Type", kind),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
    )
    return HttpAnswer(status, (*fixed, *headers), body)


TOO_LARGE = _closing(413, f"A timestamp request has at most {LARGEST_BODY} bytes.")
METHOD_UNKNOWN = _closing(405, "Timestamps are asked for with POST.", ("Allow", "POST"))
BROKEN = _closing(400, "This is not well-formed HTTP/1.1.")
"""No HTTP, or HTTP whose length can be read in two ways."""
HEAD_TOO_LARGE = _closing(431, f"A request has at most {MOST_FIELDS} fields in {LARGEST_HEAD} bytes.")
VERSION_UNKNOWN = _closing(400, "HTTP/1.1 and HTTP/1.0 are spoken here.")
"""505 would say so too, but what a client sends is never the server's failure."""
UNREACHABLE = _closing(502, "The timestamp service does not answer; try again in a moment.")
"""The portal forwards requests in development, and the timestamp service does not answer it."""

"""What of HTTP the timestamp service takes (RFC 3161, 3.4), whatever server carries it."""

from __future__ import annotations

from dataclasses import dataclass

LARGEST_BODY = 64 * 1024
"""Bytes. A request is about a hundred; larger ones are drained, then refused."""

MOST_DRAINED = 16 * 1024 * 1024
"""Bytes of a refused body that are read, so that the client sees the refusal instead of a reset."""

QUERY = "application/timestamp-query"
REPLY = "application/timestamp-reply"


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers (Content-Length among them) and body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def granted(reply: bytes) -> Answer:
    """200 with a DER TimeStampResp; refusals of the protocol too."""
    return _answer(200, REPLY, reply)


def refusal(method: str, content_type: str | None) -> Answer | None:
    """The answer to a request that cannot be a timestamp request, or None when its body is to be read."""
    if method != "POST":
        return _answer(405, "text/plain", b"Timestamps are asked for with POST.\n", ("Allow", "POST"))
    if (content_type or "").partition(";")[0].strip().lower() != QUERY:
        sentence = f"A timestamp request has the media type {QUERY}.\n".encode()
        return _answer(415, "text/plain", sentence, ("Accept", QUERY))
    return None


def too_large() -> Answer:
    """413: nothing that asks for a timestamp is that long."""
    sentence = f"A timestamp request has at most {LARGEST_BODY} bytes.\n".encode()
    return _answer(413, "text/plain", sentence, ("Connection", "close"))


def _answer(status: int, kind: str, body: bytes, *headers: tuple[str, str]) -> Answer:
    fixed = (
        ("Content-Type", kind),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
    )
    return Answer(status, (*fixed, *headers), body)

"""Signed messages in BER, as other software writes them, and the deep ones that nobody writes honestly."""

from __future__ import annotations

import re

from hsm import der

_END = b"\0\0"


def as_ber(encoded: bytes, *, segment: int = 0) -> bytes:
    """*encoded* (DER) with every constructed element of indefinite length and, for a *segment*, every OCTET STRING
    in pieces of that many octets."""
    tag, contents = encoded[:1], _contents(encoded)
    if tag[0] & 0x20:
        return tag + b"\x80" + b"".join(as_ber(each, segment=segment) for each in _split(contents)) + _END
    if segment and tag[0] == der.OCTET_STRING:
        pieces = [contents[at : at + segment] for at in range(0, len(contents), segment)]
        return b"\x24\x80" + b"".join(der.element(der.OCTET_STRING, each) for each in pieces) + _END
    return encoded


def nested(depth: int) -> bytes:
    """SEQUENCEs inside each other, in BER."""
    return b"\x30\x80" * depth + b"\x05\x00" + _END * depth


def outermost(message: bytes) -> bytes:
    """The message (DER) with its outermost element of indefinite length, the rest as it is."""
    return b"\x30\x80" + _contents(message) + _END


def message_of(document: bytes) -> bytes:
    """The last signature's message, without its padding."""
    room = bytes.fromhex(_room(document)[1].decode())
    return der.first(room)


def replaced(document: bytes, message: bytes) -> bytes:
    """*document* with another message in the room of its last signature."""
    found = _room(document)
    hexadecimal = message.hex().encode()
    assert len(hexadecimal) <= len(found[1])
    start, end = found.span(1)
    return document[:start] + hexadecimal.ljust(end - start, b"0") + document[end:]


def _room(document: bytes) -> re.Match[bytes]:
    return list(re.finditer(rb"/Contents\s*<([0-9a-fA-F]{64,})>", document))[-1]


def _contents(encoded: bytes) -> bytes:
    octets = encoded[1] & 0x7F if encoded[1] & 0x80 else 0
    return encoded[2 + octets :]


def _split(contents: bytes) -> list[bytes]:
    found = []
    while contents:
        found.append(der.first(contents))
        contents = contents[len(found[-1]) :]
    return found

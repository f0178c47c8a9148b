"""BER made DER where that changes no meaning (X.690, 8.1.3.6, 8.7): definite lengths, unsegmented OCTET STRINGs.

One pass over the tags: nothing is sorted, no default is dropped, no value is read; a definite element is taken as
it stands unless something in it had to be written anew. Whether the result is strict DER is asked afterwards, and
what a signature covers keeps its bytes. Memory and time are bounded by length times depth, and by the number of
elements; all three have limits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from hsm import der

DEEPEST: Final = 64
"""Elements inside each other; a signed message with its timestamps and certificates needs about 20."""
LARGEST: Final = 16 * 1024 * 1024
"""Octets of a message."""
MOST_ELEMENTS: Final = 500_000
"""Elements of a message: about a second's work. A list of 100,000 revoked certificates has about as many."""

_CONSTRUCTED: Final = 0x20
_INDEFINITE_LENGTH: Final = 0x80
_LONG_TAG: Final = 0x1F
_MOST_TAG_OCTETS: Final = 6
_MOST_LENGTH_OCTETS: Final = 8
_END: Final = b"\0\0"

INDEFINITE_SEQUENCE: Final = bytes((der.SEQUENCE, _INDEFINITE_LENGTH))
"""How a SEQUENCE in BER begins whose length is not told: no DER begins so."""


class NotBer(ValueError):
    """The bytes are no BER element, or one beyond the limits."""


class _Header(NamedTuple):
    """Identifier octets, where the contents start, and where they end (None: at an end-of-contents)."""

    identifier: bytes
    start: int
    end: int | None

    @property
    def constructed(self) -> bool:
        return bool(self.identifier[0] & _CONSTRUCTED)


@dataclass(slots=True)
class _Budget:
    """How many elements more are read."""

    left: int = MOST_ELEMENTS

    def spend(self) -> None:
        if self.left == 0:
            raise NotBer("too many elements")
        self.left -= 1


def to_der(encoded: bytes) -> bytes:
    """The one element in *encoded* with definite lengths and unsegmented OCTET STRINGs; *encoded* itself where it
    has these. Raises :class:`NotBer`, also for bytes after the element."""
    written, end = leading_element(encoded)
    if end != len(encoded):
        raise NotBer("bytes after the element")
    return written


def leading_element(encoded: bytes) -> tuple[bytes, int]:
    """The element that *encoded* begins with, as :func:`to_der` has it, and its octets in *encoded*. Raises
    :class:`NotBer`."""
    return _element(_limited(encoded), 0, DEEPEST, _Budget())


def length_of(encoded: bytes) -> int:
    """Octets of the element that *encoded* begins with, end-of-contents included. Raises :class:`NotBer`."""
    header = _header(encoded, 0)
    return header.end or leading_element(encoded)[1]


def _limited(encoded: bytes) -> bytes:
    if len(encoded) > LARGEST:
        raise NotBer("too long")
    return encoded


def _element(data: bytes, at: int, depth: int, budget: _Budget) -> tuple[bytes, int]:
    """The element at *at*, written anew where needed, and where it ends."""
    budget.spend()
    header = _header(data, at)
    if not header.constructed:
        if header.end is None:
            raise NotBer("a primitive element of indefinite length")
        return data[at : header.end], header.end
    if depth == 0:
        raise NotBer("too deep")
    members, end = _members(data, header, depth - 1, budget)
    if header.identifier[0] == der.OCTET_STRING | _CONSTRUCTED:
        return _string(members), end
    contents = b"".join(members)
    if header.end is not None and contents == data[header.start : header.end]:
        return data[at:end], end
    return header.identifier + der.length_octets(len(contents)) + contents, end


def _members(data: bytes, header: _Header, depth: int, budget: _Budget) -> tuple[list[bytes], int]:
    """The elements inside, and where the element around them ends."""
    members: list[bytes] = []
    at = header.start
    while at != header.end:
        if header.end is None and data[at : at + 2] == _END:
            return members, at + len(_END)
        member, at = _element(data, at, depth, budget)
        if header.end is not None and at > header.end:
            raise NotBer("an element that is longer than what it is in")
        members.append(member)
    return members, at


def _string(segments: list[bytes]) -> bytes:
    """X.690, 8.7.3: segments of an OCTET STRING are OCTET STRINGs, here already without segments of their own."""
    contents = bytearray()
    for segment in segments:
        if segment[0] != der.OCTET_STRING:
            raise NotBer("a segment of an OCTET STRING that is none")
        contents += segment[_header(segment, 0).start :]
    return der.element(der.OCTET_STRING, bytes(contents))


def _header(data: bytes, at: int) -> _Header:
    start = at + 1
    try:
        if data[at] & _LONG_TAG == _LONG_TAG:
            while data[start] & 0x80:
                start += 1
            start += 1
        first = data[start]
    except IndexError as error:
        raise NotBer("cut off") from error
    octets = first & 0x7F if first > _INDEFINITE_LENGTH else 0
    if start - at > _MOST_TAG_OCTETS or octets > _MOST_LENGTH_OCTETS:
        raise NotBer("a tag or length beyond the limits")
    identifier, start = data[at:start], start + 1
    if identifier == b"\0":
        raise NotBer("an end-of-contents where none is due")
    if first == _INDEFINITE_LENGTH:
        return _Header(identifier, start, None)
    length = int.from_bytes(data[start : start + octets]) if octets else first
    start += octets
    if start + length > len(data):
        raise NotBer("cut off")
    return _Header(identifier, start, start + length)

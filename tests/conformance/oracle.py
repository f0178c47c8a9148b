"""An independent strict reading of timestamp requests: our second opinion, written from the standards alone.

It shares no line with ``hsm``: a reader of X.690 DER in plain Python, RFC 3161 (2.4.1) over it, and the table of
refusals. Where a request has several faults any of them may be named; where it has none, a token must come.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

BAD_ALG, BAD_REQUEST, BAD_DATA_FORMAT = 0, 2, 5
TIME_NOT_AVAILABLE, UNACCEPTED_POLICY, UNACCEPTED_EXTENSION, SYSTEM_FAILURE = 14, 15, 16, 25

SHA2 = {
    bytes.fromhex("608648016503040201"): 32,
    bytes.fromhex("608648016503040202"): 48,
    bytes.fromhex("608648016503040203"): 64,
}
SM3 = {bytes.fromhex("2a811ccf55018311"): 32}
POLICY = bytes.fromhex("2b0601040181fd590101")
"""1.3.6.1.4.1.32473.1.1, the policy of the development home."""


class NotDer(Exception):
    """The bytes are not DER, or not of the shape that is read."""


@dataclass(frozen=True, slots=True)
class Element:
    """One TLV: ``tag`` is the first identifier octet, ``whole`` header and contents."""

    tag: int
    body: bytes
    whole: bytes


@dataclass(frozen=True, slots=True)
class Verdict:
    """``faults``: the failInfos that may be given, none for a good request; ``imprint`` and ``nonce`` as sent."""

    faults: frozenset[int]
    imprint: bytes = b""
    nonce: bytes | None = None
    policy: bytes | None = None
    certificates: bool = False


def judge(request: bytes, *, policies: frozenset[bytes] = frozenset({POLICY}), sm3: bool = False) -> Verdict:
    """What must become of *request*."""
    try:
        return _judged(request, policies, SHA2 | SM3 if sm3 else SHA2)
    except NotDer:
        return Verdict(frozenset({BAD_DATA_FORMAT}))


def _judged(request: bytes, policies: frozenset[bytes], hashes: dict[bytes, int]) -> Verdict:
    rest = list(elements(only(request, 0x30).body))
    version, imprint = take(rest, 0x02), rest.pop(0) if rest else None
    if version is None or imprint is None:
        raise NotDer
    policy, nonce, wanted = take(rest, 0x06), take(rest, 0x02), take(rest, 0x01)
    extensions = take(rest, 0xA0)
    if rest:
        raise NotDer
    require_integer(version.body)
    faults = set() if version.body == b"\x01" else {BAD_REQUEST}
    faults |= _imprint_faults(imprint, hashes)
    if policy is not None:
        require_oid(policy.body)
        if policy.body not in policies:
            faults.add(UNACCEPTED_POLICY)
    if nonce is not None:
        require_integer(nonce.body)
    if wanted is not None and wanted.body != b"\xff":  # 00 is the default, which DER leaves out
        raise NotDer
    if extensions is not None:
        faults.add(_extensions_fault(extensions))
    return Verdict(
        frozenset(faults),
        imprint.whole,
        None if nonce is None else nonce.whole,
        None if policy is None else policy.body,
        wanted is not None,
    )


def _imprint_faults(imprint: Element, hashes: dict[bytes, int]) -> set[int]:
    try:
        algorithm, digest = elements(expected(imprint, 0x30).body)
        name, *parameters = elements(expected(algorithm, 0x30).body)
        require_oid(expected(name, 0x06).body)
        if digest.tag != 0x04 or len(parameters) > 1:
            raise NotDer
    except (NotDer, ValueError):
        return {BAD_DATA_FORMAT}
    length = hashes.get(name.body)
    if length is None:
        return {BAD_ALG}
    faults = set() if len(digest.body) == length else {BAD_DATA_FORMAT}
    if parameters and parameters[0].whole != b"\x05\x00":
        faults.add(BAD_ALG)
    return faults


def _extensions_fault(extensions: Element) -> int:
    """Each well-formed extension is one that is not known; anything else is not DER."""
    try:
        members = list(elements(extensions.body))
        for member in members:
            name, *rest = elements(expected(member, 0x30).body)
            require_oid(expected(name, 0x06).body)
            critical = take(rest, 0x01)
            if (critical is not None and critical.body != b"\xff") or [each.tag for each in rest] != [0x04]:
                raise NotDer
    except (NotDer, ValueError):
        return BAD_DATA_FORMAT
    return UNACCEPTED_EXTENSION if members else BAD_DATA_FORMAT


def take(rest: list[Element], tag: int) -> Element | None:
    """The next of *rest* when it has *tag* (an OPTIONAL member)."""
    return rest.pop(0) if rest and rest[0].tag == tag else None


def only(data: bytes, tag: int) -> Element:
    """The one element that *data* is."""
    found = list(elements(data))
    if len(found) != 1:
        raise NotDer
    return expected(found[0], tag)


def expected(element: Element, tag: int) -> Element:
    """*element*, when it has *tag*."""
    if element.tag != tag:
        raise NotDer
    return element


def elements(data: bytes) -> Iterator[Element]:
    """The elements that fill *data*, with definite lengths in their shortest form (X.690, 8.1.3 and 10.1)."""
    position = 0
    while position < len(data):
        start = position
        tag, position = data[position], _after_tag(data, position)
        if position >= len(data):
            raise NotDer
        length, position = data[position], position + 1
        if length >= 0x80:
            octets = data[position : position + (length & 0x7F)]
            position += len(octets)
            length = int.from_bytes(octets, "big")
            if (
                not octets
                or octets[0] == 0
                or length < 0x80
                or len(octets) != (data[position - len(octets) - 1] & 0x7F)
            ):
                raise NotDer
        if position + length > len(data):
            raise NotDer
        yield Element(tag, data[position : position + length], data[start : position + length])
        position += length


def _after_tag(data: bytes, position: int) -> int:
    """Behind the identifier octets; the long form is for numbers from 31 on, without leading zeros (8.1.2.4)."""
    if data[position] & 0x1F != 0x1F:
        return position + 1
    first = position = position + 1
    while position < len(data) and data[position] >= 0x80:
        position += 1
    if position >= len(data) or data[first] == 0x80 or (first == position and data[first] < 31):
        raise NotDer
    return position + 1


def require_integer(body: bytes) -> None:
    """Two's complement in as few octets as hold it (X.690, 8.3.2)."""
    if not body or (len(body) > 1 and (body[0], body[1] >> 7) in ((0, 0), (0xFF, 1))):
        raise NotDer


def require_oid(body: bytes) -> None:
    """Arcs in base 128, each without leading zeros, the last one complete (X.690, 8.19)."""
    if not body or body[-1] >= 0x80:
        raise NotDer
    for position, octet in enumerate(body):
        if octet == 0x80 and (position == 0 or body[position - 1] < 0x80):
            raise NotDer


def require_der(data: bytes) -> None:
    """Fails unless all of *data*, to the bottom, is DER: what is constructed is walked, sets are in order."""
    for element in elements(data):
        if element.tag & 0x20:
            require_der(element.body)
        if element.tag == 0x31:
            members = [each.whole for each in elements(element.body)]
            if members != sorted(members):
                raise NotDer
        elif element.tag == 0x02:
            require_integer(element.body)
        elif element.tag == 0x06:
            require_oid(element.body)
        elif element.tag == 0x01 and element.body not in (b"\x00", b"\xff"):
            raise NotDer

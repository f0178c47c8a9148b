"""Requests put together by hand from DER pieces: good ones, and each kind of bad one."""

from __future__ import annotations

from hsm import der
from hsm.timestamp import build_request, order_for

PLAIN = build_request(order_for(bytes(32)))
"""SHA-256 with NULL parameters, certReq TRUE; no policy, no nonce."""

SHA1, MD5, SHA224 = "1.3.14.3.2.26", "1.2.840.113549.2.5", "2.16.840.1.101.3.4.2.4"
SHA256, SHA384, SHA512 = (f"2.16.840.1.101.3.4.2.{number}" for number in (1, 2, 3))
SM3 = "1.2.156.10197.1.401"
POLICY = "1.3.6.1.4.1.32473.1.1"
TRUE, FALSE = b"\x01\x01\xff", b"\x01\x01\x00"


def sequence(*parts: bytes) -> bytes:
    return der.element(der.SEQUENCE, *parts)


def octets(value: bytes) -> bytes:
    return der.element(der.OCTET_STRING, value)


def algorithm(dotted: str, *parameters: bytes) -> bytes:
    return sequence(der.oid(dotted), *parameters)


def imprint(dotted: str = SHA256, length: int = 32, *parameters: bytes) -> bytes:
    return sequence(algorithm(dotted, *parameters), octets(bytes(length)))


def request(*after: bytes, version: int = 1, about: bytes | None = None) -> bytes:
    """Version, imprint (SHA-256 of nothing in particular), and whatever comes after them."""
    return sequence(der.integer(version), imprint(SHA256, 32, der.NULL) if about is None else about, *after)


def long_oid(arcs: int = 200) -> bytes:
    """As encoded: libraries refuse to encode very long ones."""
    return der.element(der.OBJECT_IDENTIFIER, b"\x2a" + b"\x83\x01" * arcs)


def extensions(*members: bytes) -> bytes:
    return der.element(0xA0, *members)


def extension(name: bytes, *, critical: bytes = b"", value: bytes = b"x") -> bytes:
    return sequence(name, critical, octets(value))


UNKNOWN = extension(der.oid("1.2.3.4"))

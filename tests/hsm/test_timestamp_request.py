"""Requests: every row of the table of refusals that bytes alone decide, and hostile input."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsm import der
from hsm.errors import Malformed
from hsm.timestamp import FailInfo, RequestRefused, TimestampRequest, build_request, order_for, parse_request
from tests.hsm.memory import openssl

POLICY = "1.3.6.1.4.1.57264.99"
DIGEST = hashlib.sha256(b"contract").digest()
SHA256 = der.element(der.SEQUENCE, der.oid("2.16.840.1.101.3.4.2.1"), der.NULL)


def imprint(algorithm: bytes = SHA256, digest: bytes = DIGEST) -> bytes:
    return der.element(der.SEQUENCE, algorithm, der.element(der.OCTET_STRING, digest))


def request(*after: bytes, version: int = 1, about: bytes | None = None) -> bytes:
    return der.element(der.SEQUENCE, der.integer(version), about or imprint(), *after)


def algorithm(dotted: str, *parameters: bytes) -> bytes:
    return der.element(der.SEQUENCE, der.oid(dotted), *parameters)


def long_oid(arcs: int = 200) -> bytes:
    return der.element(der.OBJECT_IDENTIFIER, b"\x2a" + b"\x83\x01" * arcs)


def extensions(*members: bytes) -> bytes:
    return der.element(0xA0, *members)


def extension(name: bytes, *, critical: bytes = b"") -> bytes:
    return der.element(der.SEQUENCE, name, critical, der.element(der.OCTET_STRING, b"x"))


UNKNOWN_EXTENSION = extension(der.oid("1.2.3.4"))
TRUE = b"\x01\x01\xff"

REFUSALS = {
    "empty": (b"", FailInfo.BAD_DATA_FORMAT),
    "text": (b"GET / HTTP/1.1", FailInfo.BAD_DATA_FORMAT),
    "truncated": (request()[:-1], FailInfo.BAD_DATA_FORMAT),
    "trailing byte": (request() + b"\x00", FailInfo.BAD_DATA_FORMAT),
    "trailing byte inside": (request(b"\x00"), FailInfo.BAD_DATA_FORMAT),
    "indefinite length": (b"\x30\x80" + request()[2:] + b"\x00\x00", FailInfo.BAD_DATA_FORMAT),
    "long-form length": (b"\x30\x81" + request()[1:], FailInfo.BAD_DATA_FORMAT),
    "long-form length in the imprint": (
        request(about=b"\x30\x81" + imprint()[1:]),
        FailInfo.BAD_DATA_FORMAT,
    ),
    "boolean not FF": (request(b"\x01\x01\x01"), FailInfo.BAD_DATA_FORMAT),
    "default false sent": (request(b"\x01\x01\x00"), FailInfo.BAD_DATA_FORMAT),
    "padded integer": (request(b"\x02\x02\x00\x01"), FailInfo.BAD_DATA_FORMAT),
    "empty integer": (request(b"\x02\x00"), FailInfo.BAD_DATA_FORMAT),
    "nonce twice": (request(der.integer(1), der.integer(1)), FailInfo.BAD_DATA_FORMAT),
    "deep nesting": (b"\x30\x80" * 5000, FailInfo.BAD_DATA_FORMAT),
    "version 2": (request(version=2), FailInfo.BAD_REQUEST),
    "version 0": (request(version=0), FailInfo.BAD_REQUEST),
    "version of 4 KB": (request(version=1 << 32000), FailInfo.BAD_REQUEST),
    "sha1": (request(about=imprint(algorithm("1.3.14.3.2.26"), bytes(20))), FailInfo.BAD_ALG),
    "sm3 without its setting": (
        request(about=imprint(algorithm("1.2.156.10197.1.401"), bytes(32))),
        FailInfo.BAD_ALG,
    ),
    "hash with 200 arcs": (
        request(about=imprint(der.element(der.SEQUENCE, long_oid(), der.NULL))),
        FailInfo.BAD_ALG,
    ),
    "hash with parameters": (
        request(about=imprint(algorithm("2.16.840.1.101.3.4.2.1", der.integer(5)))),
        FailInfo.BAD_ALG,
    ),
    "two parameters": (
        request(about=imprint(algorithm("2.16.840.1.101.3.4.2.1", der.NULL, der.NULL))),
        FailInfo.BAD_DATA_FORMAT,
    ),
    "no hash": (request(about=imprint(der.element(der.SEQUENCE))), FailInfo.BAD_DATA_FORMAT),
    "short digest": (request(about=imprint(digest=bytes(31))), FailInfo.BAD_DATA_FORMAT),
    "long digest": (request(about=imprint(digest=bytes(33))), FailInfo.BAD_DATA_FORMAT),
    "empty digest": (request(about=imprint(digest=b"")), FailInfo.BAD_DATA_FORMAT),
    "unknown policy": (request(der.oid("1.2.3.4")), FailInfo.UNACCEPTED_POLICY),
    "policy with 200 arcs": (request(long_oid(), der.integer(7), TRUE), FailInfo.UNACCEPTED_POLICY),
    "policy with 200 arcs in version 2": (request(long_oid(), version=2), FailInfo.BAD_REQUEST),
    "policy with 200 arcs over SHA-1": (
        request(long_oid(), about=imprint(algorithm("1.3.14.3.2.26"), bytes(20))),
        FailInfo.BAD_ALG,
    ),
    "policy twice, the first too long": (request(long_oid(), der.oid(POLICY)), FailInfo.BAD_DATA_FORMAT),
    "policy with a padded arc": (request(b"\x06\x03\x2a\x80\x01"), FailInfo.BAD_DATA_FORMAT),
    "unknown extension": (request(extensions(UNKNOWN_EXTENSION)), FailInfo.UNACCEPTED_EXTENSION),
    "critical extension": (
        request(extensions(extension(der.oid("1.2.3.4"), critical=TRUE))),
        FailInfo.UNACCEPTED_EXTENSION,
    ),
    "extension twice": (
        request(extensions(UNKNOWN_EXTENSION, UNKNOWN_EXTENSION)),
        FailInfo.UNACCEPTED_EXTENSION,
    ),
    "extension with 200 arcs": (request(extensions(extension(long_oid()))), FailInfo.UNACCEPTED_EXTENSION),
    "no extensions inside": (request(extensions()), FailInfo.BAD_DATA_FORMAT),
    "extension of another shape": (request(extensions(der.integer(1))), FailInfo.BAD_DATA_FORMAT),
}


@pytest.mark.parametrize(("bad", "expected"), REFUSALS.values(), ids=REFUSALS.keys())
def test_refusal(bad: bytes, expected: FailInfo) -> None:
    with pytest.raises(RequestRefused) as refused:
        parse_request(bad, policies={POLICY})
    assert refused.value.fail_info is expected


@pytest.mark.parametrize(
    "nonce", [None, 0, 1, -1, -(1 << 63), 1 << 160, pytest.param((1 << 32768) - 1, id="4 KB")]
)
def test_nonces_of_any_size_and_sign_are_kept(nonce: int | None) -> None:
    order = order_for(DIGEST, nonce=nonce)
    assert parse_request(build_request(order), policies={POLICY}) == order


@pytest.mark.parametrize("name", ["sha256", "sha384", "sha512"])
@pytest.mark.parametrize("parameters", [(), (der.NULL,)])
def test_the_imprint_is_kept_as_it_was_sent(name: str, parameters: tuple[bytes, ...]) -> None:
    dotted = {"sha256": "1", "sha384": "2", "sha512": "3"}[name]
    digest = hashlib.new(name, b"contract").digest()
    sent = imprint(algorithm(f"2.16.840.1.101.3.4.2.{dotted}", *parameters), digest)
    order = parse_request(request(about=sent), policies={POLICY})
    assert (order.imprint, order.hash_name, order.digest) == (sent, name, digest)
    assert TimestampRequest.from_fields(order.fields()) == order


def test_sm3_behind_its_setting() -> None:
    sent = request(about=imprint(algorithm("1.2.156.10197.1.401"), bytes(32)))
    order = parse_request(sent, policies={POLICY}, hashes={"sha256", "sm3"})
    assert order.hash_name == "sm3"


def test_openssl_reads_our_request() -> None:
    query = build_request(TimestampRequest(imprint(), POLICY, 99, certificates=True))
    status, text = openssl("ts", "-query", "-in", "/dev/stdin", "-text", stdin=query)
    assert status == 0
    assert f"Policy OID: {POLICY}" in text
    assert "Certificate required: yes" in text


@given(st.binary(max_size=300))
def test_random_bytes_are_only_ever_refused(data: bytes) -> None:
    with pytest.raises(RequestRefused):
        parse_request(data, policies={POLICY})


GOOD = request(der.oid(POLICY), der.integer(1 << 70), TRUE)


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255), st.binary(max_size=4))
def test_a_changed_request_is_refused_or_read_as_der(position: int, flip: int, insert: bytes) -> None:
    changed = bytearray(GOOD)
    changed[position] ^= flip
    changed[position:position] = insert
    try:
        order = parse_request(bytes(changed), policies={POLICY})
    except RequestRefused:
        return
    assert build_request(order) == bytes(changed)


@given(st.recursive(st.binary(max_size=8), lambda inner: st.lists(inner, max_size=4), max_leaves=12))
def test_what_decodes_encodes_to_the_same_bytes(tree: object) -> None:
    def as_der(node: object) -> bytes:
        if isinstance(node, bytes):
            return der.element(node[0] if node else 2, node[1:])
        assert isinstance(node, list)
        return der.element(der.SEQUENCE, *(as_der(child) for child in node))

    data = as_der(tree)
    for kind in (der.TimeStampReq, der.TSTInfo, der.PKIStatusInfo, der.Extension, der.SignerInfo, der.Attribute):
        try:
            value = der.decode(kind, data)
        except Malformed:
            continue
        assert der.encode(value) == data

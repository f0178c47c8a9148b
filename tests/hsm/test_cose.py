"""Which keys of authenticators are accepted: a short list, and nothing that cannot be verified."""

from __future__ import annotations

from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hsm.activation.credentials import require_known_key
from hsm.errors import BadRequest


def ec2(curve: ec.EllipticCurve, algorithm: int, number: int) -> bytes:
    numbers = ec.generate_private_key(curve).public_key().public_numbers()
    size = (curve.key_size + 7) // 8
    x, y = numbers.x.to_bytes(size, "big"), numbers.y.to_bytes(size, "big")
    return cbor2.dumps({1: 2, 3: algorithm, -1: number, -2: x, -3: y})


def of_rsa(bits: int, algorithm: int) -> bytes:
    numbers = rsa.generate_private_key(65537, bits).public_key().public_numbers()
    return cbor2.dumps({1: 3, 3: algorithm, -1: numbers.n.to_bytes(bits // 8, "big"), -2: b"\x01\x00\x01"})


def ed() -> bytes:
    raw = ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return cbor2.dumps({1: 1, 3: -8, -1: 6, -2: raw})


@pytest.mark.parametrize(
    "key", [ec2(ec.SECP256R1(), -7, 1), ed(), of_rsa(2048, -257)], ids=["P-256", "Ed25519", "RSA"]
)
def test_strong_keys_are_accepted(key: bytes) -> None:
    require_known_key(key)


@pytest.mark.parametrize(
    "key",
    [
        of_rsa(1024, -257),
        of_rsa(2048, -65535),
        of_rsa(2048, -7),
        ec2(ec.SECP521R1(), -36, 3),
        ec2(ec.SECP384R1(), -7, 2),
        b"\x04" + bytes(64),
        cbor2.dumps({1: 2, 3: -7, -1: 1, -2: bytes(32), -3: bytes(32)}),
        cbor2.dumps({1: 7, 3: -48, -1: bytes(1312)}),
        cbor2.dumps([1, 2]),
        b"",
        b"\xff" * 2000,
    ],
)
def test_everything_else_is_refused(key: bytes) -> None:
    with pytest.raises(BadRequest):
        require_known_key(key)


def test_a_weak_key_is_not_enrolled(authority: Any) -> None:
    credential = {"kind": "webauthn", "credential_id": "aa" * 16, "rp_id": "localhost"}
    act = authority.officer_act(
        "enrol_person",
        subject="person-weak-key",
        name="弱示例",
        organisation="甲公司示例有限公司",
        credentials=[{**credential, "public_key": of_rsa(1024, -65535).hex()}],
    )
    with pytest.raises(BadRequest, match="not accepted"):
        authority.client("web").enrol_person(act, authority.by_officer(act))

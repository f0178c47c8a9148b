"""Which keys of authenticators are accepted: a short list, and nothing that cannot be verified."""

from __future__ import annotations

from dataclasses import replace

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hsm.activation.credentials import require_known_key
from hsm.authenticator import SoftwareAuthenticator
from hsm.errors import ActivationRefused, BadRequest
from tests.authority import ORIGIN, RP_ID, RunningAuthority, assertion_over


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


@pytest.mark.parametrize(("bits", "algorithm"), [(1024, -65535), (1024, -257), (2048, -65535)])
def test_a_weak_key_is_not_registered(authority: RunningAuthority, bits: int, algorithm: int) -> None:
    """Neither by a registration, nor as a passkey that somebody has already."""
    subject, service = "person-weak-key", authority.client("activation")
    device, key = SoftwareAuthenticator.create(RP_ID, ORIGIN), of_rsa(bits, algorithm)
    answer = device.register(service.begin_registration(subject).challenge)
    attestation = cbor2.loads(answer.attestation_object)
    own = bytes.fromhex(device.credential()["public_key"])
    attestation["authData"] = attestation["authData"].replace(own, key)
    with pytest.raises((BadRequest, ActivationRefused)) as refused:
        service.register_passkey(subject, replace(answer, attestation_object=cbor2.dumps(attestation)))
    assert "not accepted" in str(refused.value) or "Unsupported" in str(refused.value)
    begun = service.begin_registration(subject).challenge
    assertion = assertion_over(device, subject, begun)
    with pytest.raises(BadRequest, match="not accepted"):
        service.register_known_passkey(subject, begun, key, assertion)
    assert service.pending_credentials(subject) == []

"""Passkeys that are registered: those of the right place and its user alone, and none of somebody else."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import cbor2
import pytest

from hsm.client import AuthorityClient
from hsm.errors import ActivationRefused, BadRequest, CertificateRefused
from hsm.intents import WebAuthnActivation
from tests.authority import ORIGIN, RP_ID, RunningAuthority, assertion_over, intent_for
from tests.hsm.registering import (
    ATTESTED,
    CONSOLE,
    FLAGS,
    PORTAL,
    PRESENT,
    VERIFIED,
    begun,
    device,
    enrol,
    fingerprints,
)

# Passkeys


@pytest.mark.parametrize(
    ("rp_id", "origin"),
    [
        (RP_ID, PORTAL),
        (RP_ID, CONSOLE),
        (RP_ID, "http://localhost"),
        (RP_ID, f"{ORIGIN}/"),
        (RP_ID, ""),
        ("evil.example", ORIGIN),
        ("evil.example", "https://evil.example"),
    ],
)
def test_what_was_made_elsewhere_is_refused(
    authority: RunningAuthority, service: AuthorityClient, subject: str, rp_id: str, origin: str
) -> None:
    own = device(rp_id, origin)
    with pytest.raises(ActivationRefused, match="could not be registered"):
        service.register_passkey(subject, own.register(begun(service, subject)))
    challenge, key = begun(service, subject), bytes.fromhex(own.credential()["public_key"])
    with pytest.raises(ActivationRefused, match="does not verify"):
        service.register_known_passkey(subject, challenge, key, assertion_over(own, subject, challenge))
    assert fingerprints(authority, subject) == []


@pytest.mark.parametrize(
    "flags", [PRESENT | ATTESTED, VERIFIED | ATTESTED, ATTESTED, PRESENT | VERIFIED, 0], ids=hex
)
def test_a_passkey_is_registered_by_its_user(
    authority: RunningAuthority, service: AuthorityClient, subject: str, flags: int
) -> None:
    """Without user verification, presence, or the passkey itself: refused."""
    made = device().register(begun(service, subject))
    attestation = cbor2.loads(made.attestation_object)
    content = bytearray(attestation["authData"])
    assert content[FLAGS] == PRESENT | VERIFIED | ATTESTED
    content[FLAGS] = flags
    if not flags & ATTESTED:
        del content[FLAGS + 5 :]
    attestation["authData"] = bytes(content)
    with pytest.raises(ActivationRefused, match="could not be registered"):
        service.register_passkey(subject, replace(made, attestation_object=cbor2.dumps(attestation)))
    assert fingerprints(authority, subject) == []


@pytest.mark.parametrize("part", ["client_data", "attestation_object"])
def test_hostile_answers_are_refusals(
    authority: RunningAuthority, service: AuthorityClient, subject: str, part: str
) -> None:
    for junk in (b"", b"{", b"[]", b"{}", b"\xff\xfe", b"[" * 5000, b"\x81" * 5000, b"\xa1\x63fmt\x01", b"\xa0"):
        made = replace(device().register(begun(service, subject)), **{part: junk})
        with pytest.raises(ActivationRefused) as refused:
            service.register_passkey(subject, made)
        assert "Traceback" not in str(refused.value)
    assert "failed inside" not in authority.log
    assert fingerprints(authority, subject) == []


def test_an_assertion_is_no_registration(service: AuthorityClient, subject: str) -> None:
    challenge, own = begun(service, subject), device()
    client_data = assertion_over(own, subject, challenge).client_data
    with pytest.raises(ActivationRefused, match="client data type"):
        service.register_passkey(subject, replace(own.register(challenge), client_data=client_data))


def test_a_passkey_of_somebody_else_is_not_registered_again(
    authority: RunningAuthority, service: AuthorityClient, subject: str
) -> None:
    """Whether it is enrolled or was revoked, and whatever key it is said to have; one that only waits keeps nobody
    from registering, but the thief is not enrolled with it afterwards."""
    own, thief = device(), f"{subject}-b"

    def require_taken() -> None:
        pretended = replace(device(), credential_id=own.credential_id)
        for taken in (own, pretended):
            with pytest.raises(CertificateRefused, match="registered already"):
                authority.register(thief, taken)
            challenge, key = begun(service, thief), bytes.fromhex(taken.credential()["public_key"])
            with pytest.raises(CertificateRefused, match="registered already"):
                service.register_known_passkey(thief, challenge, key, assertion_over(taken, thief, challenge))
        assert fingerprints(authority, thief) == []

    made = authority.register(subject, own)
    waits = [
        authority.register(f"{thief}-c", each) for each in (replace(device(), credential_id=own.credential_id),)
    ]
    assert fingerprints(authority, subject) == [made]
    enrol(authority, subject, made)
    with pytest.raises(CertificateRefused, match="belongs to somebody already"):
        enrol(authority, f"{thief}-c", *waits)
    require_taken()
    with pytest.raises(CertificateRefused, match="registered already"):
        authority.register(subject, own)
    act = authority.officer_act("revoke_credential", subject=subject, credential=own.credential_id.hex())
    authority.officer_does(authority.client("web").revoke_credential, act)
    require_taken()


def test_who_registers_the_same_passkey_again_has_the_same_fingerprint(
    authority: RunningAuthority, subject: str
) -> None:
    """Somebody whose request was refused, or who has lost the page, comes back with the passkey they have."""
    own, other = device(), device()
    first, second = authority.register(subject, own), authority.register(subject, other)
    assert fingerprints(authority, subject) == [first, second]
    assert authority.register(subject, own) == first
    assert fingerprints(authority, subject) == [second, first]


# Passkeys that somebody has already


def test_a_known_passkey_is_proved(authority: RunningAuthority, service: AuthorityClient, subject: str) -> None:
    own, other = device(), device()
    key, others_key = (bytes.fromhex(each.credential()["public_key"]) for each in (own, other))
    present = hashlib.sha256(RP_ID.encode()).digest() + bytes([PRESENT]) + bytes(4)

    def assertions(challenge: bytes, given: WebAuthnActivation) -> list[tuple[bytes, WebAuthnActivation]]:
        """Keys, and what does not prove them."""
        return [
            (others_key, given),
            (key, replace(given, signature=assertion_over(other, subject, challenge).signature)),
            (key, replace(given, signature=b"")),
            (key, replace(given, client_data=own.register(challenge).client_data)),
            (key, replace(given, authenticator_data=present)),
            (key, assertion_over(own, subject, begun(service, subject))),
        ]

    for number in range(6):
        challenge = begun(service, subject)
        named, wrong = assertions(challenge, assertion_over(own, subject, challenge))[number]
        with pytest.raises(ActivationRefused, match="does not verify"):
            service.register_known_passkey(subject, challenge, named, wrong)
    challenge = begun(service, subject)
    given = assertion_over(own, subject, challenge)
    for weak in (b"", b"\x04" + bytes(64), b"\xff" * 2000, cbor2.dumps([1, 2])):
        with pytest.raises(BadRequest):
            service.register_known_passkey(subject, challenge, weak, given)
    assert fingerprints(authority, subject) == []

    made = service.register_known_passkey(subject, challenge, key, given)
    assert (made.kind, made.credential_id, made.public_key) == ("webauthn", own.credential_id, key)
    with pytest.raises(ActivationRefused, match="too old"):
        service.register_known_passkey(subject, challenge, key, given)
    enrol(authority, subject, made.fingerprint)
    assert authority.sign(intent_for(subject), (own, subject))

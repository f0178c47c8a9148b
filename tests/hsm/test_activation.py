"""Activations that must not count: each is refused, and what was refused leaves nothing signed."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import argon2
import pytest

from hsm import cms
from hsm.activation.credentials import code_at, step_of
from hsm.authenticator import SoftwareAuthenticator
from hsm.client import AuthorityClient
from hsm.errors import ActivationLocked, ActivationRefused, CertificateRefused
from hsm.intents import PinTotpActivation, SigningIntent, WebAuthnActivation
from tests.authority import OFFICER, ORIGIN, RP_ID, RunningAuthority, intent_for, soon

PERSON = "person-victim"


@pytest.fixture(scope="module")
def device(authority: RunningAuthority) -> SoftwareAuthenticator:
    authority.enrol_person("person-other")
    return authority.enrol_person(PERSON)


def refused(
    authority: RunningAuthority, intent: SigningIntent, activation: WebAuthnActivation | PinTotpActivation
) -> str:
    """The sentence of the refusal, after which nothing is signed."""
    return authority.refuses(authority.client("web").sign_document, intent, activation)


def test_without_an_activation_nothing_is_signed(
    authority: RunningAuthority, device: SoftwareAuthenticator
) -> None:
    with pytest.raises(ActivationRefused, match="needs an activation"):
        authority.client("web").sign_document(intent_for(PERSON))


@pytest.mark.parametrize(
    "change",
    [
        lambda intent: replace(intent, digest=bytes(32)),
        lambda intent: replace(intent, contract="contract-2"),
        lambda intent: replace(intent, party="party-2"),
        lambda intent: replace(intent, field="Signature2"),
        lambda intent: replace(intent, expires=intent.expires + timedelta(seconds=1)),
        lambda intent: replace(intent, nonce=secrets.token_bytes(16)),
        lambda intent: replace(intent, passkey_only=True),
        lambda intent: replace(intent, values=(("Account", "6222"),)),
    ],
)
def test_an_activation_is_for_one_intent(
    authority: RunningAuthority,
    device: SoftwareAuthenticator,
    change: Callable[[SigningIntent], SigningIntent],
) -> None:
    intent = intent_for(PERSON)
    activation = device.activate(PERSON, intent)

    assert "does not verify" in refused(authority, change(intent), activation)


def test_an_activation_counts_once(authority: RunningAuthority, device: SoftwareAuthenticator) -> None:
    intent = intent_for(PERSON)
    activation = device.activate(PERSON, intent)
    authority.approve(intent, activation)
    authority.client("web").sign_document(intent)

    refused(authority, intent, activation)
    assert "used before" in refused(authority, intent, device.activate(PERSON, intent))


def test_used_nonces_are_remembered_over_a_restart(
    authority: RunningAuthority, device: SoftwareAuthenticator
) -> None:
    intent = intent_for(PERSON)
    authority.sign(intent, (device, PERSON))

    authority.restart()

    assert "used before" in refused(authority, intent, device.activate(PERSON, intent))


@pytest.mark.parametrize(("minutes", "said"), [(-0.1, "expired"), (16, "15 minutes")])
def test_a_permission_has_its_time(
    authority: RunningAuthority, device: SoftwareAuthenticator, minutes: float, said: str
) -> None:
    intent = replace(intent_for(PERSON), expires=soon(minutes))

    assert said in refused(authority, intent, device.activate(PERSON, intent))


@pytest.mark.parametrize("part", ["client_data", "authenticator_data", "signature", "credential_id"])
def test_every_flipped_bit_is_noticed(
    authority: RunningAuthority, device: SoftwareAuthenticator, part: str
) -> None:
    intent = intent_for(PERSON)
    activation = device.activate(PERSON, intent)
    original = getattr(activation, part)
    for position in range(0, len(original), 5):
        altered = bytearray(original)
        altered[position] ^= 1 << position % 8
        refused(authority, intent, replace(activation, **{part: bytes(altered)}))
    authority.approve(intent, activation)
    assert authority.client("web").sign_document(intent)


def test_somebody_elses_activation_is_refused(authority: RunningAuthority, device: SoftwareAuthenticator) -> None:
    intent = intent_for(PERSON)
    stranger = authority.enrol_person("person-stranger")

    refused(authority, intent, stranger.activate("person-stranger", intent))
    refused(authority, intent, stranger.activate(PERSON, intent))
    refused(authority, intent, authority.officer.activate(OFFICER, intent))
    assert authority.confirm(device, PERSON, intent).given == (PERSON,)
    with pytest.raises(ActivationRefused, match="that very person"):
        authority.confirm(stranger, "person-stranger", intent)
    assert authority.client("web").approvals(intent).given == (PERSON,)


def test_a_counter_that_goes_back_betrays_a_copy(
    authority: RunningAuthority, device: SoftwareAuthenticator
) -> None:
    copy = replace(device)
    for _ in range(2):
        intent = intent_for(PERSON)
        authority.sign(intent, (device, PERSON))
    intent = intent_for(PERSON)

    refused(authority, intent, copy.activate(PERSON, intent))


@pytest.mark.parametrize(
    ("rp_id", "origin"), [(RP_ID, "http://evil.example"), ("evil.example", ORIGIN), (RP_ID, "")]
)
def test_another_site_cannot_collect_activations(
    authority: RunningAuthority, device: SoftwareAuthenticator, rp_id: str, origin: str
) -> None:
    intent = intent_for(PERSON)
    device.counter += 1
    phished = replace(device, rp_id=rp_id, origin=origin)

    refused(authority, intent, phished.activate(PERSON, intent))


@pytest.mark.parametrize(
    "client_data", [b"", b"{", b"[]", b'{"type":1}', b"\xff\xfe", b"[" * 5000, b'{"type":"webauthn.get"}']
)
def test_hostile_client_data_is_a_refusal(
    authority: RunningAuthority, device: SoftwareAuthenticator, client_data: bytes
) -> None:
    intent = intent_for(PERSON)
    activation = replace(device.activate(PERSON, intent), client_data=client_data)

    assert "Traceback" not in refused(authority, intent, activation)
    assert "failed inside" not in authority.log


def test_a_seal_is_not_one_persons(authority: RunningAuthority) -> None:
    custodian = authority.enrol_person("person-guarding")
    first = authority.enrol_person("person-first")
    second = authority.enrol_person("person-second")
    authority.enrol_seal("seal-guarded", ["person-guarding"])
    web = authority.client("web")
    by_custodian, by_others = intent_for("seal-guarded"), intent_for("seal-guarded")

    authority.confirm(custodian, "person-guarding", by_custodian)
    with pytest.raises(ActivationRefused, match="two persons"):
        web.sign_document(by_custodian)
    assert "already" in refused(authority, by_custodian, custodian.activate("person-guarding", by_custodian))
    assert "two persons" in refused(authority, by_custodian, authority.officer.activate(OFFICER, by_custodian))
    authority.confirm(first, "person-first", by_others)
    assert "custodians" in refused(authority, by_others, second.activate("person-second", by_others))
    assert web.approvals(by_custodian).given == ("person-guarding",)
    assert web.approvals(by_others).given == ("person-first",)


def test_officers_acts_need_officers(authority: RunningAuthority, device: SoftwareAuthenticator) -> None:
    more = authority.register(PERSON, SoftwareAuthenticator.create(RP_ID, ORIGIN))
    act = authority.officer_act("add_credential", subject=PERSON, credential=more)

    with pytest.raises(ActivationRefused):
        authority.client("web").add_credential(act)
    said = authority.refuses(authority.client("web").add_credential, act, device.activate(PERSON, act))
    assert "officers" in said


def test_a_revoked_credential_is_dead(authority: RunningAuthority) -> None:
    lost = authority.enrol_person("person-lost")
    act = authority.officer_act("revoke_credential", subject="person-lost", credential=lost.credential_id.hex())
    authority.officer_does(authority.client("web").revoke_credential, act)
    intent = intent_for("person-lost")

    assert "revoked" in refused(authority, intent, lost.activate("person-lost", intent))


STRONG = argon2.PasswordHasher(memory_cost=19_456, time_cost=2, parallelism=1).hash("246810")
"""The hash of the PIN 246810."""


def register_pin(
    service: AuthorityClient, subject: str, secret: bytes, *, pin_hash: str = STRONG, later: int = -1
) -> str:
    """What the activation service does when *subject* sets up a PIN and the TOTP *secret*; the fingerprint."""
    sealed = service.wrap_key(f"enrolment:{subject}", secret)
    code = code_at(secret, step_of(datetime.now(UTC)) + later)
    return service.register_pin(subject, pin_hash, sealed, code).fingerprint


def enrol_pin(authority: RunningAuthority, subject: str) -> bytes:
    """Enrols *subject* with the PIN 246810; the TOTP secret."""
    authority.enrol_person(subject)
    secret = secrets.token_bytes(20)
    made = register_pin(authority.client("activation"), subject, secret)
    act = authority.officer_act("add_credential", subject=subject, credential=made)
    authority.officer_does(authority.client("web").add_credential, act)
    return secret


def answer(subject: str, secret: bytes, *, pin: str = "246810", later: int = 0) -> PinTotpActivation:
    return PinTotpActivation(subject, pin, code_at(secret, step_of(datetime.now(UTC)) + later))


def test_pin_and_code_activate_once(authority: RunningAuthority) -> None:
    secret = enrol_pin(authority, "person-pin")
    intent = intent_for("person-pin")
    activation = answer("person-pin", secret)
    authority.approve(intent, activation)
    signed = cms.parse(authority.client("web").sign_document(intent))
    assert signed.activation() == "pin-totp", "the signature itself says that it was the weaker way"

    another = intent_for("person-pin")
    refused(authority, another, activation)
    authority.approve(another, answer("person-pin", secret, later=1))
    assert authority.client("web").sign_document(another)


def test_what_takes_a_passkey_takes_no_pin_and_code(
    authority: RunningAuthority, device: SoftwareAuthenticator
) -> None:
    secret = enrol_pin(authority, "person-pin-only")
    activation = answer("person-pin-only", secret)
    plain = intent_for("person-pin-only")
    demanding = replace(plain, passkey_only=True)
    assert "with a passkey only" in refused(authority, demanding, activation)
    authority.approve(plain, activation)
    with pytest.raises(ActivationRefused, match="another act"):
        authority.client("web").sign_document(demanding)
    assert authority.client("web").sign_document(plain), "the code was not used up, nor was the nonce"

    by_passkey = replace(intent_for(PERSON), passkey_only=True)
    stripped = replace(by_passkey, passkey_only=False)
    assert "does not verify" in refused(authority, stripped, device.activate(PERSON, by_passkey))
    assert cms.parse(authority.sign(by_passkey, (device, PERSON))).activation() == "webauthn"


def test_each_of_those_who_release_a_seal_needs_the_passkey(authority: RunningAuthority) -> None:
    secret, asking = enrol_pin(authority, "person-pin-keeps"), authority.enrol_person("person-asks")
    authority.enrol_seal("seal-of-pin", ["person-pin-keeps"])
    intent = replace(intent_for("seal-of-pin"), passkey_only=True)
    authority.confirm(asking, "person-asks", intent)
    assert "with a passkey only" in refused(authority, intent, answer("person-pin-keeps", secret))
    assert authority.client("web").approvals(intent).given == ("person-asks",)


def test_officers_do_not_act_by_pin_which_a_carrier_could_use_for_another_act(authority: RunningAuthority) -> None:
    act = authority.officer_act("revoke_credential", subject=PERSON, credential="00")
    said = authority.refuses(authority.client("web").revoke_credential, act, answer(OFFICER, bytes(20)))
    assert "bound to no act" in said


def test_five_wrong_answers_lock(authority: RunningAuthority) -> None:
    secret = enrol_pin(authority, "person-forgetful")
    intent = intent_for("person-forgetful")
    for wrong in (
        answer("person-forgetful", secret, pin="111111"),
        answer("person-forgetful", secret, later=7),
        answer("person-forgetful", bytes(20)),
        answer("person-forgetful", secret, pin=""),
        answer("person-forgetful", secret, pin="24681"),
    ):
        assert "wrong" in refused(authority, intent, wrong)
    authority.restart()

    with pytest.raises(ActivationLocked):
        authority.approve(intent, answer("person-forgetful", secret))
    assert authority.client("web").approvals(intent).given == ()
    with pytest.raises(ActivationRefused):
        authority.client("web").sign_document(intent)


def test_secrets_of_credentials_are_nowhere_in_the_clear(authority: RunningAuthority) -> None:
    secret = enrol_pin(authority, "person-secretive")
    encoded = base64.b32encode(secret)

    for path in (authority.root / "authority").glob("authority.db*"):
        content = path.read_bytes()
        assert secret not in content
        assert encoded not in content
    assert encoded.decode() not in authority.log


def test_weak_pin_hashes_are_refused(authority: RunningAuthority) -> None:
    authority.enrol_person("person-weak")
    weak = argon2.PasswordHasher(memory_cost=64, time_cost=1, parallelism=1).hash("246810")
    other = argon2.PasswordHasher(2, 19_456, 1, type=argon2.Type.I).hash("246810")
    for each in (weak, other, "246810", ""):
        with pytest.raises(CertificateRefused):
            register_pin(authority.client("activation"), "person-weak", bytes(20), pin_hash=each)
    assert authority.client("web").pending_credentials("person-weak") == []

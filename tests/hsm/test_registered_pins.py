"""PIN and code that are registered: what none can be, what is kept of them, and who may have none."""

from __future__ import annotations

import hashlib
import secrets
import struct
from datetime import UTC, datetime

import pytest

from hsm.activation.credentials import code_at, step_of
from hsm.client import AuthorityClient
from hsm.errors import ActivationRefused, AuthorityError, BadRequest, Malformed, NotPermitted
from tests.authority import OFFICER, RunningAuthority, intent_for, running_authority
from tests.hsm.registering import device, enrol, fingerprints, store
from tests.hsm.test_activation import STRONG, answer, enrol_pin, register_pin


def test_what_no_pin_can_be(authority: RunningAuthority, service: AuthorityClient, subject: str) -> None:
    secret, web = secrets.token_bytes(20), authority.client("web")
    code = code_at(secret, step_of(datetime.now(UTC)))
    sealed = service.wrap_key(f"enrolment:{subject}", secret)
    with pytest.raises(BadRequest, match="16 to"):
        service.wrap_key(f"enrolment:{subject}", secret[:15])
    wrong: list[tuple[bytes, str, tuple[type[AuthorityError], ...]]] = [
        *((sealed, each, (ActivationRefused,)) for each in ("", "00000", f"{code}0", code[:-1], "abcdef")),
        (sealed, code_at(secret, step_of(datetime.now(UTC)) + 7), (ActivationRefused,)),
        (sealed, code_at(bytes(20), step_of(datetime.now(UTC))), (ActivationRefused,)),
        (secret, code, (NotPermitted, BadRequest, Malformed)),
        (b"", code, (NotPermitted, BadRequest, Malformed)),
        (service.wrap_key(f"enrolment:{subject}-b", secret), code, (NotPermitted,)),
        (service.wrap_key(f"login:{subject}", secret), code, (NotPermitted,)),
        (web.wrap_key(f"enrolment:{subject}", secret), code, (NotPermitted,)),
    ]
    for given, typed, refusals in wrong:
        with pytest.raises(refusals):
            service.register_pin(subject, STRONG, given, typed)
    with pytest.raises(BadRequest, match="authenticator"):
        register_pin(authority.client("activation"), f"officer-{secrets.token_hex(6)}", secret)
    assert fingerprints(authority, subject) == []
    assert "failed inside" not in authority.log


def test_a_pin_is_enrolled_by_its_fingerprint(
    authority: RunningAuthority, service: AuthorityClient, subject: str
) -> None:
    secret = secrets.token_bytes(20)
    passkey, pin = (
        authority.register(subject, device()),
        register_pin(authority.client("activation"), subject, secret),
    )
    known = service.pending_credentials(subject)
    assert [each.kind for each in known] == ["webauthn", "pin-totp"]
    assert (known[1].credential_id, known[1].public_key) == (None, None)
    raw = repr(authority.client("web").ask("pending_credentials", {"subject": subject}))
    assert "argon2" not in raw and secret.hex() not in raw
    parts = (subject.encode(), STRONG.encode(), secret)
    digits = hashlib.sha256(b"".join(struct.pack(">I", len(each)) + each for each in parts)).hexdigest()
    assert pin.replace(" ", "") == digits[:20]
    for path in (authority.root / "authority").glob("authority.db*"):
        assert secret not in path.read_bytes()
    enrol(authority, subject, passkey, pin)
    intent = intent_for(subject)
    authority.approve(intent, answer(subject, secret))
    assert authority.client("web").sign_document(intent)


def test_an_officer_gets_no_pin_however_it_was_registered(authority: RunningAuthority, subject: str) -> None:
    """As somebody might who changes the store."""
    officer = f"officer-{subject.removeprefix('person-')}"
    pin = register_pin(authority.client("activation"), subject, secrets.token_bytes(20))
    with store(authority) as connection:
        connection.execute("UPDATE pending_credentials SET subject = ? WHERE subject = ?", (officer, subject))
    with pytest.raises(BadRequest, match="authenticator"):
        enrol(authority, officer, pin)
    act = authority.officer_act("add_credential", subject=OFFICER, credential=pin)
    with store(authority) as connection:
        connection.execute("UPDATE pending_credentials SET subject = ? WHERE subject = ?", (OFFICER, officer))
    with pytest.raises(BadRequest, match="authenticator"):
        authority.officer_does(authority.client("web").add_credential, act)
    with store(authority) as connection:
        connection.execute("DELETE FROM pending_credentials WHERE subject = ?", (OFFICER,))


def test_a_house_can_refuse_pin_and_code() -> None:
    with running_authority(workers=1) as own:
        secret, secret_of_later = enrol_pin(own, "person-pin"), secrets.token_bytes(20)
        more = register_pin(own.client("activation"), "person-later", secret_of_later)
        assert own.client("activation").begin_registration("person-pin").pin
        assert not own.client("activation").begin_registration("officer-pin").pin
        with (own.root / "config/authority.toml").open("a", encoding="utf-8") as stream:
            stream.write("\n[activation]\npin_totp = false\n")
        own.restart()
        assert not own.client("activation").begin_registration("person-pin").pin
        with pytest.raises(ActivationRefused, match="not taken here"):
            register_pin(own.client("activation"), "person-pin", secret)
        intent = intent_for("person-pin")
        for guess in (answer("person-pin", secret), answer("person-pin", secret, pin="111111")):
            assert "passkey" in own.refuses(own.client("web").sign_document, intent, guess)
        enrol(own, "person-later", more)  # which it had registered before
        later = intent_for("person-later")
        own.refuses(own.client("web").sign_document, later, answer("person-later", secret_of_later))
        passkey = device()
        enrol(own, "person-passkey", own.register("person-passkey", passkey))
        assert own.sign(intent_for("person-passkey"), (passkey, "person-passkey"))

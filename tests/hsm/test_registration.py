"""Registering what people activate with: what must not be kept, and what officers' intents must not name."""

from __future__ import annotations

import hashlib
import re
import secrets
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import cbor2
import pytest
from pysqlite3 import dbapi2 as sqlite

from hsm.activation.credentials import code_at, step_of
from hsm.authenticator import SoftwareAuthenticator
from hsm.client import AuthorityClient
from hsm.config import PeerRole
from hsm.errors import (
    ActivationRefused,
    AuthorityError,
    BadRequest,
    CertificateRefused,
    ConfigurationRefused,
    Malformed,
    NotPermitted,
)
from hsm.intents import OfficerIntent, PasskeyRegistration, WebAuthnActivation
from hsm.operations.registration import KEPT, LASTS
from hsm.store.registrations import MOST_OF_SUBJECT
from tests.authority import (
    OFFICER,
    ORGANISATION,
    ORIGIN,
    RP_ID,
    RunningAuthority,
    assertion_over,
    intent_for,
    running_authority,
)
from tests.hsm.attesting import Maker, attested_by_itself, signed, with_statement
from tests.hsm.test_activation import STRONG, answer, enrol_pin, register_pin

PORTAL, CONSOLE = "http://localhost:8080", "http://localhost:8082"
OTHERS = [each.value for each in PeerRole if each is not PeerRole.ACTIVATION]
PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40
FLAGS = 32
"""Where they stand in the authenticator data."""


@pytest.fixture
def subject() -> str:
    """Somebody new."""
    return f"person-{secrets.token_hex(6)}"


@pytest.fixture
def service(authority: RunningAuthority) -> AuthorityClient:
    return authority.client("activation")


def device(rp_id: str = RP_ID, origin: str = ORIGIN) -> SoftwareAuthenticator:
    return SoftwareAuthenticator.create(rp_id, origin)


def begun(service: AuthorityClient, subject: str) -> bytes:
    return service.begin_registration(subject).challenge


def fingerprints(authority: RunningAuthority, subject: str) -> list[str]:
    return [each.fingerprint for each in authority.client("web").pending_credentials(subject)]


@contextmanager
def store(authority: RunningAuthority) -> Iterator[sqlite.Connection]:
    """The authority's own database."""
    connection = sqlite.connect(authority.root / "authority/authority.db", isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()


def enrolment(authority: RunningAuthority, subject: str, credentials: object) -> OfficerIntent:
    named = {"subject": subject, "name": "张示例", "organisation": ORGANISATION}
    kind = "enrol_officer" if subject.startswith("officer-") else "enrol_person"
    return authority.officer_act(kind, **named, credentials=credentials)


def enrol(authority: RunningAuthority, subject: str, *credentials: object) -> None:
    """The officer enrols *subject*, a person or an officer, with what the fingerprints name."""
    act = enrolment(authority, subject, list(credentials))
    authority.officer_does(getattr(authority.client("web"), act.kind), act)


# Who registers


@pytest.mark.parametrize("role", OTHERS)
def test_nobody_but_the_activation_service_registers(
    authority: RunningAuthority, service: AuthorityClient, subject: str, role: str
) -> None:
    client, own = authority.client(role), device()
    challenge = begun(service, subject)
    made, given = own.register(challenge), assertion_over(own, subject, challenge)
    key = bytes.fromhex(own.credential()["public_key"])
    for attempt in (
        lambda: client.begin_registration(subject),
        lambda: client.register_passkey(subject, made),
        lambda: client.register_known_passkey(subject, challenge, key, given),
        lambda: client.register_pin(subject, STRONG, b"sealed", "000000"),
    ):
        with pytest.raises(NotPermitted):
            attempt()
    assert fingerprints(authority, subject) == []
    assert service.register_passkey(subject, made), "nothing of it was used up"


@pytest.mark.parametrize("role", sorted({*OTHERS} - {"web", "operator", "scheduler"}))
def test_what_waits_is_told_to_few(authority: RunningAuthority, role: str) -> None:
    with pytest.raises(NotPermitted):
        authority.client(role).pending_credentials(OFFICER)


@pytest.mark.parametrize("role", sorted({*OTHERS, "activation"} - {"scheduler"}))
def test_for_whom_something_waits_is_told_to_the_scheduler_alone(authority: RunningAuthority, role: str) -> None:
    with pytest.raises(NotPermitted):
        authority.client(role).pending_subjects()


@pytest.mark.parametrize("name", ["seal-alpha", "keeper-sun", "tsa", "person-", "person-<b>", "Person-a", ""])
def test_only_persons_and_officers_register(service: AuthorityClient, name: str) -> None:
    own = device()
    made, given = own.register(bytes(32)), assertion_over(own, name, bytes(32))
    key = bytes.fromhex(own.credential()["public_key"])
    for attempt in (
        lambda: service.begin_registration(name),
        lambda: service.register_passkey(name, made),
        lambda: service.register_known_passkey(name, bytes(32), key, given),
        lambda: service.register_pin(name, STRONG, b"sealed", "000000"),
    ):
        with pytest.raises(BadRequest):
            attempt()


# Challenges


def test_a_challenge_counts_once(authority: RunningAuthority, service: AuthorityClient, subject: str) -> None:
    challenge, own, other = begun(service, subject), device(), device()
    made = service.register_passkey(subject, own.register(challenge))
    for again in (own, other):
        with pytest.raises(ActivationRefused, match="too old, or was made for somebody else"):
            service.register_passkey(subject, again.register(challenge))
    key = bytes.fromhex(other.credential()["public_key"])
    with pytest.raises(ActivationRefused, match="too old"):
        service.register_known_passkey(subject, challenge, key, assertion_over(other, subject, challenge))
    assert fingerprints(authority, subject) == [made.fingerprint]


def test_a_challenge_is_used_up_by_a_wrong_answer(
    authority: RunningAuthority, service: AuthorityClient, subject: str
) -> None:
    challenge = begun(service, subject)
    with pytest.raises(ActivationRefused, match="could not be registered"):
        service.register_passkey(subject, device(origin=PORTAL).register(challenge))
    with pytest.raises(ActivationRefused, match="too old"):
        service.register_passkey(subject, device().register(challenge))
    assert fingerprints(authority, subject) == []


def test_a_challenge_is_for_its_subject_alone(
    authority: RunningAuthority, service: AuthorityClient, subject: str
) -> None:
    challenge, own, thief = begun(service, subject), device(), f"{subject}-b"
    key = bytes.fromhex(own.credential()["public_key"])
    with pytest.raises(ActivationRefused, match="somebody else"):
        service.register_passkey(thief, own.register(challenge))
    with pytest.raises(ActivationRefused, match="somebody else"):
        service.register_known_passkey(thief, challenge, key, assertion_over(own, thief, challenge))
    assert fingerprints(authority, thief) == []
    assert service.register_passkey(subject, own.register(challenge))


def test_a_challenge_that_nobody_gave_is_refused(service: AuthorityClient, subject: str) -> None:
    for made_up in (bytes(32), b"", bytes(31), service.begin_registration(subject).challenge[:-1]):
        with pytest.raises(ActivationRefused, match="too old"):
            service.register_passkey(subject, device().register(made_up))


def test_a_registration_for_another_challenge_is_refused(service: AuthorityClient, subject: str) -> None:
    one, other = begun(service, subject), begun(service, subject)
    with pytest.raises(ActivationRefused, match="challenge"):
        service.register_passkey(subject, replace(device().register(one), challenge=other))


def test_a_registration_has_its_time(authority: RunningAuthority, service: AuthorityClient, subject: str) -> None:
    before = int(datetime.now(UTC).timestamp())
    late, in_time = begun(service, subject), begun(service, subject)
    after = int(datetime.now(UTC).timestamp())
    with store(authority) as connection:
        rows = connection.execute("SELECT expires FROM registrations WHERE subject = ?", (subject,)).fetchall()
        lasts = int(LASTS.total_seconds())
        assert timedelta(minutes=15) == LASTS
        assert len(rows) == 2 and all(before + lasts <= each <= after + lasts for (each,) in rows)
        connection.execute("UPDATE registrations SET expires = ? WHERE challenge = ?", (after, late))

    with pytest.raises(ActivationRefused, match="too old"):
        service.register_passkey(subject, device().register(late))
    assert fingerprints(authority, subject) == []
    assert service.register_passkey(subject, device().register(in_time))

    late = begun(service, subject)
    with store(authority) as connection:
        connection.execute("UPDATE registrations SET expires = ? WHERE challenge = ?", (after, late))
        begun(service, subject)
        kept = connection.execute("SELECT count(*) FROM registrations WHERE challenge = ?", (late,)).fetchone()
    assert kept == (0,), "those that have run out are forgotten"


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


# Fingerprints


def test_a_fingerprint_is_of_subject_id_and_key(authority: RunningAuthority, subject: str) -> None:
    own = device()
    key = bytes.fromhex(own.credential()["public_key"])
    parts = (subject.encode(), own.credential_id, key)
    digits = hashlib.sha256(b"".join(struct.pack(">I", len(each)) + each for each in parts)).hexdigest()
    made = authority.register(subject, own)
    assert re.fullmatch("[0-9a-f]{4}( [0-9a-f]{4}){4}", made)
    assert made.replace(" ", "") == digits[:20]


@pytest.mark.parametrize("kind", ["person", "officer"])
def test_only_own_fingerprints_enrol_each_once(authority: RunningAuthority, kind: str) -> None:
    subject = f"{kind}-{secrets.token_hex(6)}"
    device_map, web = device().credential(), authority.client("web")
    own, theirs = authority.register(subject, device()), authority.register(f"{subject}-b", device())
    wrong: list[tuple[object, type[AuthorityError]]] = [
        ([theirs], CertificateRefused),
        ([own, theirs], CertificateRefused),
        (["0000 0000 0000 0000 0000"], CertificateRefused),
        ([""], CertificateRefused),
        ([own.upper() + " "], CertificateRefused),
        ([own.replace(" ", "")], CertificateRefused),
        ([own[:-1]], CertificateRefused),
        ([own, own], BadRequest),
        ([device_map], BadRequest),
        ([own, device_map], BadRequest),
        ([{"fingerprint": own}], BadRequest),
        ([None], BadRequest),
        ([[own]], BadRequest),
        ([7], BadRequest),
        (own, BadRequest),
        ({own: own}, BadRequest),
        (None, BadRequest),
        ([], BadRequest),
        ([f"{number:04x} 0000 0000 0000 0000" for number in range(9)], BadRequest),
    ]
    for credentials, refusal in wrong:
        act = enrolment(authority, subject, credentials)
        with pytest.raises(refusal):
            authority.officer_does(getattr(web, act.kind), act)
    assert web.credentials(subject) == []
    assert fingerprints(authority, subject) == [own]
    enrol(authority, subject, own)
    assert len(web.credentials(subject)) == 1


@pytest.mark.parametrize("kind", ["person", "officer"])
def test_only_an_own_fingerprint_is_added(authority: RunningAuthority, kind: str) -> None:
    subject, web = f"{kind}-{secrets.token_hex(6)}", authority.client("web")
    enrol(authority, subject, authority.register(subject, device()))
    [before] = web.credentials(subject)
    more = device()
    own, theirs = authority.register(subject, more), authority.register(f"{subject}-b", device())
    wrong: list[tuple[object, type[AuthorityError]]] = [
        (theirs, CertificateRefused),
        ("0000 0000 0000 0000 0000", CertificateRefused),
        (more.credential(), BadRequest),
        ([own], BadRequest),
        (None, BadRequest),
    ]
    for credential, refusal in wrong:
        act = authority.officer_act("add_credential", subject=subject, credential=credential)
        with pytest.raises(refusal):
            authority.officer_does(web.add_credential, act)
    assert web.credentials(subject) == [before]
    act = authority.officer_act("add_credential", subject=subject, credential=own)
    authority.officer_does(web.add_credential, act)
    assert [each.credential_id for each in web.credentials(subject)] == [before.credential_id, more.credential_id]
    assert fingerprints(authority, subject) == []
    act = authority.officer_act("add_credential", subject=subject, credential=own)
    with pytest.raises(CertificateRefused, match="no credential with the fingerprint"):
        authority.officer_does(web.add_credential, act)


@pytest.mark.parametrize("kind", ["person", "officer"])
def test_after_an_enrolment_nothing_waits(authority: RunningAuthority, kind: str) -> None:
    subject, web = f"{kind}-{secrets.token_hex(6)}", authority.client("web")
    chosen, left = device(), device()
    made = [authority.register(subject, each) for each in (chosen, left)]
    others = authority.register(f"{subject}-b", device())
    assert fingerprints(authority, subject) == made
    enrol(authority, subject, made[0])
    assert [each.credential_id for each in web.credentials(subject)] == [chosen.credential_id]
    assert fingerprints(authority, subject) == []
    assert fingerprints(authority, f"{subject}-b") == [others]
    act = authority.officer_act("add_credential", subject=subject, credential=made[1])
    with pytest.raises(CertificateRefused, match="no credential with the fingerprint"):
        authority.officer_does(web.add_credential, act)


def test_what_was_registered_activates_nothing_before_officers_say_so(
    authority: RunningAuthority, subject: str
) -> None:
    first, second = device(), device()
    made = authority.register(subject, first)
    for by in (first, authority.officer):
        with pytest.raises(AuthorityError, match="is not enrolled"):
            authority.confirm(by, subject, intent_for(subject))
    with pytest.raises(ActivationRefused):
        authority.client("web").enrol_person(enrolment(authority, subject, [made]))
    enrol(authority, subject, made)
    authority.register(subject, second)
    intent = intent_for(subject)
    authority.refuses(authority.client("web").sign_document, intent, second.activate(subject, intent))
    assert authority.sign(intent, (first, subject))


# How many, and for how long


def test_a_newer_registration_takes_the_place_of_the_oldest(authority: RunningAuthority, subject: str) -> None:
    others = authority.register(f"{subject}-b", device())
    made = [authority.register(subject, device()) for _ in range(MOST_OF_SUBJECT)]
    assert MOST_OF_SUBJECT == 8
    assert fingerprints(authority, subject) == made
    made.append(authority.register(subject, device()))
    assert fingerprints(authority, subject) == made[1:]
    assert fingerprints(authority, f"{subject}-b") == [others]
    with pytest.raises(CertificateRefused, match="no credential with the fingerprint"):
        enrol(authority, subject, made[0])
    enrol(authority, subject, *made[1:])
    assert len(authority.client("web").credentials(subject)) == MOST_OF_SUBJECT


def test_what_was_registered_waits_thirty_days(authority: RunningAuthority, subject: str) -> None:
    now, kept = int(datetime.now(UTC).timestamp()), int(KEPT.total_seconds())
    old, recent = authority.register(subject, device()), authority.register(subject, device())
    assert kept == 30 * 24 * 3600
    with store(authority) as connection:
        for fingerprint, moment in ((old, now - kept - 1), (recent, now - kept + 3600)):
            connection.execute(
                "UPDATE pending_credentials SET registered = ? WHERE fingerprint = ?", (moment, fingerprint)
            )
    assert fingerprints(authority, subject) == [recent]
    with pytest.raises(CertificateRefused, match="no credential with the fingerprint"):
        enrol(authority, subject, old)
    authority.register(f"{subject}-b", device())
    with store(authority) as connection:
        left = connection.execute("SELECT fingerprint FROM pending_credentials WHERE subject = ?", (subject,))
        assert left.fetchall() == [(recent,)]
    enrol(authority, subject, recent)


def test_what_waits_is_there_after_a_restart(authority: RunningAuthority, subject: str) -> None:
    own = device()
    made = authority.register(subject, own)
    authority.restart()
    enrol(authority, subject, made)
    assert authority.sign(intent_for(subject), (own, subject))


# PIN and code


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


# Attestation


def test_only_approved_kinds_of_authenticators_are_taken() -> None:
    """None at all, by the passkey itself, by another maker, by one whose roots a library would add: refused."""
    approved, also, stranger = Maker("甲认证器"), Maker("乙认证器"), Maker("不明认证器")
    settings = '[activation]\nattestation = ["approved.pem", "also.pem"]\n'
    with running_authority(settings=settings, workers=1) as own:
        service = own.client("activation")
        with pytest.raises(ConfigurationRefused, match="cannot be read"):
            own.register("person-a", device())
        for name, maker in (("approved", approved), ("also", also)):
            (own.root / f"config/{name}.pem").write_bytes(maker.pem)
        assert service.begin_registration("person-a").attestation

        mine = device()
        wrong: list[Callable[[PasskeyRegistration], PasskeyRegistration]] = [
            lambda made: made,
            lambda made: attested_by_itself(made, mine),
            stranger.attested,
            *(
                partial(approved.attested, form=form)
                for form in ("apple", "android-key", "none", "tpm", "made-up")
            ),
            lambda made: with_statement(made, "packed", signed(made, mine.key) | {"x5c": []}),
            lambda made: with_statement(made, "packed", {**signed(made, mine.key), "x5c": approved.chain}),
            lambda made: with_statement(made, "packed", {**signed(made, approved.key), "x5c": stranger.chain}),
            lambda made: replace(
                approved.attested(made),
                attestation_object=approved.attested(other(service)).attestation_object,
            ),
        ]
        for attest in wrong:
            with pytest.raises(ActivationRefused):
                service.register_passkey("person-a", attest(mine.register(begun(service, "person-a"))))
        challenge, key = begun(service, "person-a"), bytes.fromhex(mine.credential()["public_key"])
        with pytest.raises(ActivationRefused, match="of which kind"):
            service.register_known_passkey("person-a", challenge, key, assertion_over(mine, "person-a", challenge))
        code = (own.root / "secrets/setup.code").read_text().strip()
        with pytest.raises(ActivationRefused, match="approved"):
            own.appoint(code, "officer-a", device())
        assert service.appointment().codes == 1
        assert service.pending_credentials("person-a") == []
        assert "failed inside" not in own.log

        for maker in (approved, also):
            passkey = device()
            subject = f"person-{secrets.token_hex(6)}"
            attested = maker.attested(passkey.register(begun(service, subject)))
            made = service.register_passkey(subject, attested)
            assert made.credential_id == passkey.credential_id
            enrol(own, subject, made.fingerprint)
            assert own.sign(intent_for(subject), (passkey, subject))


def other(service: AuthorityClient) -> PasskeyRegistration:
    """A registration with another passkey, under a challenge of its own."""
    return device().register(begun(service, "person-a"))


def test_without_that_setting_any_authenticator_is_taken(
    authority: RunningAuthority, service: AuthorityClient, subject: str
) -> None:
    """Attested or not; a false attestation is refused all the same."""
    assert not service.begin_registration(subject).attestation
    own, maker = device(), Maker("不明认证器")
    with pytest.raises(ActivationRefused, match="could not be registered"):
        wrong = with_statement(own.register(begun(service, subject)), "packed", {"alg": -7, "sig": bytes(70)})
        service.register_passkey(subject, wrong)
    for attest in (maker.attested, lambda made: attested_by_itself(made, own)):
        assert service.register_passkey(subject, attest(own.register(begun(service, subject))))

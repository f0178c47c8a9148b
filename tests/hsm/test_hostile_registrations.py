"""Whoever can open the pages that register keeps nobody else from it, fills no store, and reuses no code."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hsm.activation.credentials import code_at, step_of
from hsm.authenticator import SoftwareAuthenticator
from hsm.client import AuthorityClient
from hsm.errors import ActivationRefused, BadRequest, CertificateRefused, NotPermitted
from hsm.intents import PinTotpActivation
from hsm.store import AuthorityStore, Credential
from hsm.store import registrations as limits
from hsm.store.registrations import MOST, MOST_OF_SUBJECT
from tests.authority import ORGANISATION, ORIGIN, RP_ID, RunningAuthority, intent_for, running_authority
from tests.hsm.test_activation import STRONG


@pytest.fixture(scope="module")
def authority() -> Iterator[RunningAuthority]:
    with running_authority(workers=1) as running:
        yield running


def device() -> SoftwareAuthenticator:
    return SoftwareAuthenticator.create(RP_ID, ORIGIN)


def enrol(authority: RunningAuthority, subject: str, *fingerprints: str) -> bytes:
    act = authority.officer_act(
        "enrol_person", subject=subject, name="张示例", organisation=ORGANISATION, credentials=list(fingerprints)
    )
    return authority.officer_does(authority.client("web").enrol_person, act)


def waiting(authority: RunningAuthority, subject: str) -> list[str]:
    return [each.fingerprint for each in authority.client("web").pending_credentials(subject)]


# How much is kept.


def test_pages_that_are_opened_again_and_again_leave_eight_registrations(
    authority: RunningAuthority, service: AuthorityClient, subject: str
) -> None:
    begun = [service.begin_registration(subject).challenge for _ in range(60)]
    database = f"file:{authority.root}/authority/authority.db?mode=ro"
    with closing(sqlite3.connect(database, uri=True)) as connection:
        kept = connection.execute("SELECT count(*) FROM registrations WHERE subject = ?", (subject,)).fetchone()
    assert kept == (MOST_OF_SUBJECT,)
    for challenge in (begun[0], begun[-MOST_OF_SUBJECT - 1]):
        with pytest.raises(ActivationRefused, match="too old"):
            service.register_passkey(subject, device().register(challenge))
    for challenge in begun[-MOST_OF_SUBJECT:]:
        service.register_passkey(subject, device().register(challenge))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[AuthorityStore]:
    made = AuthorityStore(tmp_path / "authority.db")
    yield made
    made.close()


def test_everybody_together_has_a_bound(store: AuthorityStore, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST == 10_000
    monkeypatch.setattr(limits, "MOST", 20)
    held = store.registrations
    for number in range(50):
        with store.transaction():
            person, challenge = f"person-{number}", number.to_bytes(32, "big")
            held.begin(challenge, person, now=0, expires=100)
            credential = Credential(0, person, "webauthn", credential_id=b"x", public_key=b"y")
            held.add_pending(f"f{number}", credential, at=number, oldest=0)
    with store.transaction():
        left = [held.take(number.to_bytes(32, "big"), f"person-{number}", now=1) for number in range(50)]
    assert left == [False] * 30 + [True] * 20
    assert [bool(held.pending(f"person-{number}", oldest=0)) for number in range(50)] == left


def test_the_newest_is_answered_however_many_wait(
    authority: RunningAuthority, service: AuthorityClient, subject: str
) -> None:
    """Several within one second, more than are kept."""
    made = []
    for _ in range(2 * MOST_OF_SUBJECT):
        own = device()
        answer = service.register_passkey(subject, own.register(service.begin_registration(subject).challenge))
        made.append(answer.fingerprint)
        assert answer.credential_id == own.credential_id
        assert answer == authority.client("web").pending_credentials(subject)[-1]
    assert waiting(authority, subject) == made[-MOST_OF_SUBJECT:]


# Somebody else's passkey.


def test_the_id_of_somebody_elses_passkey_cannot_be_occupied(authority: RunningAuthority, subject: str) -> None:
    own, thief = device(), f"{subject}-b"
    squatting = authority.register(thief, replace(device(), credential_id=own.credential_id))
    mine = authority.register(subject, own)
    assert (waiting(authority, subject), waiting(authority, thief)) == ([mine], [squatting])
    enrol(authority, subject, mine)
    with pytest.raises(CertificateRefused, match="belongs to somebody already"):
        enrol(authority, thief, squatting)
    intent = intent_for(subject)
    assert authority.sign(intent, (own, subject))


# What is taken away.


@pytest.mark.parametrize("role", ["web", "activation"])
def test_what_waits_is_taken_away_without_an_officer(authority: RunningAuthority, subject: str, role: str) -> None:
    first, second = authority.register(subject, device()), authority.register(subject, device())
    others = authority.register(f"{subject}-b", device())
    client = authority.client(role)
    client.drop_pending(subject, others)
    client.drop_pending(subject, "0000 0000 0000 0000 0000")
    client.drop_pending(subject, first)
    client.drop_pending(subject, first)
    assert (waiting(authority, subject), waiting(authority, f"{subject}-b")) == ([second], [others])
    with pytest.raises(CertificateRefused, match="no credential with the fingerprint"):
        enrol(authority, subject, first)
    enrol(authority, subject, second)
    client.drop_pending(subject, second)
    assert len(authority.client("web").credentials(subject)) == 1, "an enrolled one stays"
    with pytest.raises(BadRequest):
        client.drop_pending("seal-a", first)


@pytest.mark.parametrize("role", ["console", "scheduler", "tsa", "operator", "backup"])
def test_others_take_nothing_away(authority: RunningAuthority, subject: str, role: str) -> None:
    made = authority.register(subject, device())
    with pytest.raises(NotPermitted):
        authority.client(role).drop_pending(subject, made)
    assert waiting(authority, subject) == [made]


def test_what_waits_ends_with_its_owner(authority: RunningAuthority, subject: str) -> None:
    enrol(authority, subject, authority.register(subject, device()))
    authority.register(subject, device())
    act = authority.officer_act("retire", subject=subject, reason="cessation_of_operation")
    authority.officer_does(authority.client("web").retire, act)
    assert waiting(authority, subject) == []


# A code.


def test_the_code_of_a_registration_activates_nothing(
    authority: RunningAuthority, service: AuthorityClient, subject: str
) -> None:
    """Whoever saw it typed has a minute left."""
    secret = secrets.token_bytes(20)
    sealed = service.wrap_key(f"enrolment:{subject}", secret)
    step = step_of(datetime.now(UTC))
    code = code_at(secret, step)
    made = service.register_pin(subject, STRONG, sealed, code).fingerprint
    enrol(authority, subject, made)
    intent = intent_for(subject)
    with pytest.raises(ActivationRefused, match="used before"):
        service.approve(intent, PinTotpActivation(subject, "246810", code))
    service.approve(intent, PinTotpActivation(subject, "246810", code_at(secret, step + 1)))
    assert authority.client("web").sign_document(intent)

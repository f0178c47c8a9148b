"""Who registers what people activate with, under which challenge, and how long what was registered waits."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hsm.client import AuthorityClient
from hsm.config import PeerRole
from hsm.errors import ActivationRefused, BadRequest, CertificateRefused, NotPermitted
from hsm.operations.registration import KEPT, LASTS
from hsm.store.registrations import MOST_OF_SUBJECT
from tests.authority import OFFICER, RunningAuthority, assertion_over, intent_for
from tests.hsm.registering import PORTAL, begun, device, enrol, fingerprints, store
from tests.hsm.test_activation import STRONG

OTHERS = [each.value for each in PeerRole if each is not PeerRole.ACTIVATION]


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

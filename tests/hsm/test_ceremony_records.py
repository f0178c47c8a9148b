"""What is on record of ceremonies and of later acts on the keys that they made; nobody changes it unseen."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from pysqlite3 import dbapi2 as sqlite

from appliance.store.database import Database
from appliance.timestamping import TimestampIssuer
from hsm.client import AuthorityClient
from hsm.errors import NotPermitted, UnknownKey
from hsm.intents import OfficerIntent
from hsm.operation_types import HeldCeremony
from hsm.timestamp import verify_token
from tests.authority import OFFICER, RunningAuthority, running_authority
from tests.hsm.memory import openssl


@pytest.fixture(scope="module")
def shared() -> Iterator[RunningAuthority]:
    with running_authority(workers=1) as authority:
        yield authority


def rotated(shared: RunningAuthority, subject: str) -> OfficerIntent:
    act = shared.officer_act("rotate", subject=subject)
    shared.officer_does(shared.client("operator").rotate, act)
    return act


def newest(shared: RunningAuthority) -> tuple[HeldCeremony, str]:
    console = shared.client("console")
    held = console.ceremonies()[-1]
    return held, console.transcript(held.number)


def test_the_first_ceremony_is_on_record_with_its_transcript(shared: RunningAuthority) -> None:
    first = shared.client("console").ceremonies()[0]
    text = shared.client("console").transcript(first.number)

    assert (first.number, first.intact) == (1, True)
    assert hashlib.sha256(text.encode()).digest() == first.sha256
    assert text.startswith("Key ceremony: ") and "log key: " in text


def test_a_rotation_and_a_revocation_are_put_on_record(shared: RunningAuthority) -> None:
    console = shared.client("console")
    before = x509.load_der_x509_certificate(console.certificate("tsa"))
    act = rotated(shared, "tsa")
    after = x509.load_der_x509_certificate(console.certificate("tsa"))

    held, text = newest(shared)
    assert held.name == f"rotate-tsa-{act.nonce.hex()[:8]}" and held.intact
    assert hashlib.sha256(text.encode()).digest() == held.sha256
    for words in (f"Activated by: {OFFICER}", act.challenge().hex(), f"{after.serial_number:x}", "read back"):
        assert words in text

    revoking = shared.officer_act(
        "revoke_certificate", subject="tsa", serial=f"{before.serial_number:x}", reason="superseded"
    )
    shared.officer_does(console.revoke_certificate, revoking)
    held, text = newest(shared)
    assert held.name.startswith("revoke-certificate-tsa-") and held.intact
    assert f"{before.serial_number:x}" in text and f"{after.serial_number:x}" not in text


def test_timestamps_go_on_under_the_new_key_and_those_before_still_hold(
    shared: RunningAuthority, tmp_path: Path
) -> None:
    """The service that runs is not started again; who asks next gets a token of the new certificate."""
    client, digest = shared.client("tsa"), hashlib.sha256(b"a contract").digest()
    database = Database(tmp_path / "state/vermilion.db")
    service = TimestampIssuer(database, client)
    first, before = service.issue_token(digest), client.certificate("tsa")
    rotated(shared, "tsa")
    second, after = service.issue_token(digest), client.certificate("tsa")
    database.close()

    assert before != after
    for token, certificate in ((first, before), (second, after)):
        signer = x509.load_der_x509_certificate(certificate)
        assert verify_token(token).signer == signer
        (tmp_path / "token").write_bytes(token)
        (tmp_path / "data").write_bytes(b"a contract")
        status, text = openssl(
            *("ts", "-verify", "-token_in", "-in", tmp_path / "token", "-data", tmp_path / "data"),
            *("-CAfile", shared.root / "trust/ca.pem", "-untrusted", shared.root / "trust/chain.pem"),
        )
        assert status == 0, text


def test_people_leave_no_record_there(shared: RunningAuthority) -> None:
    shared.enrol_person("person-off-record")
    count = len(shared.client("console").ceremonies())
    rotated(shared, "person-off-record")
    assert len(shared.client("console").ceremonies()) == count


def test_a_transcript_that_was_changed_or_is_gone_is_seen(shared: RunningAuthority) -> None:
    rotated(shared, "evidence")
    held, text = newest(shared)
    [path] = (shared.root / "authority/ceremonies").glob(f"{held.name}-*.txt")
    path.write_text(text.replace(OFFICER, "officer-else"))
    assert not newest(shared)[0].intact
    path.unlink()
    assert newest(shared) == (HeldCeremony(held.number, held.name, held.sha256, held.held, False), "")
    path.write_text(text)
    assert newest(shared)[0].intact


def test_the_records_are_never_changed_or_deleted(shared: RunningAuthority) -> None:
    connection = sqlite.connect(shared.root / "authority/authority.db")
    try:
        for statement in ("DELETE FROM ceremonies", "UPDATE ceremonies SET name = 'x'"):
            with pytest.raises(sqlite.IntegrityError, match="never"):
                connection.execute(statement)
    finally:
        connection.close()


def test_who_serves_strangers_does_not_read_them(shared: RunningAuthority) -> None:
    def ask(client: AuthorityClient) -> None:
        with pytest.raises(NotPermitted):
            client.ceremonies()
        with pytest.raises(NotPermitted):
            client.transcript(1)

    for role in ("web", "tsa", "activation"):
        ask(shared.client(role))
    with pytest.raises(UnknownKey, match="no ceremony 99"):
        shared.client("console").transcript(99)

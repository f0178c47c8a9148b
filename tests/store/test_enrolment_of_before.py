"""An enrolment request from before passkeys for signing were registered at the authority: it ends, and its person
asks again."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pysqlite3 import dbapi2 as sqlite

from appliance.errors import StateRefused
from appliance.model.office import (
    SET_UP_AGAIN,
    EnrolmentRequest,
    EnrolmentRequestState,
    NewOfficer,
    ProposedCredential,
)
from appliance.store import enrolment
from appliance.store.database import Database
from hsm import schema

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
BEFORE = 36
"""The schema of the release before."""

ROWS = """
INSERT INTO people (subject, name, organisation, email, language, zone, guest) VALUES
    ('person-asking', '张示例', '甲公司', 'zhang@alpha.example', 'zh', 'Asia/Shanghai', 0),
    ('person-refused', '李示例', '甲公司', 'li@alpha.example', 'zh', 'Asia/Shanghai', 0);
INSERT INTO enrolment_requests (id, subject, kinds, state, asked, decided, decided_by, reason) VALUES
    ('aa', 'person-asking', 'webauthn pin-totp', 'open', '2026-11-24T08:00:00Z', NULL, NULL, NULL),
    ('bb', 'person-refused', 'webauthn', 'refused', '2026-11-23T08:00:00Z', '2026-11-24T08:00:00Z', 'officer-wang',
     '证件已过期');
INSERT INTO proposed_credentials VALUES
    ('aa', 1, 'webauthn', x'01', x'02', 'localhost', NULL, NULL),
    ('aa', 2, 'pin-totp', NULL, NULL, NULL, '$argon2id', x'03');
INSERT INTO appointments VALUES
    ('officer-a', 'qian', '钱见证', '甲公司', 'q@alpha.example', '$argon2id', x'04', x'05', 0);
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The database of an appliance with an open request, a refused one, and an appointment that has begun."""
    found = tmp_path / "vermilion.db"
    with closing(sqlite.connect(found, isolation_level=None)) as connection:
        for number, script in sorted(schema._steps("appliance.store")):
            if number <= BEFORE:
                schema._apply(connection, script, number)
        connection.executescript(ROWS)
        connection.execute(f"PRAGMA user_version = {BEFORE}")
    found.chmod(0o600)
    return found


def test_an_open_request_ends_with_a_reason_and_its_person_asks_again(path: Path) -> None:
    database = Database(path)
    with database.transaction() as tx:
        [closed] = enrolment.of_subject(tx, "person-asking")
        assert (closed.state, closed.credentials) == (EnrolmentRequestState.REFUSED, ())
        assert closed.is_ended_by_upgrade and closed.reason == SET_UP_AGAIN
        assert enrolment.waiting(tx) == [] and not enrolment.has_passkey(tx, "person-asking")
        with pytest.raises(StateRefused, match="decided"):
            enrolment.close(tx, "aa", EnrolmentRequestState.APPROVED, at=NOON, by="officer-wang")

        proposed = (ProposedCredential("webauthn", "aaaa bbbb cccc dddd eeee"),)
        again = EnrolmentRequest("cc", "person-asking", ("webauthn",), proposed, EnrolmentRequestState.OPEN, NOON)
        enrolment.insert(tx, again)
        assert enrolment.open_request(tx, "person-asking") == again
        assert enrolment.has_passkey(tx, "person-asking")
    database.close()


def test_what_was_decided_stays_as_it_was(path: Path) -> None:
    database = Database(path)
    with database.transaction() as tx:
        [decided] = enrolment.of_subject(tx, "person-refused")
    database.close()
    assert (decided.decided_by, decided.reason) == ("officer-wang", "证件已过期")


def test_an_appointment_that_had_begun_begins_again(path: Path) -> None:
    database = Database(path)
    with database.transaction() as tx:
        assert enrolment.appointments(tx) == []
        new = NewOfficer("officer-a", "qian", "钱见证", "甲公司", "a ticket")
        enrolment.save_appointment(tx, new, at=NOON)
        assert enrolment.appointments(tx) == [new]
    database.close()


def test_no_key_of_before_is_left(path: Path) -> None:
    """What the portal's database alone vouched for cannot be enrolled by any later mistake."""
    Database(path).close()
    with closing(sqlite.connect(path)) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(proposed_credentials)")]
        kept = connection.execute("SELECT count(*) FROM proposed_credentials").fetchone()
    assert (columns, kept) == (["request", "position", "kind", "fingerprint"], (0,))

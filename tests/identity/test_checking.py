"""Identity records: a number is kept nowhere; everything else is on record, and can be withdrawn."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.identity import IdentityCheck, IdentityChecks
from appliance.model.people import Against, IdentityDocument
from appliance.policy import Policy
from appliance.store import ledger
from appliance.store.database import Database
from tests.appliance.contracts.samples import NOON
from tests.appliance.store.seeds import seeded

NUMBER = "11010519491231002X"
"""The example of GB 11643."""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = seeded(tmp_path / "vermilion.db")
    yield opened
    opened.close()


@pytest.fixture
def checks(database: Database) -> IdentityChecks:
    return IdentityChecks(database, Policy(), lambda: NOON)


def check(number: str = NUMBER, **changes: object) -> IdentityCheck:
    values: dict[str, object] = {
        "document": IdentityDocument.ID_CARD,
        "number": number,
        "against": Against.ORIGINAL,
        "answers": "person-9",
    }
    return IdentityCheck(**(values | changes))  # type: ignore[arg-type]  # the dataclass checks the names


def test_the_number_is_kept_nowhere_and_can_still_be_compared(
    checks: IdentityChecks, database: Database, tmp_path: Path
) -> None:
    record = checks.record("person-1", check("110105 1949 1231 002x", note="面签"), by="person-2")
    assert (record.ending, record.person, record.answers) == ("002X", "person-1", "person-9")
    assert checks.matches(record.id, NUMBER)
    assert not checks.matches(record.id, "110105194912310038")
    database.close()
    for file in tmp_path.iterdir():
        assert NUMBER.encode() not in file.read_bytes()


def test_the_log_has_no_personal_data_in_the_clear(checks: IdentityChecks, database: Database) -> None:
    record = checks.record("person-1", check(note="张示例本人到场"), by="person-2")
    assert record.entry is not None
    with database.reading() as tx:
        leaf = ledger.leaf(tx, record.entry)
    told = json.loads(leaf)
    assert told["public"]["commitment"] == record.commitment
    assert set(told["commitments"]) == {"ending", "note"}
    assert "002X" not in leaf.decode()
    assert "到场" not in leaf.decode()


def test_it_is_good_until_the_document_expires_or_policy_says(checks: IdentityChecks) -> None:
    assert checks.record("person-1", check(), by="person-2").until == NOON + timedelta(days=730)
    soon = checks.record("person-1", check(expires=date(2026, 12, 1)), by="person-2")
    assert soon.until.isoformat() == "2026-12-01T16:00:00+00:00", "the day's end in Shanghai"
    with pytest.raises(PreconditionRefused, match="expired on 2026-11-24"):
        checks.record("person-1", check(expires=date(2026, 11, 24)), by="person-2")


def test_a_later_check_renews_and_a_withdrawn_one_no_longer_counts(checks: IdentityChecks) -> None:
    first = checks.record("person-1", check(), by="person-2")
    second = checks.record("person-1", check(), by="person-2")
    assert second.renews == first.id
    for record in (first, second):
        assert checks.current("person-1") is not None
        checks.withdraw("person-1", record.id, reason="证件有误", by="person-9")
    assert checks.current("person-1") is None
    with pytest.raises(StateRefused, match="already"):
        checks.withdraw("person-1", first.id, reason="证件有误", by="person-9")


def test_a_record_is_withdrawn_under_its_own_person_alone(checks: IdentityChecks) -> None:
    first = checks.record("person-1", check(), by="person-2")
    other = checks.record("person-9", check(answers="person-1"), by="person-2")
    for person, record in (("person-9", first), ("person-1", other), ("person-2", first)):
        with pytest.raises(NotFound):
            checks.withdraw(person, record.id, reason="证件有误", by="person-2")
    assert (checks.current("person-1"), checks.current("person-9")) == (first, other)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (check("12345"), "6 to 30"),
        (check("110105194912310021"), "last character"),
        (check("1101051949123100"), "18 characters"),
        (check(answers="person-1"), "their own identity"),
        (check(note="长" * 501), "At most 500"),
    ],
)
def test_what_no_check_can_be(checks: IdentityChecks, given: IdentityCheck, said: str) -> None:
    with pytest.raises(PreconditionRefused, match=said):
        checks.record("person-1", given, by="person-2")


def test_nobody_checks_themselves(checks: IdentityChecks) -> None:
    with pytest.raises(PreconditionRefused, match="their own identity"):
        checks.record("person-1", check(), by="person-1")
    record = checks.record("person-1", check(), by="person-2")
    with pytest.raises(PreconditionRefused, match="Say why"):
        checks.withdraw("person-1", record.id, reason=" ", by="person-9")

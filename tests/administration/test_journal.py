"""The journal only grows, shows tampering, and gets into the log once and in order, whatever is down meanwhile."""

from __future__ import annotations

from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from pysqlite3 import dbapi2 as sqlite

from appliance.errors import StorageError
from appliance.health import record_checks
from appliance.health.check_context import Check, CheckContext, JournalCursor
from appliance.health.findings import Condition, HealthFinding, RunbookPage
from appliance.health.observations import Observations
from appliance.health.surveys import HealthMonitor
from appliance.home import make_directory
from appliance.model.administration import AdministratorRole, JournalKind
from appliance.store.administration import ADMINISTRATION
from appliance.store.administration import journal as lines
from appliance.store.database import Database, Transaction
from hsm.client import AuthorityClient
from tests.administration.conftest import House, lines_not_in_log, opened_house


def test_each_line_is_in_the_log_with_its_digest_and_without_names(house: House) -> None:
    house.set_up("wei", AdministratorRole.SECURITY)
    house.sign_in("wei")
    logged = house.logged()
    assert [entry["what"] for entry in logged] == house.told()
    assert [entry["line"] for entry in logged] == [1, 2, 3, 4]
    assert [entry["actor"] for entry in logged] == ["root", "root", "administrator-wei", "administrator-wei"]
    assert "示例" not in str(logged)
    assert "192.0.2.7" not in str(logged)
    assert lines_not_in_log(house.administration.journal) == 0


def test_while_the_log_is_gone_lines_wait_and_come_later_once(tmp_path: Path) -> None:
    with opened_house(tmp_path) as before:
        before.set_up("wei")
    state, away = before.settings.home.state, before.settings.home.root / "away"
    state.rename(away)
    state.write_bytes(b"no directory")
    with opened_house(tmp_path) as house:
        house.secrets = before.secrets
        house.later(seconds=30)
        house.sign_in("wei")
        assert not house.administration.journal.forward_to_log()
        assert house.told()[-1] == "signed-in"
        with pytest.raises(StorageError):
            lines_not_in_log(house.administration.journal)
        state.unlink()
        away.rename(state)
        assert lines_not_in_log(house.administration.journal) == 1
        assert house.administration.journal.forward_to_log()
        assert house.administration.journal.forward_to_log()
        assert [entry["line"] for entry in house.logged()] == [1, 2, 3, 4]


def test_a_line_that_was_changed_or_taken_out_shows(house: House) -> None:
    house.set_up("wei")
    assert house.administration.journal.broken_at() is None
    database = sqlite.connect(house.settings.home.administration, isolation_level=None)
    database.execute("DROP TRIGGER journal_is_not_changed")
    database.execute("UPDATE journal SET who = 'lan' WHERE number = 2")
    assert house.administration.journal.broken_at() == 2
    database.execute("UPDATE journal SET who = 'root' WHERE number = 2")
    assert house.administration.journal.broken_at() is None
    database.execute("DROP TRIGGER journal_is_not_cut")
    database.execute("DELETE FROM journal WHERE number = 1")
    assert house.administration.journal.broken_at() == 1
    database.close()


def asked(house: House, cursor: JournalCursor | None = None) -> HealthFinding:
    """What health says of the journal, to whoever asks once, or to the health monitor, which has a *cursor*."""
    nobody = AuthorityClient(house.settings.home.authority_socket("scheduler"))
    with closing(nobody), ExitStack() as stack:
        bench = CheckContext(house.settings.home, house.at, nobody, cursor=cursor, stack=stack)
        return record_checks.journal(bench)


def test_a_journal_that_was_written_anew_is_not_the_one_that_the_log_knows(house: House) -> None:
    """By somebody who knows how lines are chained, and puts every guard back."""
    house.set_up("wei")
    assert asked(house).condition is Condition.GOOD
    database = Database(house.settings.home.administration, ADMINISTRATION)
    with database.transaction() as tx:
        guards = [row[0] for row in tx.execute("SELECT sql FROM sqlite_schema WHERE name LIKE 'journal_is%'")]
        found = lines.after(tx, 0, limit=100)
        for name in ("journal_is_not_changed", "journal_is_not_cut"):
            tx.execute(f"DROP TRIGGER {name}")
        tx.execute("DELETE FROM journal")
        for line, _digest in found:
            lines.append(tx, line.kind, "lan", line.at, act=line.request, detail=line.detail)
        for guard in guards:
            tx.execute(guard)
    database.close()
    assert house.administration.journal.broken_at() is None
    told = asked(house)
    assert (told.condition, told.page, told.values) == (
        Condition.FAILING,
        RunbookPage.JOURNAL_CHANGED,
        {"number": len(found)},
    )


def written(house: House, count: int) -> None:
    """So many lines more."""
    database = Database(house.settings.home.administration, ADMINISTRATION)
    with database.transaction() as tx:
        for _ in range(count):
            lines.append(tx, JournalKind.SIGNED_IN, "wei", house.at, act=None, detail={})
    database.close()


@pytest.mark.parametrize("seconds", [1, 15, 30, 45, 3600])
@pytest.mark.parametrize("length", [20, 21, 23])
def test_nothing_of_the_journal_falls_between_two_rounds(
    house: House, monkeypatch: pytest.MonkeyPatch, length: int, seconds: int
) -> None:
    """However far they are apart, and although lines are added meanwhile: every line is looked at, in turn."""
    monkeypatch.setattr(record_checks, "NEWEST", 3)
    house.set_up("wei")
    written(house, length)
    looked: list[int] = []

    def broken_at(_tx: Transaction, *, beyond: int = 0, upto: int | None = None) -> None:
        looked.extend(range(beyond + 1, upto + 1) if upto is not None else ())

    monkeypatch.setattr(record_checks.administration, "broken_at", broken_at)
    cursor, rounds = JournalCursor(), 0
    while not looked or cursor.line:
        assert asked(house, cursor).condition is Condition.GOOD
        house.later(seconds=seconds)
        written(house, rounds % 2)
        rounds += 1
    assert looked == list(range(1, looked[-1] + 1)) and looked[-1] >= length - 3
    assert rounds <= -(-looked[-1] // 3)


@pytest.mark.parametrize("number", range(1, 8))
def test_a_changed_line_is_found_by_the_watch_and_stays_found(
    house: House, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """An alarm takes two rounds in a row, and goes on until it is put right."""
    monkeypatch.setattr(record_checks, "NEWEST", 2)
    house.set_up("wei")
    written(house, 8)
    changed(house, "UPDATE journal SET who = who || '!' WHERE number = ?", number)
    assert asked(house).values == {"number": number}  # who asks once sees all
    cursor, found = JournalCursor(), []
    for _ in range(8):
        found.append(asked(house, cursor).values.get("number"))
        house.later(seconds=30)
    first = found.index(number)
    assert first <= 3
    assert set(found[:first]) <= {None} and set(found[first:]) == {number}
    changed(house, "UPDATE journal SET who = rtrim(who, '!') WHERE number = ?", number)
    assert {asked(house, cursor).condition for _ in range(8)} == {Condition.GOOD}


def test_the_watch_keeps_its_place_from_round_to_round(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_checks, "NEWEST", 2)
    house.set_up("wei")
    written(house, 8)
    changed(house, "UPDATE journal SET who = 'lan' WHERE number = 5")
    observations = Observations(house.settings.home.health)
    make_directory(house.settings.home.health.parent)
    only = (Check("journal", "Administrators' journal", record_checks.journal),)
    with closing(observations):
        watch = HealthMonitor(house.settings.home, observations, lambda: house.at, checks=only)
        found = []
        for _ in range(6):
            found += [finding.values.get("number") for finding in watch.run_round()]
            house.later(seconds=30)
    assert found == [None, None, 5, 5, 5, 5]


def changed(house: House, statement: str, *values: int) -> None:
    """By somebody who puts the guard back."""
    database = sqlite.connect(house.settings.home.administration, isolation_level=None)
    [guard] = database.execute("SELECT sql FROM sqlite_schema WHERE name = 'journal_is_not_changed'").fetchone()
    database.execute("DROP TRIGGER journal_is_not_changed")
    database.execute(statement, values)
    database.execute(guard)
    database.close()


def test_a_line_that_does_not_follow_is_named(house: House) -> None:
    house.set_up("wei")
    database = sqlite.connect(house.settings.home.administration, isolation_level=None)
    [guard] = database.execute("SELECT sql FROM sqlite_schema WHERE name = 'journal_is_not_changed'").fetchone()
    database.execute("DROP TRIGGER journal_is_not_changed")
    assert asked(house).page is RunbookPage.JOURNAL_CHANGED  # without its guards it is not believed
    database.execute("UPDATE journal SET who = 'lan' WHERE number = 2")
    database.execute(guard)
    database.close()
    assert asked(house).values == {"number": 2}


def test_a_line_of_a_newer_release_that_was_gone_back_from_is_read(house: House) -> None:
    """A rollback leaves the administration's database as it is."""
    house.set_up("wei")
    database = Database(house.settings.home.administration, ADMINISTRATION)
    with database.transaction() as tx:
        tx.execute(
            "INSERT INTO journal (number, at, who, kind, detail, salt, previous, digest)"
            " SELECT number + 1, at, who, 'not-thought-of-yet', '{}', salt, digest, randomblob(32) FROM journal"
            " ORDER BY number DESC LIMIT 1"
        )
    database.close()
    assert house.administration.journal.lines(limit=1)[0].kind is JournalKind.UNKNOWN

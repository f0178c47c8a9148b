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
from tests.administration.conftest import Site, lines_not_in_log, opened_site


def test_each_line_is_in_the_log_with_its_digest_and_without_names(site: Site) -> None:
    site.set_up("wei", AdministratorRole.SECURITY)
    site.sign_in("wei")
    logged = site.logged()
    assert [entry["what"] for entry in logged] == site.told()
    assert [entry["line"] for entry in logged] == [1, 2, 3, 4]
    assert [entry["actor"] for entry in logged] == ["root", "root", "administrator-wei", "administrator-wei"]
    assert "示例" not in str(logged)
    assert "192.0.2.7" not in str(logged)
    assert lines_not_in_log(site.administration.journal) == 0


def test_while_the_log_is_gone_lines_wait_and_come_later_once(tmp_path: Path) -> None:
    with opened_site(tmp_path) as before:
        before.set_up("wei")
    state, away = before.settings.home.state, before.settings.home.root / "away"
    state.rename(away)
    state.write_bytes(b"no directory")
    with opened_site(tmp_path) as site:
        site.secrets = before.secrets
        site.later(seconds=30)
        site.sign_in("wei")
        assert not site.administration.journal.forward_to_log()
        assert site.told()[-1] == "signed-in"
        with pytest.raises(StorageError):
            lines_not_in_log(site.administration.journal)
        state.unlink()
        away.rename(state)
        assert lines_not_in_log(site.administration.journal) == 1
        assert site.administration.journal.forward_to_log()
        assert site.administration.journal.forward_to_log()
        assert [entry["line"] for entry in site.logged()] == [1, 2, 3, 4]


def test_a_line_that_was_changed_or_taken_out_shows(site: Site) -> None:
    site.set_up("wei")
    assert site.administration.journal.broken_at() is None
    database = sqlite.connect(site.settings.home.administration, isolation_level=None)
    database.execute("DROP TRIGGER journal_is_not_changed")
    database.execute("UPDATE journal SET who = 'lan' WHERE number = 2")
    assert site.administration.journal.broken_at() == 2
    database.execute("UPDATE journal SET who = 'root' WHERE number = 2")
    assert site.administration.journal.broken_at() is None
    database.execute("DROP TRIGGER journal_is_not_cut")
    database.execute("DELETE FROM journal WHERE number = 1")
    assert site.administration.journal.broken_at() == 1
    database.close()


def asked(site: Site, cursor: JournalCursor | None = None) -> HealthFinding:
    """What health says of the journal, to whoever asks once, or to the health monitor, which has a *cursor*."""
    nobody = AuthorityClient(site.settings.home.authority_socket("scheduler"))
    with closing(nobody), ExitStack() as stack:
        context = CheckContext(site.settings.home, site.at, nobody, cursor=cursor, stack=stack)
        return record_checks.journal(context)


def test_a_journal_that_was_written_anew_is_not_the_one_that_the_log_knows(site: Site) -> None:
    """By somebody who knows how lines are chained, and puts every guard back."""
    site.set_up("wei")
    assert asked(site).condition is Condition.GOOD
    database = Database(site.settings.home.administration, ADMINISTRATION)
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
    assert site.administration.journal.broken_at() is None
    told = asked(site)
    assert (told.condition, told.page, told.values) == (
        Condition.FAILING,
        RunbookPage.JOURNAL_CHANGED,
        {"number": len(found)},
    )


def written(site: Site, count: int) -> None:
    """So many lines more."""
    database = Database(site.settings.home.administration, ADMINISTRATION)
    with database.transaction() as tx:
        for _ in range(count):
            lines.append(tx, JournalKind.SIGNED_IN, "wei", site.at, act=None, detail={})
    database.close()


@pytest.mark.parametrize("seconds", [1, 15, 30, 45, 3600])
@pytest.mark.parametrize("length", [20, 21, 23])
def test_nothing_of_the_journal_falls_between_two_rounds(
    site: Site, monkeypatch: pytest.MonkeyPatch, length: int, seconds: int
) -> None:
    """However far they are apart, and although lines are added meanwhile: every line is looked at, in turn."""
    monkeypatch.setattr(record_checks, "NEWEST", 3)
    site.set_up("wei")
    written(site, length)
    looked: list[int] = []

    def broken_at(_tx: Transaction, *, beyond: int = 0, upto: int | None = None) -> None:
        looked.extend(range(beyond + 1, upto + 1) if upto is not None else ())

    monkeypatch.setattr(record_checks.administration, "broken_at", broken_at)
    cursor, rounds = JournalCursor(), 0
    while not looked or cursor.line:
        assert asked(site, cursor).condition is Condition.GOOD
        site.later(seconds=seconds)
        written(site, rounds % 2)
        rounds += 1
    assert looked == list(range(1, looked[-1] + 1)) and looked[-1] >= length - 3
    assert rounds <= -(-looked[-1] // 3)


@pytest.mark.parametrize("number", range(1, 8))
def test_a_changed_line_is_found_by_the_watch_and_stays_found(
    site: Site, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """An alarm takes two rounds in a row, and goes on until it is put right."""
    monkeypatch.setattr(record_checks, "NEWEST", 2)
    site.set_up("wei")
    written(site, 8)
    changed(site, "UPDATE journal SET who = who || '!' WHERE number = ?", number)
    assert asked(site).values == {"number": number}  # who asks once sees all
    cursor, found = JournalCursor(), []
    for _ in range(8):
        found.append(asked(site, cursor).values.get("number"))
        site.later(seconds=30)
    first = found.index(number)
    assert first <= 3
    assert set(found[:first]) <= {None} and set(found[first:]) == {number}
    changed(site, "UPDATE journal SET who = rtrim(who, '!') WHERE number = ?", number)
    assert {asked(site, cursor).condition for _ in range(8)} == {Condition.GOOD}


def test_the_watch_keeps_its_place_from_round_to_round(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_checks, "NEWEST", 2)
    site.set_up("wei")
    written(site, 8)
    changed(site, "UPDATE journal SET who = 'lan' WHERE number = 5")
    observations = Observations(site.settings.home.health)
    make_directory(site.settings.home.health.parent)
    only = (Check("journal", "Administrators' journal", record_checks.journal),)
    with closing(observations):
        watch = HealthMonitor(site.settings.home, observations, lambda: site.at, checks=only)
        found = []
        for _ in range(6):
            found += [finding.values.get("number") for finding in watch.run_round()]
            site.later(seconds=30)
    assert found == [None, None, 5, 5, 5, 5]


def changed(site: Site, statement: str, *values: int) -> None:
    """By somebody who puts the guard back."""
    database = sqlite.connect(site.settings.home.administration, isolation_level=None)
    [guard] = database.execute("SELECT sql FROM sqlite_schema WHERE name = 'journal_is_not_changed'").fetchone()
    database.execute("DROP TRIGGER journal_is_not_changed")
    database.execute(statement, values)
    database.execute(guard)
    database.close()


def test_a_line_that_does_not_follow_is_named(site: Site) -> None:
    site.set_up("wei")
    database = sqlite.connect(site.settings.home.administration, isolation_level=None)
    [guard] = database.execute("SELECT sql FROM sqlite_schema WHERE name = 'journal_is_not_changed'").fetchone()
    database.execute("DROP TRIGGER journal_is_not_changed")
    assert asked(site).page is RunbookPage.JOURNAL_CHANGED  # without its guards it is not believed
    database.execute("UPDATE journal SET who = 'lan' WHERE number = 2")
    database.execute(guard)
    database.close()
    assert asked(site).values == {"number": 2}


def test_a_line_of_a_newer_release_that_was_gone_back_from_is_read(site: Site) -> None:
    """A rollback leaves the administration's database as it is."""
    site.set_up("wei")
    database = Database(site.settings.home.administration, ADMINISTRATION)
    with database.transaction() as tx:
        tx.execute(
            "INSERT INTO journal (number, at, who, kind, detail, salt, previous, digest)"
            " SELECT number + 1, at, who, 'not-thought-of-yet', '{}', salt, digest, randomblob(32) FROM journal"
            " ORDER BY number DESC LIMIT 1"
        )
    database.close()
    assert site.administration.journal.lines(limit=1)[0].kind is JournalKind.UNKNOWN

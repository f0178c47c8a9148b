"""What the health monitor says of a maintenance and of the records of ceremonies."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from appliance.archive_renewal import CeremonyRecords
from appliance.cli import main
from appliance.config import MailSettings
from appliance.demonstration.participants import LI
from appliance.errors import LedgerDamaged
from appliance.health import Condition, RunbookPage
from appliance.health.authority_checks import ceremonies
from appliance.health.check_context import open_check_context
from appliance.health.record_checks import queue
from appliance.health.service_checks import is_reported, maintenance_finding
from appliance.home import Home
from appliance.ledger.timestamp_feeder import TimestampFeeder
from appliance.ledger.timestamp_spool import TimestampSpool
from appliance.ledger.tree import StoredTree
from appliance.model.administration import MaintenanceWindow
from appliance.model.notice import Notice, NoticeKind
from appliance.store import ledger, outbox, people
from appliance.store.database import Database
from appliance.store.ledger import ceremonies_in_log
from hsm import canonical
from hsm.client import AuthorityClient
from hsm.timestamp import IssuedToken
from tests.health.asked import asked
from tests.health.station import Station

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
WINDOW = MaintenanceWindow(NOON, NOON + timedelta(hours=2), "a new disk")


@pytest.mark.parametrize(
    ("window", "hours", "said", "told"),
    [
        (None, 0, "No maintenance", False),
        (WINDOW, -1, "is announced from 2026-11-25 12:00 UTC to about 2026-11-25 14:00 UTC", True),
        (WINDOW, 1, "expected to end at 2026-11-25 14:00 UTC", True),
    ],
)
def test_a_maintenance_is_told_on_every_page(
    window: MaintenanceWindow | None, hours: int, said: str, told: bool
) -> None:
    finding = maintenance_finding(window, NOON + timedelta(hours=hours)).named("maintenance")
    assert finding.condition is Condition.GOOD and said in str(finding)
    assert is_reported(finding) is told


def test_one_that_lasts_longer_than_announced_is_an_alarm() -> None:
    finding = maintenance_finding(WINDOW, NOON + timedelta(hours=2, minutes=1)).named("maintenance")
    assert (finding.condition, finding.page) == (Condition.FAILING, RunbookPage.MAINTENANCE_LONG)
    assert "was to end at 2026-11-25 14:00 UTC" in str(finding) and is_reported(finding)
    assert "a new disk" not in str(finding), "what somebody typed goes into no metric and no bundle"


def test_ceremonies_go_into_the_log_once_and_a_change_is_found(stationed: Station) -> None:
    home = stationed.home
    database = Database(home.database)
    with AuthorityClient(home.authority_socket("scheduler")) as authority:
        records = CeremonyRecords(database, authority, lambda: NOON)
        records.record_ceremonies()
        [first, *_] = authority.ceremonies()
        with database.reading() as tx:
            length, known = ledger.length(tx), ceremonies_in_log(tx)
            public = canonical.decode(ledger.leaf(tx, known[first.number]))["public"]
        records.record_ceremonies()
        with database.reading() as tx:
            assert (ledger.length(tx), ceremonies_in_log(tx)) == (length, known)
        assert (public["ceremony"], public["transcript"]) == (first.number, first.sha256.hex())
    database.close()

    def found() -> tuple[Condition, RunbookPage | None]:
        with open_check_context(home, role="scheduler", now=NOON) as opened:
            finding = ceremonies(opened)
        return finding.condition, finding.page

    assert found() == (Condition.GOOD, None)
    [path] = (home.root / "authority/ceremonies").glob("*.txt")
    text = path.read_text()
    listed, printed = said(home), said(home, str(first.number))
    assert listed.exit_code == 0 and first.name in listed.output and first.sha256.hex() in listed.output
    assert (printed.exit_code, printed.output) == (0, text)
    path.write_text(text + "and one line more\n")
    assert found() == (Condition.FAILING, RunbookPage.CEREMONY_CHANGED)
    changed = said(home)
    assert changed.exit_code == 1 and "is gone or was changed" in changed.output
    path.write_text(text)
    assert found() == (Condition.GOOD, None)


def said(home: Home, *arguments: str) -> Result:
    """What `vermilion ceremonies` says."""
    return CliRunner().invoke(main, ["--home", str(home.root), "ceremonies", *arguments], env={"LC_ALL": "C"})


def test_mails_that_wait_are_told_while_the_log_is_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(_tree: StoredTree) -> int:
        raise LedgerDamaged("The log is damaged.")

    monkeypatch.setattr(StoredTree, "size", damaged)
    sending = SimpleNamespace(mail=MailSettings(host="127.0.0.1"))
    with closing(Database(tmp_path / "vermilion.sqlite")) as database:
        context = asked(NOON, database, configured=lambda: sending)
        with pytest.raises(LedgerDamaged):
            queue(context)
        with database.transaction() as tx:
            people.insert_person(tx, LI, None)
            outbox.enqueue(tx, Notice(None, LI.subject, NoticeKind.ENROLLED, NOON - timedelta(hours=2), "waits"))
        assert queue(context).page is RunbookPage.QUEUE_STUCK


def test_timestamps_that_do_not_get_into_the_log_are_told(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with closing(Database(home.database)) as database, closing(TimestampSpool(home.timestamp_spool)) as spool:
        parts = {"home": home, "configured": lambda: SimpleNamespace(mail=MailSettings())}
        spool.append([IssuedToken(1, NOON - timedelta(minutes=3), b"token")])
        soon = asked(NOON - timedelta(minutes=2, seconds=10), database, **parts)
        assert queue(soon).well, "the scheduler may be just starting"
        context = asked(NOON, database, **parts)
        found = queue(context)
        assert (found.page, found.mark) == (RunbookPage.QUEUE_STUCK, "timestamps")
        assert "since 2026-11-25 11:57 UTC" in str(found)
        TimestampFeeder(database, home.timestamp_spool).run_once()
        assert queue(context).mark == "log", "there they wait for their place"
        (home.timestamp_spool / f"{1:012d}-{1:016x}").write_bytes(b"x\nx\n")
        damaged = queue(context)
        assert damaged.mark == "timestamps" and "at byte 0" in str(damaged)

"""What health says of web captures: no service, failures in a row, a queue that stands still, a full disk."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from appliance.capture_service.client import SENTENCES
from appliance.config import CaptureSettings, Settings
from appliance.health import Condition, RunbookPage
from appliance.health.capture_checks import (
    ENOUGH_DAYS,
    IN_A_ROW,
    PATIENCE,
    failures,
    queue,
    queue_finding,
    room,
    room_finding,
    service,
)
from appliance.health.capture_probe import AGAIN, SOON, CaptureProbe
from appliance.health.findings import HealthFinding, failing, good
from appliance.home import Home
from appliance.language import Language
from appliance.model.captures import CaptureFile, CaptureState, CaptureWork, OrderedCapture
from appliance.model.people import Person
from appliance.store import captures, people
from appliance.store.database import Database
from hsm.errors import Sentence
from tests.health.asked import asked

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
WHY = Sentence("The browser ended.")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Those of an appliance, whose configuration is a link."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "config").symlink_to(tmp_path / "etc")
    return Settings(Home(tmp_path), capture=CaptureSettings(enabled=True))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "vermilion.db")
    opened.commit(
        people.insert_person,
        Person("person-1", "张三", "示例企业", "zhang@example.com", Language.CHINESE, "Asia/Shanghai"),
        None,
    )
    yield opened
    opened.close()


def order(database: Database, number: int, at: datetime) -> str:
    capture_id = f"{number:024x}"
    ordered = OrderedCapture(
        capture_id, "person-1", "https://shop.example/", "x", at, CaptureState.WAITING, CaptureWork(at)
    )
    database.commit(captures.insert_capture, ordered)
    return capture_id


def fail(database: Database, number: int, at: datetime) -> None:
    capture_id = order(database, number, at)
    with database.transaction() as tx:
        captures.begin(tx, capture_id, "me", at)
        assert captures.fail(tx, capture_id, "me", at, WHY)


def test_nobody_asks_where_nothing_is_captured(database: Database, tmp_path: Path) -> None:
    plain = Settings(Home(tmp_path))
    context = asked(NOON, database, configured=lambda: plain, home=plain.home)
    for check in (service, failures, queue, room):
        assert check(context).condition is Condition.NOT_CONFIGURED, check.__name__


def test_a_service_that_nobody_listens_for_is_told_in_its_own_words(settings: Settings) -> None:
    found = service(asked(NOON, configured=lambda: settings, captures=None))
    assert (found.condition, found.page) == (Condition.FAILING, RunbookPage.CAPTURE_SERVICE_DOWN)
    assert found.template in SENTENCES and "No such file" in str(found)


def test_in_development_a_browser_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Settings(Home(tmp_path), capture=CaptureSettings(enabled=True))
    context = asked(NOON, configured=lambda: plain, captures=None)
    assert service(context).condition is Condition.GOOD
    monkeypatch.setattr("appliance.web_capture.enclosure._BROWSERS", ("no-such-browser",))
    assert service(context).page is RunbookPage.CAPTURE_SERVICE_DOWN


def test_the_service_is_asked_now_and_then_and_no_round_waits(settings: Settings) -> None:
    asking, release, answers = (
        threading.Event(),
        threading.Event(),
        [good("Good."), failing(RunbookPage.WEB_DOWN, "Bad.")],
    )
    times: list[int] = []

    def ask(_: Settings) -> HealthFinding:
        times.append(len(times))
        asking.set()
        assert release.wait(30)
        return answers[min(len(times), 2) - 1]

    probe = CaptureProbe(ask)
    assert probe.latest(settings, NOON) is None, "it does not wait"
    assert asking.wait(30) and probe.latest(settings, NOON + AGAIN) is None and times == [0], (
        "nor asks twice at once"
    )
    release.set()
    assert known(probe, settings, NOON + SOON) == answers[0] and times == [0]
    probe.latest(settings, NOON + AGAIN)
    while str(probe.latest(settings, NOON + AGAIN)) != "Bad.":
        pass
    assert times == [0, 1]
    probe.latest(settings, NOON + AGAIN + SOON)
    while len(times) < 3:
        pass
    assert times == [0, 1, 2], "soon again, since it is down"


def known(probe: CaptureProbe, settings: Settings, now: datetime) -> HealthFinding:
    while True:
        if found := probe.latest(settings, now):
            return found


def test_failures_in_a_row_are_told_with_the_last_reason(database: Database, settings: Settings) -> None:
    context = asked(NOON, database, configured=lambda: settings)
    for number in range(1, IN_A_ROW):
        fail(database, number, NOON - timedelta(minutes=number))
    assert failures(context).condition is Condition.GOOD
    fail(database, 9, NOON - timedelta(days=2))
    assert failures(context).condition is Condition.GOOD, "what failed long ago is none of them"
    fail(database, 10, NOON)
    found = failures(context)
    assert (found.condition, found.page) == (Condition.ATTENTION, RunbookPage.CAPTURES_FAILING)
    assert "2026-11-25 12:00 UTC. The browser ended." in str(found)


def test_a_queue_that_stands_still_is_told(database: Database, settings: Settings) -> None:
    def found(now: datetime) -> HealthFinding:
        return queue(asked(now, database, configured=lambda: settings))

    assert str(found(NOON)) == "No web capture waits."
    waits = order(database, 1, NOON)
    order(database, 2, NOON + timedelta(minutes=1))
    with database.transaction() as tx:
        captures.begin(tx, waits, "me", NOON)
        captures.wait_again(tx, waits, "me", NOON, WHY, counts=False)
    assert found(NOON + PATIENCE).condition is Condition.GOOD
    late = found(NOON + PATIENCE + timedelta(seconds=1))
    assert (late.condition, late.page) == (Condition.ATTENTION, RunbookPage.CAPTURES_WAITING)
    assert "2, the first since 2026-11-25 12:00 UTC. The browser ended." in str(late)
    fail(database, 3, NOON + PATIENCE)
    assert found(NOON + PATIENCE + timedelta(seconds=1)).condition is Condition.GOOD, "it goes on"


def test_none_that_waits_is_no_queue() -> None:
    assert queue_finding(None, None, NOON).condition is Condition.GOOD


def test_the_files_of_a_week_say_how_long_the_disk_lasts(database: Database, settings: Settings) -> None:
    context = asked(NOON, database, configured=lambda: settings, home=settings.home)
    settings.home.state.mkdir()
    assert room(context).condition is Condition.GOOD
    kept = order(database, 1, NOON - timedelta(days=1))
    database.commit(captures.add_file, kept, CaptureFile("capture.warc.gz", "0" * 64, 1 << 60))
    found = room(context)
    assert (found.condition, found.page) == (Condition.ATTENTION, RunbookPage.CAPTURES_ROOM)
    assert str(found).endswith(": 0.")
    later = asked(NOON + timedelta(days=10), database, configured=lambda: settings, home=settings.home)
    assert room(later).condition is Condition.GOOD
    assert room_finding(7, ENOUGH_DAYS, "/").condition is Condition.GOOD
    assert room_finding(7, ENOUGH_DAYS - 1, "/").condition is Condition.ATTENTION

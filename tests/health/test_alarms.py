"""When somebody is told, what, and how it gets there."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from appliance.health import Condition, HealthFinding, Observations, Observed, RunbookPage
from appliance.health.alarms import MAIL, WEBHOOK, due
from appliance.health.findings import attention, failing, good
from appliance.store.health import alarms as store
from appliance.store.health.alarms import Alarm
from tests.health.station import KEY, Station, eventually

START = datetime(2026, 11, 25, 8, tzinfo=UTC)
DAY = timedelta(days=1)
LITTLE = "Only {share} of the disk of {path} is free."
FULL = failing(RunbookPage.DISK_FULL, LITTLE, share="4%", path="/var").named("disk")
LOW = attention(RunbookPage.DISK_FULL, LITTLE, share="9%", path="/var").named("disk")
FINE = good("All is well.").named("disk")


class Ward:
    """Rounds of 15 seconds about one thing, and what was told of it."""

    def __init__(self) -> None:
        self.now = START
        self.told: dict[str, Alarm] = {}
        self._before: Observed | None = None

    def round(self, finding: HealthFinding, *, after: timedelta = timedelta(seconds=15)) -> list[tuple[str, str]]:
        self.now += after
        self._before = Observed.from_finding(finding, self.now, self._before)
        new = list(due([self._before], self.told, self.now, repeat=DAY))
        self.told |= {alarm.name: alarm for alarm in new}
        return [(alarm.event, alarm.condition) for alarm in new]


def test_what_stays_wrong_is_told_once_then_daily_then_that_it_is_over() -> None:
    ward = Ward()
    assert [ward.round(FINE), ward.round(FULL)] == [[], []]
    assert ward.round(FULL) == [("begun", "failing")]
    assert ward.round(FULL) == []
    assert ward.round(FULL, after=DAY) == [("lasting", "failing")]
    assert ward.round(FULL) == []
    assert ward.round(FINE) == [("over", "good")]
    assert ward.round(FINE) == []


def test_what_mends_itself_in_a_round_wakes_nobody() -> None:
    ward = Ward()
    assert [ward.round(each) for each in (FINE, FULL, FINE, FULL, FINE)] == [[]] * 5


def test_worse_and_better_are_told_anew() -> None:
    ward = Ward()
    rounds = [ward.round(each) for each in (LOW, LOW, FULL, FULL, LOW, LOW)]
    assert [each for each in rounds if each] == [
        [("begun", "attention")],
        [("begun", "failing")],
        [("begun", "attention")],
    ]


def test_a_webhook_that_hangs_keeps_no_mail_back(tmp_path: Path) -> None:
    """Each channel has a turn of its own in the scheduler."""
    with closing(Observations(tmp_path / "health.db")) as observations:
        with observations.database().transaction() as tx:
            ward = Ward()
            assert [ward.round(each) for each in (FINE, FULL, FULL)][-1] == [("begun", "failing")]
            store.insert_alarm(
                tx, ward.told["disk"], [(WEBHOOK, "http://192.0.2.1/alarm"), (MAIL, "a@ops.example")]
            )
        with observations.database().reading() as tx:
            later = ward.now + DAY
            found = {each: store.waiting(tx, later, channel=each, limit=9) for each in (MAIL, WEBHOOK)}
    assert {channel: [each.channel for each in waiting] for channel, waiting in found.items()} == {
        MAIL: [MAIL],
        WEBHOOK: [WEBHOOK],
    }


def test_the_webhook_can_tell_that_it_is_us(stationed: Station) -> None:
    """Standard Webhooks 1.0: HMAC-SHA256 over id, timestamp and body."""
    stationed.look(2)
    _, headers, body = next(each for each in stationed.hook.received if each[0] == "/alarm")
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = hmac.new(base64.b64decode(KEY[len("whsec_") :]), signed, hashlib.sha256).digest()
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(expected).decode()}"
    said = json.loads(body)
    assert said["type"].startswith("alarm.") and said["data"]["page"] in set(RunbookPage)


def test_the_dead_mans_switch_hears_nothing_of_a_watch_that_sleeps(stationed: Station) -> None:
    stationed.look()
    before = len(stationed.hook.received)
    stationed.beat()
    assert len(stationed.hook.received) == before + 1
    stationed.ahead += timedelta(minutes=2)
    stationed.beat()
    watch = stationed.observations.survey(stationed.now()).observed[0].finding
    stationed.ahead -= timedelta(minutes=2)
    assert len(stationed.hook.received) == before + 1
    assert (watch.condition, watch.page) == (Condition.FAILING, RunbookPage.WATCH_DEAD)


def test_the_scheduler_asks_and_tells_by_itself(stationed: Station) -> None:
    key = stationed.home.secrets / "so.pin"
    key.chmod(0o640)
    before = len(stationed.hook.events("permissions"))
    with stationed.scheduler():
        eventually(lambda: len(stationed.hook.events("permissions")) > before)
    key.chmod(0o600)
    alarm = stationed.hook.events("permissions")[-1]
    assert (alarm["type"], alarm["data"]["page"]) == ("alarm.begun", RunbookPage.PERMISSION_WRONG)
    assert stationed.heard("/beat") > 0

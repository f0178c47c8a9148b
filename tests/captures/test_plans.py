"""Captures by plan: when each is due, what was missed, and what is different from the one before."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

import pytest

from appliance.captures.orders import CaptureDraft, PlanDraft
from appliance.captures.planning import CaptureSchedules, advanced, due_of
from appliance.captures.register import MOST_SCHEDULES
from appliance.config.captures import CaptureSettings
from appliance.demonstration.participants import LI, ZHANG
from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.model.captures import CapturePlan, CaptureSchedule, CaptureState
from appliance.model.notice import NoticeKind
from appliance.store import captures, outbox
from appliance.web_capture.differences import PageDifferences
from appliance.wiring import Appliance
from tests.captures.conftest import Web, forget_all
from tests.world import World

WHO = ZHANG.subject
DAILY = PlanDraft(time(9, 0))
MADE = datetime(2026, 3, 27, 10, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def nothing_before(appliance: Appliance) -> Iterator[None]:
    forget_all(appliance)
    yield


def schedule(*, times: int = 30, every: int = 1, zone: str = "Europe/Berlin") -> CaptureSchedule:
    plan = CapturePlan(every, time(2, 30), zone, date(2026, 3, 27), times)
    return CaptureSchedule("0" * 24, WHO, "https://example.com/", "x", plan, MADE, due=due_of(plan, 1))


def test_the_time_of_day_is_that_of_the_zone_also_when_clocks_change() -> None:
    """On 29 March 2026 the clocks of Berlin go from 2:00 to 3:00."""
    plan = schedule().plan
    assert [due_of(plan, turn) for turn in (1, 2, 3)] == [
        datetime(2026, 3, 28, 1, 30, tzinfo=UTC),
        datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
        datetime(2026, 3, 30, 0, 30, tzinfo=UTC),
    ]
    assert due_of(plan, 30) is None


@pytest.mark.parametrize(
    ("days", "turn", "missed", "over"),
    [(0, 1, 0, False), (1, 2, 0, False), (10, 11, 9, False), (90, 30, 28, True)],
)
def test_after_a_downtime_one_is_made_and_the_others_are_missed(
    days: int, turn: int, missed: int, over: bool
) -> None:
    later = advanced(schedule(), MADE + timedelta(days=days), free=True)
    assert (later.turn, later.missed if days else 0, later.due is None) == (turn, missed, over)
    if not over:
        assert later.due is not None
        assert later.due > MADE + timedelta(days=days)


def test_a_plan_orders_at_once_and_then_by_its_days(world: World, appliance: Appliance) -> None:
    made = appliance.captures.order_by_plan(CaptureDraft("https://example.com/", "x"), DAILY, by=WHO)
    assert made.plan.times == 30
    assert [each.state for each in appliance.captures.by_plan(made)] == [CaptureState.WAITING]
    assert appliance.capture_schedules.enqueue_due() == 0
    with world.opened(ahead=timedelta(days=2)) as later:
        assert later.capture_schedules.enqueue_due() == 0, "the first one still waits"
        assert later.captures.schedule(made.id, by=WHO).missed >= 1
    with appliance.database.transaction() as tx:
        tx.execute("UPDATE captures SET state = 'cancelled', ended = ordered WHERE schedule = ?", (made.id,))
    with world.opened(ahead=timedelta(days=9)) as later:
        assert later.capture_schedules.enqueue_due() == 1
        assert later.capture_schedules.enqueue_due() == 0
        assert len(later.captures.by_plan(made)) == 2
    with pytest.raises(NotFound):
        appliance.captures.stop(made.id, by=LI.subject)
    appliance.captures.stop(made.id, by=WHO)
    with world.opened(ahead=timedelta(days=12)) as later:
        assert later.capture_schedules.enqueue_due() == 0
    with pytest.raises(StateRefused):
        appliance.captures.stop(made.id, by=WHO)


def test_none_is_ordered_for_whoever_may_not_capture(world: World, appliance: Appliance) -> None:
    made = appliance.captures.order_by_plan(CaptureDraft("https://example.com/", "x"), DAILY, by=LI.subject)
    appliance.captures.cancel(appliance.captures.by_plan(made)[0].id, by=LI.subject)
    with appliance.database.transaction() as tx:
        tx.execute("UPDATE accounts SET state = 'suspended' WHERE subject = ?", (LI.subject,))
    with world.opened(ahead=timedelta(days=2)) as later:
        assert later.capture_schedules.enqueue_due() == 0
        assert later.captures.schedule(made.id, by=LI.subject).missed >= 1
    with appliance.database.transaction() as tx:
        tx.execute("UPDATE accounts SET state = 'active' WHERE subject = ?", (LI.subject,))


def test_none_is_ordered_while_captures_are_switched_off(appliance: Appliance) -> None:
    made = appliance.captures.order_by_plan(CaptureDraft("https://example.com/", "x"), DAILY, by=WHO)
    appliance.captures.cancel(appliance.captures.by_plan(made)[0].id, by=WHO)
    later = appliance.now() + timedelta(days=2)
    off = CaptureSchedules(appliance.database, CaptureSettings(enabled=False), lambda: later)
    assert off.enqueue_due() == 0
    assert appliance.captures.schedule(made.id, by=WHO).missed >= 1


@pytest.mark.parametrize(
    ("plan", "match"),
    [
        (PlanDraft(time(9), every=0), "1 to 366 days"),
        (PlanDraft(time(9), every=367), "1 to 366 days"),
        (PlanDraft(time(9), times=1), "2 to 1000"),
        (PlanDraft(time(9), times=1001), "2 to 1000"),
    ],
)
def test_a_plan_that_is_none_is_refused(appliance: Appliance, plan: PlanDraft, match: str) -> None:
    with pytest.raises(PreconditionRefused, match=match):
        appliance.captures.order_by_plan(CaptureDraft("https://example.com/", "x"), plan, by=WHO)


def test_one_person_has_so_many_plans(appliance: Appliance) -> None:
    with appliance.database.transaction() as tx:
        for number in range(MOST_SCHEDULES):
            plan = schedule().plan
            row = CaptureSchedule(f"{number:024x}", WHO, "https://example.com/", "x", plan, MADE, due=MADE)
            captures.insert_schedule(tx, row)
    with pytest.raises(PreconditionRefused, match=str(MOST_SCHEDULES)):
        appliance.captures.order_by_plan(CaptureDraft("https://example.com/", "x"), DAILY, by=WHO)


def test_the_owner_is_told_what_is_different(world: World, appliance: Appliance, web: Web, log: None) -> None:
    draft = CaptureDraft(web.address(), "固定价格")
    made = appliance.captures.order_by_plan(draft, PlanDraft(time(9), times=4), by=WHO)
    found = []
    for days, text in enumerate(("99.00", "99.00", "79.00")):
        web.pages["/"] = f"<title>夏季新款</title><h1>¥ {text}</h1>"
        if days:
            due = due_of(made.plan, days)
            assert due is not None
            with world.opened(ahead=due - appliance.now() + timedelta(minutes=1)) as later:
                assert later.capture_schedules.enqueue_due() == 1
            with appliance.database.transaction() as tx:  # as if the days had passed
                tx.execute("UPDATE captures SET retry_at = '2026-01-01T00:00:00Z' WHERE state = 'waiting'")
        assert appliance.capture_queue.run_next()
        assert appliance.capture_finishing.run_round() == 1
        found.append(appliance.captures.by_plan(made)[0])
    first, second, third = found
    assert first.comparison is None
    assert second.comparison is not None
    assert (second.comparison.earlier, second.comparison.changed) == (first.id, False)
    assert third.comparison is not None
    assert (third.comparison.earlier, third.comparison.changed) == (second.id, True)
    differences = PageDifferences.decode(json.loads(third.comparison.differences))
    [change] = differences.text.changes
    assert (change.removed, change.added) == (("¥ 99.00",), ("¥ 79.00",))
    assert differences.picture.changed > 0
    names = {each.name for each in appliance.captures.files(third.id, by=WHO)}
    assert "differences.png" in names
    for capture, changed in ((second, False), (third, True)):
        notice = appliance.database.query(outbox.newest_about, WHO, NoticeKind.CAPTURE_CHANGED, capture.id)
        assert (notice is not None) == changed

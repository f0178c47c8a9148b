"""What the operator is told of reminders, mail and the calendar."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

from appliance.health import Condition
from appliance.health.contract_checks import calendar, reminders
from appliance.health.record_checks import mail_lost, queue
from appliance.home import Home
from appliance.model.contract import SigningOrder
from tests.health.asked import asked
from tests.reminders.simulation import UNREACHABLE, Year


def test_reminders_that_nobody_derives_are_told(simulation: Year) -> None:
    simulation.send(1, 10 * 24, ("person-4",), SigningOrder.PARALLEL)
    simulation.tick()
    assert reminders(asked(simulation.now, simulation.database)).well
    later = reminders(asked(simulation.now + timedelta(days=4), simulation.database))
    assert (later.well, ": 1" in str(later)) == (False, True)


def test_mail_that_was_refused_or_may_be_lost_or_waits_is_told(simulation: Year) -> None:
    simulation.send(1, 24, (UNREACHABLE,), SigningOrder.PARALLEL)
    simulation.tick()
    simulation.post.mood = "vague"
    simulation.send(2, 24, ("person-4",), SigningOrder.PARALLEL)
    simulation.tick()
    found = mail_lost(asked(simulation.now, simulation.database))
    assert (found.condition, dict(found.values)) == (Condition.ATTENTION, {"unknown": 1, "refused": 1})
    assert mail_lost(asked(simulation.now + timedelta(days=20), simulation.database)).condition is Condition.GOOD
    simulation.post.mood = "down"
    simulation.send(3, 24, ("person-6",), SigningOrder.PARALLEL)
    simulation.tick()
    settings = SimpleNamespace(mail=SimpleNamespace(configured=True))
    found = queue(asked(simulation.now + timedelta(hours=2), simulation.database, configured=lambda: settings))
    assert (found.well, "waited for more than an hour" in str(found)) == (False, True)


def test_a_year_that_the_calendar_lacks_is_told(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert "not yet 2027" in str(calendar(asked(datetime(2026, 11, 25, tzinfo=UTC), home=home)))
    missing = calendar(asked(datetime(2031, 1, 1, tzinfo=UTC), home=home))
    assert (missing.condition, "does not have 2031" in str(missing)) == (Condition.ATTENTION, True)
    home.calendars.mkdir(parents=True)
    (home.calendars / "cn.toml").write_text("name = 1 =", encoding="utf-8")
    assert not calendar(asked(datetime(2026, 1, 1, tzinfo=UTC), home=home)).well

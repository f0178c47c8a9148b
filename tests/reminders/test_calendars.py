"""The calendar that people subscribe to, read by a library that we did not write."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import icalendar
import pytest

from appliance.errors import NotFound
from appliance.model.accounts import AccountState
from appliance.model.contract import ContractState, SigningOrder
from appliance.model.notice import Occasion
from appliance.reminders.calendar_feeds import CalendarFeeds, ICalendarEvent, fold_line, render_icalendar
from appliance.reminders.services import ContractDateService
from appliance.store import accounts, contracts
from tests.reminders.simulation import INITIATOR, Year

SIGNER = "person-4"
NOW = datetime(2026, 11, 16, 2, 0, tzinfo=UTC)


def token_of(address: str) -> str:
    return address.rpartition("/")[2].removesuffix(".ics")


def feeds_of(simulation: Year) -> CalendarFeeds:
    return CalendarFeeds(simulation.database, "https://sign.example/", simulation.clock)


def events(content: bytes) -> dict[str, icalendar.Event]:
    read = icalendar.Calendar.from_ical(content)
    return {str(event["UID"]): event for event in read.walk("VEVENT")}


def test_what_is_written_is_read_back_by_others() -> None:
    summary = "签署截止：“设备, 采购; 合同” \\ 附件\n第二行" + "很长的标题" * 20
    event = ICalendarEvent("c1-signing@x", NOW, summary, "https://sign.example/contracts/c1", 3, NOW)
    day = ICalendarEvent("c1-expiry@x", date(2027, 1, 31), "到期", "https://sign.example/contracts/c1", 0, NOW)
    content = render_icalendar("张三的合同", [event, day], NOW)
    assert all(len(line) <= 75 for line in content.split(b"\r\n"))
    assert b"\n" not in content.replace(b"\r\n", b"")
    found = events(content)
    assert str(found["c1-signing@x"]["SUMMARY"]) == summary
    assert found["c1-signing@x"].decoded("DTSTART") == NOW
    assert found["c1-expiry@x"].decoded("DTSTART") == date(2027, 1, 31)
    assert not icalendar.Calendar.from_ical(content).errors


def test_a_long_line_is_folded_between_characters() -> None:
    line = fold_line("SUMMARY:" + "签" * 100)
    assert line.replace(b"\r\n ", b"").decode() == "SUMMARY:" + "签" * 100 + "\r\n"
    for piece in line.split(b"\r\n "):
        piece.decode()


def test_deadlines_and_dates_stand_in_the_calendars_of_those_concerned(simulation: Year) -> None:
    simulation.send(1, 48, (SIGNER,), SigningOrder.PARALLEL)
    simulation.send(2, 24, (INITIATOR,), SigningOrder.PARALLEL)
    simulation.sign("c2")
    with simulation.database.transaction() as tx:
        contracts.move(tx, contracts.load_contract(tx, "c2"), ContractState.COMPLETED)
    ContractDateService(simulation.database, simulation.clock).change_dates(
        "c2", {Occasion.EXPIRY: date(2027, 1, 31)}, by=INITIATOR
    )
    feeds = feeds_of(simulation)
    own = events(feeds.render_feed(token_of(feeds.renew_feed(INITIATOR))))
    assert own["c1-signing@calendar.vermilion"].decoded("DTSTART") == simulation.now + timedelta(hours=48)
    assert own["c2-expiry@calendar.vermilion"].decoded("DTSTART") == date(2027, 1, 31)
    assert set(events(feeds.render_feed(token_of(feeds.renew_feed(SIGNER))))) == {"c1-signing@calendar.vermilion"}
    assert events(feeds.render_feed(token_of(feeds.renew_feed("person-6")))) == {}


def test_an_extended_deadline_is_the_same_event_with_a_higher_sequence(simulation: Year) -> None:
    simulation.send(1, 48, (SIGNER,), SigningOrder.PARALLEL)
    feeds = feeds_of(simulation)
    token = token_of(feeds.renew_feed(SIGNER))
    before = events(feeds.render_feed(token))["c1-signing@calendar.vermilion"]
    simulation.extend("c1", 24)
    after = events(feeds.render_feed(token))["c1-signing@calendar.vermilion"]
    assert after.decoded("DTSTART") - before.decoded("DTSTART") == timedelta(hours=24)
    assert int(after["SEQUENCE"]) > int(before["SEQUENCE"])


def test_the_address_is_kept_by_its_digest_and_ends_when_its_owner_says_so(simulation: Year) -> None:
    feeds = feeds_of(simulation)
    first = token_of(feeds.renew_feed(SIGNER))
    with simulation.database.reading() as tx:
        kept = tx.execute("SELECT * FROM calendar_feeds").fetchone()
    assert first not in repr(kept) and len(first) == 43
    second = token_of(feeds.renew_feed(SIGNER))
    with pytest.raises(NotFound):
        feeds.render_feed(first)
    assert feeds.render_feed(second)
    feeds.end_feed(SIGNER)
    for token in (second, "", "x" * 43, "../" * 14 + "x"):
        with pytest.raises(NotFound):
            feeds.render_feed(token)


def test_who_has_left_has_no_calendar(simulation: Year) -> None:
    feeds = feeds_of(simulation)
    token = token_of(feeds.renew_feed(SIGNER))
    with simulation.database.transaction() as tx:
        accounts.set_state(tx, SIGNER, AccountState.LEFT)
    with pytest.raises(NotFound):
        feeds.render_feed(token)


def test_its_owner_sees_whether_somebody_asks_for_it(simulation: Year) -> None:
    feeds = feeds_of(simulation)
    token = token_of(feeds.renew_feed(SIGNER))
    found = feeds.current_feed(SIGNER)
    assert found is not None and found.used is None
    feeds.render_feed(token)
    found = feeds.current_feed(SIGNER)
    assert found is not None and found.used == simulation.now

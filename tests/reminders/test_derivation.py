"""What is derived of a contract: who is reminded, what replaces what, and what happens when things change."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from appliance.errors import PreconditionRefused, StateRefused
from appliance.model.accounts import AccountState
from appliance.model.contract import ContractState, SigningOrder
from appliance.model.notice import Occasion, ReminderPreferences
from appliance.reminders.services import ContractDateService
from appliance.store import accounts, contracts, reminders
from tests.reminders.simulation import INITIATOR, OFFICER, Received, Year

DAY = timedelta(days=1)
SHANGHAI, BERLIN = "person-4", "person-1"  # their last digits choose their zones (simulation.ZONES)
TWO = (SHANGHAI, "person-5")


def after(house: Year, span: timedelta) -> None:
    house.run_until(house.now + span)


def reminders_to(house: Year, person: str) -> list[Received]:
    return [mail for mail in house.post.received if mail.address == f"{person}@example.com" and mail.reminds]


def steps(house: Year, person: str) -> list[str]:
    with house.database.reading() as tx:
        rows = tx.execute("SELECT step FROM reminders WHERE recipient = ? ORDER BY id", (person,))
        return [row[0] for row in rows]


def open_reminders(house: Year) -> list[tuple[str, str]]:
    with house.database.reading() as tx:
        rows = tx.execute("SELECT recipient, step FROM reminders WHERE closed IS NULL ORDER BY id")
        return [(row[0], row[1]) for row in rows]


def test_a_deadline_is_reminded_of_step_by_step_until_it_passes_and_the_contract_expires(house: Year) -> None:
    house.send(1, 10 * 24, (SHANGHAI,), SigningOrder.PARALLEL)
    after(house, 13 * DAY)
    assert steps(house, SHANGHAI) == ["7d", "3d", "1d", "2h", "overdue"]
    assert steps(house, INITIATOR) == ["1d", "overdue"]
    assert house.contract("c1").state is ContractState.EXPIRED
    assert open_reminders(house) == []
    last = reminders_to(house, INITIATOR)[-1].letter
    assert "not signed by person-4" in last.body and "the contract expires" in last.body


def test_who_has_signed_is_left_alone_and_the_next_one_reminded(house: Year) -> None:
    house.send(1, 10 * 24, TWO, SigningOrder.SEQUENTIAL)
    after(house, 4 * DAY)
    assert open_reminders(house) == [(SHANGHAI, "7d")]
    house.sign("c1")
    house.tick()
    assert open_reminders(house) == []
    after(house, 4 * DAY)
    assert steps(house, "person-5") == ["3d"]
    assert steps(house, SHANGHAI) == ["7d"]


def test_a_later_deadline_withdraws_reminders_of_the_earlier_one(house: Year) -> None:
    house.send(1, 8 * 24, (SHANGHAI,), SigningOrder.PARALLEL)
    house.post.mood = "down"
    after(house, 6 * DAY)
    assert open_reminders(house)
    house.extend("c1", 20 * 24)
    house.post.mood = "up"
    after(house, 2 * DAY)
    assert open_reminders(house) == []
    assert reminders_to(house, SHANGHAI) == []


def test_who_takes_over_is_reminded_from_then_on(house: Year) -> None:
    house.send(1, 10 * 24, (SHANGHAI,), SigningOrder.PARALLEL)
    after(house, 8 * DAY)
    house.hand_over("c1", "person-6")
    after(house, 2 * DAY)
    assert steps(house, SHANGHAI) == ["7d", "3d"]
    assert steps(house, "person-6") == ["1d", "2h"]


def test_when_somebody_leaves_the_initiator_is_told_at_once_and_names_stand_in_the_mail(house: Year) -> None:
    house.send(1, 10 * 24, (SHANGHAI,), SigningOrder.PARALLEL)
    after(house, DAY)
    house.leave(SHANGHAI)
    after(house, DAY)
    assert steps(house, INITIATOR) == ["left"]
    assert "示例4 should act here and is no longer there" in reminders_to(house, INITIATOR)[0].letter.body
    after(house, 8 * DAY)
    assert steps(house, SHANGHAI) == []


def test_when_the_initiator_leaves_an_officer_is_told(house: Year) -> None:
    house.send(1, 10 * 24, (SHANGHAI,), SigningOrder.PARALLEL)
    with house.database.transaction() as tx:
        accounts.set_roles(tx, OFFICER, ["officer"])
    house.leave(INITIATOR)
    after(house, DAY)
    assert steps(house, OFFICER) == ["left"]
    assert f"/office/people/{INITIATOR}" in reminders_to(house, OFFICER)[0].letter.body


def test_who_is_suspended_is_not_reminded_until_the_account_works_again(house: Year) -> None:
    house.send(1, 10 * 24, (SHANGHAI,), SigningOrder.PARALLEL)
    for state, expected in ((AccountState.SUSPENDED, []), (AccountState.ACTIVE, ["7d"])):
        with house.database.transaction() as tx:
            accounts.set_state(tx, SHANGHAI, state)
        after(house, 2 * DAY)
        assert steps(house, SHANGHAI) == expected


def test_after_a_week_off_there_is_one_mail_with_what_counts_now(house: Year) -> None:
    for number in range(5):
        house.send(number, 8 * 24 + 12 + number, (SHANGHAI,), SigningOrder.PARALLEL)
    after(house, DAY)
    house.now += 7 * DAY  # off
    after(house, timedelta(hours=1))
    assert steps(house, SHANGHAI) == ["1d"] * 5
    mail = reminders_to(house, SHANGHAI)
    assert len(mail) == 1
    assert mail[0].letter.subject == "Reminder: 5 contracts wait for you"


def test_one_mail_a_day_for_who_wishes_it_but_what_ends_before_comes_at_once(house: Year) -> None:
    wishes = ReminderPreferences(None, house.now.replace(hour=9, minute=0).timetz().replace(tzinfo=None))
    with house.database.transaction() as tx:
        reminders.save_preferences(tx, SHANGHAI, wishes)
    for number in range(1, 4):
        house.send(number, 3 * 24 + 2 * number, (SHANGHAI,), SigningOrder.PARALLEL)
    after(house, 5 * DAY)
    days = [mail.at.date() for mail in reminders_to(house, SHANGHAI)]
    assert steps(house, SHANGHAI).count("1d") == 3
    assert days.count(days[0]) == 1  # all that was due a day before, in one mail on the next morning


def test_a_changed_zone_or_wish_is_looked_at_anew(house: Year) -> None:
    house.send(1, 10 * 24, (BERLIN,), SigningOrder.PARALLEL)
    house.tick()
    with house.database.transaction() as tx:
        tx.execute("UPDATE people SET zone = 'America/New_York' WHERE subject = ?", (BERLIN,))
    with house.database.reading() as tx:
        assert reminders.is_anybody_touched(tx)
    house.tick()
    with house.database.reading() as tx:
        assert not reminders.is_anybody_touched(tx)


def test_other_rules_are_applied_to_everything(house: Year) -> None:
    house.send(1, 10 * 24, (SHANGHAI,), SigningOrder.PARALLEL)
    house.tick()
    with house.database.transaction() as tx:
        assert reminders.due_plans(tx, house.now, limit=5) == []
        reminders.set_clock(tx, house.now, "other rules")
    assert house.reminding.tick() == 0
    with house.database.reading() as tx:
        assert reminders.clock(tx)[1] == "1"


def dated(house: Year) -> ContractDateService:
    house.send(1, 24, (SHANGHAI,), SigningOrder.PARALLEL)
    house.sign("c1")
    with house.database.transaction() as tx:
        contracts.move(tx, contracts.load_contract(tx, "c1"), ContractState.COMPLETED)
        contracts.touch(tx, "c1", kind="contract-completed", actor="system", at=house.now)
    return ContractDateService(house.database, house.clock)


def test_the_initiator_is_reminded_of_dates_beyond_signing(house: Year) -> None:
    days = {Occasion.EFFECTIVE: date(2026, 11, 25), Occasion.EXPIRY: date(2026, 12, 31)}
    dated(house).change_dates("c1", days, by=INITIATOR)
    after(house, 60 * DAY)
    with house.database.reading() as tx:
        rows = tx.execute("SELECT occasion, step FROM reminders WHERE step LIKE '%d' ORDER BY due").fetchall()
    assert rows == [
        ("effective", "7d"),
        ("effective", "0d"),
        ("expiry", "30d"),
        ("expiry", "7d"),
        ("expiry", "0d"),
    ]
    assert "It ends on 2026-12-31." in reminders_to(house, INITIATOR)[-1].letter.body


def test_a_date_in_the_past_is_a_note_and_a_moved_one_is_reminded_of_anew(house: Year) -> None:
    dates = dated(house)
    dates.change_dates(
        "c1", {Occasion.EFFECTIVE: date(2026, 1, 1), Occasion.EXPIRY: date(2026, 11, 20)}, by=INITIATOR
    )
    house.tick()
    assert open_reminders(house) == []
    after(house, 5 * DAY)
    assert open_reminders(house) == [(INITIATOR, "0d")]
    dates.change_dates("c1", {Occasion.EXPIRY: date(2027, 11, 20)}, by=INITIATOR)
    house.tick()
    assert open_reminders(house) == []
    assert [each.kind for each in dates.list_dates("c1")] == [Occasion.EXPIRY]


def test_dates_of_an_initiator_who_has_left_are_told_to_those_who_signed(house: Year) -> None:
    dated(house).change_dates("c1", {Occasion.EXPIRY: date(2026, 11, 25)}, by=INITIATOR)
    house.leave(INITIATOR)
    after(house, 12 * DAY)
    assert steps(house, INITIATOR) == []
    assert steps(house, SHANGHAI) == ["7d", "0d"]
    assert "示例0, who started it, is no longer there." in reminders_to(house, SHANGHAI)[0].letter.body


def test_dates_are_the_initiators_and_follow_each_other(house: Year) -> None:
    dates = dated(house)
    with pytest.raises(PreconditionRefused, match="Only the initiator"):
        dates.change_dates("c1", {Occasion.EXPIRY: date(2027, 1, 1)}, by=SHANGHAI)
    with pytest.raises(PreconditionRefused, match="cannot end before"):
        wrong = {Occasion.EFFECTIVE: date(2027, 1, 2), Occasion.EXPIRY: date(2027, 1, 1)}
        dates.change_dates("c1", wrong, by=INITIATOR)
    with pytest.raises(PreconditionRefused, match="after it has ended"):
        dates.change_dates(
            "c1", {Occasion.RENEWAL: date(2027, 1, 2), Occasion.EXPIRY: date(2027, 1, 1)}, by=INITIATOR
        )


def test_what_has_ended_has_no_dates(house: Year) -> None:
    house.send(2, 24, (SHANGHAI,), SigningOrder.PARALLEL)
    house.endings.recall("c2", by=INITIATOR, reason="条款有误")
    dates = ContractDateService(house.database, house.clock)
    with pytest.raises(StateRefused, match="has ended"):
        dates.change_dates("c2", {Occasion.EXPIRY: date(2027, 1, 1)}, by=INITIATOR)


def test_a_deadline_that_has_passed_can_be_extended_as_long_as_policy_says(house: Year) -> None:
    house.send(1, 24, (SHANGHAI,), SigningOrder.PARALLEL)
    after(house, DAY + timedelta(hours=47))
    house.extend("c1", 24)
    assert house.contract("c1").state is ContractState.SENT
    after(house, DAY + timedelta(hours=49))
    assert house.contract("c1").state is ContractState.EXPIRED

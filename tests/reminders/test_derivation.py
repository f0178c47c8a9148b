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


def after(simulation: Year, span: timedelta) -> None:
    simulation.run_until(simulation.now + span)


def reminders_to(simulation: Year, person: str) -> list[Received]:
    return [mail for mail in simulation.post.received if mail.address == f"{person}@example.com" and mail.reminds]


def steps(simulation: Year, person: str) -> list[str]:
    with simulation.database.reading() as tx:
        rows = tx.execute("SELECT step FROM reminders WHERE recipient = ? ORDER BY id", (person,))
        return [row[0] for row in rows]


def open_reminders(simulation: Year) -> list[tuple[str, str]]:
    with simulation.database.reading() as tx:
        rows = tx.execute("SELECT recipient, step FROM reminders WHERE closed IS NULL ORDER BY id")
        return [(row[0], row[1]) for row in rows]


def test_a_deadline_is_reminded_of_step_by_step_until_it_passes_and_the_contract_expires(simulation: Year) -> None:
    simulation.send(1, 10 * 24, (SHANGHAI,), SigningOrder.PARALLEL)
    after(simulation, 13 * DAY)
    assert steps(simulation, SHANGHAI) == ["7d", "3d", "1d", "2h", "overdue"]
    assert steps(simulation, INITIATOR) == ["1d", "overdue"]
    assert simulation.contract("c1").state is ContractState.EXPIRED
    assert open_reminders(simulation) == []
    last = reminders_to(simulation, INITIATOR)[-1].letter
    assert "not signed by person-4" in last.body and "the contract expires" in last.body


def test_who_has_signed_is_left_alone_and_the_next_one_reminded(simulation: Year) -> None:
    simulation.send(1, 10 * 24, TWO, SigningOrder.SEQUENTIAL)
    after(simulation, 4 * DAY)
    assert open_reminders(simulation) == [(SHANGHAI, "7d")]
    simulation.sign("c1")
    simulation.tick()
    assert open_reminders(simulation) == []
    after(simulation, 4 * DAY)
    assert steps(simulation, "person-5") == ["3d"]
    assert steps(simulation, SHANGHAI) == ["7d"]


def test_a_later_deadline_withdraws_reminders_of_the_earlier_one(simulation: Year) -> None:
    simulation.send(1, 8 * 24, (SHANGHAI,), SigningOrder.PARALLEL)
    simulation.post.mood = "down"
    after(simulation, 6 * DAY)
    assert open_reminders(simulation)
    simulation.extend("c1", 20 * 24)
    simulation.post.mood = "up"
    after(simulation, 2 * DAY)
    assert open_reminders(simulation) == []
    assert reminders_to(simulation, SHANGHAI) == []


def test_who_takes_over_is_reminded_from_then_on(simulation: Year) -> None:
    simulation.send(1, 10 * 24, (SHANGHAI,), SigningOrder.PARALLEL)
    after(simulation, 8 * DAY)
    simulation.hand_over("c1", "person-6")
    after(simulation, 2 * DAY)
    assert steps(simulation, SHANGHAI) == ["7d", "3d"]
    assert steps(simulation, "person-6") == ["1d", "2h"]


def test_when_somebody_leaves_the_initiator_is_told_at_once_and_names_stand_in_the_mail(simulation: Year) -> None:
    simulation.send(1, 10 * 24, (SHANGHAI,), SigningOrder.PARALLEL)
    after(simulation, DAY)
    simulation.leave(SHANGHAI)
    after(simulation, DAY)
    assert steps(simulation, INITIATOR) == ["left"]
    assert "示例4 should act here and is no longer there" in reminders_to(simulation, INITIATOR)[0].letter.body
    after(simulation, 8 * DAY)
    assert steps(simulation, SHANGHAI) == []


def test_when_the_initiator_leaves_an_officer_is_told(simulation: Year) -> None:
    simulation.send(1, 10 * 24, (SHANGHAI,), SigningOrder.PARALLEL)
    with simulation.database.transaction() as tx:
        accounts.set_roles(tx, OFFICER, ["officer"])
    simulation.leave(INITIATOR)
    after(simulation, DAY)
    assert steps(simulation, OFFICER) == ["left"]
    assert f"/office/people/{INITIATOR}" in reminders_to(simulation, OFFICER)[0].letter.body


def test_who_is_suspended_is_not_reminded_until_the_account_works_again(simulation: Year) -> None:
    simulation.send(1, 10 * 24, (SHANGHAI,), SigningOrder.PARALLEL)
    for state, expected in ((AccountState.SUSPENDED, []), (AccountState.ACTIVE, ["7d"])):
        with simulation.database.transaction() as tx:
            accounts.set_state(tx, SHANGHAI, state)
        after(simulation, 2 * DAY)
        assert steps(simulation, SHANGHAI) == expected


def test_after_a_week_off_there_is_one_mail_with_what_counts_now(simulation: Year) -> None:
    for number in range(5):
        simulation.send(number, 8 * 24 + 12 + number, (SHANGHAI,), SigningOrder.PARALLEL)
    after(simulation, DAY)
    simulation.now += 7 * DAY  # off
    after(simulation, timedelta(hours=1))
    assert steps(simulation, SHANGHAI) == ["1d"] * 5
    mail = reminders_to(simulation, SHANGHAI)
    assert len(mail) == 1
    assert mail[0].letter.subject == "Reminder: 5 contracts wait for you"


def test_one_mail_a_day_for_who_wishes_it_but_what_ends_before_comes_at_once(simulation: Year) -> None:
    wishes = ReminderPreferences(None, simulation.now.replace(hour=9, minute=0).timetz().replace(tzinfo=None))
    with simulation.database.transaction() as tx:
        reminders.save_preferences(tx, SHANGHAI, wishes)
    for number in range(1, 4):
        simulation.send(number, 3 * 24 + 2 * number, (SHANGHAI,), SigningOrder.PARALLEL)
    after(simulation, 5 * DAY)
    days = [mail.at.date() for mail in reminders_to(simulation, SHANGHAI)]
    assert steps(simulation, SHANGHAI).count("1d") == 3
    assert days.count(days[0]) == 1  # all that was due a day before, in one mail on the next morning


def test_a_changed_zone_or_wish_is_looked_at_anew(simulation: Year) -> None:
    simulation.send(1, 10 * 24, (BERLIN,), SigningOrder.PARALLEL)
    simulation.tick()
    with simulation.database.transaction() as tx:
        tx.execute("UPDATE people SET zone = 'America/New_York' WHERE subject = ?", (BERLIN,))
    with simulation.database.reading() as tx:
        assert reminders.is_anybody_touched(tx)
    simulation.tick()
    with simulation.database.reading() as tx:
        assert not reminders.is_anybody_touched(tx)


def test_other_rules_are_applied_to_everything(simulation: Year) -> None:
    simulation.send(1, 10 * 24, (SHANGHAI,), SigningOrder.PARALLEL)
    simulation.tick()
    with simulation.database.transaction() as tx:
        assert reminders.due_plans(tx, simulation.now, limit=5) == []
        reminders.set_clock(tx, simulation.now, "other rules")
    assert simulation.reminding.tick() == 0
    with simulation.database.reading() as tx:
        assert reminders.clock(tx)[1] == "1"


def dated(simulation: Year) -> ContractDateService:
    simulation.send(1, 24, (SHANGHAI,), SigningOrder.PARALLEL)
    simulation.sign("c1")
    with simulation.database.transaction() as tx:
        contracts.move(tx, contracts.load_contract(tx, "c1"), ContractState.COMPLETED)
        contracts.touch(tx, "c1", kind="contract-completed", actor="system", at=simulation.now)
    return ContractDateService(simulation.database, simulation.clock)


def test_the_initiator_is_reminded_of_dates_beyond_signing(simulation: Year) -> None:
    days = {Occasion.EFFECTIVE: date(2026, 11, 25), Occasion.EXPIRY: date(2026, 12, 31)}
    dated(simulation).change_dates("c1", days, by=INITIATOR)
    after(simulation, 60 * DAY)
    with simulation.database.reading() as tx:
        rows = tx.execute("SELECT occasion, step FROM reminders WHERE step LIKE '%d' ORDER BY due").fetchall()
    assert rows == [
        ("effective", "7d"),
        ("effective", "0d"),
        ("expiry", "30d"),
        ("expiry", "7d"),
        ("expiry", "0d"),
    ]
    assert "It ends on 2026-12-31." in reminders_to(simulation, INITIATOR)[-1].letter.body


def test_a_date_in_the_past_is_a_note_and_a_moved_one_is_reminded_of_anew(simulation: Year) -> None:
    dates = dated(simulation)
    dates.change_dates(
        "c1", {Occasion.EFFECTIVE: date(2026, 1, 1), Occasion.EXPIRY: date(2026, 11, 20)}, by=INITIATOR
    )
    simulation.tick()
    assert open_reminders(simulation) == []
    after(simulation, 5 * DAY)
    assert open_reminders(simulation) == [(INITIATOR, "0d")]
    dates.change_dates("c1", {Occasion.EXPIRY: date(2027, 11, 20)}, by=INITIATOR)
    simulation.tick()
    assert open_reminders(simulation) == []
    assert [each.kind for each in dates.list_dates("c1")] == [Occasion.EXPIRY]


def test_dates_of_an_initiator_who_has_left_are_told_to_those_who_signed(simulation: Year) -> None:
    dated(simulation).change_dates("c1", {Occasion.EXPIRY: date(2026, 11, 25)}, by=INITIATOR)
    simulation.leave(INITIATOR)
    after(simulation, 12 * DAY)
    assert steps(simulation, INITIATOR) == []
    assert steps(simulation, SHANGHAI) == ["7d", "0d"]
    assert "示例0, who started it, is no longer there." in reminders_to(simulation, SHANGHAI)[0].letter.body


def test_dates_are_the_initiators_and_follow_each_other(simulation: Year) -> None:
    dates = dated(simulation)
    with pytest.raises(PreconditionRefused, match="Only the initiator"):
        dates.change_dates("c1", {Occasion.EXPIRY: date(2027, 1, 1)}, by=SHANGHAI)
    with pytest.raises(PreconditionRefused, match="cannot end before"):
        wrong = {Occasion.EFFECTIVE: date(2027, 1, 2), Occasion.EXPIRY: date(2027, 1, 1)}
        dates.change_dates("c1", wrong, by=INITIATOR)
    with pytest.raises(PreconditionRefused, match="after it has ended"):
        dates.change_dates(
            "c1", {Occasion.RENEWAL: date(2027, 1, 2), Occasion.EXPIRY: date(2027, 1, 1)}, by=INITIATOR
        )


def test_what_has_ended_has_no_dates(simulation: Year) -> None:
    simulation.send(2, 24, (SHANGHAI,), SigningOrder.PARALLEL)
    simulation.endings.recall("c2", by=INITIATOR, reason="条款有误")
    dates = ContractDateService(simulation.database, simulation.clock)
    with pytest.raises(StateRefused, match="has ended"):
        dates.change_dates("c2", {Occasion.EXPIRY: date(2027, 1, 1)}, by=INITIATOR)


def test_a_deadline_that_has_passed_can_be_extended_as_long_as_policy_says(simulation: Year) -> None:
    simulation.send(1, 24, (SHANGHAI,), SigningOrder.PARALLEL)
    after(simulation, DAY + timedelta(hours=47))
    simulation.extend("c1", 24)
    assert simulation.contract("c1").state is ContractState.SENT
    after(simulation, DAY + timedelta(hours=49))
    assert simulation.contract("c1").state is ContractState.EXPIRED

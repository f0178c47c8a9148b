"""Deriving reminders: what is due of one plan becomes rows, each once, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from appliance.model.contract import Contract
from appliance.model.reminder import LEFT, Duty, Occasion, Part, Reminder
from appliance.policy.reminders import ReminderRules
from appliance.reminders import duties
from appliance.reminders.calendar import Calendar
from appliance.reminders.hours import Hours
from appliance.reminders.schedule import Due, Matter, current, mail_at, schedule, upcoming
from appliance.store import contract_dates, contracts, outbox, people, reminder_plans, reminder_wishes, reminders
from appliance.store.database import Transaction
from appliance.store.reminder_plans import Plan

RulesOf = Callable[[str], ReminderRules]
"""The rules for contracts of a type, in the initiator's words."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    duty: Duty
    matter: Matter


class Derivation:
    """Pure arithmetic applied to what the database says; ``calendars`` gives the calendar of a name."""

    def __init__(self, rules: RulesOf, calendars: Callable[[str], Calendar]) -> None:
        self._rules = rules
        self._calendars = calendars

    def derive(self, tx: Transaction, plan: Plan, now: datetime) -> int:
        """Keeps the reminders of *plan* that are due, closes those that ask for nothing any more, and notes when
        there is something to derive next; how many are new."""
        contract = contracts.load(tx, plan[0])
        rules = self._rules(contract.kind)
        wanted = list(_wanted(tx, contract, plan[1], rules))
        _close_others(tx, plan, wanted, now)
        made, following = 0, None
        for each in wanted:
            new, then = self._of_one(tx, plan, each, rules, now)
            made += new
            following = min(filter(None, (following, then)), default=None)
        reminder_plans.set_next(tx, plan, following)
        return made

    def hours(self, tx: Transaction, person: str, rules: ReminderRules) -> Hours:
        """When *person* may be reminded."""
        zone = ZoneInfo(people.person(tx, person).zone)
        quiet = reminder_wishes.load(tx, person).quiet
        return Hours(zone, rules.hours, self._calendars(rules.calendar), quiet)

    def mail_at(
        self, tx: Transaction, person: str, now: datetime, *, anchor: datetime, rules: ReminderRules
    ) -> datetime:
        """When a mail about *anchor* goes to *person*, as working hours, quiet hours and wishes have it."""
        hours, daily = self.hours(tx, person, rules), reminder_wishes.load(tx, person).daily
        last = reminders.last_mail(tx, person)
        earliest = now if last is None else max(now, last + rules.gather)
        if daily is not None:
            earliest = hours.next_at(earliest, daily)
        return mail_at(now, anchor=anchor, hours=hours, earliest=earliest)

    def _of_one(
        self, tx: Transaction, plan: Plan, wanted: _Wanted, rules: ReminderRules, now: datetime
    ) -> tuple[int, datetime | None]:
        hours = self.hours(tx, wanted.duty.person, rules)
        dues = (Due(LEFT, now),) if wanted.duty.part is Part.STAND_IN else schedule(wanted.matter, hours)
        due = current(dues, now)
        made = due is not None and self._keep(tx, plan, wanted, due, rules, now)
        return int(made), upcoming(dues, now)

    def _keep(
        self, tx: Transaction, plan: Plan, wanted: _Wanted, due: Due, rules: ReminderRules, now: datetime
    ) -> bool:
        anchor = wanted.matter.anchor
        reminder = Reminder(0, *plan, due.step, wanted.duty, anchor, due.at, now)
        number = reminders.insert(tx, reminder)
        if number is None:
            return False
        for other in reminders.open_of(tx, *plan):
            same = other.duty.person, other.duty.about
            if other.id != number and same == (wanted.duty.person, wanted.duty.about):
                reminders.close(tx, other.id, now)
        at = self.mail_at(tx, wanted.duty.person, now, anchor=anchor, rules=rules)
        reminders.put_into(tx, number, outbox.gather(tx, wanted.duty.person, now=now, at=at, about=str(number)))
        return True


def _wanted(tx: Transaction, contract: Contract, occasion: Occasion, rules: ReminderRules) -> Iterator[_Wanted]:
    """Who is to be reminded of what, as everything stands."""
    zone = ZoneInfo(contract.deadline.zone)
    dated = reminders.last_dated(tx, contract.id) or contract.created
    if occasion is Occasion.SIGNING:
        for duty in duties.to_sign(tx, contract):
            told = reminders.last_told(tx, contract.id, duty.person)
            steps = rules.escalate if duty.part is Part.INITIATOR else rules.steps
            floor = dated if told is None else max(dated, told)
            yield _Wanted(duty, Matter(contract.deadline.at, zone, steps, floor))
        return
    for entry in contract_dates.of_contract(tx, contract.id):
        if entry.kind is occasion:
            anchor = beginning(entry.day, zone, rules)
            for duty in duties.of_dates(tx, contract):
                yield _Wanted(duty, Matter(anchor, zone, rules.dates, max(dated, entry.set_at)))


def beginning(day: date, zone: ZoneInfo, rules: ReminderRules) -> datetime:
    """The moment for which a date beyond signing stands: when work begins on that day, in the contract's zone."""
    return datetime.combine(day, rules.hours[0], zone).astimezone(UTC)


def _close_others(tx: Transaction, plan: Plan, wanted: list[_Wanted], now: datetime) -> None:
    """Whoever has acted, and whatever was moved, is not reminded any more."""
    still = {(each.duty, each.matter.anchor) for each in wanted}
    for reminder in reminders.open_of(tx, *plan):
        if (reminder.duty, reminder.anchor) not in still:
            reminders.close(tx, reminder.id, now)

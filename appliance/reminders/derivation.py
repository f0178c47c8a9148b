"""Deriving reminders: what is due of one plan becomes rows, each once, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from time import monotonic
from zoneinfo import ZoneInfo

from appliance.language import instants
from appliance.model.contract import Contract
from appliance.model.notice import LEFT, Duty, Occasion, Reminder, ReminderRole
from appliance.policy.rules import ReminderRules
from appliance.reminders import duties
from appliance.reminders.calendar import WorkingCalendar
from appliance.reminders.schedule import (
    DueStep,
    ReminderSubject,
    WorkingHours,
    current_step,
    mail_at,
    next_due_at,
    schedule,
)
from appliance.store import contracts, outbox, people, reminders
from appliance.store.database import Database, Transaction
from appliance.store.reminders import Plan

RulesOf = Callable[[str], ReminderRules]
"""The rules for contracts of a type, in the initiator's words."""


KnownHours = dict[str, tuple[WorkingHours, time | None]]
"""By person (subject): working hours, and the time of the one mail a day, as looked up already."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    duty: Duty
    subject: ReminderSubject


@dataclass(frozen=True, slots=True)
class _Setting:
    """What holds for all of one plan; ``left`` are the reminders that were open before and still hold."""

    rules: ReminderRules
    now: datetime
    known: KnownHours
    left: list[Reminder]


class ReminderDerivation:
    """Pure arithmetic applied to what the database says; ``calendars`` gives the calendar of a name."""

    def __init__(self, rules: RulesOf, calendars: Callable[[str], WorkingCalendar]) -> None:
        self._rules = rules
        self._calendars = calendars

    def derive_plan(self, tx: Transaction, plan: Plan, now: datetime, known: KnownHours) -> int:
        """Keeps the reminders of *plan* that are due, closes those that ask for nothing any more, and notes when
        there is something to derive next; how many are new. *known* is shared by the calls of one transaction."""
        contract = contracts.load_contract(tx, plan[0])
        rules = self._rules(contract.kind)
        wanted = list(_wanted(tx, contract, plan[1], rules))
        left = _close_others(tx, plan, wanted, now)
        made, following = 0, None
        for each in wanted:
            new, then = self._of_one(tx, plan, each, _Setting(rules, now, known, left))
            made += new
            following = min(filter(None, (following, then)), default=None)
        reminders.set_next(tx, plan, following)
        return made

    def working_hours(self, tx: Transaction, person: str, rules: ReminderRules) -> WorkingHours:
        """When *person* may be reminded."""
        zone = ZoneInfo(people.person(tx, person).zone)
        quiet = reminders.preferences_of(tx, person).quiet
        return WorkingHours(zone, rules.hours, self._calendars(rules.calendar), quiet)

    def _when(self, tx: Transaction, person: str, setting: _Setting) -> tuple[WorkingHours, time | None]:
        """The hours of *person* and the time of the one mail a day, looked up once in a transaction."""
        if person not in setting.known:
            daily = reminders.preferences_of(tx, person).daily
            setting.known[person] = self.working_hours(tx, person, setting.rules), daily
        return setting.known[person]

    def _of_one(
        self, tx: Transaction, plan: Plan, wanted: _Wanted, setting: _Setting
    ) -> tuple[int, datetime | None]:
        hours, _ = self._when(tx, wanted.duty.person, setting)
        stands_in = wanted.duty.role is ReminderRole.STAND_IN and plan[1] is Occasion.SIGNING
        dues = (DueStep(LEFT, setting.now),) if stands_in else schedule(wanted.subject, hours)
        due = current_step(dues, setting.now)
        made = due is not None and self._keep(tx, plan, wanted, due, setting)
        return int(made), next_due_at(dues, setting.now)

    def _keep(self, tx: Transaction, plan: Plan, wanted: _Wanted, due: DueStep, setting: _Setting) -> bool:
        anchor, person, now = wanted.subject.anchor, wanted.duty.person, setting.now
        number = reminders.insert_reminder(tx, Reminder(0, *plan, due.step, wanted.duty, anchor, due.at, now))
        if number is None:
            return False
        for other in setting.left:
            if (other.duty.person, other.duty.about) == (person, wanted.duty.about):
                reminders.close(tx, other.id, now)
        hours, daily = self._when(tx, person, setting)
        last = reminders.last_mail(tx, person)
        earliest = now if last is None else last + setting.rules.gather
        at = mail_at(now, anchor=anchor, hours=hours, earliest=earliest, daily=daily)
        reminders.put_into(tx, number, outbox.gather(tx, person, now=now, at=at, about=str(number)))
        return True


def _wanted(tx: Transaction, contract: Contract, occasion: Occasion, rules: ReminderRules) -> Iterator[_Wanted]:
    """Who is to be reminded of what, as everything stands."""
    zone = ZoneInfo(contract.deadline.zone)
    dated = reminders.last_dated(tx, contract.id) or contract.created
    if occasion is Occasion.SIGNING:
        for duty in duties.duties_to_sign(tx, contract):
            told = reminders.last_told(tx, contract.id, duty.person)
            steps = rules.escalate if duty.role is ReminderRole.INITIATOR else rules.steps
            floor = dated if told is None else max(dated, told)
            yield _Wanted(duty, ReminderSubject(contract.deadline.at, zone, steps, floor))
        return
    for entry in contracts.dates_of(tx, contract.id):
        if entry.kind is occasion:
            anchor = beginning(entry.day, zone, rules)
            for duty in duties.duties_of_dates(tx, contract):
                yield _Wanted(duty, ReminderSubject(anchor, zone, rules.dates, max(dated, entry.set_at)))


def beginning(day: date, zone: ZoneInfo, rules: ReminderRules) -> datetime:
    """The moment for which a date beyond signing stands: when work begins on that day, in the contract's zone."""
    return instants.on(day, rules.hours[0], zone)


def _close_others(tx: Transaction, plan: Plan, wanted: list[_Wanted], now: datetime) -> list[Reminder]:
    """Closes reminders of people who have acted and of dates that were moved; those that still hold."""
    still = {(each.duty, each.subject.anchor) for each in wanted}
    open_ones = reminders.open_of(tx, *plan)
    for reminder in open_ones:
        if (reminder.duty, reminder.anchor) not in still:
            reminders.close(tx, reminder.id, now)
    return [each for each in open_ones if (each.duty, each.anchor) in still]


BATCH = 25
"""Plans that one transaction derives: other writers wait for it."""

LONGEST = 1.0
"""Seconds after which a tick leaves the rest to the next one."""

SIGN_OF_LIFE = timedelta(minutes=1)


class ReminderTick:
    """One caller at a time (the scheduler). A process that dies in the middle loses nothing: what was derived is
    on disk together with the note that it was.

    ``rules`` is a fingerprint of rules and calendars: when they are others than at the last tick, everything is
    looked at anew.
    """

    def __init__(
        self, database: Database, derivation: ReminderDerivation, *, rules: str, now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._derivation = derivation
        self._rules = rules
        self._now = now

    def tick(self) -> int:
        """Derives what is due; how many reminders are new."""
        self._prepare()
        made, ends = 0, monotonic() + LONGEST
        while monotonic() < ends:
            with self._database.reading() as tx:
                due = reminders.due_plans(tx, self._now(), limit=BATCH)
            if not due:
                break
            with self._database.transaction() as tx:
                known: KnownHours = {}
                made += sum(self._derivation.derive_plan(tx, plan, self._now(), known) for plan in due)
        return made

    def _prepare(self) -> None:
        now = self._now()
        with self._database.reading() as tx:
            ticked, rules = reminders.clock(tx)
            touched = reminders.is_anybody_touched(tx)
        if touched or rules != self._rules or ticked is None or now - ticked >= SIGN_OF_LIFE:
            with self._database.transaction() as tx:
                reminders.mark_touched(tx)
                if rules != self._rules:
                    reminders.mark_all(tx)
                reminders.set_clock(tx, now, self._rules)

"""Deriving reminders: what is due of one plan becomes rows, each once, in the caller's transaction.

Reminded are those who must act, never those who have; somebody stands in for who has left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from time import monotonic
from zoneinfo import ZoneInfo

from appliance.language import instants
from appliance.ledger.disclosure import Audience, belongs
from appliance.model.contract import Contract, ContractState, Party, PartyKind
from appliance.model.notice import LEFT, Duty, Occasion, Reminder, ReminderRole
from appliance.model.people import SealRequestState
from appliance.policy.rules import ReminderRules
from appliance.reminders.schedule import (
    DueStep,
    ReminderSubject,
    WorkingCalendar,
    WorkingHours,
    current_step,
    mail_at,
    next_due_at,
    schedule,
)
from appliance.store import amendments, contracts, members, outbox, people, reminders, seal_requests
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
        for duty in duties_to_sign(tx, contract):
            told = reminders.last_notified(tx, contract.id, duty.person)
            steps = rules.escalate if duty.role is ReminderRole.INITIATOR else rules.steps
            floor = dated if told is None else max(dated, told)
            yield _Wanted(duty, ReminderSubject(contract.deadline.at, zone, steps, floor))
        return
    ended = amendments.ended_from(tx, contract.id)
    for entry in contracts.dates_of(tx, contract.id):
        if entry.kind is occasion and (ended is None or entry.day < ended):
            anchor = beginning(entry.day, zone, rules)
            for duty in duties_of_dates(tx, contract):
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
            due = self._database.query(reminders.due_plans, self._now(), limit=BATCH)
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


def duties_to_sign(tx: Transaction, contract: Contract) -> list[Duty]:
    """Who is to be reminded of the signing deadline, each once for each reason; nobody unless it is sent.

    Those whose turn it is, the custodians for whom a request waits, and the initiator as long as there are any.
    """
    if contract.state is not ContractState.SENT:
        return []
    acting, missing = asked_to_act(tx, contract)
    return acting + list(_looked_after(tx, contract, acting, missing))


def asked_to_act(tx: Transaction, contract: Contract) -> tuple[list[Duty], list[str]]:
    """Who is to act and can; and who should act and is no longer there, while nobody else can do it instead."""
    acting: list[Duty] = []
    missing: list[str] = []
    for party in contract.on_turn:
        possible = list(_of_party(tx, party))
        there = [duty for duty in possible if people.is_active(tx, duty.person)]
        acting += [duty for duty in there if duty not in acting]
        if possible and not there:
            missing.append(possible[0].person)
    return acting, missing


def _looked_after(
    tx: Transaction, contract: Contract, acting: Sequence[Duty], missing: Sequence[str]
) -> Iterator[Duty]:
    """The initiator, when others are to act; whoever should act and is no longer there is told to the initiator,
    or to the officers when it is the initiator."""
    if people.is_active(tx, contract.initiator):
        if missing or any(duty.person != contract.initiator for duty in acting):
            yield Duty(contract.initiator, ReminderRole.INITIATOR)
        for one in dict.fromkeys(missing):
            yield Duty(contract.initiator, ReminderRole.STAND_IN, one)
        return
    for officer in members.officers(tx):
        for one in dict.fromkeys([contract.initiator, *missing]):
            yield Duty(officer, ReminderRole.STAND_IN, one)


def duties_of_dates(tx: Transaction, contract: Contract) -> list[Duty]:
    """Who is to be reminded of a date beyond signing; nobody unless the contract is completed.

    The initiator, whose note they are; if that person is no longer there, those who signed for the same
    organisation, else the officers.
    """
    if contract.state is not ContractState.COMPLETED:
        return []
    if people.is_active(tx, contract.initiator):
        return [Duty(contract.initiator, ReminderRole.INITIATOR)]
    own = Audience.of_person(people.person(tx, contract.initiator))
    colleagues = [each for each in contract.signatories if belongs(tx, each, own)]
    there = [each for each in colleagues if people.is_active(tx, each)]
    return [Duty(each, ReminderRole.STAND_IN, contract.initiator) for each in there or members.officers(tx)]


def names_of_late(tx: Transaction, contract: Contract) -> tuple[str, ...]:
    """The names of those whose turn it is, and who have not acted."""
    return tuple(dict.fromkeys(_named(tx, party) for party in contract.on_turn))


def _named(tx: Transaction, party: Party) -> str:
    if party.kind is PartyKind.SEAL:
        return members.names(tx, [party.responsible]).get(party.responsible, party.name)
    return party.name


def _of_party(tx: Transaction, party: Party) -> Iterator[Duty]:
    """The signer; of a seal its custodians once it is asked for, nobody while it is being used."""
    request = seal_requests.of_party(tx, party.id) if party.kind is PartyKind.SEAL else None
    if request is None or not request.open:
        yield Duty(party.responsible, ReminderRole.SIGNER)
    elif request.state is SealRequestState.WAITING:
        for custodian in request.still_asked(people.seal(tx, request.seal)):
            yield Duty(custodian, ReminderRole.CUSTODIAN, request.id)


class ClosedAccounts:
    """Reads only. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def closed_in(self, contract: Contract) -> dict[str, str]:
        """Those who should act now and whose accounts are closed or suspended: subject → name."""
        if contract.state is not ContractState.SENT:
            return {}
        with self._database.reading() as tx:
            _, missing = asked_to_act(tx, contract)
            names = members.names(tx, missing)
        return {one: names.get(one, one) for one in missing}

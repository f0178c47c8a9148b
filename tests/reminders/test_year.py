"""A year with random outages: nobody missed, nobody flooded, nothing doubled."""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from appliance.model.contract import SigningOrder
from appliance.reminders.schedule import DueStep, ReminderSubject, WorkingCalendar, schedule
from tests.reminders.simulation import RULES, SIGNERS, START, UNREACHABLE, Received, Watch, Year, year

MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 -- processes die here, machines do not
HOUR = timedelta(hours=1)
HOURS_OF_A_YEAR = 365 * 24
MOST_A_DAY = 8
"""Mails of reminders to one person: one in two working hours, and a few that could not wait for them."""

SOMETIME = st.integers(0, HOURS_OF_A_YEAR - 1)
CONTRACTS = st.lists(
    st.tuples(
        SOMETIME,
        st.integers(1, 24 * 20),
        st.lists(st.sampled_from(SIGNERS), min_size=1, max_size=3, unique=True).map(tuple),
        st.sampled_from(SigningOrder),
    ),
    min_size=1,
    max_size=12,
)
ACTS = st.lists(
    st.tuples(
        SOMETIME,
        st.sampled_from(["sign", "sign", "extend", "hand over", "leave"]),
        st.integers(0, 11),
        st.sampled_from(SIGNERS),
        st.integers(1, 24 * 10),
    ),
    max_size=25,
)
OUTAGES = st.lists(st.tuples(SOMETIME, st.integers(1, 24 * 12)), max_size=6)
MOODS = st.lists(
    st.tuples(SOMETIME, st.integers(1, 24 * 8), st.sampled_from(["down", "down", "busy", "vague", "deadly"])),
    max_size=8,
)
HOLIDAYS = st.lists(st.integers(0, 364), max_size=30)
NO_SHRINKING = [Phase.explicit, Phase.reuse, Phase.generate]
"""A year takes a second. Making a failing one smaller takes minutes of them, in which the run seems to hang: give
all phases for that."""


@dataclass(frozen=True)
class Act:
    """Something that happens at an hour of the year."""

    hour: int
    what: str
    number: int = 0
    person: str = ""
    hours: int = 0
    signers: tuple[str, ...] = ()
    order: SigningOrder = SigningOrder.PARALLEL


def play(this: Year, acts: list[Act], outages: list[tuple[int, int]], moods: list[tuple[int, int, str]]) -> None:
    """The year: acts wait while the machine is off, and so does everything else."""
    changes = [*acts, *(Act(start, "mood", person=mood) for start, _, mood in moods)]
    changes += [Act(start + length, "mood", person="up") for start, length, _ in moods]
    sent: set[int] = set()
    for act in sorted(changes, key=lambda each: (each.hour, each.what != "mood")):
        at = START + act.hour * HOUR
        for start, length in sorted(outages):
            off, on = START + start * HOUR, START + (start + length) * HOUR
            if this.now < off <= at:
                this.run_until(off)
            if off <= this.now < on:
                this.now = on
        if this.now < at:
            this.run_until(at)
        _do(this, act, sent)
        this.note()
    this.post.mood = "up"
    this.run_until(this.now + timedelta(days=40))


def _do(this: Year, act: Act, sent: set[int]) -> None:
    if act.what == "mood":
        this.post.mood = act.person
    elif act.what == "send":
        sent.add(act.number)
        this.send(act.number, act.hours, tuple(one for one in act.signers if one not in this.left), act.order)
    elif act.what == "leave":
        this.leave(act.person)
    elif act.number in sent:
        contract = f"c{act.number}"
        {
            "sign": lambda: this.sign(contract),
            "extend": lambda: this.extend(contract, act.hours),
            "hand over": lambda: this.hand_over(contract, act.person),
        }[act.what]()


@settings(
    max_examples=10,
    deadline=None,
    phases=NO_SHRINKING,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(contracts=CONTRACTS, acts=ACTS, outages=OUTAGES, moods=MOODS, holidays=HOLIDAYS)
@example(  # the one mail a day would come too late, an hour after another mail
    contracts=[(0, 204, ("person-3",), SigningOrder.SEQUENTIAL)],
    acts=[],
    outages=[(0, 250)],
    moods=[],
    holidays=[],
)
def test_nobody_is_missed_nobody_is_flooded_nothing_is_doubled(
    contracts: list[tuple[int, int, tuple[str, ...], SigningOrder]],
    acts: list[tuple[int, str, int, str, int]],
    outages: list[tuple[int, int]],
    moods: list[tuple[int, int, str]],
    holidays: list[int],
) -> None:
    free = frozenset(START.date() + timedelta(days=day) for day in holidays)
    calendar = WorkingCalendar("random", frozenset({5, 6}), holidays=free)
    happening = [
        *(
            Act(at, "send", number, "", hours, who, order)
            for number, (at, hours, who, order) in enumerate(contracts)
        ),
        *(Act(at, what, number, person, hours) for at, what, number, person, hours in acts),
    ]
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder, year(Path(folder), calendar) as this:
        play(this, happening, outages, moods)
        nobody_missed(this)
        nobody_flooded(this)
        nothing_doubled(this)
        nobody_disturbed_who_has_done_it(this)


def nobody_missed(this: Year) -> None:
    """Each step that was due while somebody had to sign, and the machine ran before the next step: there it is."""
    with this.database.reading() as tx:
        rows = tx.execute("SELECT contract, recipient, anchor, step FROM reminders WHERE occasion = 'signing'")
        made = set(rows.fetchall())
        waiting = tx.execute("SELECT count(*) FROM outbox WHERE state IN ('queued', 'sending')").fetchone()[0]
        lost = tx.execute(
            "SELECT count(*) FROM reminders LEFT JOIN outbox ON outbox.id = mail"
            " WHERE outbox.id IS NULL OR (state = 'withdrawn' AND closed IS NULL)"
        ).fetchone()[0]
    assert (waiting, lost) == (0, 0)
    for watch in this.watches:
        for due, ends in _expected(this, watch):
            begins = max(due.at, watch.since)
            if any(begins <= tick < ends for tick in this.ticks):
                key = (watch.contract, watch.person, watch.anchor.strftime("%Y-%m-%dT%H:%M:%SZ"), due.step)
                assert key in made, (watch, due)


def _expected(this: Year, watch: Watch) -> list[tuple[DueStep, datetime]]:
    """The steps for somebody, each with the moment until which it counts."""
    zone, until = ZoneInfo("Asia/Shanghai"), watch.until or this.now
    dues = schedule(ReminderSubject(watch.anchor, zone, RULES.steps, watch.floor), this.hours_of(watch.person))
    following = [*(due.at for due in dues[1:]), until]
    return [(due, min(later, until)) for due, later in zip(dues, following, strict=True)]


def nobody_flooded(this: Year) -> None:
    """Few mails a day, and time between them, also when machine and mail server come back after days."""
    days: Counter[tuple[str, date]] = Counter()
    for address in {mail.address for mail in this.post.received}:
        mails = [mail for mail in this.post.received if mail.address == address and mail.reminds]
        days.update((address, mail.at.date()) for mail in mails)
        for one, other in pairwise(mails):
            assert other.at - one.at >= RULES.gather or _presses(this, other), (one.at, other.at, address)
    assert max(days.values(), default=0) <= MOST_A_DAY


def _presses(this: Year, mail: Received) -> bool:
    """Whether a mail could not wait: one of its deadlines is near, by working hours."""
    person = mail.address.partition("@")[0]
    ends = [end for each in _contracts_in(mail) for end in _deadlines_at(this, each, mail.at)]
    return any(mail.at < end <= this.hours_of(person).at_or_after(mail.at + RULES.gather) for end in ends)


def _deadlines_at(this: Year, contract: str, at: datetime) -> set[datetime]:
    """The deadline of *contract* as it was *at* that moment, which an extension may have moved since."""
    watches = [each for each in this.watches if each.contract == contract]
    found = {each.anchor for each in watches if each.since <= at <= (each.until or this.now)}
    return found or {this.contract(contract).deadline.at}


def nothing_doubled(this: Year) -> None:
    """No Message-ID twice, and nobody reads the same words about the same contract twice."""
    identifiers = Counter(mail.message_id for mail in this.post.received)
    assert not [each for each, count in identifiers.items() if count > 1]
    assert all(mail.address != f"{UNREACHABLE}@example.com" for mail in this.post.received)


def nobody_disturbed_who_has_done_it(this: Year) -> None:
    """A mail asks only those to sign who have to at that moment, and not in their quiet hours."""
    for mail in this.post.received:
        if not mail.reminds:
            continue
        person = mail.address.partition("@")[0]
        for contract in re.findall(r"/contracts/(c\d+)/sign", mail.letter.body):
            watches = [each for each in this.watches if (each.contract, each.person) == (contract, person)]
            assert any(each.since <= mail.at <= (each.until or this.now) for each in watches), (mail, watches)
        assert this.hours_of(person).is_free(mail.at) or _presses(this, mail), mail


def _contracts_in(mail: Received) -> set[str]:
    return set(re.findall(r"/contracts/(c\d+)", mail.letter.body))

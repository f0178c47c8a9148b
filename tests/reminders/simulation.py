"""A year in the life of reminders: the real derivation, store and delivery under a clock that jumps.

The machine and the mail server go away and come back, people sign, hand over, extend and leave. What should have
happened is kept apart, in plain lists, and compared afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

from appliance.accounts.tickets import LinkTokens
from appliance.config import MailSettings
from appliance.contracts import rules
from appliance.contracts.authorisation_basis import BasisFinder
from appliance.contracts.dependencies import ContractRecords, SigningRules
from appliance.contracts.endings import Endings
from appliance.contracts.handing_over import HandingOver
from appliance.language import Language
from appliance.ledger.audit_trail import EventKind
from appliance.model.accounts import AccountState
from appliance.model.contract import (
    Contract,
    ContractRevision,
    ContractState,
    Deadline,
    Party,
    PartyKind,
    Placement,
    RevisionKind,
    SigningOrder,
)
from appliance.model.notice import QuietHours, ReminderPreferences
from appliance.model.people import Person
from appliance.notices.channel import (
    DeliveryRefused,
    DeliveryUnavailable,
    DeliveryUnknown,
    DeliveryUnreachable,
    Envelope,
)
from appliance.notices.delivery import OutboxDelivery
from appliance.notices.mail import MailClient
from appliance.notices.messages import MailMessage, PortalAddresses
from appliance.policy import Policy, PolicyRules
from appliance.policy.rules import ReminderRules
from appliance.reminders.derivation import ReminderDerivation, ReminderTick
from appliance.reminders.messages import ReminderLines, ReminderMails
from appliance.reminders.schedule import WorkingCalendar, WorkingHours
from appliance.store import accounts, contracts, outbox, participation_index, people, reminders
from appliance.store.database import Database

START = datetime(2026, 1, 1, 1, 0, tzinfo=UTC)
ZONES = ("Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe")
WISHES = (
    ReminderPreferences(),
    ReminderPreferences(QuietHours(time(20), time(10))),
    ReminderPreferences(None, time(10)),
    ReminderPreferences(QuietHours(time(6), time(20))),
)
RULES = ReminderRules(gather_minutes=120, grace_hours=48)
INITIATOR, OFFICER, UNREACHABLE = "person-0", "officer-1", "person-5"
SIGNERS = tuple(f"person-{number}" for number in range(1, 7))
TICK = timedelta(seconds=10)


class Died(BaseException):
    """The process ends here."""


@dataclass(frozen=True)
class Received:
    """A mail that arrived, or may have: when, at whose address, with which Message-ID and words."""

    at: datetime
    address: str
    message_id: str
    letter: MailMessage

    @property
    def reminds(self) -> bool:
        return self.letter.subject.startswith("Reminder: ")


class PostOffice(MailClient):
    """A mail server in one of the states that servers are in."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__(MailSettings(), None)
        self.mood = "up"
        self.received: list[Received] = []
        self._now = now

    def send_message(self, envelope: Envelope, letter: MailMessage) -> None:
        if self.mood == "down":
            raise DeliveryUnreachable("no route")
        if self.mood == "busy":
            raise DeliveryUnavailable("451 later")
        if envelope.recipient == f"{UNREACHABLE}@example.com":
            raise DeliveryRefused("550 no such user")
        self.received.append(Received(self._now(), envelope.recipient, envelope.message_id, letter))
        if self.mood == "vague":
            raise DeliveryUnknown("connection lost")
        if self.mood == "deadly":
            self.mood = "up"
            raise Died


@dataclass
class Watch:
    """Somebody who has to sign: for which deadline, since when, until when, and since when told of it."""

    contract: str
    person: str
    anchor: datetime
    since: datetime
    floor: datetime
    until: datetime | None = None


@dataclass
class Year:
    """The machine, its people and contracts, and the book of what should happen."""

    database: Database
    calendar: WorkingCalendar
    now: datetime = START
    ticks: list[datetime] = field(default_factory=list)
    watches: list[Watch] = field(default_factory=list)
    left: set[str] = field(default_factory=set)
    wishes: dict[str, ReminderPreferences] = field(default_factory=dict)

    def __post_init__(self) -> None:
        policy = Policy(PolicyRules(reminders=RULES))
        absent = cast(Any, None)  # nothing here touches documents, keys or the authority
        records = ContractRecords(
            self.database,
            lambda tx, notices: [outbox.enqueue(tx, notice) for notice in notices] and None,
            self.clock,
        )
        rules = SigningRules(policy, (), BasisFinder(policy, "甲公司"), absent, absent)
        self.endings = Endings(records, rules)
        self.handing_over = HandingOver(records, rules)
        addresses = PortalAddresses("https://sign.example", LinkTokens(b"k" * 32))
        derivation = ReminderDerivation(lambda _kind: RULES, lambda _name: self.calendar)
        self.reminding = ReminderTick(self.database, derivation, rules="1", now=self.clock)
        self.post = PostOffice(self.clock)
        digests = ReminderMails(
            derivation, lambda _kind: RULES, ReminderLines(lambda _kind: RULES, addresses), issuer="示例"
        )
        self.delivery = OutboxDelivery(
            self.database, self.post, digests, addresses=addresses, issuer="示例", now=self.clock
        )
        self._populate()

    def clock(self) -> datetime:
        return self.now

    # What people do

    def send(self, number: int, hours: int, signers: tuple[str, ...], order: SigningOrder) -> None:
        contract = _contract(f"c{number}", self.now, self.now + timedelta(hours=hours), signers, order)
        with self.database.transaction() as tx:
            contracts.insert_contract(tx, contract)
            for party in contract.parties:
                contracts.insert_party(tx, contract.id, party)
            contracts.touch(tx, contract.id, kind=EventKind.CONTRACT_SENT, actor=INITIATOR, at=self.now)
            participation_index.refresh(
                tx, contract.id, rules.buckets_of(contract), rules.search_words_of(contract)
            )
            for notice in rules.after_sending(contract, self.now):
                outbox.enqueue(tx, notice)

    def sign(self, contract_id: str) -> None:
        with self.database.transaction() as tx:
            before = contracts.load_contract(tx, contract_id)
            turn = before.on_turn
            if not turn or self.now >= before.deadline.at or turn[0].responsible in self.left:
                return
            contracts.mark_signed(tx, before, turn[0], self.now)
            if before.is_last(turn[0]):
                contracts.move(tx, before, ContractState.SIGNED)
            contracts.touch(tx, contract_id, kind=EventKind.PARTY_SIGNED, actor=turn[0].subject, at=self.now)
            after = contracts.load_contract(tx, contract_id)
            participation_index.refresh(tx, contract_id, rules.buckets_of(after), rules.search_words_of(after))
            for notice in rules.after_signature(before, after, turn[0], self.now):
                outbox.enqueue(tx, notice)

    def extend(self, contract_id: str, hours: int) -> None:
        contract = self.contract(contract_id)
        later = max(contract.deadline.at, self.now) + timedelta(hours=hours)
        if contract.state is ContractState.SENT and self.now < contract.deadline.at + RULES.grace:
            self.endings.extend(contract_id, Deadline(later, contract.deadline.zone), by=INITIATOR)

    def hand_over(self, contract_id: str, to: str) -> None:
        contract = self.contract(contract_id)
        turn = contract.on_turn
        taken = {party.subject for party in contract.parties}
        late = self.now >= contract.deadline.at
        if turn and to not in taken and not late and not {to, turn[0].subject} & self.left:
            self.handing_over.hand_over(contract_id, turn[0].id, to=to, reason="休假", by=turn[0].subject)

    def leave(self, person: str) -> None:
        if person not in self.left:
            with self.database.transaction() as tx:
                accounts.set_state(tx, person, AccountState.LEFT)
            self.left.add(person)

    def contract(self, contract_id: str) -> Contract:
        with self.database.reading() as tx:
            return contracts.load_contract(tx, contract_id)

    # What the machine does

    def tick(self) -> None:
        """All jobs of the scheduler once, as at any ten seconds of a day."""
        self.ticks.append(self.now)
        self.endings.expire()
        self.note()
        self.reminding.tick()
        try:
            self.delivery.deliver_due(most=1000)
        except Died:
            self.delivery.recover_interrupted()

    def run_until(self, end: datetime) -> None:
        """Ticks whenever something can be due: what the scheduler does in between changes nothing."""
        self.tick()
        while (at := self._next()) is not None and at < end:
            self.now = max(at, self.now + TICK)
            self.tick()
        self.now = max(self.now, end)

    def note(self) -> None:
        """Brings the book up to date: who has to sign what by when, since when, and since when told."""
        with self.database.reading() as tx:
            sent = [row[0] for row in tx.execute("SELECT id FROM contracts WHERE state = 'sent'")]
            standing: dict[tuple[str, str], datetime] = {}
            for contract in (contracts.load_contract(tx, each) for each in sent):
                for party in contract.on_turn:
                    if party.subject not in self.left:
                        standing[contract.id, party.subject] = contract.deadline.at
            for watch in self.watches:
                if watch.until is None and standing.get((watch.contract, watch.person)) != watch.anchor:
                    watch.until = self.now
            open_ones = {(watch.contract, watch.person) for watch in self.watches if watch.until is None}
            for (contract_id, person), anchor in standing.items():
                if (contract_id, person) not in open_ones:
                    dated = reminders.last_dated(tx, contract_id) or START
                    told = reminders.last_notified(tx, contract_id, person) or START
                    self.watches.append(Watch(contract_id, person, anchor, self.now, max(dated, told)))

    def hours_of(self, person: str) -> WorkingHours:
        zone = ZoneInfo(ZONES[int(person[-1]) % len(ZONES)])
        return WorkingHours(zone, RULES.hours, self.calendar, self.wishes.get(person, ReminderPreferences()).quiet)

    def _next(self) -> datetime | None:
        with self.database.reading() as tx:
            rows = tx.execute(
                "SELECT min(next_due) FROM reminder_plans WHERE next_due > '' UNION ALL"
                " SELECT min(retry_at) FROM outbox WHERE state = 'queued' UNION ALL"
                " SELECT min(deadline) FROM contracts WHERE state = 'sent'"
            ).fetchall()
            grace = tx.execute("SELECT deadline FROM contracts WHERE state = 'sent'").fetchall()
        moments = [datetime.fromisoformat(row[0]) for row in rows if row[0]]
        moments += [datetime.fromisoformat(row[0]) + RULES.grace for row in grace]
        later = [moment for moment in moments if moment > self.now]
        waiting = [self.now + timedelta(minutes=30)] if any(moment <= self.now for moment in moments[1:2]) else []
        return min(later + waiting, default=None)

    def _populate(self) -> None:
        with self.database.transaction() as tx:
            for number, subject in enumerate((INITIATOR, *SIGNERS, OFFICER)):
                zone = ZONES[int(subject[-1]) % len(ZONES)]
                person = Person(
                    subject, f"示例{number}", "甲公司", f"{subject}@example.com", Language.ENGLISH, zone
                )
                people.insert_person(tx, person, b"certificate" if subject != OFFICER else None)
                accounts.insert_account(tx, subject, subject, handle=subject.encode().ljust(16), now=self.now)
                accounts.set_password(tx, subject, "$argon2id$not-used")
                accounts.set_state(tx, subject, AccountState.ACTIVE)
            for number, subject in enumerate(SIGNERS):
                self.wishes[subject] = WISHES[number % len(WISHES)]
                reminders.save_preferences(tx, subject, self.wishes[subject])


@contextmanager
def year(folder: Path, calendar: WorkingCalendar) -> Iterator[Year]:
    database = Database(folder / "vermilion.db")
    try:
        yield Year(database, calendar)
    finally:
        database.close()


def _contract(
    identifier: str, sent: datetime, deadline: datetime, signers: tuple[str, ...], order: SigningOrder
) -> Contract:
    return Contract(
        id=identifier,
        title=f"合同 {identifier}",
        kind="采购",
        purpose="示例",
        initiator=INITIATOR,
        order=order,
        deadline=Deadline(deadline, "Asia/Shanghai"),
        state=ContractState.SENT,
        created=sent,
        pages=1,
        parties=tuple(_party(identifier, place, signer) for place, signer in enumerate(signers, 1)),
        revisions=(ContractRevision(0, RevisionKind.ORIGINAL, "0" * 64, 1000, sent),),
    )


def _party(contract: str, position: int, subject: str) -> Party:
    return Party(
        id=f"{contract}-{position}",
        position=position,
        kind=PartyKind.PERSON,
        subject=subject,
        name=subject,
        organisation="甲公司",
        requester=None,
        field=f"person-{position}",
        placement=Placement(0, 10, 80, 25, 8),
    )

"""Many contracts, written in bulk: what pages and lists cost does not hang on how a contract came to be."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from appliance.demonstration.participants import CONTRACT_SEAL, LI, ZHANG
from appliance.model.contract import (
    Contract,
    ContractRevision,
    ContractState,
    Deadline,
    Money,
    Party,
    PartyKind,
    PartyState,
    Placement,
    RevisionKind,
    SigningOrder,
)
from appliance.model.people import Person
from appliance.store.database import Database
from tests.bench.bulk import write
from tests.bench.crowd import MEMBERS, guest, member

WORDS = ("设备采购", "房屋租赁", "软件开发", "技术服务", "年度框架", "数据保密", "货物运输", "广告制作")
KINDS = ("采购", "租赁", "开发", "服务", "框架", "保密", "运输", "广告")
STATES = (
    *[ContractState.COMPLETED] * 12,
    *[ContractState.SENT] * 3,
    *[ContractState.DRAFT] * 2,
    ContractState.DECLINED,
    ContractState.EXPIRED,
    ContractState.RECALLED,
)
ENDED_BY = {ContractState.DECLINED: PartyState.DECLINED, ContractState.COMPLETED: PartyState.SIGNED}
CURRENCIES, DEPARTMENTS = ("CNY", "CNY", "USD", "JPY"), ("法务部", "采购部", "销售部", "行政部")
EVERY = timedelta(minutes=3)
"""Time between two contracts."""

SEALED, RARE, GUEST = 20, 997, 3
"""One contract of so many takes a seal, has a title that hardly another one has, has an outside signer."""

BATCH = 20_000


@dataclass(frozen=True, slots=True)
class Portfolio:
    """What is in ``database`` after :func:`fill`: ``size`` contracts; ``now`` is when the newest was made."""

    database: Database
    size: int
    now: datetime


def fill(portfolio: Portfolio, size: int, *, logged: bool = True) -> Portfolio:
    """*portfolio* grown to *size* contracts: Zhang has to do with all of them, Li with a good part. When *logged*,
    each has its entries in the log.

    The lists' rows come from the product's own rule (:mod:`appliance.contracts.rules`), the statements are
    ours: one transaction and a few ``executemany`` for each batch.
    """
    for first in range(portfolio.size, size, BATCH):
        numbers = range(first, min(first + BATCH, size))
        outside = [guest(number) for number in numbers if number % GUEST == 0]
        write(portfolio.database, [contract(number, portfolio.now) for number in numbers], outside, logged=logged)
    return Portfolio(portfolio.database, size, portfolio.now)


def contract(number: int, now: datetime) -> Contract:
    """The contract of this *number*; a larger one is younger."""
    made = now - EVERY * (1_000_000 - number)
    state = STATES[number * 7 % len(STATES)]
    kind = number % len(KINDS)
    days = number % 60 if state is ContractState.SENT else -1
    deadline = now + timedelta(days=days, hours=5) if days >= 0 else made + timedelta(days=30)
    special = "珍稀标本租借" if number % RARE == 0 else WORDS[kind]
    return Contract(
        id=f"bench{number:019d}",
        title=f"{special}合同 {number:06d}",
        kind=KINDS[kind],
        purpose="为测量而设的示例合同",
        initiator=ZHANG.subject,
        order=SigningOrder.SEQUENTIAL,
        deadline=Deadline(deadline, "Asia/Shanghai"),
        state=state,
        created=made,
        pages=3,
        parties=tuple(_parties(number, state, made)),
        revisions=tuple(_revisions(number, state, made)),
        amount=Money(number * 7919 % 10**9, CURRENCIES[number % len(CURRENCIES)]) if number % 4 else None,
        number="" if state is ContractState.DRAFT else f"{made.year}-{number:07d}",
        department=DEPARTMENTS[number % len(DEPARTMENTS)],
    )


def _parties(number: int, state: ContractState, made: datetime) -> Iterator[Party]:
    second = LI if number % 2 else member(number % MEMBERS)
    people: list[Person] = [ZHANG, second]
    if number % GUEST == 0:
        people.append(guest(number))
    places = itertools.count(1)
    for person in people:
        yield _party(number, next(places), person, state, made)
    if number % SEALED == 0:
        yield replace(
            _party(number, next(places), ZHANG, state, made),
            kind=PartyKind.SEAL,
            subject=CONTRACT_SEAL.subject,
            name=CONTRACT_SEAL.kind.value,
            requester=ZHANG.subject,
        )


def _party(number: int, position: int, person: Person, state: ContractState, made: datetime) -> Party:
    done = ENDED_BY.get(state, PartyState.WAITING)
    if position == 1 and (state is ContractState.DECLINED or (state is ContractState.SENT and number % 3)):
        done = PartyState.SIGNED
    if position > 2 and done is PartyState.DECLINED:
        done = PartyState.WAITING
    return Party(
        id=f"bench{number:017d}-{position}",
        position=position,
        kind=PartyKind.PERSON,
        subject=person.subject,
        name=person.name,
        organisation=person.organisation,
        requester=None,
        field=f"person-{position}",
        placement=Placement(2, 10 + 20 * position, 80, 18, 8),
        state=done,
        signed_at=made + timedelta(hours=position) if done is PartyState.SIGNED else None,
        reason="示例理由" if done is PartyState.DECLINED else None,
    )


def _revisions(number: int, state: ContractState, made: datetime) -> Iterator[ContractRevision]:
    yield ContractRevision(0, RevisionKind.ORIGINAL, f"{number:064x}", 48_000, made)
    if state is not ContractState.DRAFT:
        yield ContractRevision(1, RevisionKind.FIELDS, f"{number:063x}a", 60_000, made + timedelta(minutes=1))
    if state is ContractState.COMPLETED:
        yield ContractRevision(2, RevisionKind.ARCHIVE, f"{number:063x}b", 180_000, made + timedelta(hours=4))

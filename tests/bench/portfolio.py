"""Many contracts, written through SQL in one place: what lists cost does not hang on how a contract came to be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from appliance.contracts import involved
from appliance.language import Language
from appliance.model.contract import (
    Contract,
    ContractState,
    Deadline,
    Party,
    PartyKind,
    PartyState,
    Placement,
    Revision,
    RevisionKind,
    SigningOrder,
)
from appliance.model.people import Person
from appliance.store import contracts, involvements, parties, people
from appliance.store.database import Database

START = datetime(2026, 1, 5, 1, 0, tzinfo=UTC)
ORGANISATIONS = ("甲公司示例有限公司", "乙公司示例股份有限公司", "丙集团示例有限公司", "丁商行示例")
SUBJECTS = ("设备采购", "房屋租赁", "软件开发", "技术服务", "年度框架", "保密", "运输", "广告制作")
KINDS = ("采购", "租赁", "开发", "服务", "框架", "保密", "运输", "广告")
STATES = (
    *[ContractState.COMPLETED] * 6,
    ContractState.SENT,
    ContractState.DRAFT,
    ContractState.DECLINED,
    ContractState.EXPIRED,
)
BUSY = "person-bench-0"
"""Who has to do with every contract; the others with about one of twenty each."""

OTHERS = 40
BATCH = 2000


@dataclass(frozen=True, slots=True)
class Portfolio:
    """A database with so many contracts of a few people."""

    database: Database
    size: int


def fill(database: Database, size: int) -> Portfolio:
    """*size* contracts, numbered from what is there already."""
    with database.transaction() as tx:
        there = tx.execute("SELECT count(*) FROM contracts").fetchone()[0]
        if there == 0:
            for number in range(OTHERS + 1):
                people.insert_person(tx, _person(number), b"certificate")
    for first in range(there, size, BATCH):
        with database.transaction() as tx:
            for contract in _contracts(first, min(first + BATCH, size)):
                contracts.insert(tx, contract)
                for party in contract.parties:
                    parties.insert(tx, contract.id, party)
                involvements.refresh(tx, contract.id, involved.of(contract), involved.words(contract))
    return Portfolio(database, size)


def _contracts(first: int, end: int) -> Iterator[Contract]:
    for number in range(first, end):
        yield _contract(number)


def _contract(number: int) -> Contract:
    made = START + timedelta(minutes=3 * number)
    state = STATES[number % len(STATES)]
    kind = number % len(KINDS)
    other = f"person-bench-{1 + number % OTHERS}"
    signed = PartyState.SIGNED if state is ContractState.COMPLETED else PartyState.WAITING
    return Contract(
        id=f"bench-{number:08d}",
        title=f"{SUBJECTS[kind]}合同 {number:06d}",
        kind=KINDS[kind],
        purpose="为测量而设的示例合同",
        initiator=BUSY,
        order=SigningOrder.SEQUENTIAL,
        deadline=Deadline(made + timedelta(days=30), "Asia/Shanghai"),
        state=state,
        created=made,
        pages=3,
        parties=(_party(number, 1, BUSY, signed, made), _party(number, 2, other, signed, made)),
        revisions=(Revision(0, RevisionKind.ORIGINAL, f"{number:064x}", 1000, made),),
    )


def _party(number: int, position: int, subject: str, state: PartyState, at: datetime) -> Party:
    person = _person(int(subject.rpartition("-")[2]))
    return Party(
        id=f"bench-{number:08d}-{position}",
        position=position,
        kind=PartyKind.PERSON,
        subject=subject,
        name=person.name,
        organisation=person.organisation,
        requester=None,
        field=f"person-{position}",
        placement=Placement(2, 10 + 30 * position, 80, 25, 8),
        state=state,
        signed_at=at if state is PartyState.SIGNED else None,
    )


def _person(number: int) -> Person:
    return Person(
        subject=f"person-bench-{number}",
        name=f"示例人员{number}",
        organisation=ORGANISATIONS[number % len(ORGANISATIONS)],
        email=f"bench{number}@example.com",
        language=Language.CHINESE,
        zone="Asia/Shanghai",
    )

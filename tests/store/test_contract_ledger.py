"""The contract ledger's pages: what each filter leaves for whom, in each order, whichever way rows are found."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import product
from zoneinfo import ZoneInfo

import pytest

from appliance.contracts.access import refresh_lists
from appliance.errors import PreconditionRefused
from appliance.language import Language
from appliance.model.contract import (
    EXPONENTS,
    Contract,
    ContractRevision,
    ContractState,
    Deadline,
    Money,
    Party,
    PartyKind,
    RevisionKind,
    SigningOrder,
)
from appliance.model.contract_ledger import LedgerCursor, LedgerDate, LedgerFilter, LedgerOrder
from appliance.model.listing import EVERYTHING, ListedContract, ListViewer
from appliance.model.notice import ContractDate, Occasion
from appliance.model.people import Person
from appliance.store import contract_ledger, contracts, people
from appliance.store.database import Database
from tests.store.test_query_plans import GROWING, Watched

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
ZONE = "Asia/Shanghai"
ALPHA, BETA = "甲公司", "乙公司"
ZHANG = Person("person-zhang", "张示例", ALPHA, "zhang@example.com", Language.CHINESE, ZONE)
LI = Person("person-li", "李样本", BETA, "li@example.com", Language.CHINESE, ZONE)
KINDS, PARTS = ("采购", "租赁", "𠮷田"), ("法务部", "采购部", "")
STATES = (*[ContractState.SENT] * 4, *[ContractState.COMPLETED] * 4, ContractState.DRAFT, ContractState.VOIDED)
MANY = 72

AUDITOR = ListViewer(EVERYTHING, (ALPHA,))
READERS = (AUDITOR, ListViewer(ZHANG.subject, (ALPHA,)), ListViewer(LI.subject, (BETA,)))


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    database = Database(tmp_path_factory.mktemp("ledger") / "state.sqlite")
    chance = random.Random(7)  # noqa: S311 -- the same contracts each time
    with database.transaction() as tx:
        for person in (ZHANG, LI):
            people.insert_person(tx, person, None)
        for number in range(MANY):
            contract = made(number, chance)
            contracts.insert_contract(tx, contract)
            for party in contract.parties:
                contracts.insert_party(tx, contract.id, party)
            sent, done = contract.created + timedelta(hours=3), contract.created + timedelta(days=4)
            unsent = contract.state is ContractState.DRAFT
            tx.update("contracts", {"sent": "" if unsent else sent}, id=contract.id)
            if contract.state in (ContractState.COMPLETED, ContractState.VOIDED):
                tx.update("contracts", {"completed": done}, id=contract.id)
            if number % 3 == 0:
                day = date(2026, 11, 1) + timedelta(days=number)
                contracts.save_date(tx, contract.id, ContractDate(Occasion.EXPIRY, day, contract.initiator, NOW))
            refresh_lists(tx, contract.id)
    yield database
    database.close()


def made(number: int, chance: random.Random) -> Contract:
    initiator = LI if number % 5 == 0 else ZHANG
    state = chance.choice(STATES)
    currency = chance.choice(("CNY", "JPY", "KWD"))
    created = datetime(2026, 10, 1, tzinfo=UTC) + timedelta(hours=7 * number)
    signers = [ZHANG, LI] if number % 4 else [initiator]
    return Contract(
        id=f"{number:024x}",
        title=f"设备合同 {number}" if number % 7 else "=HYPERLINK(罕见)",
        kind=chance.choice(KINDS),
        purpose="示例",
        initiator=initiator.subject,
        order=SigningOrder.PARALLEL,
        deadline=Deadline(NOW + timedelta(days=number % 40 - 5), ZONE),
        state=state,
        created=created,
        pages=1,
        parties=tuple(
            Party(
                f"{number}-{place}",
                place,
                PartyKind.PERSON,
                each.subject,
                each.name,
                each.organisation,
                None,
                f"f{place}",
                None,
            )
            for place, each in enumerate(signers, 1)
        ),
        revisions=(ContractRevision(0, RevisionKind.ORIGINAL, "0" * 64, 1, created),),
        amount=Money(chance.randrange(10**6), currency) if number % 6 else None,
        department=chance.choice(PARTS),
    )


def everything(
    database: Database, reader: ListViewer, wanted: LedgerFilter, limit: int = 13
) -> list[ListedContract]:
    """All pages, one after the other."""
    found: list[ListedContract] = []
    while True:
        with database.reading() as tx:
            page = contract_ledger.page(tx, reader, wanted, now=NOW, zone=ZONE, limit=limit)
        found += page.rows
        if page.next is None:
            return found
        wanted = replace(wanted, after=page.next)


KEYS: dict[LedgerOrder, Callable[[ListedContract], object]] = {
    LedgerOrder.CREATED: lambda row: row.created,
    LedgerOrder.NUMBER: lambda row: row.number,
    LedgerOrder.AMOUNT: lambda row: Decimal(-1) if row.amount is None else row.amount.units,
    LedgerOrder.SENT: lambda row: "" if row.sent is None else row.sent.isoformat(),
    LedgerOrder.DEADLINE: lambda row: row.deadline,
    LedgerOrder.COMPLETED: lambda row: "" if row.completed is None else row.completed.isoformat(),
}


def _day(at: datetime | None) -> date:
    return date.min if at is None else at.astimezone(ZoneInfo(ZONE)).date()


def _signs(row: ListedContract, organisation: str) -> bool:
    return any(each.organisation == organisation for each in row.parties)


def _open(row: ListedContract) -> bool:
    return row.state in (ContractState.SENT, ContractState.SIGNED, ContractState.COMPLETED)


FROM, TO = date(2026, 10, 9), date(2026, 10, 20)
FILTERS: list[tuple[LedgerFilter, Callable[[ListedContract], bool]]] = [
    (LedgerFilter(), lambda _: True),
    (LedgerFilter(kind="采购"), lambda row: row.kind == "采购"),
    (LedgerFilter(state=ContractState.SENT), lambda row: row.state is ContractState.SENT),
    (LedgerFilter(text="HYPERLINK"), lambda row: "HYPERLINK" in row.title),
    (LedgerFilter(text="罕"), lambda row: "罕" in row.title),
    (LedgerFilter(party="乙公司"), lambda row: _signs(row, BETA)),
    (LedgerFilter(party="乙", text="设备合"), lambda row: "设备合" in row.title and _signs(row, BETA)),
    (LedgerFilter(currency="JPY"), lambda row: row.amount is not None and row.amount.currency == "JPY"),
    (
        LedgerFilter(least=Decimal(500), most=Decimal("6000.5")),
        lambda row: row.amount is not None and 500 <= row.amount.units <= Decimal("6000.5"),
    ),
    (LedgerFilter(department="法务部"), lambda row: row.department == "法务部"),
    (LedgerFilter(since=FROM, until=TO), lambda row: FROM <= _day(row.created) <= TO),
    (LedgerFilter(since=FROM, until=TO, dated=LedgerDate.SENT), lambda row: FROM <= _day(row.sent) <= TO),
    (
        LedgerFilter(until=TO, dated=LedgerDate.COMPLETED),
        lambda row: row.completed is not None and _day(row.completed) <= TO,
    ),
    (
        LedgerFilter(since=date(2026, 12, 1), dated=LedgerDate.EXPIRY),
        lambda row: row.days.get("expiry", date.min) >= date(2026, 12, 1),
    ),
    (
        LedgerFilter(due=14),
        lambda row: (row.state is ContractState.SENT and row.deadline < NOW + timedelta(days=14))
        or (_open(row) and date(2026, 11, 25) <= row.days.get("expiry", date.min) <= date(2026, 12, 9)),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("few", "looked_at"), [(5000, 10_000), (-1, 11)], ids=["sorted", "walked"])
@pytest.mark.parametrize("reader", READERS, ids=["auditor", "zhang", "li"])
def test_each_filter_leaves_what_it_says_in_each_order(
    database: Database, monkeypatch: pytest.MonkeyPatch, reader: ListViewer, few: int, looked_at: int
) -> None:
    monkeypatch.setattr(contract_ledger, "FEW", few)
    monkeypatch.setattr(contract_ledger, "LOOKED_AT", looked_at)
    whole = everything(database, reader, LedgerFilter())
    assert len(whole) > 30
    for wanted, fits in FILTERS:
        expected = {row.id for row in whole if fits(row)}
        assert expected or (reader is READERS[2] and wanted.department), (
            "a filter that leaves nothing tests nothing"
        )
        for order, ascending in product(LedgerOrder, (True, False)):
            rows = everything(database, reader, replace(wanted, order=order, ascending=ascending))
            assert {row.id for row in rows} == expected, (wanted, order)
            assert len(rows) == len(expected)
            keys = [KEYS[order](row) for row in rows]
            assert keys == sorted(keys, reverse=not ascending)  # type: ignore[type-var]


def test_everybody_sees_what_the_lists_show_them_and_nothing_internal_of_others(database: Database) -> None:
    for reader in READERS:
        organisation = reader.organisations[0]
        for row in everything(database, reader, LedgerFilter()):
            own = row.initiator == ({ALPHA: ZHANG, BETA: LI}[organisation]).name
            assert own or (row.department, row.days) == ("", {})
            assert own or row.state is not ContractState.DRAFT
    of_li = {row.id for row in everything(database, READERS[2], LedgerFilter())}
    with database.reading() as tx:
        assert of_li == set(
            tx.column(
                str,
                "SELECT c.id FROM involvements AS i JOIN contracts AS c USING (number) WHERE i.person = ?",
                (LI.subject,),
            )
        )
    for wanted in (
        LedgerFilter(department="法务部"),
        LedgerFilter(since=date(2020, 1, 1), dated=LedgerDate.EXPIRY),
    ):
        for row in everything(database, READERS[2], wanted):
            assert row.initiator == LI.name, "a filter by what is internal to others would tell"


def test_the_database_reads_amounts_in_the_units_of_their_currencies(database: Database) -> None:
    with database.transaction() as tx:
        number = tx.count("SELECT min(number) FROM contracts")
        for currency in EXPONENTS:
            money = Money(123_456_789, currency)
            tx.update("contracts", {"amount": money.minor, "currency": currency}, number=number)
            assert tx.value(float, "SELECT worth FROM contracts WHERE number = ?", (number,)) == float(money.units)
        tx.update("contracts", {"amount": None, "currency": None}, number=number)


HALF_A_SURROGATE, NUMBER_WITHOUT_END = (
    base64.urlsafe_b64encode(f"[{key},1]".encode()).decode().rstrip("=") for key in ('"\\ud800"', "9" * 200)
)


@pytest.mark.parametrize("text", [HALF_A_SURROGATE, "", "x", "é", "[]", str(LedgerCursor("2026", 1)) + "A" * 9])
def test_a_place_that_no_page_named_is_refused(database: Database, text: str) -> None:
    with pytest.raises(PreconditionRefused), database.reading() as tx:
        wanted = LedgerFilter(after=text)
        contract_ledger.page(tx, AUDITOR, wanted, now=NOW, zone=ZONE, limit=5)


@pytest.mark.parametrize("text", ["WyIyMDI2IiwxXQ", HALF_A_SURROGATE], ids=["another order", "no number"])
def test_a_place_that_no_page_of_amounts_named_is_refused(database: Database, text: str) -> None:
    with pytest.raises(PreconditionRefused), database.reading() as tx:
        wanted = LedgerFilter(after=text, order=LedgerOrder.AMOUNT)
        contract_ledger.page(tx, AUDITOR, wanted, now=NOW, zone=ZONE, limit=5)


def test_a_page_behind_the_largest_of_all_amounts_is_one(database: Database) -> None:
    """No integer that the address names is too large for the database."""
    with database.reading() as tx:
        wanted = LedgerFilter(after=NUMBER_WITHOUT_END, order=LedgerOrder.AMOUNT)
        assert contract_ledger.page(tx, AUDITOR, wanted, now=NOW, zone=ZONE, limit=5).rows


@pytest.mark.parametrize("few", [5000, -1], ids=["sorted", "walked"])
def test_a_page_reads_no_whole_table(database: Database, monkeypatch: pytest.MonkeyPatch, few: int) -> None:
    monkeypatch.setattr(contract_ledger, "FEW", few)
    for (wanted, _), order, reader in product(FILTERS, LedgerOrder, READERS):
        with database.reading() as tx:
            watched = Watched(tx)
            contract_ledger.page(watched, reader, replace(wanted, order=order), now=NOW, zone=ZONE, limit=5)
        for step in watched.plans:
            scanned = step.removeprefix("SCAN ").split() if step.startswith("SCAN ") else []
            walked = (
                len(scanned) > 1 and scanned[0] == "c" and "INDEX contracts_by_" in step
            )  # as far as the page goes
            assert walked or not scanned or scanned[0] not in {*GROWING, "c", "d", "n"}, step

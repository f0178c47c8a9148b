"""Words of one or two signs find contracts at once, however many there are and however rare the word is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from appliance.contracts.access import refresh_lists
from appliance.language import Language
from appliance.listing import ContractLists, add_missing_rows
from appliance.model.contract import (
    Contract,
    ContractRevision,
    ContractState,
    Deadline,
    Party,
    PartyKind,
    RevisionKind,
    SigningOrder,
)
from appliance.model.listing import EVERYTHING, ContractFilter
from appliance.model.people import Person
from appliance.store import contracts, lists, people
from appliance.store.database import Database, Transaction
from appliance.store.retention import forget_contract
from tests.lists import find_wrong

NOW = datetime(2026, 11, 25, tzinfo=UTC)
ANNA, BO = "person-anna", "person-bo"
TITLES = ("设备采购合同", "房屋租赁合同", "𠮷野 IT 服务", "50% 折扣 ß")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "vermilion.db")
    with database.transaction() as tx:
        for subject, name in ((ANNA, "安娜"), (BO, "薄样本")):
            person = Person(subject, name, "甲公司", f"{subject}@example.com", Language.CHINESE, "Asia/Shanghai")
            people.insert_person(tx, person, b"certificate")
        for number, title in enumerate(TITLES):
            _insert(tx, str(number), title, BO if number < 2 else ANNA)
    yield database
    database.close()


def found(database: Database, person: str = ANNA, **wanted: str) -> list[str]:
    return [
        row.title for row in ContractLists(database, lambda: NOW).list_page(person, ContractFilter(**wanted)).rows
    ]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("words", "titles"),
    [
        ("采", [TITLES[0]]),
        ("采购", [TITLES[0]]),
        ("购采", []),
        ("合同", [TITLES[1], TITLES[0]]),
        ("同 ", [TITLES[1], TITLES[0]]),
        ("𠮷", [TITLES[2]]),
        ("𠮷野", [TITLES[2]]),
        ("it", [TITLES[2]]),
        ("I", [TITLES[2]]),
        ("%", [TITLES[3]]),
        ("0%", [TITLES[3]]),
        ("SS", [TITLES[3]]),
        ("薄", [TITLES[1], TITLES[0]]),
        ("*", []),
        ('"', []),
    ],
)
def test_a_short_word_of_the_title_or_a_party_finds(database: Database, words: str, titles: list[str]) -> None:
    assert found(database, query=words) == titles


def test_a_party_is_not_looked_for_in_titles(database: Database) -> None:
    assert found(database, party="采") == []
    assert found(database, party="薄样") == [TITLES[1], TITLES[0]]
    assert found(database, query="租赁", party="薄") == [TITLES[1]]
    assert found(database, query="采购合同", party="薄") == [TITLES[0]]
    assert found(database, query="采购合同", party="安") == []


def test_nobody_finds_what_they_have_nothing_to_do_with(database: Database) -> None:
    assert found(database, BO, query="野") == []
    assert found(database, EVERYTHING, query="野") == [TITLES[2]]


def test_a_rare_word_is_found_behind_more_contracts_than_a_page_looks_at(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "LOOKED_AT", 2)

    assert found(database, query="采") == [TITLES[0]]


def test_contracts_of_an_older_release_are_completed(database: Database) -> None:
    with database.transaction() as tx:
        tx.execute("DELETE FROM contract_grams WHERE rowid = 1")

    assert find_wrong(database) == ["0"]
    assert add_missing_rows(database) == 1
    assert find_wrong(database) == []
    assert found(database, query="采") == [TITLES[0]]


def test_what_was_disposed_of_is_neither_found_nor_listed_again(database: Database) -> None:
    with database.transaction() as tx:
        tx.execute(
            "INSERT INTO disposals (contract, reason, state, proposed, proposed_by, ended, ended_by, entry)"
            " VALUES ('0', '期满', 'done', '2026-11-25', ?1, '2026-11-25', ?1, 0)",
            (ANNA,),
        )
        forget_contract(tx, "0")

    assert add_missing_rows(database) == 0
    assert find_wrong(database) == []
    assert found(database, query="采") == []


def test_another_title_is_found_and_the_old_one_no_longer(database: Database) -> None:
    with database.transaction() as tx:
        tx.execute("UPDATE contracts SET title = '货物运输合同' WHERE id = '0'")
        refresh_lists(tx, "0")

    assert found(database, query="采") == []
    assert found(database, query="运输") == ["货物运输合同"]


def _insert(tx: Transaction, contract_id: str, title: str, second: str) -> None:
    contract = Contract(
        id=contract_id,
        title=title,
        kind="示例",
        purpose="示例",
        initiator=ANNA,
        order=SigningOrder.PARALLEL,
        deadline=Deadline(NOW, "Asia/Shanghai"),
        state=ContractState.SENT,
        created=NOW,
        pages=1,
        parties=(),
        revisions=(ContractRevision(0, RevisionKind.ORIGINAL, "0" * 64, 1, NOW),),
    )
    contracts.insert_contract(tx, contract)
    person = people.person(tx, second)
    kind, field = PartyKind.PERSON, "person-1"
    party = Party(f"party-{contract_id}", 1, kind, second, person.name, "乙公司", None, field, None)
    contracts.insert_party(tx, contract_id, party)
    refresh_lists(tx, contract_id)

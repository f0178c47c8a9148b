"""What a client of the API lists: its organisations' contracts of its types, in order, whoever else has some."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pysqlite3 import dbapi2 as sqlite

from appliance.acting_client import ClientReach
from appliance.model.contract import ContractState
from appliance.model.listing import ClientFilter, ListCursor
from appliance.store import client_lists, contracts, events, people
from appliance.store.database import Database
from hsm import schema
from tests.appliance.contracts.samples import contract
from tests.appliance.store.seeds import CERTIFICATE, person

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
HOUSES, KINDS = ("甲公司示例有限公司", "乙公司示例有限公司", "丙公司示例有限公司"), ("采购", "租赁", "服务")
STATES = (ContractState.DRAFT, ContractState.SENT, ContractState.RECALLED)
ROWS = """
INSERT INTO people (subject, name, organisation, email, language, zone, guest) VALUES
    ('person-10', '张示例', '甲公司示例有限公司', 'zhang@alpha.example', 'zh', 'Asia/Shanghai', 0);
INSERT INTO contracts (id, title, kind, purpose, initiator, signing_order, deadline, zone, state, created, pages,
    revision, touched) VALUES ('one', '示例', '采购', '示例', 'person-10', 'sequential', '2026-12-24T08:00:00Z',
    'Asia/Shanghai', 'sent', '2026-11-24T08:00:00Z', 1, 0, '2026-11-24T08:00:00Z');
INSERT INTO ledger (number, leaf) VALUES (0, x'01');
INSERT INTO contract_events (contract, entry) VALUES ('one', 0);
"""
"""Of a release that did not know whose a contract is."""

MADE = tuple(itertools.product(HOUSES, KINDS, STATES))


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A contract of each organisation, type and state, twice; what was made first has changed last."""
    database = Database(tmp_path_factory.mktemp("lists") / "lists.db")
    with database.transaction() as tx:
        for number, house in enumerate(HOUSES, 10):
            people.insert_person(tx, replace(person(number), organisation=house), CERTIFICATE)
        for number, (house, kind, state) in enumerate((*MADE, *MADE)):
            by, at = f"person-{10 + HOUSES.index(house)}", NOON - timedelta(minutes=number)
            one = replace(contract(), id=f"{number:03}", initiator=by, kind=kind, state=state, parties=())
            contracts.insert_contract(tx, replace(one, created=at))
    yield database
    database.close()


WANTED = [
    ClientFilter(state, kind, since)
    for state in (None, *STATES)
    for kind in ("", "租赁")
    for since in (None, NOON - timedelta(minutes=40))
]


@pytest.mark.parametrize("kinds", [(), ("租赁",), ("服务", "租赁")])
@pytest.mark.parametrize("houses", [HOUSES[:1], HOUSES[1:], ("丁公司示例有限公司",)])
@pytest.mark.parametrize("wanted", WANTED)
def test_it_is_what_the_contracts_say(
    database: Database, wanted: ClientFilter, houses: tuple[str, ...], kinds: tuple[str, ...]
) -> None:
    expected = [
        f"{number:03}"
        for number, (house, kind, state) in enumerate((*MADE, *MADE))
        if house in houses
        and (not kinds or kind in kinds)
        and wanted.kind in ("", kind)
        and wanted.state in (None, state)
        and (wanted.changed_since is None or number <= 40)
    ]
    if wanted.changed_since is None:
        expected.reverse()

    assert _listed(database, wanted, houses, kinds) == expected


def _listed(
    database: Database, wanted: ClientFilter, houses: tuple[str, ...], kinds: tuple[str, ...]
) -> list[str]:
    """Page by page, each behind the third place of the one before."""
    found: list[str] = []
    after: ListCursor | None = None
    reach = ClientReach("client-0123456789abcdef", frozenset(houses), frozenset(kinds))
    with database.reading() as tx:
        while page := list(itertools.islice(client_lists.candidates(tx, reach, wanted, after), 3)):
            found += [contract_id for _, contract_id in page if contract_id is not None]
            after = page[-1][0]
    return found


def test_one_page_looks_at_so_many(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_lists, "LOOKED_AT", 5)
    reach = ClientReach("client-0123456789abcdef", frozenset(HOUSES))
    with database.reading() as tx:
        assert len(list(client_lists.candidates(tx, reach, ClientFilter(), None))) == 5


def test_contracts_of_a_release_before_are_found(tmp_path: Path) -> None:
    path, reach = tmp_path / "before.db", ClientReach("client-0123456789abcdef", frozenset(HOUSES[:1]))
    before = list(
        itertools.takewhile(
            lambda step: "contracts_of_organisation" not in step[1], sorted(schema._steps("appliance.store"))
        )
    )
    with closing(sqlite.connect(path, isolation_level=None)) as connection:
        for number, script in before:
            schema._apply(connection, script, number)
        connection.executescript(ROWS)
        connection.execute(f"PRAGMA user_version = {len(before)}")
    path.chmod(0o600)
    with closing(Database(path)) as database, database.reading() as tx:
        assert [found for _, found in client_lists.candidates(tx, reach, ClientFilter(), None)] == ["one"]
        assert [each.entry for each in events.sources_after(tx, reach, -1, 9, limit=9)] == [0]
        assert events.sources_after(tx, ClientReach(reach.client, frozenset(HOUSES[1:])), -1, 9, limit=9) == []

"""What was kept in one instant, in one tick of a clock, is listed and worked on in the order in which it came."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.language import Language
from appliance.model.contract import ContractState
from appliance.model.writing import Text, TextPurpose, Wording
from appliance.store import contracts, writing
from appliance.store.database import Database
from tests.appliance.contracts.samples import NOON, contract
from tests.appliance.store.seeds import seeded

IDS = ("f" * 24, "b" * 24, "c" * 24)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = seeded(tmp_path / "vermilion.db")
    yield opened
    opened.close()


def test_texts_the_last_first(database: Database) -> None:
    purpose, wording = next(iter(TextPurpose)), Wording("采购", Language.CHINESE, "<p></p>", ())
    with database.transaction() as tx:
        for each in IDS:
            writing.insert_text(tx, Text(each, "person-1", purpose, "采购", wording, 1, NOON, NOON, "person-1"))
        assert [each.id for each in writing.texts_of(tx, "person-1", purpose, 9)] == [*reversed(IDS)]


def test_what_everybody_has_signed_is_sealed_off_the_first_first(database: Database) -> None:
    with database.transaction() as tx:
        for each in IDS:
            contracts.insert_contract(tx, replace(contract(), id=each, parties=(), state=ContractState.SIGNED))
        assert contracts.to_finalise(tx) == [*IDS]

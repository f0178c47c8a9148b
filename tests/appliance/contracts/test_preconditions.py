"""Each precondition refuses by itself, whatever the user interface allowed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from appliance.contracts.agreement_text import VERSION
from appliance.contracts.preconditions import (
    STANDARD,
    Agreed,
    Allowed,
    Enrolled,
    SealInUse,
    Signing,
    require_all,
)
from appliance.errors import PreconditionRefused
from appliance.model.acceptance import AgreementRecord
from appliance.model.contract import Contract, ContractState, Party, SigningOrder
from appliance.store import agreements
from appliance.store.database import Database, Transaction
from hsm.acts import SigningIntent
from tests.appliance.contracts.samples import NOON, contract
from tests.appliance.store.seeds import seeded


@pytest.fixture
def tx(tmp_path: Path) -> Iterator[Transaction]:
    database: Database = seeded(tmp_path / "vermilion.db")
    with database.transaction() as opened:
        yield opened
    database.close()


def signing(sample: Contract, position: int = 1) -> Signing:
    return Signing(sample, sample.parties[position - 1], NOON)


def accept(tx: Transaction, person: str, version: str = VERSION) -> None:
    record = b"{}"
    act = SigningIntent(
        "agreement", person, "agreement", person, hashlib.sha256(record).digest(), NOON, person.encode().ljust(16)
    )
    proposal = AgreementRecord(f"agreement-{person}-{version}", person, version, record, act, NOON)
    agreements.insert(tx, proposal)
    agreements.accept(tx, proposal, at=NOON, cms=b"cms", entry=0)


@pytest.mark.parametrize("state", [state for state in ContractState if state is not ContractState.SENT])
def test_only_what_is_sent(tx: Transaction, state: ContractState) -> None:
    with pytest.raises(PreconditionRefused, match=state.value):
        Allowed().require(tx, signing(replace(contract(), state=state)))


def test_only_in_turn(tx: Transaction) -> None:
    with pytest.raises(PreconditionRefused, match="turn of 签约方 1"):
        Allowed().require(tx, signing(contract(), 2))
    Allowed().require(tx, signing(contract(SigningOrder.PARALLEL), 2))


def test_not_from_the_deadline_on(tx: Transaction) -> None:
    due = contract().deadline.at
    Allowed().require(tx, replace(signing(contract()), now=due - timedelta(microseconds=1)))
    with pytest.raises(PreconditionRefused, match="deadline"):
        Allowed().require(tx, replace(signing(contract()), now=due))


def test_nobody_signs_without_a_certificate(tx: Transaction) -> None:
    tx.execute("DELETE FROM certificates WHERE subject = 'person-1'")
    with pytest.raises(PreconditionRefused, match="签约方 1 cannot sign yet"):
        Enrolled().require(tx, signing(contract()))
    Enrolled().require(tx, signing(contract(), 2))


def test_not_without_the_agreement_or_with_an_older_text(tx: Transaction) -> None:
    accept(tx, "person-1", version="0")
    with pytest.raises(PreconditionRefused, match="person-1 has not accepted"):
        Agreed().require(tx, signing(contract()))
    accept(tx, "person-1")
    Agreed().require(tx, signing(contract()))


def test_for_a_seal_the_one_who_asks_must_have_agreed(tx: Transaction) -> None:
    with pytest.raises(PreconditionRefused, match="person-1"):
        Agreed().require(tx, signing(contract(), 3))


def seal_party(requester: str) -> Party:
    return replace(contract().parties[2], requester=requester)


def test_a_seal_needs_a_custodian_who_does_not_ask_for_it_himself(tx: Transaction) -> None:
    SealInUse().require(tx, replace(signing(contract(), 3), party=seal_party("person-1")))
    with pytest.raises(PreconditionRefused, match="custodian"):
        SealInUse().require(tx, replace(signing(contract(), 3), party=seal_party("person-2")))


def test_a_suspended_seal_stays_in_its_box(tx: Transaction) -> None:
    tx.execute("UPDATE seals SET suspended = '2026-11-25T03:00:00Z'")
    with pytest.raises(PreconditionRefused, match="suspended"):
        SealInUse().require(tx, signing(contract(), 3))


def test_all_together(tx: Transaction) -> None:
    with pytest.raises(PreconditionRefused, match="agreement"):
        require_all(STANDARD, tx, signing(contract()))
    accept(tx, "person-1")
    require_all(STANDARD, tx, signing(contract()))

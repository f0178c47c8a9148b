"""Who is reminded: those who must act, a seal's custodians once it is asked for, people from outside too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from appliance.model.contract import ContractState
from appliance.model.notice import Duty, ReminderRole
from appliance.model.people import SealRequest, SealRequestState
from appliance.reminders import derivation
from appliance.store import contracts, intents, people, seal_requests
from appliance.store.database import Database, Transaction
from tests.appliance.contracts.samples import NOON
from tests.appliance.store.seeds import intent, person, seeded

INITIATOR = Duty("person-9", ReminderRole.INITIATOR)


@pytest.fixture
def tx(tmp_path: Path) -> Iterator[Transaction]:
    database: Database = seeded(tmp_path / "vermilion.db")
    with database.transaction() as tx:
        yield tx
    database.close()


def sign(tx: Transaction, *positions: int) -> None:
    for position in positions:
        contract = contracts.load_contract(tx, "contract-1")
        contracts.mark_signed(tx, contract, contract.require_party(f"party-{position}"), NOON)


def to_sign(tx: Transaction) -> list[Duty]:
    return derivation.duties_to_sign(tx, contracts.load_contract(tx, "contract-1"))


def asked(tx: Transaction) -> SealRequest:
    intents.insert_intent(tx, intent(3))
    request = SealRequest(
        id="request-1",
        contract="contract-1",
        party="party-3",
        seal="seal-3",
        requester="person-1",
        reason="签约",
        intent="intent-1",
        state=SealRequestState.WAITING,
        asked=NOON,
        expires=NOON + timedelta(days=2),
    )
    seal_requests.insert_request(tx, request)
    return request


def test_the_one_whose_turn_it_is_and_the_initiator(tx: Transaction) -> None:
    assert to_sign(tx) == [Duty("person-1", ReminderRole.SIGNER), INITIATOR]
    sign(tx, 1)
    assert to_sign(tx) == [Duty("person-2", ReminderRole.SIGNER), INITIATOR]


def test_of_a_seal_first_the_one_who_asks_then_its_custodians_and_nobody_while_it_is_used(tx: Transaction) -> None:
    sign(tx, 1, 2)
    assert to_sign(tx) == [Duty("person-1", ReminderRole.SIGNER), INITIATOR]
    request = asked(tx)
    assert to_sign(tx) == [Duty("person-2", ReminderRole.CUSTODIAN, "request-1"), INITIATOR]
    seal_requests.decide(tx, request, SealRequestState.APPROVED, at=NOON, by="person-2")
    assert to_sign(tx) == []


def test_a_request_marks_the_plan_of_its_contract(tx: Transaction) -> None:
    tx.execute("UPDATE reminder_plans SET next_due = NULL")
    asked(tx)
    assert tx.execute("SELECT next_due FROM reminder_plans").fetchall() == [("",)]


def test_nobody_is_reminded_of_what_is_not_out_for_signing(tx: Transaction) -> None:
    contract = contracts.load_contract(tx, "contract-1")
    for state in set(ContractState) - {ContractState.SENT}:
        assert derivation.duties_to_sign(tx, replace(contract, state=state)) == []
    assert derivation.duties_of_dates(tx, contract) == []
    assert derivation.duties_of_dates(tx, replace(contract, state=ContractState.COMPLETED)) == [INITIATOR]


def test_an_outside_signer_is_reminded_like_everybody(tx: Transaction) -> None:
    guest = replace(person(1), subject="person-guest-1", email="guest@example.com", guest=True)
    people.insert_person(tx, guest, None)
    tx.execute("UPDATE parties SET subject = 'person-guest-1' WHERE id = 'party-1'")
    assert to_sign(tx)[0] == Duty("person-guest-1", ReminderRole.SIGNER)

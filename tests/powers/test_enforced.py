"""Identity and authority are enforced by the signing cycle itself, at prepare and again until it is complete."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from appliance.demonstration.participants import ALPHA, BETA, CONTRACT_SEAL, CUSTODIAN, LI, ZHANG
from appliance.errors import PreconditionRefused, StateRefused
from appliance.identity import IdentityCheck, IdentityChecks
from appliance.ledger.timeline import Timeline
from appliance.model.contract import Contract, Money, PartyState
from appliance.model.intent import IntentState
from appliance.model.people import Against, IdentityDocument
from appliance.model.powers import PowerBasis, PowerScope
from appliance.store import contracts, intents
from appliance.wiring import Appliance
from tests.powers.conftest import LETTER, Office
from tests.world import OURS, World, confirm_power, contract_now


def state_of(appliance: Appliance, intent: str) -> IntentState:
    with appliance.database.reading() as tx:
        return intents.load_intent(tx, intent).state


def nothing_is_signed(appliance: Appliance, contract: Contract) -> bool:
    return all(party.state is PartyState.WAITING for party in contract_now(appliance, contract.id).parties)


def test_without_a_power_nothing_is_prepared(office: Office) -> None:
    contract = office.sent()
    with pytest.raises(PreconditionRefused, match=r"has no power of attorney|was revoked"):
        office.prepare(contract)


def test_other_types_ask_for_none(office: Office) -> None:
    contract = office.signed(office.sent("租赁合同"))
    assert contract.parties[0].state is PartyState.SIGNED


@pytest.mark.parametrize(
    ("scope", "said"),
    [
        (PowerScope(kinds=("租赁合同",)), "not “采购合同”"),
        (PowerScope(counterparties=("丙公司示例有限公司",)), f"not with {BETA}"),
        (PowerScope(limit=Money(99, "CNY")), "limited to CNY 0.99"),
        (PowerScope(limit=Money(10**9, "USD")), "two currencies"),
    ],
)
def test_a_power_with_another_scope_does_not_let_anybody_sign(
    office: Office, scope: PowerScope, said: str
) -> None:
    contract = office.sent(amount=Money(100, "CNY"))
    office.verified(scope=scope)
    with pytest.raises(PreconditionRefused, match="Power of attorney") as refused:
        office.prepare(contract)
    assert said in str(refused.value)


def test_a_power_that_nobody_verified_does_not_count(office: Office) -> None:
    contract = office.sent()
    power = office.registered()
    with pytest.raises(PreconditionRefused, match="not verified"):
        office.prepare(contract)
    confirm_power(office.appliance, power.id)
    office.prepare(contract)


def test_revoked_between_prepare_and_sign(office: Office, appliance: Appliance) -> None:
    contract, power = office.sent(), office.verified()
    prepared = office.prepare(contract)
    appliance.powers.revoke(power.id, reason="不再授权", by=CUSTODIAN.subject)
    with pytest.raises(PreconditionRefused, match="was revoked"):
        office.sign(prepared)
    assert nothing_is_signed(appliance, contract)


def test_revoked_between_sign_and_complete(office: Office, appliance: Appliance) -> None:
    contract, power = office.sent(), office.verified()
    prepared = office.prepare(contract)
    office.sign(prepared)
    appliance.powers.revoke(power.id, reason="不再授权", by=CUSTODIAN.subject)
    with pytest.raises(PreconditionRefused, match="was revoked"):
        appliance.cycle.complete(prepared.id)
    assert state_of(appliance, prepared.id) is IntentState.ABANDONED
    assert nothing_is_signed(appliance, contract)


def test_a_power_that_ends_between_prepare_and_complete(office: Office, world: World) -> None:
    now = office.appliance.now()
    contract = office.sent()
    office.verified(until=now + timedelta(minutes=5))
    prepared = office.prepare(contract)
    office.sign(prepared)
    with (
        world.opened(ahead=timedelta(minutes=5)) as later,
        pytest.raises(PreconditionRefused, match="ended on"),
    ):
        later.cycle.complete(prepared.id)
    assert state_of(office.appliance, prepared.id) is IntentState.ABANDONED
    assert nothing_is_signed(office.appliance, contract)


def test_who_asks_for_a_seal_needs_a_power_that_names_it(office: Office) -> None:
    contract = office.sent(seal=True)
    seal = next(party for party in contract.parties if party.subject == CONTRACT_SEAL.subject)
    office.verified(scope=PowerScope())
    office.signed(contract)
    with pytest.raises(PreconditionRefused, match="does not name this seal"):
        office.prepare(contract, seal)
    office.verified()
    office.prepare(contract, seal)


def test_the_decision_is_kept_told_and_readable(office: Office, appliance: Appliance) -> None:
    power = office.verified(scope=PowerScope(kinds=("采购",), counterparties=(BETA,), limit=Money(100, "CNY")))
    contract = office.signed(office.sent(amount=Money(100, "CNY")))
    party = contract.parties[0]
    with appliance.database.reading() as tx:
        record = json.loads(intents.bases_of(tx, contract.id)[party.id])
    assert record["outcome"] == "covered"
    assert record["considered"][0]["power"]["id"] == power.id
    tests = {each["test"]: each for each in record["considered"][0]["tests"]}
    assert all(each["holds"] for each in tests.values())
    assert "CNY 1.00" in tests["amount"]["words"]["en"]
    assert "授权委托书" in tests["amount"]["words"]["zh"]
    told = Timeline(appliance.database).of(contract.id, OURS)
    named = {event.kind for event in told for fact in event.facts if fact.value == power.id}
    assert named == {"signature-prepared", "party-signed"}


def test_handing_over_only_to_somebody_who_is_authorised(office: Office, appliance: Appliance) -> None:
    contract = office.sent()
    party = contract.parties[0]
    assert [each.subject for each in appliance.handing_over.candidates(contract, party).people] == []
    with pytest.raises(PreconditionRefused, match="has no power of attorney"):
        appliance.handing_over.hand_over(
            contract.id, party.id, to=CUSTODIAN.subject, reason="出差", by=ZHANG.subject
        )
    power = appliance.powers.register(office.draft(agent=CUSTODIAN.subject), LETTER, by=ZHANG.subject)
    confirm_power(appliance, power.id)
    fit = appliance.handing_over.candidates(contract, party).people
    assert [each.subject for each in fit] == [CUSTODIAN.subject]
    passed = appliance.handing_over.hand_over(
        contract.id, party.id, to=CUSTODIAN.subject, reason="出差", by=ZHANG.subject
    )
    assert passed.parties[0].subject == CUSTODIAN.subject
    appliance.powers.revoke(power.id, reason="示例", by=ZHANG.subject)


def test_the_legal_representative_signs_without_a_letter(office: Office) -> None:
    office.verified(basis=PowerBasis.LEGAL_REPRESENTATIVE)
    contract = office.signed(office.sent())
    assert contract.parties[0].state is PartyState.SIGNED


# identity


def check(appliance: Appliance, person: str, *, number: str = "E12345678") -> str:
    given = IdentityCheck(IdentityDocument.PASSPORT, number, Against.ORIGINAL, answers=CUSTODIAN.subject)
    return appliance.identity.record(person, given, by=CUSTODIAN.subject).id


def test_an_unchecked_person_cannot_sign_what_policy_reserves(office: Office, appliance: Appliance) -> None:
    contract = office.sent("保密协议")
    with pytest.raises(PreconditionRefused, match="has not been checked"):
        office.prepare(contract)
    first = check(appliance, ZHANG.subject)
    prepared = office.prepare(contract)
    office.sign(prepared)
    appliance.identity.withdraw(ZHANG.subject, first, reason="证件有误", by=CUSTODIAN.subject)
    with pytest.raises(PreconditionRefused, match="run out or was withdrawn"):
        appliance.cycle.complete(prepared.id)
    assert state_of(appliance, prepared.id) is IntentState.ABANDONED
    renewed = check(appliance, ZHANG.subject)
    assert appliance.identity.current(ZHANG.subject).renews == first  # type: ignore[union-attr]
    assert office.signed(contract).parties[0].state is PartyState.SIGNED
    appliance.identity.withdraw(ZHANG.subject, renewed, reason="示例", by=CUSTODIAN.subject)


def test_a_check_is_good_only_as_long_as_the_type_of_contract_says(office: Office, appliance: Appliance) -> None:
    a_month_ago = IdentityChecks(
        appliance.database, appliance.policy, lambda: appliance.now() - timedelta(days=31)
    )
    given = IdentityCheck(IdentityDocument.PASSPORT, "E12345678", Against.ORIGINAL, answers=CUSTODIAN.subject)
    for record in appliance.identity.checks_of(ZHANG.subject):
        if record.withdrawn is None:
            appliance.identity.withdraw(record.person, record.id, reason="示例", by=CUSTODIAN.subject)
    a_month_ago.record(ZHANG.subject, given, by=CUSTODIAN.subject)
    assert appliance.identity.current(ZHANG.subject) is not None, "good enough for other types"
    contract = office.sent("保密协议")
    with pytest.raises(PreconditionRefused, match="run out"):
        office.prepare(contract)


def test_representatives_from_outside_may_be_the_only_ones_that_policy_asks_for(
    office: Office, appliance: Appliance
) -> None:
    for record in appliance.identity.checks_of(LI.subject):
        if record.withdrawn is None:
            appliance.identity.withdraw(record.person, record.id, reason="示例", by=CUSTODIAN.subject)
    contract = office.signed(office.sent("合作协议"))
    assert contract.parties[0].organisation == ALPHA
    with pytest.raises(PreconditionRefused, match="李样本"):
        office.prepare(contract)
    check(appliance, LI.subject)
    office.prepare(contract)


def test_a_signature_never_counts_for_somebody_to_whom_it_was_handed_over(
    office: Office, appliance: Appliance
) -> None:
    contract = office.sent("租赁合同")
    party = contract.parties[0]
    prepared = office.prepare(contract)
    office.sign(prepared)
    with pytest.raises(StateRefused, match="is being made just now"):
        appliance.handing_over.hand_over(
            contract.id, party.id, to=CUSTODIAN.subject, reason="出差", by=ZHANG.subject
        )
    with appliance.database.transaction() as tx:  # as if it had come in between
        contracts.pass_on(tx, contract, replace(party, subject=CUSTODIAN.subject, name=CUSTODIAN.name))
    with pytest.raises(StateRefused, match=CUSTODIAN.name):
        appliance.cycle.complete(prepared.id)
    assert state_of(appliance, prepared.id) is IntentState.ABANDONED
    assert nothing_is_signed(appliance, contract)

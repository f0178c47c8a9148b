"""The state machine: every act in every state by everybody that a contract can know."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest

from appliance.contracts import admission, refusals
from appliance.contracts.acts import Act, Standing, Who
from appliance.contracts.model import allowed, require, standings, why_not
from appliance.errors import PreconditionRefused, StateRefused
from appliance.language import chinese_messages
from appliance.model.contract import ContractState
from appliance.notices import letters
from tests.appliance.contracts.cast import ROLES, SUBJECTS, contract_in, expected, who
from tests.appliance.contracts.samples import NOON


@pytest.mark.parametrize(("state", "voiding"), [*product(ContractState, [False]), (ContractState.COMPLETED, True)])
@pytest.mark.parametrize("role", ROLES)
def test_every_act_in_every_state_by_everybody(state: ContractState, voiding: bool, role: str) -> None:
    contract = contract_in(state, guest=role == "guest", voiding=voiding)
    answers = allowed(contract, who(role), NOON)
    may = {act for act, refusal in answers.items() if refusal is None}
    assert may == {act for act in Act if role in expected(state, act, voiding=voiding)}
    for act, refusal in answers.items():
        if refusal is None:
            require(contract, act, who(role), NOON)
            continue
        assert refusal.template in chinese_messages()
        with pytest.raises(StateRefused if refusal.late else PreconditionRefused) as raised:
            require(contract, act, who(role), NOON)
        assert "{" not in str(raised.value)


@pytest.mark.parametrize("state", ContractState)
def test_a_stranger_learns_nothing_not_even_the_title(state: ContractState) -> None:
    contract = contract_in(state)
    for refusal in allowed(contract, who("stranger"), NOON).values():
        assert refusal is not None
        assert refusal.values == {}


def test_one_person_can_be_several_things() -> None:
    contract = contract_in(ContractState.SENT)
    own = replace(contract, initiator=SUBJECTS["second"])
    assert standings(own, who("second")) == {Standing.INITIATOR, Standing.ON_TURN}
    assert standings(contract, who("guest")) == {Standing.STRANGER}


def test_acts_of_a_signer_are_for_one_party() -> None:
    """Who signs and asks for the seal too may sign for the one whose turn it is, not for the other."""
    contract = contract_in(ContractState.SENT)
    seal = replace(contract.parties[3], requester=SUBJECTS["second"])
    both = replace(contract, parties=(*contract.parties[:3], seal))
    assert why_not(both, Act.SIGN, who("second"), NOON, both.parties[1]) is None
    refusal = why_not(both, Act.SIGN, who("second"), NOON, seal)
    assert refusal is not None
    assert "it is the turn of 签约方 2" in str(refusal.error())


def test_a_guest_of_another_contract_is_a_stranger() -> None:
    contract = contract_in(ContractState.SENT, guest=True)
    guest = replace(who("guest"), guest_of=("another", "party-2"))
    assert standings(contract, guest) == {Standing.STRANGER}


@pytest.mark.parametrize("act", [Act.SIGN, Act.DECLINE, Act.HAND_OVER])
def test_not_from_the_deadline_on(act: Act) -> None:
    contract = contract_in(ContractState.SENT)
    actor = who("second")
    due = contract.deadline.at
    assert why_not(contract, act, actor, due - timedelta(microseconds=1)) is None
    with pytest.raises(PreconditionRefused, match="has passed"):
        require(contract, act, actor, due)
    assert why_not(contract, Act.RECALL, who("initiator"), due) is None


def test_who_has_declared_it_void_is_not_asked_again() -> None:
    contract = contract_in(ContractState.COMPLETED, voiding=True)
    assert contract.voiding is not None
    once = replace(contract, voiding=replace(contract.voiding, declared=(SUBJECTS["first"],)))
    for act in (Act.AGREE_TO_VOID, Act.REFUSE_TO_VOID):
        with pytest.raises(PreconditionRefused, match="already"):
            require(once, act, who("first"), NOON)
        require(once, act, who("second"), NOON)


def test_every_sentence_of_the_tables_is_translated() -> None:
    tables = (refusals._WRONG_STATE, refusals._WRONG_PERSON, admission.SINCE, letters.SUBJECTS)
    sentences = {sentence for table in tables for sentence in table.values()} | {admission.CHANGED}
    sentences |= {line for lines in letters.MORE.values() for line in lines}
    assert not sentences - set(chinese_messages())
    assert set(refusals._WRONG_PERSON) | {Act.READ} == set(Act)


def test_nobody_in_particular_is_a_stranger() -> None:
    assert standings(contract_in(ContractState.SENT), Who("person-nobody")) == {Standing.STRANGER}

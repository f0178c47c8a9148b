"""The state machine: every act in every state by everybody that a contract can know."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product

import pytest

from appliance.contracts import access, permissions
from appliance.contracts.permissions import (
    ContractActor,
    Permission,
    Relation,
    permissions_of,
    refusal_for,
    relations_of,
)
from appliance.errors import PreconditionRefused, StateRefused
from appliance.language import chinese_messages
from appliance.model.contract import Contract, ContractState, Party
from appliance.notices import messages
from tests.appliance.contracts.cast import ROLES, SUBJECTS, contract_in, expected, second_for, who
from tests.appliance.contracts.samples import NOON


def required(
    contract: Contract, permission: Permission, actor: ContractActor, now: datetime, party: Party | None = None
) -> None:
    """Raises the refusal, if there is one."""
    refusal = refusal_for(contract, permission, actor, now, party)
    if refusal is not None:
        raise refusal.error()


@pytest.mark.parametrize(("state", "voiding"), [*product(ContractState, [False]), (ContractState.COMPLETED, True)])
@pytest.mark.parametrize("role", ROLES)
def test_every_act_in_every_state_by_everybody(state: ContractState, voiding: bool, role: str) -> None:
    contract = contract_in(state, second=second_for(role), voiding=voiding)
    answers = permissions_of(contract, who(role), NOON)
    may = {act for act, refusal in answers.items() if refusal is None}
    assert may == {act for act in Permission if role in expected(state, act, voiding=voiding)}
    for act, refusal in answers.items():
        if refusal is None:
            required(contract, act, who(role), NOON)
            continue
        assert refusal.template in chinese_messages()
        with pytest.raises(StateRefused if refusal.late else PreconditionRefused) as raised:
            required(contract, act, who(role), NOON)
        assert "{" not in str(raised.value)


@pytest.mark.parametrize("state", ContractState)
def test_a_stranger_learns_nothing_not_even_the_title(state: ContractState) -> None:
    contract = contract_in(state)
    for refusal in permissions_of(contract, who("stranger"), NOON).values():
        assert refusal is not None
        assert refusal.values == {}


def test_one_person_can_be_several_things() -> None:
    contract = contract_in(ContractState.SENT)
    own = replace(contract, initiator=SUBJECTS["second"])
    assert relations_of(own, who("second")) == {Relation.INITIATOR, Relation.ON_TURN}
    assert relations_of(contract, who("guest")) == {Relation.STRANGER}


def test_acts_of_a_signer_are_for_one_party() -> None:
    """Who signs and asks for the seal too may sign for the one whose turn it is, not for the other."""
    contract = contract_in(ContractState.SENT)
    seal = replace(contract.parties[3], requester=SUBJECTS["second"])
    both = replace(contract, parties=(*contract.parties[:3], seal))
    assert refusal_for(both, Permission.SIGN, who("second"), NOON, both.parties[1]) is None
    refusal = refusal_for(both, Permission.SIGN, who("second"), NOON, seal)
    assert refusal is not None
    assert "it is the turn of 签约方 2" in str(refusal.error())


def test_a_guest_of_another_contract_is_a_stranger() -> None:
    contract = contract_in(ContractState.SENT, second="guest")
    guest = replace(who("guest"), guest_of=("another", "party-2"))
    assert relations_of(contract, guest) == {Relation.STRANGER}


@pytest.mark.parametrize("act", [Permission.SIGN, Permission.DECLINE, Permission.HAND_OVER])
def test_not_from_the_deadline_on(act: Permission) -> None:
    contract = contract_in(ContractState.SENT)
    actor = who("second")
    due = contract.deadline.at
    assert refusal_for(contract, act, actor, due - timedelta(microseconds=1)) is None
    with pytest.raises(PreconditionRefused, match="has passed"):
        required(contract, act, actor, due)
    assert refusal_for(contract, Permission.RECALL, who("initiator"), due) is None


def test_who_has_declared_it_void_is_not_asked_again() -> None:
    contract = contract_in(ContractState.COMPLETED, voiding=True)
    assert contract.voiding is not None
    once = replace(contract, voiding=replace(contract.voiding, declared=(SUBJECTS["first"],)))
    for act in (Permission.AGREE_TO_VOID, Permission.REFUSE_TO_VOID):
        with pytest.raises(PreconditionRefused, match="already"):
            required(once, act, who("first"), NOON)
        required(once, act, who("second"), NOON)


def test_every_sentence_of_the_tables_is_translated() -> None:
    tables = (permissions._WRONG_STATE, permissions._WRONG_PERSON, access.SINCE, messages.SUBJECTS)
    sentences = {sentence for table in tables for sentence in table.values()} | {access.CHANGED}
    sentences |= {line for lines in messages.MORE.values() for line in lines}
    assert not sentences - set(chinese_messages())
    assert set(permissions._WRONG_PERSON) | {Permission.READ} == set(Permission)


def test_nobody_in_particular_is_a_stranger() -> None:
    assert relations_of(contract_in(ContractState.SENT), ContractActor("person-nobody")) == {Relation.STRANGER}

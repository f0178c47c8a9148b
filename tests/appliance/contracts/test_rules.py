"""Who may sign when, and what a signature makes of the contract."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from appliance.contracts import rules
from appliance.contracts.rules import after_sending, after_signature, to_everybody, to_those_who_know
from appliance.errors import NotFound, StateRefused
from appliance.model.contract import Contract, ContractState, PartyState, SigningOrder
from appliance.model.notice import NoticeKind
from tests.appliance.contracts.samples import NOON, contract


def signed(before: Contract, *positions: int) -> Contract:
    parties = tuple(
        replace(party, state=PartyState.SIGNED, signed_at=NOON) if party.position in positions else party
        for party in before.parties
    )
    return replace(before, parties=parties)


def test_in_sequence_only_the_next_party_may_sign() -> None:
    assert [party.position for party in contract().on_turn] == [1]
    assert [party.position for party in signed(contract(), 1).on_turn] == [2]


def test_in_parallel_everybody_who_waits_may_sign() -> None:
    assert [party.position for party in contract(SigningOrder.PARALLEL).on_turn] == [1, 2, 3]


@pytest.mark.parametrize("state", [state for state in ContractState if state is not ContractState.SENT])
def test_nobody_may_sign_what_is_not_sent(state: ContractState) -> None:
    assert replace(contract(), state=state).on_turn == ()


def test_only_the_last_signature_locks_and_ends_the_signing() -> None:
    last = signed(contract(SigningOrder.PARALLEL), 1, 3)
    assert last.is_last(last.parties[1])
    assert last.state_after(last.parties[1]) is ContractState.SIGNED
    assert contract().state_after(contract().parties[0]) is ContractState.SENT


def test_the_deadline_is_the_first_moment_that_is_too_late() -> None:
    due = contract().deadline.at
    assert not contract().is_overdue(due - timedelta(seconds=1))
    assert contract().is_overdue(due)


def test_refusals_name_the_contract() -> None:
    with pytest.raises(StateRefused, match=r"设备采购合同.*sent.*draft"):
        rules.require_state(contract(), ContractState.DRAFT)
    with pytest.raises(NotFound, match="party-7"):
        contract().require_party("party-7")


def test_in_sequence_the_next_one_is_told_and_the_initiator() -> None:
    told = list(after_signature(contract(), signed(contract(), 1), contract().parties[0], NOON))
    assert [(notice.recipient, notice.kind) for notice in told] == [
        ("person-9", NoticeKind.PARTY_SIGNED),
        ("person-2", NoticeKind.YOUR_TURN),
    ]


def test_who_asks_for_a_seal_is_told_so_and_not_to_sign() -> None:
    before = signed(contract(), 1)
    told = after_signature(before, signed(contract(), 1, 2), before.parties[1], NOON)
    assert ("person-1", NoticeKind.SEAL_TURN) in [(notice.recipient, notice.kind) for notice in told]


def test_in_parallel_everybody_is_told_once_at_the_start() -> None:
    parallel = contract(SigningOrder.PARALLEL)
    assert [notice.recipient for notice in after_sending(parallel, NOON)] == ["person-1", "person-2"]
    told = after_signature(parallel, signed(parallel, 1), parallel.parties[0], NOON)
    assert [notice.kind for notice in told] == [NoticeKind.PARTY_SIGNED]


def test_the_initiator_signs_first_in_parallel_too_and_the_others_hear_of_it_only_then() -> None:
    own = replace(contract(SigningOrder.PARALLEL), initiator="person-2")
    assert [party.position for party in own.on_turn] == [2]
    assert not list(after_sending(own, NOON)), "who has just sent it is about to sign it"
    told = after_signature(own, signed(own, 2), own.parties[1], NOON)
    assert [(notice.recipient, notice.kind) for notice in told] == [("person-1", NoticeKind.YOUR_TURN)]


def test_who_has_not_heard_of_a_contract_is_not_told_of_its_end_either() -> None:
    told = [notice.recipient for notice in to_those_who_know(contract(), NoticeKind.RECALLED, NOON)]
    assert told == ["person-9", "person-1"]
    second = signed(contract(), 1)
    told = [notice.recipient for notice in to_those_who_know(second, NoticeKind.RECALLED, NOON)]
    assert told == ["person-9", "person-1", "person-2"]


def test_an_ending_is_told_to_everybody_once() -> None:
    told = [notice.recipient for notice in to_everybody(contract(), NoticeKind.EXPIRED, NOON)]
    assert told == ["person-9", "person-1", "person-2"]

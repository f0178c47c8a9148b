"""How requests for a seal end: every step leaves one clear outcome."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from appliance.demonstration.participants import CUSTODIAN, ZHANG
from appliance.errors import PreconditionRefused, StateRefused
from appliance.model.contract import Contract, ContractState, PartyState
from appliance.model.intent import IntentState
from appliance.model.listing import ContractBucket, ContractFilter
from appliance.model.people import SealRequestState
from appliance.wiring import Appliance
from hsm.client import AuthorityClient
from hsm.errors import ActivationRefused, AuthorityUnreachable
from hsm.intents import SigningIntent
from tests.appliance.contracts.seal_asking import act_of, approve, asked, sent, sign, suspend, told
from tests.lists import find_wrong
from tests.world import World, confirm_by, contract_now


def test_a_refusal_has_a_reason_and_ends_the_request(appliance: Appliance) -> None:
    contract = sent(appliance)
    request = asked(appliance, contract)
    with pytest.raises(PreconditionRefused, match="why"):
        appliance.seal_requests.refuse(request.id, by=CUSTODIAN.subject, reason=" ")
    refused = appliance.seal_requests.refuse(request.id, by=CUSTODIAN.subject, reason="金额与审批单不符")
    assert (refused.state, refused.answer) == (SealRequestState.REFUSED, "金额与审批单不符")
    assert appliance.signing.opened(contract, request.intent).intent.state is IntentState.ABANDONED
    with pytest.raises(ActivationRefused, match="withdrawn"):
        approve(appliance, request)
    with pytest.raises(StateRefused, match="answered already"):
        appliance.seal_requests.withdraw(request.id, by=ZHANG.subject)
    assert told(appliance, contract)[-1] == ("seal-refused", ZHANG.subject)


def test_after_a_refusal_it_can_be_asked_again(appliance: Appliance) -> None:
    contract = sent(appliance)
    refused = appliance.seal_requests.refuse(
        asked(appliance, contract).id, by=CUSTODIAN.subject, reason="请补充理由"
    )
    request = asked(appliance, contract)
    assert request.id != refused.id
    signed = approve(appliance, request)
    assert signed.parties[2].state is PartyState.SIGNED


def test_only_the_requester_withdraws(appliance: Appliance) -> None:
    request = asked(appliance, sent(appliance))
    with pytest.raises(PreconditionRefused, match="Only the one who asked"):
        appliance.seal_requests.withdraw(request.id, by=CUSTODIAN.subject)
    withdrawn = appliance.seal_requests.withdraw(request.id, by=ZHANG.subject)
    assert withdrawn.state is SealRequestState.WITHDRAWN
    with pytest.raises(StateRefused, match="answered already"):
        appliance.seal_requests.refuse(request.id, by=CUSTODIAN.subject, reason="太晚")


def test_another_party_that_signs_first_ends_the_request_and_both_are_told(appliance: Appliance) -> None:
    contract = sent(appliance)
    request = asked(appliance, contract)
    sign(appliance, contract, 1)
    with pytest.raises(StateRefused, match="signed first"):
        approve(appliance, request)
    assert appliance.seal_requests.get(request.id).state is SealRequestState.LAPSED
    lapsed = [recipient for kind, recipient in told(appliance, contract) if kind == "seal-lapsed"]
    assert lapsed == [ZHANG.subject, CUSTODIAN.subject]
    again = asked(appliance, contract)
    done = approve(appliance, again)
    assert done.state is ContractState.SIGNED


def test_the_sweep_closes_what_cannot_be_used(appliance: Appliance) -> None:
    stale, ended = sent(appliance), sent(appliance)
    first, second = asked(appliance, stale), asked(appliance, ended)
    kept = asked(appliance, sent(appliance))
    sign(appliance, stale, 1)
    appliance.endings.recall(ended.id, by=ended.initiator, reason="示例")
    assert appliance.seal_requests.sweep() >= 2
    assert appliance.seal_requests.get(first.id).state is SealRequestState.LAPSED
    assert appliance.seal_requests.get(second.id).state is SealRequestState.LAPSED
    assert appliance.seal_requests.get(kept.id).state is SealRequestState.WAITING


def test_time_runs_out(world: World, appliance: Appliance) -> None:
    request = asked(appliance, sent(appliance))
    assert timedelta(hours=70) < request.expires - appliance.now() <= timedelta(hours=72)
    with world.opened(ahead=timedelta(hours=71, minutes=1)) as later:
        with pytest.raises(StateRefused, match="ran out"):
            approve(later, request)
        assert later.seal_requests.get(request.id).state is SealRequestState.LAPSED


def test_a_suspended_seal_is_not_used_and_the_request_waits(appliance: Appliance) -> None:
    contract = sent(appliance)
    request = asked(appliance, contract)
    suspend(appliance, "2026-01-01T00:00:00Z")
    try:
        with pytest.raises(PreconditionRefused, match="suspended"):
            approve(appliance, request)
    finally:
        suspend(appliance, None)
    assert appliance.seal_requests.get(request.id).state is SealRequestState.WAITING
    done = appliance.seal_requests.approve(request.id, by=CUSTODIAN.subject)
    assert done.parties[2].state is PartyState.SIGNED


def test_a_process_that_dies_after_the_approval_leaves_what_another_finishes(appliance: Appliance) -> None:
    request = asked(appliance, sent(appliance))
    confirm_by(appliance, CUSTODIAN.subject, act_of(appliance, request.intent))

    class Dies:
        def finish(self, intent_id: str) -> Contract:
            raise SystemExit(intent_id)

    dying = appliance.seal_requests
    finishing, dying._signing = dying._signing, Dies()  # type: ignore[assignment]
    try:
        with pytest.raises(SystemExit):
            dying.approve(request.id, by=CUSTODIAN.subject)
    finally:
        dying._signing = finishing
    assert appliance.seal_requests.get(request.id).state is SealRequestState.APPROVED
    assert appliance.seal_requests.finish(request.id).parties[2].state is PartyState.SIGNED
    assert appliance.seal_requests.get(request.id).state is SealRequestState.USED


@pytest.mark.parametrize("ending", ["refused", "withdrawn", "lapsed"])
def test_a_request_that_is_over_takes_no_act_any_more(appliance: Appliance, ending: str) -> None:
    contract = sent(appliance)
    request, requests = asked(appliance, contract), appliance.seal_requests
    confirm_by(appliance, CUSTODIAN.subject, act_of(appliance, request.intent))
    if ending == "refused":
        requests.refuse(request.id, by=CUSTODIAN.subject, reason="示例")
    elif ending == "withdrawn":
        requests.withdraw(request.id, by=ZHANG.subject)
    else:
        sign(appliance, contract, 1)
        requests.sweep()
    over, signed = requests.get(request.id), contract_now(appliance, contract.id)
    assert over.state is SealRequestState(ending)
    for act in (
        lambda: requests.approve(request.id, by=CUSTODIAN.subject),
        lambda: requests.refuse(request.id, by=CUSTODIAN.subject, reason="示例"),
        lambda: requests.withdraw(request.id, by=ZHANG.subject),
        lambda: requests.finish(request.id),
    ):
        with pytest.raises(StateRefused):
            act()
        assert (requests.get(request.id), contract_now(appliance, contract.id)) == (over, signed)
    act_of_request = act_of(appliance, request.intent)
    assert appliance.authority.approvals(act_of_request).given == (), "the portal alone could use it"
    with pytest.raises(ActivationRefused, match="withdrawn"):
        appliance.authority.sign_document(act_of_request)


@pytest.mark.parametrize("ending", ["refused", "withdrawn", "lapsed", "approved"])
def test_a_seal_that_was_asked_for_waits_for_others_until_the_request_ends(
    appliance: Appliance, ending: str
) -> None:
    """The head *For me to sign*, and its number, are of what somebody can do something about."""
    contract, requests = sent(appliance), appliance.seal_requests

    def listed() -> ContractBucket | None:
        found = [
            row
            for row in appliance.listing.list_page(ZHANG.subject, ContractFilter()).rows
            if row.id == contract.id
        ]
        return found[0].bucket

    assert listed() is ContractBucket.TO_SIGN
    before = appliance.listing.count_buckets(ZHANG.subject).to_sign
    request = asked(appliance, contract)
    assert listed() is ContractBucket.WAITING
    assert appliance.listing.count_buckets(ZHANG.subject).to_sign == before - 1
    if ending == "refused":
        requests.refuse(request.id, by=CUSTODIAN.subject, reason="示例")
    elif ending == "withdrawn":
        requests.withdraw(request.id, by=ZHANG.subject)
    elif ending == "lapsed":
        sign(appliance, contract, 1)
        assert listed() is ContractBucket.WAITING, "the request is still open"
        requests.sweep()
    else:
        approve(appliance, request)
    assert listed() is (ContractBucket.WAITING if ending == "approved" else ContractBucket.TO_SIGN)
    assert find_wrong(appliance.database, newest=1) == []


class Silent:
    """An authority that does not answer about withdrawals, or has done it and died."""

    def __init__(self, real: AuthorityClient, *, dies: bool) -> None:
        self._real = real
        self._dies = dies

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)

    def withdraw(self, act: SigningIntent) -> None:
        if self._dies:
            self._real.withdraw(act)
        raise AuthorityUnreachable("no answer")


@pytest.mark.parametrize("dies", [False, True])
def test_an_authority_that_does_not_answer_loses_no_request(
    appliance: Appliance, monkeypatch: pytest.MonkeyPatch, *, dies: bool
) -> None:
    request, requests = asked(appliance, sent(appliance)), appliance.seal_requests
    silent = replace(requests._backend, authority=Silent(appliance.authority, dies=dies))  # type: ignore[arg-type]  # as far as it is asked
    with monkeypatch.context() as patched:
        patched.setattr(requests, "_backend", silent)
        for stop in (
            lambda: requests.withdraw(request.id, by=ZHANG.subject),
            lambda: requests.refuse(request.id, by=CUSTODIAN.subject, reason="示例"),
        ):
            with pytest.raises(AuthorityUnreachable):
                stop()
            assert requests.get(request.id) == request
    assert appliance.authority.approvals(act_of(appliance, request.intent)).given == (
        () if dies else (ZHANG.subject,)
    )
    assert requests.withdraw(request.id, by=ZHANG.subject).state is SealRequestState.WITHDRAWN


def test_a_request_that_was_approved_meanwhile_is_not_withdrawn(appliance: Appliance) -> None:
    request = asked(appliance, sent(appliance))
    approve(appliance, request)
    with pytest.raises(StateRefused, match="answered already"):
        appliance.seal_requests.withdraw(request.id, by=ZHANG.subject)

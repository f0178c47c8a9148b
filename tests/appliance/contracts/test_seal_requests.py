"""Requests for a seal: nobody releases one alone."""

from __future__ import annotations

import secrets
import threading
from dataclasses import replace

import pytest

from appliance.demonstration.participants import CUSTODIAN, LI, ZHANG
from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.model.contract import PartyState
from appliance.model.people import SealRequestState
from appliance.store import intents
from appliance.wiring import Appliance
from hsm.errors import ActivationRefused
from tests.appliance.contracts.seal_asking import HERE, act_of, approve, asked, intent_of, leaves, sent, told
from tests.world import confirm_by, contract_now, require_refused


def test_the_authority_does_not_sign_for_the_requester_alone(appliance: Appliance) -> None:
    contract = sent(appliance)
    request = asked(appliance, contract)
    with pytest.raises(ActivationRefused, match="two persons"):
        appliance.cycle.sign(request.intent)
    with pytest.raises(StateRefused, match="not approved"):
        appliance.seal_requests.finish(request.id)
    assert contract_now(appliance, contract.id).parties[2].state is PartyState.WAITING


def test_the_authority_does_not_sign_for_the_custodian_alone(appliance: Appliance) -> None:
    contract = sent(appliance)
    intent = intent_of(appliance, contract)
    confirm_by(appliance, CUSTODIAN.subject, act_of(appliance, intent))
    with pytest.raises(ActivationRefused, match="two persons"):
        appliance.cycle.sign(intent)


def test_a_request_is_asked_for_by_nobody_else(appliance: Appliance) -> None:
    contract = sent(appliance)
    intent = intent_of(appliance, contract)
    confirm_by(appliance, CUSTODIAN.subject, act_of(appliance, intent))
    require_refused(appliance, LI.subject, act_of(appliance, intent), match="two persons")
    for other in (CUSTODIAN, LI):
        require_not_asked(appliance, intent, other.subject)


def require_not_asked(appliance: Appliance, intent: str, by: str) -> None:
    for ask in (
        lambda: appliance.seal_requests.propose(intent, by=by, reason="示例"),
        lambda: appliance.seal_requests.ask(intent, by=by),
    ):
        with pytest.raises(PreconditionRefused, match="Only the one who asks"):
            ask()


def test_nobody_asks_who_has_not_activated_it(appliance: Appliance) -> None:
    contract = sent(appliance)
    intent = intent_of(appliance, contract)
    appliance.seal_requests.propose(intent, by=ZHANG.subject, reason="示例")
    for _ in range(2):
        with pytest.raises(StateRefused, match="did not confirm"):
            appliance.seal_requests.ask(intent, by=ZHANG.subject)
        confirm_by(appliance, ZHANG.subject, replace(act_of(appliance, intent), nonce=secrets.token_bytes(16)))
    assert appliance.seal_requests.of_party(contract.parties[2].id) is None


def test_a_person_signs_without_a_request(appliance: Appliance) -> None:
    contract = sent(appliance)
    intent = appliance.signing.open(contract.id, contract.parties[1].id, HERE).intent.id
    confirm_by(appliance, LI.subject, act_of(appliance, intent))
    require_not_asked(appliance, intent, LI.subject)


@pytest.mark.parametrize("reason", ["", "   ", "长" * 501])
def test_a_request_says_why(appliance: Appliance, reason: str) -> None:
    contract = sent(appliance)
    intent = intent_of(appliance, contract)
    with pytest.raises(PreconditionRefused):
        appliance.seal_requests.propose(intent, by=ZHANG.subject, reason=reason)
    confirm_by(appliance, ZHANG.subject, act_of(appliance, intent))
    with pytest.raises(PreconditionRefused):
        appliance.seal_requests.ask(intent, by=ZHANG.subject)
    assert appliance.seal_requests.of_party(contract.parties[2].id) is None


def test_the_reason_is_what_both_activate(appliance: Appliance) -> None:
    """In one line; with another reason it is another act, and an activation of the first one does not count."""
    contract = sent(appliance)
    intent = intent_of(appliance, contract)
    first = appliance.seal_requests.propose(intent, by=ZHANG.subject, reason="年度采购\r\n\u200b一式两份").intent
    assert (first.title, first.parties, first.reason) == (
        contract.title,
        contract.party_names,
        "年度采购 一式两份",
    )
    confirm_by(appliance, ZHANG.subject, first)
    other = appliance.seal_requests.propose(intent, by=ZHANG.subject, reason="别的用途").intent
    assert other == act_of(appliance, intent) and other.nonce != first.nonce
    assert appliance.authority.approvals(first).given == ()
    with pytest.raises(StateRefused, match="did not confirm"):
        appliance.seal_requests.ask(intent, by=ZHANG.subject)
    confirm_by(appliance, ZHANG.subject, other)
    request = appliance.seal_requests.ask(intent, by=ZHANG.subject)
    assert request.reason == "别的用途" == appliance.seal_requests.act(request).reason


def test_a_request_of_before_intents_had_reasons_is_still_approved(appliance: Appliance) -> None:
    contract = sent(appliance)
    intent = intent_of(appliance, contract)
    before = replace(act_of(appliance, intent), title="", parties=())
    with appliance.database.transaction() as tx:
        intents.save_seal_reason(tx, intent, before)
        tx.execute("UPDATE intents SET seal_reason = '年度采购' WHERE id = ?", (intent,))
    confirm_by(appliance, ZHANG.subject, before)
    request = appliance.seal_requests.ask(intent, by=ZHANG.subject)
    assert request.reason == "年度采购"
    assert approve(appliance, request).parties[2].state is PartyState.SIGNED


def test_the_requester_does_not_approve(appliance: Appliance) -> None:
    request = asked(appliance, sent(appliance))
    for other in (ZHANG, LI):
        require_refused(appliance, other.subject, act_of(appliance, request.intent))
        with pytest.raises(PreconditionRefused, match="Only a custodian"):
            appliance.seal_requests.approve(request.id, by=other.subject)
        with pytest.raises(PreconditionRefused, match="Only a custodian"):
            appliance.seal_requests.refuse(request.id, by=other.subject, reason="示例")
    assert appliance.seal_requests.get(request.id).state is SealRequestState.WAITING


def test_an_activation_of_something_else_approves_nothing(appliance: Appliance) -> None:
    request = asked(appliance, sent(appliance))
    act, another = (act_of(appliance, each) for each in (request.intent, intent_of(appliance, sent(appliance))))
    require_refused(appliance, CUSTODIAN.subject, act, instead=another, match="does not verify")
    confirm_by(appliance, CUSTODIAN.subject, another)
    with pytest.raises(StateRefused, match="did not confirm"):
        appliance.seal_requests.approve(request.id, by=CUSTODIAN.subject)
    with pytest.raises(ActivationRefused, match="two persons"):
        appliance.cycle.sign(request.intent)
    assert appliance.seal_requests.get(request.id).state is SealRequestState.WAITING


def test_both_activations_make_the_signature_at_once(appliance: Appliance) -> None:
    contract = sent(appliance)
    request = asked(appliance, contract)
    assert appliance.seal_requests.waiting_for(CUSTODIAN.subject) >= 1
    assert appliance.seal_requests.waiting_for(ZHANG.subject) == 0
    signed = approve(appliance, request)
    assert signed.parties[2].state is PartyState.SIGNED
    used = appliance.seal_requests.get(request.id)
    assert (used.state, used.decided_by, used.open) == (SealRequestState.USED, CUSTODIAN.subject, False)
    assert told(appliance, contract) == [
        ("seal-turn", ZHANG.subject),
        ("seal-requested", CUSTODIAN.subject),
        ("seal-approved", ZHANG.subject),
    ]


def test_the_same_request_twice_is_one(appliance: Appliance) -> None:
    contract = sent(appliance)
    request = asked(appliance, contract)
    require_refused(appliance, ZHANG.subject, act_of(appliance, request.intent), match="already")
    appliance.seal_requests.propose(request.intent, by=ZHANG.subject, reason="再点一次")
    again = appliance.seal_requests.ask(request.intent, by=ZHANG.subject)
    assert again == request
    assert appliance.seal_requests.of_party(contract.parties[2].id) == request


def test_the_same_approval_twice_is_one(appliance: Appliance) -> None:
    contract = sent(appliance)
    request = asked(appliance, contract)
    first = approve(appliance, request)
    again = appliance.seal_requests.approve(request.id, by=CUSTODIAN.subject)
    assert again == first


def test_the_same_approval_twice_at_once_is_one(appliance: Appliance) -> None:
    request = asked(appliance, sent(appliance))
    confirm_by(appliance, CUSTODIAN.subject, act_of(appliance, request.intent))
    outcomes: list[object] = []

    def approve() -> None:
        try:
            approved = appliance.seal_requests.approve(request.id, by=CUSTODIAN.subject)
            outcomes.append(approved.parties[2].state)
        except (ActivationRefused, StateRefused) as refusal:
            outcomes.append(refusal)

    both = [threading.Thread(target=approve) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert outcomes == [PartyState.SIGNED, PartyState.SIGNED]


def test_an_unknown_request_is_unknown(appliance: Appliance) -> None:
    with pytest.raises(NotFound):
        appliance.seal_requests.get("0" * 24)


def test_the_log_has_every_step(appliance: Appliance) -> None:
    contract = sent(appliance)
    request = asked(appliance, contract)
    appliance.seal_requests.refuse(request.id, by=CUSTODIAN.subject, reason="示例")
    log = "".join(leaves(appliance, contract))
    assert "seal-requested" in log
    assert "seal-refused" in log
    assert "示例" not in log, "words enter the log as commitments only"

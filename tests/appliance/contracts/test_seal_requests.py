"""Requests for a seal: nobody releases one alone, and every step leaves one clear outcome."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from appliance.demonstration.participants import CONTRACT_SEAL, CUSTODIAN, LI, ZHANG
from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.model.contract import Contract, ContractState, PartyState, SigningOrder
from appliance.model.intent import IntentState, SigningOrigin
from appliance.model.people import SealRequest, SealRequestState
from appliance.store import intents
from appliance.wiring import Appliance
from hsm.client import AuthorityClient
from hsm.errors import ActivationRefused, AuthorityUnreachable
from hsm.intents import SigningIntent
from tests.world import (
    World,
    confirm,
    confirm_by,
    contract_now,
    require_refused,
    sample_document,
    send,
    shared_world,
)

DOCUMENT = sample_document()
HERE = SigningOrigin("192.0.2.7")


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with shared_world() as world:
        yield world


@pytest.fixture
def appliance(world: World) -> Iterator[Appliance]:
    with world.opened() as appliance:
        yield appliance


def act_of(appliance: Appliance, intent_id: str) -> SigningIntent:
    with appliance.database.reading() as tx:
        return intents.load_intent(tx, intent_id).intent


def sent(appliance: Appliance) -> Contract:
    """In parallel order, signed by its initiator already: Li and the seal are on turn together."""
    contract = send(appliance, DOCUMENT, order=SigningOrder.PARALLEL)
    return sign(appliance, contract, 0)


def intent_of(appliance: Appliance, contract: Contract) -> str:
    return appliance.signing.open(contract.id, contract.parties[2].id, HERE).intent.id


def asked(appliance: Appliance, contract: Contract) -> SealRequest:
    intent = intent_of(appliance, contract)
    appliance.seal_requests.propose(intent, by=ZHANG.subject, reason="年度采购，一式两份")
    confirm_by(appliance, ZHANG.subject, act_of(appliance, intent))
    return appliance.seal_requests.ask(intent, by=ZHANG.subject)


def approve(appliance: Appliance, request: SealRequest) -> Contract:
    """The custodian activates what was asked for, and the request is approved."""
    confirm_by(appliance, CUSTODIAN.subject, act_of(appliance, request.intent))
    return appliance.seal_requests.approve(request.id, by=CUSTODIAN.subject)


def sign(appliance: Appliance, contract: Contract, position: int) -> Contract:
    opened = appliance.signing.open(contract.id, contract.parties[position].id, HERE)
    confirm(appliance, opened.intent.intent)
    return appliance.signing.sign(opened.intent.id, HERE)


def leaves(appliance: Appliance, contract: Contract) -> list[str]:
    with appliance.database.reading() as tx:
        rows = tx.execute(
            "SELECT leaf FROM ledger JOIN contract_events ON entry = number WHERE contract = ?", (contract.id,)
        )
        return [row[0].decode() for row in rows]


def suspend(appliance: Appliance, since: str | None) -> None:
    with appliance.database.transaction() as tx:
        tx.execute("UPDATE seals SET suspended = ? WHERE subject = ?", (since, CONTRACT_SEAL.subject))


def told(appliance: Appliance, contract: Contract) -> list[tuple[str, str]]:
    with appliance.database.reading() as tx:
        rows = tx.execute("SELECT kind, recipient FROM outbox WHERE contract = ? ORDER BY id", (contract.id,))
        return [(row[0], row[1]) for row in rows if row[0].startswith("seal-")]


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

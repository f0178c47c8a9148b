"""A review in steps: departments approve one after the other, the larger the amount the more of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from appliance.contracts.drafting import DraftTerms
from appliance.demonstration.participants import ALPHA, CUSTODIAN, OFFICER, ZHANG, ZONE
from appliance.errors import NotFound, PreconditionRefused
from appliance.language import Language
from appliance.ledger.timeline import Timeline
from appliance.model.accounts import AccountRole, AccountState
from appliance.model.contract import Contract, ContractState, Money
from appliance.model.people import Person
from appliance.store import accounts, people
from appliance.wiring import Appliance
from tests.review.documents import purchase
from tests.world import OURS, contract_now, know_officer

LEGAL, FINANCE = CUSTODIAN.subject, "person-finance"


@pytest.fixture(autouse=True)
def _reviewers(appliance: Appliance) -> Iterator[None]:
    """Zhao reviews for the legal department, somebody new for finance."""
    know_officer(appliance)
    finance = Person(FINANCE, "财务示例", ALPHA, "finance@alpha.example", Language.CHINESE, ZONE)
    try:
        appliance.registry.person(FINANCE)
    except NotFound:
        appliance.registry.add_person(finance, None, by=OFFICER)
    with appliance.database.transaction() as tx:
        for subject, department in ((LEGAL, "法务部"), (FINANCE, "财务部"), (ZHANG.subject, "")):
            try:
                accounts.account(tx, subject)
            except NotFound:
                handle = subject.encode()[-16:].rjust(16)
                accounts.insert_account(tx, subject, subject, handle=handle, now=appliance.now())
                accounts.set_password(tx, subject, "$argon2id$not-used")
                accounts.set_state(tx, subject, AccountState.ACTIVE)
            accounts.set_roles(tx, subject, (AccountRole.INITIATOR, AccountRole.SIGNER, AccountRole.REVIEWER))
            people.set_department(tx, subject, department)
    yield
    with appliance.database.transaction() as tx:
        for subject in (LEGAL, FINANCE):
            people.set_department(tx, subject, "")


def asked(appliance: Appliance, amount: Money | None) -> Contract:
    terms = DraftTerms(title="借款合同", kind="借款", purpose="示例", initiator=ZHANG.subject, amount=amount)
    draft = appliance.drafting.draft(purchase(), terms)
    appliance.drafting.add_person(draft.id, subject=ZHANG.subject, by=ZHANG.subject)
    appliance.reviewing.ask(draft.id, by=ZHANG.subject)
    for item in appliance.reviewing.review_status(draft).open:
        appliance.reviewing.waive(draft.id, item.key, "另有约定", by=LEGAL)
    return contract_now(appliance, draft.id)


def waits_for(appliance: Appliance, draft: Contract) -> set[str]:
    queues = {each: appliance.reviewing.queue(each) for each in (LEGAL, FINANCE)}
    return {each for each, queue in queues.items() if draft.id in [waiting.contract.id for waiting in queue]}


@pytest.mark.parametrize("amount", [Money(10_000_000, "CNY"), None])
def test_departments_approve_in_their_order_before_it_goes_out(appliance: Appliance, amount: Money | None) -> None:
    draft = asked(appliance, amount)
    assert waits_for(appliance, draft) == {LEGAL}
    with pytest.raises(PreconditionRefused, match="that of 法务部"):
        appliance.reviewing.sign_off(draft.id, by=FINANCE)
    assert appliance.reviewing.sign_off(draft.id, by=LEGAL) is None
    assert waits_for(appliance, draft) == {FINANCE}
    with pytest.raises(PreconditionRefused, match="approved a step"):
        appliance.reviewing.sign_off(draft.id, by=LEGAL)
    with pytest.raises(PreconditionRefused, match="signed the content check off"):
        appliance.sending.send(draft.id, by=ZHANG.subject)
    given = appliance.reviewing.sign_off(draft.id, by=FINANCE)
    assert given is not None and given.by == FINANCE
    assert [step.approval.by for step in appliance.reviewing.review_status(draft).steps if step.approval] == [
        LEGAL,
        FINANCE,
    ]
    assert appliance.sending.send(draft.id, by=ZHANG.subject).state is ContractState.SENT
    kinds = [event.kind for event in Timeline(appliance.database).of(draft.id, OURS)]
    assert kinds.count("review-step-approved") == 2


def test_a_small_amount_takes_one_step_and_a_larger_one_later_takes_them_all(appliance: Appliance) -> None:
    draft = asked(appliance, Money(9_999_999, "CNY"))
    assert appliance.reviewing.sign_off(draft.id, by=LEGAL) is not None
    terms = DraftTerms(
        "借款合同", "借款", "示例", ZHANG.subject, draft.deadline, draft.order, Money(10_000_000, "CNY")
    )
    appliance.drafting.revise(draft.id, terms, by=ZHANG.subject)
    with pytest.raises(PreconditionRefused, match="signed the content check off"):
        appliance.sending.send(draft.id, by=ZHANG.subject)
    appliance.drafting.revise(draft.id, replace(terms, amount=Money(9_999_999, "CNY")), by=ZHANG.subject)
    assert appliance.sending.send(draft.id, by=ZHANG.subject).state is ContractState.SENT


def test_what_is_asked_for_anew_is_approved_anew(appliance: Appliance) -> None:
    draft = asked(appliance, None)
    assert appliance.reviewing.sign_off(draft.id, by=LEGAL) is None
    appliance.reviewing.send_back(draft.id, "利率须明确", by=FINANCE)
    appliance.reviewing.ask(draft.id, by=ZHANG.subject)
    assert waits_for(appliance, draft) == {LEGAL}

"""A step of a review that the initiator's manager takes: whoever that is when the step's turn has come."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from pysqlite3 import dbapi2 as sqlite

from appliance.contracts.drafting import DraftTerms
from appliance.demonstration.participants import ALPHA, BETA, CUSTODIAN, OFFICER, ZHANG, ZONE
from appliance.errors import NotAllowed, NotFound, PreconditionRefused
from appliance.language import Language
from appliance.ledger.timeline import Fact, Timeline
from appliance.model.accounts import AccountRole, AccountState
from appliance.model.contract import Contract, ContractState
from appliance.model.notice import NoticeKind
from appliance.model.people import Person
from appliance.review.review_steps import NO_MANAGER, NO_MANAGER_CAN
from appliance.store import accounts, directories, people
from appliance.wiring import Appliance
from tests.portal.conftest import portal_of
from tests.portal.drafts import hidden
from tests.portal.visitors import signed_in
from tests.review.documents import purchase
from tests.world import OURS, contract_now, know_officer

LEGAL = CUSTODIAN.subject
HEAD, CHIEF, FOREIGN = "person-head", "person-chief", "person-foreign"
ROLES = (AccountRole.INITIATOR, AccountRole.SIGNER)
NAMES = {HEAD: "主管示例", CHIEF: "总监示例", FOREIGN: "外司示例"}


@pytest.fixture(autouse=True)
def _people(appliance: Appliance) -> Iterator[None]:
    """Zhang works under a head, who works under a chief; neither has the reviewer's role."""
    know_officer(appliance)
    for subject, name in NAMES.items():
        try:
            appliance.registry.person(subject)
        except NotFound:
            organisation = BETA if subject == FOREIGN else ALPHA
            new = Person(subject, name, organisation, f"{subject}@alpha.example", Language.CHINESE, ZONE)
            appliance.registry.add_person(new, None, by=OFFICER)
    with appliance.database.transaction() as tx:
        for subject in (LEGAL, ZHANG.subject, *NAMES):
            if accounts.find_account(tx, subject) is None:
                handle = subject.encode()[-16:].rjust(16)
                accounts.insert_account(tx, subject, subject, handle=handle, now=appliance.now())
                accounts.set_password(tx, subject, "$argon2id$not-used")
            accounts.set_state(tx, subject, AccountState.ACTIVE)
            own = {AccountRole.INITIATOR, AccountRole.SIGNER} | (
                {AccountRole.REVIEWER} if subject == LEGAL else set()
            )
            accounts.set_roles(tx, subject, own)
        people.set_department(tx, LEGAL, "法务部")
        directories.set_manager(tx, ZHANG.subject, HEAD)
        directories.set_manager(tx, HEAD, CHIEF)
        directories.set_manager(tx, CHIEF, None)
    yield
    with appliance.database.transaction() as tx:
        people.set_department(tx, LEGAL, "")
        for subject in (ZHANG.subject, LEGAL, *NAMES):
            directories.set_manager(tx, subject, None)


def drafted(appliance: Appliance, kind: str = "保密") -> Contract:
    terms = DraftTerms(title="保密协议", kind=kind, purpose="示例", initiator=ZHANG.subject)
    draft = appliance.drafting.draft(purchase(), terms)
    appliance.drafting.add_person(draft.id, subject=ZHANG.subject, by=ZHANG.subject)
    return contract_now(appliance, draft.id)


def asked(appliance: Appliance, kind: str = "保密") -> Contract:
    draft = drafted(appliance, kind)
    appliance.reviewing.ask(draft.id, by=ZHANG.subject)
    return contract_now(appliance, draft.id)


def waive_all(appliance: Appliance, draft: Contract, by: str) -> None:
    for item in appliance.reviewing.review_status(draft).open:
        appliance.reviewing.waive(draft.id, item.key, "另有约定", by=by)


def waits_for(appliance: Appliance, draft: Contract) -> set[str]:
    queues = {each: appliance.reviewing.queue(each) for each in (LEGAL, HEAD, CHIEF)}
    return {each for each, queue in queues.items() if draft.id in [waiting.contract.id for waiting in queue]}


def post(client: FlaskClient, page: str, action: str, **fields: str) -> int:
    """The status of the answer to the form that posts to *action* from *page*."""
    shown = client.get(page).text
    form = {name: hidden(shown, name) for name in ("form_token", "document", "seen") if f'name="{name}"' in shown}
    return client.post(action, data=form | fields).status_code


def set_manager(appliance: Appliance, subject: str, manager: str | None) -> None:
    with appliance.database.transaction() as tx:
        directories.set_manager(tx, subject, manager)


def set_state(appliance: Appliance, subject: str, state: AccountState) -> None:
    with appliance.database.transaction() as tx:
        accounts.set_state(tx, subject, state)


def told(appliance: Appliance, draft: Contract) -> list[str]:
    query = "SELECT recipient FROM outbox WHERE contract = ? AND kind = ? ORDER BY id"
    with appliance.database.reading() as tx:
        return tx.column(str, query, (draft.id, NoticeKind.REVIEW_ASKED))


def test_the_manager_approves_without_any_role_of_a_reviewer(appliance: Appliance) -> None:
    draft = asked(appliance)
    assert waits_for(appliance, draft) == {HEAD} and told(appliance, draft) == [HEAD]
    waive_all(appliance, draft, HEAD)
    with pytest.raises(PreconditionRefused, match="manager, 主管示例"):
        appliance.reviewing.sign_off(draft.id, by=LEGAL)
    assert appliance.reviewing.sign_off(draft.id, by=HEAD) is None
    assert appliance.reviewing.case(draft.id, HEAD) == draft, "what they approved stays readable"
    assert waits_for(appliance, draft) == {LEGAL}
    with pytest.raises(NotAllowed):
        appliance.reviewing.send_back(draft.id, "再看一遍", by=HEAD)
    assert appliance.reviewing.sign_off(draft.id, by=LEGAL) is not None
    assert appliance.sending.send(draft.id, by=ZHANG.subject).state is ContractState.SENT
    history = [event for event in Timeline(appliance.database).of(draft.id, OURS) if event.by == NAMES[HEAD]]
    assert history[-1].kind == "review-step-approved"
    assert Fact("Approved as", "The initiator's manager", True) in history[-1].facts


def test_a_manager_on_the_last_step_signs_the_check_off(appliance: Appliance) -> None:
    draft = asked(appliance, "赠与")
    assert waits_for(appliance, draft) == {LEGAL} and told(appliance, draft) == []
    with pytest.raises(NotFound):
        appliance.reviewing.case(draft.id, HEAD)
    waive_all(appliance, draft, LEGAL)
    appliance.reviewing.sign_off(draft.id, by=LEGAL)
    assert waits_for(appliance, draft) == {HEAD} and told(appliance, draft) == [HEAD]
    given = appliance.reviewing.sign_off(draft.id, by=HEAD)
    assert given is not None and given.by == HEAD
    assert appliance.sending.send(draft.id, by=ZHANG.subject).state is ContractState.SENT


def test_who_is_manager_when_it_is_their_turn_is_asked(appliance: Appliance) -> None:
    draft = asked(appliance)
    set_manager(appliance, ZHANG.subject, CHIEF)
    assert waits_for(appliance, draft) == {CHIEF}
    with pytest.raises(NotAllowed):
        appliance.reviewing.sign_off(draft.id, by=HEAD)
    with pytest.raises(NotFound):
        appliance.reviewing.case(draft.id, HEAD)
    waive_all(appliance, draft, CHIEF)
    appliance.reviewing.sign_off(draft.id, by=CHIEF)
    assert waits_for(appliance, draft) == {LEGAL}


def test_a_manager_who_was_never_asked_does_not_read_a_returned_draft(appliance: Appliance) -> None:
    draft = asked(appliance)
    appliance.reviewing.send_back(draft.id, "再看一遍", by=HEAD)
    set_manager(appliance, ZHANG.subject, CHIEF)
    with pytest.raises(NotFound):
        appliance.reviewing.case(draft.id, CHIEF)
    assert appliance.reviewing.case(draft.id, HEAD) == draft, "what they returned stays readable"


def test_the_next_one_above_is_asked_in_place_of_a_manager_who_has_left(appliance: Appliance) -> None:
    draft = asked(appliance)
    set_state(appliance, HEAD, AccountState.SUSPENDED)
    assert waits_for(appliance, draft) == {CHIEF}
    [step, _] = appliance.reviewing.review_status(draft).steps
    assert step.asked == CHIEF and [str(each) for each in step.passed_over] == ["主管示例 is not here any more."]
    set_state(appliance, HEAD, AccountState.ACTIVE)
    assert waits_for(appliance, draft) == {HEAD}


def test_whoever_approved_another_step_does_not_approve_as_the_manager_too(appliance: Appliance) -> None:
    set_manager(appliance, ZHANG.subject, LEGAL)
    set_manager(appliance, LEGAL, CHIEF)
    draft = asked(appliance, "赠与")
    waive_all(appliance, draft, LEGAL)
    appliance.reviewing.sign_off(draft.id, by=LEGAL)
    assert waits_for(appliance, draft) == {CHIEF}
    step = appliance.reviewing.review_status(draft).steps[-1]
    assert "has approved another step" in str(step.passed_over[0])


@pytest.mark.parametrize(
    ("manager", "sentence"),
    [(None, NO_MANAGER), (FOREIGN, NO_MANAGER_CAN), (ZHANG.subject, NO_MANAGER_CAN), (OFFICER, NO_MANAGER_CAN)],
)
def test_nobody_to_approve_is_said_before_the_contract_goes_out(
    appliance: Appliance, manager: str | None, sentence: str
) -> None:
    set_manager(appliance, ZHANG.subject, manager)
    draft = drafted(appliance)
    with pytest.raises(PreconditionRefused) as refused:
        appliance.reviewing.ask(draft.id, by=ZHANG.subject)
    assert refused.value.template == sentence
    assert sentence in [each.template for each in appliance.sending.problems(draft)]
    with pytest.raises(PreconditionRefused):
        appliance.sending.send(draft.id, by=ZHANG.subject)


def test_a_step_that_loses_its_manager_waits_and_is_never_left_out(appliance: Appliance) -> None:
    draft = asked(appliance)
    set_manager(appliance, ZHANG.subject, None)
    assert waits_for(appliance, draft) == set()
    waive_all(appliance, draft, LEGAL)
    with pytest.raises(PreconditionRefused, match="none is entered"):
        appliance.reviewing.sign_off(draft.id, by=LEGAL)
    set_manager(appliance, ZHANG.subject, HEAD)
    assert waits_for(appliance, draft) == {HEAD}


def test_managers_in_a_circle_end(appliance: Appliance) -> None:
    set_manager(appliance, HEAD, ZHANG.subject)
    draft = asked(appliance)
    set_state(appliance, HEAD, AccountState.SUSPENDED)
    [step, _] = appliance.reviewing.review_status(draft).steps
    assert step.asked is None and step.problem is not None


def test_the_database_takes_a_managers_approval_from_nobody_else(appliance: Appliance) -> None:
    draft = asked(appliance)
    request = appliance.reviewing.review_status(draft).request
    assert request is not None
    for by in (LEGAL, FOREIGN, ZHANG.subject):
        with pytest.raises(sqlite.IntegrityError, match="manager"), appliance.database.transaction() as tx:
            row = {"request": request.id, "department": "", "by": by, "at": appliance.now()}
            tx.insert("review_approvals", row)
    for by in (HEAD, FOREIGN):
        row = {"contract": draft.id, "document": "0" * 64, "check_digest": "0" * 64, "kind": "x", "by": by}
        with (
            pytest.raises(sqlite.IntegrityError, match="signs a check off"),
            appliance.database.transaction() as tx,
        ):
            tx.insert("review_sign_offs", row | {"at": appliance.now(), "record": b"{}"})


def test_pages_lead_a_manager_to_what_waits(appliance: Appliance) -> None:
    portal = portal_of(appliance, appliance.authority)
    head, zhang = (signed_in(portal, appliance, each, ROLES) for each in (HEAD, ZHANG.subject))
    draft = drafted(appliance)
    step, case = f"/contracts/{draft.id}/draft/check", f"/reviews/{draft.id}"
    shown = zhang.get(step).text
    assert "发起人的直属上级" in shown and NAMES[HEAD] in shown
    assert post(zhang, step, step, act="review") == 303
    home = head.get("/").text
    assert 'href="/reviews"' in home and "待您审批的合同" in home
    assert draft.title in head.get("/reviews").text
    page = head.get(case).text
    assert "发起人的直属上级" in page and f"{case}/sign-off" in page
    assert head.get(f"{case}/pages/1.png").status_code == 200
    assert head.get(f"/contracts/{draft.id}/discussion").status_code == 200
    assert 'href="/reviews"' not in zhang.get("/").text and zhang.get("/reviews").status_code == 403
    waive_all(appliance, draft, HEAD)
    assert post(head, case, f"{case}/sign-off") == 303
    after = head.get(case).text
    assert "<button>审签</button>" not in after and NAMES[HEAD] in after
    assert post(zhang, step, f"{case}/sign-off") == 403


def test_pages_say_what_to_do_where_no_manager_can(appliance: Appliance) -> None:
    set_manager(appliance, ZHANG.subject, None)
    zhang = signed_in(portal_of(appliance, appliance.authority), appliance, ZHANG.subject, ROLES)
    draft = drafted(appliance)
    step = f"/contracts/{draft.id}/draft/check"
    said = "尚未登记直属上级"
    assert said in zhang.get(step).text and post(zhang, step, step, act="review") in {409, 422}


def test_only_managers_have_reviews_to_approve(appliance: Appliance) -> None:
    assert [
        each for each in (HEAD, CHIEF, FOREIGN, ZHANG.subject) if appliance.reviewing.approves_as_manager(each)
    ] == [
        HEAD,
        CHIEF,
    ]

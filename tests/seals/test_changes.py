"""Seals, custodians and policy that change or come together while a request is under way."""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from appliance.contracts.sending import ProblemPlace
from appliance.demonstration.participants import ALPHA, BETA, LI, OFFICER, ZHANG, ZONE
from appliance.errors import PreconditionRefused, StateRefused
from appliance.model.accounts import AccountRole
from appliance.model.contract import Deadline, PartyState
from appliance.model.people import Person
from appliance.store import accounts
from hsm.errors import ActivationRefused, AuthorityError, CertificateRefused
from tests.activation_service import hidden
from tests.office.conftest import events_of
from tests.portal.visitors import signed_in
from tests.seals.conftest import Site
from tests.world import contract_now
from webui.portal.application import create_app

Custodians = tuple[Person, Person, Person]


def test_policy_that_wants_two_custodians_gets_two(site: Site, custodians: Custodians) -> None:
    """One approval leaves the request waiting for another custodian; the second makes the signature."""
    request = site.asked(site.sent(site.seal(*custodians), "双印合同"))
    assert request.needed == 2

    after_one = site.approve(request, custodians[0])
    assert (after_one.parties[-1].state, site.state(request)) == (PartyState.WAITING, "waiting")
    site.require_refused(request, custodians[0])
    assert site.approve_here(request, custodians[0]) == after_one
    waiting = site.appliance.seal_requests.waiting_for
    assert waiting(custodians[1].subject) == 1 and site.appliance.seal_requests.get(request.id).approved_by == (
        custodians[0].subject,
    )

    assert site.approve(request, custodians[1]).parties[-1].state is PartyState.SIGNED
    assert set(site.appliance.seal_requests.get(request.id).approved_by) == {
        each.subject for each in custodians[:2]
    }
    site.require_refused(request, custodians[2])
    with pytest.raises(StateRefused, match="answered already"):
        site.approve_here(request, custodians[2])


def test_the_first_of_two_custodians_takes_the_approval_back(site: Site, custodians: Custodians) -> None:
    request = site.asked(site.sent(site.seal(*custodians), "双印合同"))
    requests, act = site.appliance.seal_requests, site.appliance.seal_requests.act(request)
    site.approve(request, custodians[0])
    for _ in range(2):
        assert requests.take_back(request.id, by=custodians[0].subject).approved_by == ()
    assert requests.take_back(request.id, by=custodians[1].subject).approved_by == ()
    with pytest.raises(PreconditionRefused, match="Only a custodian"):
        requests.take_back(request.id, by=ZHANG.subject)
    assert site.appliance.authority.approvals(act).given == (ZHANG.subject,)
    with site.appliance.database.reading() as tx:
        leaves = [row[0].decode() for row in tx.execute("SELECT leaf FROM ledger ORDER BY number DESC LIMIT 1")]
    assert "seal-approval-taken-back" in leaves[0]

    after_other = site.approve(request, custodians[1])
    assert (after_other.parties[-1].state, site.state(request)) == (PartyState.WAITING, "waiting")
    assert site.approve(request, custodians[0]).parties[-1].state is PartyState.SIGNED
    with pytest.raises(StateRefused, match="answered already"):
        requests.take_back(request.id, by=custodians[0].subject)


def test_the_page_of_a_request_takes_an_approval_back_by_one_click(site: Site, custodians: Custodians) -> None:
    request = site.asked(site.sent(site.seal(*custodians), "双印合同"))
    portal, address = create_app(site.appliance, form_key=bytes(32)), f"/seals/requests/{request.id}"
    browser = signed_in(portal, site.appliance, custodians[0].subject, (AccountRole.SIGNER, AccountRole.CUSTODIAN))
    assert "take-back" not in browser.get(address).text
    site.approve(request, custodians[0])
    form = re.search(rf'action="({address}/take-back)">(.*?)</form>', browser.get(address).text, re.S)
    assert form is not None and "撤回我的批准" in form[2]
    answer = browser.post(form[1], data=hidden(form[2]))
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{address}?done=taken-back")
    assert site.appliance.seal_requests.get(request.id).approved_by == ()
    assert f"{address}/approve" in browser.get(address).text


def test_the_web_process_alone_cannot_make_one_custodian_enough(site: Site, custodians: Custodians) -> None:
    """The workflow is passed by: the authority itself counts the custodians that the act demands."""
    contract = site.sent(site.seal(*custodians), "双印合同")
    request = site.asked(contract)
    act = site.appliance.seal_requests.act(request)
    site.confirm(custodians[0].subject, act)
    with pytest.raises(ActivationRefused, match="two of its custodians"):
        site.appliance.authority.sign_document(act)


def test_two_custodians_at_once(site: Site, custodians: Custodians) -> None:
    """Both press at the same moment: where two are needed it is signed once, by both."""
    request = site.asked(site.sent(site.seal(*custodians[:2]), "双印合同"))
    outcomes = _at_once(site, request, custodians[:2])
    assert PartyState.SIGNED in outcomes
    final = site.appliance.seal_requests.get(request.id)
    assert (final.state.value, len(final.approved_by)) == ("used", 2)


def test_two_custodians_at_once_where_one_is_enough(site: Site, custodians: Custodians) -> None:
    """Both press at the same moment: one approval counts, the other custodian is told that it was given."""
    request = site.asked(site.sent(site.seal(*custodians[:2])))
    outcomes = _at_once(site, request, custodians[:2])
    assert outcomes.count(PartyState.SIGNED) == 1
    assert len(site.appliance.seal_requests.get(request.id).approved_by) == 1


def _at_once(site: Site, request: object, custodians: tuple[Person, ...]) -> list[object]:
    outcomes: list[object] = []

    def press(custodian: Person) -> None:
        try:
            outcomes.append(site.approve(request, custodian).parties[-1].state)  # type: ignore[arg-type]
        except (ActivationRefused, StateRefused) as refusal:
            outcomes.append(refusal)

    threads = [threading.Thread(target=press, args=(each,)) for each in custodians]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def test_the_requester_as_custodian(site: Site, custodians: Custodians) -> None:
    """Who asks for a seal never approves it, also as its custodian: another custodian does."""
    own = site.appliance.registry.person(ZHANG.subject)
    contract = site.sent(site.seal(own, custodians[0]))
    request = site.asked(contract)
    site.require_refused(request, own)
    with pytest.raises(PreconditionRefused, match="who has not asked"):
        site.approve_here(request, own)
    assert site.approve(request, custodians[0]).parties[-1].state is PartyState.SIGNED

    with pytest.raises(PreconditionRefused, match="not the one asking"):
        site.sent(site.seal(own))
    with pytest.raises(PreconditionRefused, match="takes two custodians"):
        site.sent(site.seal(own, custodians[0]), "双印合同")


def test_a_custodian_who_is_removed(site: Site, custodians: Custodians) -> None:
    """What a removed custodian has approved of a waiting request counts no more; it can be asked again."""
    seal = site.seal(*custodians)
    contract = site.sent(seal, "双印合同")
    request = site.asked(contract)
    site.approve(request, custodians[1])
    site.done(site.appliance.office.drafts.seals.draft_dismissal(seal, custodians[1].subject, by=OFFICER))

    act = site.appliance.seal_requests.act(request)
    assert site.appliance.authority.approvals(act).given == (ZHANG.subject,)
    with pytest.raises(StateRefused, match="keeps this seal no more"):
        site.approve_here(request, custodians[0])
    assert site.state(request) == "lapsed"
    again = site.asked(contract)
    site.approve(again, custodians[0])
    site.require_refused(again, custodians[1])
    with pytest.raises(PreconditionRefused, match="Only a custodian"):
        site.approve_here(again, custodians[1])
    assert site.approve(again, custodians[2]).parties[-1].state is PartyState.SIGNED


def test_a_custodian_who_leaves(site: Site, custodians: Custodians) -> None:
    """Who leaves keeps no seal from that moment; a seal without custodians stands still."""
    leaving = site.enrol("郑离职")
    seal = site.seal(leaving)
    request = site.asked(site.sent(seal))
    site.done(site.appliance.office.drafts.draft_leaving(leaving.subject, by=OFFICER))

    known = site.appliance.registry.seal(seal)
    assert known.custodians == () and known.suspended is not None
    site.require_refused(request, leaving)
    with pytest.raises(PreconditionRefused, match="Only a custodian"):
        site.approve_here(request, leaving)
    assert events_of(site.appliance, seal)[-1] == "seal-suspended"
    seals = site.appliance.office.drafts.seals
    with pytest.raises(PreconditionRefused, match="add them first"):
        seals.draft_resumption(seal, reason="试", by=OFFICER)
    site.done(seals.draft_custodian(seal, custodians[1].subject, by=OFFICER))
    site.done(seals.draft_resumption(seal, reason="已换人保管", by=OFFICER))
    assert site.approve(request, custodians[1]).parties[-1].state is PartyState.SIGNED


def test_a_seal_suspended_between_approval_and_use(site: Site, custodians: Custodians) -> None:
    """All have approved, the process dies, the seal is suspended: nothing is signed, here and at the authority."""
    seal = site.seal(custodians[0])
    contract = site.sent(seal)
    request = site.asked(contract)
    requests = site.appliance.seal_requests
    finishing, requests._signing = requests._signing, _Dies()  # type: ignore[assignment]
    try:
        with pytest.raises(SystemExit):
            site.approve(request, custodians[0])
    finally:
        requests._signing = finishing
    site.appliance.office.seals.suspend(seal, reason="印章遗失", by=OFFICER)

    with pytest.raises(ActivationRefused, match="suspended"):
        site.appliance.authority.sign_document(requests.act(request))
    with pytest.raises(PreconditionRefused, match="suspended"):
        requests.finish(request.id)
    assert contract_now(site.appliance, contract.id).parties[-1].state is PartyState.WAITING


class _Dies:
    def finish(self, intent_id: str) -> None:
        raise SystemExit(intent_id)


def test_a_destroyed_seal_in_a_waiting_request(site: Site, custodians: Custodians) -> None:
    """The request ends with that reason, nobody can approve it, and no new one is made."""
    seal = site.seal(custodians[0])
    signed = site.approve(site.asked(site.sent(seal)), custodians[0])
    contract = site.sent(seal)
    request = site.asked(contract)
    done = site.done(site.appliance.office.drafts.seals.draft_destruction(seal, reason="公司更名", by=OFFICER))
    assert done.state.value == "done"

    assert site.appliance.seal_requests.sweep() >= 1
    ended = site.appliance.seal_requests.get(request.id)
    assert (ended.state.value, ended.answer) == ("lapsed", "The seal was destroyed before it was used.")
    site.require_refused(request, custodians[0])
    with pytest.raises(StateRefused):
        site.approve_here(request, custodians[0])
    with pytest.raises(PreconditionRefused, match="destroyed"):
        site.asked(contract)
    with pytest.raises(PreconditionRefused, match="destroyed"):
        site.sent(seal)
    with pytest.raises(StateRefused, match="destroyed"):
        site.appliance.office.drafts.seals.draft_custodian_number(seal, 2, by=OFFICER)
    report = site.appliance.verifier.verify(site.appliance.contracts.document(signed), file="signed.pdf")
    assert report.indication.value == "TOTAL-PASSED", "what it signed before stays valid"


def test_the_last_custodian_stays_while_the_seal_is_in_use(site: Site, custodians: Custodians) -> None:
    """Neither here nor at the authority, which is asked past the workflow; a suspended seal lets go."""
    seal, seals = site.seal(custodians[0]), site.appliance.office.drafts.seals
    with pytest.raises(PreconditionRefused, match="keeps at least: 1"):
        seals.draft_dismissal(seal, custodians[0].subject, by=OFFICER)
    site.appliance.office.seals.suspend(seal, reason="保管人休假", by=OFFICER)
    act = seals.draft_dismissal(seal, custodians[0].subject, by=OFFICER)
    site.done(seals.draft_resumption(seal, reason="回来了", by=OFFICER))
    with pytest.raises(CertificateRefused, match="Suspend it first"):
        site.done(act)
    assert site.appliance.registry.seal(seal).custodians == (custodians[0].subject,)


def test_custodians_and_their_number_change_by_officers_acts(site: Site, custodians: Custodians) -> None:
    """The authority and the register agree after every act, and each is in the log."""
    seal, seals = site.seal(custodians[0]), site.appliance.office.drafts.seals
    for stranger in (LI.subject, OFFICER, "person-nobody"):
        with pytest.raises(PreconditionRefused, match="enrolled people"):
            seals.draft_custodian(seal, stranger, by=OFFICER)
    with pytest.raises(PreconditionRefused, match="add them first"):
        seals.draft_custodian_number(seal, 2, by=OFFICER)
    site.done(seals.draft_custodian(seal, custodians[1].subject, by=OFFICER))
    site.done(seals.draft_custodian_number(seal, 2, by=OFFICER))

    here, there = site.appliance.registry.seal(seal), site.appliance.authority.seal(seal)
    assert set(here.custodians) == set(there.custodians) == {each.subject for each in custodians[:2]}
    assert here.needed == there.needed == 2
    assert site.asked(site.sent(seal)).needed == 2, "whatever policy says of the type"
    told = ["seal-registered", "custodian-added", "custodians-needed-changed"]
    assert events_of(site.appliance, seal)[:3] == told


def test_an_act_about_a_seal_needs_the_officer(site: Site, custodians: Custodians) -> None:
    seal, seals = site.seal(custodians[0]), site.appliance.office.drafts.seals
    for act in (
        seals.draft_custodian(seal, custodians[1].subject, by=OFFICER),
        seals.draft_destruction(seal, reason="示例", by=OFFICER),
    ):
        decisions = site.appliance.office.decisions
        with pytest.raises(AuthorityError):
            site.confirm(custodians[1].subject, decisions.to_activate(act))
        assert site.appliance.authority.approvals(decisions.to_activate(act)).given == ()
        for by in (custodians[1].subject, OFFICER):
            with pytest.raises(StateRefused, match="not confirmed"):
                decisions.perform_decision(act.id, by=by)
        with pytest.raises(ActivationRefused):
            getattr(site.appliance.authority, act.kind.value)(decisions.to_activate(act))
    assert site.appliance.authority.seal(seal).custodians == (custodians[0].subject,)


def test_the_requester_may_not_sign_where_policy_says_so(site: Site, custodians: Custodians) -> None:
    """Another person asks for the seal than the one who signs; the draft says so before it is sent."""
    draft = site.draft(site.seal(custodians[0]), "他人申请", people=(ZHANG.subject, LI.subject))
    problems = [str(each.template) for each in site.appliance.sending.problems(draft)]
    assert any("another person to ask" in each for each in problems)
    with pytest.raises(PreconditionRefused, match="another person to ask"):
        site.appliance.sending.send(draft.id, by=ZHANG.subject)
    assert site.sent(site.seal(custodians[0]), "他人申请")


def test_a_reviewer_signs_off_first_where_policy_says_so(site: Site, custodians: Custodians) -> None:
    with pytest.raises(PreconditionRefused, match="sign the content check off"):
        site.sent(site.seal(custodians[0]), "先审合同")


def test_what_the_authority_would_refuse_is_refused_while_drafting(site: Site, custodians: Custodians) -> None:
    """A seal is asked for by its own people, with a custodian who can be asked."""
    drafting, store, alone = site.appliance.drafting, site.appliance.database, site.enrol("停用保管")
    usual, other = site.seal(custodians[0]), site.seal(alone)
    assert site.appliance.registry.seal(usual).label != site.appliance.registry.seal(other).label
    draft = site.draft(usual)
    with pytest.raises(PreconditionRefused, match=f"of {ALPHA}, and only its own people .* {BETA}"):
        drafting.add_seal(draft.id, seal=other, requester=LI.subject, by=ZHANG.subject)
    with store.transaction() as tx:
        tx.execute("UPDATE parties SET requester = ? WHERE id = ?", (LI.subject, draft.parties[-1].id))
    draft = contract_now(site.appliance, draft.id)
    (problem,) = site.appliance.sending.problems(draft)
    assert (problem.place, problem.party) == (ProblemPlace.PARTIES, draft.parties[-1].id)
    with pytest.raises(PreconditionRefused, match="only its own people"):
        site.appliance.sending.send(draft.id, by=ZHANG.subject)
    with store.transaction() as tx:
        accounts.insert_account(tx, alone.subject, "alone", handle=b"alone-in-custody", now=site.appliance.now())
        tx.execute(
            "UPDATE accounts SET state = 'suspended', password = '$argon2id$x' WHERE subject = ?", (alone.subject,)
        )
    with pytest.raises(PreconditionRefused, match="custodian who is not the one asking"):
        drafting.add_seal(draft.id, seal=other, requester=ZHANG.subject, by=ZHANG.subject)
    with pytest.raises(PreconditionRefused, match="closed or suspended"):
        drafting.add_person(draft.id, subject=alone.subject, by=ZHANG.subject)


def test_a_key_is_good_until_the_deadline(site: Site, custodians: Custodians) -> None:
    draft = site.draft(site.seal(custodians[0]))
    later = replace(draft, deadline=Deadline(site.appliance.now() + timedelta(days=800), ZONE))
    said = [str(problem.sentence.template) for problem in site.appliance.sending.problems(later)]
    assert said == ["The certificate of {name} ends on {day}, before the deadline; set an earlier one."]
    with site.appliance.database.transaction() as tx:
        tx.execute("DELETE FROM certificates WHERE subject = ?", (draft.parties[-1].subject,))
    with pytest.raises(PreconditionRefused, match="the enrolment is not finished"):
        site.appliance.sending.send(draft.id, by=ZHANG.subject)

"""Seals, custodians and policy that change or come together while a request is under way."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from appliance.contracts.sending import ProblemPlace
from appliance.demonstration.participants import ALPHA, BETA, LI, OFFICER, ZHANG, ZONE
from appliance.errors import PreconditionRefused, StateRefused
from appliance.model.contract import Deadline, PartyState
from appliance.model.people import Person
from appliance.store import accounts
from hsm.errors import ActivationRefused, AuthorityError, CertificateRefused
from tests.office.conftest import events_of
from tests.seals.conftest import House
from tests.world import contract_now

Keepers = tuple[Person, Person, Person]


def test_policy_that_wants_two_custodians_gets_two(house: House, keepers: Keepers) -> None:
    """One approval leaves the request waiting for another custodian; the second makes the signature."""
    request = house.asked(house.sent(house.seal(*keepers), "双印合同"))
    assert request.needed == 2

    after_one = house.approve(request, keepers[0])
    assert (after_one.parties[-1].state, house.state(request)) == (PartyState.WAITING, "waiting")
    assert house.approve(request, keepers[0]) == after_one
    waiting = house.appliance.seal_requests.waiting_for
    assert waiting(keepers[1].subject) == 1 and house.appliance.seal_requests.get(request.id).approved_by == (
        keepers[0].subject,
    )

    assert house.approve(request, keepers[1]).parties[-1].state is PartyState.SIGNED
    assert set(house.appliance.seal_requests.get(request.id).approved_by) == {each.subject for each in keepers[:2]}
    with pytest.raises(StateRefused, match="answered already"):
        house.approve(request, keepers[2])


def test_the_web_process_alone_cannot_make_one_custodian_enough(house: House, keepers: Keepers) -> None:
    """The workflow is passed by: the authority itself counts the custodians that the act demands."""
    contract = house.sent(house.seal(*keepers), "双印合同")
    request = house.asked(contract)
    act = house.appliance.seal_requests.act(request)
    house.appliance.authority.approve(act, house.answer(keepers[0].subject, act))
    with pytest.raises(ActivationRefused, match="two of its custodians"):
        house.appliance.authority.sign_document(act, [])


def test_two_custodians_at_once(house: House, keepers: Keepers) -> None:
    """Both press at the same moment: where two are needed it is signed once, by both."""
    request = house.asked(house.sent(house.seal(*keepers[:2]), "双印合同"))
    outcomes = _at_once(house, request, keepers[:2])
    assert PartyState.SIGNED in outcomes
    final = house.appliance.seal_requests.get(request.id)
    assert (final.state.value, len(final.approved_by)) == ("used", 2)


def test_two_custodians_at_once_where_one_is_enough(house: House, keepers: Keepers) -> None:
    """Both press at the same moment: one approval counts, the other custodian is told that it was given."""
    request = house.asked(house.sent(house.seal(*keepers[:2])))
    outcomes = _at_once(house, request, keepers[:2])
    assert outcomes.count(PartyState.SIGNED) == 1
    assert len(house.appliance.seal_requests.get(request.id).approved_by) == 1


def _at_once(house: House, request: object, custodians: tuple[Person, ...]) -> list[object]:
    outcomes: list[object] = []

    def press(custodian: Person) -> None:
        try:
            outcomes.append(house.approve(request, custodian).parties[-1].state)  # type: ignore[arg-type]
        except (ActivationRefused, StateRefused) as refusal:
            outcomes.append(refusal)

    threads = [threading.Thread(target=press, args=(each,)) for each in custodians]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def test_the_requester_as_custodian(house: House, keepers: Keepers) -> None:
    """Who asks for a seal never approves it, also as its custodian: another custodian does."""
    own = house.appliance.registry.person(ZHANG.subject)
    contract = house.sent(house.seal(own, keepers[0]))
    request = house.asked(contract)
    with pytest.raises(PreconditionRefused, match="who has not asked"):
        house.approve(request, own)
    assert house.approve(request, keepers[0]).parties[-1].state is PartyState.SIGNED

    with pytest.raises(PreconditionRefused, match="not the one asking"):
        house.sent(house.seal(own))
    with pytest.raises(PreconditionRefused, match="takes two custodians"):
        house.sent(house.seal(own, keepers[0]), "双印合同")


def test_a_custodian_who_is_removed(house: House, keepers: Keepers) -> None:
    """What a removed custodian has approved of a waiting request counts no more; it can be asked again."""
    seal = house.seal(*keepers)
    contract = house.sent(seal, "双印合同")
    request = house.asked(contract)
    house.approve(request, keepers[1])
    house.done(house.appliance.office.drafts.seals.draft_dismissal(seal, keepers[1].subject, by=OFFICER))

    with pytest.raises(StateRefused, match="keeps this seal no more"):
        house.approve(request, keepers[0])
    assert house.state(request) == "lapsed"
    again = house.asked(contract)
    house.approve(again, keepers[0])
    with pytest.raises(PreconditionRefused, match="Only a custodian"):
        house.approve(again, keepers[1])
    assert house.approve(again, keepers[2]).parties[-1].state is PartyState.SIGNED


def test_a_custodian_who_leaves(house: House, keepers: Keepers) -> None:
    """Who leaves keeps no seal from that moment; a seal without custodians stands still."""
    leaving = house.enrol("郑离职")
    seal = house.seal(leaving)
    request = house.asked(house.sent(seal))
    house.done(house.appliance.office.drafts.draft_leaving(leaving.subject, by=OFFICER))

    known = house.appliance.registry.seal(seal)
    assert known.custodians == () and known.suspended is not None
    with pytest.raises(PreconditionRefused, match="Only a custodian"):
        house.approve(request, leaving)
    assert events_of(house.appliance, seal)[-1] == "seal-suspended"
    seals = house.appliance.office.drafts.seals
    with pytest.raises(PreconditionRefused, match="add them first"):
        seals.draft_resumption(seal, reason="试", by=OFFICER)
    house.done(seals.draft_custodian(seal, keepers[1].subject, by=OFFICER))
    house.done(seals.draft_resumption(seal, reason="已换人保管", by=OFFICER))
    assert house.approve(request, keepers[1]).parties[-1].state is PartyState.SIGNED


def test_a_seal_suspended_between_approval_and_use(house: House, keepers: Keepers) -> None:
    """All have approved, the process dies, the seal is suspended: nothing is signed, here and at the authority."""
    seal = house.seal(keepers[0])
    contract = house.sent(seal)
    request = house.asked(contract)
    requests = house.appliance.seal_requests
    finishing, requests._signing = requests._signing, _Dies()  # type: ignore[assignment]
    try:
        with pytest.raises(SystemExit):
            house.approve(request, keepers[0])
    finally:
        requests._signing = finishing
    house.appliance.office.seals.suspend(seal, reason="印章遗失", by=OFFICER)

    with pytest.raises(ActivationRefused, match="suspended"):
        house.appliance.authority.sign_document(requests.act(request), [])
    with pytest.raises(PreconditionRefused, match="suspended"):
        requests.finish(request.id)
    assert contract_now(house.appliance, contract.id).parties[-1].state is PartyState.WAITING


class _Dies:
    def finish(self, intent_id: str) -> None:
        raise SystemExit(intent_id)


def test_a_destroyed_seal_in_a_waiting_request(house: House, keepers: Keepers) -> None:
    """The request ends with that reason, nobody can approve it, and no new one is made."""
    seal = house.seal(keepers[0])
    signed = house.approve(house.asked(house.sent(seal)), keepers[0])
    contract = house.sent(seal)
    request = house.asked(contract)
    done = house.done(house.appliance.office.drafts.seals.draft_destruction(seal, reason="公司更名", by=OFFICER))
    assert done.state.value == "done"

    assert house.appliance.seal_requests.sweep() >= 1
    ended = house.appliance.seal_requests.get(request.id)
    assert (ended.state.value, ended.answer) == ("lapsed", "The seal was destroyed before it was used.")
    with pytest.raises(StateRefused):
        house.approve(request, keepers[0])
    with pytest.raises(PreconditionRefused, match="destroyed"):
        house.asked(contract)
    with pytest.raises(PreconditionRefused, match="destroyed"):
        house.sent(seal)
    with pytest.raises(StateRefused, match="destroyed"):
        house.appliance.office.drafts.seals.draft_custodian_number(seal, 2, by=OFFICER)
    report = house.appliance.verifier.verify(house.appliance.contracts.document(signed), file="signed.pdf")
    assert report.indication.value == "TOTAL-PASSED", "what it signed before stays valid"


def test_the_last_custodian_stays_while_the_seal_is_in_use(house: House, keepers: Keepers) -> None:
    """Neither here nor at the authority, which is asked past the workflow; a suspended seal lets go."""
    seal, seals = house.seal(keepers[0]), house.appliance.office.drafts.seals
    with pytest.raises(PreconditionRefused, match="keeps at least: 1"):
        seals.draft_dismissal(seal, keepers[0].subject, by=OFFICER)
    house.appliance.office.seals.suspend(seal, reason="保管人休假", by=OFFICER)
    act = seals.draft_dismissal(seal, keepers[0].subject, by=OFFICER)
    house.done(seals.draft_resumption(seal, reason="回来了", by=OFFICER))
    with pytest.raises(CertificateRefused, match="Suspend it first"):
        house.done(act)
    assert house.appliance.registry.seal(seal).custodians == (keepers[0].subject,)


def test_custodians_and_their_number_change_by_officers_acts(house: House, keepers: Keepers) -> None:
    """The authority and the register agree after every act, and each is in the log."""
    seal, seals = house.seal(keepers[0]), house.appliance.office.drafts.seals
    for stranger in (LI.subject, OFFICER, "person-nobody"):
        with pytest.raises(PreconditionRefused, match="enrolled people"):
            seals.draft_custodian(seal, stranger, by=OFFICER)
    with pytest.raises(PreconditionRefused, match="add them first"):
        seals.draft_custodian_number(seal, 2, by=OFFICER)
    house.done(seals.draft_custodian(seal, keepers[1].subject, by=OFFICER))
    house.done(seals.draft_custodian_number(seal, 2, by=OFFICER))

    here, there = house.appliance.registry.seal(seal), house.appliance.authority.seal(seal)
    assert set(here.custodians) == set(there.custodians) == {each.subject for each in keepers[:2]}
    assert here.needed == there.needed == 2
    assert house.asked(house.sent(seal)).needed == 2, "whatever policy says of the type"
    told = ["seal-registered", "custodian-added", "custodians-needed-changed"]
    assert events_of(house.appliance, seal)[:3] == told


def test_an_act_about_a_seal_needs_the_officer(house: House, keepers: Keepers) -> None:
    seal, seals = house.seal(keepers[0]), house.appliance.office.drafts.seals
    for act in (
        seals.draft_custodian(seal, keepers[1].subject, by=OFFICER),
        seals.draft_destruction(seal, reason="示例", by=OFFICER),
    ):
        answer = house.devices[keepers[1].subject].activate(
            keepers[1].subject, house.appliance.office.decisions.to_activate(act)
        )
        with pytest.raises(AuthorityError):
            house.appliance.office.decisions.activate_decision(act.id, answer)
    assert house.appliance.authority.seal(seal).custodians == (keepers[0].subject,)


def test_the_requester_may_not_sign_where_policy_says_so(house: House, keepers: Keepers) -> None:
    """Another person asks for the seal than the one who signs; the draft says so before it is sent."""
    draft = house.draft(house.seal(keepers[0]), "他人申请", people=(ZHANG.subject, LI.subject))
    problems = [str(each.template) for each in house.appliance.sending.problems(draft)]
    assert any("another person to ask" in each for each in problems)
    with pytest.raises(PreconditionRefused, match="another person to ask"):
        house.appliance.sending.send(draft.id, by=ZHANG.subject)
    assert house.sent(house.seal(keepers[0]), "他人申请")


def test_a_reviewer_signs_off_first_where_policy_says_so(house: House, keepers: Keepers) -> None:
    with pytest.raises(PreconditionRefused, match="sign the content check off"):
        house.sent(house.seal(keepers[0]), "先审合同")


def test_what_the_authority_would_refuse_is_refused_while_drafting(house: House, keepers: Keepers) -> None:
    """A seal is asked for by its own people, with a custodian who can be asked."""
    drafting, store, alone = house.appliance.drafting, house.appliance.database, house.enrol("停用保管")
    usual, other = house.seal(keepers[0]), house.seal(alone)
    assert house.appliance.registry.seal(usual).label != house.appliance.registry.seal(other).label
    draft = house.draft(usual)
    with pytest.raises(PreconditionRefused, match=f"of {ALPHA}, and only its own people .* {BETA}"):
        drafting.add_seal(draft.id, seal=other, requester=LI.subject, by=ZHANG.subject)
    with store.transaction() as tx:
        tx.execute("UPDATE parties SET requester = ? WHERE id = ?", (LI.subject, draft.parties[-1].id))
    draft = contract_now(house.appliance, draft.id)
    (problem,) = house.appliance.sending.problems(draft)
    assert (problem.place, problem.party) == (ProblemPlace.PARTIES, draft.parties[-1].id)
    with pytest.raises(PreconditionRefused, match="only its own people"):
        house.appliance.sending.send(draft.id, by=ZHANG.subject)
    with store.transaction() as tx:
        accounts.insert_account(tx, alone.subject, "alone", handle=b"alone-in-custody", now=house.appliance.now())
        tx.execute(
            "UPDATE accounts SET state = 'suspended', password = '$argon2id$x' WHERE subject = ?", (alone.subject,)
        )
    with pytest.raises(PreconditionRefused, match="custodian who is not the one asking"):
        drafting.add_seal(draft.id, seal=other, requester=ZHANG.subject, by=ZHANG.subject)
    with pytest.raises(PreconditionRefused, match="closed or suspended"):
        drafting.add_person(draft.id, subject=alone.subject, by=ZHANG.subject)


def test_a_key_is_good_until_the_deadline(house: House, keepers: Keepers) -> None:
    draft = house.draft(house.seal(keepers[0]))
    later = replace(draft, deadline=Deadline(house.appliance.now() + timedelta(days=800), ZONE))
    said = [str(problem.sentence.template) for problem in house.appliance.sending.problems(later)]
    assert said == ["The certificate of {name} ends on {day}, before the deadline; set an earlier one."]
    with house.appliance.database.transaction() as tx:
        tx.execute("DELETE FROM certificates WHERE subject = ?", (draft.parties[-1].subject,))
    with pytest.raises(PreconditionRefused, match="the enrolment is not finished"):
        house.appliance.sending.send(draft.id, by=ZHANG.subject)

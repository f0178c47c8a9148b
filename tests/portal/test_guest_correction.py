"""A guest who was typed wrongly is corrected after sending: nothing that went to the wrong one works any more."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient

from appliance.accounts.sessions import ClientInfo
from appliance.config import MailSettings, Security
from appliance.contracts.drafting import DraftTerms
from appliance.demonstration.participants import LI, OFFICER, ZHANG, ZONE
from appliance.errors import NotFound, StateRefused
from appliance.evidence.exporting import Exporting
from appliance.guests.inviting import GuestCodes
from appliance.ledger import Sequencer
from appliance.ledger.disclosure import Audience
from appliance.model.accounts import GuestInvitation
from appliance.model.contract import Contract, Deadline, GuestDetails, Party, Placement, SigningOrder
from appliance.model.notice import Notice, NoticeKind
from appliance.model.office import EnrolmentRequestState, OfficerDecisionState
from appliance.notices.delivery import OutboxDelivery
from appliance.notices.mail import MailClient
from appliance.store import guests, outbox
from appliance.wiring import Appliance
from hsm.client import AuthorityClient
from tests.appliance.notices.smtp import post_office
from tests.portal import signing_visits
from tests.portal.estate import HERE, Estate
from tests.portal.office_visits import asked_for, performed
from tests.portal.reading import words_in
from tests.portal.visitors import SIGNER, signed_in
from tests.world import agree, confirm, contract_now, kept, sample_document

FROM = ClientInfo("192.0.2.7")
_numbers = itertools.count(1)


@pytest.fixture
def contract(estate: Estate) -> Iterator[Contract]:
    """To a guest and Li at the same time."""
    appliance = estate.appliance
    deadline = Deadline(appliance.now() + timedelta(days=3), ZONE)
    terms = DraftTerms("更正示例合同", "服务", "示例", ZHANG.subject, deadline, SigningOrder.PARALLEL)
    draft = appliance.drafting.draft(sample_document(1), terms)
    guest = GuestDetails("郑示列", "戊公司", f"wrong{next(_numbers)}@epsilon.example", "+86 138 0000 0000")
    party = appliance.drafting.add_guest(draft.id, guest, by=ZHANG.subject)
    appliance.drafting.place(draft.id, party.id, [Placement(0, 10, 80, 25, 8)], by=ZHANG.subject)
    appliance.drafting.add_person(draft.id, subject=LI.subject, by=ZHANG.subject)
    yield appliance.sending.send(draft.id, by=ZHANG.subject)


def link_of(appliance: Appliance, party: Party) -> str:
    return urlsplit(appliance.addresses.invitation_url(appliance.guests.of_party(party.id))).path


def token(link: str) -> str:
    return link.rpartition("/")[2]


def correct(estate: Estate, contract: Contract, **typed: str) -> tuple[Contract, Party]:
    """Zhang types it into the page; what is left out stays as the form has it."""
    zhang, party = signed_in(estate.portal, estate.appliance, ZHANG.subject, SIGNER), contract.parties[0]
    page = f"/contracts/{contract.id}/guests/{party.id}/correct"
    person = estate.appliance.registry.person(party.subject)
    so_far = {"name": person.name, "email": person.email, "phone": party.phone or ""}
    answer = zhang.post(page, data={**signing_visits.hidden(zhang.get(page).text), **so_far, **typed})
    assert answer.status_code == 303, answer.text
    assert typed.get("email", person.email) in zhang.get(answer.location).text, "where one sees what counts now"
    after = contract_now(estate.appliance, contract.id)
    return after, after.parties[0]


def propose(appliance: Appliance, party: Party) -> str:
    """A passkey for the guest, which waits for an officer; the id of the request."""
    return asked_for(appliance, party.subject).id


def enrol(appliance: Appliance, request: str) -> None:
    act = appliance.office.drafts.draft_enrolment(request, verified="示例", by=OFFICER)
    performed(appliance, act)


def test_a_wrong_address_learns_nothing_more(estate: Estate, contract: Contract) -> None:
    appliance, [before, _li] = estate.appliance, contract.parties
    old, code = link_of(appliance, before), appliance.guests.code(contract.id, before.id, by=ZHANG.subject)
    opened = appliance.entering.admit(token(old), code, FROM).session
    after, party = correct(estate, contract, email="right@epsilon.example", phone="+86 10 1234 5678")
    assert (party.subject, party.phone) == (before.subject, "+86 10 1234 5678"), "nothing was set up"
    assert appliance.registry.person(party.subject).email == "right@epsilon.example"
    assert appliance.sessions.find_holder(opened.secret) is None
    assert estate.browser("nobody").get(old).status_code == 404
    with pytest.raises(NotFound):
        appliance.entering.send_another(token(old))
    assert appliance.guests.code(contract.id, party.id, by=ZHANG.subject) != code
    with pytest.raises(NotFound):
        appliance.entering.admit(
            token(old), appliance.guests.code(contract.id, party.id, by=ZHANG.subject), ClientInfo("192.0.2.7")
        )
    page = estate.browser("nobody").get(link_of(appliance, party)).text
    assert 'name="code"' in page and "data-passkey" not in page
    assert party.placement == before.placement and after.version > contract.version
    page = signed_in(estate.portal, appliance, ZHANG.subject, SIGNER).get(f"/contracts/{contract.id}").text
    assert "原签署截止时间" not in page and "原姓名" not in page


def test_a_correction_while_the_code_is_looked_at_shuts_the_wrong_one_out(
    estate: Estate, contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    appliance, before = estate.appliance, contract.parties[0]
    link, code = link_of(appliance, before), appliance.guests.code(contract.id, before.id, by=ZHANG.subject)
    stranger, is_code = estate.browser("nobody"), GuestCodes.is_code

    def corrected(codes: GuestCodes, invitation: GuestInvitation, given: str) -> bool:
        found = is_code(codes, invitation, given)
        right = GuestDetails(before.name, "", "right@epsilon.example", before.phone or "")
        appliance.correcting.correct(contract.id, before.id, right, by=ZHANG.subject)
        return found

    form = {**signing_visits.hidden(stranger.get(link).text), "code": code}
    monkeypatch.setattr(GuestCodes, "is_code", corrected)
    assert stranger.post(link, data=form).status_code == 404
    assert not appliance.sessions.sessions_of(before.subject)


def test_a_session_that_was_ended_is_not_led_to_the_new_link(estate: Estate, contract: Contract) -> None:
    """Whoever came in under the wrong address, or had to be shut out, keeps the cookie of the session."""
    appliance, party = estate.appliance, contract.parties[0]
    used, stranger = link_of(appliance, party), estate.browser("nobody")
    code = appliance.guests.code(contract.id, party.id, by=ZHANG.subject)
    entered = stranger.post(used, data={**signing_visits.hidden(stranger.get(used).text), "code": code})
    assert entered.status_code == 303

    appliance.guests.invite_again(contract.id, party.id, by=ZHANG.subject)
    shut_out = stranger.get(f"/contracts/{contract.id}")
    assert shut_out.headers["Location"] == used, "the link that was used, which takes no code any more"
    assert 'name="code"' not in stranger.get(used).text

    _after, party = correct(estate, contract, email="right@epsilon.example")
    shut_out = stranger.get(f"/contracts/{contract.id}")
    assert shut_out.status_code == 303 and "/guest/" not in shut_out.headers["Location"]
    assert link_of(appliance, party) not in shut_out.text


def test_what_was_set_up_under_the_wrong_address_ends(estate: Estate, contract: Contract, tmp_path: Path) -> None:
    appliance, before = estate.appliance, contract.parties[0]
    wrong, right = appliance.registry.person(before.subject).email, "right-at-last@epsilon.example"
    old = link_of(appliance, before)
    appliance.entering.admit(
        token(old), appliance.guests.code(contract.id, before.id, by=ZHANG.subject), ClientInfo("192.0.2.7")
    )
    request = propose(appliance, before)
    act = appliance.office.drafts.draft_enrolment(request, verified="示例", by=OFFICER)
    with appliance.database.transaction() as tx:
        outbox.enqueue(
            tx, Notice(contract.id, before.subject, NoticeKind.GUEST_LINK, appliance.now() + timedelta(days=1))
        )
        tx.execute(
            "UPDATE outbox SET state = 'unknown' WHERE recipient = ? AND kind = 'guest-invited'", (before.subject,)
        )
    _after, party = correct(estate, contract, name="郑示例", email=right)
    query = "SELECT id, kind, state FROM outbox WHERE recipient = ? ORDER BY id"
    with appliance.database.transaction() as tx:
        [(invited, *_), (_id, kind, state)] = tx.execute(query, (before.subject,)).fetchall()
        assert (kind, state) == ("guest-link", "withdrawn")
        assert outbox.resend(tx, invited, appliance.now())
    with (
        kept(estate.appliance.database.path, tmp_path),
        post_office() as post,
    ):  # mails to others are not sent by this
        settings = MailSettings(host="127.0.0.1", port=post.port, security=Security.NONE)
        digests, addresses = appliance.reminders.mails, appliance.addresses
        out = OutboxDelivery(
            appliance.database,
            MailClient(settings, None),
            digests,
            addresses=addresses,
            issuer="示例",
            now=appliance.now,
        )
        while out.deliver_due():
            pass
        told = {str(message["To"]) for message in post.messages}
    assert [each for each in told if right in each]
    assert not [each for each in told if wrong in each]
    assert party.subject != before.subject and party.placement == before.placement
    assert appliance.office.requests.find_request(request).state is EnrolmentRequestState.WITHDRAWN
    assert appliance.office.decisions.find_decision(act.id).state is OfficerDecisionState.REFUSED
    with pytest.raises(StateRefused):
        appliance.office.decisions.to_activate(act)
    assert estate.browser("nobody").get(old).status_code == 404
    enrol(appliance, propose(appliance, party))
    agree(appliance, appliance.registry.person(party.subject), LI.organisation)
    opened = appliance.signing.open(contract.id, party.id, HERE)
    confirm(appliance, opened.intent.intent)
    signed = appliance.signing.sign(opened.intent.id, HERE)
    assert signed.parties[0].signed_at is not None
    with pytest.raises(StateRefused, match="answered already"):
        appliance.correcting.correct(
            contract.id, party.id, GuestDetails("某", "", "a@b.example"), by=ZHANG.subject
        )
    agree(appliance, LI, "戊公司")
    opened = appliance.signing.open(contract.id, signed.parties[1].id, HERE)
    confirm(appliance, opened.intent.intent)
    appliance.signing.sign(opened.intent.id, HERE)
    appliance.finalisation.finalise(contract.id)
    with AuthorityClient(appliance.settings.home.authority_socket("scheduler")) as scheduler:
        Sequencer(appliance.database, scheduler).run_once()
    for who, own in ((ZHANG, True), (LI, False)):
        package = Exporting(appliance).export(contract.id, Audience.of_person(who)).package
        assert ("郑示列" in words_in(package)) is own, who.name
        assert appliance.verifier.verify(package).indication == "TOTAL-PASSED"
        shown = appliance.disclosing.mail_shown(
            contract_now(appliance, contract.id), NoticeKind.GUEST_LINK, before.subject, Audience.of_person(who)
        )
        assert shown is own


def test_another_name_after_it_was_certified_starts_anew(estate: Estate, contract: Contract) -> None:
    appliance, before = estate.appliance, contract.parties[0]
    enrol(appliance, propose(appliance, before))
    _after, party = correct(estate, contract, name="郑示例")
    assert party.name == "郑示例" and party.subject != before.subject
    page = signed_in(estate.portal, appliance, ZHANG.subject, SIGNER).get(f"/contracts/{contract.id}").text
    assert "原姓名" in page and "郑示列" in page and "原签署截止时间" not in page
    page = signed_in(estate.portal, appliance, LI.subject, SIGNER).get(f"/contracts/{contract.id}").text
    assert "郑示例" in page and "郑示列" not in page and "原姓名" not in page
    with appliance.database.reading() as tx:
        query = "SELECT recipient FROM outbox WHERE kind = 'certificate-to-end' AND about = ?"
        assert OFFICER in {row[0] for row in tx.execute(query, (before.subject,))}
        query = "SELECT recipient FROM outbox WHERE kind = 'party-corrected' AND contract = ?"
        assert {row[0] for row in tx.execute(query, (contract.id,))} == {LI.subject}
    act = appliance.office.members.let_go(before.subject, by=OFFICER)
    assert act is not None
    performed(appliance, act)
    assert not appliance.authority.credentials(before.subject)


def test_another_telephone_number_keeps_what_was_set_up(estate: Estate, contract: Contract) -> None:
    appliance, before = estate.appliance, contract.parties[0]
    enrol(appliance, propose(appliance, before))
    code = appliance.guests.code(contract.id, before.id, by=ZHANG.subject)
    _after, party = correct(estate, contract, phone="+86 10 8765 4321")
    assert party.subject == before.subject and appliance.authority.credentials(party.subject)
    assert appliance.guests.code(contract.id, party.id, by=ZHANG.subject) != code


def test_a_name_before_anything_is_set_up_is_just_another(estate: Estate, contract: Contract) -> None:
    appliance, before = estate.appliance, contract.parties[0]
    _after, party = correct(estate, contract, name="郑示例")
    assert (party.name, party.subject) == ("郑示例", before.subject)
    assert appliance.registry.person(party.subject).name == "郑示例"
    with appliance.database.reading() as tx:
        assert guests.of_party(tx, party.id).revoked is None


def test_others_correct_nothing(estate: Estate, contract: Contract) -> None:
    party = contract.parties[0]
    li: FlaskClient = signed_in(estate.portal, estate.appliance, LI.subject, SIGNER)
    assert li.get(f"/contracts/{contract.id}/guests/{party.id}/correct").status_code == 404
    zhang = signed_in(estate.portal, estate.appliance, ZHANG.subject, SIGNER)
    page = f"/contracts/{contract.id}/guests/{party.id}/correct"
    form = signing_visits.hidden(zhang.get(page).text)
    for typed in ({"name": "郑示列", "email": "no address", "phone": ""}, {"name": "", "email": "a@b.example"}):
        assert zhang.post(page, data={**form, **typed}).status_code == 422
    form["seen"] = "1"
    stale = {"name": "某", "email": "a@b.example", "phone": ""}
    assert zhang.post(page, data={**form, **stale}).status_code == 409

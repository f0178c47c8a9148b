"""Correct and resend: what a contract that ended unsigned leaves for the next one, and what ends with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from flask import Flask

from appliance.accounts.sessions import ClientInfo
from appliance.accounts.tickets import LinkTokens
from appliance.contracts.drafting import DraftTerms
from appliance.demonstration.participants import (
    CONTRACT_SEAL,
    LI,
    OFFICER,
    ZHANG,
    ZONE,
    DemonstrationAuthenticators,
)
from appliance.errors import NotFound, StateRefused
from appliance.language import Language
from appliance.model.accounts import AccountRole, GuestAccessMethod, LinkPurpose
from appliance.model.contract import (
    Contract,
    CrossPage,
    Deadline,
    GuestDetails,
    Money,
    Party,
    Placement,
    SigningOrder,
)
from appliance.model.notice import Occasion
from appliance.model.office import EnrolmentRequestState
from appliance.wiring import LINKS_KEY, Appliance
from tests.portal.conftest import form_token
from tests.portal.estate import once
from tests.portal.office_visits import asked_for, performed
from tests.portal.visitors import known_person, signed_in
from tests.world import contract_now, sample_document

ZHENG = GuestDetails("郑示例", "丙公司", "zheng@gamma.example", "+86 138 0000 0000")
PLACES = [Placement(0, 10, 80, 25, 8), Placement(1, 10, 60, 25, 8)]
EXPIRY = date(2031, 5, 1)


@dataclass(frozen=True, slots=True)
class Correspondence:
    """Sends contracts to a guest, ends them, and corrects them."""

    appliance: Appliance
    portal: Flask

    def sent(self) -> Contract:
        house, by = self.appliance, ZHANG.subject
        terms = DraftTerms(
            "咨询合同",
            "服务",
            "示例咨询",
            by,
            Deadline(house.now() + timedelta(days=9), ZONE),
            SigningOrder.PARALLEL,
            Money(1_250_000, "EUR"),
            Language.ENGLISH,
        )
        draft = house.drafting.draft(sample_document(2), terms)
        guest = house.drafting.add_guest(draft.id, ZHENG, by=by)
        house.drafting.place(draft.id, guest.id, PLACES, by=by)
        house.drafting.add_person(draft.id, subject=LI.subject, by=by)
        seal = house.drafting.add_seal(draft.id, seal=CONTRACT_SEAL.subject, requester=by, by=by)
        house.drafting.place(draft.id, seal.id, seal.places, CrossPage(40), by=by)
        house.reminders.dates.change_dates(draft.id, {Occasion.EXPIRY: EXPIRY}, by=by)
        return house.sending.send(draft.id, by=by)

    def corrected(self, contract: Contract, token: str | None = None) -> str:
        """Sends the button's form; the id of the contract that it leads to."""
        zhang = signed_in(self.portal, self.appliance, ZHANG.subject)
        version = str(contract_now(self.appliance, contract.id).version)
        form = {"form_token": form_token(zhang), "seen": version, "once": token or once()}
        answer = zhang.post(f"/contracts/{contract.id}/correct", data=form)
        assert answer.status_code == 303, answer.text
        return str(answer.headers["Location"]).split("/")[2]

    def token(self, party: Party) -> str:
        """What the guest's newest mail has in its link."""
        links = LinkTokens(self.appliance.settings.home.secret(LINKS_KEY, {}))
        return links.token_of(LinkPurpose.GUEST, self.appliance.guests.of_party(party.id).id)

    def enter(self, contract: Contract) -> None:
        """The guest comes in, by link and code."""
        guest = guest_of(contract)
        code = self.appliance.guests.code(contract.id, guest.id, by=ZHANG.subject)
        self.appliance.entering.admit(self.token(guest), code, ClientInfo("192.0.2.7"))


def guest_of(contract: Contract) -> Party:
    return next(party for party in contract.parties if party.guest)


@pytest.fixture
def letters(appliance: Appliance, portal: Flask) -> Correspondence:
    return Correspondence(appliance, portal)


def test_everything_but_the_signatures_is_taken_over_once(letters: Correspondence, portal: Flask) -> None:
    appliance, contract = letters.appliance, letters.sent()
    appliance.endings.decline(contract.id, contract.parties[1].id, reason="价格有误", by=LI.subject)
    before, form = contract_now(appliance, contract.id), once()
    page = signed_in(portal, appliance, ZHANG.subject).get(f"/contracts/{contract.id}").text
    assert f'<form method="post" action="/contracts/{contract.id}/correct">' in page
    new = letters.corrected(contract, form)
    assert {letters.corrected(contract, form), letters.corrected(contract)} == {new}

    draft = contract_now(appliance, new)
    taken = ("title", "kind", "purpose", "initiator", "order", "amount", "language", "pages")
    assert all(getattr(draft, name) == getattr(before, name) for name in taken)
    for was, now in zip(before.parties, draft.parties, strict=True):
        assert (now.subject, now.requester, now.phone, now.name) == (
            was.subject,
            was.requester,
            was.phone,
            was.name,
        )
        assert (now.places, now.cross_page) == (was.places, was.cross_page)
        assert now.state == "waiting" and now.reason is None and now.id != was.id and now.field != was.field
    assert draft.original.digest == before.original.digest and len(draft.revisions) == 1
    assert draft.deadline == before.deadline
    assert [(each.kind, each.day) for each in appliance.reminders.dates.list_dates(new)] == [
        (Occasion.EXPIRY, EXPIRY)
    ]
    assert appliance.sending.problems(draft) == []

    zhang, li = (signed_in(portal, appliance, each.subject) for each in (ZHANG, LI))
    old, page = (zhang.get(f"/contracts/{each}").text for each in (contract.id, new))
    assert f'href="/contracts/{new}"' in old and "继续编辑更正后的草稿" in old and "已据此起草更正后的合同" in old
    assert f'href="/contracts/{contract.id}"' in page
    assert new not in li.get(f"/contracts/{contract.id}").text, "a draft is nobody's but its initiator's"
    assert li.post(f"/contracts/{contract.id}/correct", data={"seen": "1"}).status_code in (400, 403, 409)

    appliance.sending.send(new, by=ZHANG.subject)
    assert f'href="/contracts/{new}"' in li.get(f"/contracts/{contract.id}").text
    assert letters.corrected(contract) == new


def test_a_draft_that_was_thrown_away_can_be_made_again(letters: Correspondence) -> None:
    contract = letters.sent()
    letters.appliance.endings.recall(contract.id, by=ZHANG.subject, reason="金额有误")
    first = letters.corrected(contract)
    letters.appliance.endings.discard(first, by=ZHANG.subject)
    assert letters.corrected(contract) != first


def test_the_guest_of_an_ended_contract_waits_for_nothing_and_gets_a_new_link(
    letters: Correspondence, portal: Flask
) -> None:
    appliance, contract = letters.appliance, letters.sent()
    guest = guest_of(contract)
    letters.enter(contract)
    request = asked_for(appliance, guest.subject)
    act = appliance.office.drafts.draft_enrolment(request.id, verified="身份证原件，当面核对", by=OFFICER)
    confirmed = appliance.office.decisions.to_activate(act)
    DemonstrationAuthenticators(appliance.settings.home).confirm(OFFICER, confirmed)
    old_link = letters.token(guest)
    appliance.endings.recall(contract.id, by=ZHANG.subject, reason="金额有误")

    assert appliance.office.requests.find_request(request.id).state is EnrolmentRequestState.WITHDRAWN
    known_person(appliance, OFFICER, "王登记员")
    appliance.accounts.own.prefer(OFFICER, Language.CHINESE)
    officer = signed_in(portal, appliance, OFFICER, [AccountRole.OFFICER])
    assert guest.subject not in officer.get("/office").text
    assert officer.get(f"/office/requests/{request.id}").status_code == 200
    assert "此人要签署的合同已经终止" in officer.get(f"/office/acts/{act.id}").text
    with pytest.raises(StateRefused):
        appliance.office.decisions.perform_decision(act.id, by=OFFICER)
    assert not appliance.registry.is_enrolled(guest.subject)
    assert appliance.entering.entry(old_link).method is GuestAccessMethod.CLOSED

    following = appliance.sending.send(letters.corrected(contract), by=ZHANG.subject)
    again = guest_of(following)
    assert again.subject == guest.subject
    with pytest.raises(NotFound):
        appliance.entering.entry(old_link)
    letters.enter(following)

    request = asked_for(appliance, guest.subject)
    act = appliance.office.drafts.draft_enrolment(request.id, verified="身份证原件，当面核对", by=OFFICER)
    performed(appliance, act)
    appliance.endings.recall(following.id, by=ZHANG.subject, reason="日期有误")
    third = appliance.sending.send(letters.corrected(following), by=ZHANG.subject)
    assert appliance.registry.is_enrolled(guest_of(third).subject), "who has a key keeps it"
    letters.enter(third)


def test_a_guest_learns_of_the_new_contract_from_its_own_link_alone(
    letters: Correspondence, portal: Flask
) -> None:
    appliance, contract = letters.appliance, letters.sent()
    guest = guest_of(contract)
    letters.enter(contract)
    until = appliance.now() + timedelta(hours=1)
    where = ClientInfo("192.0.2.7")
    with appliance.database.transaction() as tx:
        opened = appliance.sessions.open_guest_session(
            tx, guest.subject, guest_of=(contract.id, guest.id), where=where, until=until
        )
    browser = portal.test_client()
    browser.environ_base["HTTP_ACCEPT"] = "text/html"
    browser.set_cookie("session", opened.secret)
    appliance.endings.recall(contract.id, by=ZHANG.subject, reason="金额有误")
    new = letters.corrected(contract)
    appliance.sending.send(new, by=ZHANG.subject)
    assert new not in browser.get(f"/contracts/{contract.id}").text
    assert browser.get(f"/contracts/{new}").status_code in (303, 404)

"""A partner's administrator asks officers for a seal, also of a department or branch; nobody else does."""

from __future__ import annotations

import pytest
from flask import Flask

from appliance.demonstration.participants import OFFICER, ZHANG
from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.model.office import OfficerDecision
from appliance.model.people import SealKind
from appliance.office import SealDraft
from appliance.office.drafts import MOST_ASKED_BY_PARTNER
from appliance.wiring import Appliance
from tests.office.conftest import activate, events_of, notices_to, perform
from tests.partners.conftest import Company
from tests.partners.test_pages import browser_of, posted


def wanted(*custodians: str, unit: str = "上海分公司") -> SealDraft:
    return SealDraft("somebody else", SealKind.BRANCH, custodians, 40.0, unit=unit)


def newest(appliance: Appliance, of: Company) -> OfficerDecision:
    return appliance.office.seals.of_partner(of.partner.name)[1][0]


def test_officers_make_what_the_administrator_asks_for(
    appliance: Appliance, portal: Flask, gamma: Company
) -> None:
    own, page = browser_of(portal, appliance, gamma.administrator), f"/partners/{gamma.partner.id}"
    typed = {"kind": "BRANCH", "unit": "上海分公司", "width": "42", "needed": "1", "custodian": gamma.second}
    wrong = posted(own, f"{page}/seals/new", **(typed | {"unit": ""}))
    assert wrong.status_code == 409 and "Give the unit" in wrong.text
    wrong = posted(own, f"{page}/seals/new", **(typed | {"unit": "上海\U00010348分公司"}))
    assert (
        wrong.status_code == 422
        and "\U00010348" in wrong.text
        and "has no picture of the characters" in wrong.text
    )
    told = len(notices_to(appliance, OFFICER))
    assert posted(own, f"{page}/seals/new", **typed).status_code == 303
    assert "上海分公司" in own.get(page).text and "waits for an officer" in own.get(page).text
    assert len(notices_to(appliance, OFFICER)) == told + 1
    asked = newest(appliance, gamma)
    officer = browser_of(portal, appliance, OFFICER)
    assert "上海分公司章" in officer.get("/office").text
    made = appliance.registry.seal(perform(appliance, asked).subject)
    assert (made.label, made.custodians) == (f"{gamma.partner.name} 上海分公司章", (gamma.second,))
    assert "in use" in own.get(page).text and "waits for an officer" not in own.get(page).text


def test_it_reads_why_officers_refuse(appliance: Appliance, portal: Flask, gamma: Company) -> None:
    drafts = appliance.office.drafts
    asked = drafts.draft_partner_seal(gamma.partner.id, wanted(gamma.second), by=gamma.administrator)
    officer = browser_of(portal, appliance, OFFICER)
    assert "The other company reads it" in officer.get(f"/office/acts/{asked.id}").text
    appliance.office.decisions.refuse_decision(asked.id, reason="分公司未登记", by=OFFICER)
    page = f"/partners/{gamma.partner.id}"
    assert "分公司未登记" in browser_of(portal, appliance, gamma.administrator).get(page).text


def test_nobody_else_asks_and_nobody_else_keeps_it(
    appliance: Appliance, portal: Flask, gamma: Company, other: Company
) -> None:
    drafts = appliance.office.drafts
    for who in (gamma.second, other.administrator, OFFICER, ZHANG.subject):
        with pytest.raises(NotFound):
            drafts.draft_partner_seal(gamma.partner.id, wanted(gamma.second), by=who)
        browser = browser_of(portal, appliance, who)
        assert browser.get(f"/partners/{gamma.partner.id}/seals/new").status_code == 404
    for who in (other.second, ZHANG.subject):
        with pytest.raises(PreconditionRefused, match="outside signers of"):
            drafts.draft_partner_seal(gamma.partner.id, wanted(who), by=gamma.administrator)


def test_its_administrator_withdraws_what_waits(
    appliance: Appliance, portal: Flask, gamma: Company, other: Company
) -> None:
    office, page = appliance.office, f"/partners/{gamma.partner.id}"
    asked = office.drafts.draft_partner_seal(
        gamma.partner.id, wanted(gamma.second, unit="苏州分公司"), by=gamma.administrator
    )
    address = f"{page}/seals/{asked.id}/withdraw"
    for who in (gamma.second, other.administrator, OFFICER, ZHANG.subject):
        with pytest.raises(NotFound):
            office.decisions.withdraw_seal(gamma.partner.id, asked.id, by=who)
        assert "/withdraw" not in browser_of(portal, appliance, who).get(page).text
    strange = office.drafts.draft_partner_seal(other.partner.id, wanted(other.second), by=other.administrator)
    with pytest.raises(NotFound):
        office.decisions.withdraw_seal(gamma.partner.id, strange.id, by=gamma.administrator)
    office.decisions.withdraw_seal(other.partner.id, strange.id, by=other.administrator)

    activate(appliance, asked)
    own = browser_of(portal, appliance, gamma.administrator)
    assert address in own.get(page).text
    answer = posted(own, page, address)
    assert answer.status_code == 303 and "Withdrawn" in own.get(page).text
    assert events_of(appliance, asked.subject) == ["office-act-withdrawn"]
    officer = browser_of(portal, appliance, OFFICER)
    assert "has withdrawn the request" in officer.get(f"/office/acts/{asked.id}").text
    assert "苏州分公司" not in officer.get("/office").text
    with pytest.raises(StateRefused, match="has withdrawn the request"):
        office.decisions.perform_decision(asked.id, by=OFFICER)
    again = posted(own, page, address)
    assert again.status_code == 409 and "look at what became of it" in again.text


def test_what_officers_have_made_is_not_withdrawn(appliance: Appliance, gamma: Company) -> None:
    office, by = appliance.office, gamma.administrator
    asked = office.drafts.draft_partner_seal(gamma.partner.id, wanted(gamma.second, unit="无锡分公司"), by=by)
    perform(appliance, asked)
    with pytest.raises(StateRefused, match="look at what became of it"):
        office.decisions.withdraw_seal(gamma.partner.id, asked.id, by=by)


@pytest.mark.parametrize("withdraws", [True, False])
def test_not_too_many_wait_and_officers_are_told_of_no_more(
    appliance: Appliance, gamma: Company, other: Company, withdraws: bool
) -> None:
    of, office, told = gamma if withdraws else other, appliance.office, len(notices_to(appliance, OFFICER))
    with pytest.raises(StateRefused, match="wait for officers"):
        for number in range(MOST_ASKED_BY_PARTNER + 1):
            wish = wanted(of.second, unit=f"第{number}分公司")
            asked = office.drafts.draft_partner_seal(of.partner.id, wish, by=of.administrator)
            if withdraws:
                office.decisions.withdraw_seal(of.partner.id, asked.id, by=of.administrator)
    assert len(notices_to(appliance, OFFICER)) <= told + MOST_ASKED_BY_PARTNER

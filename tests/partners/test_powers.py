"""Letters of attorney that a partner's representative uploads: of the own company alone, confirmed by officers."""

from __future__ import annotations

import io

import pytest
from flask import Flask

from appliance.demonstration.participants import LI, OFFICER, ZHANG, ZONE
from appliance.errors import NotFound, PreconditionRefused
from appliance.model.powers import PowerBasis, PowerScope, PowerState
from appliance.powers.register import PowerDraft
from appliance.wiring import Appliance
from tests.partners.conftest import Company, company
from tests.partners.test_pages import browser_of, posted
from tests.world import confirm_power, sample_document

TYPED = {
    "basis": "letter",
    "principal": "法定代表人",
    "since": "2026-11-01",
    "until": "2027-05-01",
    "kinds": "采购",
    "counterparties": "",
    "amount": "1,000,000.00",
    "currency": "CNY",
}


def letter() -> tuple[io.BytesIO, str]:
    return io.BytesIO(sample_document(1)), "授权委托书.pdf"


def test_uploaded_by_the_representative_and_confirmed_by_officers(
    appliance: Appliance, portal: Flask, gamma: Company, other: Company
) -> None:
    browser, page = browser_of(portal, appliance, gamma.second), f"/powers/new?agent={gamma.second}"
    assert gamma.administrator in browser.get("/powers/new").text, "colleagues to choose from"
    typed = TYPED | {"agent": gamma.second, "grantor": gamma.partner.name}
    made = posted(browser, page, "/powers/new", **typed, letter=letter())
    assert made.status_code == 303, made.text
    address = made.headers["Location"]
    power = appliance.powers.get(address.rpartition("/")[2])
    assert power.state is PowerState.REGISTERED
    officer = browser_of(portal, appliance, OFFICER)
    assert address in officer.get("/powers").text
    assert confirm_power(appliance, power.id).state is PowerState.VERIFIED
    for subject, status in {gamma.administrator: 200, other.administrator: 404, LI.subject: 404}.items():
        if subject != LI.subject:
            found = browser_of(portal, appliance, subject)
            assert found.get(address).status_code == status, subject
            assert found.get(f"{address}/letter.pdf").status_code == status, subject
            assert (address in found.get("/powers").text) is (status == 200)


def test_notes_on_it_stay_in_the_house(appliance: Appliance, portal: Flask, gamma: Company) -> None:
    now = appliance.now().replace(microsecond=0)
    draft = PowerDraft(
        *(PowerBasis.INSTRUMENT, gamma.partner.name, "某人", gamma.second, PowerScope()),
        *(now, now.replace(year=now.year + 1)),
    )
    power = appliance.powers.register(draft, sample_document(1), by=gamma.second)
    appliance.powers.refuse(power.id, reason="印章不清", by=OFFICER)
    assert "印章不清" in browser_of(portal, appliance, OFFICER).get(f"/powers/{power.id}").text
    assert "印章不清" not in browser_of(portal, appliance, gamma.second).get(f"/powers/{power.id}").text


def test_nobody_registers_for_others(appliance: Appliance, portal: Flask, gamma: Company, other: Company) -> None:
    now = appliance.now().replace(microsecond=0)
    until = now.replace(year=now.year + 1)

    def draft(agent: str, grantor: str, basis: PowerBasis = PowerBasis.INSTRUMENT) -> PowerDraft:
        return PowerDraft(basis, grantor, "某人", agent, PowerScope(), now, until, contract="x")

    for agent in (other.second, ZHANG.subject):
        with pytest.raises(NotFound):
            appliance.powers.register(draft(agent, gamma.partner.name), sample_document(1), by=gamma.second)
        page = browser_of(portal, appliance, gamma.second).get(f"/powers/new?agent={agent}")
        assert page.status_code == 404
    for grantor in (other.partner.name, ZHANG.organisation):
        with pytest.raises(PreconditionRefused, match="your own company"):
            appliance.powers.register(draft(gamma.second, grantor), sample_document(1), by=gamma.second)
    with pytest.raises(PreconditionRefused, match="Upload"):
        appliance.powers.register(
            draft(gamma.second, gamma.partner.name, PowerBasis.CONTRACT), None, by=gamma.second
        )
    text = browser_of(portal, appliance, gamma.second).get(f"/powers/new?agent={gamma.second}").text
    assert "seal-alpha-contract" not in text
    assert ZONE


def test_powers_end_with_who_leaves(appliance: Appliance) -> None:
    delta = company(appliance)
    now = appliance.now().replace(microsecond=0)
    draft = PowerDraft(
        *(PowerBasis.INSTRUMENT, delta.partner.name, "某人", delta.second, PowerScope()),
        *(now, now.replace(year=now.year + 1)),
    )
    power = appliance.powers.register(draft, sample_document(1), by=delta.administrator)
    confirm_power(appliance, power.id)
    appliance.representatives.deactivate(delta.partner.id, delta.second, by=delta.administrator)
    assert appliance.powers.get(power.id).state is PowerState.REVOKED

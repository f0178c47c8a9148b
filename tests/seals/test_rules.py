"""What a seal may be used for, and where it is on file: officers say so, and everything keeps to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask

from appliance.contracts.drafting import DraftTerms
from appliance.demonstration.participants import CUSTODIAN, OFFICER, ZHANG, ZONE
from appliance.errors import PreconditionRefused, StateRefused
from appliance.model.accounts import AccountRole
from appliance.model.contract import Contract, CrossPage, Deadline, Money, Placement, SigningOrder
from appliance.model.seal_rules import PermittedUse, SealPosition
from tests.portal import signing_visits as visits
from tests.portal.visitors import signed_in
from tests.seals.conftest import DOCUMENT, Site
from tests.world import contract_now, know_officer
from webui.portal.application import create_app

LIMIT = Money(10_000_000, "CNY")


@pytest.fixture(scope="module")
def portal(site: Site) -> Flask:
    return create_app(site.appliance, form_key=bytes(32))


@pytest.fixture
def seal(site: Site) -> str:
    """For purchases of up to CNY 100,000.00."""
    know_officer(site.appliance)
    seal = site.seal(CUSTODIAN)
    site.appliance.office.seals.set_rules(seal, PermittedUse(("采购", "服务"), LIMIT), by=OFFICER)
    return seal


def drafted(site: Site, seal: str, kind: str = "采购", amount: Money | None = LIMIT) -> Contract:
    deadline = Deadline(site.appliance.now() + timedelta(days=3), ZONE)
    terms = DraftTerms("限用印章", kind, "示例", ZHANG.subject, deadline, SigningOrder.PARALLEL, amount)
    draft = site.appliance.drafting.draft(DOCUMENT, terms)
    site.appliance.drafting.add_seal(draft.id, seal=seal, requester=ZHANG.subject, by=ZHANG.subject)
    return contract_now(site.appliance, draft.id)


def test_it_seals_what_it_is_for(site: Site, seal: str) -> None:
    contract = site.appliance.sending.send(drafted(site, seal, kind=" 服 务").id, by=ZHANG.subject)
    assert site.approve(site.asked(contract), CUSTODIAN).parties[-1].signed_at is not None


@pytest.mark.parametrize(
    ("kind", "amount", "why"),
    [
        ("劳动合同", LIMIT, "of the types 采购、服务"),
        ("采购", None, "states no amount"),
        ("采购", replace(LIMIT, minor=LIMIT.minor + 1), "worth CNY 100,000.01"),
        ("采购", Money(1, "USD"), "worth USD 0.01"),
    ],
)
def test_it_is_refused_while_drafting(site: Site, seal: str, kind: str, amount: Money | None, why: str) -> None:
    with pytest.raises(PreconditionRefused, match=why):
        drafted(site, seal, kind, amount)


def test_what_changes_since_is_refused_before_sending(site: Site, seal: str) -> None:
    draft = drafted(site, seal)
    terms = DraftTerms(draft.title, "劳动合同", "示例", ZHANG.subject, draft.deadline, draft.order, LIMIT)
    site.appliance.drafting.revise(draft.id, terms, by=ZHANG.subject)
    with pytest.raises(PreconditionRefused, match="of the types"):
        site.appliance.sending.send(draft.id, by=ZHANG.subject)


def test_what_officers_forbid_later_is_refused_when_the_seal_is_used(site: Site, seal: str) -> None:
    contract = site.appliance.sending.send(drafted(site, seal).id, by=ZHANG.subject)
    request = site.asked(contract)
    site.appliance.office.seals.set_rules(seal, PermittedUse(("服务",)), by=OFFICER)
    site.confirm(CUSTODIAN.subject, site.appliance.seal_requests.act(request))
    with pytest.raises(PreconditionRefused, match="of the types 服务"):
        site.approve_here(request, CUSTODIAN)
    site.appliance.office.seals.set_rules(seal, PermittedUse(), by=OFFICER)
    assert site.approve_here(request, CUSTODIAN).parties[-1].signed_at is not None


def at(page: int, x: float, y: float) -> Placement:
    return Placement(page, x, y, 30.0, 14.5)


def placed(site: Site, draft: Contract, *places: Placement, across: bool = False) -> Contract:
    cross = CrossPage(40.0) if across else None
    return site.appliance.drafting.place(draft.id, draft.parties[-1].id, places, cross, by=ZHANG.subject)


def sentences(site: Site, draft: Contract) -> list[str]:
    return [str(each.template) for each in site.appliance.sending.problems(contract_now(site.appliance, draft.id))]


@pytest.mark.parametrize(
    ("position", "wrong", "why"),
    [
        (SealPosition.LAST_PAGE, at(0, 60, 75), "last page alone; move its field there from page 1"),
        (SealPosition.LOWER_RIGHT, at(1, 30, 75), "lower right quarter of a page; move its field on page 2"),
        (SealPosition.LOWER_RIGHT, at(1, 60, 40), "lower right quarter"),
    ],
)
def test_a_field_is_refused_where_the_seal_is_not_put(
    site: Site, seal: str, position: SealPosition, wrong: Placement, why: str
) -> None:
    draft, right = drafted(site, seal), at(1, 60, 75)
    site.appliance.office.seals.set_rules(seal, PermittedUse(positions=(position,)), by=OFFICER)
    for places in ((wrong,), (right, wrong)):
        with pytest.raises(PreconditionRefused, match=why):
            placed(site, draft, *places)
    sent = site.appliance.sending.send(placed(site, draft, right).id, by=ZHANG.subject)
    assert site.approve(site.asked(sent), CUSTODIAN).parties[-1].signed_at is not None


def test_a_seal_joins_unplaced_where_the_usual_place_is_none_of_its_own(site: Site, seal: str) -> None:
    site.appliance.office.seals.set_rules(seal, PermittedUse(positions=(SealPosition.LOWER_RIGHT,)), by=OFFICER)
    draft = drafted(site, seal)
    assert draft.parties[-1].places == ()
    assert any("has no field yet" in each for each in sentences(site, draft))


def test_a_seal_across_the_pages_is_demanded_before_sending(site: Site, seal: str) -> None:
    draft = drafted(site, seal)
    rules = PermittedUse(positions=(SealPosition.LAST_PAGE, SealPosition.ACROSS_PAGES))
    site.appliance.office.seals.set_rules(seal, rules, by=OFFICER)
    assert any("across the edges" in each for each in sentences(site, draft))
    with pytest.raises(PreconditionRefused, match="across the edges of all pages"):
        site.appliance.sending.send(draft.id, by=ZHANG.subject)
    assert not sentences(site, placed(site, draft, at(1, 5, 75), across=True))
    assert site.appliance.office.seals.rules(seal) == rules


def test_a_place_that_officers_forbid_later_is_refused_before_anybody_is_asked(site: Site, seal: str) -> None:
    contract = site.appliance.sending.send(placed(site, drafted(site, seal), at(0, 5, 75)).id, by=ZHANG.subject)
    site.appliance.office.seals.set_rules(seal, PermittedUse(positions=(SealPosition.LAST_PAGE,)), by=OFFICER)
    with pytest.raises(PreconditionRefused, match="last page alone"):
        site.asked(contract)


@pytest.mark.parametrize("kinds", [("长" * 61,), tuple(f"类型{number}" for number in range(21))])
def test_rules_that_cannot_be_kept_are_refused(site: Site, seal: str, kinds: tuple[str, ...]) -> None:
    with pytest.raises(PreconditionRefused, match="at most 20 types"):
        site.appliance.office.seals.set_rules(seal, PermittedUse(kinds), by=OFFICER)


def test_where_it_is_on_file_is_kept(site: Site, seal: str) -> None:
    seals, day = site.appliance.office.seals, site.appliance.now().date()
    with pytest.raises(PreconditionRefused, match="authority and the number"):
        seals.file(seal, authority=" ", number="3101", day=day, by=OFFICER)
    for wrong in (None, day + timedelta(days=2)):
        with pytest.raises(PreconditionRefused, match="not in the future"):
            seals.file(seal, authority="上海市公安局", number="3101", day=wrong, by=OFFICER)
    for number in ("31010000000001", "31010000000002"):
        seals.file(seal, authority="上海市公安局", number=number, day=day, by=OFFICER)
    assert [each.number for each in seals.filings(seal)] == ["31010000000002", "31010000000001"]
    site.done(site.appliance.office.drafts.seals.draft_destruction(seal, reason="换章", by=OFFICER))
    with pytest.raises(StateRefused, match="destroyed"):
        seals.file(seal, authority="上海市公安局", number="3", day=day, by=OFFICER)
    with pytest.raises(StateRefused, match="destroyed"):
        seals.set_rules(seal, PermittedUse(), by=OFFICER)


def test_officers_set_both_on_its_page_and_nobody_else(site: Site, portal: Flask, seal: str) -> None:
    officer = signed_in(portal, site.appliance, OFFICER, [AccountRole.OFFICER])
    page = officer.get(f"/office/seals/{seal}").text
    assert "采购" in page and "CNY 100,000.00" in page and "尚未填写" in page
    typed: dict[str, str | list[str]] = {
        "kinds": "劳动合同\n<b>租赁</b>",
        "amount": "壹佰万元整",
        "currency": "CNY",
    }
    typed["position"] = ["last-page", "across-pages", "anywhere"]
    token = visits.hidden(page)
    assert officer.post(f"/office/seals/{seal}/rules", data=token | typed).status_code == 303
    wrong = officer.post(f"/office/seals/{seal}/rules", data=token | typed | {"amount": "很多"})
    assert wrong.status_code == 422 and "很多" in wrong.text
    entered = {"authority": "上海市公安局", "number": "310100", "day": "2026-01-05"}
    assert officer.post(f"/office/seals/{seal}/filing", data=token | entered).status_code == 303
    page = officer.get(f"/office/seals/{seal}").text
    assert "&lt;b&gt;租赁" in page and "CNY 1,000,000.00" in page and "310100" in page and "2026-01-05" in page
    assert "仅限末页、须另盖骑缝章" in page
    signer = signed_in(portal, site.appliance, ZHANG.subject)
    token = visits.hidden(signer.get("/verify").text)
    for act in ("rules", "filing"):
        assert signer.post(f"/office/seals/{seal}/{act}", data=token | typed).status_code == 403
    assert site.appliance.office.seals.rules(seal).limit == Money(100_000_000, "CNY")

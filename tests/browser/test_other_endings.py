"""Contracts that do not go the straight way: each act in a browser of its person; the others are told. What is
marked ``long`` has tests of the same workflow without a browser, too."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Page, Route, expect

from appliance.accounts.sessions import ClientInfo
from appliance.demonstration.participants import CUSTODIAN, LI, ZHANG
from appliance.ledger.timeline import Timeline
from appliance.model.contract import Contract, ContractState, GuestDetails, PartyState, Placement, SigningOrder
from appliance.model.people import Person
from tests.browser.house import House
from tests.browser.troupe import ZHOU, Troupe, carrying
from tests.browser.visitor import Visitor, visiting
from tests.world import OURS, agree

PARALLEL = SigningOrder.PARALLEL
REASON = "租期与会议纪要不符 <b>第三条</b>"
SIGNING = 30_000
"""Milliseconds that a signature may take on a busy machine."""


@dataclass(slots=True)
class Letters:
    """Mails that must arrive: noted by each test, waited for once, since the scheduler sends in intervals."""

    house: House
    expected: list[tuple[Person, str]] = field(default_factory=list)

    def expect(self, person: Person, subject: str) -> None:
        """*person* gets a mail whose subject holds *subject*."""
        self.expected.append((person, subject))

    def arrived(self, person: Person, subject: str) -> None:
        """Waits for it now: its language is the one of *person* when it is sent, which later tests change."""
        self.house.mail.wait_for(person.email, subject=subject)


@pytest.fixture(scope="module")
def letters(people: Troupe) -> Iterator[Letters]:
    """At the end of the module everything expected has arrived."""
    letters = Letters(people.house)
    yield letters
    for person, subject in letters.expected:
        letters.arrived(person, subject)


@dataclass(frozen=True, slots=True)
class Lapsing:
    """A contract whose time runs out, and the one who could sign it, with the page open."""

    contract: Contract
    visitor: Visitor


@pytest.fixture(scope="module", autouse=True)
def lapsing(people: Troupe) -> Iterator[Lapsing]:
    """Begun before the first test, so that nobody has to wait for its end."""
    contract = people.sent("Sample offer of short notice", (CUSTODIAN,), lasts=timedelta(seconds=20))
    with people.at(CUSTODIAN.subject) as zhao:
        button = zhao.go(f"/contracts/{contract.id}/sign").get_by_role("button", name="Sign", exact=True)
        expect(button).to_be_visible()
        yield Lapsing(contract, zhao)


def page_of(visitor: Visitor, contract: Contract) -> Page:
    """The contract's page."""
    return visitor.go(f"/contracts/{contract.id}")


def wait_until(true: Callable[[], bool], *, seconds: float = 120) -> None:
    """Looks again and again."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.2)


def confirm(page: Page) -> None:
    """Confirms with the passkey what the activation service shows."""
    page.get_by_role("button", name="Confirm with passkey").click()


def sign(page: Page) -> None:
    """Presses the button on a signing page, confirms, and sees that it is signed."""
    page.get_by_role("button", name="Sign", exact=True).click()
    confirm(page)
    expect(page).to_have_url(re.compile(r"/signed\?party="), timeout=SIGNING)


def test_declining_with_a_reason(people: Troupe, letters: Letters) -> None:
    people.reading("zh", ZHANG.subject)
    contract = people.signed_by(people.sent("示例厂房租赁合同"), ZHANG)
    with people.at(LI.subject, language="zh", phone=True) as li:
        page = li.go(f"/contracts/{contract.id}/sign")
        page.get_by_role("link", name="拒签").click()
        page.get_by_role("button", name="拒签").click()  # without a reason the browser itself objects
        assert page.locator("textarea:invalid").count() == 1
        page.get_by_label("原因").fill(REASON)
        page.get_by_role("button", name="拒签").click()
        expect(page.get_by_role("status").filter(has_text="您已拒签")).to_be_visible()
    letters.arrived(ZHANG, f"“{contract.title}”被拒签")
    with people.at(ZHANG.subject, language="zh") as zhang:
        page = page_of(zhang, contract)
        expect(page.get_by_text(REASON, exact=False).first).to_be_visible()
        assert page.get_by_role("link", name="下载证据包").count() == 0
    assert people.now(contract).state is ContractState.DECLINED


@pytest.mark.long
def test_recalling_while_somebody_is_about_to_sign(people: Troupe, letters: Letters) -> None:
    contract = people.signed_by(people.sent("Sample licence agreement"), ZHANG)
    with people.at(LI.subject) as li, people.at(ZHANG.subject) as zhang:
        li.go(f"/contracts/{contract.id}/sign")
        page = page_of(zhang, contract)
        page.get_by_role("link", name="Recall the contract").click()
        page.get_by_label("Reason").fill("the price list was the old one")
        page.get_by_role("button", name="Recall the contract").click()
        expect(page.get_by_role("status").filter(has_text="The contract is recalled")).to_be_visible()

        li.page.get_by_role("button", name="Sign", exact=True).click()
        expect(li.page.get_by_role("heading", level=1)).to_contain_text("has recalled this contract")
        expect(page_of(li, contract).get_by_text("the price list was the old one").first).to_be_visible()
    letters.expect(LI, f"“{contract.title}” was recalled")
    assert people.now(contract).state is ContractState.RECALLED


@pytest.mark.long
def test_handing_over_to_a_colleague_who_signs(people: Troupe, letters: Letters) -> None:
    people.reading("en", ZHANG.subject, ZHOU.subject)
    contract = people.signed_by(people.sent("Sample maintenance contract"), ZHANG)
    with people.at(LI.subject) as li:
        page = li.go(f"/contracts/{contract.id}/sign")
        page.get_by_role("link", name="Hand over").click()
        offered = page.get_by_label("Who signs instead").locator("option")
        expect(offered, "only people of the own organisation").to_have_count(2)
        assert offered.last.inner_text().split(" · ")[0] == ZHOU.name
        page.get_by_label("Who signs instead").select_option(ZHOU.subject)
        page.get_by_label("Reason").fill("on leave until January")
        page.get_by_role("button", name="Hand over").click()
        expect(page.get_by_role("status").filter(has_text="Your signature is handed over.")).to_be_visible()
        assert page.get_by_role("link", name="Read and sign").count() == 0
        page = li.go(f"/contracts/{contract.id}/sign")
        expect(page.get_by_role("heading", level=1)).to_have_text("You are not asked to sign this contract.")
    letters.expect(ZHANG, f"A signature of “{contract.title}” was handed over to somebody else")
    letters.expect(ZHOU, f"“{contract.title}” waits for your signature")
    with people.at(ZHOU.subject) as zhou:
        page_of(zhou, contract).get_by_role("link", name="Read and sign").click()
        sign(zhou.page)
    assert people.now(contract).parties[1].subject == ZHOU.subject
    assert people.now(contract).parties[1].state is PartyState.SIGNED


@pytest.mark.long
def test_extending_the_deadline(people: Troupe, letters: Letters) -> None:
    people.reading("zh", LI.subject)
    contract = people.signed_by(people.sent("样本设备购销合同"), ZHANG)
    with people.at(ZHANG.subject, language="zh") as zhang:
        page = page_of(zhang, contract)
        page.get_by_role("link", name="延长截止时间").click()
        field = page.get_by_label("新的截止时间")
        so_far = datetime.fromisoformat(field.input_value())
        field.fill(f"{so_far - timedelta(days=1):%Y-%m-%dT%H:%M}")
        page.get_by_role("button", name="延长截止时间").click()
        expect(page.locator("#field-deadline-problem, [data-problems]").first).to_be_visible()
        assert people.now(contract).deadline == contract.deadline, "never earlier"

        page.get_by_label("新的截止时间").fill(f"{so_far + timedelta(days=9):%Y-%m-%dT%H:%M}")
        page.get_by_role("button", name="延长截止时间").click()
        expect(page.get_by_role("status").filter(has_text="截止时间已延长")).to_be_visible()
    assert people.now(contract).deadline.at > contract.deadline.at + timedelta(days=8)
    letters.arrived(LI, f"“{contract.title}”的签署截止时间已延长")
    with people.at(LI.subject, language="zh") as li:
        expect(
            page_of(li, contract).get_by_text(f"{so_far + timedelta(days=9):%Y-%m-%d %H:%M}").first
        ).to_be_visible()


def test_voiding_takes_everybody(people: Troupe, letters: Letters) -> None:
    people.reading("en", LI.subject)
    contract = people.completed("Sample framework agreement")
    with people.at(ZHANG.subject) as zhang:
        page = page_of(zhang, contract)
        page.get_by_role("link", name="Propose to void it").click()
        page.get_by_label("Reason").fill("replaced by a newer agreement")
        page.get_by_role("button", name="Propose to void it").click()
        page.get_by_role("link", name="Answer the proposal to void").click()
        page.get_by_role("button", name="Declare it void").first.click()
        confirm(page)
        expect(page.get_by_role("status").filter(has_text="Your declaration is signed")).to_be_visible()
        assert people.now(contract).state is ContractState.COMPLETED, "one is not everybody"
    letters.expect(LI, f"It is proposed to void “{contract.title}”; your declaration is asked for")
    with people.at(LI.subject, phone=True) as li:
        page = page_of(li, contract)
        expect(page.get_by_text("replaced by a newer agreement").first).to_be_visible()
        page.get_by_role("link", name="Answer the proposal to void").click()
        page.get_by_role("button", name="Declare it void").first.click()
        confirm(page)
        expect(page.get_by_role("status").filter(has_text="Your declaration is signed")).to_be_visible()
    assert people.now(contract).state is ContractState.VOIDED
    letters.expect(ZHANG, f"“{contract.title}” has been voided by all parties")


def test_a_guest_on_a_device_without_the_passkey_hears_what_to_do(people: Troupe) -> None:
    house = people.appliance
    draft = people.draft("Sample agreement with a guest", (ZHANG,))
    guest = GuestDetails("Gina Outside", "Gamma Sample Limited", "gina@gamma.example", "+86 138 0000 0000")
    party = house.drafting.add_guest(draft.id, guest, by=ZHANG.subject)
    house.drafting.place(draft.id, party.id, [Placement(0, 10, 80, 25, 8)], by=ZHANG.subject)
    agree(house, ZHANG, guest.organisation)
    contract = people.signed_by(house.sending.send(draft.id, by=ZHANG.subject), ZHANG)
    link = house.addresses.invitation_url(house.guests.of_party(party.id))
    code = house.guests.code(contract.id, party.id, by=ZHANG.subject)
    house.entering.admit(link.rpartition("/")[2], code, ClientInfo("192.0.2.7"))
    people.asked_for(party.subject)
    with visiting(people.browser, people.house.address, language="en", phone=True) as visitor:
        page = visitor.go(link)
        page.get_by_role("button", name="Sign in with a passkey").click()
        expect(page.get_by_role("alert").first).to_contain_text("this device has none for this page")
        page.locator("summary", has_text="This device has no passkey for this invitation").click()
        expect(page.get_by_role("button", name="Ask for a new code")).to_be_visible()
        visitor.require_fits()
        visitor.require_accessible()
        with carrying(visitor, people.house.home.people / f"{party.subject}.json"):
            page.get_by_role("button", name="Sign in with a passkey").click()
            expect(page).to_have_url(re.compile(r"/guest/waiting$"))


def test_nobody_can_press_a_passkey_button_before_its_script_has_come(people: Troupe) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    with people.at(ZHANG.subject) as zhang:
        page, form = zhang.page, zhang.page.locator("form[data-passkey]")
        zhang.context.clear_cookies()
        page.route("**/passkey.js", hold)
        page.goto(f"{zhang.address}/login", wait_until="commit")
        while not held:
            page.wait_for_timeout(20)
        page.wait_for_timeout(400)
        assert form.count() == 0, "it would be sent without an answer"
        held[0].continue_()
        expect(form.get_by_role("button")).to_be_visible()


@pytest.mark.long
def test_what_was_prepared_before_another_signed_is_renewed(people: Troupe) -> None:
    contract = people.signed_by(people.sent("Sample agreement of three", (ZHANG, LI, ZHOU), order=PARALLEL), ZHANG)
    with people.at(LI.subject) as li, people.at(ZHOU.subject, phone=True) as zhou:
        first, second = (each.go(f"/contracts/{contract.id}/sign") for each in (li, zhou))
        shown = second.locator("code.digest").inner_text()
        sign(first)
        second.get_by_role("button", name="Sign", exact=True).click()
        expect(second.get_by_role("alert")).to_contain_text(
            "Another party signed while you were reading", timeout=SIGNING
        )
        assert second.locator("code.digest").inner_text() != shown, "what will be signed now is another document"
        zhou.require_accessible()
        sign(second)
    assert people.now(contract).state in (ContractState.SIGNED, ContractState.COMPLETED)


@pytest.mark.long
def test_the_second_of_two_who_act_at_once_is_told(people: Troupe) -> None:
    contract = people.signed_by(people.sent("样本保密协议"), ZHANG)
    with people.at(LI.subject, language="zh") as li, people.at(ZHANG.subject, language="zh") as zhang:
        for visitor, act in ((li, "decline"), (zhang, "recall")):
            visitor.go(f"/contracts/{contract.id}/{act}").get_by_label("原因").fill("双方同时处理")
        li.page.get_by_role("button", name="拒签").click()
        expect(li.page.get_by_role("status").filter(has_text="您已拒签")).to_be_visible()
        zhang.page.get_by_role("button", name="撤回合同").click()
        expect(zhang.page.locator("main")).to_contain_text("拒签")
        zhang.require_accessible()
    assert people.now(contract).state is ContractState.DECLINED


@pytest.mark.long
def test_two_changes_of_one_contract_at_once(people: Troupe) -> None:
    contract = people.signed_by(people.sent("Sample agreement in a hurry"), ZHANG)
    with people.at(LI.subject) as li, people.at(ZHANG.subject) as zhang:
        page = zhang.go(f"/contracts/{contract.id}/extend")
        so_far = datetime.fromisoformat(page.get_by_label("New deadline").input_value())
        sign(li.go(f"/contracts/{contract.id}/sign"))
        page.get_by_label("New deadline").fill(f"{so_far + timedelta(days=2):%Y-%m-%dT%H:%M}")
        page.get_by_role("button", name="Extend the deadline").click()
        expect(page.locator("main")).to_contain_text(re.compile("signed it|completed"))


@pytest.mark.long
def test_a_double_click_does_it_once(people: Troupe) -> None:
    contract = people.signed_by(people.sent("Sample contract, clicked twice"), ZHANG)
    with people.at(ZHANG.subject) as zhang:
        page = zhang.go(f"/contracts/{contract.id}/recall")
        page.get_by_label("Reason").fill("clicked twice")
        page.get_by_role("button", name="Recall the contract").dblclick()
        expect(page.get_by_role("status").filter(has_text="The contract is recalled")).to_be_visible()
    told = [event.kind for event in Timeline(people.appliance.database).of(contract.id, OURS)]
    assert told.count("contract-recalled") == 1


@pytest.mark.long
def test_signing_with_a_double_click_signs_once(people: Troupe) -> None:
    contract = people.sent("Sample contract, signed in haste")
    with people.at(ZHANG.subject) as zhang:
        page = zhang.go(f"/contracts/{contract.id}/sign")
        page.get_by_role("button", name="Sign", exact=True).dblclick()
        page.wait_for_url(re.compile("/act/"))  # with its script, before which the button takes nothing
        page.get_by_role("button", name="Confirm with passkey").dblclick()
        expect(page).to_have_url(re.compile(r"/signed\?party="), timeout=SIGNING)
    assert [revision.party for revision in people.now(contract).revisions].count(contract.parties[0].id) == 1


def test_a_deadline_that_passes_while_the_signing_page_is_open(
    people: Troupe, lapsing: Lapsing, letters: Letters
) -> None:
    contract, page = lapsing.contract, lapsing.visitor.page
    letters.expect(CUSTODIAN, f"“{contract.title}” has expired unsigned")
    wait_until(lambda: people.now(contract).state is ContractState.EXPIRED)  # the scheduler's doing
    page.get_by_role("button", name="Sign", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("The deadline has passed")
    page = page_of(lapsing.visitor, contract)
    assert page.get_by_role("link", name="Read and sign").count() == 0
    expect(page.locator(".pagehead")).to_contain_text("Expired")
    assert len(people.now(contract).revisions) == 2, "the document and its fields, no signature"

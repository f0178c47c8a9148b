"""What is confirmed at the activation service, from the portal's button and back: the steps that it takes, where
one is afterwards, and what becomes of windows that were closed."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from playwright.sync_api import expect

from appliance.demonstration.participants import ALPHA, CUSTODIAN, LI, OFFICER, ZHANG
from appliance.language import Language, translator
from appliance.model.contract import Contract, ContractState, PartyState
from appliance.model.people import SealKind
from appliance.office.drafts import SealDraft
from tests.browser.estate import registered_powers, seal_asked_for, with_seal
from tests.browser.steps import within
from tests.browser.troupe import Troupe
from tests.browser.visitor import Visitor
from tests.sweeps import first_of

SIGNING = 40_000
"""Milliseconds in which a signature is made on a busy machine."""


@dataclass(frozen=True, slots=True)
class Act:
    """``button`` on the ``page`` of the portal leads *who* to its confirmation; ``cancelled`` (a glob) and
    ``done`` are where they are afterwards."""

    way: str
    who: str
    page: str
    button: str
    cancelled: str
    done: Callable[[], str]


def signature(people: Troupe) -> Act:
    contract = people.sent("示例仓储合同")
    party = f"party={contract.parties[0].id}"
    page = f"/contracts/{contract.id}/sign?{party}"
    return Act("signature", ZHANG.subject, page, "Sign", page, lambda: f"/contracts/{contract.id}/signed?{party}")


def seal_request(people: Troupe) -> Act:
    contract = with_seal(people, "示例用印合同（申请）")
    party = contract.parties[1].id
    page = f"/contracts/{contract.id}/sign?party={party}"

    def asked() -> str:
        request = people.appliance.seal_requests.of_party(party)
        assert request is not None
        return f"/seals/requests/{request.id}"

    return Act("seal request", ZHANG.subject, page, "Ask for the seal", page, asked)


def seal_release(people: Troupe) -> Act:
    page = f"/seals/requests/{seal_asked_for(people, with_seal(people, '示例用印合同（批准）'))}"
    return Act("seal release", CUSTODIAN.subject, page, "Approve and seal", page, lambda: page)


def voiding(people: Troupe) -> Act:
    contract = people.completed("示例租赁合同（作废）")
    people.appliance.voiding.propose(contract.id, by=ZHANG.subject, reason="已签订新的协议")
    page = f"/contracts/{contract.id}/void/answer"
    return Act(
        "voiding", LI.subject, page, "Declare it void", page, lambda: f"/contracts/{contract.id}?done=declared"
    )


def power(people: Troupe) -> Act:
    """Who cancels finds the decision that waits for officers now."""
    page = f"/powers/{registered_powers(people)['power']}"
    return Act("power of attorney", OFFICER, page, "Confirm this power", "/office/acts/*", lambda: page)


def open_decision(people: Troupe) -> Act:
    draft = SealDraft(ALPHA, SealKind.COMPANY, (CUSTODIAN.subject,), 42.0)
    page = f"/office/acts/{people.appliance.office.drafts.draft_seal(draft, by=OFFICER).id}"
    return Act("open decision", OFFICER, page, "Activate", page, lambda: page)


ACTS = (
    (signature, "zh"),
    (signature, "en"),
    *((make, "zh") for make in (seal_request, seal_release, voiding, power, open_decision)),
)


@pytest.mark.parametrize(("make", "language"), first_of(ACTS))
def test_an_act_on_the_phone_takes_its_steps_and_leads_back(
    people: Troupe, make: Callable[[Troupe], Act], language: str
) -> None:
    act, say = make(people), translator(Language(language))
    with people.at(act.who, language=language, phone=True) as visitor:
        page = visitor.go(act.page)
        begin(visitor, act.button, language)
        # by key: the page takes back what scrolls, before a click, while it has just been opened
        page.get_by_role("link", name=say("Cancel"), exact=True).press("Enter")
        page.wait_for_url(visitor.address + act.cancelled)
        visitor.go(act.page)
        with within(visitor, act.way):
            begin(visitor, act.button, language)
            shown = page.url
            confirm(visitor, language)
            page.wait_for_url(f"{visitor.address}/**", timeout=SIGNING)
        done = visitor.address + act.done()
        expect(page).to_have_url(done, timeout=SIGNING)
        page.goto(shown)
        expect(page.get_by_text(say("You have confirmed this."))).to_be_visible()
        page.get_by_role("link", name=say("Back to the portal"), exact=True).press("Enter")
        expect(page).to_have_url(done)


def begin(visitor: Visitor, button: str, language: str) -> None:
    """From a page of the portal to the page of the act."""
    page = visitor.page
    pressed = page.get_by_role("button", name=translator(Language(language))(button), exact=True).first
    for field in page.locator("form", has=pressed).locator("[required]").all():
        field.fill("年度采购")
        visitor.fields += 1
    visitor.touch(pressed)
    page.wait_for_url(re.compile("/act/"))


def confirm(visitor: Visitor, language: str) -> None:
    """Confirms with the passkey what the activation service shows."""
    name = translator(Language(language))("Confirm with passkey")
    visitor.touch(visitor.page.get_by_role("button", name=name))


@pytest.mark.long
@pytest.mark.parametrize(("language", "phone"), [("en", False), ("zh", True)])
def test_who_closed_the_window_signs_later_or_has_signed(people: Troupe, language: str, *, phone: bool) -> None:
    """Before confirming, *Sign* works again; after it the portal signs without a second touch."""
    contract, say = people.sent("示例居间合同"), translator(Language(language))
    with people.at(ZHANG.subject, language=language, phone=phone) as zhang:
        page = zhang.go(f"/contracts/{contract.id}/sign")
        begin(zhang, "Sign", language)
        page.goto("about:blank")
        assert zhang.prompts == 0 and people.now(contract).parties[0].state is PartyState.WAITING
        again(zhang, contract, language)
        begin(zhang, "Sign", language)
        held: list[object] = []

        def hold(event: object) -> None:
            held.append(event)

        zhang.devtools.on("Fetch.requestPaused", hold)
        zhang.devtools.send("Fetch.enable", {"patterns": [{"urlPattern": "*/activated"}]})
        button = page.get_by_role("button", name=say("Confirm with passkey"))
        expect(button).not_to_have_attribute("aria-disabled", "true")
        button.focus()
        page.keyboard.press("Enter")  # what presses the button itself waits for the next page
        for _ in range(SIGNING // 20):  # on the way back, which no window takes
            if not held:
                page.wait_for_timeout(20)
        assert held
        page.goto("about:blank")
        assert people.now(contract).parties[0].state is PartyState.WAITING
        zhang.devtools.send("Fetch.disable")
        again(zhang, contract, language)
        expect(page).to_have_url(re.compile(r"/signed\?party="), timeout=SIGNING)
        expect(page.get_by_role("heading", level=1)).to_have_text(say("You have signed"))
        assert zhang.prompts == 1
    now = people.now(contract)
    assert [each.party for each in now.revisions].count(now.parties[0].id) == 1


def again(visitor: Visitor, contract: Contract, language: str) -> None:
    """From the contract's page to its document."""
    page = visitor.go(f"/contracts/{contract.id}")
    page.get_by_role("link", name=translator(Language(language))("Read and sign"), exact=True).first.click()


@pytest.mark.long
@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "The initiator has recalled this contract; it is no longer to be signed."),
        ("zh", "发起人已撤回这份合同，无需再签署。"),
    ],
)
def test_recalled_while_it_is_being_confirmed(people: Troupe, language: str, sentence: str) -> None:
    contract = people.signed_by(people.sent("示例借用合同"), ZHANG)
    with people.at(LI.subject, language=language) as li:
        page = li.go(f"/contracts/{contract.id}/sign")
        begin(li, "Sign", language)
        people.appliance.endings.recall(contract.id, by=ZHANG.subject, reason="价目表有误")
        confirm(li, language)
        expect(page.get_by_role("heading", level=1)).to_have_text(sentence)
        assert page.get_by_role("alert").count() == 0 and page.locator("form.way").count() == 0
    now = people.now(contract)
    assert now.state is ContractState.RECALLED and now.current == contract.current

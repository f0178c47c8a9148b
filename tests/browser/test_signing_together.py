"""Three contracts wait for somebody, who selects them, reads one, and signs all of them by one touch."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from appliance.demonstration.participants import LI, ZHANG
from appliance.language import Language, Translator, translator
from appliance.model.contract import PartyState
from tests.browser.steps import within
from tests.browser.troupe import Troupe
from tests.browser.visitor import Visitor
from tests.sweeps import first_of

BATCH = re.compile(r"/batches/[0-9a-f]{32}$")
SIGNING = 60_000
"""Milliseconds for three signatures on a busy machine."""


@pytest.mark.parametrize(("language", "phone"), first_of((("en", False), ("zh", True))), ids=["desktop", "phone"])
def test_three_contracts_one_touch_three_signatures(people: Troupe, language: str, phone: bool) -> None:
    say, origin = translator(Language(language)), people.house.settings.activation.origin
    titles = [f"{name}年度框架采购协议（{language}）" for name in "甲乙丙"]
    contracts = [people.sent(title, (ZHANG, LI)) for title in titles]
    with people.at(ZHANG.subject, language=language, phone=phone) as zhang:
        page = zhang.go("/?bucket=to-sign")
        boxes = [page.get_by_role("checkbox", name=say("Select “{title}”", title=title)) for title in titles]
        page.get_by_role("button", name=say("Select all")).click()
        for box in boxes:
            expect(box).to_be_checked()
        page.get_by_role("button", name=say("Select all")).click()
        for box in boxes:
            box.check()
        page.get_by_role("button", name=say("Sign selected")).click()
        page.get_by_role("link", name=say("Cancel"), exact=True).click()
        expect(page).to_have_url(BATCH)
        expect(page.get_by_role("heading", level=1)).to_have_text(say("Nothing is signed yet"))
        page.get_by_role("link", name=say("Back to the list"), exact=True).click()
        with within(zhang, "three signatures"):
            for box in boxes:
                zhang.touch(box)
            zhang.touch(page.get_by_role("button", name=say("Sign selected")))
            expect(page).to_have_url(re.compile(f"^{origin}/batch/"))
            read(zhang, titles, say)
            zhang.touch(page.get_by_role("button", name=say("Confirm all {count} with passkey", count=3)))
            heading = page.get_by_role("heading", level=1)
            expect(heading).to_have_text(say("You have signed all of them"), timeout=SIGNING)
        expect(page).to_have_url(BATCH)
        assert page.locator(".rows .badge").all_inner_texts() == [say("Signed")] * 3
        zhang.require_accessible()
        zhang.require_fits()
    for contract in contracts:
        now = people.now(contract)
        assert now.parties[0].state is PartyState.SIGNED
        assert [each.party for each in now.revisions].count(now.parties[0].id) == 1


def read(zhang: Visitor, titles: list[str], say: Translator) -> None:
    """The page of the batch; one of the documents is opened."""
    page = zhang.page
    expect(page.get_by_role("heading", level=1)).to_have_text(say("Documents to sign: {count}", count=3))
    zhang.require_accessible()
    zhang.require_fits()
    with zhang.context.expect_page() as opened:
        page.get_by_role("link", name=titles[1], exact=True).click()
    expect(opened.value.get_by_role("heading", level=1)).to_have_text(say("Sign “{title}”", title=titles[1]))
    expect(opened.value.locator(".sheet-page img").first).to_be_visible()
    opened.value.close()

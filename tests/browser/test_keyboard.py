"""The main job, from a new contract to one's own signature, by keyboard alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from appliance.demonstration.participants import LI, ZHANG
from appliance.demonstration.sample import sample_contract
from tests.browser.troupe import Troupe
from tests.world import contract_now

FOCUSED = """() => {
    const at = document.activeElement, style = getComputedStyle(at), row = at.closest(".row");
    if (at === document.body) return true;
    if (at.matches("input:focus-within:not(:focus)")) return true;
    const outlines = [style, ...(row ? [getComputedStyle(row)] : [])];
    return outlines.some(each => each.outlineStyle !== "none" && parseFloat(each.outlineWidth) >= 2);
}"""
"""Whether the element that has the focus (or the row that it stands for) has an outline.

A button that the browser puts into a field, such as a date's, has the browser's own outline; the field then has no
focus. After the last place of a page the focus is the browser's, before it begins anew.
"""

MOST = 150
"""Presses of Tab to any place on a page."""


@pytest.fixture
def page(people: Troupe) -> Iterator[Page]:
    """Zhang's browser, at the list of contracts."""
    with people.at(ZHANG.subject) as zhang:
        yield zhang.go("/")


def reach(page: Page, wanted: Locator) -> None:
    """Tab until *wanted* has the focus; on the way every place can be seen to have it."""
    expect(wanted).to_be_visible()
    for _ in range(MOST):
        if wanted.evaluate("each => each === document.activeElement"):
            return
        page.keyboard.press("Tab")
        assert page.evaluate(FOCUSED), page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
    raise AssertionError(f"{wanted} cannot be reached with Tab on {page.url}")


def press(page: Page, name: str, *, role: str = "button") -> None:
    """Reach a button or link, and press Enter as soon as it takes that."""
    wanted = page.get_by_role(role, name=name, exact=True).first  # type: ignore[arg-type]  # roles are words
    reach(page, wanted)
    expect(wanted).to_be_enabled()
    page.keyboard.press("Enter")


def fill(page: Page, label: str, words: str) -> None:
    """Reach a field, and type."""
    reach(page, page.get_by_label(label).first)
    page.keyboard.type(words)


def test_the_first_stop_skips_to_the_content(page: Page) -> None:
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    assert skip.bounding_box()["x"] >= 0, "it shows when it has the focus"  # type: ignore[index]  # it is visible
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")


@pytest.mark.long
def test_from_a_new_contract_to_signed(people: Troupe, page: Page) -> None:
    press(page, "New contract", role="link")
    with page.expect_file_chooser() as chosen:
        reach(page, page.get_by_label("Document", exact=True))
        page.keyboard.press("Enter")
    file = {"name": "按键合同.pdf", "mimeType": "application/pdf", "buffer": sample_contract()}
    chosen.value.set_files(file)  # type: ignore[arg-type]  # a dict with these keys is what it takes
    press(page, "Upload and continue")
    fill(page, "Type", "服务合同")
    fill(page, "Purpose", "只用键盘")
    press(page, "Continue to the parties")
    press(page, "Add myself as a signer")
    reach(page, page.get_by_text("Add a colleague"))
    page.keyboard.press("Enter")
    fill(page, "Name, organisation, department or e-mail", LI.name)
    press(page, "Search")
    press(page, f"Add {LI.name}")
    press(page, "Continue to the fields")
    lacks = page.locator("[data-step=fields] .lacks")
    expect(lacks).to_be_visible()
    for number, chip in enumerate(
        page.locator(".chip").all()
    ):  # a field of each party, in the middle of what is seen
        reach(page, chip)
        page.keyboard.press("Enter")
        for _ in range(6 * number):  # out of the first one's place: fields that cover each other are not complete
            page.keyboard.press("Shift+ArrowUp")
    expect(lacks).to_be_hidden()
    expect(page.locator("[data-step=fields]")).to_contain_text("✓")
    box = page.locator(".box").first
    reach(page, box)
    before = box.get_attribute("aria-label")
    page.keyboard.press("Shift+ArrowUp")
    assert box.get_attribute("aria-label") != before
    press(page, "Continue to the check")
    press(page, "Send and sign")
    press(page, "Sign")
    press(page, "Confirm with passkey")
    expect(page).to_have_url(re.compile(r"/signed\?party="), timeout=30_000)
    contract = contract_now(people.appliance, page.url.split("/")[4])
    assert [party.signed_at is not None for party in contract.parties] == [True, False]

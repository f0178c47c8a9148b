"""Pages of a draft that save themselves: a button works at any moment of a save as it does without one."""

from __future__ import annotations

import re

from playwright.sync_api import APIResponse, Route, expect

from appliance.demonstration.participants import ZHANG
from tests.browser.troupe import Troupe
from tests.world import sample_document

TYPED = "A title typed while the draft is open"


def test_a_button_pressed_during_a_save_waits_for_its_version(people: Troupe) -> None:
    draft = people.draft("Pressed while a save is under way")
    held: list[tuple[Route, APIResponse]] = []

    def hold(route: Route) -> None:
        if route.request.headers["accept"] == "application/json":
            held.append((route, route.fetch()))  # the portal has saved; the page does not hear of it yet
        else:
            route.continue_()

    with people.at(ZHANG.subject) as zhang:
        page = zhang.go(f"/contracts/{draft.id}/draft/document")
        page.route(f"**/contracts/{draft.id}/draft/document", hold)
        page.locator("#field-title").fill(TYPED)
        while not held:
            page.wait_for_timeout(20)
        zhang.touch(page.get_by_role("button", name="Continue to the parties"))
        page.wait_for_timeout(200)
        (route, answer), *more = held
        assert not more
        route.fulfill(response=answer)
        expect(page).to_have_url(re.compile(r"/parties$"))
    assert people.now(draft).title == TYPED


def test_another_form_of_the_page_goes_out_after_what_was_typed(people: Troupe) -> None:
    draft = people.draft("An annex after a title")
    with people.at(ZHANG.subject) as zhang:
        page = zhang.go(f"/contracts/{draft.id}/draft/document")
        annexes = page.locator("form[action$='/annexes']")
        annexes.locator("input[type=file]").set_input_files(
            {"name": "annex.pdf", "mimeType": "application/pdf", "buffer": sample_document()}
        )
        page.locator("#field-title").fill(TYPED)
        zhang.touch(annexes.get_by_role("button", name="Attach"))
        expect(page.locator("#annexes").get_by_text("annex.pdf")).to_be_visible()
    assert people.now(draft).title == TYPED

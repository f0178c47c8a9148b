"""What happens to people who confirm in a real browser: one clear sentence each."""

from __future__ import annotations

import os
import time
from dataclasses import replace

import pytest
from playwright.sync_api import Route, expect

from appliance.activation_requests import ActivationRequest
from appliance.demonstration.participants import LI, ZHANG
from tests.authority import soon
from tests.takeover.origins import Scene
from tests.takeover.portal_origin import GONE, confirm, is_at


@pytest.mark.long
def test_two_tabs_of_one_act(stage: Scene, request_: ActivationRequest, path: str) -> None:
    with stage.at() as first, stage.at() as second:
        for each in (first, second):
            stage.open(each, path)
        with stage.carrying(first, ZHANG.subject):
            confirm(first.page)
            is_at(stage, first.page)
        assert stage.desk.given(request_) == (ZHANG.subject,)
        with stage.carrying(second, ZHANG.subject):
            confirm(second.page)
            is_at(stage, second.page)
        assert stage.desk.given(request_) == (ZHANG.subject,)
        second.page.go_back()
        second.page.reload()
        expect(second.page.get_by_text("You have confirmed this.")).to_be_visible()


def test_the_device_of_another_person_confirms_nothing(
    stage: Scene, request_: ActivationRequest, path: str
) -> None:
    with stage.at(LI.subject) as li:
        page = stage.open(li, path)
        confirm(page)
        expect(page.get_by_role("alert")).to_contain_text("this device has none for this page")
        expect(page.get_by_text(f"only {ZHANG.name} can confirm")).to_be_visible()
    assert stage.desk.given(request_) == ()


@pytest.mark.long
def test_an_act_that_expired_while_it_was_open(stage: Scene, request_: ActivationRequest, path: str) -> None:
    late = replace(request_, intent=replace(request_.intent, expires=soon(-0.1)))
    with stage.at(ZHANG.subject) as zhang:
        page = stage.open(zhang, stage.desk.put(late))
        confirm(page)
        expect(page.get_by_role("alert").first).to_contain_text("expired")
        expect(page.get_by_role("alert").first).to_contain_text("Nothing is signed.")
        page = stage.open(zhang, path)
        file, hour_ago = stage.desk.folder / path.rpartition("/")[2], time.time() - 3600
        os.utime(file, (hour_ago, hour_ago))
        confirm(page)
        expect(page.get_by_role("heading", level=1)).to_have_text(GONE)
        expect(page.get_by_role("link", name="Back to the portal")).to_be_visible()
    assert stage.desk.given(request_) == stage.desk.given(late) == ()


def test_a_window_that_was_closed_is_opened_again(stage: Scene, request_: ActivationRequest, path: str) -> None:
    with stage.at() as visitor:
        stage.open(visitor, path)
    with stage.at(ZHANG.subject) as zhang:
        confirm(stage.open(zhang, path))
        is_at(stage, zhang.page)
    assert stage.desk.given(request_) == (ZHANG.subject,)


def test_who_is_offline_hears_it_and_goes_on_later(stage: Scene, request_: ActivationRequest, path: str) -> None:
    with stage.at(ZHANG.subject) as zhang:
        page = stage.open(zhang, path)
        zhang.context.set_offline(True)
        confirm(page)
        expect(page.get_by_role("alert")).to_have_text(
            "You are offline, so nothing was sent. Connect to the network, then press the button again."
        )
        assert stage.desk.given(request_) == ()
        zhang.context.set_offline(False)
        confirm(page)
        is_at(stage, page)
    assert stage.desk.given(request_) == (ZHANG.subject,)


@pytest.mark.parametrize("times", [2, 100])
def test_a_picture_that_was_refused_for_now_comes_later(stage: Scene, path: str, times: int) -> None:
    """Or it is said that it did not come."""
    refused = 0

    def busy(route: Route) -> None:
        nonlocal refused
        if refused < times:
            refused += 1
            route.fulfill(status=503)
        else:
            route.continue_()

    with stage.at() as visitor:
        visitor.page.clock.install()
        visitor.page.route("**/1.png", busy)
        page = stage.open(visitor, path)
        picture, missing = page.locator(".paper img").first, page.locator(".sheet-page").get_by_role("alert")
        while picture.evaluate("each => !each.naturalWidth") and not missing.count():
            page.clock.run_for(1_000)
        assert (refused, missing.all_inner_texts()) in [
            (2, []),
            (7, ["This page could not be shown. Reload before you confirm."]),
        ]
        assert (refused == 2) == (times == 2)

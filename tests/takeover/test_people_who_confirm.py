"""What happens to people who confirm in a real browser: one clear sentence each."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, Route, expect

from appliance.activation_requests import ActivationRequest
from appliance.demonstration.participants import LI, ZHANG
from tests.authority import soon
from tests.browser.visitor import Visitor
from tests.sweeps import first_of
from tests.takeover.origins import Scene
from tests.takeover.portal_origin import is_at

LASTS = 0.75
"""Minutes for which the act is valid that expires while its page is open."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads the pages where, and what they say to them. The sentences of both languages are written here, so
    that none is compared with itself."""

    language: str
    phone: bool
    button: str
    given: str
    absent: str
    not_you: str
    expired: str
    gone: str
    back: str
    offline: str

    def at(self, stage: Scene, subject: str = "") -> AbstractContextManager[Visitor]:
        return stage.at(subject, language=self.language, phone=self.phone)

    def confirm(self, visitor: Visitor) -> None:
        visitor.touch(visitor.page.get_by_role("button", name=self.button))


ON_DESKTOP = Reader(
    "en",
    phone=False,
    button="Confirm with passkey",
    given="You have confirmed this.",
    absent="No passkey was used: this device has none for this page",
    not_you=f"only {ZHANG.name} can confirm",
    expired="The permission has expired. Begin again. Nothing is signed.",
    gone="There is nothing to confirm at this address any more; open it again in the portal.",
    back="Back to the portal",
    offline="You are offline, so nothing was sent. Connect to the network, then press the button again.",
)
ON_PHONE = Reader(
    "zh",
    phone=True,
    button="使用通行密钥确认",
    given="您已确认。",
    absent="未使用通行密钥：此设备上可能没有适用于本页的通行密钥",
    not_you=f"只有{ZHANG.name}本人可以确认",
    expired="许可已过期，请重新开始。文件没有签署。",
    gone="此网址已没有待确认的内容，请在门户中重新打开。",
    back="返回门户",
    offline="当前没有网络连接，内容未提交。请连接网络后再次点按按钮。",
)


@pytest.fixture(params=first_of((ON_DESKTOP, ON_PHONE)), ids=lambda reader: reader.language)
def reader(request: pytest.FixtureRequest) -> Reader:
    found: Reader = request.param
    return found


@pytest.fixture
def request_(stage: Scene, reader: Reader) -> ActivationRequest:
    return stage.desk.document(language=reader.language)


@dataclass(frozen=True, slots=True)
class Lapsing:
    """An act that was valid when its page was opened."""

    request: ActivationRequest
    visitor: Visitor


@pytest.fixture(scope="module", autouse=True)
def lapsing(stage: Scene) -> Iterator[Lapsing]:
    """Opened before the first test and pressed in the last, so that nobody has to wait for its end."""
    request = stage.desk.document({"expires": soon(LASTS)}, language="zh")
    with ON_PHONE.at(stage) as zhang:
        stage.open(zhang, stage.desk.put(request))
        assert datetime.now(UTC) < request.intent.expires
        yield Lapsing(request, zhang)


@pytest.mark.long
def test_two_tabs_of_one_act(stage: Scene, reader: Reader, request_: ActivationRequest, path: str) -> None:
    with reader.at(stage) as first, reader.at(stage) as second:
        for each in (first, second):
            stage.open(each, path)
        for each in (first, second):
            with stage.carrying(each, ZHANG.subject):
                reader.confirm(each)
                is_at(stage, each.page)
            assert stage.desk.given(request_) == (ZHANG.subject,)
        second.page.go_back()
        second.page.reload()
        expect(second.page.get_by_text(reader.given)).to_be_visible()


def test_the_device_of_another_person_confirms_nothing(
    stage: Scene, reader: Reader, request_: ActivationRequest, path: str
) -> None:
    with reader.at(stage, LI.subject) as li:
        page = stage.open(li, path)
        reader.confirm(li)
        expect(page.get_by_role("alert")).to_contain_text(reader.absent)
        expect(page.get_by_text(reader.not_you)).to_be_visible()
    assert stage.desk.given(request_) == ()


@pytest.mark.long
def test_an_act_that_expired_before_it_was_opened(
    stage: Scene, reader: Reader, request_: ActivationRequest, path: str
) -> None:
    late = replace(request_, intent=replace(request_.intent, expires=soon(-0.1)))
    with reader.at(stage, ZHANG.subject) as zhang:
        page = stage.open(zhang, stage.desk.put(late))
        reader.confirm(zhang)
        expect(page.get_by_role("alert").first).to_have_text(reader.expired)
        page = stage.open(zhang, path)
        file, hour_ago = stage.desk.folder / path.rpartition("/")[2], time.time() - 3600
        os.utime(file, (hour_ago, hour_ago))
        reader.confirm(zhang)
        expect(page.get_by_role("heading", level=1)).to_have_text(reader.gone)
        expect(page.get_by_role("link", name=reader.back)).to_be_visible()
    assert stage.desk.given(request_) == stage.desk.given(late) == ()


def test_a_window_that_was_closed_is_opened_again(
    stage: Scene, reader: Reader, request_: ActivationRequest, path: str
) -> None:
    with reader.at(stage) as visitor:
        stage.open(visitor, path)
    with reader.at(stage, ZHANG.subject) as zhang:
        stage.open(zhang, path)
        reader.confirm(zhang)
        is_at(stage, zhang.page)
    assert stage.desk.given(request_) == (ZHANG.subject,)


def test_who_is_offline_hears_it_and_goes_on_later(
    stage: Scene, reader: Reader, request_: ActivationRequest, path: str
) -> None:
    with reader.at(stage, ZHANG.subject) as zhang:
        page = stage.open(zhang, path)
        zhang.context.set_offline(True)
        reader.confirm(zhang)
        expect(page.get_by_role("alert")).to_have_text(reader.offline)
        assert stage.desk.given(request_) == ()
        zhang.context.set_offline(False)
        reader.confirm(zhang)
        is_at(stage, page)
    assert stage.desk.given(request_) == (ZHANG.subject,)


@pytest.mark.long
def test_a_second_device_shows_the_same_act_and_tells_another(stage: Scene) -> None:
    """An authenticator shows no text; what remains is to compare the page and its code on a second device."""
    request = stage.desk.document()
    path, codes = stage.desk.put(request), []
    with stage.at() as first, stage.at(phone=True) as second:
        for visitor in (first, second):
            codes.append(code_on(stage.open(visitor, path)))
        assert codes[0] == codes[1] and codes[0].replace(" ", "") == request.intent.challenge().hex()[:20]
        texts = {stage.open(each, path).locator("main").inner_text() for each in (first, second)}
        assert len(texts) == 1, "all of it is the same"
        stage.desk.swap(path, stage.desk.prepared("Another contract", 1))
        assert code_on(stage.open(second, path)) != codes[0]
        assert code_on(first.page) == codes[0]


def code_on(page: Page) -> str:
    """The code by which the act on *page* is compared."""
    told = page.get_by_text("To double-check, open this address on another device").inner_text()
    found = re.search(r"code ([0-9a-f ]+)\.", told)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("times", [2, 100])
def test_a_picture_that_was_refused_for_now_comes_later(stage: Scene, times: int) -> None:
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
        page = stage.open(visitor, stage.desk.put(stage.desk.document()))
        picture, missing = page.locator(".paper img").first, page.locator(".sheet-page").get_by_role("alert")
        while picture.evaluate("each => !each.naturalWidth") and not missing.count():
            page.clock.run_for(1_000)
        assert (refused, missing.all_inner_texts()) in [
            (2, []),
            (7, ["This page could not be shown. Reload before you confirm."]),
        ]
        assert (refused == 2) == (times == 2)


def test_an_act_that_expires_while_it_is_open(stage: Scene, lapsing: Lapsing) -> None:
    while datetime.now(UTC) <= lapsing.request.intent.expires:
        time.sleep(0.1)
    with stage.carrying(lapsing.visitor, ZHANG.subject):
        ON_PHONE.confirm(lapsing.visitor)
        expect(lapsing.visitor.page.get_by_role("alert").first).to_have_text(ON_PHONE.expired)
    assert stage.desk.given(lapsing.request) == ()

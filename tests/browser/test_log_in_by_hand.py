"""Somebody logs in by hand before a capture: in one real browser they see another one, and type there."""

from __future__ import annotations

import io
import re
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs

import pytest
from PIL import Image
from playwright.sync_api import Locator, Route, expect

from appliance.demonstration.participants import CUSTODIAN, ZHANG
from appliance.evidence.captures.layout import PICTURE, TEXT, WARC
from appliance.model.captures import OrderKind
from tests.browser.troupe import Troupe
from tests.browser.visitor import Visitor
from tests.sweeps import first_of
from tests.web_capture.servers import Answer, Asked, Server, page

NAME, PASSWORD = "张三 Zhang", "Päß wörd 7!"
FORM = """<title>会员登录</title><meta name=viewport content="width=device-width"><style>
    body { margin: 0; background: #ffc } input, button { display: block; height: 50px; width: 400px; margin: 10px }
    </style><form method=post action=/session accept-charset=utf-8>
    <input name=name><input name=word type=password><button>登录</button></form>
    <script>for (const kind of ["wheel", "contextmenu"])
        addEventListener(kind, (event) => {
            document.title = `会员登录 ${kind} ${event.isTrusted}`;
            document.body.append(document.title);
        })</script>"""
"""Fields at 20 and 80 pixels from the top, 10 from the left."""
INSIDE = "<title>会员专区</title><body style='margin:0;background:rgb(0,128,0)'><h1>仅会员可见</h1>"


class Shop:
    """A site that shows its page to whoever has logged in; ``posted`` are the forms that were sent to it."""

    def __init__(self) -> None:
        self.posted: list[bytes] = []
        self.server = Server({"localhost": self.answer})
        self.address = f"http://localhost:{self.server.port}/"

    def answer(self, asked: Asked) -> Answer:
        if asked.method == "POST":
            self.posted.append(asked.body)
            return page("", head="Set-Cookie: member=yes\r\nLocation: /\r\n", status="303 See Other")
        return page(INSIDE if "member=yes" in asked.field("cookie") else FORM)


@pytest.fixture
def shop() -> Iterator[Shop]:
    found = Shop()
    yield found
    found.server.close()


@contextmanager
def live_view(people: Troupe, shop: Shop, *, phone: bool) -> Iterator[tuple[Visitor, Locator]]:
    """Zhang has ordered a capture, and sees the page of its browser."""
    with people.at(ZHANG.subject, phone=phone) as visitor:
        page = visitor.go("/captures/new")
        page.locator("[name=address]").fill(shop.address)
        page.locator("[name=purpose]").fill("Only members see it")
        page.locator("[name=plan][value=plan]").check()
        page.locator("[name=plan][value=log-in]").check()
        expect(page.locator("[name=every]")).to_be_hidden()
        visitor.touch(page.locator(".submit button"))
        page.wait_for_url(re.compile(r"/captures/[0-9a-f]{24}/live$"), timeout=90_000)
        expect(page.locator("[data-title]")).to_have_text("会员登录", timeout=90_000)
        yield visitor, page.locator("[data-screen]")


def at(visitor: Visitor, screen: Locator, x: int, y: int) -> tuple[float, float]:
    """Where the place of the other browser's page is on this one's."""
    screen.scroll_into_view_if_needed()
    # A picture of its own comes with each part that has changed: it is found and measured in one step.
    found = visitor.page.wait_for_function(
        """screen => {
            const {x, y, width} = screen.querySelector("img").getBoundingClientRect();
            return width > 0 && {x, y, width};
        }""",
        arg=screen.element_handle(),
    )
    picture = found.json_value()
    scale = picture["width"] / 1280
    return picture["x"] + x * scale, picture["y"] + y * scale


@pytest.mark.parametrize("phone", first_of((False, True)), ids=["desktop", "phone"])
def test_what_only_members_see_is_captured(people: Troupe, shop: Shop, phone: bool) -> None:
    with live_view(people, shop, phone=phone) as (visitor, screen):
        page, sent, broken = visitor.page, [], []
        page.on("request", lambda request: sent.append(request.url))
        page.on("requestfailed", lambda request: broken.append(request.method))
        visitor.require_accessible()
        visitor.require_fits()
        press = page.touchscreen.tap if phone else page.mouse.click
        press(*at(visitor, screen, 200, 35))
        expect(screen.locator("textarea")).to_be_focused()
        composed(visitor, "张三")
        page.keyboard.type(" Zhang")
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        expect(page.locator("[data-title]")).to_have_text("会员专区")
        expect(page.locator("[data-host]")).to_have_text(shop.address.split("/")[2])
        page.keyboard.press("Escape")
        record = page.get_by_role("button", name="Record from here")
        expect(record).to_be_focused()
        page.route(re.compile(r"/record$"), answered_late)
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(r"/captures/[0-9a-f]{24}$"))
        expect(page.locator(".capture img")).to_be_visible(timeout=120_000)  # it goes on by itself until then
        with page.expect_download() as download:
            visitor.touch(page.get_by_role("link", name="Download the evidence package"))
        files, done = zipfile.ZipFile(download.value.path()), page.url
    people.appliance.capture_sharing.share(OrderKind.CAPTURE, done[-24:], CUSTODIAN.subject, by=ZHANG.subject)
    with people.at(CUSTODIAN.subject) as colleague:
        expect(colleague.go(done).locator(".callout.warning")).to_contain_text(f"{ZHANG.name} logged in before")
    assert [parse_qs(each.decode()) for each in shop.posted] == [{"name": [NAME], "word": [PASSWORD]}]
    assert "POST" not in broken, "the page waited for its form's answer"
    assert not [each for each in sent if "word" in each.lower()], "nothing that is typed is in an address"
    assert "仅会员可见" in files.read(TEXT).decode()
    with Image.open(io.BytesIO(files.read(PICTURE))) as picture:
        assert picture.convert("RGB").getpixel((picture.width - 5, picture.height - 5)) == (0, 128, 0)
    assert b"word=" not in files.read(WARC)


def answered_late(route: Route) -> None:
    """The view is over, and asks how it is some times more, before the form has its answer."""
    answer = route.fetch(max_redirects=0)
    time.sleep(1)
    route.fulfill(response=answer)


def composed(visitor: Visitor, text: str) -> None:
    """What an input method for Chinese makes of some letters."""
    visitor.devtools.send("Input.imeSetComposition", {"text": "zhang", "selectionStart": 5, "selectionEnd": 5})
    visitor.devtools.send("Input.insertText", {"text": text})


def test_pointer_clipboard_and_giving_up(people: Troupe, shop: Shop) -> None:
    with live_view(people, shop, phone=False) as (visitor, screen):
        page = visitor.page
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.mouse.move(*at(visitor, screen, 900, 300))
        page.mouse.wheel(0, 50)
        expect(page.locator("[data-title]")).to_have_text("会员登录 wheel true")
        page.mouse.click(*at(visitor, screen, 900, 300), button="right")
        expect(page.locator("[data-title]")).to_have_text("会员登录 contextmenu true")
        page.mouse.click(*at(visitor, screen, 200, 35))
        for copied in ("x" * 3000, f"{NAME}\n"):
            page.evaluate("(text) => navigator.clipboard.writeText(text)", copied)
            page.keyboard.press("Control+v")
            if len(copied) > 2000:
                expect(page.locator("[data-said]")).to_contain_text("2,000")
        page.mouse.click(*at(visitor, screen, 200, 155))
        expect(page.locator("[data-title]")).to_have_text("会员专区")
        assert shop.posted, "the form was sent"
        visitor.touch(page.get_by_role("button", name="Give up"))
        expect(page.locator("main")).to_contain_text("You have cancelled this capture")
        visitor.go(page.url + "/live")
        expect(page.locator("main")).to_contain_text("You have cancelled this capture")

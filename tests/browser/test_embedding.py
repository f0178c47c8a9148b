"""A signing link in a frame of other software's page, in a real browser: two sites, and a third without a part."""

from __future__ import annotations

import html
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Frame, Page, expect

from appliance.demonstration.participants import ZHANG
from appliance.model.api_clients import ApiClient
from tests.browser.troupe import Troupe
from tests.browser.visitor import activation_origin, visiting
from tests.framed import Framed, embedding_client, framed
from tests.ports import free_port
from tests.world import contract_now

HOST = """<!doctype html><title>ERP</title><p>ERP</p>
<script>window.heard = []; addEventListener("message", (event) => heard.push([event.origin, event.data]));</script>
<iframe id="frame" src="{source}" width="900" height="700"></iframe>"""
REFUSED = "chrome-error://chromewebdata/"


class Host(BaseHTTPRequestHandler):
    """``/?frame=ADDRESS``: a page that hears what the frame says."""

    def do_GET(self) -> None:
        source = parse_qs(urlsplit(self.path).query).get("frame", [""])[0]
        content = HOST.format(source=html.escape(source)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_given: Any) -> None:
        """Says nothing."""


@contextmanager
def hosting() -> Iterator[str]:
    """The origin of another server, on another site than the portal's ``localhost``."""
    port = free_port()
    server = ThreadingHTTPServer(("127.0.0.1", port), Host)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def origins() -> Iterator[tuple[str, str]]:
    """The one that may embed, and one that may not."""
    with ExitStack() as stack:
        yield stack.enter_context(hosting()), stack.enter_context(hosting())


@pytest.fixture(scope="module")
def client(people: Troupe, origins: tuple[str, str]) -> ApiClient:
    return embedding_client(people.appliance, origins[0])


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context(locale="zh-CN")
    context.set_default_timeout(40_000)
    yield context
    context.close()


def embedded(context: BrowserContext, origin: str, address: str) -> tuple[Page, Frame]:
    """A page of *origin* with *address* in its frame."""
    page = context.new_page()
    page.goto(f"{origin}/?frame={quote(address, safe='')}")
    element = page.locator("#frame").element_handle()
    frame = element.content_frame() if element else None
    assert frame is not None
    return page, frame


def heard(page: Page) -> list[str]:
    """The kinds of what the page heard; all of it from the portal, about one contract, and nothing else in it."""
    said = page.evaluate("heard")
    assert all(sorted(each) == ["contract", "type"] for _, each in said), said
    return [each["type"] for _, each in said]


def hears(page: Page, what: str) -> None:
    page.wait_for_function("(what) => heard.some(([, said]) => said.type === what)", arg=what)


def come_in(frame: Frame, link: Framed) -> None:
    frame.locator("input[name=code]").fill(link.code)
    frame.locator("form button").click()
    frame.locator("[data-opens]").wait_for()


def test_a_frame_is_read_filled_and_left_for_a_page_of_ones_own(
    people: Troupe, context: BrowserContext, client: ApiClient, origins: tuple[str, str]
) -> None:
    act, link = people.appliance, framed(people.appliance, client)
    page, frame = embedded(context, origins[0], link.address)
    come_in(frame, link)
    hears(page, "vermilion.ready")
    picture = frame.locator("img").first
    picture.scroll_into_view_if_needed()
    expect(picture).to_have_js_property("complete", True)
    assert picture.evaluate("(image) => image.naturalWidth") > 0
    frame.locator("a[href$='/fill']").click()
    frame.locator("input[name^=input-]").fill("示例银行")
    frame.locator("form button").click()
    hears(page, "vermilion.filled")
    assert contract_now(act, link.contract).require_party(link.party).filled == (("开户行", "示例银行"),)
    page.reload()
    frame = page.frames[1]
    frame.get_by_text("示例银行").wait_for()
    hears(page, "vermilion.ready")
    assert "vermilion.filled" not in heard(page), "told once"
    portal = urlsplit(link.address)
    said = page.evaluate("heard.map(([from, said]) => [from, said.contract])")
    assert all(each == [f"{portal.scheme}://{portal.netloc}", link.contract] for each in said)
    with context.expect_page() as opened:
        frame.locator("[data-opens]").click()
    own = opened.value
    own.locator("input[name=code]").fill(link.code)
    assert urlsplit(own.url).path.startswith("/guest/") and own.evaluate("window === window.top && !window.opener")
    own.locator("form[action^='/guest/'] button").first.click()
    own.wait_for_url(f"{activation_origin(f'{portal.scheme}://{portal.netloc}')}/**")
    hears(page, "vermilion.sign_opened")
    subject = contract_now(act, link.contract).require_party(link.party).subject
    act.endings.decline(link.contract, link.party, reason="示例", by=subject)
    hears(page, "vermilion.decided")


def test_its_cookie_opens_no_page(
    people: Troupe, context: BrowserContext, client: ApiClient, origins: tuple[str, str]
) -> None:
    link = framed(people.appliance, client)
    _, frame = embedded(context, origins[0], link.address)
    come_in(frame, link)
    path = urlsplit(link.address).path
    kept = {each["name"]: each for each in context.cookies() if each["name"].startswith("framed")}
    assert set(kept) == {"framed-form", "framed-session"}
    for each in kept.values():
        assert (each["path"], each["secure"], each["httpOnly"], each["sameSite"]) == (path, True, True, "None")
        assert each.get("partitionKey"), each
    address = link.address.removesuffix(path)
    page = context.new_page()
    for own in ("", "/sign", "/fill", "/decline"):
        page.goto(f"{address}/contracts/{link.contract}{own}")
        assert urlsplit(page.url).path == "/login", own
    answer = page.goto(f"{link.address}/fill")
    assert answer is not None and answer.status == 401, "not even this one, outside of the page that embeds it"


def test_no_other_page_embeds_it_or_hears_of_it(
    people: Troupe, context: BrowserContext, client: ApiClient, origins: tuple[str, str]
) -> None:
    link, (ours, theirs) = framed(people.appliance, client), origins
    page, frame = embedded(context, theirs, link.address)
    frame.wait_for_url(REFUSED)
    around, inner = embedded(context, theirs, f"{ours}/?frame={quote(link.address, safe='')}")
    inner.wait_for_selector("#frame")
    around.wait_for_function("document.readyState === 'complete'")
    deepest = inner.child_frames[0]
    deepest.wait_for_url(REFUSED)
    assert heard(page) == heard(around) == inner.evaluate("heard") == []
    people.appliance.api_clients.suspend(client.id, by="root")
    try:
        _, frame = embedded(context, ours, link.address)
        frame.wait_for_url(REFUSED)
    finally:
        people.appliance.api_clients.resume(client.id, by="root")
    _, frame = embedded(context, ours, link.address)
    frame.locator("input[name=code]").wait_for()


def test_what_is_over_says_so_to_the_page_around(
    people: Troupe, context: BrowserContext, client: ApiClient, origins: tuple[str, str]
) -> None:
    act, link = people.appliance, framed(people.appliance, client)
    page, frame = embedded(context, origins[0], link.address)
    come_in(frame, link)
    other, frame = embedded(context, origins[0], link.address)
    frame.locator("[data-opens]").wait_for()  # the same browser, the same page around: the session is there
    act.endings.recall(link.contract, reason="示例", by=ZHANG.subject)
    for each in (page, other):
        hears(each, "vermilion.expired")


def test_nothing_else_is_framed_there(
    people: Troupe, context: BrowserContext, client: ApiClient, origins: tuple[str, str]
) -> None:
    act, link = people.appliance, framed(people.appliance, client)
    address = link.address.removesuffix(urlsplit(link.address).path)
    ordinary = act.addresses.invitation_url(act.guests.of_party(link.party))
    confirming = activation_origin(address)
    for refused in (
        f"{address}/",
        f"{address}/login",
        ordinary,
        f"{address}/contracts/{link.contract}",
        confirming,
    ):
        _, frame = embedded(context, origins[0], refused)
        frame.wait_for_url(REFUSED)


def test_the_pages_of_a_frame_are_accessible_and_fit(people: Troupe, chromium: Browser, client: ApiClient) -> None:
    link = framed(people.appliance, client)
    with visiting(chromium, people.house.address, phone=True) as visitor:
        visitor.go(link.address)
        visitor.require_accessible()
        come_in(visitor.page.main_frame, link)
        for path in ("", "/fill"):
            visitor.go(f"{link.address}{path}")
            visitor.require_accessible()
            visitor.require_fits()

"""What strangers see: complete in both languages, accessible, small, nothing from outside."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.browser.house import House
from tests.browser.visitor import TOO_MUCH, visiting
from tests.offline_verifier.opened import in_chromium
from tests.sweeps import first_of

PAGES = ("/", "/verify", "/login")


@pytest.mark.parametrize("language", first_of(("zh", "en")))
@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_public_pages_are_accessible_and_fit(
    the_house: House, chromium: Browser, language: str, phone: bool
) -> None:
    with visiting(chromium, the_house.address, language=language, phone=phone) as visitor:
        for path in PAGES:
            page = visitor.go(path)
            assert page.locator("html").get_attribute("lang") == ("zh-CN" if language == "zh" else "en")
            visitor.require_accessible()
            visitor.require_fits()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_weighs_little(the_house: House, chromium: Browser, path: str) -> None:
    with visiting(chromium, the_house.address) as visitor:
        sizes: list[int] = []
        visitor.page.on("requestfinished", lambda request: sizes.append(len(request.response().body())))
        visitor.go(path)
        visitor.page.wait_for_load_state("networkidle")
        assert 0 < sum(sizes) < TOO_MUCH


def test_pages_read_without_script(the_house: House, chromium: Browser) -> None:
    with visiting(chromium, the_house.address, java_script_enabled=False, device=False) as visitor:
        assert visitor.go("/").get_by_role("heading", level=1).is_visible()


def test_the_offline_verifier_works_where_the_portal_serves_it(the_house: House, chromium: Browser) -> None:
    """By its own worker, which no connection of the portal's policy is needed for."""
    with in_chromium(chromium, f"{the_house.address}/verify.html", language="zh-CN") as opened:
        told = opened.judge({"文件.pdf": b"%PDF-1.7\n"})
        assert told.indication == "INDETERMINATE" and told.heading == "无法判定"
        assert any(each.startswith("blob:") for each in opened.requests)

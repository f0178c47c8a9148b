"""People at a real browser, a real identity provider, and a portal of processes: in and out, in both languages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Error, Page, expect

from appliance.config import load
from appliance.demonstration.participants import ZHANG
from appliance.home import Home
from appliance.language import Language, translator
from appliance.wiring import Appliance, open_appliance
from tests.browser.conftest import launched
from tests.browser.house import House, house
from tests.browser.visitor import Visitor, visiting
from tests.single_sign_on import people
from tests.single_sign_on.provider import PASSWORD, SECRET, Provider, running_provider
from tests.sweeps import first_of

NAME = "示例统一身份认证"
MORE = 'scopes = ["openid", "profile", "email", "groups"]\nprovision = true'

pytestmark = [pytest.mark.processes, pytest.mark.slow]


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that runs; ``down`` ends the provider."""

    house: House
    appliance: Appliance
    provider: Provider
    browser: Browser
    down: ExitStack


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with ExitStack() as stack, ExitStack() as down:
        found: list[Provider] = []

        def prepare(home: Home) -> None:
            portal = load(home).web.public_url.rstrip("/")
            found.append(down.enter_context(running_provider(portal)))
            people.configure(home, found[0].issuer, SECRET, more=MORE)

        running = stack.enter_context(house(prepare=prepare))
        appliance = stack.enter_context(open_appliance(running.settings))
        people.give_account(appliance, ZHANG.subject, "zhang")
        people.follow(appliance, ZHANG.subject, "zhang", ZHANG.email)
        found[0].add_user("zhang", "示例 张", ZHANG.email)
        for language in Language:
            found[0].add_user(f"new-{language}", f"New {language}", f"new-{language}@mail.example")
        yield Scene(running, appliance, found[0], stack.enter_context(launched()), down)


def say(language: Language, sentence: str, **values: object) -> str:
    return translator(language)(sentence, **values)


def visitor_of(scene: Scene, language: Language) -> AbstractContextManager[Visitor]:
    return visiting(scene.browser, scene.house.address, language=language.value, elsewhere=scene.provider.issuer)


def press_provider(visitor: Visitor, language: Language) -> None:
    visitor.touch(visitor.page.get_by_role("link", name=say(language, "Sign in with {name}", name=NAME)))


def sign_in_there(page: Page, login: str) -> None:
    """At the provider: who, the password, and, the first time, whether the portal may know."""
    page.locator("#login").fill(login)
    page.locator("#loginform button[type=submit]").first.click()
    page.locator("#password").fill(PASSWORD)
    page.locator("form button[type=submit]").first.click()


@pytest.mark.parametrize("language", first_of(list(Language)))
def test_somebody_enrolled_comes_in_where_they_wanted_and_leaves_both(scene: Scene, language: Language) -> None:
    scene.appliance.accounts.own.prefer(ZHANG.subject, language)
    with visitor_of(scene, language) as visitor:
        page = visitor.go("/settings/signing")
        visitor.require_accessible()
        visitor.require_fits()
        press_provider(visitor, language)
        sign_in_there(page, "zhang")
        page.wait_for_url(f"{scene.house.address}/settings/signing")
        visitor.go("/settings")
        expect(page.get_by_text(say(language, "through the identity provider"))).to_be_visible()
        visitor.require_accessible()
        page.locator("details.menu.desk summary").click()
        visitor.touch(page.locator("details.menu.desk").get_by_role("button", name=say(language, "Sign out")))
        page.wait_for_url(f"{scene.provider.issuer}/**")
        page.locator("button[name=answer][value=logout]").click()
        page.wait_for_url(f"{scene.house.address}/")
        visitor.go("/login")
        press_provider(visitor, language)
        expect(page.locator("#login")).to_be_visible()  # nobody is signed in there either


@pytest.mark.parametrize("language", first_of(list(Language)))
def test_somebody_new_is_shown_the_next_step(scene: Scene, language: Language) -> None:
    with visitor_of(scene, language) as visitor:
        page = visitor.go("/login")
        press_provider(visitor, language)
        sign_in_there(page, f"new-{language}")
        page.wait_for_url(f"{scene.house.address}/")
        visitor.require_accessible()
        visitor.touch(page.get_by_role("link", name=say(language, "Set up signing")))
        visitor.touch(page.get_by_role("button", name=say(language, "Continue")))
        visitor.touch(page.get_by_role("button", name=say(language, "Set up a passkey")))
        page.wait_for_load_state()
        assert visitor.prompts == 1


def test_whoever_comes_while_the_provider_is_down_is_told(scene: Scene) -> None:
    scene.down.close()
    for language in Language:
        with visitor_of(scene, language) as visitor:
            page = visitor.page
            _go_until_it_is_known(page, f"{scene.house.address}/login/provider?next=/settings")
            expect(page.get_by_role("alert")).to_be_visible()
            expect(page.get_by_role("heading", name=say(language, "Local account"))).to_be_visible()
            visitor.faults.clear()  # the page says 503


def _go_until_it_is_known(page: Page, address: str) -> None:
    """Goes to *address*, again while the portal still has it from a moment ago that the provider is there."""
    for _ in range(30):
        try:
            page.goto(address)
        except Error:  # nobody is there, as the browser finds
            page.wait_for_timeout(1000)
        else:
            return
    raise AssertionError(f"{address} leads to a provider that is down")

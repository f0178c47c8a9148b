"""People at a real browser, a real identity provider, and a portal of processes: in and out, in both languages."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Error, Page, expect

from appliance.accounts import passwords
from appliance.config import load
from appliance.demonstration.participants import OFFICER, ZHANG
from appliance.home import Home
from appliance.language import Language, translator
from appliance.model.accounts import Strength
from appliance.model.contract import Contract, ContractState, SigningOrder
from appliance.store import accounts
from appliance.wiring import Appliance
from tests.browser import newcomers, signing
from tests.browser.conftest import launched
from tests.browser.house import House, house
from tests.browser.people import PASSWORD as PASSWORD_HERE
from tests.browser.people import Actor, AuthenticatorApp, Stage
from tests.browser.troupe import WANG, Troupe, troupe
from tests.browser.visitor import Visitor, visiting
from tests.single_sign_on import people
from tests.single_sign_on.provider import PASSWORD, SECRET, Provider, running_provider
from tests.sweeps import first_of

NAME = "示例统一身份认证"
MORE = 'scopes = ["openid", "profile", "email", "groups"]\nprovision = true\ntrust_email = true'

NAMES = {NAME, "New", "new", *Language}
"""What lists have in any language: the provider, and people of other tests."""

pytestmark = [pytest.mark.processes, pytest.mark.slow]


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that runs; ``down`` ends the provider."""

    house: House
    appliance: Appliance
    provider: Provider
    browser: Browser
    everybody: Troupe
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
        browser = stack.enter_context(launched())
        everybody = stack.enter_context(troupe(running, browser))
        appliance = everybody.appliance
        with appliance.database.transaction() as tx:
            accounts.use_single_sign_on(tx, ZHANG.subject)
        people.follow(appliance, ZHANG.subject, "zhang", ZHANG.email)
        found[0].add_user("zhang", "示例 张", ZHANG.email)
        for language in Language:
            found[0].add_user(f"new-{language}", f"New {language}", f"new-{language}@mail.example")
        yield Scene(running, appliance, found[0], browser, everybody, down)


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


def test_somebody_new_comes_enrols_and_signs_and_an_officer_confirms_who_it_is(scene: Scene) -> None:
    """All of it in browsers: the provider opens a session; what signs is made here, and an officer has met whoever
    reads its fingerprint."""
    language, name, login = Language.CHINESE, "示例 新员工", "xin"
    scene.provider.add_user(login, name, f"{login}@mail.example")
    everybody = scene.everybody
    with visitor_of(scene, language) as visitor:
        stage = Stage(scene.house, language, {name, login, *NAMES})
        someone = Actor(visitor, scene.house, language, login, stage.names, stage.studied)
        fingerprint = _enrol_after_first_sign_in(scene, someone)
        person = scene.appliance.registry.person(_subject_of(scene, login))
        stage.names.add(person.name)
        with everybody.at(OFFICER, language=language) as desk:
            officer = Actor(desk, scene.house, language, "wang", stage.names, stage.studied)
            newcomers.approve(officer, person.name, "身份证原件，当面核对", fingerprint)
        contract = everybody.sent("单点登录示例合同", (ZHANG, person), order=SigningOrder.PARALLEL)
        stage.names.add(contract.title)
        everybody.signed_by(contract, ZHANG)
        someone.go(f"/contracts/{contract.id}/sign")
        signing.sign(someone)
        _wait_until_complete(everybody, contract)


def _enrol_after_first_sign_in(scene: Scene, someone: Actor) -> str:
    """From the provider's button to the request that officers have; the fingerprint that one reads to them."""
    someone.go("/login")
    press_provider(someone.visitor, someone.language)
    sign_in_there(someone.page, someone.login)
    someone.page.wait_for_url(f"{scene.house.address}/")
    someone.follow("Set up signing")
    someone.press("Continue")
    someone.press("Set up a passkey")
    fingerprint = newcomers.read_fingerprint(someone)
    someone.follow("Continue")
    someone.see("An officer has your request")
    return fingerprint


def _subject_of(scene: Scene, login: str) -> str:
    [found] = [each for each in scene.appliance.database.query(accounts.everybody) if each.login == login]
    return found.subject


def _wait_until_complete(everybody: Troupe, contract: Contract) -> None:
    deadline = time.monotonic() + newcomers.SOON
    while everybody.now(contract).state is not ContractState.COMPLETED:
        assert time.monotonic() < deadline, everybody.now(contract).state
        time.sleep(0.2)


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


def test_an_officer_comes_in_by_password_and_by_passkey_while_the_provider_is_down(scene: Scene) -> None:
    scene.down.close()
    language = Language.CHINESE
    with visitor_of(scene, language) as visitor:
        officer = Actor(visitor, scene.house, language, OFFICER, {OFFICER, WANG.name, *NAMES}, set())
        officer.login_app = _login_code_of(scene, OFFICER)
        newcomers.sign_in_with_code(officer)
        _require_office(officer)
        officer.go("/settings/passkeys/new")
        officer.fill("Your password", PASSWORD_HERE)
        officer.press("Continue")
        visitor.touch(officer.button("Set up a passkey"))
        officer.page.wait_for_url("**/settings?done=passkey*")
        newcomers.sign_out(officer, WANG.name)
        newcomers.sign_in_with_passkey(officer)
        _require_office(officer)
        assert visitor.prompts == 2, "one passkey made, and used"
    strengths = [each.strength for each in scene.appliance.sessions.sessions_of(OFFICER)]
    assert strengths[0] is Strength.PASSKEY


def _login_code_of(scene: Scene, subject: str) -> AuthenticatorApp:
    """Gives *subject*, whose account the troupe has made up, a password, an app with login codes, and the user
    handle that passkeys name."""
    draft = scene.appliance.accounts.codes.draft_secret(subject, subject)
    with scene.appliance.database.transaction() as tx:
        accounts.set_password(tx, subject, passwords.hash_password(PASSWORD_HERE))
        accounts.set_code_secret(tx, subject, bytes.fromhex(draft.sealed), step=1)
        tx.update("accounts", {"handle": scene.appliance.accounts.passkeys.user_handle(subject)}, subject=subject)
    return AuthenticatorApp(draft.secret)


def _require_office(officer: Actor) -> None:
    """Is in, and sees what officers see."""
    officer.visitor.go("/office")
    assert officer.page.url.endswith("/office")
    officer.page.get_by_role("link", name=officer.say("Invite a person")).first.wait_for()

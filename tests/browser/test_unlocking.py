"""Two PIN custodians, made by administrators and an officer, unlock a locked authority in Chromium."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from appliance.administration import COMMAND, open_administration
from appliance.clock import utc_now
from appliance.demonstration.participants import OFFICER
from appliance.model.administration import ROOT, AdministratorRole, NewAdministrator
from hsm.activation.credentials import code_at, step_of
from hsm.client import AuthorityClient
from hsm.intents import OfficerIntent
from hsm.names import pin_custodian_subject
from hsm.operation_types import AuthorityState
from tests.browser.house import House
from tests.browser.test_console import PASSWORD, PATIENCE, WHERE, administrating, faults_of, has_a_key_that_counts
from tests.browser.troupe import Troupe
from tests.browser.visitor import OF_LOOKS, RULES, Visitor

KEEPERS = {"bai": ("白守钥", AdministratorRole.SYSTEM), "lu": ("陆守钥", AdministratorRole.SECURITY)}

SIX_GROUPS = re.compile(r"^([0-9a-f]{4} ){5}[0-9a-f]{4}$")


@pytest.fixture
def authority(the_house: House, people: Troupe) -> Iterator[AuthorityClient]:
    """As root has it; whatever the test leaves, others find the authority unlocked."""
    with AuthorityClient(the_house.home.authority_socket("operator")) as client:
        yield client
        if client.status().state is AuthorityState.LOCKED:
            expires = (utc_now() + timedelta(minutes=5)).replace(microsecond=0)
            act = OfficerIntent("unlock", {}, expires, secrets.token_bytes(16))
            client.unlock(act, [people.pocket.activate(OFFICER, act)], pins=[the_house.secret("user.pin")])


@contextmanager
def signed_in(house: House, chromium: Browser, login: str, *, phone: bool = False) -> Iterator[Visitor]:
    """*login*, who has an account and a passkey that root has confirmed, at a browser with that device."""
    with administrating(house, chromium, device=True, phone=phone) as visitor:
        visitor.context.add_cookies(
            [{"name": "console", "value": arrived(house, login), "url": house.settings.console.public_url}]
        )
        visitor.context.set_default_timeout(PATIENCE)
        has_a_key_that_counts(house, visitor, login)
        yield visitor


def arrived(house: House, login: str) -> str:
    """Somebody new, with password and code; the secret of the session."""
    name, role = KEEPERS[login]
    with open_administration(house.settings, now=utc_now, process=COMMAND) as administration:
        administrators, welcoming = administration.administrators, administration.account_setup
        administrators.add(NewAdministrator(login, name, f"{login}@ops.example", role), by=ROOT)
        token = administrators.link(login, by=ROOT).token
        welcoming.choose_password(welcoming.open_link(token), PASSWORD)
        draft = welcoming.code_draft(welcoming.open_link(token))
        code = code_at(base64.b32decode(draft.secret), step_of(utc_now()))
        return welcoming.finish_with_code(welcoming.open_link(token), draft.sealed, code, WHERE).secret


def test_two_keepers_unlock_what_is_really_locked(
    the_house: House, chromium: Browser, people: Troupe, authority: AuthorityClient
) -> None:
    pin = the_house.secret("user.pin")
    with (
        signed_in(the_house, chromium, "bai") as bai,
        signed_in(the_house, chromium, "lu", phone=True) as lu,  # and in English, once it is locked
    ):
        for login in KEEPERS:
            becomes_a_keeper(login, bai, lu, people)
        assert authority.pin_custodians() == [pin_custodian_subject(login) for login in KEEPERS]
        lu.context.add_cookies([{"name": "language", "value": "en", "url": lu.address}])
        locks(bai)
        assert authority.status().state is AuthorityState.LOCKED

        assert not [*faults_of(bai, "/unlock", RULES), *faults_of(lu, "/unlock", OF_LOOKS)]
        gives_the_first_part(bai, pin[:3])
        assert authority.status().state is AuthorityState.LOCKED
        assert not [*faults_of(bai, "/unlock", RULES), *faults_of(lu, "/unlock", RULES)]
        gives_the_other_part(lu, pin[3:])

        assert authority.status().state is AuthorityState.OPERATIONAL
        journal = lu.go("/history").locator("#live")
        expect(journal).to_contain_text("The authority was unlocked", timeout=PATIENCE)
        removes_a_passkey(bai)


def becomes_a_keeper(login: str, bai: Visitor, lu: Visitor, people: Troupe) -> None:
    """Both administrators sign it, the scheduler prepares it, and an officer activates it, who hears which passkey
    it is."""
    owner = {"bai": bai, "lu": lu}[login]
    read_out = owner.go("/settings").locator("code").filter(has_text=SIX_GROUPS).inner_text()
    page = bai.go("/operations/keys.keeper")
    page.locator("[name=login]").fill(login)
    page.get_by_role("button", name="继续").click()
    page.get_by_role("button", name="签署并提交申请").click()
    page.wait_for_url("**/requests/*")
    decision = lu.go(f"/requests/{page.url.rpartition('/')[2]}")
    decision.get_by_role("button", name="签署并批准").click()
    expect(decision.locator("#live .badge")).to_have_text("已完成", timeout=PATIENCE)
    with people.at(OFFICER) as officer:
        office = officer.go("/office")
        office.locator("a[href*='/office/acts/']", has_text=KEEPERS[login][0]).first.click()
        office.get_by_role("button", name="Activate").click()
        office.locator("[name=fingerprint]").fill(read_out)
        office.get_by_role("button", name="Confirm with passkey").click()
        expect(office.locator(".callout.good")).to_be_visible(timeout=PATIENCE)


def locks(visitor: Visitor) -> None:
    page = visitor.go("/operations/authority.lock")
    page.get_by_role("button", name="立即执行").click()
    expect(page.locator("#live .badge")).to_have_text("已完成", timeout=PATIENCE)
    visitor.go("/keys").get_by_role("link", name="解锁签名服务").click()
    expect(page.locator("form[data-passkey]")).to_be_visible(timeout=PATIENCE)


def gives_the_first_part(visitor: Visitor, part: str) -> None:
    page = visitor.go("/unlock")
    page.locator("[name=part]").select_option("1")
    page.locator("[name=pin]").fill(part)
    page.get_by_role("button", name="提交并用通行密钥确认").click()
    expect(page.locator(".callout.info")).to_contain_text("bai 已提交第 1 段", timeout=PATIENCE)
    expect(page.locator("form[data-passkey]")).to_have_count(0)


def gives_the_other_part(visitor: Visitor, part: str) -> None:
    page: Page = visitor.go("/unlock")
    page.get_by_label("Your part of the PIN (part 2)").fill(part)
    page.get_by_role("button", name="Give it, and confirm with the passkey").click()
    expect(page.locator(".callout.good")).to_contain_text("there is nothing to do", timeout=PATIENCE)


def removes_a_passkey(visitor: Visitor) -> None:
    """With the password; a look at the page on the way."""
    page = visitor.go("/settings")
    page.locator(".row", has_text="办公室").get_by_role("link", name="移除").click()
    assert not list(faults_of(visitor, page.url.removeprefix(visitor.address), RULES))
    page.locator("[name=old]").fill(PASSWORD)
    page.get_by_role("button", name="移除该通行密钥").click()
    expect(page.locator(".callout.good")).to_be_visible(timeout=PATIENCE)
    expect(page.locator(".row", has_text="办公室")).to_have_count(0)

"""The operator's console in Chromium: a fault and its remedy, an act, a second person, the journal; every page."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect

from appliance.accounts.sessions import ClientInfo
from appliance.administration import COMMAND, open_administration
from appliance.api_clients import ApiClients, new_client_id, new_secret, secret_digest
from appliance.clock import utc_now
from appliance.model.administration import ROOT, AdministratorRole, NewAdministrator
from appliance.model.api_clients import ClientAuthentication, ClientTerms, Scope
from appliance.model.webhooks import WebhookAttempt, WebhookEndpoint, WebhookState
from appliance.sharing import make_directory
from appliance.store import webhooks
from appliance.store.administration import ADMINISTRATION
from appliance.store.database import Database
from hsm.activation.credentials import code_at, step_of
from tests.administration.conftest import confirm_key
from tests.browser.house import House
from tests.browser.visitor import OF_LOOKS, RULES, TOO_MUCH, Visitor, visiting
from tests.cluster.scenes import MADE as SCENES
from tests.cluster.scenes import lay_down
from tests.sweeps import first_of

PASSWORD = "窗外的雨下了一整夜 & 两盏灯"
WHERE = ClientInfo("192.0.2.7", "Chromium")
FAILED = "vermilion-example.service"
PATIENCE = 60_000
"""Milliseconds in which the health monitor runs a round, and a page asks again."""

PEOPLE = {
    "sun": ("孙运维", AdministratorRole.SYSTEM),
    "zhou": ("周安全", AdministratorRole.SECURITY),
    "qian": ("钱值守", AdministratorRole.SYSTEM),
    "feng": ("冯新来", AdministratorRole.AUDITOR),
    "chu": ("褚新来", AdministratorRole.AUDITOR),
}
"""Of whom qian is set up; feng has only a link, and chu has chosen a password."""

MAIN = (
    "/",
    "/keys",
    "/operations",
    "/queues",
    "/clients",
    "/directory",
    "/witnesses",
    "/cluster",
    "/history",
    "/administrators",
)
OTHERS = (
    "/operations/service.restart",
    "/operations/backup.now",
    "/operations/authority.restart",
    "/settings",
    "/settings/code",
    "/settings/passkeys/new",
    "/unlock",
    "/keys/ceremonies/1",
    "/runbook/clock-unsynchronised",
    "/nothing-here",
)
"""What differs from the main pages in its parts; on a phone these are looked at by their parts alone."""
ENTRANCES = ("/login", "/welcome")
ENGLISH = re.compile(r"(?:[A-Za-z][a-z'’]+[ ,]+){3}[A-Za-z][a-z]+")


@pytest.fixture(scope="module")
def links(the_house: House) -> dict[str, str]:
    """The way in of each of three, made by root; something has failed meanwhile."""
    alarms = the_house.home.alarms
    make_directory(alarms)
    (alarms / FAILED).write_text("2026-11-25T08:00:00Z exit-code\n", encoding="utf-8")
    with open_administration(the_house.settings, now=utc_now, process=COMMAND) as administration:
        for login, (name, role) in PEOPLE.items():
            administration.administrators.add(NewAdministrator(login, name, f"{login}@ops.example", role), by=ROOT)
        tokens = {login: administration.administrators.link(login, by=ROOT).token for login in PEOPLE}
        welcoming = administration.account_setup
        welcoming.choose_password(welcoming.open_link(tokens["qian"]), PASSWORD)
        draft = welcoming.code_draft(welcoming.open_link(tokens["qian"]))
        code = code_at(base64.b32decode(draft.secret), step_of(utc_now()))
        welcoming.finish_with_code(welcoming.open_link(tokens["qian"]), draft.sealed, code, WHERE)
        welcoming.choose_password(welcoming.open_link(tokens["chu"]), PASSWORD)
    return {login: f"/welcome/{token}" for login, token in tokens.items()}


@pytest.fixture(scope="module")
def cookie(the_house: House, links: dict[str, str]) -> dict[str, str]:
    """Somebody's session, for tests that are not about signing in."""
    database = Database(the_house.home.administration, ADMINISTRATION)
    with (
        open_administration(the_house.settings, now=utc_now, process=COMMAND) as administration,
        database.transaction() as tx,
    ):
        secret = administration.sessions.open_session(tx, "qian", WHERE).secret
    database.close()
    return {"name": "console", "value": secret, "url": the_house.settings.console.public_url}


@pytest.fixture(scope="module")
def request_page(the_house: House) -> str:
    """The page of something that waits for a second person."""
    with open_administration(the_house.settings, now=utc_now, process=COMMAND) as administration:
        return f"/requests/{administration.requests.submit_request('release.rollback', {}, by=ROOT).id}"


@contextmanager
def administrating(house: House, chromium: Browser, *, device: bool = False, **more: object) -> Iterator[Visitor]:
    with visiting(chromium, house.settings.console.public_url, device=device, **more) as visitor:  # type: ignore[arg-type]
        yield visitor


def set_up(visitor: Visitor, link: str) -> bytes:
    """Chooses password and code; the code's secret."""
    page = visitor.go(link)
    page.get_by_label("设置密码").fill(PASSWORD)
    page.get_by_label("再次输入").fill(PASSWORD)
    page.get_by_role("button", name="继续").click()
    page.locator(".scan summary").click()
    secret = base64.b32decode("".join(page.locator(".scan code").inner_text().split()))
    page.locator("[name=code]").fill(code_at(secret, step_of(utc_now())))
    page.get_by_role("button", name="完成并登录").click()
    expect(page.get_by_role("navigation", name="主导航").first).to_be_visible(timeout=PATIENCE)
    return secret


def sign_in(visitor: Visitor, login: str, secret: bytes) -> None:
    """With the code that comes next, since each counts once."""
    page = visitor.go("/login")
    page.get_by_label("登录名").fill(login)
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="继续").click()
    page.locator("[name=code]").fill(code_at(secret, step_of(utc_now()) + 1))
    page.get_by_role("button", name="登录").click()


def test_a_fault_its_remedy_an_act_and_a_second_person(
    the_house: House, chromium: Browser, links: dict[str, str]
) -> None:
    with (
        administrating(the_house, chromium, device=True) as sun,
        administrating(the_house, chromium, device=True) as zhou,
    ):
        secret = set_up(sun, links["sun"])
        sun.page.locator("details.menu.desk > summary").click()
        sun.page.get_by_role("button", name="退出登录").click()
        sign_in(sun, "sun", secret)
        sees_the_fault(sun.page)
        takes_the_alarm_back(sun.page)
        set_up(zhou, links["zhou"])
        for visitor, login in ((sun, "sun"), (zhou, "zhou")):
            has_a_key_that_counts(the_house, visitor, login)
        asks_for_a_colleague(zhou.page)
        approves(sun, zhou.page.url.rpartition("/")[2])
        # Without a reload: her page asks again, and then says that it was done.
        expect(zhou.page.locator("#live .badge")).to_have_text("已完成", timeout=PATIENCE)
        journal = sun.go("/history").locator("#live")
        expect(journal).to_contain_text("操作已批准", timeout=PATIENCE)
        expect(journal).to_contain_text("郑值班", timeout=PATIENCE)


def has_a_key_that_counts(house: House, visitor: Visitor, login: str) -> None:
    """A passkey, whose fingerprint is read out to whoever is root on the machine."""
    page = visitor.go("/settings/passkeys/new")
    page.locator("[name=old]").fill(PASSWORD)
    page.get_by_role("button", name="继续").click()
    page.locator("[name=label]").fill("办公室")
    page.get_by_role("button", name="设置通行密钥").click()
    row = page.locator(".row", has_text="办公室")
    expect(row).to_contain_text("待确认", timeout=PATIENCE)
    fingerprint = row.locator("code").first.inner_text()
    with open_administration(house.settings, now=utc_now, process=COMMAND) as administration:
        confirm_key(administration.confirming, login, fingerprint)
    expect(visitor.go("/settings").locator(".row", has_text="办公室")).to_contain_text("有效", timeout=PATIENCE)


def sees_the_fault(page: Page) -> None:
    """The page itself finds out, and says what to do."""
    row = page.locator("#state-services.failing")
    expect(row).to_contain_text(FAILED, timeout=PATIENCE)
    expect(row).to_contain_text("处置", timeout=PATIENCE)
    expect(row.get_by_text("故障", exact=True)).to_be_visible(timeout=PATIENCE)


def takes_the_alarm_back(page: Page) -> None:
    page.get_by_role("link", name="操作与审批").click()
    page.get_by_role("link", name="解除告警").click()
    page.locator("[name=unit]").fill(FAILED)
    page.get_by_role("button", name="继续").click()
    expect(page.locator(".effect")).to_contain_text(FAILED, timeout=PATIENCE)
    page.get_by_role("button", name="立即执行").click()
    expect(page.locator("#live .badge")).to_have_text("已完成", timeout=PATIENCE)


def asks_for_a_colleague(page: Page) -> None:
    page.get_by_role("link", name="管理员", exact=True).click()
    page.get_by_role("link", name="增加管理员").click()
    for name, text in (("login", "zheng"), ("name", "郑值班"), ("email", "zheng@ops.example")):
        page.locator(f"[name={name}]").fill(text)
    page.locator("[name=role]").select_option("system")
    page.get_by_role("button", name="继续").click()
    expect(page.locator(".effect .given").nth(0)).to_have_text("“郑值班”", timeout=PATIENCE)
    page.get_by_role("button", name="提交申请").click()
    expect(page.locator("#live .badge")).to_have_text("待审批", timeout=PATIENCE)


def approves(visitor: Visitor, act: str) -> None:
    page = visitor.go("/operations")
    expect(page.get_by_text("待您审批")).to_be_visible(timeout=PATIENCE)
    page.locator(f'a[href="/requests/{act}"]').click()
    expect(page.locator(".effect")).to_contain_text("郑值班", timeout=PATIENCE)
    page.get_by_role("button", name="批准").click()
    page.wait_for_url(f"**/requests/{act}")


@pytest.fixture(scope="module")
def webhook_page(the_house: House) -> str:
    """Of a webhook with a long address and two attempts, once the scheduler has told the console of it."""
    now, client = utc_now(), new_client_id()
    house = the_house.settings.organisation.name
    terms = ClientTerms("ERP 示例", frozenset(Scope), frozenset({house}))
    hook = WebhookEndpoint(
        id="webhook-0123456789abcdef",
        client=client,
        url="https://erp.enterprise.example:8443/integration/contracts/events/of/the/house?tenant=enterprise",
        types=frozenset({"contract.sent", "contract.completed"}),
        state=WebhookState.PENDING,
        reason=None,
        position=0,
        failures=0,
        failing_since=None,
        retry_at=None,
        public_key="whpk_" + "A" * 43 + "=",
        created=now,
    )
    with closing(Database(the_house.home.database)) as database:
        secret = ClientAuthentication(secret=secret_digest(new_secret()))
        ApiClients(database, utc_now, house=house).create(client, terms, secret, by="root")
        with database.transaction() as tx:
            webhooks.insert_webhook(tx, hook, bytes(60))
            for status, problem in ((204, None), (503, f"{hook.url} answered with status 503.")):
                attempt = WebhookAttempt("evt_41", "contract.sent", now, status, 12, problem)
                webhooks.add_attempt(tx, hook.id, attempt)
    with open_administration(the_house.settings, now=utc_now) as administration:
        until = time.monotonic() + 120
        while not administration.webhooks.all():
            assert time.monotonic() < until, "the scheduler publishes every 15 seconds"
            time.sleep(0.2)
    return f"/clients/webhooks/{hook.id}"


@pytest.mark.parametrize("language", first_of(("zh", "en")))
def test_every_page_of_the_console(
    the_house: House,
    chromium: Browser,
    cookie: dict[str, str],
    links: dict[str, str],
    request_page: str,
    webhook_page: str,
    language: str,
) -> None:
    phone, rules = language == "en", OF_LOOKS if language == "en" else RULES
    scheme = "dark" if phone else "light"
    wrong: list[str] = []
    with administrating(the_house, chromium, language=language, phone=phone, color_scheme=scheme) as visitor:
        visitor.study_every_page()
        for path in ENTRANCES if phone else (*ENTRANCES, links["feng"], links["chu"]):
            wrong += faults_of(visitor, path, rules)
        visitor.context.add_cookies([cookie])  # type: ignore[list-item]  # a dict with these keys is what it takes
        for path in (*MAIN, webhook_page) if phone else (*MAIN, *OTHERS, webhook_page, request_page):
            wrong += faults_of(visitor, path, rules)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(("language", "every"), first_of((("zh", 4), ("zh", 1), ("en", 1))))
def test_the_cluster_in_every_state(
    the_house: House, chromium: Browser, cookie: dict[str, str], language: str, every: int
) -> None:
    phone, rules = language == "en", OF_LOOKS if language == "en" else RULES
    home, wrong = the_house.home, []
    with administrating(the_house, chromium, language=language, phone=phone) as visitor:
        visitor.study_every_page()
        visitor.context.add_cookies([cookie])  # type: ignore[list-item]  # as above
        try:
            for scene in list(SCENES)[::every]:
                lay_down(home, scene, utc_now())
                wrong += [f"{scene}: {each}" for each in faults_of(visitor, "/cluster", rules)]
                expect(visitor.page.locator("#live .badge").first).to_be_visible(timeout=PATIENCE)
            lay_down(home, "split-brain", utc_now())
            row = visitor.go("/cluster").locator(".row.failing")
            expect(row.first).to_be_visible(timeout=PATIENCE)  # it was found, and the page has asked again
            row.first.locator("a[href='/runbook/cluster-split']").click()
            expect(visitor.page.locator("main h1")).to_be_visible(timeout=PATIENCE)
        finally:
            home.cluster_settings.unlink()
    said = "".join(make()["crm_mon"] for make in SCENES.values())  # what its programs say stays in English
    wrong = [each for each in wrong if each.rpartition(": ")[2] not in said]
    assert not wrong, "\n".join(wrong)


def faults_of(visitor: Visitor, path: str, rules: tuple[str, ...]) -> Iterator[str]:
    page = visitor.go(path)
    page.evaluate("for (const each of document.querySelectorAll('details:not([data-menu])')) each.open = true")
    yield from (f"{path}: {barrier}" for barrier in visitor.barriers(rules))
    if visitor.overhang() > 1:
        yield f"{path}: sticks out by {visitor.overhang()}"
    weight = page.evaluate(
        "[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]"
        ".reduce((sum, each) => sum + each.decodedBodySize, 0)"
    )
    if weight > TOO_MUCH:
        yield f"{path}: weighs {weight}"
    if not visitor.phone:
        page.evaluate("for (const each of document.querySelectorAll('code, [lang=en]')) each.remove()")
        yield from (f"{path}: {each}" for each in ENGLISH.findall(page.inner_text("body")))


def test_the_console_is_read_without_a_script(the_house: House, chromium: Browser, cookie: dict[str, str]) -> None:
    with administrating(the_house, chromium, java_script_enabled=False) as visitor:
        visitor.context.add_cookies([cookie])  # type: ignore[list-item]  # as above
        page = visitor.go("/")
        page.locator(".calm summary").first.click()
        expect(page.locator(".calm dl").first).to_be_visible(timeout=PATIENCE)
        page.get_by_role("link", name="历史与日志").click()
        page.locator(".chart summary").first.click()
        expect(page.locator(".chart table").first).to_be_visible(timeout=PATIENCE)


def test_what_is_not_set_up_is_a_click_away(the_house: House, chromium: Browser, cookie: dict[str, str]) -> None:
    """From the sentence at the top to its row, unfolded, and to the page that says how."""
    with administrating(the_house, chromium) as visitor:
        visitor.context.add_cookies([cookie])  # type: ignore[list-item]  # as above
        page = visitor.go("/")
        page.locator(".pagehead a[href='#state-clock']").click()
        row = page.locator("#state-clock")
        expect(row.get_by_text("设置方法")).to_be_visible(timeout=PATIENCE)
        row.locator("a[href^='/runbook/']").click()
        expect(page.locator("main h1")).to_have_text("时钟未同步", timeout=PATIENCE)

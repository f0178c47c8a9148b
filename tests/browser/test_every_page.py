"""Every page that somebody can reach: accessible, complete in both languages, small, on desktop and phone.

All pages are looked at twice: by all of axe-core's rules on a light desktop in Chinese, by those that colours and
width can break on a dark phone in English; each at both widths. `make test` looks at
one page in eight in each way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from appliance.demonstration.participants import CUSTODIAN, LI, OFFICER, ZHANG
from appliance.language import Language
from tests.browser.estate import GUEST, Estate, estate
from tests.browser.map import NO_PAGES, STOPS, Stop
from tests.browser.troupe import ROLES, Troupe
from tests.browser.visitor import DESKTOP, OF_LOOKS, PHONE, RULES, TOO_MUCH, Visitor, visiting
from tests.sweeps import first_of
from tests.world import contract_now
from webui.portal.application import create_app
from webui.shared.language import PROGRAMS
from webui.shared.programs import DOCUMENTATION

REFERENCE = 240 * 1024
"""Bytes of the page with every operation and type of the API: it is one page so that it can be searched."""

DOCUMENTS_OWN = r"/\d+\.png(\?|$)"
"""Pictures of a document's pages, which no page can make lighter."""

ENGLISH = re.compile(r"(?:[A-Za-z][a-z'’]+[ ,]+){3}[A-Za-z][a-z]+")
"""Four English words in a row: a sentence that has no Chinese."""


APART = re.compile(r".{0,9}[。！？] +[一-龥].{0,9}")


@dataclass(frozen=True, slots=True)
class Way:
    """How the pages are looked at; whether they fit is seen in the ``other`` size too."""

    language: str
    phone: bool
    scheme: str
    rules: Sequence[str] = RULES

    @property
    def own(self) -> Mapping[str, int]:
        return PHONE if self.phone else DESKTOP

    @property
    def other(self) -> Mapping[str, int]:
        return DESKTOP if self.phone else PHONE


CONFIRMED = (
    ("/contracts/{fresh}/sign", ZHANG.subject),
    ("/contracts/{sealed}/sign", ZHANG.subject),
    ("/contracts/{agreeing}/agreement", ZHANG.subject),
    ("/contracts/{disputed}/void/answer", LI.subject),
    ("/seals/requests/{seal_request}", CUSTODIAN.subject),
    ("/office/acts/{act}", OFFICER),
    ("/powers/{power}", OFFICER),
)
"""Pages of the portal with a button that leads to the activation service, and whose it is: one for each kind of
act."""

SET_UP = (
    ("/settings/signing", ZHANG.subject),
    ("/guest/credentials", GUEST),
    ("/setup", ""),
    ("/welcome/{welcome}?password", ""),
)
"""Pages of the portal with a form that leads to the pages on which passkeys are made, and whose they are."""

TYPED = {
    "name": "周登记",
    "login": "zhou-dengji",
    "email": "zhou@alpha.example",
    "password": "朱砂 蜡 雨 四更 钟楼",
    "again": "朱砂 蜡 雨 四更 钟楼",
}
"""Of a first officer, and of somebody new."""

WAYS = (
    Way("zh", phone=False, scheme="light"),
    Way("en", phone=True, scheme="dark", rules=OF_LOOKS),
)


ONE_IN = 12


def part_of(way: Way, *, rest: bool) -> tuple[Stop, ...]:
    """The pages that `make test` looks at in this *way*, or the *rest* of them."""
    start = WAYS.index(way) * ONE_IN // len(WAYS)
    return tuple(stop for number, stop in enumerate(STOPS) if (number % ONE_IN != start) is rest)


@pytest.fixture(scope="module")
def everything(people: Troupe) -> Estate:
    return estate(people)


def test_the_map_is_complete(people: Troupe, everything: Estate) -> None:
    known = addresses(people)
    rules = {rule.rule for rule in known.map.iter_rules() if "GET" in (rule.methods or ())}
    rules = {rule for rule in rules if not rule.startswith(PROGRAMS)} | {DOCUMENTATION}
    visited = {known.match(path_of(stop, everything), method="GET", return_rule=True)[0].rule for stop in STOPS}
    assert rules - visited - NO_PAGES == set(), "pages that nobody looks at: give them a row in map.py"
    assert NO_PAGES - rules == set()


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.language)
@pytest.mark.parametrize("rest", first_of((False, True)), ids=lambda rest: "rest" if rest else "part")
def test_every_page(people: Troupe, everything: Estate, way: Way, *, rest: bool) -> None:
    wrong: list[str] = []
    for who, stops in groupby(
        sorted(part_of(way, rest=rest), key=lambda stop: stop.who), key=lambda stop: stop.who
    ):
        with visiting_as(who, people, everything, way) as visitor:
            visitor.study_every_page()
            for stop in stops:
                wrong += [f"{stop.path} ({who}): {each}" for each in faults_of(visitor, stop, everything, way)]
    assert not wrong, "\n".join(wrong)


def faults_of(visitor: Visitor, stop: Stop, everything: Estate, way: Way) -> Iterator[str]:
    """What is wrong with one page. It comes in the size that the window has, and is seen in both."""
    page = visitor.page
    answer = page.goto(visitor.address + stop.path.format(**everything.names), wait_until="load")
    assert answer is not None
    if answer.status != stop.status:
        yield f"answers {answer.status}"
    yield from _faults_of_shown(visitor, way)


def _faults_of_shown(visitor: Visitor, way: Way) -> Iterator[str]:
    """The same of the page that is there."""
    page = visitor.page
    language, weight = page.evaluate(OPENED, DOCUMENTS_OWN)
    if language != ("zh-CN" if way.language == "zh" else "en"):
        yield "lang"
    if weight > (REFERENCE if urlsplit(page.url).path == DOCUMENTATION else TOO_MUCH):
        yield f"weighs {weight} bytes"
    for size in (way.own, way.other) if page.viewport_size == way.own else (way.other, way.own):
        if page.viewport_size != size:
            page.set_viewport_size(size)  # type: ignore[arg-type]  # a dict of ints is what it takes
        yield from _overhang(visitor)
        if size == way.own:
            yield from visitor.barriers(way.rules)
            if way.language == "zh" and (left := ENGLISH.findall(page.evaluate(CHINESE))):
                yield f"not translated: {left}"
            if way.language == "zh" and (left := APART.findall(page.evaluate(SPOKEN))):
                yield f"a space between sentences: {left}"


@pytest.mark.parametrize("way", first_of(WAYS), ids=lambda way: way.language)
def test_every_page_on_which_something_is_confirmed(people: Troupe, everything: Estate, way: Way) -> None:
    """The activation service's, each reached by the portal's button; nothing is confirmed."""
    wrong: list[str] = []
    for path, who in CONFIRMED:
        with visiting_as(who, people, everything, way) as visitor:
            page = visitor.go(path.format(**everything.names))
            form = page.locator("form.way, form[action*='/acts/'], form[action$='/verify']").first
            for field in form.locator("[required]").all():
                field.fill("年度采购")
            form.locator("button").click()
            page.wait_for_url(f"{people.house.settings.activation.origin}/act/*")
            wrong += [f"{path} ({who}): {each}" for each in _faults_of_shown(visitor, way)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("way", first_of(WAYS), ids=lambda way: way.language)
def test_every_page_on_which_something_is_set_up(people: Troupe, everything: Estate, way: Way) -> None:
    """The activation service's, each reached by the portal's form; and what a guest reads to an officer."""
    wrong: list[str] = []
    for path, who in SET_UP:
        with visiting_as(who, people, everything, way, device=who == GUEST) as visitor:
            address = path.format(**everything.names)
            page = visitor.go(address)
            form = page.locator(f"form[action='{address.partition('?')[0]}']")
            for name, typed in TYPED.items():
                for field in form.locator(f"[name={name}]").all():
                    field.fill(typed)
            form.locator("button:not(.plain)").last.click()
            page.wait_for_url(f"{people.house.settings.activation.origin}/register/*")
            wrong += [f"{path} ({who}): {each}" for each in _faults_of_shown(visitor, way)]
            if who == GUEST:
                page.locator("form[data-passkey=create] button").click()
                expect(page.locator("code.digest")).to_have_text(re.compile("^([0-9a-f]{4} ?){5}$"))
                wrong += [f"fingerprint: {each}" for each in _faults_of_shown(visitor, way)]
                _withdraw(people, everything.names["guest_subject"])
    assert not wrong, "\n".join(wrong)


def _withdraw(people: Troupe, subject: str) -> None:
    """What *subject* has set up is forgotten, and no officer asked for it."""
    requests = people.appliance.office.requests
    requests.collect_of(subject)
    [request, *_] = requests.requests_of(subject)
    requests.withdraw_request(request.id, by=subject)


def _overhang(visitor: Visitor) -> Iterator[str]:
    if (wide := visitor.overhang()) > 1:
        yield f"sticks out by {wide} of {visitor.page.viewport_size} pixels: {visitor.page.evaluate(WIDE)}"


CHINESE = """() => {
    const hidden = [...document.querySelectorAll("body [lang]:not([lang|=zh]), body code")];
    for (const each of hidden) each.hidden = true;
    const text = document.body.innerText;
    for (const each of hidden) each.hidden = false;
    return text;
}"""
"""What is read on a page, without commands and what says that it is in another language."""


SPOKEN = CHINESE.replace("body code", "article.agreement")
"""The same, commands too, without the text of the agreement, whose clauses have headings in their first lines."""


@pytest.mark.parametrize("way", first_of(WAYS), ids=lambda way: way.language)
def test_menus_are_accessible_and_fit(people: Troupe, everything: Estate, way: Way) -> None:
    with visiting_as(ZHANG.subject, people, everything, way) as visitor:
        page = visitor.go("/settings")
        menu = page.locator("details[data-menu]:visible")
        menu.locator("summary").click()
        assert menu.get_by_role("link").first.is_visible()
        visitor.require_accessible()
        visitor.require_fits()
        page.keyboard.press("Escape")
        assert not menu.get_by_role("link").first.is_visible()


@pytest.mark.parametrize("way", first_of(WAYS), ids=lambda way: way.language)
def test_the_verdict_is_a_page_too(people: Troupe, everything: Estate, way: Way) -> None:
    signed = people.appliance.contracts.document(contract_now(people.appliance, everything.names["completed"]))
    with visiting_as("", people, everything, way) as visitor:
        page = verified(visitor, signed)
        assert page.locator("html").get_attribute("lang") == ("zh-CN" if way.language == "zh" else "en")
        assert weight_of(page) < TOO_MUCH
        in_one_line = "(each) => each.offsetHeight < 2 * parseFloat(getComputedStyle(each).fontSize)"
        assert page.locator(".brand > span").evaluate(in_one_line)
        visitor.require_accessible()
        visitor.require_fits()


def test_reading_needs_no_script(people: Troupe, everything: Estate) -> None:
    signed = people.appliance.contracts.document(contract_now(people.appliance, everything.names["completed"]))
    with visiting_as(ZHANG.subject, people, everything, WAYS[1], java_script_enabled=False) as visitor:
        page = visitor.go("/")
        page.locator("details.menu:visible > summary").click()
        expect(page.get_by_role("link", name="Settings").first).to_be_visible()
        visitor.go("/?bucket=done")
        page.get_by_role("link", name="示例系统运维服务合同").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("示例系统运维服务合同")
        page.locator(".timeline summary").first.click()
        expect(page.locator(".timeline dd").first).to_be_visible()
        expect(page.get_by_role("link", name="Download the evidence package")).to_be_visible()
        visitor.go(f"/contracts/{everything.names['fresh']}/sign")
        expect(page.get_by_role("heading", name="This is what you sign")).to_be_visible()
        expect(verified(visitor, signed).locator("main, body").first).to_contain_text("TOTAL-PASSED")


PRINTED = {
    "/contracts/{completed}": (ZHANG.subject, ".timeline"),
    "/captures/{capture}": (ZHANG.subject, ".prints dd"),
    "/ownership/{deposit}": (LI.subject, "dd .digest"),
}
"""Pages that are printed as records, whose they are, and what the paper must have: history or digests."""


@pytest.mark.parametrize("path", first_of(tuple(PRINTED)))
def test_a_record_prints_as_one(people: Troupe, everything: Estate, path: str) -> None:
    who, needed = PRINTED[path]
    with visiting_as(who, people, everything, WAYS[1]) as visitor:
        page = visitor.go(path.format(**everything.names))
        page.emulate_media(media="print")
        for away in ("nav", ".tools", ".skip", ".foot", ".acts", "form"):
            assert page.locator(away).filter(visible=True).count() == 0, away
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.locator(needed).first).to_be_visible()
        assert page.evaluate(COLOURS) == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"], "in a dark scheme too"


def verified(visitor: Visitor, document: bytes) -> Page:
    """The verification centre's answer to *document*."""
    page = visitor.go("/verify")
    file = {"name": "contract.pdf", "mimeType": "application/pdf", "buffer": document}
    page.locator("#file").set_input_files(file)  # type: ignore[arg-type]  # a dict with these keys is what it takes
    page.locator("main form button").first.click()
    page.wait_for_load_state()
    return page


COLOURS = "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"

WEIGHT = """own => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
    .filter(each => !new RegExp(own).test(each.name)).reduce((sum, each) => sum + each.decodedBodySize, 0)"""

OPENED = f"""own => {{
    const weight = ({WEIGHT})(own);
    for (const each of document.querySelectorAll("details:not([data-menu])")) each.open = true;
    return [document.documentElement.lang, weight];
}}"""
"""The page's language and weight; then all that can be folded out is."""

WIDE = """() => [...document.querySelectorAll("body *")]
    .filter(each => each.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
    .slice(0, 5).map(each => each.tagName + "." + each.className + " " + each.textContent.trim().slice(0, 40))"""


def weight_of(page: Page) -> int:
    """Bytes of the page and everything that it loads, without the document's own pictures."""
    return int(page.evaluate(WEIGHT, DOCUMENTS_OWN))


@contextmanager
def visiting_as(
    who: str,
    people: Troupe,
    everything: Estate,
    way: Way,
    *,
    java_script_enabled: bool = True,
    device: bool = False,
) -> Iterator[Visitor]:
    """*who*, looking in this *way*."""
    house, looks = people.house, {"language": way.language, "phone": way.phone, "color_scheme": way.scheme}
    with visiting(
        people.browser, house.address, device=device, java_script_enabled=java_script_enabled, **looks
    ) as visitor:
        if who in ROLES:
            secret = people.session(who, way.language)
        elif secret := everything.sessions.get(who, ""):
            guest = people.appliance.sessions.find_holder(secret)
            people.appliance.accounts.own.prefer(guest.person.subject, Language(way.language))
        if secret:
            visitor.context.add_cookies([{"name": "session", "value": secret, "url": visitor.address}])
        yield visitor


def path_of(stop: Stop, everything: Estate) -> str:
    return stop.path.format(**everything.names).split("?")[0]


def addresses(people: Troupe):
    """The addresses that the portal knows."""
    return create_app(people.appliance, form_key=bytes(32)).url_map.bind("localhost")

"""Somebody at a browser: a context of their own, a passkey device of their own, and eyes for what goes wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    BrowserContext,
    CDPSession,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    Response,
)
from playwright.sync_api import (
    TimeoutError as TookTooLong,
)

from appliance.config import ACTIVATION_PORT_ABOVE

DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}

TOO_MUCH = 150 * 1024
"""Bytes that a page may weigh without the document's own pictures."""

RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
"""Tags of axe-core's rules: WCAG 2.2 AA and what it recommends besides."""

OF_LOOKS = ("color-contrast", "target-size", "scrollable-region-focusable", "link-in-text-block", "meta-viewport")
"""The rules of axe-core that another language or structure does not break, but another width or scheme may."""

WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"

AXE = Axe().axe_script

STUDY = """async (rules) => {
    if (!window.axe) return null;
    const light = axe._audit.rules.filter((rule) => rule.impact === "minor" || rule.impact === "moderate");
    const without = Object.fromEntries(light.map((rule) => [rule.id, { enabled: false }]));
    const found = await axe.run({ runOnly: rules, rules: without, reporter: "no-passes" });
    const where = (nodes) => nodes.map((node) => node.target);
    return found.violations.map(({ id, impact, help, nodes }) => [id, impact, help, where(nodes)]);
}"""
"""What a rule finds is as grave as the rule itself: those that find nothing serious are not asked, and what is in
order is not described."""

DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
"""DevTools' virtual authenticator: a passkey device that always says yes."""


@dataclass(slots=True)
class Visitor:
    """One person's browser. ``faults``: script errors, CSP violations, requests to elsewhere, answers of 5xx.

    ``clicks``, ``prompts`` and ``fields``: how often :meth:`touch` clicked or tapped, how often the device made a
    passkey or answered with one, and how many fields were filled in.
    """

    page: Page
    context: BrowserContext
    address: str
    devtools: CDPSession
    authenticator: str
    phone: bool
    faults: list[str] = field(default_factory=list)
    clicks: int = 0
    prompts: int = 0
    fields: int = 0

    def touch(self, target: Locator) -> None:
        """With the finger on a phone, with the mouse elsewhere."""
        self.clicks += 1
        try:
            if self.phone:
                target.tap()
            else:
                target.click()
        except TookTooLong as late:
            shown = self.page.locator("main").inner_text()[:400] if self.page.locator("main").count() else ""
            raise AssertionError(f"{target} on {self.page.url}, which says: {shown}") from late

    def go(self, path: str) -> Page:
        """Open *path* of the appliance."""
        self.page.goto(f"{self.address}{path}" if path.startswith("/") else path)
        return self.page

    def require_accessible(self) -> None:
        """Axe-core finds nothing serious or critical on the page as it is now (WCAG 2.2 AA)."""
        grave = self.barriers()
        assert not grave, (self.page.url, grave)

    def barriers(self, rules: Sequence[str] = RULES) -> list[str]:
        """What axe-core finds by *rules* (tags or names) that is serious or critical."""
        found = self.page.evaluate(STUDY, list(rules))
        if found is None:
            self.page.evaluate(AXE)
            found = self.page.evaluate(STUDY, list(rules))
        return [
            f"{rule}: {help_text}: {where[:4]}"
            for rule, impact, help_text, where in found
            if impact in ("serious", "critical")
        ]

    def study_every_page(self) -> None:
        """Each page from now on has axe-core at once, which costs less than handing it to one that is open."""
        self.context.add_init_script(AXE)

    def require_fits(self) -> None:
        """Nothing sticks out sideways."""
        wide = self.overhang()
        assert wide <= 1, (self.page.url, wide)

    def overhang(self) -> int:
        """By how many pixels something sticks out sideways."""
        return int(self.page.evaluate(WIDER))


@contextmanager
def visiting(
    browser: Browser, address: str, *, language: str = "zh", phone: bool = False, device: bool = True, **more: Any
) -> Iterator[Visitor]:
    """A new visitor, who has chosen *language*; on leaving, nothing on the list of faults may have happened."""
    with arriving(browser, address, language=language, phone=phone, device=device, **more) as visitor:
        visitor.context.add_cookies([{"name": "language", "value": language, "url": address}])
        yield visitor


@contextmanager
def arriving(
    browser: Browser,
    address: str,
    *,
    language: str,
    phone: bool = False,
    device: bool = True,
    elsewhere: str = "",
    **more: Any,
) -> Iterator[Visitor]:
    """The same, of whom nothing is known but what the browser asks for: *language*. They may also go to the origin
    *elsewhere*, whose own pages are no affair of ours."""
    context = browser.new_context(
        viewport=PHONE if phone else DESKTOP,  # type: ignore[arg-type]  # a dict of ints is what it takes
        locale="zh-CN" if language == "zh" else "en-GB",
        timezone_id="Asia/Shanghai",
        has_touch=phone,
        is_mobile=phone,
        **more,
    )
    context.set_default_timeout(40_000)  # a busy machine is slow, not wrong
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    visitor = Visitor(page, context, address, devtools, _device(devtools) if device else "", phone)
    _watch(visitor, elsewhere)
    try:
        yield visitor
    finally:
        context.close()
    assert not visitor.faults, visitor.faults


def _device(devtools: CDPSession) -> str:
    devtools.send("WebAuthn.enable", {"enableUI": False})
    return str(devtools.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})["authenticatorId"])


def activation_origin(address: str) -> str:
    """Where the portal at *address* sends people to confirm."""
    parts = urlsplit(address)
    assert parts.port is not None
    return f"{parts.scheme}://{parts.hostname}:{parts.port + ACTIVATION_PORT_ABOVE}"


def _watch(visitor: Visitor, elsewhere: str) -> None:
    own = (visitor.address, activation_origin(visitor.address), elsewhere)

    def said(message: ConsoleMessage) -> None:
        # A refused request is a result that tests look at; what the browser itself objects to is a fault.
        if elsewhere and visitor.page.url.startswith(elsewhere):
            return
        if message.type == "error" and "Failed to load resource" not in message.text:
            visitor.faults.append(f"{visitor.page.url}: {message.text}")

    def asked(request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https") and f"{parts.scheme}://{parts.netloc}" not in own:
            visitor.faults.append(f"{visitor.page.url}: asked {request.url}, outside the appliance")

    def answered(response: Response) -> None:
        if response.status >= 500:
            visitor.faults.append(f"{response.url}: {response.status}")

    def prompted(_event: object) -> None:
        visitor.prompts += 1

    for event in ("WebAuthn.credentialAdded", "WebAuthn.credentialAsserted"):
        visitor.devtools.on(event, prompted)
    visitor.page.on("console", said)
    visitor.page.on("pageerror", lambda error: visitor.faults.append(f"{visitor.page.url}: {error}"))
    visitor.page.on("request", asked)
    visitor.page.on("response", answered)

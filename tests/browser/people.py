"""People of a story at their browsers: they read pages in their own language, and notice what is not in it.

Buttons and fields are named by the catalogue's English sentence, and looked for in the language of the page; so a
test says the same for both languages, and a sentence that is missing on a page stops it.
"""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Locator, Page

from appliance.language import Language, translator
from hsm.activation.credentials import STEP_SECONDS, code_at
from tests.browser.house import House, link_in, text_of
from tests.browser.tongues import READ, strange_words, strange_words_in
from tests.browser.visitor import WIDER, Visitor, arriving

PASSWORD = "朱砂 蜡 雨 四更 钟楼"
PIN = "246813"
WEAKER = (
    "Weaker than a passkey: a PIN and a code are not tied to the document. The evidence records which was used."
)
"""What every page says on which PIN and code are set up or taken."""

PATIENCE = 120_000
"""Milliseconds in which a page has come, signing and dating included: a busy machine is slow, not wrong."""

SEEN = f"""() => [{WIDER}, ({READ})(), document.querySelector(".clock time")?.innerText]"""
"""By how much the page sticks out, what is read on it, and what its clock shows, asked for at once."""


@dataclass(slots=True)
class AuthenticatorApp:
    """An authenticator app with one secret (base32, as pages show it); no code is given twice."""

    secret: str = ""
    _last: int = 0

    def code(self) -> str:
        """The code of now, or the next one's when this one was given already: clocks may differ by that much."""
        self._last = max(self._last + 1, int(time.time()) // STEP_SECONDS)
        return code_at(base64.b32decode(self.secret.replace(" ", "")), self._last)


@dataclass(slots=True)
class Actor:
    """Somebody at a browser. ``names``: what people have typed, which stands on pages in whatever language."""

    visitor: Visitor
    house: House
    language: Language
    login: str
    names: set[str]
    studied: set[tuple[str, bool]]
    login_app: AuthenticatorApp = field(default_factory=AuthenticatorApp)
    signing_app: AuthenticatorApp = field(default_factory=AuthenticatorApp)
    read: int = 0

    @property
    def email(self) -> str:
        """Where the appliance's letters go."""
        return f"{self.login}@mail.example"

    @property
    def organisation(self) -> str:
        """Whose appliance it is."""
        return self.house.settings.organisation.name

    @property
    def page(self) -> Page:
        """The page that is open."""
        return self.visitor.page

    def say(self, sentence: str, **values: object) -> str:
        """*sentence* of the catalogue as this reader sees it."""
        return translator(self.language)(sentence, **values)

    def go(self, path: str) -> Page:
        """Opens an address and reads what is there."""
        self.visitor.go(path)
        self.look()
        return self.page

    def look(self) -> None:
        """Reads the page: it fits, all of it is in the reader's language, and its clock is right."""
        self.page.wait_for_load_state()
        wide, (text, foreign), clock = self.page.evaluate(SEEN)
        assert wide <= 1, (self.page.url, wide)
        strange = strange_words(text, foreign, self.language, self.names)
        assert not strange, (self.page.url, self.language, strange)
        if clock is not None:
            wrong = datetime.strptime(clock, "%Y-%m-%d %H:%M:%S UTC%z") - datetime.now(UTC)
            assert abs(wrong) < timedelta(seconds=30), (self.page.url, clock, wrong)

    def study(self) -> None:
        """Has axe-core look at the page, once in a story for each kind of page on desktop and phone."""
        kind = re.sub(r"[0-9a-f]{16,}", "*", urlsplit(self.page.url).path), self.visitor.phone
        if kind not in self.studied:
            self.studied.add(kind)
            self.visitor.require_accessible()

    def button(self, sentence: str, within: Locator | None = None, **values: object) -> Locator:
        """The button that says *sentence*."""
        name = self.say(sentence, **values)
        return (within or self.page).get_by_role("button", name=name, exact=True)

    def press(self, sentence: str, within: Locator | None = None, **values: object) -> None:
        """Presses a button with finger or mouse, and reads the page that comes."""
        with self.page.expect_navigation(timeout=PATIENCE):
            self.visitor.touch(self.button(sentence, within, **values))
        self.look()

    def follow(self, sentence: str, **values: object) -> None:
        """Follows a link."""
        with self.page.expect_navigation(timeout=PATIENCE):
            self.visitor.touch(self.page.get_by_role("link", name=self.say(sentence, **values), exact=True).first)
        self.look()

    def unfold(self, sentence: str) -> None:
        """Opens what is folded away below *sentence*."""
        self.visitor.touch(self.page.locator("summary", has_text=self.say(sentence)).first)

    def fill(self, label: str, text: str, within: Locator | None = None) -> None:
        """Types *text* in the field of that label (hints and marks beside a label do not matter)."""
        start = re.compile(rf"^{re.escape(self.say(label))}\s*(（|\(|$)")
        labels = (within or self.page).locator("label", has_text=start)
        self.page.locator(f"#{labels.first.get_attribute('for')}").fill(text)
        self.visitor.fields += 1
        self.names.add(text)

    def see(self, sentence: str, **values: object) -> None:
        """Waits until the page says *sentence*."""
        self.page.get_by_text(self.say(sentence, **values)).first.wait_for()
        self.look()

    def open_mail(self, *, subject: str = "") -> Page:
        """Follows the link of the newest letter that has come since the last one, which is in the reader's
        language."""
        letter = self.house.mail.wait_for(self.email, subject=subject, after=self.read)
        strange = strange_words_in(text_of(letter), self.language, self.names)
        assert not strange, (text_of(letter), self.language, strange)
        self.visitor.go(link_in(letter))
        self.read = len(self.house.mail.arrived)
        self.look()
        return self.page


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a story happens, and in which language; ``names`` are known to everybody in it."""

    house: House
    language: Language
    names: set[str]
    studied: set[tuple[str, bool]] = field(default_factory=set)


@contextmanager
def acting(
    browser: Browser, stage: Stage, login: str, *, phone: bool = False, reads: Language | None = None
) -> Iterator[Actor]:
    """Somebody new at a browser, with a passkey device of their own; *login* is their name in addresses. The
    browser asks for the language of the stage, also where its owner *reads* another."""
    with arriving(browser, stage.house.address, language=stage.language.value, phone=phone) as visitor:
        stage.names.add(f"{login}@mail.example")
        yield Actor(visitor, stage.house, reads or stage.language, login, stage.names, stage.studied)

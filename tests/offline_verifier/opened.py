"""The page in a browser, and what it says of files that are given to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, FilePayload, Page, ViewportSize

TELL = """() => {
    const of = (found) => found.dataset.indication;
    const parts = [...document.querySelectorAll("[data-part]")];
    return {
        indication: of(document.querySelector(".verdict")),
        proven: document.querySelector(".verdict").dataset.proven !== undefined,
        heading: document.querySelector("#heading").lastChild.textContent,
        steps: Object.fromEntries(parts.map((each) => [each.dataset.part, of(each)])),
        signatures: [...document.querySelectorAll("article.signature")].map(of),
        text: document.querySelector("#result").innerText,
    };
}"""
"""What the page shows, for tests in any browser."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the page says: an indication, whether a package is called proven, each part's and signature's."""

    indication: str
    proven: bool
    heading: str
    steps: dict[str, str]
    signatures: list[str]
    text: str

    @property
    def failed(self) -> set[str]:
        """The parts of a package that do not hold."""
        return {part for part, indication in self.steps.items() if indication == "TOTAL-FAILED"}


@dataclass(slots=True)
class Opened:
    """The page in Chromium. ``requests``: every address that it asked for; ``faults``: what its console says."""

    page: Page
    requests: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def trust(self, files: Mapping[str, bytes]) -> None:
        self.page.set_input_files("#roots", _payloads(files))
        self.page.wait_for_selector("#trusted:not([hidden])")

    def judge(self, files: Mapping[str, bytes]) -> Told:
        """The files, chosen together."""
        return self._judged(lambda: self.page.set_input_files("#file", _payloads(files)))

    def judge_folder(self, folder: Path) -> Told:
        return self._judged(lambda: self.page.set_input_files("#folder", folder))

    def add(self, files: Mapping[str, bytes]) -> Told:
        """To what was given before."""
        return self._judged(lambda: self.page.set_input_files("#more", _payloads(files)))

    def tell(self) -> Told:
        return Told(**self.page.evaluate(TELL))

    def _judged(self, give: Any) -> Told:
        self.page.evaluate("delete document.documentElement.dataset.judged")
        give()
        self.page.wait_for_selector("html[data-judged]", timeout=60_000, state="attached")
        return self.tell()


@contextmanager
def in_chromium(
    browser: Browser, place: Path | str, *, language: str, phone: bool = False, **more: Any
) -> Iterator[Opened]:
    """The page at *place*; on leaving, nothing may have been asked of any address but its own."""
    viewport = ViewportSize(width=390, height=844) if phone else ViewportSize(width=1280, height=900)
    context = browser.new_context(locale=language, viewport=viewport, timezone_id="Asia/Shanghai", **more)
    page = context.new_page()
    found = Opened(page)
    page.on("request", lambda request: found.requests.append(request.url))
    page.on("console", lambda message: found.faults.append(message.text))
    page.on("pageerror", lambda error: found.faults.append(str(error)))
    address = place if isinstance(place, str) else place.as_uri()
    page.goto(address)
    yield found
    own = [each for each in found.requests if each != address and not each.startswith("blob:")]
    context.close()
    assert not own and not found.faults, (own, found.faults)


def _payloads(files: Mapping[str, bytes]) -> list[FilePayload]:
    return [
        FilePayload(name=name, mimeType="application/octet-stream", buffer=data) for name, data in files.items()
    ]

"""Takes every screen on a desktop and on a phone, in both languages, and says what is larger than it should be."""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, FilePayload, sync_playwright

from scripts.screenshots.screens import SCREENS, Screen
from scripts.screenshots.stage import Stage, stage
from tests.browser.conftest import CHROMIUM

TARGET = Path(__file__).parents[2] / "docs/screenshots"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--force-color-profile=srgb"]
LARGEST = 120 * 1024
"""Bytes that one picture should stay below."""


@dataclass(frozen=True, slots=True)
class Device:
    """A size of window in CSS pixels; ``longest`` is where a long page is cut off."""

    name: str
    width: int
    height: int
    longest: int
    touch: bool


DEVICES = (Device("desktop", 1280, 800, 1200, False), Device("phone", 390, 844, 1700, True))
LANGUAGES = ("zh", "en")


def main(wanted: list[str]) -> None:
    """Writes ``docs/screenshots/NAME.DEVICE.LANGUAGE.png``; *wanted* are parts of names, all when empty."""
    TARGET.mkdir(parents=True, exist_ok=True)
    screens = [screen for screen in SCREENS if not wanted or any(part in screen.name for part in wanted)]
    with stage() as ready, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for screen in screens:
            for device in DEVICES:
                for language in LANGUAGES:
                    _take(browser, ready, screen, device, language)
        browser.close()


def _take(browser: Browser, ready: Stage, screen: Screen, device: Device, language: str) -> None:
    context = browser.new_context(
        viewport={"width": device.width, "height": device.height},
        has_touch=device.touch,
        is_mobile=device.touch,
        locale="zh-CN" if language == "zh" else "en-GB",
        timezone_id="Asia/Shanghai",
        color_scheme="dark" if screen.dark else "light",
        reduced_motion="reduce",
    )
    address, sessions = (
        (ready.console, ready.administrators) if screen.console else (ready.address, ready.sessions)
    )
    name = "console" if screen.console else "session"
    cookies = {"language": language} | ({name: sessions[screen.who]} if screen.who else {})
    context.add_cookies([{"name": name, "value": value, "url": address} for name, value in cookies.items()])
    page = context.new_page()
    answer = page.goto(address + screen.path.format(**ready.contracts, invitation=ready.invitation))
    for switch in page.locator(f'form[action="/language/{language}"]').all()[:1]:  # it is kept in the account
        switch.evaluate("form => form.submit()")
        page.wait_for_url("**/*")
    if screen.verifies:
        signed = FilePayload(name="contract.pdf", mimeType="application/pdf", buffer=ready.signed)
        page.set_input_files("[name=file]", signed)
        page.click("main form button")
    if screen.presses:
        page.click(screen.presses)
        page.wait_for_url(f"{ready.activation}/**")
        page.wait_for_selector("form button:not([aria-disabled])")  # it takes a press a second later only
    page.wait_for_load_state("networkidle")
    for picture in page.locator("img[loading=lazy]").all()[:8]:
        picture.scroll_into_view_if_needed()
    page.wait_for_load_state("networkidle")
    page.evaluate("scrollTo(0, 0)")
    height = min(device.longest, max(device.height, page.evaluate("document.documentElement.scrollHeight")))
    page.set_viewport_size({"width": device.width, "height": height})  # what sticks, sticks to the picture's edge
    taken = page.screenshot()
    context.close()
    target = TARGET / f"{screen.name}.{device.name}.{language}.png"
    size = _keep(taken, target)
    status = 0 if answer is None else answer.status
    remarks = [str(status)] * (status != (404 if screen.missing else 200)) + ["too large"] * (size > LARGEST)
    sys.stdout.write(f"{target.name:42} {size // 1024:4} KB {', '.join(remarks)}\n")


def _keep(taken: bytes, target: Path) -> int:
    """Writes the picture with as many colours as fit into its size; its size in bytes."""
    with Image.open(io.BytesIO(taken)) as picture:
        full = picture.convert("RGB")
    for colours in (128, 64, 32):
        full.quantize(palette=_palette(full, colours), dither=Image.Dither.NONE).save(target, optimize=True)
        if target.stat().st_size <= LARGEST:
            break
    return target.stat().st_size


def _palette(full: Image.Image, colours: int) -> Image.Image:
    """Half of the colours are the most frequent ones, such as surfaces and badges; the others blend the rest."""
    counted = sorted(full.getcolors(full.width * full.height) or [], reverse=True)[: colours // 2]
    exact = [part for _count, colour in counted if isinstance(colour, tuple) for part in colour]
    blended = full.quantize(colours // 2, dither=Image.Dither.NONE).getpalette() or []
    palette = Image.new("P", (1, 1))
    palette.putpalette((exact + blended)[: 3 * colours])
    return palette


if __name__ == "__main__":
    main(sys.argv[1:])

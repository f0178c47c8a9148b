"""Takes every screen on a desktop and on a phone, in both languages, and says what is larger than it should be;
then the pictures of the user guide."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, FilePayload, FloatRect, Page, sync_playwright

from scripts.screenshots.guide import CUTS, Cut
from scripts.screenshots.screens import SCREENS, Screen
from scripts.screenshots.stage import Stage, stage
from tests.browser.conftest import CHROMIUM

ROOT = Path(__file__).parents[2]
TARGET, GUIDE = ROOT / "docs/screenshots", ROOT / "webui/guide/pictures"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--force-color-profile=srgb"]
LARGEST, LARGEST_CUT = 120 * 1024, 26 * 1024
"""Bytes that one picture should stay below."""


@dataclass(frozen=True, slots=True)
class Device:
    """A size of window in CSS pixels, with ``scale`` pixels of the screen in each; ``longest`` is where a long
    page is cut off."""

    name: str
    width: int
    height: int
    longest: int
    touch: bool
    scale: float = 1


DEVICES = (Device("desktop", 1280, 800, 1200, False), Device("phone", 390, 844, 1700, True))
TABLE, HAND = Device("desktop", 820, 700, 0, False, 2), Device("phone", 390, 844, 0, True, 2)
"""Those of the guide: as wide as its pages show the pictures."""

LANGUAGES = ("zh", "en")
PATIENCE = 120_000
"""Milliseconds that a page may take."""


def main(wanted: list[str]) -> None:
    """Writes ``docs/screenshots/NAME.DEVICE.LANGUAGE.png`` and ``webui/guide/pictures/NAME.LANGUAGE.webp``;
    *wanted* are parts of names, all when empty; those of the guide begin with ``guide/``."""
    for folder in (TARGET, GUIDE):
        folder.mkdir(parents=True, exist_ok=True)

    def is_wanted(name: str) -> bool:
        return not wanted or any(part in name for part in wanted)

    with stage() as ready, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for screen in filter(lambda each: is_wanted(each.name), SCREENS):
            for device in DEVICES:
                for language in LANGUAGES:
                    _take(browser, ready, screen, device, language)
        for cut in filter(lambda each: is_wanted(f"guide/{each.screen.name}"), CUTS):
            for language in LANGUAGES:
                _cut(browser, ready, cut, language)
        browser.close()


def _take(browser: Browser, ready: Stage, screen: Screen, device: Device, language: str) -> None:
    with _opened(browser, ready, screen, device, language) as (page, remarks):
        height = min(device.longest, max(device.height, page.evaluate("document.documentElement.scrollHeight")))
        page.set_viewport_size(
            {"width": device.width, "height": height}
        )  # what sticks, sticks to the picture's edge
        taken = page.screenshot()
    target = TARGET / f"{screen.name}.{device.name}.{language}.png"
    _tell(target, _keep(taken, target), LARGEST, remarks)


def _cut(browser: Browser, ready: Stage, cut: Cut, language: str) -> None:
    """A picture of the guide."""
    device = HAND if cut.phone else replace(TABLE, width=cut.width)
    with _opened(browser, ready, cut.screen, device, language) as (page, remarks):
        if cut.drops:
            page.locator(cut.drops).evaluate_all("all => all.forEach(each => each.remove())")
        whole = page.evaluate("document.documentElement.scrollHeight")
        page.set_viewport_size({"width": device.width, "height": whole})  # nothing sticks in between
        page.wait_for_load_state("networkidle")
        boxes = [box for each in page.locator(cut.parts).all() if (box := each.bounding_box())]
        taken = page.screenshot(full_page=True, clip=_around(boxes, cut.height, 0 if cut.parts == "main" else 12))
    target = GUIDE / f"{cut.screen.name}.{language}.webp"
    _tell(target, _keep_cut(taken, target), LARGEST_CUT, remarks)


def _around(boxes: list[FloatRect], highest: int, edge: int) -> FloatRect:
    left, top = (min(box[name] for box in boxes) for name in ("x", "y"))
    right = max(box["x"] + box["width"] for box in boxes)
    bottom = max(box["y"] + box["height"] for box in boxes)
    left, top = max(0, left - edge), max(0, top - edge)
    return {"x": left, "y": top, "width": right + edge - left, "height": min(highest, bottom + edge - top)}


@contextmanager
def _opened(
    browser: Browser, ready: Stage, screen: Screen, device: Device, language: str
) -> Iterator[tuple[Page, list[str]]]:
    """The page of *screen*, and what is to be said of it."""
    context = browser.new_context(
        viewport={"width": device.width, "height": device.height},
        has_touch=device.touch,
        is_mobile=device.touch,
        device_scale_factor=device.scale,
        locale="zh-CN" if language == "zh" else "en-GB",
        timezone_id="Asia/Shanghai",
        color_scheme="dark" if screen.dark else "light",
        reduced_motion="reduce",
        user_agent=screen.agent,
    )
    context.set_default_timeout(PATIENCE)
    address, sessions = (
        (ready.console, ready.administrators) if screen.console else (ready.address, ready.sessions)
    )
    name = "console" if screen.console else "session"
    cookies = {"language": language} | ({name: sessions[screen.who]} if screen.who else {})
    context.add_cookies([{"name": name, "value": value, "url": address} for name, value in cookies.items()])
    page = context.new_page()
    answer = page.goto(address + screen.path.format(**ready.contracts, invitation=ready.invitation))
    for switch in page.locator(f'form[action="/language/{language}"]').all()[:1]:  # it is kept in the account
        with page.expect_navigation():
            switch.evaluate("form => form.submit()")
    _act(page, ready, screen)
    status = 0 if answer is None else answer.status
    yield page, [str(status)] * (status != (404 if screen.missing else 200))
    context.close()


def _act(page: Page, ready: Stage, screen: Screen) -> None:
    """What a visitor does before the picture is taken."""
    if screen.verifies:
        signed = FilePayload(name="contract.pdf", mimeType="application/pdf", buffer=ready.signed)
        page.set_input_files("[name=file]", signed)
        page.locator("main form button").first.click()
    if screen.presses:
        page.click(screen.presses)
        page.wait_for_url(f"{ready.activation}/**")
        page.wait_for_selector("form button:not([aria-disabled])")  # it takes a press a second later only
    if screen.sends:
        with page.expect_navigation():
            page.click(screen.sends)
    if screen.opens:
        page.locator(screen.opens).evaluate_all("all => all.forEach(each => each.open = true)")
    page.wait_for_load_state("networkidle")
    for picture in page.locator("img[loading=lazy]").all()[:8]:
        picture.scroll_into_view_if_needed()
    page.wait_for_load_state("networkidle")
    page.evaluate("scrollTo(0, 0)")


def _tell(target: Path, size: int, largest: int, remarks: list[str]) -> None:
    told = [*remarks, *["too large"] * (size > largest)]
    sys.stdout.write(f"{target.name:42} {size // 1024:4} KB {', '.join(told)}\n")


def _keep(taken: bytes, target: Path) -> int:
    """Writes the picture with as many colours as fit into its size; its size in bytes."""
    with Image.open(io.BytesIO(taken)) as picture:
        full = picture.convert("RGB")
    for colours in (128, 64, 32):
        full.quantize(palette=_palette(full, colours), dither=Image.Dither.NONE).save(target, optimize=True)
        if target.stat().st_size <= LARGEST:
            break
    return target.stat().st_size


def _keep_cut(taken: bytes, target: Path) -> int:
    """The same for the guide: as sharp as fits."""
    with Image.open(io.BytesIO(taken)) as picture:
        full = picture.convert("RGB")
    for scale, quality in ((1.0, 80), (1.0, 60), (0.75, 75), (0.75, 60), (0.6, 60), (0.5, 60)):
        size = (round(full.width * scale), round(full.height * scale))
        full.resize(size, Image.Resampling.LANCZOS).save(target, "WEBP", quality=quality, method=6)
        if target.stat().st_size <= LARGEST_CUT:
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

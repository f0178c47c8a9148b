"""Draws the pictures of the documentation from what `make demo` left: run by `make docs-images`."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageOps
from playwright.sync_api import Browser
from pypdfium2 import PdfDocument

from tests.browser.conftest import launched

ROOT = Path(__file__).parents[1]
SCALE = 1.5
"""Pixels for each point: 1.5 makes an A4 page 893 pixels wide."""
PAGE = {"width": 960, "height": 1500}
"""Pixels of the page in a browser."""


def last_page(document: Path) -> Image.Image:
    """The last page of *document* as people see it, with a thin edge."""
    with PdfDocument(document) as pdf:
        pdf.init_forms()
        picture: Image.Image = pdf[len(pdf) - 1].render(scale=SCALE, may_draw_forms=True).to_pil()
    return ImageOps.expand(picture.convert("RGB"), border=1, fill="#d9d4cc")


def verified_package(browser: Browser, demo: Path, language: str) -> Image.Image:
    """The upper part of ``verify.html`` as it shows the package of *demo*, by the root that lies beside it."""
    context = browser.new_context(locale=language, viewport=PAGE, timezone_id="Asia/Shanghai")
    page = context.new_page()
    page.goto((ROOT / "appliance/evidence/verify.html").as_uri())
    page.set_input_files("#roots", demo / "trust/ca.pem")
    page.wait_for_selector("#trusted:not([hidden])")
    page.set_input_files("#file", demo / "evidence.zip")
    page.wait_for_selector("html[data-judged]", state="attached")
    picture = Image.open(BytesIO(page.screenshot()))
    context.close()
    return ImageOps.expand(picture.convert("RGB"), border=1, fill="#d9d4cc")


def main() -> None:
    """Writes what lies in ``docs/images``."""
    demo = Path(os.environ.get("VERMILION_HOME") or ROOT / "var") / "demo"
    target = ROOT / "docs/images"
    target.mkdir(exist_ok=True)
    last_page(demo / "contract.signed.pdf").quantize(128).save(target / "signed-page.png", optimize=True)
    with launched() as browser:
        for language, name in (("zh-CN", "zh"), ("en-GB", "en")):
            picture = verified_package(browser, demo, language)
            picture.quantize(128).save(target / f"verify-page.{name}.png", optimize=True)


if __name__ == "__main__":
    main()

"""Draws the pictures of the documentation from what `make demo` left: run by `make docs-images`."""

from __future__ import annotations

import os
from pathlib import Path

from PIL import Image, ImageOps
from pypdfium2 import PdfDocument

ROOT = Path(__file__).parents[1]
SCALE = 1.5
"""Pixels for each point: 1.5 makes an A4 page 893 pixels wide."""


def last_page(document: Path) -> Image.Image:
    """The last page of *document* as people see it, with a thin edge."""
    with PdfDocument(document) as pdf:
        pdf.init_forms()
        picture: Image.Image = pdf[len(pdf) - 1].render(scale=SCALE, may_draw_forms=True).to_pil()
    return ImageOps.expand(picture.convert("RGB"), border=1, fill="#d9d4cc")


def main() -> None:
    """Writes ``docs/images/signed-page.png``."""
    home = Path(os.environ.get("VERMILION_HOME") or ROOT / "var")
    target = ROOT / "docs/images/signed-page.png"
    target.parent.mkdir(exist_ok=True)
    last_page(home / "demo/contract.signed.pdf").quantize(128).save(target, optimize=True)


if __name__ == "__main__":
    main()

"""Pages as people write them: ``1-3, 5``, ``all``, ``odd``, ``全部``, ``单数``; pagesOf of fields-geometry.js."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

EVERY = {"all": 1, "全部": 1}
WORDS = {"odd": 1, "单数": 1, "奇数": 1, "even": 2, "双数": 2, "偶数": 2}
"""Word → the first of the pages that it names; those of EVERY name each page, those of WORDS each second."""

_RUN = re.compile(r"(\d{1,5})(?:\s*-\s*(\d{1,5}))?")
_HYPHENS = re.compile(r"[–—~至]")


def read_pages(text: str, count: int) -> tuple[int, ...] | None:
    """The pages (from 1) that *text* names in a document of *count* pages; None for what cannot be read."""
    plain = _HYPHENS.sub("-", unicodedata.normalize("NFKC", text).strip().lower())
    if plain in EVERY:
        return tuple(range(1, count + 1))
    if plain in WORDS:
        return tuple(range(WORDS[plain], count + 1, 2)) or None
    chosen: set[int] = set()
    for part in filter(None, (each.strip() for each in re.split(r"[,、;]", plain))):
        run = _RUN.fullmatch(part)
        if run is None:
            return None
        first, last = int(run[1]), int(run[2] or run[1])
        if not 1 <= first <= last <= count:
            return None
        chosen.update(range(first, last + 1))
    return tuple(sorted(chosen)) or None


def write_pages(pages: Sequence[int]) -> str:
    """*pages*, ascending, with runs joined: ``1-3, 5``."""
    runs: list[list[int]] = []
    for page in pages:
        if runs and runs[-1][1] == page - 1:
            runs[-1][1] = page
        else:
            runs.append([page, page])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)

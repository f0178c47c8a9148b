"""The rows of the table in docs/architecture.md, by the tests that guarantee them."""

from __future__ import annotations

import re

from tests.pure import ROOT


def _table() -> dict[str, str]:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    part = text[text.index("## Security model") : text.index("## Processes")]
    found = {}
    for line in part.splitlines():
        cells = [each.strip() for each in line.strip("|").split("|")]
        if line.startswith("|") and len(cells) == 4 and (test := re.fullmatch(r"`(test_\w+)`", cells[3])):
            found[test[1]] = cells[0]
    return found


ROWS = _table()
"""By test: what is asked of the authority."""

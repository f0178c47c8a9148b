"""Text in cells of spreadsheets, which compute what looks like a formula."""

from __future__ import annotations

from typing import Final

_DANGEROUS: Final = tuple("=+-@\t\r\n＝＋－＠")
"""How a cell begins that spreadsheets would compute, also with wide signs (OWASP, CSV injection)."""


def is_computed(text: str) -> bool:
    """Whether a spreadsheet may take *text* for a formula."""
    return text.startswith(_DANGEROUS)


def plain_cell(text: str) -> str:
    """*text* for a cell of CSV, with an apostrophe before what would be computed."""
    return f"'{text}" if is_computed(text) else text

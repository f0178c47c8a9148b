"""Which characters a text and the cell of a spreadsheet may hold, and how names are written."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from hsm.names import without_stray_selectors

_SPACES = re.compile(r"[ \t\r\n\f\u2028\u2029]+")
_HIDDEN = frozenset(
    "\u00ad\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff\ufffc"
)
"""Soft hyphen, zero-width and direction marks: they can make a text read otherwise than it is."""


def without_hidden(text: str) -> str:
    """*text* (NFC) without control, unassigned and hidden characters; tabs and line ends stay."""
    text = unicodedata.normalize("NFC", text)
    return without_stray_selectors(
        text.translate({ord(letter): None for letter in set(text) if not _shows(letter)})
    )


def in_one_line(text: str) -> str:
    """The same with every run of blanks and line ends as one blank, as HTML shows it."""
    return without_hidden(_SPACES.sub(" ", text))


def words(text: str) -> str:
    """A name or title: one line without blanks around it."""
    return in_one_line(text).strip()


def _shows(letter: str) -> bool:
    if letter in "\t\n\r":
        return True
    return letter not in _HIDDEN and unicodedata.category(letter) not in ("Cc", "Cs", "Co", "Cn")


_WIDE = frozenset("WF")


def with_organisation(name: str, organisation: str | None) -> str:
    """*name* with *organisation* in brackets, unless the name says it already (as those of seals do).

    The brackets are those of the names' script: ``张示例（甲公司）``, ``Zhang (Alpha Ltd)``.
    """
    if not organisation or organisation in name:
        return name
    wide = any(unicodedata.east_asian_width(letter) in _WIDE for letter in name + organisation)
    return f"{name}（{organisation}）" if wide else f"{name} ({organisation})"


_DANGEROUS: Final = tuple("=+-@\t\r\n＝＋－＠")
"""How a cell begins that spreadsheets would compute, also with wide signs (OWASP, CSV injection)."""


def is_computed(text: str) -> bool:
    """Whether a spreadsheet may take *text* for a formula."""
    return text.startswith(_DANGEROUS)


def plain_cell(text: str) -> str:
    """*text* for a cell of CSV, with an apostrophe before what would be computed."""
    return f"'{text}" if is_computed(text) else text

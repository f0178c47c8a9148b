"""Lists that people fill in with a spreadsheet program, as values; ``workbook_reading`` reads them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MOST_ROWS: Final = 10_000
"""Filled rows below the headings."""

MOST_COLUMNS: Final = 200
MOST_LETTERS: Final = 10_000
"""Characters of a cell; more are cut off behind one more, so that they are seen to be too many."""

OLD_FORMAT: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""How compound files begin ([MS-CFB]): those of office programs before 2007, and newer ones with a password."""

_PASSWORD: Final = "EncryptedPackage".encode("utf-16-le")
"""The name of the stream that holds an encrypted file ([MS-OFFCRYPTO], 2.3.4.4)."""

BETWEEN = "\x1f"
"""Between the cells of a row; no cell contains it."""


class CellKind(StrEnum):
    """What a cell holds, by one letter."""

    EMPTY = "-"
    TEXT = "t"
    NUMBER = "n"
    DATE = "d"
    ANSWER = "b"
    FORMULA = "f"
    FAULT = "e"
    """What a formula or an import left behind, such as ``#REF!``."""


@dataclass(frozen=True, slots=True)
class SheetCell:
    """``text``: a number in decimals, a date or time in ISO 8601, yes or no for an answer."""

    kind: CellKind
    text: str = ""


NOTHING = SheetCell(CellKind.EMPTY)


@dataclass(frozen=True, slots=True)
class SheetRow:
    """``number`` is the one at the edge of the sheet, from 1; ``joined`` are its cells, for the way."""

    number: int
    joined: str

    def cells(self) -> list[SheetCell]:
        """The cells from column A on; empty ones at the end are left out."""
        return (
            [SheetCell(CellKind(each[0]), each[1:]) for each in self.joined.split(BETWEEN)] if self.joined else []
        )


@dataclass(frozen=True, slots=True)
class ReadSheet:
    """The headings, the filled rows below them, and the names of sheets that are hidden. ``guessed``: the letters
    may be others than were written."""

    headings: SheetRow
    rows: tuple[SheetRow, ...]
    hidden: tuple[str, ...] = ()
    guessed: bool = False


def has_password(document: bytes) -> bool:
    """Whether *document*, a compound file, holds one that is encrypted."""
    return _PASSWORD in document


def name_of_cell(column: int, row: int) -> str:
    """Such as ``C7``; *column* counts from 0."""
    letters = ""
    while column >= 0:
        column, letter = divmod(column, 26)
        letters, column = chr(ord("A") + letter) + letters, column - 1
    return f"{letters}{row}"

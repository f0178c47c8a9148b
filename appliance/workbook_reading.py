"""Reading lists that people fill in with a spreadsheet program. Confined: nothing else loads the library for it,
which every process would keep in memory.

Read are the first visible sheet of an Excel workbook (``.xlsx``, ECMA-376), and CSV. What is no such list is
refused with the limit or the kind of file that it is; what single cells hold is left to the caller.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import date
from typing import Any, Final

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from appliance.errors import DocumentRefused
from appliance.language.characters import without_hidden
from appliance.workbooks import (
    BETWEEN,
    MOST_COLUMNS,
    MOST_LETTERS,
    MOST_ROWS,
    NOTHING,
    OLD_FORMAT,
    CellKind,
    ReadSheet,
    SheetCell,
    SheetRow,
    has_password,
)

LARGEST: Final = 20 * 1024 * 1024
"""Bytes of the file."""

LARGEST_UNPACKED: Final = 200 * 1024 * 1024
"""Bytes of all its parts; a list of ten thousand rows has a tenth of that."""

MOST_PARTS: Final = 2_000
_MOST_SCANNED: Final = 1_048_576
_STRICT: Final = {
    f"http://purl.oclc.org/ooxml/{strict}".encode(): f"http://schemas.openxmlformats.org/{usual}".encode()
    for strict, usual in (
        ("spreadsheetml/main", "spreadsheetml/2006/main"),
        ("officeDocument/relationships", "officeDocument/2006/relationships"),
    )
}
"""Names of the form “Strict Open XML” (ISO/IEC 29500-1) → the usual ones (29500-4), which the library knows."""

_ZIP = b"PK\x03\x04"
_WORKBOOK_PART: Final = "xl/workbook.xml"
_UNREADABLE: Final = (
    *(InvalidFileException, zipfile.BadZipFile, zlib.error, SyntaxError, ValueError, TypeError, AttributeError),
    *(LookupError, ArithmeticError, EOFError, RuntimeError),
)
"""What the libraries raise for parts that are broken, encrypted, or packed in a way they do not know."""


def read_workbook(document: bytes) -> ReadSheet:
    """The list in *document*. Raises :class:`DocumentRefused`; runs confined."""
    if len(document) > LARGEST:
        raise DocumentRefused("too-large", "A list has at most {most} MB.", most=LARGEST // 1024 // 1024)
    if document.startswith(OLD_FORMAT):
        raise _of_old_program(document)
    if document.startswith(_ZIP):
        return _of_workbook(document)
    return _of_csv(document)


def _of_old_program(document: bytes) -> DocumentRefused:
    if has_password(document):
        return DocumentRefused(
            "encrypted", "The workbook has a password. Save it without one in your spreadsheet program."
        )
    return DocumentRefused("old-workbook", "This is an old Excel file (.xls). Save it as .xlsx and upload that.")


def _no_list() -> DocumentRefused:
    return DocumentRefused("no-workbook", "This is neither an Excel workbook (.xlsx) nor a CSV file.")


def _of_workbook(document: bytes) -> ReadSheet:
    _require_small(document)
    try:
        book = openpyxl.load_workbook(_with_usual_names(document), read_only=True, keep_links=False)
        hidden = tuple(each.title for each in book.worksheets if each.sheet_state != "visible")
        shown = [each for each in book.worksheets if each.sheet_state == "visible"]
        if not shown:
            raise DocumentRefused("no-sheet", "The workbook has no visible sheet with a list.")
        shown[0].reset_dimensions()
        # without a width: the rows that a sheet leaves out, often a million before a formatted one, cost nothing
        rows = enumerate(shown[0].iter_rows(min_row=1, max_row=_MOST_SCANNED), 1)
        return _listed(((number, map(_cell, row[:MOST_COLUMNS])) for number, row in rows if row), hidden)
    except _UNREADABLE as error:
        raise _no_list() from error


def _with_usual_names(document: bytes) -> io.BytesIO:
    """*document* as a file, with the usual names of elements and relations in its parts."""
    with zipfile.ZipFile(io.BytesIO(document)) as book:
        if not any(each in book.read(_WORKBOOK_PART) for each in _STRICT):
            return io.BytesIO(document)
        usual = io.BytesIO()
        with zipfile.ZipFile(usual, "w", zipfile.ZIP_DEFLATED) as written:
            for part in book.infolist():
                content = book.read(part)
                for strict, name in _STRICT.items():
                    content = content.replace(strict, name)
                written.writestr(part.filename, content)
    usual.seek(0)
    return usual


def _require_small(document: bytes) -> None:
    """Before anything is unpacked: a part is never read beyond the size that it states."""
    try:
        parts = zipfile.ZipFile(io.BytesIO(document)).infolist()
    except zipfile.BadZipFile as error:
        raise _no_list() from error
    if len(parts) > MOST_PARTS or sum(each.file_size for each in parts) > LARGEST_UNPACKED:
        raise DocumentRefused(
            "too-large",
            "Unpacked, the workbook has more than {most} MB; a list has a fraction of that.",
            most=LARGEST_UNPACKED // 1024 // 1024,
        )
    if _WORKBOOK_PART not in {each.filename for each in parts}:
        raise _no_list()


def _cell(cell: Any) -> SheetCell:
    value = cell.value
    if value is None:
        return NOTHING
    if cell.data_type in ("f", "e"):
        return SheetCell(
            CellKind.FORMULA if cell.data_type == "f" else CellKind.FAULT, without_hidden(str(value))[:100]
        )
    if isinstance(value, bool):
        return SheetCell(CellKind.ANSWER, "yes" if value else "no")
    if isinstance(value, int | float):
        return SheetCell(CellKind.NUMBER, _decimal(value))
    if isinstance(value, date):
        return SheetCell(CellKind.DATE, value.isoformat().removesuffix("T00:00:00"))
    return _text(str(value))


def _decimal(value: float) -> str:
    """As people write it: no exponent, and no ``.0`` behind a whole number."""
    return f"{value:.0f}" if value == int(value) else f"{value:.10f}".rstrip("0")


def _text(value: str) -> SheetCell:
    shown = without_hidden(value.replace("_x000D_", "\n").replace("\r\n", "\n")).strip()
    return SheetCell(CellKind.TEXT, shown[: MOST_LETTERS + 1]) if shown else NOTHING


def _of_csv(document: bytes) -> ReadSheet:
    """Divided by comma, semicolon or tab; blank lines may come first, and Excel's ``sep=;``."""
    text, guessed = _decoded(document)
    said = re.match(r"\s*sep=(.)\r?\n", text)
    heading = text[said.end() if said else 0 :].lstrip("\r\n").partition("\n")[0]
    between = said[1] if said else max(",;\t", key=heading.count)
    if not heading.count(between):
        raise _no_list()
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=between, strict=True)
    rows = ((reader.line_num, map(_csv_cell, row[:MOST_COLUMNS])) for row in reader if row[:1] != ["sep="])
    try:
        return _listed(rows, (), guessed=guessed)
    except csv.Error as error:
        raise DocumentRefused(
            "bad-line",
            "Line {line} of the file is no CSV: check its quotation marks, and the length of its cells.",
            line=reader.line_num,
        ) from error


def _decoded(document: bytes) -> tuple[str, bool]:
    """UTF-8, or UTF-16 as Excel's “Unicode text” is; GB 18030, in which Chinese versions of Excel save, is a guess
    that fits nearly anything."""
    if document.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings = ["utf-16"]
    elif b"\0" in document[:4096]:
        raise _no_list()
    else:
        encodings = ["utf-8-sig", "gb18030"]
    for encoding in encodings:
        with suppress(UnicodeDecodeError):
            return document.decode(encoding), encoding == "gb18030"
    raise _no_list()


def _csv_cell(value: str) -> SheetCell:
    return SheetCell(CellKind.FORMULA, without_hidden(value)[:100]) if value.startswith("=") else _text(value)


def _listed(
    rows: Iterable[tuple[int, Iterable[SheetCell]]], hidden: tuple[str, ...], *, guessed: bool = False
) -> ReadSheet:
    """The first filled row has the headings."""
    found: list[SheetRow] = []
    for number, row in rows:
        joined = _joined(list(row))
        if joined:
            found.append(SheetRow(number, joined))
        if len(found) > MOST_ROWS + 1 or number > _MOST_SCANNED:
            raise DocumentRefused(
                "too-many-rows",
                "The list has more than {most} filled rows; divide it into several.",
                most=f"{MOST_ROWS:,}",
            )
    if not found:
        raise DocumentRefused("empty", "The list is empty; fill in a row below the headings.")
    return ReadSheet(found[0], tuple(found[1:]), hidden, guessed)


def _joined(cells: Sequence[SheetCell]) -> str:
    last = max((place for place, each in enumerate(cells) if each is not NOTHING), default=-1)
    return BETWEEN.join(each.kind.value + each.text for each in cells[: last + 1])

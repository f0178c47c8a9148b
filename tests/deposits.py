"""Orders for deposits, as the tests of several packages need them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date
from io import BytesIO

import openpyxl

from appliance.language import Language
from appliance.model.deposits import Creation, DepositedFile, HolderKind, RightsHolder, WorkDetails, WorkKind
from appliance.ownership import DepositOrder
from appliance.ownership.declaration import VERSION
from appliance.ownership.tables import columns_of_table

HOLDER = RightsHolder(HolderKind.ORGANISATION, "甲公司示例有限公司")


def work(
    kind: WorkKind = WorkKind.DRAWING,
    *,
    holder: RightsHolder = HOLDER,
    completed: date | None = date(2026, 11, 1),
    description: str = "",
) -> WorkDetails:
    """What is declared about a work."""
    return WorkDetails(kind, Creation.EMPLOYEE, holder, VERSION, completed, description)


def order_of_digest(title: str, digest: str, name: str = "", size: int | None = None) -> DepositOrder:
    """An order for one file with this digest."""
    return DepositOrder(title, (DepositedFile(name, digest, size),), work())


def file_of(name: str, content: bytes) -> DepositedFile:
    """The file *name* as a browser tells of it."""
    return DepositedFile(name, hashlib.sha256(content).hexdigest(), len(content))


def filled(table: bytes, rows: Mapping[int, Mapping[str, str]] | None = None, **words: str) -> bytes:
    """The *table* (a workbook) with these *words* in every row of the columns of their names, or with those of
    some *rows* alone."""
    columns = [each.name for each in columns_of_table(Language.CHINESE)]
    book, written = openpyxl.load_workbook(BytesIO(table)), BytesIO()
    sheet = book.worksheets[0]
    for row in range(2, sheet.max_row + 1):
        for name, word in (words if rows is None else rows.get(row, {})).items():
            sheet.cell(row, columns.index(name) + 1, word)
    book.save(written)
    return written.getvalue()

"""The contract ledger as a file: a workbook (XLSX) or CSV, a row at a time.

Nothing in it is a formula or a link, whatever people have typed into titles and names.
"""

from __future__ import annotations

import csv
import io
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from appliance.errors import PreconditionRefused, StateRefused
from appliance.language import Translator, instants
from appliance.language.characters import is_computed, plain_cell
from appliance.ledger.disclosure import Audience
from appliance.listing.contract_ledger import ContractLedger, LedgerReader
from appliance.model.contract import EXPONENTS, GUEST_PREFIX, Money
from appliance.model.contract_ledger import LedgerColumn, LedgerFilter
from appliance.model.listing import ListedContract, ListedParty
from appliance.sharing import make_directory

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet


class LedgerFile(StrEnum):
    """The forms of an export; the value is the file's ending."""

    XLSX = "xlsx"
    CSV = "csv"


LABELS: Final = {
    LedgerColumn.NUMBER: "Contract number",
    LedgerColumn.TITLE: "Contract title",
    LedgerColumn.KIND: "Type",
    LedgerColumn.COUNTERPARTIES: "Counterparties",
    LedgerColumn.OURS: "Our parties",
    LedgerColumn.AMOUNT: "Amount",
    LedgerColumn.CURRENCY: "Currency",
    LedgerColumn.STATE: "State",
    LedgerColumn.PROGRESS: "Signing progress",
    LedgerColumn.INITIATOR: "Initiator",
    LedgerColumn.DEPARTMENT: "Department",
    LedgerColumn.CREATED: "Created",
    LedgerColumn.SENT: "Sent",
    LedgerColumn.DEADLINE: "Deadline",
    LedgerColumn.COMPLETED: "Completed at",
    LedgerColumn.EFFECTIVE: "Takes effect",
    LedgerColumn.RENEWAL: "To be renewed or ended by",
    LedgerColumn.EXPIRY: "Ends",
}
"""What the columns are called (message ids)."""

STATES: Final = {
    "draft": "Draft",
    "sent": "Out for signing",
    "signed": "Signed",
    "completed": "Completed",
    "declined": "Declined",
    "recalled": "Recalled",
    "expired": "Expired",
    "discarded": "Thrown away",
    "voided": "Void",
}

MOST_EXPORTED: Final = 200_000
"""Contracts in one file: it is made before its first byte goes out, and the web front waits two minutes."""

Cell = str | date | datetime | Money | None
"""What stands in a cell: instants are aware."""


def counterparties(row: ListedContract, audience: Audience) -> tuple[str, ...]:
    """The other sides of the contract as *audience* sees it: organisations, and people who sign for none."""
    return _names(each for each in row.parties if not _is_of(each, audience))


def own_parties(row: ListedContract, audience: Audience) -> tuple[str, ...]:
    """Who signs for *audience*."""
    return tuple(dict.fromkeys(each.name for each in row.parties if _is_of(each, audience)))


def _is_of(party: ListedParty, audience: Audience) -> bool:
    if not party.organisation:
        return Audience.of(party.subject, party.name, "") == audience
    prefix = GUEST_PREFIX if party.subject.startswith(GUEST_PREFIX) else ""
    return _organisation(prefix, party.organisation) == audience


@lru_cache(maxsize=4096)
def _organisation(prefix: str, organisation: str) -> Audience:
    """The audience of everybody of *organisation* whose subject begins with *prefix*: files name the same ones a
    thousand times."""
    return Audience.of(prefix, "", organisation)


def _names(parties: Iterable[ListedParty]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(party.organisation or party.name for party in parties))


def cell_of(row: ListedContract, column: LedgerColumn, audience: Audience, say: Translator) -> Cell:
    """What *column* has of *row*, in the reader's language."""
    made: Cell
    match column:
        case LedgerColumn.COUNTERPARTIES:
            made = "; ".join(counterparties(row, audience))
        case LedgerColumn.OURS:
            made = "; ".join(own_parties(row, audience))
        case LedgerColumn.CURRENCY:
            made = "" if row.amount is None else row.amount.currency
        case LedgerColumn.STATE:
            made = say(STATES[row.state])
        case LedgerColumn.PROGRESS:
            made = say("{signed} of {all}", signed=row.signed, all=len(row.parties)) if row.parties else ""
        case LedgerColumn.EFFECTIVE | LedgerColumn.RENEWAL | LedgerColumn.EXPIRY:
            made = row.days.get(column.value)
        case _:
            made = getattr(row, column.value)
    return made


@dataclass(frozen=True, slots=True)
class LedgerExport:
    """A file that is made: its bytes from the start, gone from the disk when it is closed; how many ``rows`` and
    bytes (``size``) it has."""

    file: IO[bytes]
    rows: int
    size: int


class LedgerExports:
    """Makes one file at a time, in a folder of temporary files. Thread-safe."""

    def __init__(self, ledger: ContractLedger, folder: Path) -> None:
        self._ledger = ledger
        self._folder = folder
        self._turn = threading.Lock()

    def export(
        self,
        reader: LedgerReader,
        wanted: LedgerFilter,
        columns: Sequence[LedgerColumn],
        form: LedgerFile,
        say: Translator,
    ) -> LedgerExport:
        """All contracts that the filter leaves, with *columns*, in the reader's language and by the clocks of the
        reader's zone; the log has it before anybody does.

        Raises :class:`StateRefused` while another one is made, and as :meth:`ContractLedger.page`."""
        with self._alone():
            make_directory(self._folder)
            file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 -- the caller closes it
            try:
                cells = _Counted(
                    [cell_of(row, column, reader.audience, say) for column in columns]
                    for row in self._ledger.rows(reader, wanted)
                )
                heads = [say(LABELS[column]) for column in columns]
                if form is LedgerFile.XLSX:
                    _write_workbook(file, say("Contract ledger"), heads, columns, cells, reader.zone, self._folder)
                else:
                    _write_csv(file, heads, cells, reader.zone)
                self._ledger.record_export(reader, wanted, form=form, rows=cells.count)
            except BaseException:
                file.close()
                raise
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        return LedgerExport(file, cells.count, size)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if not self._turn.acquire(blocking=False):
            raise StateRefused("Another export of the ledger is being made; try again in a moment.")
        try:
            yield
        finally:
            self._turn.release()


class _Counted:
    """Rows of cells that are counted while they are read."""

    def __init__(self, rows: Iterable[list[Cell]]) -> None:
        self._rows = rows
        self.count = 0

    def __iter__(self) -> Iterator[list[Cell]]:
        for row in self._rows:
            self.count += 1
            if self.count > MOST_EXPORTED:
                raise PreconditionRefused(
                    "A file has at most {most} contracts; narrow the filter.", most=MOST_EXPORTED
                )
            yield row


def _write_csv(file: IO[bytes], heads: Sequence[str], rows: Iterable[list[Cell]], zone: str) -> None:
    """RFC 4180 in UTF-8, with the mark by which spreadsheets know that it is."""
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="", write_through=False)
    table = csv.writer(text, lineterminator="\r\n")
    table.writerow(heads)
    table.writerows([_text(cell, zone) for cell in row] for row in rows)
    text.detach()


def _text(cell: Cell, zone: str) -> str:
    match cell:
        case None:
            return ""
        case datetime():
            return instants.bare(cell, zone)
        case date():
            return cell.isoformat()
        case Money():
            return str(cell.units)
        case _:
            return plain_cell(cell)


_LONGEST_CELL: Final = 32_767
_EXACT: Final = 10**15
"""Numbers in a workbook have fifteen digits; a longer amount is written as text."""

_WIDTHS: Final = {LedgerColumn.TITLE: 40, LedgerColumn.COUNTERPARTIES: 32, LedgerColumn.OURS: 24}
_NARROW: Final = {LedgerColumn.CURRENCY: 8, LedgerColumn.PROGRESS: 12, LedgerColumn.STATE: 12}


def _write_workbook(
    file: IO[bytes],
    name: str,
    heads: Sequence[str],
    columns: Sequence[LedgerColumn],
    rows: Iterable[list[Cell]],
    zone: str,
    folder: Path,
) -> None:
    from xlsxwriter import Workbook  # noqa: PLC0415 -- a worker that exports nothing does not keep it in memory

    options = {
        "constant_memory": True,
        "tmpdir": str(folder),
        "strings_to_formulas": False,
        "strings_to_urls": False,
    }
    with Workbook(file, options) as book:
        sheet = book.add_worksheet(name[:31])
        head = book.add_format({"bold": True, "bottom": 1})
        for place, column in enumerate(columns):
            sheet.set_column(place, place, _WIDTHS.get(column, _NARROW.get(column, 18)))
        sheet.freeze_panes(1, 0)
        for place, text in enumerate(heads):
            sheet.write_string(0, place, text, head)
        write, last = _cell_writer(book, sheet, ZoneInfo(zone)), 0
        for last, row in enumerate(rows, 1):
            for place, cell in enumerate(row):
                write(last, place, cell)
        sheet.autofilter(0, 0, last, len(heads) - 1)


def _cell_writer(book: Workbook, sheet: Worksheet, zone: ZoneInfo) -> Callable[[int, int, Cell], object]:
    """Writes a cell: text stays text, also when somebody edits it later."""
    quoted = book.add_format({"quote_prefix": True})
    moment, day = (
        book.add_format({"num_format": "yyyy-mm-dd hh:mm"}),
        book.add_format({"num_format": "yyyy-mm-dd"}),
    )
    amounts: dict[int, Format] = {
        digits: book.add_format({"num_format": "#,##0" + (f".{'0' * digits}" if digits else "")})
        for digits in sorted(set(EXPONENTS.values()))
    }

    def write(row: int, place: int, cell: Cell) -> object:
        match cell:
            case None | "":
                return None
            case datetime():
                return sheet.write_datetime(row, place, cell.astimezone(zone).replace(tzinfo=None), moment)
            case date():
                return sheet.write_datetime(row, place, cell, day)
            case Money():
                if cell.minor >= _EXACT:
                    return sheet.write_string(row, place, str(cell.units))
                return sheet.write_number(row, place, float(cell.units), amounts[EXPONENTS[cell.currency]])
            case _:
                text = cell[:_LONGEST_CELL]
                return sheet.write_string(row, place, text, quoted if is_computed(text) else None)

    return write

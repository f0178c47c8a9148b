"""The table of a batch of deposits: a row for each, with whose work it is, and the digest of its file."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, TypeVar

from appliance.filled_lists import (
    ListColumn,
    ListFaults,
    SpreadsheetRow,
    plain,
    rows_of_sheet,
    typed_text,
    workbook_to_fill,
)
from appliance.language import Language, translator
from appliance.model.deposits import (
    CREATIONS,
    HOLDER_KINDS,
    WORK_KINDS,
    BatchedDeposit,
    BatchedState,
    Creation,
    Deposit,
    DepositedFile,
    HolderKind,
    RightsHolder,
    WorkDetails,
    WorkKind,
    readable_name,
)
from appliance.ownership.manifest import is_digest
from appliance.ownership.orders import DepositOrder, title_of
from appliance.workbooks import ReadSheet
from hsm.errors import Sentence
from hsm.intents import instant

W = TypeVar("W", WorkKind, Creation, HolderKind)

_WORDS: Final[Mapping[str, Mapping[WorkKind, str] | Mapping[Creation, str] | Mapping[HolderKind, str]]] = {
    "kind": WORK_KINDS,
    "creation": CREATIONS,
    "holder_kind": HOLDER_KINDS,
}

_HEADINGS: Final = {
    "file": "File name",
    "digest": "SHA-256",
    "size": "Bytes",
    "title": "Title",
    "kind": "Kind of work",
    "creation": "How it was made",
    "holder_kind": "Who holds the rights",
    "holder": "Name of the rights holder",
    "completed": "Completed on",
    "description": "Description of the work",
    "predecessor": "Next version of deposit no.",
}
"""The columns by the names of what they say; message ids."""

_EXPLAINED: Final = {
    "file": "As it is to stand on the certificate.",
    "digest": "64 characters; sha256sum FILE prints it.",
    "title": "What is deposited; it stands on the certificate. Empty for the file's name.",
    "holder": "For another person or an organisation, as it is to stand on the certificate.",
    "completed": "Leave it empty for what is not completed.",
    "predecessor": "The number of a deposit of yours, such as 1f0c…, that this is the newer version of.",
}
_NUMBER: Final = re.compile("[0-9]{1,20}")
"""No file has more bytes, and Python reads no number of thousands of digits."""
_REQUIRED: Final = frozenset({"digest", "kind", "creation", "holder_kind"})


@dataclass(slots=True)
class CheckedDeposits(ListFaults):
    """The orders of a batch by their rows, with what is wrong with them."""

    orders: dict[int, DepositOrder] = field(default_factory=dict)
    rows: dict[int, Callable[[str, Sentence], None]] = field(default_factory=dict)
    """Tells what is wrong with a row, at what of it."""


def columns_of_table(language: Language) -> tuple[ListColumn, ...]:
    """The columns of a table in this *language*, which is recognised in the other one, too."""
    said = [translator(each) for each in (language, language.other)]
    return tuple(
        ListColumn(
            name,
            tuple(say(heading) for say in said),
            name in _REQUIRED,
            takes_day=name == "completed",
            choices=tuple(said[0](word) for word in _WORDS.get(name, {}).values()),
            explained=_EXPLAINED.get(name, ""),
            numeric=name == "size",
        )
        for name, heading in _HEADINGS.items()
    )


def table_for(files: Iterable[DepositedFile], before: Mapping[str, str], language: Language) -> bytes:
    """The workbook to fill in, with a row for each of *files*; *before* are deposits by the names of files whose
    next versions these are."""
    rows = [_filled(each, before.get(each.name)) for each in files]
    return workbook_to_fill(columns_of_table(language), language, "Deposits", rows)


def _filled(file: DepositedFile, before: str | None) -> dict[str, str | int]:
    row: dict[str, str | int] = {"file": readable_name(file.name), "digest": file.digest}
    if file.size is not None:
        row["size"] = file.size
    if before is not None:
        row["predecessor"] = before
    return row


def token_name(row: BatchedDeposit) -> str:
    """What the timestamp of a row is called among those of its batch."""
    return f"timestamps/{row.number:05}.tsr"


def list_of_batch(
    rows: Sequence[BatchedDeposit],
    made: Mapping[str, Deposit],
    states: Mapping[BatchedState, str],
    say: Callable[..., str],
) -> bytes:
    """The workbook that says what became of each row of a batch. Nothing in it is taken for a formula."""
    file = io.BytesIO()
    from xlsxwriter import Workbook  # noqa: PLC0415 -- who makes none keeps none in memory

    with Workbook(file, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        sheet = book.add_worksheet(say("Deposits"))
        sheet.set_column(0, 8, 24)
        for place, heading in enumerate(_LISTED):
            sheet.write_string(0, place, say(heading), book.add_format({"bold": True}))
        for line, row in enumerate(rows, 1):
            deposit = made.get(row.deposit) if row.state is BatchedState.MADE else None
            texts = [row.title, readable_name(row.file.name), row.file.digest, states[row.state]]
            if deposit is not None:
                texts += [deposit.id, instant(deposit.at), f"{deposit.entry}", token_name(row)]
            elif row.refusal is not None:
                texts += ["", "", "", "", row.refusal.translated(say)]
            sheet.write_number(line, 0, row.number)
            for place, text in enumerate(texts, 1):
                sheet.write_string(line, place, text)
    return file.getvalue()


_LISTED: Final = (
    *("Row", "Title", "File name", "SHA-256", "State", "Number", "Time", "Log entry", "Timestamp (RFC 3161)"),
    "Reason",
)


def read_table(sheet: ReadSheet, declaration: str, language: Language) -> CheckedDeposits:
    """The orders in *sheet*, made with this version of the *declaration*, and the cells that say nothing of
    use."""
    found = CheckedDeposits()
    for row in rows_of_sheet(sheet, columns_of_table(language), found):
        order = _Row(row, found, translator(language)).order(declaration)
        found.rows[row.number] = _teller(found, row)
        if row.number not in found.bad:
            found.orders[row.number] = order
    return found


def _teller(found: CheckedDeposits, row: SpreadsheetRow) -> Callable[[str, Sentence], None]:
    columns = {"files": "digest", "name": "file"}
    return lambda part, sentence: found.add(row.problem(columns.get(part, part), sentence))


class _Row:
    """One row of the table."""

    def __init__(self, row: SpreadsheetRow, found: CheckedDeposits, say: Callable[[str], str]) -> None:
        self._row, self._found, self._say = row, found, say

    def order(self, declaration: str) -> DepositOrder:
        """What the row says; of no use where a problem was added."""
        digest = "".join(self._text("digest").split()).lower()
        file = DepositedFile(self._text("file"), digest, self._size())
        if not is_digest(digest):
            self._problem("digest", "A SHA-256 has 64 characters of 0–9 and a–f; sha256sum FILE prints it.")
        holds = self._word("holder_kind", HOLDER_KINDS, HolderKind.DEPOSITOR)
        work = WorkDetails(
            kind=self._word("kind", WORK_KINDS, WorkKind.OTHER),
            creation=self._word("creation", CREATIONS, Creation.ORIGINAL),
            holder=RightsHolder(holds, self._text("holder")),
            declaration=declaration,
            completed=self._day(),
            description=self._text("description"),
        )
        title = self._text("title") or title_of("", file)
        return DepositOrder(title, (file,), work, self._text("predecessor").lower() or None)

    def _text(self, name: str) -> str:
        return typed_text(self._row, name, self._found, takes_day=name == "completed") or ""

    def _word(self, name: str, words: Mapping[W, str], otherwise: W) -> W:
        typed, says = plain(self._text(name)), [translator(each) for each in Language]
        known = {plain(say(text)): word for word, text in words.items() for say in says}
        if typed in known:
            return known[typed]
        choices = " / ".join(map(self._say, words.values()))
        self._problem(name, "Choose one of these: {choices}", choices=choices)
        return otherwise

    def _size(self) -> int | None:
        typed = self._text("size").replace(",", "")
        known = _NUMBER.fullmatch(typed) is not None
        if typed and not known:
            self._problem("size", "The size is a whole number of bytes; leave it empty if you do not know it.")
        return int(typed) if known else None

    def _day(self) -> date | None:
        typed = self._text("completed")
        try:
            return date.fromisoformat(typed) if typed else None
        except ValueError:
            self._problem("completed", "A date as year-month-day, such as 2026-12-31.")
            return None

    def _problem(self, name: str, template: str, **values: object) -> None:
        self._found.add(self._row.problem(name, Sentence(template, values)))

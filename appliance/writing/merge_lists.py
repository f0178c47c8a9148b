"""The list of a mail merge: its columns, the workbook that people fill in, and what its rows say.

The headings are those of the template's fields and of whoever signs for the other side; a list in either language
is understood. Every fault names its row and column, and what to do; nothing is made of a list that has one.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from appliance.language import Language, translator
from appliance.model.mail_merge import ListProblem, MergeRow, RowState
from appliance.model.writing import MergeField, MergeFieldKind, Template
from appliance.workbooks import NOTHING, ReadSheet, SheetCell, name_of_cell
from appliance.writing.merge_rows import LANGUAGES, REQUIRED, CheckedList, note_repeated, plain, read_row
from hsm.errors import Sentence

if TYPE_CHECKING:
    from xlsxwriter import Workbook

_VALIDATED: Final = 10_000
"""Rows in which the workbook offers choices."""

_OWN: Final = {
    "name": "Name",
    "organisation": "Organisation",
    "email": "E-mail",
    "phone": "Telephone",
    "language": "Language",
    "title": "Title of the contract",
    "amount": "Amount (CNY)",
    "deadline": "Sign until",
}
"""Columns that every list has, by the name of what they say; message ids."""

_EXPLAINED: Final = {
    "name": "Who signs for the other side, as in their identity document.",
    "organisation": "Whom they sign for; empty for somebody who signs for themselves.",
    "email": "The link to the contract goes there.",
    "phone": "At which you tell them the code.",
    "language": "Of their mails and pages; empty for yours.",
    "title": "Empty for the name of the template, with the organisation or name behind it.",
    "amount": "What the contract is worth; empty when it names no amount.",
    "deadline": "A day, until the end of work; empty for two weeks.",
}


@dataclass(frozen=True, slots=True)
class ListColumn:
    """``headings`` in which it is recognised, the writer's language first; ``field`` for one of the template's."""

    name: str
    headings: tuple[str, ...]
    required: bool
    field: MergeField | None = None

    @property
    def takes_day(self) -> bool:
        """Whether its cells are dates."""
        return self.name == "deadline" or (self.field is not None and self.field.kind is MergeFieldKind.DATE)

    @property
    def choices(self) -> list[str]:
        """What a spreadsheet program offers in its cells."""
        if self.name == "language":
            return list(LANGUAGES)
        if self.field is None:
            return []
        return ["是", "否"] if self.field.kind is MergeFieldKind.YES_NO else list(self.field.choices)


def columns_of(template: Template, language: Language) -> tuple[ListColumn, ...]:
    """The columns of a list for *template*; a field that is called like another column has its name behind."""
    said = [translator(each) for each in (language, language.other)]
    own = [
        ListColumn(name, tuple(say(heading) for say in said), name in REQUIRED) for name, heading in _OWN.items()
    ]
    taken = {plain(heading) for each in own for heading in each.headings}
    found = []
    for each in template.current.asked:
        heading = each.label if plain(each.label) not in taken else f"{each.label} [{each.name}]"
        taken.add(plain(heading))
        found.append(ListColumn(f"field {each.name}", (heading,), each.required, each))
    return (*own, *found)


def blank_workbook(template: Template, language: Language) -> bytes:
    """The workbook to fill in, with explanations in both languages on a second sheet."""
    file = io.BytesIO()
    columns = columns_of(template, language)
    from xlsxwriter import Workbook  # noqa: PLC0415 -- who makes none keeps none in memory

    with Workbook(file, {"in_memory": True, "strings_to_formulas": False}) as book:
        say = translator(language)
        sheet = book.add_worksheet(say("Contracts"))
        head = {"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"}
        plain, needed = book.add_format(head), book.add_format(head | {"bg_color": "#FBE9E4"})
        text, day = book.add_format({"num_format": "@"}), book.add_format({"num_format": "yyyy-mm-dd"})
        for place, each in enumerate(columns):
            amount = each.name == "amount" or (
                each.field is not None and each.field.kind in (MergeFieldKind.MONEY, MergeFieldKind.NUMBER)
            )
            sheet.set_column(place, place, 18, day if each.takes_day else None if amount else text)
            sheet.write_string(0, place, each.headings[0], needed if each.required else plain)
            if each.choices and len(",".join(each.choices)) <= 255:
                offered = {"validate": "list", "source": each.choices}
                sheet.data_validation(1, place, _VALIDATED, place, offered)
        sheet.freeze_panes(1, 0)
        _explain(book, columns, language)
    return file.getvalue()


def _explain(book: Workbook, columns: Sequence[ListColumn], language: Language) -> None:
    sheet = book.add_worksheet("说明 Explanations")
    wrapped, bold = book.add_format({"text_wrap": True, "valign": "top"}), book.add_format({"bold": True})
    sheet.set_column(0, 0, 24, wrapped)
    sheet.set_column(1, 2, 60, wrapped)
    for place, tongue in enumerate((language, language.other), 1):
        say = translator(tongue)
        sheet.write_string(0, place, say("Explanation"), bold)
        for row, each in enumerate(columns, 1):
            sheet.write_string(row, 0, each.headings[0], bold)
            told = [each.field.help] if each.field is not None and each.field.help else []
            told += [say(_EXPLAINED[each.name])] if each.name in _EXPLAINED else []
            told += [say("Has to be filled in.") if each.required else say("May be empty.")]
            told += [say("A date, such as 2026-12-31.")] if each.takes_day else []
            told += [say("One of: {choices}", choices=" / ".join(each.choices))] if each.choices else []
            sheet.write_string(row, place, ("" if tongue is Language.CHINESE else " ").join(told))


def checked_list(
    sheet: ReadSheet, template: Template, language: Language, today: date, *, referenced: bool = False
) -> CheckedList:
    """What *sheet* says, and all that is wrong with it; *referenced*: it may have a column of references."""
    found = CheckedList()
    columns = columns_of(template, language)
    if referenced:
        columns += (ListColumn("reference", tuple(translator(each)("Reference") for each in Language), False),)
    placed = _placed(sheet, columns, found)
    remarks = [
        Sentence("The sheet “{name}” is hidden and was not read.", {"name": each[:60]}) for each in sheet.hidden
    ]
    if sheet.guessed:
        remarks.append(Sentence("The file does not say how its letters are written: check the names in all rows."))
    found.remarks += [ListProblem(0, "", "", each) for each in remarks]
    if found.problems:
        return found
    if not sheet.rows:
        found.add(ListProblem(2, "", "", Sentence("The list is empty; fill in a row below the headings.")))
    for row in sheet.rows:
        cells = row.cells()
        told = {name: cells[place] if place < len(cells) else NOTHING for name, (place, _) in placed.items()}
        read_row(found, _SheetRow(row.number, told, placed), template, today)
    note_repeated(found)
    return found


@dataclass(frozen=True, slots=True)
class _SheetRow:
    """A row of a spreadsheet, with its columns where they are placed."""

    number: int
    cells: Mapping[str, SheetCell]
    placed: Mapping[str, tuple[int, ListColumn]]
    unreadable: frozenset[str] = frozenset()

    def problem(self, name: str, sentence: Sentence) -> ListProblem:
        if name not in self.placed:
            return ListProblem(self.number, name, "", sentence)
        place, column = self.placed[name]
        return ListProblem(self.number, column.headings[0], name_of_cell(place, self.number), sentence)


def _placed(
    sheet: ReadSheet, columns: Sequence[ListColumn], found: CheckedList
) -> dict[str, tuple[int, ListColumn]]:
    """Where each column stands, by its name; headings that are missing, unknown or there twice are problems."""
    known = {plain(heading): each for each in columns for heading in each.headings}
    placed: dict[str, tuple[int, ListColumn]] = {}
    number = sheet.headings.number

    def problem(place: int, heading: str, template: str, **values: object) -> None:
        cell = name_of_cell(place, number) if place >= 0 else ""
        found.add(ListProblem(number, heading, cell, Sentence(template, values)))

    for place, cell in enumerate(sheet.headings.cells()):
        heading = cell.text[:60]
        if cell is NOTHING or not heading:
            continue
        column = known.get(plain(cell.text))
        if column is None:
            problem(
                place, heading, "There is no column of this name; take it out, or write it as in the workbook."
            )
        elif column.name in placed:
            problem(place, heading, "This column is there twice; keep one of them.")
        else:
            placed[column.name] = (place, column)
    for each in columns:
        if each.required and each.name not in placed:
            problem(
                -1, each.headings[0], "This column is missing; add it to the headings in row {row}.", row=number
            )
    return placed


def report_workbook(rows: Sequence[MergeRow], say: Callable[..., str], address: Callable[[str], str]) -> bytes:
    """What became of each row; *address* is that of a contract's page. Nothing in it is taken for a formula."""
    file = io.BytesIO()
    from xlsxwriter import Workbook  # noqa: PLC0415 -- as above

    with Workbook(file, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        sheet = book.add_worksheet(say("Contracts"))
        sheet.set_column(0, 7, 24)
        headings = (
            "Row",
            "Name",
            "Organisation",
            "E-mail",
            "Title of the contract",
            "State",
            "Address of the contract",
            "Reason",
        )
        for place, heading in enumerate(headings):
            sheet.write_string(0, place, say(heading), book.add_format({"bold": True}))
        for line, row in enumerate(rows, 1):
            said = row.refusal or row.remark
            texts = (
                row.entry.guest.name,
                row.entry.guest.organisation,
                row.entry.guest.email,
                row.entry.title,
                say(ROW_STATES[row.state]),
                address(row.contract) if row.contract else "",
                said.translated(say) if said else "",
            )
            sheet.write_number(line, 0, row.number)
            for place, text in enumerate(texts, 1):
                sheet.write_string(line, place, text)
    return file.getvalue()


ROW_STATES: Final = {
    RowState.WAITING: "not made yet",
    RowState.MAKING: "is being made",
    RowState.DRAFT: "draft",
    RowState.SENT: "sent out",
    RowState.FAILED: "not made",
    RowState.CANCELLED: "cancelled",
}
"""What a row's state is called, message ids."""

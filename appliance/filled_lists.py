"""Lists that people fill in with a spreadsheet program, of whatever: the workbook with its columns, which column
of a filled one is which, and what its cells say. Every fault names row and column, and what to do.

A list is understood in either language, whichever its headings are in.
"""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from appliance.confinement.jobs import LISTS
from appliance.confinement.pool import Confinement
from appliance.language import Language, translator
from appliance.model.mail_merge import ListProblem
from appliance.workbooks import NOTHING, CellKind, ReadSheet, SheetCell, name_of_cell
from hsm.errors import Sentence

if TYPE_CHECKING:
    from xlsxwriter import Workbook

MOST_FAULTS: Final = 1_000
"""Faults that are told one by one: who has more mends them by a rule, not by hand."""

_VALIDATED: Final = 10_000
"""Rows in which the workbook offers choices."""

_DAY: Final = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")


@dataclass(frozen=True, slots=True)
class ListColumn:
    """``headings`` in which it is recognised, the writer's language first. ``choices`` are what a spreadsheet
    program offers in its cells, ``help`` and ``explained`` (a message id) what the workbook says of it;
    ``numeric`` cells are no texts."""

    name: str
    headings: tuple[str, ...]
    required: bool
    takes_day: bool = False
    choices: tuple[str, ...] = ()
    help: str = ""
    explained: str = ""
    numeric: bool = False


@dataclass(slots=True, kw_only=True)
class ListFaults:
    """The ``problems`` that stop a list, of which there are ``total``, and the rows that have one (``bad``)."""

    problems: list[ListProblem] = field(default_factory=list)
    bad: set[int] = field(default_factory=set)
    total: int = 0

    def runs(self) -> list[tuple[ListProblem, ListProblem]]:
        """The first and the last of the ``problems`` that are the same in a column, row after row: a column that
        was left empty is one thing to mend."""
        found: dict[str, list[tuple[ListProblem, ListProblem]]] = {}
        for each in self.problems:
            runs = found.setdefault(each.column, [])
            if runs and runs[-1][1].row == each.row - 1 and runs[-1][1].sentence == each.sentence:
                runs[-1] = (runs[-1][0], each)
            else:
                runs.append((each, each))
        return sorted((run for runs in found.values() for run in runs), key=lambda run: run[0].row)

    def add(self, problem: ListProblem) -> None:
        """One problem more; only the first :data:`MOST_FAULTS` are kept, all are counted."""
        self.total += 1
        self.bad.add(problem.row)
        if len(self.problems) < MOST_FAULTS:
            self.problems.append(problem)


class ListRow(Protocol):
    """A row with its ``cells`` by the names of their columns; what is not there is not said."""

    @property
    def number(self) -> int: ...

    @property
    def cells(self) -> Mapping[str, SheetCell]: ...

    def problem(self, name: str, sentence: Sentence) -> ListProblem:
        """The fault at the cell of this *name*."""
        ...


@dataclass(frozen=True, slots=True)
class SpreadsheetRow:
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


def read_list(cache: Path, document: bytes) -> ReadSheet:
    """The list in *document*, read in confinement. Raises :class:`DocumentRefused`."""
    with Confinement(cache, warm=1, jobs=LISTS, warm_up=()) as confinement:
        return confinement.process(ReadSheet, "workbook.read", document=document)


def rows_of_sheet(sheet: ReadSheet, columns: Sequence[ListColumn], found: ListFaults) -> Iterable[SpreadsheetRow]:
    """The rows of *sheet* by its *columns*. To *found* goes what is wrong with the headings, without which there
    are no rows, and that there is no row."""
    placed = _placed(sheet, columns, found)
    if found.problems:
        return ()
    if not sheet.rows:
        found.add(ListProblem(2, "", "", Sentence("The list is empty; fill in a row below the headings.")))
    return (
        SpreadsheetRow(
            row.number,
            {name: cells[place] if place < len(cells) else NOTHING for name, (place, _) in placed.items()},
            placed,
        )
        for row in sheet.rows
        for cells in [row.cells()]
    )


def _placed(
    sheet: ReadSheet, columns: Sequence[ListColumn], found: ListFaults
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


def plain(heading: str) -> str:
    """*heading* without what people write differently."""
    return "".join(unicodedata.normalize("NFKC", heading).casefold().split()).rstrip("*")


def typed_text(row: ListRow, name: str, found: ListFaults, *, takes_day: bool) -> str | None:
    """What is typed in the cell *name*, a day as ``2026-12-31``; None where it cannot be known, which *found*
    tells then."""
    cell = row.cells.get(name, NOTHING)

    def refused(template: str, **values: object) -> str | None:
        found.add(row.problem(name, Sentence(template, values)))
        return None

    if cell.kind is CellKind.FORMULA:
        where = row.problem(name, Sentence("")).cell
        return refused(
            "There is a formula in {cell}. Put its result there: copy, then paste as values.", cell=where
        )
    if cell.kind is CellKind.FAULT:
        return refused("There is a fault of the spreadsheet program, such as #REF!.")
    if not takes_day:
        return cell.text.replace("T", " ") if cell.kind is CellKind.DATE else cell.text
    if cell.kind is CellKind.NUMBER:
        wrong = "{number} is a number, not a date. Format the cell as a date, or type 2026-12-31."
        return refused(wrong, number=cell.text)
    return _day(cell)


def _day(cell: SheetCell) -> str:
    if cell.kind is CellKind.DATE:
        return cell.text.partition("T")[0]
    written = _DAY.fullmatch(unicodedata.normalize("NFKC", cell.text).strip())
    if written is None:
        return cell.text
    year, month, day = (int(each) for each in written.groups())
    return f"{year:04}-{month:02}-{day:02}"


def workbook_to_fill(
    columns: Sequence[ListColumn], language: Language, title: str, filled: Iterable[Mapping[str, str | int]] = ()
) -> bytes:
    """The workbook to fill in, its first sheet called *title* (a message id), with explanations in both
    languages on a second one. *filled* is what stands in its rows already, by the names of the columns."""
    file = io.BytesIO()
    from xlsxwriter import Workbook  # noqa: PLC0415 -- who makes none keeps none in memory

    with Workbook(file, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        sheet = book.add_worksheet(translator(language)(title))
        head = {"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"}
        usual, needed = book.add_format(head), book.add_format(head | {"bg_color": "#FBE9E4"})
        text, day = book.add_format({"num_format": "@"}), book.add_format({"num_format": "yyyy-mm-dd"})
        for place, each in enumerate(columns):
            sheet.set_column(place, place, 18, day if each.takes_day else None if each.numeric else text)
            sheet.write_string(0, place, each.headings[0], needed if each.required else usual)
            if each.choices and len(",".join(each.choices)) <= 255:
                offered = {"validate": "list", "source": list(each.choices)}
                sheet.data_validation(1, place, _VALIDATED, place, offered)
        places = {each.name: place for place, each in enumerate(columns)}
        for line, row in enumerate(filled, 1):
            for name, value in row.items():
                write = sheet.write_number if isinstance(value, int) else sheet.write_string
                write(line, places[name], value)
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
            told = [each.help] if each.help else []
            told += [say(each.explained)] if each.explained else []
            told += [say("Has to be filled in.") if each.required else say("May be empty.")]
            told += [say("A date, such as 2026-12-31.")] if each.takes_day else []
            told += [say("One of: {choices}", choices=" / ".join(each.choices))] if each.choices else []
            sheet.write_string(row, place, ("" if tongue is Language.CHINESE else " ").join(told))

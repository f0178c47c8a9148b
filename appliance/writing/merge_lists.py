"""The list of a mail merge: its columns, the workbook that people fill in, and what its rows say.

The headings are those of the template's fields and of whoever signs for the other side; a list in either language
is understood. Every fault names its row and column, and what to do; nothing is made of a list that has one.
"""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Final

from appliance.contact_details import email_address, organisation_name, person_name, telephone_number
from appliance.contracts.draft_rules import FARTHEST_YEARS, TOO_FAR
from appliance.errors import PreconditionRefused
from appliance.language import Language, translator
from appliance.language.characters import words
from appliance.model.contract import GuestDetails
from appliance.model.mail_merge import MergeEntry, MergeRow, RowState
from appliance.model.writing import MergeField, MergeFieldKind, Template
from appliance.money import NotAnAmount, read_money
from appliance.workbooks import NOTHING, CellKind, ReadSheet, SheetCell, name_of_cell
from appliance.writing.merge_fields import NO, YES, WrongValue, accepted
from hsm.errors import Sentence

if TYPE_CHECKING:
    from xlsxwriter import Workbook

CURRENCY: Final = "CNY"
"""Of the amount for which the contract is registered."""

_LONGEST_TITLE: Final = 200
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
_REQUIRED: Final = frozenset({"name", "email"})
_LANGUAGES: Final = {"中文": Language.CHINESE, "English": Language.ENGLISH}
_ANSWERS: Final = {"是": YES, "yes": YES, "y": YES, "否": NO, "no": NO, "n": NO}
_DAY: Final = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")


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
            return list(_LANGUAGES)
        if self.field is None:
            return []
        return ["是", "否"] if self.field.kind is MergeFieldKind.YES_NO else list(self.field.choices)


@dataclass(frozen=True, slots=True)
class ListProblem:
    """What is wrong, or worth knowing, at ``row`` (from 1) and ``column`` (its heading; empty for the row)."""

    row: int
    column: str
    cell: str
    sentence: Sentence


@dataclass(slots=True)
class CheckedList:
    """Rows by their number, with the ``problems`` that stop the list, and ``remarks``, which do not."""

    entries: dict[int, MergeEntry] = field(default_factory=dict)
    problems: list[ListProblem] = field(default_factory=list)
    remarks: list[ListProblem] = field(default_factory=list)


def columns_of(template: Template, language: Language) -> tuple[ListColumn, ...]:
    """The columns of a list for *template*; a field that is called like another column has its name behind."""
    said = [translator(each) for each in (language, language.other)]
    own = [
        ListColumn(name, tuple(say(heading) for say in said), name in _REQUIRED) for name, heading in _OWN.items()
    ]
    taken = {_plain(heading) for each in own for heading in each.headings}
    found = []
    for each in template.current.asked:
        heading = each.label if _plain(each.label) not in taken else f"{each.label} [{each.name}]"
        taken.add(_plain(heading))
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


def checked_list(sheet: ReadSheet, template: Template, language: Language, today: date) -> CheckedList:
    """What *sheet* says, and all that is wrong with it."""
    found = CheckedList()
    columns = columns_of(template, language)
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
        found.problems.append(
            ListProblem(2, "", "", Sentence("The list is empty; fill in a row below the headings."))
        )
    for row in sheet.rows:
        reader = _RowReader(row.number, row.cells(), placed, found)
        entry = reader.entry(template, today)
        if entry is not None:
            found.entries[row.number] = entry
    _note_repeated(found)
    return found


def _placed(
    sheet: ReadSheet, columns: Sequence[ListColumn], found: CheckedList
) -> dict[str, tuple[int, ListColumn]]:
    """Where each column stands, by its name; headings that are missing, unknown or there twice are problems."""
    known = {_plain(heading): each for each in columns for heading in each.headings}
    placed: dict[str, tuple[int, ListColumn]] = {}
    number = sheet.headings.number

    def problem(place: int, heading: str, template: str, **values: object) -> None:
        cell = name_of_cell(place, number) if place >= 0 else ""
        found.problems.append(ListProblem(number, heading, cell, Sentence(template, values)))

    for place, cell in enumerate(sheet.headings.cells()):
        heading = cell.text[:60]
        if cell is NOTHING or not heading:
            continue
        column = known.get(_plain(cell.text))
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


def _plain(heading: str) -> str:
    return "".join(unicodedata.normalize("NFKC", heading).casefold().split()).rstrip("*")


class _RowReader:
    """One row."""

    def __init__(
        self,
        number: int,
        cells: Sequence[SheetCell],
        placed: Mapping[str, tuple[int, ListColumn]],
        found: CheckedList,
    ) -> None:
        self._number = number
        self._cells = cells
        self._placed = placed
        self._found = found
        self._wrong = False

    def entry(self, template: Template, today: date) -> MergeEntry | None:
        """What the row says; None where something is wrong with it."""
        name, organisation = self._own("name", person_name), self._own("organisation", organisation_name)
        email, phone = self._own("email", email_address), self._own("phone", telephone_number)
        language = self._own("language", _language)
        guest = GuestDetails(name, organisation, email, phone, Language(language) if language else None)
        title = self._own("title", _title) or f"{template.name} {organisation or name}"[:_LONGEST_TITLE].strip()
        amount = self._own("amount", _amount)
        deadline = self._own("deadline", lambda typed: _deadline(typed, today))
        values = {each.name: self._value(f"field {each.name}", each) for each in template.current.asked}
        return None if self._wrong else MergeEntry(title, guest, values, amount, deadline)

    def _cell(self, name: str) -> tuple[SheetCell, int, ListColumn] | None:
        if name not in self._placed:
            return None
        place, column = self._placed[name]
        return (self._cells[place] if place < len(self._cells) else NOTHING), place, column

    def _own(self, name: str, rule: Callable[[str], str]) -> str:
        at = self._cell(name)
        if at is None:
            return ""
        typed = self._text(*at)
        if typed is None:
            return ""
        if not typed:
            if at[2].required:
                self._problem(at[1], at[2], Sentence("This has to be filled in."))
            return ""
        try:
            return rule(typed)
        except PreconditionRefused as refusal:
            self._problem(at[1], at[2], Sentence(refusal.template, refusal.values))
            return ""

    def _value(self, name: str, known: MergeField) -> str:
        at = self._cell(name)
        typed = "" if at is None else self._text(*at)
        if typed is None:
            return ""
        if not typed:
            typed = known.default
        try:
            answer = _ANSWERS.get(typed.casefold(), typed) if known.kind is MergeFieldKind.YES_NO else typed
            return accepted(known, answer)
        except WrongValue as wrong:
            place, column = (0, ListColumn(name, (known.label,), True)) if at is None else at[1:]
            self._problem(place, column, wrong.sentence)
            return ""

    def _text(self, cell: SheetCell, place: int, column: ListColumn) -> str | None:
        """What is typed there; None where it cannot be known."""
        if cell.kind is CellKind.FORMULA:
            wrong = "There is a formula in {cell}. Put its result there: copy, then paste as values."
            self._problem(place, column, Sentence(wrong, {"cell": name_of_cell(place, self._number)}))
            return None
        if cell.kind is CellKind.FAULT:
            self._problem(place, column, Sentence("There is a fault of the spreadsheet program, such as #REF!."))
            return None
        if column.takes_day:
            return self._day(cell, place, column)
        if cell.kind is CellKind.DATE and not (column.field and column.field.kind is MergeFieldKind.DATE):
            return cell.text.replace("T", " ")
        return cell.text

    def _day(self, cell: SheetCell, place: int, column: ListColumn) -> str | None:
        if cell.kind is CellKind.NUMBER:
            wrong = "{number} is a number, not a date. Format the cell as a date, or type 2026-12-31."
            self._problem(place, column, Sentence(wrong, {"number": cell.text}))
            return None
        if cell.kind is CellKind.DATE:
            return cell.text.partition("T")[0]
        written = _DAY.fullmatch(unicodedata.normalize("NFKC", cell.text).strip())
        if written is None:
            return cell.text
        year, month, day = (int(each) for each in written.groups())
        return f"{year:04}-{month:02}-{day:02}"

    def _problem(self, place: int, column: ListColumn, sentence: Sentence) -> None:
        self._wrong = True
        cell = name_of_cell(place, self._number)
        self._found.problems.append(ListProblem(self._number, column.headings[0], cell, sentence))


def _language(typed: str) -> str:
    spoken = {_plain(name): code for name, code in _LANGUAGES.items()} | {each.value: each for each in Language}
    found = spoken.get(_plain(typed))
    if found is None:
        raise PreconditionRefused("Write 中文 or English, or leave it empty.")
    return found.value


def _title(typed: str) -> str:
    title = words(typed)
    if len(title) > _LONGEST_TITLE:
        raise PreconditionRefused("The title is too long; {most} characters are possible.", most=_LONGEST_TITLE)
    return title


def _amount(typed: str) -> str:
    try:
        read_money(typed, CURRENCY)
    except NotAnAmount as error:
        raise PreconditionRefused("An amount in digits, such as 1000000 or 99.50.") from error
    return typed


def _deadline(typed: str, today: date) -> str:
    try:
        day = date.fromisoformat(typed)
    except ValueError as error:
        raise PreconditionRefused("A date as year-month-day, such as 2026-12-31.") from error
    if day <= today:
        raise PreconditionRefused("This day has passed, or is today; choose a later one.")
    if day.year - today.year > FARTHEST_YEARS:
        raise PreconditionRefused(TOO_FAR, years=FARTHEST_YEARS)
    return day.isoformat()


def _note_repeated(found: CheckedList) -> None:
    """The same person twice is no fault: they may sign two contracts."""
    first: dict[tuple[str, str], int] = {}
    for number, entry in found.entries.items():
        who = (entry.guest.email.casefold(), _plain(entry.guest.name))
        if who in first:
            said = Sentence("The same person is in row {row} already; both get a contract.", {"row": first[who]})
            found.remarks.append(ListProblem(number, "", "", said))
        first.setdefault(who, number)


def remarks_by_row(found: CheckedList) -> Iterator[tuple[int, MergeEntry, Sentence | None]]:
    """The entries with what is worth knowing of them; the first has what is said of the whole list."""
    said = {each.row: each.sentence for each in found.remarks}
    whole = said.get(0)
    for number, entry in found.entries.items():
        yield number, entry, said.get(number, whole)
        whole = None


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
}
"""What a row's state is called, message ids."""

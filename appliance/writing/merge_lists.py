"""The list of a mail merge: its columns, the workbook that people fill in, and what its rows say.

The headings are those of the template's fields and of whoever signs for the other side; a list in either language
is understood. Every fault names its row and column, and what to do; nothing is made of a list that has one.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from datetime import date
from typing import Final

from appliance.filled_lists import ListColumn, plain, rows_of_sheet, workbook_to_fill
from appliance.language import Language, translator
from appliance.model.mail_merge import ListProblem, MergeRow, RowState
from appliance.model.writing import MergeField, MergeFieldKind, Template
from appliance.workbooks import ReadSheet
from appliance.writing.merge_rows import LANGUAGES, REQUIRED, CheckedList, note_repeated, read_row
from hsm.errors import Sentence

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


def columns_of(template: Template, language: Language) -> tuple[ListColumn, ...]:
    """The columns of a list for *template*; a field that is called like another column has its name behind."""
    said = [translator(each) for each in (language, language.other)]
    own = [
        ListColumn(
            name,
            tuple(say(heading) for say in said),
            name in REQUIRED,
            takes_day=name == "deadline",
            choices=tuple(LANGUAGES) if name == "language" else (),
            explained=_EXPLAINED[name],
            numeric=name == "amount",
        )
        for name, heading in _OWN.items()
    ]
    taken = {plain(heading) for each in own for heading in each.headings}
    found = []
    for each in template.current.asked:
        heading = each.label if plain(each.label) not in taken else f"{each.label} [{each.name}]"
        taken.add(plain(heading))
        found.append(_column_of(each, heading))
    return (*own, *found)


def _column_of(known: MergeField, heading: str) -> ListColumn:
    return ListColumn(
        f"field {known.name}",
        (heading,),
        known.required,
        takes_day=known.kind is MergeFieldKind.DATE,
        choices=("是", "否") if known.kind is MergeFieldKind.YES_NO else tuple(known.choices),
        help=known.help,
        numeric=known.kind in (MergeFieldKind.MONEY, MergeFieldKind.NUMBER),
    )


def blank_workbook(template: Template, language: Language) -> bytes:
    """The workbook to fill in."""
    return workbook_to_fill(columns_of(template, language), language, "Contracts")


def checked_list(
    sheet: ReadSheet, template: Template, language: Language, today: date, *, referenced: bool = False
) -> CheckedList:
    """What *sheet* says, and all that is wrong with it; *referenced*: it may have a column of references."""
    found = CheckedList()
    columns = columns_of(template, language)
    if referenced:
        columns += (ListColumn("reference", tuple(translator(each)("Reference") for each in Language), False),)
    remarks = [
        Sentence("The sheet “{name}” is hidden and was not read.", {"name": each[:60]}) for each in sheet.hidden
    ]
    if sheet.guessed:
        remarks.append(Sentence("The file does not say how its letters are written: check the names in all rows."))
    found.remarks += [ListProblem(0, "", "", each) for each in remarks]
    for row in rows_of_sheet(sheet, columns, found):
        read_row(found, row, template, today)
    note_repeated(found)
    return found


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

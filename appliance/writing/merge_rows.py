"""What the rows of a list say, whether they come as cells or typed: checked alike, by the template's rules."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final, Protocol

from appliance.contact_details import email_address, organisation_name, person_name, telephone_number
from appliance.contracts.draft_rules import FARTHEST_YEARS, TOO_FAR
from appliance.errors import PreconditionRefused
from appliance.filled_lists import ListFaults, ListRow, plain, typed_text
from appliance.language import Language
from appliance.language.characters import without_hidden, words
from appliance.model.contract import GuestDetails
from appliance.model.mail_merge import LIST_ROLE, ListProblem, MergeEntry, TypedParty, TypedRow
from appliance.model.writing import MergeField, MergeFieldKind, Template
from appliance.money import NotAnAmount, read_money
from appliance.signing_methods import SigningMethod
from appliance.workbooks import MOST_LETTERS, MOST_ROWS, NOTHING, CellKind, SheetCell
from appliance.writing.merge_fields import NO, YES, WrongValue, accepted
from hsm.errors import Sentence

CURRENCY: Final = "CNY"
"""Of the amount for which the contract is registered."""

TOO_MANY: Final = "The list has more than {most} filled rows; divide it into several."

MISSING: Final = "This has to be filled in."
REPEATED: Final = "Row {row} has this reference already."
NO_ROLE: Final = "The template has no open role of this name."
NO_FIELD: Final = "The template has no field of this name."

REQUIRED: Final = frozenset({"name", "email"})
LANGUAGES: Final = {"中文": Language.CHINESE, "English": Language.ENGLISH}
_LONGEST_TITLE: Final = 200
_LONGEST_REFERENCE: Final = 200
_ANSWERS: Final = {"是": YES, "yes": YES, "y": YES, "否": NO, "no": NO, "n": NO}


@dataclass(slots=True)
class CheckedList(ListFaults):
    """Rows by their number, with what stops them, and ``remarks``, which stop nothing; ``references`` of
    integrators lead to their rows."""

    entries: dict[int, MergeEntry] = field(default_factory=dict)
    remarks: list[ListProblem] = field(default_factory=list)
    references: dict[str, int] = field(default_factory=dict)


class MergeListRow(ListRow, Protocol):
    """A row whose cells have names: ``name`` of the party, or ``ROLE/name`` of a further one, ``field NAME`` of
    the template's, and others."""

    @property
    def unreadable(self) -> Collection[str]:
        """The names of what is said in a form that nobody can read; that is told already."""
        ...


def read_row(
    found: CheckedList,
    row: MergeListRow,
    template: Template,
    today: date,
    further: Mapping[str, SigningMethod | None] | None = None,
    method: SigningMethod | None = None,
) -> None:
    """Adds to *found* what *row* says, or what is wrong with it. *further* roles are open besides the first,
    each with how its signer is to sign; *method* is that of the first."""
    reader = _RowReader(row, found)
    entry = reader.entry(template, today, further or {}, method)
    reader.note_reference()
    if row.number not in found.bad:
        found.entries[row.number] = entry


class _RowReader:
    """One row."""

    def __init__(self, row: MergeListRow, found: CheckedList) -> None:
        self._row = row
        self._found = found

    def entry(
        self,
        template: Template,
        today: date,
        further: Mapping[str, SigningMethod | None],
        method: SigningMethod | None,
    ) -> MergeEntry:
        """What the row says; of no use where a problem was added."""
        guest = self._guest("", method)
        others = tuple(self._guest(f"{role}/", how) for role, how in further.items())
        called = f"{template.name} {guest.organisation or guest.name}"[:_LONGEST_TITLE].strip()
        title = self._own("title", _title) or called
        amount = self._own("amount", _amount)
        deadline = self._own("deadline", lambda typed: _deadline(typed, today))
        values = {each.name: self._value(f"field {each.name}", each) for each in template.current.asked}
        return MergeEntry(title, guest, values, amount, deadline, others)

    def note_reference(self) -> None:
        """What the integrator calls the row, which no other row is called."""
        reference = self._own("reference", _reference)
        if (
            reference
            and (before := self._found.references.setdefault(reference, self._row.number)) != self._row.number
        ):
            self._problem("reference", REPEATED, row=before)

    def _guest(self, prefix: str, method: SigningMethod | None) -> GuestDetails:
        name, organisation = (
            self._own(f"{prefix}name", person_name),
            self._own(f"{prefix}organisation", organisation_name),
        )
        email, phone = self._own(f"{prefix}email", email_address), self._own(f"{prefix}phone", telephone_number)
        language = self._own(f"{prefix}language", _language)
        spoken = Language(language) if language else None
        return GuestDetails(name, organisation, email, phone, spoken, method=method)

    def _own(self, name: str, rule: Callable[[str], str]) -> str:
        known = name in self._row.cells
        typed = typed_text(self._row, name, self._found, takes_day=name == "deadline") if known else None
        if typed is None:
            return ""
        if not typed:
            if name.rpartition("/")[2] in REQUIRED:
                self._problem(name, MISSING)
            return ""
        try:
            return rule(typed)
        except PreconditionRefused as refusal:
            self._problem(name, refusal.template, **refusal.values)
            return ""

    def _value(self, name: str, known: MergeField) -> str:
        takes_day = known.kind is MergeFieldKind.DATE
        read = name not in self._row.unreadable
        typed = typed_text(self._row, name, self._found, takes_day=takes_day) if read else None
        if typed is None:
            return ""
        typed = typed or known.default
        try:
            answer = _ANSWERS.get(typed.casefold(), typed) if known.kind is MergeFieldKind.YES_NO else typed
            return accepted(known, answer)
        except WrongValue as wrong:
            self._problem(name, wrong.sentence.template, **wrong.sentence.values)
            return ""

    def _problem(self, name: str, template: str, **values: object) -> None:
        self._found.add(self._row.problem(name, Sentence(template, values)))


def _language(typed: str) -> str:
    spoken = {plain(name): code for name, code in LANGUAGES.items()} | {each.value: each for each in Language}
    found = spoken.get(plain(typed))
    if found is None:
        raise PreconditionRefused("Write 中文 or English, or leave it empty.")
    return found.value


def _title(typed: str) -> str:
    title = words(typed)
    if len(title) > _LONGEST_TITLE:
        raise PreconditionRefused("The title is too long; {most} characters are possible.", most=_LONGEST_TITLE)
    return title


def _reference(typed: str) -> str:
    reference = words(typed)
    if len(reference) > _LONGEST_REFERENCE:
        raise PreconditionRefused(
            "The reference is too long; {most} characters are possible.", most=_LONGEST_REFERENCE
        )
    return reference


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


def checked_rows(rows: Sequence[TypedRow], template: Template, today: date) -> CheckedList:
    """What typed *rows* say, numbered from 1, and all that is wrong with them. Raises
    :class:`PreconditionRefused` for none, or too many."""
    if len(rows) > MOST_ROWS:
        raise PreconditionRefused(TOO_MANY, most=f"{MOST_ROWS:,}")
    if not rows:
        raise PreconditionRefused("The batch has no rows.")
    found, roles = CheckedList(), open_roles(template)
    for number, row in enumerate(rows, 1):
        _read_typed(found, (number, row), roles, template, today)
    note_repeated(found)
    return found


def checked_contract(row: TypedRow, template: Template, today: date) -> tuple[MergeEntry | None, CheckedList]:
    """What *row* says for one contract alone, if nothing is wrong with it, and what is. It names nobody where
    the template has no parties, or no open role: of the entry's guests only the open roles' count."""
    found, roles = CheckedList(), [role.name for role in template.current.parties.open_roles]
    _read_typed(found, (1, row), roles, template, today)
    return found.entries.get(1), found


def _read_typed(
    found: CheckedList, numbered: tuple[int, TypedRow], roles: Sequence[str], template: Template, today: date
) -> None:
    """Adds to *found* what a typed row says of who takes *roles*, and all else."""
    number, row = numbered
    told = _TypedCells(number, roles[0] if roles else "")
    told.take(row, roles, {each.name: each for each in template.current.asked}, found)
    methods = [row.parties.get(role, TypedParty()).method for role in roles] or [None]
    read_row(found, told, template, today, dict(zip(roles[1:], methods[1:], strict=True)), methods[0])


def open_roles(template: Template) -> list[str]:
    """The roles that each row names somebody for."""
    parties = template.current.parties
    return [role.name for role in parties.open_roles] if parties.roles else [LIST_ROLE]


class _TypedCells:
    """A typed row as cells."""

    def __init__(self, number: int, first: str) -> None:
        self.number = number
        self.cells: dict[str, SheetCell] = {}
        self.unreadable: set[str] = set()
        self._first = first

    def problem(self, name: str, sentence: Sentence) -> ListProblem:
        return ListProblem(self.number, self._path(name), "", sentence)

    def _path(self, name: str) -> str:
        """Where the typed row has what is called *name*."""
        if name.startswith("field "):
            return f"fields/{name.removeprefix('field ')}"
        if "/" in name:
            return f"parties/{name}"
        return f"parties/{self._first}/{name}" if name in _OF_PARTIES else name

    def take(
        self, row: TypedRow, roles: Sequence[str], known: Mapping[str, MergeField], found: CheckedList
    ) -> None:
        """The cells of *row*; to *found* goes what has no place, or is no value."""
        for role in row.parties.keys() - set(roles):
            self._tell(found, f"{role}/", NO_ROLE)
        for role in roles:
            prefix, party = "" if role == self._first else f"{role}/", row.parties.get(role, TypedParty())
            for name in _OF_PARTIES:
                self.cells[prefix + name] = _cell(getattr(party, name))
        for name in ("title", "amount", "deadline", "reference"):
            self.cells[name] = _cell(getattr(row, name))
        for name, value in row.fields.items():
            if name not in known:
                self._tell(found, f"field {name}", NO_FIELD)
            elif value is None or isinstance(value, str | int | float | Decimal):
                self.cells[f"field {name}"] = _cell(value)
            else:
                self.unreadable.add(f"field {name}")
                self._tell(found, f"field {name}", "A text, a number, or yes or no.")

    def _tell(self, found: CheckedList, name: str, template: str) -> None:
        problem = self.problem(name, Sentence(template))
        found.add(ListProblem(problem.row, problem.column[:200].rstrip("/"), "", problem.sentence))


_OF_PARTIES: Final = ("name", "organisation", "email", "phone", "language")


def _cell(value: object) -> SheetCell:
    if isinstance(value, bool):
        return SheetCell(CellKind.ANSWER, YES if value else NO)
    if isinstance(value, int | float | Decimal):
        return SheetCell(CellKind.NUMBER, f"{Decimal(str(value)):f}")
    shown = without_hidden(value if isinstance(value, str) else "").strip()[: MOST_LETTERS + 1]
    return SheetCell(CellKind.TEXT, shown) if shown else NOTHING


def note_repeated(found: CheckedList) -> None:
    """The same person twice is no fault: they may sign two contracts."""
    first: dict[tuple[str, str], int] = {}
    for number, entry in found.entries.items():
        who = (entry.guest.email.casefold(), plain(entry.guest.name))
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

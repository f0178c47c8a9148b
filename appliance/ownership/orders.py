"""What somebody wants to deposit, and whether it can be: all that a person says of a work is checked here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from appliance.entered_text import require_text
from appliance.errors import PreconditionRefused
from appliance.language.characters import without_hidden, words
from appliance.model.deposits import (
    DepositedFile,
    HolderKind,
    ObtainedDeclaration,
    RightsHolder,
    WorkDetails,
    readable_name,
)
from appliance.model.people import Person
from appliance.ownership.declaration import VERSION
from appliance.ownership.manifest import in_order
from hsm.errors import RefusalError
from hsm.names import LONGEST_ORGANISATION

LONGEST_TITLE: Final = 200
LONGEST_DESCRIPTION: Final = 2000
EARLIEST: Final = date(1000, 1, 1)
"""The first day on which a work can be completed: before, a year was typed wrongly."""

MOST_AT_ONCE: Final = 5_000
"""Deposits of one batch: they are checked while somebody waits, which takes two seconds then, and made
afterwards."""

TOO_MANY: Final = (
    "At most {most} files can be deposited one by one at once; these are {count}. Deposit them together, or in"
    " several rounds."
)

_PLACES: Final = (
    ("rights holder", "holder"),
    ("completion date", "completed"),
    ("description", "description"),
    ("declaration", "declaration"),
    ("title stands", "title"),
    ("The title", "title"),
    ("one by one", "apart"),
    ("one deposit;", "apart"),
    ("exactly this", ""),
    ("batches wait", ""),
    ("newer version", "predecessor"),
    ("next version of", "predecessor"),
    ("The size of", "size"),
    ("The name of", "name"),
)
"""By words of a refusal, what of an order it is about, empty for all of it; all others are about its files."""


@dataclass(frozen=True, slots=True)
class DepositOrder:
    """What somebody deposits: ``files`` in any order; ``predecessor`` is the number of the deposit whose next
    version this is. ``declared`` is what a program says of the declaration; None where the depositor, who is
    signed in, makes it."""

    title: str
    files: tuple[DepositedFile, ...]
    work: WorkDetails
    predecessor: str | None = None
    declared: ObtainedDeclaration | None = None


def accepted(order: DepositOrder, depositor: Person, today: date) -> DepositOrder:
    """*order* as it is recorded: texts without what cannot be seen, files in the manifest's order, a depositor
    who holds the rights by the name in the register. *today* is the depositor's day.

    Raises :class:`PreconditionRefused` for what says too little or too much, or cannot be."""
    require_declaration(order.work.declaration)
    require_obtained(order.declared, today)
    title = words(order.title)
    if not title:
        raise PreconditionRefused("Say in words what is deposited; the title stands on the certificate.")
    if len(title) > LONGEST_TITLE:
        raise PreconditionRefused("The title has at most {most} characters.", most=LONGEST_TITLE)
    return replace(
        order,
        title=title,
        files=in_order(order.files),
        work=replace(
            order.work,
            holder=_holder(order.work.holder, depositor),
            completed=_completed(order.work.completed, today),
            description=_description(order.work.description),
        ),
    )


def require_declaration(version: str) -> None:
    """Raises :class:`PreconditionRefused` for any other than the text that depositors are shown now."""
    if version != VERSION:
        raise PreconditionRefused("Make the declaration first; nothing is deposited without it.")


def require_obtained(declared: ObtainedDeclaration | None, today: date) -> None:
    """Raises :class:`PreconditionRefused` for what was obtained later than *today*."""
    if declared is not None and declared.obtained > today:
        raise PreconditionRefused(
            "The day {day} on which the declaration was obtained is in the future; obtain it first.",
            day=declared.obtained.isoformat(),
        )


def refused_part(refusal: RefusalError) -> str:
    """What of an order the *refusal* is about: ``title``, ``files``, ``predecessor`` and others; empty for all
    of it."""
    return next((part for words, part in _PLACES if words in refusal.template), "files")


def split(order: DepositOrder) -> tuple[DepositOrder, ...]:
    """A batch: each file of *order* as a deposit of its own, with the same data. A file's name follows the
    title.

    Raises :class:`PreconditionRefused` for too many, and for versions."""
    files = in_order(order.files)
    if order.predecessor is not None:
        raise PreconditionRefused(
            "A new version is one deposit; choose to deposit the files together, or fill in a table."
        )
    if len(files) > MOST_AT_ONCE:
        raise PreconditionRefused(TOO_MANY, most=MOST_AT_ONCE, count=len(files))
    return tuple(replace(order, title=title_of(order.title, each), files=(each,)) for each in files)


def title_of(title: str, file: DepositedFile) -> str:
    """The title of a deposit of *file* alone: *title*, if there is one, and the file's name."""
    name = words(readable_name(file.name)).rpartition("/")[2]
    whole = f"{words(title)} · {name}" if words(title) else name
    return whole if len(whole) <= LONGEST_TITLE else f"{whole[: LONGEST_TITLE - 1]}…"


def _holder(holder: RightsHolder, depositor: Person) -> RightsHolder:
    if holder.kind is HolderKind.DEPOSITOR:
        return RightsHolder(holder.kind, depositor.name)
    name = require_text(
        words(holder.name),
        missing="Name the rights holder, as it is to stand on the certificate.",
        too_long="The rights holder's name has at most {most} characters.",
        most=LONGEST_ORGANISATION,
    )
    return RightsHolder(holder.kind, name)


def _completed(day: date | None, today: date) -> date | None:
    if day is not None and day > today:
        raise PreconditionRefused(
            "The completion date {day} is in the future; leave it empty for a work that is not completed.",
            day=day.isoformat(),
        )
    if day is not None and day < EARLIEST:
        raise PreconditionRefused(
            "The completion date needs a year of four digits, such as {day}.", day=today.isoformat()
        )
    return day


def _description(text: str) -> str:
    tidied = without_hidden(text.replace("\r\n", "\n")).strip()
    if len(tidied) > LONGEST_DESCRIPTION:
        raise PreconditionRefused("The description has at most {most} characters.", most=LONGEST_DESCRIPTION)
    return tidied

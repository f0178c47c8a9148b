"""What an action is: its name, who may do it, what it takes, and the sentence that says exactly what it will do.

The console, the command ``vermilion do`` and ``docs/actions.md`` are all made from these values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from appliance.administration.administrators import Administrators
from appliance.config import Settings
from appliance.errors import PreconditionRefused, StateRefused
from appliance.model.administration import Actor, AdministratorRole, AdminRequest, AdminRequestOutcome
from hsm.client import AuthorityClient

if TYPE_CHECKING:
    from appliance.administration.host import HostOperations
    from appliance.wiring import Appliance

LONGEST_TEXT = 500
NOTHING: Final = "—"
"""What stands in a sentence, without marks, where an argument was left out."""

_MARKS = frozenset('"`«»‘“”„‟‹›〝〞〟「」『』﹁﹂﹃﹄＂｢｣″‶❝❞❠⹂ʺ˝ˮ״〃‴⁗🙶🙷🙸\\')
"""What could be taken for a mark of :func:`quoted_argument`, or for the way in which one is written inside.
Apostrophes are not among them: they are in names."""

_DOUBLED = re.compile("['’ʼ′＇]{2,}")
"""Apostrophes of all kinds: two of them look like one mark."""

_NAME = re.compile(r"[a-z]+(\.[a-z]+(_[a-z]+)*)?")


def quoted_argument(value: str) -> str:
    """*value* as it stands in a sentence: between “ and ”. Nothing inside looks like one of these: whatever could
    be taken for a quotation mark is written as its number, so that no argument poses as words of the sentence."""
    doubled = {place for run in _DOUBLED.finditer(value) for place in range(*run.span())}
    inside = "".join(
        f"\\u{ord(each):04x}" if each in _MARKS or place in doubled else each for place, each in enumerate(value)
    )
    return f"“{inside}”"


class ArgumentKind(StrEnum):
    """How an argument is typed. A moment is ISO 8601 with its zone; a secret is never stored."""

    TEXT = "text"
    CHOICE = "choice"
    NUMBER = "number"
    MOMENT = "moment"
    SECRET = "secret"  # noqa: S105  # the name of a kind


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument; ``title`` is a sentence or word of the catalogue."""

    name: str
    title: str
    kind: ArgumentKind = ArgumentKind.TEXT
    required: bool = True
    choices: tuple[str, ...] = ()

    @property
    def is_secret(self) -> bool:
        """Whether it is stored nowhere."""
        return self.kind is ArgumentKind.SECRET

    def checked(self, text: str) -> str:
        """*text* in its one form. Raises :class:`PreconditionRefused` with what is wrong."""
        trimmed = text if self.is_secret else text.strip()
        if not trimmed:
            raise PreconditionRefused("The argument {name} is missing.", name=self.name)
        if len(trimmed) > LONGEST_TEXT or not trimmed.isprintable():
            raise PreconditionRefused(
                "The argument {name} has at most {most} characters, in one line.",
                name=self.name,
                most=LONGEST_TEXT,
            )
        return self._of_kind(trimmed)

    def _of_kind(self, text: str) -> str:
        if self.kind is ArgumentKind.CHOICE and text not in self.choices:
            raise PreconditionRefused(
                "The argument {name} is one of {choices}.", name=self.name, choices=", ".join(self.choices)
            )
        if self.kind is ArgumentKind.NUMBER:
            if not re.fullmatch(r"[0-9]{1,12}", text):
                raise PreconditionRefused("The argument {name} is a whole number.", name=self.name)
            return str(int(text))
        if self.kind is ArgumentKind.MOMENT:
            return _moment(self.name, text)
        return text


def _moment(name: str, text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError):  # the year 1, in a zone whose clock is ahead
        pass
    raise PreconditionRefused(
        "The argument {name} is a moment with its zone, such as 2027-01-31T22:00+08:00.", name=name
    )


AUTHORITY = "authority"
SERVICES = (AUTHORITY, "web", "tsa", "scheduler", "console", "activation")
"""The services that can be started again, by their names without ``vermilion-``."""


@dataclass(frozen=True, slots=True)
class ActionContext:
    """The collaborators of whoever performs, and the ``act`` that is performed. ``opened`` is the appliance in the
    scheduler's process, ``machine`` gives the machine itself where root performs; elsewhere they are None."""

    settings: Settings
    administrators: Administrators
    authority: AuthorityClient
    now: Callable[[], datetime]
    opened: Appliance | None = None
    machine: Callable[[], HostOperations] | None = None
    act: AdminRequest | None = None

    @property
    def appliance(self) -> Appliance:
        """Contracts, mail, the log. Raises :class:`StateRefused` in a process that has none of it."""
        if self.opened is None:
            raise StateRefused("This is done by the scheduler alone.")
        return self.opened

    @property
    def host(self) -> HostOperations:
        """The machine itself. Raises :class:`StateRefused` in a process that may not touch it."""
        if self.machine is None:
            raise StateRefused("This is done by the steward alone.")
        return self.machine()


class ExecutedBy(StrEnum):
    """By whose process an action is performed, since the console can neither reach contracts nor the machine."""

    CONSOLE = "console"
    SCHEDULER = "scheduler"
    PRIVILEGED_HELPER = "steward"


SYSTEM: Final = frozenset({AdministratorRole.SYSTEM})
SECURITY: Final = frozenset({AdministratorRole.SECURITY})
BOTH: Final = SYSTEM | SECURITY

Perform = Callable[[ActionContext, Mapping[str, str], Actor], AdminRequestOutcome]
"""Does it, once; *Actor* is who asked. Raises :class:`ApplianceError` or :class:`AuthorityError`."""


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that an operator may do.

    ``effect`` is the sentence with the arguments as its places that says what it will do, ``undo`` how it is taken
    back. ``who`` may ask for it; without ``approvers`` one person is enough. ``perform`` is called with the
    checked arguments. ``precheck`` raises :class:`PreconditionRefused` when it is asked for, for what would be
    refused then, as far as any process knows that. ``outcome_elsewhere`` finds what came of one that ended the
    process that began it; None while nobody knows. It raises :class:`ApplianceError` for one that failed.
    """

    name: str
    title: str
    effect: str
    who: frozenset[AdministratorRole]
    executed_by: ExecutedBy
    perform: Perform
    undo: str = "Nothing has to be taken back."
    approvers: frozenset[AdministratorRole] = frozenset()
    arguments: tuple[Argument, ...] = ()
    precheck: Callable[[Settings, Mapping[str, str]], None] | None = None
    outcome_elsewhere: Callable[[Settings, AdminRequest], AdminRequestOutcome | None] | None = None

    def __post_init__(self) -> None:
        """Raises ValueError for what cannot be: a secret would have to be stored for a second person."""
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name} is no name of an action")
        if AdministratorRole.AUDITOR in self.who | self.approvers:
            raise ValueError(f"{self.name}: auditors change nothing")
        secret = any(argument.is_secret for argument in self.arguments)
        if secret and (self.approvers or self.executed_by is not ExecutedBy.CONSOLE):
            raise ValueError(f"{self.name}: a secret is not kept for a second person or another process")

    @property
    def persons(self) -> int:
        return 2 if self.approvers else 1

    def checked(self, given: Mapping[str, str]) -> dict[str, str]:
        """The arguments in their one form; optional ones that were left empty are left out.

        Raises :class:`PreconditionRefused` for wrong, missing or unknown ones.
        """
        known = {argument.name for argument in self.arguments}
        unknown = sorted(set(given) - known)
        if unknown:
            raise PreconditionRefused(
                "{action} has no argument {name}; it takes {known}.",
                action=self.name,
                name=unknown[0],
                known=", ".join(sorted(known)) or NOTHING,
            )
        wanted = [each for each in self.arguments if each.required or given.get(each.name, "").strip()]
        return {argument.name: argument.checked(given.get(argument.name, "")) for argument in wanted}

    def checked_without_secrets(self, kept: Mapping[str, str]) -> dict[str, str]:
        """The same for what was *kept* of the arguments: those that are secret are kept nowhere."""
        return replace(self, arguments=tuple(each for each in self.arguments if not each.is_secret)).checked(kept)

    def storable(self, arguments: Mapping[str, str]) -> dict[str, str]:
        """*arguments* without the secret ones."""
        secret = {each.name for each in self.arguments if each.is_secret}
        return {name: value for name, value in arguments.items() if name not in secret}

    def effect_of(self, arguments: Mapping[str, str]) -> tuple[str, dict[str, str]]:
        """The sentence that says what it will do, and its values, each :func:`quoted_argument`."""
        names = [each.name for each in self.arguments if not each.is_secret]
        return self.effect, {
            name: quoted_argument(arguments[name]) if name in arguments else NOTHING for name in names
        }

    def effect_in_english(self, arguments: Mapping[str, str]) -> str:
        """The same as one text, which is what is approved."""
        template, values = self.effect_of(arguments)
        return template.format(**values)

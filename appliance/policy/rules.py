"""Policy: rules by area as values, the same for every type of contract unless its type has others.

``config/policy.toml`` is typed; an unknown or impossible entry stops the start and is named. A table of an area
(``[powers]``) holds for every type of contract. ``[types."采购合同".powers]`` says what is different for one type;
``aliases`` of ``[types."采购合同"]`` lists what else the type is called.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar, get_type_hints

from appliance.errors import ConfigurationError
from hsm.errors import ConfigurationRefused
from hsm.names import name_key
from hsm.settings import checked, number, require, section, sections, tables_of

STEP = re.compile(r"([1-9]\d{0,2})([dh])|overdue")
_DAYS = re.compile(r"\d{1,3}d")
OVERDUE = "overdue"


def _hours(text: str) -> tuple[time, time] | None:
    start, _, end = text.partition("-")
    try:
        begins, ends = time.fromisoformat(start), time.fromisoformat(end)
    except ValueError:
        return None
    return (begins, ends) if begins < ends and begins.tzinfo is None else None


@dataclass(frozen=True, slots=True)
class ReminderRules:
    """``steps``: how long before the signing deadline people are reminded (``7d``, ``2h``), and ``overdue`` at it;
    ``escalate``: those of them at which the initiator hears of what others have not done; ``dates``: the same for
    dates beyond signing, ``0d`` being the day itself. ``grace_hours``: how long after the deadline the initiator
    can still extend it before the contract expires. ``calendar``: whose holidays count. ``working_hours``: in the
    recipient's zone. ``gather_minutes``: the least time between two mails with reminders to one person."""

    FOR_ALL: ClassVar[frozenset[str]] = frozenset({"calendar", "working_hours", "gather_minutes"})

    steps: list[str] = checked(
        ["7d", "3d", "1d", "2h", OVERDUE],
        lambda steps: all(map(STEP.fullmatch, steps)),
        'like ["7d", "2h", "overdue"]',
    )
    escalate: list[str] = field(default_factory=lambda: ["1d", OVERDUE])
    dates: list[str] = checked(
        ["30d", "7d", "0d"], lambda dates: all(map(_DAYS.fullmatch, dates)), 'like ["30d", "7d", "0d"]'
    )
    grace_hours: int = number(0, 0, 24 * 90)
    calendar: str = "cn"
    working_hours: str = checked("09:00-18:00", _hours, 'like "09:00-18:00"')
    gather_minutes: int = number(60, 5, 24 * 60)

    def check(self, name: str) -> None:
        """Raises ConfigurationRefused when ``escalate`` names a step that is not among ``steps``."""
        require(set(self.escalate) <= set(self.steps), f"{name}.escalate", "some of reminders.steps")

    @property
    def grace(self) -> timedelta:
        """How long after its deadline a contract can still be extended."""
        return timedelta(hours=self.grace_hours)

    @property
    def gather(self) -> timedelta:
        """The least time between two mails with reminders to one person."""
        return timedelta(minutes=self.gather_minutes)

    @property
    def hours(self) -> tuple[time, time]:
        return _hours(self.working_hours) or (time(9), time(18))


@dataclass(frozen=True, slots=True)
class SealRules:
    """``custodians``: so many must approve each use, 1 or 2; a seal that takes two takes two whatever stands here.
    ``requester_may_sign``: who asks for a seal may sign the same contract in person as well. ``after_review``: a
    reviewer has signed the content check off before a seal is asked for."""

    custodians: int = checked(1, (1, 2).__contains__, "1 or 2")
    requester_may_sign: bool = True
    after_review: bool = False


@dataclass(frozen=True, slots=True)
class RetentionRules:
    """``years`` a completed or voided contract is kept, counted from its last change; ``ended_years`` one that
    ended unsigned. 0: for ever. ``second_person``: a disposal waits for another officer.

    ``FOR_ALL`` may name fields that no type of contract can change."""

    FOR_ALL: ClassVar[tuple[str, ...]] = ("second_person",)

    years: int = checked(10, range(101).__contains__, "from 0 (for ever) to 100")
    ended_years: int = checked(3, range(101).__contains__, "from 0 (for ever) to 100")
    second_person: bool = True


class ReviewRequirement(StrEnum):
    """What the content check of a contract's text must have come to before it is sent, and before anybody
    signs.
    """

    NOTHING = "nothing"
    """It may go out unreviewed."""
    PASSED = "passed"
    """The check finds nothing missing that is required, or a reviewer has waived it with a reason."""
    SIGNED_OFF = "signed-off"
    """A reviewer has signed the check off."""


@dataclass(frozen=True, slots=True)
class ReviewRules:
    """``before_sending``: what comes first. ``required``, ``advised``: clauses that the text must or should have,
    besides those that the rules of the content check name for the type (keys of the rule files)."""

    before_sending: ReviewRequirement = ReviewRequirement.NOTHING
    required: list[str] = field(default_factory=list)
    advised: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PowerRules:
    """``required``: who signs for an organisation is its legal representative (法定代表人) or has a verified power
    that covers the contract. ``amount_required``: under a power with a limit, a contract that states no amount is
    not covered; else one that states none is taken to have none. ``longest_days``: the longest term of a power."""

    required: bool = False
    amount_required: bool = True
    longest_days: int = number(1096, 1, 3660)


class IdentityRequirement(StrEnum):
    """Who cannot sign without a current identity record."""

    NOBODY = "nobody"
    OUTSIDE = "outside"
    """Representatives from outside, whom somebody of the enterprise has verified and answers for."""
    EVERYBODY = "everybody"


@dataclass(frozen=True, slots=True)
class IdentityRules:
    """``required``: who must have a current identity record to sign. ``longest_days``: a check is good for so many
    days at most, whatever the document says."""

    required: IdentityRequirement = IdentityRequirement.NOBODY
    longest_days: int = number(730, 1, 3650)


@dataclass(frozen=True, slots=True)
class SignatureRules:
    """``passkey_only``: signatures, uses of seals and declarations of voiding are confirmed with a passkey, also
    where the authority takes PIN and code for other contracts."""

    passkey_only: bool = False


@dataclass(frozen=True, slots=True)
class PolicyRules:
    """What holds for one contract: each area's rules, the areas named as the tables of ``config/policy.toml``."""

    identity: IdentityRules = field(default_factory=IdentityRules)
    powers: PowerRules = field(default_factory=PowerRules)
    review: ReviewRules = field(default_factory=ReviewRules)
    seals: SealRules = field(default_factory=SealRules)
    signing: SignatureRules = field(default_factory=SignatureRules)
    reminders: ReminderRules = field(default_factory=ReminderRules)
    retention: RetentionRules = field(default_factory=RetentionRules)


@dataclass(frozen=True, slots=True)
class TypeRules:
    """The rules of one type of contract: ``names`` is what the type is called, its table's name first."""

    names: tuple[str, ...]
    rules: PolicyRules


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of every type: ``default`` holds for each that has no entry in ``types``."""

    default: PolicyRules = field(default_factory=PolicyRules)
    types: tuple[TypeRules, ...] = ()

    def rules_for(self, kind: str) -> PolicyRules:
        """The rules for contracts of the type *kind*, in the initiator's words (``Contract.kind``)."""
        return next((each.rules for each in self.types if self._is(each, kind)), self.default)

    def names_for(self, kind: str) -> tuple[str, ...]:
        """What the type *kind* is called: all names of its entry, or the word itself."""
        return next((each.names for each in self.types if self._is(each, kind)), (kind,))

    @staticmethod
    def _is(entry: TypeRules, kind: str) -> bool:
        return name_key(kind) in map(name_key, entry.names)


TYPES, ALIASES = "types", "aliases"


def load_policy(path: Path) -> Policy:
    """The policy in the file *path*; the defaults when there is none. Raises :class:`ConfigurationError`."""
    if not path.exists():
        return Policy()
    try:
        tables = tables_of(path, maker="vermilion init")
    except ConfigurationRefused as error:
        raise ConfigurationError(error.template, **error.values) from error
    return parse_policy(tables, path)


def parse_policy(tables: Mapping[str, Any], path: Path) -> Policy:
    """The policy in parsed TOML; *path* is for the messages. Raises :class:`ConfigurationError`."""
    try:
        general = {name: table for name, table in tables.items() if name != TYPES}
        types = tables.get(TYPES, {})
        require(isinstance(types, dict), TYPES, 'tables such as [types."采购合同".powers]')
        entries = tuple(_entry(name, table, general) for name, table in types.items())
        _refuse_doubled(entries)
        return Policy(PolicyRules(**sections(PolicyRules, general)), entries)
    except ConfigurationRefused as error:
        raise ConfigurationError("{path}: {problem}", path=path, problem=error) from error


def _entry(name: str, table: Any, general: Mapping[str, Any]) -> TypeRules:
    """One type's rules: what its tables do not say is as it is for every type."""
    place = f"{TYPES}.{name}"
    require(isinstance(table, dict), place, f"a table, [{place}]")
    require(bool(name_key(name)), place, "named")
    aliases = table.get(ALIASES, [])
    texts = isinstance(aliases, list) and all(isinstance(alias, str) and name_key(alias) for alias in aliases)
    require(texts, f"{place}.{ALIASES}", "a list of texts")
    areas = get_type_hints(PolicyRules)
    for key in table:
        if key not in (*areas, ALIASES):
            raise ConfigurationRefused(
                "The setting {key} does not exist; known are {known}.",
                key=f"{place}.{key}",
                known=", ".join([f"{place}.{ALIASES}", *(f"{place}.{area}" for area in sorted(areas))]),
            )
    return TypeRules((name, *aliases), PolicyRules(**_areas(place, table, general, areas)))


def _areas(
    place: str, table: Mapping[str, Any], general: Mapping[str, Any], areas: Mapping[str, Any]
) -> dict[str, Any]:
    made = {}
    for area, kind in areas.items():
        own, common = table.get(area, {}), general.get(area, {})
        require(isinstance(own, dict), f"{place}.{area}", f"a table, [{place}.{area}]")
        for key in getattr(kind, "FOR_ALL", ()):
            require(key not in own, f"{place}.{area}.{key}", f"the same for every type; set it in [{area}]")
        section(kind, area, common)  # what is wrong there is named there
        made[area] = section(kind, f"{place}.{area}", {**common, **own})
    return made


def _refuse_doubled(entries: tuple[TypeRules, ...]) -> None:
    seen: set[str] = set()
    for name in chain.from_iterable(entry.names for entry in entries):
        require(name_key(name) not in seen, f"{TYPES}.{name}", "named once, also among the aliases")
        seen.add(name_key(name))

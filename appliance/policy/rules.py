"""Policy: rules by area as values, the same for every type of contract unless its type has others.

``config/policy.toml`` is typed; an unknown or impossible entry stops the start and is named. A table of an area
(``[powers]``) holds for every type of contract. ``[types."采购合同".powers]`` says what is different for one type;
``aliases`` of ``[types."采购合同"]`` lists what else the type is called.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from decimal import Decimal
from enum import StrEnum
from importlib import resources
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar, Final, get_type_hints

from appliance.errors import ConfigurationError
from appliance.policy.numbering import NumberEntry, places_of
from appliance.signing_methods import SigningMethod
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
    ended unsigned. 0: for ever. ``second_person``: a disposal waits for another officer. ``captures_by_officers``:
    web captures whose days are over are disposed of as contracts are, by officers, and not by themselves.

    ``FOR_ALL`` may name fields that no type of contract can change."""

    FOR_ALL: ClassVar[tuple[str, ...]] = ("second_person", "captures_by_officers")

    years: int = checked(10, range(101).__contains__, "from 0 (for ever) to 100")
    ended_years: int = checked(3, range(101).__contains__, "from 0 (for ever) to 100")
    second_person: bool = True
    captures_by_officers: bool = True


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
class ReviewStepRule:
    """A step of a review: reviewers of the ``department`` take it, or (empty) the manager of the contract's
    initiator, where the contract's amount, in its own currency's units, is at ``least`` so much (None: always)."""

    department: str
    least: Decimal | None = None


MANAGER: Final = "manager"
"""The step of a review that the initiator's manager takes."""

_REVIEW_STEP = re.compile(r"(?P<department>[^>=]+?)\s*(?:>=\s*(?P<least>\d{1,15}))?")


def _are_steps(texts: list[str]) -> bool:
    found = [_REVIEW_STEP.fullmatch(text.strip()) for text in texts]
    names = [name_key(each["department"]) for each in found if each]
    return len(names) == len(texts) and all(names) and len(set(names)) == len(names)


@dataclass(frozen=True, slots=True)
class ReviewRules:
    """``before_sending``: what comes first. ``required``, ``advised``: clauses that the text must or should have,
    besides those that the rules of the content check name for the type (keys of the rule files). ``steps``: the
    departments whose reviewers approve one after the other, :data:`MANAGER` among them for the initiator's
    manager; the last one signs the check off."""

    before_sending: ReviewRequirement = ReviewRequirement.NOTHING
    required: list[str] = field(default_factory=list)
    advised: list[str] = field(default_factory=list)
    steps: list[str] = checked(
        [], _are_steps, 'like ["manager", "Legal", "Finance >= 100000"], each department once'
    )

    @property
    def steps_in_order(self) -> tuple[ReviewStepRule, ...]:
        """``steps`` as values."""
        found = [_REVIEW_STEP.fullmatch(text.strip()) for text in self.steps]
        return tuple(
            ReviewStepRule(
                "" if name_key(each["department"]) == MANAGER else each["department"],
                None if each["least"] is None else Decimal(each["least"]),
            )
            for each in found
            if each
        )

    @property
    def asks_managers(self) -> bool:
        """Whether a step is the manager's."""
        return any(not step.department for step in self.steps_in_order)


@dataclass(frozen=True, slots=True)
class DocumentCodeRules:
    """``on_last_page``: the document code and its QR code are drawn there when a contract is sent, where there is
    room."""

    on_last_page: bool = False


def _is_heading(text: str) -> bool:
    return len(text) <= LONGEST_HEADING and text == text.strip() and text.isprintable()


LONGEST_HEADING = 60
_HEADING = "one line of 60 characters at most"


@dataclass(frozen=True, slots=True)
class DepositRules:
    """``certificate_zh``, ``certificate_en``: what the enterprise calls the certificate of a deposit in each
    language; empty for its usual name."""

    FOR_ALL: ClassVar[frozenset[str]] = frozenset({"certificate_zh", "certificate_en"})

    certificate_zh: str = checked("", _is_heading, _HEADING)
    certificate_en: str = checked("", _is_heading, _HEADING)


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


def _are_methods(names: list[str]) -> bool:
    return bool(names) and len(set(names)) == len(names) and set(names) <= set(SigningMethod)


@dataclass(frozen=True, slots=True)
class OutsideSignerRules:
    """``methods``: how outside signers may sign (:class:`SigningMethod`); a form proposes the first."""

    methods: list[str] = checked(
        [SigningMethod.VERIFIED.value, SigningMethod.OWN_CERTIFICATE.value],
        _are_methods,
        'some of "verified", "vouched" and "own-certificate", each once',
    )

    @property
    def allowed(self) -> tuple[SigningMethod, ...]:
        """The same as values."""
        return tuple(map(SigningMethod, self.methods))


@dataclass(frozen=True, slots=True)
class NumberRules:
    """``pattern``: how the numbers of contracts look; ``{number:04}`` is the counter, ``{type}``, ``{department}``
    and ``{year}`` what it counts in. ``scope``: of these, with which a counter of its own begins. ``gapless``: the
    number is given when the contract is sent; else the draft has it already. ``by_hand``: whether the initiator
    enters it. ``code``: what ``{type}`` stands for, where that is not the type's own name."""

    pattern: str = checked(
        "{year}-{number:05}", lambda pattern: places_of(pattern) is not None, 'like "{year}-{number:05}"'
    )
    scope: list[str] = field(default_factory=lambda: ["year"])
    gapless: bool = True
    by_hand: NumberEntry = NumberEntry.NEVER
    code: str = checked("", lambda code: len(code) <= LONGEST_CODE and code.isprintable(), "of 20 letters at most")

    def check(self, name: str) -> None:
        """Raises ConfigurationRefused when ``scope`` names what the pattern does not: two contracts would get the
        same number."""
        require(set(self.scope) <= (places_of(self.pattern) or set()) - {"number"}, f"{name}.scope", _SCOPE)


LONGEST_CODE = 20
_SCOPE = "some of type, department and year that the pattern names, too"


@dataclass(frozen=True, slots=True)
class ReadingRules:
    """``every_page``: who signs, or asks for a seal, is shown every page first, one after the other, each for at
    least so many ``seconds``. ``watermark``: copies that nobody has signed carry the reader's name."""

    every_page: bool = False
    seconds: int = number(0, 0, 120)
    watermark: bool = False


@dataclass(frozen=True, slots=True)
class PolicyRules:
    """What holds for one contract: each area's rules, the areas named as the tables of ``config/policy.toml``."""

    document_codes: DocumentCodeRules = field(default_factory=DocumentCodeRules)
    deposits: DepositRules = field(default_factory=DepositRules)
    identity: IdentityRules = field(default_factory=IdentityRules)
    numbers: NumberRules = field(default_factory=NumberRules)
    powers: PowerRules = field(default_factory=PowerRules)
    review: ReviewRules = field(default_factory=ReviewRules)
    seals: SealRules = field(default_factory=SealRules)
    signing: SignatureRules = field(default_factory=SignatureRules)
    outside_signers: OutsideSignerRules = field(default_factory=OutsideSignerRules)
    reading: ReadingRules = field(default_factory=ReadingRules)
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

    @property
    def asks_managers(self) -> bool:
        """Whether the manager of an initiator takes a step of a review, for any type of contract."""
        return any(rules.review.asks_managers for rules in (self.default, *(each.rules for each in self.types)))

    def names_for(self, kind: str) -> tuple[str, ...]:
        """What the type *kind* is called: all names of its entry, or the word itself."""
        return next((each.names for each in self.types if self._is(each, kind)), (kind,))

    @staticmethod
    def _is(entry: TypeRules, kind: str) -> bool:
        return name_key(kind) in map(name_key, entry.names)


TYPES, ALIASES, PRESET = "types", "aliases", "preset"

PRESETS: Final = ("bank", "state-owned", "law-firm", "small-company")
"""Policies to begin with, ``presets/NAME.toml``; what the enterprise's own file says counts before them."""


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
        own = {name: table for name, table in tables.items() if name not in (TYPES, PRESET)}
        general = _over_preset(tables.get(PRESET), own)
        types = tables.get(TYPES, {})
        require(isinstance(types, dict), TYPES, 'tables such as [types."采购合同".powers]')
        entries = tuple(_entry(name, table, general) for name, table in types.items())
        _refuse_doubled(entries)
        return Policy(PolicyRules(**sections(PolicyRules, general)), entries)
    except ConfigurationRefused as error:
        raise ConfigurationError("{path}: {problem}", path=path, problem=error) from error


def preset_tables(name: str) -> dict[str, Any]:
    """The tables of the preset *name*, one of :data:`PRESETS`."""
    text = resources.files("appliance.policy").joinpath("presets", f"{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _over_preset(preset: Any, own: Mapping[str, Any]) -> dict[str, Any]:
    """The tables *own*, and what they leave out as the *preset* has it."""
    if preset is None:
        return dict(own)
    require(preset in PRESETS, PRESET, ", ".join(PRESETS[:-1]) + f" or {PRESETS[-1]}")
    tables = preset_tables(preset)
    for area, table in own.items():
        require(isinstance(table, dict), area, f"a table, [{area}]")
        tables[area] = {**tables.get(area, {}), **table}
    return tables


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

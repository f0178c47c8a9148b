"""The plan of a ceremony, a recovery or a renewal, read from a TOML file; unknown and missing values are
refused."""

from __future__ import annotations

import hashlib
import tomllib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from hsm.certificates import Profile
from hsm.errors import CertificateRefused, ConfigurationRefused
from hsm.names import LONGEST_COMMON, LONGEST_ORGANISATION, LONGEST_PERSON, SubjectName, require_visible
from hsm.operations.context import WRAPPING
from hsm.signer import SignatureAlgorithm
from hsm.store.registry import ISSUING
from hsm.vouching import EVENTS

PROFILES = ("root", "issuing", "events", "tsa", "log", "evidence")


@dataclass(frozen=True, slots=True)
class Participant:
    """Somebody who is present. ``hand`` is the name by which steps ask for them."""

    hand: str
    name: str
    duty: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(ABC):
    """What every plan file has. ``sha256`` is the file's own hash (32 bytes)."""

    name: str
    purpose: str
    participants: tuple[Participant, ...]
    sha256: bytes

    @abstractmethod
    def check(self) -> None:
        """Raises :class:`ConfigurationRefused` for a plan that is not valid for this kind of ceremony."""


T = TypeVar("T")
PlanT = TypeVar("PlanT", bound=Plan)


def load(kind: type[PlanT], path: Path) -> PlanT:
    """The plan in *path*. Raises :class:`ConfigurationRefused` naming what is wrong in it."""
    try:
        content = path.read_bytes()
        tables = tomllib.loads(content.decode("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationRefused(
            "The ceremony file {path} cannot be read: {why}.", path=path, why=error
        ) from error
    return parse(kind, tables, hashlib.sha256(content).digest())


def parse(kind: type[PlanT], tables: Mapping[str, Any], sha256: bytes) -> PlanT:
    """The plan in parsed TOML, from a file of this *sha256*. Raises :class:`ConfigurationRefused`."""
    plan = _read(kind, "the top", tables, {"sha256": sha256})
    plan.check()
    return plan


def _read(kind: type[T], section: str, table: Any, given: Mapping[str, Any] | None = None) -> T:
    """A *kind* from a TOML *table*, with the sections in it; *given* are values that no file has."""
    if not isinstance(table, Mapping):
        raise ConfigurationRefused("The ceremony file needs a table [{name}].", name=section)
    own: Mapping[str, Any] = given or {}
    known = [each for each in fields(kind) if each.name not in own]  # type: ignore[arg-type] # only dataclasses
    hints = {name: _without_none(hint) for name, hint in get_type_hints(kind).items()}
    required = {each.name for each in known if each.default is MISSING}
    sections = {
        each.name: _section(hints[each.name], each.name, table)
        for each in known
        if _is_section(hints[each.name]) and (each.name in table or each.name in required)
    }
    plain = set(table) - set(sections)
    for wrong in sorted((required - set(table)) | (plain - set(hints)) | (set(own) & set(table))):
        raise ConfigurationRefused(
            "The ceremony file has {key} {state}; {section} takes {known}.",
            key=wrong,
            state="missing" if wrong in required else "too much",
            section=section,
            known=", ".join(each.name for each in known),
        )
    return kind(**own, **sections, **{key: _value(hints[key], key, table[key]) for key in plain})


def _without_none(hint: Any) -> Any:
    return next(each for each in get_args(hint) if each is not NoneType) if isinstance(hint, UnionType) else hint


def _is_section(hint: Any) -> bool:
    return is_dataclass(get_args(hint)[0] if get_origin(hint) is tuple else hint)


def _section(hint: Any, name: str, tables: Mapping[str, Any]) -> Any:
    """The table ``[name]``, or the rows of ``[[name]]``, at least one."""
    if get_origin(hint) is not tuple:
        return _read(hint, name, tables.get(name))
    rows = tables.get(name)
    if not isinstance(rows, list) or not rows:
        raise ConfigurationRefused("The ceremony file needs at least one [[{name}]].", name=name)
    return tuple(_read(get_args(hint)[0], name, row) for row in rows)


def _value(hint: Any, name: str, value: Any) -> Any:
    if hint is Profile and value in PROFILES:
        return Profile[value.upper()]
    if hint is SignatureAlgorithm and value in list(SignatureAlgorithm.__members__):
        return SignatureAlgorithm[value]
    if get_origin(hint) is tuple and isinstance(value, list) and all(isinstance(each, str) for each in value):
        return tuple(value)
    if type(value) is hint:
        return value
    raise ConfigurationRefused(
        "In the ceremony file {name} = {value} is not what it takes.", name=name, value=value
    )


def _require_hands(participants: Sequence[Participant], steps: Iterable[tuple[str, Sequence[str]]]) -> None:
    present = {each.hand for each in participants}
    for subject, hands in steps:
        if not hands or not set(hands) <= present:
            raise ConfigurationRefused(
                "The step {subject} needs hands that are among the participants.", subject=subject
            )


@dataclass(frozen=True, slots=True)
class TokenPlan:
    """``root``: the label of the root's token; ``reuse``: whether tokens that are there already may be used."""

    root: str
    reuse: bool = False


@dataclass(frozen=True, slots=True)
class KeyPlan:
    """A signing key and its certificate."""

    profile: Profile
    subject: str
    common_name: str
    algorithm: SignatureAlgorithm
    hands: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WrappingPlan:
    """The AES key."""

    subject: str
    hands: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OfficerPlan:
    """A first officer; ``credential`` is a path from the home, or ``software``."""

    subject: str
    name: str
    organisation: str
    credential: str
    hands: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AppointmentPlan:
    """One-time set-up codes for officers who register on the appliance: how many, and for how many hours."""

    codes: int
    hours: int
    hands: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CeremonyPlan(Plan):
    """The ceremony that makes every key. First officers bring their authenticator, or register later by codes.

    ``officers_required`` (1 to 4) is how many of them each decision takes at least; settings can only raise it.
    """

    country: str
    organisation: str
    tokens: TokenPlan
    keys: tuple[KeyPlan, ...]
    wrapping: WrappingPlan
    officers: tuple[OfficerPlan, ...] = ()
    appointment: AppointmentPlan | None = None
    officers_required: int = 2

    def key(self, profile: Profile) -> KeyPlan:
        """The one key of *profile*."""
        return next(key for key in self.keys if key.profile is profile)

    def name_of(self, key: KeyPlan) -> SubjectName:
        """The name in the certificate of *key*."""
        return SubjectName(self.organisation, key.common_name, country=self.country)

    def check(self) -> None:
        """Raises :class:`ConfigurationRefused`, before any key is made."""
        if not self.officers and self.appointment is None:
            raise ConfigurationRefused("The ceremony file needs at least one [[{name}]].", name="officers")
        self._require_one_of_each()
        self._require_names()
        steps = [(key.subject, key.hands) for key in self.keys]
        steps += [(officer.subject, officer.hands) for officer in self.officers]
        steps.append((self.wrapping.subject, self.wrapping.hands))
        later = self.appointment
        if later is not None:
            steps.append(("appointment", later.hands))
        _require_hands(self.participants, steps)
        if later is not None and not (1 <= later.codes <= 8 and 1 <= later.hours <= 720):
            raise ConfigurationRefused("[appointment] has 1 to 8 codes, which count for 1 to 720 hours.")
        self._require_enough_officers()

    def _require_enough_officers(self) -> None:
        if not 1 <= self.officers_required <= 4:
            raise ConfigurationRefused("The ceremony file's officers_required is from 1 to 4.")
        first = len({each.subject for each in self.officers})
        first += self.appointment.codes if self.appointment else 0
        if first < self.officers_required:
            raise ConfigurationRefused(
                "The ceremony file has {first} first officers, but a decision takes {required}"
                " (officers_required); add officers, or codes in [appointment].",
                first=first,
                required=self.officers_required,
            )

    def _require_one_of_each(self) -> None:
        present = sorted(key.profile.name.lower() for key in self.keys)
        if present != sorted(PROFILES):
            raise ConfigurationRefused(
                "A ceremony makes one key of each profile: {profiles}.", profiles=", ".join(PROFILES)
            )
        for key in self.keys:
            name = key.profile.name.lower()
            if key.subject != name:
                raise ConfigurationRefused("The key of profile {name} has the subject {name}.", name=name)
        if self.wrapping.subject != WRAPPING:
            raise ConfigurationRefused("The wrapping key has the subject {name}.", name=WRAPPING)
        if self.key(Profile.LOG).algorithm is SignatureAlgorithm.RSA_SHA256:
            raise ConfigurationRefused("The log's key is ED25519 or ECDSA_SHA256 (C2SP signed notes know no RSA).")

    def _require_names(self) -> None:
        """Raises :class:`ConfigurationRefused` for what no certificate can name, before any key is made."""
        try:
            require_visible(self.organisation, LONGEST_ORGANISATION)
            for key in self.keys:
                require_visible(key.common_name, LONGEST_COMMON)
            for officer in self.officers:
                require_visible(officer.name, LONGEST_PERSON)
        except CertificateRefused as error:
            raise ConfigurationRefused(
                "A name in the ceremony's file cannot be certified. {why}", why=error
            ) from error
        names = [self.name_of(key).to_x509() for key in self.keys]
        if len(set(names)) != len(names):
            raise ConfigurationRefused("Each key of a ceremony has a common name of its own.")


_LONGEST_HOURS = 72
_MOST_OFFICERS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryPlan(Plan):
    """A new way in for officers. ``root`` is the label of the root's token, ``hours`` how long codes count.

    Officers (subjects) in ``restored`` stay who they are and register a new authenticator; in the place of each in
    ``replaced``, who is not there any more, somebody else becomes an officer.
    """

    root: str
    hours: int
    restored: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()

    @property
    def officers(self) -> tuple[str, ...]:
        """Everybody whose authenticators end."""
        return (*self.restored, *self.replaced)

    def check(self) -> None:
        """Raises :class:`ConfigurationRefused`."""
        if not 1 <= self.hours <= _LONGEST_HOURS:
            raise ConfigurationRefused("Recovery codes count for 1 to {most} hours.", most=_LONGEST_HOURS)
        if not 1 <= len(self.officers) <= _MOST_OFFICERS or len(set(self.officers)) != len(self.officers):
            raise ConfigurationRefused("A recovery names 1 to {most} officers, each once.", most=_MOST_OFFICERS)
        if min(len({each.hand for each in self.participants}), len({each.name for each in self.participants})) < 2:
            raise ConfigurationRefused("A recovery takes two people at least: who is root, and a custodian.")


ROOT_LIST, LOG_CERTIFICATE, REVOCATION = "root-crl", "log", "revoke"
ISSUING_CAS = (ISSUING, EVENTS)
SERVICES = ("tsa", "evidence")
_KINDS = (ROOT_LIST, *ISSUING_CAS, *SERVICES, LOG_CERTIFICATE, REVOCATION)


@dataclass(frozen=True, slots=True)
class Renewal:
    """One step. ``what``: ``root-crl`` (a fresh list of the root), ``issuing`` (a new issuing CA, under the new
    name ``common_name``), ``events`` (the same for event certificates, also the first one), ``tsa`` or
    ``evidence`` (a new key for the same name), ``log`` (a new certificate for the same key), ``revoke`` (the
    issuing CA ``subject``, which has a successor, for ``reason``).

    ``algorithm`` is that of the new key; without it, that of the old one.
    """

    what: str
    hands: tuple[str, ...]
    common_name: str = ""
    algorithm: SignatureAlgorithm | None = None
    subject: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalPlan(Plan):
    """Officers activate the file's hash. ``root`` is the label of the root's token."""

    root: str
    renewals: tuple[Renewal, ...]

    def check(self) -> None:
        """Raises :class:`ConfigurationRefused`."""
        for step in self.renewals:
            if step.what not in _KINDS:
                raise ConfigurationRefused(
                    "A renewal is one of {known}; {what} is none.", known=", ".join(_KINDS), what=step.what
                )
            _require_hands(self.participants, [(step.what, step.hands)])
            if bool(step.common_name) != (step.what in ISSUING_CAS):
                raise ConfigurationRefused(
                    "A new issuing CA has a common_name of its own; nothing else takes one."
                )
            if bool(step.subject and step.reason) != (step.what == REVOCATION):
                raise ConfigurationRefused("To revoke takes subject and reason; nothing else takes them.")

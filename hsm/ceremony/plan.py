"""What a ceremony, a recovery or a renewal is to do: read from a TOML file, with unknown and missing values
refused."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from hsm.certificates import Profile
from hsm.errors import CertificateRefused, ConfigurationRefused
from hsm.names import (
    LONGEST_COMMON,
    SubjectName,
    require_organisation_name,
    require_person_name,
    require_visible,
)
from hsm.operations.context import WRAPPING
from hsm.signer import SignatureAlgorithm

T = TypeVar("T")
PROFILES = ("root", "issuing", "tsa", "log", "evidence")


def tables_of(path: Path) -> tuple[dict[str, Any], bytes]:
    """The tables in the file *path*, and the SHA-256 of the file. Raises :class:`ConfigurationRefused`."""
    try:
        content = path.read_bytes()
        return tomllib.loads(content.decode("utf-8")), hashlib.sha256(content).digest()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationRefused(
            "The ceremony file {path} cannot be read: {why}.", path=path, why=error
        ) from error


def rows_of(name: str, tables: Mapping[str, Any]) -> list[Any]:
    """The rows of ``[[name]]``, at least one. Raises :class:`ConfigurationRefused`."""
    rows = tables.get(name)
    if not isinstance(rows, list) or not rows:
        raise ConfigurationRefused("The ceremony file needs at least one [[{name}]].", name=name)
    return rows


def build(kind: type[T], section: str, table: Any, built: Mapping[str, Any] | None = None) -> T:
    """A *kind* from a TOML *table*; *built* has the values that are sections of their own."""
    if not isinstance(table, Mapping):
        raise ConfigurationRefused("The ceremony file needs a table [{name}].", name=section)
    known = {each.name: each for each in fields(kind)}  # type: ignore[arg-type] # only called with dataclasses
    required = {name for name, each in known.items() if each.default is MISSING}
    for wrong in sorted((required - set(table)) | (set(table) - set(known))):
        raise ConfigurationRefused(
            "The ceremony file has {key} {state}; {section} takes {known}.",
            key=wrong,
            state="missing" if wrong in required else "too much",
            section=section,
            known=", ".join(known),
        )
    plain = {key: _value(str(known[key].type), key, table[key]) for key in set(table) - set(built or {})}
    return kind(**plain, **(built or {}))


def _value(hint: str, name: str, value: Any) -> Any:
    hint = hint.removesuffix(" | None")
    if hint == "Profile" and value in PROFILES:
        return Profile[value.upper()]
    if hint == "SignatureAlgorithm" and value in list(SignatureAlgorithm.__members__):
        return SignatureAlgorithm[value]
    if hint == "tuple[str, ...]" and isinstance(value, list) and all(isinstance(each, str) for each in value):
        return tuple(value)
    if type(value).__name__ == hint:
        return value
    raise ConfigurationRefused(
        "In the ceremony file {name} = {value} is not what it takes.", name=name, value=value
    )


@dataclass(frozen=True, slots=True)
class Participant:
    """Somebody who is present. ``hand`` is the name by which steps ask for them."""

    hand: str
    name: str
    duty: str


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


@dataclass(frozen=True, slots=True)
class CeremonyPlan:
    """The whole file, checked."""

    name: str
    purpose: str
    country: str
    organisation: str
    participants: tuple[Participant, ...]
    tokens: TokenPlan
    keys: tuple[KeyPlan, ...]
    wrapping: WrappingPlan
    officers: tuple[OfficerPlan, ...] = ()
    appointment: AppointmentPlan | None = None

    def key(self, profile: Profile) -> KeyPlan:
        """The one key of *profile*."""
        return next(key for key in self.keys if key.profile is profile)


def load(path: Path) -> CeremonyPlan:
    """The plan in *path*. Raises :class:`ConfigurationRefused` naming what is wrong in it."""
    return parse(tables_of(path)[0])


def parse(tables: Mapping[str, Any]) -> CeremonyPlan:
    """The plan in parsed TOML. Raises :class:`ConfigurationRefused`."""
    parts: dict[str, Any] = {
        "participants": tuple(build(Participant, "participants", row) for row in rows_of("participants", tables)),
        "tokens": build(TokenPlan, "tokens", tables.get("tokens")),
        "keys": tuple(build(KeyPlan, "keys", row) for row in rows_of("keys", tables)),
        "wrapping": build(WrappingPlan, "wrapping", tables.get("wrapping")),
        **_first_officers(tables),
    }
    plan = build(CeremonyPlan, "the top", tables, parts)
    _require_one_of_each(plan)
    _require_names(plan)
    _require_hands(plan)
    _require_sane_appointment(plan.appointment)
    return plan


def _first_officers(tables: Mapping[str, Any]) -> dict[str, Any]:
    """Those who bring their authenticator to the ceremony, the codes for those who register later, or both."""
    found: dict[str, Any] = {}
    if "appointment" in tables:
        found["appointment"] = build(AppointmentPlan, "appointment", tables["appointment"])
    if "officers" in tables or not found:
        found["officers"] = tuple(build(OfficerPlan, "officers", row) for row in rows_of("officers", tables))
    return found


def _require_one_of_each(plan: CeremonyPlan) -> None:
    present = sorted(key.profile.name.lower() for key in plan.keys)
    if present != sorted(PROFILES):
        raise ConfigurationRefused(
            "A ceremony makes one key of each profile: {profiles}.", profiles=", ".join(PROFILES)
        )
    for key in plan.keys:
        name = key.profile.name.lower()
        if key.subject != name:
            raise ConfigurationRefused("The key of profile {name} has the subject {name}.", name=name)
    if plan.wrapping.subject != WRAPPING:
        raise ConfigurationRefused("The wrapping key has the subject {name}.", name=WRAPPING)
    if plan.key(Profile.LOG).algorithm is SignatureAlgorithm.RSA_SHA256:
        raise ConfigurationRefused("The log's key is ED25519 or ECDSA_SHA256 (C2SP signed notes know no RSA).")


def _require_names(plan: CeremonyPlan) -> None:
    """Raises :class:`ConfigurationRefused` for what no certificate can name, before any key is made."""
    try:
        require_organisation_name(plan.organisation)
        for key in plan.keys:
            require_visible(key.common_name, LONGEST_COMMON)
        for officer in plan.officers:
            require_person_name(officer.name)
    except CertificateRefused as error:
        raise ConfigurationRefused(
            "A name in the ceremony's file cannot be certified. {why}", why=error
        ) from error
    names = [SubjectName(plan.organisation, key.common_name, country=plan.country).to_x509() for key in plan.keys]
    if len(set(names)) != len(names):
        raise ConfigurationRefused("Each key of a ceremony has a common name of its own.")


def _require_hands(plan: CeremonyPlan) -> None:
    present = {each.hand for each in plan.participants}
    steps = {key.subject: key.hands for key in plan.keys}
    steps |= {officer.subject: officer.hands for officer in plan.officers}
    if plan.appointment is not None:
        steps["appointment"] = plan.appointment.hands
    for subject, hands in {**steps, plan.wrapping.subject: plan.wrapping.hands}.items():
        if not hands or not set(hands) <= present:
            raise ConfigurationRefused(
                "The step {subject} needs hands that are among the participants.", subject=subject
            )


def _require_sane_appointment(appointment: AppointmentPlan | None) -> None:
    if appointment is not None and not (1 <= appointment.codes <= 8 and 1 <= appointment.hours <= 720):
        raise ConfigurationRefused("[appointment] has 1 to 8 codes, which count for 1 to 720 hours.")


_LONGEST_HOURS = 72
_MOST_OFFICERS = 4


@dataclass(frozen=True, slots=True)
class RecoveryPlan:
    """The whole file, checked. ``root`` is the label of the root's token, ``hours`` how long codes count.

    Officers (subjects) in ``restored`` stay who they are and register a new authenticator; in the place of each in
    ``replaced``, who is not there any more, somebody else becomes an officer.
    """

    name: str
    purpose: str
    root: str
    hours: int
    participants: tuple[Participant, ...]
    sha256: bytes
    restored: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()

    @property
    def officers(self) -> tuple[str, ...]:
        """Everybody whose authenticators end."""
        return (*self.restored, *self.replaced)


def load_recovery(path: Path) -> RecoveryPlan:
    """The plan in *path*. Raises :class:`ConfigurationRefused` naming what is wrong in it."""
    tables, sha256 = tables_of(path)
    return parse_recovery(tables, sha256)


def parse_recovery(tables: Mapping[str, Any], sha256: bytes) -> RecoveryPlan:
    """The plan in parsed TOML. Raises :class:`ConfigurationRefused`."""
    parts: dict[str, Any] = {
        "participants": tuple(build(Participant, "participants", row) for row in rows_of("participants", tables)),
        "sha256": sha256,
    }
    plan = build(RecoveryPlan, "the top", {**tables, "sha256": sha256}, parts)
    if not 1 <= plan.hours <= _LONGEST_HOURS:
        raise ConfigurationRefused("Recovery codes count for 1 to {most} hours.", most=_LONGEST_HOURS)
    if not 1 <= len(plan.officers) <= _MOST_OFFICERS or len(set(plan.officers)) != len(plan.officers):
        raise ConfigurationRefused("A recovery names 1 to {most} officers, each once.", most=_MOST_OFFICERS)
    if min(len({each.hand for each in plan.participants}), len({each.name for each in plan.participants})) < 2:
        raise ConfigurationRefused("A recovery takes two people at least: who is root, and a custodian.")
    return plan


ROOT_LIST, ISSUING_CA, LOG_CERTIFICATE, REVOCATION = "root-crl", "issuing", "log", "revoke"
SERVICES = ("tsa", "evidence")
_KINDS = (ROOT_LIST, ISSUING_CA, *SERVICES, LOG_CERTIFICATE, REVOCATION)


@dataclass(frozen=True, slots=True)
class Renewal:
    """One step. ``what``: ``root-crl`` (a fresh list of the root), ``issuing`` (a new issuing CA, under the new
    name ``common_name``), ``tsa`` or ``evidence`` (a new key for the same name), ``log`` (a new certificate for
    the same key), ``revoke`` (the issuing CA ``subject``, which has a successor, for ``reason``).

    ``algorithm`` is that of the new key; without it, that of the old one.
    """

    what: str
    hands: tuple[str, ...]
    common_name: str = ""
    algorithm: SignatureAlgorithm | None = None
    subject: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RenewalPlan:
    """The whole file, checked. ``root`` is the label of the root's token; ``sha256`` the file's hash (32 bytes),
    which officers activate."""

    name: str
    purpose: str
    root: str
    participants: tuple[Participant, ...]
    renewals: tuple[Renewal, ...]
    sha256: bytes


def load_renewal(path: Path) -> RenewalPlan:
    """The plan in *path*. Raises :class:`ConfigurationRefused` naming what is wrong in it."""
    tables, sha256 = tables_of(path)
    return parse_renewal(tables, sha256)


def parse_renewal(tables: Mapping[str, Any], sha256: bytes) -> RenewalPlan:
    """The plan in parsed TOML. Raises :class:`ConfigurationRefused`."""
    parts: dict[str, Any] = {
        "participants": tuple(build(Participant, "participants", row) for row in rows_of("participants", tables)),
        "renewals": tuple(build(Renewal, "renewals", row) for row in rows_of("renewals", tables)),
        "sha256": sha256,
    }
    plan = build(RenewalPlan, "the top", {**tables, "sha256": sha256}, parts)
    present = {each.hand for each in plan.participants}
    for step in plan.renewals:
        if step.what not in _KINDS:
            raise ConfigurationRefused(
                "A renewal is one of {known}; {what} is none.", known=", ".join(_KINDS), what=step.what
            )
        if not step.hands or not set(step.hands) <= present:
            raise ConfigurationRefused(
                "The step {subject} needs hands that are among the participants.", subject=step.what
            )
        if bool(step.common_name) != (step.what == ISSUING_CA):
            raise ConfigurationRefused("A new issuing CA has a common_name of its own; nothing else takes one.")
        if bool(step.subject and step.reason) != (step.what == REVOCATION):
            raise ConfigurationRefused("To revoke takes subject and reason; nothing else takes them.")
    return plan

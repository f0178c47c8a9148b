"""The reviewed file that drives a ceremony: what keys, what profiles, whose hands. Unknown names stop it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hsm.ceremony.tables import PROFILES, build, rows_of, tables_of
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

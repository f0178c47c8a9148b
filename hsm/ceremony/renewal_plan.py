"""The reviewed file that drives a renewal: what is renewed, in which order, by whose hands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hsm.ceremony.plan import Participant
from hsm.ceremony.tables import build, rows_of, tables_of
from hsm.errors import ConfigurationRefused
from hsm.signer import SignatureAlgorithm

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

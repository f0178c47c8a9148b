"""What callers ask the authority for, as values: the arguments of :mod:`hsm.client`. Secrets are in no repr."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hsm.intents import Activation, OfficerIntent, SigningIntent


@dataclass(frozen=True, slots=True)
class NoArguments:
    """Of operations whose name says everything."""


@dataclass(frozen=True, slots=True)
class SubjectQuery:
    """About one subject of the store."""

    subject: str


@dataclass(frozen=True, slots=True)
class OfIssuer:
    """About one CA: ``root``, ``issuing``, ``issuing-2``, …"""

    issuer: str


@dataclass(frozen=True, slots=True)
class OfCertificate:
    """About one certificate (DER)."""

    certificate: bytes


@dataclass(frozen=True, slots=True)
class OcspQuestion:
    """An OCSP request (RFC 6960, DER), or what somebody sent as one."""

    request: bytes


@dataclass(frozen=True, slots=True)
class OfCeremony:
    """About one ceremony by its number, which counts from 1."""

    number: int


@dataclass(frozen=True, slots=True)
class DocumentSigning:
    """An intent, with the activations that are given on the spot."""

    intent: SigningIntent
    activations: Sequence[Activation]


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """One person's activation of an intent."""

    intent: SigningIntent | OfficerIntent
    activation: Activation


@dataclass(frozen=True, slots=True)
class IntentQuery:
    """About one intent of either kind."""

    intent: SigningIntent | OfficerIntent


@dataclass(frozen=True, slots=True)
class TimestampOrders:
    """Orders as :meth:`hsm.timestamp.ImprintOrder.fields` gives them: checked one by one where they are signed."""

    orders: list[Any]


@dataclass(frozen=True, slots=True)
class ManifestSigningRequest:
    """An evidence manifest (canonical JSON)."""

    manifest: bytes


@dataclass(frozen=True, slots=True)
class CodeUse:
    """A one-time code of a ceremony, and the details of the officer whom it is for."""

    code: str = field(repr=False)
    details: dict[str, Any]


@dataclass(frozen=True, slots=True)
class OfficerRequest:
    """An administrative intent, which is of the operation's own kind, and officers' activations of it."""

    intent: OfficerIntent
    activations: Sequence[Activation]


@dataclass(frozen=True, slots=True)
class Unlocking(OfficerRequest):
    """With the PIN in parts that different hands hold."""

    pins: Sequence[str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class PinCustodianEndRequest:
    """A PIN custodian, and the id of one authenticator or None for all."""

    subject: str
    credential: bytes | None = None


@dataclass(frozen=True, slots=True)
class KeyToWrap:
    """A document key of 16 to 64 bytes, and what it is for."""

    context: str
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeyToUnwrap:
    """A wrapped document key, and what it is for."""

    context: str
    wrapped: bytes


@dataclass(frozen=True, slots=True)
class OfBackup:
    """The part of a backup by the name that its making was given."""

    name: str


@dataclass(frozen=True, slots=True)
class BackupPiece:
    """Where in the part the next piece begins, in bytes."""

    name: str
    at: int


@dataclass(frozen=True, slots=True)
class BackupSigning:
    """The manifest (canonical JSON) of a backup with this part."""

    name: str
    manifest: bytes

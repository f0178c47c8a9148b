"""Powers of attorney (授权委托书): who may sign for whom, how far, for how long. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from appliance.model.contract import Money


class PowerBasis(StrEnum):
    """What the power rests on."""

    INSTRUMENT = "letter"
    """An instrument of the grantor, uploaded."""
    CONTRACT = "contract"
    """An instrument that the principal signed here, as a contract that is completed."""
    LEGAL_REPRESENTATIVE = "legal-representative"
    """The law: the agent is the organisation's legal representative (法定代表人); the document shows that."""


class PowerState(StrEnum):
    """What became of it. Only ``VERIFIED`` counts; the last two never change again."""

    REGISTERED = "registered"
    VERIFIED = "verified"
    REFUSED = "refused"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class PowerScope:
    """How far a power goes. Empty ``kinds`` (types of contract) and ``counterparties``: all of them; no ``limit``:
    any amount. ``seals`` (subjects) must be named: none are covered by silence."""

    kinds: tuple[str, ...] = ()
    counterparties: tuple[str, ...] = ()
    limit: Money | None = None
    seals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RecordedAction:
    """Somebody (a subject) did something at a moment; ``reason`` where one was given."""

    by: str
    at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PowerConfirmation:
    """That officers have confirmed a power: ``statement`` is the SHA-256 (hex) of what the authority states of it,
    None for one that was verified before statements began."""

    statement: str | None


@dataclass(frozen=True, slots=True)
class StatedPower:
    """What the authority states of a power, and its signature over that (CMS, DER), timestamped."""

    statement: bytes
    cms: bytes


@dataclass(frozen=True, slots=True)
class Power:
    """One power. ``agent`` (a subject) signs for ``grantor`` (an organisation's name); ``since`` ≤ t < ``until``.

    ``principal`` is who signed the instrument for the grantor. ``document`` is its SHA-256 (hex) in the blob
    store; ``contract`` is the completed contract that an instrument signed here is. ``replaces``: it says that it
    replaces the grantor's earlier ones for the same agent. ``entries``: the power's places in the log.
    ``confirmed``: without it, a verified power does not count.
    """

    id: str
    basis: PowerBasis
    grantor: str
    principal: str
    agent: str
    scope: PowerScope
    since: datetime
    until: datetime
    replaces: bool
    document: str
    size: int
    registered: RecordedAction
    contract: str | None = None
    verified: RecordedAction | None = None
    refused: RecordedAction | None = None
    revoked: RecordedAction | None = None
    entries: tuple[int, ...] = ()
    confirmed: PowerConfirmation | None = None

    @property
    def state(self) -> PowerState:
        """What became of it."""
        if self.revoked is not None:
            return PowerState.REVOKED
        if self.refused is not None:
            return PowerState.REFUSED
        return PowerState.REGISTERED if self.verified is None else PowerState.VERIFIED

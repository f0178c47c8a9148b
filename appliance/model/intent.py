"""What people sign: signatures that are about to be made, on disk before anything is signed; acceptances of the
agreement and declarations. No I/O.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hsm.intents import SigningIntent


class IntentState(StrEnum):
    """How far a signature has come.

    ``PREPARED`` → ``SIGNING`` (the authority may be asked, once) → ``SIGNED`` (its CMS is on disk) → ``STAMPED``
    (with the timestamp inside) → ``COMPLETED``; ``ABANDONED`` ends any of the first four. The last two never
    change again.
    """

    PREPARED = "prepared"
    SIGNING = "signing"
    SIGNED = "signed"
    STAMPED = "stamped"
    COMPLETED = "completed"
    ABANDONED = "abandoned"


class OutsideStamp(StrEnum):
    """What became of the second timestamp, by an authority outside: it is there, or why it is missing."""

    DATED = "dated"
    UNREACHABLE = "unreachable"
    LATE = "late"
    REFUSED = "refused"
    WRONG = "wrong"
    PAUSED = "paused"
    """It failed a moment ago, and was not asked again so soon."""


@dataclass(frozen=True, slots=True)
class SigningOrigin:
    """What is known of where an act came from: a network address and, where given, a place in words."""

    address: str | None = None
    location: str | None = None


@dataclass(frozen=True, slots=True)
class JointActivation:
    """A signature was activated as number ``place`` (from 1) of ``count`` at once, under the ``root`` (hex) over
    all of them (:mod:`hsm.batches`), as the authority says."""

    count: int
    place: int
    root: str


@dataclass(frozen=True, slots=True)
class IntentRecord:
    """One attempt at one signature, on top of revision ``base``.

    ``suffix`` is what the prepared revision appends to the base's bytes, with its empty ``/Contents`` at
    ``contents`` (offset and length in the whole file, of the hex digits with their angle brackets). ``cms`` is
    the authority's DER once there is one, ``stamped`` the time that its timestamp gives. ``lease_owner`` names the
    process that went to the authority, at ``claimed``. ``outside`` is None where none is configured.
    ``seal_reason`` is what the use of a seal is asked for,
    of this one or straight after by its signer. ``together`` is how its
    signer activated it in a batch, if in one.
    """

    id: str
    intent: SigningIntent
    base: int
    suffix: bytes
    contents: tuple[int, int]
    state: IntentState
    created: datetime
    origin: SigningOrigin
    lease_owner: str | None = None
    claimed: datetime | None = None
    cms: bytes | None = None
    stamped: datetime | None = None
    reason: str | None = None
    outside: OutsideStamp | None = None
    seal_reason: str | None = None
    together: JointActivation | None = None


@dataclass(frozen=True, slots=True)
class PreparedSigning:
    """What a signer sees and activates: ``document`` has ``pages`` pages, and ``intent.digest`` is of all of it.

    ``intent`` goes to the signer's authenticator (and to the custodian's, for a seal) as it is.
    """

    id: str
    title: str
    intent: SigningIntent
    document: bytes
    pages: int


@dataclass(frozen=True, slots=True)
class AgreementRecord:
    """One proposal; an acceptance once ``accepted`` and ``cms`` are there.

    ``person`` accepts for ``side``, towards the sides whose keys are in ``others`` (none where only one side takes
    part). ``record`` is canonical JSON; ``cms`` is a detached signature (DER, timestamped) over exactly these
    bytes, by the person's own key; ``entry`` is the acceptance's entry in the log. ``side`` is empty for
    acceptances of the first text, which held for a person alone.
    """

    id: str
    person: str
    version: str
    side: str
    others: frozenset[str]
    record: bytes
    intent: SigningIntent
    proposed: datetime
    accepted: datetime | None = None
    cms: bytes | None = None
    entry: int | None = None


@dataclass(frozen=True, slots=True)
class VoidDeclaration:
    """Prepared; a declaration once ``signed`` and ``cms`` are there.

    ``record`` is canonical JSON; ``cms`` is a detached signature (DER, timestamped) over exactly these bytes, by
    the person's own key; ``entry`` is the declaration's entry in the log.
    """

    id: str
    contract: str
    voiding: str
    person: str
    record: bytes
    intent: SigningIntent
    prepared: datetime
    signed: datetime | None = None
    cms: bytes | None = None
    entry: int | None = None

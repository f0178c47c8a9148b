"""Records beside contracts: acceptances of the agreement, declarations, deposits of a file's digest. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from hsm.intents import SigningIntent


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


@dataclass(frozen=True, slots=True)
class Deposit:
    """One deposit. ``digest`` is the file's SHA-256 in hex, ``size`` its bytes where the depositor said so.

    ``token`` is the RFC 3161 token (DER) over the digest and ``at`` the time that it gives; ``certificate`` is the
    SHA-256 (hex) under which the blob store keeps the certificate, a PDF sealed by a document timestamp.
    """

    id: str
    depositor: str
    title: str
    file: str
    digest: str
    size: int | None
    at: datetime
    token: bytes
    certificate: str
    entry: int

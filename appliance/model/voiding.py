"""The record of somebody's declaration that a contract is void."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from hsm.intents import SigningIntent


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

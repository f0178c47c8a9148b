"""The record of somebody's agreement to sign electronically."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from hsm.acts import SigningIntent


@dataclass(frozen=True, slots=True)
class AgreementRecord:
    """One proposal; an acceptance once ``accepted`` and ``cms`` are there.

    ``record`` is canonical JSON; ``cms`` is a detached signature (DER, timestamped) over exactly these bytes, by
    the person's own key; ``entry`` is the acceptance's entry in the log.
    """

    id: str
    person: str
    version: str
    record: bytes
    act: SigningIntent
    proposed: datetime
    accepted: datetime | None = None
    cms: bytes | None = None
    entry: int | None = None

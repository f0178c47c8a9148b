"""That an initiator vouches for an outside signer of one contract. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Vouching:
    """For ``person``, one ``party`` of one ``contract``: when it was ``asked`` of the initiator; by whom and when
    it was done; when the authority certified the person (``certified``), with what it states of that (canonical
    JSON) and its timestamped signature (``cms``); when code and key ``ended``."""

    person: str
    contract: str
    party: str
    asked: datetime
    vouched_by: str | None = None
    vouched: datetime | None = None
    certified: datetime | None = None
    statement: bytes | None = None
    cms: bytes | None = None
    ended: datetime | None = None

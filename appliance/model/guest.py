"""An outside signer's invitation to one party of one contract."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Invitation:
    """One link with its second channel. ``round`` counts the codes, ``tries`` the wrong ones of this round.

    ``invited_by`` is who invited the guest and answers for the identity. ``opened`` is when the guest first came
    in, by whatever link; ``used`` when this one let somebody in, which it does once; ``ended`` when another one
    took its place.
    """

    id: str
    person: str
    contract: str
    party: str
    invited_by: str
    invited: datetime
    round: int = 0
    tries: int = 0
    opened: datetime | None = None
    ended: datetime | None = None
    used: datetime | None = None


@dataclass(frozen=True, slots=True)
class Admission:
    """Whom link and code let in, to what, and until when."""

    person: str
    contract: str
    party: str
    until: datetime

"""What is told to whom."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hsm.acts import instant


class NoticeKind(StrEnum):
    """What a message is about."""

    YOUR_TURN = "your-turn"
    PARTY_SIGNED = "party-signed"
    COMPLETED = "completed"
    DECLINED = "declined"
    RECALLED = "recalled"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Notice:
    """One message to one person (a subject) about one contract; ``due`` is when it became, or becomes, due."""

    contract: str
    recipient: str
    kind: NoticeKind
    due: datetime

    @property
    def message_id(self) -> str:
        """The Message-ID (RFC 5322, 3.6.4), the same for every try: a receiver can tell that it had it before."""
        key = "\n".join((self.contract, self.recipient, self.kind, instant(self.due)))
        return f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@notices.vermilion>"

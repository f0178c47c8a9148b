"""Identity records: what of somebody's identity was checked, by whom, against what, until when. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class IdentityDocument(StrEnum):
    """The document that was looked at; the values are stable names."""

    ID_CARD = "id-card"
    """居民身份证"""
    PASSPORT = "passport"
    TRAVEL_PERMIT = "travel-permit"
    """港澳居民来往内地通行证, 台湾居民来往大陆通行证"""
    RESIDENCE_PERMIT = "residence-permit"
    """外国人永久居留身份证"""
    OTHER = "other"


class Against(StrEnum):
    """How the document was compared with the person."""

    ORIGINAL = "original"
    """The original, in the person's presence."""
    VIDEO = "video"
    COPY = "copy"
    REGISTER = "register"
    """A public register was asked about it."""


@dataclass(frozen=True, slots=True)
class IdentityRecord:
    """One check. ``commitment`` is the SHA-256 (hex) of the salted document number, which is kept nowhere;
    ``ending`` are its last characters. Good for ``since`` ≤ t < ``until``.

    ``checked_by`` checked it; ``answers`` is who answers for it (for somebody from outside, a person of the
    enterprise). ``renews`` names the record that this one follows. ``entry`` is its place in the log.
    """

    id: str
    person: str
    document: IdentityDocument
    commitment: str
    ending: str
    against: Against
    note: str
    checked_by: str
    answers: str
    since: datetime
    until: datetime
    renews: str | None = None
    entry: int | None = None
    withdrawn: datetime | None = None
    withdrawn_by: str | None = None
    reason: str | None = None

    def good(self, now: datetime) -> bool:
        """Whether it stands at *now*: begun, not run out, not withdrawn."""
        return self.since <= now < self.until and (self.withdrawn is None or now < self.withdrawn)

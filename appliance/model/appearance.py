"""How a person's signature may look."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

MOST_PICTURES = 6
"""How many one person keeps; the table says so too."""


class PictureKind(StrEnum):
    """Where a signature picture comes from."""

    DRAWN = "drawn"
    IMAGE = "image"


@dataclass(frozen=True, slots=True)
class SignaturePicture:
    """A picture that a person keeps; the PNG itself is asked for when it is needed."""

    id: str
    kind: PictureKind
    made: datetime


@dataclass(frozen=True, slots=True)
class SignatureChoice:
    """What a person may sign with: the pictures kept, the newest first, and the one in use (None: typed name)."""

    pictures: tuple[SignaturePicture, ...]
    chosen: str | None

    @property
    def full(self) -> bool:
        """Whether one has to go before another can come."""
        return len(self.pictures) >= MOST_PICTURES

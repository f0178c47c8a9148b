"""What validation learns about a PDF's structure, in values that know nothing of pyHanko."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from appliance.pdf.byte_ranges import ByteRange


class RevisionStepKind(Enum):
    """What one revision did to the one before it, in rising order of concern."""

    NOTHING = 0
    VALIDATION_DATA = 1
    FORM_FILLING = 2
    UNEXPLAINED = 3


@dataclass(frozen=True, slots=True)
class RevisionStep:
    """The change from revision ``number - 1`` to ``number``.

    ``fields`` are the form fields that it filled honestly or added (visible ones only), also where the rest of the
    step is not explained: pages may look different there. ``touched`` are all that it changed or removed, honestly
    or not: none of them may be locked. ``new_visible`` are the signature fields that are new and can be seen;
    ``recognised`` when every changed object is known to touch nothing else.
    """

    number: int
    kind: RevisionStepKind
    fields: frozenset[str] = frozenset()
    touched: frozenset[str] = frozenset()
    new_visible: frozenset[str] = frozenset()
    recognised: bool = False


class Look(Enum):
    """What a signed file shows: ``ONE`` thing; ``SHARED`` when its pages depend on what stands in the signature's
    gap; ``SEVERAL`` when programs read it differently and show different pages; ``UNKNOWN`` when it is built so
    oddly that only a look at its pages could tell, and they could not be drawn."""

    ONE = "one"
    SHARED = "shared"
    SEVERAL = "several"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class FieldLock:
    """FieldMDP (ISO 32000-2, 12.8.2.4): ``action`` is All, Include or Exclude."""

    action: str
    fields: frozenset[str]

    def locks(self, name: str) -> bool:
        """Whether the field *name*, or one above it, is locked."""
        parts = name.split(".")
        listed = any(".".join(parts[: length + 1]) in self.fields for length in range(len(parts)))
        return {"All": True, "Include": listed, "Exclude": not listed}.get(self.action, True)


@dataclass(frozen=True, slots=True)
class FoundSignature:
    """A signature that the form leads to.

    ``signed`` is None when its ByteRange is none; ``contents`` are the bytes in the gap, None when the gap is
    not this signature's /Contents. ``complete`` says that it covers its whole ``revision``; ``look`` is that of
    the bytes that it covers.
    """

    field: str
    document_timestamp: bool
    subfilter: str
    signed: ByteRange | None
    contents: bytes | None
    revision: int
    complete: bool
    claimed: datetime | None = None
    permission: int | None = None
    lock: FieldLock | None = None
    look: Look = Look.ONE


class Unparseable(Exception):
    """The file cannot be read as a PDF; ``encrypted`` when only the key is missing."""

    def __init__(self, *, encrypted: bool = False) -> None:
        super().__init__("encrypted" if encrypted else "damaged")
        self.encrypted = encrypted

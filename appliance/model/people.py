"""People and company seals, as the appliance presents them; their keys and credentials are the authority's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from appliance.language import Language


class SealKind(StrEnum):
    """The kinds of company seal; the value's Chinese name is written below the star."""

    COMPANY = "公章"
    CONTRACT = "合同专用章"
    LEGAL_REPRESENTATIVE = "法定代表人章"
    FINANCE = "财务专用章"


@dataclass(frozen=True, slots=True)
class Person:
    """A known person. ``subject`` (``person-…``) is the name of the key in the authority, once there is one.

    ``officer-…``, ``auditor-…`` and ``operator-…`` never have one. ``guest``: an outside signer of one contract.
    """

    subject: str
    name: str
    organisation: str
    email: str
    language: Language
    zone: str
    guest: bool = False


@dataclass(frozen=True, slots=True)
class Seal:
    """A company seal: ``custodians`` are the people (subjects) who may release it, ``needed`` of them together;
    ``width_mm`` as printed; ``picture`` is the SHA-256 of an uploaded picture in use, None for the drawn one.
    ``number`` counts from 1 the organisation's seals of this kind, in the order in which they were made."""

    subject: str
    organisation: str
    kind: SealKind
    custodians: tuple[str, ...]
    width_mm: float
    suspended: datetime | None = None
    needed: int = 1
    picture: str | None = None
    destroyed: datetime | None = None
    number: int = 1

    @property
    def label(self) -> str:
        """How the seal is called in lists and contracts: organisation and kind, and its number from the second
        one on, as companies number their seals."""
        number = f"（{self.number}）" if self.number > 1 else ""
        return f"{self.organisation} {self.kind.value}{number}"

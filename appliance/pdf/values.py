"""The values that go in and out of the PDF workshop. Lengths in points (1/72 inch) unless said otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from appliance.language import Language
from appliance.model.contract import Placement

PDF_HEADER: Final = b"%PDF-"
_HEADER_WITHIN: Final = 1024


def is_pdf(content: bytes) -> bool:
    """Whether a PDF begins in *content*, where programs look for it: within its first kilobyte."""
    return PDF_HEADER in content[:_HEADER_WITHIN]


class FieldKind(StrEnum):
    """Who fills a signature field: a person's signature or a company's seal."""

    PERSON = "person"
    SEAL = "seal"


class LockScope(StrEnum):
    """What a signature locks by FieldMDP (ISO 32000-2, 12.8.2.4): its own field, or all (the last signer)."""

    OWN = "own"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class PageSize:
    """One page as seen: crop and rotation applied. ``rotation`` is the page's own /Rotate, 0, 90, 180 or 270."""

    width: float
    height: float
    rotation: int


@dataclass(frozen=True, slots=True)
class ExistingSignature:
    """A signature that the document already carried when it came; ``timestamp`` marks document timestamps."""

    field: str
    certifies: bool
    timestamp: bool


@dataclass(frozen=True, slots=True)
class InspectionWarning:
    """Something that readers should know but that does not stop the document; a translatable sentence."""

    code: str
    template: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.template.format(**self.values)


@dataclass(frozen=True, slots=True)
class Inspection:
    """What intake found. ``version`` such as ``1.7``; ``fields`` are the names of all existing form fields."""

    version: str
    pages: tuple[PageSize, ...]
    signatures: tuple[ExistingSignature, ...]
    fields: tuple[str, ...]
    warnings: tuple[InspectionWarning, ...]


@dataclass(frozen=True, slots=True)
class PlainRevision:
    """A prepared revision in which the gap is a signature's room and nothing else, or a document that is looked at
    and not signed: how many pages it has, and what intake would warn of."""

    pages: int
    warnings: tuple[InspectionWarning, ...] = ()


@dataclass(frozen=True, slots=True)
class FilledField:
    """A signature that was made elsewhere in a field of ours: offset and length of its /Contents, angle brackets
    included, and the time that it claims."""

    contents: tuple[int, int]
    claimed: datetime | None


@dataclass(frozen=True, slots=True)
class CrossPageSeal:
    """A seal cut into as many slices as the document has pages (骑缝章), one at the right edge of each page.

    ``y`` is the upper edge of the whole seal in per cent of the page's height as seen, ``diameter_mm`` its size.
    """

    y: float
    diameter_mm: float = 40.0


@dataclass(frozen=True, slots=True)
class InputPlacement:
    """Where what a signer fills in goes: the ``number`` of the field among those of the signature, from 1, what it
    is called, and its places, all of which show the same."""

    number: int
    label: str
    places: tuple[Placement, ...]


@dataclass(frozen=True, slots=True)
class FilledInput:
    """What a signer has filled in, one line, by the ``number`` of its :class:`InputPlacement`."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class FieldPlacement:
    """Where a signature field goes: first place as in :class:`Placement`, ``more`` places that show the same,
    and for a seal the slices of ``cross_page``. All of them are filled by the one signature of the field.
    ``bare``: other software signs in it, and makes all of its appearance. ``invisible``: it has no area,
    wherever it is said to be."""

    name: str
    page: int
    x: float
    y: float
    width: float
    height: float
    kind: FieldKind = FieldKind.PERSON
    more: tuple[Placement, ...] = ()
    cross_page: CrossPageSeal | None = None
    bare: bool = False
    inputs: tuple[InputPlacement, ...] = ()
    invisible: bool = False


@dataclass(frozen=True, slots=True)
class CodeMark:
    """A document code on the last page: a ``label``, the ``code`` as people read it, its page's ``address``."""

    label: str
    code: str
    address: str


@dataclass(frozen=True, slots=True)
class FoundPhrase:
    """Where ``phrase`` stands in the text: a box in per cent of the page as seen, ``page`` from 0."""

    phrase: str
    page: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class PersonAppearance:
    """A person's signature as shown: name, organisation, time with its zone.

    ``when`` is aware, ``zone`` an IANA name; ``image`` a PNG or JPEG of the handwriting, or none.
    """

    name: str
    when: datetime
    zone: str
    organisation: str = ""
    image: bytes | None = None
    language: Language = Language.CHINESE


@dataclass(frozen=True, slots=True)
class SealAppearance:
    """A company's round seal, drawn as vectors: ``company`` along the arc, ``kind`` below the star (合同专用章),
    ``number`` (may be empty) along the bottom. ``diameter_mm`` is fitted into the field when larger.
    ``is_oval``: lower than wide and without a star, as seals on invoices (发票专用章) are.
    ``picture``: a square PNG with transparency that is painted instead."""

    company: str
    kind: str
    number: str = ""
    diameter_mm: float = 40.0
    picture: bytes | None = None
    is_oval: bool = False


Appearance = PersonAppearance | SealAppearance


@dataclass(frozen=True, slots=True)
class PrepareOrder:
    """One signature to prepare in the existing empty field ``field``.

    ``certify``: the first signature, certifies with DocMDP P=2; ignored with others' signatures in the document.
    ``inputs``: what the signer has filled in.
    ``reason`` goes to /Reason. ``reserve`` is the room for the CMS in bytes.
    """

    field: str
    appearance: Appearance
    when: datetime
    certify: bool = False
    lock: LockScope = LockScope.OWN
    reason: str = ""
    reserve: int = 12 * 1024
    inputs: tuple[FilledInput, ...] = ()


@dataclass(frozen=True, slots=True)
class PreparedRevision:
    """A document with an empty signature: ``digest`` is the SHA-256 over its ByteRange, to be signed; ``contents``
    is where the gap for /Contents lies: offset of ``<``, length with both brackets."""

    document: bytes
    digest: bytes
    contents: tuple[int, int]


@dataclass(frozen=True, slots=True)
class ValidationMaterial:
    """What the DSS gets, all in DER: certificates of every chain, timestamp authority included, CRLs, and OCSP
    responses."""

    certificates: tuple[bytes, ...]
    crls: tuple[bytes, ...]
    responses: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class PageRegion:
    """A rectangle of a page (from 0) in points, in the page's own coordinates: left, bottom, right, top."""

    page: int
    box: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class PagePair:
    """A page before and after a change that was found by looking: PNG pictures; ``page`` counts from 1."""

    page: int
    before: bytes
    after: bytes

"""Each signature of the PDF taken apart into what ``head``, ``tail`` and ``openssl`` can check by themselves.

A signature is where a ``/ByteRange`` leaves exactly one hexadecimal string out (ISO 32000-2, 12.8.1). Only
those whose bytes the caller names are taken, so a document cannot add one of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509

from appliance.evidence.model import EvidenceIncomplete, EvidenceInput, SignatureMaterial, SignedRecord
from hsm import cms, timestamp
from hsm.errors import AuthorityError

_BYTE_RANGE: Final = re.compile(rb"/ByteRange\s*\[\s*0\s+(\d{1,10})\s+(\d{1,10})\s+(\d{1,10})\s*\]")


@dataclass(frozen=True, slots=True)
class SignatureRange:
    """What one signature covers: ``head`` bytes from the start, then ``length`` bytes from ``tail``."""

    head: int
    tail: int
    length: int

    @property
    def end(self) -> int:
        """The size of the revision that the signature closes."""
        return self.tail + self.length

    def content(self, document: bytes) -> bytes:
        """The signed bytes of *document*."""
        return document[: self.head] + document[self.tail : self.end]

    def room(self, document: bytes) -> bytes | None:
        """What ``/Contents`` holds, padding included; ``None`` when no hexadecimal string fills the gap."""
        gap = document[self.head : self.tail]
        if self.end > len(document) or len(gap) < 4 or gap[:1] != b"<" or gap[-1:] != b">":
            return None
        try:
            return bytes.fromhex(gap[1:-1].decode("ascii"))
        except ValueError:
            return None


def locate_signatures(document: bytes, signature: bytes) -> SignatureRange:
    """The range of *signature* (DER of a CMS or of a timestamp token) in *document*.

    Raises :class:`EvidenceIncomplete` when the document does not carry it exactly once, padded with zeros.
    """
    found = []
    for match in _BYTE_RANGE.finditer(document):
        candidate = SignatureRange(*(int(number) for number in match.groups()))
        room = candidate.room(document)
        if room is not None and room.startswith(signature) and not room[len(signature) :].strip(b"\0"):
            found.append(candidate)
    if len(found) != 1:
        raise EvidenceIncomplete(
            "The signed contract has {count} signatures with the bytes of this one, instead of one.",
            count=len(found),
        )
    return found[0]


def newest_contents(document: bytes, *, since: int) -> bytes:
    """What the last signature of *document* after byte *since* holds, padding included.

    Raises :class:`EvidenceIncomplete` when there is none.
    """
    found = list(_BYTE_RANGE.finditer(document, since))
    room = SignatureRange(*(int(number) for number in found[-1].groups())).room(document) if found else None
    if room is None:
        raise EvidenceIncomplete("The revision holds no signature that can be read.")
    return room


@dataclass(frozen=True, slots=True)
class SignedFile:
    """A timestamped CMS: its ``value`` is what ``token`` dates, at ``at``; ``certificate`` made it."""

    cms: bytes
    value: bytes
    token: bytes
    at: datetime
    certificate: x509.Certificate


@dataclass(frozen=True, slots=True)
class ExtractedSignature:
    """A signature of the PDF. ``number`` names its files, e.g. ``01``; ``covers`` are the bytes that it signs."""

    number: str
    material: SignatureMaterial
    covers: SignatureRange
    signed: SignedFile


@dataclass(frozen=True, slots=True)
class ExtractedTimestamp:
    """A document timestamp of the PDF: ``token`` dates the bytes that it ``covers``."""

    number: str
    covers: SignatureRange
    token: bytes
    at: datetime


@dataclass(frozen=True, slots=True)
class ExtractedRecord:
    """A signed record with its signature taken apart."""

    record: SignedRecord
    signed: SignedFile


@dataclass(frozen=True, slots=True)
class Extraction:
    """All signatures in the order of the PDF's revisions, all document timestamps, all signed records."""

    signatures: tuple[ExtractedSignature, ...]
    timestamps: tuple[ExtractedTimestamp, ...]
    records: tuple[ExtractedRecord, ...]


def extract(evidence: EvidenceInput) -> Extraction:
    """Takes the signatures apart. Raises :class:`EvidenceIncomplete` for one that is not in the PDF, has no
    timestamp or does not verify: a package never carries a signature that its reader would find broken."""
    signatures = tuple(_signatures(evidence))
    return Extraction(
        signatures=signatures,
        timestamps=tuple(_timestamps(evidence, already=len(signatures))),
        records=tuple(
            ExtractedRecord(record, taken_apart(record.cms, record.record, record.name))
            for record in evidence.records
        ),
    )


def taken_apart(message: bytes, content: bytes, name: str) -> SignedFile:
    """The parts of a detached, timestamped CMS *message* over *content*; *name* is for the refusal."""
    try:
        parsed = cms.parse(message)
        certificate = cms.verify(parsed, content=content)
        token = timestamp.local_token(parsed)
        if token is None:
            raise ValueError("it has no timestamp")
        info = timestamp.verify_token(token, data=parsed.signature)
    except (AuthorityError, ValueError) as error:
        raise EvidenceIncomplete(
            "The signature {name} does not hold: {detail}", name=name, detail=error
        ) from error
    return SignedFile(message, parsed.signature, token, info.gen_time, certificate)


def _signatures(evidence: EvidenceInput) -> Iterator[ExtractedSignature]:
    for position, material in enumerate(evidence.signatures, start=1):
        covers = locate_signatures(evidence.signed, material.cms)
        signed = taken_apart(material.cms, covers.content(evidence.signed), material.field)
        yield ExtractedSignature(f"{position:02}", material, covers, signed)


def _timestamps(evidence: EvidenceInput, *, already: int) -> Iterator[ExtractedTimestamp]:
    for position, token in enumerate(evidence.document_timestamps, start=already + 1):
        covers = locate_signatures(evidence.signed, token)
        try:
            info = timestamp.verify_token(token, data=covers.content(evidence.signed))
        except AuthorityError as error:
            raise EvidenceIncomplete(
                "A document timestamp of the signed contract does not hold: {detail}", detail=error
            ) from error
        yield ExtractedTimestamp(f"{position:02}", covers, token, info.gen_time)

"""Each signature of the PDF taken apart into what ``openssl`` can check by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from appliance.evidence import revisions
from appliance.evidence.errors import EvidenceIncomplete
from appliance.evidence.model import EvidenceInput, SignatureMaterial, SignedRecord
from appliance.evidence.revisions import SignatureRange
from hsm import cms, timestamp
from hsm.errors import AuthorityError


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
        covers = revisions.locate_signatures(evidence.signed, material.cms)
        signed = taken_apart(material.cms, covers.content(evidence.signed), material.field)
        yield ExtractedSignature(f"{position:02}", material, covers, signed)


def _timestamps(evidence: EvidenceInput, *, already: int) -> Iterator[ExtractedTimestamp]:
    for position, token in enumerate(evidence.document_timestamps, start=already + 1):
        covers = revisions.locate_signatures(evidence.signed, token)
        try:
            info = timestamp.verify_token(token, data=covers.content(evidence.signed))
        except AuthorityError as error:
            raise EvidenceIncomplete(
                "A document timestamp of the signed contract does not hold: {detail}", detail=error
            ) from error
        yield ExtractedTimestamp(f"{position:02}", covers, token, info.gen_time)

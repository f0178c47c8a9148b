"""What a package shows of signatures and certificates, so that ``head``, ``tail`` and ``openssl`` can check it.

A signature is where a ``/ByteRange`` leaves exactly one hexadecimal string out (ISO 32000-2, 12.8.1). Only
those whose bytes the caller names are taken, so a document cannot add one of its own.

End certificates are held against the revocation lists that lie beside them. Revoked after the act does no harm:
people leave, keys are replaced. What counts is the time that a timestamp proves for the act, against the time from
which the certificate was not to be believed any more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice

from cryptography import x509

from appliance.errors import EvidenceIncomplete
from appliance.evidence.history import events, proven_by, stamped_files
from appliance.evidence.model import (
    Certificates,
    EvidenceInput,
    SignatureMaterial,
    SignedRecord,
)
from appliance.pdf.byte_ranges import ByteRange, SignedDigests, stated_ranges
from appliance.verification.messages import UnreadableMessage, read_message
from appliance.verification.revocation import harmful_since
from appliance.verification.tokens import NotSigned, identify_signer
from hsm import cms, timestamp
from hsm.errors import AuthorityError, Malformed
from hsm.records import require_kind

_MOST_PLACES, _LARGEST_PLACE = 1000, 2 * 1024 * 1024
"""For signatures in a document; bytes of one."""


def locate_signatures(document: bytes, signature: bytes) -> ByteRange:
    """The range of one *signature*, as :func:`locate_all`."""
    [found] = locate_all(document, [signature])
    return found


def locate_all(document: bytes, signatures: Iterable[bytes]) -> list[ByteRange]:
    """The ranges of *signatures* (DER of a CMS or of a timestamp token) in *document*.

    Raises :class:`EvidenceIncomplete` when the document does not carry one exactly once, padded with zeros, among
    places for signatures that are not more, or larger, than anybody needs.
    """
    stated = [
        each
        for each in islice(stated_ranges(document), _MOST_PLACES)
        if each and each.gap_end - each.gap_start <= _LARGEST_PLACE
    ]
    return [_located(document, stated, each) for each in signatures]


def _located(document: bytes, stated: Iterable[ByteRange], signature: bytes) -> ByteRange:
    written = b"<" + signature.hex().encode()
    found = [
        each
        for each in stated
        if document[each.gap_start : each.gap_start + len(written)].lower() == written
        and each.contents(document) == signature.ljust((each.gap_end - each.gap_start) // 2 - 1, b"\0")
    ]
    if len(found) != 1:
        raise EvidenceIncomplete(
            "The signed contract has {count} signatures with the bytes of this one, instead of one.",
            count=len(found),
        )
    return found[0]


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
    covers: ByteRange
    signed: SignedFile

    @property
    def is_own(self) -> bool:
        """Whether it was made elsewhere, with a certificate of the signer's own."""
        return self.material.anchor is not None


@dataclass(frozen=True, slots=True)
class ExtractedTimestamp:
    """A document timestamp of the PDF: ``token`` dates the bytes that it ``covers``."""

    number: str
    covers: ByteRange
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
            ExtractedRecord(record, taken_apart(record.cms, record.record, record.name, is_record=True))
            for record in evidence.records
        ),
    )


DigestOf = Callable[[str], bytes]
"""The hash of a name over what a signature covers in a document: with others it has many megabytes in common
(:class:`appliance.pdf.byte_ranges.SignedDigests`)."""


def _digest_of(content: bytes | DigestOf, hash_name: str) -> bytes:
    return cms.message_digest(hash_name, content) if isinstance(content, bytes) else content(hash_name)


def verify_dated(token: bytes, content: DigestOf) -> timestamp.TimestampInfo:
    """What *token* says, which is about *content*. Raises as :func:`hsm.timestamp.verify_token`."""
    hash_name = timestamp.parse_token(token).hash_name
    try:
        digest = content(hash_name)
    except ValueError as error:
        raise Malformed("This system cannot compute {name}.", name=hash_name) from error
    return timestamp.verify_token(token, digest=digest)


def taken_apart(
    message: bytes, content: bytes | DigestOf, name: str, *, is_record: bool = False, token: bytes = b""
) -> SignedFile:
    """The parts of a detached, timestamped CMS *message* over *content*, a record or a document's bytes; *name* is
    for the refusal. One that was made elsewhere has its *token* beside it."""
    if token:
        return _taken_apart_elsewhere(message, content, name, token)
    try:
        parsed = cms.parse(message)
        certificate = cms.verify(parsed, digest=_digest_of(content, parsed.digest_name))
        require_kind(parsed, content if is_record and isinstance(content, bytes) else None)
        dated = timestamp.local_token(parsed)
        if dated is None:
            raise ValueError("it has no timestamp")
        info = timestamp.verify_token(dated, data=parsed.signature)
    except (AuthorityError, ValueError) as error:
        raise EvidenceIncomplete(
            "The signature {name} does not hold: {detail}", name=name, detail=error
        ) from error
    return SignedFile(message, parsed.signature, dated, info.gen_time, certificate)


def _taken_apart_elsewhere(message: bytes, content: bytes | DigestOf, name: str, token: bytes) -> SignedFile:
    """The same of one that another house's software made, in whatever form the verifier takes."""
    try:
        read = read_message(message)
        digest = _digest_of(content, read.digest_name)
        certificate = identify_signer(read, digest, ()).certificate
        info = timestamp.verify_token(token, data=read.signature)
    except (AuthorityError, UnreadableMessage, NotSigned, ValueError) as error:
        raise EvidenceIncomplete(
            "The signature {name} does not hold: {detail}", name=name, detail=error
        ) from error
    return SignedFile(message, read.signature, token, info.gen_time, certificate)


def _signatures(evidence: EvidenceInput) -> Iterator[ExtractedSignature]:
    places = locate_all(evidence.signed, (each.cms for each in evidence.signatures))
    digests = SignedDigests(evidence.signed, places)
    both = zip(evidence.signatures, places, strict=True)
    for position, (material, covers) in enumerate(both, start=1):
        digest_of = partial(digests.digest, covers)
        signed = taken_apart(material.cms, digest_of, material.field, token=material.token)
        yield ExtractedSignature(f"{position:02}", material, covers, signed)


def _timestamps(evidence: EvidenceInput, *, already: int) -> Iterator[ExtractedTimestamp]:
    places = locate_all(evidence.signed, evidence.document_timestamps)
    digests = SignedDigests(evidence.signed, places)
    both = zip(evidence.document_timestamps, places, strict=True)
    for position, (token, covers) in enumerate(both, start=already + 1):
        try:
            info = verify_dated(token, partial(digests.digest, covers))
        except AuthorityError as error:
            raise EvidenceIncomplete(
                "A document timestamp of the signed contract does not hold: {detail}", detail=error
            ) from error
        yield ExtractedTimestamp(f"{position:02}", covers, token, info.gen_time)


@dataclass(frozen=True, slots=True)
class Revoked:
    """An entry of a list: which list of ``crls.pem`` (from 1), whose serial number, since when, and since when it
    harms (earlier, where a key was compromised before)."""

    number: int
    serial: int
    at: datetime
    harmful: datetime


@dataclass(frozen=True, slots=True)
class CertificateStatus:
    """The end certificate ``certificates/NAME.pem``.

    ``acted`` is when it was used, as its timestamp proves. ``moment`` is when the newest list was made, at which
    all of them can be used, in seconds since 1970; 0, for no moment, where the certificate had run out by then:
    that it was good when it signed, its signature's check shows, and our lists name the revoked for good.
    ``revoked`` are the entries about it, and about the authorities above it.
    """

    name: str
    certificate: x509.Certificate
    acted: datetime
    moment: int
    revoked: tuple[Revoked, ...]

    @property
    def revoked_later(self) -> bool:
        """Whether something on its path was revoked, all of it only after the act."""
        return bool(self.revoked) and all(
            int(self.acted.timestamp()) < each.harmful.timestamp() for each in self.revoked
        )

    @property
    def itself_revoked(self) -> bool:
        """Whether one of the entries is about this certificate itself."""
        return any(each.serial == self.certificate.serial_number for each in self.revoked)


def certificate_statuses(evidence: EvidenceInput, extraction: Extraction) -> tuple[CertificateStatus, ...]:
    """Those of signers, our services (earlier timestamp keys too) and signers of records, in this order."""
    return statuses_of(evidence.certificates, _used(evidence, extraction))


def statuses_of(
    certificates: Certificates, used: Iterable[tuple[str, x509.Certificate, datetime]]
) -> tuple[CertificateStatus, ...]:
    """Those of the certificates that were *used*: name in the package, certificate, and when."""
    lists = [x509.load_der_x509_crl(crl) for crl in certificates.crls]
    newest = max(each.last_update_utc for each in lists)
    return tuple(
        CertificateStatus(
            name=name,
            certificate=certificate,
            acted=acted,
            moment=int(newest.timestamp()) if newest <= certificate.not_valid_after_utc else 0,
            revoked=tuple(_revoked(_path(certificate, certificates), lists)),
        )
        for name, certificate, acted in used
    )


def _used(evidence: EvidenceInput, extraction: Extraction) -> Iterator[tuple[str, x509.Certificate, datetime]]:
    for signature in extraction.signatures:
        if not signature.is_own:
            yield signature.number, signature.signed.certificate, signature.signed.at
    stampers = _stampers(evidence, extraction)
    yield "timestamping", evidence.certificates.timestamping, evidence.created
    stampers.pop(evidence.certificates.timestamping, None)
    for number, (certificate, proven) in enumerate(stampers.items(), start=1):
        yield f"timestamping-{number}", certificate, proven
    yield "evidence", evidence.certificates.evidence, evidence.created
    for record in extraction.records:
        yield record.record.name.replace("/", "-"), record.signed.certificate, record.signed.at


def _stampers(evidence: EvidenceInput, extraction: Extraction) -> dict[x509.Certificate, datetime]:
    """The timestamp keys, and by when the last of the tokens of each is proven to have existed: of those in the
    contract by the document timestamp after it, in the file and in time; of records as
    :func:`appliance.evidence.history.proven_by` says; of the rest by this package itself."""
    told, created = events(evidence.log.entries), evidence.created
    stamped = stamped_files(evidence.signed, {each.covers.end: each.at for each in extraction.timestamps})

    def covered(covers: ByteRange, at: datetime) -> datetime:
        """In whole seconds, as the checkers see them."""
        second = at.replace(microsecond=0)
        after = (it for it in extraction.timestamps if it.covers.end > covers.end)
        return min((it.at for it in after if it.at.replace(microsecond=0) >= second), default=created)

    def recorded(each: ExtractedRecord) -> datetime:
        digest = hashlib.sha256(each.record.record).hexdigest()
        return min(
            proven_by(each.record.name, digest, each.signed.at, told, evidence.contract, stamped) or created,
            created,
        )

    def signed(each: ExtractedSignature) -> datetime:
        """The timestamp of one that was made elsewhere is not in the file."""
        inside = each.signed.token in each.signed.cms
        return covered(each.covers, each.signed.at) if inside else created

    tokens = [
        *((each.signed.token, signed(each)) for each in extraction.signatures),
        *((each.token, covered(each.covers, each.at)) for each in extraction.timestamps),
        *((each.signed.token, recorded(each)) for each in extraction.records),
        (timestamp.parse_response(evidence.exchange.reply), created),
        (evidence.log.checkpoint_token, created),
    ]
    found: dict[x509.Certificate, datetime] = {}
    for token, at in tokens:
        signer = timestamp.parse_token(token).signer
        if signer is not None:
            found[signer] = max(found.get(signer, at), at)
    return found


def _path(certificate: x509.Certificate, certificates: Certificates) -> Iterator[x509.Certificate]:
    """*certificate* and those above it, without the root."""
    above = {each.subject: each for each in certificates.intermediates}
    current: x509.Certificate | None = certificate
    while current is not None:
        yield current
        current = above.pop(current.issuer, None)


def _revoked(path: Iterator[x509.Certificate], lists: list[x509.CertificateRevocationList]) -> Iterator[Revoked]:
    for certificate in path:
        for number, crl in enumerate(lists, start=1):
            entry = crl.get_revoked_certificate_by_serial_number(certificate.serial_number)
            if entry is not None and crl.issuer == certificate.issuer:
                yield Revoked(number, entry.serial_number, entry.revocation_date_utc, harmful_since(entry))

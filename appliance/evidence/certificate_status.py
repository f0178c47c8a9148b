"""How the end certificates of a package stand against the revocation lists that lie beside them.

Revoked after the act does no harm: people leave, keys are replaced. What counts is the time that a timestamp
proves for the act, against the time from which the certificate was not to be believed any more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from appliance.evidence.extraction import ExtractedRecord, Extraction
from appliance.evidence.history import events
from appliance.evidence.model import Certificates, EvidenceInput
from appliance.verification.revocation import harmful_since
from hsm import timestamp


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
    lists = [x509.load_der_x509_crl(crl) for crl in evidence.certificates.crls]
    newest = max(each.last_update_utc for each in lists)
    return tuple(
        CertificateStatus(
            name=name,
            certificate=certificate,
            acted=acted,
            moment=int(newest.timestamp()) if newest <= certificate.not_valid_after_utc else 0,
            revoked=tuple(_revoked(_path(certificate, evidence.certificates), lists)),
        )
        for name, certificate, acted in _used(evidence, extraction)
    )


def certificate_of(record: ExtractedRecord) -> str:
    """The name of the certificate of a record's signer, e.g. ``agreement-01``."""
    return record.record.name.replace("/", "-")


def _used(evidence: EvidenceInput, extraction: Extraction) -> Iterator[tuple[str, x509.Certificate, datetime]]:
    for signature in extraction.signatures:
        yield signature.number, signature.signed.certificate, signature.signed.at
    stampers = _stampers(evidence, extraction)
    yield "timestamping", evidence.certificates.timestamping, evidence.created
    stampers.pop(evidence.certificates.timestamping, None)
    for number, (certificate, proven) in enumerate(stampers.items(), start=1):
        yield f"timestamping-{number}", certificate, proven
    yield "evidence", evidence.certificates.evidence, evidence.created
    for record in extraction.records:
        yield certificate_of(record), record.signed.certificate, record.signed.at


def _stampers(evidence: EvidenceInput, extraction: Extraction) -> dict[x509.Certificate, datetime]:
    """The timestamp keys, and by when the last of the tokens of each is proven to have existed: by the document
    timestamp after it; for records by the completion of the contract, which the log has later than them; for the
    rest by this package itself."""
    completed = (each.at for each in events(evidence.log.entries) if each.kind == "contract-completed")
    recorded = min(completed, default=evidence.created)

    def proven(at: datetime) -> datetime:
        return min((each.at for each in extraction.timestamps if each.at > at), default=evidence.created)

    tokens = [
        *((each.signed.token, proven(each.signed.at)) for each in extraction.signatures),
        *((each.token, proven(each.at)) for each in extraction.timestamps),
        *((each.signed.token, recorded) for each in extraction.records),
        (timestamp.parse_response(evidence.exchange.reply), evidence.created),
        (evidence.log.checkpoint_token, evidence.created),
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

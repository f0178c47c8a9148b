"""Keys, the certificates issued for them, revocations and CRLs."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from hsm.errors import UnknownKey
from hsm.rows import Query, columns, fields_of
from hsm.store.database import AuthorityTables
from hsm.vouching import EVENTS

ROOT, ISSUING = "root", "issuing"
"""The root, and the first issuing CA; those that follow it are called ``issuing-2``, ``issuing-3``, …"""


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A key in the token: whose it is, its algorithm, its SPKI (DER; empty for AES), what was read back."""

    label: str
    subject: str
    algorithm: str
    public_key: bytes
    attributes: str


@dataclass(frozen=True, slots=True)
class CertificateRecord:
    """An issued certificate: ``subject`` and ``issuer`` are our own names (``tsa``), ``label`` its key's."""

    subject: str
    issuer: str
    label: str
    certificate: x509.Certificate

    @property
    def serial(self) -> str:
        """The serial number in hex: SQLite's integers are too short for it."""
        return f"{self.certificate.serial_number:x}"


@dataclass(frozen=True, slots=True)
class RevokedCertificate:
    """A revocation: ``revoked`` in seconds since 1970, ``reason`` a name of :class:`x509.ReasonFlags`."""

    serial: int
    revoked: int
    reason: str


@dataclass(frozen=True, slots=True)
class CrlRecord:
    """A published CRL (DER) of ``issuer`` with its number."""

    issuer: str
    number: int
    der: bytes


KEYS = Query(KeyRecord, "SELECT label, subject, algorithm, public_key, attributes FROM keys")
_CERTIFICATES = Query(
    CertificateRecord,
    "SELECT subject, issuer, label, der FROM certificates WHERE",
    certificate=columns(x509.load_der_x509_certificate, "der"),
)
_REVOCATIONS = Query(
    RevokedCertificate, "SELECT serial, revoked, reason FROM revocations", serial=lambda text: int(text, 16)
)
_CRLS = Query(CrlRecord, "SELECT issuer, number, der FROM crls")


class CertificateStore(AuthorityTables):
    """What the token's keys are for, and what was said about them. Each call is one durable transaction."""

    def add_key(self, key: KeyRecord, *, made: int) -> None:
        """Records a key that was generated at *made* (seconds since 1970)."""
        with self._database.transaction():
            names = "label subject algorithm public_key attributes"
            self._database.insert("keys", {**fields_of(key, names), "made": made})

    def key(self, label: str) -> KeyRecord:
        """The record of *label*. Raises :class:`UnknownKey`."""
        missing = UnknownKey("The authority has no key {label}.", label=label)
        return KEYS.one(self._database, "WHERE label = ?", (label,), missing=missing)

    def keys_of(self, subject: str) -> list[KeyRecord]:
        """Every key of *subject*, oldest first."""
        return KEYS.all(self._database, "WHERE subject = ? ORDER BY made, rowid", (subject,))

    def add_certificate(self, record: CertificateRecord) -> None:
        """Records an issued certificate, which becomes its subject's current one."""
        with self._database.transaction():
            self._database.insert(
                "certificates",
                {
                    **fields_of(record, "serial subject issuer label"),
                    "not_after": int(record.certificate.not_valid_after_utc.timestamp()),
                    "der": record.certificate.public_bytes(Encoding.DER),
                },
            )

    def current_number(self, subject: str) -> int:
        """The row of *subject*'s newest certificate: changes when it does. Raises :class:`UnknownKey`."""
        query = "SELECT number FROM certificates WHERE subject = ? ORDER BY number DESC LIMIT 1"
        number = self._database.value(int, query, (subject,))
        if number is None:
            raise _without_certificate(subject)
        return number

    def certificate(self, subject: str) -> CertificateRecord:
        """The newest certificate of *subject*. Raises :class:`UnknownKey`."""
        missing = _without_certificate(subject)
        return self._certificate("subject = ? ORDER BY number DESC LIMIT 1", subject, missing=missing)

    def unexpired(self, subject: str, now: int) -> list[CertificateRecord]:
        """Every certificate of *subject* that has not run out by *now* (Unix seconds), oldest first."""
        return self._certificates("subject = ? AND not_after >= ? ORDER BY number", subject, now)

    def certificate_of(self, subject: str, serial: str) -> CertificateRecord:
        """The certificate of *subject* with this serial number (hex), also an older one. Raises UnknownKey."""
        missing = UnknownKey("{subject} has no certificate {serial}.", subject=subject, serial=serial)
        return self._certificate("subject = ? AND serial = ?", subject, serial, missing=missing)

    def issued(self, serial: int) -> CertificateRecord:
        """The certificate with this serial number, whosever it is. Raises :class:`UnknownKey`."""
        missing = UnknownKey("The authority has not issued the certificate {serial}.", serial=f"{serial:x}")
        return self._certificate("serial = ?", f"{serial:x}", missing=missing)

    def revocation(self, serial: int) -> RevokedCertificate | None:
        """The revocation of the certificate with this serial number, or None."""
        return _REVOCATIONS.first(self._database, "WHERE serial = ?", (f"{serial:x}",))

    def authorities(self) -> list[CertificateRecord]:
        """The issuing CAs: the one that issues now first, however many came before it, then those that issue event
        certificates in the same order."""
        return [*self.line(ISSUING), *self.line(EVENTS)]

    def line(self, first: str) -> list[CertificateRecord]:
        """The issuing CA *first* and those that have followed it, the newest one first."""
        condition = "issuer = ? AND (subject = ? OR subject GLOB ? || '-[0-9]*') ORDER BY number DESC"
        return self._certificates(condition, ROOT, first, first)

    def issuing(self) -> str:
        """The subject of the CA that issues now. Raises :class:`UnknownKey` before the ceremony."""
        return self._newest(ISSUING)

    def event_issuing(self) -> str:
        """The subject of the CA that issues event certificates now. Raises :class:`UnknownKey` where none does."""
        return self._newest(EVENTS)

    def _newest(self, first: str) -> str:
        found = self.line(first)
        if not found:
            raise _without_certificate(first)
        return found[0].subject

    def service_certificates(self) -> list[CertificateRecord]:
        """The newest certificate of everything that is neither person nor seal: a handful."""
        return self._certificates(
            "number IN (SELECT max(number) FROM certificates"
            " WHERE subject NOT LIKE 'person-%' AND subject NOT LIKE 'seal-%' GROUP BY subject) ORDER BY number"
        )

    def revoke(self, serial: int, *, revoked: int, reason: str) -> bool:
        """Records a revocation; False when the certificate was revoked before."""
        row = {"serial": f"{serial:x}", "revoked": revoked, "reason": reason}
        with self._database.transaction():
            return self._database.insert_if_new("revocations", row)

    def is_revoked(self, serial: int) -> bool:
        """Whether the certificate with this serial number was revoked."""
        query = "SELECT 1 FROM revocations WHERE serial = ?"
        return self._database.exists(query, (f"{serial:x}",))

    def revocations(self, issuer: str) -> list[RevokedCertificate]:
        """Every revocation among the certificates of *issuer*, oldest first."""
        condition = "WHERE serial IN (SELECT serial FROM certificates WHERE issuer = ?) ORDER BY revoked, serial"
        return _REVOCATIONS.all(self._database, condition, (issuer,))

    def last_crl_number(self, issuer: str) -> int:
        """The number of *issuer*'s newest CRL; 0 before the first."""
        return self._database.value(int, "SELECT max(number) FROM crls WHERE issuer = ?", (issuer,)) or 0

    def add_crl(self, record: CrlRecord) -> None:
        """Records a CRL, and forgets those before the previous one: they are replaced, and grow with time."""
        with self._database.transaction():
            self._database.insert("crls", fields_of(record, "issuer number der"))
            self._database.change(
                "DELETE FROM crls WHERE issuer = ? AND number < ?", (record.issuer, record.number - 1)
            )

    def crl(self, issuer: str) -> CrlRecord | None:
        """The newest CRL of *issuer*, or None."""
        return _CRLS.first(self._database, "WHERE issuer = ? ORDER BY number DESC LIMIT 1", (issuer,))

    def _certificate(self, where: str, *values: str, missing: UnknownKey) -> CertificateRecord:
        return _CERTIFICATES.one(self._database, where, values, missing=missing)

    def _certificates(self, where: str, *values: object) -> list[CertificateRecord]:
        return _CERTIFICATES.all(self._database, where, values)


def _without_certificate(subject: str) -> UnknownKey:
    return UnknownKey("The authority has no certificate for {subject}.", subject=subject)

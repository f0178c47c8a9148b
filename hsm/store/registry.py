"""Keys, the certificates issued for them, revocations and CRLs."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from hsm.errors import UnknownKey
from hsm.store.database import AuthorityDatabase

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


class CertificateStore:
    """What the token's keys are for, and what was said about them. Each call is one durable transaction."""

    def __init__(self, database: AuthorityDatabase) -> None:
        self._database = database

    def add_key(self, key: KeyRecord, *, made: int) -> None:
        """Records a key that was generated at *made* (seconds since 1970)."""
        with self._database.transaction():
            self._database.run(
                "INSERT INTO keys (label, subject, algorithm, public_key, attributes, made)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (key.label, key.subject, key.algorithm, key.public_key, key.attributes, made),
            )

    def key(self, label: str) -> KeyRecord:
        """The record of *label*. Raises :class:`UnknownKey`."""
        row = self._database.one(
            "SELECT label, subject, algorithm, public_key, attributes FROM keys WHERE label = ?", (label,)
        )
        if row is None:
            raise UnknownKey("The authority has no key {label}.", label=label)
        return KeyRecord(*row)

    def keys_of(self, subject: str) -> list[KeyRecord]:
        """Every key of *subject*, oldest first."""
        rows = self._database.all(
            "SELECT label, subject, algorithm, public_key, attributes FROM keys WHERE subject = ?"
            " ORDER BY made, rowid",
            (subject,),
        )
        return [KeyRecord(*row) for row in rows]

    def add_certificate(self, record: CertificateRecord) -> None:
        """Records an issued certificate, which becomes its subject's current one."""
        with self._database.transaction():
            self._database.run(
                "INSERT INTO certificates (serial, subject, issuer, label, not_after, der)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (
                    record.serial,
                    record.subject,
                    record.issuer,
                    record.label,
                    int(record.certificate.not_valid_after_utc.timestamp()),
                    record.certificate.public_bytes(Encoding.DER),
                ),
            )

    def current_number(self, subject: str) -> int:
        """The row of *subject*'s newest certificate: changes when it does. Raises :class:`UnknownKey`."""
        row = self._database.one(
            "SELECT number FROM certificates WHERE subject = ? ORDER BY number DESC LIMIT 1", (subject,)
        )
        if row is None:
            raise UnknownKey("The authority has no certificate for {subject}.", subject=subject)
        return int(row[0])

    def certificate(self, subject: str) -> CertificateRecord:
        """The newest certificate of *subject*. Raises :class:`UnknownKey`."""
        row = self._database.one(
            "SELECT subject, issuer, label, der FROM certificates WHERE number = ?",
            (self.current_number(subject),),
        )
        if row is None:
            raise UnknownKey("The authority has no certificate for {subject}.", subject=subject)
        return CertificateRecord(row[0], row[1], row[2], x509.load_der_x509_certificate(row[3]))

    def unexpired(self, subject: str, now: int) -> list[CertificateRecord]:
        """Every certificate of *subject* that has not run out by *now* (Unix seconds), oldest first."""
        rows = self._database.all(
            "SELECT subject, issuer, label, der FROM certificates WHERE subject = ? AND not_after >= ?"
            " ORDER BY number",
            (subject, now),
        )
        return [
            CertificateRecord(subject, issuer, label, x509.load_der_x509_certificate(der))
            for subject, issuer, label, der in rows
        ]

    def certificate_of(self, subject: str, serial: str) -> CertificateRecord:
        """The certificate of *subject* with this serial number (hex), also an older one. Raises UnknownKey."""
        row = self._database.one(
            "SELECT subject, issuer, label, der FROM certificates WHERE subject = ? AND serial = ?",
            (subject, serial),
        )
        if row is None:
            raise UnknownKey("{subject} has no certificate {serial}.", subject=subject, serial=serial)
        return CertificateRecord(row[0], row[1], row[2], x509.load_der_x509_certificate(row[3]))

    def issued(self, serial: int) -> CertificateRecord:
        """The certificate with this serial number, whosever it is. Raises :class:`UnknownKey`."""
        row = self._database.one(
            "SELECT subject, issuer, label, der FROM certificates WHERE serial = ?", (f"{serial:x}",)
        )
        if row is None:
            raise UnknownKey("The authority has not issued the certificate {serial}.", serial=f"{serial:x}")
        return CertificateRecord(row[0], row[1], row[2], x509.load_der_x509_certificate(row[3]))

    def revocation(self, serial: int) -> RevokedCertificate | None:
        """The revocation of the certificate with this serial number, or None."""
        row = self._database.one("SELECT revoked, reason FROM revocations WHERE serial = ?", (f"{serial:x}",))
        return None if row is None else RevokedCertificate(serial, row[0], row[1])

    def authorities(self) -> list[CertificateRecord]:
        """The issuing CAs, the one that issues now first, however many came before it."""
        rows = self._database.all(
            "SELECT subject, issuer, label, der FROM certificates WHERE issuer = ? AND subject <> ?"
            " ORDER BY number DESC",
            (ROOT, ROOT),
        )
        return [
            CertificateRecord(subject, issuer, label, x509.load_der_x509_certificate(der))
            for subject, issuer, label, der in rows
        ]

    def issuing(self) -> str:
        """The subject of the CA that issues now. Raises :class:`UnknownKey` before the ceremony."""
        row = self._database.one(
            "SELECT subject FROM certificates WHERE issuer = ? AND subject <> ? ORDER BY number DESC LIMIT 1",
            (ROOT, ROOT),
        )
        if row is None:
            raise UnknownKey("The authority has no certificate for {subject}.", subject=ISSUING)
        return str(row[0])

    def service_certificates(self) -> list[CertificateRecord]:
        """The newest certificate of everything that is neither person nor seal: a handful."""
        rows = self._database.all(
            "SELECT subject, issuer, label, der FROM certificates"
            " WHERE number IN (SELECT max(number) FROM certificates"
            " WHERE subject NOT LIKE 'person-%' AND subject NOT LIKE 'seal-%' GROUP BY subject) ORDER BY number"
        )
        return [
            CertificateRecord(subject, issuer, label, x509.load_der_x509_certificate(der))
            for subject, issuer, label, der in rows
        ]

    def revoke(self, serial: int, *, revoked: int, reason: str) -> bool:
        """Records a revocation; False when the certificate was revoked before."""
        with self._database.transaction():
            changed = self._database.run(
                "INSERT INTO revocations (serial, revoked, reason) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (f"{serial:x}", revoked, reason),
            )
        return changed == 1

    def is_revoked(self, serial: int) -> bool:
        """Whether the certificate with this serial number was revoked."""
        return self._database.one("SELECT 1 FROM revocations WHERE serial = ?", (f"{serial:x}",)) is not None

    def revocations(self, issuer: str) -> list[RevokedCertificate]:
        """Every revocation among the certificates of *issuer*, oldest first."""
        rows = self._database.all(
            "SELECT r.serial, r.revoked, r.reason FROM revocations r JOIN certificates c ON c.serial = r.serial"
            " WHERE c.issuer = ? ORDER BY r.revoked, r.serial",
            (issuer,),
        )
        return [RevokedCertificate(int(serial, 16), revoked, reason) for serial, revoked, reason in rows]

    def last_crl_number(self, issuer: str) -> int:
        """The number of *issuer*'s newest CRL; 0 before the first."""
        row = self._database.one("SELECT max(number) FROM crls WHERE issuer = ?", (issuer,))
        return int(row[0] or 0) if row else 0

    def add_crl(self, record: CrlRecord) -> None:
        """Records a CRL, and forgets those before the previous one: they are replaced, and grow with time."""
        with self._database.transaction():
            self._database.run(
                "INSERT INTO crls (issuer, number, der) VALUES (?, ?, ?)",
                (record.issuer, record.number, record.der),
            )
            self._database.run(
                "DELETE FROM crls WHERE issuer = ? AND number < ?", (record.issuer, record.number - 1)
            )

    def crl(self, issuer: str) -> CrlRecord | None:
        """The newest CRL of *issuer*, or None."""
        row = self._database.one(
            "SELECT issuer, number, der FROM crls WHERE issuer = ? ORDER BY number DESC LIMIT 1", (issuer,)
        )
        return CrlRecord(*row) if row else None

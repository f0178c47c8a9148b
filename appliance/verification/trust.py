"""What a verification is done with: trust anchors of the appliance or the user, revocation lists, the control
time. Certificates are read so that what cannot be read is nothing rather than an exception.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Self, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.utils import CryptographyDeprecationWarning

from appliance.errors import ConfigurationError
from appliance.language.characters import with_organisation
from appliance.verification.model import CertificateDetails
from hsm import der
from hsm.errors import AuthorityError
from hsm.names import name_in

_CERTIFICATE, _CRL = b"-----BEGIN CERTIFICATE-----", b"-----BEGIN X509 CRL-----"


@dataclass(frozen=True, slots=True)
class SignerAnchor:
    """A ``certificate`` that is believed for one signature alone, the one whose signed bytes end at ``end``; and
    nobody else is believed for that one."""

    end: int
    certificate: x509.Certificate


@dataclass(frozen=True, slots=True)
class ValidationContext:
    """The control time, whom to believe, certificates that may help, revocation lists (DER) at hand, and whom to
    believe for timestamps alone, or for one signature alone."""

    at: datetime
    anchors: tuple[x509.Certificate, ...]
    known: tuple[x509.Certificate, ...] = ()
    crls: tuple[bytes, ...] = ()
    stampers: tuple[x509.Certificate, ...] = ()
    apart: tuple[SignerAnchor, ...] = ()

    def for_signature(self, end: int | None) -> ValidationContext:
        """Whom to believe for the signature whose signed bytes end at *end*: an anchor of its own alone, where it
        has one, and everybody else's for its timestamps."""
        own = tuple(each.certificate for each in self.apart if each.end == end)
        if not own:
            return self
        return replace(self, anchors=own, stampers=(*self.stampers, *self.anchors))


@dataclass(frozen=True, slots=True)
class TrustAnchors:
    """``certificates`` are believed as they are, end-entity certificates too; ``crls`` are extra revocation lists
    (each still has to be signed by the right issuer); ``known`` helps to build paths and is not believed;
    ``stampers`` are believed for timestamps alone: who dates vouches for nobody's signature. ``apart`` are
    believed for one signature each."""

    certificates: tuple[x509.Certificate, ...]
    crls: tuple[bytes, ...] = ()
    known: tuple[x509.Certificate, ...] = ()
    stampers: tuple[x509.Certificate, ...] = ()
    apart: tuple[SignerAnchor, ...] = ()

    @classmethod
    def from_bytes(cls, *files: bytes) -> Self:
        """Anchors from PEM (several certificates and revocation lists in one file) or DER certificates.

        Raises ConfigurationError for a file without a certificate.
        """
        certificates: list[x509.Certificate] = []
        crls: list[bytes] = []
        for data in files:
            found, lists = _read(data)
            certificates += found
            crls += lists
        return cls(tuple(dict.fromkeys(certificates)), tuple(crls))

    @classmethod
    def from_files(cls, paths: Iterable[Path]) -> Self:
        """Like :meth:`from_bytes`; OSError when a file cannot be read."""
        return cls.from_bytes(*(path.read_bytes() for path in paths))

    def at(self, moment: datetime) -> ValidationContext:
        """These, for a verification at *moment*. Nothing in them is read here: they may be a stranger's."""
        moment = moment.astimezone(UTC)
        believed = self.certificates, self.known, self.crls, self.stampers, self.apart
        return ValidationContext(moment, *believed)


def readable(certificates: Iterable[x509.Certificate]) -> tuple[x509.Certificate, ...]:
    """Those of *certificates* that can be read whole. Reading takes some sixty times their size: only confined."""
    return tuple(each for each in certificates if parsed(each.public_bytes(Encoding.DER)) is not None)


def _read(data: bytes) -> tuple[list[x509.Certificate], list[bytes]]:
    try:
        if _CERTIFICATE not in data and _CRL not in data:
            return [x509.load_der_x509_certificate(data)], []
        certificates = x509.load_pem_x509_certificates(data) if _CERTIFICATE in data else []
        lists = [x509.load_pem_x509_crl(part) for part in _blocks(data)]
    except UNREADABLE as error:
        raise ConfigurationError(
            "The trust file holds no certificate in PEM or DER; give the certificate of a CA or of a signer."
        ) from error
    return certificates, [each.public_bytes(Encoding.DER) for each in lists]


def _blocks(data: bytes) -> list[bytes]:
    return [
        _CRL + part.split(b"-----END X509 CRL-----")[0] + b"-----END X509 CRL-----\n"
        for part in data.split(_CRL)[1:]
    ]


E = TypeVar("E", bound=x509.ExtensionType)

_SERIAL, _ISSUER = 0, 2  # places in a TBSCertificate after the optional version (RFC 5280, 4.1)
_VERSION_TAG = 0xA0
_BIT_STRING = b"\x03"
UNREADABLE = (
    AuthorityError,
    ValueError,
    TypeError,
    LookupError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What ``cryptography`` raises for certificates, lists and responses that it cannot read, also at an access."""


def read_certificate(encoded: bytes) -> x509.Certificate | None:
    """The certificate, or None for bytes that are none, or not the one encoding of one, or with a serial number
    that RFC 5280, 4.1.2.2, does not allow."""
    certificate = read_leniently(encoded)
    return certificate if certificate is not None and serial_of(certificate) > 0 else None


def read_leniently(encoded: bytes) -> x509.Certificate | None:
    """The same, whatever its serial number is: authorities in the field give out 0 and negative ones."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)  # of such serial numbers
            if not is_canonical(encoded):
                return None
            certificate = x509.load_der_x509_certificate(encoded)
            _ = certificate.extensions, certificate.subject, certificate.issuer, certificate.version
    except UNREADABLE:
        return None
    return certificate


parsed = lru_cache(maxsize=256)(read_leniently)
"""The same, read once; only in confined processes, since it keeps what a stranger has sent."""


def is_canonical(encoded: bytes) -> bool:
    """Whether a certificate or list is SEQUENCE { signed part, algorithm, BIT STRING } as its signature
    fixes it: the algorithm is the signed one, and the BIT STRING has no unused bits, which nobody signs.

    Raises Malformed for what is not even a SEQUENCE.
    """
    parts = der.members(encoded)
    if len(parts) != 3 or parts[2][:1] != _BIT_STRING:
        return False
    lengths = parts[2][1] - 0x80 if parts[2][1] > 0x80 else 0
    return parts[2][2 + lengths] == 0 and parts[1] in der.members(parts[0])


def extension(certificate: x509.Certificate, kind: type[E]) -> x509.Extension[E] | None:
    try:
        return certificate.extensions.get_extension_for_class(kind)
    except x509.ExtensionNotFound:
        return None


def issuer_and_serial(certificate: x509.Certificate) -> bytes:
    """The IssuerAndSerialNumber (RFC 5652, 10.2.4) in DER, the issuer's bytes as the certificate has them."""
    parts = _tbs_parts(certificate.tbs_certificate_bytes)
    return der.element(der.SEQUENCE, parts[_ISSUER], parts[_SERIAL])


def serial_of(certificate: x509.Certificate) -> int:
    """The serial number, without what ``cryptography`` has to say of one that is not positive."""
    return int.from_bytes(der.contents(_tbs_parts(certificate.tbs_certificate_bytes)[_SERIAL]), signed=True)


def serial_and_issuer(certificate: x509.Certificate) -> bytes:
    """The octets from the serial number to the issuer's name, as they stand in the certificate."""
    parts = _tbs_parts(certificate.tbs_certificate_bytes)
    return b"".join(parts[_SERIAL : _ISSUER + 1])


@lru_cache(maxsize=256)
def names_of(certificate: x509.Certificate) -> tuple[bytes, bytes]:
    """Subject and issuer in DER; ``cryptography`` builds the name objects anew at every access."""
    return certificate.subject.public_bytes(), certificate.issuer.public_bytes()


def _tbs_parts(tbs: bytes) -> list[bytes]:
    """The members of a TBSCertificate from the serial number on."""
    parts = der.members(tbs)
    return parts[1:] if parts[0][0] == _VERSION_TAG else parts


def issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether *issuer*'s name and key fit *certificate*; whether it may issue is another question."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False
    return True


_name_in = lru_cache(maxsize=32)(name_in)


@lru_cache(maxsize=32)
def shown_name(certificate: x509.Certificate) -> str:
    """Common name and organisation for people, in full (:mod:`hsm.names`), or the whole name where there is no
    common name."""
    name = _name_in(certificate)
    if not name.common_name:
        return certificate.subject.rfc4514_string()
    return with_organisation(name.common_name, name.organisation or None)


@lru_cache(maxsize=32)
def details(certificate: x509.Certificate) -> CertificateDetails:
    """What the detailed report shows; a subject that was shortened also in full."""
    subject, name = certificate.subject.rfc4514_string(), _name_in(certificate)
    return CertificateDetails(
        subject=f"{subject} = {shown_name(certificate)}" if name.is_shortened else subject,
        issuer=certificate.issuer.rfc4514_string(),
        serial=f"{serial_of(certificate):x}",
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
        encoded=certificate.public_bytes(Encoding.DER),
    )

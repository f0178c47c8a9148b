"""A counterparty that signs elsewhere: its certification authority, and pyHanko as its software."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

from asn1crypto import keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import PdfSignatureMetadata, PdfSigner, SimpleSigner
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko_certvalidator.registry import SimpleCertificateStore

from tests.verification.authorities import KEY_USAGES

GAMMA = "丙公司示例有限公司"
PERSON = "郑示例"


@dataclass(frozen=True)
class Holder:
    """Somebody with a key, a certificate and those above it."""

    key: rsa.RSAPrivateKey
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...] = ()

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def subject(name: str, organisation: str) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COUNTRY_NAME, "CN")]
    parts += [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation)] if organisation else []
    return x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, name)])


@dataclass(frozen=True)
class Wanted:
    """How a certificate is to be; the defaults make a good signer of Gamma."""

    name: str = PERSON
    organisation: str = GAMMA
    start: datetime = field(default_factory=lambda: datetime.now(UTC) - timedelta(days=10))
    days: float = 700
    authority: bool = False
    hash: Any = field(default_factory=hashes.SHA256)
    signs: bool = True


def certified(wanted: Wanted, issuer: Holder | None = None, key: rsa.RSAPrivateKey | None = None) -> Holder:
    """A certificate by *issuer*, or by itself."""
    key = key or rsa.generate_private_key(65537, 2048)
    name = subject(wanted.name, wanted.organisation)
    above = issuer or Holder(key, x509.CertificateBuilder)  # type: ignore[arg-type]
    usage = dict.fromkeys(KEY_USAGES, False)
    usage |= {"key_cert_sign": True, "crl_sign": True} if wanted.authority else {"digital_signature": wanted.signs}
    usage |= {} if wanted.authority or wanted.signs else {"key_encipherment": True}
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.certificate.subject if issuer else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(wanted.start)
        .not_valid_after(wanted.start + timedelta(days=wanted.days))
        .add_extension(x509.BasicConstraints(wanted.authority, None), critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(above.key.public_key()), critical=False)
    )
    certificate = builder.sign(above.key, wanted.hash)
    return Holder(key, certificate, () if issuer is None else (issuer.certificate, *issuer.chain))


def authority(name: str = "Gamma Root CA") -> Holder:
    return certified(Wanted(name, "Gamma Trust Services", days=3000, authority=True))


def crl_of(issuer: Holder, *revoked: Holder) -> bytes:
    """The issuer's list (DER) of today."""
    now = datetime.now(UTC)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(now - timedelta(minutes=1))
        .next_update(now + timedelta(days=30))
        .add_extension(x509.CRLNumber(1), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False)
    )
    for each in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(each.certificate.serial_number)
        builder = builder.add_revoked_certificate(entry.revocation_date(now - timedelta(days=1)).build())
    return builder.sign(issuer.key, hashes.SHA256()).public_bytes(Encoding.DER)


def signed_with_pyhanko(document: bytes, holder: Holder, fieldname: str | None, **more: Any) -> bytes:
    """*document* with the holder's signature in the field *fieldname*; *more* goes into pyHanko's metadata."""
    writer = more.pop("writer", None) or IncrementalPdfFileWriter(BytesIO(document))
    registry = SimpleCertificateStore()
    registry.register_multiple(
        [asn1_x509.Certificate.load(each.public_bytes(Encoding.DER)) for each in holder.chain]
    )
    private = holder.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    signer = SimpleSigner(
        signing_cert=asn1_x509.Certificate.load(holder.certificate.public_bytes(Encoding.DER)),
        signing_key=keys.PrivateKeyInfo.load(private),
        cert_registry=registry,
    )
    values = {"subfilter": SigSeedSubFilter.PADES, "md_algorithm": "sha256", "use_pades_lta": False, **more}
    metadata = PdfSignatureMetadata(field_name=fieldname, **values)
    result = PdfSigner(metadata, signer).sign_pdf(writer)
    return bytes(result.getbuffer())

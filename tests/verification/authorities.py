"""Certification authorities of the tests: keys in memory, certificates as good or as bad as a test wants."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DOCUMENT_SIGNING = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36")
ORGANISATION = "甲公司示例有限公司"


@cache
def key_of(label: str, *, rsa_bits: int = 0) -> Key:
    """The key of that label, the same all through one test run."""
    return rsa.generate_private_key(65537, rsa_bits) if rsa_bits else ec.generate_private_key(ec.SECP256R1())


@dataclass(frozen=True)
class Profile:
    """How a certificate is to be; the defaults make a good signer."""

    subject: str
    start: datetime = START
    days: int = 1000
    authority: bool = False
    path_length: int | None = None
    organisation: str = ORGANISATION
    usages: tuple[x509.ObjectIdentifier, ...] = (DOCUMENT_SIGNING,)
    critical_usage: bool = False
    key_usage: frozenset[str] = frozenset({"digital_signature", "content_commitment"})
    hash: hashes.HashAlgorithm = field(default_factory=hashes.SHA256)
    rsa_bits: int = 0
    extra: tuple[tuple[x509.ExtensionType, bool], ...] = ()
    key: Key | None = None


@dataclass(frozen=True)
class Identity:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: Key

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)


KEY_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


def name_of(subject: str, organisation: str = ORGANISATION) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, subject),
        ]
    )


def issue(profile: Profile, issuer: Identity | None = None) -> Identity:
    """A certificate for *profile* by *issuer*, or by itself."""
    key = profile.key or key_of(profile.subject, rsa_bits=profile.rsa_bits)
    signing = issuer.key if issuer else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(name_of(profile.subject, profile.organisation))
        .issuer_name(issuer.certificate.subject if issuer else name_of(profile.subject, profile.organisation))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(profile.start)
        .not_valid_after(profile.start + timedelta(days=profile.days))
        .add_extension(x509.BasicConstraints(profile.authority, profile.path_length), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), critical=False)
        .add_extension(x509.KeyUsage(*(name in profile.key_usage for name in KEY_USAGES)), critical=True)
    )
    if profile.usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(profile.usages), critical=profile.critical_usage)
    for extension, critical in profile.extra:
        builder = builder.add_extension(extension, critical=critical)
    return Identity(builder.sign(signing, profile.hash), key)


def authority(subject: str, issuer: Identity | None = None, **changes: object) -> Identity:
    """A certification authority."""
    usage = frozenset({"key_cert_sign", "crl_sign"})
    return issue(Profile(subject, authority=True, usages=(), key_usage=usage, **{"days": 4000, **changes}), issuer)


def revocation_list(
    issuer: Identity,
    *,
    made: datetime = NOW,
    revoked: tuple[tuple[Identity, datetime], ...] = (),
    days: int = 30,
    extra: tuple[tuple[x509.ExtensionType, bool], ...] = (),
) -> bytes:
    """A CRL (DER) by *issuer*."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(made)
        .next_update(made + timedelta(days=days))
        .add_extension(x509.CRLNumber(1), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False)
    )
    for extension, critical in extra:
        builder = builder.add_extension(extension, critical=critical)
    for identity, when in revoked:
        entry = (
            x509.RevokedCertificateBuilder()
            .serial_number(identity.certificate.serial_number)
            .revocation_date(when)
            .build()
        )
        builder = builder.add_revoked_certificate(entry)
    return builder.sign(issuer.key, hashes.SHA256()).public_bytes(Encoding.DER)


@dataclass(frozen=True)
class World:
    """A root, an issuing authority, two signers and a timestamp authority."""

    root: Identity
    issuing: Identity
    signer: Identity
    other: Identity
    tsa: Identity

    @property
    def revocations(self) -> tuple[bytes, bytes]:
        return revocation_list(self.root), revocation_list(self.issuing)


TIME_STAMPING = (ExtendedKeyUsageOID.TIME_STAMPING,)


@cache
def world() -> World:
    """The good one."""
    root = authority("Root CA")
    issuing = authority("Issuing CA", root, path_length=0)
    return World(
        root,
        issuing,
        issue(Profile("张示例"), issuing),
        issue(Profile("李样本"), issuing),
        issue(tsa_profile(), issuing),
    )


def tsa_profile(**changes: object) -> Profile:
    """A timestamp authority's certificate."""
    usage = frozenset({"digital_signature"})
    return Profile(
        **{
            "subject": "TSA",
            "usages": TIME_STAMPING,
            "critical_usage": True,
            "key_usage": usage,
            "rsa_bits": 2048,
            **changes,
        }
    )

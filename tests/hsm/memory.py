"""Signers whose keys are in memory, for the tests of formats alone, and the OpenSSL command as judge."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from hsm.signer import SignatureAlgorithm

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
NOW = datetime(2026, 11, 25, 8, 0, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class MemorySigner:
    """A :class:`hsm.signer.CmsSigner` with a key of ``cryptography``."""

    key: PrivateKey
    certificate: x509.Certificate
    chain: Sequence[x509.Certificate]

    @property
    def algorithm(self) -> SignatureAlgorithm:
        return SignatureAlgorithm.from_public_key(self.key.public_key())

    def sign(self, data: bytes) -> bytes:
        return sign_with(self.key, data)


def sign_with(key: PrivateKey, data: bytes) -> bytes:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        chosen = hashes.SHA384() if key.curve.name == "secp384r1" else hashes.SHA256()
        return key.sign(data, ec.ECDSA(chosen))
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), hashes.SHA256())
    return key.sign(data)


def new_key(kind: str) -> PrivateKey:
    if kind == "rsa":
        return rsa.generate_private_key(65537, 3072)
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key(ec.SECP384R1() if kind == "p384" else ec.SECP256R1())


def name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "甲公司示例有限公司"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


class MemoryAuthority:
    """A root in memory that certifies keys as a test wants them, the wrong ones too."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self.certify(self.key, name("Root"), ca=True)

    def certify(
        self,
        key: PrivateKey,
        subject: x509.Name,
        *,
        ca: bool = False,
        usages: Sequence[x509.ObjectIdentifier] = (),
        critical: bool = True,
        until: datetime = NOW + timedelta(days=3650),
        issuer: x509.Name | None = None,
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer or name("Root"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - timedelta(days=1))
            .not_valid_after(until)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False
            )
        )
        if usages:
            builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=critical)
        return builder.sign(self.key, hashes.SHA256())

    def signer(self, kind: str = "p256", usages: Sequence[x509.ObjectIdentifier] = ()) -> MemorySigner:
        key = new_key(kind)
        return MemorySigner(key, self.certify(key, name("Signer"), usages=usages), [self.certificate])

    def timestamper(self, kind: str = "p256") -> MemorySigner:
        return self.signer(kind, [ExtendedKeyUsageOID.TIME_STAMPING])


def openssl(*arguments: object, stdin: bytes = b"") -> tuple[int, str]:
    """Exit status and everything that the OpenSSL command wrote."""
    done = subprocess.run(
        ["openssl", *(str(argument) for argument in arguments)],
        input=stdin,
        capture_output=True,
        check=False,
        timeout=60,
    )
    return done.returncode, (done.stdout + done.stderr).decode(errors="replace")

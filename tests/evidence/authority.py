"""An authority in memory, for these tests alone: root → issuing CA → everybody, with CRLs and a log key."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from hsm import cms, timestamp
from tests.holder import Holder

START = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
DOCUMENT_SIGNING = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36")
SIGNING = (ExtendedKeyUsageOID.EMAIL_PROTECTION, DOCUMENT_SIGNING)
POLICY = "1.3.6.1.4.1.99999.1"
IDENTIFIERS = {"张示例": "person-zhang", "李样本": "person-li", "乙公司示例有限公司": "seal-b"}
"""Of people and seals, by their names."""
ALPHA, BETA = "甲公司示例有限公司", "乙公司示例有限公司"


def subject(name: str, identifier: str = "") -> x509.Name:
    """As the authority names: people and seals have an *identifier*, services and authorities none."""
    organisation = BETA if identifier in ("person-li", "seal-b") else ALPHA
    attributes = [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
        x509.NameAttribute(NameOID.COMMON_NAME, name),
    ]
    if identifier:
        attributes.append(x509.NameAttribute(NameOID.SERIAL_NUMBER, identifier))
    return x509.Name(attributes)


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=not ca,
        key_cert_sign=ca,
        crl_sign=ca,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def certify(
    key: ec.EllipticCurvePrivateKey,
    name: str,
    issuer: Holder | None,
    usages: tuple[x509.ObjectIdentifier, ...] = (),
    *,
    identifier: str = "",
    until: datetime = START + timedelta(days=3650),
) -> Holder:
    """A certificate for *key* by *issuer* (None: by itself); with no *usages* it is an authority's."""
    signing = issuer.key if issuer else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject(name, identifier))
        .issuer_name(issuer.certificate.subject if issuer else subject(name))
        .public_key(key.public_key())
        .serial_number(int.from_bytes(hashlib.sha256(name.encode()).digest()[:16]) | 1 << 126)
        .not_valid_before(START - timedelta(days=1))
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=not usages, path_length=None), critical=True)
        .add_extension(_usage(ca=not usages), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), critical=False)
    )
    if usages:
        critical = usages == (ExtendedKeyUsageOID.TIME_STAMPING,)
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=critical)
    chain = (issuer.certificate, *issuer.chain) if issuer else ()
    return Holder(key, builder.sign(signing, hashes.SHA256(), ecdsa_deterministic=True), chain)


@dataclass(frozen=True, slots=True)
class Revocation:
    """``at`` may lie before the time of the list; ``invalid``: since when the key is in other hands."""

    certificate: x509.Certificate
    at: datetime
    reason: x509.ReasonFlags | None = None
    invalid: datetime | None = None

    def entry(self) -> x509.RevokedCertificate:
        builder = x509.RevokedCertificateBuilder().serial_number(self.certificate.serial_number)
        builder = builder.revocation_date(self.at)
        if self.reason:
            builder = builder.add_extension(x509.CRLReason(self.reason), critical=False)
        if self.invalid:
            invalid = x509.InvalidityDate(self.invalid.replace(tzinfo=None))
            builder = builder.add_extension(invalid, critical=False)
        return builder.build()


@dataclass(slots=True)
class TestAuthority:
    """Everybody's keys; ``now`` is what the timestamp authority says, and it only moves when a test moves it."""

    __test__ = False
    now: datetime = START
    root: Holder = field(default_factory=lambda: certify(new_key(), "示例根证书", None))
    issuing: Holder = field(init=False)
    tsa: Holder = field(init=False)
    evidence: Holder = field(init=False)
    log_key: ed25519.Ed25519PrivateKey = field(default_factory=ed25519.Ed25519PrivateKey.generate)
    serial: int = 1 << 100

    def __post_init__(self) -> None:
        self.issuing = certify(new_key(), "示例签发证书", self.root)
        self.tsa = certify(new_key(), "示例时间戳服务", self.issuing, (ExtendedKeyUsageOID.TIME_STAMPING,))
        self.evidence = certify(new_key(), "示例证据签署", self.issuing, SIGNING)

    def successor_of_tsa(self, number: int = 2, until: datetime = START + timedelta(days=3650)) -> Holder:
        usages = (ExtendedKeyUsageOID.TIME_STAMPING,)
        return certify(new_key(), f"示例时间戳服务 {number}", self.issuing, usages, until=until)

    def person(self, name: str) -> Holder:
        """Named as the authority names; of a *name* that the tests know only what stands before a blank counts."""
        other = f"person-{hashlib.sha256(name.encode()).hexdigest()[:12]}"
        identifier = IDENTIFIERS.get(name.partition(" ")[0], other)
        return certify(new_key(), name, self.issuing, SIGNING, identifier=identifier)

    def token(self, data: bytes) -> bytes:
        return self.token_over(hashlib.sha256(data).digest())

    def token_over(self, digest: bytes) -> bytes:
        return self._issue(timestamp.order_for(digest))

    def reply(self, request: bytes) -> bytes:
        return timestamp.response_granted(self._issue(timestamp.parse_request(request, policies=[POLICY])))

    def sign(self, holder: Holder, content: bytes, *, media_type: str | None = None) -> bytes:
        """A timestamped signature, B-T, which says of which type the content is where one is given."""
        attributes = [] if media_type is None else [cms.media_type_attribute(media_type)]
        digest = hashlib.sha256(content).digest()
        message = cms.MessageMaker(holder, cms.DATA).make_message(digest, attributes=attributes)
        return cms.add_signature_timestamp(message, self.token(cms.signature_value(message)))

    def sign_manifest(self, manifest: bytes) -> bytes:
        return cms.sign_detached(self.evidence, content=manifest, signing_time=self.now)

    def crls(self, *revoked: x509.Certificate | Revocation) -> tuple[bytes, ...]:
        """The root's list and that of the issuing CA; a certificate alone is revoked now."""
        listed = [each if isinstance(each, Revocation) else Revocation(each, self.now) for each in revoked]
        return self._crl(self.root, listed), self._crl(self.issuing, listed)

    def _crl(self, issuer: Holder, revoked: list[Revocation]) -> bytes:
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(issuer.certificate.subject)
            .last_update(self.now)
            .next_update(self.now + timedelta(days=7))
            .add_extension(x509.CRLNumber(1), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False
            )
        )
        for each in revoked:
            if each.certificate.issuer == issuer.certificate.subject:
                builder = builder.add_revoked_certificate(each.entry())
        return builder.sign(issuer.key, hashes.SHA256(), ecdsa_deterministic=True).public_bytes(Encoding.DER)

    def _issue(self, order: timestamp.TimestampRequest) -> bytes:
        issuer = timestamp.TokenIssuer(self.tsa, policies=[POLICY], accuracy=timedelta(seconds=1))
        self.serial += 1
        return issuer.issue(order, gen_time=self.now, serial=self.serial).token


def new_key() -> ec.EllipticCurvePrivateKey:
    """A fresh key on P-256."""
    return ec.generate_private_key(ec.SECP256R1())

"""People, seals and a timestamp authority with keys in memory, by the authority's own rules for certificates, CMS,
tokens and CRLs: what these tests need to finish a signature without an HSM."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.pdf.values import PrepareOrder, ValidationMaterial
from appliance.pdf.workshop import PdfWorkshop
from hsm import cms, timestamp
from hsm.certificates import CertificateRules, Issuer, Profile
from hsm.names import SubjectName
from hsm.revocation import issue_crl
from tests.holder import Holder

ORGANISATIONS = ("甲公司示例有限公司", "乙公司示例有限公司")
POLICY = "1.3.6.1.4.1.32473.1.2"


@dataclass(slots=True)
class DocumentSigner:
    """Root, issuing CA, timestamp authority. ``now`` moves on by a second with every token and CRL."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC) - timedelta(minutes=5))
    rules: CertificateRules = field(
        default_factory=lambda: CertificateRules(ORGANISATIONS, "http://localhost:8080")
    )
    root: Issuer = field(init=False)
    issuing: Issuer = field(init=False)
    tsa: Holder = field(init=False)
    crl_number: int = 0

    def __post_init__(self) -> None:
        born = self.now - timedelta(days=1)
        key = ec.generate_private_key(ec.SECP256R1())
        root_name = SubjectName(ORGANISATIONS[0], "示例根证书")
        self.root = Issuer(self.rules.self_sign(root_name, key, now=born), key, "root")
        key = ec.generate_private_key(ec.SECP256R1())
        name = SubjectName(ORGANISATIONS[0], "示例签发证书")
        certificate = self.rules.issue(Profile.ISSUING, name, key.public_key(), issuer=self.root, now=born)
        self.issuing = Issuer(certificate, key, "issuing")
        self.tsa = self.holder(Profile.TSA, "示例时间戳服务")

    def holder(self, profile: Profile, name: str, organisation: str = ORGANISATIONS[0]) -> Holder:
        key = ec.generate_private_key(ec.SECP256R1())
        identifier = "signer-example" if profile in (Profile.PERSON, Profile.SEAL) else None
        subject, born = SubjectName(organisation, name, identifier), self.now - timedelta(hours=1)
        certificate = self.rules.issue(profile, subject, key.public_key(), issuer=self.issuing, now=born)
        return Holder(key, certificate, (self.issuing.certificate, self.root.certificate))

    def token(self, digest: bytes) -> bytes:
        self.now += timedelta(seconds=1)
        issuer = timestamp.TokenIssuer(self.tsa, policies=[POLICY], accuracy=timedelta(seconds=1))
        order = timestamp.order_for(digest)
        return issuer.issue(order, gen_time=self.now, serial=timestamp.new_serial()).token

    def signature(self, holder: Holder, digest: bytes) -> bytes:
        """A CMS with its signature timestamp (B-T)."""
        message = cms.sign_detached(holder, digest=digest)
        value = hashes.Hash(hashes.SHA256())
        value.update(cms.signature_value(message))
        return cms.add_signature_timestamp(message, self.token(value.finalize()))

    def crls(self) -> tuple[bytes, ...]:
        self.now += timedelta(seconds=1)
        self.crl_number += 1
        return tuple(
            issue_crl(issuer, number=self.crl_number, revocations=(), now=self.now, lifetime=timedelta(days=7))
            for issuer in (self.root, self.issuing)
        )

    def material(self) -> ValidationMaterial:
        chain = (self.tsa.certificate, self.issuing.certificate, self.root.certificate)
        return ValidationMaterial(tuple(one.public_bytes(Encoding.DER) for one in chain), self.crls())

    def signed(self, workshop: PdfWorkshop, document: bytes, order: PrepareOrder, holder: Holder) -> bytes:
        """*document* with one B-T signature more."""
        prepared = workshop.prepare(document, order)
        return workshop.embed(prepared, self.signature(holder, prepared.digest))

    def archived(self, workshop: PdfWorkshop, document: bytes) -> bytes:
        """*document* with validation material and a document timestamp (B-LTA)."""
        prepared = workshop.prepare_archive(document, self.material())
        return workshop.embed(prepared, self.token(prepared.digest))

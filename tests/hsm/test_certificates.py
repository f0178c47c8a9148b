"""Certificates and CRLs: openssl checks what they are good for, and the rules refuse the rest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from hsm import cms
from hsm.certificates import NOTICE, CertificateRules, Issuer, Profile, is_evidence_service
from hsm.errors import CertificateRefused
from hsm.names import SubjectName
from hsm.revocation import issue_crl
from hsm.store.registry import RevokedCertificate
from hsm.timestamp import require_timestamping
from tests.hsm.memory import MemorySigner, PrivateKey, new_key, openssl

NOW = datetime.now(UTC)
COMPANY = "甲公司示例有限公司"
RULES = CertificateRules(organisations=frozenset({COMPANY}), base_url="http://vermilion.example")
WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Hierarchy:
    """Root and issuing CA in memory, and the directory where their files are."""

    root: Issuer
    issuing: Issuer
    directory: Path

    def signer(self, profile: Profile, common_name: str = "张示例") -> MemorySigner:
        key = new_key("p256")
        identifier = "person-zhang" if profile in (Profile.PERSON, Profile.SEAL) else None
        name = SubjectName(COMPANY, common_name, identifier)
        certificate = RULES.issue(profile, name, key.public_key(), issuer=self.issuing, now=NOW)
        return MemorySigner(key, certificate, [self.issuing.certificate, self.root.certificate])

    def write(self, name: str, *certificates: x509.Certificate) -> Path:
        path = self.directory / name
        path.write_bytes(b"".join(each.public_bytes(Encoding.PEM) for each in certificates))
        return path

    def write_crls(self, *revoked: RevokedCertificate) -> Path:
        crls = [
            issue_crl(self.root, number=1, revocations=[], now=NOW, lifetime=WEEK),
            issue_crl(self.issuing, number=7, revocations=revoked, now=NOW, lifetime=WEEK),
        ]
        path = self.directory / "crls.pem"
        path.write_bytes(b"".join(x509.load_der_x509_crl(each).public_bytes(Encoding.PEM) for each in crls))
        return path

    def verify(self, certificate: x509.Certificate, *arguments: object) -> tuple[int, str]:
        return openssl(
            "verify", "-x509_strict", "-CAfile", self.write("ca.pem", self.root.certificate),
            "-untrusted", self.write("chain.pem", self.issuing.certificate), *arguments,
            self.write("leaf.pem", certificate),
        )  # fmt: skip


@cache
def ca_key(kind: str, role: str) -> PrivateKey:
    return new_key(kind)


@pytest.fixture
def kind() -> str:
    """The kind of the CAs' keys, where a test does not ask for several."""
    return "p256"


@pytest.fixture
def hierarchy(kind: str, tmp_path: Path) -> Hierarchy:
    root_key, issuing_key = ca_key(kind, "root"), ca_key(kind, "issuing")
    root = Issuer(RULES.self_sign(SubjectName(COMPANY, "示例根CA"), root_key, now=NOW), root_key, "root")
    name = SubjectName(COMPANY, "示例签发CA")
    issuing = RULES.issue(Profile.ISSUING, name, issuing_key.public_key(), issuer=root, now=NOW)
    return Hierarchy(root, Issuer(issuing, issuing_key, "issuing"), tmp_path)


LEAVES = [Profile.TSA, Profile.LOG, Profile.EVIDENCE, Profile.PERSON, Profile.SEAL]


@pytest.mark.parametrize("kind", ["p256", "p384", "rsa", "ed25519"])
@pytest.mark.parametrize("profile", LEAVES)
def test_openssl_verifies_each_profile_with_crls(hierarchy: Hierarchy, profile: Profile) -> None:
    certificate = hierarchy.signer(profile).certificate
    crls = ("-crl_check_all", "-CRLfile", hierarchy.write_crls())
    status, text = hierarchy.verify(certificate, *crls)
    assert status == 0, text
    for purpose in ("sslserver", "sslclient", "crlsign"):
        status, _ = hierarchy.verify(certificate, "-purpose", purpose)
        assert status != 0 or profile is Profile.LOG
    status, text = hierarchy.verify(certificate, "-purpose", "timestampsign")
    assert (status == 0) is (profile is Profile.TSA), text


def test_a_revoked_certificate_fails(hierarchy: Hierarchy) -> None:
    certificate = hierarchy.signer(Profile.PERSON).certificate
    at = int(NOW.timestamp())
    revoked = RevokedCertificate(certificate.serial_number, at, "key_compromise")
    crls = hierarchy.write_crls(revoked, RevokedCertificate(5, at, "unspecified"))
    status, text = hierarchy.verify(certificate, "-crl_check_all", "-CRLfile", crls)
    assert status != 0
    assert "certificate revoked" in text


@pytest.mark.parametrize("profile", [Profile.PERSON, Profile.SEAL, Profile.EVIDENCE])
@pytest.mark.parametrize("purpose", [(), ("-purpose", "any"), ("-purpose", "smimesign")])
def test_openssl_cms_verifies_without_being_told_a_purpose(
    hierarchy: Hierarchy, profile: Profile, purpose: tuple[str, ...]
) -> None:
    message = hierarchy.directory / "signature.der"
    message.write_bytes(cms.sign_detached(hierarchy.signer(profile), content=b"contract"))
    content = hierarchy.directory / "content"
    content.write_bytes(b"contract")
    root = hierarchy.write("ca.pem", hierarchy.root.certificate)
    status, text = openssl(
        "cms",
        "-verify",
        "-binary",
        "-inform",
        "DER",
        "-in",
        message,
        "-content",
        content,
        "-CAfile",
        root,
        *purpose,
    )
    assert status == 0, text


def test_what_is_written_in_a_certificate(hierarchy: Hierarchy) -> None:
    certificate = hierarchy.signer(Profile.PERSON).certificate
    path = hierarchy.write("leaf.pem", certificate)
    status, text = openssl("x509", "-in", path, "-noout", "-text", "-nameopt", "utf8,sep_comma_plus,sname")
    assert status == 0
    for expected in (
        "Digital Signature, Non Repudiation",
        "E-mail Protection",
        "1.3.6.1.5.5.7.3.36",
        "URI:http://vermilion.example/crl/issuing.crl",
        "CA Issuers - URI:http://vermilion.example/certs/issuing.cer",
        "Private CA, not a licensed electronic certification service.",
        "张示例",
    ):
        assert expected in text
    assert len(NOTICE) <= 200, "RFC 5280, 4.2.1.4"


def test_the_timestamp_profile_is_for_timestamps_alone(hierarchy: Hierarchy) -> None:
    require_timestamping(hierarchy.signer(Profile.TSA).certificate)
    for profile in set(LEAVES) - {Profile.TSA}:
        with pytest.raises(CertificateRefused):
            require_timestamping(hierarchy.signer(profile).certificate)


def test_nothing_outlives_its_issuer(hierarchy: Hierarchy) -> None:
    late = NOW + timedelta(days=3600)
    key = new_key("p256").public_key()
    name = SubjectName(COMPANY, "李样本", "person-li")
    certificate = RULES.issue(Profile.PERSON, name, key, issuer=hierarchy.issuing, now=late)
    assert certificate.not_valid_after_utc == hierarchy.issuing.certificate.not_valid_after_utc
    with pytest.raises(CertificateRefused, match="not valid now"):
        RULES.issue(Profile.PERSON, name, key, issuer=hierarchy.issuing, now=NOW + timedelta(days=3700))


@pytest.mark.parametrize(
    "name",
    [
        SubjectName("丙公司示例有限公司", "张示例"),
        SubjectName(COMPANY, ""),
        SubjectName(COMPANY, " 张示例"),
        SubjectName(COMPANY, "张\u200b示例"),
        SubjectName(COMPANY, "张\n示例"),
        SubjectName(COMPANY, "e\u0301"),
        SubjectName(COMPANY, "张" * 281),
        SubjectName(COMPANY, "张示例", ""),
        SubjectName(COMPANY, "张示例", country="cn"),
        SubjectName(COMPANY, "张示例", country="CHN"),
    ],
)
def test_names_that_are_refused(name: SubjectName) -> None:
    with pytest.raises(CertificateRefused):
        RULES.self_sign(name, new_key("p256"), now=NOW)


def test_an_evidence_service_is_told_from_people_and_other_services(hierarchy: Hierarchy) -> None:
    """By the certificate alone: it is what says that a manifest was not signed by somebody."""
    evidence = [each for each in LEAVES if is_evidence_service(hierarchy.signer(each).certificate)]
    assert evidence == [Profile.EVIDENCE]
    assert not is_evidence_service(hierarchy.issuing.certificate)
    key = new_key("p256").public_key()
    for profile, identifier in ((Profile.PERSON, None), (Profile.SEAL, None), (Profile.EVIDENCE, "person-zhang")):
        name = SubjectName(COMPANY, "示例", identifier)
        with pytest.raises(CertificateRefused, match="identifier"):
            RULES.issue(profile, name, key, issuer=hierarchy.issuing, now=NOW)


def test_weak_keys_are_refused() -> None:
    for key in (rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256K1())):
        with pytest.raises(CertificateRefused):
            RULES.self_sign(SubjectName(COMPANY, "根"), key, now=NOW)


def test_each_ca_issues_its_own_kind_only(hierarchy: Hierarchy) -> None:
    key = new_key("p256").public_key()
    name = SubjectName(COMPANY, "李样本", "person-li")
    leaf = hierarchy.signer(Profile.PERSON)
    for profile, issuer in (
        (Profile.PERSON, hierarchy.root),
        (Profile.ISSUING, hierarchy.issuing),
        (Profile.ROOT, hierarchy.root),
        (Profile.PERSON, Issuer(leaf.certificate, leaf.key, "person")),
    ):
        with pytest.raises(CertificateRefused):
            RULES.issue(profile, name, key, issuer=issuer, now=NOW)


def test_a_foreign_key_does_not_make_a_certificate(hierarchy: Hierarchy) -> None:
    impostor = Issuer(hierarchy.issuing.certificate, new_key("p256"), "issuing")
    with pytest.raises(CertificateRefused, match="does not verify"):
        RULES.issue(
            Profile.PERSON,
            SubjectName(COMPANY, "李样本", "person-li"),
            new_key("p256").public_key(),
            issuer=impostor,
            now=NOW,
        )
    with pytest.raises(CertificateRefused, match="does not verify"):
        issue_crl(impostor, number=1, revocations=[], now=NOW, lifetime=WEEK)


@pytest.mark.parametrize(
    ("number", "reason"), [(0, "superseded"), (1, "certificate_hold"), (1, "remove_from_crl"), (1, "boredom")]
)
def test_crls_that_are_refused(hierarchy: Hierarchy, number: int, reason: str) -> None:
    with pytest.raises(CertificateRefused):
        issue_crl(
            hierarchy.issuing,
            number=number,
            revocations=[RevokedCertificate(5, 5, reason)],
            now=NOW,
            lifetime=WEEK,
        )


def test_a_crl_says_its_number_and_times(hierarchy: Hierarchy) -> None:
    crl = x509.load_der_x509_crl(issue_crl(hierarchy.issuing, number=9, revocations=[], now=NOW, lifetime=WEEK))
    assert crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == 9
    assert crl.last_update_utc == NOW.replace(microsecond=0)
    assert crl.next_update_utc == NOW.replace(microsecond=0) + WEEK

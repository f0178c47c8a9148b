"""pyHanko's validator, with revocation required and nothing fetched, on what our keys sign."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from asn1crypto import cms as asn1_cms
from asn1crypto import crl as asn1_crl
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.sign.validation.generic_cms import async_validate_detached_cms
from pyhanko_certvalidator import ValidationContext

from hsm import cms
from hsm.certificates import CertificateRules, Issuer, Profile
from hsm.names import SubjectName
from hsm.revocation import issue_crl
from hsm.timestamp import TokenIssuer, new_serial, order_for
from tests.hsm.memory import MemorySigner, new_key

NOW = datetime.now(UTC)
COMPANY = "甲公司示例有限公司"
RULES = CertificateRules(organisations=frozenset({COMPANY}), base_url="http://vermilion.example")
WEEK = timedelta(days=7)


@pytest.mark.parametrize("kind", ["p256", "rsa"])
def test_a_timestamped_signature_is_trusted(kind: str) -> None:
    before = NOW - timedelta(hours=1)
    root_key, issuing_key = new_key(kind), new_key(kind)
    root = Issuer(RULES.self_sign(SubjectName(COMPANY, "根"), root_key, now=before), root_key, "root")
    name = SubjectName(COMPANY, "签发")
    certificate = RULES.issue(Profile.ISSUING, name, issuing_key.public_key(), issuer=root, now=before)
    issuing = Issuer(certificate, issuing_key, "issuing")

    def signer(profile: Profile) -> MemorySigner:
        key = new_key(kind)
        name = SubjectName(COMPANY, "张示例", "person-zhang" if profile is Profile.PERSON else None)
        leaf = RULES.issue(profile, name, key.public_key(), issuer=issuing, now=before)
        return MemorySigner(key, leaf, [issuing.certificate, root.certificate])

    message = cms.sign_detached(signer(Profile.PERSON), content=b"contract")
    issuer = TokenIssuer(signer(Profile.TSA), policies=["1.2.3.4"], accuracy=timedelta(milliseconds=500))
    order = order_for(hashlib.sha256(cms.signature_value(message)).digest())
    token = issuer.issue(order, gen_time=NOW, serial=new_serial()).token
    crls = [issue_crl(each, number=1, revocations=[], now=NOW, lifetime=WEEK) for each in (root, issuing)]
    context = ValidationContext(
        trust_roots=[asn1_x509.Certificate.load(root.certificate.public_bytes(Encoding.DER))],
        crls=[asn1_crl.CertificateList.load(each) for each in crls],
        revocation_mode="require",
        allow_fetching=False,
        moment=NOW + timedelta(seconds=2),
    )
    status = asyncio.run(
        async_validate_detached_cms(
            b"contract",
            asn1_cms.ContentInfo.load(cms.add_signature_timestamp(message, token))["content"],
            signer_validation_context=context,
            ts_validation_context=context,
        )
    )
    assert status.bottom_line, status.summary()
    assert status.timestamp_validity.summary() == "INTACT:TRUSTED"

"""Certificates that must not be believed, each with the sub-indication that says why."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from appliance.verification import Indication, Level, SubIndication
from appliance.verification.revocation import RevocationData, RevocationKnowledge
from appliance.verification.trust import parsed
from tests.verification.authorities import (
    NOW,
    Identity,
    Profile,
    World,
    authority,
    issue,
    revocation_list,
    tsa_profile,
)
from tests.verification.conftest import Verify
from tests.verification.documents import Signing, add_validation_data, plain, sign, stamper, with_fields


def signed_by(signer: Identity, *chain: Identity, **options: object) -> bytes:
    return sign(with_fields(plain(1), "one"), Signing("one", signer, list(chain), **options))  # type: ignore[arg-type]


_UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\x05\x00")


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        (Profile("tls", usages=(ExtendedKeyUsageOID.SERVER_AUTH,)), SubIndication.CHAIN_CONSTRAINTS_FAILURE),
        (Profile("stamps", usages=(ExtendedKeyUsageOID.TIME_STAMPING,)), SubIndication.CHAIN_CONSTRAINTS_FAILURE),
        (Profile("cipher", key_usage=frozenset({"key_encipherment"})), SubIndication.CHAIN_CONSTRAINTS_FAILURE),
        (Profile("strange", extra=((_UNKNOWN, True),)), SubIndication.CHAIN_CONSTRAINTS_FAILURE),
        (Profile("weak", rsa_bits=1024), SubIndication.CRYPTO_CONSTRAINTS_FAILURE),
        (Profile("unborn", start=NOW + timedelta(days=5)), SubIndication.OUT_OF_BOUNDS_NO_POE),
        (Profile("dead", days=30), SubIndication.OUT_OF_BOUNDS_NO_POE),
    ],
    ids=lambda value: value.subject if isinstance(value, Profile) else "",
)
def test_signer_is_not_believed(profile: Profile, expected: SubIndication, good: World, verify: Verify) -> None:
    report = verify(signed_by(issue(profile, good.issuing), good.issuing))
    assert report.verdict.subindication is expected
    assert report.reasons


def test_unborn_certificate_with_proof_of_time_fails(good: World, verify: Verify) -> None:
    unborn = issue(Profile("unborn", start=NOW + timedelta(days=5)), good.issuing)
    report = verify(signed_by(unborn, good.issuing, tsa=stamper(good)), at=NOW + timedelta(days=9))
    assert (report.indication, report.verdict.subindication) == (Indication.FAILED, SubIndication.NOT_YET_VALID)


def test_sha1_no_longer_counts(good: World, verify: Verify) -> None:
    report = verify(signed_by(good.signer, good.issuing, digest="sha1"))
    assert report.verdict.subindication is SubIndication.CRYPTO_CONSTRAINTS_FAILURE


def test_unknown_authority_is_undecided_and_trusting_the_signer_helps(good: World, verify: Verify) -> None:
    document = signed_by(good.signer, good.issuing)
    stranger = authority("Other Root")
    assert verify(document, trust=[stranger]).verdict.subindication is SubIndication.NO_CERTIFICATE_CHAIN_FOUND
    assert verify(document, trust=[good.signer]).indication is Indication.PASSED


def test_name_of_a_trusted_authority_is_not_enough(good: World, verify: Verify) -> None:
    impostor = issue(Profile("Root CA", authority=True, usages=(), key_usage=frozenset({"key_cert_sign"})))
    forged = authority("Issuing CA", Identity(impostor.certificate, authority("Forger").key))
    signer = issue(Profile("张示例"), Identity(forged.certificate, authority("Forger").key))
    report = verify(signed_by(signer, forged))
    assert report.indication is not Indication.PASSED


def test_end_entity_cannot_issue(good: World, verify: Verify) -> None:
    child = issue(Profile("child"), good.signer)
    report = verify(signed_by(child, good.signer, good.issuing))
    assert report.verdict.subindication is SubIndication.CHAIN_CONSTRAINTS_FAILURE


def test_path_length_is_kept(good: World, verify: Verify) -> None:
    below = authority("Too deep", good.issuing)
    report = verify(signed_by(issue(Profile("deep"), below), below, good.issuing))
    assert report.verdict.subindication is SubIndication.CHAIN_CONSTRAINTS_FAILURE


def test_certificate_signed_with_sha1_no_longer_counts(good: World, verify: Verify) -> None:
    try:
        weak = issue(Profile("by sha1", hash=hashes.SHA1()), good.issuing)  # noqa: S303  # what is tested
    except Exception:  # OpenSSL itself may be set to refuse SHA-1, which is as good
        return
    assert verify(signed_by(weak, good.issuing)).indication is not Indication.PASSED


@pytest.mark.parametrize(("dated", "passes"), [(False, False), (True, True)])
def test_revoked_after_signing(dated: bool, passes: bool, good: World, verify: Verify) -> None:
    document = signed_by(good.signer, good.issuing, tsa=stamper(good) if dated else None)
    crl = revocation_list(
        good.issuing, made=NOW + timedelta(hours=3), revoked=((good.signer, NOW + timedelta(hours=2)),)
    )
    report = verify(document, crls=(crl,))
    assert (report.indication is Indication.PASSED) is passes
    assert report.verdict.subindication is (None if passes else SubIndication.REVOKED_NO_POE)


def test_revoked_before_signing_by_the_documents_own_list(good: World, verify: Verify) -> None:
    document = signed_by(good.signer, good.issuing, tsa=stamper(good))
    crl = revocation_list(good.issuing, revoked=((good.signer, NOW - timedelta(days=3)),))
    report = verify(add_validation_data(document, [good.issuing], [crl]))
    assert report.verdict.subindication is SubIndication.REVOKED_NO_POE


def test_revoked_authority(good: World, verify: Verify) -> None:
    crl = revocation_list(good.root, revoked=((good.issuing, NOW - timedelta(days=3)),))
    report = verify(signed_by(good.signer, good.issuing, tsa=stamper(good)), crls=(crl,))
    assert report.verdict.subindication is SubIndication.REVOKED_CA_NO_POE


def _part(number: int) -> tuple[tuple[x509.ExtensionType, bool], ...]:
    names = [x509.UniformResourceIdentifier(f"http://ca.example/{number}.crl")]
    unset = dict.fromkeys(("only_contains_user_certs", "only_contains_ca_certs", "indirect_crl"), False)
    place = x509.IssuingDistributionPoint(
        full_name=names, relative_name=None, only_some_reasons=None, only_contains_attribute_certs=False, **unset
    )
    return ((place, True),)


def test_one_of_several_lists_speaks_of_those_that_name_its_place(good: World) -> None:
    """RFC 5280, 6.3.3 (b) (2): another part of what an authority issued, in which whoever is revoked is not."""
    names = [x509.UniformResourceIdentifier("http://ca.example/1.crl")]
    points = x509.CRLDistributionPoints([x509.DistributionPoint(names, None, None, None)])
    signer = issue(Profile("divided", extra=((points, False),)), good.issuing)
    revoked = ((signer, NOW - timedelta(days=3)),)
    changes = ((x509.DeltaCRLIndicator(1), False),)
    for told, extra in (("good", ()), ("good", _part(1)), ("nothing", _part(2)), ("nothing", changes)):
        lists = [revocation_list(good.issuing, revoked=each, extra=extra) for each in ((), revoked)]
        known = [
            RevocationData([each]).status(signer.certificate, good.issuing.certificate, NOW) for each in lists
        ]
        assert [each.known.value for each in known] == [told, "revoked"], "who is on one is revoked"
    other = revocation_list(good.issuing, extra=_part(1))
    found = RevocationData([other]).status(good.signer.certificate, good.issuing.certificate, NOW)
    assert found.known is RevocationKnowledge.NOTHING, "it names no place"


def test_a_list_with_what_nobody_understands_of_an_entry_speaks_for_nobody(good: World) -> None:
    """RFC 5280, 5.3: who is on it stands as revoked all the same."""
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.9"), b"\5\0")
    reason = x509.CRLReason(x509.ReasonFlags.superseded)
    signer, issuer = good.signer.certificate, good.issuing
    for extension, critical, told in (
        (unknown, True, "nothing"),
        (unknown, False, "good"),
        (reason, True, "good"),
    ):
        for serial, known in ((1, told), (signer.serial_number, "revoked")):
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(NOW - timedelta(days=3))
            builder = x509.CertificateRevocationListBuilder().issuer_name(issuer.certificate.subject)
            builder = builder.last_update(NOW).next_update(NOW + timedelta(days=30))
            made = builder.add_revoked_certificate(entry.add_extension(extension, critical).build())
            crl = made.sign(issuer.key, hashes.SHA256()).public_bytes(Encoding.DER)
            assert RevocationData([crl]).status(signer, issuer.certificate, NOW).known.value == known


def test_list_of_somebody_else_revokes_nothing(good: World, verify: Verify) -> None:
    forged = Identity(good.issuing.certificate, authority("Forger").key)
    crl = revocation_list(forged, revoked=((good.signer, NOW - timedelta(days=3)),))
    assert verify(signed_by(good.signer, good.issuing), crls=(crl,)).indication is Indication.PASSED


@pytest.mark.parametrize(
    "changes",
    [
        {"usages": (ExtendedKeyUsageOID.CODE_SIGNING,)},
        {"critical_usage": False},
        {"usages": (ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.CODE_SIGNING)},
        {"rsa_bits": 1024},
    ],
    ids=str,
)
def test_timestamp_by_a_certificate_for_something_else(
    changes: dict[str, object], good: World, verify: Verify
) -> None:
    """The signature is judged without it (EN 319 102-1, 5.5.4)."""
    tsa = issue(tsa_profile(subject="bad TSA", **changes), good.issuing)
    report = verify(signed_by(good.signer, good.issuing, tsa=stamper(good, identity=tsa)))
    assert report.indication is Indication.PASSED
    [signature] = report.signatures
    assert (signature.timestamp, signature.level) == (None, Level.B)
    assert [stamp.verdict.indication for stamp in signature.stamps] == [Indication.INDETERMINATE]
    assert set(map(str, signature.stamps[0].verdict.reasons)) <= set(map(str, signature.warnings))


def test_a_certificate_has_one_encoding(good: World) -> None:
    """The count of unused bits before the signature is signed by nobody, so it must be zero."""
    encoded = good.issuing.der
    signature = good.issuing.certificate.signature
    at = len(encoded) - len(signature) - 1
    assert encoded[at] == 0
    assert parsed(encoded) == good.issuing.certificate
    assert parsed(encoded[:at] + b"\x01" + encoded[at + 1 :]) is None


def test_list_of_an_unknown_version_says_nothing(good: World, verify: Verify) -> None:
    """Its reader raises an exception that is no ValueError."""
    odd = good.revocations[1].replace(b"\x02\x01\x01", b"\x02\x01\x00", 1)
    document = add_validation_data(signed_by(good.signer, good.issuing), [good.issuing], [good.revocations[1]])
    assert verify(document).indication is Indication.PASSED
    assert verify(document, crls=(odd,)).indication is Indication.PASSED

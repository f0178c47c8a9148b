"""The verdict about packages: ours, damaged ones, hostile ones."""

from __future__ import annotations

import base64
import hashlib
import io
import random
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.confinement.pool import Confinement
from appliance.evidence import manifest
from appliance.evidence.manifest import PackageManifest
from appliance.evidence.model import EvidenceInput
from appliance.evidence.package import build
from appliance.evidence.repacked import read_zip
from appliance.evidence.verification import verify_package
from appliance.language import Language, translator
from appliance.verification import FileKind, Indication, TrustAnchors, VerificationReport, Verifier
from hsm import canonical, cms, der, timestamp
from hsm.records import AGREEMENT, MEDIA_TYPES
from tests.evidence import contract
from tests.evidence.authority import TestAuthority
from tests.evidence.resealing import repacked, resealed, sealed

Verify = Callable[[bytes], VerificationReport]


@pytest.fixture(scope="module")
def verifier(authority: TestAuthority, confinement: Confinement) -> Verifier:
    def later() -> datetime:
        return authority.now + timedelta(hours=1)

    return Verifier(confinement, [authority.root.certificate], evidence=verify_package, clock=later)


@pytest.fixture(scope="module")
def verify(verifier: Verifier) -> Verify:
    return verifier.verify


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def test_a_signature_for_an_organisation_without_a_power_is_remarked(verify: Verify, package: bytes) -> None:
    """Whether one was needed is what the portal says; the first signature rests on one. Events of these tests have
    signers and no fields."""
    [remark] = [each for each in verify(package).remarks if "under no power" in str(each)]
    assert remark.values == {"fields": "person-li, seal-b"}
    assert "person-li, seal-b。" in remark.translated(translator(Language.CHINESE))


def test_a_good_package_passes(verify: Verify, package: bytes) -> None:
    report = verify(package)
    assert report.indication is Indication.PASSED, report.reasons
    assert report.kind is FileKind.EVIDENCE
    fields = [signature.field for signature in report.signatures]
    assert fields[:3] == ["person-1", "person-2", "seal-3"]
    assert fields[-1] == "manifest.json"
    assert report.signatures[-1].signer == "示例证据签署（甲公司示例有限公司）"


def test_without_trust_nothing_is_believed(verifier: Verifier, package: bytes) -> None:
    report = verifier.verify(package, trust=[TestAuthority().root.certificate])
    assert report.indication is Indication.INDETERMINATE
    assert report.verdict.subindication == "NO_CERTIFICATE_CHAIN_FOUND"
    assert report.reasons


def test_before_it_was_made_nothing_is_proven(verifier: Verifier, package: bytes, evidence: EvidenceInput) -> None:
    report = verifier.verify(package, at=evidence.created - timedelta(days=1))
    assert report.indication is Indication.INDETERMINATE


def test_years_later_it_still_says_who_signed(verifier: Verifier, package: bytes, evidence: EvidenceInput) -> None:
    report = verifier.verify(package, at=evidence.created + timedelta(days=5 * 365))
    assert report.indication is Indication.PASSED, report.reasons


def test_a_flipped_byte_of_any_file_fails(verify: Verify, package: bytes) -> None:
    chance = random.Random(3)  # noqa: S311 - which byte to flip is no secret
    for path, data in read_zip(package).files.items():
        for at in chance.sample(range(len(data)), min(1, len(data))):
            report = verify(repacked(package, {path: flipped(bytes(data), at)}))
            assert report.indication is Indication.FAILED, (path, at, report.reasons)
            assert report.reasons


def test_a_flipped_byte_of_what_seals_fails(verify: Verify, package: bytes) -> None:
    files = read_zip(package).files
    for path in sorted(manifest.SEALS - {manifest.MANIFEST}):
        for at in range(0, len(files[path]), 31):
            report = verify(repacked(package, {path: flipped(bytes(files[path]), at)}))
            assert report.indication is Indication.FAILED, (path, at, report.reasons)


def test_a_flipped_byte_of_the_container_fails(
    verifier: Verifier, package: bytes, evidence: EvidenceInput
) -> None:
    """Or it is one that says nothing of the files, such as their times, which other programs write anew."""
    chance, files = random.Random(5), read_zip(package).files  # noqa: S311 - which byte to flip is no secret
    for at in [0, 1, 2, 3, len(package) - 1, *chance.sample(range(len(package)), 30)]:
        changed = flipped(package, at)
        report = verify_package(changed, verifier=verifier, at=evidence.created, anchors=TrustAnchors(()))
        assert report.indication is Indication.FAILED or read_zip(changed).files == files, at


def test_unlisted_missing_and_foreign_entries_fail(verify: Verify, package: bytes) -> None:
    changed: list[dict[str, bytes | None]] = [
        {"extra.txt": b"x"},
        {"history/history.json": None},
        {manifest.REPLY: None},
        {"a": b"", "b": b""},
    ]
    for changes in changed:
        report = verify(repacked(package, changes))
        assert report.indication is Indication.FAILED
        assert len(report.reasons) == 1
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../escape", b"x")
        archive.writestr("bomb", bytes(30_000_000))
    assert verify(stream.getvalue()).indication is Indication.FAILED


def test_a_manifest_signed_by_a_person_is_not_believed(
    verify: Verify, package: bytes, authority: TestAuthority
) -> None:
    """A person can have any digest signed as a document's; that must not make a manifest."""
    listed = bytes(read_zip(package).files[manifest.MANIFEST])
    signature = cms.sign_detached(authority.person("李样本 person-2"), content=listed)
    report = verify(repacked(package, {manifest.SIGNATURE: signature}))
    assert report.indication is Indication.FAILED
    assert "not made for a manifest" in report.reasons[0]


def test_a_stolen_evidence_key_does_not_make_another_contract(
    verify: Verify, package: bytes, authority: TestAuthority
) -> None:
    files = read_zip(package).files
    other = bytes(files["contract/contract.signed.pdf"]).replace(b"/Type", b"/Tipe", 1)
    report = verify(resealed(package, {"contract/contract.signed.pdf": other}, authority))
    assert report.indication is Indication.FAILED
    told = bytes(files["history/history.json"]).replace("北京".encode(), "上海".encode())
    report = verify(resealed(package, {"history/history.json": told}, authority))
    assert report.indication is Indication.FAILED
    assert "history" in report.reasons[0]
    path = "log/openings/00000013.json"
    opened = bytes(files[path]).replace("北京".encode(), "上海".encode())
    report = verify(resealed(package, {path: opened}, authority))
    assert report.indication is Indication.FAILED
    path = "log/entries/00000008.json"
    report = verify(resealed(package, {path: bytes(files[path]).replace(b"12-01", b"12-02")}, authority))
    assert report.indication is Indication.FAILED
    assert "not in the log" in report.reasons[0]


def test_an_acceptance_signed_by_a_stranger_is_not_believed(
    verify: Verify, package: bytes, authority: TestAuthority
) -> None:
    """The log has what was accepted; who signed it, the signature alone shows."""
    files = read_zip(package).files
    stranger = TestAuthority()
    record = bytes(files["agreement/01.json"])
    maker = cms.MessageMaker(stranger.person("张示例"), cms.DATA)
    kind = cms.media_type_attribute(MEDIA_TYPES[AGREEMENT])
    message = maker.make_message(hashlib.sha256(record).digest(), attributes=[kind])
    value = cms.signature_value(message)
    earlier = replace(authority, now=timestamp.parse_token(bytes(files["agreement/01.tst"])).gen_time)
    token = earlier.token(value)
    changes = {
        "agreement/01.p7s": cms.add_signature_timestamp(message, token),
        "agreement/01.sig": value,
        "agreement/01.tst": token,
    }
    report = verify(resealed(package, changes, authority))
    assert report.indication is Indication.INDETERMINATE
    assert report.verdict.subindication == "NO_CERTIFICATE_CHAIN_FOUND"


def test_a_checkpoint_that_the_manifest_does_not_name_fails(
    verify: Verify, package: bytes, authority: TestAuthority
) -> None:
    listed = manifest.decode(bytes(read_zip(package).files[manifest.MANIFEST]))
    other = PackageManifest(
        contract=listed.identifier,
        created=listed.created,
        checkpoint=replace(listed.checkpoint, size=41),
        files=listed.files,
    )
    report = verify(repacked(package, sealed(other.encode(), authority)))
    assert report.indication is Indication.FAILED
    assert "checkpoint" in report.reasons[0]


def test_a_revoked_evidence_certificate_is_not_believed_before_its_time(
    verifier: Verifier, authority: TestAuthority, evidence: EvidenceInput
) -> None:
    crls = authority.crls(authority.evidence.certificate)
    revoked = replace(evidence, certificates=replace(evidence.certificates, crls=crls))
    authority.now += timedelta(seconds=1)
    report = verifier.verify(build(revoked, contract.seals(authority)))
    assert report.indication is Indication.INDETERMINATE
    assert "revoked" in " ".join(report.reasons)


def test_certificates_and_lists_of_unknown_versions_fail(
    verify: Verify, package: bytes, authority: TestAuthority
) -> None:
    encoded = authority.root.certificate.public_bytes(Encoding.DER)
    odd = encoded.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x05", 1)
    pem = b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(odd) + b"-----END CERTIFICATE-----\n"
    for changes in ({"certificates/ca.pem": pem}, {"certificates/crls.pem": b"\xff-----END X509 CRL-----\n"}):
        report = verify(resealed(package, changes, authority))
        assert report.indication is Indication.FAILED
        assert report.reasons


def test_records_of_a_strangers_making_are_refused_in_words(
    verify: Verify, package: bytes, authority: TestAuthority
) -> None:
    """A time zone that is a folder, or too long for a name; a moment before the first one in its zone; a timestamp
    whose certificate is of a version that nobody knows; a signature of as many attributes as fit."""
    files = {path: bytes(data) for path, data in read_zip(package).files.items()}
    told = canonical.decode(files["history/history.json"])
    first = {"utc": "0001-01-01T00:00:00Z", "local": ""}
    headings: list[dict[str, object]] = [{"zone": "Europe"}, {"zone": "a" * 300}]
    headings.append({"zone": "America/New_York", "created": first})
    forged = [{"history/history.json": canonical.encode({**told, **each})} for each in headings]
    stamper = authority.tsa.certificate.public_bytes(Encoding.DER)
    odd = stamper.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x09", 1)
    named = [hashlib.sha256(each).digest() for each in (stamper, odd)]
    forged.append({"agreement/01.p7s": files["agreement/01.p7s"].replace(stamper, odd).replace(*named)})
    forged.append({"agreement/01.p7s": with_attributes(files["agreement/01.p7s"], 20_000)})
    forged.append({manifest.SIGNATURE: with_attributes(files[manifest.SIGNATURE], 300_000)})
    began = time.process_time()
    for changes in forged:
        seals = {path: data for path, data in changes.items() if path in manifest.SEALS}
        report = verify(repacked(package, seals) if seals else resealed(package, changes, authority))
        assert report.indication is Indication.FAILED
        assert report.reasons
    assert time.process_time() - began < 10


def with_attributes(message: bytes, count: int) -> bytes:
    """*message* with *count* unsigned attributes of one kind."""
    signed_data, signer = cms.signed_data.frame(message)
    one = der.element(der.SEQUENCE, der.oid("1.2.3"), der.element(der.SET, der.NULL))
    signer.unsigned_attrs = [der.decode(der.TLV, one)] * count
    signed_data.signer_infos = der.SetOf([der.decode(der.TLV, der.encode(signer))])
    content = der.encode(signed_data)
    return der.element(der.SEQUENCE, der.oid(cms.signed_data.SIGNED_DATA), der.element(0xA0, content))

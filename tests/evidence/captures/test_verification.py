"""Packages of web captures, judged: a good one passes, and each that differs in one thing does not."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Callable
from copy import copy
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.confinement.pool import Confinement
from appliance.evidence import container, manifest
from appliance.evidence.captures.model import CaptureEvidence
from appliance.evidence.common_files import pem
from appliance.evidence.manifest import PackageManifest
from appliance.evidence.repacked import read_zip
from appliance.evidence.verification import verify_package
from appliance.language import Language, translator
from appliance.verification import Indication, VerificationReport, Verifier
from appliance.web_capture.capturing import Capture
from tests.evidence.authority import START, Revocation, TestAuthority
from tests.evidence.captured import ENTRY, HOUSE, NUMBERS, Told, built, evidence_for, facts_for, small_capture
from tests.evidence.resealing import repacked, resealed, sealed
from tests.evidence.unpacked import unpack

Judge = Callable[[bytes], VerificationReport]
Reason = x509.ReasonFlags
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
READ = ("README.en.txt", "README.zh.txt", "certificate.en.pdf", "certificate.zh.pdf")
PROGRAMS = ("check.sh", "check.py", "verify.html")
FROM_CAPTURE = ("capture.warc.gz", "capture.wacz", "page.png", "page.pdf", "page.txt", "capture.json")
LOG = tuple(
    f"log/{each}"
    for each in (
        *("checkpoint", "checkpoint.text", "checkpoint.sig", "checkpoint.tst", "log.vkey", "log.pub.pem"),
        *(f"entries/{ENTRY:08}.json", f"openings/{ENTRY:08}.json", f"proofs/{ENTRY:08}.tlog-proof"),
    )
)
CERTIFICATES = tuple(f"certificates/{each}.pem" for each in ("ca", "chain", "crls", "evidence", "timestamping"))


@pytest.fixture
def verifier(capture_authority: TestAuthority, confinement: Confinement) -> Verifier:
    return Verifier(
        confinement,
        [capture_authority.root.certificate],
        evidence=verify_package,
        clock=lambda: capture_authority.now + HOUR,
    )


@pytest.fixture
def judge(verifier: Verifier) -> Judge:
    """The verdict; each remark and reason is said in both languages."""

    def said(package: bytes) -> VerificationReport:
        report = verifier.verify(package)
        for each in (*report.remarks, *report.verdict.reasons):
            assert each.translated(translator(Language.CHINESE)) != str(each)
        return report

    return said


def refused(report: VerificationReport, words: str = "") -> None:
    assert report.indication is Indication.FAILED, report
    assert words in " ".join(map(str, report.reasons))


def changed(octets: bytes | memoryview) -> bytes:
    """One bit in the middle is another."""
    found = bytearray(octets)
    found[len(found) // 2] ^= 1
    return bytes(found)


def of(package: bytes, *paths: str) -> dict[str, bytes]:
    files = read_zip(package).files
    return {path: bytes(files[path]) for path in paths}


def test_a_good_package_passes_and_says_what_it_proves(judge: Judge, capture_package: bytes) -> None:
    report = judge(capture_package)
    assert report.indication is Indication.PASSED, report.reasons
    dated, seal = report.signatures
    assert (dated.field, seal.field) == ("capture.warc.tsr", "manifest.json")
    assert dated.timestamp is not None and seal.timestamp is not None and dated.timestamp < seal.timestamp
    remarks = " ".join(map(str, report.remarks))
    assert small_capture().address in remarks
    assert "2026-11-25 08:00" in remarks
    assert HOUSE in remarks and "TLS" in remarks
    [proven] = (str(each) for each in report.remarks if "What the package proves" in str(each))
    assert HOUSE not in proven, "who ran the machine is the word of the facts"
    assert "were not verified: " in remarks and all(each in remarks for each in READ)
    assert "contract" not in remarks


def test_the_folder_and_a_zip_of_another_tool_pass_with_a_remark(
    judge: Judge, verifier: Verifier, capture_package: bytes, tmp_path: Path
) -> None:
    folder = unpack(capture_package, tmp_path / "capture")
    as_folder = verifier.verify_folder(folder)
    assert as_folder.indication is Indication.PASSED, as_folder.reasons
    again = judge(Path(shutil.make_archive(str(tmp_path / "again"), "zip", tmp_path, "capture")).read_bytes())
    assert again.indication is Indication.PASSED, again.reasons
    assert as_folder.digest == verifier.verify(capture_package).digest
    for report, words in ((as_folder, "given as a folder"), (again, "zipped again")):
        assert any(words in str(each) for each in report.remarks)


def test_every_file_counts_byte_by_byte(judge: Judge, capture_package: bytes) -> None:
    """Whoever has no key: whatever file is changed, or left out, or added."""
    files = read_zip(capture_package).files
    for path, octets in files.items():
        refused(judge(repacked(capture_package, {path: changed(octets)})))
        refused(judge(repacked(capture_package, {path: None})))
    refused(judge(repacked(capture_package, {"page2.png": b"another"})), "does not list")


@pytest.mark.parametrize("path", [*FROM_CAPTURE, "capture.warc.tsq", "capture.warc.tsr", *LOG, *CERTIFICATES])
def test_whoever_has_the_evidence_key_changes_nothing_that_counts(
    judge: Judge, capture_package: bytes, capture_authority: TestAuthority, path: str
) -> None:
    octets = read_zip(capture_package).files[path]
    report = judge(resealed(capture_package, {path: changed(octets)}, capture_authority))
    assert report.indication is not Indication.PASSED


@pytest.mark.parametrize("path", READ)
def test_what_people_read_is_not_judged(
    judge: Judge, capture_package: bytes, capture_authority: TestAuthority, path: str
) -> None:
    """So that what the other tests seal again is refused for what they changed in it."""
    report = judge(resealed(capture_package, {path: b"another text, " * 200}, capture_authority))
    assert report.indication is Indication.PASSED, report.reasons


@pytest.mark.parametrize("path", PROGRAMS)
def test_a_checker_of_nobody_is_not_to_be_run(
    judge: Judge, capture_package: bytes, capture_authority: TestAuthority, path: str
) -> None:
    report = judge(resealed(capture_package, {path: b"echo all is well\n"}, capture_authority))
    assert report.indication is Indication.INDETERMINATE
    assert "unknown to this verifier" in str(report.reasons[0])


@pytest.mark.parametrize("paths", [*((path,) for path in (*FROM_CAPTURE, *LOG[-3:])), FROM_CAPTURE], ids=str)
def test_files_of_another_capture_of_the_house_are_refused(
    judge: Judge,
    capture_package: bytes,
    other_capture_package: bytes,
    capture_authority: TestAuthority,
    paths: tuple[str, ...],
) -> None:
    swapped = of(other_capture_package, *paths)
    assert swapped != of(capture_package, *paths)
    refused(judge(resealed(capture_package, swapped, capture_authority)))


def test_the_timestamp_of_another_recording_is_refused(
    judge: Judge, capture_package: bytes, other_capture_package: bytes, capture_authority: TestAuthority
) -> None:
    exchange = of(other_capture_package, "capture.warc.tsq", "capture.warc.tsr")
    refused(judge(resealed(capture_package, exchange, capture_authority)), "not of its signature")


def test_the_log_of_another_capture_is_refused(
    judge: Judge, capture_package: bytes, other_capture_package: bytes, capture_authority: TestAuthority
) -> None:
    """With the manifest that names its checkpoint."""
    log = of(other_capture_package, *LOG)
    package = resealed(other_capture_package, of(capture_package, *FROM_CAPTURE), capture_authority)
    assert of(package, *LOG) == log
    refused(judge(package), "not the one that the log has")


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (Told(kind="ownership-deposited"), "not that of this capture"),
        (Told(public={"capture": NUMBERS[1]}), "not that of this capture"),
        (Told(public={"facts": "0" * 64}), "capture.json is not the one that the log has"),
        (Told(public={"warc": "0" * 64}), "capture.warc.gz is not the one that the log has"),
        (Told(public={"serial": "1"}), "another timestamp of capture.warc.gz"),
        (Told(private={"address": "https://shop.example/other"}), "another address"),
        (Told(private={"address": None}), "not all that it commits to"),
        (Told(private={"note": "more"}), "not all that it commits to"),
        (Told(warc=b"another recording"), "not of its signature"),
    ],
    ids=str,
)
def test_an_entry_that_tells_of_something_else_is_refused(
    judge: Judge, capture_authority: TestAuthority, told: Told, words: str
) -> None:
    evidence = evidence_for(capture_authority, small_capture(), told=told)
    refused(judge(built(capture_authority, evidence)), words)


def test_facts_of_another_number_are_refused(judge: Judge, capture_authority: TestAuthority) -> None:
    found = small_capture()
    evidence = evidence_for(capture_authority, found, told=Told(facts=facts_for(found, NUMBERS[1])))
    assert evidence.facts.capture == NUMBERS[1]
    package = built(capture_authority, evidence)  # its manifest has the number of its facts, the log the other
    refused(judge(package), "not that of this capture")
    listed = manifest.decode(of(package, manifest.MANIFEST)[manifest.MANIFEST])
    under_other = replace(listed, capture=NUMBERS[0]).encode()
    rest = {path: bytes(data) for path, data in read_zip(package).files.items() if path not in manifest.SEALS}
    refused(
        judge(container.write_container(rest | sealed(under_other, capture_authority))), "another capture than"
    )


def _times(found: Capture) -> dict[str, tuple[Told, timedelta | None]]:
    ended = found.ended.replace(microsecond=0)
    return {
        "stamped before the end": (Told(stamped=ended - 2 * SECOND), None),
        "logged before the stamp": (Told(stamped=ended + 9 * SECOND, at=ended + 5 * SECOND), None),
        "sealed before the log": (Told(at=ended + 60 * SECOND), timedelta(seconds=-40)),
    }


@pytest.mark.parametrize("which", ["stamped before the end", "logged before the stamp", "sealed before the log"])
def test_times_follow_one_another(judge: Judge, capture_authority: TestAuthority, which: str) -> None:
    told, sealed_later = _times(small_capture())[which]
    evidence = evidence_for(capture_authority, small_capture(), told=told)
    at = None if sealed_later is None else evidence.created + sealed_later
    refused(judge(built(capture_authority, evidence, at=at)), "contradict each other")


def test_a_recording_dated_by_another_authority_is_refused(
    judge: Judge, capture_authority: TestAuthority, capture_evidence: CaptureEvidence
) -> None:
    """Its certificates may even be in the package: nobody believes them."""
    stranger = TestAuthority()
    evidence = evidence_for(capture_authority, small_capture(), told=Told(stamper=stranger))
    package = built(capture_authority, evidence)
    chain = of(package, "certificates/chain.pem")["certificates/chain.pem"]
    assert judge(package).indication is not Indication.PASSED
    known = {"certificates/chain.pem": chain + pem(stranger.issuing.certificate) + pem(stranger.root.certificate)}
    assert judge(resealed(package, known, capture_authority)).indication is not Indication.PASSED
    without = {"certificates/timestamping-1.pem": None}
    refused(judge(resealed(package, without, capture_authority)), "not of the package")


def with_another(wacz: bytes, path: str, octets: bytes) -> bytes:
    """The WACZ with one more file in it."""
    stream = io.BytesIO(wacz)
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr(zipfile.ZipInfo(path), octets)
    return stream.getvalue()


def test_a_wacz_with_another_recording_in_it_is_refused(judge: Judge, capture_authority: TestAuthority) -> None:
    """Facts and log name it: but for its content all is right."""
    one, two = small_capture(), small_capture("two")
    for wacz, words in (
        (two.wacz, "another recording in it"),
        (b"PK\x05\x06" + bytes(18), "capture.wacz"),
        (with_another(one.wacz, "archive/b.warc.gz", two.warc), "programs may show another page"),
        (with_another(one.wacz, "b.wacz", two.wacz), "programs may show another page"),
        (one.wacz + b"more", "cannot be read as a ZIP"),
        (b"no ZIP", "cannot be read as a ZIP"),
    ):
        evidence = evidence_for(capture_authority, replace(one, wacz=wacz))
        refused(judge(built(capture_authority, evidence)), words)


@pytest.mark.parametrize("path", ["index.txt", "json.py", "history/history.json", "step-02.png", "page.html"])
def test_a_file_beyond_the_layout_is_refused_although_it_is_listed(
    judge: Judge, capture_package: bytes, capture_authority: TestAuthority, path: str
) -> None:
    refused(judge(resealed(capture_package, {path: b"x"}, capture_authority)))


@pytest.mark.parametrize("path", [*READ, *PROGRAMS, *FROM_CAPTURE, *LOG, *CERTIFICATES])
def test_a_file_that_is_left_out_of_the_list_is_missed(
    judge: Judge, capture_package: bytes, capture_authority: TestAuthority, path: str
) -> None:
    refused(judge(resealed(capture_package, {path: None}, capture_authority)))


def test_the_manifest_of_a_contract_over_the_files_of_a_capture_is_refused(
    judge: Judge, capture_package: bytes, capture_authority: TestAuthority
) -> None:
    files = read_zip(capture_package).files
    listed = manifest.decode(bytes(files[manifest.MANIFEST]))
    rest = {path: bytes(data) for path, data in files.items() if path not in manifest.SEALS}
    as_contract = PackageManifest(
        contract="c-1",
        created=listed.created,
        checkpoint=listed.checkpoint,
        files=listed.files,
        audience=listed.audience,
        powers_stated_since=0,
    )
    package = container.write_container(rest | sealed(as_contract.encode(), capture_authority))
    refused(judge(package), "no rule says")


def test_somebody_elses_signature_on_the_manifest_is_refused(
    judge: Judge, capture_package: bytes, capture_authority: TestAuthority
) -> None:
    person = capture_authority.person("张示例")
    added = {"certificates/evidence.pem": person.certificate.public_bytes(Encoding.PEM)}
    refused(judge(resealed(capture_package, added, capture_authority, person)), "not an evidence service's")


def test_under_another_root_nothing_is_proven(confinement: Confinement, capture_package: bytes) -> None:
    stranger = TestAuthority()
    verifier = Verifier(confinement, [stranger.root.certificate], evidence=verify_package)
    report = verifier.verify(capture_package)
    assert report.indication is Indication.INDETERMINATE
    assert any("it proves nothing" in str(each) for each in report.remarks)


def _with_lists(package: bytes, authority: TestAuthority, *revoked: Revocation) -> bytes:
    later = copy(authority)
    later.now += HOUR / 2
    lists = b"".join(pem(x509.load_der_x509_crl(each)) for each in later.crls(*revoked))
    return resealed(package, {"certificates/crls.pem": lists}, authority)


@pytest.mark.parametrize("which", ["tsa", "evidence"])
def test_a_certificate_that_was_revoked_proves_nothing(
    judge: Judge, capture_package: bytes, capture_authority: TestAuthority, which: str
) -> None:
    holder = {"tsa": capture_authority.tsa, "evidence": capture_authority.evidence}[which]
    taken = Revocation(holder.certificate, capture_authority.now, Reason.key_compromise)
    report = judge(_with_lists(capture_package, capture_authority, taken))
    assert report.indication is not Indication.PASSED


def test_a_recording_goes_on_being_dated_after_its_key_has_ended(
    capture_authority: TestAuthority, confinement: Confinement
) -> None:
    """The package is sealed by the next key, before anybody has the first one; who verifies has newer lists."""
    evidence = evidence_for(capture_authority, small_capture())
    second = copy(capture_authority)
    second.tsa = second.successor_of_tsa()
    made = replace(
        evidence,
        created=second.now,
        log=replace(evidence.log, checkpoint_token=second.token(evidence.log.checkpoint)),
        certificates=replace(evidence.certificates, timestamping=second.tsa.certificate, crls=second.crls()),
    )
    package = built(second, made)
    assert "certificates/timestamping-1.pem" in read_zip(package).files
    second.now += 2 * HOUR
    for revoked, passes in (
        (Revocation(capture_authority.tsa.certificate, second.now - HOUR, Reason.key_compromise), True),
        (Revocation(capture_authority.tsa.certificate, START, Reason.key_compromise, START), False),
    ):
        verifier = Verifier(
            confinement,
            [capture_authority.root.certificate],
            evidence=verify_package,
            crls=partial(second.crls, revoked),
            clock=lambda: second.now + HOUR,
        )
        report = verifier.verify(package)
        assert (report.indication is Indication.PASSED) == passes, report.reasons

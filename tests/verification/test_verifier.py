"""The verifier as it is used: confined, on files, never with an exception."""

from __future__ import annotations

import json
import signal
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from appliance.confinement.pool import Confinement
from appliance.errors import ConfigurationError
from appliance.language import Language, chinese_messages
from appliance.verification import FileKind, Indication, TrustAnchors, Verifier
from appliance.verification.report import render_html, render_pdf
from tests.sweeps import first_of
from tests.verification.authorities import NOW, World
from tests.verification.documents import plain, signed
from tests.world import template_home

KEYS = {
    "field",
    "indication",
    "subindication",
    "signer",
    "signing_time",
    "timestamp",
    "level",
    "coverage",
    "changes",
}


@pytest.fixture(scope="module")
def verifier(good: World, confinement: Confinement) -> Verifier:
    return Verifier(confinement, [good.root.certificate], clock=lambda: NOW + timedelta(days=1))


def test_a_file_gives_the_published_json(verifier: Verifier, good: World, tmp_path: Path) -> None:
    path = tmp_path / "contract.pdf"
    path.write_bytes(signed(good, level="B-LTA"))
    report = json.loads(json.dumps(verifier.verify_file(path).to_json()))
    assert set(report) == {"file", "kind", "indication", "subindication", "reasons", "remarks", "signatures"}
    assert (report["file"], report["kind"], report["indication"]) == ("contract.pdf", "pdf", "TOTAL-PASSED")
    assert all(set(signature) - {"document_timestamp"} == KEYS for signature in report["signatures"])
    # programs too are told which of them anybody can have
    assert [each.get("document_timestamp") for each in report["signatures"]] == [None, None, True]
    assert report["signatures"][0]["timestamp"] == NOW.isoformat().replace("+00:00", "Z")


class InterruptedConfinement(Confinement):
    """Of its first readers something ends as many as it is told, when they have begun."""

    def __init__(self, cache: Path, interrupted: int) -> None:
        super().__init__(cache)
        self.interrupted = interrupted

    def _child(self) -> Any:
        child = super()._child()
        if self.interrupted:
            self.interrupted -= 1
            signal.pidfd_send_signal(child.process, signal.SIGKILL)
        return child


@pytest.mark.parametrize(("interrupted", "passed"), first_of([(0, True), (2, True), (3, False)]))
def test_a_document_of_our_own_survives_readers_that_something_ended(
    good: World, interrupted: int, passed: bool
) -> None:
    with InterruptedConfinement(template_home().cache, interrupted) as confinement:
        verifier = Verifier(confinement, [good.root.certificate], clock=lambda: NOW + timedelta(days=1))
        report = verifier.verify_pdf(signed(good, level="B-T"), readers=3)
    assert (report.indication is Indication.PASSED) == passed
    assert passed or "brought its reader down" in str(report.verdict.reasons[0])


def test_trust_and_time_can_be_given(verifier: Verifier, good: World) -> None:
    document = signed(good, level="B-T")
    assert (
        verifier.verify(document, trust=TrustAnchors.from_bytes(good.tsa.pem)).indication
        is Indication.INDETERMINATE
    )
    assert verifier.verify(document, at=NOW - timedelta(days=1)).indication is Indication.INDETERMINATE


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"%PDF-1.7",
        b"%PDF-1.7\n%%EOF",
        b"%PDF-1.7\nstartxref\n9\n%%EOF\n",
        b"\x00" * 1000,
        b"0" * 1000,
        b"PK\x03\x04 not a package",
        b"-----BEGIN PKCS7-----\n",
        plain(1)[:700],
        plain(1).replace(b"/Pages", b"/Sages"),
        plain(1).replace(b"/Kids", b"/Parent"),
        b"%PDF-1.7\n1 0 obj\n" + b"[" * 100_000,
    ],
    ids=range(12),
)
def test_no_input_raises_and_every_refusal_has_a_reason(
    content: bytes, verifier: Verifier, tmp_path: Path
) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    report = verifier.verify_file(path)
    assert report.indication is Indication.INDETERMINATE
    assert report.reasons


def test_truncated_anywhere_it_has_failed_or_is_undecided(verifier: Verifier, good: World) -> None:
    document = signed(good, level="B-T", pages=1)
    for length in range(1, len(document), 2011):
        assert verifier.verify(document[:length]).indication is not Indication.PASSED


def test_directories_and_missing_files_have_a_reason(verifier: Verifier, tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing"):
        report = verifier.verify_file(path)
        assert report.indication is Indication.INDETERMINATE
        assert report.reasons


def test_timestamp_is_recognised(verifier: Verifier, tmp_path: Path) -> None:
    path = tmp_path / "t"
    path.write_bytes(b"0\x05\x30\x03\x02\x01\x02")
    assert verifier.verify_file(path).kind is FileKind.TIMESTAMP


def test_trust_file_without_certificates_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        TrustAnchors.from_bytes(b"nothing")


@pytest.mark.parametrize("language", list(Language))
def test_report_is_complete_in_itself(language: Language, verifier: Verifier, good: World) -> None:
    report = verifier.verify(signed(good, level="B-T", pages=1), file="<合同>.pdf")
    page = render_html(report, language)
    assert "&lt;合同&gt;.pdf" in page
    assert "http://" not in page and "https://" not in page and "<script" not in page
    assert ("文件签名有效" in page) is (language is Language.CHINESE)


def test_printed_report_embeds_its_typefaces(verifier: Verifier, good: World, tmp_path: Path) -> None:
    path = tmp_path / "report.pdf"
    path.write_bytes(render_pdf(verifier.verify(signed(good, level="B-B", pages=1)), Language.CHINESE))
    listed = subprocess.run(["pdffonts", path], capture_output=True, text=True, check=True).stdout
    fonts = listed.splitlines()[2:]
    assert fonts
    assert all(" yes yes yes " in font for font in fonts)


def test_every_sentence_of_a_report_is_translated(verifier: Verifier, good: World) -> None:
    report = verifier.verify(signed(good, level="B-LTA", pages=1))
    sentences = {row.sentence.template for signature in report.signatures for row in signature.rows}
    assert sentences <= set(chinese_messages())

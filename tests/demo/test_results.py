"""What the main job leaves, judged by programs that are not ours: openssl, pyHanko, pdfsig, pdfium."""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path

import pytest
from cryptography import x509
from pypdfium2 import PdfDocument

from tests.demo.conftest import Demonstration
from tests.pdf.judges import assert_lasting

FILES = {
    "contract.pdf",
    "contract.signed.pdf",
    "contract.tsq",
    "contract.tsr",
    "evidence.zip",
    "report.html",
    "report.pdf",
    "trust/ca.pem",
    "trust/log.vkey",
}


def ran(*command: str | Path) -> str:
    done = subprocess.run([str(each) for each in command], capture_output=True, text=True, check=False, timeout=60)
    return done.stdout + done.stderr


def test_all_files_are_there_and_no_others(demonstration: Demonstration) -> None:
    out = demonstration.out
    assert {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()} == FILES


def test_every_step_is_told_with_its_numbers(demonstration: Demonstration) -> None:
    for word in (
        "founding",
        "intake",
        "sent",
        "prepared",
        "signed",
        "sealed off",
        "recorded",
        "exported",
        "verified",
    ):
        assert f"\n{word}" in demonstration.said, word


def test_it_says_that_two_companies_with_a_seal_each_have_signed(demonstration: Demonstration) -> None:
    said = "companies: 2, people: 2, company seals: 2; signatures: 4, and the document timestamp"
    assert f"\nconcluded   {said}\n" in demonstration.said


def test_each_company_s_seal_names_that_company_alone(demonstration: Demonstration) -> None:
    told = ran("pdfsig", "-nocert", demonstration.out / "contract.signed.pdf")
    for company, other in (("甲公司", "乙公司"), ("乙公司", "甲公司")):
        [named] = [line for line in told.splitlines() if f"CN={company}示例有限公司合同专用章" in line]
        assert f"O={company}示例有限公司" in named and other not in named


def test_the_contract_as_given_is_an_exact_prefix(demonstration: Demonstration) -> None:
    given = (demonstration.out / "contract.pdf").read_bytes()
    signed = (demonstration.out / "contract.signed.pdf").read_bytes()
    assert signed.startswith(given)
    assert len(signed) > len(given)


def test_openssl_confirms_the_timestamp_with_nothing_but_the_root(demonstration: Demonstration) -> None:
    out = demonstration.out
    common = ("openssl", "ts", "-verify", "-in", out / "contract.tsr", "-CAfile", out / "trust/ca.pem")
    assert "Verification: OK" in ran(*common, "-queryfile", out / "contract.tsq")
    assert "Verification: OK" in ran(*common, "-data", out / "contract.signed.pdf")
    assert "Verification: OK" not in ran(*common, "-data", out / "contract.pdf")


def test_pdfsig_confirms_every_signature(demonstration: Demonstration) -> None:
    told = ran("pdfsig", "-nocert", demonstration.out / "contract.signed.pdf")
    assert told.count("Signature is Valid") == 4
    assert "Total document signed" in told


def test_pyhanko_confirms_every_signature_offline(demonstration: Demonstration) -> None:
    root = x509.load_pem_x509_certificate((demonstration.out / "trust/ca.pem").read_bytes())
    signed = (demonstration.out / "contract.signed.pdf").read_bytes()
    assert_lasting(signed, root)


def test_pages_look_the_same_outside_the_fields(demonstration: Demonstration) -> None:
    before = PdfDocument(demonstration.out / "contract.pdf")
    after = PdfDocument(demonstration.out / "contract.signed.pdf")
    assert len(before) == len(after) == 3
    for page in (0, 1):
        assert before[page].render().to_pil().tobytes() == after[page].render().to_pil().tobytes()
    upper = (0, 0, 500, 500)
    assert before[2].render().to_pil().crop(upper).tobytes() == after[2].render().to_pil().crop(upper).tobytes()
    before.close()
    after.close()


def test_the_package_checks_itself(demonstration: Demonstration, tmp_path: Path) -> None:
    with zipfile.ZipFile(demonstration.out / "evidence.zip") as package:
        package.extractall(tmp_path)
    done = subprocess.run(
        ["sh", "check.sh"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["contract.signed.pdf", "evidence.zip"])
def test_the_verdict_is_passed(demonstration: Demonstration, name: str) -> None:
    assert demonstration.called("verify", demonstration.out / name).exit_code == 0

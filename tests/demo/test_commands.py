"""The commands as users run them: statuses, sentences, never a traceback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.command import called
from tests.demo.conftest import Demonstration
from tests.sweeps import one_in
from tests.verification.etsi_schema import indications, require_valid


def test_verify_says_passed_with_status_0(demonstration: Demonstration) -> None:
    done = demonstration.vermilion("verify", "--json", demonstration.out / "contract.signed.pdf")
    report = json.loads(done.stdout)
    assert done.returncode == 0
    assert set(report) == {"file", "kind", "indication", "subindication", "reasons", "remarks", "signatures"}
    assert [each["level"] for each in report["signatures"]] == [*["B-LTA"] * 4, None]


def test_verify_writes_the_report_of_etsi(demonstration: Demonstration) -> None:
    done = demonstration.vermilion("verify", "--report", "etsi", demonstration.out / "contract.signed.pdf")
    assert indications(require_valid(done.stdout.encode())) == ["TOTAL-PASSED"] * 5
    refused = demonstration.called("verify", "--report", "etsi", *demonstration.out.glob("*.zip"))
    assert refused.exit_code == 3
    assert "contract/contract.signed.pdf" in refused.output


def test_verify_asks_for_witnesses_of_packages_alone(demonstration: Demonstration, tmp_path: Path) -> None:
    (tmp_path / "policy.txt").write_text("quorum none\n")
    done = demonstration.called(
        "verify", "--witnesses", tmp_path / "policy.txt", demonstration.out / "contract.signed.pdf"
    )
    assert (done.exit_code, "for evidence packages" in done.output) == (2, True)


def test_verify_says_failed_with_status_1(demonstration: Demonstration, tmp_path: Path) -> None:
    content = bytearray((demonstration.out / "contract.signed.pdf").read_bytes())
    content[1000] ^= 1
    (tmp_path / "changed.pdf").write_bytes(content)
    done = demonstration.called("verify", tmp_path / "changed.pdf")
    assert (done.exit_code, "TOTAL-FAILED" in done.stdout) == (1, True)


def test_verify_says_indeterminate_with_status_3(demonstration: Demonstration) -> None:
    assert demonstration.called("verify", demonstration.out / "contract.pdf").exit_code == 3
    assert demonstration.called("verify", demonstration.out / "contract.tsr").exit_code == 3


def test_verify_can_judge_for_another_time_and_other_anchors(demonstration: Demonstration) -> None:
    signed, root = demonstration.out / "contract.signed.pdf", demonstration.out / "trust/ca.pem"
    assert demonstration.called("verify", signed, "--trust", root, "--at", "2029-01-01T00:00:00Z").exit_code == 0
    assert demonstration.called("verify", signed, "--at", "2001-01-01").exit_code in (1, 3)


@pytest.mark.parametrize(
    "arguments",
    [
        ("verify",),
        ("verify", "/does/not/exist.pdf"),
        ("verify", "/etc/hostname", "--trust", "/etc/hostname"),
        ("verify", "/etc/hostname", "--at", "yesterday"),
        ("demo",),
        ("log", "prove", "-1"),
        ("nothing",),
    ],
)
def test_wrong_usage_is_status_2(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = called(tmp_path, *arguments)
    assert done.exit_code == 2
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "content",
    one_in(3, [b"", b"%PDF-1.7\n", b"PK\x03\x04", b"0\x82\xff\xff", b"%PDF-" + b"[" * 100_000, bytes(1000)]),
)
def test_rubbish_gets_a_verdict_and_no_traceback(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "rubbish").write_bytes(content)
    done = called(tmp_path / "home", "verify", tmp_path / "rubbish")
    assert done.exit_code in (1, 3)
    assert "Traceback" not in done.stdout + done.stderr


def test_a_contract_that_is_no_pdf_is_refused_in_one_sentence(
    demonstration: Demonstration, tmp_path: Path
) -> None:
    (tmp_path / "letter.pdf").write_bytes(b"not a PDF at all")
    done = demonstration.vermilion("demo", "--out", tmp_path / "out", "--contract", tmp_path / "letter.pdf")
    assert done.returncode == 1
    assert done.stderr.strip().count("\n") == 0
    assert "PDF" in done.stderr


def test_the_log_is_checked_shown_and_proven(demonstration: Demonstration) -> None:
    checked = demonstration.vermilion("log", "check")
    assert (checked.returncode, "entries" in checked.stdout) == (0, True)
    shown = demonstration.vermilion("log", "checkpoint")
    assert shown.stdout.startswith("vermilion.example/log\n")
    proof = demonstration.vermilion("log", "prove", "0")
    assert proof.stdout.startswith("c2sp.org/tlog-proof@v1\nindex 0\n")
    refused = demonstration.vermilion("log", "prove", "100000")
    assert (refused.returncode, "Traceback" in refused.stderr) == (1, False)


def test_diagnose_works_when_nothing_runs(demonstration: Demonstration) -> None:
    done = demonstration.vermilion("diagnose", "--json")
    findings = {each["name"]: each["well"] for each in json.loads(done.stdout)["findings"]}
    assert done.returncode == 1
    assert findings["settings"] and findings["database"] and not findings["authority"]


def test_nothing_is_left_running(demonstration: Demonstration) -> None:
    running = [
        environment
        for path in Path("/proc").glob("[0-9]*/environ")
        if str(demonstration.home).encode() in (environment := _environment(path))
    ]
    assert not running


def _environment(path: Path) -> bytes:
    """Empty for a process that has ended, or is not ours."""
    try:
        return path.read_bytes()
    except OSError:
        return b""

"""Packages with a signature that was made elsewhere: who stands behind it, who approved that, and that the anchor
counts for nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from appliance.verification import Indication
from appliance.wiring import Appliance


def test_the_verifier_passes_it_and_says_who_stands_behind_whom(appliance: Appliance, package: bytes) -> None:
    report = appliance.verifier.verify(package)
    assert report.indication is Indication.PASSED, report.reasons
    [said] = [str(each) for each in report.remarks if "made elsewhere" in str(each)]
    assert "Gamma Root CA" in said and "王见证" in said and "丙公司示例有限公司" in said


@pytest.mark.parametrize("program", [["sh", "check.sh"], [sys.executable, "check.py"]])
def test_the_checkers_pass_it_and_say_for_whom_alone_the_authority_counts(
    package: bytes, tmp_path: Path, program: list[str]
) -> None:
    """It could certify a signer of any name, and the checkers compare no names."""
    (tmp_path / "package.zip").write_bytes(package)
    ZipFile(tmp_path / "package.zip").extractall(tmp_path / "unpacked")
    done = subprocess.run(program, cwd=tmp_path / "unpacked", capture_output=True, check=False)
    said = (done.stdout + done.stderr).decode()
    assert done.returncode == 0, said
    assert "made elsewhere" in said and "Gamma Root CA" in said
    assert "of 丙公司示例有限公司 alone (authority/anchor-02.json)" in " ".join(done.stdout.decode().split())


def test_the_readme_says_so_in_both_languages(package: bytes, tmp_path: Path) -> None:
    (tmp_path / "package.zip").write_bytes(package)
    with ZipFile(tmp_path / "package.zip") as files:
        assert "with a certificate of the signer's own" in files.read("README.en.txt").decode()
        assert "使用自有证书签署" in files.read("README.zh.txt").decode()

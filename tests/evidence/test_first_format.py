"""A package from before each was made for one organisation: it passes for ever, here and by its own checkers.

``first_format`` was made by the release before the second format, with the parts of this folder's tests, a
contract of one page, and histories of one line; ``ca.pem`` is its root certificate.
"""

from __future__ import annotations

import lzma
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from appliance.confinement.pool import Confinement
from appliance.evidence import manifest
from appliance.evidence.repacked import read_zip
from appliance.evidence.verification import verify_package
from appliance.verification import Indication, Verifier
from tests.evidence.test_verification import flipped
from tests.evidence.unpacked import ENVIRONMENT, unpack

FOLDER = Path(__file__).parent / "first_format"


@pytest.fixture(scope="module")
def package() -> bytes:
    return lzma.decompress((FOLDER / "package.zip.xz").read_bytes())


def test_it_passes_and_a_changed_one_does_not(package: bytes, confinement: Confinement) -> None:
    listed = manifest.decode(bytes(read_zip(package).files[manifest.MANIFEST]))
    assert (listed.audience, listed.withheld) == ("", ())
    root = x509.load_pem_x509_certificate((FOLDER / "ca.pem").read_bytes())
    later = listed.created + timedelta(days=1)
    verifier = Verifier(confinement, [root], evidence=verify_package, clock=lambda: later)
    report = verifier.verify(package)
    assert report.indication is Indication.PASSED, report.reasons
    for words, said in (
        ("before officers had to activate", 1),
        ("of an earlier format", 1),
        ("What the package", 0),
    ):
        assert [words in str(each) for each in report.remarks].count(True) == said
    assert verifier.verify(flipped(package, len(package) // 2)).indication is Indication.FAILED


@pytest.mark.parametrize("command", [["sh", "check.sh"], [sys.executable, "-I", "check.py"]], ids=["sh", "python"])
def test_its_own_checkers_pass(package: bytes, command: list[str], tmp_path: Path) -> None:
    folder = unpack(package, tmp_path / "package")
    root = str(FOLDER / "ca.pem")
    done = subprocess.run(
        [*command, root], cwd=folder, env=ENVIRONMENT, capture_output=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr

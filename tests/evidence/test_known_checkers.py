"""The checkers in a package are ours, or nobody is told to believe the package."""

from __future__ import annotations

import hashlib
import lzma
from datetime import timedelta
from importlib import resources
from pathlib import Path

import pytest

from appliance.confinement.pool import Confinement
from appliance.evidence.repacked import read_zip
from appliance.evidence.verification import verify_package
from appliance.verification import Indication, Verifier
from hsm import checkers
from tests.evidence.authority import TestAuthority
from tests.evidence.resealing import resealed

FIRST = Path(__file__).parent / "first_format/package.zip.xz"


def digest(content: bytes | memoryview) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def verifier(authority: TestAuthority, confinement: Confinement) -> Verifier:
    return Verifier(
        confinement,
        [authority.root.certificate],
        evidence=verify_package,
        clock=lambda: authority.now + timedelta(hours=1),
    )


@pytest.mark.parametrize("name", checkers.PROGRAMS)
def test_the_checkers_of_this_release_are_known(name: str) -> None:
    """Else packages of this release do not pass: run `python -m scripts.known_checkers`."""
    folder = "appliance.evidence.checker" if name in checkers.NAMES else "appliance.evidence"
    ours = resources.files(folder).joinpath(name).read_bytes()
    assert checkers.is_current(name, digest(ours)) and checkers.is_known(name, digest(ours))


@pytest.mark.parametrize("name", checkers.NAMES)
def test_an_earlier_checker_passes(
    name: str, verifier: Verifier, package: bytes, authority: TestAuthority
) -> None:
    old = bytes(read_zip(lzma.decompress(FIRST.read_bytes())).files[name])
    assert checkers.is_known(name, digest(old)) and not checkers.is_current(name, digest(old))
    report = verifier.verify(resealed(package, {name: old}, authority))
    assert report.indication is Indication.PASSED, report.reasons


@pytest.mark.parametrize("name", checkers.PROGRAMS)
def test_a_checker_that_nobody_knows_does_not_pass_and_is_not_called_forged(
    name: str, verifier: Verifier, package: bytes, authority: TestAuthority
) -> None:
    """By whoever gets manifests signed, or by a newer release: it says that all is well, whatever is there."""
    report = verifier.verify(resealed(package, {name: b"echo all is well\n"}, authority))
    assert report.indication is Indication.INDETERMINATE
    [reason] = map(str, report.reasons)
    assert f"The checker {name} in the package is unknown" in reason and "newer release" in reason


@pytest.mark.parametrize(
    "path", ["json.py", "json.pyc", "review/check.sh", "check.bat", "base64.cpython-313.so", "run"]
)
def test_what_might_be_run_instead_of_a_checker_does_not_pass(
    path: str, verifier: Verifier, package: bytes, authority: TestAuthority
) -> None:
    """`python3 check.py` imports what lies beside it: with a json.py of its own our checker says anything."""
    report = verifier.verify(resealed(package, {path: b"raise SystemExit(print('PASS'))\n"}, authority))
    assert report.indication is Indication.INDETERMINATE
    [reason] = map(str, report.reasons)
    assert path in reason and "Run no checker" in reason


def test_every_file_that_a_package_has_is_data_or_a_checker(package: bytes) -> None:
    for found, programs in (
        (package, checkers.PROGRAMS),
        (lzma.decompress(FIRST.read_bytes()), checkers.NAMES),  # from before there was a verify.html
    ):
        assert {path for path in read_zip(found).files if not checkers.is_data(path)} == set(programs)


@pytest.mark.parametrize("name", checkers.NAMES)
def test_a_package_without_its_checkers_is_refused(
    name: str, verifier: Verifier, package: bytes, authority: TestAuthority
) -> None:
    report = verifier.verify(resealed(package, {name: None}, authority))
    assert report.indication is Indication.FAILED
    assert f"lacks the file {name}" in str(report.reasons[0])


def test_what_is_only_there_to_be_read_is_not_called_verified(verifier: Verifier, package: bytes) -> None:
    remark, *_ = map(str, verifier.verify(package).remarks)
    for path in ("README.en.txt", "README.zh.txt", "history/history.en.pdf", "history/history.zh.pdf"):
        assert path in remark
    assert "were not verified" in remark

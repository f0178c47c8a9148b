"""Packages by somebody who has no appliance, but an authority of their own: the root is all that tells them."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from tests.evidence.authority import TestAuthority
from tests.evidence.resealing import resealed
from tests.evidence.test_checkers import CHECKERS, check
from tests.evidence.unpacked import commands, run, unpack


@pytest.mark.parametrize("arguments", [[], ["certificates/ca.pem"]])
def test_no_second_root_is_trusted(
    package: bytes, authority: TestAuthority, tmp_path: Path, arguments: list[str]
) -> None:
    """The fingerprint is the first one's, which readers know; openssl trusts every certificate of the file."""
    known, own = (each.root.certificate.public_bytes(Encoding.PEM) for each in (TestAuthority(), authority))
    folder = unpack(resealed(package, {"certificates/ca.pem": known + own}, authority), tmp_path / "package")
    for checker in CHECKERS:
        status, said = check(checker, folder, *arguments)
        assert (status, "that certificate alone" in said) == (1, True), said
    [about] = [each for each in commands(folder / "README.en.txt") if "-fingerprint" in each]
    assert run(about, folder).returncode != 0


def test_a_root_with_other_ends_of_lines_is_one(package: bytes, authority: TestAuthority, tmp_path: Path) -> None:
    root = authority.root.certificate.public_bytes(Encoding.PEM).replace(b"\n", b"\r\n")
    (tmp_path / "root.pem").write_bytes(root)
    folder = unpack(package, tmp_path / "package")
    for checker in CHECKERS:
        status, said = check(checker, folder, str(tmp_path / "root.pem"))
        assert status == 0, said


@pytest.mark.parametrize("checker", CHECKERS, ids=["sh", "python"])
def test_with_the_packages_own_root_nothing_is_said_to_be_proven_outright(
    package: bytes, tmp_path: Path, checker: list[str]
) -> None:
    _, said = check(checker, unpack(package, tmp_path / "package"))
    assert "anybody can make such a package" in said.partition("PASS")[2]

"""``vermilion verify FOLDER``: the same report as on the ZIP, in the same form; and the group that makes discs."""

from __future__ import annotations

import json
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from tests.command import called
from tests.evidence.authority import TestAuthority
from tests.evidence.unpacked import unpack


def test_a_folder_has_a_report_of_the_same_shape(package: bytes, authority: TestAuthority, tmp_path: Path) -> None:
    root, zipped = tmp_path / "ca.pem", tmp_path / "package.zip"
    root.write_bytes(authority.root.certificate.public_bytes(Encoding.PEM))
    zipped.write_bytes(package)
    folder = unpack(package, tmp_path / "package")
    home, at = tmp_path / "home", authority.now.isoformat()
    said = []
    for given in (zipped, folder):
        done = called(home, "verify", given, "--trust", root, "--at", at, "--json")
        assert done.exit_code == 0, done.output
        said.append(json.loads(done.output))
    own, other = said
    assert own.keys() == other.keys()
    assert own["signatures"] == other["signatures"]
    assert [each for each in other["remarks"] if "given as a folder" not in str(each)] == own["remarks"]
    assert len(other["remarks"]) == len(own["remarks"]) + 1
    assert called(home, "verify", tmp_path, "--json").exit_code == 3
    made = called(home, "evidence", "split", folder, "--size", "400K", "--out", tmp_path / "parts")
    assert made.exit_code == 0, made.output
    assert len(list((tmp_path / "parts").iterdir())) >= 4

"""Whole packages in the page: it proves what the checkers in them prove, and says so of nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from playwright.sync_api import Browser

from appliance.confinement.pool import Confinement
from appliance.evidence.common_files import read_verifier
from appliance.evidence.repacked import read_zip
from appliance.evidence.verification import verify_package
from appliance.verification import Indication, Verifier
from hsm import cms
from tests.evidence.authority import TestAuthority
from tests.evidence.resealing import repacked, resealed
from tests.evidence.zipforms import (
    Member,
    by_chinese_tools,
    by_finder,
    by_info_zip,
    by_info_zip_stored,
    by_java,
    by_older_windows,
    zipped,
)
from tests.offline_verifier.opened import Opened, in_chromium
from tests.sweeps import one_in

FOLDER = "证据包-2026"


def files_of(package: bytes) -> dict[str, bytes]:
    return {path: bytes(data) for path, data in read_zip(package).files.items()}


def test_the_page_lies_in_the_package_as_it_was_built(package: bytes) -> None:
    assert files_of(package)["verify.html"] == read_verifier()


def test_a_whole_package_is_proven(opened: Opened, package: bytes) -> None:
    told = opened.judge({"package.zip": package})
    assert told.proven and set(told.steps.values()) == {"TOTAL-PASSED"} == set(told.signatures)
    assert told.heading == "Proven" and "张示例" in told.text
    # what `vermilion verify` alone says of a package
    assert told.indication != "TOTAL-PASSED" and "“vermilion verify”" in told.text
    assert hashlib.sha256(package).hexdigest() in told.text


def test_without_a_root_nothing_is_called_valid(chromium: Browser, verifier_file: Path, package: bytes) -> None:
    """The package's own root is shown for comparing, and believed when the reader says so."""
    with in_chromium(chromium, verifier_file, language="en-GB") as page:
        told = page.judge({"package.zip": package})
        assert told.indication == "INDETERMINATE" and not told.proven
        assert "TOTAL-PASSED" not in {told.steps["manifest"], told.steps["signatures"], *told.signatures}
        page.page.click("#believe")
        page.page.wait_for_selector(".verdict[data-proven]")


def test_a_foreign_root_proves_nothing(chromium: Browser, verifier_file: Path, package: bytes) -> None:
    with in_chromium(chromium, verifier_file, language="en-GB") as page:
        page.trust({"other.pem": TestAuthority().root.certificate.public_bytes(Encoding.PEM)})
        told = page.judge({"package.zip": package})
    assert not told.proven and "TOTAL-PASSED" not in told.signatures
    assert told.steps["files"] == told.steps["history"] == "TOTAL-PASSED"


def test_an_unpacked_folder_is_judged_by_its_files(opened: Opened, package: bytes, tmp_path: Path) -> None:
    for path, data in files_of(package).items():
        place = tmp_path / FOLDER / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    (tmp_path / FOLDER / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    told = opened.judge_folder(tmp_path / FOLDER)
    assert told.proven and "given as a folder" in told.text and ".DS_Store" in told.text
    (tmp_path / FOLDER / "contract" / "more.pdf").write_bytes(b"%PDF-1.7")
    told = opened.judge_folder(tmp_path / FOLDER)
    assert told.failed == {"files"} and "contract/more.pdf" in told.text


@pytest.mark.parametrize(
    "tool",
    one_in(
        3,
        [by_finder, by_info_zip, by_info_zip_stored, by_java, by_older_windows, by_chinese_tools],
    ),
)
def test_a_package_that_was_zipped_again_is_judged_by_its_files(
    tool: Callable[[dict[str, bytes], str], list[Member]], opened: Opened, package: bytes
) -> None:
    told = opened.judge({"again.zip": zipped(tool(files_of(package), FOLDER))})
    assert told.proven, told.text


@pytest.mark.parametrize(
    "change",
    [
        lambda zipped: zipped + b"\0",
        lambda zipped: b"\0" + zipped,
        lambda zipped: zipped[:-30],
        lambda zipped: zipped.replace(b"contract/contract.pdf", b"contract/contract.PDF", 1),
    ],
    ids=["appended", "prefixed", "cut off", "named otherwise in a header"],
)
def test_a_zip_with_two_readings_is_judged_by_none(
    change: Callable[[bytes], bytes], opened: Opened, package: bytes
) -> None:
    told = opened.judge({"changed.zip": change(package)})
    assert told.indication != "TOTAL-PASSED" and not told.proven and not told.steps


STICK = {
    "._verify.html": b"\0\5\26\7",
    "contract/._contract.pdf": b"\0\5\26\7",
    ".Spotlight-V100/Store-V2/store.db": b"8tsd",
    "System Volume Information/WPSettings.dat": b"\x0c\0",
}
"""What macOS and Windows write to sticks."""


def test_what_systems_write_to_sticks_is_ignored_and_named(opened: Opened, package: bytes) -> None:
    told = opened.judge({"stick.zip": zipped(by_info_zip(files_of(package) | STICK, FOLDER))})
    assert told.proven, told.text
    assert all(each in told.text for each in ("._*", ".Spotlight-V100", "System Volume Information"))


@pytest.mark.parametrize(
    "name",
    one_in(
        2,
        ["../outside/", "bad name/", "__MACOSX/../../x", "manifest.json/", "a/b/c/d/e/", "._a/../b"],
    ),
)
def test_names_that_lead_elsewhere_are_refused_of_folders_and_of_what_systems_add(
    name: str, opened: Opened, package: bytes
) -> None:
    """As by `vermilion verify`, which unpacking must not surprise either."""
    members = [Member(path.encode(), data) for path, data in files_of(package).items()]
    told = opened.judge({"led.zip": zipped([*members, Member(name.encode())])})
    assert told.indication == "TOTAL-FAILED" and not told.proven and not told.steps


def test_dropped_folders_are_read_from_a_stick(
    chromium: Browser, verifier_file: Path, package: bytes, tmp_path: Path
) -> None:
    """From a file: address browsers give less of a dropped folder than of a chosen one."""
    for path, data in files_of(package).items():
        place = tmp_path / "disc" / "contract-1" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    (tmp_path / "empty").mkdir()
    with in_chromium(chromium, verifier_file, language="en-GB") as page:
        told = page.drop(tmp_path / "disc" / "contract-1")
        assert told.steps["files"] == told.steps["history"] == "TOTAL-PASSED"
        told = page.drop(tmp_path / "disc")
        assert "but in the folder contract-1 in it" in told.text and told.indication == "NONE"
        # what cannot be read leaves no verdict of something else on show
        page.drop(tmp_path / "disc" / "contract-1")
        told = page.drop(tmp_path / "empty")
        assert "choose the folder by the button" in told.text and told.indication == "NONE"


KINDS = {
    "manifest.json": "manifest",
    "manifest.p7s": "manifest",
    "manifest.tsr": "manifest",
    "contract/contract.signed.pdf": "files",
    "contract/contract.pdf": "files",
    "contract/contract.tsr": "files",
    "signatures/01.p7s": "files",
    "signatures/02.sig": "files",
    "signatures/04.tst": "files",
    "agreement/01.json": "files",
    "agreement/01.p7s": "files",
    "certificates/ca.pem": "files",
    "certificates/chain.pem": "files",
    "certificates/crls.pem": "files",
    "certificates/evidence.pem": "files",
    "log/checkpoint": "files",
    "log/checkpoint.tst": "files",
    "log/log.vkey": "files",
    "log/entries/00000003.json": "files",
    "log/openings/00000003.json": "files",
    "log/proofs/00000003.tlog-proof": "files",
    "authority/01.json": "files",
    "index.txt": "files",
    "verify.html": "files",
    "check.sh": "files",
    "README.zh.txt": "files",
}
"""A file of each kind → what is broken at once when a byte of it is another one."""


@pytest.mark.parametrize(("path", "part"), one_in(6, KINDS.items()))
def test_one_changed_byte_shows(path: str, part: str, opened: Opened, package: bytes) -> None:
    data = bytearray(files_of(package)[path])
    data[len(data) // 2] ^= 1
    told = opened.judge({"changed.zip": repacked(package, {path: bytes(data)})})
    assert not told.proven and told.indication != "TOTAL-PASSED"
    assert told.steps[part] != "TOTAL-PASSED", told.steps


SEALED_AGAIN = {
    "signatures/02.sig": "contract",
    "signatures/01.tst": "contract",
    "contract/contract.pdf": "contract",
    "contract/contract.tsr": "contract",
    "contract/contract.signed.pdf": "contract",
    "agreement/01.json": "records",
    "agreement/01.p7s": "records",
    "authority/power-0123456789ab.tst": "records",
    "log/checkpoint": "log",
    "log/checkpoint.tst": "log",
    "log/checkpoint.sig": "log",
    "log/entries/00000003.json": "log",
    "log/openings/00000003.json": "log",
    "log/proofs/00000003.tlog-proof": "log",
}
"""The same where whoever has the evidence key signed another manifest over it."""


@pytest.mark.parametrize(("path", "part"), one_in(4, SEALED_AGAIN.items()))
def test_a_manifest_over_a_changed_file_does_not_help(
    path: str, part: str, opened: Opened, package: bytes, authority: TestAuthority
) -> None:
    data = bytearray(files_of(package)[path])
    data[len(data) // 2] ^= 1
    told = opened.judge({"changed.zip": resealed(package, {path: bytes(data)}, authority)})
    assert not told.proven and told.steps["files"] == "TOTAL-PASSED"
    assert told.steps[part] != "TOTAL-PASSED", told.steps


@pytest.mark.parametrize(
    ("changes", "part"),
    one_in(
        3,
        [
            ({"log/entries/00000008.json": None, "log/proofs/00000008.tlog-proof": None}, "history"),
            ({"log/proofs/00000003.tlog-proof": None}, "log"),
            ({"log/checkpoint": None}, "log"),
            ({"signatures/02.p7s": None, "signatures/02.sig": None, "signatures/02.tst": None}, "contract"),
            ({"agreement/01.p7s": None}, "records"),
            ({"index.txt": b"signature 01 20 40 60\n"}, "contract"),
            ({"contract/more.pdf": b"%PDF-1.7"}, "files"),
            ({"json.py": b"raise SystemExit"}, "files"),
            ({"check.sh": b"echo all is well\n"}, "files"),
            ({"agreement/deeper/01.json": b"{}"}, "files"),
        ],
    ),
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else value,
)
def test_what_is_left_out_or_added_shows_under_a_good_manifest(
    changes: dict[str, bytes | None], part: str, opened: Opened, package: bytes, authority: TestAuthority
) -> None:
    more = {"log/openings/00000008.json": None} if "log/entries/00000008.json" in changes else {}
    told = opened.judge({"changed.zip": resealed(package, {**changes, **more}, authority)})
    assert not told.proven and told.steps[part] != "TOTAL-PASSED", told.steps


def test_a_stripped_proof_is_said(opened: Opened, package: bytes, authority: TestAuthority) -> None:
    path = "log/proofs/00000003.tlog-proof"
    head, blank, rest = files_of(package)[path].partition(b"\n\n")
    shorter = b"\n".join(head.split(b"\n")[:-1]) + blank + rest
    told = opened.judge({"stripped.zip": resealed(package, {path: shorter}, authority)})
    assert told.failed == {"log", "history"} and "not in the log" in told.text


def test_a_manifest_by_somebody_else_is_refused(opened: Opened, package: bytes, authority: TestAuthority) -> None:
    signed = resealed(package, {}, authority, authority.person("张示例"))
    told = opened.judge({"signed.zip": signed})
    assert told.steps["manifest"] == "TOTAL-FAILED"


def test_it_passes_nothing_that_vermilion_verify_does_not(
    opened: Opened, package: bytes, authority: TestAuthority, confinement: Confinement
) -> None:
    """A manifest whose signature does not say its time is a document's, for both."""
    later = authority.now + timedelta(hours=1)
    verifier = Verifier(confinement, [authority.root.certificate], evidence=verify_package, clock=lambda: later)
    files = files_of(package)
    undated = {"manifest.p7s": cms.sign_detached(authority.evidence, content=files["manifest.json"])}
    for changes in ({}, undated):
        changed = repacked(package, changes)
        passed = verifier.verify(changed).indication is Indication.PASSED
        assert opened.judge({"one.zip": changed}).proven == passed == (not changes)

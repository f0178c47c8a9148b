"""Packages that somebody unpacked: a folder is judged as its ZIP is, and nothing in it leads elsewhere."""

from __future__ import annotations

import os
import socket
import stat
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from appliance.confinement.pool import Confinement
from appliance.evidence import folder as folders
from appliance.evidence.folder import FolderUnread, read_folder
from appliance.evidence.model import PackageRefused
from appliance.evidence.repacked import read_zip
from appliance.evidence.verification import verify_package
from appliance.verification import Indication, VerificationReport, Verifier
from hsm import cms
from tests.evidence.authority import TestAuthority
from tests.evidence.resealing import repacked, resealed
from tests.evidence.test_rezipped import zipped
from tests.evidence.test_verification import flipped
from tests.evidence.unpacked import unpack
from tests.sweeps import one_in

FILES = {"contract/contract.pdf": b"one" * 50, "index.txt": b"two", "manifest.json": b"{}"}
CONTAINER = ("zipped again", "given as a folder")


@pytest.fixture
def verifier(authority: TestAuthority, confinement: Confinement) -> Verifier:
    return Verifier(
        confinement,
        [authority.root.certificate],
        evidence=verify_package,
        clock=lambda: authority.now + timedelta(hours=1),
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return unpack(zipped(FILES), tmp_path / "package")


def told(report: VerificationReport) -> VerificationReport:
    """All but what is about the container: its name, its digest, and the remark on it."""
    remarks = tuple(each for each in report.remarks if not any(words in str(each) for words in CONTAINER))
    return replace(report, file="", digest="", remarks=remarks)


def test_a_package_that_was_unpacked_passes_with_a_remark(
    verifier: Verifier, package: bytes, tmp_path: Path
) -> None:
    at = unpack(package, tmp_path / "evidence")
    report, own = verifier.verify_folder(at), verifier.verify(package)
    assert report.indication is Indication.PASSED, report.reasons
    assert "given as a folder" in str(report.remarks[0])
    assert told(report) == told(own)
    assert (report.file, report.digest) == ("evidence", own.digest)
    assert report.to_json().keys() == own.to_json().keys()


Tampering = Callable[[bytes, TestAuthority], bytes]


def _flipping(path: str) -> Tampering:
    def tampered(package: bytes, _: TestAuthority) -> bytes:
        data = bytes(read_zip(package).files[path])
        return repacked(package, {path: flipped(data, len(data) // 2)})

    return tampered


def _changing(changes: dict[str, bytes | None]) -> Tampering:
    return lambda package, _: repacked(package, changes)


def _resealing(changes: dict[str, bytes | None]) -> Tampering:
    return lambda package, authority: resealed(package, changes, authority)


def _by_a_person(package: bytes, authority: TestAuthority) -> bytes:
    listed = bytes(read_zip(package).files["manifest.json"])
    return repacked(
        package, {"manifest.p7s": cms.sign_detached(authority.person("李样本 person-2"), content=listed)}
    )


def _of_another_root(package: bytes, _: TestAuthority) -> bytes:
    return resealed(package, {}, TestAuthority())


TAMPERED = [
    *map(
        _flipping, ("contract/contract.signed.pdf", "contract/contract.pdf", "signatures/01.p7s", "log/checkpoint")
    ),
    *map(_flipping, ("manifest.json", "manifest.p7s", "manifest.tsr", "manifest.tsq", "certificates/crls.pem")),
    *map(_flipping, ("agreement/01.json", "history/history.json", "index.txt", "check.py", "README.zh.txt")),
    _changing({"extra.txt": b"x"}),
    _changing({"voiding/x/01.json": b"x"}),
    _changing({"history/history.json": None}),
    _changing({"manifest.json": None}),
    _changing({"manifest.tsr": None}),
    _resealing({"contract/contract.signed.pdf": b"%PDF-1.7"}),
    _resealing({"check.sh": b"echo all is well\n"}),
    _resealing({"check.py": None}),
    _resealing({"json.py": b"raise SystemExit\n"}),
    _resealing({"voiding/declared.json": b"{}"}),
    _resealing({"index.txt": b"signature 01 0 0 $(id)\n"}),
    _resealing({"signatures/03.tst": None}),
    _resealing({"log/entries/00000006.json": None}),
    _resealing({"authority/02.json": b"{}"}),
    _resealing({"certificates/crls.pem": b"-----BEGIN X509 CRL-----\n-----END X509 CRL-----\n"}),
    _by_a_person,
    _of_another_root,
]


@pytest.mark.parametrize("tampered", one_in(3, TAMPERED), ids=lambda each: getattr(each, "__name__", "_"))
def test_a_folder_and_its_zip_are_judged_alike(
    verifier: Verifier, package: bytes, authority: TestAuthority, tampered: Tampering, tmp_path: Path
) -> None:
    changed = tampered(package, authority)
    own = verifier.verify(changed)
    assert own.indication is not Indication.PASSED
    assert told(verifier.verify_folder(unpack(changed, tmp_path / "package"))) == told(own)


def test_the_files_are_read(folder: Path) -> None:
    assert read_folder(folder).files == FILES
    assert read_folder(folder).ignored == ()
    (folder / "empty").mkdir()
    assert read_folder(folder).files == FILES


def test_what_operating_systems_add_is_named_and_not_looked_at(folder: Path) -> None:
    for name in (".DS_Store", "contract/._contract.pdf", "contract/Thumbs.db", "desktop.ini"):
        (folder / name).write_bytes(b"any")
    hidden = folder / ".Trashes"
    hidden.mkdir()
    (hidden / "link").symlink_to("/etc/passwd")
    hidden.chmod(0)
    found = read_folder(folder)
    hidden.chmod(0o700)
    assert found.files == FILES
    assert found.ignored == (".DS_Store", ".Trashes", "._*", "Thumbs.db", "desktop.ini")


def _link(folder: Path) -> None:
    (folder / "index.txt").unlink()
    (folder / "index.txt").symlink_to(folder / "manifest.json")


def _link_to_a_folder(folder: Path) -> None:
    (folder / "log").symlink_to("/etc")


def _pipe(folder: Path) -> None:
    os.mkfifo(folder / "log")


def _device(folder: Path) -> None:
    try:
        os.mknod(folder / "log", stat.S_IFCHR | 0o600, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("devices are made by root alone")


def _socket(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        here = os.open(folder, os.O_RDONLY)
        listening.bind(f"/proc/self/fd/{here}/log")
        os.close(here)


def _another_case(folder: Path) -> None:
    (folder / "INDEX.txt").write_bytes(b"two")


def _hidden(folder: Path) -> None:
    (folder / ".hidden").write_bytes(b"x")


def _blank(folder: Path) -> None:
    (folder / "log file").mkdir()


def _deep(folder: Path) -> None:
    (folder / "/".join("abcdef")).mkdir(parents=True)


def _large(folder: Path) -> None:
    with (folder / "log").open("wb") as stream:
        stream.truncate(1 << 40)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (_link, "link or a device in the place of the file index.txt"),
        (_link_to_a_folder, "link or a device in the place of the file log"),
        (_pipe, "link or a device"),
        (_device, "link or a device"),
        (_socket, "link or a device"),
        (_another_case, "alike but for case"),
        (_hidden, "not a plain relative path"),
        (_blank, "not a plain relative path"),
        (_deep, "not a plain relative path"),
        (_large, "have more than 256.0 MB"),
    ],
)
def test_what_no_package_has_is_refused(
    folder: Path, change: Callable[[Path], None], sentence: str, verifier: Verifier
) -> None:
    change(folder)
    with pytest.raises(PackageRefused, match=sentence):
        read_folder(folder)
    report = verifier.verify_folder(folder)
    assert report.indication is Indication.FAILED
    assert sentence in report.reasons[0]


def test_too_many_files_are_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "MOST_FILES", 4)
    assert read_folder(folder).files == FILES
    (folder / "more").write_bytes(b"")
    with pytest.raises(PackageRefused, match="more than 4 files"):
        read_folder(folder)


def test_a_link_that_is_put_there_meanwhile_is_not_followed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever can write there exchanges a file between the look at it and its opening."""
    true = os.stat

    def late(name: bytes, **given: object) -> os.stat_result:
        state = true(name, **given)  # type: ignore[arg-type]  # handed on as it is
        if name == b"index.txt":
            _link(folder)
        return state

    monkeypatch.setattr(folders.os, "stat", late)
    with pytest.raises(FolderUnread, match="cannot be read"):
        read_folder(folder)


def test_a_pipe_that_is_put_there_meanwhile_does_not_hold_it_up(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = os.stat

    def late(name: bytes, **given: object) -> os.stat_result:
        state = true(name, **given)  # type: ignore[arg-type]  # handed on as it is
        if name == b"index.txt":
            (folder / "index.txt").unlink()
            os.mkfifo(folder / "index.txt")
        return state

    monkeypatch.setattr(folders.os, "stat", late)
    done: list[str] = []

    def read() -> None:
        with pytest.raises(PackageRefused, match="link or a device"):
            read_folder(folder)
        done.append("refused")

    reading = threading.Thread(target=read, daemon=True)
    reading.start()
    reading.join(20)
    assert done == ["refused"]


@pytest.mark.parametrize(
    ("where", "sentence"),
    [
        ("..", "not in this folder but in the folder package in it; give that one"),
        ("contract", "no unpacked evidence package: it has no file manifest.json"),
        ("../link", "is a link; give the folder itself"),
    ],
)
def test_a_folder_around_the_package_or_none_gets_one_sentence(
    folder: Path, where: str, sentence: str, verifier: Verifier
) -> None:
    (folder.parent / "link").symlink_to(folder)
    report = verifier.verify_folder(folder / where)
    assert report.indication is Indication.INDETERMINATE
    [reason] = report.reasons
    assert sentence in reason

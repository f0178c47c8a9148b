"""Packages that another tool zipped again: judged by their content; tricks of ZIP files stay refused.

Here with sizes before the data; :mod:`tests.evidence.test_streamed` has tools that write them behind."""

from __future__ import annotations

import io
import shutil
import stat
import struct
import subprocess
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from appliance.confinement.pool import Confinement
from appliance.evidence import container
from appliance.evidence.model import PackageRefused
from appliance.evidence.repacked import read_zip
from appliance.evidence.verification import verify_package
from appliance.verification import Indication, Verifier
from tests.evidence import zipforms
from tests.evidence.authority import TestAuthority
from tests.evidence.test_checkers import CHECKERS, check
from tests.evidence.unpacked import unpack

Info = Callable[[zipfile.ZipInfo], None]
FILES = {"a/one.txt": b"one" * 50, "b.txt": b"two", "manifest.json": b"{}"}


def zipped(
    files: dict[str, bytes], change: Info = lambda info: None, *, folder: str = "", deflate: bool = True
) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for path, data in files.items():
            info = zipfile.ZipInfo(folder + path, (2026, 11, 27, 12, 0, 0))
            info.external_attr = ((stat.S_IFDIR if path.endswith("/") else stat.S_IFREG) | 0o644) << 16
            change(info)
            archive.writestr(info, data, zipfile.ZIP_DEFLATED if deflate else zipfile.ZIP_STORED)
    return stream.getvalue()


def test_what_other_tools_zip_is_read(tmp_path: Path) -> None:
    for path, data in FILES.items():
        (tmp_path / "c-2026-0001 证据包" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "c-2026-0001 证据包" / path).write_bytes(data)
    inside = shutil.make_archive(str(tmp_path / "inside"), "zip", tmp_path / "c-2026-0001 证据包")
    around = shutil.make_archive(str(tmp_path / "around"), "zip", tmp_path, "c-2026-0001 证据包")
    assert read_zip(Path(inside).read_bytes()).files == FILES
    assert read_zip(Path(around).read_bytes()).files == FILES
    for deflate in (True, False):
        assert read_zip(zipped(dict(reversed(FILES.items())), deflate=deflate)).files == FILES
    assert read_zip(container.write_container(FILES)).files == FILES


def _attributes(mode: int, *, system: int = 3) -> Info:
    def change(info: zipfile.ZipInfo) -> None:
        info.create_system = system
        info.external_attr = mode << 16

    return change


def _extra(block: bytes) -> Info:
    def change(info: zipfile.ZipInfo) -> None:
        info.extra = block

    return change


def encrypted(files: dict[str, bytes]) -> bytes:
    """The flag alone: nothing is asked for a password."""
    data = bytearray(zipped(files, deflate=False))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(mark)
        while at >= 0:
            data[at + place] |= 1
            at = data.find(mark, at + 4)
    return bytes(data)


def twice(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO(zipped(files))
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(stream, "a") as archive:
        archive.writestr("b.txt", b"another")
    return stream.getvalue()


def with_other_local_name(files: dict[str, bytes]) -> bytes:
    """Who reads from the front finds another name than who reads the directory."""
    return zipped(files).replace(b"b.txt", b"c.txt", 1)


def with_gap(files: dict[str, bytes]) -> bytes:
    """A member that the directory does not list lies before those that it lists."""
    hidden = zipped({"hidden": b"x"}, deflate=False)
    member = hidden[: hidden.find(b"PK\x01\x02")]
    data = bytearray(member + zipped(files))
    at = data.find(b"PK\x01\x02")
    end = len(data) - 22
    data[end + 16 : end + 20] = struct.pack("<I", at)
    while at >= 0:
        offset = struct.unpack_from("<I", data, at + 42)[0] + len(member)
        data[at + 42 : at + 46] = struct.pack("<I", offset)
        at = data.find(b"PK\x01\x02", at + 4)
    return bytes(data)


def shorter(files: dict[str, bytes]) -> bytes:
    """Deflated data with more behind its end, counted as packed."""
    data = zipped(files)
    at = data.find(b"b.txt") + 5
    packed = struct.unpack_from("<I", data, at - 5 - 12)[0]
    return data[: at + packed] + b"\0" + data[at + packed :]


@pytest.mark.parametrize(
    ("package", "sentence"),
    [
        (lambda: zipped({**FILES, "../../escape": b"x"}), "not a plain relative path"),
        (lambda: zipped({**FILES, "/etc/passwd": b"x"}), "not a plain relative path"),
        (lambda: zipped(FILES, folder="../"), "not a plain relative path"),
        (lambda: zipped(FILES, folder="a\\b/"), "not a plain relative path"),
        (lambda: zipped({**FILES, "x/": b""}), None),
        (lambda: zipped({**FILES, "../x/": b""}), "not a plain relative path"),
        (lambda: zipped({**FILES, "B.TXT": b"two"}), "alike but for case"),
        (lambda: twice(FILES), "of one name"),
        (lambda: zipped(FILES, _attributes(stat.S_IFLNK | 0o777)), "link"),
        (lambda: zipped(FILES, _attributes(stat.S_IFIFO | 0o644)), "link or a device"),
        (lambda: zipped({**FILES, "zeros": bytes(50_000_000)}), "far more than it is"),
        (lambda: zipped({**FILES, "a": b"x"}), "of one name"),
        (lambda: zipped(FILES, _attributes(stat.S_IFLNK | 0o777, system=0)), "link"),
        (lambda: zipped({**FILES, "__MACOSX/../../x": b""}), "not a plain relative path"),
        (lambda: zipped({**FILES, "__MACOSX/._b.txt": b"", "__MACOSX/._B.TXT": b""}), "alike but for case"),
        (lambda: zipped({**FILES, "__MACOSX/zeros": bytes(50_000_000)}), "far more than it is"),
        (lambda: zipped({**FILES, ".hidden": b"x"}), "not a plain relative path"),
        (lambda: encrypted(FILES), "encrypted"),
        (lambda: zipped(FILES, _extra(b"\x75\x70\x06\x00\x01\0\0\0\0x")), "not read here"),
        (lambda: zipped(FILES, _extra(b"UT\x05\x00\x01\0\0\0\0")), None),
        (lambda: with_other_local_name(FILES), "header of b.txt"),
        (lambda: with_gap(FILES), "belong to no file"),
        (lambda: zipped(FILES) + b"\0", "does not end"),
        (lambda: b"\0" + zipped(FILES), "does not end"),
        (lambda: shorter(FILES), "does not end|belong to no file|changed"),
    ],
    ids=range(25),
)
def test_tricks_are_refused_with_their_reason(package: Callable[[], bytes], sentence: str | None) -> None:
    if sentence is None:
        assert read_zip(package()).files == FILES
        return
    with pytest.raises(PackageRefused, match=sentence):
        read_zip(package())


def test_random_changes_leave_the_same_files_or_are_refused() -> None:
    for changed in zipforms.flipped(zipped(FILES), seed=3):
        try:
            found = {path: bytes(data) for path, data in read_zip(changed).files.items()}
        except PackageRefused:
            continue
        assert list(found.values()) == list(FILES.values()) or sorted(found.values()) == sorted(FILES.values())


def test_a_package_zipped_again_passes_with_a_remark(
    package: bytes, authority: TestAuthority, confinement: Confinement, tmp_path: Path
) -> None:
    verifier = Verifier(
        confinement,
        [authority.root.certificate],
        evidence=verify_package,
        clock=lambda: authority.now + timedelta(hours=1),
    )
    files = {path: bytes(data) for path, data in read_zip(package).files.items()}
    again = zipped(files, folder="证据包 (1)/")
    report = verifier.verify(again)
    assert report.indication is Indication.PASSED, report.reasons
    assert "zipped again" in str(report.remarks[0])
    assert not [each for each in verifier.verify(package).remarks if "zipped again" in str(each)]
    for changes, reason in (({"extra.txt": b"x"}, "does not list"), ({"index.txt": b"x"}, "manifest lists")):
        changed = verifier.verify(zipped(files | changes))
        assert changed.indication is Indication.FAILED
        assert reason in changed.reasons[0]
    folder = unpack(again, tmp_path) / "证据包 (1)"
    for checker in CHECKERS:
        status, said = check(checker, folder)
        assert status == 0, said


def test_what_unzip_finds_is_what_is_judged(tmp_path: Path) -> None:
    (tmp_path / "again.zip").write_bytes(zipped(FILES, folder="x/"))
    subprocess.run(["unzip", "-qq", "again.zip"], cwd=tmp_path, check=True)
    assert {path: (tmp_path / "x" / path).read_bytes() for path in FILES} == FILES


@pytest.mark.parametrize("added", [".DS_Store", "Thumbs.db"])
def test_a_package_that_opens_as_a_pdf_is_not_passed(
    package: bytes, authority: TestAuthority, confinement: Confinement, added: str
) -> None:
    """A reader of PDFs finds its header near the front, or an object anywhere, and shows what nobody signed."""
    verifier = Verifier(confinement, [authority.root.certificate], evidence=verify_package)
    files = {path: bytes(data) for path, data in read_zip(package).files.items()}
    other = {added: b"%PDF-1.4\n1 0 obj\n<</Type/Catalog>>\nendobj\n"}
    first = other if added == ".DS_Store" else {}
    report = verifier.verify(
        zipped({**first, **files, **other}, deflate=False), at=authority.now + timedelta(hours=1)
    )
    assert report.indication is not Indication.PASSED
    assert "PDF" in report.reasons[0]

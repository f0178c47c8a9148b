"""Packages zipped again by tools that write sizes behind the data, or that add files of their own: one reading."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from appliance.confinement.pool import Confinement
from appliance.evidence.model import PackageRefused
from appliance.evidence.repacked import PackageFiles, read_zip
from appliance.evidence.verification import verify_package
from appliance.verification import Indication, Verifier
from tests.evidence import zipforms
from tests.evidence.authority import TestAuthority
from tests.evidence.zipforms import DOS, FORMS, SIGNATURE, Member, zipped

FILES = {"a/one.txt": b"one" * 50, "b.txt": b"two", "empty": b"", "manifest.json": b"{}"}
ADDED = {
    zipforms.by_finder: (".DS_Store", "__MACOSX"),
    zipforms.by_older_windows: ("Thumbs.db", "desktop.ini"),
}


class Pipe(io.RawIOBase):
    """What cannot be gone back in."""

    def __init__(self) -> None:
        self.written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        self.written += bytes(data)  # type: ignore[call-overload]  # bytes-like, as zipfile gives it
        return len(bytes(data))  # type: ignore[call-overload]  # the same


def piped(files: dict[str, bytes], method: int, *, wide: bool) -> bytes:
    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", method) as archive:
        for path, data in files.items():
            with archive.open(path, "w", force_zip64=wide) as member:
                member.write(data)
    return bytes(pipe.written)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_what_tools_write_is_read(form: Callable[[dict[str, bytes], str], list[Member]]) -> None:
    found = read_zip(zipped(form(FILES, "证据包 (1)")))
    assert found.files == FILES
    assert found.ignored == ADDED.get(form, ())


def test_what_zipfile_writes_to_a_pipe_is_read() -> None:
    for method in (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED):
        for wide in (False, True):
            assert read_zip(piped(FILES, method, wide=wide)) == PackageFiles(FILES, ())


def test_files_of_operating_systems_are_ignored_wherever_they_lie() -> None:
    added = [b"__MACOSX/._b.txt", b"a/.DS_Store", b"a/desktop.ini", b"Thumbs.db", b"x/__MACOSX/._y"]
    members = [Member(path.encode(), data) for path, data in FILES.items()]
    found = read_zip(zipped([*(Member(name, b"any") for name in added), *members]))
    assert found == PackageFiles(FILES, (".DS_Store", "Thumbs.db", "__MACOSX", "desktop.ini"))
    other = Member(b"a/desktop.ini.exe", b"MZ")
    assert "a/desktop.ini.exe" in read_zip(zipped([*members, other])).files


GOOD = Member(b"b.txt", b"two" * 9, described=True)
TRUE = (zlib.crc32(GOOD.data), len(GOOD.body()), len(GOOD.data))
OTHER = Member(b"hidden", b"other")


def descriptor(crc: int, packed: int, size: int, *, form: str = "<3I") -> bytes:
    return SIGNATURE + struct.pack(form, crc, packed, size)


def hidden(name: bytes) -> Member:
    """To a reader from the front the deflated bytes end early; a descriptor and another member follow there."""
    inner = GOOD.body()
    return replace(GOOD, name=name, packed=inner + descriptor(*TRUE) + OTHER.local())


def two_names(header: bytes, unicode: bytes, *, crc: int | None = None) -> Member:
    said = struct.pack("<BI", 1, zlib.crc32(header) if crc is None else crc) + unicode
    return Member(header, b"two", extra=struct.pack("<HH", 0x7075, len(said)) + said)


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        pytest.param([replace(GOOD, descriptor=descriptor(TRUE[0] ^ 1, *TRUE[1:]))], "data descriptor", id="crc"),
        pytest.param([replace(GOOD, descriptor=descriptor(TRUE[0], TRUE[1], 3))], "data descriptor", id="size"),
        pytest.param([replace(GOOD, descriptor=descriptor(TRUE[0], 3, TRUE[2]))], "data descriptor", id="packed"),
        pytest.param([replace(GOOD, descriptor=b"")], "data descriptor", id="none"),
        pytest.param([replace(GOOD, descriptor=descriptor(*TRUE, form="<I2Q"))], "data descriptor", id="64"),
        pytest.param([replace(GOOD, wide=True, descriptor=descriptor(*TRUE))], "data descriptor", id="32"),
        pytest.param([replace(GOOD, descriptor=descriptor(*TRUE) + b"\0")], "belong to no file", id="gap"),
        pytest.param([replace(GOOD, local_sizes=(0, 3, 0))], "header of b.txt", id="local packed size"),
        pytest.param([replace(GOOD, local_sizes=(0, 0, 3))], "header of b.txt", id="local size"),
        pytest.param([replace(GOOD, local_sizes=(1, 0, 0))], "header of b.txt", id="local crc"),
        pytest.param([replace(GOOD, wide=True, local_sizes=(0, 3, 0))], "header of b.txt", id="local size of 64"),
        pytest.param([replace(GOOD, described=False, local_sizes=(0, 0, 0))], "header of b.txt", id="no flag"),
        pytest.param([replace(GOOD, local_name=b"c.txt")], "header of b.txt", id="local name"),
        pytest.param([hidden(b"b.txt")], "changed or cut off", id="member inside"),
        pytest.param([GOOD, hidden(b"__MACOSX/._b.txt")], "changed or cut off", id="member inside litter"),
        pytest.param(
            [Member(b"a", descriptor(0, 0, 0) + OTHER.local(), described=True, deflated=False)],
            "what could be their end",
            id="member in stored data",
        ),
        pytest.param([GOOD, GOOD], "of one name", id="twice"),
        pytest.param([GOOD, replace(GOOD, name=b"B.txt")], "alike but for case", id="case"),
        pytest.param([GOOD, Member(b"b.txt/c", b"x")], "of one name", id="file and folder"),
        pytest.param([GOOD, Member(b"b.txt/", b"")], "of one name", id="file and empty folder"),
        pytest.param([Member(b"..\\b", b"x", system=DOS)], "not a plain relative path", id="backslashes up"),
        pytest.param([Member(b"a\\b", b"x")], "not a plain relative path", id="backslash of Unix"),
        pytest.param([Member(b"a\\b/c", b"x", system=DOS)], "not a plain relative path", id="both slashes"),
        pytest.param(
            [Member(b"a\\b", b"x", system=DOS), Member(b"a/b", b"y"), Member(b"c", b"")],
            "of one name",
            id="slashes",
        ),
        pytest.param([two_names(b"b.txt", b"c.txt")], "two names", id="name in UTF-8"),
        pytest.param([GOOD, two_names(b"x/c.txt", b"x/__MACOSX/c.txt")], "two names", id="name of litter"),
        pytest.param([two_names(b"b.txt", b"b.txt", crc=1)], "not read here", id="name in UTF-8 of another"),
        pytest.param(
            [Member(b"\x80/a", b"x"), Member(b"\x81/b", b"x")], "not a plain", id="two unreadable folders"
        ),
    ],
)
def test_two_readings_are_refused(members: list[Member], sentence: str) -> None:
    with pytest.raises(PackageRefused, match=sentence):
        read_zip(zipped(members))


def test_random_changes_leave_the_same_files_or_are_refused() -> None:
    for changed in zipforms.flipped(zipped(zipforms.by_finder(FILES, "f")), seed=5):
        try:
            found = {path: bytes(data) for path, data in read_zip(changed).files.items()}
        except PackageRefused:
            continue
        assert sorted(data for data in found.values() if data in FILES.values()) == sorted(FILES.values())


def test_a_package_from_finder_passes_with_remarks(
    package: bytes, authority: TestAuthority, confinement: Confinement
) -> None:
    verifier = Verifier(
        confinement,
        [authority.root.certificate],
        evidence=verify_package,
        clock=lambda: authority.now + timedelta(hours=1),
    )
    members = zipforms.by_finder({path: bytes(data) for path, data in read_zip(package).files.items()}, "证据包")
    report = verifier.verify(zipped(members))
    assert report.indication is Indication.PASSED, report.reasons
    again, ignored, *_ = map(str, report.remarks)
    assert "zipped again" in again
    assert "(.DS_Store, __MACOSX)" in ignored
    extra = verifier.verify(zipped([*members, Member("证据包/extra.txt".encode(), b"x")]))
    assert extra.indication is Indication.FAILED
    assert "does not list" in extra.reasons[0]

"""The container: one byte form, read strictly, and good for every ordinary ZIP tool."""

from __future__ import annotations

import io
import random
import subprocess
import zipfile
from pathlib import Path

import pytest

from appliance.errors import EvidenceIncomplete
from appliance.evidence import container
from appliance.evidence.model import PackageRefused
from appliance.evidence.repacked import read_zip

FILES = {"b.txt": b"two", "a/one.txt": b"one", "check.sh": b"#!/bin/sh\n", "empty": b""}


def zipped(*names_and_data: tuple[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, data in names_and_data:
            archive.writestr(zipfile.ZipInfo(name), data, compress_type=compression)
    return stream.getvalue()


def end_of(count: int, directory_size: int) -> bytes:
    return container.END.pack(container.END_MARK, 0, 0, count, count, directory_size, 0, 0)


def read_canonical(data: bytes) -> dict[str, memoryview]:
    """The files of *data*, when it is a container in the one form."""
    found = read_zip(data).files
    if not container.is_canonical(data, found):
        raise PackageRefused("not in its canonical form")
    return found


def test_what_was_written_is_read_back_sorted() -> None:
    found = read_canonical(container.write_container(FILES))
    assert list(found) == sorted(FILES)
    assert {name: bytes(data) for name, data in found.items()} == FILES


def test_the_same_files_give_the_same_bytes_whatever_their_order() -> None:
    assert container.write_container(FILES) == container.write_container(dict(reversed(FILES.items())))


def test_other_zip_readers_agree(tmp_path: Path) -> None:
    package = container.write_container(FILES)
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == FILES
    path = tmp_path / "package.zip"
    path.write_bytes(package)
    assert subprocess.run(["unzip", "-tqq", path], check=False).returncode == 0


def test_every_single_changed_bit_is_refused() -> None:
    package = container.write_container(FILES)
    for at in range(len(package)):
        for bit in (1, 0x20, 0x80):
            changed = bytearray(package)
            changed[at] ^= bit
            with pytest.raises(PackageRefused):
                read_canonical(bytes(changed))


@pytest.mark.parametrize("cut", [0, 1, 21, 22, 100, 300])
def test_cut_off_or_added_to_is_refused(cut: int) -> None:
    package = container.write_container(FILES)
    for changed in (package[:cut], package[cut + 1 :], package + b"\0" * (cut + 1), b"\0" * (cut + 1) + package):
        with pytest.raises(PackageRefused):
            read_canonical(changed)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("../../etc/passwd", "not a plain relative path"),
        ("/etc/passwd", "not a plain relative path"),
        ("a/../../b", "not a plain relative path"),
        ("C:\\windows\\x", "not a plain relative path"),
        ("a/./b", "not a plain relative path"),
        (".hidden", "not a plain relative path"),
        ("trailing.", "not a plain relative path"),
        ("合同.pdf", "not a plain relative path"),
        ("a b", "not a plain relative path"),
        ("folder/", "changed or cut off"),
    ],
)
def test_names_that_could_land_elsewhere_are_refused(name: str, sentence: str) -> None:
    with pytest.raises(PackageRefused, match=sentence):
        read_canonical(zipped((name, b"x")))


def test_a_foreign_zip_is_refused_even_if_its_content_is_the_same() -> None:
    with pytest.raises(PackageRefused, match="canonical form"):
        read_canonical(zipped(*sorted(FILES.items())))


def test_a_file_twice_is_refused() -> None:
    once = container.write_container({"a": b"1", "b": b"2"})
    with pytest.raises(PackageRefused, match="two files of one name"):
        read_canonical(once.replace(b"b", b"a"))


def test_a_bomb_is_refused_before_anything_is_unpacked() -> None:
    bomb = zipped(("zeros", b"\0" * 50_000_000), compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(PackageRefused):
        read_canonical(bomb)


def test_a_directory_that_claims_millions_of_entries_is_refused() -> None:
    end = end_of(65_535, 0)
    with pytest.raises(PackageRefused, match="more than"):
        read_canonical(end)


def test_random_bytes_are_refused() -> None:
    chance = random.Random(7)  # noqa: S311 - bytes for a parser, no secret
    for _ in range(300):
        noise = chance.randbytes(chance.randrange(200))
        for data in (noise, b"PK\x03\x04" + noise, noise + end_of(1, len(noise))):
            with pytest.raises(PackageRefused):
                read_canonical(data)


def test_more_files_than_a_package_may_have_are_not_written() -> None:
    with pytest.raises(EvidenceIncomplete):
        container.write_container({f"f{number}": b"" for number in range(container.MOST_FILES + 1)})

"""Disc images and parts of packages, judged by other programs: isoinfo (cdrkit), bsdtar (libarchive), cat."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from appliance.cli.evidence import SizeParameter, split_command
from appliance.cli.program import Context, Terminal
from appliance.confinement.pool import Confinement
from appliance.evidence import disc, parts
from appliance.evidence.common_files import read_verifier
from appliance.evidence.disc import DiscRefused, WholePackage, whole_package, write_image
from appliance.evidence.model import PackageRefused
from appliance.evidence.repacked import read_zip
from appliance.evidence.verification import verify_package
from appliance.home import Home
from appliance.language import Language
from appliance.verification import Indication, Verifier
from tests.evidence.authority import TestAuthority
from tests.evidence.resealing import repacked
from tests.evidence.test_rezipped import zipped
from tests.evidence.unpacked import unpack

NAME = "c-2026-0001"


@pytest.fixture
def given(package: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "证据包 (1).zip"
    path.write_bytes(package)
    return path


@pytest.fixture
def whole(given: Path) -> WholePackage:
    return whole_package(given)


def made(whole: WholePackage, folder: Path, language: Language = Language.CHINESE) -> Path:
    write_image(whole, folder / "disc.iso", folder / "sheet.pdf", language)
    return folder / "disc.iso"


def listed(image: Path, extension: str) -> set[str]:
    """The files of the image in the names of Joliet (J) or Rock Ridge (R), by isoinfo."""
    done = subprocess.run(["isoinfo", f"-{extension}", "-f", "-i", image], capture_output=True, check=True)
    return set(done.stdout.decode().split("\n")) - {""}


def test_other_programs_read_the_disc(whole: WholePackage, package: bytes, tmp_path: Path) -> None:
    image = made(whole, tmp_path)
    out = tmp_path / "out"
    out.mkdir()
    subprocess.run(["bsdtar", "-xf", image, "-C", out], check=True)
    assert (out / f"{NAME}.zip").read_bytes() == package
    found = {path: bytes(data) for path, data in read_zip(package).files.items()}
    inside = {str(each.relative_to(out / NAME)) for each in (out / NAME).rglob("*") if each.is_file()}
    assert inside == set(found)
    for path, data in found.items():
        assert (out / NAME / path).read_bytes() == data
    assert (out / "verify.html").read_bytes() == read_verifier()
    for path in ("01-evidence-list.zh.pdf", "02-submission-guide.zh.pdf"):
        assert (out / path).read_bytes() == found[path]
    for extension in ("J", "R"):
        names = listed(image, extension)
        assert {f"/{NAME}/{path}" for path in found} <= names, extension


def test_the_same_package_gives_the_same_bytes(whole: WholePackage, tmp_path: Path) -> None:
    digests = set()
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        image = made(whole, folder)
        digests.add((disc.digest_of_file(image), disc.digest_of_file(folder / "sheet.pdf")))
    assert len(digests) == 1


def test_the_sheet_is_one_page_with_the_digests(whole: WholePackage, package: bytes, tmp_path: Path) -> None:
    for language in Language:
        folder = tmp_path / language.value
        folder.mkdir()
        image = made(whole, folder, language)
        text = subprocess.run(["pdftotext", folder / "sheet.pdf", "-"], capture_output=True, check=True).stdout
        said = re.sub(rb"\s", b"", text)
        for digest in (disc.digest_of_file(image), hashlib.sha256(package).hexdigest(), whole.manifest_digest):
            assert digest.encode() in said
        told = subprocess.run(["pdfinfo", folder / "sheet.pdf"], capture_output=True, check=True).stdout
        assert re.search(rb"Pages:\s+1\n", told)


def test_the_folder_on_the_disc_is_judged_as_the_package(
    whole: WholePackage, authority: TestAuthority, confinement: Confinement, tmp_path: Path
) -> None:
    image, out = made(whole, tmp_path), tmp_path / "out"
    out.mkdir()
    subprocess.run(["bsdtar", "-xf", image, "-C", out], check=True)
    verifier = Verifier(confinement, [authority.root.certificate], evidence=verify_package)
    at = authority.now + timedelta(hours=1)
    assert verifier.verify_folder(out / NAME, at=at).indication is Indication.PASSED
    around = verifier.verify_folder(out, at=at)
    assert around.indication is Indication.INDETERMINATE
    assert f"in the folder {NAME} in it; give that one" in around.reasons[0]


def test_a_folder_or_another_zip_gives_the_zip_as_it_was_made(package: bytes, tmp_path: Path) -> None:
    assert whole_package(unpack(package, tmp_path / "folder")).zipped == package
    again = tmp_path / "again.zip"
    again.write_bytes(zipped({path: bytes(data) for path, data in read_zip(package).files.items()}, folder="x/"))
    assert whole_package(again).zipped == package


def test_what_is_no_whole_package_is_refused(package: bytes, tmp_path: Path) -> None:
    changed = tmp_path / "changed.zip"
    changed.write_bytes(repacked(package, {"index.txt": b"x"}))
    with pytest.raises(PackageRefused, match=r"index\.txt is not the one"):
        whole_package(changed)
    changed.write_bytes(b"%PDF-1.7")
    with pytest.raises(PackageRefused):
        whole_package(changed)


def test_nothing_is_overwritten_or_left_behind(
    whole: WholePackage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = set(tmp_path.iterdir())
    (tmp_path / "disc.iso").write_bytes(b"mine")
    with pytest.raises(DiscRefused, match="already"):
        made(whole, tmp_path)
    assert (tmp_path / "disc.iso").read_bytes() == b"mine"
    (tmp_path / "disc.iso").unlink()
    with pytest.raises(DiscRefused, match="cannot be written: No such file"):
        made(whole, tmp_path / "none")
    monkeypatch.setattr(disc, "PROGRAM", "no-such-program")
    with pytest.raises(DiscRefused, match="not installed"):
        made(whole, tmp_path)
    monkeypatch.setattr(disc, "PROGRAM", "false")
    with pytest.raises(DiscRefused, match="made no disc image"):
        made(whole, tmp_path)
    monkeypatch.undo()
    true = disc.render_sheet

    def late(*values: object) -> bytes:
        (tmp_path / "disc.iso").write_bytes(b"mine")
        return true(*values)  # type: ignore[arg-type]  # handed on as they are

    monkeypatch.setattr(disc, "render_sheet", late)
    with pytest.raises(DiscRefused, match="already"):
        made(whole, tmp_path)
    assert (tmp_path / "disc.iso").read_bytes() == b"mine"
    (tmp_path / "disc.iso").unlink()
    assert set(tmp_path.iterdir()) == there


def test_parts_are_joined_by_the_commands_of_their_sheet(
    whole: WholePackage, package: bytes, tmp_path: Path
) -> None:
    folder = tmp_path / "parts"
    size = len(package) // 7
    written = parts.split(whole, size, folder)
    pieces = [each for each in written if each.suffix != ".txt"]
    assert len(pieces) == -(-len(package) // size)
    assert all(each.stat().st_size == size for each in pieces[:-1])
    for language in Language:
        sheet = (folder / f"{NAME}.zip.parts.{language.value}.txt").read_text("utf-8-sig")
        for each in pieces:
            assert hashlib.sha256(each.read_bytes()).hexdigest() in sheet
        assert hashlib.sha256(package).hexdigest() in sheet
        [command] = [line.strip() for line in sheet.splitlines() if line.strip().startswith("cat ")]
        subprocess.run(["sh", "-c", command], cwd=folder, check=True)
        joined = folder / f"{NAME}.zip"
        assert joined.read_bytes() == package
        joined.unlink()
        [windows] = [line.strip() for line in sheet.splitlines() if line.strip().startswith("copy /b ")]
        names, target = windows.removeprefix("copy /b ").split(" ")
        assert b"".join((folder / each).read_bytes() for each in names.split("+")) == package
        assert target == joined.name
        assert len(windows) < 8191


def test_parts_are_all_there_or_none(whole: WholePackage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DiscRefused, match="at least 64 KB"):
        parts.split(whole, 1000, tmp_path / "parts")
    with monkeypatch.context() as patched, pytest.raises(DiscRefused, match="more than 3 parts"):
        patched.setattr(parts, "MOST", 3)
        parts.split(whole, parts.SMALLEST, tmp_path / "parts")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(parts, "place_new", full)
    with pytest.raises(DiscRefused, match="No space left"):
        parts.split(whole, 1 << 20, tmp_path / "parts")
    monkeypatch.undo()
    assert not (tmp_path / "parts").exists()
    (tmp_path / "parts").mkdir()
    with pytest.raises(DiscRefused, match="already"):
        parts.split(whole, 1 << 20, tmp_path / "parts")


@pytest.mark.parametrize(
    ("said", "size"), [("50M", 50 << 20), ("64k", 64 << 10), ("1G", 1 << 30), ("50mb", 50 << 20), ("70000", 70000)]
)
def test_sizes_are_read(said: str, size: int) -> None:
    assert SizeParameter().convert(said, None, None) == size


def test_the_command_says_what_it_wrote(given: Path, tmp_path: Path) -> None:
    context = Context(Home(tmp_path), Terminal(Language.ENGLISH))
    done = CliRunner().invoke(split_command, [str(given), "--size", "1M"], obj=context)
    assert done.exit_code == 0, done.output
    folder = tmp_path / "证据包 (1).zip.parts"
    assert done.output.count("Written: ") == len(list(folder.iterdir()))
    assert CliRunner().invoke(split_command, [str(given), "--size", "lots"], obj=context).exit_code == 2
    shutil.rmtree(folder)

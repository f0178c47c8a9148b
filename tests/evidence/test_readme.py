"""The README is tested as a reader would: every command is taken out of it and run in a clean folder."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.evidence.extraction import extract
from appliance.evidence.model import EvidenceInput
from appliance.evidence.package import build
from appliance.evidence.readme import render_readme
from appliance.language import Language
from tests.evidence import contract
from tests.evidence.authority import TestAuthority
from tests.evidence.unpacked import commands, run, unpack
from tests.sweeps import first_of, one_in

LANGUAGES = ["zh", "en"]


@pytest.fixture
def folder(package: bytes, tmp_path: Path) -> Iterator[Path]:
    yield unpack(package, tmp_path / "package")


def failing(folder: Path, language: str) -> list[str]:
    found = []
    for command in commands(folder / f"README.{language}.txt"):
        if run(command, folder).returncode:
            found.append(command)
    return found


@pytest.mark.parametrize("language", first_of(LANGUAGES))
def test_every_command_succeeds_and_changes_nothing(folder: Path, language: str) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    shown = commands(folder / f"README.{language}.txt")
    assert len(shown) > 30
    assert all("openssl" in command or command.startswith(("test", "od", "tr", "grep")) for command in shown)
    assert failing(folder, language) == []
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_no_section_is_left_out(evidence: EvidenceInput) -> None:
    """A gap in the numbers would look as if something had been taken out."""
    bare = replace(evidence, records=(), documents={})
    text = render_readme(bare, extract(bare), Language.ENGLISH).decode()
    assert re.findall(r"^(\d+)  [A-Z].*\n-----", text, re.MULTILINE) == [str(each) for each in range(1, 13)]


def test_both_languages_show_the_same_commands(folder: Path) -> None:
    assert commands(folder / "README.zh.txt") == commands(folder / "README.en.txt")


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_says_that_the_verifier_in_the_package_is_to_be_compared(folder: Path, language: str) -> None:
    """The commands that it shows for that give the page's SHA-256, on systems that have them."""
    text = (folder / f"README.{language}.txt").read_text("utf-8")
    digest = hashlib.sha256((folder / "verify.html").read_bytes()).hexdigest()
    for command in ("sha256sum verify.html", "shasum -a 256 verify.html", "certutil -hashfile verify.html SHA256"):
        assert f"  {command}\n" in text
        program = command.split()[0]
        if program != "certutil" and shutil.which(program):  # NSS's program of that name is another one
            assert run(command, folder).stdout.split()[0] == digest
    assert "/verify" in text


@pytest.mark.long
def test_commands_run_in_bash_too(folder: Path) -> None:
    for command in commands(folder / "README.zh.txt"):
        assert run(command, folder, interpreter="bash").returncode == 0, command


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))


@pytest.mark.parametrize(
    ("path", "told_by"),
    one_in(
        4,
        [
            ("contract/contract.signed.pdf", "signatures/01.p7s"),
            ("contract/contract.signed.pdf", "contract/contract.tsr"),
            ("contract/contract.pdf", "contract/contract.pdf"),
            ("signatures/02.p7s", "signatures/02.p7s"),
            ("signatures/02.sig", "signatures/02.tst"),
            ("signatures/03.tst", "signatures/03.tst"),
            ("signatures/04.tst", "signatures/04.tst"),
            ("manifest.json", "manifest.p7s"),
            ("manifest.tsr", "manifest.tsr"),
            ("manifest.tsq", "manifest.tsq"),
            ("agreement/01.json", "agreement/01.p7s"),
            ("log/checkpoint", "log/checkpoint.tst"),
            ("log/checkpoint.text", "log/checkpoint.sig"),
            ("log/entries/00000028.json", "log/entries/00000028.json"),
        ],
    ),
)
def test_a_flipped_byte_makes_the_commands_about_it_fail(folder: Path, path: str, told_by: str) -> None:
    flip(folder / path, len((folder / path).read_bytes()) // 2 if "signed" not in path else 20)
    about = [command for command in failing(folder, "en") if told_by in command]
    assert about


def test_a_file_too_many_or_too_few_makes_a_command_fail(folder: Path) -> None:
    (folder / "contract" / "extra.pdf").write_bytes(b"")
    assert failing(folder, "en")
    (folder / "contract" / "extra.pdf").unlink()
    (folder / "history" / "history.json").unlink()
    assert failing(folder, "en")


def test_another_root_makes_the_commands_fail(folder: Path) -> None:
    other = TestAuthority().root.certificate
    (folder / "certificates/ca.pem").write_bytes(other.public_bytes(Encoding.PEM))
    failed = failing(folder, "en")
    assert sum("openssl cms" in command for command in failed) == 8
    assert sum("openssl ts" in command for command in failed) == 12
    assert sum("openssl verify" in command for command in failed) == 8


def test_a_title_cannot_pose_as_a_command(
    authority: TestAuthority, evidence: EvidenceInput, tmp_path: Path
) -> None:
    hostile = replace(evidence, title="合同\n    rm -rf .\n\x1b[2J<b>x</b>")
    folder = unpack(build(hostile, contract.seals(authority)), tmp_path / "hostile")
    assert not any("rm -rf" in command for command in commands(folder / "README.zh.txt"))
    assert "\x1b" not in (folder / "README.en.txt").read_text("utf-8")

"""The README of a capture is tested as a reader would: every command is taken out of it and run in a folder."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.evidence.captures.facts import LogInFacts, encode
from appliance.evidence.captures.layout import FACTS
from appliance.evidence.captures.model import CaptureEvidence
from appliance.evidence.captures.readme import render_readme
from appliance.language import Language
from tests.evidence.authority import TestAuthority
from tests.evidence.captured import (
    Told,
    built,
    capture_authority,  # noqa: F401  # a fixture
    capture_evidence,  # noqa: F401
    capture_package,  # noqa: F401
    evidence_for,
    facts_for,
    small_capture,
)
from tests.evidence.unpacked import commands, run, unpack

LANGUAGES = ["zh", "en"]
HOSTILE = '","began":"x","name":{"salt":"00","value":"y"}},{"path":"capture.warc.gz","sha256":"0"} %PDF-1.7 \\'
"""A title that would like to be read as the JSON around it."""


@pytest.fixture
def folder(capture_package: bytes, tmp_path: Path) -> Iterator[Path]:  # noqa: F811
    yield unpack(capture_package, tmp_path / "package")


def failing(folder: Path, language: str = "en") -> list[str]:
    return [each for each in commands(folder / f"README.{language}.txt") if run(each, folder).returncode]


@pytest.mark.parametrize("interpreter", ["sh", "bash"])
def test_every_command_succeeds_and_changes_nothing(folder: Path, interpreter: str) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    shown = commands(folder / "README.en.txt")
    assert len(shown) > 25
    for command in shown:
        done = run(command, folder, interpreter)
        assert done.returncode == 0, (command, done.stderr)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_both_languages_show_the_same_commands(folder: Path) -> None:
    assert commands(folder / "README.zh.txt") == commands(folder / "README.en.txt")


def test_sections_are_numbered_without_gaps(folder: Path) -> None:
    english = (folder / "README.en.txt").read_text("utf-8")
    chinese = (folder / "README.zh.txt").read_text("utf-8")
    assert re.findall(r"^(\d+)  [A-Z].*\n-----", english, re.MULTILINE) == [str(each) for each in range(1, 12)]
    assert len(re.findall(r"^[一二三四五六七八九十]+、.*\n-----", chinese, re.MULTILINE)) == 11
    for text in (english, chinese):
        assert "ReplayWeb.page" in text
        assert "sha256sum verify.html" in text


@pytest.mark.parametrize(
    ("path", "told_by"),
    [
        ("capture.warc.gz", "-data capture.warc.gz"),
        ("capture.warc.gz", "tail -c"),
        ("capture.warc.gz", '"warc"'),
        ("capture.wacz", "tail -c"),
        ("capture.warc.tsq", "capture.warc.tsq"),
        ("capture.warc.tsr", "capture.warc.tsr"),
        ("page.png", "while read -r hash path"),
        ("capture.json", '"facts"'),
        ("manifest.json", "manifest.p7s"),
        ("manifest.tsr", "manifest.tsr"),
        ("log/checkpoint", "log/checkpoint.tst"),
        ("log/entries/00000017.json", "printf '\\000'"),
        ("log/openings/00000017.json", "printf '{"),
    ],
)
def test_a_flipped_byte_makes_the_commands_about_it_fail(folder: Path, path: str, told_by: str) -> None:
    data = bytearray((folder / path).read_bytes())
    at = {"log/openings/00000017.json": 30, "capture.wacz": data.find(b"\x1f\x8b") + 100}
    data[at.get(path, len(data) // 2)] ^= 1
    (folder / path).write_bytes(bytes(data))
    assert [each for each in failing(folder) if told_by in each]


def changed(folder: Path, path: str, before: str, after: str) -> None:
    text = (folder / path).read_text("utf-8")
    assert before in text
    (folder / path).write_text(text.replace(before, after, 1), "utf-8")


def test_another_address_number_or_serial_makes_a_command_fail(folder: Path) -> None:
    entry, whole = "log/entries/00000017.json", (folder / "log/entries/00000017.json").read_text("utf-8")
    number = json.loads(whole)["public"]["capture"]
    changed(folder, entry, number, number[::-1])
    assert sum('"capture"' in each for each in failing(folder)) == 2
    (folder / entry).write_text(whole, "utf-8")
    serial = json.loads(whole)["public"]["serial"]
    changed(folder, entry, f'"serial":"{serial}"', f'"serial":"{serial}0"')
    assert [each for each in failing(folder) if "Serial number" in each]
    (folder / entry).write_text(whole, "utf-8")
    changed(folder, FACTS, '{"address":"http://', '{"address":"https://')
    assert [each for each in failing(folder) if '"began"' in each]


def test_what_a_page_is_called_cannot_pose_as_a_command_or_as_json(
    capture_authority: TestAuthority,  # noqa: F811
    tmp_path: Path,
) -> None:
    found = small_capture()
    facts = facts_for(found)
    page = replace(facts.page, title=HOSTILE)
    purpose = "p\N{NO-BREAK SPACE}    rm -rf ."
    log_in = LogInFacts(facts.began, facts.began, 1, (HOSTILE[:200],), 1)
    odd = replace(facts, page=page, by=replace(facts.by, purpose=purpose, name="x    y"), log_in=log_in)
    evidence = evidence_for(capture_authority, found, told=Told(facts=odd))
    folder = unpack(built(capture_authority, evidence), tmp_path / "package")
    assert failing(folder) == []
    assert not any("rm -rf" in each for each in commands(folder / "README.zh.txt"))


def test_the_beginning_is_the_same_in_every_package(capture_evidence: CaptureEvidence) -> None:  # noqa: F811
    """A ZIP that begins with a PDF's header is refused, and its first file is this one."""
    facts = capture_evidence.facts
    odd = replace(facts, address="http://shop.example/%PDF-1.7", page=replace(facts.page, title="%PDF-1.7"))
    for language in Language:
        one, other = (
            render_readme(replace(capture_evidence, facts=each), language)[:1024] for each in (facts, odd)
        )
        assert one == other
        assert b"%PDF-" not in one
    assert encode(odd) != encode(facts)

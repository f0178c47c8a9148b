"""Typefaces are taken out once, by a process of their own, and what goes wrong there is said here."""

from __future__ import annotations

import fcntl
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from appliance.errors import ConfigurationError
from appliance.pdf.typefaces import taken_out

SANS = "NotoSansCJK-Regular.ttc"


@pytest.mark.processes
def test_a_face_is_taken_out_once(tmp_path: Path) -> None:
    first = taken_out(SANS, "outlines", tmp_path / "faces" / "sans.otf")
    assert first.read_bytes()[:4] == b"OTTO"
    assert list(first.parent.iterdir()) == [first], "nothing is left beside it"
    made = first.stat().st_mtime_ns
    assert taken_out(SANS, "outlines", first).stat().st_mtime_ns == made


def test_whoever_comes_at_the_same_time_takes_what_the_first_made(tmp_path: Path) -> None:
    face = tmp_path / "sans.otf"
    directory = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(directory, fcntl.LOCK_EX)
    with ThreadPoolExecutor(1) as second:
        waiting = second.submit(taken_out, SANS, "outlines", face)
        face.write_bytes(b"made by the first")
        os.close(directory)
        assert waiting.result() == face
    assert face.read_bytes() == b"made by the first"


def test_a_font_that_is_not_installed_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="fonts-noto-cjk"):
        taken_out("NotoNothing.ttc", "text", tmp_path / "nothing.otf")


@pytest.mark.processes
def test_a_face_that_cannot_be_written_is_no_face(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "sans.otf").mkdir()
    with pytest.raises(ConfigurationError, match="room and permissions"):
        taken_out(SANS, "outlines", tmp_path / "sans.otf")
    assert "sans.otf" in capfd.readouterr().err

"""The organisation's mark: an SVG or PNG picture of bounded size; anything else stops the start."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.config import load
from appliance.errors import ConfigurationError
from appliance.home import Home, make_directory
from appliance.mark import LARGEST

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 2 2"><rect width="2" height="2"/></svg>'
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


def home_with(tmp_path: Path, mark: str, content: bytes | None) -> Home:
    home = Home(tmp_path)
    make_directory(home.settings.parent)
    home.settings.write_text(f'[organisation]\nmark = "{mark}"\n', encoding="utf-8")
    if content is not None:
        (home.settings.parent / mark).write_bytes(content)
    return home


def test_without_a_setting_there_is_no_mark(tmp_path: Path) -> None:
    assert load(home_with(tmp_path, "", None)).mark() is None


@pytest.mark.parametrize(("content", "kind"), [(SVG, "image/svg+xml"), (PNG, "image/png")])
def test_the_content_decides_the_kind_and_the_path_counts_from_the_settings(
    tmp_path: Path, content: bytes, kind: str
) -> None:
    mark = load(home_with(tmp_path, "ours.picture", content)).mark()
    assert mark is not None
    assert (mark.content, mark.content_type) == (content, kind)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot be read"),
        (SVG + b" " * LARGEST, "at most"),
        (b"GIF89a", "neither"),
        (b"", "neither"),
        (b"<html><svg xmlns='http://www.w3.org/2000/svg'/></html>", "neither"),
        (b"<svg/>", "neither"),
    ],
)
def test_anything_else_stops_the_start(tmp_path: Path, content: bytes | None, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        load(home_with(tmp_path, "mark.svg", content))

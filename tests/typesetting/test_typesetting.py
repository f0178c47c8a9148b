"""Pages are set in processes that end: what they may read, what ends them, and what stays outside them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from appliance.errors import ConfinementFailed
from appliance.typesetting import TypesettingFailure, typeset

pytestmark = pytest.mark.usefixtures("typeset_anew")
PAGE = "<!doctype html><html lang=zh-CN><body><p>示例合同</p>{}</body></html>"
DOT = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="


def test_the_same_page_with_an_identifier_is_the_same_file() -> None:
    name = b"sixteen bytes ok"
    assert typeset(PAGE.format(""), identifier=name) == typeset(PAGE.format(""), identifier=name)


def test_a_page_shows_what_it_carries_and_loads_nothing_else(tmp_path: Path) -> None:
    picture = tmp_path / "picture.svg"
    picture.write_text('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', encoding="ascii")
    assert typeset(PAGE.format(f'<img src="{DOT}">'), images=True).startswith(b"%PDF-")
    for address in (picture.as_uri(), "http://127.0.0.1:9/picture.svg"):
        with pytest.raises(ConfinementFailed) as refused:
            typeset(PAGE.format(f'<img src="{address}">'), images=True)
        assert refused.value.values["cause"] == TypesettingFailure.CRASHED.value


def test_what_takes_too_long_is_ended() -> None:
    with pytest.raises(ConfinementFailed) as refused:
        typeset(PAGE.format(""), patience=0.01)
    assert refused.value.values["cause"] == TypesettingFailure.TOO_LARGE.value


def test_no_process_that_stays_has_the_typesetter_in_it() -> None:
    """It keeps typefaces and their tables for each thread that ever used it, and never gives them back."""
    code = "import sys, webui.portal.process, appliance.jobs.__main__; sys.exit('weasyprint' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

"""What is committed is what the sources give, in the words of the catalogue."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from appliance.evidence.common_files import read_verifier, verifier_digest
from appliance.language import chinese_messages
from hsm import checkers
from scripts import offline_words

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "clients/offline_verifier"


@pytest.mark.skipif(not (SOURCES / "node_modules").is_dir(), reason="nothing to build with: scripts/setup offline")
def test_it_is_built_byte_for_byte_the_same(tmp_path: Path) -> None:
    subprocess.run(["node", "build.mjs", tmp_path / "verify.html"], cwd=SOURCES, check=True)
    assert (tmp_path / "verify.html").read_bytes() == read_verifier()


def test_every_sentence_of_the_page_has_its_chinese() -> None:
    assert not sorted(offline_words.sentences() - set(chinese_messages()))


def test_the_page_says_what_the_catalogue_says() -> None:
    """Else run `make offline-verifier`."""
    assert offline_words.WORDS.read_text(encoding="utf-8") == offline_words.words()


def test_it_is_known_by_its_digest() -> None:
    assert checkers.is_current(checkers.VERIFIER, verifier_digest())


def test_nothing_in_it_tells_where_or_when_it_was_built() -> None:
    page = read_verifier().decode()
    assert str(ROOT) not in page and "node_modules" not in page and "sourceMappingURL" not in page


def test_it_holds_no_control_characters_and_no_record_of_a_zip() -> None:
    """A package in which it is stored would have two readings; and browsers drop what is no text."""
    assert not re.search(rb"[\0-\x08\x0b-\x1f\x7f]", read_verifier())


def test_the_lock_file_names_no_registry_and_pins_everything() -> None:
    lock = (SOURCES / "package-lock.json").read_text("utf-8")
    assert "resolved" not in lock and "://registry" not in lock and lock.count('"integrity"') > 2

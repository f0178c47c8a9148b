"""Packages of web captures in the page: what it proves and shows, and that it passes none that others refuse."""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from playwright.sync_api import Browser

from appliance.evidence.repacked import read_zip
from tests.evidence.authority import TestAuthority
from tests.evidence.captured import (
    HOUSE,
    Told,
    capture_authority,
    capture_evidence,
    capture_package,
    other_capture_package,
    small_capture,
)
from tests.evidence.captures.attacks import ATTACKS, GOOD, IN_THE_WACZ, STRICTER
from tests.evidence.captures.bench import Bench
from tests.evidence.resealing import repacked
from tests.offline_verifier.opened import Opened, in_chromium
from tests.sweeps import one_in

__all__ = ["capture_authority", "capture_evidence", "capture_package", "other_capture_package"]

PARTS = ["files", "manifest", "log", "facts", "recording", "archive"]


@pytest.fixture(scope="module")
def opened(chromium: Browser, verifier_file: Path, capture_authority: TestAuthority) -> Iterator[Opened]:
    """The page in Chromium, by somebody who named the root of the captures."""
    root = capture_authority.root.certificate.public_bytes(Encoding.PEM)
    with in_chromium(chromium, verifier_file, language="en-GB") as page:
        page.trust({"root.pem": root})
        yield page


@pytest.fixture
def bench(capture_authority: TestAuthority, capture_package: bytes, other_capture_package: bytes) -> Bench:
    return Bench(capture_authority, capture_package, other_capture_package)


def test_a_whole_package_is_proven(opened: Opened, capture_package: bytes) -> None:
    told = opened.judge({"capture.zip": capture_package})
    assert told.proven and told.heading == "Proven" and told.indication == "TOTAL-PASSED"
    assert list(told.steps) == PARTS and set(told.steps.values()) == {"TOTAL-PASSED"}
    for words in ("http://shop.example:", "夏季新款", HOUSE, "张示例", "固定侵权页面", "TLS does not prove"):
        assert words in told.text, words
    assert "contract" not in told.text and "Loaded, and scrolled through" in told.text


def test_the_picture_is_shown_as_it_is(opened: Opened, capture_package: bytes) -> None:
    """By its octets in the address, as the page's policy wants it: nothing is asked of anybody."""
    opened.judge({"capture.zip": capture_package})
    image = opened.page.locator("#result img")
    source = image.get_attribute("src") or ""
    octets = base64.b64decode(source.removeprefix("data:image/png;base64,"), validate=True)
    assert octets == bytes(read_zip(capture_package).files["page.png"])
    image.scroll_into_view_if_needed()
    assert opened.page.evaluate("document.querySelector('#result img').naturalWidth") == 1280


def test_a_picture_that_is_none_or_too_large_is_not_shown(opened: Opened, bench: Bench) -> None:
    def header(width: int, height: int) -> bytes:
        head = b"IHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\0\0\0"
        return b"\x89PNG\r\n\x1a\n\0\0\0\x0d" + head + zlib.crc32(head).to_bytes(4, "big")

    for picture in (b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"", header(100_000, 100_000), header(0, 10)):
        told = opened.judge(
            {"capture.zip": bench.told(Told(), visit=replace(small_capture().visit, picture=picture))}
        )
        assert told.proven and opened.page.locator("#result img").count() == 0
        assert "too large to be shown" in told.text


def test_no_picture_of_a_broken_package_is_shown(opened: Opened, bench: Bench) -> None:
    told = opened.judge({"capture.zip": repacked(bench.good, {"page.pdf": b"another"})})
    assert told.failed == {"files"} and opened.page.locator("#result img").count() == 0


def test_it_speaks_chinese(chromium: Browser, verifier_file: Path, capture_package: bytes) -> None:
    with in_chromium(chromium, verifier_file, language="zh-CN") as page:
        told = page.judge({"capture.zip": capture_package})
        assert told.indication == "INDETERMINATE" and not told.proven and told.steps["facts"] == "TOTAL-PASSED"
        section = told.text.partition("网页取证")[2]
        assert section and "目标网址" in section and "网页记录的时间戳" in section
        for words in ("Address", "Capture", "Captured by", "Servers", "What it does not prove"):
            assert words not in re.sub(r"data:\S+", "", told.text), words
        page.page.click("#believe")
        page.page.wait_for_selector(".verdict[data-proven]")
        assert page.tell().indication == "TOTAL-PASSED"


@pytest.mark.parametrize("name", one_in(4, GOOD))
def test_good_packages_pass(name: str, opened: Opened, bench: Bench) -> None:
    told = opened.judge({"capture.zip": GOOD[name](bench)})
    assert told.proven, told.text


def test_words_of_the_facts_are_shown_whatever_they_are(opened: Opened, bench: Bench) -> None:
    lost = [{"address": "https://a.example/", "why": "constructor __proto__ {count}"}]
    package = bench.facts(lambda value: value["traffic"].update(refused=lost, refused_in_all=1))
    told = opened.judge({"package.zip": package})
    assert told.proven and "Requests not carried out: 1" in told.text


@pytest.mark.parametrize("name", one_in(3, IN_THE_WACZ))
def test_a_wacz_that_shows_another_page_is_not(name: str, opened: Opened, bench: Bench) -> None:
    told = opened.judge({"package.zip": IN_THE_WACZ[name](bench)})
    assert not told.proven and "archive" in told.failed


@pytest.mark.parametrize("name", one_in(8, [*ATTACKS, *IN_THE_WACZ, *STRICTER]))
def test_no_attack_passes(name: str, opened: Opened, bench: Bench) -> None:
    package = (ATTACKS | IN_THE_WACZ | STRICTER)[name](bench)
    told = opened.judge({"capture.zip": package})
    assert not told.proven and told.indication != "TOTAL-PASSED", told.text


def test_one_changed_byte_of_any_file_fails(opened: Opened, bench: Bench) -> None:
    for path, content in bench.files.items():
        for at in (0, len(content) // 2, len(content) - 1):
            changed = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
            told = opened.judge({"capture.zip": repacked(bench.good, {path: changed})})
            assert not told.proven and told.indication != "TOTAL-PASSED", (path, at)


@pytest.mark.long
@pytest.mark.parametrize("path", ["manifest.json", "manifest.p7s", "manifest.tsq", "manifest.tsr"])
def test_changed_bytes_of_what_seals_the_rest_fail(path: str, opened: Opened, bench: Bench) -> None:
    """One in sixteen, since the page is asked by a browser each time; the checkers take every one."""
    content = bench.files[path]
    for at in range(0, len(content), 16):
        changed = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
        told = opened.judge({"capture.zip": repacked(bench.good, {path: changed})})
        assert not told.proven and told.indication != "TOTAL-PASSED", at

"""The history that people read: what the log says, in both languages, with zones, set in embedded fonts."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from appliance.evidence import history, readme
from appliance.evidence.extraction import Extraction, extract
from appliance.evidence.history import PackageEvent
from appliance.evidence.model import EvidenceInput
from appliance.language import Language, chinese_messages
from appliance.ledger import event_texts
from appliance.ledger.audit_trail import EventKind

CLOCK = re.compile(r"\d\d:\d\d:\d\d")


@pytest.fixture(scope="module")
def extraction(evidence: EvidenceInput) -> Extraction:
    return extract(evidence)


def text_of(pdf: bytes, folder: Path) -> str:
    path = folder / "history.pdf"
    path.write_bytes(pdf)
    return subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, check=True, text=True).stdout


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        (
            Language.CHINESE,
            ["签署全过程记录", "已签署", "网络地址", "北京市朝阳区", "不是独立第三方", "均不是原件"],
        ),
        (
            Language.ENGLISH,
            ["History of the contract", "Signed", "Network address", "not the original"],
        ),
    ],
)
def test_people_can_read_it(
    evidence: EvidenceInput, extraction: Extraction, tmp_path: Path, language: Language, expected: list[str]
) -> None:
    text = text_of(readme.render_histories(evidence, extraction)[language], tmp_path)
    for words in expected:
        assert words in text
    assert text.count("UTC+08:00 Asia/Shanghai") >= len(CLOCK.findall(text))
    assert "2026-12-01 18:00:00 UTC+08:00" in text
    assert "by itself" not in text or language is Language.ENGLISH


def test_every_font_is_embedded_and_chinese(
    evidence: EvidenceInput, extraction: Extraction, tmp_path: Path
) -> None:
    path = tmp_path / "history.pdf"
    path.write_bytes(readme.render_histories(evidence, extraction)[Language.CHINESE])
    fonts = subprocess.run(["pdffonts", path], capture_output=True, check=True, text=True).stdout.splitlines()[2:]
    assert fonts
    for font in fonts:
        assert "CJK" in font
        assert font.split()[-5] == "yes"


@pytest.mark.usefixtures("typeset_anew")
def test_the_same_events_give_the_same_pages(evidence: EvidenceInput, extraction: Extraction) -> None:
    once = readme.render_histories(evidence, extraction)[Language.CHINESE]
    assert once == readme.render_histories(evidence, extraction)[Language.CHINESE]


def test_markup_in_a_title_is_text(evidence: EvidenceInput, extraction: Extraction, tmp_path: Path) -> None:
    hostile = replace(evidence, title="<img src=file:///etc/passwd>合同")
    text = text_of(readme.render_histories(hostile, extraction)[Language.CHINESE], tmp_path)
    assert "<img" in text


def test_machines_read_the_same(evidence: EvidenceInput) -> None:
    told = history.encode(history.heading(evidence), history.events(evidence.log.entries))
    value = json.loads(told)
    assert [event["entry"] for event in value["events"]] == [1, 2, 3, 4, 5, 6, 8, 13, 18, 23, 28]
    first = next(event for event in value["events"] if event["kind"] == "party-signed")
    assert (first["private"]["address"], first["private"]["location"]) == ("192.0.2.17", "北京市朝阳区")
    assert first["at"]["local"].endswith("+08:00")
    assert history.encode(history.read_heading(told), history.events(evidence.log.entries)) == told


def test_erased_private_fields_leave_the_rest(evidence: EvidenceInput) -> None:
    erased = [replace(entry, opening={}) for entry in evidence.log.entries]
    assert all(event.private == {} for event in history.events(erased))


def test_all_words_are_in_both_languages() -> None:
    titles = {kind.meaning.title for kind in EventKind if kind.meaning}
    assert {*titles, *event_texts.LABELS.values()} <= set(chinese_messages())
    assert set(event_texts._OWN_LABELS.values()) <= set(chinese_messages())


def test_a_pin_and_a_code_are_called_the_weaker_way() -> None:
    """A passkey goes without saying; what stands in the signature itself is in history.json for both."""
    at = datetime(2026, 11, 28, 8, tzinfo=UTC)
    for way, told in (("pin_totp", True), ("webauthn", False)):
        signed = PackageEvent(7, "party-signed", at, "person-1", {f"activated_{way}": "2026-11-28T08:00:00Z"}, {})
        shown = dict(readme.event_facts(signed, {}, "UTC"))
        assert ("Confirmed by PIN and one-time code, the weaker way" in shown) is told

"""The standard texts: a version that people may have accepted never changes, and both languages say the same."""

from __future__ import annotations

import hashlib
import re

import pytest

from appliance.contracts.agreement_text import VERSION, standard_text
from appliance.language import Language
from appliance.pdf.workshop import PdfWorkshop
from appliance.writing.framework import framework_agreement
from tests.world import shared_confinement
from webui.shared.markdown import render_whole

ACCEPTED = {
    "1": ("56d913994d5861a0", "dbd650ff0596b8b1"),
    "2": ("72f3023efa812dce", "f960b5fc60268a04"),
    "3": ("1bdd50238030b9b4", "c011e916520872de"),
    "4": ("d18adbd5d595b47b", "6804022b64aa35cc"),
}
"""By version the first 16 digits of the SHA-256 of the Chinese and of the English text."""


def numbers(pattern: str, text: str) -> list[int]:
    return sorted(int(each) for found in re.findall(pattern, text) for each in re.findall(r"\d+", found))


@pytest.mark.parametrize("version", ACCEPTED)
def test_what_was_accepted_stays_as_it_was(version: str) -> None:
    words = standard_text(version).words
    found = [
        hashlib.sha256(words[each].encode()).hexdigest()[:16] for each in (Language.CHINESE, Language.ENGLISH)
    ]
    assert tuple(found) == ACCEPTED[version]


def test_the_current_version_is_the_last_one() -> None:
    assert list(ACCEPTED)[-1] == VERSION


def test_both_languages_have_the_same_articles_and_point_to_the_same_ones() -> None:
    chinese, english = (standard_text().words[each] for each in (Language.CHINESE, Language.ENGLISH))
    articles = [re.findall(r"^(\d+)\. \*\*", text, re.MULTILINE) for text in (chinese, english)]
    assert articles[0] == articles[1] == [str(number) for number in range(1, 21)]
    heads = [text.split("\n1. ")[0] for text in (chinese, english)]
    assert numbers(r"第 ([\d、 ]+)条", heads[0]) == numbers(r"articles ([\d, and]+)", heads[1].replace("\n", " "))
    survive = [
        next(line for line in text.replace("\n    ", " ").splitlines() if line.startswith("17. "))
        for text in (chinese, english)
    ]
    assert numbers(r"第 ([\d、 ]+至 \d+、[\d 和]+)条", survive[0]) == numbers(
        r"articles ([\dto, and]+), are", survive[1]
    )


@pytest.mark.parametrize("language", Language)
def test_the_pages_show_it_whole(language: Language) -> None:
    title, shown = render_whole(standard_text().words[language])
    assert VERSION in title
    assert shown.count("<li") == 20


@pytest.mark.parametrize("language", Language)
def test_it_can_be_printed_and_signed_by_hand(language: Language) -> None:
    text = standard_text()
    title, shown = render_whole(text.words[language])
    paper = framework_agreement(text, language, operator="甲公司示例有限公司", title=title, shown=shown)
    workshop = PdfWorkshop(shared_confinement(), timeout=60)
    pages = ["".join(page.split()) for page in workshop.text(paper)]
    blanks = (
        ("（盖章）", "统一社会信用代码")
        if language is Language.CHINESE
        else ("(Companyseal)", "Registrationnumber")
    )
    whole = "".join(pages)
    assert "甲公司示例有限公司" in whole
    assert all(blank in whole for blank in blanks)
    assert all(text.digests()[language.value] in page for page in pages)
    last = re.findall(r"^20\. \*\*(.*?)\*\*", text.words[language], re.MULTILINE)[0]
    assert last.replace(" ", "") in pages[-1] + pages[-2]

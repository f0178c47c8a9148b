"""The runbook has a page for each thing that can be wrong, and each page what somebody who is woken needs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from appliance.health.findings import RunbookPage
from appliance.health.surveys import CHECKS, TITLES
from appliance.language import chinese_messages
from tests.language.sentences import ROOT

RUNBOOK = ROOT / "docs/runbook"
PARTS = ("**What it means.**", "**How to see it.**", "**What to do.**")


def test_each_alarm_has_its_page_and_each_page_its_alarm() -> None:
    english = {path.stem for path in RUNBOOK.glob("*.md") if "." not in path.stem}
    assert english - {"README"} == set(RunbookPage)


@pytest.mark.parametrize("page", RunbookPage)
def test_a_page_says_what_it_means_how_to_see_it_and_what_to_do(page: RunbookPage) -> None:
    text = (RUNBOOK / f"{page}.md").read_text(encoding="utf-8")
    assert text.startswith("# ") and [text.count(part) for part in PARTS] == [1, 1, 1]
    words = " ".join(text.split())
    for command in re.findall(r"`([^`]+)`", page.remedy):
        assert "{" in command or command in words, f"{command} is the remedy, and not on the page"


def test_each_page_is_there_in_chinese_too() -> None:
    chinese = {path.name.split(".")[0]: path.read_text(encoding="utf-8") for path in RUNBOOK.glob("*.zh.md")}
    assert set(chinese) - {"README"} == set(RunbookPage)
    parts = ("**含义。**", "**如何确认。**", "**如何处理。**")
    assert [name for name in RunbookPage if [chinese[name].count(part) for part in parts] != [1, 1, 1]] == []


def test_every_page_can_come_up() -> None:
    """Each is named by a question, or by the health monitor itself."""
    code = "".join(
        path.read_text() for path in Path(ROOT / "appliance/health").glob("*.py") if path.stem != "pages"
    )
    assert [page for page in RunbookPage if f"Page.{page.name}" not in code] == []


def test_names_are_unique_and_read_in_both_languages() -> None:
    names = [check.name for check in CHECKS]
    assert len(names) == len(set(names))
    assert not set(TITLES.values()) - set(chinese_messages())

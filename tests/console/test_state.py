"""What fails comes first, with what to do; what is good is one calm line; what could not be asked is from then."""

from __future__ import annotations

import json
import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from appliance.health import Observations, RunbookPage
from appliance.health import observations as watch
from appliance.health.findings import attention, failing, good, unset
from appliance.health.surveys import TITLES
from tests.console.conftest import Console, post
from webui.console.access import FRAGMENT


def told(console: Console, language: str = "en", **headers: str) -> str:
    return console.browser("sun", language=language).get("/", headers=headers).text


def clock_out(console: Console) -> None:
    console.site.later(seconds=15)
    out = failing(RunbookPage.CLOCK_UNSYNCHRONISED, "The clock is not synchronised; check the NTP service.")
    template = "Only {share} of the disk of {path} is free."
    soon = attention(RunbookPage.DISK_FULL, template, share="12 %", path="/")
    fine = good("The authority answers (release {version}).", version="1")
    console.found(fine.named("authority"), out.named("clock"), soon.named("disk"))


def test_an_administrators_choice_of_language_is_kept_before_the_browser_is_asked(console: Console) -> None:
    zhou = console.browser("zhou")
    zhou.delete_cookie("language")
    assert '<html lang="zh-CN">' in zhou.get("/").text, "the house's"
    assert '<html lang="en">' in zhou.get("/", headers={"Accept-Language": "en-GB, zh;q=0.3"}).text
    post(zhou, "/language/zh", {"back": "/keys"})
    assert '<html lang="zh-CN">' in zhou.get("/", headers={"Accept-Language": "en-GB"}).text
    elsewhere = console.browser("zhou", language="en")
    assert '<html lang="zh-CN">' in elsewhere.get("/").text, "kept in the account, whatever this browser chose"
    post(elsewhere, "/language/en")
    assert '<html lang="en">' in zhou.get("/").text


def test_a_fault_stands_first_with_its_remedy_and_since_when(console: Console) -> None:
    clock_out(console)
    text = told(console)
    assert "1 failing, 1 to be looked at" in text
    assert text.index("state-clock") < text.index("state-disk") < text.index("state-authority")
    assert "<code>chronyc tracking</code>" in text
    assert f"since {console.site.at.astimezone(ZoneInfo('Asia/Shanghai')):%Y-%m-%d %H:%M}" in text


def test_in_chinese_nothing_is_left_in_english(console: Console) -> None:
    clock_out(console)
    text = re.sub(r"<code>.*?</code>|<title>.*?</title>|<[^>]+>", "", told(console, "zh"))
    assert "1 项故障，1 项需关注" in text
    assert not re.findall(r"(?:[A-Za-z]+ ){3}[a-z]+", text)


def test_all_is_well_only_when_all_is(console: Console) -> None:
    clock_out(console)
    console.site.later(seconds=15)
    console.found(
        good("In step.").named("clock"),
        good("Half is free.").named("disk"),
        good("The authority answers.").named("authority"),
    )
    assert "All is well" in told(console)


UNSET = (("clock", "Set by hand."), ("mail", "No mail server is set."), ("backup", "No recovery key."))
SAID = {
    "zh": ("运行正常，{} 项尚未设置", "一切正常", "设置方法"),
    "en": ("Everything works; {} not set up yet", "All is well", "To set it up"),
}


@pytest.mark.parametrize("language", SAID)
def test_what_is_not_set_up_is_neither_well_nor_an_alarm(console: Console, language: str) -> None:
    """It is named at the top, with the way to its row, and the row leads to how it is set up."""
    works, well, how = SAID[language]
    console.site.later(seconds=15)
    fine = [good("Fine.").named(name) for name in TITLES if name != "watch"]
    console.found(*fine, *(unset(sentence).named(name) for name, sentence in UNSET))
    text = told(console, language)
    assert works.format(3) in text and well not in text
    assert re.findall(r'<a href="#(state-[a-z-]+)">', text) == [f"state-{name}" for name, _ in UNSET]
    for name, _ in UNSET:
        [row] = re.findall(rf'<details id="state-{name}">.*?</details>', text, re.S)
        leads = re.search(rf'<dt>{how}</dt><dd><a href="(/runbook/[a-z-]+)">', row)
        assert leads is not None, row
        assert console.browser("sun", language=language).get(leads[1]).status_code == 200
    assert '<span class="dot good"></span><span>' in text and 'class="row attention"' not in text

    console.site.later(seconds=15)
    console.found(*fine, unset("Set by hand.").named("clock"))
    assert works.format(1) in told(console, language)
    console.site.later(seconds=15)
    soon = attention(RunbookPage.DISK_FULL, "Only {share} of the disk of {path} is free.", share="12 %", path="/")
    console.found(*fine, unset("Set by hand.").named("clock"), soon.named("disk"))
    text = told(console, language)
    assert works.format(1) not in text and 'href="#state-clock"' in text, "what wants attention comes first"
    console.site.later(seconds=15)
    console.found(*fine)
    text = told(console, language)
    assert well in text and 'href="#state-' not in text


def test_what_could_not_be_asked_is_said_to_be_from_then(console: Console) -> None:
    console.found(good("Ready to sign.").named("hsm"))
    console.site.later(seconds=30)
    console.found(failing(RunbookPage.AUTHORITY_GONE, "The authority does not answer.").named("authority"))
    assert "Not asked lately" in told(console)


def test_a_watch_that_sleeps_is_a_fault(console: Console) -> None:
    clock_out(console)
    console.site.later(minutes=2)
    text = told(console)
    assert "The watch has been asleep since" in text
    assert text.index("state-watch") < text.index("state-clock")


def test_the_live_part_is_the_page_without_its_frame(console: Console) -> None:
    clock_out(console)
    part = told(console, **{FRAGMENT: "live"})
    assert part.strip().startswith('<div id="live"')
    assert part.strip() in told(console)


def test_looking_on_keeps_nobody_signed_in(console: Console) -> None:
    browser = console.browser("sun")
    for _ in range(4):
        console.site.later(minutes=console.site.settings.sessions.idle_minutes / 3)
        last = browser.get("/", headers={FRAGMENT: "live"})
    assert last.status_code == 401
    assert browser.get("/").headers["Location"] == "/login?next=%2F"


def test_programs_get_reasons_and_figures(console: Console) -> None:
    clock_out(console)
    answer = console.browser().get("/readyz", headers={"Accept": "application/json"})
    assert answer.status_code == 503
    assert json.loads(answer.text)["reasons"] == ["The clock is not synchronised; check the NTP service."]
    text = console.browser().get("/metrics").text
    assert 'vermilion_condition{check="clock"} 2.0' in text
    assert "vermilion_log_waiting 2.0" in text
    console.site.later(seconds=15)
    console.found(*(good("Fine.").named(name) for name in TITLES if name != "watch"))
    assert console.browser().get("/readyz").status_code == 200


def test_findings_are_read_where_nothing_can_be_written(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the console's unit is; there SQLite opens a database in WAL mode only while somebody writes it."""
    clock_out(console)
    path = Path(console.site.settings.home.health)
    console.observations.close()
    with monkeypatch.context() as closed:
        closed.setattr(watch, "Database", unable)
        found = Observations(path).survey(console.site.at)
    assert {each.finding.name for each in found.observed} >= {"clock", "disk"}
    assert not path.with_name("health.db-wal").exists()


def unable(path: Path, _schema: object) -> None:
    raise watch.StorageError("The database {path} cannot be used: {why}.", path=path, why="read-only")

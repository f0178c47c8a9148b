"""Charts of what the health monitor measured, and the journal in the reader's words."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from appliance.language import chinese_messages
from appliance.model.administration import AdministratorRole, AdministratorState, AdminRequestState, JournalKind
from tests.console.conftest import Console, id_of, post
from webui.console.access import TITLES
from webui.console.administrators import STATES as STATES_OF_PEOPLE
from webui.console.charts import PLANS, SPANS
from webui.console.requests import STATES


def measured(console: Console, hours: int) -> None:
    series, now = console.observations, console.site.at
    for hour in range(hours, 0, -1):
        at = now - timedelta(hours=hour)
        series.add_figures(
            {"vermilion_timestamps_total": 1000.0 - 10 * hour, "vermilion_clock_offset_seconds": 2e-5}, at
        )


def test_charts_are_drawn_here_and_their_figures_can_be_read(console: Console) -> None:
    measured(console, 30)
    text = console.browser("wu").get("/history").text
    assert text.count('<svg viewBox="0 0 1000 100"') == len(PLANS)
    bars = re.search(r'<path class="bars" d="([^"]+)"', text)
    assert bars is not None
    assert bars[1].count("M") == 23
    assert "230 altogether" in text
    assert "0.02 ms at last" in text
    assert "no figures yet" in text


@pytest.mark.parametrize("span", [span.key for span in SPANS])
def test_each_span_has_its_steps(console: Console, span: str) -> None:
    text = console.browser("wu").get(f"/history?span={span}").text
    table = re.search(r"<tbody>(.*?)</tbody>", text, re.DOTALL)
    assert table is not None
    assert table[1].count("<tr>") == next(each.steps for each in SPANS if each.key == span)


def test_the_journal_tells_acts_in_the_readers_language(console: Console) -> None:
    act = id_of(console.act("sun", "release.rollback"))
    post(console.browser("zhou"), f"/requests/{act}/refuse")
    text = console.browser("wu", language="zh").get("/history").text
    assert "操作申请被驳回" in text
    assert "停止全部服务" in text
    assert f'href="/requests/{act}"' in text


def test_older_lines_are_a_page_further(console: Console) -> None:
    for _ in range(16):
        console.act("zhou", "administrators.suspend", login="nobody-here")
    text = console.browser("wu").get("/history").text
    further = re.search(r'href="(/history\?[^"]*before=\d+)#journal" rel="next"', text)
    assert further is not None
    assert "Back to the start" in console.browser("wu").get(further[1].replace("&amp;", "&")).text


def test_a_page_says_when_one_of_its_lines_was_changed(console: Console) -> None:
    for _ in range(16):
        console.act("zhou", "administrators.suspend", login="nobody-here")
    guard = "SELECT sql FROM sqlite_schema WHERE name = 'journal_is_not_changed'"
    with console.database.transaction() as tx:
        newest = tx.execute("SELECT max(number) FROM journal").fetchone()[0]
        [sql] = tx.execute(guard).fetchone()
        before = tx.execute("SELECT who FROM journal WHERE number = ?", (newest - 5,)).fetchone()[0]
        tx.execute("DROP TRIGGER journal_is_not_changed")
        tx.execute("UPDATE journal SET who = 'another' WHERE number = ?", (newest - 5,))
    try:
        assert f"line {newest - 5} does not follow" in console.browser("wu").get("/history").text
        older = console.browser("wu").get(f"/history?before={newest - 5}").text
        assert "does not follow" not in older, "it looks at what it shows; the watch at all"
    finally:
        with console.database.transaction() as tx:
            tx.execute("UPDATE journal SET who = ? WHERE number = ?", (before, newest - 5))
            tx.execute(sql)


def test_every_kind_and_state_has_its_words() -> None:
    assert {kind.label for kind in JournalKind} <= set(chinese_messages())
    assert set(STATES) == set(AdminRequestState)
    assert set(STATES_OF_PEOPLE) == set(AdministratorState)
    assert set(TITLES) == set(AdministratorRole)


def test_administrators_are_listed_by_kind_with_what_can_be_done(console: Console) -> None:
    text = console.browser("zhou").get("/administrators").text
    assert (
        text.index("<h2>System administrator")
        < text.index("<h2>Security administrator")
        < text.index("<h2>Audit administrator")
    )
    assert "/operations/administrators.suspend?login=sun" in text
    assert "/operations/administrators.suspend?login=zhou" not in text
    assert "/operations/administrators" not in console.browser("sun").get("/administrators").text

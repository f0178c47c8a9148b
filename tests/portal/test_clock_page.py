"""The clock's page says how the sources of the time are authenticated, as chrony tells it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from flask import Flask

from appliance.time_sources import read_time_sources
from appliance.wiring import Appliance
from hsm.config import TimeSourceKind
from tests.health.test_time_sources import sources
from tests.portal.conftest import portal_of
from webui.portal import health
from webui.shared.clock import ClockView

SAID = [
    ([("*", "NTS"), ("+", "NTS"), ("-", "NTS")], "Authenticated by NTS", "经 NTS 认证", False),
    ([("*", "SK"), ("+", "SK")], "Authenticated by symmetric keys", "经对称密钥认证", False),
    ([("*", "NTS"), ("+", "SK")], "by NTS and symmetric keys", "经 NTS 和对称密钥认证", False),
    ([("*", "NTS"), ("+", "-")], "Not authenticated", "控制与时间源之间链路的人", True),
    ([("?", "NTS")], "No time source is followed now", "当前没有可用的时间源", True),
    ([], "is not known", "无法得知 chrony", False),
]


@pytest.fixture
def held_by_ntp(appliance: Appliance, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """A portal whose authority says that the kernel's clock is held by NTP, as on a server."""
    report = replace(appliance.authority.status().clock, source=TimeSourceKind.KERNEL.value)
    monkeypatch.setattr(ClockView, "report", lambda _self: report)
    return portal_of(appliance, appliance.authority)


@pytest.mark.parametrize(("told", "english", "chinese", "open_badge"), SAID)
def test_the_page_says_which_applies(
    held_by_ntp: Flask,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    told: list[tuple[str, str]],
    english: str,
    chinese: str,
    open_badge: bool,
) -> None:
    place = tmp_path / "sources"
    place.write_text(sources(*told), encoding="utf-8")
    monkeypatch.setattr(health, "read_time_sources", partial(read_time_sources, path=place))
    for language, sentence, badge in (("en", english, "not authenticated"), ("zh", chinese, "未认证")):
        page = held_by_ntp.test_client().get("/clock", headers={"Accept-Language": language}).text
        assert sentence in page
        assert (badge in page.split("RFC 3161")[0]) == open_badge, language

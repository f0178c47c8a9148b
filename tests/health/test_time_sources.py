"""What chrony prints of its sources (4.6.1), and what it means for people."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from appliance.health import Condition, machine_checks
from appliance.time_sources import OLD, TimeAuthentication, TimeSources, parse_time_sources, read_time_sources
from hsm.config import TimeSourceKind
from tests.health.asked import asked

MIXED = """\
^,*,127.0.0.1,1,-1,377,0,0.000000150,0.000000191,0.000002817
^,?,127.0.0.2,1,-1,377,0,0.000000234,0.000000274,0.000002628
^,?,127.0.0.3,0,6,0,4294967295,0.000000000,0.000000000,0.000000000
^,?,127.0.0.4,0,0,0,4294967295,0.000000000,0.000000000,0.000000000
127.0.0.1,SK,1,3,248,4294967295,0,0,0,0
127.0.0.2,-,0,0,0,4294967295,0,0,0,0
127.0.0.3,NTS,0,0,0,4294967295,1,0,0,0
127.0.0.4,SK,7,0,0,4294967295,0,0,0,0
"""
"""By two chronyd on one machine: a key that is right, none, NTS that nobody answers, a key that is unknown."""


def sources(*states_and_proofs: tuple[str, str]) -> str:
    numbered = list(enumerate(states_and_proofs))
    lines = [f"^,{state},n{number}.example,1,6,377,9,0.0,0.0,0.0" for number, (state, _) in numbered]
    lines += [f"n{number}.example,{proof},1,3,248,9,0,0,8,100" for number, (_, proof) in numbered]
    return "".join(f"{line}\n" for line in lines)


def test_what_chrony_prints_is_read() -> None:
    found = parse_time_sources(MIXED)
    assert found == TimeSources(4, 1, TimeAuthentication.KEY), "of the one that is followed, not of the settings"
    assert "symmetric keys; sources that agree: 1 of 4" in str(found.sentence)


@pytest.mark.parametrize(
    ("text", "agreeing", "authentication"),
    [
        (sources(("*", "NTS"), ("+", "NTS"), ("-", "NTS"), ("x", "-")), 3, TimeAuthentication.NTS),
        (sources(("*", "NTS"), ("+", "SK")), 2, TimeAuthentication.BOTH),
        (sources(("*", "NTS"), ("+", "-")), 2, TimeAuthentication.NONE),
        (sources(("*", "-"), ("+", "-"), ("+", "-")), 3, TimeAuthentication.NONE),
        (sources(("?", "NTS"), ("x", "NTS")), 0, TimeAuthentication.NONE),
    ],
)
def test_one_source_that_is_not_authenticated_is_enough(
    text: str, agreeing: int, authentication: TimeAuthentication
) -> None:
    found = parse_time_sources(text)
    assert (found.agreeing, found.authentication) == (agreeing, authentication)
    assert ("Not authenticated" in str(found.sentence)) == (agreeing > 0 and authentication == "none")
    assert ("No time source" in str(found.sentence)) == (agreeing == 0)


@pytest.mark.parametrize("text", ["", "506 Cannot talk to daemon\n", "^,*\n", "a,b,c,d,e,f,g,h,i,j\n"])
def test_other_lines_say_nothing(text: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="chronyc"):
        parse_time_sources(text)
    (tmp_path / "sources").write_text(text)
    assert read_time_sources(datetime.now(UTC), tmp_path / "sources") is None


def test_an_old_report_says_nothing_about_now(tmp_path: Path) -> None:
    place, now = tmp_path / "sources", datetime.now(UTC)
    assert read_time_sources(now, place) is None
    place.write_text(MIXED)
    assert read_time_sources(now, place) == parse_time_sources(MIXED)
    old = (now - OLD - timedelta(seconds=9)).timestamp()
    os.utime(place, (old, old))
    assert read_time_sources(now, place) is None


@pytest.mark.parametrize("kind", ["pipe", "link", "later"])
def test_who_is_chrony_can_neither_hold_up_nor_lead_astray_who_reads(kind: str, tmp_path: Path) -> None:
    now, place, elsewhere = datetime.now(UTC), tmp_path / "sources", tmp_path / "elsewhere"
    elsewhere.write_text(MIXED)
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "link":
        place.symlink_to(elsewhere)
    else:
        place.write_text(MIXED)
        now -= 2 * OLD  # the clock was set back
    assert read_time_sources(now, place) is None


@pytest.mark.parametrize(
    ("text", "managed", "condition"),
    [
        (sources(("*", "NTS"), ("+", "NTS")), True, Condition.GOOD),
        (sources(("*", "SK")), False, Condition.GOOD),
        (sources(("*", "NTS"), ("+", "-")), True, Condition.NOT_CONFIGURED),
        (sources(("?", "NTS")), True, Condition.ATTENTION),
        (None, True, Condition.ATTENTION),
        (None, False, None),
    ],
)
def test_the_health_check_says_it_too(
    text: str | None, managed: bool, condition: Condition | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "sources"
    if text is not None:
        place.write_text(text)
    monkeypatch.setattr(machine_checks, "read_time_sources", partial(read_time_sources, path=place))
    status = SimpleNamespace(clock=SimpleNamespace(source=TimeSourceKind.KERNEL))
    home = SimpleNamespace(is_managed=managed)
    found = machine_checks.time_sources(asked(datetime.now(UTC), authority=lambda: status, home=home))
    assert (found and found.condition) == condition

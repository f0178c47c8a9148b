"""What health says of two machines that serve as one, in every state; and what of it people and programs get."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from appliance.config import HealthSettings
from appliance.health import Condition, HealthFinding, RunbookPage
from appliance.health.check_context import CheckContext, ask_all
from appliance.health.figures import measure_cluster
from appliance.health.surveys import CHECKS
from appliance.home import Home
from tests.cluster.scenes import MADE, lay_down, names_of, write_state
from tests.health.asked import asked
from tests.health.showing import conditions, require_over, require_shown
from tests.health.station import Station

NOW = datetime(2026, 11, 30, 17, 0, tzinfo=UTC)
OWN = [check for check in CHECKS if check.name.partition("-")[0] == "cluster"]
GOOD, ATTENTION, FAILING = Condition.GOOD, Condition.ATTENTION, Condition.FAILING
Page = RunbookPage

WRONG: dict[str, dict[str, tuple[Condition, RunbookPage]]] = {
    "healthy": {},
    "verifying": {},
    "arbiter": {},
    "peer-off": {
        "cluster-machines": (FAILING, Page.CLUSTER_DEGRADED),
        "cluster-copies": (FAILING, Page.CLUSTER_DEGRADED),
        "cluster-rings": (FAILING, Page.CLUSTER_RING),
    },
    "not-started": {"cluster-machines": (FAILING, Page.CLUSTER_DEGRADED)},
    "lost": {
        "cluster-machines": (FAILING, Page.CLUSTER_DEGRADED),
        "cluster-copies": (FAILING, Page.CLUSTER_DEGRADED),
        "cluster-fencing": (FAILING, Page.CLUSTER_FENCING),
        "cluster-rings": (FAILING, Page.CLUSTER_RING),
    },
    "held": {
        "cluster-machines": (FAILING, Page.CLUSTER_DEGRADED),
        "cluster-copies": (FAILING, Page.CLUSTER_DEGRADED),
        "cluster-fencing": (FAILING, Page.CLUSTER_FENCING),
        "cluster-rings": (FAILING, Page.CLUSTER_RING),
    },
    "set-aside": {"cluster-machines": (ATTENTION, Page.CLUSTER_DEGRADED)},
    "paused": {"cluster-machines": (ATTENTION, Page.CLUSTER_DEGRADED)},
    "syncing": {"cluster-copies": (ATTENTION, Page.CLUSTER_SYNCING)},
    "sync-here": {"cluster-copies": (ATTENTION, Page.CLUSTER_SYNCING)},
    "sync-waits": {"cluster-copies": (ATTENTION, Page.CLUSTER_SYNCING)},
    "split-brain": {  # it came about as neither could cut the other one
        "cluster-copies": (FAILING, Page.CLUSTER_SPLIT),
        "cluster-fencing": (FAILING, Page.CLUSTER_FENCING),
    },
    "disk-failed": {"cluster-copies": (FAILING, Page.CLUSTER_DEGRADED)},
    "outdated": {"cluster-copies": (FAILING, Page.CLUSTER_DEGRADED)},
    "ring-down": {"cluster-rings": (ATTENTION, Page.CLUSTER_RING)},
    "rings-down": {"cluster-rings": (FAILING, Page.CLUSTER_RING)},
    "one-ring": {"cluster-rings": (ATTENTION, Page.CLUSTER_RING)},
    "fence-failed": {"cluster-fencing": (FAILING, Page.CLUSTER_FENCING)},
    "long-names": {"cluster-fencing": (FAILING, Page.CLUSTER_FENCING)},
    "unproven": {"cluster-fencing": (FAILING, Page.CLUSTER_FENCING)},
    "fencing-off": {"cluster-fencing": (FAILING, Page.CLUSTER_FENCING)},
    "no-device": {"cluster-fencing": (FAILING, Page.CLUSTER_FENCING)},
    "fencing-failed": {"cluster-fencing": (FAILING, Page.CLUSTER_FENCING)},
    "device-recovered": {"cluster-fencing": (ATTENTION, Page.CLUSTER_FENCING)},
    "no-quorum": {"cluster-quorum": (FAILING, Page.CLUSTER_QUORUM)},
    "arbiter-gone": {"cluster-quorum": (ATTENTION, Page.CLUSTER_QUORUM)},
    "banned": {"cluster-standby": (FAILING, Page.CLUSTER_STANDBY_UNREADY)},
    "barred-by-drbd": {"cluster-standby": (FAILING, Page.CLUSTER_STANDBY_UNREADY)},
    "failed-there": {"cluster-standby": (FAILING, Page.CLUSTER_STANDBY_UNREADY)},
    "volume-unmanaged": {"cluster-machines": (ATTENTION, Page.CLUSTER_DEGRADED)},
    "both-active": {"cluster-machines": (FAILING, Page.CLUSTER_DEGRADED)},
    "verified": {"cluster-copies": (FAILING, Page.CLUSTER_DEGRADED)},
    "outdated-here": {"cluster-copies": (FAILING, Page.CLUSTER_DEGRADED)},
    "settings-differ": {"cluster-settings": (ATTENTION, Page.CLUSTER_SETTINGS)},
    "unreached": {"cluster-standby": (FAILING, Page.CLUSTER_STANDBY_UNREADY)},
    "unwatched": {"cluster-standby": (FAILING, Page.CLUSTER_STANDBY_UNREADY)},
    "silent": {"cluster-standby": (FAILING, Page.CLUSTER_STANDBY_UNREADY)},
    "unready": {"cluster-standby": (FAILING, Page.CLUSTER_STANDBY_UNREADY)},
}
"""What is wrong in each scene; everything else is good."""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def context_of(home: Home, now: datetime = NOW, *, days: int = 90) -> CheckContext:
    settings = SimpleNamespace(health=HealthSettings(failover_drill_days=days))
    return asked(now, home=home, configured=lambda: settings, silent=set())


def found(home: Home, now: datetime = NOW, *, days: int = 90) -> dict[str, HealthFinding]:
    return {each.name: each for each in ask_all(OWN, context_of(home, now, days=days))}


def test_every_scene_is_judged() -> None:
    assert set(WRONG) == set(MADE)


def test_there_is_nothing_to_say_where_one_machine_serves_alone(home: Home) -> None:
    context = context_of(home)
    assert ask_all(OWN, context) == []
    assert context.silent == {check.name for check in OWN}
    assert list(measure_cluster(context)) == []


@pytest.mark.parametrize("scene", WRONG)
def test_each_state_is_said_with_its_page(home: Home, scene: str) -> None:
    lay_down(home, scene, NOW)
    findings = found(home)
    wrong = {name: (each.condition, each.page) for name, each in findings.items() if not each.condition.calm}
    assert wrong == WRONG[scene]
    for each in findings.values():
        assert "{" not in f"{each}{each.remedy}" and str(each)
    assert {"cluster", "cluster-machines", "cluster-drill"} <= set(findings)


def test_the_machine_that_is_meant_is_named(home: Home) -> None:
    for scene in (
        "peer-off",
        "lost",
        "syncing",
        "split-brain",
        "settings-differ",
        "unready",
        "fence-failed",
        "unproven",
    ):
        other = names_of(lay_down(home, scene, NOW))[1]
        assert any(other in str(each) for each in found(home).values() if not each.condition.calm), scene
    here, _ = names_of(lay_down(home, "outdated-here", NOW))
    assert f"The disk of {here} is not up to date (Inconsistent)" in str(found(home)["cluster-copies"])
    here, other = names_of(lay_down(home, "held", NOW))
    assert f"until it is certain that {other} is off" in str(found(home)["cluster-copies"])
    assert "12 KiB" in str((lay_down(home, "verified", NOW), found(home)["cluster-copies"])[1])
    assert "cli-ban-vermilion" in str((lay_down(home, "banned", NOW), found(home)["cluster-standby"])[1])
    assert "no link" in str((lay_down(home, "unreached", NOW), found(home)["cluster-standby"])[1])
    lay_down(home, "silent", NOW)
    assert "does not say" in str(found(home)["cluster-standby"]) and "cluster-settings" not in found(home)
    assert "1.4.0" in str((lay_down(home, "unready", NOW), found(home)["cluster-standby"])[1])


def test_what_the_standby_says_is_not_asked_while_it_is_away(home: Home) -> None:
    """What rests on another finding is not told twice: what is missing is the machine."""
    lay_down(home, "peer-off", NOW)
    assert not {"cluster-standby", "cluster-settings"} & set(found(home))


@pytest.mark.parametrize("part", ["crm_mon", "drbd", "rings", "quorum"])
def test_a_part_that_cannot_be_read_is_said_and_the_others_are_asked(home: Home, part: str) -> None:
    state = lay_down(home, "healthy", NOW)
    write_state(home, {**state, part: "??"}, NOW)
    findings = found(home)
    assert (findings["cluster"].condition, findings["cluster"].page) == (FAILING, Page.CLUSTER_UNOBSERVED)
    assert part in str(findings["cluster"])
    assert all(each.condition.calm for name, each in findings.items() if name != "cluster")


def test_a_state_that_is_missing_or_old_is_said_and_nothing_else(home: Home) -> None:
    lay_down(home, "healthy", NOW)
    for now in (NOW + timedelta(minutes=2), NOW - timedelta(minutes=2)):
        findings = found(home, now)
        assert (findings["cluster"].condition, findings["cluster"].page) == (FAILING, Page.CLUSTER_UNOBSERVED)
        assert set(findings) == {"cluster", "cluster-drill"}
    home.cluster_state.unlink()
    assert "there is no" in str(found(home)["cluster"])
    home.cluster_settings.write_text("nodes = 7")
    assert "cannot be read" in str(found(home)["cluster"])


def test_other_machines_than_the_settings_have_are_said(home: Home) -> None:
    lay_down(home, "healthy", NOW)
    text = home.cluster_settings.read_text()
    home.cluster_settings.write_text(text.replace(f'"{names_of(MADE["healthy"]())[1]}"', '"third"'))
    assert "third" in str(found(home)["cluster"])


def test_a_drill_grows_old_unless_nobody_asks_for_one(home: Home) -> None:
    lay_down(home, "healthy", NOW)
    lasting = timedelta(days=90 - 20)
    drill = found(home)["cluster-drill"]
    assert drill.condition is GOOD and "within 9 s" in str(drill)
    late = found(home, NOW + lasting + timedelta(days=1))["cluster-drill"]
    assert (late.condition, late.page) == (ATTENTION, Page.CLUSTER_DRILL_OLD)
    assert found(home, NOW + lasting + timedelta(days=1), days=0)["cluster-drill"].condition.calm
    lay_down(home, "healthy", NOW, history=False)
    assert (found(home)["cluster-drill"].condition, found(home, days=0)["cluster-drill"].condition) == (
        ATTENTION,
        Condition.NOT_CONFIGURED,
    )


def test_figures_say_the_same(home: Home) -> None:
    here, other = names_of(lay_down(home, "peer-off", NOW))
    figures = dict(measure_cluster(context_of(home, NOW + timedelta(seconds=7))))
    assert figures[f'vermilion_cluster_node_present{{node="{here}"}}'] == 1
    assert figures[f'vermilion_cluster_node_present{{node="{other}"}}'] == 0
    assert figures[f'vermilion_cluster_node_active{{node="{here}"}}'] == 1
    assert (figures["vermilion_cluster_copies_equal"], figures["vermilion_cluster_copies_split"]) == (0, 0)
    assert figures["vermilion_cluster_state_age_seconds"] == 7
    assert figures['vermilion_cluster_takeovers{why="drill"}'] == 1
    assert figures["vermilion_cluster_drill_age_seconds"] == timedelta(days=20).total_seconds() - 9 + 7
    lay_down(home, "split-brain", NOW)
    assert dict(measure_cluster(context_of(home)))["vermilion_cluster_copies_split"] == 1


def seen_by(stationed: Station, scene: str) -> None:
    """*scene*, so that it counts over the next rounds of the health monitor, whose time goes ahead."""
    lay_down(stationed.home, scene, stationed.now() + timedelta(seconds=45))


def test_what_is_wrong_is_shown_everywhere_and_told(stationed: Station) -> None:
    """On the console as it is served, in `/readyz`, in the metrics, in `vermilion diagnose` and as an alarm."""
    stationed.ahead += timedelta(minutes=10)  # `diagnose` is asked with the same time as the health monitor
    try:
        seen_by(stationed, "split-brain")
        require_shown(stationed, "cluster-copies", Page.CLUSTER_SPLIT)
        seen_by(stationed, "peer-off")
        require_shown(stationed, "cluster-machines", Page.CLUSTER_DEGRADED)
        seen_by(stationed, "healthy")
        require_over(stationed, "cluster-copies")
        assert conditions(stationed)["cluster-machines"] is GOOD
        stationed.home.cluster_state.unlink()
        require_shown(stationed, "cluster", Page.CLUSTER_UNOBSERVED)
    finally:
        stationed.home.cluster_settings.unlink()
        stationed.ahead -= timedelta(minutes=10)
    stationed.look()
    assert not [name for name in conditions(stationed) if name.startswith("cluster")], "one machine serves alone"

"""What the cluster's programs print is read, in every state; what is of another form is said, and never breaks."""

from __future__ import annotations

import json
import os
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from appliance.cluster import ClusterUnreadable, NodeRole, read_cluster_settings, read_cluster_state, read_refusal
from appliance.cluster.cluster_files import LARGEST, OLD, SILENT
from appliance.cluster.parsing import parse_crm_mon, parse_drbd, parse_quorum, parse_rings
from appliance.home import Home
from tests.cluster.scenes import ARBITER, MADE, lay_down, names_of, recording, write_state

NOW = datetime(2026, 11, 30, 17, 0, tzinfo=UTC)
PARTS = {"crm_mon": parse_crm_mon, "drbd": parse_drbd, "rings": parse_rings, "quorum": parse_quorum}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_where_one_machine_serves_alone_there_is_nothing(home: Home) -> None:
    assert read_cluster_settings(home) is None


@pytest.mark.parametrize("scene", MADE)
def test_every_scene_is_read_whole(home: Home, scene: str) -> None:
    here, other = names_of(lay_down(home, scene, NOW))
    settings, state = read_cluster_settings(home), read_cluster_state(home, NOW + timedelta(seconds=14))
    assert settings is not None
    assert (set(settings.nodes), settings.address, settings.fencing) == ({here, other}, "192.0.2.10/24", "power")
    assert settings.arbiter == (ARBITER if "arbiter" in scene else "")
    assert state.unreadable == ()
    assert (state.node, {each.name for each in state.nodes}) == (here, {here, other})
    serving = [each.name for each in state.nodes if each.role is NodeRole.ACTIVE]
    assert sorted(serving) == (
        [] if scene == "not-started" else sorted([here, other][: 1 + (scene == "both-active")])
    )
    assert [each.name for each in state.nodes if each.promoted] == [here]


def test_roles_are_what_the_machines_do(home: Home) -> None:
    roles = {}
    for scene in ("healthy", "peer-off", "lost", "set-aside"):
        lay_down(home, scene, NOW)
        found = read_cluster_state(home, NOW).other
        assert found is not None
        roles[scene] = found.role
    assert roles == {
        "healthy": NodeRole.STANDBY,
        "peer-off": NodeRole.ABSENT,
        "lost": NodeRole.LOST,
        "set-aside": NodeRole.SET_ASIDE,
    }


def test_people_have_to_reach_who_takes_over(home: Home) -> None:
    able = {}
    for scene in ("healthy", "unreached", "unwatched"):
        lay_down(home, scene, NOW)
        able[scene] = read_cluster_state(home, NOW).lets_take_over
    assert able == {"healthy": True, "unreached": False, "unwatched": False}


def test_what_a_machine_said_of_itself_grows_old(home: Home) -> None:
    """By a clock of its own, which may be ahead."""
    state = lay_down(home, "silent", NOW)
    for apart, counts in ((SILENT, True), (SILENT + timedelta(seconds=1), False)):
        for at in (NOW - apart, NOW + apart):
            told = state["crm_mon"].replace('"1700000000"', f'"{at.timestamp():.0f}"')
            write_state(home, {**state, "crm_mon": told}, NOW)
            other = read_cluster_state(home, NOW).other
            assert other is not None
            assert ((other.ready, other.settings is not None) == ("yes", True)) is counts


@pytest.mark.parametrize(
    ("copies", "is_fault"), [("healthy", True), ("disk-failed", True), ("syncing", False), ("outdated", False)]
)
def test_drbds_constraint_is_a_fault_where_it_keeps_a_whole_copy_from_serving(
    home: Home, copies: str, is_fault: bool
) -> None:
    state = lay_down(home, "barred-by-drbd", NOW)
    write_state(home, {**state, "drbd": MADE[copies]()["drbd"]}, NOW)
    other = read_cluster_state(home, NOW).other
    assert other is not None and bool(other.barred) is is_fault


def test_the_copies_are_read_with_what_is_missing() -> None:
    syncing, split = parse_drbd(MADE["syncing"]()["drbd"]), parse_drbd(MADE["split-brain"]()["drbd"])
    assert syncing.is_syncing and syncing.is_for_the_other and not syncing.is_equal
    assert syncing.percent is not None and 0 < syncing.percent < 100 and syncing.behind > 0
    assert split.is_split and not split.is_connected
    assert not parse_drbd(MADE["sync-here"]()["drbd"]).is_for_the_other
    assert parse_drbd(MADE["sync-waits"]()["drbd"]).percent is None
    for scene, equal in (
        ("healthy", True),
        ("verifying", True),
        ("verified", False),
        ("disk-failed", False),
        ("outdated", False),
    ):
        assert parse_drbd(MADE[scene]()["drbd"]).is_equal is equal


def test_held_writes_are_seen_with_and_without_a_protocol() -> None:
    """DRBD names none while it is StandAlone."""
    held = MADE["held"]()["drbd"]
    apart = held.replace("cs:WFConnection", "cs:StandAlone").replace("DUnknown C s", "DUnknown   s")
    assert held != apart and parse_drbd(held).holds_writes and parse_drbd(apart).holds_writes
    assert not parse_drbd(apart.replace("  s-", "  r-")).holds_writes


def test_a_device_that_is_not_ours_counts_for_nothing() -> None:
    text = recording("healthy")["drbd"]
    other = text[text.index(" 0: ") :].replace(" 0: ", " 1: ").replace("Connected", "StandAlone")
    assert parse_drbd(text + other) == parse_drbd(text)
    with pytest.raises(ValueError, match="DRBD"):
        parse_drbd(text.replace(" 0: ", " 1: "))


def test_rings_quorum_and_devices_are_read() -> None:
    assert [each.connected for each in parse_rings(MADE["ring-down"]()["rings"])].count(False) == 1
    assert parse_rings(MADE["lost"]()["rings"]) == (), "a machine that is not there is not named at all"
    assert len({each.here for each in parse_rings(recording("healthy")["rings"])}) == 2
    assert parse_quorum(MADE["no-quorum"]()["quorum"]).quorate is False
    arbiters = {
        scene: parse_quorum(MADE[scene]()["quorum"]).arbiter for scene in ("healthy", "arbiter", "arbiter-gone")
    }
    assert arbiters == {"healthy": None, "arbiter": True, "arbiter-gone": False}
    devices = parse_crm_mon(MADE["fence-failed"]()["crm_mon"]).devices
    assert sorted(each.works for each in devices) == [False, True]
    (failed,) = [each for each in devices if not each.works]
    assert failed.why and failed.failed_at and failed.agent.startswith("fence_")


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(
    "text",
    [
        "",
        "\0",
        "command not found",
        "<pacemaker-result/>",
        "[]",
        '{"a": 1}',
        "version: 9.2.0",
        "Local node ID x",
        "Quorate: Maybe",
    ],
)
def test_other_text_cannot_be_read(home: Home, part: str, text: str) -> None:
    state = lay_down(home, "healthy", NOW)
    with pytest.raises(ValueError, match=r"."):
        PARTS[part](text)
    write_state(home, {**state, part: text}, NOW)
    found = read_cluster_state(home, NOW)
    assert [name for name, _ in found.unreadable] == [part], "the rest is read"


def test_what_a_program_failed_with_is_told(home: Home) -> None:
    state = lay_down(home, "healthy", NOW)
    write_state(home, {**state, "rings": "", "problems": {"rings": "`corosync-cfgtool -n` failed: no."}}, NOW)
    assert read_cluster_state(home, NOW).unreadable == (("rings", "`corosync-cfgtool -n` failed: no."),)


def test_words_that_cannot_be_shown_are_not(home: Home) -> None:
    """Half a pair of UTF-16, which JSON can have and no page: what is told, too."""
    state = lay_down(home, "healthy", NOW)
    write_state(home, {**state, "rings": "", "problems": {"rings": "no\ud800\n"}}, NOW)
    assert read_cluster_state(home, NOW).unreadable == (("rings", "no??"),)


def test_entities_are_not_even_looked_at() -> None:
    bomb = '<!DOCTYPE a [<!ENTITY b "bbbbbbbb"><!ENTITY c "&b;&b;&b;">]><pacemaker-result>&c;</pacemaker-result>'
    with pytest.raises(ValueError, match="crm_mon"):
        parse_crm_mon(bomb)


@pytest.mark.parametrize("part", PARTS)
def test_text_that_is_damaged_anywhere_is_read_or_refused(part: str) -> None:
    """Nothing but ValueError comes out, whatever is cut, doubled or exchanged."""
    chance, whole = random.Random(part), recording("healthy")[part]  # noqa: S311 - the same damage every time
    for _ in range(300):
        first, second = sorted(chance.randrange(len(whole)) for _ in range(2))
        filling = chance.choice(["", whole[first:second] * 2, "\x00", "9" * 40, '"', "<", "é"])
        try:
            PARTS[part](whole[:first] + filling + whole[second:])
        except ValueError:
            continue


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{}",
        '{"at": 7}',
        '{"at": "2026-11-30T17:00:00", "node": "a", "settings": "b"}',
        "[" * 100_000,
        "\udcff",
    ],
)
def test_a_state_of_another_form_cannot_be_read(home: Home, text: str) -> None:
    lay_down(home, "healthy", NOW)
    home.cluster_state.write_text(text, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(ClusterUnreadable, match="cannot be read"):
        read_cluster_state(home, NOW)


@pytest.mark.parametrize("kind", ["pipe", "link", "large", "gone"])
def test_who_reads_is_neither_held_up_nor_led_astray(home: Home, kind: str, tmp_path: Path) -> None:
    lay_down(home, "healthy", NOW)
    elsewhere = home.cluster_state.rename(tmp_path / "elsewhere")
    if kind == "pipe":
        os.mkfifo(home.cluster_state)
    elif kind == "link":
        home.cluster_state.symlink_to(elsewhere)
    elif kind == "large":
        home.cluster_state.write_bytes(elsewhere.read_bytes() + b" " * LARGEST)
    with pytest.raises(ClusterUnreadable):
        read_cluster_state(home, NOW)


def test_an_old_state_says_nothing_about_now(home: Home) -> None:
    lay_down(home, "healthy", NOW)
    assert read_cluster_state(home, NOW + OLD).node
    for now in (NOW + OLD + timedelta(seconds=1), NOW - OLD - timedelta(seconds=1)):
        with pytest.raises(ClusterUnreadable, match="written down last"):
            read_cluster_state(home, now)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name = 1",
        'name = "a"',
        'name = "a"\nnodes = ["b"]\naddress = "c"\nfencing = "d"',
        "\x00",
        'nodes = "ab"\nname="a"',
    ],
)
def test_settings_of_another_form_cannot_be_read(home: Home, text: str) -> None:
    lay_down(home, "healthy", NOW)
    home.cluster_settings.write_text(text, encoding="utf-8")
    with pytest.raises(ClusterUnreadable, match="cannot be read"):
        read_cluster_settings(home)


def test_a_refusal_is_read_as_it_was_written(home: Home) -> None:
    assert read_refusal(home, "0123456789ab") is None
    lay_down(home, "healthy", NOW)
    path = home.cluster_refusal("0123456789ab")
    path.write_text(json.dumps({"at": NOW.isoformat(), "by": "0123456789ab", "why": "The cluster has no quorum."}))
    assert read_refusal(home, "0123456789ab") == "The cluster has no quorum."
    path.write_text("[]")
    assert "cannot be read" in str(read_refusal(home, "0123456789ab"))

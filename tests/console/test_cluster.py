"""The console's page of two machines that serve as one, in every state and both languages."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest

from appliance.cluster import NodeRole, TakeoverCause
from appliance.health.check_context import ask_all
from tests.cluster.scenes import ARBITER, MADE, lay_down, names_of, write_state
from tests.console.conftest import Console
from tests.health.test_cluster_checks import OWN, WRONG, context_of
from webui.console.cluster import CAUSES, ROLES

ENGLISH = re.compile(r"(?:[A-Za-z][a-z'’]+[ ,]+){3}[A-Za-z][a-z]+")


@pytest.fixture
def cluster(console: Console) -> Iterator[Console]:
    """One of two machines; afterwards it is alone again."""
    home = console.site.settings.home
    before = home.cluster_settings.read_text()
    yield console
    home.cluster_settings.write_text(before)
    home.cluster_state.unlink(missing_ok=True)
    home.cluster_history.unlink(missing_ok=True)
    console.found(*[])


def shown(console: Console, scene: str, *, language: str = "en", login: str = "wu") -> str:
    """The page as it is served, with what the health monitor finds in *scene*."""
    home, now = console.site.settings.home, console.site.at
    lay_down(home, scene, now)
    console.found(*ask_all(OWN, context_of(home, now)))
    return html.unescape(console.browser(login, language=language).get("/cluster").text)


def section(page: str, title: str) -> str:
    """What stands below the heading *title*."""
    found = re.search(rf"<h2>{re.escape(title)}</h2>(.*?)</section>", page, re.DOTALL)
    assert found is not None, title
    return found[1]


def test_where_one_machine_serves_alone_it_is_not_in_the_menu(cluster: Console) -> None:
    cluster.site.settings.home.cluster_settings.unlink()
    page = cluster.browser("wu").get("/cluster").text
    assert "This machine serves alone" in page and 'href="/cluster"' not in page


def test_two_that_are_well_are_shown_as_they_are(cluster: Console) -> None:
    page = shown(cluster, "healthy")
    here, other = names_of(MADE["healthy"]())
    assert 'href="/cluster"' in page and "What is wrong" not in page
    machines = section(page, "Machines")
    assert machines.index(ROLES[NodeRole.ACTIVE][0]) and machines.index(ROLES[NodeRole.STANDBY][0])
    assert here in machines and other in machines and "Could take over now" in machines
    assert 'href="/requests/0123456789ab"' in section(page, "Who served when")
    assert "Equal" in section(page, "Copies of the data")
    assert section(page, "Rings").count("Connected") == 2
    assert section(page, "Fencing").count("Ready") == 2
    assert "2 of 2" in section(page, "Quorum of the cluster")
    assert "9" in section(page, "Failover drills")
    served = section(page, "Who served when")
    assert all(CAUSES[cause][0] in served for cause in set(TakeoverCause) - {TakeoverCause.SWITCH_OVER})
    assert "9 s without service" in served and "at most 41 s without service" in served


@pytest.mark.parametrize("scene", WRONG)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_is_wrong_stands_first_with_its_page(cluster: Console, scene: str, language: str) -> None:
    page = shown(cluster, scene, language=language)
    for _, runbook in WRONG[scene].values():
        assert f'href="/runbook/{runbook}"' in page
    now = page.partition("<main")[2].rpartition("<h2>")[0]  # without who served when
    assert ("badge bad" in now or "badge open" in now) == bool(WRONG[scene])
    if language == "zh":
        text = re.sub(
            r"<(code|span|p)[^>]*lang=\"en\".*?</\1>|<code>.*?</code>|<[^>]+>", "", page, flags=re.DOTALL
        )
        assert not [each for each in ENGLISH.findall(text) if each not in MADE[scene]()["crm_mon"]]


@pytest.mark.parametrize(
    ("scene", "title", "words"),
    [
        ("syncing", "Copies of the data", ("Being brought up to date", "42.3 %", "<progress")),
        ("split-brain", "Copies of the data", ("Split brain", "StandAlone")),
        ("held", "Copies of the data", ("Writes are held: nobody can sign", "DUnknown")),
        ("disk-failed", "Copies of the data", ("On one disk alone", "Diskless")),
        ("lost", "Machines", ("Lost, not cut off yet",)),
        ("peer-off", "Machines", ("Offline",)),
        ("set-aside", "Machines", ("Set aside",)),
        ("unready", "Machines", ("Could not take over", "Release 1.4.0")),
        ("unreached", "Machines", ("Could not take over", "no link", "<code>front-link</code>")),
        ("silent", "Machines", ("Could not take over", "It does not say whether")),
        ("banned", "Machines", ("Could not take over", "cli-ban-vermilion-on")),
        ("failed-there", "Machines", ("Could not take over", "<code>crm_resource --cleanup</code>")),
        ("verified", "Copies of the data", ("Different", "different: 12 KB")),
        ("settings-differ", "Machines", ("Other settings, secrets, certificates or releases",)),
        ("ring-down", "Rings", ("Interrupted", "Connected")),
        ("peer-off", "Rings", ("None is connected",)),
        ("fence-failed", "Fencing", ("Does not work", "Fence agent did not complete", "17:00:06 UTC")),
        ("peer-off", "Fencing", ("Rests",)),
        ("device-recovered", "Fencing", ("Ready, has failed before",)),
        ("unproven", "Fencing", ("Answers, not proven",)),
        ("fencing-off", "Fencing", ("Switched off",)),
        ("no-quorum", "Quorum of the cluster", ("No quorum",)),
        ("arbiter", "Quorum of the cluster", (ARBITER, "Gives its vote")),
        ("arbiter-gone", "Quorum of the cluster", (ARBITER, "Gives no vote")),
    ],
)
def test_each_state_stands_where_it_belongs(
    cluster: Console, scene: str, title: str, words: tuple[str, ...]
) -> None:
    found = section(shown(cluster, scene), title)
    assert [each for each in words if each not in found] == []


@pytest.mark.parametrize(
    "scene",
    [
        "syncing",
        "split-brain",
        "outdated",
        "verified",
        "fence-failed",
        "no-quorum",
        "paused",
        "volume-unmanaged",
        "no-device",
        "unproven",
    ],
)
def test_a_standby_is_not_said_to_be_able_to_take_over_when_it_is_not(cluster: Console, scene: str) -> None:
    machines = section(shown(cluster, scene), "Machines")
    assert "Could not take over now" in machines and "Could take over now" not in machines


def test_what_is_not_known_is_said_and_never_shown_as_well(cluster: Console) -> None:
    home, now = cluster.site.settings.home, cluster.site.at
    state = lay_down(home, "healthy", now)
    write_state(home, state, now - timedelta(minutes=3))
    browser = cluster.browser("wu")
    old = browser.get("/cluster").text
    assert "How the cluster stands is not known" in old and "cluster-unobserved" in old and "Machines" not in old
    assert "Who served when" in old, "the history is another file"
    write_state(home, {**state, "drbd": "<u>"}, now)
    part = browser.get("/cluster").text
    assert "Part of it cannot be read" in part and "Not known" in part and "<u>" not in part
    home.cluster_settings.write_text("nodes = 7")
    assert "cannot be read" in browser.get("/cluster").text
    home.cluster_state.unlink()
    lay_down(home, "healthy", now, history=False)
    page = browser.get("/cluster").text
    assert "None was ever held" in page and "Nothing is written down yet." in page


def test_who_may_switch_over_is_led_there(cluster: Console) -> None:
    for login, offered in (("sun", True), ("zhou", False), ("wu", False)):
        page = shown(cluster, "healthy", login=login)
        assert ('href="/operations/cluster.drill"' in page) is offered
        assert ('href="/operations/cluster.switch_over"' in page) is offered
    cluster.site.settings.home.cluster_settings.unlink()
    answer = cluster.browser("sun").get("/operations/cluster.drill")
    assert answer.status_code == 409 and "serves alone" in answer.text


@pytest.mark.parametrize(
    ("scene", "told"), [("healthy", False), ("syncing", True), ("settings-differ", True), ("peer-off", True)]
)
def test_who_would_be_refused_reads_it_first(cluster: Console, scene: str, told: bool) -> None:
    page = shown(cluster, scene, login="sun")
    assert ("is refused until the other machine could take over" in page) is told
    assert "is refused until" not in shown(cluster, scene, login="wu"), "who may not ask anyway"


def test_nothing_that_is_unknown_stands_there_twice_or_as_a_dash(cluster: Console) -> None:
    home, now = cluster.site.settings.home, cluster.site.at
    lay_down(home, "healthy", now - timedelta(minutes=3))
    cluster.found(*ask_all(OWN, context_of(home, now)))
    page = cluster.browser("wu").get("/cluster").text
    assert page.count("was written down last at") == 1
    lost = shown(cluster, "lost")
    assert "fence-beta, which cuts beta off, does not work." in lost
    assert "waits to be brought up to date" in shown(cluster, "sync-waits")
    cluster.site.settings.home.cluster_settings.unlink()
    assert "Two machines serve as one." not in cluster.browser("wu").get("/cluster").text

"""A switch-over stops whoever performs it; its request is ended all the same, once, by the machine that serves."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from appliance.administration.action import ExecutedBy
from appliance.administration.host import HostOperations, SystemdHost
from appliance.errors import PreconditionRefused, StateRefused
from appliance.home import Home
from appliance.model.administration import Actor, AdministratorRole, AdminRequest, AdminRequestState
from appliance.operations.releases import ProvisionedReleases, Releases
from tests.administration.conftest import Site, opened_site
from tests.cluster.scenes import Event, history_of
from tests.language.sentences import ROOT

SUN = Actor("sun", AdministratorRole.SYSTEM)
SHI = Actor("shi", AdministratorRole.SECURITY)

STEWARD = """\
import sys
from pathlib import Path
import appliance.administration.composition as composition
from appliance.administration.action import ExecutedBy
from tests.administration.conftest import opened_site
from tests.administration.test_switch_over import host

with opened_site(Path(sys.argv[1]), hands=frozenset({ExecutedBy.PRIVILEGED_HELPER})) as site:
    composition.host_of = lambda settings: host(settings, Path(sys.argv[2]))
    site.administration.executor.execute_request(sys.argv[3])
"""
"""The privileged helper over one home, with a systemd of the test's."""


def host(settings: object, systemctl: Path) -> SystemdHost:
    """A machine whose systemd is the program *systemctl*."""
    here = systemctl.parent
    releases = ProvisionedReleases(Releases(here), here / "settings.yml", here / "bundle.asc", here / "told")
    return SystemdHost(settings, releases, systemctl=str(systemctl))  # type: ignore[arg-type]  # as host_of has it


def program(folder: Path, starting: str, *, active: str = "activating") -> tuple[Path, Path]:
    """A systemd that does *starting* when a unit is to start (its request is $id), and says how that is."""
    said, path = folder / "said", folder / "systemctl"
    path.write_text(
        f'#!/bin/sh\necho "$@" >>{said}\nif [ "$1" = is-active ]; then echo {active}; exit; fi\n'
        f"id=${{3##*-}}\nid=${{id%.service}}\n{starting}\n"
    )
    path.chmod(0o700)
    return path, said


@pytest.fixture
def waiting(site: Site) -> AdminRequest:
    """A switch-over that two administrators have agreed to, and nobody has begun."""
    site.set_up(SUN.login)
    site.set_up(SHI.login, AdministratorRole.SECURITY)
    return site.administration.requests.submit_request("cluster.switch_over", {}, by=SUN)


def approved(site: Site, act: AdminRequest) -> AdminRequest:
    """The second person agrees; the steward has the bell in its hand and performs nothing yet."""
    path = site.settings.home.run / "steward.sock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as bell:
        bell.bind(str(path))
        bell.listen()
        return site.administration.requests.approve_request(act.id, by=SHI)


def steward(site: Site, systemctl: Path, act: AdminRequest) -> int:
    """Performs *act* in a process of its own; how that ended."""
    root = site.settings.home.root.parent
    command = [sys.executable, "-c", STEWARD, str(root), str(systemctl), act.id]
    return subprocess.run(command, cwd=ROOT, check=False, timeout=120).returncode


def served(home: Home, site: Site, act: AdminRequest, *, by: str) -> None:
    """The agent's lines: stopped here, and *by* serves 7 seconds later."""
    more = (("by", act.id),)
    lines = [
        Event("serving", "zhu", timedelta(days=1), "start"),
        Event("stopped", "zhu", timedelta(seconds=30), "switch-over", more),
        Event("serving", by, timedelta(seconds=23), "switch-over", more),
    ]
    home.cluster_history.parent.mkdir(parents=True, exist_ok=True)
    home.cluster_history.write_text(history_of(lines, site.at))


def test_a_machine_that_serves_alone_is_not_even_asked(site: Site) -> None:
    site.settings.home.cluster_settings.unlink()
    for name in ("cluster.switch_over", "cluster.drill"):
        with pytest.raises(PreconditionRefused, match="serves alone"):
            site.administration.requests.submit_request(name, {}, by=SUN)


def test_in_development_there_is_no_other_machine(site: Site) -> None:
    with pytest.raises(StateRefused, match="two machines"):
        HostOperations(site.settings).switch_over("0123456789ab", drill=True)


@pytest.mark.parametrize(("by", "state"), [("yin", AdminRequestState.DONE), ("zhu", AdminRequestState.FAILED)])
def test_who_serves_then_ends_what_ended_the_steward(
    site: Site, waiting: AdminRequest, by: str, state: AdminRequestState, tmp_path: Path
) -> None:
    """The steward is ended with everything else, in the middle; the scheduler of the other machine has the same
    volume, finds the request under way, and ends it by the history: once."""
    act = approved(site, waiting)
    systemctl, said = program(tmp_path, "kill -TERM $PPID")
    assert steward(site, systemctl, act) == -signal.SIGTERM
    assert said.read_text().splitlines()[0] == f"start --no-block vermilion.switch-over@over-{act.id}.service"
    find = site.administration.requests.find_request
    assert (find(act.id).state, find(act.id).outcome) == (AdminRequestState.PERFORMING, None)
    assert steward(site, systemctl, act) == 1, "nobody begins it again"
    home = site.settings.home
    with opened_site(home.root.parent, hands=frozenset({ExecutedBy.SCHEDULER})) as other:
        other.administration.executor.execute_waiting()
        assert find(act.id).state is AdminRequestState.PERFORMING, "nothing serves yet"
        served(home, site, act, by=by)
        other.administration.executor.execute_waiting()
        other.administration.executor.execute_waiting()
    ended = find(act.id)
    assert ended.state is state and ended.outcome is not None
    outcome = ended.outcome.template.format(**ended.outcome.values)
    assert ("without service: 7" in outcome) if by == "yin" else ("Nothing has moved: zhu" in outcome)
    assert [kind for kind in site.told() if kind.startswith("act")][-2:] == ["act-approved", f"act-{state}"]
    assert site.told().count(f"act-{state}") == 1


def test_the_sentence_of_the_cluster_is_the_outcome_when_it_refuses(
    site: Site, waiting: AdminRequest, tmp_path: Path
) -> None:
    act, why = approved(site, waiting), "yin is not there: there is nothing to switch over to."
    refusal = site.settings.home.cluster_refusal(act.id)
    refusal.parent.mkdir(parents=True)
    said = json.dumps({"at": site.at.isoformat(), "by": act.id, "why": why})
    systemctl, _ = program(tmp_path, f"[ $id = {act.id} ] && echo '{said}' >{refusal}", active="failed")
    assert steward(site, systemctl, act) == 0
    ended = site.administration.requests.find_request(act.id)
    assert ended.state is AdminRequestState.FAILED and ended.outcome is not None
    assert ended.outcome.values == {"why": why}


def test_a_unit_that_ends_without_a_word_is_not_waited_for(
    site: Site, waiting: AdminRequest, tmp_path: Path
) -> None:
    act = approved(site, waiting)
    assert steward(site, program(tmp_path, "", active="inactive")[0], act) == 0
    ended = site.administration.requests.find_request(act.id)
    assert ended.state is AdminRequestState.FAILED and ended.outcome is not None
    assert "without a result" in ended.outcome.template


def test_a_drill_is_asked_for_as_one_and_its_history_counts_as_one(site: Site, tmp_path: Path) -> None:
    systemctl, said = program(tmp_path, "", active="failed")
    with pytest.raises(StateRefused):
        host(site.settings, systemctl).switch_over("0123456789ab", drill=True)
    assert said.read_text().splitlines()[0] == "start --no-block vermilion.switch-over@drill-0123456789ab.service"

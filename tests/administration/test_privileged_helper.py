"""The privileged helper is told an id and nothing else; what it does is what the database has under that id."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace

import pytest

from appliance.administration.action import SERVICES, ExecutedBy
from appliance.administration.host import SystemdHost
from appliance.administration.privileged_helper import serve_requests
from appliance.errors import ApplianceError, NotFound, PreconditionRefused, StateRefused, UpgradeRefused
from appliance.home import make_directory
from appliance.model.administration import ROOT, Actor, AdministratorRole, AdminRequestState
from appliance.operations.releases import PlaybookReleases, ProvisionedReleases, Releases, UpgradeStep
from appliance.operations.releases.tree import Upgrade
from appliance.witnesses.gate import accept_loss
from hsm.client import AuthorityClient
from hsm.errors import AuthorityUnreachable
from hsm.operation_types import AuthorityState
from tests.administration.conftest import Site, opened_site
from tests.authority import RunningAuthority, running_authority, start

UNITS = Path(__file__).resolve().parents[2] / "systemd"

UNIT = "vermilion-web.service"
SYSTEM = Actor("sun", AdministratorRole.SYSTEM)
LAST = "f" * 12
"""Rings are attended to in their order, so after this one all were."""


class Over(BaseException):
    """Ends the privileged helper of a test."""


@contextmanager
def privileged_helper(site: Site) -> Iterator[list[str]]:
    """One that runs, over the same home; what it was told to perform. It has attended to every ring on leaving."""
    told: list[str] = []
    root = site.settings.home.root.parent
    path = make_directory(site.settings.home.run) / "steward.sock"
    with (
        opened_site(root, hands=frozenset({ExecutedBy.PRIVILEGED_HELPER})) as own,
        socket.socket(socket.AF_UNIX) as listener,
    ):
        listener.bind(str(path))
        listener.listen()

        def perform(request_id: str) -> object:
            if request_id == LAST:
                raise Over
            told.append(request_id)
            return own.administration.executor.execute_request(request_id)

        def serve() -> None:
            with suppress(Over):
                serve_requests(listener, perform, idle=300.0)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield told
        finally:
            say(site, LAST.encode())
            thread.join()


def alarm(site: Site) -> Path:
    path = make_directory(site.settings.home.alarms) / UNIT
    path.write_text("2026-11-25T08:00:00Z exit-code\n")
    return path


def say(site: Site, what: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(site.settings.home.run / "steward.sock"))
        line.sendall(what)


def test_the_console_asks_and_the_steward_does_it_once(site: Site) -> None:
    raised = alarm(site)
    site.set_up(SYSTEM.login, AdministratorRole.SYSTEM)
    with privileged_helper(site) as told:
        act = site.administration.requests.submit_request("alarm.dismiss", {"unit": UNIT}, by=SYSTEM)
        assert act.state in (AdminRequestState.PERFORMING, AdminRequestState.DONE)
        say(site, act.id.encode())
    assert told == [act.id, act.id]
    assert site.administration.requests.find_request(act.id).state is AdminRequestState.DONE
    assert not raised.exists()
    assert [kind for kind in site.told() if kind.startswith("act")] == ["act-begun", "act-done"]


def test_an_act_that_nobody_decided_or_that_is_not_roots_is_not_done(site: Site) -> None:
    waits = site.administration.requests.submit_request("release.rollback", {}, by=SYSTEM)
    locked = site.administration.requests.submit_request("log.anchor", {}, by=SYSTEM)
    with privileged_helper(site) as told:
        for each in (waits, locked):
            say(site, each.id.encode())
        say(site, b"000000000000")
    assert len(told) == 3
    assert site.administration.requests.find_request(waits.id).state is AdminRequestState.WAITING
    assert site.administration.requests.find_request(locked.id).state is AdminRequestState.PERFORMING


@pytest.mark.parametrize("words", [b"", b"rm -rf /", b"service.restart", b"0" * 13, b"../../etc/x", b"\x00" * 12])
def test_what_is_no_id_is_not_even_looked_up(site: Site, words: bytes) -> None:
    with privileged_helper(site) as told:
        say(site, words)
    assert told == []


def test_without_a_steward_the_act_says_so(site: Site) -> None:
    act = site.administration.requests.submit_request("backup.now", {}, by=ROOT)
    assert act.state is AdminRequestState.FAILED
    assert act.outcome is not None
    assert "vermilion-steward.socket" in act.outcome.template


def test_an_appliance_is_one_although_a_restore_left_secrets_in_the_home(tmp_path: Path) -> None:
    home = make_directory(tmp_path / "home")
    make_directory(home / "secrets")
    make_directory(tmp_path / "etc")
    (home / "config").symlink_to(tmp_path / "etc")
    with opened_site(tmp_path) as site:
        act = site.administration.requests.submit_request("backup.now", {}, by=ROOT)
    assert act.outcome is not None
    assert "vermilion-steward.socket" in act.outcome.template  # nobody but root does it


def kept(root: Path) -> ProvisionedReleases:
    """A machine on which release 1.0 is the current one, and no bundle lies."""
    program = root / "releases/1.0/bin/vermilion"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    (root / "current").symlink_to("releases/1.0")
    return ProvisionedReleases(Releases(root), root / "settings.yml", root / "bundle.asc", root / "told")


@pytest.fixture
def machine(site: Site, tmp_path: Path) -> tuple[SystemdHost, Path]:
    """Its systemd is a program that writes down what it was asked, and knows no unit with "tsa" in its name."""
    said, program = tmp_path / "said", tmp_path / "systemctl"
    program.write_text(f'#!/bin/sh\necho "$@" >>{said}\ncase "$*" in *tsa*) exit 5 ;; esac\n')
    program.chmod(0o700)
    return SystemdHost(site.settings, kept(tmp_path), systemctl=str(program)), said


def test_units_are_asked_for_by_fixed_names(machine: tuple[SystemdHost, Path]) -> None:
    systemd, said = machine
    systemd.restart("web")
    with pytest.raises(StateRefused, match=r"journalctl -u vermilion-tsa\.service"):
        systemd.restart("tsa")
    with pytest.raises(StateRefused, match="no result"):
        systemd.drill()
    assert said.read_text().splitlines() == [
        "restart vermilion-web.service",
        "restart vermilion-tsa.service",
        "start vermilion-drill.service",
    ]


def test_each_service_is_restarted_by_the_unit_that_it_has(machine: tuple[SystemdHost, Path]) -> None:
    systemd, said = machine
    for service in set(SERVICES) - {"tsa"}:
        systemd.restart(service)
        assert said.read_text().splitlines()[-1] == f"restart vermilion-{service}.service"
    units = {path.stem for path in UNITS.glob("*.service") if "\nType=notify" in path.read_text()}
    of_another_machine = {"vermilion-witness"}
    assert {f"vermilion-{service}" for service in SERVICES} == units - of_another_machine


def test_nothing_stops_for_a_backup_or_a_release_that_is_not_there(machine: tuple[SystemdHost, Path]) -> None:
    systemd, said = machine
    with pytest.raises(Exception, match="no backup"):
        systemd.restore("20261125T020000Z", "/mnt/key", forget_newer=False)
    with pytest.raises(UpgradeRefused):
        systemd.upgrade("9.9.9")
    with pytest.raises(UpgradeRefused):
        systemd.roll_back(forget_newer=False)
    assert not said.exists()


def test_a_rollback_says_what_of_the_log_was_accepted_as_lost(
    machine: tuple[SystemdHost, Path], site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing of what was accepted before."""
    systemd, home = machine[0], site.settings.home
    size = [0]

    def roll_back(_releases: PlaybookReleases, *, forget_newer: bool) -> Upgrade:
        if forget_newer:
            accept_loss(home, {"one": size[0], "other": 7})
        return Upgrade("1.0", "1.1", UpgradeStep.TAKEN_BACK)

    monkeypatch.setattr(PlaybookReleases, "roll_back", roll_back)
    accept_loss(home, {"one": 3, "other": 9})
    for size[0], forget_newer, known in ((5, False, None), (5, True, 5), (4, True, None)):
        outcome = systemd.roll_back(forget_newer=forget_newer)
        assert outcome.values == {"before": "1.0"} | ({"known": known} if known else {})
        assert ("accepted as lost" in outcome.template) is (known is not None)


def test_alarms_of_each_instance_of_a_unit_are_taken_back(machine: tuple[SystemdHost, Path], site: Site) -> None:
    unit = "vermilion-convert@3-1042-0.service"
    raised = make_directory(site.settings.home.alarms) / unit
    raised.write_text("2026-11-25T08:00:00Z exit-code\n")
    machine[0].dismiss_alarm(unit)
    assert not raised.exists()


def test_one_person_starts_no_locked_authority_again(
    machine: tuple[SystemdHost, Path], site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the PIN is kept, that would undo the lock."""
    site.set_up("sun")
    site.set_up("shi", AdministratorRole.SECURITY)
    monkeypatch.setattr("appliance.administration.composition.host_of", lambda _settings: machine[0])
    state = [AuthorityState.LOCKED]
    monkeypatch.setattr(AuthorityClient, "status", lambda _self: SimpleNamespace(state=state[0]))
    root = site.settings.home.root.parent
    with opened_site(root, hands=frozenset({ExecutedBy.PRIVILEGED_HELPER})) as privileged_helper:
        requests = privileged_helper.administration.requests
        refused = requests.submit_request("service.restart", {"service": "authority"}, by=SYSTEM)
        assert refused.outcome is not None and "authority.restart" in refused.outcome.template
        assert not machine[1].exists()
        state[0] = AuthorityState.UNAVAILABLE
        assert (
            requests.submit_request("service.restart", {"service": "authority"}, by=SYSTEM).state
            is AdminRequestState.DONE
        )
        both = requests.approve_request(
            requests.submit_request("authority.restart", {}, by=SYSTEM).id, by=site.actor("shi")
        )
        assert both.state is AdminRequestState.DONE
    assert machine[1].read_text().splitlines() == ["restart vermilion-authority.service"] * 2


@pytest.fixture
def locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[RunningAuthority, Site]]:
    """A real authority that starts by itself with the PIN of its home, locked by an administrator. The console's
    process performs everything, as in development; the tests start the authority again, as systemd does."""
    program = tmp_path / "systemctl"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o700)
    with running_authority(workers=1) as authority:
        (tmp_path / "home").symlink_to(authority.root)
        with opened_site(tmp_path) as site:
            systemd = SystemdHost(site.settings, kept(tmp_path), systemctl=str(program))
            monkeypatch.setattr("appliance.administration.composition.host_of", lambda _settings: systemd)
            site.set_up("sun")
            site.set_up("shi", AdministratorRole.SECURITY)
            assert (
                site.administration.requests.submit_request("authority.lock", {}, by=SYSTEM).state
                is AdminRequestState.DONE
            )
            yield authority, site


def killed(authority: RunningAuthority) -> None:
    """It does not answer any more, once its worker, who has a connection to answer, has seen that it is alone."""
    client = authority.client("console")
    client.status()
    authority.process.kill()
    authority.process.wait(timeout=60)
    with pytest.raises(AuthorityUnreachable):
        while client.status():
            time.sleep(0.01)


def test_one_person_unlocks_no_authority_by_restarting_one_that_does_not_answer(
    locked: tuple[RunningAuthority, Site],
) -> None:
    authority, site = locked
    killed(authority)
    act = site.administration.requests.submit_request("service.restart", {"service": "authority"}, by=SYSTEM)
    assert act.state is AdminRequestState.DONE
    authority.process = start(authority.root)
    assert authority.client("console").status().state is AuthorityState.LOCKED


def test_two_persons_restart_a_locked_authority_also_one_that_does_not_answer(
    locked: tuple[RunningAuthority, Site],
) -> None:
    authority, site = locked
    killed(authority)
    requests = site.administration.requests
    act = requests.submit_request("authority.restart", {}, by=SYSTEM)
    authority.process = start(authority.root)
    assert authority.client("console").status().state is AuthorityState.LOCKED  # one has asked
    killed(authority)
    assert requests.approve_request(act.id, by=site.actor("shi")).state is AdminRequestState.DONE
    authority.process = start(authority.root)
    assert authority.client("console").status().state is AuthorityState.OPERATIONAL


def test_a_restore_begins_when_every_part_has_ended(site: Site, tmp_path: Path) -> None:
    """A stop of the target alone returns while its services are still ending."""
    said, program = tmp_path / "said", tmp_path / "systemctl"
    program.write_text(
        f'#!/bin/sh\necho "$@" >>{said}\n'
        '[ "$1" != show ] || echo vermilion-web.socket vermilion-authority.service\n'
    )
    program.chmod(0o700)
    archive = site.settings.backups / "20261125T020000Z"
    archive.mkdir(parents=True)
    (archive / "manifest.json").write_text("{}")
    systemd = SystemdHost(site.settings, kept(tmp_path), systemctl=str(program))
    cluster = site.settings.home.cluster_settings
    cluster.unlink()  # it serves alone
    with pytest.raises(ApplianceError):
        systemd.restore(archive.name, "/mnt/key", forget_newer=False)
    whole = [
        "show --property ConsistsOf --value vermilion.target",
        "stop vermilion.target vermilion-web.socket vermilion-authority.service",
        "start vermilion.target",
    ]
    assert said.read_text().splitlines() == whole
    # Of two machines, Pacemaker would take the end for a failure, in the middle of the restore.
    cluster.write_text('name = "contracts"\n')
    with pytest.raises(StateRefused, match="--playbook cluster_restore"):
        systemd.restore(archive.name, "/mnt/key", forget_newer=False)
    assert said.read_text().splitlines() == whole


@pytest.mark.parametrize("unit", ["../config/appliance.toml", "sshd.service", "vermilion-web.service/../../x", ""])
def test_only_alarms_of_our_units_are_taken_back(machine: tuple[SystemdHost, Path], unit: str) -> None:
    with pytest.raises(PreconditionRefused):
        machine[0].dismiss_alarm(unit)
    with pytest.raises(NotFound):
        machine[0].dismiss_alarm(UNIT)

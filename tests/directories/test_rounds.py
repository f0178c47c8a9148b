"""Synchronisations as the scheduler runs them and the commands do: kept whatever came of them, and held in a
maintenance."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from appliance.config import LdapSettings
from appliance.directories import DirectoryRounds
from appliance.directory_service.client import DirectoryUnavailable
from appliance.directory_service.messages import DirectoryFault
from appliance.jobs.table import ReportingJob, held_during_maintenance, jobs_of
from appliance.model.administration import MaintenanceWindow
from appliance.model.directories import DirectoryUser, RoundOutcome
from appliance.store import directories
from appliance.wiring import open_appliance
from tests.command import called
from tests.directories.house import LDAP, Clock, House, opened_house, user, users

pytestmark = pytest.mark.processes


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with opened_house(tmp_path) as opened:
        yield opened


def late() -> Iterator[DirectoryUser]:
    yield user(1)
    raise DirectoryUnavailable(DirectoryFault.LATE, "The directory is late.")


def test_a_round_that_fails_changes_nothing_and_is_kept_with_its_reason(house: House) -> None:
    good = DirectoryRounds(house.follow, lambda: users(3), house.clock)
    good.run_round()
    bad = DirectoryRounds(house.follow, late, house.clock)
    with pytest.raises(DirectoryUnavailable):
        bad.run_round()
    report = house.follow.report()
    failed, done = report.rounds
    assert (failed.outcome, failed.problem, dict(failed.counts)) == (
        RoundOutcome.FAILED,
        "The directory is late.",
        {},
    )
    assert (done.outcome, dict(done.counts)) == (RoundOutcome.DONE, {"read": 3, "added": 3})
    assert report.last_success == done.ended
    assert report.users == {LDAP: 3}
    assert all(house.known(each).removed is None for each in (1, 2, 3))


def test_the_newest_rounds_are_kept(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directories, "KEPT_ROUNDS", 3)
    rounds = DirectoryRounds(house.follow, lambda: users(1), house.clock)
    for _ in range(5):
        rounds.run_round()
    assert len(house.follow.report().rounds) == 3


def test_the_scheduler_reads_every_few_minutes_where_there_is_a_directory(house: House) -> None:
    assert "directory" not in [each.name for each in jobs_of(house.appliance, None)]
    ldap = LdapSettings(url="ldaps://127.0.0.1", bind_dn="cn=reader", people="ou=people", minutes=4)
    settings = replace(house.appliance.settings, ldap=ldap)
    with open_appliance(settings, now=Clock()) as appliance:
        [job] = [each for each in jobs_of(appliance, None) if each.name == "directory"]
        assert (job.seconds, job.at_once) == (240.0, True)
        assert "directory" in [each.name for each in held_during_maintenance(appliance, jobs_of(appliance, None))]
        reporting = ReportingJob(job)
        reporting()
        assert reporting.failing, "nothing answers at this address"
        assert appliance.directory_accounts.report().rounds[0].outcome is RoundOutcome.FAILED


def test_departures_are_finished_by_a_job_of_their_own(house: House) -> None:
    house.sync(users(3))
    with house.appliance.database.transaction() as tx:  # as if the process had ended before the work was offered
        house.follow.remove_within(tx, LDAP, "key-1")
    with house.appliance.database.reading() as tx:
        assert directories.to_offer(tx, 10) == [house.subject(1)]
    [job] = [each for each in jobs_of(house.appliance, None) if each.name == "departures"]
    job.work()
    with house.appliance.database.reading() as tx:
        assert directories.to_offer(tx, 10) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from dataclasses import replace
from appliance.config import load
from appliance.directories import DirectoryAccounts
from appliance.home import Home
from appliance.wiring import open_appliance
from tests.directories.house import LDAP, user

left = int(sys.argv[2])

def reach(_step):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)

with open_appliance(load(Home(Path(sys.argv[1])))) as appliance:
    accounts = DirectoryAccounts(
        appliance.accounts_context, appliance.accounts.administration, appliance.directory_accounts.leaving,
        appliance.settings, reach,
    )
    accounts.synchronise(LDAP, [user(each, manager="key-900") for each in [*range(4, 301), *range(900, 1100)]])
"""


@pytest.mark.parametrize("after", [1, 2, 3, 5])
def test_a_process_that_is_killed_leaves_what_the_next_round_goes_on_with(tmp_path: Path, after: int) -> None:
    with opened_house(tmp_path, single_sign_on=False) as house:
        house.sync(users(300))
        command = [sys.executable, "-c", KILLED, str(house.appliance.settings.home.root), str(after)]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        assert subprocess.run(command, check=False, env=environment, timeout=120).returncode == -signal.SIGKILL
        wanted = [user(each, manager="key-900") for each in [*range(4, 301), *range(900, 1100)]]
        house.sync(wanted)
        assert house.counts(wanted) == {}
        assert house.events("person-departed") == 3
        assert house.events("account-invited") == 500


def test_the_commands_say_that_there_is_no_directory(house: House) -> None:
    home = house.appliance.settings.home.root
    for words in (["sync"], ["sync", "--dry-run"], ["check"]):
        said = called(home, "directory", *words)
        assert said.exit_code == 1
        assert "No LDAP directory is set" in said.stderr


def test_a_directory_that_does_not_answer_is_a_sentence_and_a_status(house: House) -> None:
    home = house.appliance.settings.home
    with home.settings.open("a", encoding="utf-8") as stream:
        stream.write('\n[ldap]\nurl = "ldaps://127.0.0.1:9"\nbind_dn = "cn=reader"\npeople = "ou=people"\n')
    for words in (["sync"], ["sync", "--dry-run"]):
        said = called(home.root, "directory", *words)
        assert said.exit_code == 1
        assert said.stderr.startswith("No directory can be asked") or "cannot be reached" in said.stderr
    checked = called(home.root, "directory", "check")
    assert checked.exit_code == 1
    assert "NOT " in checked.stdout
    assert called(home.root, "--lang", "zh", "directory", "sync").exit_code == 1


def test_a_synchronisation_by_hand_waits_for_the_end_of_a_maintenance(house: House) -> None:
    home = house.appliance.settings.home
    with home.settings.open("a", encoding="utf-8") as stream:
        stream.write('\n[ldap]\nurl = "ldaps://127.0.0.1:9"\nbind_dn = "cn=reader"\npeople = "ou=people"\n')
    now = house.clock()
    house.appliance.maintenance.plan(MaintenanceWindow(now, now + timedelta(hours=1)), [])
    said = called(home.root, "directory", "sync")
    assert said.exit_code == 1
    assert "A maintenance is under way" in said.stderr
    assert house.follow.report().rounds == ()

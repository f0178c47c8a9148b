"""Synchronisations as the scheduler runs them and the commands do: kept whatever came of them, and held in a
maintenance."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from appliance.config import LdapSettings, load
from appliance.directories import DirectoryOperation, DirectoryRounds
from appliance.directory_service.client import DirectoryUnavailable
from appliance.directory_service.messages import DirectoryFault
from appliance.jobs.table import Job, ReportingJob, held_during_maintenance, jobs_of
from appliance.model.accounts import AccountRole
from appliance.model.administration import MaintenanceWindow
from appliance.model.directories import DirectorySource, DirectoryUser, HeldKind, RoundOutcome
from appliance.store import accounts, directories, directory_health
from appliance.wiring import Appliance, open_appliance
from tests.command import called
from tests.directories.house import LDAP, Clock, House, opened_house, reopened, user, users

pytestmark = pytest.mark.processes


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with opened_house(tmp_path) as opened:
        yield opened


def late() -> Iterator[DirectoryUser]:
    yield user(1)
    raise DirectoryUnavailable(DirectoryFault.LATE, "The directory is late.")


def test_a_round_that_fails_changes_nothing_and_is_kept_with_its_reason(house: House) -> None:
    good = DirectoryRounds(house.appliance.database, house.follow, lambda: users(3), house.clock)
    good.run_round()
    bad = DirectoryRounds(house.appliance.database, house.follow, late, house.clock)
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
    assert report.successes == {LDAP: done.ended}
    assert report.users == {LDAP: 3}
    assert all(house.known(each).removed is None for each in (1, 2, 3))


def test_the_newest_rounds_are_kept(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directories, "KEPT_ROUNDS", 3)
    rounds = DirectoryRounds(house.appliance.database, house.follow, lambda: users(1), house.clock)
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
        assert not reporting.failing, "nothing is read before somebody starts the first synchronisation"
        assert appliance.directory_accounts.report().rounds == ()
        appliance.directory_accounts.synchronise(LDAP, users(1))
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
        assert "No LDAP directory is " in said.stderr


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


# --- what is kept here: pushed by SCIM, or said by ID tokens


def push(house: House, count: int, source: DirectorySource = DirectorySource.SCIM) -> None:
    for each in users(count):
        house.follow.follow(source, each)


def job_of(appliance: Appliance, name: str) -> Job:
    [job] = [each for each in held_during_maintenance(appliance, jobs_of(appliance, None)) if each.name == name]
    return job


@contextmanager
def with_settings(house: House, **directory: Any) -> Iterator[Appliance]:
    with open_appliance(reopened(house, **directory), now=house.clock) as appliance:
        yield appliance


def rounds_of(appliance: Appliance) -> list[DirectorySource]:
    return [each.source for each in appliance.directory_accounts.report().rounds]


@pytest.mark.parametrize("source", [DirectorySource.SCIM, DirectorySource.OPENID])
def test_who_was_pushed_follows_settings_that_were_changed(house: House, source: DirectorySource) -> None:
    push(house, 3, source)
    job_of(house.appliance, "pushed people").work()
    assert rounds_of(house.appliance) == [source]
    with with_settings(house, reviewer=["staff"]) as appliance:
        job_of(appliance, "pushed people").work()
        account = appliance.database.query(accounts.account, "person-user1")
        assert account.roles == {AccountRole.SIGNER, AccountRole.REVIEWER}
        [newest, _] = appliance.directory_accounts.report().rounds
        assert dict(newest.counts) == {"read": 3, "roles": 3}
        job_of(appliance, "pushed people").work()
        assert len(rounds_of(appliance)) == 2, "the settings are the same now"


def test_pushed_people_are_compared_every_hour(house: House) -> None:
    push(house, 2)
    job = job_of(house.appliance, "pushed people")
    job.work()
    with house.appliance.database.transaction() as tx:  # as what nobody could do at the time of the push
        tx.execute("UPDATE people SET department = '' WHERE subject = 'person-user1'")
        known = directories.stored_user(tx, DirectorySource.SCIM, "key-1")
        assert known is not None
        changed = replace(known.known, user=replace(known.known.user, department="采购部"))
        directories.save_user(tx, changed, at=house.clock())
    job.work()
    assert house.appliance.registry.person("person-user1").department == ""
    house.clock.ahead += timedelta(minutes=61)
    job.work()
    assert house.appliance.registry.person("person-user1").department == "采购部"
    assert house.follow.report().rounds[0].outcome is RoundOutcome.DONE


def test_nothing_is_synchronised_where_nobody_was_pushed(house: House) -> None:
    job_of(house.appliance, "pushed people").work()
    assert rounds_of(house.appliance) == []


def test_pushed_people_wait_for_the_end_of_a_maintenance(house: House) -> None:
    push(house, 1)
    now = house.clock()
    house.appliance.maintenance.plan(MaintenanceWindow(now, now + timedelta(hours=1)), [])
    job_of(house.appliance, "pushed people").work()
    assert rounds_of(house.appliance) == []


def test_settings_that_take_everybodys_role_away_are_braked(house: House) -> None:
    push(house, 30)
    with with_settings(house, everybody=[], signer=["nobody"]) as appliance:
        job_of(appliance, "pushed people").work()
        [held] = appliance.directory_accounts.report().held
        assert (held.kind, held.count) == (HeldKind.REMOVAL, 30)


def test_the_commands_and_administrators_reach_pushed_people(house: House) -> None:
    push(house, 2)
    home = house.appliance.settings.home
    with home.settings.open("a", encoding="utf-8") as stream:
        stream.write('\n[openid]\nissuer = "https://id.enterprise.example"\nclient = "vermilion"\n')
        stream.write('\n[directory]\nreviewer = ["staff"]\n')
    dry = called(home.root, "directory", "sync", "--dry-run")
    assert (dry.exit_code, "Users pushed by SCIM:" in dry.stdout, "Other roles: 2" in dry.stdout) == (
        0,
        True,
        True,
    )
    assert rounds_of(house.appliance) == []
    done = called(home.root, "directory", "sync")
    assert (done.exit_code, "Users read: 2" in done.stdout, "Other roles: 2" in done.stdout) == (0, True, True)
    with open_appliance(load(home), now=house.clock) as appliance:
        operation = appliance.directory_operation
        operation.ask_for_dry_run()
        job_of(appliance, "directory as asked").work()
        differences = operation.status().differences
        assert differences is not None
        assert (differences.read, dict(differences.counts), differences.problem) == (2, {}, None)
        operation.ask_for_round()
        job_of(appliance, "directory as asked").work()
        assert rounds_of(appliance) == [DirectorySource.SCIM] * 2


def test_a_directory_that_is_away_keeps_no_pushed_people_away(house: House) -> None:
    push(house, 2)
    rounds = DirectoryRounds(house.appliance.database, house.follow, late, house.clock)
    operation = DirectoryOperation(
        house.appliance.settings, house.appliance.database, house.follow, rounds, house.clock
    )
    operation.ask_for_dry_run()
    operation.run_asked()
    differences = operation.status().differences
    assert differences is not None
    assert (differences.read, str(differences.problem)) == (2, "The directory is late.")
    operation.ask_for_round()
    with pytest.raises(DirectoryUnavailable):
        operation.run_asked()
    assert rounds_of(house.appliance) == [LDAP, DirectorySource.SCIM]


def test_the_last_success_of_each_directory_is_kept_through_a_long_outage(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directories, "KEPT_ROUNDS", 3)
    push(house, 1)
    pushed = house.follow.synchronise_again(DirectorySource.SCIM)
    good = house.sync([user(2)])
    bad = DirectoryRounds(house.appliance.database, house.follow, late, house.clock)
    for _ in range(6):
        with pytest.raises(DirectoryUnavailable):
            bad.run_round()
    report = house.follow.report()
    ended = {LDAP: good.ended, DirectorySource.SCIM: pushed.ended}
    assert report.successes == {source: at.replace(microsecond=0) for source, at in ended.items()}
    assert len(report.rounds) == 5
    found = house.appliance.database.query(directory_health.rounds_so_far, LDAP)
    assert found is not None
    assert (found.success, found.failure) == (report.successes[LDAP], "The directory is late.")


def test_rounds_of_pushed_people_say_nothing_of_the_ldap_directory(house: House) -> None:
    push(house, 1)
    house.follow.synchronise_again(DirectorySource.SCIM)
    assert house.appliance.database.query(directory_health.rounds_so_far, LDAP) is None
    assert LDAP not in house.follow.report().successes

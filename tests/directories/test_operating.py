"""What administrators ask of a directory, with slapd and an appliance: read now, compare, release; and see."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import pytest

from appliance.administration import Process, open_administration
from appliance.administration.action import ActionContext, ExecutedBy
from appliance.administration.actions import find_action
from appliance.config import Settings, load
from appliance.directories import DirectoryOperation
from appliance.directory_service.client import DirectoryUnavailable
from appliance.errors import StateRefused
from appliance.jobs.table import AdministrationJobs, jobs_of
from appliance.model.administration import ROOT
from appliance.model.directories import DirectorySource, HeldKind, RoundOutcome
from appliance.model.directory_status import DirectoryStatus
from appliance.store import directory_health
from appliance.wiring import Appliance
from hsm.files import file_lock
from tests.directories.authority import Authority
from tests.directories.people import GROUPS, PEOPLE
from tests.directories.slapd import PASSWORD, READER, Slapd, needs_slapd
from tests.world import World, shared_world

pytestmark = [needs_slapd, pytest.mark.processes]

LDAP = DirectorySource.LDAP
TEN = "(uid=user00000*)"
SEVEN = f"(&{TEN}(!(|(uid=user000003)(uid=user000004)(uid=user000005))))"
"""Three of ten are gone: more than 5 %."""


@pytest.fixture(scope="module")
def world(server: Slapd, authority: Authority) -> Iterator[World]:
    with shared_world() as world:
        secret = world.home.secrets / "ldap.password"
        secret.write_text(f"{PASSWORD}\n", encoding="utf-8")
        secret.chmod(0o600)
        lines = [f'url = "ldaps://127.0.0.1:{server.ldaps}"', f'tls = "{authority.path}"', f'bind_dn = "{READER}"']
        lines += [f'people = "{PEOPLE}"', f'groups = "{GROUPS}"', f'filter = "{TEN}"']
        with world.home.settings.open("a", encoding="utf-8") as settings:
            settings.write("\n".join(["\n[ldap]", *lines, ""]))
        yield World(world.home, load(world.home))


def with_filter(settings: Settings, found: str) -> Settings:
    """The program reads the file, so that says the same."""
    text = settings.home.settings.read_text(encoding="utf-8")
    settings.home.settings.write_text(text.replace(f'"{settings.ldap.filter}"', f'"{found}"'), encoding="utf-8")
    return replace(settings, ldap=replace(settings.ldap, filter=found))


@pytest.fixture
def appliance(world: World) -> Iterator[Appliance]:
    with world.opened(role="scheduler") as appliance:
        yield appliance


@contextmanager
def performing(appliance: Appliance) -> Iterator[ActionContext]:
    process = Process("scheduler", frozenset({ExecutedBy.SCHEDULER}), appliance)
    with open_administration(appliance.settings, now=appliance.now, process=process) as administration:
        yield administration.executor._parts


def published(appliance: Appliance) -> DirectoryStatus | None:
    """What the console reads after the scheduler's job."""
    with ExitStack() as stack:
        AdministrationJobs(appliance, stack).publish_directory()
    with open_administration(appliance.settings, now=appliance.now) as administration:
        return administration.directory.status()


def asked_for(operation: DirectoryOperation) -> str:
    return operation.status().asked


def test_a_dry_run_is_asked_for_and_changes_nothing(appliance: Appliance) -> None:
    operation = appliance.directory_operation
    with performing(appliance) as parts:
        outcome = find_action("directory.dry_run").perform(parts, {}, ROOT)
    assert "what it would change" in outcome.template and asked_for(operation) == "dry-run"
    operation.run_asked()
    seen = published(appliance)
    assert seen is not None and seen.differences is not None and not seen.asked
    assert (seen.differences.read, dict(seen.differences.counts)["added"]) == (10, 10)
    assert {each.kind for each in seen.differences.lines} >= {"added"} and seen.differences.problem is None
    assert not seen.report.users and not seen.report.rounds, "nothing was written"


def test_a_synchronisation_is_asked_for_and_done_once(appliance: Appliance) -> None:
    operation = appliance.directory_operation
    operation.ask_for_dry_run()
    operation.run_asked()
    with performing(appliance) as parts:
        find_action("directory.synchronise").perform(parts, {}, ROOT)
        find_action("directory.synchronise").perform(parts, {}, ROOT)
    operation.run_asked()
    seen = published(appliance)
    assert seen is not None and seen.differences is None and not seen.asked
    assert seen.report.users == {LDAP: 10} and seen.report.rounds[0].outcome is RoundOutcome.DONE
    rounds = len(seen.report.rounds)
    operation.run_asked()
    assert len(operation.status().report.rounds) == rounds


def test_it_waits_for_the_synchronisation_under_way(appliance: Appliance) -> None:
    operation = appliance.directory_operation
    operation.ask_for_round()
    with file_lock(appliance.settings.home.directory_lock, wait=False), pytest.raises(StateRefused):
        operation.run_asked()
    assert asked_for(operation) == "round"
    operation.run_asked()
    assert not asked_for(operation)


def test_a_directory_that_refuses_is_told_of_and_asked_once(appliance: Appliance) -> None:
    operation, secret = appliance.directory_operation, appliance.settings.home.secrets / "ldap.password"
    secret.write_text("another\n", encoding="utf-8")
    try:
        operation.ask_for_dry_run()
        operation.run_asked()
        operation.ask_for_round()
        with pytest.raises(DirectoryUnavailable):
            operation.run_asked()
        seen = published(appliance)
    finally:
        secret.write_text(f"{PASSWORD}\n", encoding="utf-8")
    assert seen is not None and seen.differences is not None and seen.differences.problem is not None
    assert "does not let us read" in str(seen.differences.problem) and "another" not in str(seen)
    assert not seen.asked and seen.report.rounds[0].outcome is RoundOutcome.FAILED
    assert seen.report.users == {LDAP: 10} and LDAP in seen.report.successes


def test_two_administrators_release_what_they_were_shown(world: World) -> None:
    settings = with_filter(world.settings, SEVEN)
    with World(world.home, settings).opened(role="scheduler") as appliance:
        appliance.directory_operation.ask_for_round()
        appliance.directory_operation.run_asked()
        seen = published(appliance)
        assert seen is not None
        [held] = seen.report.held
        assert (held.kind, held.count, len(held.names)) == (HeldKind.REMOVAL, 3, 3)
        given = {"kind": "removal", "count": "3", "digest": held.digest}
        with performing(appliance) as parts:
            release = find_action("directory.release")
            with pytest.raises(StateRefused, match="Other users wait now"):
                release.perform(parts, {**given, "digest": "0f" * 32}, ROOT)
            assert release.perform(parts, given, ROOT).values == {"count": 3}
        appliance.directory_accounts.finish()
        report = appliance.directory_operation.status().report
        assert not report.held
        counts = appliance.database.query(directory_health.held_counts)
        assert not counts


def test_the_scheduler_does_what_is_asked_where_there_is_a_directory(appliance: Appliance) -> None:
    assert {"directory", "directory as asked"} <= {job.name for job in jobs_of(appliance, None)}

"""What of the log a rollback would lose: the administration's database is believed only as the log knows it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.administration.action import ExecutedBy
from appliance.home import make_directory
from appliance.model.administration import ROOT, AdministratorRole, AdminRequestState
from appliance.operations.releases.rollback import newer_than
from appliance.store.administration import ADMINISTRATION
from appliance.store.database import Database
from tests.administration.conftest import Site, opened_site
from tests.sweeps import first_of

UNIT = "vermilion-web.service"
ADDED = {"login": "xin", "name": "新示例", "email": "xin@ops.example", "role": "system"}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """One process that performs everything, with two administrators."""
    with opened_site(tmp_path, hands=frozenset(ExecutedBy)) as site:
        site.set_up("shi", AdministratorRole.SECURITY)
        site.set_up("sun")
        yield site


def length(site: Site) -> int:
    return len(site.logged())


def lost(site: Site, since: int) -> int:
    return newer_than(site.settings.home, since, journal_stays=True, spool_stays=True).lost


def added(site: Site) -> str:
    """What the scheduler did since: an administrator, in the portal's database too. The act's id."""
    requests = site.administration.requests
    act = requests.approve_request(
        requests.submit_request("administrators.add", ADDED, by=site.actor("shi")).id, by=site.actor("sun")
    )
    assert act.state is AdminRequestState.DONE
    return act.id


def changed(site: Site, statement: str, *values: str) -> None:
    """What whoever has taken the console over can do to its database."""
    database = Database(site.settings.home.administration, ADMINISTRATION)
    with database.transaction() as tx:
        for (name,) in tx.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            tx.execute(f"DROP TRIGGER {name}")
        tx.execute(statement, values)
    database.close()


def test_an_act_of_the_machine_goes_along_and_one_of_the_scheduler_is_lost(site: Site) -> None:
    since = length(site)
    alarm = make_directory(site.settings.home.alarms) / UNIT
    alarm.write_text("2026-11-25T08:00:00Z exit-code\n")
    assert (
        site.administration.requests.submit_request("alarm.dismiss", {"unit": UNIT}, by=ROOT).state
        is AdminRequestState.DONE
    )
    assert (lost(site, since), length(site) - since) == (0, 2)
    since = length(site)
    added(site)
    assert (lost(site, since), length(site) - since) == (2, 4)  # that somebody was added, and that it is done


@pytest.mark.parametrize(
    "statement",
    first_of(
        [
            "UPDATE acts SET action = 'alarm.dismiss' WHERE id = ?",
            "UPDATE journal SET detail = replace(detail, 'administrators.add', 'alarm.dismiss') WHERE act = ?",
            "UPDATE journal SET kind = 'act-asked' WHERE act = ?",
            "DELETE FROM journal WHERE act = ?",
        ]
    ),
)
def test_whoever_writes_the_administrations_database_hides_no_act(site: Site, statement: str) -> None:
    since = length(site)
    act = added(site)
    changed(site, statement, act)
    assert lost(site, since) == 2


def test_another_journal_is_none_of_the_logs(site: Site) -> None:
    since = length(site)
    added(site)
    changed(site, "UPDATE identity SET journal = ?", "0" * 16)
    assert lost(site, since) == 4

"""What two persons decided is performed once: whoever can write the administration's database sets rows back in
vain."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.administration.action import ExecutedBy
from appliance.administration.executor import record_execution
from appliance.errors import StateRefused, StorageError
from appliance.home import Home
from appliance.model.administration import AdministratorRole, AdminRequest, AdminRequestState, DualControlRole
from appliance.store.administration import ADMINISTRATION
from appliance.store.database import Database
from tests.administration.conftest import Site, opened_site

ADDED = {"login": "xin", "name": "新示例", "email": "xin@ops.example", "role": "system"}
ONCE = "{id} was performed already."


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """One process that performs what the scheduler and the console do, and believes passkeys alone."""
    with opened_site(tmp_path, hands=frozenset({ExecutedBy.CONSOLE, ExecutedBy.SCHEDULER})) as site:
        for login, role in (("shi", AdministratorRole.SECURITY), ("sun", AdministratorRole.SYSTEM)):
            site.set_up_with_key(login, role)
    with opened_site(tmp_path, hands=frozenset({ExecutedBy.CONSOLE, ExecutedBy.SCHEDULER}), attests=False) as own:
        own.secrets, own.devices = site.secrets, site.devices
        own.later(minutes=10)
        yield own


def decided(site: Site, name: str, given: dict[str, str]) -> AdminRequest:
    """Asked for by one and approved by the other, and performed."""
    act = site.ask_signed(name, given, "shi")
    answer = site.sign(act, DualControlRole.APPROVES, "sun")
    return site.administration.requests.approve_request(act.id, by=site.actor("sun"), answer=answer)


def changed(site: Site, *statements: str) -> None:
    """What whoever can write that database does to it, guards or not."""
    database = Database(site.settings.home.administration, ADMINISTRATION)
    with database.transaction() as tx:
        for (name,) in tx.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            tx.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            tx.execute(statement)
    database.close()


SET_BACK = "UPDATE acts SET state = 'performing', started = NULL, ended = NULL, outcome = NULL"


def state_of(site: Site, login: str) -> str:
    return site.administration.administrators.administrator(login).state.value


def outcome(act: AdminRequest) -> str:
    assert act.outcome is not None
    return act.outcome.template


def test_the_scheduler_adds_an_administrator_once(site: Site) -> None:
    act = decided(site, "administrators.add", ADDED)
    assert act.state is AdminRequestState.DONE
    changed(site, SET_BACK, "DELETE FROM administrators WHERE login = 'xin'")
    site.administration.executor.execute_waiting()  # as it does each second
    again = site.administration.requests.find_request(act.id)
    assert (again.state, outcome(again)) == (AdminRequestState.FAILED, ONCE)
    assert "xin" not in [each.login for each in site.administration.administrators.everybody()]


def test_the_console_ends_a_suspension_once(site: Site) -> None:
    site.set_up("kong")
    requests, by = site.administration.requests, site.actor("shi")
    requests.submit_request("administrators.suspend", {"login": "kong"}, by=by)
    act = decided(site, "administrators.resume", {"login": "kong"})
    assert (act.state, state_of(site, "kong")) == (AdminRequestState.DONE, "active")
    requests.submit_request("administrators.suspend", {"login": "kong"}, by=by)
    changed(site, f"{SET_BACK} WHERE id = '{act.id}'")
    site.administration.executor.execute_waiting()
    assert outcome(requests.find_request(act.id)) == ONCE
    assert state_of(site, "kong") == "suspended"


def test_what_failed_is_not_tried_again_either(site: Site) -> None:
    """It may have been half done; who wants it asks anew."""
    act = decided(site, "administrators.add", {**ADDED, "login": "sun"})
    assert act.state is AdminRequestState.FAILED
    changed(site, SET_BACK)
    site.administration.executor.execute_waiting()
    assert outcome(site.administration.requests.find_request(act.id)) == ONCE


def test_nothing_is_done_that_cannot_be_remembered(site: Site) -> None:
    site.settings.home.performed.write_bytes(b"")
    act = decided(site, "administrators.add", ADDED)
    assert act.state is AdminRequestState.FAILED and outcome(act).endswith("so it was not done.")
    assert "xin" not in [each.login for each in site.administration.administrators.everybody()]


@pytest.mark.parametrize("hand", list(ExecutedBy))
def test_a_memory_outlives_its_process_and_is_never_emptied(tmp_path: Path, hand: ExecutedBy) -> None:
    home = Home(tmp_path)
    home.administration.parent.mkdir()
    record_execution(home, hand, "0123456789ab")
    record_execution(home, hand, "ba9876543210")
    with pytest.raises(StateRefused, match="performed already"):
        record_execution(home, hand, "0123456789ab")


def test_the_console_has_no_hand_in_the_others_memory(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.administration.parent.mkdir()
    for hand in (ExecutedBy.PRIVILEGED_HELPER, ExecutedBy.SCHEDULER):
        record_execution(home, hand, "0123456789ab")
    assert not list(home.administration.parent.iterdir())
    home.administration.with_name("performed").write_bytes(b"")
    with pytest.raises(StorageError):
        record_execution(home, ExecutedBy.CONSOLE, "0123456789ab")

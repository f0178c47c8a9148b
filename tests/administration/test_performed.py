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
from tests.administration.conftest import House, opened_house

ADDED = {"login": "xin", "name": "新示例", "email": "xin@ops.example", "role": "system"}
ONCE = "{id} was performed already."


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """One process that performs what the scheduler and the console do, and believes passkeys alone."""
    with opened_house(tmp_path, hands=frozenset({ExecutedBy.CONSOLE, ExecutedBy.SCHEDULER})) as house:
        for login, role in (("shi", AdministratorRole.SECURITY), ("sun", AdministratorRole.SYSTEM)):
            house.set_up_with_key(login, role)
    with opened_house(tmp_path, hands=frozenset({ExecutedBy.CONSOLE, ExecutedBy.SCHEDULER}), attests=False) as own:
        own.secrets, own.devices = house.secrets, house.devices
        own.later(minutes=10)
        yield own


def decided(house: House, name: str, given: dict[str, str]) -> AdminRequest:
    """Asked for by one and approved by the other, and performed."""
    act = house.ask_signed(name, given, "shi")
    answer = house.sign(act, DualControlRole.APPROVES, "sun")
    return house.administration.requests.approve_request(act.id, by=house.actor("sun"), answer=answer)


def changed(house: House, *statements: str) -> None:
    """What whoever can write that database does to it, guards or not."""
    database = Database(house.settings.home.administration, ADMINISTRATION)
    with database.transaction() as tx:
        for (name,) in tx.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            tx.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            tx.execute(statement)
    database.close()


SET_BACK = "UPDATE acts SET state = 'performing', started = NULL, ended = NULL, outcome = NULL"


def state_of(house: House, login: str) -> str:
    return house.administration.administrators.administrator(login).state.value


def outcome(act: AdminRequest) -> str:
    assert act.outcome is not None
    return act.outcome.template


def test_the_scheduler_adds_an_administrator_once(house: House) -> None:
    act = decided(house, "administrators.add", ADDED)
    assert act.state is AdminRequestState.DONE
    changed(house, SET_BACK, "DELETE FROM administrators WHERE login = 'xin'")
    house.administration.executor.execute_waiting()  # as it does each second
    again = house.administration.requests.find_request(act.id)
    assert (again.state, outcome(again)) == (AdminRequestState.FAILED, ONCE)
    assert "xin" not in [each.login for each in house.administration.administrators.everybody()]


def test_the_console_ends_a_suspension_once(house: House) -> None:
    house.set_up("kong")
    desk, by = house.administration.requests, house.actor("shi")
    desk.submit_request("administrators.suspend", {"login": "kong"}, by=by)
    act = decided(house, "administrators.resume", {"login": "kong"})
    assert (act.state, state_of(house, "kong")) == (AdminRequestState.DONE, "active")
    desk.submit_request("administrators.suspend", {"login": "kong"}, by=by)
    changed(house, f"{SET_BACK} WHERE id = '{act.id}'")
    house.administration.executor.execute_waiting()
    assert outcome(desk.find_request(act.id)) == ONCE
    assert state_of(house, "kong") == "suspended"


def test_what_failed_is_not_tried_again_either(house: House) -> None:
    """It may have been half done; who wants it asks anew."""
    act = decided(house, "administrators.add", {**ADDED, "login": "sun"})
    assert act.state is AdminRequestState.FAILED
    changed(house, SET_BACK)
    house.administration.executor.execute_waiting()
    assert outcome(house.administration.requests.find_request(act.id)) == ONCE


def test_nothing_is_done_that_cannot_be_remembered(house: House) -> None:
    house.settings.home.performed.write_bytes(b"")
    act = decided(house, "administrators.add", ADDED)
    assert act.state is AdminRequestState.FAILED and outcome(act).endswith("so it was not done.")
    assert "xin" not in [each.login for each in house.administration.administrators.everybody()]


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

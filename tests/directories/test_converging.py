"""Whatever a directory says in whatever order: accounts become what it says, nobody's is lost, no officer is made.

A model keeps what must hold; the readings are random, with few names, addresses and groups, so that they collide.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from appliance.directory_service.client import DirectoryUnavailable
from appliance.model.accounts import AccountRole, AccountState
from appliance.model.directories import DirectorySource, DirectoryUser, HeldKind
from appliance.store import accounts, directories, people
from tests.directories.house import LDAP, House, opened_house

pytestmark = pytest.mark.processes

ADDRESSES = ("a@enterprise.example", "b@enterprise.example", "c@enterprise.example", "wang@enterprise.example", "")
GROUPS = ("staff", "managers", "auditors", "operators", "officers", "cn=officer,dc=example")

USERS = some.builds(
    DirectoryUser,
    key=some.sampled_from(["k1", "k2", "k3", "k4", "k5"]),
    login=some.sampled_from(["zhang", "ZHANG", "li", "张三", "wang", ""]),
    name=some.sampled_from(["张三", "李四", "", "王伟"]),
    email=some.sampled_from(ADDRESSES),
    department=some.sampled_from(["", "财务部", "部" * 50]),
    manager=some.sampled_from(["", "k1", "k2", "nobody"]),
    enabled=some.booleans() | some.just(True),
    groups=some.frozensets(some.sampled_from(GROUPS), max_size=2).map(lambda found: found | {"everyone"}),
)
READINGS = some.lists(USERS, min_size=1, max_size=5, unique_by=lambda each: each.key)
STEPS = some.lists(
    READINGS | some.sampled_from([*HeldKind, "let go", "suspend"]) | USERS.map(lambda one: (one,)), max_size=6
)


def step(house: House, what: object) -> None:
    match what:
        case HeldKind():
            for held in house.follow.report().held:
                if held.kind is what:
                    house.follow.release(held.kind, count=held.count, digest=held.digest, by="one two")
        case "let go" | "suspend":
            with house.appliance.database.transaction() as tx:
                for known in directories.every_user(tx, LDAP)[:1]:
                    if known.account is not None and known.account.here:
                        state = AccountState.LEFT if what == "let go" else AccountState.SUSPENDED
                        accounts.set_state(tx, known.account.subject, state)
        case (DirectoryUser() as one,):
            house.follow.follow(LDAP, one)
        case list():
            house.sync(what)
        case _:
            raise AssertionError(what)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=STEPS, last=READINGS)
def test_every_sequence_of_readings_converges(steps: list[object], last: list[DirectoryUser]) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        opened_house(Path(folder), initiator=["managers"], auditor=["auditors"], operator=["operators"]) as house,
    ):
        officer = house.invite("wang", "wang@enterprise.example", AccountRole.OFFICER, kind="officer")
        before: set[str] = {officer}
        for each in steps:
            try:
                step(house, each)
            except DirectoryUnavailable:
                continue
            before = require_sound(house, before, officer)
        house.sync(last)
        house.sync(last)
        settled = {name for name in house.counts(last) if name not in {"held", "problem"}}
        assert not settled, "the same reading again finds nothing to do"
        require_sound(house, before, officer)
        require_followed(house, last)


def require_sound(house: House, before: set[str], officer: str) -> set[str]:
    """Nobody's account is lost, officers are as they were, and nobody has two accounts."""
    with house.appliance.database.reading() as tx:
        everybody = accounts.everybody(tx)
        assert before <= {each.subject for each in everybody}
        assert [each.subject for each in everybody if AccountRole.OFFICER in each.roles] == [officer]
        assert people.person(tx, officer).email == "wang@enterprise.example"
        for each in everybody:
            departed = directories.has_departed(tx, each.subject)
            if departed and each.state is not AccountState.LEFT:
                assert each.state is AccountState.SUSPENDED
        for source in DirectorySource:
            subjects = [each.known.subject for each in directories.every_user(tx, source) if each.known.subject]
            assert len(subjects) == len(set(subjects))
    return {each.subject for each in everybody}


def require_followed(house: House, last: list[DirectoryUser]) -> None:
    """Everybody is as the directory says, or it is shown why not."""
    wanted = {each.key: each for each in last}
    with house.appliance.database.reading() as tx:
        for each in directories.every_user(tx, LDAP):
            user, account = wanted.get(each.known.user.key), each.account
            if each.known.problem is not None or each.held is not None:
                continue
            if user is None or not user.enabled:
                assert account is None or not account.here
                continue
            assert each.known.user == user
            assert account is not None and account.here
            assert account.email == user.email
            assert account.single_sign_on == account.subject.startswith("person-")

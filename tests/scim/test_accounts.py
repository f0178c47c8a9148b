"""What a push changes here by the time it is answered: accounts, roles, sessions; and what it cannot."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from appliance.demonstration.participants import ZHANG
from appliance.directories.provisioning import Provisioning
from appliance.jobs.table import jobs_of
from appliance.model.accounts import AccountRole, AccountState
from appliance.model.directories import DirectoryProblem, DirectorySource, DirectoryUser, StoredUser
from appliance.model.provisioning import MemberChange
from appliance.store import accounts, directories, people, scim
from appliance.store.database import Database, Transaction
from appliance.wiring import Appliance
from hsm.names import is_outside
from tests.portal import office_visits, visitors
from tests.scim.pushing import ENTERPRISE, Pusher, require_refused, user
from tests.world import World


def stored(appliance: Appliance, resource: dict[str, object]) -> StoredUser:
    found = appliance.database.query(directories.stored_user, DirectorySource.SCIM, str(resource["id"]))
    assert found is not None
    return found


def subject_of(appliance: Appliance, resource: dict[str, object]) -> str:
    subject = stored(appliance, resource).known.subject
    assert subject is not None, stored(appliance, resource).known.problem
    return subject


def roles_of(appliance: Appliance, resource: dict[str, object]) -> set[AccountRole]:
    found = stored(appliance, resource).account
    assert found is not None
    return set(found.roles)


def signed_in(portal: Flask, appliance: Appliance, resource: dict[str, object]) -> FlaskClient:
    """A browser in which somebody who was pushed works."""
    browser = visitors.signed_in(portal, appliance, subject_of(appliance, resource))
    assert browser.get("/settings").status_code == 200
    return browser


def is_out(browser: FlaskClient) -> bool:
    answer = browser.get("/settings")
    return answer.status_code in (302, 303) and "/login" in answer.headers["Location"]


def test_a_pushed_user_has_an_account(idp: Pusher, appliance: Appliance) -> None:
    boss = idp.person()
    made = idp.person(
        displayName="示例员工", **{ENTERPRISE: {"department": "财务部", "manager": {"value": boss["id"]}}}
    )
    subject = subject_of(appliance, made)
    person = appliance.database.query(people.person, subject)
    assert (person.name, person.email) == ("示例员工", made["emails"][0]["value"])
    account = stored(appliance, made).account
    assert account is not None
    assert (account.department, account.manager) == ("财务部", subject_of(appliance, boss))
    assert account.roles == {AccountRole.SIGNER}
    moved = {"op": "Replace", "path": f"{ENTERPRISE}:department", "value": "市场部"}
    idp.patch(f"/Users/{made['id']}", moved, {"op": "remove", "path": f"{ENTERPRISE}:manager"})
    after = stored(appliance, made).account
    assert after is not None and (after.department, after.manager) == ("市场部", None)


LEAVE = {
    "Entra ID disables": lambda idp, at: idp.patch(at, {"op": "Replace", "path": "active", "value": "False"}),
    "Okta disables": lambda idp, at: idp.patch(at, {"op": "replace", "value": {"active": False}}),
    "replaced": lambda idp, at: idp.send("PUT", at, {**idp.found(at), "active": False}),
    "deleted": lambda idp, at: idp.send("DELETE", at),
}


@pytest.mark.parametrize("way", LEAVE)
def test_a_leaver_is_out_with_the_next_request(idp: Pusher, portal: Flask, appliance: Appliance, way: str) -> None:
    made = idp.person()
    browser, other = signed_in(portal, appliance, made), signed_in(portal, appliance, made)
    assert LEAVE[way](idp, f"/Users/{made['id']}").status_code in (200, 204)
    assert is_out(browser) and is_out(other)
    subject = subject_of(appliance, made)
    assert appliance.database.query(accounts.account, subject).state is AccountState.SUSPENDED
    if way != "deleted":
        assert idp.found(f"/Users/{made['id']}")["active"] is False
        idp.patch(f"/Users/{made['id']}", {"op": "Replace", "path": "active", "value": "True"})
        assert appliance.database.query(accounts.account, subject).state is AccountState.ACTIVE


def test_groups_give_roles_nested_and_renamed(idp: Pusher, appliance: Appliance) -> None:
    made = idp.person()
    inner = idp.group(made["id"], name="项目组")["id"]
    assert roles_of(appliance, made) == {AccountRole.SIGNER}
    outer = idp.group(inner, name="发起人")["id"]
    both = {AccountRole.SIGNER, AccountRole.INITIATOR}
    assert roles_of(appliance, made) == both
    for path, operation, roles in (
        (outer, {"op": "replace", "path": "displayName", "value": "别的"}, {AccountRole.SIGNER}),
        (outer, {"op": "replace", "path": "displayName", "value": "发起人"}, both),
        (outer, {"op": "remove", "path": f'members[value eq "{inner}"]'}, {AccountRole.SIGNER}),
        (outer, {"op": "add", "path": "members", "value": [{"value": inner}]}, both),
        (inner, {"op": "Remove", "path": "members", "value": [{"value": made["id"]}]}, {AccountRole.SIGNER}),
        (inner, {"op": "Add", "path": "members", "value": [{"value": made["id"]}]}, both),
    ):
        assert idp.patch(f"/Groups/{path}", operation).status_code == 204
        assert roles_of(appliance, made) == roles, operation
    idp.send("DELETE", f"/Groups/{outer}")
    assert roles_of(appliance, made) == {AccountRole.SIGNER}


def test_forbidden_roles_are_a_problem_and_no_error(idp: Pusher, appliance: Appliance) -> None:
    made = idp.person()
    for name in ("审计", "发起人"):
        idp.group(made["id"], name=name)
    assert stored(appliance, made).known.problem == DirectoryProblem.FORBIDDEN_ROLES
    nameless = idp.made("/Users", user(displayName=None, emails=[]))
    assert stored(appliance, nameless).known.problem is not None
    assert idp.found(f"/Users/{nameless['id']}")["userName"] == nameless["userName"]
    idp.patch(
        f"/Users/{nameless['id']}",
        {"op": "add", "path": "displayName", "value": "示例员工"},
        {
            "op": "Add",
            "path": 'emails[type eq "work"].value',
            "value": f"{nameless['userName']}@enterprise.example",
        },
    )
    assert stored(appliance, nameless).known.problem is None


def test_nobody_becomes_an_officer(idp: Pusher, appliance: Appliance) -> None:
    """Whoever controls the identity provider names groups and people as they like."""
    subject = "officer-scim"
    office_visits.account_of(appliance, subject, frozenset({AccountRole.OFFICER}))
    assert appliance.database.query(_officers)
    before, officer = appliance.database.query(_officers), appliance.database.query(people.person, subject)
    pushed = [
        idp.person(userName=subject, emails=[{"value": officer.email}], roles=[{"value": "officer"}]),
        idp.person(displayName=officer.name, entitlements=[{"value": "officer"}], userType="officer"),
        idp.person(externalId=subject),
        idp.person(emails=[{"value": ZHANG.email}]),
    ]
    for name in ("officer", "officers", "经办人", "administrator", "root", "AccountRole.OFFICER"):
        idp.group(*[each["id"] for each in pushed], name=name)
    assert appliance.database.query(_officers) == before
    for each in pushed:
        found = stored(appliance, each)
        assert found.known.subject not in (subject, ZHANG.subject)
        if found.account is not None:
            assert AccountRole.OFFICER not in found.account.roles and not is_outside(found.account.subject)
    assert appliance.database.query(people.person, subject) == officer


def _officers(tx: Transaction) -> list[tuple[str, str]]:
    return tx.execute("SELECT subject, role FROM account_roles WHERE role = 'officer' ORDER BY subject").fetchall()


def test_another_of_the_same_address_is_a_problem(idp: Pusher, appliance: Appliance) -> None:
    first = idp.person()
    second = idp.person(emails=first["emails"])
    assert stored(appliance, second).known.problem == DirectoryProblem.ADDRESS_TWICE


def test_a_refused_push_changes_no_account(idp: Pusher, appliance: Appliance) -> None:
    one, two = idp.person(), idp.person()
    before = stored(appliance, two)
    taken = {"op": "replace", "path": "userName", "value": one["userName"]}
    gone = {"op": "replace", "path": "active", "value": False}
    require_refused(idp.patch(f"/Users/{two['id']}", gone, taken), 409, "uniqueness")
    assert stored(appliance, two) == before


class Recorded:
    """Accounts that note who followed; the rest is done by others."""

    def __init__(self) -> None:
        self.followed: list[DirectoryUser] = []
        self.fails_after = 10**9

    def follow_within(self, _tx: Transaction, _source: DirectorySource, *users: DirectoryUser) -> None:
        if len(self.followed) >= self.fails_after:
            raise RuntimeError("the process ends here")
        self.followed += users

    def remove_within(self, _tx: Transaction, _source: DirectorySource, _key: str) -> None:
        """Nobody is removed."""

    def finish(self) -> None:
        """Nothing is left over."""


@pytest.fixture
def recorded() -> Recorded:
    return Recorded()


@pytest.fixture
def large(tmp_path: Path, recorded: Recorded) -> tuple[Provisioning, list[str]]:
    """A group of a thousand, alone in a database of its own."""
    provisioning = Provisioning(Database(tmp_path / "new.db"), lambda: datetime.now(UTC), recorded)
    ids = [provisioning.create_user({"userName": f"u{number}"}).id for number in range(1001)]
    return provisioning, ids


def test_one_member_more_of_many_is_little_work(large: tuple[Provisioning, list[str]], recorded: Recorded) -> None:
    provisioning, ids = large
    group = provisioning.create_group({"displayName": "g"}, frozenset(ids[:1000]))
    recorded.followed.clear()
    provisioning.change_group(group.id, group.content, MemberChange(added=frozenset({ids[1000]})), version=1)
    assert [(each.key, each.groups) for each in recorded.followed] == [(ids[1000], {"g"})]
    recorded.followed.clear()
    provisioning.change_group(
        group.id, group.content, MemberChange(removed=frozenset({ids[3], "0" * 32})), version=2
    )
    assert [(each.key, each.groups) for each in recorded.followed] == [(ids[3], frozenset())]
    recorded.followed.clear()
    provisioning.change_group(
        group.id, group.content, MemberChange(clears=True, added=frozenset(ids[:1001]) - {ids[5]}), version=3
    )
    assert {each.key for each in recorded.followed} == {ids[3], ids[5]}


def test_what_an_end_of_the_process_leaves_over_follows_later(
    large: tuple[Provisioning, list[str]], recorded: Recorded
) -> None:
    provisioning, ids = large
    recorded.followed.clear()
    recorded.fails_after = 400
    with pytest.raises(RuntimeError):
        provisioning.create_group({"displayName": "g"}, frozenset(ids))
    assert len(recorded.followed) == 400
    recorded.fails_after = 10**9
    provisioning.catch_up()
    assert sorted(each.key for each in recorded.followed) == sorted(ids)
    assert {each.groups for each in recorded.followed} == {frozenset({"g"})}
    recorded.followed.clear()
    provisioning.catch_up()
    assert recorded.followed == []


def run_job(appliance: Appliance, name: str) -> None:
    [job] = [each for each in jobs_of(appliance, None) if each.name == name]
    job.work()


def test_who_was_taken_from_a_group_follows_though_the_process_ended(idp: Pusher, appliance: Appliance) -> None:
    made = idp.person()
    group = idp.group(made["id"], name="发起人")
    with appliance.database.transaction() as tx:  # as the first of many transactions, before the process ended
        scim.mark_unfollowed(tx, scim.change_members(tx, group["id"], MemberChange(clears=True)))
    run_job(appliance, "departures")
    assert roles_of(appliance, made) == {AccountRole.SIGNER}
    assert idp.send("DELETE", f"/Groups/{group['id']}").status_code == 204


def test_other_settings_take_effect_without_a_push(idp: Pusher, appliance: Appliance, world: World) -> None:
    made = idp.person()
    group = idp.group(made["id"], name="发起人")
    assert roles_of(appliance, made) == {AccountRole.INITIATOR, AccountRole.SIGNER}
    directory = replace(world.settings.directory, initiator=["已改名的组"])
    with World(world.home, replace(world.settings, directory=directory)).opened() as restarted:
        run_job(restarted, "pushed people")
    assert roles_of(appliance, made) == {AccountRole.SIGNER}
    assert idp.send("DELETE", f"/Groups/{group['id']}").status_code == 204

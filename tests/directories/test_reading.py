"""What is read from OpenLDAP, whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from appliance.config import DirectorySettings
from appliance.directories.comparing import RoleMapping
from appliance.directory_service.ldap_connection import load_ldap
from appliance.directory_service.messages import Outcome
from appliance.home import Home
from appliance.model.directories import DirectoryUser
from tests.directories import cases
from tests.directories.authority import Authority
from tests.directories.cases import dn, key
from tests.directories.conftest import MANY, Ask
from tests.directories.people import GROUPS, Person
from tests.directories.slapd import ADMIN, BLIND, PASSWORD, Slapd, needs_slapd

pytestmark = [needs_slapd, pytest.mark.processes]


@pytest.fixture(scope="module")
def found(ask: Ask) -> dict[str, DirectoryUser]:
    """The cases, by login."""
    return {each.login: each for each in ask(people=cases.PLACE, groups=cases.GROUPS).read_users()}


def test_everybody_is_read_though_the_server_gives_500_at_once(ask: Ask) -> None:
    users = {each.key: each for each in ask().read_users()}
    assert len(users) == MANY
    person = Person(1234)
    everybody = {"everybody", f"cn=everybody,{GROUPS}"}
    assert person.manager is not None
    assert users[person.key] == DirectoryUser(
        key=person.key,
        login=person.login,
        name=person.name,
        email=person.email,
        department=person.department,
        manager=person.manager.key,
        groups=frozenset({"department2", f"cn=department2,{GROUPS}"} | everybody),
    )


def test_the_same_by_start_tls(ask: Ask, server: Slapd) -> None:
    assert len(list(ask(url=f"ldap://127.0.0.1:{server.ldap}").read_users())) == MANY


def test_two_people_of_one_name_are_two(found: dict[str, DirectoryUser]) -> None:
    assert found["wang1"].name == found["wang2"].name == "王芳"
    assert (found["wang1"].key, found["wang2"].key) == (key(1), key(2))


def test_a_manager_is_found_however_the_name_is_spelt(found: dict[str, DirectoryUser]) -> None:
    assert found["wang2"].manager == key(1)
    assert found["manager-gone"].manager == ""


def test_groups_in_groups_count_and_a_circle_ends(found: dict[str, DirectoryUser]) -> None:
    names = {"inner", "middle", "outer", "circle", "round"}
    assert found["wang1"].groups == names | {f"cn={name},{cases.GROUPS}" for name in names}


def test_groups_of_other_kinds_count(found: dict[str, DirectoryUser]) -> None:
    assert {"unique", "posix"} <= found["wang2"].groups


def test_a_common_name_of_two_groups_names_neither(found: dict[str, DirectoryUser]) -> None:
    assert found["bare"].groups == {f"cn=twin,{cases.GROUPS}"}
    assert f"cn=Twin,ou=branch,{cases.GROUPS}" in found["wang2"].groups and "Twin" not in found["wang2"].groups


def test_no_group_gives_the_role_of_another_by_its_own_name(found: dict[str, DirectoryUser]) -> None:
    """Whoever may create groups below a branch tries the same common name, one that looks the same, and the
    distinguished name of the group that gives the role."""
    trusted = f"cn=trusted,{cases.GROUPS}"
    for named in ("Twin", "trusted", trusted):
        mapping = RoleMapping(DirectorySettings(initiator=[named], everybody=[]))
        given = {login for login, each in found.items() if mapping.roles(each.groups)}
        assert given == ({"wang2"} if named == trusted else set())


def test_without_a_place_for_groups_there_are_none(ask: Ask) -> None:
    assert not any(each.groups for each in ask(people=cases.PLACE, groups="").read_users())


def test_who_lacks_a_mail_address_or_has_an_impossible_one_is_given_out(found: dict[str, DirectoryUser]) -> None:
    assert (found["bare"].name, found["bare"].email, found["broken"].email) == ("Bare Example", "", "")


def test_long_names_are_whole(found: dict[str, DirectoryUser]) -> None:
    assert found["long"].name == cases.LONGEST_NAME


@pytest.mark.parametrize(
    ("login", "enabled"), [("locked", False), ("tried", True), ("over", False), ("later", True), ("bare", True)]
)
def test_who_counts_as_disabled(found: dict[str, DirectoryUser], login: str, *, enabled: bool) -> None:
    assert found[login].enabled is enabled


def test_whoever_is_renamed_keeps_their_key(ask: Ask, server: Slapd, authority: Authority) -> None:
    service = ask(people=cases.MOVING)
    [before] = service.read_users()
    ldap = load_ldap()
    with closing_ldap(ldap.initialize(f"ldaps://127.0.0.1:{server.ldaps}")) as connection:
        connection.set_option(ldap.OPT_X_TLS_CACERTFILE, str(authority.path))
        connection.set_option(ldap.OPT_X_TLS_NEWCTX, 0)
        connection.simple_bind_s(ADMIN, PASSWORD)
        connection.rename_s(f"uid=before,{cases.MOVING}", "uid=after")
    [after] = service.read_users()
    assert (before.login, after.login) == ("before", "after") and before.key == after.key


@contextmanager
def closing_ldap(connection: Any) -> Iterator[Any]:
    yield connection
    connection.unbind_s()


def test_a_filter_of_the_settings_narrows(ask: Ask) -> None:
    service = ask(people=cases.PLACE, filter="(&(objectClass=inetOrgPerson)(uid=wang*))")
    assert {each.login for each in service.read_users()} == {"wang1", "wang2"}


def test_a_check_says_what_is_there_step_by_step(ask: Ask) -> None:
    findings = ask(people=cases.PLACE, groups=cases.GROUPS).check()
    steps = [each.code for each in findings]
    assert steps[:5] == ["address", "connection", "certificate", "bound", "people"] and steps[-1] == "keys"
    said = "\n".join(map(str, findings))
    assert "certificate by Enterprise Example Root" in said
    assert f"People found below {cases.PLACE}: 10; disabled among them: 2." in said
    assert (
        "Without email: 7" in said and "Values of mail that are no text or too long, and are left out: 1." in said
    )
    assert "share their common name with another one: 4" in said
    assert {each.outcome for each in findings} == {Outcome.GOOD, Outcome.NOTICE}


def test_a_check_names_groups_of_the_settings_that_are_not_there(ask: Ask, home: Path) -> None:
    service = ask(people=cases.PLACE, groups=cases.GROUPS)
    assert "unknown-group" not in {each.code for each in service.check()}
    settings = Home(home).settings
    settings.write_text(settings.read_text() + "[directory]\ninitiator = ['Unique', 'uniqe']\n", encoding="utf-8")
    said = [str(each) for each in service.check() if each.code == "unknown-group"]
    assert said == [
        "No group here is called uniqe, which the setting directory.initiator names: it gives nobody a role."
    ]


def test_a_check_ends_where_a_reading_would(ask: Ask) -> None:
    findings = ask(bind_dn=BLIND, people=cases.PLACE).check()
    assert findings[-1].outcome is Outcome.BAD and "sees no entryuuid of 10 out of 10 people" in str(findings[-1])
    assert "bound" in [each.code for each in findings]
    assert dn("wang1") not in str(findings)

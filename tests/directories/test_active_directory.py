"""What is read from Active Directory, as Samba has it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import pytest

from appliance.directory_service.client import DirectoryService, DirectoryUnavailable
from appliance.directory_service.messages import DirectoryFault
from appliance.model.directories import DirectoryUser
from tests.directories.authority import Authority
from tests.directories.conftest import service_at
from tests.directories.inside import GROUPS, MANY, PASSWORD, PEOPLE, READER, SUFFIX
from tests.directories.samba import Domain, require_samba, samba

pytestmark = [pytest.mark.slow, pytest.mark.processes]


@pytest.fixture(scope="module")
def domain(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Domain]:
    require_samba()
    with samba(tmp_path_factory.mktemp("samba") / "site", authority.issue("127.0.0.1")) as running:
        yield running


@pytest.fixture(scope="module")
def ask(
    tmp_path_factory: pytest.TempPathFactory, domain: Domain, authority: Authority
) -> Callable[..., DirectoryService]:
    home = tmp_path_factory.mktemp("home")

    def made(*, password: str = PASSWORD, **settings: str | int) -> DirectoryService:
        values: dict[str, str | int] = {
            "url": f"ldaps://127.0.0.1:{domain.ldaps}",
            "kind": "active-directory",
            "tls": str(authority.path),
            "bind_dn": READER,
            "people": PEOPLE,
            "groups": GROUPS,
        }
        return service_at(home, values | settings, password)

    return made


@pytest.fixture(scope="module")
def found(ask: Callable[..., DirectoryService]) -> dict[str, DirectoryUser]:
    return {each.login: each for each in ask().read_users()}


def test_people_are_read_beyond_a_thousand_and_computers_are_none(found: dict[str, DirectoryUser]) -> None:
    assert len(found) == MANY + 7
    assert not any(each.endswith("$") for each in found)
    user = found["user00007"]
    assert (user.name, user.email) == ("用户7", "user00007@enterprise.example")
    assert str(uuid.UUID(user.key)) == user.key and user.enabled


def test_the_same_by_start_tls_with_the_same_keys(
    ask: Callable[..., DirectoryService], domain: Domain, found: dict[str, DirectoryUser]
) -> None:
    again = {each.login: each for each in ask(url=f"ldap://127.0.0.1:{domain.ldap}").read_users()}
    assert again == found


def test_department_and_manager(found: dict[str, DirectoryUser]) -> None:
    assert found["boss"].department == "法务部"
    assert found["wang"].manager == found["boss"].key and found["boss"].name == found["wang"].name


def test_groups_in_groups_count_and_a_circle_ends(found: dict[str, DirectoryUser]) -> None:
    names = {"inner", "middle", "outer", "circle"}
    assert found["boss"].groups == names | {f"CN={name},{GROUPS}" for name in names}


def test_a_large_group_has_everybody(found: dict[str, DirectoryUser]) -> None:
    assert sum("everybody" in each.groups for each in found.values()) == MANY


def test_the_primary_group_counts_with_those_that_it_is_in(found: dict[str, DirectoryUser]) -> None:
    assert {"primary", "around-primary"} <= found["wang"].groups


@pytest.mark.parametrize(
    ("login", "enabled"),
    [("disabled", False), ("expired", False), ("later", True), ("never", True), ("odd", True)],
)
def test_who_counts_as_disabled(found: dict[str, DirectoryUser], login: str, *, enabled: bool) -> None:
    assert found[login].enabled is enabled


def test_the_whole_domain_has_references_where_nobody_is(ask: Callable[..., DirectoryService]) -> None:
    service = ask(people=SUFFIX)
    assert len(list(service.read_users())) > MANY + 7
    assert "references" in [each.code for each in service.check()]


def test_a_wrong_password(ask: Callable[..., DirectoryService]) -> None:
    with pytest.raises(DirectoryUnavailable) as failure:
        ask(password="Wrong-0f-a-test").read_users()
    assert failure.value.cause is DirectoryFault.REFUSED


def test_a_place_that_does_not_exist(ask: Callable[..., DirectoryService]) -> None:
    with pytest.raises(DirectoryUnavailable, match="No such object") as failure:
        ask(people=f"OU=nowhere,{SUFFIX}").read_users()
    assert failure.value.cause is DirectoryFault.INCOMPLETE

"""What a reading would change: decided without a database, from users, accounts and settings alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from appliance.config import DirectorySettings
from appliance.directories.comparing import (
    Brake,
    Read,
    RoleMapping,
    Rules,
    UserChange,
    Wanted,
    compare,
    wanted_of,
)
from appliance.model.accounts import AccountRole, AccountState
from appliance.model.directories import (
    AddressHolder,
    DirectoryProblem,
    DirectorySource,
    DirectoryUser,
    FollowingAccount,
    HeldKind,
    HeldUser,
    KnownUser,
    StoredUser,
)
from appliance.model.directory_status import DifferenceKind

NOW = datetime(2026, 11, 29, tzinfo=UTC)
SIGNER = frozenset({AccountRole.SIGNER})
SETTINGS = DirectorySettings(
    initiator=["Contract managers"],
    custodian=["cn=Custodians, ou=groups,dc=enterprise,dc=example"],
    auditor=["Auditors"],
    operator=["Operators"],
)


def user(number: int, **changes: object) -> DirectoryUser:
    made = DirectoryUser(f"key-{number}", f"user{number}", f"人员{number}", f"user{number}@enterprise.example")
    return replace(made, **changes)  # type: ignore[arg-type]


def stored(one: DirectoryUser, number: int, **changes: object) -> StoredUser:
    """*one*, whose account is as the directory wants it, but for *changes*."""
    account = FollowingAccount(
        f"person-user{number}",
        one.name,
        one.email,
        "",
        None,
        None,
        AccountState.ACTIVE,
        SIGNER,
        True,
        False,
        False,
    )
    known = KnownUser(f"{number:032x}", DirectorySource.LDAP, one, account.subject)
    return StoredUser(known, replace(account, **changes))  # type: ignore[arg-type]


def compared(
    known: Sequence[StoredUser], read: Read, settings: DirectorySettings = SETTINGS, *, departed: int = 0
) -> dict[str, UserChange]:
    """The changes by key; whoever is stored has their address."""
    holders = {
        each.account.email: AddressHolder(
            each.account.subject,
            left=each.account.state is AccountState.LEFT,
            departed=each.account.departed,
            source=each.known.source,
            login=each.known.user.login,
            address=each.known.user.email,
        )
        for each in known
        if each.account is not None
    }
    rules = Rules(settings, True, holders.get, Brake(departed, lambda: len(known) + departed, settings), NOW)
    return {each.known.user.key: each for each in compare(DirectorySource.LDAP, known, read, rules)}


@pytest.mark.parametrize(
    ("groups", "roles"),
    [
        (set(), SIGNER),
        ({"contract MANAGERS"}, SIGNER | {AccountRole.INITIATOR}),
        ({"CN=Contract Managers,OU=groups,DC=enterprise,DC=example"}, SIGNER),
        ({"cn=custodians,ou=groups, dc=enterprise,dc=example"}, SIGNER | {AccountRole.CUSTODIAN}),
        ({"cn=custodians,ou=elsewhere,dc=enterprise,dc=example"}, SIGNER),
        ({"custodians"}, SIGNER),
        ({"Auditors"}, {AccountRole.AUDITOR}),
        ({"officers", "cn=officer"}, SIGNER),
    ],
)
def test_groups_give_roles_by_a_common_name_or_a_whole_distinguished_name(
    groups: set[str], roles: set[AccountRole]
) -> None:
    assert RoleMapping(SETTINGS).roles(frozenset(groups)) == roles


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"email": ""}, DirectoryProblem.NO_ADDRESS),
        ({"email": "not an address"}, DirectoryProblem.NO_ADDRESS),
        ({"name": " "}, DirectoryProblem.NO_NAME),
        ({"name": "人" * 101}, DirectoryProblem.NO_NAME),
        ({"name": "零\u200b宽"}, DirectoryProblem.NO_NAME),
        ({"groups": frozenset({"Auditors", "Operators"})}, DirectoryProblem.FORBIDDEN_ROLES),
        ({"groups": frozenset({"Auditors", "Contract managers"})}, DirectoryProblem.FORBIDDEN_ROLES),
    ],
)
def test_who_cannot_have_an_account_has_a_problem_and_none(
    changes: dict[str, object], problem: DirectoryProblem
) -> None:
    one = user(1, **changes)
    assert wanted_of(one, RoleMapping(SETTINGS)) is problem
    change = compared([], {"key-1": one})["key-1"]
    assert change.known.problem == problem
    assert change.kinds == {DifferenceKind.PROBLEM}


def test_an_account_stays_as_it_is_while_its_user_has_a_problem() -> None:
    known = stored(user(1), 1)
    change = compared([known], {"key-1": user(1, email="", department="财务部", name="别名")})["key-1"]
    assert change.kinds == {DifferenceKind.PROBLEM}
    again = replace(known, known=change.known)
    assert not compared([again], {"key-1": change.known.user})["key-1"].changes, "and it is said once"


def test_an_unchanged_user_gives_nothing_to_do() -> None:
    known = [stored(user(number), number) for number in range(50)]
    found = compared(known, {each.known.user.key: each.known.user for each in known})
    assert not any(each.changes for each in found.values())


def test_each_field_is_a_difference_of_its_own() -> None:
    known = stored(user(1), 1, single_sign_on=False)
    read = user(
        1,
        email="new@enterprise.example",
        department="财务部",
        name="新名",
        groups=frozenset({"Contract managers"}),
    )
    change = compared([known], {"key-1": read})["key-1"]
    assert change.kinds == {
        DifferenceKind.ADDRESS,
        DifferenceKind.DEPARTMENT,
        DifferenceKind.NAME,
        DifferenceKind.ROLES,
        DifferenceKind.SIGN_ON,
    }


def test_a_verified_name_stays_and_the_other_one_is_noted() -> None:
    known = stored(user(1), 1, verified=True)
    change = compared([known], {"key-1": user(1, name="新名")})["key-1"]
    assert change.kinds == {DifferenceKind.OTHER_NAME}
    noted = stored(user(1, name="新名"), 1, verified=True, name="人员1", directory_name="新名")
    assert not compared([noted], {"key-1": noted.known.user})["key-1"].changes
    [back] = compared([noted], {"key-1": user(1)})["key-1"].differences
    assert (back.kind, back.after) == (DifferenceKind.OTHER_NAME, "人员1")


def test_a_long_department_is_cut() -> None:
    wanted = wanted_of(user(1, department="部" * 60), RoleMapping(SETTINGS))
    assert isinstance(wanted, Wanted)
    assert (len(wanted.department), wanted.department[-1]) == (40, "…")


@pytest.mark.parametrize(
    ("here", "gone", "held"), [(10, 2, 0), (10, 3, 3), (100, 5, 0), (100, 6, 6), (1000, 21, 21)]
)
def test_too_many_at_once_wait(here: int, gone: int, held: int) -> None:
    known = [stored(user(number), number) for number in range(here)]
    read = {each.known.user.key: each.known.user if place >= gone else None for place, each in enumerate(known)}
    found = compared(known, read).values()
    assert sum(each.held is not None and each.held.kind is HeldKind.REMOVAL for each in found) == held
    assert sum(DifferenceKind.DEPARTED in each.kinds for each in found) == gone - held


def test_those_who_went_within_a_day_count_too() -> None:
    known = [stored(user(number), number) for number in range(100)]
    read = {each.known.user.key: each.known.user for each in known} | {"key-1": None, "key-2": None}
    assert compared(known, read, departed=3)["key-1"].held is None
    assert compared(known, read, departed=4)["key-1"].held == HeldUser(HeldKind.REMOVAL)


def test_what_waits_keeps_nobody_else_here() -> None:
    known = [stored(user(number), number) for number in range(100)]
    known[:30] = [replace(each, held=HeldUser(HeldKind.REMOVAL)) for each in known[:30]]
    gone = dict.fromkeys([f"key-{number}" for number in range(31)])
    found = compared(known, {each.known.user.key: each.known.user for each in known} | gone)
    assert [key for key, each in found.items() if DifferenceKind.DEPARTED in each.kinds] == ["key-30"]
    assert found["key-1"].held == HeldUser(HeldKind.REMOVAL)


def test_who_is_in_no_group_any_more_goes_where_not_everybody_has_a_role() -> None:
    settings = DirectorySettings(everybody=[], signer=["Signers"])
    known = stored(user(1, groups=frozenset({"Signers"})), 1)
    change = compared([known], {"key-1": user(1)}, settings)["key-1"]
    assert change.kinds == {DifferenceKind.DEPARTED}


def test_two_who_exchange_their_addresses_both_get_them() -> None:
    one, two = user(1), user(2)
    known = [stored(one, 1), stored(two, 2)]
    found = compared(known, {"key-1": replace(one, email=two.email), "key-2": replace(two, email=one.email)})
    assert all(each.kinds == {DifferenceKind.ADDRESS} for each in found.values())


def test_a_refused_address_keeps_the_one_that_others_ask_for() -> None:
    known = [stored(user(number), number) for number in (1, 2, 3)]
    read = {
        "key-1": user(1, email="user2@enterprise.example"),
        "key-2": user(2, email="user3@enterprise.example"),
        "key-3": user(3),
    }
    found = compared(known, read)
    assert found["key-1"].known.problem == DirectoryProblem.ADDRESS_TAKEN
    assert found["key-2"].known.problem == DirectoryProblem.ADDRESS_TWICE
    assert found["key-3"].known.problem is None


def test_a_user_with_another_key_is_never_a_second_account_by_itself() -> None:
    known = stored(user(1), 1)
    found = compared([known], {"key-1": None, "recreated": user(1, key="recreated")})
    assert found["recreated"].held == HeldUser(HeldKind.LINK, "person-user1")
    assert found["recreated"].target == "person-user1"


def test_an_address_of_somebody_who_is_gone_is_free_for_another_login() -> None:
    known = stored(user(1), 1)
    found = compared([known], {"key-1": None, "key-2": user(2, email="user1@enterprise.example")})
    assert found["key-2"].kinds == {DifferenceKind.ADDED}


def test_who_was_let_go_and_is_still_in_the_directory_gets_no_new_account() -> None:
    known = stored(user(1), 1, state=AccountState.LEFT)
    assert compared([known], {"key-1": user(1)})["key-1"].known.problem == DirectoryProblem.LET_GO
    gone = compared([known], {"key-1": None})["key-1"]
    assert gone.gone
    departed = stored(user(1), 1, state=AccountState.LEFT, departed=True)
    assert compared([departed], {"key-1": user(1)})["key-1"].kinds == {DifferenceKind.REPLACED}

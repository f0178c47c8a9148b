"""Accounts that follow a directory: who comes, changes, goes and comes back, and what waits or is refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from appliance.demonstration.participants import ZHANG
from appliance.directories import DirectoryAccounts
from appliance.directory_service.client import DirectoryUnavailable
from appliance.errors import NotFound, StateRefused
from appliance.model.accounts import AccountRole, AccountState
from appliance.model.directories import (
    DirectoryProblem,
    DirectorySource,
    DirectoryUser,
    HeldKind,
    RoundOutcome,
)
from appliance.store import accounts, directories, people
from appliance.wiring import open_appliance
from tests.directories.house import (
    ADMINISTRATORS,
    LDAP,
    PROVIDER,
    Clock,
    House,
    opened_house,
    reopened,
    user,
    users,
)

pytestmark = pytest.mark.processes

SIGNER = frozenset({AccountRole.SIGNER})


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with opened_house(tmp_path, initiator=["managers"], auditor=["auditors"], operator=["operators"]) as opened:
        yield opened


@pytest.fixture
def invited(tmp_path: Path) -> Iterator[House]:
    """A house without an identity provider."""
    with opened_house(tmp_path, single_sign_on=False, auditor=["auditors"]) as opened:
        yield opened


def mails(house: House, subject: str) -> int:
    """Mails that wait for *subject*."""
    with house.appliance.database.reading() as tx:
        return tx.count("SELECT count(*) FROM outbox WHERE recipient = ? AND state = 'queued'", (subject,))


def test_somebody_new_is_active_at_once_and_gets_no_mail(house: House) -> None:
    done = house.sync([user(1, department=" 财务部 ", login="ENTERPRISE\\Zhang.San")])
    account = house.account(1)
    assert (account.login, account.state, account.roles) == ("zhang.san", AccountState.ACTIVE, SIGNER)
    assert (account.single_sign_on, account.has_password) == (True, False)
    assert house.person(1).organisation == house.appliance.settings.organisation.name
    assert house.appliance.database.query(people.department_of, house.subject(1)) == "财务部"
    assert mails(house, house.subject(1)) == 0
    assert (done.outcome, dict(done.counts)) == (RoundOutcome.DONE, {"read": 1, "added": 1})
    assert house.events("directory-synchronised") == 1


def test_a_problem_keeps_nobody_a_role_that_no_group_gives_any_more(house: House) -> None:
    house.sync([user(1, groups=frozenset({"managers"}))])
    assert house.account(1).roles == SIGNER | {AccountRole.INITIATOR}
    assert house.counts([user(1, email="")]) == {"problem": 1, "roles": 1}
    assert (house.account(1).roles, house.known(1).problem) == (SIGNER, DirectoryProblem.NO_ADDRESS)
    assert house.account(1).state is AccountState.ACTIVE
    assert house.counts([user(1, email="")]) == {}


def test_without_an_identity_provider_people_are_invited_by_mail(invited: House) -> None:
    invited.sync([user(1)])
    assert invited.account(1).state is AccountState.INVITED
    assert mails(invited, invited.subject(1)) == 1


def test_an_account_that_was_invited_is_active_once_there_is_an_identity_provider(tmp_path: Path) -> None:
    with opened_house(tmp_path, single_sign_on=False) as house:
        house.sync([user(1)])
        settings = replace(house.appliance.settings, openid=PROVIDER)
    clock = Clock()
    with open_appliance(settings, now=clock) as appliance:
        house = House(appliance, clock)
        assert house.counts([user(1)]) == {"sign-on": 1}
        assert (house.account(1).state, mails(house, house.subject(1))) == (AccountState.ACTIVE, 0)
        assert house.counts([user(1)]) == {}


@pytest.mark.parametrize("login", ["张三", "x", "...", "", "a" * 300, "guest", "ZHANG@enterprise.example"])
def test_every_login_leads_to_an_account(house: House, login: str) -> None:
    house.sync([user(1, login=login), user(2, login=login)])
    first, second = house.account(1), house.account(2)
    assert first.login != second.login
    assert not first.subject.startswith("person-guest")


def test_two_people_of_one_name_are_two_people(house: House) -> None:
    house.sync([user(1, name="王伟", login="wangwei"), user(2, name="王伟", login="WangWei")])
    assert [house.account(each).login for each in (1, 2)] == ["wangwei", "wangwei-2"]
    assert house.subject(1) != house.subject(2)


def test_what_changes_follows_and_once(house: House) -> None:
    house.sync(users(2))
    changed = [
        user(1, email="zhang@enterprise.example", department="法务部", manager="key-2", name="张三"),
        user(2, groups=frozenset({"Managers"}), login="renamed"),
    ]
    assert house.counts(changed) == {"address": 1, "name": 1, "department": 1, "roles": 1, "manager": 1}
    assert house.person(1).email == "zhang@enterprise.example"
    assert house.person(1).name == "张三"
    assert house.appliance.database.query(directories.manager_of, house.subject(1)) == house.subject(2)
    assert house.account(2).roles == SIGNER | {AccountRole.INITIATOR}
    assert house.account(2).login == "user2", "a login that is renamed in the directory stays here"
    assert house.known(2).user.login == "renamed"
    assert house.counts(changed) == {}


def test_managers_may_manage_each_other_and_a_missing_one_is_none(house: House) -> None:
    house.sync(
        [user(1, manager="key-2"), user(2, manager="key-1"), user(3, manager="key-3"), user(4, manager="nobody")]
    )
    found = [house.appliance.database.query(directories.manager_of, house.subject(each)) for each in (1, 2, 3, 4)]
    assert found == [house.subject(2), house.subject(1), None, None]


def test_roles_that_were_given_here_are_replaced_and_other_settings_take_effect(house: House) -> None:
    house.sync([user(1)])
    roles = frozenset({AccountRole.CUSTODIAN})
    with house.appliance.database.transaction() as tx:  # from before, when no directory was followed
        accounts.set_roles(tx, house.subject(1), roles)
    assert house.counts([user(1)]) == {"roles": 1}
    assert house.account(1).roles == SIGNER
    context = reopened(house, reviewer=["staff"])
    other = DirectoryAccounts(
        house.appliance.accounts_context, house.appliance.accounts.administration, house.follow.leaving, context
    )
    other.synchronise(LDAP, [user(1)])
    assert house.account(1).roles == SIGNER | {AccountRole.REVIEWER}


# --- who goes, and comes back


@pytest.mark.parametrize("how", ["disabled", "removed"])
def test_a_leavers_sessions_end_and_who_returns_is_as_before(house: House, how: str) -> None:
    house.sync(users(2))
    subject, account = house.subject(1), house.account(1)
    secret = house.sign_in(subject)
    assert house.appliance.sessions.find_holder(secret) is not None
    without = [user(2)] if how == "removed" else [user(1, enabled=False), user(2)]
    assert house.counts(without)["departed"] == 1
    assert house.appliance.sessions.find_holder(secret) is None
    assert house.appliance.sessions.sessions_of(subject) == []
    assert house.account(1).state is AccountState.SUSPENDED
    assert house.appliance.database.query(people.has_left, subject)
    with pytest.raises(StateRefused, match="directory does not have"):
        house.appliance.accounts.administration.resume(subject, by="officer-wang")
    assert house.counts(without) == {}
    assert house.counts(users(2))["returned"] == 1
    assert house.account(1) == account
    assert not house.appliance.database.query(people.has_left, subject)


def test_who_officers_had_suspended_stays_so_after_a_return(house: House) -> None:
    house.sync(users(2))
    house.appliance.accounts.administration.suspend(house.subject(1), by="officer-wang")
    house.sync([user(2)])
    house.sync(users(2))
    assert house.account(1).state is AccountState.SUSPENDED
    house.appliance.accounts.administration.resume(house.subject(1), by="officer-wang")
    assert house.account(1).state is AccountState.ACTIVE


def test_who_was_invited_and_returns_has_a_new_link(invited: House) -> None:
    invited.sync(users(2))
    invited.sync([user(2)])
    assert mails(invited, invited.subject(1)) == 0
    invited.sync(users(2))
    assert (invited.account(1).state, mails(invited, invited.subject(1))) == (AccountState.INVITED, 1)


def test_who_returns_after_being_let_go_is_somebody_new(house: House) -> None:
    house.sync(users(2))
    before = house.subject(1)
    house.sync([user(2)])
    with house.appliance.database.transaction() as tx:
        accounts.set_state(tx, before, AccountState.LEFT)
    assert house.counts(users(2)) == {"replaced": 1}
    assert house.subject(1) != before
    assert (house.account(1).login, house.account(1).state) == ("user1", AccountState.ACTIVE)
    assert house.person(1).email == "user1@enterprise.example"
    old = house.appliance.database.query(people.person, before)
    assert old.email == f"{before}@gone.invalid"
    assert house.counts(users(2)) == {}


def test_who_is_let_go_while_the_directory_has_them_stays_away(house: House) -> None:
    house.sync(users(2))
    with house.appliance.database.transaction() as tx:
        accounts.set_state(tx, house.subject(1), AccountState.LEFT)
    assert house.counts(users(2)) == {"problem": 1}
    assert house.known(1).problem == DirectoryProblem.LET_GO
    house.sync([user(2)])
    assert house.counts(users(2)) == {"replaced": 1}


# --- addresses


def test_of_merged_users_the_one_who_stays_gets_the_address_in_one_round(house: House) -> None:
    house.sync(users(3))
    subject, gone = house.subject(1), house.subject(2)
    house.sync([user(1, email="user2@enterprise.example"), user(3)])
    assert house.person(1).email == "user2@enterprise.example"
    assert house.subject(1) == subject
    assert house.appliance.database.query(people.person, gone).email == f"{gone}@gone.invalid"


def test_of_merged_users_the_address_may_come_first(house: House) -> None:
    house.sync(users(3))
    both = [user(1, email="user2@enterprise.example"), user(2), user(3)]
    house.sync(both)
    assert house.known(1).problem == DirectoryProblem.ADDRESS_TWICE
    assert house.person(1).email == "user1@enterprise.example"
    house.sync([both[0], both[2]])
    assert (house.person(1).email, house.known(1).problem) == ("user2@enterprise.example", None)


def test_of_merged_users_the_leaver_may_come_first(house: House) -> None:
    house.sync(users(3))
    house.sync([user(1), user(3)])
    house.sync([user(1, email="user2@enterprise.example"), user(3)])
    assert house.person(1).email == "user2@enterprise.example"
    house.sync([user(1, email="user2@enterprise.example"), user(2), user(3)])
    assert house.known(2).problem == DirectoryProblem.ADDRESS_TWICE, "who returns has lost the address"
    assert house.account(2).state is AccountState.SUSPENDED


def test_addresses_are_exchanged_in_a_circle(house: House) -> None:
    house.sync(users(4))
    circle = [user(each, email=f"user{each % 3 + 1}@enterprise.example") for each in (1, 2, 3)]
    assert house.counts([*circle, user(4, email="new@enterprise.example")]) == {"address": 4}
    assert [house.person(each).email for each in (1, 2, 3)] == [each.email for each in circle]


def test_two_new_users_with_one_address_have_no_account_until_it_is_corrected(house: House) -> None:
    both = [user(1), user(2, email="USER1@enterprise.example")]
    house.sync(both)
    assert [house.known(each).problem for each in (1, 2)] == [DirectoryProblem.ADDRESS_TWICE] * 2
    assert house.counts(users(2)) == {"added": 2}
    assert house.known(1).problem is None


def test_a_local_account_is_linked_by_two_administrators_alone(house: House) -> None:
    local = house.invite("local", "user1@enterprise.example", AccountRole.REVIEWER)
    done = house.sync([user(1)])
    assert (done.outcome, dict(done.counts)) == (RoundOutcome.HELD, {"read": 1, "held": 1})
    assert house.known(1).subject is None
    [held] = house.follow.report().held
    assert (held.kind, held.count, held.names) == (HeldKind.LINK, 1, (f"人员1 (user1): {local}",))
    with pytest.raises(StateRefused, match="Other users wait"):
        house.follow.release(HeldKind.LINK, count=1, digest="0" * 64, by="one two")
    assert house.release(HeldKind.LINK) == 1
    assert house.subject(1) == local
    assert (house.account(1).roles, house.account(1).state) == (SIGNER, AccountState.ACTIVE)
    assert house.person(1).name == "人员1"
    assert house.events("directory-linked") == 1
    assert house.follow.report().held == ()
    assert house.counts([user(1)]) == {}


def test_what_was_agreed_to_is_not_done_to_somebody_else(house: House) -> None:
    house.invite("local", "user1@enterprise.example")
    other = house.invite("other", "li@enterprise.example")
    house.sync([user(1)])
    shown = house.follow.report().held[0]
    house.sync([user(1, email="li@enterprise.example")])
    with pytest.raises(StateRefused, match="Other users wait"):
        house.follow.release(HeldKind.LINK, count=shown.count, digest=shown.digest, by="one two")
    assert house.known(1).subject != other


def test_what_was_agreed_to_is_not_done_under_another_name(house: House) -> None:
    house.sync([user(1, groups=frozenset({"auditors"}))])
    [shown] = house.follow.report().held
    assert shown.names == ("人员1 (user1): auditor user1@enterprise.example",)
    house.sync([user(1, login="li", name="另一个名字", groups=frozenset({"auditors"}))])
    with pytest.raises(StateRefused, match="Other users wait"):
        house.follow.release(HeldKind.DUTY, count=shown.count, digest=shown.digest, by=ADMINISTRATORS)
    assert house.known(1).subject is None


def test_who_was_registered_and_never_invited_is_linked_too(house: House) -> None:
    house.sync([user(1, email=ZHANG.email, name="另一个名字")])
    house.release(HeldKind.LINK)
    assert house.subject(1) == ZHANG.subject
    assert (house.account(1).login, house.account(1).state) == ("user1", AccountState.ACTIVE)
    assert house.person(1).name == ZHANG.name, "the certificate has it"
    with house.appliance.database.reading() as tx:
        assert (
            tx.value(str, "SELECT directory_name FROM people WHERE subject = ?", (ZHANG.subject,)) == "另一个名字"
        )


@pytest.mark.parametrize(
    ("kind", "role"),
    [("officer", AccountRole.OFFICER), ("auditor", AccountRole.AUDITOR), ("operator", AccountRole.OPERATOR)],
)
def test_the_address_of_another_duty_is_never_linked(house: House, kind: str, role: AccountRole) -> None:
    house.invite("wang", "user1@enterprise.example", role, kind=kind)
    house.sync([user(1, login="wang")])
    assert house.known(1).problem == DirectoryProblem.ADDRESS_OF_DUTY
    assert (house.known(1).subject, house.follow.report().held) == (None, ())


def test_an_account_cannot_take_over_the_address_of_an_officer(house: House) -> None:
    house.invite("wang", "wang@enterprise.example", AccountRole.OFFICER, kind="officer")
    house.sync([user(1)])
    house.sync([user(1, email="wang@enterprise.example")])
    assert house.known(1).problem == DirectoryProblem.ADDRESS_OF_DUTY
    assert house.person(1).email == "user1@enterprise.example"


def test_a_recreated_user_waits_and_is_never_a_second_account(house: House) -> None:
    house.sync(users(3))
    subject = house.subject(1)
    recreated = user(1, key="restored")
    house.sync([recreated, user(2), user(3)])
    assert house.known("restored").subject is None
    assert house.account(1).state is AccountState.SUSPENDED
    house.release(HeldKind.LINK)
    assert house.subject("restored") == subject
    assert house.account("restored").state is AccountState.ACTIVE
    assert house.known(1).subject is None
    assert house.counts([recreated, user(2), user(3)]) == {}


def test_a_directory_that_was_made_anew_costs_nobody_an_account(house: House) -> None:
    house.sync(users(40))
    before = [house.account(each) for each in range(1, 41)]
    anew = [user(each, key=f"new-{each}") for each in range(1, 41)]
    house.sync(anew)
    assert [house.account(each) for each in range(1, 41)] == before
    assert {each.kind: each.count for each in house.follow.report().held} == {
        HeldKind.REMOVAL: 40,
        HeldKind.LINK: 40,
    }
    house.release(HeldKind.LINK)
    assert [house.account(f"new-{each}") for each in range(1, 41)] == before
    house.sync(anew)
    assert house.follow.report().held == (), "whom the old users were is nobody's removal any more"


# --- auditors and operators


def test_an_auditors_account_waits_and_is_an_ordinary_one(house: House) -> None:
    auditor = user(1, groups=frozenset({"auditors"}))
    house.sync([auditor])
    assert house.known(1).subject is None
    house.release(HeldKind.DUTY)
    account = house.account(1)
    assert (account.subject, account.roles) == ("auditor-user1", frozenset({AccountRole.AUDITOR}))
    assert (account.state, account.single_sign_on) == (AccountState.INVITED, False)
    assert mails(house, account.subject) == 1
    assert house.counts([auditor]) == {}
    assert house.counts([user(2)])["departed"] == 1
    assert house.account(1).state is AccountState.SUSPENDED


def test_a_person_does_not_become_an_auditor(house: House) -> None:
    house.sync([user(1)])
    house.sync([user(1, groups=frozenset({"auditors"}))])
    assert house.known(1).problem == DirectoryProblem.OTHER_DUTY
    assert (house.account(1).roles, house.account(1).state) == (SIGNER, AccountState.ACTIVE)
    assert house.counts([user(2)])["departed"] == 1, "a problem keeps nobody here"


def test_no_group_makes_an_officer(house: House) -> None:
    house.sync([user(1, groups=frozenset({"officers", "officer", "cn=officer,dc=example"}))])
    assert house.account(1).roles == SIGNER


# --- the brake


def test_six_of_a_hundred_wait_for_two_administrators(house: House) -> None:
    house.sync(users(100))
    rest = [user(each, department="新部门") for each in range(7, 101)]
    done = house.sync(rest)
    assert done.outcome is RoundOutcome.HELD
    assert dict(done.counts) == {"read": 94, "held": 6, "department": 94}, "the rest of the round is done"
    assert all(house.account(each).state is AccountState.ACTIVE for each in range(1, 7))
    assert house.counts(rest) == {}
    assert house.release(HeldKind.REMOVAL) == 6
    assert all(house.account(each).state is AccountState.SUSPENDED for each in range(1, 7))
    assert house.events("directory-released") == 1
    assert house.counts([*rest[1:]])["departed"] == 1, "what was agreed to does not count towards too many"


def test_who_is_there_again_waits_no_more(house: House) -> None:
    house.sync(users(100))
    house.sync(users(100)[10:])
    house.sync(users(100))
    assert house.follow.report().held == ()
    assert house.account(1).state is AccountState.ACTIVE


def test_one_after_another_is_too_many_too_until_a_day_is_over(house: House) -> None:
    house.sync(users(40))
    for gone in (1, 2):
        house.sync(users(40)[gone:])
    house.sync(users(40)[3:])
    assert [house.account(each).state for each in (1, 2, 3)] == [
        *(AccountState.SUSPENDED, AccountState.SUSPENDED, AccountState.ACTIVE)
    ]
    house.sync(users(40)[2:])
    house.clock.ahead += timedelta(hours=25)
    house.sync(users(40)[3:])
    assert house.account(3).state is AccountState.SUSPENDED


def test_single_pushed_users_are_braked_together(house: House) -> None:
    for each in users(40):
        house.follow.follow(DirectorySource.SCIM, each)
    for number in (1, 2, 3):
        house.follow.follow(DirectorySource.SCIM, user(number, enabled=False))
    [held] = house.follow.report().held
    assert (held.kind, held.count, held.names) == (HeldKind.REMOVAL, 1, ("人员3 (user3)",))
    house.release(HeldKind.REMOVAL)
    with house.appliance.database.reading() as tx:
        assert directories.count_provisioned(tx, DirectorySource.SCIM) == 37


# --- single users


def test_a_pushed_user_is_followed_at_once(house: House) -> None:
    known = house.follow.follow(DirectorySource.SCIM, user(1, key="0" * 32, manager="1" * 32))
    assert (known.id, known.subject) == ("0" * 32, "person-user1")
    boss = house.follow.follow(DirectorySource.SCIM, user(2, key="1" * 32))
    assert house.appliance.database.query(directories.manager_of, "person-user1") == boss.subject
    secret = house.sign_in("person-user1")
    gone = house.follow.remove(DirectorySource.SCIM, "0" * 32)
    assert gone.removed is not None
    assert house.appliance.sessions.find_holder(secret) is None
    with pytest.raises(NotFound):
        house.follow.remove(DirectorySource.SCIM, "nobody")


def test_a_pushed_removal_frees_an_address_for_who_waits_for_it(house: House) -> None:
    for each in users(3):
        house.follow.follow(DirectorySource.SCIM, each)
    claimed = house.follow.follow(DirectorySource.SCIM, user(1, email="user2@enterprise.example"))
    assert claimed.problem == DirectoryProblem.ADDRESS_TWICE
    house.follow.remove(DirectorySource.SCIM, "key-2")
    with house.appliance.database.reading() as tx:
        assert people.person(tx, str(claimed.subject)).email == "user2@enterprise.example"


def test_pushed_users_exchange_addresses(house: House) -> None:
    for each in users(2):
        house.follow.follow(DirectorySource.SCIM, each)
    house.follow.follow(DirectorySource.SCIM, user(1, email="user2@enterprise.example"))
    done = house.follow.follow(DirectorySource.SCIM, user(2, email="user1@enterprise.example"))
    assert done.problem is None
    with house.appliance.database.reading() as tx:
        found = [people.person(tx, f"person-user{each}").email for each in (1, 2)]
    assert found == ["user2@enterprise.example", "user1@enterprise.example"]


def test_somebody_known_from_signing_in_alone_gets_an_account(house: House) -> None:
    known = house.follow.follow(DirectorySource.OPENID, user(1, key="https://id.enterprise.example sub-1"))
    assert house.appliance.database.query(accounts.account, str(known.subject)).state is AccountState.ACTIVE


def test_who_signs_in_without_a_role_any_more_is_out_until_there_is_one_again(tmp_path: Path) -> None:
    with opened_house(tmp_path, signer=["staff"], everybody=[]) as house:
        one = user(1, key="https://id.enterprise.example sub-1")
        subject = str(house.follow.follow(DirectorySource.OPENID, one).subject)
        secret = house.sign_in(subject)
        house.follow.follow(DirectorySource.OPENID, replace(one, groups=frozenset()))
        account = partial(house.appliance.database.query, accounts.account, subject)
        assert account().state is AccountState.SUSPENDED
        assert house.appliance.sessions.find_holder(secret) is None
        house.follow.follow(DirectorySource.OPENID, one)
        assert account().state is AccountState.ACTIVE


# --- readings that cannot be believed, and breaking off


@pytest.mark.parametrize(
    "reading",
    [[], [replace(each, groups=frozenset[str]()) for each in users(5)], [*users(5), user(5)]],
    ids=["nobody", "no group", "a key twice"],
)
def test_a_reading_that_cannot_be_believed_changes_nothing(house: House, reading: list[DirectoryUser]) -> None:
    house.sync(users(5))
    before = [house.stored(each) for each in range(1, 6)]
    with pytest.raises(DirectoryUnavailable):
        house.sync(reading)
    with pytest.raises(DirectoryUnavailable):
        house.follow.plan(LDAP, reading)
    assert [house.stored(each) for each in range(1, 6)] == before


def test_a_reading_that_breaks_off_changes_nothing(house: House) -> None:
    house.sync(users(5))

    def broken() -> Iterator[DirectoryUser]:
        yield user(1)
        raise OSError("the connection ended")

    with pytest.raises(OSError, match="connection"):
        house.sync(broken())
    assert all(house.account(each).state is AccountState.ACTIVE for each in range(1, 6))


class _BrokenOffError(Exception):
    pass


@pytest.mark.parametrize("after", range(1, 8))
def test_what_is_broken_off_anywhere_is_gone_on_with(tmp_path: Path, after: int) -> None:
    with opened_house(tmp_path, initiator=["managers"]) as house:
        house.sync(users(450))
        wanted = [
            user(each, department="新部门", manager="key-900" if each % 2 else "key-21")
            for each in [*range(21, 451), *range(900, 1300)]
        ]
        calls = iter(range(1, 100))

        def reach(_step: str) -> None:
            if next(calls) == after:
                raise _BrokenOffError

        broken = DirectoryAccounts(
            house.appliance.accounts_context,
            house.appliance.accounts.administration,
            house.follow.leaving,
            house.appliance.settings,
            reach,
        )
        with pytest.raises(_BrokenOffError):
            broken.synchronise(LDAP, wanted)
        house.sync(wanted)
        assert house.counts(wanted) == {}
        departed = [each for each in range(1, 21) if house.account(each).state is AccountState.SUSPENDED]
        assert departed == list(range(1, 21))
        assert house.events("person-departed") == 20, "each once"
        assert house.events("manager-changed") == len(wanted)


def test_of_two_synchronisations_one_waits(house: House) -> None:
    def meanwhile(_step: str) -> None:
        house.sync([user(1)])

    other = DirectoryAccounts(
        house.appliance.accounts_context,
        house.appliance.accounts.administration,
        house.follow.leaving,
        house.appliance.settings,
        meanwhile,
    )
    with pytest.raises(StateRefused, match="Another synchronisation"):
        other.synchronise(LDAP, users(2))


def test_a_dry_run_writes_nothing_at_all(house: House) -> None:
    house.sync(users(100))
    database = house.appliance.settings.home.database
    with house.appliance.database.reading() as tx:
        before = tx.count("SELECT count(*) FROM ledger"), tx.count("SELECT total_changes()")
    size = database.stat().st_mtime_ns
    plan = house.follow.plan(LDAP, [user(1, department="财务部", manager="key-2"), *users(90)[1:], user(200)])
    counts = {kind.value: count for kind, count in plan.counts.items()}
    assert counts == {"added": 1, "held": 10, "department": 1, "manager": 1}
    said = [str(sentence) for _, sentence in plan.sentences()]
    assert "人员1 (user1): department  → 财务部" in said
    assert any("waits for two administrators: too many" in each for each in said)
    with house.appliance.database.reading() as tx:
        assert tx.count("SELECT count(*) FROM ledger") == before[0]
    assert database.stat().st_mtime_ns == size
    assert house.counts(users(100)) == {}


def test_an_officers_change_at_the_same_time_is_not_lost(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the comparison and what is done about it."""
    house.sync(users(3))
    subject = house.subject(1)
    ordered = house.follow._do_all

    def suspended_before(changes: object) -> object:
        house.appliance.accounts.administration.suspend(subject, by="officer-wang")
        return ordered(changes)  # type: ignore[arg-type]

    monkeypatch.setattr(house.follow, "_do_all", suspended_before)
    assert house.counts([user(1, department="财务部"), *users(3)[1:]]) == {}
    monkeypatch.undo()
    assert house.counts([user(1, department="财务部"), *users(3)[1:]]) == {"department": 1}
    assert house.account(1).state is AccountState.SUSPENDED

"""Administrators set up their accounts and sign in; nobody else does, and nobody guesses."""

from __future__ import annotations

import pytest

from appliance.accounts.sessions import ClientInfo
from appliance.errors import NotFound, PreconditionRefused, SignInRefused, StateRefused, TooManyAttempts
from appliance.model.administration import ROOT, AdministratorRole, AdministratorState, NewAdministrator
from tests.administration.conftest import GOOD, WHERE, Site


def guess(site: Site, login: str, number: int) -> None:
    """A wrong password, from an address of its own, after every wait."""
    with pytest.raises(SignInRefused):
        site.administration.sign_in.check_password(login, f"wrong {number}", ClientInfo(f"198.51.100.{number}"))
    site.later(minutes=16)


def guess_code(site: Site, login: str, number: int) -> None:
    """The right password and a wrong code, from an address of its own, after every wait."""
    where = ClientInfo(f"198.51.100.{number}")
    ticket = site.administration.sign_in.check_password(login, GOOD, where)
    with pytest.raises(SignInRefused):
        site.administration.sign_in.check_code(ticket, "no code", where)
    site.later(minutes=16)


def test_a_link_leads_to_password_and_code_and_then_in(site: Site) -> None:
    opened = site.set_up("wei", AdministratorRole.SECURITY)
    presence = site.administration.sessions.find_holder(opened.secret)
    assert presence is not None
    assert (presence.actor.login, presence.actor.role) == ("wei", AdministratorRole.SECURITY)
    assert site.told() == ["administrator-added", "link-made", "administrator-set-up"]


def test_a_link_works_once_and_for_a_day(site: Site) -> None:
    used, old = site.add("wei", AdministratorRole.SYSTEM), site.add("old", AdministratorRole.SYSTEM)
    site.choose(used, "wei")
    with pytest.raises(StateRefused, match="used already"):
        site.administration.account_setup.open_link(used)
    site.later(hours=24)
    with pytest.raises(StateRefused, match="expired"):
        site.administration.account_setup.open_link(old)
    with pytest.raises(NotFound):
        site.administration.account_setup.open_link("made up")


def test_a_newer_link_ends_the_one_before(site: Site) -> None:
    first = site.add("wei", AdministratorRole.SYSTEM)
    second = site.administration.administrators.link("wei", by=ROOT).token
    with pytest.raises(StateRefused):
        site.administration.account_setup.open_link(first)
    site.choose(second, "wei")
    with pytest.raises(StateRefused, match="set up"):
        site.administration.administrators.link("wei", by=ROOT)


def test_signing_in_takes_password_and_code(site: Site) -> None:
    site.set_up("wei")
    opened = site.sign_in("WEI ")
    assert site.administration.sessions.find_holder(opened.secret)
    with pytest.raises(SignInRefused, match="used before"):
        site.sign_in("wei")
    site.later(seconds=30)
    ticket = site.administration.sign_in.check_password("wei", GOOD, WHERE)
    with pytest.raises(SignInRefused):
        site.administration.sign_in.check_code(ticket, "000000", WHERE)


def test_the_portals_throttle_holds_here_too(site: Site) -> None:
    site.set_up("wei")
    for _ in range(5):
        with pytest.raises(SignInRefused):
            site.sign_in("wei", "wrong")
    with pytest.raises(TooManyAttempts):
        site.sign_in("wei")


def test_ten_wrong_codes_after_the_right_password_lock_until_somebody_else_unlocks(site: Site) -> None:
    site.set_up("wei")
    opened = site.sign_in("wei")
    for number in range(10):
        guess_code(site, "wei", number)
    assert site.administration.administrators.administrator("wei").state is AdministratorState.LOCKED
    assert site.administration.sessions.find_holder(opened.secret) is None
    with pytest.raises(SignInRefused):
        site.sign_in("wei")
    site.administration.administrators.unlock("wei", by=ROOT)
    site.later(minutes=16)
    assert site.sign_in("wei")


def test_nobody_is_kept_out_by_who_guesses_from_elsewhere(site: Site) -> None:
    """Neither by a lock nor by waits; who guesses waits longer and longer."""
    site.set_up("wei")
    for number in range(30):
        guess(site, "wei", number)
    for _ in range(5):
        with pytest.raises(SignInRefused):
            site.administration.sign_in.check_password("wei", "wrong", ClientInfo("198.51.100.1"))
    with pytest.raises(TooManyAttempts):
        site.administration.sign_in.check_password("wei", "wrong", ClientInfo("198.51.100.1"))
    assert site.administration.administrators.administrator("wei").state is AdministratorState.ACTIVE
    assert site.sign_in("wei")


def test_wrong_codes_between_good_sign_ins_lock_nobody(site: Site) -> None:
    site.set_up("wei")
    for round_ in range(3):
        for number in range(4):
            guess_code(site, "wei", 10 * round_ + number)
        site.sign_in("wei")
        site.later(seconds=30)
    assert site.administration.administrators.administrator("wei").state is AdministratorState.ACTIVE


def test_sessions_end_when_idle_when_closed_and_at_last(site: Site) -> None:
    sessions = site.administration.sessions
    idle = site.set_up("wei")
    site.later(minutes=31)
    assert sessions.find_holder(idle.secret) is None
    used = site.sign_in("wei")
    for _ in range(25):
        site.later(minutes=29)
        last = sessions.find_holder(used.secret)
    assert last is None, "twelve hours are the most"
    closed = site.sign_in("wei")
    sessions.close(closed.secret)
    assert sessions.find_holder(closed.secret) is None
    assert sessions.sessions_of("wei") == []


def test_one_ends_ones_own_sessions_and_no_others(site: Site) -> None:
    mine, others = site.set_up("wei"), site.set_up("lan")
    with pytest.raises(NotFound):
        site.administration.sessions.revoke_session(others.session.id, by=site.actor("wei"))
    site.administration.sessions.revoke_session(mine.session.id, by=site.actor("wei"))
    assert site.administration.sessions.find_holder(mine.secret) is None
    assert site.administration.sessions.find_holder(others.secret)


def test_a_new_password_ends_the_other_sessions(site: Site) -> None:
    other, this = site.set_up("wei"), site.sign_in("wei")
    presence = site.administration.sessions.find_holder(this.secret)
    assert presence is not None
    site.administration.own.change_password(presence, "另一句足够长的话，与姓名无关")
    assert site.administration.sessions.find_holder(other.secret) is None
    assert site.administration.sessions.find_holder(this.secret)
    site.later(seconds=30)
    with pytest.raises(SignInRefused):
        site.sign_in("wei")
    assert site.sign_in("wei", "另一句足够长的话，与姓名无关")


def test_a_reset_ends_everything_and_begins_anew(site: Site) -> None:
    opened = site.set_up("wei")
    site.administration.administrators.reset("wei", by=ROOT)
    assert site.administration.sessions.find_holder(opened.secret) is None
    with pytest.raises(SignInRefused):
        site.sign_in("wei")
    site.choose(site.administration.administrators.link("wei", by=ROOT).token, "wei")
    assert site.sign_in("wei")


def test_who_is_suspended_is_out_at_once(site: Site) -> None:
    opened = site.set_up("wei")
    site.administration.administrators.suspend("wei", by=ROOT)
    assert site.administration.sessions.find_holder(opened.secret) is None
    with pytest.raises(SignInRefused):
        site.sign_in("wei")
    site.administration.administrators.resume("wei", by=ROOT)
    assert site.sign_in("wei")


def test_nobody_changes_their_own_account(site: Site) -> None:
    site.set_up("wei", AdministratorRole.SECURITY)
    wei = site.actor("wei")
    changes = site.administration.administrators
    for change in (changes.suspend, changes.resume, changes.unlock, changes.reset, changes.remove, changes.link):
        with pytest.raises(PreconditionRefused, match="own account"):
            change("wei", by=wei)


def test_the_last_of_a_kind_stays(site: Site) -> None:
    site.set_up("wei", AdministratorRole.AUDITOR)
    with pytest.raises(StateRefused, match="last one"):
        site.administration.administrators.remove("wei", by=ROOT)
    site.set_up("lan", AdministratorRole.AUDITOR)
    site.administration.administrators.remove("wei", by=ROOT)
    assert site.administration.administrators.administrator("wei").state is AdministratorState.LEFT
    with pytest.raises(StateRefused):
        site.administration.administrators.resume("wei", by=ROOT)


def test_the_first_of_a_kind_is_roots_and_no_other(site: Site) -> None:
    first = NewAdministrator("wei", "卫示例", "wei@ops.example", AdministratorRole.SYSTEM)
    site.administration.administrators.add_first(first)
    second = NewAdministrator("lan", "兰示例", "lan@ops.example", AdministratorRole.SYSTEM)
    with pytest.raises(StateRefused, match="two persons"):
        site.administration.administrators.add_first(second)


@pytest.mark.parametrize(
    ("login", "name", "email"),
    [
        ("w", "卫示例", "wei@ops.example"),
        ("root", "卫示例", "wei@ops.example"),
        ("System", "卫示例", "wei@ops.example"),
        ("wei wei", "卫示例", "wei@ops.example"),
        ("wei", " ", "wei@ops.example"),
        ("wei", "卫\n示例", "wei@ops.example"),
        ("wei", "卫示例", "no address"),
    ],
)
def test_values_that_are_not_possible_are_refused(site: Site, login: str, name: str, email: str) -> None:
    with pytest.raises(PreconditionRefused):
        new = NewAdministrator(login, name, email, AdministratorRole.SYSTEM)
        site.administration.administrators.add(new, by=ROOT)
    assert site.administration.administrators.everybody() == []


def test_the_secret_of_codes_opens_for_its_owner_and_this_key_alone(site: Site) -> None:
    site.set_up("wei")
    site.set_up("lan")
    database = site.settings.home.administration
    assert database.stat().st_mode & 0o777 == 0o600
    stored = database.read_bytes() + database.with_name(database.name + "-wal").read_bytes()
    assert site.secrets["wei"] not in stored
    assert GOOD.encode() not in stored

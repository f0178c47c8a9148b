"""Ways in: password with code, passkeys; every refusal, throttling, replays."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path

import argon2
import pytest
from pysqlite3 import dbapi2 as sqlite

from appliance.accounts import passwords
from appliance.accounts.sessions import ClientInfo
from appliance.accounts.throttle import LOGIN, LOGIN_FROM_NETWORK, LONGEST_WAIT, NETWORK, network_of
from appliance.errors import SignInRefused, StateRefused, TooManyAttempts
from appliance.store import attempts
from hsm import schema
from tests.accounts.conftest import GOOD, OFFICER, WHERE, Site
from tests.accounts.device import Device

ELSEWHERE = ClientInfo("198.51.100.9")


def with_passkey(site: Site, login: str) -> tuple[str, Device]:
    """An account with login codes and a passkey: its subject, and the device."""
    subject, device = site.set_up(login).session.subject, Device()
    offer = site.service.passkeys.offer_registration(subject, login=login, name=login)
    made = site.service.passkeys.verify_registration(subject, offer.ticket, device.create(offer.options))
    site.service.own.add_passkey(subject, made, "工作电脑")
    return subject, device


def test_password_and_code_let_in(site: Site) -> None:
    subject = site.set_up("chen").session.subject
    opened = site.sign_in("  CHEN ")
    assert opened.session.subject == subject
    presence = site.context.sessions.find_holder(opened.secret)
    assert presence is not None and presence.session.address == "192.0.2.7"
    assert site.told()[-1] == "signed-in"


def test_whoever_is_unknown_hears_the_same_as_whoever_is_wrong(site: Site) -> None:
    site.set_up("chen")
    heard = set()
    for login, password in (("chen", "not the right one"), ("nobody", GOOD), ("", ""), ("x" * 65, "y" * 999)):
        with pytest.raises(SignInRefused) as refusal:
            site.service.sign_in.check_password(login, password, WHERE)
        heard.add(str(refusal.value))
    assert len(heard) == 1


def test_an_unknown_login_takes_as_much_work_as_a_known_one(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.set_up("chen")
    hasher, compared = passwords._hasher, []

    class Recording:
        hash = hasher.hash

        def verify(self, stored: str, password: str) -> bool:
            compared.append(argon2.extract_parameters(stored))
            return hasher.verify(stored, password)

    passwords._nobodys.cache_clear()
    monkeypatch.setattr(passwords, "_hasher", Recording())
    for login in ("chen", "nobody"):
        with pytest.raises(SignInRefused):
            site.service.sign_in.check_password(login, "not the right one", WHERE)
    known, unknown = compared
    assert known == unknown == argon2.extract_parameters(hasher.hash("another one"))


def test_an_account_that_is_not_set_up_or_suspended_lets_nobody_in(site: Site) -> None:
    subject = site.set_up("chen").session.subject
    site.service.administration.suspend(subject, by=OFFICER)
    site.invited("zhou")
    for login in ("chen", "zhou"):
        with pytest.raises(SignInRefused):
            site.service.sign_in.check_password(login, GOOD, WHERE)


def test_a_wrong_code_is_refused_and_a_right_one_counts_once(site: Site) -> None:
    site.set_up("chen")
    passed = site.service.sign_in.check_password("chen", GOOD, WHERE)
    wrong = f"{(int(site.code('chen')) + 1) % 1_000_000:06d}"
    for code in (wrong, "", "abcdef", "１２３４５６", "9" * 50):
        with pytest.raises(SignInRefused):
            site.service.sign_in.check_code(passed.ticket, code, ClientInfo("192.0.2.8"))
        site.later(seconds=601)
        passed = site.service.sign_in.check_password("chen", GOOD, WHERE)
    code = site.code("chen")
    site.service.sign_in.check_code(passed.ticket, f"{code[:3]} {code[3:]}", WHERE)
    again = site.service.sign_in.check_password("chen", GOOD, WHERE)
    with pytest.raises(SignInRefused, match="used before"):
        site.service.sign_in.check_code(again.ticket, code, WHERE)


def test_the_second_step_waits_five_minutes_and_works_once(site: Site) -> None:
    site.set_up("chen")
    passed = site.service.sign_in.check_password("chen", GOOD, WHERE)
    with pytest.raises(StateRefused):
        site.service.sign_in.check_code(passed.ticket[:-1] + "x", site.code("chen"), WHERE)
    site.service.sign_in.check_code(passed.ticket, site.code("chen"), WHERE)
    site.later(seconds=30)
    with pytest.raises(StateRefused):
        site.service.sign_in.check_code(passed.ticket, site.code("chen"), WHERE)
    late = site.service.sign_in.check_password("chen", GOOD, WHERE)
    site.later(minutes=5)
    with pytest.raises(StateRefused):
        site.service.sign_in.check_code(late.ticket, site.code("chen"), WHERE)


@pytest.mark.parametrize("login", ["chen", "nobody"])
def test_waits_begin_after_five_failures_double_and_end(site: Site, login: str) -> None:
    site.set_up("chen")
    for _ in range(LOGIN_FROM_NETWORK.free):
        with pytest.raises(SignInRefused):
            site.service.sign_in.check_password(login, "not the right one", WHERE)
    with pytest.raises(TooManyAttempts) as first:
        site.service.sign_in.check_password(login, GOOD, WHERE)
    assert first.value.values["until"] == site.at.replace(microsecond=0) + timedelta(seconds=30)
    assert site.told()[-1] == "sign-in-blocked"
    site.later(seconds=31)
    with pytest.raises(SignInRefused):
        site.service.sign_in.check_password(login, "still not right", WHERE)
    with pytest.raises(TooManyAttempts) as second:
        site.service.sign_in.check_password(login, GOOD, WHERE)
    assert second.value.values["until"] == site.at.replace(microsecond=0) + timedelta(seconds=60)
    site.later(seconds=61)
    if login == "chen":
        site.sign_in("chen")
        with pytest.raises(SignInRefused):  # the count began anew
            site.service.sign_in.check_password(login, "not the right one", WHERE)


def test_the_password_alone_gives_no_new_tries_for_the_code(site: Site) -> None:
    site.set_up("chen")
    for _ in range(LOGIN_FROM_NETWORK.free):
        passed = site.service.sign_in.check_password("chen", GOOD, WHERE)
        with pytest.raises(SignInRefused):
            site.service.sign_in.check_code(passed.ticket, "000000", WHERE)
    with pytest.raises(TooManyAttempts):
        site.service.sign_in.check_password("chen", GOOD, WHERE)


def test_an_address_that_tries_many_accounts_waits_too(site: Site) -> None:
    site.set_up("chen")
    for number in range(NETWORK.free):
        with pytest.raises(SignInRefused):
            site.service.sign_in.check_passkey(
                "", json.dumps({"rawId": f"{number:04d}", "response": {}}), ELSEWHERE
            )
    with pytest.raises(TooManyAttempts):
        site.service.sign_in.check_password("chen", GOOD, ELSEWHERE)
    assert site.sign_in("chen").session.subject, "other addresses are not held up"


def guesses(site: Site, login: str, *, hours: int, addresses: Callable[[int], str]) -> int:
    """How many wrong passwords are looked at of those sent every ten seconds, each from the next address."""
    looked_at, until = 0, site.at + timedelta(hours=hours)
    for number in count():
        if site.at >= until:
            return looked_at
        try:
            site.service.sign_in.check_password(login, f"wrong {number}", ClientInfo(addresses(number)))
        except SignInRefused:
            looked_at += 1
        except TooManyAttempts:
            pass
        site.later(seconds=10)
    raise AssertionError


def test_who_guesses_from_one_address_is_slowed_and_keeps_nobody_out(site: Site) -> None:
    site.set_up("chen")
    at_most = LOGIN_FROM_NETWORK.free + 5 + timedelta(hours=3) // LONGEST_WAIT
    assert guesses(site, "chen", hours=3, addresses=lambda _: "198.51.100.9") <= at_most
    with pytest.raises(TooManyAttempts):
        site.service.sign_in.check_password("chen", GOOD, ELSEWHERE)
    site.service.sign_in.confirm_password(site.sign_in("chen").session.subject, GOOD, WHERE)
    assert site.service.sign_in.check_password("chen", GOOD, ClientInfo("203.0.113.5")), (
        "nor where they never were"
    )


@pytest.mark.parametrize("pattern", ["198.51.{}.{}", "2001:db8:{:x}:{:x}::1"])
def test_who_guesses_from_everywhere_is_slowed_and_the_owner_comes_in(site: Site, pattern: str) -> None:
    site.set_up("chen")
    at_most = LOGIN.free + 5 + timedelta(hours=3) // LONGEST_WAIT
    assert guesses(site, "chen", hours=3, addresses=lambda n: pattern.format(n // 256, n % 256)) <= at_most
    with pytest.raises(TooManyAttempts, match="many places"):
        site.service.sign_in.check_password("chen", GOOD, ClientInfo("203.0.113.5"))
    site.sign_in("chen")
    with pytest.raises(TooManyAttempts):  # the owner's coming in gives the others no new tries
        site.service.sign_in.check_password("chen", GOOD, ClientInfo("203.0.113.5"))


def test_one_subscriber_of_ipv6_is_one_network(site: Site) -> None:
    assert network_of("2001:db8:1:2:3:4:5:6") == network_of("2001:db8:1:2::9") == "2001:db8:1:2::/64"
    assert network_of("::ffff:192.0.2.7") == network_of("192.0.2.7") == "192.0.2.7"
    assert network_of("fe80::1%eth0") == "fe80::/64"
    site.set_up("chen")
    looked_at = guesses(site, "chen", hours=1, addresses=lambda n: f"2001:db8::{n:x}")
    assert looked_at <= LOGIN_FROM_NETWORK.free + 9


def test_who_is_known_somewhere_waits_for_nobody_elses_guesses_there(site: Site) -> None:
    """Behind one address of a company somebody tries every login; the others there sign in all the same."""
    site.set_up("chen")
    for number in range(NETWORK.free):
        with pytest.raises(SignInRefused):
            site.service.sign_in.check_password(f"login-{number}", "wrong", WHERE)
    with pytest.raises(TooManyAttempts):
        site.service.sign_in.check_password("somebody", "wrong", WHERE)
    assert site.sign_in("chen")


def test_an_account_of_ones_own_does_not_end_the_wait_of_a_network(site: Site) -> None:
    """Whoever tries every login from one network, and signs in to an own account there in between, waits too."""
    site.set_up("chen")
    site.sign_in("chen")
    looked_at = 0
    for number in range(NETWORK.free + 20):
        try:
            site.service.sign_in.check_password(f"login-{number}", "wrong", WHERE)
        except SignInRefused:
            looked_at += 1
        except TooManyAttempts:
            pass
        assert site.service.sign_in.check_password("chen", GOOD, WHERE)
    assert looked_at <= NETWORK.free


def test_what_is_counted_is_bounded(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "MOST", 20)
    for number in range(30):
        with pytest.raises(SignInRefused):
            site.service.sign_in.check_password(f"login-{number}", "wrong", ClientInfo(f"192.0.2.{number}"))
    with site.context.database.reading() as tx:
        assert tx.execute("SELECT count(*) FROM throttle").fetchone()[0] <= 20
    site.later(minutes=61)
    with pytest.raises(SignInRefused):
        site.service.sign_in.check_password("chen", "wrong", WHERE)
    with site.context.database.reading() as tx:
        assert tx.execute("SELECT count(*) FROM throttle").fetchone()[0] == 3


def test_who_waited_before_an_upgrade_waits_no_more(tmp_path: Path) -> None:
    """Counts of releases that counted by login alone are gone, in the portal and in the console."""
    for package, before in (("appliance.store", 29), ("appliance.store.administration", 4)):
        path = tmp_path / f"{before}.db"
        connection = sqlite.connect(path, isolation_level=None)
        for step, script in sorted(schema._steps(package)):
            if step <= before:
                schema._apply(connection, script, step)
        connection.execute(f"PRAGMA user_version = {before}")
        connection.execute("INSERT INTO throttle VALUES ('account:00', 9, '2099-01-01', '2099-01-01')")
        schema.Schema(package).migrate(connection, path)
        assert connection.execute("SELECT count(*) FROM throttle").fetchone()[0] == 0
        connection.close()


def test_a_passkey_lets_in_without_a_login(site: Site) -> None:
    subject, device = with_passkey(site, "chen")
    offer = site.service.passkeys.offer_sign_in()
    opened = site.service.sign_in.check_passkey(offer.ticket, device.get(offer.options), WHERE)
    assert opened.session.subject == subject
    [passkey] = site.service.own.passkeys(subject)
    assert (passkey.sign_count, passkey.used) == (1, site.at.replace(microsecond=0))


def test_an_answer_of_a_passkey_counts_once(site: Site) -> None:
    _, device = with_passkey(site, "chen")
    offer = site.service.passkeys.offer_sign_in()
    answer = device.get(offer.options)
    site.service.sign_in.check_passkey(offer.ticket, answer, WHERE)
    with pytest.raises((SignInRefused, StateRefused)):
        site.service.sign_in.check_passkey(offer.ticket, answer, WHERE)
    device.inside.counter += 5
    with pytest.raises(StateRefused, match="used already"):
        site.service.sign_in.check_passkey(offer.ticket, device.get(offer.options), WHERE)


def test_a_copied_passkey_is_noticed_by_its_counter(site: Site) -> None:
    _, device = with_passkey(site, "chen")
    for counter, lets_in in ((7, True), (3, False)):
        offer = site.service.passkeys.offer_sign_in()
        device.inside.counter = counter
        if lets_in:
            site.service.sign_in.check_passkey(offer.ticket, device.get(offer.options), WHERE)
        else:
            with pytest.raises(SignInRefused):
                site.service.sign_in.check_passkey(offer.ticket, device.get(offer.options), WHERE)


def test_passkeys_of_others_and_broken_answers_let_nobody_in(site: Site) -> None:
    _, device = with_passkey(site, "chen")
    other = site.set_up("zhou").session.subject
    offer = site.service.passkeys.offer_sign_in()
    stranger, foreign = Device(), Device(origin="http://localhost:9999")
    stranger.handle = device.handle
    foreign.inside = replace(device.inside, origin="http://localhost:9999")
    foreign.handle = device.handle
    posed = Device()
    posed.inside, posed.handle = device.inside, site.service.passkeys.user_handle(other)
    for answer in (stranger.get(offer.options), foreign.get(offer.options), posed.get(offer.options)):
        with pytest.raises(SignInRefused):
            site.service.sign_in.check_passkey(offer.ticket, answer, WHERE)
    for answer in (
        "",
        "{}",
        "[]",
        "null",
        '{"rawId": 1}',
        '{"rawId": "AA", "response": 3}',
        "x" * 50_000,
        "[" * 20_000,
    ):
        with pytest.raises(SignInRefused):
            site.service.sign_in.check_passkey(offer.ticket, answer, WHERE)


def test_an_old_offer_is_refused(site: Site) -> None:
    _, device = with_passkey(site, "chen")
    offer = site.service.passkeys.offer_sign_in()
    site.later(minutes=10)
    with pytest.raises(StateRefused):
        site.service.sign_in.check_passkey(offer.ticket, device.get(offer.options), WHERE)

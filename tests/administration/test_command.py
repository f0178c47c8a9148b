"""The command: root adds the first administrators and asks for anything; the second person proves who it is."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner, Result

from appliance.accounts.sessions import ClientInfo
from appliance.administration import open_administration
from appliance.administration.actions import REGISTRY
from appliance.administration.confirmed import RootConfirmations
from appliance.administration.sign_in import AdministratorSignIn
from appliance.cli import main
from appliance.cli.program import Terminal
from appliance.clock import utc_now
from appliance.config import load
from appliance.home import Home
from appliance.model.administration import Actor, AdministratorRole, AdminRequest, AdminRequestState
from appliance.store.administration import ADMINISTRATION, admin_requests
from appliance.store.database import Database
from hsm.activation.credentials import code_at, step_of
from tests.accounts.device import Device
from tests.administration.conftest import GOOD

HERE = ClientInfo("192.0.2.7")


def run(home: Home, *arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(main, ["--home", str(home.root), *arguments], input=typed, env={"LC_ALL": "C"})


def added(home: Home, login: str, role: str) -> str:
    """The token in the link that is printed."""
    values = ("--role", role, "--name", f"{login} 示例", "--email", f"{login}@ops.example")
    done = run(home, "administrators", "add", login, *values)
    assert done.exit_code == 0, done.output
    found = re.search(r"/welcome/(\S+)", done.output)
    assert found is not None
    return found[1]


def set_up(home: Home, token: str) -> bytes:
    """Password :data:`GOOD` and a code, a minute ago; the secret of the codes."""
    with open_administration(load(home), now=lambda: utc_now() - timedelta(minutes=1)) as administration:
        welcoming = administration.account_setup
        welcoming.choose_password(welcoming.open_link(token), GOOD)
        draft = welcoming.code_draft(welcoming.open_link(token))
        secret = base64.b32decode(draft.secret)
        code = code_at(secret, step_of(utc_now() - timedelta(minutes=1)))
        welcoming.finish_with_code(welcoming.open_link(token), draft.sealed, code, HERE)
        return secret


def asked(home: Home) -> str:
    """The id of a request of root's that takes two persons."""
    done = run(home, "do", "release.rollback")
    assert done.exit_code == 0, done.output
    found = re.search(r"approve ([0-9a-f]{12}) --login", done.output)
    assert found is not None, done.output
    return found[1]


def test_root_adds_the_first_of_a_kind_and_no_second(home: Home) -> None:
    set_up(home, added(home, "shi", "security"))
    second = run(
        home, "administrators", "add", "lan", "--role", "security", "--name", "兰", "--email", "l@ops.example"
    )
    assert second.exit_code == 1
    assert "two persons" in second.output
    assert "shi  security, active: shi 示例" in run(home, "administrators", "list").output
    recovered = run(home, "administrators", "recover", "shi")
    assert "/welcome/" in recovered.output
    assert "invited" in run(home, "administrators", "list").output


def test_root_does_what_takes_one_person(home: Home) -> None:
    set_up(home, added(home, "shi", "security"))
    done = run(home, "do", "administrators.suspend", "--login", "shi")
    assert (done.exit_code, "shi is suspended." in done.output) == (0, True), done.output
    again = run(home, "do", "administrators.suspend", "--login", "shi")
    assert (again.exit_code, "is suspended; this is not done to it" in again.output) == (1, True), again.output
    assert run(home, "do", "administrators.suspend").exit_code == 2, "an argument is missing"
    assert run(home, "do", "made.up").exit_code == 2


def test_a_second_person_proves_who_it_is_and_approves(home: Home) -> None:
    secret = set_up(home, added(home, "shi", "security"))
    act = asked(home)
    assert act in run(home, "acts").output
    wrong = run(home, "approve", act, "--login", "shi", typed=f"wrong\n{code_at(secret, step_of(utc_now()))}\n")
    assert (wrong.exit_code, "wrong" in wrong.output) == (1, True)
    assert act in run(home, "acts").output
    typed = f"{GOOD}\n{code_at(secret, step_of(utc_now()))}\n"
    approved = run(home, "approve", act, "--login", "shi", typed=typed)
    assert "Everything stops, and the release before" in approved.output
    assert approved.exit_code == 1, "in development there is no release to go back to, which is its outcome"
    assert "on an appliance alone" in approved.output
    assert f"{act}  release.rollback, failed" in run(home, "acts", "--all").output


def test_root_who_asks_for_a_link_has_its_code(home: Home) -> None:
    """Whether it is approved here or in the console: the link is not enough, whoever sees it."""
    secret = set_up(home, added(home, "shi", "security"))
    added(home, "sun", "system")
    asked_for = run(home, "do", "administrators.link", "--login", "sun").output
    act = re.search(r"approve ([0-9a-f]{12}) ", asked_for)
    code = re.search(r": ([A-Z2-7]{4}-[A-Z2-7]{4})$", asked_for, re.MULTILINE)
    assert act is not None and code is not None, asked_for
    typed = f"{GOOD}\n{code_at(secret, step_of(utc_now()))}\n"
    approved = run(home, "approve", act[1], "--login", "shi", typed=typed).output
    link = re.search(r"/welcome/(\S+)", approved)
    assert link is not None and code[1] not in approved, approved
    with open_administration(load(home), now=utc_now) as administration:
        arrival = administration.account_setup.open_link(link[1])
        assert arrival.needs_code
        assert administration.account_setup.choose_password(arrival, GOOD, code=code[1])


def rewritten(home: Home, statement: str, *values: str) -> None:
    """What whoever has taken the console over can do to its database at any moment."""
    database = Database(home.administration, ADMINISTRATION)
    with database.transaction() as tx:
        for (name,) in tx.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            tx.execute(f"DROP TRIGGER {name}")
        tx.execute(statement, values)
    database.close()


def test_what_is_approved_is_what_was_on_the_screen(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another act is put in its place while the second person types password and code."""
    secret = set_up(home, added(home, "shi", "security"))
    act, prove = asked(home), AdministratorSignIn.prove_both

    def meanwhile(self: AdministratorSignIn, *given: Any) -> Actor:
        proven = prove(self, *given)
        effect = REGISTRY["authority.restart"].effect
        rewritten(home, "UPDATE acts SET action = 'authority.restart', effect = ?", effect)
        return proven

    monkeypatch.setattr(AdministratorSignIn, "prove_both", meanwhile)
    typed = f"{GOOD}\n{code_at(secret, step_of(utc_now()))}\n"
    approved = run(home, "approve", act, "--login", "shi", typed=typed)
    assert (approved.exit_code, "was changed after it was shown" in approved.output) == (1, True), approved.output
    assert len(list((home.confirmed / "acts").iterdir())) == 1, "what root asked for, and no approval"


def test_the_kind_that_counts_is_the_one_that_root_read(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    fingerprint = registered(home, "sun", set_up(home, added(home, "sun", "system")))

    def meanwhile(*_given: Any, **_more: Any) -> bool:
        rewritten(home, "UPDATE administrators SET role = 'security'")
        return True

    monkeypatch.setattr(Terminal, "confirms", meanwhile)
    done = run(home, "administrators", "confirm", "sun", fingerprint)
    assert f"sun, system: sun 示例; passkey {fingerprint}" in done.output
    assert [key.role for key in RootConfirmations(home.confirmed).all_keys()] == [AdministratorRole.SYSTEM]


def test_what_another_release_asked_for_is_listed_in_its_words(home: Home) -> None:
    """After a rollback: one that this release does not know hides none of the others."""
    act = asked(home)
    newer = AdminRequest(
        "0" * 12, "made.up", {}, "Something new.", AdminRequestState.WAITING, 2, "sun", utc_now(), utc_now()
    )
    database = Database(home.administration, ADMINISTRATION)
    with database.transaction() as tx:
        admin_requests.insert_request(tx, replace(newer, expires=newer.asked + timedelta(days=1)))
    database.close()
    listed = run(home, "acts")
    assert listed.exit_code == 0, listed.output
    assert "made.up" in listed.output and "Something new." in listed.output and act in listed.output


def registered(home: Home, login: str, secret: bytes) -> str:
    """A passkey of *login*, added in the console; its fingerprint."""
    settings = load(home)
    with open_administration(settings, now=utc_now) as administration:
        ticket = administration.sign_in.check_password(login, GOOD, HERE)
        opened = administration.sign_in.check_code(ticket, code_at(secret, step_of(utc_now())), HERE)
        presence = administration.sessions.find_holder(opened.secret)
        assert presence is not None
        offer = administration.own.offer_registration(presence)
        device = Device(settings.console.origin, settings.console.relying_party)
        return administration.own.add_passkey(
            presence, offer.ticket, device.create(offer.options), "key"
        ).fingerprint


def test_root_confirms_a_passkey_and_takes_it_back(home: Home) -> None:
    fingerprint = registered(home, "shi", set_up(home, added(home, "shi", "security")))
    assert run(home, "administrators", "keys").output == f"shi  {fingerprint}  to be confirmed\n"
    assert run(home, "administrators", "confirm", "shi", "0000 1111").exit_code == 1
    doubted = run(home, "administrators", "confirm", "shi", fingerprint, typed="n\n")
    assert (doubted.exit_code, f"shi, security: shi 示例; passkey {fingerprint}" in doubted.output) == (1, True)
    assert "to be confirmed" in run(home, "administrators", "keys").output
    done = run(home, "administrators", "confirm", "shi", *fingerprint.split(), typed="y\n")
    assert (done.exit_code, "counts from now on" in done.output) == (0, True), done.output
    assert run(home, "administrators", "keys").output == f"shi  {fingerprint}  counts\n"
    taken = run(home, "administrators", "unconfirm", "shi")
    assert (taken.exit_code, "Passkeys of shi that do not count any more: 1." in taken.output) == (0, True)
    assert run(home, "administrators", "unconfirm", "shi").exit_code == 1


def test_what_is_asked_for_shows_its_arguments_apart(home: Home) -> None:
    done = run(home, "do", "administrators.suspend", "--login", 'x” is gone; "y')
    assert "“x\\u201d is gone; \\u0022y” cannot sign in any more" in done.output


def test_a_request_is_refused_or_withdrawn(home: Home) -> None:
    secret = set_up(home, added(home, "shi", "security"))
    first, second = asked(home), asked(home)
    typed = f"{GOOD}\n{code_at(secret, step_of(utc_now()))}\n"
    refused = run(home, "approve", first, "--login", "shi", "--refuse", typed=typed)
    assert (refused.exit_code, f"{first} is refused." in refused.output) == (0, True), refused.output
    assert run(home, "withdraw", second).output == f"{second} is withdrawn.\n"
    assert run(home, "withdraw", second).exit_code == 1
    assert run(home, "acts").output == ""

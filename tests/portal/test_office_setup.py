"""``/setup``: the first officer, once, by the ceremony's code."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pysqlite3 import dbapi2 as sqlite

from appliance.demonstration import participants
from appliance.model.accounts import AccountRole, AccountState
from appliance.model.office import NewOfficer
from appliance.office.appointing import Appointing
from appliance.store import accounts, enrolment
from appliance.wiring import Appliance
from hsm.authenticator import SoftwareAuthenticator
from hsm.errors import AuthorityUnreachable
from hsm.store.ceremonies import new_code
from tests.portal.conftest import portal_of
from tests.portal.office_visits import options_in, registration_by, token_in
from tests.world import World, shared_world, with_parts

PASSWORD = "朱砂 蜡 雨 四更 钟楼"


@pytest.fixture
def own_world() -> Iterator[World]:
    with shared_world() as world:
        yield world


@pytest.fixture
def own(own_world: World) -> Iterator[Appliance]:
    with own_world.opened() as appliance:
        yield appliance


@pytest.fixture
def own_portal(own: Appliance) -> Flask:
    return portal_of(own, own.authority)


def visiting(portal: Flask) -> FlaskClient:
    client = portal.test_client()
    client.environ_base["HTTP_ACCEPT"] = "text/html"
    client.set_cookie("language", "en")
    return client


def form(appliance: Appliance, page: str, **changes: str) -> dict[str, str]:
    """The whole form, answered by a new authenticator."""
    web = appliance.settings.web
    device = SoftwareAuthenticator.create(web.relying_party, web.origin)
    filled = {
        "form_token": token_in(page),
        "subject": token_in(page, "subject"),
        "ticket": token_in(page, "ticket"),
        "credential": registration_by(device, str(options_in(page)["challenge"])),
        "code": appliance.settings.home.setup_code.read_text().strip(),
        "name": "周见证",
        "organisation": participants.ALPHA,
        "email": "zhou@example.test",
        "login": "Zhou",
        "password": PASSWORD,
    }
    return {**filled, **changes}


def test_the_first_officer_registers_and_is_in(own: Appliance, own_portal: Flask) -> None:
    browser = visiting(own_portal)
    assert 'href="/setup"' in browser.get("/").text
    answer = browser.post("/setup", data=form(own, browser.get("/setup").text))

    assert answer.status_code == 303 and answer.headers["Location"].endswith("/office")
    assert browser.get("/office").status_code == 200
    [account] = own.database.query(accounts.everybody)
    assert (account.login, account.state, account.roles) == ("zhou", AccountState.ACTIVE, {AccountRole.OFFICER})
    assert [each.kind for each in own.authority.credentials(account.subject)] == ["webauthn"]
    assert [each.label for each in own.accounts.own.passkeys(account.subject)] == ["初始设置时创建"], (
        "house's language"
    )
    assert "is set up" in browser.get("/setup").text
    late = visiting(own_portal)
    assert 'href="/setup"' not in late.get("/").text
    token = token_in(late.get("/verify").text)
    again = late.post("/setup", data={"form_token": token, "code": new_code(), "password": PASSWORD})
    assert again.status_code == 422 and "is set up" in again.text


def test_bad_input_is_said_at_its_place_and_costs_nothing(own: Appliance, own_portal: Flask) -> None:
    browser = visiting(own_portal)
    for changes, status, said in (
        ({"code": ""}, 422, "Enter the set-up code"),
        ({"code": new_code()}, 403, "set-up code is wrong"),
        ({"name": ""}, 422, "in 1 to 100 characters"),
        ({"name": "<b>周</b>", "login": "x"}, 422, "&lt;b&gt;周&lt;/b&gt;"),
        ({"organisation": "没有的公司"}, 422, "one of the organisations"),
        ({"email": "zhou"}, 422, "no e-mail address"),
        ({"password": "short"}, 422, "assword"),
        ({"credential": "{}"}, 409, "passkey"),
        ({"ticket": "old"}, 409, ""),
    ):
        answer = browser.post("/setup", data=form(own, browser.get("/setup").text, **changes))
        assert answer.status_code == status and said in answer.text, (changes, answer.status_code, answer.text)
        assert PASSWORD not in answer.text
    assert own.database.query(accounts.everybody) == []
    assert browser.post("/setup", data=form(own, browser.get("/setup").text)).status_code == 303


def test_nobody_takes_over_an_officer_who_is_there(own: Appliance, own_portal: Flask) -> None:
    """While another code counts, /setup is open to everybody. Passkeys' ids are no secrets, and software gives its
    own any id: an officer's subject and the id of the passkey are all that somebody has to know."""
    web, first, browser = own.settings.web, visiting(own_portal), visiting(own_portal)
    assert first.post("/setup", data=form(own, first.get("/setup").text)).status_code == 303
    [victim] = [each.subject for each in own.database.query(accounts.everybody)]
    store = sqlite.connect(own.settings.home.root / "authority/authority.db", isolation_level=None)
    store.execute("INSERT INTO setup_codes (digest, expires) VALUES (?, 4000000000)", (bytes(32),))
    store.close()
    [known] = own.authority.credentials(victim)
    assert known.credential_id is not None and own.authority.appointment().codes
    thief = replace(SoftwareAuthenticator.create(web.relying_party, web.origin), credential_id=known.credential_id)
    typed = {"code": new_code(), "login": "thief", "email": "thief@example.test", "subject": victim}
    page = browser.post("/setup", data=form(own, browser.get("/setup").text, **typed, credential="{}")).text
    assert token_in(page, "subject") == victim
    answer = registration_by(thief, str(options_in(page)["challenge"]))
    browser.post("/setup", data=form(own, page, **typed, credential=answer))

    browser.get("/setup")  # completes what was broken off
    assert first.get("/office").status_code == 200
    with own.database.reading() as tx:
        [key] = tx.execute("SELECT public_key FROM passkeys WHERE subject = ?", (victim,)).fetchone()
        assert not enrolment.appointments(tx), "what the authority refused is not kept"
    assert bytes(key) == known.public_key
    # What an earlier release kept of such a try is not completed either.
    public_key = bytes.fromhex(str(thief.credential()["public_key"]))
    kept = NewOfficer(
        victim, "x", "x", participants.ALPHA, "x@example.test", "x", known.credential_id, public_key, 0
    )
    with own.database.transaction() as tx:
        enrolment.save_appointment(tx, kept)
    browser.get("/setup")
    assert first.get("/office").status_code == 200


class DyingAuthority:
    """The authority, whose yes to the appointment gets lost."""

    def __init__(self, real: object, losing: str = "appoint_officer") -> None:
        self._real, self._losing = real, losing

    def __getattr__(self, name: str) -> object:
        found = getattr(self._real, name)
        if name != self._losing:
            return found

        def lost(*arguments: object) -> None:
            found(*arguments)
            raise AuthorityUnreachable("The authority does not answer.")

        return lost


def test_an_appointment_that_was_broken_off_is_completed(own: Appliance, own_portal: Flask) -> None:
    dying = Appointing.__new__(Appointing)
    for name, value in vars(own.appointing).items():
        setattr(dying, name, value)
    dying._authority = DyingAuthority(own.authority)  # type: ignore[assignment]
    broken = portal_of(with_parts(own, appointing=dying), own.authority)
    browser = visiting(broken)
    # The answer itself shows the page again, and that would complete what was begun.
    dying._complete = lambda: None  # type: ignore[method-assign]
    assert browser.post("/setup", data=form(own, browser.get("/setup").text)).status_code == 503
    store = sqlite.connect(own.settings.home.root / "authority/authority.db", isolation_level=None)
    store.execute("INSERT INTO setup_codes (digest, expires) VALUES (?, 4000000000)", (bytes(32),))
    other = {"code": new_code(), "login": "thief", "email": "thief@example.test"}
    assert browser.post("/setup", data=form(own, browser.get("/setup").text, **other)).status_code == 403
    store.close()

    assert visiting(own_portal).get("/setup").status_code == 200

    [account] = own.database.query(accounts.everybody)
    assert (account.login, account.state) == ("zhou", AccountState.ACTIVE)

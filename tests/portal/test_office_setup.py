"""``/setup``: the first officer, once, by the ceremony's code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pysqlite3 import dbapi2 as sqlite
from werkzeug.test import TestResponse

from appliance.activation_requests import RegistrationRequest
from appliance.demonstration import participants
from appliance.model.accounts import AccountRole, AccountState
from appliance.model.office import NewOfficer
from appliance.store import accounts, enrolment
from appliance.wiring import Appliance
from hsm.authenticator import SoftwareAuthenticator
from hsm.store.ceremonies import digest_of, new_code
from tests import activation_service as service
from tests.portal import signing_visits as visits
from tests.portal.conftest import portal_of
from tests.portal.office_visits import token_in
from tests.world import World, shared_world

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


def form(page: str, **changes: str) -> dict[str, str]:
    """The portal's first form."""
    filled = {
        "form_token": token_in(page),
        "name": "周见证",
        "organisation": participants.ALPHA,
        "login": "Zhou",
        "email": "zhou@example.test",
        "password": PASSWORD,
    }
    return {**filled, **changes}


def code_of(appliance: Appliance) -> str:
    """What the key ceremony has left."""
    return appliance.settings.home.setup_code.read_text().strip()


def asked(browser: FlaskClient, **changes: str) -> TestResponse:
    """The portal's answer to the form."""
    return browser.post("/setup", data=form(browser.get("/setup").text, **changes))


def finished(
    browser: FlaskClient, appliance: Appliance, page: TestResponse, device: SoftwareAuthenticator, **changes: str
) -> TestResponse:
    """The portal's answer to the last form, on *page*, which *device* answers; what is no such page is itself the
    answer."""
    if page.status_code != 200:
        return page
    last = visits.passkey_form(page.text)
    answer = service.answer_of(device, "", last, origin=appliance.settings.web.origin)
    typed = {"email": "zhou@example.test", "password": PASSWORD, "credential": answer}
    return browser.post(page.request.path, data={**last.fields, **typed, **changes})


def came(browser: FlaskClient, appliance: Appliance, code: str, **changes: str) -> TestResponse:
    """What the officer sees last, who fills in the form, types *code* and makes a passkey."""
    leads = asked(browser, **changes)
    return visits.set_up(browser, appliance, leads, visits.new_device(appliance), setup_code=code)


def way_back(appliance: Appliance, leads: TestResponse) -> str:
    """Where the activation service sends whoever comes by *leads*."""
    ticket = leads.headers["Location"].rpartition("/")[2]
    return appliance.activation_requests.load(RegistrationRequest, ticket).back


def another_code(appliance: Appliance) -> str:
    """One more code that counts for a first officer."""
    code = new_code()
    store = sqlite.connect(appliance.settings.home.root / "authority/authority.db", isolation_level=None)
    store.execute("INSERT INTO setup_codes (digest, expires) VALUES (?, 4000000000)", (digest_of(code),))
    store.close()
    return code


def leads_nowhere(portal: Flask, path: str) -> None:
    """Neither a page nor a form is at *path* for anybody, and nobody gets in by it."""
    stranger = visiting(portal)
    assert stranger.get(path).headers["Location"].endswith("/setup")
    form = {"form_token": token_in(stranger.get("/verify").text), "email": "x@example.test", "password": PASSWORD}
    answer = stranger.post(path, data={**form, "offer": "x", "credential": "{}"})
    assert answer.status_code == 409 and "too old" in answer.text
    assert stranger.get("/office").status_code == 303


def test_the_first_officer_registers_and_is_in(own: Appliance, own_portal: Flask) -> None:
    browser = visiting(own_portal)
    assert browser.get("/").headers["Location"] == "/setup"
    answer = came(browser, own, code_of(own))

    assert answer.status_code == 303 and answer.headers["Location"].endswith("/office")
    assert browser.get("/office").status_code == 200
    [account] = own.database.query(accounts.everybody)
    assert (account.login, account.state, account.roles) == ("zhou", AccountState.ACTIVE, {AccountRole.OFFICER})
    assert [each.kind for each in own.authority.credentials(account.subject)] == ["webauthn"]
    assert [each.made_at_set_up for each in own.accounts.own.passkeys(account.subject)] == [True]
    assert "is set up" in browser.get("/setup").text
    late = visiting(own_portal)
    assert 'href="/setup"' not in late.get("/").text
    token = token_in(late.get("/verify").text)
    again = late.post("/setup", data={"form_token": token})
    assert again.status_code == 422 and "is set up" in again.text
    leads = late.post("/setup", data=form(late.get("/verify").text, login="late"))
    refused = visits.set_up(late, own, leads, visits.new_device(own), setup_code=code_of(own))
    assert refused.status_code == 403 and "set-up code is wrong" in refused.text, "the code is used up"
    leads_nowhere(own_portal, way_back(own, leads))
    assert len(own.database.query(accounts.everybody)) == 1


def test_bad_input_is_said_at_its_place_and_costs_nothing(own: Appliance, own_portal: Flask) -> None:
    browser, device = visiting(own_portal), visits.new_device(own)
    for changes, said in (
        ({"name": ""}, "in 1 to 100 characters"),
        ({"name": "<b>周</b>", "login": "x"}, "&lt;b&gt;周&lt;/b&gt;"),
        ({"organisation": "没有的公司"}, "one of the organisations"),
        ({"login": "No Spaces"}, "A login has"),
        ({"email": "zhou"}, "no e-mail address"),
        ({"password": "short"}, "assword"),
    ):
        answer = asked(browser, **changes)
        assert answer.status_code == 422 and said in answer.text, (changes, answer.status_code, answer.text)
        assert PASSWORD not in answer.text
    leads, code = asked(browser), code_of(own)
    for typed, status, said in (
        ({"setup_code": ""}, 409, "Enter the code"),
        ({"setup_code": new_code()}, 403, "set-up code is wrong"),
        ({"setup_code": code, "credential": "{}"}, 409, "passkey"),
        ({"setup_code": code, "credential": ""}, 409, "passkey"),
        ({"setup_code": code, "challenge": "00"}, 403, "too old"),
    ):
        answer = visits.set_up(browser, own, leads, device, **typed)
        assert answer.status_code == status and said in answer.text, (typed, answer.status_code, answer.text)
        assert code not in answer.text
    other = visiting(own_portal)  # in which nothing was typed
    page = visits.set_up(other, own, leads, device, setup_code=code)
    for changes, status, said in (
        ({"email": "zhou"}, 422, "no e-mail address"),
        ({"password": "short"}, 422, "assword"),
        ({"credential": ""}, 403, "This passkey does not open an account here"),
        ({"credential": "{}"}, 403, "This passkey does not open an account here"),
        ({"offer": "old"}, 409, "too old"),
    ):
        answer = finished(other, own, page, device, **changes)
        assert answer.status_code == status and said in answer.text, (changes, answer.status_code, answer.text)
        assert PASSWORD not in answer.text
    assert own.database.query(accounts.everybody) == []
    again = other.get(page.request.path)
    assert finished(other, own, again, device).headers["Location"].endswith("/office")


def test_nobody_takes_over_an_officer_who_is_there(own: Appliance, own_portal: Flask) -> None:
    """While another code counts, /setup is open to everybody. Passkeys' ids are no secrets, and software gives its
    own any id: an officer's subject and the id of the passkey are all that somebody has to know."""
    first, browser = visiting(own_portal), visiting(own_portal)
    assert came(first, own, code_of(own)).headers["Location"].endswith("/office")
    [victim] = [each.subject for each in own.database.query(accounts.everybody)]
    more = another_code(own)
    [known] = own.authority.credentials(victim)
    assert known.credential_id is not None and own.authority.appointment().codes
    thief = replace(visits.new_device(own), credential_id=known.credential_id)
    for code, status in ((new_code(), 403), (more, 409)):  # also for whoever has a code of their own
        leads = asked(browser, login="thief")
        assert visits.register(own, leads, thief, setup_code=code).status_code == status
        leads_nowhere(own_portal, way_back(own, leads))

    assert first.get("/office").status_code == 200
    with own.database.reading() as tx:
        [key] = tx.execute("SELECT public_key FROM passkeys WHERE subject = ?", (victim,)).fetchone()
    assert bytes(key) == known.public_key
    # Nor does what somebody has written among the forms that were begun.
    kept = NewOfficer(victim, "x", "x", participants.ALPHA, "t" * 32)
    with own.database.transaction() as tx:
        enrolment.save_appointment(tx, kept, at=own.now())
    leads_nowhere(own_portal, f"/setup/registered/{kept.ticket}")
    assert first.get("/office").status_code == 200


def test_only_the_new_passkey_finishes_what_was_begun(own: Appliance, own_portal: Flask) -> None:
    """Whoever began it for the officer, and knows the address of the last form, has no use for it: neither by what
    they have typed nor by another passkey."""
    browser, thief, device = visiting(own_portal), visiting(own_portal), visits.new_device(own)
    leads = asked(thief, password="另一个 蜡 雨 四更 钟楼")
    page = visits.set_up(browser, own, leads, device, setup_code=code_of(own))
    assert page.status_code == 200, "what somebody else has typed does not count"
    for receipt in ("", "?receipt=", "?receipt=" + "x" * 32):
        theirs = thief.get(page.request.path + receipt)
        assert theirs.status_code == 200 and thief.get("/office").status_code == 303
    others = visits.new_device(own), replace(visits.new_device(own), credential_id=device.credential_id)
    for other in others:
        answer = finished(thief, own, theirs, other, password="另一个 蜡 雨 四更 钟楼")
        assert answer.status_code == 403 and thief.get("/office").status_code == 303
    assert own.database.query(accounts.everybody) == []
    assert finished(browser, own, page, device).headers["Location"].endswith("/office")


def test_an_appointment_that_was_broken_off_is_finished_later(own: Appliance, own_portal: Flask) -> None:
    browser, device = visiting(own_portal), visits.new_device(own)
    leads = asked(browser)
    given = visits.register(own, leads, device, setup_code=code_of(own))
    assert given.status_code == 303, "and the officer does not come back"
    again, back = visiting(own_portal), way_back(own, leads)
    assert f'href="{back}"' in again.get("/setup").text, "whose page was closed finds it again"
    another_code(own)
    assert came(visiting(own_portal), own, new_code(), login="thief").status_code == 403
    assert own.database.query(accounts.everybody) == []

    assert re.findall(r'href="(/setup/registered/[^"]+)"', again.get("/setup").text) == [back]
    done = finished(again, own, again.get(back), device)

    assert done.headers["Location"].endswith("/office") and again.get("/office").status_code == 200
    [account] = own.database.query(accounts.everybody)
    assert (account.login, account.state) == ("zhou", AccountState.ACTIVE)
    assert "/setup/registered/" not in again.get("/setup").text


def test_nobody_is_led_in_by_a_page_of_somebody_else(own: Appliance, own_portal: Flask) -> None:
    """A link on another site, with a receipt that is right, signs nobody in."""
    browser, device = visiting(own_portal), visits.new_device(own)
    given = visits.register(own, asked(browser), device, setup_code=code_of(own))
    back = given.headers["Location"].removeprefix(own.settings.web.origin)
    for site in ("cross-site", "none"):
        assert browser.get(back, headers={"Sec-Fetch-Site": site}).status_code == 200
        assert browser.get("/office").status_code == 303
    assert browser.get(back, headers={"Sec-Fetch-Site": "same-site"}).headers["Location"].endswith("/office")
    assert visiting(own_portal).get(back).headers["Location"].endswith("/setup"), "and it counts once"


def test_a_way_back_is_no_way_in_by_itself(own: Appliance, own_portal: Flask) -> None:
    """Neither before the passkey is made, nor twice, nor by a ticket that is none."""
    browser, device = visiting(own_portal), visits.new_device(own)
    leads = asked(browser)
    back = way_back(own, leads)
    leads_nowhere(own_portal, back)
    other = visiting(own_portal)
    page = visits.set_up(other, own, leads, device, setup_code=code_of(own))
    assert other.get("/office").status_code == 303
    twice = [finished(other, own, page, device) for _ in range(2)]
    assert [each.status_code for each in twice] == [303, 409]
    for path in (back, "/setup/registered/x", f"/setup/registered/{'é' * 32}"):
        leads_nowhere(own_portal, path)

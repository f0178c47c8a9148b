"""What one signs with, the whole way: the portal's form, the activation service's page, and the officer who types
its fingerprint."""

from __future__ import annotations

import itertools
import secrets
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from appliance.accounts.sessions import ClientInfo
from appliance.demonstration.participants import OFFICER
from appliance.language import Language
from appliance.model.accounts import AccountRole, Passkey
from appliance.model.office import SET_UP_AGAIN, EnrolmentRequest, EnrolmentRequestState
from appliance.store import accounts, enrolment
from appliance.wiring import Appliance
from tests import activation_service as service
from tests.portal import signing_visits as visits
from tests.portal.estate import sent
from tests.portal.office_visits import account_of, act_of, signed_in, token_in
from tests.portal.visitors import known_person
from tests.portal.visitors import signed_in as visitor

MINE = "/settings/signing"
_numbers = itertools.count(1)


@pytest.fixture
def subject(appliance: Appliance) -> str:
    """Somebody new, who has an account."""
    return known_person(appliance, f"person-setting-up-{next(_numbers)}", "孙示例").subject


@pytest.fixture
def someone(portal: Flask, appliance: Appliance, subject: str) -> FlaskClient:
    client = visitor(portal, appliance, subject)
    appliance.accounts.own.prefer(subject, Language.ENGLISH)
    return client


@pytest.fixture
def officer(portal: Flask, appliance: Appliance) -> FlaskClient:
    account_of(appliance, OFFICER, frozenset({AccountRole.OFFICER}))
    return signed_in(portal, appliance, OFFICER)


def asked(browser: FlaskClient, page: str = MINE) -> TestResponse:
    """The portal's answer to the form of *page*."""
    shown = browser.get(page).text
    assert f'action="{page}"' in shown, shown
    return browser.post(page, data={"form_token": token_in(shown)})


def prepared(appliance: Appliance, officer: FlaskClient, request: str) -> str:
    """The officer has seen the applicant; the address of the act."""
    page = f"/office/requests/{request}"
    form = {"form_token": token_in(officer.get(page).text), "verified": "身份证原件，当面核对"}
    return act_of(appliance, officer.post(f"{page}/approve", data=form))


def activated(appliance: Appliance, officer: FlaskClient, act: str) -> TestResponse:
    """The officer types what the applicant reads, and confirms."""
    leads = officer.post(act, data={"form_token": token_in(officer.get(act).text)})
    return visits.confirm(officer, appliance, OFFICER, leads)


def waiting(appliance: Appliance, subject: str) -> str:
    """The request of *subject* that an officer has."""
    [found] = [each for each in appliance.office.requests.waiting() if each.subject == subject]
    return found.id


@pytest.mark.parametrize(
    ("language", "said"),
    [(Language.ENGLISH, "Please set yours up again."), (Language.CHINESE, "请重新设置您的通行密钥。")],
)
def test_why_an_upgrade_ended_a_request_is_said_in_the_readers_language(
    appliance: Appliance, someone: FlaskClient, officer: FlaskClient, subject: str, language: Language, said: str
) -> None:
    """To whoever asked, and to officers. What an officer wrote stays as it is, whatever it is."""
    for number, by in enumerate(("system", OFFICER)):
        request, asked = secrets.token_hex(12), appliance.now() + timedelta(seconds=number)
        before = EnrolmentRequest(request, subject, ("webauthn",), (), EnrolmentRequestState.OPEN, asked)
        with appliance.database.transaction() as tx:
            enrolment.insert(tx, before)
            refused = {"state": "refused", "decided": asked, "decided_by": by, "reason": SET_UP_AGAIN}
            tx.update("enrolment_requests", refused, id=request)
        for browser, page in (
            (someone, MINE),
            (officer, f"/office/requests/{request}"),
            (officer, f"/office/people/{subject}"),
        ):
            for reader in (subject, OFFICER):
                appliance.accounts.own.prefer(reader, language)
            assert (said if by == "system" else SET_UP_AGAIN) in browser.get(page).text, (by, page)
    appliance.accounts.own.prefer(OFFICER, Language.ENGLISH)


def test_from_the_settings_to_a_certificate(
    appliance: Appliance, someone: FlaskClient, officer: FlaskClient, subject: str
) -> None:
    device = visits.new_device(appliance)
    done = visits.set_up(someone, appliance, asked(someone), device)
    assert done.headers["Location"].endswith(MINE)
    assert "An officer has your request" in someone.get(MINE).text
    [pending] = appliance.authority.pending_credentials(subject)
    act = prepared(appliance, officer, waiting(appliance, subject))
    shown = officer.get(act).text + officer.get(f"/office/requests/{waiting(appliance, subject)}").text
    assert pending.fingerprint not in shown, "who types it has it from the applicant"
    assert activated(appliance, officer, act).headers["Location"].endswith(act)
    assert [each.credential_id for each in appliance.authority.credentials(subject)] == [device.credential_id]
    assert appliance.registry.certificate(subject)
    page = someone.get(MINE).text
    assert "Set up another one" in page and "An officer has your request" not in page


def test_one_more_is_added_by_an_officer_who_does_not_read_its_fingerprint(
    appliance: Appliance, someone: FlaskClient, officer: FlaskClient, subject: str
) -> None:
    devices = [visits.new_device(appliance) for _ in range(2)]
    for device in devices:
        visits.set_up(someone, appliance, asked(someone), device)
        [*_, pending] = appliance.authority.pending_credentials(subject)
        act = prepared(appliance, officer, waiting(appliance, subject))
        assert pending.fingerprint not in officer.get(act).text
        activated(appliance, officer, act)
    known = [each.credential_id for each in appliance.authority.credentials(subject)]
    assert known == [each.credential_id for each in devices]


def test_the_passkey_of_signing_in_is_used_for_signing(
    appliance: Appliance, someone: FlaskClient, officer: FlaskClient, subject: str
) -> None:
    device, settings = visits.new_device(appliance), appliance.settings
    device.save(settings.home.people / f"{subject}.json")
    key = bytes.fromhex(device.credential()["public_key"])
    with appliance.database.transaction() as tx:
        accounts.insert_passkey(tx, Passkey(device.credential_id, subject, key, 0, "示例", appliance.now()))
    leads = asked(someone).headers["Location"]
    with service.activation_service(settings) as app:
        browser, origin = service.browser_at(app), settings.activation.origin
        page = browser.get(leads.removeprefix(origin), base_url=origin).text
        form = visits.passkey_form(page)
        assert [each["id"] for each in form.options["allowCredentials"]]  # type: ignore[attr-defined]  # JSON
        told = service.send_to(browser, origin, form, credential=service.answer(settings.home, subject, form)).text
    [pending] = appliance.authority.pending_credentials(subject)
    assert pending.fingerprint in told
    someone.get(service.way_back(told).removeprefix(settings.web.origin))
    activated(appliance, officer, prepared(appliance, officer, waiting(appliance, subject)))
    assert [each.credential_id for each in appliance.authority.credentials(subject)] == [device.credential_id]


def test_who_comes_back_without_anything_asks_for_nothing(
    appliance: Appliance, someone: FlaskClient, subject: str
) -> None:
    asked(someone)
    assert someone.get(f"{MINE}/registered").headers["Location"].endswith(MINE)
    assert not appliance.office.requests.requests_of(subject)


def test_coming_back_twice_asks_once(appliance: Appliance, someone: FlaskClient, subject: str) -> None:
    visits.set_up(someone, appliance, asked(someone), visits.new_device(appliance))
    assert someone.get(f"{MINE}/registered").status_code == 303
    assert len(appliance.office.requests.requests_of(subject)) == 1


def test_another_one_while_a_request_waits_is_told_so(
    appliance: Appliance, someone: FlaskClient, subject: str
) -> None:
    first, second = asked(someone), asked(someone)
    visits.set_up(someone, appliance, first, visits.new_device(appliance))
    again = visits.set_up(someone, appliance, second, visits.new_device(appliance))
    assert again.status_code == 409 and "A request of yours waits already" in again.text
    assert len(appliance.office.requests.requests_of(subject)) == 1


@pytest.mark.parametrize("ends", ["withdrawn", "refused"])
def test_what_is_set_up_after_a_request_has_ended_is_asked_for_alone(
    appliance: Appliance, someone: FlaskClient, officer: FlaskClient, subject: str, ends: str
) -> None:
    """Its owner has the fingerprint of the newest before them; of an earlier one perhaps not even the device."""
    visits.set_up(someone, appliance, asked(someone), visits.new_device(appliance))
    [before] = appliance.authority.pending_credentials(subject)
    request = waiting(appliance, subject)
    if ends == "withdrawn":
        form = {"form_token": token_in(someone.get(MINE).text), "request": request}
        someone.post(f"{MINE}/withdraw", data=form)
    else:
        appliance.office.requests.refuse_request(request, reason="证件过期", by=OFFICER)
    assert appliance.authority.pending_credentials(subject) == [], "the authority has forgotten it"
    assert someone.get(f"{MINE}/registered").headers["Location"].endswith(MINE)
    assert all(each.subject != subject for each in appliance.office.requests.waiting())
    device = visits.new_device(appliance)
    visits.set_up(someone, appliance, asked(someone), device)
    request = waiting(appliance, subject)
    [credential] = appliance.office.requests.find_request(request).credentials
    assert credential.fingerprint != before.fingerprint
    activated(appliance, officer, prepared(appliance, officer, request))
    assert [each.credential_id for each in appliance.authority.credentials(subject)] == [device.credential_id]


def test_a_guest_comes_to_a_certificate_and_to_the_contract(
    portal: Flask, appliance: Appliance, officer: FlaskClient
) -> None:
    contract = sent(appliance, guest=True)
    guest, until = contract.parties[0], contract.deadline.at
    with appliance.database.transaction() as tx:
        opened = appliance.sessions.open_guest_session(
            tx, guest.subject, guest_of=(contract.id, guest.id), where=ClientInfo("192.0.2.7"), until=until
        )
    client = portal.test_client()
    client.environ_base["HTTP_ACCEPT"] = "text/html"
    client.set_cookie("session", opened.secret)
    back = client.get("/guest/registered")
    assert back.headers["Location"].endswith("/guest/credentials"), "nothing was set up yet"
    device = visits.new_device(appliance)
    done = visits.set_up(client, appliance, asked(client, "/guest/credentials"), device)
    assert done.headers["Location"].endswith("/guest/waiting")
    assert client.get("/guest/waiting").status_code == 200
    activated(appliance, officer, prepared(appliance, officer, waiting(appliance, guest.subject)))
    assert [each.credential_id for each in appliance.authority.credentials(guest.subject)] == [
        device.credential_id
    ]
    assert client.get("/guest/waiting").headers["Location"].endswith(f"/contracts/{contract.id}/sign")

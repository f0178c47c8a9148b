"""Visits of the office in tests: signed-in browsers, forms with their tokens, passkeys that answer."""

from __future__ import annotations

import re
from contextlib import suppress
from html import unescape

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from appliance.accounts.sessions import ClientInfo
from appliance.activation_requests import ActivationRequest
from appliance.demonstration import participants
from appliance.demonstration.participants import DemonstrationAuthenticators
from appliance.errors import NotFound, StateRefused
from appliance.language import Language
from appliance.model.accounts import AccountRole, AccountState, NewAccount, Strength
from appliance.model.office import EnrolmentRequest, OfficerDecision
from appliance.model.people import Person
from appliance.store import accounts
from appliance.wiring import Appliance
from tests.portal import signing_visits as visits

OFFICER_NAME = "王见证"
AUDITOR, SIGNER = "auditor-office", "person-office-signer"


def account_of(appliance: Appliance, subject: str, roles: frozenset[AccountRole]) -> None:
    """An active account for *subject*, registered if need be; one that is there already stays."""
    with suppress(NotFound):
        appliance.accounts.administration.account(subject)
        return
    kind, _, login = subject.partition("-")
    person = Person(
        subject, OFFICER_NAME, participants.ALPHA, f"{subject}@example.test", Language.CHINESE, participants.ZONE
    )
    with suppress(StateRefused):
        appliance.registry.add_person(person, None, by=participants.OFFICER)
    with appliance.database.transaction() as tx:
        new = NewAccount(kind, f"{kind[0]}-{login}", person.name, person.organisation, person.email, roles)
        appliance.accounts.administration.open_account(tx, subject, new, by=participants.OFFICER)
        accounts.set_password(tx, subject, "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$AAAA")
        accounts.set_state(tx, subject, AccountState.ACTIVE)


def signed_in(portal: Flask, appliance: Appliance, subject: str, *, language: str = "en") -> FlaskClient:
    """A browser in which *subject* is signed in, who has chosen this *language*."""
    client = portal.test_client()
    client.environ_base["HTTP_ACCEPT"] = "text/html"
    appliance.accounts.own.prefer(subject, Language(language))
    with appliance.database.transaction() as tx:
        opened = appliance.sessions.open_session(tx, subject, Strength.PASSKEY, ClientInfo("127.0.0.1"))
    client.set_cookie("session", opened.secret)
    return client


def token_in(page: str, name: str = "form_token") -> str:
    """The hidden field *name* of the first form."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None, page
    return unescape(found[1])


def performed(appliance: Appliance, decision: OfficerDecision) -> OfficerDecision:
    """The ceremony's officer confirms *decision*, and it is done."""
    decisions = appliance.office.decisions
    act = decisions.to_activate(decision)
    DemonstrationAuthenticators(appliance.settings.home).confirm(participants.OFFICER, act)
    return decisions.perform_decision(decision.id, by=participants.OFFICER)


def registered(appliance: Appliance, subject: str) -> str:
    """*subject* sets up a new passkey at the activation service's origin; its fingerprint."""
    settings = appliance.settings
    return DemonstrationAuthenticators(settings.home).register(
        subject, rp_id=settings.web.relying_party, origin=settings.activation.origin
    )


def asked_for(appliance: Appliance, subject: str) -> EnrolmentRequest:
    """*subject* sets up a passkey and asks an officer for it."""
    registered(appliance, subject)
    return appliance.office.requests.submit_request(subject, by=subject)


def act_of(appliance: Appliance, answer: TestResponse) -> str:
    """The portal's page of the decision to whose confirmation the portal has led the officer with *answer*."""
    origin = appliance.settings.activation.origin
    assert answer.status_code == 303 and answer.headers["Location"].startswith(f"{origin}/act/"), answer.text
    ticket = answer.headers["Location"].rpartition("/")[2]
    return appliance.activation_requests.load(ActivationRequest, ticket).back.removesuffix("/activated")


def posted(browser: FlaskClient, page: str, address: str, **fields: object) -> TestResponse:
    """The answer to the form of *page* that posts *fields* to *address*."""
    shown = browser.get(page).text
    return browser.post(address, data={"form_token": token_in(shown), **fields})


def activated(appliance: Appliance, browser: FlaskClient, address: str) -> TestResponse:
    """The portal's answer after the officer has confirmed the act at *address*."""
    return visits.confirm(browser, appliance, participants.OFFICER, posted(browser, address, address))

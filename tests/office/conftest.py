"""An office with a real authority behind it, and officers with authenticators."""

from __future__ import annotations

import itertools
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from appliance.accounts.context import AccountsContext
from appliance.accounts.tickets import LinkTokens
from appliance.demonstration import participants
from appliance.language import Language
from appliance.model.accounts import AccountRole, AccountState
from appliance.model.office import EnrolmentRequest, OfficerDecision, ProposedCredential
from appliance.model.people import Person
from appliance.office import Office
from appliance.store import accounts
from appliance.wiring import Appliance
from hsm.authenticator import SoftwareAuthenticator
from hsm.client import AuthorityClient
from tests.world import World, confirm_by, shared_world

VERIFIED = "身份证原件，人事部当面核对，2026-11-25"
_numbers = itertools.count(1)


@pytest.fixture(scope="package")
def world() -> Iterator[World]:
    with shared_world(pins=True) as world:
        yield world


@pytest.fixture(scope="package")
def appliance(world: World) -> Iterator[Appliance]:
    with world.opened() as appliance:
        yield appliance


@pytest.fixture(scope="package")
def office(appliance: Appliance) -> Office:
    return appliance.office


def office_with(appliance: Appliance, authority: AuthorityClient) -> Office:
    """The same office with another client in front of the authority."""
    links = LinkTokens(bytes(32))
    return Office(AccountsContext(appliance.settings, appliance.database, authority, links, appliance.now))


def newcomer(appliance: Appliance, *, name: str = "赵示例", organisation: str = participants.ALPHA) -> Person:
    """Somebody who is registered and not enrolled."""
    subject = f"person-new-{next(_numbers)}"
    person = Person(subject, name, organisation, f"{subject}@example.test", Language.CHINESE, participants.ZONE)
    appliance.registry.add_person(person, None, by=participants.OFFICER)
    return person


def enter(appliance: Appliance, subject: str, *roles: AccountRole) -> None:
    """*subject* has an account that is open."""
    with appliance.database.transaction() as tx:
        if subject not in {each.subject for each in accounts.everybody(tx)}:
            accounts.insert_account(
                tx, subject, f"login-{subject}", handle=secrets.token_bytes(16), now=appliance.now()
            )
            accounts.set_password(tx, subject, "$argon2id$nobody-signs-in-with-this")
        accounts.set_state(tx, subject, AccountState.ACTIVE)
        accounts.set_roles(tx, subject, roles)


@contextmanager
def activation_service(appliance: Appliance) -> Iterator[AuthorityClient]:
    """The authority as the activation service sees it."""
    with AuthorityClient(appliance.settings.home.authority_socket("activation")) as service:
        yield service


def register(appliance: Appliance, subject: str) -> tuple[ProposedCredential, SoftwareAuthenticator]:
    """What *subject* has set up on the activation service's pages, and the authenticator that answers for it."""
    settings = appliance.settings
    device = SoftwareAuthenticator.create(settings.web.relying_party, settings.activation.origin)
    with activation_service(appliance) as service:
        made = service.register_passkey(subject, device.register(service.begin_registration(subject).challenge))
    return ProposedCredential(made.kind, made.fingerprint), device


def ask(appliance: Appliance, subject: str) -> EnrolmentRequest:
    """The request of *subject* to sign with a new passkey."""
    register(appliance, subject)
    return appliance.office.requests.submit_request(subject, by=subject)


def activate(appliance: Appliance, pending: OfficerDecision) -> None:
    """The ceremony's officer activates *pending*; the authority remembers it."""
    confirm_by(appliance, participants.OFFICER, appliance.office.decisions.to_activate(pending))


def perform(appliance: Appliance, pending: OfficerDecision, office: Office | None = None) -> OfficerDecision:
    """What became of *pending* once the ceremony's officer has activated it; *office* is another one that does
    it."""
    activate(appliance, pending)
    return (office or appliance.office).decisions.perform_decision(pending.id, by=participants.OFFICER)


def events_of(appliance: Appliance, subject: str) -> list[str]:
    """The kinds of the log's entries about *subject*, in order."""
    with appliance.database.reading() as tx:
        leaves = [json.loads(row[0]) for row in tx.execute("SELECT leaf FROM ledger ORDER BY number")]
    return [each["kind"] for each in leaves if each["public"].get("subject") == subject]


def notices_to(appliance: Appliance, subject: str) -> list[str]:
    """The kinds of the messages that wait for *subject*."""
    with appliance.database.reading() as tx:
        rows = tx.execute("SELECT kind FROM outbox WHERE recipient = ? ORDER BY id", (subject,))
        return [row[0] for row in rows]

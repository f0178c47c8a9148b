"""An office with a real authority behind it, and officers with authenticators."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator

import pytest

from appliance.accounts.context import AccountsContext
from appliance.accounts.tickets import LinkTokens
from appliance.demonstration import participants
from appliance.demonstration.participants import DemonstrationAuthenticators
from appliance.language import Language
from appliance.model.office import OfficerDecision, ProposedPasskey
from appliance.model.people import Person
from appliance.office import Office
from appliance.wiring import Appliance
from hsm.authenticator import SoftwareAuthenticator
from hsm.client import AuthorityClient
from hsm.intents import WebAuthnActivation
from tests.world import World, shared_world

VERIFIED = "身份证原件，人事部当面核对，2026-11-25"
_numbers = itertools.count(1)


@pytest.fixture(scope="package")
def world() -> Iterator[World]:
    with shared_world() as world:
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


def passkey(appliance: Appliance) -> tuple[ProposedPasskey, SoftwareAuthenticator]:
    """What somebody proposes, and the authenticator that answers for it."""
    web = appliance.settings.web
    device = SoftwareAuthenticator.create(web.relying_party, web.origin)
    public = device.credential()
    key = bytes.fromhex(public["public_key"])
    return ProposedPasskey(device.credential_id, key, device.rp_id), device


def by_officer(appliance: Appliance, pending: OfficerDecision) -> WebAuthnActivation:
    """The ceremony's officer says yes to *pending*."""
    act = appliance.office.decisions.to_activate(pending)
    return DemonstrationAuthenticators(appliance.settings.home.people).activate(participants.OFFICER, act)


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

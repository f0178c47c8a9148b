"""The API of a real portal, with clients that tests know and real parts behind them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from flask import Flask
from flask.testing import FlaskClient

from appliance.api_clients import ApiClients, current_reach
from appliance.demonstration.participants import ALPHA, BETA, LI, ZHANG
from appliance.events import Webhooks, WebhookSecrets, WebhookTargets
from appliance.ledger import Sequencer
from appliance.model.api_clients import Scope
from appliance.submissions import KeyedRequests
from appliance.wiring import Appliance
from hsm.client import AuthorityClient
from tests.api.programs import BETAS, ERP, PURCHASE, READER, Programs
from tests.portal import visitors
from tests.portal.conftest import WholeAnswers
from tests.world import World, shared_world, with_parts
from webui.portal.application import create_app


@dataclass
class Time:
    """How far the clock of the API is ahead of the real one."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture(scope="package")
def world() -> Iterator[World]:
    with shared_world() as world:
        yield world


@pytest.fixture(scope="package")
def time() -> Time:
    return Time()


@pytest.fixture(scope="package")
def appliance(world: World, time: Time) -> Iterator[Appliance]:
    with world.opened() as appliance, AuthorityClient(world.home.authority_socket("scheduler")) as scheduler:
        Sequencer(appliance.database, scheduler).run_once()
        api = replace(world.settings.api, requests_per_minute=1_000_000)
        yield with_parts(
            appliance,
            settings=replace(world.settings, api=api),
            api_clients=ApiClients(appliance.database, time, house=ALPHA),
            now=time,
            keyed_requests=KeyedRequests(appliance.database, time),
            webhooks=Webhooks(
                appliance.database,
                WebhookTargets(["erp.enterprise.example"], development=False),
                WebhookSecrets(bytes(32)),
                partial(current_reach, scope=Scope.EVENTS_READ),
                time,
            ),
        )


@pytest.fixture(scope="package")
def known(appliance: Appliance) -> Programs:
    known = Programs(appliance.api_clients)
    known.add(ERP)
    known.add(READER, scopes=frozenset({Scope.CONTRACTS_READ}))
    known.add(BETAS, organisation=BETA)
    known.add(PURCHASE, kind="采购")
    return known


@pytest.fixture(scope="package")
def portal(appliance: Appliance) -> Flask:
    portal = create_app(appliance, form_key=bytes(range(32)))
    portal.test_client_class = WholeAnswers
    for person in (ZHANG, LI):
        visitors.signed_in(portal, appliance, person.subject)
    return portal


def program(portal: Flask, known: Programs, client_id: str) -> FlaskClient:
    """A program with a token of the client."""
    found = portal.test_client()
    found.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {known.token(client_id)}"
    return found


@pytest.fixture
def erp(portal: Flask, known: Programs) -> FlaskClient:
    return program(portal, known, ERP)


@pytest.fixture
def reader(portal: Flask, known: Programs) -> FlaskClient:
    return program(portal, known, READER)

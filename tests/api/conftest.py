"""The API of a real portal, with clients that tests know and real parts behind them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from appliance.demonstration.participants import ALPHA, BETA, LI, ZHANG
from appliance.ledger import Sequencer
from appliance.model.api_clients import ApiClient, ClientState, Scope
from appliance.submissions import KeyedRequests
from appliance.wiring import Appliance
from hsm.client import AuthorityClient
from tests.api.known_clients import ClientsInMemory
from tests.portal import visitors
from tests.portal.conftest import WholeAnswers
from tests.world import World, shared_world, with_parts
from webui.portal.application import create_app

EVERY = frozenset(Scope)


@dataclass
class Time:
    """How far the clock of the API is ahead of the real one."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


def client_of(
    client_id: str, *, scopes: frozenset[Scope] = EVERY, organisation: str = ALPHA, kind: str = ""
) -> ApiClient:
    kinds = frozenset({kind} if kind else ())
    return ApiClient(
        client_id,
        f"示例{client_id}",
        scopes,
        frozenset({organisation}),
        kinds,
        ClientState.ACTIVE,
        datetime.now(UTC),
    )


@pytest.fixture(scope="package")
def world() -> Iterator[World]:
    with shared_world() as world:
        yield world


@pytest.fixture(scope="package")
def time() -> Time:
    return Time()


@pytest.fixture(scope="package")
def known(time: Time) -> ClientsInMemory:
    known = ClientsInMemory(time)
    known.add(client_of("client-erp"))
    known.add(client_of("client-reader", scopes=frozenset({Scope.CONTRACTS_READ})))
    known.add(client_of("client-beta", organisation=BETA))
    known.add(client_of("client-purchase", kind="采购"))
    return known


@pytest.fixture(scope="package")
def appliance(world: World, known: ClientsInMemory, time: Time) -> Iterator[Appliance]:
    with world.opened() as appliance, AuthorityClient(world.home.authority_socket("scheduler")) as scheduler:
        Sequencer(appliance.database, scheduler).run_once()
        api = replace(world.settings.api, requests_per_minute=1_000_000)
        yield with_parts(
            appliance,
            settings=replace(world.settings, api=api),
            api_clients=known,
            now=time,
            keyed_requests=KeyedRequests(appliance.database, time),
        )


@pytest.fixture(scope="package")
def portal(appliance: Appliance) -> Flask:
    portal = create_app(appliance, form_key=bytes(range(32)))
    portal.test_client_class = WholeAnswers
    for person in (ZHANG, LI):
        visitors.signed_in(portal, appliance, person.subject)
    return portal


def token_of(known: ClientsInMemory, client_id: str, scopes: frozenset[Scope] | None = None) -> str:
    client = known.clients[client_id]
    return known.grant(client, client.scopes if scopes is None else scopes)[0]


def program(portal: Flask, known: ClientsInMemory, client_id: str) -> FlaskClient:
    """A program with a token of the client."""
    found = portal.test_client()
    found.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token_of(known, client_id)}"
    return found


@pytest.fixture
def erp(portal: Flask, known: ClientsInMemory) -> FlaskClient:
    return program(portal, known, "client-erp")


@pytest.fixture
def reader(portal: Flask, known: ClientsInMemory) -> FlaskClient:
    return program(portal, known, "client-reader")

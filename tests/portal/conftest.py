"""A portal with real parts behind it: a home, its authority, and Flask's own client in front."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from appliance.demonstration import participants
from appliance.ledger import Sequencer
from appliance.model.accounts import PEOPLES_ROLES, AccountRole
from appliance.wiring import Appliance
from hsm.client import AuthorityClient
from tests.portal import visitors
from tests.portal.estate import Estate, built
from tests.portal.office_visits import AUDITOR, SIGNER, account_of, signed_in
from tests.world import World, shared_world, with_parts
from webui.portal.application import create_app


@pytest.fixture(scope="package")
def world() -> Iterator[World]:
    with shared_world() as world:
        yield world


@pytest.fixture(scope="package")
def appliance(world: World) -> Iterator[Appliance]:
    with world.opened() as appliance, AuthorityClient(world.home.authority_socket("scheduler")) as scheduler:
        Sequencer(appliance.database, scheduler).run_once()
        yield appliance


@pytest.fixture(scope="package")
def portal(appliance: Appliance) -> Flask:
    return portal_of(appliance, appliance.authority)


@pytest.fixture(scope="package")
def estate() -> Iterator[Estate]:
    """One of everything, in a world of its own; each test leaves it as it was, or changes only what it added."""
    with shared_world() as world, world.opened() as appliance:
        estate = built(appliance, portal_of(appliance, appliance.authority))
        with AuthorityClient(world.home.authority_socket("scheduler")) as scheduler:
            Sequencer(appliance.database, scheduler).run_once()
        estate.names["log_size"] = estate.browser("nobody").get("/log/checkpoint").text.split("\n")[1]
        yield estate


class WholeAnswers(FlaskClient):
    """A client that reads each answer to its end and closes it, and what it sent, as browsers do, whatever a test
    looks at."""

    def open(self, *given: Any, buffered: bool = True, **more: Any) -> TestResponse:
        answer = super().open(*given, buffered=buffered, **more)
        answer.request.environ["wsgi.input"].close()
        for _, value in answer.headers:
            value.encode("latin-1")  # else a server refuses to send it
        return answer


def portal_of(appliance: Appliance, authority: AuthorityClient) -> Flask:
    portal = create_app(with_parts(appliance, authority=authority), form_key=bytes(range(32)))
    portal.test_client_class = WholeAnswers
    return portal


@pytest.fixture
def browser(portal: Flask) -> FlaskClient:
    """A client that accepts pages, as browsers do."""
    client = portal.test_client()
    client.environ_base["HTTP_ACCEPT"] = "text/html"
    return client


def form_token(browser: FlaskClient) -> str:
    found = re.search(r'name="form_token" value="([0-9a-f]+)"', browser.get("/verify").text)
    assert found is not None
    return found[1]


@pytest.fixture(scope="module")
def cast_here(portal: Flask, appliance: Appliance) -> None:
    """The demonstration's custodian may be one, whatever roles tests of another file have left them."""
    visitors.signed_in(portal, appliance, participants.CUSTODIAN.subject, [AccountRole.CUSTODIAN])
    account_of(appliance, participants.OFFICER, frozenset({AccountRole.OFFICER}))
    account_of(appliance, AUDITOR, frozenset({AccountRole.AUDITOR}))
    account_of(appliance, SIGNER, PEOPLES_ROLES)


@pytest.fixture
def officer(portal: Flask, appliance: Appliance, cast_here: None) -> FlaskClient:
    return signed_in(portal, appliance, participants.OFFICER)

"""The API of a portal whose appliance captures pages on loopback, with programs of both organisations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask

from appliance.demonstration.participants import BETA, CUSTODIAN
from appliance.wiring import Appliance
from tests.api.programs import BETAS, ERP, READER, Programs
from tests.captures.conftest import HOST, Web, forget_all, house_that_captures
from tests.portal import visitors
from tests.portal.conftest import WholeAnswers
from tests.web_capture.servers import Server
from tests.world import World, sequenced, with_parts
from webui.portal.application import create_app


@pytest.fixture(scope="package")
def world() -> Iterator[World]:
    with house_that_captures() as world:
        yield world


@pytest.fixture(scope="package")
def appliance(world: World) -> Iterator[Appliance]:
    """Its entries of the log get their places meanwhile."""
    api = replace(world.settings.api, requests_per_minute=1_000_000)
    with world.opened() as appliance, sequenced(appliance, world):
        yield with_parts(appliance, settings=replace(world.settings, api=api))


@pytest.fixture(scope="package")
def known(appliance: Appliance) -> Programs:
    known = Programs(appliance.api_clients)
    for each in (ERP, READER):
        known.add(each)
    known.add(BETAS, organisation=BETA)
    return known


@pytest.fixture(scope="package")
def portal(appliance: Appliance) -> Flask:
    portal = create_app(appliance, form_key=bytes(range(32)))
    portal.test_client_class = WholeAnswers
    visitors.signed_in(portal, appliance, CUSTODIAN.subject)
    return portal


@pytest.fixture
def web() -> Iterator[Web]:
    found = Web()
    server = Server({HOST: found.answer})
    found.port = server.port
    yield found
    server.close()


@pytest.fixture(autouse=True)
def nothing_before(appliance: Appliance) -> None:
    forget_all(appliance)

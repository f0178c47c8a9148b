"""A real portal to which an identity provider pushes people and groups."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask

from appliance.api_clients import ApiClients
from appliance.config import DirectorySettings
from appliance.demonstration.participants import ALPHA, BETA
from appliance.directories.provisioning import Provisioning
from appliance.model.api_clients import Scope
from appliance.wiring import Appliance
from tests.api.programs import Programs
from tests.portal.conftest import WholeAnswers
from tests.scim.pushing import ELSEWHERE, IDP, NEIGHBOUR, Pusher
from tests.world import World, shared_world, with_parts
from webui.portal.application import create_app

DIRECTORY = DirectorySettings(
    initiator=["发起人"], auditor=["审计"], operator=["运维"], most_removed=100_000, most_removed_percent=100
)
"""What groups give; the brake is not what most tests are about."""


@pytest.fixture(scope="package")
def world() -> Iterator[World]:
    with shared_world() as world:
        api = replace(world.settings.api, requests_per_minute=1_000_000)
        yield World(world.home, replace(world.settings, api=api, directory=DIRECTORY))


@pytest.fixture(scope="package")
def appliance(world: World) -> Iterator[Appliance]:
    with world.opened() as appliance:
        clients = ApiClients(appliance.database, appliance.now, house=ALPHA)
        yield with_parts(appliance, api_clients=clients)


@pytest.fixture(scope="package")
def provisioning(appliance: Appliance) -> Provisioning:
    return appliance.provisioning


@pytest.fixture(scope="package")
def known(appliance: Appliance) -> Programs:
    known = Programs(appliance.api_clients)
    known.add(IDP, scopes=frozenset({Scope.DIRECTORY_WRITE}))
    known.add(NEIGHBOUR, scopes=frozenset(Scope) - {Scope.DIRECTORY_WRITE})
    known.add(ELSEWHERE, scopes=frozenset({Scope.DIRECTORY_WRITE}), organisation=BETA)
    return known


@pytest.fixture(scope="package")
def portal(appliance: Appliance) -> Flask:
    portal = create_app(appliance, form_key=bytes(range(32)))
    portal.test_client_class = WholeAnswers
    return portal


@pytest.fixture
def idp(portal: Flask, known: Programs) -> Pusher:
    """The identity provider, which sends the client's id and secret."""
    return Pusher(portal.test_client(), f"Bearer {IDP}.{known.secrets[IDP]}")

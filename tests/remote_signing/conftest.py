"""A world in which Zhang has both keys for other software, and clients of the API that ask for signatures."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from appliance.config import load
from appliance.demonstration.participants import ALPHA, OFFICER, ZHANG
from appliance.model.api_clients import Scope
from appliance.model.remote_signing import AskingClient, RemoteAsk
from appliance.remote_signing.requests import AskedRequest, RemoteRequests
from appliance.wiring import Appliance
from hsm.intents import OfficerIntent
from hsm.remote import RemoteDocument, RemoteUse
from tests.api.programs import Programs
from tests.authority import soon
from tests.portal.conftest import portal_of
from tests.world import World, authority, confirm_by, copy_home, template_home

OFFICE = AskingClient("client-00000000000000b1", "Office suite", frozenset({ALPHA}))
READER = "client-00000000000000b2"
DIGESTS = [hashlib.sha256(text).digest() for text in (b"first", b"second")]


@pytest.fixture(scope="package")
def world() -> Iterator[World]:
    with tempfile.TemporaryDirectory(prefix="vermilion-") as directory:
        home = copy_home(template_home(), Path(directory))
        settings = home.authority_settings.read_text(encoding="utf-8")
        assert settings.count("\npin_totp = false\n") == 1
        allowed = settings.replace("\npin_totp = false\n", "\npin_totp = false\nremote_hashes = 5\n")
        home.authority_settings.write_text(allowed, encoding="utf-8")
        with authority(home):
            yield World(home, load(home))


@pytest.fixture(scope="package")
def appliance(world: World) -> Iterator[Appliance]:
    with world.opened() as appliance:
        for number, use in enumerate(RemoteUse):
            act = OfficerIntent(
                "add_remote_key", {"subject": ZHANG.subject, "use": use.value}, soon(), bytes([number] * 16)
            )
            confirm_by(appliance, OFFICER, act)
            appliance.authority.add_remote_key(act)
        yield appliance


@pytest.fixture(scope="package")
def requests(appliance: Appliance) -> RemoteRequests:
    return appliance.remote_requests


@pytest.fixture(scope="package")
def known(appliance: Appliance) -> Programs:
    """The programs of the register: one that asks for signatures, and one that reads contracts alone."""
    known = Programs(appliance.api_clients)
    known.add(OFFICE.id, scopes=frozenset({Scope.SIGNATURES_REQUEST}))
    known.add(READER, scopes=frozenset({Scope.CONTRACTS_READ}))
    return known


@pytest.fixture(scope="package")
def portal(appliance: Appliance) -> Flask:
    return portal_of(appliance, appliance.authority)


def ask_for(use: RemoteUse = RemoteUse.HASH, *digests: bytes, person: str = ZHANG.subject) -> RemoteAsk:
    documents = [RemoteDocument(each, f"offer-{at}.pdf") for at, each in enumerate(digests or DIGESTS)]
    return RemoteAsk(person, use, tuple(documents))


@pytest.fixture
def asked(requests: RemoteRequests) -> Iterator[AskedRequest]:
    """A request that waits for Zhang."""
    made = requests.ask(OFFICE, ask_for())
    yield made
    if made.request.id in [each.id for each in requests.waiting_for(ZHANG.subject)]:
        requests.refuse(made.request.id, by=ZHANG.subject)

"""Visits of the office in tests: signed-in browsers, forms with their tokens, passkeys that answer."""

from __future__ import annotations

import hashlib
import json
import re
import struct
from contextlib import suppress
from html import unescape

import cbor2
from flask import Flask
from flask.testing import FlaskClient
from webauthn.helpers import bytes_to_base64url

from appliance.accounts.sessions import ClientInfo
from appliance.demonstration import participants
from appliance.errors import NotFound, StateRefused
from appliance.language import Language
from appliance.model.accounts import AccountRole, AccountState, NewAccount, Strength
from appliance.model.people import Person
from appliance.store import accounts
from appliance.wiring import Appliance
from hsm.authenticator import SoftwareAuthenticator
from hsm.intents import WebAuthnActivation

OFFICER_NAME = "王见证"


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


def options_in(page: str) -> dict[str, object]:
    """What the page's passkey form asks the authenticator for."""
    found = re.search(r'data-options="([^"]*)"', page)
    assert found is not None, page
    asked: dict[str, object] = json.loads(unescape(found[1]))
    return asked


def answer_of(activation: WebAuthnActivation) -> str:
    """An activation as the page's script posts it."""
    identifier = bytes_to_base64url(activation.credential_id)
    return json.dumps(
        {
            "id": identifier,
            "rawId": identifier,
            "type": "public-key",
            "response": {
                "clientDataJSON": bytes_to_base64url(activation.client_data),
                "authenticatorData": bytes_to_base64url(activation.authenticator_data),
                "signature": bytes_to_base64url(activation.signature),
            },
        }
    )


def registration_by(device: SoftwareAuthenticator, challenge: str) -> str:
    """What *device* answers to a page that makes a passkey (WebAuthn Level 3, sections 5.1.3 and 6.5.4)."""
    client_data = json.dumps({"type": "webauthn.create", "challenge": challenge, "origin": device.origin}).encode()
    public_key = bytes.fromhex(str(device.credential()["public_key"]))
    data = hashlib.sha256(device.rp_id.encode()).digest() + struct.pack(">BI", 0x45, 0)
    data += bytes(16) + struct.pack(">H", len(device.credential_id)) + device.credential_id + public_key
    identifier = bytes_to_base64url(device.credential_id)
    attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
    return json.dumps(
        {
            "id": identifier,
            "rawId": identifier,
            "type": "public-key",
            "response": {
                "clientDataJSON": bytes_to_base64url(client_data),
                "attestationObject": bytes_to_base64url(attestation),
            },
        }
    )

"""People who are signed in, for tests of pages that are not about signing in: account and session, no ceremony."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from flask import Flask
from flask.testing import FlaskClient

from appliance.accounts.sessions import ClientInfo
from appliance.errors import NotFound
from appliance.language import Language
from appliance.model.accounts import AccountRole, AccountState, Strength
from appliance.model.people import Person
from appliance.store import accounts
from appliance.wiring import Appliance

SIGNER = (AccountRole.INITIATOR, AccountRole.SIGNER)


def known_person(appliance: Appliance, subject: str, name: str) -> Person:
    """Somebody in the register without a key, such as an auditor."""
    try:
        return appliance.registry.person(subject)
    except NotFound:
        person = Person(
            subject, name, "甲公司示例有限公司", f"{subject}@alpha.example", Language.CHINESE, "Asia/Shanghai"
        )
        appliance.registry.add_person(person, None, by="officer-wang")
        return person


def signed_in(
    portal: Flask, appliance: Appliance, subject: str, roles: Iterable[AccountRole] = SIGNER
) -> FlaskClient:
    """A browser with a session of *subject*, a known person."""
    with appliance.database.transaction() as tx:
        try:
            accounts.account(tx, subject)
        except NotFound:
            accounts.insert_account(tx, subject, subject, handle=secrets.token_bytes(16), now=appliance.now())
        if accounts.account(tx, subject).state is AccountState.INVITED:
            accounts.set_password(tx, subject, "$argon2id$not-used")
            accounts.set_state(tx, subject, AccountState.ACTIVE)
        accounts.set_roles(tx, subject, roles)
        opened = appliance.sessions.open_session(tx, subject, Strength.PASSKEY, ClientInfo("192.0.2.7", "test"))
    client = portal.test_client()
    client.environ_base["HTTP_ACCEPT"] = "text/html"
    client.set_cookie("session", opened.secret)
    return client

"""Whoever controls the organisation's directories and its identity provider, and the house that follows them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from flask import Flask
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import ECKey

from appliance.accounts.context import AccountsContext
from appliance.accounts.sessions import ClientInfo
from appliance.accounts.tickets import LinkTokens
from appliance.config import DirectorySettings, OpenIdSettings
from appliance.demonstration.participants import CUSTODIAN, OFFICER, ZHANG
from appliance.directories import DirectoryRounds
from appliance.directories.single_sign_on import SignedOn, SignOnAnswer, SingleSignOn
from appliance.directory_service.messages import ProviderDescription, TokenReply
from appliance.model.accounts import PEOPLES_ROLES, AccountRole
from appliance.model.directories import DirectoryRound, DirectorySource, DirectoryUser, HeldKind, KnownUser
from appliance.model.people import Person
from appliance.store import directories
from appliance.wiring import Appliance
from tests.portal.conftest import portal_of
from tests.portal.office_visits import account_of
from tests.world import World, with_parts

ISSUER, CLIENT = "https://id.enterprise.example", "vermilion"
WHERE = ClientInfo("192.0.2.66", "the attacker's")
AUDITOR = "auditor-house"

GROUPS = DirectorySettings(
    initiator=["发起人"], reviewer=["审核人"], custodian=["印章保管"], auditor=["审计"], operator=["运维"]
)
EVERY_GROUP = frozenset(
    {
        *("发起人", "审核人", "印章保管", "审计", "运维", "officer", "officers", "Officer", "登记员", "registrar"),
        *(
            "administrators",
            "Domain Admins",
            "cn=officer,ou=groups,dc=enterprise,dc=example",
            "system",
            "security",
        ),
    }
)
"""Groups that give a role, and names that sound like more."""


@dataclass(slots=True)
class LyingProvider:
    """An identity provider that signs whatever it likes with its genuine key."""

    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", auto_kid=True))
    claims: dict[str, Any] = field(default_factory=dict)

    def provider(self) -> ProviderDescription:
        public = {**self.key.as_dict(private=False), "alg": "ES256", "use": "sig"}
        return ProviderDescription(ISSUER, f"{ISSUER}/authorize", keys=(public,))

    def exchange(self, *, code: str, verifier: str, redirect_uri: str) -> TokenReply:
        header = {"alg": "ES256", "kid": self.key.kid}
        return TokenReply(jwt.encode(header, self.claims, self.key), "")


@dataclass(slots=True)
class Attacker:
    """``users`` are those of the LDAP directory, by their keys; everything that they say is the attacker's."""

    appliance: Appliance
    provider: LyingProvider
    users: dict[str, DirectoryUser] = field(default_factory=dict)
    _portal: Flask | None = None

    @property
    def portal(self) -> Flask:
        """Made for whoever asks first, which takes longer than most of what is tried here."""
        self._portal = self._portal or portal_of(self.appliance, self.appliance.authority)
        return self._portal

    def says(self, key: str, **values: Any) -> DirectoryUser:
        """The directory has a user *key*, with these values from now on."""
        known = self.users.get(key) or DirectoryUser(key, key, f"员工{key}", f"{key}@alpha.example")
        self.users[key] = replace(known, **values)
        return self.users[key]

    def read(self) -> DirectoryRound:
        """The appliance reads the directory, as its scheduler does."""
        accounts = self.appliance.directory_accounts
        opened, read = self.appliance, self.users.values()
        return DirectoryRounds(opened.database, accounts, lambda: iter(read), opened.now).run_round()

    def known(self, key: str, source: DirectorySource = DirectorySource.LDAP) -> KnownUser:
        found = self.appliance.database.query(directories.stored_user, source, key)
        assert found is not None
        return found.known

    def tells(self, source: DirectorySource, **values: Any) -> KnownUser:
        """The same by each of the ways that an attacker has: the user as known here afterwards."""
        if source is DirectorySource.LDAP:
            key = self.says(f"k{len(self.users)}", **values).key
            self.read()
            return self.known(key)
        user = replace(DirectoryUser("k", "k", "员工", "k@alpha.example"), **values)
        if source is DirectorySource.OPENID:
            return self.appliance.directory_accounts.follow(source, replace(user, key=f"{ISSUER} {user.login}"))
        made = self.appliance.provisioning.create_user(
            {"userName": user.login, "displayName": user.name, "emails": [{"value": user.email}]}
        )
        for name in user.groups:
            self.appliance.provisioning.create_group({"displayName": name}, frozenset({made.id}))
        return self.known(made.id, source)

    def comes_in(self, sub: str, **claims: Any) -> SignedOn:
        """Signs in as *sub* of the provider, which claims this. Raises what refuses it."""
        service = self.appliance.single_sign_on
        begun = service.begin("/")
        asked = {name: values[0] for name, values in parse_qs(urlsplit(begun.address).query).items()}
        now = int(self.appliance.now().timestamp())
        own = {"iss": ISSUER, "aud": CLIENT, "sub": sub, "iat": now, "exp": now + 60, "nonce": asked["nonce"]}
        self.provider.claims = own | claims
        return service.complete(begun.ticket, SignOnAnswer(asked["state"], "code"), WHERE)

    def browser(self, secret: str = "") -> FlaskClient:
        """A browser of the attacker's, with the session of this *secret*."""
        client = self.portal.test_client()
        client.environ_base["HTTP_ACCEPT"] = "text/html"
        if secret:
            client.set_cookie("session", secret)
        return client

    def released(self, kind: HeldKind) -> None:
        """Two administrators, who were shown it, agree."""
        with self.appliance.database.reading() as tx:
            held = directories.held_users(tx, kind)
        assert held is not None
        self.appliance.directory_accounts.release(kind, count=held.count, digest=held.digest, by="shi wei")


@contextmanager
def attacked(world: World, **groups: Any) -> Iterator[Attacker]:
    """A house with an officer, an auditor, and people who are enrolled; its directories are the attacker's."""
    settings = replace(
        world.settings,
        directory=replace(GROUPS, **groups),
        openid=OpenIdSettings(issuer=ISSUER, client=CLIENT, provision=True),
    )
    with World(world.home, settings).opened() as opened:
        account_of(opened, OFFICER, frozenset({AccountRole.OFFICER}))
        account_of(opened, AUDITOR, frozenset({AccountRole.AUDITOR}))
        for person in (ZHANG, CUSTODIAN):
            account_of(opened, person.subject, PEOPLES_ROLES)
        provider = LyingProvider()
        context = AccountsContext(settings, opened.database, opened.authority, LinkTokens(bytes(32)), opened.now)
        follow = opened.directory_accounts.follow
        appliance = with_parts(opened, single_sign_on=SingleSignOn(context, settings, provider, follow))
        yield Attacker(appliance, provider)


def linked(attacker: Attacker, person: Person) -> str:
    """An enrolled *person* follows the directory, as two administrators agreed; the key there."""
    login = person.subject.removeprefix("person-")
    attacker.says(login, login=login, name=person.name, email=person.email)
    attacker.read()
    attacker.released(HeldKind.LINK)
    attacker.read()
    assert attacker.known(login).subject == person.subject
    return login

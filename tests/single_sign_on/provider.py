"""Canaille, an identity provider that others wrote, on the loopback interface: what sign-ins are tried against."""

from __future__ import annotations

import datetime
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

import canaille
from canaille.app import models
from canaille.backends import Backend
from flask import Flask
from joserfc.jwk import RSAKey
from werkzeug.serving import make_server

from tests.ports import free_port

CLIENT = "vermilion"
SECRET = "a-secret-of-the-tests"
PASSWORD = "correct horse of the provider"


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider that runs, at ``issuer``; ``keys`` are those that it signs with, the first one at once."""

    app: Flask
    issuer: str
    keys: list[dict[str, Any]]

    def add_user(self, login: str, name: str, email: str, groups: tuple[str, ...] = ()) -> None:
        """Somebody who signs in there with :data:`PASSWORD`."""
        given, _, family = name.partition(" ")
        with self.app.app_context():
            user = models.User(
                user_name=login,
                formatted_name=name,
                given_name=given,
                family_name=family or given,
                emails=[email],
                password=PASSWORD,
            )
            Backend.instance.save(user)
            for each in groups:
                group = models.Group(display_name=each, members=[user])
                Backend.instance.save(group)

    def change_email(self, login: str, email: str) -> None:
        """The provider has another mail address of somebody from now on."""
        with self.app.app_context():
            user = Backend.instance.get(models.User, user_name=login)
            user.emails = [email]
            Backend.instance.save(user)

    def rotate(self) -> None:
        """Signs with a new key from now on; the old one is shown no more."""
        self.keys[:] = [new_key()]


def new_key() -> dict[str, Any]:
    """A private key (JWK) with a name of its own."""
    key = RSAKey.generate_key(2048, auto_kid=True)
    return {**key.as_dict(private=True), "alg": "RS256", "use": "sig"}


def _configuration(issuer: SplitResult, keys: list[dict[str, Any]]) -> Mapping[str, Any]:
    return {
        "TESTING": False,
        "SECRET_KEY": "of the tests",
        "SERVER_NAME": issuer.netloc,
        "PREFERRED_URL_SCHEME": issuer.scheme,
        "CANAILLE": {
            "DATABASE": "memory",
            "NAME": "示例统一身份认证",
            "JAVASCRIPT": False,
            "ACL": {"DEFAULT": {"PERMISSIONS": ["use_oidc", "manage_oidc"]}},
            "LOGGING": {"version": 1, "disable_existing_loggers": False},
        },
        "CANAILLE_OIDC": {
            "ACTIVE_JWKS": keys,
            "USERINFO_MAPPING": {"PREFERRED_USERNAME": "{{ user.user_name }}"},
        },
    }


@contextmanager
def running_provider(portal: str, at: str = "", tls: ssl.SSLContext | None = None) -> Iterator[Provider]:
    """A provider whose one client is the portal at the address *portal*. Its issuer is *at*, on this machine, by
    *tls* where that says so; at a free port unless it is named."""
    issuer = urlsplit(at or f"http://localhost:{free_port()}")
    keys = [new_key()]
    app = canaille.create_app(config=_configuration(issuer, keys), init_backend=True)
    app.config["CANAILLE_OIDC"]["ACTIVE_JWKS"] = keys
    with app.app_context():
        client = models.Client(
            client_id=CLIENT,
            client_secret=SECRET,
            client_name="Vermilion",
            client_uri=portal,
            redirect_uris=[f"{portal}/login/provider/done"],
            post_logout_redirect_uris=[f"{portal}/"],
            grant_types=["authorization_code"],
            response_types=["code"],
            scope=["openid", "profile", "email", "groups"],
            token_endpoint_auth_method="client_secret_basic",
            client_id_issued_at=datetime.datetime.now(datetime.UTC),
            client_secret_expires_at=None,
        )
        Backend.instance.save(client)
        client.audience = [client]  # which has to be there
        Backend.instance.save(client)
    server = make_server("127.0.0.1", issuer.port or 0, app, threaded=True, ssl_context=tls)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Provider(app, issuer.geturl(), keys)
    finally:
        server.shutdown()
        thread.join()

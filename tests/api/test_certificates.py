"""Clients with TLS certificates (RFC 8705): the real portal, as systemd starts it, behind the real web front."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from authlib.integrations.requests_client import OAuth2Session
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask
from werkzeug.test import Client as WsgiClient

from appliance.demonstration.participants import ALPHA
from appliance.model.api_clients import ClientAuthentication, ClientTerms, Scope
from tests.api.programs import ERP, Programs
from tests.systemd.test_activation import UnixConnection, listener
from tests.web_front import Front, Own, needs_nginx, own_certificate, web_front
from tests.world import World
from vermilion_client import Client, ProblemError, TokenRefusedError
from webui.shared.headers import CERTIFICATE, VisitorAddress

A = "client-00000000000000a1"
B = "client-00000000000000a2"
EXPIRED = "client-00000000000000a3"
SOON = "client-00000000000000a4"
SUSPENDED = "client-00000000000000a5"
STARTING = 240.0
TOKEN = "/api/v1/token"
OWN = "/api/v1/client"


@dataclass(frozen=True, slots=True)
class Holders:
    """Who has which certificate: those that are registered, and somebody else's."""

    a: Own
    b: Own
    expired: Own
    soon: Own
    suspended: Own
    stranger: Own
    """The subject of ``a``, and another key."""
    renewed: Own
    """The key of ``a``, and another certificate."""


@pytest.fixture(scope="module")
def places() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="vermilion-") as directory:  # a socket's path is short
        yield Path(directory)


@pytest.fixture(scope="module")
def holders(known: Programs, tmp_path_factory: pytest.TempPathFactory) -> Holders:
    folder = tmp_path_factory.mktemp("holders")
    key = ec.generate_private_key(ec.SECP256R1())
    found = Holders(
        own_certificate(folder, "ERP", key=key),
        own_certificate(folder, "OA"),
        own_certificate(folder, "BI", begins=timedelta(days=-3), lasts=timedelta(days=2)),
        own_certificate(folder, "HR", begins=timedelta(days=1)),
        own_certificate(folder, "IM"),
        own_certificate(folder, "ERP"),
        own_certificate(folder, "ERP", key=key),
    )
    # Registered with a moment that lies ahead: what counts first is what the certificate says.
    later = datetime.now(UTC).replace(microsecond=0) + timedelta(days=400)
    pairs = {A: found.a, B: found.b, EXPIRED: found.expired, SOON: found.soon, SUSPENDED: found.suspended}
    for client, held in pairs.items():
        terms = ClientTerms(f"证书 {client[-2:]}", frozenset(Scope), frozenset({ALPHA}))
        proof = ClientAuthentication(certificate=held.thumbprint, certificate_expires=later)
        known.register.create(client, terms, proof, by="root")
    return found


@pytest.fixture(scope="module")
def portal_process(world: World, known: Programs, places: Path) -> Iterator[Path]:
    """The portal as systemd starts it, with the two sockets of ``vermilion-web.socket``; the folder that they are
    in."""
    gunicorn = f"{Path(sys.executable).parent}/gunicorn"
    command = [gunicorn, "--config", "python:webui.portal.gunicorn", "webui.portal.process:create()"]
    takes_over = 'LISTEN_PID=$$ LISTEN_FDS=2 exec "$@" 3<&"$ONE" 4<&"$TWO"'
    with (
        listener(socket.SOCK_STREAM, places / "web.sock") as one,
        listener(socket.SOCK_STREAM, places / "certificates.sock") as two,
        listener(socket.SOCK_DGRAM, places / "notify") as told,
    ):
        told.settimeout(STARTING)
        numbers = {"ONE": str(one.fileno()), "TWO": str(two.fileno())}
        for each in (one, two):
            each.listen(64)
        environment = {"PATH": os.environ["PATH"], "VERMILION_HOME": str(world.home.root)}
        with subprocess.Popen(
            ["bash", "-c", takes_over, "start", *command],
            env=environment | numbers | {"NOTIFY_SOCKET": str(places / "notify")},
            pass_fds=[one.fileno(), two.fileno()],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            try:
                assert told.recv(100) == b"READY=1"
                yield places
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(STARTING)


@pytest.fixture(scope="module")
def front(portal_process: Path) -> Iterator[Front]:
    with web_front(portal_process) as front:
        yield front


@dataclass(frozen=True, slots=True)
class Answered:
    status: int
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def error(self) -> tuple[int, str]:
        return self.status, self.json["code"]


Fields = Mapping[str, str] | list[tuple[str, str]]


def asked(connection: HTTPConnection, method: str, path: str, fields: Fields = (), body: str = "") -> Answered:  # type: ignore[assignment]  # nothing is a list of fields, too
    """The answer to a request whose *fields* are sent as they are, also twice."""
    try:
        connection.putrequest(method, path)
        for name, value in dict(fields).items() if isinstance(fields, Mapping) else fields:
            connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body.encode())
        answer = connection.getresponse()
        return Answered(answer.status, answer.read())
    finally:
        connection.close()


def over(front: Front, held: Own | None, *, ordinary: bool = False) -> HTTPSConnection:
    port = front.portal if ordinary else front.certificates
    return HTTPSConnection("localhost", port, context=front.context(held), timeout=60)


FORM = ("Content-Type", "application/x-www-form-urlencoded")


def token_asked(connection: HTTPConnection, client: str, *more: tuple[str, str]) -> Answered:
    body = urlencode({"grant_type": "client_credentials", "client_id": client})
    return asked(connection, "POST", TOKEN, [FORM, *more], body)


def token_of(front: Front, client: str, held: Own) -> str:
    answer = token_asked(over(front, held), client)
    assert answer.status == 200, answer.content
    return str(answer.json["access_token"])


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


REFUSED = (401, "invalid_client")


@needs_nginx
def test_a_certificate_gives_a_token_that_counts_with_it_alone(front: Front, holders: Holders) -> None:
    token = token_of(front, A, holders.a)
    own = asked(over(front, holders.a), "GET", OWN, bearer(token)).json
    assert (own["id"], own["certificate"]) == (A, holders.a.thumbprint)
    elsewhere = [
        over(front, holders.b),
        over(front, holders.stranger),
        over(front, holders.renewed),
        over(front, None),
        over(front, holders.a, ordinary=True),
        over(front, None, ordinary=True),
    ]
    for each in elsewhere:
        assert asked(each, "GET", OWN, bearer(token)).error == (401, "token-refused")


@needs_nginx
def test_nobody_is_another_client(front: Front, holders: Holders) -> None:
    assert token_asked(over(front, holders.b), A).error == REFUSED, "the certificate of another client"
    assert token_asked(over(front, holders.stranger), A).error == REFUSED, "the same subject, another key"
    assert token_asked(over(front, holders.renewed), A).error == REFUSED, "the same key, not registered"
    assert token_asked(over(front, None), A).error == REFUSED
    assert token_asked(over(front, holders.a), ERP).error == REFUSED, "a client that has a secret"
    assert token_asked(over(front, holders.a), "client-nobody").error == REFUSED
    assert token_asked(over(front, holders.a), "").error == REFUSED
    assert token_asked(over(front, holders.a, ordinary=True), A).error == REFUSED, "where nobody is asked for one"


@needs_nginx
@pytest.mark.parametrize("ordinary", [True, False])
@pytest.mark.parametrize(
    "names", [("X-Client-Certificate",), ("X_Client_Certificate",), ("x-client-certificate",) * 2]
)
def test_what_a_visitor_says_of_certificates_is_worth_nothing(
    front: Front, holders: Holders, ordinary: bool, names: tuple[str, ...]
) -> None:
    said = [(name, quote(holders.a.pem)) for name in names]
    for held in (None, holders.b):
        assert token_asked(over(front, held, ordinary=ordinary), A, *said).error == REFUSED
        stolen = [*bearer(token_of(front, A, holders.a)).items(), *said]
        answer = asked(over(front, held, ordinary=ordinary), "GET", OWN, stolen)
        assert answer.error == (401, "token-refused")
    one_more = asked(over(front, holders.b), "GET", OWN, [*bearer(token_of(front, B, holders.b)).items(), *said])
    assert one_more.json["id"] == B, "it changes nothing for whoever sends it"


@needs_nginx
@pytest.mark.parametrize("client", [EXPIRED, SOON])
def test_a_certificate_outside_its_dates_is_refused(front: Front, holders: Holders, client: str) -> None:
    held = holders.expired if client == EXPIRED else holders.soon
    answer = token_asked(over(front, held), client)
    assert answer.status in (400, 401) and b"access_token" not in answer.content


@needs_nginx
def test_a_suspended_client_is_out_at_once(front: Front, holders: Holders, known: Programs) -> None:
    token = token_of(front, SUSPENDED, holders.suspended)
    known.register.suspend(SUSPENDED, by="root")
    assert token_asked(over(front, holders.suspended), SUSPENDED).error == REFUSED
    assert asked(over(front, holders.suspended), "GET", OWN, bearer(token)).error == (401, "token-refused")


@needs_nginx
def test_a_secret_works_at_both_ports_and_binds_nothing(front: Front, holders: Holders, known: Programs) -> None:
    form = {"grant_type": "client_credentials", "client_id": ERP, "client_secret": known.secrets[ERP]}
    given = asked(over(front, holders.b), "POST", TOKEN, [FORM], urlencode(form)).json["access_token"]
    for each in (over(front, None, ordinary=True), over(front, None), over(front, holders.a)):
        own = asked(each, "GET", OWN, bearer(given)).json
        assert (own["id"], own["certificate"]) == (ERP, None)


@needs_nginx
def test_the_port_has_no_page_and_only_it_asks_for_a_certificate(front: Front, holders: Holders) -> None:
    for path in ("/", "/login", "/static/mark.svg", "/livez", "/tsa", "/verify", "/api/", "/api/v1/../../login"):
        assert asked(over(front, holders.a), "GET", path).status == 404, path
    wanted = b"Requested Signature Algorithms"
    for port, asks in ((front.certificates, True), (front.portal, False)):
        command = ["openssl", "s_client", "-connect", f"localhost:{port}"]
        shown = subprocess.run(command, input=b"", capture_output=True, check=False).stdout
        assert b"BEGIN CERTIFICATE" in shown and (wanted in shown) is asks, "browsers are not asked elsewhere"


@needs_nginx
def test_every_connection_proves_anew_that_the_key_is_there(front: Front, holders: Holders) -> None:
    context, session = front.context(holders.a), None
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    for _ in range(2):
        with (
            socket.create_connection(("localhost", front.certificates), timeout=60) as plain,
            context.wrap_socket(plain, server_hostname="localhost", session=session) as tls,
        ):
            assert not tls.session_reused
            session = tls.session


@needs_nginx
def test_remote_signing_takes_the_same_tokens(front: Front, holders: Holders) -> None:
    token, body = token_of(front, A, holders.a), json.dumps({"userID": "person-zhang"})
    fields = [*bearer(token).items(), ("Content-Type", "application/json")]
    path = "/csc/v2/credentials/list"
    assert asked(over(front, holders.a), "POST", path, fields, body).status == 200
    for held in (None, holders.b):
        assert asked(over(front, held), "POST", path, fields, body).status in (400, 401)
    assert asked(over(front, None, ordinary=True), "POST", path, fields, body).status in (400, 401)


@needs_nginx
def test_the_python_client_has_a_certificate_in_place_of_a_secret(front: Front, holders: Holders) -> None:
    client = Client(front.address(), A, certificate=holders.a.path, context=front.context())
    assert (client.me().id, client.me().certificate) == (A, holders.a.thumbprint)
    pair = (holders.a.path, holders.a.path)
    assert Client(front.address(), A, certificate=pair, context=front.context()).me().id == A
    with pytest.raises(TokenRefusedError):
        Client(front.address(), A, certificate=holders.b.path, context=front.context()).me()
    with pytest.raises(ProblemError):
        Client(front.address(ordinary=True), A, certificate=holders.a.path, context=front.context()).me()
    for secret, certificate in (("", None), ("示例", holders.a.path)):
        with pytest.raises(ValueError, match="by a secret or by a certificate"):
            Client(front.address(), A, secret, certificate=certificate)


@needs_nginx
def test_a_known_oauth_client_works(front: Front, holders: Holders) -> None:
    session = OAuth2Session(A, token_endpoint_auth_method="none", scope="contracts:read")
    session.cert, session.verify, session.trust_env = str(holders.a.path), str(front.own.path), False
    session.fetch_token(f"{front.address()}{TOKEN}", grant_type="client_credentials")
    assert session.get(f"{front.address()}{OWN}").json()["scopes"] == ["contracts:read"]


def test_without_a_web_front_nobody_has_a_certificate(portal: Flask, holders: Holders) -> None:
    """In development visitors connect themselves; what they say of certificates is their own word."""
    visitor = WsgiClient(VisitorAddress(portal))
    body = {"grant_type": "client_credentials", "client_id": A}
    answer = visitor.post(
        TOKEN,
        data=body,
        headers={"X-Client-Certificate": quote(holders.a.pem)},
        environ_overrides={CERTIFICATE: holders.a.pem},
    )
    assert answer.status_code == 401
    believed = portal.test_client().post(TOKEN, data=body, environ_overrides={CERTIFICATE: holders.a.pem})
    assert believed.status_code == 200, "so it was for the word alone"


def test_what_comes_by_another_socket_is_not_believed(portal_process: Path, holders: Holders) -> None:
    """As if a location of nginx passed the header on that a visitor sent: by the ordinary socket it counts for
    nothing. By the other, which nginx alone may open, it is the certificate."""
    said = ("X-Client-Certificate", quote(holders.a.pem))
    assert token_asked(UnixConnection(portal_process / "web.sock"), A, said).error == REFUSED
    other = portal_process / "certificates.sock"
    token = token_asked(UnixConnection(other), A, said).json["access_token"]
    assert asked(UnixConnection(other), "GET", OWN, [*bearer(token).items(), said]).json["id"] == A
    ordinary = asked(UnixConnection(portal_process / "web.sock"), "GET", OWN, [*bearer(token).items(), said])
    assert ordinary.error == (401, "token-refused")
    for held, client in ((holders.expired, EXPIRED), (holders.soon, SOON), (holders.b, A)):
        given = ("X-Client-Certificate", quote(held.pem))
        assert token_asked(UnixConnection(other), client, given).error == REFUSED, "also where nginx let it pass"
    for wrong in ("", "%00", "a,b", quote(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")):
        assert token_asked(UnixConnection(other), A, ("X-Client-Certificate", wrong)).error == REFUSED
    underscored = ("X_Client_Certificate", quote(holders.a.pem))
    assert token_asked(UnixConnection(other), A, underscored).status in (400, 401)

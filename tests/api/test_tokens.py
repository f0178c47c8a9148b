"""How a client gets a token: by its secret, or by an assertion signed with a key of its own, each once."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from flask import Flask
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey
from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter
from werkzeug.test import TestResponse

from appliance.model.api_clients import Scope
from appliance.wiring import Appliance
from tests.api.programs import BETAS, ERP, READER, SIGNER, SUSPENDED, Programs

TOKEN = "/api/v1/token"
GRANT = {"grant_type": "client_credentials"}
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@pytest.fixture
def anybody(portal: Flask) -> FlaskClient:
    return portal.test_client()


def basic(client_id: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()}


def require_refused(answer: TestResponse, status: int, error: str) -> None:
    assert (answer.status_code, answer.json["error"]) == (status, error), answer.text
    assert answer.mimetype == "application/json" and answer.json["error_description"] == answer.json["detail"]
    assert (status == 401) == ("WWW-Authenticate" in answer.headers)


def test_a_secret_in_the_header_gives_a_token(anybody: FlaskClient, known: Programs) -> None:
    answer = anybody.post(TOKEN, data=GRANT, headers=basic(ERP, known.secrets[ERP]))
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    found = answer.json
    assert found["token_type"] == "Bearer" and 0 < found["expires_in"] <= 600
    assert set(found["scope"].split()) == {each.value for each in Scope}
    own = anybody.get("/api/v1/client", headers={"Authorization": f"Bearer {found['access_token']}"})
    assert own.json["id"] == ERP


def test_a_secret_in_the_form_gives_a_token_with_fewer_scopes(anybody: FlaskClient, known: Programs) -> None:
    form = {**GRANT, "client_id": ERP, "client_secret": known.secrets[ERP]}
    answer = anybody.post(TOKEN, data={**form, "scope": "contracts:read people:read"})
    assert answer.json["scope"] == "contracts:read people:read"
    headers = {"Authorization": f"Bearer {answer.json['access_token']}"}
    assert anybody.get("/api/v1/people", headers=headers).status_code == 200
    refused = anybody.post("/api/v1/contracts", json={}, headers=headers)
    assert (refused.status_code, refused.json["code"]) == (403, "scope-missing")


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "client-nobody"}, 401, "invalid_client"),
        ({"client_secret": ""}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": ""}, 400, "unsupported_grant_type"),
        ({"scope": "contracts:sign"}, 400, "invalid_scope"),
        ({"scope": "x" * 2000}, 400, "invalid_request"),
        ({"client_assertion": "x", "client_assertion_type": ASSERTION_TYPE}, 400, "invalid_request"),
    ],
)
def test_what_gives_no_token(
    anybody: FlaskClient, known: Programs, changes: dict[str, str], status: int, error: str
) -> None:
    form = {**GRANT, "client_id": ERP, "client_secret": known.secrets[ERP], **changes}
    require_refused(anybody.post(TOKEN, data=form), status, error)


def test_a_request_that_proves_nothing_is_told_so_of_whomever_it_speaks(anybody: FlaskClient) -> None:
    said = [
        anybody.post(TOKEN, data={**GRANT, "client_id": each}).json["error_description"]
        for each in (ERP, "client-ffffffffffffffff")
    ]
    assert said[0] == said[1] and "port for certificates" in said[0]


def test_a_request_that_is_no_form(anybody: FlaskClient, known: Programs) -> None:
    require_refused(anybody.post(TOKEN, json=GRANT), 400, "invalid_request")
    twice = "grant_type=client_credentials&grant_type=client_credentials"
    kind = "application/x-www-form-urlencoded"
    require_refused(anybody.post(TOKEN, data=twice, content_type=kind), 400, "invalid_request")
    require_refused(anybody.post(TOKEN, data=GRANT, headers={"Authorization": "Basic !"}), 401, "invalid_client")


def test_a_scope_beyond_the_clients_own(anybody: FlaskClient, known: Programs) -> None:
    headers = basic(READER, known.secrets[READER])
    answer = anybody.post(TOKEN, data={**GRANT, "scope": "contracts:write"}, headers=headers)
    require_refused(answer, 400, "invalid_scope")


def test_a_suspended_client_gets_no_token(anybody: FlaskClient, known: Programs) -> None:
    known.add(SUSPENDED)
    known.register.suspend(SUSPENDED, by="root")
    headers = basic(SUSPENDED, known.secrets[SUSPENDED])
    require_refused(anybody.post(TOKEN, data=GRANT, headers=headers), 401, "invalid_client")


KEY = ECKey.generate_key("P-256", {"kid": "one"}, private=True)


@pytest.fixture(scope="module")
def signer(known: Programs) -> None:
    known.add(SIGNER, keys=json.dumps({"keys": [KEY.as_dict(private=False)]}))


def claims(appliance: Appliance, **changes: Any) -> dict[str, Any]:
    now = int(appliance.now().timestamp())
    return {
        "iss": SIGNER,
        "sub": SIGNER,
        "aud": f"{appliance.settings.web.public_url}{TOKEN}",
        "iat": now,
        "exp": now + 120,
        "jti": secrets.token_urlsafe(8),
        **changes,
    }


def signed(held: dict[str, Any], key: ECKey | OctKey = KEY, algorithm: str = "ES256") -> str:
    return jwt.encode({"alg": algorithm, "kid": "one"}, held, key, algorithms=[algorithm])


def asserted(anybody: FlaskClient, assertion: str, **more: str) -> TestResponse:
    form = {**GRANT, "client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion, **more}
    return anybody.post(TOKEN, data=form)


@pytest.mark.usefixtures("signer")
def test_an_assertion_gives_a_token_once(anybody: FlaskClient, appliance: Appliance) -> None:
    assertion = signed(claims(appliance))
    answer = asserted(anybody, assertion, scope=Scope.CONTRACTS_READ)
    assert answer.status_code == 200 and answer.json["scope"] == "contracts:read", answer.text
    require_refused(asserted(anybody, assertion), 401, "invalid_client")
    assert asserted(anybody, signed(claims(appliance)), client_id=SIGNER).status_code == 200


def test_a_form_that_is_too_large_is_refused_as_oauth_has_it(anybody: FlaskClient) -> None:
    require_refused(asserted(anybody, "合" * 8000), 400, "invalid_request")


@pytest.mark.parametrize("algorithm", ["Ed25519", "EdDSA"])  # RFC 9864, 2.2, and what it has deprecated
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
def test_an_edwards_key_signs_by_either_name(
    anybody: FlaskClient, appliance: Appliance, known: Programs, algorithm: str
) -> None:
    own = OKPKey.generate_key("Ed25519", {"kid": "one"}, private=True)
    client = f"client-{secrets.token_hex(8)}"
    known.add(client, keys=json.dumps({"keys": [own.as_dict(private=False)]}))
    held = claims(appliance, iss=client, sub=client)
    assertion = jwt.encode({"alg": algorithm, "kid": "one"}, held, own, algorithms=[algorithm])
    assert asserted(anybody, assertion).status_code == 200


WRONG: dict[str, Callable[[Appliance], str]] = {
    "another audience": lambda a: signed(claims(a, aud="https://sign.example/api/v1/token")),
    "no audience": lambda a: signed(claims(a, aud=None)),
    "another subject": lambda a: signed(claims(a, sub=BETAS)),
    "another issuer": lambda a: signed(claims(a, iss=BETAS, sub=BETAS)),
    "no id": lambda a: signed(claims(a, jti="")),
    "an id that is a number": lambda a: signed(claims(a, jti=7)),
    "expired": lambda a: signed(claims(a, exp=int((a.now() - timedelta(minutes=5)).timestamp()))),
    "too long": lambda a: signed(claims(a, exp=int((a.now() + timedelta(hours=2)).timestamp()))),
    "for ever": lambda a: signed(claims(a, exp=None)),
    "beyond the calendar": lambda a: signed(claims(a, exp=10**30)),
    "a truth for a time": lambda a: signed(claims(a, exp=True)),
    "not yet": lambda a: signed(claims(a, nbf=int((a.now() + timedelta(minutes=5)).timestamp()))),
    "another key": lambda a: signed(claims(a), ECKey.generate_key("P-256", {"kid": "one"})),
    "a shared secret": lambda a: signed(
        claims(a), OctKey.import_key(json.dumps(KEY.as_dict(private=False))), "HS256"
    ),
    "no signature": lambda a: signed(claims(a)).rpartition(".")[0] + ".",
    "the algorithm none": lambda a: ".".join(
        [base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("="), signed(claims(a)).split(".")[1], ""]
    ),
    "a header that is out of form": lambda a: ".".join(
        [
            base64.urlsafe_b64encode(b'{"alg":"ES256","crit":5}').decode().rstrip("="),
            *signed(claims(a)).split(".")[1:],
        ]
    ),
    "no assertion": lambda _: "x.y",
    "not JSON": lambda _: "eyJhbGciOiJFUzI1NiJ9.e30x.AAAA",
}


@pytest.mark.usefixtures("signer")
@pytest.mark.parametrize("wrong", WRONG)
def test_an_assertion_that_proves_nothing(anybody: FlaskClient, appliance: Appliance, wrong: str) -> None:
    require_refused(asserted(anybody, WRONG[wrong](appliance)), 401, "invalid_client")


@pytest.mark.usefixtures("signer")
def test_an_assertion_of_another_kind_or_client(anybody: FlaskClient, appliance: Appliance) -> None:
    assertion = signed(claims(appliance))
    require_refused(asserted(anybody, assertion, client_id=BETAS), 401, "invalid_client")
    form = {**GRANT, "client_assertion": assertion, "client_assertion_type": "saml"}
    require_refused(anybody.post(TOKEN, data=form), 400, "invalid_request")


class Served(BaseAdapter):
    """Has the application answer what ``requests`` sends."""

    def __init__(self, portal: Flask) -> None:
        super().__init__()
        self._portal = portal

    def send(self, request: PreparedRequest, *_: Any, **__: Any) -> Response:
        path = (request.url or "").removeprefix("http://localhost:8080")
        client = self._portal.test_client()
        answer = client.open(path, method=request.method, data=request.body, headers=list(request.headers.items()))
        response = Response()
        response.status_code, response._content = answer.status_code, answer.data
        response.headers.update(dict(answer.headers))
        response.url, response.request = request.url or "", request
        return response

    def close(self) -> None:
        """Nothing is open."""


def oauth(portal: Flask, method: str, client_id: str, secret: Any) -> OAuth2Session:
    session = OAuth2Session(client_id, secret, token_endpoint_auth_method=method, scope="contracts:read")
    session.mount("http://localhost:8080", Served(portal))
    return session


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_a_known_oauth_client_works(portal: Flask, known: Programs, appliance: Appliance, method: str) -> None:
    origin = appliance.settings.web.public_url
    session = oauth(portal, method, ERP, known.secrets[ERP])
    session.fetch_token(f"{origin}{TOKEN}", grant_type="client_credentials")
    assert session.get(f"{origin}/api/v1/client").json()["scopes"] == ["contracts:read"]


@pytest.mark.usefixtures("signer")
def test_a_known_oauth_client_works_with_a_key_of_its_own(portal: Flask, appliance: Appliance) -> None:
    address = f"{appliance.settings.web.public_url}{TOKEN}"
    session = oauth(portal, "private_key_jwt", SIGNER, KEY)
    session.register_client_auth_method(PrivateKeyJWT(address, alg="ES256"))
    session.fetch_token(address, grant_type="client_credentials")
    assert session.get(f"{appliance.settings.web.public_url}/api/v1/client").json()["id"] == SIGNER

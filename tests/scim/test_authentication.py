"""Who may push: a client with the scope, by a token or its id and secret; nobody else, and nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from appliance.api_clients import new_secret, secret_digest
from appliance.model.api_clients import ClientState, Scope
from appliance.wiring import Appliance
from tests.api.programs import Programs
from tests.scim.pushing import ELSEWHERE, IDP, NEIGHBOUR, Pusher, require_refused, user

SPARE = "client-00000000000000d4"
KEYED = "client-00000000000000d5"


def by_secret(known: Programs, client_id: str) -> str:
    return f"Bearer {client_id}.{known.secrets[client_id]}"


def status(portal: Flask, authorization: str, path: str = "/Users?count=0") -> int:
    headers = {"Authorization": authorization} if authorization else {}
    answer = portal.test_client().get(f"/scim/v2{path}", headers=headers)
    if answer.status_code != 200:
        require_refused(answer, answer.status_code)
        assert ("WWW-Authenticate" in answer.headers) == (answer.status_code in (401, 403))
    return answer.status_code


def test_a_secret_and_a_token_let_in(portal: Flask, known: Programs, appliance: Appliance) -> None:
    assert status(portal, by_secret(known, IDP)) == 200
    assert status(portal, f"Bearer {known.token(IDP)}") == 200
    used = appliance.api_clients.find(IDP).last_used
    assert used is not None and appliance.now() - used < timedelta(minutes=2)


def test_what_does_not_let_in(portal: Flask, known: Programs) -> None:
    secret = known.secrets[IDP]
    for authorization in (
        "",
        "Bearer",
        "Bearer ",
        "Bearer x",
        f"Bearer {secret}",
        f"Bearer {IDP}",
        f"Bearer {IDP}.",
        f"Bearer {IDP}:{secret}",
        f"Bearer {IDP}.{secret}x",
        f"Bearer {IDP}.{secret[:-1]}",
        f"Bearer {IDP}.{new_secret()}",
        f"Bearer {NEIGHBOUR}.{secret}",
        f"Bearer client-ffffffffffffffff.{secret}",
        f"Bearer {IDP.upper()}.{secret}",
        f"Bearer {IDP}.{secret} {secret}",
        f"Basic {IDP}.{secret}",
        f"Token {IDP}.{secret}",
        f"{IDP}.{secret}",
        f"Bearer {secret_digest(secret).hex()}",
        "Bearer " + "x" * 5000,
        "Bearer \xff",
    ):
        assert status(portal, authorization) == 401, authorization


@pytest.mark.parametrize(
    "path", ["/ServiceProviderConfig", "/Schemas", "/ResourceTypes", "/Users/x", "/Groups", "/Me"]
)
def test_nothing_is_said_to_strangers(portal: Flask, path: str) -> None:
    assert status(portal, "", path) == 401


def test_other_scopes_and_organisations_do_not_let_in(portal: Flask, known: Programs) -> None:
    assert status(portal, by_secret(known, NEIGHBOUR)) == 403
    assert status(portal, f"Bearer {known.token(NEIGHBOUR)}") == 403
    assert status(portal, by_secret(known, ELSEWHERE)) == 403


def test_a_token_without_the_scope_does_not_let_in(portal: Flask, known: Programs) -> None:
    known.add(SPARE, scopes=frozenset({Scope.DIRECTORY_WRITE, Scope.PEOPLE_READ}))
    assert status(portal, f"Bearer {known.token(SPARE, frozenset({Scope.PEOPLE_READ}))}") == 403
    assert status(portal, f"Bearer {known.token(SPARE, frozenset({Scope.DIRECTORY_WRITE}))}") == 200
    assert status(portal, by_secret(known, SPARE)) == 200


def test_a_suspended_client_is_nobody(portal: Flask, known: Programs) -> None:
    token = known.token(SPARE)
    assert known.register.suspend(SPARE, by="root").state is ClientState.SUSPENDED
    assert status(portal, by_secret(known, SPARE)) == status(portal, f"Bearer {token}") == 401
    known.register.resume(SPARE, by="root")
    assert status(portal, by_secret(known, SPARE)) == 200


def test_rotated_secrets(portal: Flask, known: Programs, appliance: Appliance) -> None:
    old, new = known.secrets[SPARE], new_secret()
    soon = appliance.now() + timedelta(days=1)
    known.register.change_secret(SPARE, secret_digest(new), old_until=soon, by="root")
    assert status(portal, f"Bearer {SPARE}.{old}") == status(portal, f"Bearer {SPARE}.{new}") == 200
    newest = new_secret()
    known.register.change_secret(SPARE, secret_digest(newest), old_until=None, by="root")
    assert [status(portal, f"Bearer {SPARE}.{each}") for each in (old, new, newest)] == [401, 401, 200]


def test_a_client_by_keys_presents_tokens_alone(portal: Flask, known: Programs) -> None:
    import json  # noqa: PLC0415

    from joserfc.jwk import ECKey, KeySet  # noqa: PLC0415

    keys = KeySet([ECKey.generate_key("P-256", {"kid": "k"}, private=True)]).as_dict(private=False)
    known.add(KEYED, scopes=frozenset({Scope.DIRECTORY_WRITE}), keys=json.dumps(keys))
    assert status(portal, f"Bearer {KEYED}.{known.secrets[KEYED]}") == 401
    assert status(portal, f"Bearer {known.token(KEYED)}") == 200


@pytest.mark.parametrize("name", ["access_token", "token", "client_secret"])
def test_a_secret_in_the_address_is_refused(portal: Flask, known: Programs, name: str) -> None:
    secret = f"{IDP}.{known.secrets[IDP]}"
    for headers in ({}, {"Authorization": f"Bearer {secret}"}):
        answer = portal.test_client().get(f"/scim/v2/Users?{name}={secret}", headers=headers)
        assert secret not in require_refused(answer, 400)


def test_the_secret_opens_nothing_else(portal: Flask, known: Programs) -> None:
    for authorization in (by_secret(known, IDP), f"Bearer {known.token(IDP)}"):
        headers = {"Authorization": authorization}
        for path in ("/api/v1/contracts", "/api/v1/people", "/api/v1/events", "/api/v1/templates"):
            assert portal.test_client().get(path, headers=headers).status_code in (401, 403), path
        info = portal.test_client().post("/csc/v1/credentials/list", json={"userID": "x"}, headers=headers)
        assert info.status_code in (400, 401, 403) and "access" in info.text.lower() + info.json["error"]
        for path in ("/contracts", "/office/people", "/account"):
            answer = portal.test_client().get(path, headers=headers)
            assert answer.status_code in (302, 303, 401, 403, 404), path


def test_cookies_count_for_nothing(portal: Flask, idp: Pusher) -> None:
    visitor = portal.test_client()
    visitor.set_cookie("session", "x")
    require_refused(visitor.post("/scim/v2/Users", json=user()), 401)


def test_every_request_has_an_id(idp: Pusher) -> None:
    assert idp.get("/Users?count=0").headers["X-Request-Id"]
    own = idp.get("/Users?count=0", X_Request_Id="abcdefgh-1")
    assert own.headers["X-Request-Id"] == "abcdefgh-1"

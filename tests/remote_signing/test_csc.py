"""The CSC API: in both versions, with a handle until the person has confirmed, and for the same hashes alone."""

from __future__ import annotations

import base64
import io
import json
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from appliance.demonstration.participants import LI, OFFICER, ZHANG
from appliance.errors import PreconditionRefused
from appliance.model.administration import MaintenanceWindow
from appliance.remote_signing.requests import RemoteRequests
from appliance.wiring import Appliance
from hsm import cms
from hsm.intents import OfficerIntent
from hsm.remote import RemoteUse
from tests.api.programs import Programs
from tests.authority import soon
from tests.portal.visitors import signed_in
from tests.remote_signing.conftest import DIGESTS, OFFICE, READER, ask_for
from tests.remote_signing.served import PORTAL
from tests.world import confirm_by, sample_document, with_parts
from webui.csc.endpoints import LARGEST_REQUEST, MOST_VALUES
from webui.portal.application import create_app
from webui.shared.room import verification_room

HASH, DOCUMENT = f"{ZHANG.subject}.hash", f"{ZHANG.subject}.document"
SHA256, ECDSA = "2.16.840.1.101.3.4.2.1", "1.2.840.10045.4.3.2"
B64 = [base64.b64encode(each).decode() for each in DIGESTS]
PDF = {"document": base64.b64encode(sample_document(1)).decode(), "signature_format": "P"}


@pytest.fixture(scope="module")
def client(portal: Flask, known: Programs) -> FlaskClient:
    """A program of the register at the portal, with a token that asks for signatures."""
    client = portal.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {known.token(OFFICE.id)}"
    return client


def post(client: FlaskClient, path: str, **body: Any) -> TestResponse:
    """With characters beyond ASCII escaped, so that halves of them can be sent, too."""
    return client.post(f"/csc/{path}", data=json.dumps(body), content_type="application/json")


def authorised(client: FlaskClient, appliance: Appliance, version: str, **body: Any) -> str:
    """The SAD after Zhang has activated what is asked for; before, there is none."""
    asked = post(client, f"{version}/credentials/authorize", **body)
    assert asked.status_code == 202 and "SAD" not in asked.json, asked.text  # type: ignore[operator]  # JSON
    handle = asked.json["handle"]  # type: ignore[index]  # as above
    again = post(client, f"{version}/credentials/authorizeCheck", handle=handle)
    assert again.status_code == 202 and again.json["confirmation"].startswith(f"{PORTAL}/remote/")  # type: ignore[index]
    [waiting] = appliance.remote_requests.waiting_for(ZHANG.subject)
    confirm_by(appliance, ZHANG.subject, waiting.intent())
    given = post(client, f"{version}/credentials/authorizeCheck", handle=handle).json
    assert given is not None and 0 < given["expiresIn"] <= 600
    return str(given["SAD"])


OF_1, OF_2 = (
    {"specs", "name", "logo", "region", "lang", "description", "authType", "oauth2", "methods"},
    {"signAlgorithms", "signature_formats", "conformance_levels", "asynchronousOperationMode", "validationInfo"},
)
"""What ``info`` says in 1.0.4 (11.1), and in 2.0.0.2 besides."""


@pytest.mark.parametrize(("version", "specs", "named"), [("v1", "1.0.4.0", OF_1), ("v2", "2.0.0.2", OF_1 | OF_2)])
def test_the_service_describes_itself_to_everybody(
    portal: Flask, known: Programs, version: str, specs: str, named: set[str]
) -> None:
    """By every member that the standard demands, and by exactly the methods that there are."""
    stranger = portal.test_client()
    found = stranger.post(f"/csc/{version}/info", json={}).json
    assert found is not None and set(found) == named and found["specs"] == specs
    assert found["authType"] == ["oauth2client"] and (found["region"], found["lang"]) == ("CN", "zh-CN")
    assert all(0 < len(found[each]) <= 255 for each in ("name", "description"))
    prefix = f"/csc/{version}/"
    rules = {
        each.rule.removeprefix(prefix) for each in portal.url_map.iter_rules() if each.rule.startswith(prefix)
    }
    assert sorted(rules) == sorted(found["methods"])
    with Image.open(io.BytesIO(stranger.get(found["logo"].removeprefix(PORTAL)).data)) as logo:
        assert logo.format == "PNG" and max(logo.size) <= 256
    token = f"{found['oauth2'].removeprefix(PORTAL)}/oauth2/token"
    asked = {"grant_type": "client_credentials", "client_id": OFFICE.id, "client_secret": known.secrets[OFFICE.id]}
    given = stranger.post(token, data={**asked, "scope": "signatures:request"}).json
    assert given is not None and given["token_type"] == "Bearer"
    bearer = {"Authorization": f"Bearer {given['access_token']}"}
    assert (
        stranger.post(f"{prefix}credentials/list", json={"userID": ZHANG.subject}, headers=bearer).status_code
        == 200
    )
    refused = stranger.post(token, data={**asked, "client_secret": "x"})
    assert (refused.status_code, refused.json["error"]) == (401, "invalid_client")  # type: ignore[index]


def test_each_version_says_in_its_own_words_how_a_key_is_authorised(client: FlaskClient) -> None:
    first, second = (post(client, f"{each}/credentials/info", credentialID=HASH).json for each in ("v1", "v2"))
    assert first is not None and first["authMode"] == "implicit" and "auth" not in first
    assert (
        second is not None and second["auth"] == {"mode": "explicit", "objects": []} and "authMode" not in second
    )


def test_what_waits_is_answered_by_a_handle_and_where_its_person_finds_it(
    client: FlaskClient, requests: RemoteRequests
) -> None:
    asked = post(client, "v2/credentials/authorize", credentialID=HASH, numSignatures=2, hashes=B64)
    again = post(client, "v2/credentials/authorizeCheck", handle=asked.json["handle"])  # type: ignore[index]
    assert (asked.status_code, again.status_code) == (202, 202)
    assert asked.json == again.json and set(again.json) == {"handle", "confirmation"}  # type: ignore[arg-type]
    [waiting] = requests.waiting_for(ZHANG.subject)
    requests.refuse(waiting.id, by=ZHANG.subject)


def test_credentials_are_listed_and_described(client: FlaskClient, appliance: Appliance) -> None:
    listed = post(client, "v2/credentials/list", userID=ZHANG.subject, credentialInfo=True, certInfo=True).json
    assert listed is not None and listed["credentialIDs"] == [DOCUMENT, HASH]
    described = listed["credentialInfos"][1]
    assert described["SCAL"] == "2" and described["multisign"] == 5 and described["key"]["algo"] == [ECDSA]
    info = post(client, "v1/credentials/info", credentialID=HASH, certificates="chain", certInfo=True).json
    assert info is not None and info["cert"]["status"] == "valid"
    chain = [x509.load_der_x509_certificate(base64.b64decode(each)) for each in info["cert"]["certificates"]]
    assert chain[0].public_bytes is not None and len(chain) == 3
    chain[0].verify_directly_issued_by(chain[1])
    assert info["cert"]["serialNumber"] == f"{chain[0].serial_number:x}"
    bare = post(client, "v1/credentials/info", credentialID=HASH, certificates="none").json
    assert bare is not None and bare["cert"]["certificates"] == []


def test_nobody_is_asked_for_a_key_whose_certificate_has_ended(
    client: FlaskClient, appliance: Appliance, requests: RemoteRequests
) -> None:
    def status() -> str:
        found = post(client, "v2/credentials/info", credentialID=DOCUMENT).json
        assert found is not None
        return str(found["cert"]["status"])

    asking = {"credentialID": DOCUMENT, "numSignatures": 1, "hashes": B64[:1]}
    ended = appliance.now() + timedelta(days=20 * 366)
    parts = (appliance.database, appliance.authority, None, lambda: ended)
    with pytest.raises(PreconditionRefused, match="no valid key"):
        RemoteRequests(*parts).ask(OFFICE, ask_for(RemoteUse.DOCUMENT, DIGESTS[0]))  # type: ignore[arg-type]
    assert status() == "valid"
    revoke, add = (
        OfficerIntent(kind, details, soon(), kind.encode()[:16].ljust(16))
        for kind, details in (
            ("revoke_certificate", {"subject": DOCUMENT, "reason": "key_compromise"}),
            ("add_remote_key", {"subject": ZHANG.subject, "use": "document"}),
        )
    )
    for act in (revoke, add):
        confirm_by(appliance, OFFICER, act)
    appliance.authority.revoke_certificate(revoke)
    assert status() == "revoked"
    answer = post(client, "v2/credentials/authorize", **asking)
    assert answer.status_code == 400 and "no valid key" in answer.text
    appliance.authority.add_remote_key(add)
    assert status() == "valid" and requests.waiting_for(ZHANG.subject) == []


def test_the_first_version_has_no_sign_doc_and_no_key_for_it(client: FlaskClient) -> None:
    assert post(client, "v1/signatures/signDoc", credentialID=DOCUMENT, SAD="x").status_code == 404
    listed = post(client, "v1/credentials/list", userID=ZHANG.subject).json
    assert listed is not None and listed["credentialIDs"] == [HASH]
    asked = post(client, "v1/credentials/authorize", credentialID=DOCUMENT, numSignatures=1, hash=B64[:1])
    assert asked.status_code == 400 and "credentialID" in asked.text


@pytest.mark.parametrize(
    ("version", "sent"),
    [("v1", {"hash": B64, "hashAlgo": SHA256}), ("v2", {"hashes": B64, "hashAlgorithmOID": SHA256})],
)
def test_hashes_are_signed_once_their_person_has_confirmed(
    client: FlaskClient, appliance: Appliance, version: str, sent: dict[str, Any]
) -> None:
    sad = authorised(client, appliance, version, credentialID=HASH, numSignatures=2, description="报价", **sent)
    signing = {"credentialID": HASH, "SAD": sad, "signAlgo": ECDSA}
    assert "not the digests" in post(client, f"{version}/signatures/signHash", **signing, hashes=B64[:1]).text
    signed = post(client, f"{version}/signatures/signHash", **signing, **sent)
    assert signed.status_code == 200 and len(signed.json["signatures"]) == 2  # type: ignore[index]


def test_a_document_s_digest_is_signed_in_a_message(client: FlaskClient, appliance: Appliance) -> None:
    digests = {"hashes": B64[:1], "hashAlgorithmOID": SHA256}
    sad = authorised(client, appliance, "v2", credentialID=DOCUMENT, numSignatures=1, **digests)
    sets = [{**digests, "signature_format": "P", "conformance_level": "AdES-B-B", "signAlgo": ECDSA}]
    signed = post(client, "v2/signatures/signDoc", credentialID=DOCUMENT, SAD=sad, documentDigests=sets)
    [message] = signed.json["SignatureObject"]  # type: ignore[index]
    cms.verify(cms.parse(base64.b64decode(message)), digest=DIGESTS[0])


def test_a_document_that_is_handed_in_is_signed_by_its_own_digest(
    client: FlaskClient, appliance: Appliance, requests: RemoteRequests
) -> None:
    pdf = sample_document(1)
    given = {"documents": [{"document": base64.b64encode(pdf).decode(), "signature_format": "C"}]}
    sad = authorised(client, appliance, "v2", credentialID=DOCUMENT, numSignatures=1, labels=["报价.pdf"], **given)
    signed = post(client, "v2/signatures/signDoc", credentialID=DOCUMENT, SAD=sad, **given)
    [message] = signed.json["SignatureObject"]  # type: ignore[index]
    cms.verify(cms.parse(base64.b64decode(message)), content=pdf)


def test_a_refusal_ends_the_handle(client: FlaskClient, requests: RemoteRequests) -> None:
    asked = post(client, "v2/credentials/authorize", credentialID=HASH, numSignatures=2, hashes=B64)
    [waiting] = requests.waiting_for(ZHANG.subject)
    early = post(client, "v2/signatures/signHash", credentialID=HASH, SAD=asked.json["handle"], hashes=B64)  # type: ignore[index]
    assert early.status_code == 400 and "has not confirmed" in early.text
    requests.refuse(waiting.id, by=ZHANG.subject)
    over = post(client, "v2/credentials/authorizeCheck", handle=asked.json["handle"])  # type: ignore[index]
    assert (over.status_code, over.json["error"]) == (400, "access_denied")  # type: ignore[index]


@pytest.mark.parametrize(
    ("token", "status", "code"),
    [("", 401, "invalid_token"), ("x", 401, "invalid_token"), (READER, 403, "insufficient_scope")],
)
def test_without_the_scope_nothing_is_said(
    client: FlaskClient, known: Programs, token: str, status: int, code: str
) -> None:
    headers = {"Authorization": f"Bearer {known.token(READER) if token == READER else token}"}
    for path in ("credentials/list", "credentials/authorize", "signatures/signHash"):
        answer = client.post(f"/csc/v1/{path}", json={"userID": ZHANG.subject}, headers=headers)
        assert (answer.status_code, answer.json["error"]) == (status, code)  # type: ignore[index]


def test_the_cookie_of_a_person_authenticates_nobody(portal: Flask, appliance: Appliance) -> None:
    zhang = signed_in(portal, appliance, ZHANG.subject)
    answer = post(zhang, "v2/credentials/list", userID=ZHANG.subject)
    assert (answer.status_code, answer.json["error"]) == (401, "invalid_token")  # type: ignore[index]


@pytest.mark.parametrize(
    ("method", "path", "status"), [("POST", "v2/nothing", 404), ("GET", "v2/credentials/list", 405)]
)
def test_what_the_portal_itself_refuses_is_in_the_same_form(
    client: FlaskClient, method: str, path: str, status: int
) -> None:
    answer = client.open(f"/csc/{path}", method=method, headers={"Accept": "text/html"})
    assert (answer.status_code, answer.json["error"]) == (status, "invalid_request")  # type: ignore[index]
    assert answer.json["error_description"] and "Set-Cookie" not in answer.headers  # type: ignore[index]


def test_pdfs_leave_threads_for_others(
    client: FlaskClient, appliance: Appliance, requests: RemoteRequests
) -> None:
    threads = appliance.settings.web.threads
    pdf = {"credentialID": DOCUMENT, "numSignatures": 1, "documents": [PDF]}
    with ExitStack() as work:
        for _ in range(threads // 2):
            work.enter_context(verification_room(threads).of(b""))
        for path in ("credentials/authorize", "signatures/signDoc"):
            answer = post(client, f"v2/{path}", **pdf, SAD="x")
            assert (answer.status_code, answer.json["error"]) == (503, "temporarily_unavailable")  # type: ignore[index]
        assert requests.waiting_for(ZHANG.subject) == []
        assert post(client, "v2/credentials/list", userID=ZHANG.subject).status_code == 200
    assert post(client, "v2/credentials/authorize", **pdf).status_code == 202
    [waiting] = requests.waiting_for(ZHANG.subject)
    requests.refuse(waiting.id, by=ZHANG.subject)


def test_a_request_of_very_many_values_is_not_read(client: FlaskClient) -> None:
    """Eleven million empty lists have room in a request, and take 700 MB."""
    content = b'{"handle":"x","hashes":[' + b"[]," * MOST_VALUES + b"[]]}"
    answer = client.post("/csc/v2/credentials/authorizeCheck", data=content, content_type="application/json")
    assert (answer.status_code, answer.json["error"]) == (413, "invalid_request")  # type: ignore[index]


def test_during_maintenance_nobody_is_asked(client: FlaskClient, appliance: Appliance) -> None:
    now = appliance.now()
    appliance.maintenance.plan(MaintenanceWindow(now, now + timedelta(hours=1)), [])
    try:
        answer = post(client, "v2/credentials/authorize", credentialID=HASH, numSignatures=2, hashes=B64)
        assert (answer.status_code, answer.json["error"]) == (503, "temporarily_unavailable")  # type: ignore[index]
    finally:
        appliance.maintenance.end()


def test_a_client_has_so_many_requests_in_a_minute(appliance: Appliance, known: Programs) -> None:
    settings = replace(appliance.settings, api=replace(appliance.settings.api, requests_per_minute=2))
    portal = create_app(with_parts(appliance, settings=settings), form_key=bytes(32))
    limited = portal.test_client()
    limited.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {known.token(OFFICE.id)}"
    assert limited.get("/api/v1/client").status_code == 200
    answers = [post(limited, "v2/credentials/list", userID=ZHANG.subject) for _ in range(2)]
    assert [each.status_code for each in answers] == [200, 429]
    assert answers[1].json["error"] == "temporarily_unavailable"  # type: ignore[index]
    assert 1 <= int(answers[1].headers["Retry-After"]) <= 60


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("credentials/list", {}),
        ("credentials/list", {"userID": LI.subject}),
        ("credentials/list", {"userID": "\ud800"}),
        ("credentials/authorizeCheck", {"handle": "\udfff"}),
        ("signatures/signHash", {"credentialID": HASH, "SAD": "\ud800", "hashes": B64}),
        ("credentials/info", {"credentialID": ZHANG.subject}),
        ("credentials/info", {"credentialID": f"{LI.subject}.hash"}),
        ("credentials/info", {"credentialID": HASH, "certificates": ["chain"]}),
        ("credentials/authorize", {"credentialID": HASH}),
        ("credentials/authorize", {"credentialID": HASH, "hashes": B64, "numSignatures": 1}),
        ("credentials/authorize", {"credentialID": HASH, "hashes": ["AAAA"]}),
        ("credentials/authorize", {"credentialID": HASH, "hashes": ["*"]}),
        ("credentials/authorize", {"credentialID": HASH, "hashes": B64, "hashAlgorithmOID": "1.3.14.3.2.26"}),
        ("credentials/authorize", {"credentialID": HASH, "hashes": B64, "labels": ["one"]}),
        ("credentials/authorize", {"credentialID": HASH, "documents": [{"document": "AAAA"}]}),
        ("credentials/authorize", {"credentialID": DOCUMENT, "hashes": B64[:1], "numSignatures": True}),
        ("credentials/authorize", {"credentialID": DOCUMENT, "hashes": B64[:1], "documents": [PDF]}),
        ("credentials/authorize", {"credentialID": DOCUMENT, "documents": [{**PDF, "signature_format": None}]}),
        (
            "credentials/authorize",
            {"credentialID": DOCUMENT, "documents": [{**PDF, "conformance_level": "Ades-B-X"}]},
        ),
        (
            "credentials/authorize",
            {"credentialID": DOCUMENT, "documents": [{**PDF, "signed_envelope_property": "Detached"}]},
        ),
        (
            "credentials/authorize",
            {"credentialID": DOCUMENT, "documents": [{**PDF, "signed_props": [{"attribute_name": "Reason"}]}]},
        ),
        ("credentials/authorize", {"credentialID": HASH, "documents": [PDF]}),
        ("credentials/authorizeCheck", {"handle": "x"}),
        ("credentials/info", {"credentialID": HASH, "certificates": "all"}),
        ("signatures/signHash", {"credentialID": HASH, "SAD": "x", "hashes": B64, "operationMode": "A"}),
        ("signatures/signDoc", {"credentialID": DOCUMENT, "SAD": "x", "documents": [PDF], "operationMode": "A"}),
        (
            "signatures/signDoc",
            {"credentialID": DOCUMENT, "SAD": "x", "documents": [{**PDF, "signAlgo": "1.2.3"}]},
        ),
        (
            "signatures/signDoc",
            {"credentialID": DOCUMENT, "SAD": "x", "documents": [PDF], "documentDigests": [{"hashes": B64}]},
        ),
        (
            "signatures/signDoc",
            {"credentialID": DOCUMENT, "SAD": "x", "documents": [PDF], "returnValidationInfo": True},
        ),
        ("signatures/signHash", {"credentialID": DOCUMENT, "SAD": "x", "hashes": B64}),
        ("signatures/signHash", {"credentialID": HASH, "SAD": "x", "hashes": B64}),
        ("signatures/signHash", {"credentialID": HASH, "SAD": "x", "hashes": B64, "signAlgo": "1.2.3"}),
        ("signatures/signDoc", {"credentialID": HASH, "SAD": "x", "documentDigests": []}),
        (
            "signatures/signDoc",
            {"credentialID": DOCUMENT, "SAD": "x", "documentDigests": [{"hashes": B64, "signature_format": "X"}]},
        ),
    ],
)
def test_what_cannot_be_done_is_said_in_the_terms_of_the_api(
    client: FlaskClient, requests: RemoteRequests, path: str, body: dict[str, Any]
) -> None:
    answer = post(client, f"v2/{path}", **body)
    assert answer.status_code == 400, answer.text
    assert set(answer.json) == {"error", "error_description"}  # type: ignore[arg-type]  # JSON
    assert requests.waiting_for(ZHANG.subject) == []


def test_a_document_is_not_asked_for_with_a_key_for_hashes(client: FlaskClient, requests: RemoteRequests) -> None:
    answer = post(client, "v2/credentials/authorize", credentialID=HASH, documents=[PDF])
    assert answer.json["error_description"] == "This credential is for signatures/signHash"  # type: ignore[index]
    assert requests.waiting_for(ZHANG.subject) == []


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"x"', b"\xff", b'{"a":' * 100_000, b"[" * 200_000])
def test_what_is_no_object_is_refused(client: FlaskClient, body: bytes) -> None:
    answer = client.post("/csc/v2/credentials/list", data=body)
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")  # type: ignore[index]


@pytest.mark.parametrize("in_pieces", [False, True])
def test_what_is_too_large_is_not_read(client: FlaskClient, in_pieces: bool) -> None:
    body, told = io.BytesIO(bytes(LARGEST_REQUEST + 1)), None if in_pieces else LARGEST_REQUEST + 1
    answer = client.post(
        "/csc/v2/credentials/list",
        input_stream=body,
        content_length=told,
        environ_overrides={"wsgi.input_terminated": in_pieces},
    )
    assert (answer.status_code, answer.json["error"]) == (413, "invalid_request")  # type: ignore[index]

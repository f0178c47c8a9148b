"""A program has files judged: the verdict is that of ``vermilion verify``."""

from __future__ import annotations

import base64
import json
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from werkzeug.test import TestResponse

from appliance.cli.verdict import as_json, judge, trust_anchors
from appliance.demonstration.participants import ZHANG
from appliance.model.administration import MaintenanceWindow
from appliance.verification import Indication
from appliance.verification.model import FileKind
from appliance.wiring import Appliance
from tests.api.contracts_made import CONTRACTS, document, sent
from tests.deposits import order_of_digest
from tests.portal.estate import signed
from tests.world import World, contract_now, sequenced, shared_confinement
from webui.api import openapi, verifications
from webui.shared.room import verification_room

VERIFICATIONS = "/api/v1/verifications"
SCHEMA = json.loads(openapi.document())
ANSWER = Draft202012Validator({**SCHEMA, "$ref": "#/components/schemas/Verification"})


def asked(program: FlaskClient, file: bytes, **more: Any) -> TestResponse:
    return program.post(VERIFICATIONS, json={"file": base64.b64encode(file).decode(), **more})


def verdict(program: FlaskClient, file: bytes, **more: Any) -> dict[str, Any]:
    answer = asked(program, file, **more)
    assert (answer.status_code, answer.mimetype) == (200, "application/json"), answer.text
    found: dict[str, Any] = json.loads(answer.data)
    ANSWER.validate(found)
    assert set(found) == set(verifications.ApiVerification.__struct_fields__)
    for each in found["signatures"]:
        assert set(each) <= set(verifications.ApiVerifiedSignature.__struct_fields__)
    return found


@pytest.fixture(scope="module")
def certificate(appliance: Appliance) -> bytes:
    """A PDF with a document timestamp."""
    deposit = appliance.ownership.deposit(order_of_digest("设计稿", "5" * 64), by=ZHANG.subject)
    return appliance.ownership.certificate(deposit)


def test_the_verdict_is_that_of_the_command(
    erp: FlaskClient, certificate: bytes, world: World, tmp_path: Path
) -> None:
    file = tmp_path / "证书.pdf"
    file.write_bytes(certificate)
    report = judge(shared_confinement(), trust_anchors(world.home, ()), file, data=None, at=None)
    found = verdict(erp, certificate, name=file.name)
    assert found == json.loads(as_json(report))
    assert (found["indication"], found["subindication"], found["reasons"]) == ("TOTAL-PASSED", None, [])


@pytest.mark.parametrize("kind", ["application/pdf", "application/octet-stream"])
def test_a_file_is_taken_as_it_is(erp: FlaskClient, certificate: bytes, kind: str) -> None:
    answer = erp.post(VERIFICATIONS, data=certificate, content_type=kind)
    assert answer.status_code == 200, answer.text
    assert answer.json == verdict(erp, certificate)
    refused = erp.post(VERIFICATIONS, data=certificate, content_type="text/plain")
    assert (refused.status_code, refused.json["code"]) == (415, "unsupported-media-type")


def test_what_is_changed_fails_and_what_is_unsigned_is_undecided(erp: FlaskClient, certificate: bytes) -> None:
    torn = verdict(erp, b"PK\x03\x04")
    assert (torn["kind"], torn["indication"]) == ("evidence", "TOTAL-FAILED")
    changed = bytearray(certificate)
    changed[len(changed) // 3] ^= 1
    failed = verdict(erp, bytes(changed))
    assert failed["indication"] == "TOTAL-FAILED" and failed["reasons"]
    for file in (document(), b"", b"no document", b"%PDF-1.7\n%", b"\x30\x03\x02\x01\x02"):
        found = verdict(erp, file)
        assert found["indication"] == "INDETERMINATE" and found["subindication"] and found["reasons"], found


def test_a_timestamp_is_judged_with_what_it_was_taken_of(erp: FlaskClient, appliance: Appliance) -> None:
    deposited = order_of_digest("样本", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    token = appliance.ownership.deposit(deposited, by=ZHANG.subject).token
    dated = [base64.b64encode(data).decode() for data in (b"abc", b"something else")]
    words = [verdict(erp, token, data=each)["indication"] for each in dated]
    assert words == ["TOTAL-PASSED", "TOTAL-FAILED"]
    alone = verdict(erp, token)
    assert (alone["kind"], alone["indication"]) == ("timestamp", "INDETERMINATE")


def test_a_contract_and_its_evidence_package_pass(erp: FlaskClient, appliance: Appliance, world: World) -> None:
    address = f"{CONTRACTS}/{sent(erp)['id']}"
    with sequenced(appliance, world):
        by_zhang = signed(appliance, contract_now(appliance, address.rpartition("/")[2]), 0)
        appliance.finalisation.finalise(by_zhang.id)
        package = erp.get(f"{address}/evidence").data
    found = [verdict(erp, erp.get(f"{address}/document").data), verdict(erp, package)]
    assert [(each["kind"], each["indication"]) for each in found] == [
        ("pdf", "TOTAL-PASSED"),
        ("evidence", "TOTAL-PASSED"),
    ]
    assert ZHANG.name in found[0]["signatures"][0]["signer"]


def test_what_is_no_file_is_refused(erp: FlaskClient, reader: FlaskClient, appliance: Appliance) -> None:
    for body, status, code in (
        ({}, 422, "invalid-body"),
        ({"file": "*"}, 422, "invalid-body"),
        ({"file": "", "name": "a\x00b"}, 422, "invalid-body"),
        ({"file": "", "trust": "x"}, 422, "invalid-body"),
    ):
        answer = erp.post(VERIFICATIONS, json=body)
        assert (answer.status_code, answer.json["code"]) == (status, code), answer.text  # type: ignore[index]
    most = appliance.settings.documents.largest * 4 // 3 + 64 * 1024
    large = erp.post(VERIFICATIONS, data=bytes(most + 1), content_type="application/json")
    assert (large.status_code, large.json["code"]) == (413, "content-too-large")  # type: ignore[index]
    assert asked(reader, b"").status_code == 403


def test_verifying_leaves_threads_for_others_and_goes_on_in_maintenance(
    erp: FlaskClient, appliance: Appliance
) -> None:
    threads, now = appliance.settings.web.threads, appliance.now()
    with ExitStack() as others:
        for _ in range(threads // 2):
            others.enter_context(verification_room(threads).of(b""))
        busy = asked(erp, b"no document")
        assert (busy.status_code, busy.json["code"]) == (503, "unavailable")  # type: ignore[index]
    appliance.maintenance.plan(MaintenanceWindow(now, now + timedelta(hours=1)), [])
    try:
        assert asked(erp, b"no document").status_code == 200
    finally:
        appliance.maintenance.end()


def test_the_words_are_those_of_the_verifier() -> None:
    for words, model in ((verifications.Indication, Indication), (verifications.Kind, FileKind)):
        assert set(words.__args__) == {each.value for each in model}

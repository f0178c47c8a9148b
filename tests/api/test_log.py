"""A program reads the log, and proves by itself what it reads."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest
from flask import Flask
from flask.testing import FlaskClient

from appliance.ledger import Sequencer
from appliance.verification import Indication
from appliance.wiring import Appliance
from hsm.client import AuthorityClient
from tests.api.programs import BETAS, Programs
from tests.world import World

LOG = "/api/v1/log"


def root_of(leaf: bytes, number: int, size: int, path: list[bytes]) -> bytes:
    """The root to which the audit *path* leads (RFC 9162, 2.1.3.2)."""
    index, last, found = number, size - 1, hashlib.sha256(b"\0" + leaf).digest()
    for each in path:
        assert last > 0
        if index & 1 or index == last:
            found = hashlib.sha256(b"\1" + each + found).digest()
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            found = hashlib.sha256(b"\1" + found + each).digest()
        index, last = index >> 1, last >> 1
    assert last == 0
    return found


@pytest.fixture(scope="module")
def dated(portal: Flask, known: Programs, appliance: Appliance, world: World) -> int:
    """The number of the entry of a timestamp that a program got, once a checkpoint covers it."""
    asking = {"json": {"digest": "c" * 64}, "headers": {"Authorization": f"Bearer {known.token(BETAS)}"}}
    made = portal.test_client().post("/api/v1/timestamps", **asking).json
    early = portal.test_client().get(f"{LOG}/entries/{made['entry']}", headers=asking["headers"])
    assert early.status_code == 404, early.text
    with AuthorityClient(world.home.authority_socket("scheduler")) as scheduler:
        Sequencer(appliance.database, scheduler).run_once()
    return int(made["entry"])


def test_an_entry_is_what_everybody_reads(erp: FlaskClient, portal: Flask, dated: int) -> None:
    found = erp.get(f"{LOG}/entries/{dated}").json
    public = portal.test_client().get(f"/log/entry?index={dated}").data
    assert found["number"] == dated and found["leaf"].encode() == public
    assert found["leaf_hash"] == hashlib.sha256(b"\0" + public).hexdigest()
    assert json.loads(found["leaf"])["kind"] == "timestamp"


def test_proofs_lead_to_the_checkpoint_that_comes_with_them(erp: FlaskClient, dated: int) -> None:
    for number in (0, 1, dated // 2, dated):
        leaf = erp.get(f"{LOG}/entries/{number}").json["leaf"].encode()
        proof = erp.get(f"{LOG}/entries/{number}/proof").json
        path = [bytes.fromhex(each) for each in proof["path"]]
        root = root_of(leaf, number, proof["size"], path)
        assert root.hex() == proof["root"]
        assert proof["leaf_hash"] == hashlib.sha256(b"\0" + leaf).hexdigest()
        _, size, encoded = proof["checkpoint"].split("\n")[:3]
        assert (int(size), base64.b64decode(encoded)) == (proof["size"], root)


def test_the_checkpoint_is_the_published_one_with_its_timestamp(
    erp: FlaskClient, portal: Flask, appliance: Appliance, dated: int
) -> None:
    found = erp.get(f"{LOG}/checkpoint").json
    assert found["checkpoint"].encode() == portal.test_client().get("/log/checkpoint").data
    assert found["size"] > dated and found["root"] == erp.get(f"{LOG}/entries/{dated}/proof").json["root"]
    token = base64.b64decode(found["timestamp"])
    report = appliance.verifier.verify_timestamp(token, data=found["checkpoint"].encode())
    assert report.indication is Indication.PASSED, report.reasons


@pytest.mark.parametrize("number", ["999999999", "-1", "01", "1.0", "x", "１", "9" * 30])
def test_what_the_log_does_not_have_is_not_found(erp: FlaskClient, number: str) -> None:
    for address in (f"{LOG}/entries/{number}", f"{LOG}/entries/{number}/proof"):
        answer = erp.get(address)
        assert (answer.status_code, answer.json["code"]) == (404, "not-found"), answer.text


def test_only_with_the_scope(reader: FlaskClient) -> None:
    for address in ("entries/0", "entries/0/proof", "checkpoint"):
        assert reader.get(f"{LOG}/{address}").json["code"] == "scope-missing"

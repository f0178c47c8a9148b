"""A program has a digest timestamped: openssl confirms the token, and the log has its entry."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import subprocess
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from appliance.model.administration import MaintenanceWindow
from appliance.timestamping import TimestampIssuer
from appliance.wiring import Appliance
from hsm.errors import TimeNotAvailable
from hsm.timestamp import parse_token
from tests.api.conftest import program
from tests.api.contracts_made import key
from tests.api.programs import ERP, Programs
from tests.world import World, with_parts
from webui.portal.application import create_app

TIMESTAMPS = "/api/v1/timestamps"


def test_openssl_confirms_the_token(erp: FlaskClient, world: World, tmp_path: Path) -> None:
    data = secrets.token_bytes(32)
    digest = hashlib.sha256(data).hexdigest()
    answer = erp.post(TIMESTAMPS, json={"digest": digest})
    assert answer.status_code == 200 and answer.json["digest"] == digest, answer.text
    token = base64.b64decode(answer.json["token"], validate=True)
    (tmp_path / "data").write_bytes(data)
    (tmp_path / "other").write_bytes(data + b"x")
    (tmp_path / "token").write_bytes(token)
    trust = ["-token_in", "-in", "token", "-CAfile", str(world.home.trust / "ca.pem")]
    for name, status in (("data", 0), ("other", 1)):
        command = ["openssl", "ts", "-verify", "-data", name, *trust]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
        assert done.returncode == status, done.stderr
    info = parse_token(token)
    assert datetime.fromisoformat(answer.json["time"]) == info.gen_time
    assert int(answer.json["serial"], 16) == info.serial


def test_its_entry_is_in_the_log_without_what_was_dated(erp: FlaskClient, appliance: Appliance) -> None:
    digest = secrets.token_hex(32)
    made = erp.post(TIMESTAMPS, json={"digest": digest}).json
    with appliance.database.reading() as tx:
        leaf = tx.value(bytes, "SELECT leaf FROM ledger WHERE number = ?", (made["entry"],))
    assert leaf is not None and digest.encode() not in leaf and ERP.encode() not in leaf
    entry = json.loads(leaf)
    token = hashlib.sha256(base64.b64decode(made["token"])).hexdigest()
    assert (entry["kind"], entry["public"]["token"]) == ("timestamp", token)


def test_a_repeated_request_gets_the_same_token(erp: FlaskClient) -> None:
    asking = {"json": {"digest": "a" * 64}, "headers": {"Idempotency-Key": key()}}
    first, again = (erp.post(TIMESTAMPS, **asking) for _ in range(2))
    assert first.data == again.data and again.headers["Idempotency-Replayed"] == "true"
    assert erp.post(TIMESTAMPS, json={"digest": "a" * 64}).json["token"] != first.json["token"]


@pytest.mark.parametrize("digest", ["", "a" * 63, "A" * 64, "a" * 64 + "\n", "g" * 64, None])
def test_what_is_no_digest_is_refused(erp: FlaskClient, digest: str | None) -> None:
    answer = erp.post(TIMESTAMPS, json={"digest": digest})
    assert (answer.status_code, answer.json["code"]) == (422, "invalid-body"), answer.text
    assert answer.json["pointer"] == "/digest"


def test_only_with_the_scope_and_not_in_maintenance(
    erp: FlaskClient, reader: FlaskClient, appliance: Appliance
) -> None:
    assert reader.post(TIMESTAMPS, json={"digest": "a" * 64}).json["code"] == "scope-missing"
    now = appliance.now()
    appliance.maintenance.plan(MaintenanceWindow(now, now + timedelta(hours=1)), [])
    try:
        assert erp.post(TIMESTAMPS, json={"digest": "a" * 64}).json["code"] == "maintenance"
    finally:
        appliance.maintenance.end()


class WithoutTime:
    """The real authority, which cannot date anything."""

    def __init__(self, real: object) -> None:
        self._real = real

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)

    def timestamp(self, orders: object) -> object:
        raise TimeNotAvailable("The clock is not certain.")


def test_nothing_is_dated_without_a_certain_time(appliance: Appliance, known: Programs) -> None:
    issuer = TimestampIssuer(appliance.database, WithoutTime(appliance.authority))  # type: ignore[arg-type]  # as far as used
    portal: Flask = create_app(with_parts(appliance, timestamps=issuer), form_key=bytes(32))
    answer = program(portal, known, ERP).post(TIMESTAMPS, json={"digest": "a" * 64})
    assert (answer.status_code, answer.json["code"]) == (503, "time-not-available")

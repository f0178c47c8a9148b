"""A program deposits digests in somebody's name, and reads what is within its reach."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from appliance.demonstration.participants import ALPHA, CUSTODIAN, LI, ZHANG
from appliance.language import Language
from appliance.model.api_clients import Scope
from appliance.ownership import DepositOrder, load_declaration
from appliance.store import ledger
from appliance.verification import Indication
from appliance.wiring import Appliance
from tests.api.captures.test_captures import examples_of
from tests.api.conftest import program
from tests.api.contracts_made import key
from tests.api.programs import BETAS, ERP, Programs
from tests.deposits import file_of, work
from tests.portal import visitors
from tests.remote_signing.served import served
from tests.whole.test_quick_start import Reader, blocks
from tests.world import World

DEPOSITS, FOUND = "/api/v1/deposits", "/api/v1/deposited-files"
NOBODY = "0" * 24
DECLARED = {"version": "1", "by": CUSTODIAN.email, "obtained": "2026-11-02"}
"""A colleague of the depositor's has made the declaration."""


@pytest.fixture(scope="module", autouse=True)
def colleague(portal: Flask, appliance: Appliance) -> None:
    """Whoever declares has an account."""
    visitors.signed_in(portal, appliance, CUSTODIAN.subject)


def listed(*contents: bytes) -> list[dict[str, Any]]:
    files = [file_of(f"目录/{number}.txt", content) for number, content in enumerate(contents)]
    return [{"name": each.name, "sha256": each.digest, "size": each.size} for each in files]


def order(*contents: bytes, **changed: Any) -> dict[str, Any]:
    return {
        "depositor": ZHANG.email,
        "title": "设计图",
        "kind": "drawing",
        "creation": "employee",
        "holder": {"kind": "organisation", "name": ALPHA},
        "declaration": DECLARED,
        "files": listed(*contents),
        "completed": "2026-11-01",
        **changed,
    }


def post(client: FlaskClient, body: dict[str, Any], **headers: str) -> TestResponse:
    return client.post(DEPOSITS, json=body, headers={"Idempotency-Key": key(), **headers})


def made(client: FlaskClient, body: dict[str, Any]) -> dict[str, Any]:
    answer = post(client, body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json
    assert answer.headers["Location"] == f"{DEPOSITS}/{found['id']}"
    return found


def test_what_a_program_deposits_is_certified_and_openssl_confirms_it(
    erp: FlaskClient, appliance: Appliance, world: World, tmp_path: Path
) -> None:
    found = made(erp, order(b"api one", b"api two"))
    address = f"{DEPOSITS}/{found['id']}"
    assert erp.get(address).json == found
    assert (found["depositor"], found["files"], found["size"]) == (ZHANG.subject, 2, 14)
    told = {"version": "1", "by": CUSTODIAN.subject, "obtained": "2026-11-02"}
    assert found["declaration"] == told | {"digest": load_declaration("1").digest}
    manifest = erp.get(f"{address}/manifest").data
    assert hashlib.sha256(manifest).hexdigest() == found["digest"]
    (tmp_path / "manifest.json").write_bytes(manifest)
    answer = erp.get(f"{address}/timestamp")
    assert answer.mimetype == "application/timestamp-reply"
    (tmp_path / "token.tsr").write_bytes(answer.data)
    command = ["openssl", "ts", "-verify", "-in", "token.tsr", "-data", "manifest.json"]
    command += ["-CAfile", str(world.home.trust / "ca.pem")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    certificate = erp.get(f"{address}/certificate").data
    assert appliance.verifier.verify_pdf(certificate).indication is Indication.PASSED
    name = appliance.api_clients.find(ERP).name
    said = "".join("".join(appliance.workshop.text(certificate)).split())
    stated = f"程序“{name}”以{ZHANG.name}（{ALPHA}）的名义、以“设计图”为题将其存证，"
    assert "".join(f"{stated}并说明{CUSTODIAN.name}已作出".split()) in said
    assert f"{CUSTODIAN.name}，声明取得于2026-11-02" in said
    assert f"{CUSTODIAN.name}的声明（据提交程序说明）" in said
    with appliance.database.reading() as tx:
        public = json.loads(ledger.leaf(tx, found["entry"]))["public"]
    assert (public["client"], public["declarer"], public["obtained"]) == (ERP, CUSTODIAN.subject, "2026-11-02")
    assert appliance.ownership.get(found["id"], by=ZHANG.subject).client == ERP


def test_the_example_of_the_page_is_done_word_for_word(portal: Flask, known: Programs, tmp_path: Path) -> None:
    example, batch = examples = examples_of("api.md", "## Deposits of files\n")
    assert examples == examples_of("api.zh.md", "## 文件存证\n")
    (tmp_path / "design.pdf").write_bytes(b"%PDF-1.7 example")
    reader = Reader(tmp_path, dict(os.environ))
    [function] = [each for each in blocks("api.md", "sh") if "api() {" in each]
    with served(portal) as address:
        reader.run_sh(f"token={known.token(ERP)} API={address}/api/v1")
        reader.run_sh(function[function.index("api() {") : function.index("api $API")])
        made = json.loads(reader.run_sh(example))
        for number in range(2):
            (tmp_path / f"{number}.jpg").write_bytes(b"photograph %d" % number)
        told = reader.run_sh(batch)
    assert made["digest"] == hashlib.sha256(b"%PDF-1.7 example").hexdigest()
    assert '"total":2' in "".join(told.split()) and told.count('"title"') == 2


def test_who_is_named_is_told_and_may_look(erp: FlaskClient, portal: Flask, appliance: Appliance) -> None:
    found = made(erp, order(b"told", title="告知示例"))
    page = f"/ownership/{found['id']}"
    for person in (ZHANG, CUSTODIAN):
        titles = [each.title for each in appliance.reminders.inbox.list_entries(person.subject, Language.CHINESE)]
        assert titles[0] == "程序已提交“告知示例”的存证，所附声明署您的姓名"
        shown = visitors.signed_in(portal, appliance, person.subject).get(page)
        assert f"{CUSTODIAN.name}，声明取得于 2026-11-02" in shown.text
        assert ("存证新版本" in shown.text) is (person is ZHANG)
    assert found["id"] not in [each.id for each in appliance.ownership.of_person(CUSTODIAN.subject)]


def test_a_deposit_of_one_file_is_of_its_own_digest(erp: FlaskClient) -> None:
    found = made(erp, order(b"alone", title="一个"))
    assert found["digest"] == hashlib.sha256(b"alone").hexdigest()
    missing = erp.get(f"{DEPOSITS}/{found['id']}/manifest")
    assert (missing.status_code, missing.json["code"]) == (404, "not-found")


def test_the_same_key_and_the_same_data_make_one_deposit(erp: FlaskClient) -> None:
    body, once = order(b"repeated"), key()
    first = post(erp, body, **{"Idempotency-Key": once})
    again = post(erp, body, **{"Idempotency-Key": once})
    assert again.json == first.json
    assert again.headers["Idempotency-Replayed"] == "true"
    assert made(erp, body) == first.json
    other = post(erp, order(b"repeated", title="别的"))
    assert (other.status_code, other.json["code"]) == (409, "precondition-refused")


def test_versions_name_each_other(erp: FlaskClient) -> None:
    first = made(erp, order(b"version 1"))
    second = made(erp, order(b"version 2", predecessor=first["id"]))
    assert (second["predecessor"], second["successor"]) == (first["id"], None)
    assert erp.get(f"{DEPOSITS}/{first['id']}").json["successor"] == second["id"]
    for predecessor in (first["id"], NOBODY):
        refused = post(erp, order(b"version 3", predecessor=predecessor))
        assert (refused.status_code, refused.json["pointer"]) == (422, "/predecessor"), refused.text


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"title": " \u2003"}, "/title"),
        ({"title": "t" * 201}, "/title"),
        ({"kind": "nothing"}, "/kind"),
        ({"holder": {"kind": "person"}}, "/holder"),
        ({"completed": "9999-12-31"}, "/completed"),
        ({"completed": "2026-02-30"}, "/completed"),
        ({"declaration": "1"}, "/declaration"),
        ({"declaration": DECLARED | {"version": "0"}}, "/declaration/version"),
        ({"declaration": DECLARED | {"by": LI.email}}, "/declaration/by"),
        ({"declaration": DECLARED | {"by": "nobody@alpha.example"}}, "/declaration/by"),
        ({"declaration": DECLARED | {"obtained": "9999-12-31"}}, "/declaration/obtained"),
        ({"declaration": {"version": "1", "by": CUSTODIAN.email}}, "/declaration/obtained"),
        ({"files": []}, "/files"),
        ({"files": listed(b"")}, "/files"),
        ({"files": [*listed(b"1"), *listed(b"2")]}, "/files"),
        ({"files": [{"sha256": "0" * 63}]}, "/files/0/sha256"),
        ({"files": [{"sha256": "0" * 64, "size": 0}]}, "/files"),
        ({"files": [{"sha256": "0" * 64}, {"sha256": "1" * 64}]}, "/files"),
        ({"files": [{"sha256": "0" * 64, "name": "a\u0000"}]}, "/files/0/name"),
        ({"files": [{"sha256": "0" * 64, "name": "n" * 1001}]}, "/files/0/name"),
        ({"depositor": "nobody@alpha.example"}, "/depositor"),
        ({"depositor": LI.email}, "/depositor"),
    ],
)
def test_what_does_not_fit_is_pointed_at(erp: FlaskClient, changed: dict[str, Any], pointer: str) -> None:
    answer = post(erp, order(b"never made") | changed)
    assert (answer.status_code, answer.json["pointer"]) == (422, pointer), answer.text
    digest = hashlib.sha256(b"never made").hexdigest()
    assert erp.get(f"{FOUND}?digest={digest}").json == {"deposits": []}


def test_ten_thousand_files_are_taken_and_one_more_is_not(erp: FlaskClient) -> None:
    many = [
        {"name": f"{number}", "sha256": hashlib.sha256(b"%d" % number).hexdigest()} for number in range(10_001)
    ]
    assert made(erp, order(files=many[:-1]))["files"] == 10_000
    refused = post(erp, order(files=many))
    assert (refused.status_code, refused.json["pointer"]) == (422, "/files")


def test_a_list_has_the_organisations_deposits_page_by_page(erp: FlaskClient, appliance: Appliance) -> None:
    by_hand = appliance.ownership.deposit(
        DepositOrder("手工", (file_of("h", b"by hand"),), work()), by=ZHANG.subject
    )
    theirs = appliance.ownership.deposit(DepositOrder("乙", (file_of("l", b"by Li"),), work()), by=LI.subject)
    newest = made(erp, order(b"the newest one"))
    found, after = [], ""
    while True:
        page = erp.get(f"{DEPOSITS}?limit=2&after={after}").json
        found += [each["id"] for each in page["deposits"]]
        after = page["next"]
        if after is None:
            break
    assert found[:2] == [newest["id"], by_hand.id]
    assert theirs.id not in found
    assert len(set(found)) == len(found)
    wrong = erp.get(f"{DEPOSITS}?after={theirs.id}")
    assert (wrong.status_code, wrong.json["pointer"]) == (422, "/after")


def test_a_file_is_found_and_its_depositor_only_within_reach(
    erp: FlaskClient, portal: Flask, known: Programs
) -> None:
    beta = program(portal, known, BETAS)
    found = made(erp, order(b"found by others", b"beside it"))
    digest = hashlib.sha256(b"found by others").hexdigest()
    [own] = erp.get(f"{FOUND}?digest={digest}").json["deposits"]
    [other] = beta.get(f"{FOUND}?digest={digest}").json["deposits"]
    assert own == {"time": found["time"], "entry": found["entry"], "deposit": found["id"]}
    assert other == own | {"deposit": None}
    for part in ("", "/certificate", "/timestamp", "/manifest"):
        assert beta.get(f"{DEPOSITS}/{found['id']}{part}").status_code == 404
    assert erp.get(f"{FOUND}?digest={digest.upper()}").status_code == 422


def test_reading_does_not_allow_depositing(portal: Flask, known: Programs) -> None:
    def within(scope: Scope) -> FlaskClient:
        found = portal.test_client()
        found.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {known.token(ERP, frozenset({scope}))}"
        return found

    reading, writing = within(Scope.DEPOSITS_READ), within(Scope.DEPOSITS_WRITE)
    assert post(reading, order(b"not allowed")).json["code"] == "scope-missing"
    assert writing.get(DEPOSITS).json["code"] == "scope-missing"
    assert writing.get(f"{FOUND}?digest={'0' * 64}").json["code"] == "scope-missing"

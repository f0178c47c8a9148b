"""A program has web pages captured in an investigator's name: the real queue, browser, authority and log."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import threading
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from flask import Flask
from flask.testing import FlaskClient

from appliance.demonstration.participants import ALPHA, BETA, ZHANG
from appliance.model.api_clients import Scope
from appliance.store import ledger
from appliance.verification import Indication
from appliance.wiring import Appliance
from tests.api.captures.orders import (
    CAPTURES,
    NOBODY,
    SCHEDULES,
    asked_for,
    events_of,
    in_all,
    order,
    planned,
    post,
)
from tests.api.conftest import program
from tests.api.contracts_made import key
from tests.api.programs import BETAS, ERP, READER, Programs
from tests.captures.conftest import HOST, Web, ordered
from tests.evidence.test_checkers import CHECKERS, check
from tests.evidence.unpacked import unpack
from tests.remote_signing.served import served
from tests.web_capture.servers import Asked, Server, certificate
from tests.whole.test_quick_start import Reader, blocks, said_on
from tests.world import World

FILES = ("capture.warc.gz", "capture.wacz", "page.png", "page.pdf", "page.txt", "capture.json")


def test_a_page_that_a_program_asked_for_is_captured_and_its_package_passes(
    erp: FlaskClient, portal: Flask, known: Programs, appliance: Appliance, web: Web, tmp_path: Path
) -> None:
    waiting = asked_for(erp, order(web.address(), steps=[{"kind": "scroll"}]))
    address = f"{CAPTURES}/{waiting['id']}"
    assert (waiting["state"], waiting["ahead"], waiting["files"]) == ("waiting", 0, [])
    assert erp.get(f"{address}/package").json["code"] == "state-refused"
    asked, go_on = threading.Event(), threading.Event()

    def hold(_: Asked) -> None:
        asked.set()
        go_on.wait(15)

    web.asked = hold
    lane = threading.Thread(target=appliance.capture_queue.run_next)
    lane.start()
    assert asked.wait(60)
    running = erp.get(address).json
    go_on.set()
    lane.join()
    assert (running["state"], running["ahead"]) == ("running", None)
    assert running["stage"] in ("starting", "loading")
    done = erp.get(address).json
    assert (done["state"], done["stage"], done["refusal"]) == ("done", None, None), done
    assert (done["title"], done["visited"]) == ("夏季新款", web.address())
    assert done["requests"] >= 1
    assert done["received"] > 0
    assert done["steps"] == [{"kind": "scroll", "target": "", "seconds": 0.0}]
    files = {each["name"]: each for each in done["files"]}
    assert {*FILES, "step-01.png"} <= files.keys()
    for name, file in files.items():
        answer = erp.get(f"{address}/files/{name}")
        assert (answer.mimetype, len(answer.data)) == ("application/octet-stream", file["size"])
        assert hashlib.sha256(answer.data).hexdigest() == file["sha256"]
    package = erp.get(f"{address}/package")
    assert package.mimetype == "application/zip"
    assert appliance.verifier.verify(package.data).indication is Indication.PASSED
    folder = unpack(package.data, tmp_path / "package")
    for checker in CHECKERS:
        status, said = check(checker, folder)
        assert status == 0, said
    assert erp.get(f"{address}/package").data == package.data
    assert erp.get(address).json["files"] == done["files"], "the package is no file of its own"
    assert appliance.captures.get(done["id"], by=ZHANG.subject).client == ERP
    with appliance.database.reading() as tx:
        leaf = json.loads(ledger.leaf(tx, done["entry"]))
    assert (leaf["public"]["actor"], leaf["public"]["client"]) == (ZHANG.subject, ERP)
    assert events_of(erp, done["id"]) == ["capture.done", "capture.package_ready"], "the package is made once"
    for each in (program(portal, known, READER), program(portal, known, BETAS)):
        assert events_of(each, done["id"]) == []


def test_a_certificate_that_nobody_believes_is_told(
    erp: FlaskClient, appliance: Appliance, web: Web, tmp_path: Path
) -> None:
    """The page is captured all the same. What the portal alone shows of it is no file of the capture."""
    context, own, _ = certificate(tmp_path, [HOST])
    server = Server({HOST: web.answer}, context)
    try:
        waiting = asked_for(erp, order(f"https://{HOST}:{server.port}/"))
        assert appliance.capture_queue.run_next()
    finally:
        server.close()
    address = f"{CAPTURES}/{waiting['id']}"
    found = erp.get(address).json
    [tls] = found["tls"]
    assert (found["state"], tls["host"], tls["trust"]) == ("done", HOST, "untrusted"), found
    assert tls["certificate"] == own.fingerprint(SHA256()).hex()
    assert tls["version"].startswith("TLS")
    assert "self" in tls["verdict"]
    in_chinese = erp.get(address, headers={"Accept-Language": "zh"}).json["tls"][0]["verdict"]
    assert in_chinese.startswith("服务器证书未通过验证")
    assert appliance.capture_finishing.run_round() == 1
    assert erp.get(address).json["files"] == found["files"]
    for name in ("preview.jpg", "package.zip", "nothing.txt", "page.pngx"):
        assert erp.get(f"{address}/files/{name}").status_code == 404


def test_the_same_key_orders_once(erp: FlaskClient, appliance: Appliance) -> None:
    for path, body, status in (
        (CAPTURES, order("https://example.com/"), 202),
        (SCHEDULES, order("https://example.com/", at="09:00"), 201),
    ):
        once = key()
        first = post(erp, path, body, **{"Idempotency-Key": once})
        again = post(erp, path, body, **{"Idempotency-Key": once})
        assert (first.status_code, again.status_code, again.json) == (status, status, first.json)
        assert again.headers["Idempotency-Replayed"] == "true"
    with appliance.database.reading() as tx:
        assert tx.count("SELECT count(*) FROM captures WHERE state = 'waiting'") == 2


def test_a_program_has_what_it_ordered_and_nothing_else(
    erp: FlaskClient, portal: Flask, known: Programs, appliance: Appliance
) -> None:
    """Neither what people ordered by hand, nor what other programs did in the name of the same person."""
    other, beta = program(portal, known, READER), program(portal, known, BETAS)
    by_hand = ordered(appliance, "https://example.com/")
    own = [asked_for(erp, order(f"https://example.com/{number}"))["id"] for number in range(5)]
    theirs = asked_for(other, order("https://example.com/other"))["id"]
    listed = in_all(erp, CAPTURES, "captures")
    assert listed[:5] == own[::-1]
    assert not {by_hand.id, theirs} & set(listed)
    plan = planned(erp, order("https://example.com/", at="09:00"))["id"]
    for client in (other, beta):
        assert plan not in in_all(client, SCHEDULES, "schedules")
        for part in ("", "/captures"):
            assert client.get(f"{SCHEDULES}/{plan}{part}").status_code == 404
        assert client.post(f"{SCHEDULES}/{plan}/stop").status_code == 404
        for part in ("", "/package", "/files/page.png"):
            assert client.get(f"{CAPTURES}/{own[0]}{part}").status_code == 404
        assert client.post(f"{CAPTURES}/{own[0]}/cancel").status_code == 404
    assert erp.get(f"{CAPTURES}/{by_hand.id}").status_code == 404
    for path, foreign in ((CAPTURES, theirs), (SCHEDULES, NOBODY), (f"{SCHEDULES}/{plan}/captures", own[0])):
        wrong = erp.get(f"{path}?after={foreign}")
        assert (wrong.status_code, wrong.json["pointer"]) == (422, "/after"), path


def test_what_was_ordered_for_somebody_who_left_is_out_of_reach(erp: FlaskClient, appliance: Appliance) -> None:
    """Also by repeating the order."""
    body, once = order("https://example.com/left"), key()
    made = post(erp, CAPTURES, body, **{"Idempotency-Key": once}).json["id"]
    with appliance.database.transaction() as tx:
        tx.execute("UPDATE people SET organisation = ? WHERE subject = ?", (BETA, ZHANG.subject))
    try:
        assert erp.get(f"{CAPTURES}/{made}").status_code == 404
        assert made not in in_all(erp, CAPTURES, "captures")
        assert post(erp, CAPTURES, body, **{"Idempotency-Key": once}).status_code == 404
    finally:
        with appliance.database.transaction() as tx:
            tx.execute("UPDATE people SET organisation = ? WHERE subject = ?", (ALPHA, ZHANG.subject))
    assert erp.get(f"{CAPTURES}/{made}").status_code == 200


def test_one_that_waits_is_cancelled_once(erp: FlaskClient, appliance: Appliance) -> None:
    waiting = asked_for(erp, order("https://example.com/"))
    address, once = f"{CAPTURES}/{waiting['id']}/cancel", {"Idempotency-Key": key()}
    cancelled = erp.post(address, headers=once)
    assert (cancelled.status_code, cancelled.json["state"]) == (200, "cancelled"), cancelled.text
    assert erp.post(address, headers=once).json == cancelled.json
    refused = erp.post(address)
    assert (refused.status_code, refused.json["code"]) == (409, "state-refused")
    assert not appliance.capture_queue.run_next()


def test_why_no_page_came_is_told_in_the_readers_language(
    erp: FlaskClient, appliance: Appliance, web: Web
) -> None:
    waiting = asked_for(erp, order(f"http://nowhere.invalid:{web.port}/"))
    assert appliance.capture_queue.run_next()
    found = erp.get(f"{CAPTURES}/{waiting['id']}", headers={"Accept-Language": "zh"}).json
    assert found["state"] == "failed", found
    assert "未" in found["refusal"]
    assert found["files"] == []
    assert events_of(erp, waiting["id"]) == ["capture.failed"]
    assert erp.get(f"{CAPTURES}/{waiting['id']}/package").status_code == 409


def test_reading_does_not_allow_ordering(portal: Flask, known: Programs) -> None:
    def within(scope: Scope) -> FlaskClient:
        found = portal.test_client()
        found.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {known.token(ERP, frozenset({scope}))}"
        return found

    reading, writing = within(Scope.CAPTURES_READ), within(Scope.CAPTURES_WRITE)
    assert post(reading, CAPTURES, order("https://example.com/")).json["code"] == "scope-missing"
    assert post(reading, SCHEDULES, order("https://example.com/", at="09:00")).json["code"] == "scope-missing"
    for path in (CAPTURES, SCHEDULES, f"{CAPTURES}/{NOBODY}/package"):
        assert writing.get(path).json["code"] == "scope-missing"


def test_the_example_of_the_page_is_done_word_for_word(
    portal: Flask, known: Programs, world: World, appliance: Appliance, web: Web, tmp_path: Path
) -> None:
    """With a page on loopback in place of the one on the internet."""
    examples = examples_of("api.md", "## Web pages as evidence\n")
    assert examples == examples_of("api.zh.md", "## 网页取证\n")
    token, ended = known.token(ERP), threading.Event()
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    reader = Reader(tmp_path, {**os.environ, "PATH": path, "VERMILION_HOME": str(world.home.root)})
    [function] = [each for each in blocks("api.md", "sh") if "api() {" in each]
    lane = threading.Thread(target=scheduler, args=(appliance, ended))
    lane.start()
    try:
        with served(portal) as address:
            reader.run_sh(f"token={token} API={address}/api/v1")
            reader.run_sh(function[function.index("api() {") : function.index("api $API")])
            said = [reader.run_sh(each.replace("https://www.example.com/", web.address())) for each in examples]
    finally:
        ended.set()
        lane.join()
    assert '"state": "done"' in said[0]
    assert "TOTAL-PASSED" in said[0]
    assert (tmp_path / "page.png").read_bytes().startswith(b"\x89PNG")
    assert '"stopped": "20' in said[1]


def examples_of(page: str, heading: str) -> list[str]:
    """What a section of the page says to type."""
    section = said_on(page).partition(heading)[2].partition("\n## ")[0]
    return section.split("```\n")[1::2]


def scheduler(appliance: Appliance, ended: threading.Event) -> None:
    """Makes the captures that wait."""
    while not ended.wait(0.2):
        appliance.capture_queue.run_next()

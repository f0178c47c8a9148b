"""A program has web pages captured in an investigator's name: the real queue, browser, authority and log."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from appliance.captures.register import MOST_SCHEDULES
from appliance.demonstration.participants import ALPHA, BETA, CUSTODIAN, LI, ZHANG
from appliance.model.api_clients import Scope
from appliance.store import ledger
from appliance.verification import Indication
from appliance.web_capture.model import LONGEST_ADDRESS, MOST_STEPS
from appliance.wiring import Appliance
from tests.api.conftest import program
from tests.api.contracts_made import key
from tests.api.programs import BETAS, ERP, READER, Programs
from tests.captures.conftest import HOST, Web, forget_all, house_that_captures, ordered
from tests.evidence.test_checkers import CHECKERS, check
from tests.evidence.unpacked import unpack
from tests.portal import visitors
from tests.portal.conftest import WholeAnswers
from tests.remote_signing.served import served
from tests.web_capture.servers import Asked, Server, certificate
from tests.whole.test_quick_start import Reader, blocks, said_on
from tests.world import World, sequenced, with_parts
from webui.portal.application import create_app

CAPTURES, SCHEDULES = "/api/v1/captures", "/api/v1/capture-schedules"
NOBODY = "0" * 24
FILES = ("capture.warc.gz", "capture.wacz", "page.png", "page.pdf", "page.txt", "capture.json")


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with house_that_captures() as world:
        yield world


@pytest.fixture(scope="module")
def appliance(world: World) -> Iterator[Appliance]:
    """Its entries of the log get their places meanwhile."""
    api = replace(world.settings.api, requests_per_minute=1_000_000)
    with world.opened() as appliance, sequenced(appliance, world):
        yield with_parts(appliance, settings=replace(world.settings, api=api))


@pytest.fixture(scope="module")
def known(appliance: Appliance) -> Programs:
    known = Programs(appliance.api_clients)
    for each in (ERP, READER):
        known.add(each)
    known.add(BETAS, organisation=BETA)
    return known


@pytest.fixture(scope="module")
def portal(appliance: Appliance) -> Flask:
    portal = create_app(appliance, form_key=bytes(range(32)))
    portal.test_client_class = WholeAnswers
    visitors.signed_in(portal, appliance, CUSTODIAN.subject)
    return portal


@pytest.fixture
def web() -> Iterator[Web]:
    found = Web()
    server = Server({HOST: found.answer})
    found.port = server.port
    yield found
    server.close()


@pytest.fixture(autouse=True)
def nothing_before(appliance: Appliance) -> None:
    forget_all(appliance)


def order(address: str, **changed: Any) -> dict[str, Any]:
    return {"investigator": ZHANG.email, "address": address, "purpose": "固定侵权页面", **changed}


def post(client: FlaskClient, path: str, body: dict[str, Any], **headers: str) -> TestResponse:
    return client.post(path, json=body, headers={"Idempotency-Key": key(), **headers})


def asked_for(client: FlaskClient, body: dict[str, Any]) -> dict[str, Any]:
    answer = post(client, CAPTURES, body)
    assert answer.status_code == 202, answer.text
    found: dict[str, Any] = answer.json
    assert answer.headers["Location"] == f"{CAPTURES}/{found['id']}"
    return found


def planned(client: FlaskClient, body: dict[str, Any]) -> dict[str, Any]:
    answer = post(client, SCHEDULES, body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json
    assert answer.headers["Location"] == f"{SCHEDULES}/{found['id']}"
    return found


def in_all(client: FlaskClient, path: str, of: str) -> list[str]:
    """The ids of the whole list, read two by two."""
    found, after = [], ""
    while after is not None:
        page = client.get(f"{path}?limit=2&after={after}").json
        found += [each["id"] for each in page[of]]
        after = page["next"]
    assert len(set(found)) == len(found)
    return found


def test_a_page_that_a_program_asked_for_is_captured_and_its_package_passes(
    erp: FlaskClient, appliance: Appliance, web: Web, tmp_path: Path
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
    assert erp.get(f"{CAPTURES}/{waiting['id']}/package").status_code == 409


def test_by_schedule_each_capture_is_compared_with_the_one_before(
    erp: FlaskClient, world: World, appliance: Appliance, web: Web
) -> None:
    plan = planned(erp, order(web.address(), at="09:30", every=1, times=3))
    assert (plan["at"], plan["zone"], plan["past"], plan["missed"]) == ("09:30", "Asia/Shanghai", 1, 0)
    assert plan["due"]
    assert appliance.capture_queue.run_next()
    assert appliance.capture_finishing.run_round() == 1
    with world.opened(ahead=timedelta(days=1)) as tomorrow:
        assert tomorrow.capture_schedules.enqueue_due() == 1
    web.pages["/"] = "<title>秋季新款</title><h1>¥ 129.00</h1>"
    with appliance.database.transaction() as tx:
        tx.execute(
            "UPDATE captures SET retry_at = ordered, ordered = ? WHERE state = 'waiting'", (appliance.now(),)
        )
        tx.execute("UPDATE captures SET retry_at = ordered WHERE state = 'waiting'")
    assert appliance.capture_queue.run_next()
    assert appliance.capture_finishing.run_round() == 1
    second, first = in_all(erp, f"{SCHEDULES}/{plan['id']}/captures", "captures")
    found = erp.get(f"{CAPTURES}/{second}").json
    assert (found["schedule"], found["changed"], found["state"]) == (plan["id"], True, "done")
    told = found["differences"]
    assert told["earlier"] == first
    assert told["title"] == {"before": "夏季新款", "after": "秋季新款"}
    assert told["text"]["changes"] == [{"line": 1, "removed": ["¥ 99.00"], "added": ["¥ 129.00"]}]
    assert told["picture"]["changed"] > 0
    assert told["picture"]["areas"]
    assert "differences.png" in [each["name"] for each in found["files"]]
    assert erp.get(f"{CAPTURES}/{first}").json["differences"] is None
    address = f"{SCHEDULES}/{plan['id']}"
    stopped = erp.post(f"{address}/stop").json
    assert (stopped["due"], stopped["stopped"] is not None) == (None, True)
    assert erp.get(address).json == stopped
    assert erp.post(f"{address}/stop").json["code"] == "state-refused"


STEP = {"kind": "click", "target": "#more"}


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"address": "ftp://example.com/"}, "/address"),
        ({"address": "https://user:secret@example.com/"}, "/address"),
        ({"address": "https://example.com/a b"}, "/address"),
        ({"address": ""}, "/address"),
        ({"address": "https://example.com/" + "a" * LONGEST_ADDRESS}, "/address"),
        ({"purpose": " \u2003"}, "/purpose"),
        ({"purpose": "x" * 501}, "/purpose"),
        ({"steps": [STEP, {"kind": "click"}]}, "/steps/1"),
        ({"steps": [{"kind": "click", "target": "a\u0000b"}]}, "/steps/0/target"),
        ({"steps": [STEP, {"kind": "type"}]}, "/steps/1/kind"),
        ({"steps": [{"kind": "wait", "seconds": 61}]}, "/steps/0/seconds"),
        ({"steps": [STEP] * (MOST_STEPS + 1)}, "/steps"),
        ({"investigator": "nobody@alpha.example"}, "/investigator"),
        ({"investigator": LI.email}, "/investigator"),
        ({"investigator": CUSTODIAN.email}, "/investigator"),
    ],
)
def test_what_does_not_fit_is_pointed_at(
    erp: FlaskClient, appliance: Appliance, changed: dict[str, Any], pointer: str
) -> None:
    for path, more in ((CAPTURES, {}), (SCHEDULES, {"at": "09:00"})):
        answer = post(erp, path, order("https://example.com/") | more | changed)
        assert (answer.status_code, answer.json.get("pointer")) == (422, pointer), answer.text
    assert not appliance.capture_queue.run_next()


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"at": "24:00"}, "/at"),
        ({"at": "09:00\n"}, "/at"),
        ({"every": 0}, "/every"),
        ({"every": 367}, "/every"),
        ({"times": 1}, "/times"),
        ({"times": 1001}, "/times"),
        ({"zone": "Asia/Shanghai"}, "/zone"),
    ],
)
def test_a_schedule_that_does_not_fit_is_pointed_at(
    erp: FlaskClient, changed: dict[str, Any], pointer: str
) -> None:
    answer = post(erp, SCHEDULES, order("https://example.com/", at="09:00") | changed)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid-body"), answer.text
    assert answer.json.get("pointer") == pointer


def test_a_day_and_schedules_have_their_limits_for_programs_too(erp: FlaskClient, appliance: Appliance) -> None:
    for _ in range(appliance.settings.capture.per_day):
        last = asked_for(erp, order("https://example.com/"))
    refused = post(erp, CAPTURES, order("https://example.com/"))
    assert (refused.status_code, refused.json["code"]) == (409, "precondition-refused")
    assert erp.post(f"{CAPTURES}/{last['id']}/cancel").status_code == 200
    assert asked_for(erp, order("https://example.com/"))
    forget_all(appliance)
    for number in range(MOST_SCHEDULES):
        planned(erp, order(f"https://example.com/{number}", at="09:00"))
        if number % 10 == 9:
            with appliance.database.transaction() as tx:
                tx.execute("UPDATE captures SET state = 'cancelled', ended = ordered WHERE state = 'waiting'")
    refused = post(erp, SCHEDULES, order("https://example.com/", at="09:00"))
    assert (refused.status_code, refused.json["code"]) == (409, "precondition-refused")


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

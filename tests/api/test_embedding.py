"""Links that open in a frame: for pages of one origin, with a session that opens nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from appliance.api_clients.rules import tidy_origins
from appliance.demonstration.participants import ZHANG
from appliance.errors import PreconditionRefused, StateRefused
from appliance.model.api_clients import Scope
from appliance.model.contract import InputKind, Placement, SignerInput
from appliance.wiring import Appliance
from tests.api.conftest import program
from tests.api.contracts_made import CONTRACTS
from tests.api.programs import Programs
from tests.api.test_links import history, invited, with_guest
from tests.portal.office_visits import token_in
from tests.world import contract_now

ORIGIN, OTHER = "https://erp.enterprise.example", "https://oa.enterprise.example:8443"
EMBEDS = "client-00000000000000b3"
FIELD = SignerInput("", 0, InputKind.TEXT, "开户行", most=40)


@pytest.fixture(scope="module")
def embedding(known: Programs) -> str:
    known.add(EMBEDS)
    return known.register.change_origins(EMBEDS, {ORIGIN, OTHER}, by="root").id


@pytest.fixture
def embeds(portal: Flask, known: Programs, embedding: str) -> FlaskClient:
    return program(portal, known, embedding)


def ask(asking: FlaskClient, contract: str, party: str, origin: str = ORIGIN) -> TestResponse:
    body = {"embed": {"origin": origin}}
    return asking.post(f"{CONTRACTS}/{contract}/parties/{party}/links", json=body)


def framed(asking: FlaskClient, contract: str, party: str, origin: str = ORIGIN) -> str:
    """The address of a frame, as a path."""
    answer = ask(asking, contract, party, origin)
    assert answer.status_code == 200, answer.text
    return urlsplit(json.loads(answer.data)["embedded_url"]).path


def a_browser(portal: Flask) -> FlaskClient:
    browser = portal.test_client()
    browser.environ_base["HTTP_ACCEPT"] = "text/html"
    return browser


def code_of(appliance: Appliance, contract: str, party: str) -> str:
    return appliance.guests.code(contract, party, by=ZHANG.subject)


def come_in(browser: FlaskClient, frame: str, code: str) -> TestResponse:
    return browser.post(frame, data={"form_token": token_in(browser.get(frame).text), "code": code})


def ancestors(answer: TestResponse) -> str:
    found = re.search(r"frame-ancestors ([^;]+)", answer.headers["Content-Security-Policy"])
    assert found is not None
    return found[1]


def with_field(appliance: Appliance, asking: FlaskClient) -> tuple[str, str]:
    """A contract whose outside signer has a field to fill in, sent."""
    contract, party = with_guest(asking)
    draft = appliance.signer_inputs.add(contract, party, FIELD, by=ZHANG.subject)
    added = draft.require_party(party).inputs[-1].id
    appliance.signer_inputs.place(contract, added, [Placement(0, 20, 30, 40, 3)], by=ZHANG.subject)
    assert asking.post(f"{CONTRACTS}/{contract}/send", json={}).status_code == 200
    return contract, party


@contextmanager
def suspended(known: Programs, client: str) -> Iterator[None]:
    known.register.suspend(client, by="root")
    yield
    known.register.resume(client, by="root")


def test_the_frame_is_for_its_origin_alone_and_reads_and_fills(
    portal: Flask, appliance: Appliance, embeds: FlaskClient
) -> None:
    contract, party = with_field(appliance, embeds)
    frame, browser = framed(embeds, contract, party), a_browser(portal)
    door = browser.get(frame)
    assert (door.status_code, ancestors(door)) == (200, ORIGIN)
    entered = come_in(browser, frame, code_of(appliance, contract, party))
    assert (entered.status_code, entered.headers["Location"]) == (303, frame)
    [cookie] = [each for each in entered.headers.getlist("Set-Cookie") if "session" in each]
    assert {"Secure", "HttpOnly", f"Path={frame}", "SameSite=None", "Partitioned"} <= set(cookie.split("; "))
    page = browser.get(frame)
    assert (page.status_code, ancestors(page)) == (200, ORIGIN) and f"{frame}/fill" in page.text
    assert browser.get(f"{frame}/pages/1.png?width=640").mimetype == "image/png"
    form = browser.get(f"{frame}/fill").text
    [name] = re.findall(r'name="(input-[0-9a-f]+)"', form)
    refused = browser.post(f"{frame}/fill", data={"form_token": token_in(form), name: ""})
    assert refused.status_code == 422 and ancestors(refused) == ORIGIN and f'action="{frame}/fill"' in refused.text
    done = browser.post(f"{frame}/fill", data={"form_token": token_in(form), name: "示例银行"})
    assert done.headers["Location"] == f"{frame}?filled=1"
    assert contract_now(appliance, contract).require_party(party).filled == (("开户行", "示例银行"),)
    assert "示例银行" in browser.get(frame).text
    assert json.loads(browser.get(f"{frame}/state").data) == {"state": "open"}


def test_the_session_of_a_frame_opens_nothing_else(
    portal: Flask, appliance: Appliance, embeds: FlaskClient
) -> None:
    contract, party = with_field(appliance, embeds)
    frame, browser = framed(embeds, contract, party), a_browser(portal)
    come_in(browser, frame, code_of(appliance, contract, party))
    cookie = browser.get_cookie("framed-session", path=frame)
    assert cookie is not None
    stolen = a_browser(portal)
    stolen.set_cookie("session", cookie.value)
    for path in ("", "/sign", "/fill", "/decline", "/pages/1.png", "/document.pdf"):
        answer = stolen.get(f"/contracts/{contract}{path}")
        assert answer.status_code in (303, 401) and "/contracts" not in answer.headers.get("Location", ""), path
    assert stolen.get("/guest/credentials").status_code in (303, 401)
    other_contract, other_party = with_field(appliance, embeds)
    other = framed(embeds, other_contract, other_party)
    stolen.set_cookie("framed-session", cookie.value, path="/")
    assert "开户行" not in stolen.get(other).text and stolen.get(f"{other}/fill").status_code == 401
    # And the other way round: who is signed in is nobody in the frame.
    guest = appliance.guests.of_party(party)
    link = urlsplit(appliance.addresses.invitation_url(guest)).path
    signed_in = a_browser(portal)
    assert come_in(signed_in, link, code_of(appliance, contract, party)).status_code == 303
    assert signed_in.get(f"/contracts/{contract}/fill").status_code == 200
    assert signed_in.get(f"{frame}/fill").status_code == 401


def test_the_ordinary_link_goes_on_taking_the_code(
    portal: Flask, appliance: Appliance, embeds: FlaskClient
) -> None:
    contract, party = invited(embeds)
    frame, browser, code = framed(embeds, contract, party), a_browser(portal), code_of(appliance, contract, party)
    come_in(browser, frame, code)
    [onward] = re.findall(r'href="[^"]*(/guest/[^"]+)" target="_blank" rel="noopener"', browser.get(frame).text)
    assert come_in(a_browser(portal), onward, code).status_code == 303


def test_a_link_takes_the_code_once_and_another_one_ends_it(
    portal: Flask, appliance: Appliance, embeds: FlaskClient
) -> None:
    contract, party = invited(embeds)
    first, code = framed(embeds, contract, party), code_of(appliance, contract, party)
    assert framed(embeds, contract, party) == first, "as it was not used"
    second = framed(embeds, contract, party, OTHER)
    over = a_browser(portal).get(first)
    assert ancestors(over) == ORIGIN and 'data-announced="expired"' in over.text and 'name="code"' not in over.text
    assert ancestors(a_browser(portal).get(second)) == OTHER
    browser, late = a_browser(portal), a_browser(portal)
    token = token_in(late.get(second).text)
    assert come_in(browser, second, code).status_code == 303
    refused = late.post(second, data={"form_token": token, "code": code})
    assert refused.status_code == 422 and 'data-announced="expired"' in refused.text
    assert framed(embeds, contract, party, OTHER) != second
    appliance.guests.invite_again(contract, party, by=ZHANG.subject)
    assert browser.get(f"{second}/fill").status_code == 401, "a new invitation ends sessions"


def test_wrong_codes_count_with_the_others(portal: Flask, appliance: Appliance, embeds: FlaskClient) -> None:
    contract, party = invited(embeds)
    frame, code = framed(embeds, contract, party), code_of(appliance, contract, party)
    wrong = f"{(int(code) + 1) % 10**8:08d}"
    for _ in range(5):
        assert come_in(a_browser(portal), frame, wrong).status_code == 422
    assert come_in(a_browser(portal), frame, code).status_code == 422
    held = appliance.guests.of_party(party)
    assert (held.tries, held.opened, held.used) == (5, None, None)


def test_what_has_ended_says_so_to_its_origin(
    portal: Flask, appliance: Appliance, embeds: FlaskClient, time: Any
) -> None:
    contract, party = invited(embeds)
    frame, browser = framed(embeds, contract, party), a_browser(portal)
    come_in(browser, frame, code_of(appliance, contract, party))
    assert json.loads(browser.get(f"{frame}/state").data) == {"state": "open"}
    assert embeds.post(f"{CONTRACTS}/{contract}/recall", json={"reason": "条款有误"}).status_code == 200
    assert json.loads(browser.get(f"{frame}/state").data) == {"state": "expired"}
    assert 'data-announced="ready expired"' in browser.get(frame).text
    declined, other = invited(embeds)
    frame, browser = framed(embeds, declined, other), a_browser(portal)
    come_in(browser, frame, code_of(appliance, declined, other))
    subject = contract_now(appliance, declined).require_party(other).subject
    appliance.endings.decline(declined, other, reason="示例", by=subject)
    assert json.loads(browser.get(f"{frame}/state").data) == {"state": "decided"}
    assert 'data-announced="ready decided"' in browser.get(frame).text


def test_a_suspended_client_and_an_origin_taken_away_end_frames(
    portal: Flask, appliance: Appliance, known: Programs, embeds: FlaskClient
) -> None:
    contract, party = with_field(appliance, embeds)
    frame, browser = framed(embeds, contract, party, OTHER), a_browser(portal)
    come_in(browser, frame, code_of(appliance, contract, party))
    assert browser.get(f"{frame}/fill").status_code == 200
    with suspended(known, EMBEDS):
        for each in (browser, a_browser(portal)):
            for path in ("", "/fill", "/state", "/pages/1.png"):
                answer = each.get(f"{frame}{path}")
                assert (answer.status_code, ancestors(answer)) == (404, "'none'"), path
    assert browser.get(f"{frame}/fill").status_code == 200
    known.register.change_origins(EMBEDS, {ORIGIN}, by="root")
    answer = browser.get(frame)
    assert (answer.status_code, ancestors(answer)) == (404, "'none'")
    assert ask(program(portal, known, EMBEDS), contract, party, OTHER).status_code == 403
    known.register.change_origins(EMBEDS, {ORIGIN, OTHER}, by="root")


def test_no_other_page_is_framed(portal: Flask, appliance: Appliance, embeds: FlaskClient) -> None:
    contract, party = invited(embeds)
    frame, browser = framed(embeds, contract, party), a_browser(portal)
    come_in(browser, frame, code_of(appliance, contract, party))
    link = urlsplit(appliance.addresses.invitation_url(appliance.guests.of_party(party))).path
    for path in ("/", "/login", link, f"/contracts/{contract}", f"/contracts/{contract}/sign", "/embedded/x"):
        assert ancestors(browser.get(path)) == "'none'", path


def test_an_origin_that_the_client_does_not_have_is_refused(erp: FlaskClient, embeds: FlaskClient) -> None:
    contract, party = invited(embeds)
    refused = ask(embeds, contract, party, "https://evil.example")
    problem = json.loads(refused.data)
    assert (refused.status_code, problem["code"], problem["pointer"]) == (403, "out-of-reach", "/embed/origin")
    contract, party = invited(erp)
    assert ask(erp, contract, party).status_code == 403


def test_the_log_names_the_origin_for_the_house(portal: Flask, appliance: Appliance, embeds: FlaskClient) -> None:
    contract, party = invited(embeds)
    frame = framed(embeds, contract, party)
    come_in(a_browser(portal), frame, code_of(appliance, contract, party))
    [given], [entered] = (history(appliance, contract, kind) for kind in ("guest-link-given", "guest-entered"))
    assert given["public"]["client"] == EMBEDS and {"origin"} <= given["commitments"].keys()
    assert {"address", "origin"} <= entered["commitments"].keys() and ORIGIN not in json.dumps([given, entered])


def test_a_form_without_its_cookie_is_not_taken(portal: Flask, appliance: Appliance, embeds: FlaskClient) -> None:
    contract, party = invited(embeds)
    frame, code = framed(embeds, contract, party), code_of(appliance, contract, party)
    token = token_in(a_browser(portal).get(frame).text)
    refused = a_browser(portal).post(frame, data={"form_token": token, "code": code})
    assert (refused.status_code, ancestors(refused)) == (403, ORIGIN) and "/guest/" in refused.text
    browser = a_browser(portal)
    token = token_in(browser.get(frame).text)
    foreign = browser.post(
        frame, data={"form_token": token, "code": code}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert foreign.status_code == 403 and appliance.guests.of_party(party).tries == 0


BAD = (
    *("http://erp.example", "https://erp.example/", "https://erp.example/path", "https://*.example", "https://*"),
    *("https://企业.example", "https://xn--fiq228c.example", "https://erp.example:0", "https://10.0.0.1", "null"),
    *("https://ERP.example", "https://user@erp.example", "https://erp.example;", "erp.example", "https://"),
    *("https://erp.example:65536", "https://erp.example:99999", "https://erp.example:70000"),
    *("https://erp..example", "https://-erp.example", "http://localhost:8080", "https://erp.example?x", "*"),
)


@pytest.mark.parametrize("origin", BAD)
def test_what_is_no_origin_is_not_registered(known: Programs, embeds: FlaskClient, origin: str) -> None:
    with pytest.raises(PreconditionRefused):
        known.register.change_origins(EMBEDS, {ORIGIN, origin}, by="root")
    assert known.register.find(EMBEDS).origins == {ORIGIN, OTHER}


@pytest.mark.parametrize("port", [1, 443, 8443, 9999, 10000, 59999, 64999, 65499, 65529, 65535])
def test_an_origin_has_any_port_that_there_is(port: int) -> None:
    one = f"https://erp.example:{port}"
    kept = tidy_origins({one}, {Scope.LINKS_WRITE}, development=False)
    assert kept == {one.removesuffix(":443")}
    local = f"http://localhost:{port}"
    assert tidy_origins({local}, {Scope.LINKS_WRITE}, development=True) == {local}
    with pytest.raises(PreconditionRefused):
        tidy_origins({"http://localhost:65536"}, {Scope.LINKS_WRITE}, development=True)


def test_origins_are_kept_as_browsers_write_them(known: Programs, embeds: FlaskClient) -> None:
    with pytest.raises(StateRefused):
        known.register.change_origins(EMBEDS, {f"{ORIGIN}:443", OTHER}, by="root")
    reader = "client-00000000000000b4"
    known.add(reader, scopes=frozenset({Scope.CONTRACTS_READ}))
    with pytest.raises(PreconditionRefused, match="links:write"):
        known.register.change_origins(reader, {ORIGIN}, by="root")


def test_a_session_that_is_not_used_ends(
    portal: Flask, appliance: Appliance, embeds: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looks of the frame's own script do not keep it alive."""
    contract, party = with_field(appliance, embeds)
    frame, browser = framed(embeds, contract, party), a_browser(portal)
    come_in(browser, frame, code_of(appliance, contract, party))
    idle, begin = timedelta(minutes=appliance.settings.sessions.idle_minutes), appliance.sessions._now()
    for part in (0.4, 0.8):
        monkeypatch.setattr(appliance.sessions, "_now", lambda part=part: begin + part * idle)
        assert json.loads(browser.get(f"{frame}/state").data) == {"state": "open"}
    monkeypatch.setattr(appliance.sessions, "_now", lambda: begin + 1.1 * idle)
    assert json.loads(browser.get(f"{frame}/state").data) == {"state": "expired"}
    assert browser.get(f"{frame}/fill").status_code == 401

"""The portal's pages of captures: what is typed, what comes of it, and who sees it."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from appliance.demonstration.participants import LI, ZHANG
from appliance.model.accounts import AccountRole
from appliance.model.captures import CaptureState
from appliance.wiring import Appliance
from tests.captures.conftest import INVESTIGATOR, Web, forget_all, now_of, ordered
from tests.portal.conftest import form_token, portal_of
from tests.portal.estate import once
from tests.portal.visitors import known_person, signed_in

WHO = ZHANG.subject
STEPS = {f"{name}{row}": "" for name in ("kind", "target", "seconds") for row in range(1, 6)}
ORDER = {"purpose": "固定侵权页面", "plan": "once", "every": "1", "times": "30", "at": "09:00"} | STEPS


@pytest.fixture(autouse=True)
def nothing_before(appliance: Appliance) -> Iterator[None]:
    forget_all(appliance)
    yield


@pytest.fixture(scope="module")
def portal(appliance: Appliance) -> Flask:
    return portal_of(appliance, appliance.authority)


@pytest.fixture(scope="module")
def zhang(portal: Flask, appliance: Appliance) -> FlaskClient:
    return signed_in(portal, appliance, WHO, INVESTIGATOR)


def sent(client: FlaskClient, path: str = "/captures/new", **fields: str) -> TestResponse:
    return client.post(path, data={"form_token": form_token(client), "once": once(), **fields})


def test_an_order_is_followed_from_the_form_to_the_package(
    appliance: Appliance, zhang: FlaskClient, web: Web, log: None
) -> None:
    token = {"form_token": form_token(zhang), "once": once()}
    steps = {"kind1": "wait", "seconds1": "0.1", "kind2": "scroll", "target2": "h1"}
    form = ORDER | steps | {"address": web.address()} | token
    answers = [zhang.post("/captures/new", data=form) for _ in range(2)]
    [address] = {answer.headers["Location"] for answer in answers}
    assert {answer.status_code for answer in answers} == {303}, "the same form is one capture"
    waiting = zhang.get(address)
    assert waiting.headers["Refresh"]
    assert "正在排队" in waiting.text
    assert appliance.capture_queue.run_next()
    assert appliance.capture_finishing.run_round() == 1
    done = zhang.get(address)
    assert "Refresh" not in done.headers
    for words in ("夏季新款", "固定侵权页面", web.address(), "127.0.0.1", "未使用 TLS", "在网页上的操作步骤"):
        assert words in done.text
    picture = zhang.get(f"{address}/picture.jpg")
    assert (picture.content_type, picture.headers["X-Content-Type-Options"]) == ("image/jpeg", "nosniff")
    assert picture.get_data().startswith(b"\xff\xd8\xff")
    package = zhang.get(f"{address}/package.zip")
    assert zipfile.ZipFile(io.BytesIO(package.get_data())).testzip() is None
    links = re.findall(rf'href="({address}/files/[^"]+)"', done.text)
    assert {link.rpartition("/")[2] for link in links} >= {"capture.wacz", "page.png", "page.pdf", "step-02.png"}
    for link in links:
        file = zhang.get(link)
        assert file.status_code == 200
        assert file.headers["Content-Disposition"].startswith("attachment"), "never shown by the browser itself"
    again = zhang.get(f"/captures/new?again={address.rpartition('/')[2]}").text
    assert f'value="{web.address()}"' in again
    assert 'value="h1"' in again


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"address": "example.com"}, "address"),
        ({"address": "https://user:secret@example.com/"}, "address"),
        ({"purpose": " "}, "purpose"),
        ({"purpose": "x" * 501}, "purpose"),
        ({"kind2": "click"}, "kind2"),
        ({"kind1": "wait", "seconds1": "nan"}, "seconds1"),
        ({"kind1": "wait", "seconds1": "1e9"}, "seconds1"),
        ({"kind1": "wait", "seconds1": "9999"}, "kind1"),
        ({"plan": "plan", "every": "x"}, "every"),
        ({"plan": "plan", "every": "0"}, "every"),
        ({"plan": "plan", "times": "1"}, "times"),
        ({"plan": "plan", "at": "25:00"}, "at"),
        ({"plan": "plan", "log_in": "1"}, "plan"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_lost(
    appliance: Appliance, zhang: FlaskClient, changed: dict[str, str], field: str
) -> None:
    answer = sent(zhang, **{**ORDER, "address": "https://example.com/", "at": "07:15", **changed})
    assert answer.status_code == 422
    assert f'id="field-{field}-problem"' in answer.text
    typed = changed.get("at", "07:15")
    assert f'value="{typed}"' in answer.text
    assert not [each for each in appliance.captures.of_person(WHO).captures if each.under_way]


def test_a_log_in_by_hand_is_a_choice_beside_the_plan(appliance: Appliance, zhang: FlaskClient) -> None:
    """Of one group, so that no browser lets anybody choose both."""
    page = zhang.get("/captures/new").text
    choices = re.findall(r'<input id="[^"]*" name="plan" type="radio" value="([^"]*)"', page)
    assert choices == ["once", "log-in", "plan"] and 'name="log_in"' not in page
    answer = sent(zhang, **{**ORDER, "address": "https://example.com/", "plan": "log-in"})
    assert answer.status_code == 303
    [waiting] = [each for each in appliance.captures.of_person(WHO).captures if each.under_way]
    assert waiting.log_in and waiting.schedule is None


def test_a_plan_has_a_page_and_is_stopped_there(appliance: Appliance, zhang: FlaskClient) -> None:
    answer = sent(
        zhang, **{**ORDER, "address": "https://example.com/", "plan": "plan", "every": "7", "times": "4"}
    )
    page = zhang.get(answer.headers["Location"])
    assert "每 7 天一次，09:00" in page.text
    assert "第 1 次，共 4 次" in page.text
    stopped = sent(zhang, f"{answer.headers['Location']}/stop")
    assert stopped.status_code == 303
    assert "您已停止该计划" in zhang.get(stopped.headers["Location"]).text
    assert sent(zhang, f"{answer.headers['Location']}/stop").status_code == 409


def test_what_waits_is_cancelled_on_its_page(appliance: Appliance, zhang: FlaskClient) -> None:
    capture = ordered(appliance, "https://example.com/")
    path = f"/captures/{capture.id}"
    assert sent(zhang, f"{path}/cancel").headers["Location"] == path
    assert now_of(appliance, capture).state is CaptureState.CANCELLED
    assert "您已取消本次取证" in zhang.get(path).text
    assert sent(zhang, f"{path}/cancel").status_code == 409


def test_nobody_else_sees_a_capture_but_auditors_of_the_organisation(
    portal: Flask, appliance: Appliance, zhang: FlaskClient
) -> None:
    capture = ordered(appliance, "https://example.com/only-mine")
    paths = [f"/captures/{capture.id}", f"/captures/{capture.id}/files/page.png"]
    other = signed_in(portal, appliance, LI.subject, INVESTIGATOR)
    assert [other.get(path).status_code for path in paths] == [404, 404]
    assert "only-mine" not in other.get("/captures").text
    for subject, sees in (("auditor-captures", True), ("auditor-elsewhere", False)):
        known_person(appliance, subject, "钱审计")
        if not sees:
            with appliance.database.transaction() as tx:
                tx.execute("UPDATE people SET organisation = ? WHERE subject = ?", (LI.organisation, subject))
        auditor = signed_in(portal, appliance, subject, [AccountRole.AUDITOR])
        assert ("only-mine" in auditor.get("/captures").text) is sees
        assert [auditor.get(path).status_code for path in paths] == [200 if sees else 404, 404]
        assert auditor.post(f"{paths[0]}/cancel", data={"form_token": form_token(auditor)}).status_code == 403
    signer = signed_in(portal, appliance, LI.subject, [AccountRole.SIGNER])
    assert "暂无共享给您的取证" in signer.get("/captures").text
    assert 'href="/captures"' not in signer.get("/").text
    assert 'href="/captures"' in zhang.get("/captures").text
    signed_in(portal, appliance, LI.subject, INVESTIGATOR)

"""While the machine is maintained people look and change nothing, and know until when; who tests goes on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from appliance.demonstration.participants import LI, ZHANG
from appliance.model.administration import MaintenanceWindow
from appliance.wiring import Appliance
from tests.portal.conftest import form_token
from tests.portal.visitors import signed_in

PAGES = ["/", "/verify", "/clock", "/login", "/ownership", "/notices", "/settings"]
ENGLISH = {"Accept-Language": "en"}


@pytest.fixture(autouse=True)
def over(appliance: Appliance) -> Iterator[None]:
    """No maintenance outlives its test: the others share this home."""
    yield
    if appliance.maintenance.window() is not None:
        appliance.maintenance.end()


def begin(appliance: Appliance, *logins: str, ahead: timedelta = timedelta()) -> None:
    begins = appliance.now() + ahead
    appliance.maintenance.plan(
        MaintenanceWindow(begins, begins + timedelta(hours=2), "更换磁盘 <一>"), list(logins)
    )


def change(browser: FlaskClient) -> int:
    """The status of a form that changes something: one's own profile."""
    form = {"form_token": form_token(browser), "name": ZHANG.name, "language": "zh", "zone": "Asia/Shanghai"}
    return browser.post("/settings/profile", data=form).status_code


@pytest.fixture
def zhang(portal: Flask, appliance: Appliance) -> FlaskClient:
    return signed_in(portal, appliance, ZHANG.subject)


@pytest.mark.parametrize("page", PAGES)
def test_every_page_announces_it_before_and_says_so_during_it(
    appliance: Appliance, zhang: FlaskClient, page: str
) -> None:
    assert "maintenance" not in zhang.get(page, follow_redirects=True).text
    begin(appliance, ahead=timedelta(days=1))
    announced = zhang.get(page, follow_redirects=True).text
    assert 'class="maintenance"' in announced
    assert "计划于" in announced
    assert "更换磁盘 &lt;一&gt;" in announced
    appliance.maintenance.end()
    begin(appliance)
    assert "正在维护" in zhang.get(page, follow_redirects=True).text


def test_changes_are_refused_with_the_time_to_come_back_and_nothing_is_done(
    appliance: Appliance, zhang: FlaskClient
) -> None:
    begin(appliance, ahead=timedelta(hours=1))
    assert change(zhang) < 400, "it is only announced"
    appliance.maintenance.end()
    begin(appliance)
    form = {"form_token": form_token(zhang), "name": "另一个名字", "language": "zh", "zone": "Asia/Shanghai"}
    refused = zhang.post("/settings/profile", data=form)
    assert refused.status_code == 503
    assert 3600 < int(refused.headers["Retry-After"]) <= 7200
    assert "正在维护" in refused.text
    assert appliance.registry.person(ZHANG.subject).name == ZHANG.name
    appliance.maintenance.end()
    assert change(zhang) < 400


def test_programs_get_the_reason_as_json(appliance: Appliance, portal: Flask) -> None:
    begin(appliance)
    program = portal.test_client()
    form = {"form_token": form_token(program)}
    refused = program.post("/contracts/new", data=form, headers={"Accept": "application/json"})
    assert (refused.status_code, refused.json["code"]) == (503, "maintenance")


def test_who_is_excepted_goes_on_and_nobody_else(appliance: Appliance, portal: Flask, zhang: FlaskClient) -> None:
    begin(appliance, ZHANG.subject)
    li = signed_in(portal, appliance, LI.subject)
    assert change(zhang) < 400
    assert change(li) == 503


def test_what_changes_nothing_and_signing_in_go_on(appliance: Appliance, browser: FlaskClient) -> None:
    begin(appliance)
    token = form_token(browser)
    assert browser.post("/verify", data={"form_token": token}).status_code == 400, "no file, but looked at"
    wrong = {"form_token": token, "login": "nobody", "password": "wrong", "ticket": "x"}
    for path in ("/login", "/login/code"):
        assert browser.post(path, data=wrong).status_code not in (404, 405, 503)
    assert browser.post("/ocsp", data=b"no request").status_code == 200

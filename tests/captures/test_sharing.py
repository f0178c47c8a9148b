"""Captures and plans shared with colleagues: who sees them from when on, and what of it is told and logged."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from appliance.demonstration.participants import LI, ZHANG
from appliance.errors import NotFound, PreconditionRefused
from appliance.language import Language
from appliance.model.accounts import AccountRole
from appliance.model.captures import OrderedCapture, OrderKind
from appliance.wiring import Appliance
from tests.captures.conftest import INVESTIGATOR, forget_all
from tests.captures.made import captured, ordered_by_plan
from tests.portal.conftest import form_token, portal_of
from tests.portal.estate import once
from tests.portal.visitors import known_person, signed_in

WHO, COLLEAGUE, ANOTHER = ZHANG.subject, "person-lawyer", "person-lawyer-two"


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


@pytest.fixture
def lawyer(portal: Flask, appliance: Appliance) -> FlaskClient:
    """A colleague who captures nothing."""
    known_person(appliance, COLLEAGUE, "韩律师")
    return signed_in(portal, appliance, COLLEAGUE, [AccountRole.SIGNER])


@pytest.fixture(scope="module")
def done(appliance: Appliance) -> OrderedCapture:
    forget_all(appliance)
    return captured(appliance, WHO)


def sent(client: FlaskClient, path: str, **fields: str) -> int:
    return client.post(path, data={"form_token": form_token(client), "once": once(), **fields}).status_code


def logged(appliance: Appliance, order: str) -> list[tuple[str, str]]:
    """Kind and recipient of the entries about sharing *order*."""
    with appliance.database.reading() as tx:
        leaves = tx.column(bytes, "SELECT leaf FROM ledger WHERE instr(leaf, ?) > 0 ORDER BY number", (order,))
    found = [json.loads(each) for each in leaves]
    return [(each["kind"], each["public"]["recipient"]) for each in found if "recipient" in each["public"]]


def test_a_colleague_sees_what_is_shared_until_it_is_not(
    appliance: Appliance, zhang: FlaskClient, lawyer: FlaskClient, done: OrderedCapture
) -> None:
    page = f"/captures/{done.id}"
    assert [lawyer.get(path).status_code for path in (page, f"{page}/files/page.png")] == [404, 404]
    assert "韩律师" in zhang.get(f"{page}?find=韩").text
    assert sent(zhang, f"{page}/sharing", act="share", person=COLLEAGUE) == 303
    assert sent(zhang, f"{page}/sharing", act="share", person=COLLEAGUE) == 303
    assert "韩律师" in zhang.get(page).text
    listed = lawyer.get("/captures").text
    assert f'href="{page}"' in listed
    assert f"{ZHANG.name} 共享" in listed
    assert "共享给您的网页取证：1 项" in lawyer.get("/").text
    shown = lawyer.get(page)
    assert ZHANG.name in shown.text
    assert "/sharing" not in shown.text
    assert lawyer.get(f"{page}/files/page.png").status_code == 200
    assert appliance.captures.facts(done.id, by=COLLEAGUE) is not None
    assert [sent(lawyer, f"{page}/{act}", reason="示例") for act in ("cancel", "keep", "sharing")] == [403] * 3
    for act in (
        lambda: appliance.captures.hold(done.id, reason="示例", by=COLLEAGUE),
        lambda: appliance.captures.own(done.id, by=COLLEAGUE),
        lambda: appliance.capture_sharing.share(OrderKind.CAPTURE, done.id, COLLEAGUE, by=COLLEAGUE),
    ):
        with pytest.raises(NotFound):
            act()
    assert sent(zhang, f"{page}/sharing", act="unshare", person=COLLEAGUE) == 303
    assert lawyer.get(page).status_code == 404
    assert f'href="{page}"' not in lawyer.get("/captures").text
    assert logged(appliance, done.id) == [("capture-shared", COLLEAGUE), ("capture-unshared", COLLEAGUE)]


def test_with_a_plan_all_of_its_captures_are_shared(
    appliance: Appliance, zhang: FlaskClient, lawyer: FlaskClient
) -> None:
    plan = ordered_by_plan(appliance, WHO, "每日固定")
    [first] = appliance.captures.by_plan(plan)
    page = f"/captures/plans/{plan.id}"
    assert sent(zhang, f"{page}/sharing", act="share", person=COLLEAGUE) == 303
    assert [lawyer.get(path).status_code for path in (page, f"/captures/{first.id}")] == [200, 200]
    assert f'href="{page}"' in lawyer.get("/captures").text
    assert sent(zhang, f"{page}/sharing", act="unshare", person=COLLEAGUE) == 303
    assert [lawyer.get(path).status_code for path in (page, f"/captures/{first.id}")] == [404, 404]
    appliance.capture_sharing.share(OrderKind.CAPTURE, first.id, COLLEAGUE, by=WHO)
    alone = lawyer.get(f"/captures/{first.id}")
    assert alone.status_code == 200
    assert f'href="{page}"' not in alone.text, "the plan is not shared"
    assert sent(zhang, f"/captures/{first.id}/cancel") == 303
    assert sent(zhang, f"/captures/{first.id}/sharing", act="share", person=COLLEAGUE) == 409


def test_it_stays_within_the_organisation(
    appliance: Appliance, lawyer: FlaskClient, zhang: FlaskClient, done: OrderedCapture
) -> None:
    share = appliance.capture_sharing.share
    for person in (LI.subject, WHO, "auditor-captures", "nobody"):
        with pytest.raises(PreconditionRefused):
            share(OrderKind.CAPTURE, done.id, person, by=WHO)
    assert sent(zhang, f"/captures/{done.id}/sharing", act="share", person=LI.subject) == 422
    share(OrderKind.CAPTURE, done.id, COLLEAGUE, by=WHO)
    with appliance.database.transaction() as tx:
        before = tx.value(str, "SELECT organisation FROM people WHERE subject = ?", (COLLEAGUE,))
        tx.execute("UPDATE people SET organisation = ? WHERE subject = ?", (LI.organisation, COLLEAGUE))
    try:
        assert lawyer.get(f"/captures/{done.id}").status_code == 404
        assert f"/captures/{done.id}" not in lawyer.get("/captures").text
    finally:
        with appliance.database.transaction() as tx:
            tx.execute("UPDATE people SET organisation = ? WHERE subject = ?", (before, COLLEAGUE))
    appliance.capture_sharing.unshare(OrderKind.CAPTURE, done.id, COLLEAGUE, by=WHO)


def test_the_colleague_is_told_and_one_who_lost_it_is_not(appliance: Appliance, done: OrderedCapture) -> None:
    """In the list of notices; the mail is made when it goes out, and not at all then."""
    known_person(appliance, ANOTHER, "秦律师")
    plan = ordered_by_plan(appliance, WHO, "每日固定")

    def titles() -> list[str]:
        return [each.title for each in appliance.reminders.inbox.list_entries(ANOTHER, Language.CHINESE)]

    shared = ((OrderKind.CAPTURE, done.id), (OrderKind.SCHEDULE, plan.id))
    for kind, order in shared:
        appliance.capture_sharing.share(kind, order, ANOTHER, by=WHO)
    assert titles() == [f"“{each}”的网页取证已共享给您" for each in (plan.address, done.address)]
    for kind, order in shared:
        appliance.capture_sharing.unshare(kind, order, ANOTHER, by=WHO)
    assert titles() == []

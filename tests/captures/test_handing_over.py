"""What people who have left leave of captures: their plans rest, officers see it, and a colleague takes over."""

from __future__ import annotations

import json
from datetime import timedelta
from secrets import token_hex

import pytest
from flask import Flask
from flask.testing import FlaskClient

from appliance.captures.handing_over import CaptureHandingOver
from appliance.captures.planning import CaptureSchedules
from appliance.demonstration.participants import LI, OFFICER
from appliance.errors import NotAllowed, NotFound, PreconditionRefused, StateRefused
from appliance.language import Language
from appliance.model.accounts import AccountRole, AccountState
from appliance.model.captures import CaptureSchedule, CaptureState, OrderedCapture, OrderKind
from appliance.store import accounts, captures
from appliance.wiring import Appliance
from tests.captures.conftest import INVESTIGATOR, forget_all, now_of
from tests.captures.made import captured, ordered_by_plan
from tests.portal.conftest import form_token, portal_of
from tests.portal.estate import once
from tests.portal.visitors import known_person, signed_in

COLLEAGUE, NO_INVESTIGATOR, NAME = "person-lawyer-three", "person-clerk-three", "赵离任"


@pytest.fixture(scope="module")
def portal(appliance: Appliance) -> Flask:
    return portal_of(appliance, appliance.authority)


@pytest.fixture(scope="module")
def officer(portal: Flask, appliance: Appliance) -> FlaskClient:
    known_person(appliance, OFFICER, "王登记")
    return signed_in(portal, appliance, OFFICER, [AccountRole.OFFICER])


@pytest.fixture(scope="module")
def colleague(portal: Flask, appliance: Appliance) -> FlaskClient:
    known_person(appliance, COLLEAGUE, "韩接手")
    known_person(appliance, NO_INVESTIGATOR, "孙职员")
    signed_in(portal, appliance, NO_INVESTIGATOR, [AccountRole.SIGNER])
    return signed_in(portal, appliance, COLLEAGUE, INVESTIGATOR)


@pytest.fixture
def left(
    appliance: Appliance, portal: Flask, officer: FlaskClient, colleague: FlaskClient
) -> tuple[OrderedCapture, CaptureSchedule]:
    """A capture that is done, and a plan, of somebody who has left since."""
    forget_all(appliance)
    leaver = f"person-leaver-{token_hex(4)}"
    known_person(appliance, leaver, NAME)
    signed_in(portal, appliance, leaver, INVESTIGATOR)
    done = captured(appliance, leaver)
    appliance.capture_sharing.share(OrderKind.CAPTURE, done.id, COLLEAGUE, by=leaver)
    plan = ordered_by_plan(appliance, leaver, "每日固定")
    leave(appliance, leaver)
    return done, plan


def leave(appliance: Appliance, subject: str) -> None:
    appliance.database.commit(accounts.set_state, subject, AccountState.LEFT)


def schedule_now(appliance: Appliance, plan: CaptureSchedule) -> CaptureSchedule:
    return appliance.database.query(captures.load_schedule, plan.id)


Left = tuple[OrderedCapture, CaptureSchedule]


def test_plans_rest_and_officers_see_it_until_a_colleague_takes_everything_over(
    appliance: Appliance, officer: FlaskClient, colleague: FlaskClient, left: Left
) -> None:
    done, plan = left
    assert plan.due is not None
    later = plan.due + timedelta(days=1, minutes=1)
    schedules = CaptureSchedules(appliance.database, appliance.settings.capture, lambda: later)
    assert schedules.enqueue_due() == 0
    assert schedule_now(appliance, plan).missed == 2
    assert "已离职、定时取证暂停的人员：" in officer.get("/office").text
    listed = officer.get("/office/captures").text
    assert NAME in listed and "错过取证 2 次" in listed
    page = f"/office/people/{done.owner}/captures"
    shown = officer.get(page).text
    assert plan.id in shown and plan.address not in shown and plan.purpose not in shown, "as on the retention page"
    assert "韩接手" in shown and "孙职员" not in shown and LI.name not in shown
    given = {"form_token": form_token(officer), "once": once(), "to": COLLEAGUE}
    without = officer.post(page, data=given | {"reason": " "})
    assert without.status_code == 422
    assert colleague.post(page, data=given | {"form_token": form_token(colleague)}).status_code == 403
    assert officer.post(page, data=given | {"reason": "赵离任已离职"}).status_code == 303
    taken = now_of(appliance, done)
    assert (taken.owner, taken.orderer) == (COLLEAGUE, done.owner)
    [first] = appliance.captures.by_plan(schedule_now(appliance, plan))
    assert (first.state, first.owner, first.orderer) == (CaptureState.WAITING, COLLEAGUE, None)
    assert "定时取证暂停" not in officer.get("/office").text
    assert "此人名下没有网页取证或定时取证" in officer.get(page).text
    own = colleague.get(f"/captures/{done.id}").text
    assert f"取证人：{NAME}；现由韩接手接手" in own
    appliance.captures.hold(done.id, reason="诉讼", by=COLLEAGUE)
    assert appliance.capture_sharing.readers(OrderKind.CAPTURE, done.id) == ()
    with pytest.raises(NotFound):
        appliance.captures.own(done.id, by=done.owner)
    titles = [each.title for each in appliance.reminders.inbox.list_entries(COLLEAGUE, Language.CHINESE)]
    assert any(NAME in each and "网页取证" in each for each in titles)
    with appliance.database.transaction() as tx:
        tx.execute(
            "UPDATE captures SET state = 'cancelled', ended = '2026-12-01T00:00:00Z' WHERE state = 'waiting'"
        )
    again = CaptureSchedules(appliance.database, appliance.settings.capture, lambda: later + timedelta(days=1))
    assert again.enqueue_due() == 1
    assert appliance.captures.by_plan(schedule_now(appliance, plan))[0].owner == COLLEAGUE


def test_the_log_names_each_who_decided_and_from_whom_to_whom(appliance: Appliance, left: Left) -> None:
    assert appliance.capture_handing_over.hand_over(left[0].owner, to=COLLEAGUE, reason="离职", by=OFFICER) == 2
    for kind, order in (("capture", left[0].id), ("schedule", left[1].id)):
        with appliance.database.reading() as tx:
            [entry] = tx.column(
                bytes,
                "SELECT leaf FROM ledger WHERE instr(leaf, ?) > 0 AND instr(leaf, 'capture-handed-over') > 0",
                (order,),
            )
        told = json.loads(entry)
        public = told["public"]
        assert (public[kind], public["from"], public["to"], public["actor"]) == (
            order,
            left[0].owner,
            COLLEAGUE,
            OFFICER,
        )
        assert set(told["commitments"]) == {"reason"}


def test_the_package_still_names_who_captured(appliance: Appliance, left: Left) -> None:
    before = appliance.captures.facts(left[0].id, by=left[0].owner)
    appliance.capture_handing_over.hand_over(left[0].owner, to=COLLEAGUE, reason="离职", by=OFFICER)
    assert before is not None and appliance.captures.facts(left[0].id, by=COLLEAGUE) == before


def test_what_one_takes_over_does_not_use_up_ones_own_day(appliance: Appliance, left: Left) -> None:
    def today() -> int:
        return appliance.database.query(captures.count_ordered, COLLEAGUE, appliance.now() - timedelta(days=1))

    before = today()
    appliance.capture_handing_over.hand_over(left[0].owner, to=COLLEAGUE, reason="离职", by=OFFICER)
    assert today() == before + 1, "the one that still waits, which the colleague has made"


@pytest.mark.parametrize("to", [LI.subject, NO_INVESTIGATOR, "person-nobody", ""])
def test_only_a_colleague_who_may_capture_takes_over(appliance: Appliance, left: Left, to: str) -> None:
    with pytest.raises(PreconditionRefused):
        appliance.capture_handing_over.hand_over(left[0].owner, to=to, reason="离职", by=OFFICER)
    assert now_of(appliance, left[0]).owner == left[0].owner


def test_only_an_officer_decides_and_only_about_who_has_left(appliance: Appliance, left: Left) -> None:
    handing_over: CaptureHandingOver = appliance.capture_handing_over
    with pytest.raises(NotAllowed):
        handing_over.hand_over(left[0].owner, to=COLLEAGUE, reason="离职", by=COLLEAGUE)
    with pytest.raises(PreconditionRefused, match="has not left"):
        handing_over.hand_over(NO_INVESTIGATOR, to=COLLEAGUE, reason="离职", by=OFFICER)
    handing_over.hand_over(left[0].owner, to=COLLEAGUE, reason="离职", by=OFFICER)
    with pytest.raises(StateRefused):
        handing_over.hand_over(left[0].owner, to=COLLEAGUE, reason="离职", by=OFFICER)
    assert left[1].due is not None

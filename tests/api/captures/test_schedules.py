"""Captures by schedule for a program, the limits of both kinds of order, and what does not fit."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from appliance.captures.register import MOST_SCHEDULES
from appliance.demonstration.participants import CUSTODIAN, LI
from appliance.web_capture.model import LONGEST_ADDRESS, MOST_STEPS
from appliance.wiring import Appliance
from tests.api.captures.orders import CAPTURES, SCHEDULES, asked_for, events_of, in_all, order, planned, post
from tests.captures.conftest import Web, forget_all
from tests.world import World


def test_by_schedule_each_capture_is_compared_with_the_one_before(
    erp: FlaskClient, world: World, appliance: Appliance, web: Web
) -> None:
    plan = planned(erp, order(web.address(), at="09:30", every=1, times=3))
    assert (plan["at"], plan["zone"], plan["past"], plan["missed"]) == ("09:30", "Asia/Shanghai", 1, 0)
    assert plan["due"]
    assert appliance.capture_queue.run_next()
    assert appliance.capture_finishing.run_round() == 1
    ahead = datetime.fromisoformat(plan["due"]) - appliance.now() + timedelta(minutes=1)
    with world.opened(ahead=ahead) as tomorrow:
        assert tomorrow.capture_schedules.enqueue_due() == 1
    web.pages["/"] = "<title>秋季新款</title><h1>¥ 129.00</h1>"
    with appliance.database.transaction() as tx:
        tx.execute("UPDATE captures SET retry_at = ? WHERE state = 'waiting'", (appliance.now(),))
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
    assert [events_of(erp, each) for each in (first, second)] == [
        ["capture.done"],
        ["capture.done", "capture.changed"],
    ]
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

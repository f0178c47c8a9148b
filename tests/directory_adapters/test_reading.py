"""Address books that are slow, wrong, empty, incomplete or out of reach: nobody leaves for it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.directory_adapters.company import QUIT
from tests.directory_adapters.conftest import Estate
from tests.directory_adapters.servers import Fault, answer, errcode

pytestmark = pytest.mark.slow
PEOPLE = {"wecom": "/cgi-bin/user/list", "dingtalk": "/topapi/v2/user/list"}
DEPARTMENTS = {"wecom": "/cgi-bin/department/list", "dingtalk": "/topapi/v2/department/listsub"}
LABELS = {"wecom": "/cgi-bin/tag/list", "dingtalk": "/topapi/role/list"}
TOKENS = {"wecom": "/cgi-bin/gettoken", "dingtalk": "/v1.0/oauth2/accessToken"}
EMPTY = {
    "wecom": {"errcode": 0, "errmsg": "ok", "userlist": []},
    "dingtalk": {"errcode": 0, "errmsg": "ok", "result": {"has_more": False, "list": []}},
}
BUSY = {
    "wecom": errcode(45009, "api freq out of limit"),
    "dingtalk": errcode(88, "ding talk error", sub_code="90018", sub_msg="请求被暂时限制了"),
}


@pytest.fixture
def filled(estate: Estate) -> Estate:
    return estate.filled()


def stopped(estate: Estate, *faults: Fault) -> str:
    """What a run says that *faults* have stopped without a change."""
    estate.book.faults += faults
    run = estate.run()
    assert run.status == 1 and not estate.scim.writes
    assert run.err.startswith("stopped: ")
    return run.err


def test_an_error_in_the_middle_stops_the_run(filled: Estate) -> None:
    assert "60011" in stopped(filled, Fault(PEOPLE[filled.source], errcode(60011, "no privilege"), first=20))


@pytest.mark.parametrize("where", [PEOPLE, DEPARTMENTS, LABELS, TOKENS])
@pytest.mark.parametrize(
    "reply",
    [None, (500, {}, b"{}"), (200, {}, b"<html>gateway</html>"), (200, {}, b'{"status": 1111}'), answer([])],
    ids=["hangs-up", "500", "page", "limit", "list"],
)
def test_no_answer_or_another_one_stops_the_run(filled: Estate, where: dict[str, str], reply: Any) -> None:
    stopped(filled, Fault(where[filled.source], reply, times=99))


def test_an_empty_address_book_stops_the_run(filled: Estate) -> None:
    said = stopped(filled, Fault(PEOPLE[filled.source], answer(EMPTY[filled.source]), times=999))
    assert "nobody in it" in said or "0 people were read" in said


def test_a_missing_list_is_not_an_empty_one(filled: Estate) -> None:
    stopped(filled, Fault(PEOPLE[filled.source], answer({"errcode": 0, "errmsg": "ok"}), first=7))


def test_a_server_that_is_gone_stops_the_run(filled: Estate) -> None:
    filled.book.port, there = 1, filled.book.port
    try:
        stopped(filled)
    finally:
        filled.book.port = there


def test_limits_pass(filled: Estate) -> None:
    filled.book.faults.append(Fault(PEOPLE[filled.source], BUSY[filled.source], first=3, times=2))
    run = filled.run()
    assert run.status == 4 and len(run.pauses) == 2
    assert not filled.scim.writes


def test_a_limit_that_does_not_pass_stops_the_run(filled: Estate) -> None:
    stopped(filled, Fault(PEOPLE[filled.source], BUSY[filled.source], times=99))


def test_a_token_that_has_ended_is_renewed_once(filled: Estate) -> None:
    filled.book.faults.append(Fault(PEOPLE[filled.source], errcode(42001, "access_token expired"), first=4))
    assert filled.run().status == 4
    assert filled.book.paths().count(TOKENS[filled.source]) == 2
    filled.book.reset()
    stopped(filled, Fault(PEOPLE[filled.source], errcode(42001, "access_token expired"), times=99))
    assert filled.book.paths().count(TOKENS[filled.source]) == 2


def test_a_wrong_secret_is_said_and_not_shown(estate: Estate) -> None:
    (estate.folder / "book.secret").write_text("another-secret-0123456789")
    run = estate.run()
    assert run.status == 1 and "check" in run.err and "another-secret" not in run.err


def test_a_company_that_is_not_seen_whole_stops_the_run(wecom: Estate) -> None:
    wecom.filled()
    del wecom.company.departments[1]
    assert "does not see the whole company" in stopped(wecom)


def test_a_department_without_its_parent_stops_the_run(wecom: Estate) -> None:
    wecom.filled()
    del wecom.company.departments[110]
    assert "incomplete" in stopped(wecom)


def test_fewer_people_than_are_counted_stop_the_run(dingtalk: Estate) -> None:
    dingtalk.filled()
    dingtalk.book.faults.append(Fault(PEOPLE["dingtalk"], answer(EMPTY["dingtalk"]), first=20))
    assert "the company has" in stopped(dingtalk)
    dingtalk.book.reset()
    dingtalk.book.faults.append(Fault(PEOPLE["dingtalk"], answer(EMPTY["dingtalk"]), first=20))
    assert dingtalk.run(more="count = false").status == 4, "who was missed is looked up"
    assert all(each["active"] for each in dingtalk.scim.kept["Users"].values())


def test_a_status_without_a_meaning_stops_the_run(wecom: Estate) -> None:
    wecom.filled()
    wecom.company.change("u00003", status=9)
    assert "status 9" in stopped(wecom)


def test_pages_that_do_not_go_on_stop_the_run(dingtalk: Estate) -> None:
    dingtalk.filled()
    value = {"errcode": 0, "errmsg": "ok", "result": {"has_more": True, "next_cursor": 0, "list": []}}
    assert "do not go on" in stopped(dingtalk, Fault(PEOPLE["dingtalk"], answer(value)))


def test_managers_of_dingtalk(dingtalk: Estate) -> None:
    def manager(userid: str) -> object:
        user = dingtalk.scim.user(userid, "dingtalk")
        extension = user["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"]
        return extension.get("manager", {}).get("value")

    dingtalk.run()
    leader = dingtalk.scim.user("u00004", "dingtalk")["id"]
    assert manager("u00044") == leader
    assert manager("u00004") is None, "nobody leads the departments above"
    dingtalk.run(more='managers = "people"')
    assert manager("u00004") == dingtalk.scim.user("u00000", "dingtalk")["id"]
    assert dingtalk.book.paths().count("/topapi/v2/user/get") == sum(
        each.status != QUIT for each in dingtalk.company.people.values()
    )
    dingtalk.run(more='managers = "nowhere"')
    assert manager("u00044") is None

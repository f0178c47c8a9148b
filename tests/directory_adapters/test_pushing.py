"""What reaches the appliance, for either address book."""

from __future__ import annotations

import pytest

from directory_adapters.records import ENTERPRISE
from tests.directory_adapters.company import DISABLED, LABEL, QUIT, Employee
from tests.directory_adapters.conftest import GROUPS, MAIL, Estate
from tests.directory_adapters.servers import SECRET, TOKEN, Fault, answer, errcode

pytestmark = pytest.mark.slow


def test_everybody_who_works_there_gets_a_user(estate: Estate) -> None:
    run = estate.run()
    gone = {QUIT, DISABLED} if estate.source == "wecom" else {QUIT}
    there = {key for key, each in estate.company.people.items() if each.status not in gone and each.mail}
    users = {each["externalId"].partition(":")[2]: each for each in estate.scim.kept["Users"].values()}
    assert users.keys() == there
    assert "u00052" in there, "who has not opened the app yet works there, too"
    assert all(each["active"] for each in users.values())
    assert run.status == 4 and "u00053 has no mail address" in run.err
    person = users["u00042"]
    assert person["userName"] == "u00042" and person["displayName"] == estate.company.people["u00042"].name
    assert person["emails"] == [{"value": "u00042@enterprise.example", "type": "work", "primary": True}]
    assert person[ENTERPRISE] == {"department": "甲班", "manager": {"value": users["u00002"]["id"]}}


def test_two_of_one_name_are_two_people(estate: Estate) -> None:
    estate.run()
    first, second = (estate.scim.user(each, estate.source) for each in ("u00007", "u00008"))
    assert first["displayName"] == second["displayName"]
    assert first["id"] != second["id"] and first["emails"] != second["emails"]


def test_labels_and_departments_become_groups(estate: Estate) -> None:
    estate.run()
    assert estate.scim.members(LABEL) == {f"{estate.source}:u00001", f"{estate.source}:u00002"}
    below = estate.company.below(11)
    inside = {key for key, each in estate.company.people.items() if below & set(each.departments)}
    users = {each["externalId"] for each in estate.scim.kept["Users"].values()}
    assert estate.scim.members("法务部") == {f"{estate.source}:{key}" for key in inside} & users
    assert len(inside) > 2
    assert len(estate.scim.kept["Groups"]) == 2


def test_nothing_is_pushed_twice(estate: Estate) -> None:
    assert estate.filled().run().out.endswith("done: 0 created, 0 changed, 0 left, 0 groups changed, 1 problems\n")
    assert not estate.scim.writes


def test_only_what_has_changed_is_pushed(estate: Estate) -> None:
    estate.filled()
    estate.company.change("u00048", name="新名字", departments=(10,), leader="u00000")
    estate.company.labels[LABEL] = ["u00002", "u00048"]
    run = estate.run()
    assert [each.method for each in estate.scim.writes] == ["PUT", "PATCH", "PATCH"]
    changed = estate.scim.user("u00048", estate.source)
    assert changed["name"] == {"formatted": "新名字"} and changed[ENTERPRISE]["department"] == "综合部"
    assert estate.scim.members(LABEL) == {f"{estate.source}:u00002", f"{estate.source}:u00048"}
    assert f"change {estate.source}:u00048: name 周娜 -> 新名字" in run.out


def test_a_dry_run_changes_nothing(estate: Estate) -> None:
    run = estate.run("--dry-run")
    assert not estate.scim.writes
    assert f"create {estate.source}:u00001: 李伟 <u00001@enterprise.example>, 乙班" in run.out
    assert f"create group {LABEL}: +2 -0" in run.out
    assert "would be done: 5" in run.out


def test_who_is_gone_is_made_inactive_at_last(estate: Estate) -> None:
    estate.filled()
    del estate.company.people["u00048"]
    estate.company.change("u00057", name="改名")
    assert estate.run().status == 4
    assert [each.content["externalId"][-2:] for each in estate.scim.writes] == ["57", "48"]
    assert estate.scim.user("u00048", estate.source)["active"] is False


def test_who_comes_back_is_the_same_person(estate: Estate) -> None:
    estate.filled()
    person = estate.company.people.pop("u00005")
    estate.run()
    before = estate.scim.user("u00005", estate.source)["id"]
    estate.company.people["u00005"] = person
    estate.run()
    after = estate.scim.user("u00005", estate.source)
    assert after["active"] is True and after["id"] == before


def test_whoever_is_disabled_leaves(wecom: Estate) -> None:
    wecom.filled()
    wecom.company.change("u00005", status=DISABLED)
    wecom.company.change("u00006", status=QUIT)
    assert "2 left" in wecom.run().out
    assert not wecom.scim.user("u00005")["active"] and not wecom.scim.user("u00006")["active"]


def test_who_was_missed_stays(estate: Estate) -> None:
    """They moved while the address book was read: in no list, but there when they are asked for."""
    estate.company.labels[LABEL].append("u00048")
    estate.filled()
    estate.company.unlisted.add("u00048")
    run = estate.run()
    assert estate.scim.user("u00048", estate.source)["active"] is True
    assert f"{estate.source}:u00048" in estate.scim.members(LABEL)
    assert not estate.scim.writes and run.status == 4
    lookup = {"wecom": "/cgi-bin/user/get", "dingtalk": "/topapi/v2/user/get"}[estate.source]
    assert estate.book.paths().count(lookup) == 1


def test_nobody_leaves_without_a_clear_word(estate: Estate) -> None:
    estate.filled()
    del estate.company.people["u00005"]
    lookup = {"wecom": "/cgi-bin/user/get", "dingtalk": "/topapi/v2/user/get"}[estate.source]
    estate.book.faults.append(Fault(lookup, errcode(60011, "no privilege"), times=99))
    run = estate.run()
    assert run.status == 1 and "60011" in run.err
    assert not estate.scim.writes


def test_too_many_leave_only_when_somebody_says_so(estate: Estate) -> None:
    estate.filled()
    gone = [f"u{number:05d}" for number in range(20, 26)]
    for userid in gone:
        del estate.company.people[userid]
    run = estate.run()
    assert run.status == 3 and "6 of" in run.err and "--allow-removals 6" in run.err
    assert not estate.scim.writes
    assert estate.run("--allow-removals", "5").status == 3
    shown = estate.run("--dry-run")
    assert shown.status == 3 and f"leave {estate.source}:u00020" in shown.out
    assert not estate.scim.writes
    assert estate.run("--allow-removals", "6").status == 4
    assert not any(estate.scim.user(each, estate.source)["active"] for each in gone)


def test_others_users_are_not_touched(estate: Estate) -> None:
    estate.scim.kept["Users"]["theirs"] = {
        "id": "theirs",
        "externalId": "hr:1",
        "userName": "other",
        "active": True,
        "meta": {"version": 'W/"1"'},
    }
    estate.scim.kept["Users"]["plain"] = {"id": "plain", "userName": "plain", "meta": {"version": 'W/"1"'}}
    estate.filled()
    estate.run()
    assert estate.scim.kept["Users"]["theirs"]["active"] and "plain" in estate.scim.kept["Users"]


def test_what_is_no_group_any_more_ends(estate: Estate) -> None:
    estate.filled()
    estate.run(groups=f'[groups]\nlabels = ["{LABEL}"]\n')
    assert [each["displayName"] for each in estate.scim.kept["Groups"].values()] == [LABEL]


@pytest.mark.parametrize("groups", ['labels = ["没有的"]', 'departments = ["没有的"]', 'departments = ["甲班"]'])
def test_a_group_that_is_not_there_stops_the_run(estate: Estate, groups: str) -> None:
    estate.filled()
    run = estate.run(groups=f"[groups]\n{groups}\n")
    assert run.status == 1 and ("called 没有的" in run.err or "more than one department is called 甲班" in run.err)
    assert not estate.scim.writes


def test_a_department_is_named_by_its_path_where_its_name_is_not_enough(estate: Estate) -> None:
    estate.run(
        groups='[groups]\ndepartments = ["法务部/法务部1组/甲班"]\n', people='[people]\ndepartment = "path"\n'
    )
    [key] = estate.scim.members("法务部/法务部1组/甲班") - {f"{estate.source}:u00044"}
    person = estate.scim.user(key.partition(":")[2], estate.source)
    assert person[ENTERPRISE]["department"] == "法务部/法务部1组/甲班"


def test_addresses_come_from_a_rule_where_they_are_hidden(wecom: Estate) -> None:
    wecom.book.respond.hides_mail = True  # type: ignore[attr-defined]
    assert wecom.run().status == 4
    assert not wecom.scim.kept["Users"], "nobody has an address, and nobody is invented"
    assert wecom.run(people=MAIL).status == 0
    assert wecom.scim.user("u00053")["emails"][0]["value"] == "u00053@enterprise.example"


def test_an_address_that_is_hidden_later_changes_nothing(wecom: Estate) -> None:
    wecom.filled()
    wecom.book.respond.hides_mail = True  # type: ignore[attr-defined]
    assert wecom.run().status == 4
    assert not wecom.scim.writes


def test_people_with_one_address_are_left_alone(estate: Estate) -> None:
    estate.filled()
    estate.company.people["u90000"] = Employee("u90000", "新人", (10,), mail="U00004@enterprise.example")
    run = estate.run()
    assert "u90000 has the mail address of somebody else" in run.err
    assert "u00004 has the mail address of somebody else" in run.err
    assert not estate.scim.writes


def test_what_the_appliance_does_not_take_stops_nobody_else(estate: Estate) -> None:
    taken = {"id": "x", "userName": "u00009", "meta": {"version": 'W/"1"'}}
    estate.scim.kept["Users"]["x"] = taken
    run = estate.run()
    assert run.status == 4 and "u00009 was not taken: u00009 is there." in run.err
    assert estate.scim.user("u00010", estate.source)["active"]


def test_who_manages_each_other_get_their_managers(wecom: Estate) -> None:
    wecom.company.change("u00000", leader="u00001")
    wecom.company.change("u00001", leader="u00000")
    wecom.run()
    first, second = wecom.scim.user("u00000"), wecom.scim.user("u00001")
    assert first[ENTERPRISE]["manager"]["value"] == second["id"]
    assert second[ENTERPRISE]["manager"]["value"] == first["id"]
    wecom.scim.writes.clear()
    wecom.run()
    assert not wecom.scim.writes


def test_the_appliance_says_when_to_come_again(estate: Estate) -> None:
    busy = answer({"detail": "Too many requests."}, 429, **{"Retry-After": "7"})
    estate.target.faults.append(Fault("/scim/v2/Users", busy, first=3))
    run = estate.run()
    assert run.status == 4 and 7.0 in run.pauses
    assert len({each["userName"] for each in estate.scim.kept["Users"].values()}) == len(estate.scim.kept["Users"])


def test_a_user_whose_answer_was_lost_is_not_made_twice(estate: Estate) -> None:
    estate.target.faults.append(Fault("/scim/v2/Users", None, first=5))
    run = estate.run()
    assert run.status == 1 and "no answer" in run.err
    posts = [each.content["userName"] for each in estate.target.asked if each.method == "POST"]
    assert len(posts) == len(set(posts))
    assert estate.run().status == 4


@pytest.mark.parametrize("reply", [answer({"totalResults": 500, "Resources": []}), (200, {}, b"<html>")])
def test_a_list_of_the_appliance_that_is_not_whole_stops_the_run(estate: Estate, reply: object) -> None:
    estate.filled()
    del estate.company.people["u00005"]
    estate.target.faults.append(Fault("/scim/v2/Users", reply))  # type: ignore[arg-type]
    assert estate.run().status == 1
    assert not estate.scim.writes


def test_a_wrong_token_stops_the_run_and_is_not_shown(estate: Estate) -> None:
    (estate.folder / "scim.token").write_text("another-token-0123456789")
    run = estate.run()
    assert run.status == 1 and "check appliance.token" in run.err
    assert "another-token" not in run.err + run.out


def test_a_name_makes_no_line_of_its_own(estate: Estate) -> None:
    estate.company.change("u00042", name="示例\x1b[2K\nleave everybody")
    run = estate.run("--dry-run")
    assert "示例 [2K leave everybody" in run.out and "\x1b" not in run.out
    assert not [each for each in run.out.splitlines() if each.startswith("leave everybody")]


def test_no_secret_is_ever_said(estate: Estate) -> None:
    run = estate.run(groups=GROUPS)
    estate.book.faults += [Fault(each, None, times=99) for each in set(estate.book.paths())]
    failed = estate.run()
    assert failed.status == 1
    for said in (run, failed):
        assert SECRET not in said.out + said.err and TOKEN not in said.out + said.err

"""Groups: members come and go one by one, whatever the client's way to say so; groups in groups."""

from __future__ import annotations

import pytest

from tests.scim.pushing import GROUP, Pusher, require_refused
from webui.scim import patching


def members(idp: Pusher, group: str) -> set[str]:
    return {each["value"] for each in idp.found(f"/Groups/{group}").get("members", ())}


def test_a_group_with_its_members(idp: Pusher) -> None:
    one, inner = idp.person()["id"], idp.group()["id"]
    made = idp.group(one, inner, name="签署人")
    found = {each["value"]: each for each in idp.found(f"/Groups/{made['id']}")["members"]}
    assert {name: each["type"] for name, each in found.items()} == {one: "User", inner: "Group"}
    assert found[one]["$ref"].endswith(f"/scim/v2/Users/{one}")
    assert found[inner]["$ref"].endswith(f"/scim/v2/Groups/{inner}")
    assert "members" not in idp.found(f"/Groups/{made['id']}?excludedAttributes=members")
    assert idp.found(f"/Groups/{made['id']}?attributes=displayName")["displayName"] == "签署人"


def test_groups_of_a_user_are_those_of_its_groups_too(idp: Pusher) -> None:
    one = idp.person()["id"]
    inner = idp.group(one, name="inner")["id"]
    outer = idp.group(inner, name="outer")["id"]
    idp.patch(f"/Groups/{inner}", {"op": "add", "path": "members", "value": [{"value": outer}]})  # a ring
    found = {each["value"]: (each["display"], each["type"]) for each in idp.found(f"/Users/{one}")["groups"]}
    assert found == {inner: ("inner", "direct"), outer: ("outer", "indirect")}
    wanted = f"filter=groups.value%20eq%20%22{outer}%22"
    assert [each["id"] for each in idp.found(f"/Users?{wanted}")["Resources"]] == [one]


WAYS = [
    ("add", lambda one: {"op": "add", "path": "members", "value": [{"value": one}]}),
    (
        "add",
        lambda one: {"op": "Add", "path": "members", "value": [{"value": one, "display": "x", "type": "User"}]},
    ),
    ("add", lambda one: {"op": "add", "path": f"{GROUP}:members", "value": {"value": one}}),
    ("add", lambda one: {"op": "add", "value": {"members": [{"value": one}]}}),
    ("add", lambda one: {"op": "add", "path": "members", "value": [one]}),
    ("add", lambda one: {"op": "add", "path": "members", "value": [{"$ref": f"https://x.example/Users/{one}"}]}),
    ("only", lambda one: {"op": "replace", "path": "members", "value": [{"value": one}]}),
    ("only", lambda one: {"op": "Replace", "value": {"members": [{"value": one}], "id": "x"}}),
    ("remove", lambda one: {"op": "remove", "path": f'members[value eq "{one}"]'}),
    ("remove", lambda one: {"op": "Remove", "path": "members", "value": [{"value": one}]}),
    ("remove", lambda one: {"op": "remove", "path": f'members[value eq "{one}" or value eq "none"]'}),
    ("remove", lambda one: {"op": "remove", "path": f'members[value eq "{one}" and type eq "User"]'}),
    ("remove", lambda one: {"op": "remove", "path": f'members[not (value ne "{one}")]'}),
    ("none", lambda one: {"op": "remove", "path": "members"}),
    ("none", lambda one: {"op": "replace", "path": "members", "value": []}),
    ("none", lambda one: {"op": "remove", "path": 'members[type eq "User"]'}),
    ("same", lambda one: {"op": "remove", "path": 'members[type eq "Group"]'}),
    ("same", lambda one: {"op": "remove", "path": "members", "value": []}),
]


@pytest.mark.parametrize(("outcome", "way"), WAYS, ids=range(len(WAYS)))
def test_ways_to_change_members(idp: Pusher, outcome: str, way) -> None:  # type: ignore[no-untyped-def]
    first, one = idp.person()["id"], idp.person()["id"]
    group = idp.group(first, *([] if outcome in ("add", "only") else [one]))
    answer = idp.patch(f"/Groups/{group['id']}", way(one))
    assert answer.status_code == 204, answer.text
    wanted = {"add": {first, one}, "only": {one}, "remove": {first}, "none": set(), "same": {first, one}}[outcome]
    assert members(idp, group["id"]) == wanted
    assert answer.headers["ETag"] == ('W/"1"' if outcome == "same" else 'W/"2"')


def test_members_and_other_attributes_in_one_patch(idp: Pusher) -> None:
    one, two = idp.person()["id"], idp.person()["id"]
    group = idp.group(one)
    answer = idp.patch(
        f"/Groups/{group['id']}?attributes=displayName,members",
        {"op": "replace", "value": {"displayName": "new", "externalId": "7", "members": [{"value": two}]}},
        {"op": "remove", "path": f'members[value eq "{two}"]'},
        {"op": "add", "path": "members", "value": [{"value": one}]},
    )
    assert answer.status_code == 200, answer.text
    assert answer.json["displayName"] == "new"
    assert [each["value"] for each in answer.json["members"]] == [one]


def test_what_operations_look_at_all_members_for_is_bounded(idp: Pusher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patching, "MOST_MEMBERS", 8)
    ids = [idp.person()["id"] for _ in range(3)]
    group = idp.group(*ids)["id"]
    by_type = {"op": "remove", "path": 'members[type eq "Group"]'}
    assert idp.patch(f"/Groups/{group}", by_type, by_type).status_code == 204
    require_refused(idp.patch(f"/Groups/{group}", by_type, by_type, by_type), 400, "tooMany")


def test_put_replaces_the_members(idp: Pusher) -> None:
    one, two = idp.person()["id"], idp.person()["id"]
    group = idp.group(one)
    body = {"schemas": [GROUP], "displayName": "x", "members": [{"value": two}]}
    assert idp.send("PUT", f"/Groups/{group['id']}", body).json["members"][0]["value"] == two
    assert "members" not in idp.send("PUT", f"/Groups/{group['id']}", {**body, "members": []}).json


def test_members_that_are_nobody_are_refused(idp: Pusher) -> None:
    group = idp.group()
    for member in ("0" * 32, group["id"]):
        change = {"op": "add", "path": "members", "value": [{"value": member}]}
        require_refused(idp.patch(f"/Groups/{group['id']}", change), 400, "invalidValue")
    for value in ([{}], [{"value": 3}], [[]], 3):
        change = {"op": "add", "path": "members", "value": value}
        require_refused(idp.patch(f"/Groups/{group['id']}", change), 400, "invalidValue")
    many = [{"value": f"{number:032x}"} for number in range(20_001)]
    body = {"schemas": [GROUP], "displayName": "x", "members": many}
    require_refused(idp.send("POST", "/Groups", body), 400, "invalidValue")
    for path, kind in (("members[", "invalidPath"), ("members[value eq]", "invalidPath")):
        require_refused(idp.patch(f"/Groups/{group['id']}", {"op": "remove", "path": path}), 400, kind)


def test_whoever_is_deleted_is_no_member_any_more(idp: Pusher) -> None:
    one, inner = idp.person()["id"], idp.group()["id"]
    group = idp.group(one, inner)["id"]
    for path in (f"/Users/{one}", f"/Groups/{inner}"):
        assert idp.send("DELETE", path).status_code == 204
        require_refused(idp.send("DELETE", path), 404)
    assert members(idp, group) == set()


def test_finding_groups_by_members(idp: Pusher) -> None:
    one, two = idp.person()["id"], idp.person()["id"]
    first, both = idp.group(one)["id"], idp.group(one, two)["id"]

    def found(text: str) -> list[str]:
        wanted = text.replace(" ", "%20").replace('"', "%22")
        listed = idp.found(f"/Groups?filter={wanted}&excludedAttributes=members")["Resources"]
        return [each["id"] for each in listed]

    assert found(f'members.value eq "{two}"') == [both]
    assert found(f'members eq "{one}"') == [first, both]
    assert found(f'id eq "{first}" and members eq "{one}"') == [first]  # as Entra ID asks
    assert found(f'id eq "{first}" and members eq "{two}"') == []
    assert found(f'members[value eq "{two}"]') == [both]
    assert found(f'(id eq "{first}" or id eq "{both}") and not (members.value eq "{two}")') == [first]
    assert found(f'id eq "{both}" and members[type eq "Group"]') == []
    assert found(f'id eq "{both}" and members[type eq "User" and value sw "{two[:20]}"]') == [both]

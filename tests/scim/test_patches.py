"""PATCH: as RFC 7644, 3.5.2, has it, and as identity providers send it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scim.pushing import ENTERPRISE, USER, Pusher, require_refused

WORK = {"value": "work@enterprise.example", "type": "work", "primary": True}
HOME = {"value": "home@enterprise.example", "type": "home"}
BEFORE: dict[str, Any] = {
    "displayName": "示例员工",
    "emails": [WORK, HOME],
    "name": {"familyName": "示", "givenName": "例"},
    "active": True,
    ENTERPRISE: {"department": "财务部", "manager": {"value": "m1"}},
}
Operation = dict[str, Any]

CHANGES: list[tuple[Operation, dict[str, Any]]] = [
    # RFC 7644, 3.5.2.1: add
    ({"op": "add", "path": "title", "value": "会计"}, {"title": "会计"}),
    ({"op": "add", "value": {"title": "会计", "nickName": "小例"}}, {"title": "会计", "nickName": "小例"}),
    ({"op": "add", "path": "emails", "value": [{"value": "x@enterprise.example"}]}, {
        "emails": [WORK, HOME, {"value": "x@enterprise.example"}]
    }),
    ({"op": "add", "path": "emails", "value": [HOME]}, {"emails": [WORK, HOME]}),
    ({"op": "add", "path": "name.middleName", "value": "子"}, {
        "name": {"familyName": "示", "givenName": "例", "middleName": "子"}
    }),
    ({"op": "add", "path": f"{ENTERPRISE}:division", "value": "北区"}, {
        ENTERPRISE: {"department": "财务部", "manager": {"value": "m1"}, "division": "北区"}
    }),
    # 3.5.2.2: remove
    ({"op": "remove", "path": "displayName"}, {"displayName": None}),
    ({"op": "remove", "path": 'emails[type eq "work"]'}, {"emails": [HOME]}),
    ({"op": "remove", "path": 'emails[type eq "none"]'}, {}),
    ({"op": "remove", "path": "name.givenName"}, {"name": {"familyName": "示"}}),
    ({"op": "remove", "path": ENTERPRISE}, {ENTERPRISE: None}),
    ({"op": "remove", "path": f"{ENTERPRISE}:manager"}, {ENTERPRISE: {"department": "财务部"}}),
    # 3.5.2.3: replace
    ({"op": "replace", "path": "active", "value": False}, {"active": False}),
    ({"op": "replace", "path": 'emails[type eq "home"].value', "value": "new@enterprise.example"}, {
        "emails": [WORK, {"value": "new@enterprise.example", "type": "home"}]
    }),
    ({"op": "replace", "path": "emails", "value": [HOME]}, {"emails": [HOME]}),
    ({"op": "replace", "path": 'emails[type eq "home"].primary', "value": True}, {
        "emails": [{**WORK, "primary": False}, {**HOME, "primary": True}]
    }),
    ({"op": "replace", "path": "name", "value": {"familyName": "样"}}, {
        "name": {"familyName": "样", "givenName": "例"}
    }),
    ({"op": "replace", "path": "DISPLAYNAME", "value": "样例"}, {"displayName": "样例"}),
    # Entra ID: operations with capitals, booleans as texts, the manager's id alone, entries that are not there yet
    ({"op": "Replace", "path": "active", "value": "False"}, {"active": False}),
    ({"op": "Add", "path": "active", "value": "True"}, {"active": True}),
    ({"op": "Replace", "path": f"{ENTERPRISE}:manager", "value": "m2"}, {
        ENTERPRISE: {"department": "财务部", "manager": {"value": "m2"}}
    }),
    ({"op": "Add", "path": 'phoneNumbers[type eq "mobile"].value', "value": "138"}, {
        "phoneNumbers": [{"value": "138", "type": "mobile"}]
    }),
    ({"op": "Replace", "path": 'addresses[type eq "work"].locality', "value": "北京"}, {
        "addresses": [{"locality": "北京", "type": "work"}]
    }),
    ({"op": "Replace", "value": {"name.givenName": "样", f"{ENTERPRISE}:department": "市场部"}}, {
        "name": {"familyName": "示", "givenName": "样"},
        ENTERPRISE: {"department": "市场部", "manager": {"value": "m1"}},
    }),
    ({"op": "Add", "path": "urn:example:own:2.0:User:tag", "value": "x"}, {}),
    # Okta: no path, and what it has read
    ({"op": "replace", "value": {"active": False}}, {"active": False}),
    ({"op": "replace", "value": {"id": "x", "active": False, "groups": []}}, {"active": False}),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "changed"), CHANGES, ids=range(len(CHANGES)))
def test_what_a_patch_changes(idp: Pusher, operation: Operation, changed: dict[str, Any]) -> None:
    made = idp.person(**BEFORE)
    answer = idp.patch(f"/Users/{made['id']}", operation)
    assert answer.status_code == 200, answer.text
    wanted = {name: value for name, value in {**made, **changed}.items() if value is not None}
    for each in ("meta", "schemas"):
        wanted[each] = answer.json[each]
    assert answer.json == wanted
    assert idp.found(f"/Users/{made['id']}") == answer.json


REFUSED: list[tuple[Operation, str]] = [
    ({"op": "remove"}, "noTarget"),
    ({"op": "remove", "path": "userName"}, "mutability"),
    ({"op": "replace", "path": "id", "value": "x"}, "mutability"),
    ({"op": "replace", "path": "meta.created", "value": "2020-01-01T00:00:00Z"}, "mutability"),
    ({"op": "add", "path": "groups", "value": [{"value": "x"}]}, "mutability"),
    ({"op": "replace", "path": 'emails[type co "zz"].value', "value": "x"}, "noTarget"),
    ({"op": "replace", "path": "emails[", "value": "x"}, "invalidPath"),
    ({"op": "replace", "path": 'emails[type eq "a" nonsense]', "value": "x"}, "invalidPath"),
    ({"op": "replace", "path": "active", "value": "perhaps"}, "invalidValue"),
    ({"op": "replace", "path": "userName", "value": ""}, "invalidValue"),
    ({"op": "replace", "path": "userName", "value": ["x"]}, "invalidValue"),
    ({"op": "copy", "path": "title", "value": "x"}, "invalidValue"),
    ({"path": "title", "value": "x"}, "invalidValue"),
    ({"op": "add", "path": "title"}, "invalidValue"),
    ({"op": "add", "value": "x"}, "invalidValue"),
    ({"op": "add", "path": 3, "value": "x"}, "invalidValue"),
    ({"op": "add", "path": "emails", "value": [{**WORK, "value": "a"}, {**WORK, "value": "b"}]}, "invalidValue"),
]


@pytest.mark.parametrize(("operation", "scim_type"), REFUSED, ids=range(len(REFUSED)))
def test_what_a_patch_cannot_do_changes_nothing(idp: Pusher, operation: Operation, scim_type: str) -> None:
    made = idp.person(**BEFORE)
    good = {"op": "replace", "path": "title", "value": "会计"}
    require_refused(idp.patch(f"/Users/{made['id']}", good, operation), 400, scim_type)
    assert idp.found(f"/Users/{made['id']}") == made


def test_operations_are_done_in_their_order(idp: Pusher) -> None:
    made = idp.person()
    answer = idp.patch(
        f"/Users/{made['id']}",
        {"op": "add", "path": "title", "value": "one"},
        {"op": "remove", "path": "title"},
        {"op": "add", "path": "nickName", "value": "two"},
        {"op": "replace", "path": f"{USER}:nickName", "value": "three"},
    )
    assert answer.json["nickName"] == "three" and "title" not in answer.json

"""What identity providers do, request by request: how they look people up, create, change, and take them away.

The requests are written after what Microsoft and Okta document of theirs; none was recorded from a running
provider.
"""

from __future__ import annotations

from urllib.parse import quote
from uuid import uuid4

from flask import Flask

from appliance.model.accounts import AccountRole
from appliance.wiring import Appliance
from tests.scim.pushing import ENTERPRISE, GROUP, USER, Pusher, require_refused
from tests.scim.test_accounts import is_out, roles_of, signed_in


def listed(idp: Pusher, path: str, text: str, more: str = "") -> list[dict[str, object]]:
    found = idp.found(f"{path}?filter={quote(text)}{more}")
    assert found["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:ListResponse"]
    resources: list[dict[str, object]] = found["Resources"]
    assert found["totalResults"] == found["itemsPerPage"] == len(resources)
    return resources


def test_entra_id(idp: Pusher, portal: Flask, appliance: Appliance) -> None:
    login = f"test_user_{uuid4()}@enterprise.example"
    # "Test connection" looks for somebody who is not there.
    assert listed(idp, "/Users", f'userName eq "{uuid4()}"') == []
    assert listed(idp, "/Users", f'userName eq "{login}"') == []
    sent = {
        "schemas": [USER, ENTERPRISE],
        "externalId": str(uuid4()),
        "userName": login,
        "active": True,
        "displayName": "示例员工",
        "emails": [{"primary": True, "type": "work", "value": login}],
        "meta": {"resourceType": "User"},
        "name": {"formatted": "例 示", "familyName": "示", "givenName": "例"},
        "roles": [],
        ENTERPRISE: {"department": "财务部"},
    }
    made = idp.made("/Users", sent)
    user = f"/Users/{made['id']}"
    assert listed(idp, "/Users", f'externalId eq "{sent["externalId"]}"') == [made]
    assert listed(idp, "/Users", f'emails[type eq "work"].value eq "{login}"') == [made]
    browser = signed_in(portal, appliance, made)

    changed = idp.patch(
        user,
        {"op": "Replace", "path": 'emails[type eq "work"].value', "value": f"new.{login}"},
        {"op": "Replace", "path": "name.familyName", "value": "样"},
        {"op": "Add", "path": f"{ENTERPRISE}:employeeNumber", "value": "42"},
        {"op": "Replace", "path": f"{ENTERPRISE}:department", "value": "市场部"},
    )
    assert changed.status_code == 200
    assert changed.json["emails"][0]["value"] == f"new.{login}"
    assert changed.json[ENTERPRISE] == {"department": "市场部", "employeeNumber": "42"}

    name = f"发起人-{uuid4()}"
    group = idp.made(
        "/Groups",
        {"schemas": [GROUP], "externalId": str(uuid4()), "displayName": name, "meta": {"resourceType": "Group"}},
    )["id"]
    assert len(listed(idp, "/Groups", f'displayName eq "{name}"', "&excludedAttributes=members")) == 1
    assert idp.get(f"/Groups/{group}?excludedAttributes=members").json["displayName"] == name
    renamed = idp.patch(f"/Groups/{group}", {"op": "Replace", "path": "displayName", "value": "发起人"})
    assert (renamed.status_code, renamed.data) == (204, b"")
    add = {"op": "Add", "path": "members", "value": [{"$ref": None, "value": made["id"]}]}
    assert idp.patch(f"/Groups/{group}", add).status_code == 204
    assert AccountRole.INITIATOR in roles_of(appliance, made)
    wanted = f'id eq "{group}" and members eq "{made["id"]}"'
    assert [each["id"] for each in listed(idp, "/Groups", wanted, "&attributes=id")] == [group]
    remove = {"op": "Remove", "path": "members", "value": [{"$ref": None, "value": made["id"]}]}
    assert idp.patch(f"/Groups/{group}", remove).status_code == 204
    assert listed(idp, "/Groups", wanted) == []
    assert idp.send("DELETE", f"/Groups/{group}").status_code == 204

    disabled = idp.patch(user, {"op": "Replace", "path": "active", "value": "False"})
    assert disabled.json["active"] is False and is_out(browser)
    assert idp.get(user).json["active"] is False
    assert idp.send("DELETE", user).status_code == 204
    require_refused(idp.get(user), 404)


def test_okta(idp: Pusher, portal: Flask, appliance: Appliance) -> None:
    login = f"test.user.{uuid4()}@enterprise.example"
    assert listed(idp, "/Users", f'userName eq "{login}"', "&startIndex=1&count=100") == []
    sent = {
        "schemas": [USER],
        "userName": login,
        "name": {"givenName": "Test", "familyName": "User"},
        "emails": [{"primary": True, "value": login, "type": "work"}],
        "displayName": "Test User",
        "locale": "en-US",
        "externalId": f"00u{uuid4().hex[:17]}",
        "groups": [],
        "password": "1mz050nq",
        "active": True,
    }
    made = idp.made("/Users", sent)
    user = f"/Users/{made['id']}"
    require_refused(idp.send("POST", "/Users", sent), 409, "uniqueness")
    browser = signed_in(portal, appliance, made)
    assert idp.found(user) == made

    replaced = idp.send("PUT", user, {**made, "name": {"givenName": "Another", "familyName": "User"}})
    assert replaced.status_code == 200 and replaced.json["name"]["givenName"] == "Another"

    assert idp.found("/Groups?startIndex=1&count=100")["startIndex"] == 1
    group = idp.made("/Groups", {"schemas": [GROUP], "displayName": "Test SCIMv2", "members": []})["id"]
    rename = {"op": "replace", "value": {"id": group, "displayName": "发起人"}}
    assert idp.patch(f"/Groups/{group}", rename).status_code == 204
    add = {"op": "add", "path": "members", "value": [{"value": made["id"], "display": login}]}
    assert idp.patch(f"/Groups/{group}", add).status_code == 204
    assert AccountRole.INITIATOR in roles_of(appliance, made)
    remove = {"op": "remove", "path": f'members[value eq "{made["id"]}"]'}
    assert idp.patch(f"/Groups/{group}", remove).status_code == 204
    assert AccountRole.INITIATOR not in roles_of(appliance, made)
    assert idp.send("DELETE", f"/Groups/{group}").status_code == 204

    # Okta deactivates, and never deletes.
    gone = idp.patch(user, {"op": "replace", "value": {"active": False}})
    assert gone.status_code == 200 and gone.json["active"] is False and is_out(browser)
    back = idp.send("PUT", user, {**gone.json, "active": True})
    assert back.status_code == 200 and back.json["active"] is True


def test_plain_clients(idp: Pusher, appliance: Appliance) -> None:
    """Resources are put whole, with versions, as the standard has it."""
    login = f"plain-{uuid4().hex[:8]}"
    made = idp.made(
        "/Users",
        {
            "schemas": [USER],
            "userName": login,
            "externalId": str(uuid4()),
            "displayName": "示例员工",
            "emails": [{"value": f"{login}@enterprise.example"}],
            "active": True,
        },
    )
    group = idp.made(
        "/Groups",
        {"schemas": [GROUP], "displayName": "发起人", "externalId": "7", "members": [{"value": made["id"]}]},
    )
    assert AccountRole.INITIATOR in roles_of(appliance, made)
    tag = group["meta"]["version"]
    emptied = idp.send("PUT", f"/Groups/{group['id']}", {**group, "members": []}, If_Match=tag)
    assert emptied.status_code == 200 and "members" not in emptied.json
    assert AccountRole.INITIATOR not in roles_of(appliance, made)
    require_refused(idp.send("PUT", f"/Groups/{group['id']}", group, If_Match=tag), 412)
    assert idp.send("DELETE", f"/Groups/{group['id']}").status_code == 204

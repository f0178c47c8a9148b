"""What is sent and answered: reading, changing, versions, attributes, pages, and what is refused."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from tests.scim.pushing import ENTERPRISE, GROUP, PATCH, USER, Pusher, require_refused, user
from webui.scim import requests


def test_a_user_is_kept_and_given_back_as_sent(idp: Pusher) -> None:
    sent = user(
        externalId="0042",
        name={"familyName": "示", "givenName": "例", "formatted": "示例"},
        nickName="小例",
        title="会计",
        locale="zh-CN",
        timezone="Asia/Shanghai",
        preferredLanguage="zh",
        userType="Employee",
        profileUrl="https://people.enterprise.example/42",
        phoneNumbers=[{"value": "+86 10 0000 0000", "type": "mobile"}],
        addresses=[{"locality": "北京", "type": "work", "primary": True}],
        ims=[{"value": "x", "type": "qq"}],
        roles=[{"value": "officer"}],
        entitlements=[{"value": "all"}],
        x509Certificates=[{"value": "AAECAw=="}],
    )
    sent[ENTERPRISE] = {
        "employeeNumber": "42",
        "department": "财务部",
        "organization": "示例",
        "costCenter": "7",
        "division": "北区",
        "manager": {"value": "0" * 32, "$ref": "../Users/0"},
    }
    answer = idp.send("POST", "/Users", sent)
    assert answer.status_code == 201
    made = answer.json
    assert made | sent == made
    meta = made["meta"]
    assert meta["resourceType"] == "User" and meta["location"] == answer.headers["Location"]
    assert meta["location"].endswith(f"/scim/v2/Users/{made['id']}")
    assert meta["version"] == answer.headers["ETag"] == 'W/"1"'
    assert datetime.fromisoformat(meta["created"]) == datetime.fromisoformat(meta["lastModified"])
    assert answer.mimetype == "application/scim+json" and answer.headers["Cache-Control"] == "no-store"
    assert idp.found(f"/Users/{made['id']}") == made


def test_passwords_and_what_is_ours_are_ignored(idp: Pusher) -> None:
    sent = user(password="Geheim-123456", id="mine", meta={"resourceType": "User"}, groups=[{"value": "x"}])
    made = idp.made("/Users", sent)
    assert made["id"] != "mine" and "groups" not in made and "password" not in json.dumps(made)
    for operation in (
        {"op": "replace", "path": "password", "value": "Geheim-654321"},
        {"op": "replace", "value": {"password": "Geheim-654321", "id": "mine"}},
        {"op": "add", "path": f"{USER}:password", "value": "Geheim-654321"},
    ):
        answer = idp.patch(f"/Users/{made['id']}", operation)
        assert answer.status_code == 200 and "Geheim" not in answer.text, operation
    assert answer.headers["ETag"] == 'W/"1"'
    replaced = idp.send("PUT", f"/Users/{made['id']}", {**user(), "PassWord": "Geheim-111111"})
    assert replaced.status_code == 200 and "Geheim" not in replaced.text


def test_a_replaced_user_has_what_was_sent_alone(idp: Pusher) -> None:
    made = idp.person(title="会计", nickName="小例")
    sent = {"schemas": [USER], "userName": made["userName"], "title": "出纳"}
    answer = idp.send("PUT", f"/Users/{made['id']}", sent)
    assert answer.status_code == 200, answer.text
    assert {name for name in answer.json if name not in ("id", "meta", "schemas")} == {"userName", "title"}
    assert answer.json["meta"]["created"] == made["meta"]["created"]


def test_user_names_are_unique_in_letters_of_any_case(idp: Pusher) -> None:
    first = idp.person(userName="Bärbel.Example")
    require_refused(idp.send("POST", "/Users", user(userName="BÄRBEL.EXAMPLE")), 409, "uniqueness")
    other = idp.person()
    taken = {"op": "replace", "path": "userName", "value": "bärbel.example"}
    require_refused(idp.patch(f"/Users/{other['id']}", taken), 409, "uniqueness")
    same = {"op": "replace", "path": "userName", "value": "BÄRBEL.EXAMPLE"}
    assert idp.patch(f"/Users/{first['id']}", same).json["userName"] == "BÄRBEL.EXAMPLE"
    assert idp.send("DELETE", f"/Users/{first['id']}").status_code == 204
    assert idp.send("POST", "/Users", user(userName="bärbel.example")).status_code == 201


def test_versions_protect_what_others_changed(idp: Pusher) -> None:
    made = idp.person(title="one")
    at = f"/Users/{made['id']}"
    change = {"op": "replace", "path": "title", "value": "two"}
    changed = idp.patch(at, change, If_Match='W/"1"')
    assert changed.status_code == 200 and changed.headers["ETag"] == 'W/"2"'
    assert idp.patch(at, change, If_Match='W/"2"').headers["ETag"] == 'W/"2"', "nothing was different"
    for method, body in (("PUT", user()), ("DELETE", None)):
        require_refused(idp.send(method, at, body, If_Match='W/"1"'), 412)
    for tag in ('"1"', "1", "x", 'W/"999999999999999"'):
        require_refused(idp.patch(at, change, If_Match=tag), 412)
    known = idp.get(at, If_None_Match='W/"2"')
    assert (known.status_code, known.data, known.headers["ETag"]) == (304, b"", 'W/"2"')
    assert idp.get(at, If_None_Match='W/"1"').status_code == 200
    assert idp.send("DELETE", at, If_Match='W/"2"').status_code == 204
    require_refused(idp.get(at), 404)


def test_attributes_that_were_asked_for(idp: Pusher) -> None:
    made = idp.person(title="x", name={"familyName": "示", "givenName": "例"})
    at = f"/Users/{made['id']}"
    assert idp.found(f"{at}?attributes=userName,name.familyName").keys() == {"schemas", "id", "userName", "name"}
    assert idp.found(f"{at}?attributes=name.familyName")["name"] == {"familyName": "示"}
    left = idp.found(f"{at}?excludedAttributes=title,emails")
    assert left.keys() == made.keys() - {"title", "emails"}
    require_refused(idp.get(f"{at}?attributes=emails%5B"), 400, "invalidPath")
    listed = idp.found(f"/Users?filter=userName%20eq%20%22{made['userName']}%22&attributes=title")
    assert listed["Resources"] == [{"schemas": [USER], "id": made["id"], "title": "x"}]


def test_a_search_is_posted(idp: Pusher) -> None:
    made = idp.person()
    wanted = f'id eq "{made["id"]}"'
    message = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
    body = {"schemas": [message], "filter": wanted, "attributes": ["userName"], "sortBy": "title", "count": 5}
    for path in ("/Users/.search", "/.search"):
        found = idp.send("POST", path, body).json
        assert found["totalResults"] == 1
        assert found["Resources"] == [{"schemas": [USER], "id": made["id"], "userName": made["userName"]}]
    assert idp.send("POST", "/Groups/.search", body | {"attributes": []}).json["totalResults"] == 0
    require_refused(idp.send("POST", "/.search", {"filter": wanted}), 400, "invalidValue")


def test_pages(idp: Pusher) -> None:
    prefix = idp.person()["userName"]
    for number in range(7):
        idp.person(userName=f"{prefix}-{number}")
    wanted = f"filter=userName%20sw%20%22{prefix}-%22"
    names = []
    for start in (1, 4, 7, 10):
        found = idp.found(f"/Users?{wanted}&startIndex={start}&count=3")
        assert found["totalResults"] == 7 and found["startIndex"] == start
        assert found["itemsPerPage"] == len(found["Resources"])
        names += [each["userName"] for each in found["Resources"]]
    assert names == [f"{prefix}-{number}" for number in range(7)]
    everybody = idp.found("/Users?count=0")
    assert everybody["Resources"] == [] and everybody["totalResults"] >= 8
    assert idp.found("/Users?count=-3")["Resources"] == []
    assert idp.found("/Users?startIndex=-3&count=1")["startIndex"] == 1
    assert idp.found(f"/Users?startIndex={10**30}&count={10**30}")["Resources"] == []
    require_refused(idp.get("/Users?count=many"), 400, "invalidValue")
    require_refused(idp.get("/Users?count=1&count=2"), 400, "invalidValue")


def test_the_server_describes_itself(idp: Pusher) -> None:
    found = idp.found("/ServiceProviderConfig")
    offered = {
        name: each["supported"] for name, each in found.items() if isinstance(each, dict) and "supported" in each
    }
    assert offered == {
        "patch": True,
        "bulk": False,
        "filter": True,
        "changePassword": False,
        "sort": False,
        "etag": True,
    }
    assert found["filter"]["maxResults"] == 200
    types = idp.found("/ResourceTypes")
    assert [each["endpoint"] for each in types["Resources"]] == ["/Users", "/Groups"]
    assert idp.found("/ResourceTypes/User") == types["Resources"][0]
    schemas = idp.found("/Schemas")
    assert [each["id"] for each in schemas["Resources"]] == [USER, ENTERPRISE, GROUP]
    assert idp.found(f"/Schemas/{GROUP}") == schemas["Resources"][2]
    require_refused(idp.get("/Schemas?filter=id%20eq%20%22x%22"), 403)
    require_refused(idp.get("/Schemas/urn:x"), 404)
    for path in ("/Bulk", "/Me"):
        require_refused(idp.send("POST", path, {}), 501)
    require_refused(idp.get("/Nothing"), 404)
    require_refused(idp.send("PUT", "/Users", {}), 405)


def test_media_types(idp: Pusher) -> None:
    made = idp.person()
    at = f"/Users/{made['id']}"
    assert idp.get(at, Accept="application/json").mimetype == "application/json"
    assert idp.get(at, Accept="application/json, application/scim+json").mimetype == "application/scim+json"
    assert idp.get(at, Accept="*/*").mimetype == "application/scim+json"
    headers = {"Authorization": idp.authorization}
    body = json.dumps(user())
    plain = idp.client.post("/scim/v2/Users", data=body, content_type="application/json", headers=headers)
    assert plain.status_code == 201
    for kind in ("text/plain", "application/x-www-form-urlencoded", None):
        require_refused(idp.client.post("/scim/v2/Users", data=body, content_type=kind, headers=headers), 415)
    packed = {**headers, "Content-Encoding": "gzip"}
    kind = "application/scim+json"
    require_refused(idp.client.post("/scim/v2/Users", data=body, content_type=kind, headers=packed), 415)


DEEP = b"[" * 100_000
BAD_CONTENTS = [
    (b"", "invalidSyntax"),
    (b"{", "invalidSyntax"),
    (b"[]", "invalidSyntax"),
    (b'"x"', "invalidSyntax"),
    (b"\xff\xfe{}", "invalidSyntax"),
    (b'{"userName": NaN}', "invalidSyntax"),
    (b'{"userName": ' + b"9" * 5000 + b"}", "invalidSyntax"),
    (DEEP, "invalidSyntax"),
    (b'{"a": ' + DEEP + b"]" * 100_000 + b"}", "invalidSyntax"),
    (b'{"a": ' + b"[" * 20 + b"]" * 20 + b"}", "invalidSyntax"),
    (b'{"a": [' + b"1," * 300_000 + b"1]}", "invalidSyntax"),
    (b'{"schemas": [], "schemas": []}', "invalidSyntax"),
    (b'{"userName": "a", "USERNAME": "b"}', "invalidSyntax"),
    (b'{"name": {"givenName": "a", "givenname": "b"}}', "invalidSyntax"),
    (b'{"userName": "a\\u0000b"}', "invalidValue"),
    (b'{"userName": "\\ud800"}', "invalidValue"),
]


@pytest.mark.parametrize(("content", "scim_type"), BAD_CONTENTS, ids=range(len(BAD_CONTENTS)))
@pytest.mark.parametrize("path", ["/Users", "/Groups", "/.search"])
def test_contents_that_are_refused(idp: Pusher, content: bytes, scim_type: str, path: str) -> None:
    headers = {"Authorization": idp.authorization}
    kind = "application/scim+json"
    answer = idp.client.post(f"/scim/v2{path}", data=content, content_type=kind, headers=headers)
    require_refused(answer, 400, scim_type)


def test_a_content_that_is_too_large(idp: Pusher) -> None:
    large = user(title="x" * requests.LARGEST)
    require_refused(idp.send("POST", "/Users", large), 413)
    require_refused(idp.send("POST", "/Users", user(title="x" * 40_000)), 400, "invalidValue")


@pytest.mark.parametrize(
    "changes",
    [
        {"schemas": None},
        {"schemas": []},
        {"schemas": "x"},
        {"schemas": [USER, "urn:example:params:scim:schemas:own:2.0:User"]},
        {"schemas": [GROUP]},
        {"schemas": [3]},
        {"userName": None},
        {"userName": ""},
        {"userName": "x" * 201},
        {"userName": 3},
        {"userName": ["x"]},
        {"active": "perhaps"},
        {"emails": "x@enterprise.example"},
        {"emails": [{"value": 3}]},
        {"emails": [{"value": "a", "primary": True}, {"value": "b", "primary": True}]},
        {"name": "x"},
        {"displayName": {"a": 1}},
        {ENTERPRISE: "x"},
        {ENTERPRISE: {"department": 3}},
        {ENTERPRISE: {"manager": 3}},
    ],
    ids=str,
)
def test_users_that_are_refused(idp: Pusher, changes: dict[str, object]) -> None:
    answer = idp.send("POST", "/Users", {**user(), **changes})
    assert answer.json.get("scimType") in ("invalidValue", "invalidSyntax")
    require_refused(answer, 400, answer.json["scimType"])


@pytest.mark.parametrize(
    "content", [{"Operations": []}, {"schemas": [PATCH]}, {"schemas": [PATCH], "Operations": {}}]
)
def test_patches_that_are_none(idp: Pusher, content: dict[str, object]) -> None:
    at = f"/Users/{idp.person()['id']}"
    assert idp.send("PATCH", at, content).status_code == 400
    many = [{"op": "add", "path": "title", "value": "x"}] * 101
    assert "100 operations" in require_refused(idp.patch(at, *many), 400, "invalidValue")
    many = [{"op": "add", "path": "title", "value": "x"}] * 1001
    require_refused(idp.patch(at, *many), 400, "invalidValue")

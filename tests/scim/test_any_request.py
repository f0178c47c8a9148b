"""Whatever a client sends, it is answered in the terms of SCIM, and nothing is left half done."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.programs import Programs
from tests.scim.pushing import ENTERPRISE, ERROR, IDP, PATCH, Pusher

NAMES = st.sampled_from(
    [
        *("userName", "displayName", "emails", "emails.value", "name.familyName", "active", "groups", "members"),
        *("meta.created", "id", "schemas", "x509Certificates.value", "nosuch", "$ref", ENTERPRISE),
        *(f"{ENTERPRISE}:manager.value", "members.type", "password", "urn:x:y", "members.$ref"),
    ]
)
VALUES = st.sampled_from(['"x"', "true", "null", "1", "1.5e400", '"2020-01-01T00:00:00Z"', '"', "x", r'"\u0000"'])
COMPARED = st.builds(
    lambda name, operator, value: f"{name} {operator} {value}",
    NAMES,
    st.sampled_from(["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "pr", "PR", "is", ""]),
    VALUES | st.just(""),
)
FILTERS = st.recursive(
    COMPARED,
    lambda inner: st.one_of(
        st.builds(lambda one, word, two: f"{one} {word} {two}", inner, st.sampled_from(["and", "or", ","]), inner),
        st.builds(lambda one: f"not ({one})", inner),
        st.builds(lambda one: f"({one})", inner),
        st.builds(lambda name, one: f"{name}[{one}]", NAMES, inner),
        st.builds(lambda name, one, part: f"{name}[{one}].{part}", NAMES, inner, NAMES),
    ),
    max_leaves=8,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
OPERATIONS = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "Remove", "replace", "move"]) | JSON},
    optional={"path": NAMES | FILTERS | JSON, "value": JSON | st.dictionaries(NAMES, JSON, max_size=3)},
)
MANY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def pusher(portal: Flask, known: Programs) -> Pusher:
    return Pusher(portal.test_client(), f"Bearer {IDP}.{known.secrets[IDP]}")


@pytest.fixture(scope="module")
def there(pusher: Pusher) -> dict[str, str]:
    person = pusher.person()["id"]
    return {"/Users": f"/Users/{person}", "/Groups": f"/Groups/{pusher.group(person)['id']}"}


def require_sound(answer: Any) -> None:
    """It was done, or refused with a reason; nothing of ours failed."""
    assert answer.status_code in (200, 201, 204, 400, 404, 409), answer.text
    if answer.status_code >= 400:
        found = answer.json
        assert found["schemas"] == [ERROR] and found["detail"] and len(found["detail"]) < 1_000
        assert "pydantic" not in found["detail"]


@MANY
@given(text=FILTERS, path=st.sampled_from(["/Users", "/Groups"]), attributes=NAMES | st.just(""))
def test_any_filter(pusher: Pusher, there: dict[str, str], text: str, path: str, attributes: str) -> None:
    require_sound(pusher.get(f"{path}?filter={quote(text)}&attributes={quote(attributes)}&count=2"))


@MANY
@given(operations=st.lists(OPERATIONS, max_size=3), path=st.sampled_from(["/Users", "/Groups"]))
def test_any_patch(pusher: Pusher, there: dict[str, str], operations: list[Any], path: str) -> None:
    before = pusher.found(there[path])
    answer = pusher.send("PATCH", there[path], {"schemas": [PATCH], "Operations": operations})
    require_sound(answer)
    after = pusher.found(there[path])
    if answer.status_code >= 400:
        assert after == before
    json.dumps(after)


@MANY
@given(
    body=st.dictionaries(NAMES | st.text(max_size=8), JSON, max_size=5),
    path=st.sampled_from(["/Users", "/Groups"]),
)
def test_any_resource(pusher: Pusher, there: dict[str, str], body: dict[str, Any], path: str) -> None:
    schema = f"urn:ietf:params:scim:schemas:core:2.0:{path[1:-1]}"
    for method, at in (("POST", path), ("PUT", there[path])):
        require_sound(pusher.send(method, at, {"schemas": [schema], **body}))

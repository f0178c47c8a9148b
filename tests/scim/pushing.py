"""An identity provider that pushes, and what it sends."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"

IDP = "client-00000000000000d1"
NEIGHBOUR = "client-00000000000000d2"
ELSEWHERE = "client-00000000000000d3"


@dataclass(frozen=True, slots=True)
class Pusher:
    """Sends requests with its ``authorization``."""

    client: FlaskClient
    authorization: str

    def send(self, method: str, path: str, body: object = None, **headers: str) -> TestResponse:
        sent = {"Authorization": self.authorization}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        data = None if body is None else json.dumps(body).encode()
        kind = None if body is None else "application/scim+json"
        return self.client.open(f"/scim/v2{path}", method=method, data=data, content_type=kind, headers=sent)

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.send("GET", path, **headers)

    def made(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self.send("POST", path, body)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json
        return found

    def patch(self, path: str, *operations: dict[str, Any], **headers: str) -> TestResponse:
        return self.send("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)}, **headers)

    def person(self, **more: Any) -> dict[str, Any]:
        """A new user."""
        return self.made("/Users", user(**more))

    def group(self, *members: str, name: str = "") -> dict[str, Any]:
        """A new group with these members."""
        listed = [{"value": each} for each in members]
        return self.made(
            "/Groups", {"schemas": [GROUP], "displayName": name or f"g-{uuid4().hex[:12]}", "members": listed}
        )

    def found(self, path: str) -> dict[str, Any]:
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json
        return found


def user(**more: Any) -> dict[str, Any]:
    """What is sent for a user whom nobody else is."""
    login = f"u{uuid4().hex[:12]}"
    return {
        "schemas": [USER, ENTERPRISE],
        "userName": login,
        "displayName": "示例员工",
        "emails": [{"value": f"{login}@enterprise.example", "type": "work", "primary": True}],
        "active": True,
        **more,
    }


def require_refused(answer: TestResponse, status: int, scim_type: str | None = None) -> str:
    """An error of RFC 7644, 3.12; its sentence."""
    found = answer.json
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/scim+json"
    assert found["schemas"] == [ERROR] and found["status"] == str(status) and found["detail"]
    assert found.get("scimType") == scim_type, found
    sentence: str = found["detail"]
    return sentence

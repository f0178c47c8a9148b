"""The appliance's SCIM endpoint (RFC 7643, 7644): listed whole, changed one resource at a time."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from directory_adapters.comparing import Known
from directory_adapters.errors import AdapterError, RefusedError, UnansweredError
from directory_adapters.records import ENTERPRISE, GROUP, Group, KnownGroup, KnownUser, User, resource_of
from directory_adapters.settings import ApplianceSettings
from directory_adapters.transport import Call, Transport

BASE = "/scim/v2"
TYPE = "application/scim+json"
PAGE = 200
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
AT_ONCE = 100
"""Members of a group that one PATCH adds or removes."""

LONGEST_REASON = 300


class ApplianceError(AdapterError):
    """The appliance answers nobody with this token, or not at all now: the run ends."""


class NotTakenError(AdapterError):
    """The appliance refused one resource, and says why: the run goes on."""


class Scim:
    """The users and groups at the appliance that come from *source*."""

    def __init__(
        self, settings: ApplianceSettings, source: str, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._transport = Transport(settings.server, pause)
        self._headers = {"Authorization": f"Bearer {settings.token}", "Accept": TYPE, "Content-Type": TYPE}
        self._prefix = f"{source}:"

    def known(self) -> Known:
        """What the appliance has of this source. Raises :class:`ApplianceError`."""
        resources = [each for each in self._listed("/Users") if self._is_ours(each)]
        keys = {each["id"]: each["externalId"] for each in resources}
        users = {each["externalId"]: _known_user(each, keys) for each in resources}
        groups = {
            each["externalId"]: _known_group(each) for each in self._listed("/Groups") if self._is_ours(each)
        }
        return Known(users, groups)

    def create(self, user: User, manager: str) -> KnownUser:
        """A new user; *manager* is an id, empty for none. After a lost answer the user may be there: the next run
        sees."""
        made = self._send("POST", "/Users", resource_of(user, manager), repeatable=False)
        return KnownUser(_id_of(made), _version_of(made), user)

    def replace(self, known: KnownUser, user: User, manager: str) -> KnownUser:
        """*known* as *user* now; *manager* is an id. Refused if somebody else has changed the user meanwhile."""
        match = {"If-Match": known.version} if known.version else {}
        made = self._send("PUT", f"/Users/{quote(known.id, safe='')}", resource_of(user, manager), match)
        return KnownUser(known.id, _version_of(made), user)

    def create_group(self, group: Group) -> KnownGroup:
        """A new group, still without members."""
        resource = {"schemas": [GROUP], "externalId": group.key, "displayName": group.name, "members": []}
        made = self._send("POST", "/Groups", resource, repeatable=False)
        return KnownGroup(_id_of(made), group.key, group.name, frozenset())

    def rename_group(self, known: KnownGroup, name: str) -> None:
        """The name by which settings name the group."""
        self._patch(known, [{"op": "replace", "path": "displayName", "value": name}])

    def change_members(self, known: KnownGroup, added: list[str], removed: list[str]) -> None:
        """Ids of users that are members now, or not any more."""
        for some in _parts(added):
            self._patch(known, [{"op": "add", "path": "members", "value": [{"value": each} for each in some]}])
        for some in _parts(removed):
            self._patch(
                known, [{"op": "remove", "path": f"members[value eq {json.dumps(each)}]"} for each in some]
            )

    def delete_group(self, known: KnownGroup) -> None:
        """The group is gone; its members stay."""
        self._send("DELETE", f"/Groups/{quote(known.id, safe='')}")

    def _patch(self, known: KnownGroup, operations: list[dict[str, Any]]) -> None:
        content = {"schemas": [PATCH], "Operations": operations}
        self._send("PATCH", f"/Groups/{quote(known.id, safe='')}", content)

    def _is_ours(self, resource: Mapping[str, Any]) -> bool:
        return str(resource.get("externalId", "")).startswith(self._prefix)

    def _listed(self, path: str) -> Iterator[dict[str, Any]]:
        """Every resource, once. Raises :class:`ApplianceError` when the pages do not make one whole list."""
        seen: set[str] = set()
        start = total = 1
        while start <= total:
            page = self._send("GET", path, query={"startIndex": str(start), "count": str(PAGE)})
            total, resources = page.get("totalResults", -1), page.get("Resources", [])
            if not isinstance(total, int) or total < 0 or (not resources and total >= start):
                raise ApplianceError(f"{BASE}{path}: the list of the appliance is not whole; try again.")
            for each in resources:
                seen.add(_id_of(each))
                yield each
            start += len(resources)
        if len(seen) != total:
            raise ApplianceError(f"{BASE}{path}: the list of the appliance changed meanwhile; try again.")

    def _send(
        self,
        method: str,
        path: str,
        content: Any = None,
        headers: Mapping[str, str] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        repeatable: bool = True,
    ) -> dict[str, Any]:
        call = Call(method, BASE + path, query or {}, content, {**self._headers, **(headers or {})}, repeatable)
        try:
            answer = self._transport.send(call)
            return answer.value if answer.content.strip() else {}
        except UnansweredError as error:
            raise ApplianceError(str(error)) from None
        except RefusedError as refused:
            reason = _reason(refused)
            if method != "GET" and 400 <= refused.status < 500 and refused.status not in (401, 429):
                raise NotTakenError(reason) from None
            advice = {
                401: "; check appliance.token, and whether the client is still active",
                403: "; the client of this token may not provision users",
                404: "; check appliance.address, and whether the appliance takes SCIM",
            }
            raise ApplianceError(
                f"{call.name}: HTTP {refused.status}: {reason}{advice.get(refused.status, '')}"
            ) from None


def _reason(refused: RefusedError) -> str:
    """What the error resource says (RFC 7644, 3.12)."""
    try:
        value = json.loads(refused.content)
    except ValueError:
        value = None
    detail = value.get("detail") if isinstance(value, dict) else None
    text = " ".join(str(detail).split()) if detail else f"refused with HTTP {refused.status}"
    return text[:LONGEST_REASON]


def _known_user(resource: Mapping[str, Any], keys: Mapping[str, str]) -> KnownUser:
    extension = resource.get(ENTERPRISE) or {}
    manager = (extension.get("manager") or {}).get("value", "")
    name = (resource.get("name") or {}).get("formatted") or resource.get("displayName") or ""
    user = User(
        resource["externalId"],
        resource.get("userName", ""),
        name,
        _mail_of(resource),
        extension.get("department") or "",
        keys.get(manager, manager),
        resource.get("active") is not False,
    )
    return KnownUser(_id_of(resource), _version_of(resource), user)


def _known_group(resource: Mapping[str, Any]) -> KnownGroup:
    members = frozenset(each["value"] for each in resource.get("members") or () if each.get("value"))
    return KnownGroup(_id_of(resource), resource["externalId"], resource.get("displayName", ""), members)


def _mail_of(resource: Mapping[str, Any]) -> str:
    """The primary address, or the first one."""
    mails = sorted(resource.get("emails") or (), key=lambda each: each.get("primary") is not True)
    return str(mails[0].get("value", "")) if mails else ""


def _id_of(resource: Mapping[str, Any]) -> str:
    found = resource.get("id")
    if not isinstance(found, str) or not found:
        raise ApplianceError(
            "A resource of the appliance has no id: appliance.address is not that of its SCIM endpoint."
        )
    return found


def _version_of(resource: Mapping[str, Any]) -> str:
    return str((resource.get("meta") or {}).get("version") or "")


def _parts(ids: list[str]) -> Iterator[list[str]]:
    return (ids[first : first + AT_ONCE] for first in range(0, len(ids), AT_ONCE))

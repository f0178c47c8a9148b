"""What the endpoints do (RFC 7644, 3). Loaded with the library, by the first request of a client that may ask."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask import request
from werkzeug.datastructures import MultiDict

from appliance.directories.provisioning import GroupMembers, Provisioning
from appliance.model.provisioning import MemberChange, ResourceKind, ScimResource
from webui.scim import searching
from webui.scim.patching import GroupPatch, members_in, operations_in, patched
from webui.scim.requests import ScimError, invalid_value, read_body, value_of, without
from webui.scim.resources import configuration, location, resource_types, schemas, taken, version
from webui.scim.searching import LIST, Reader, parameters_of

BOTH: Final = (ResourceKind.USER, ResourceKind.GROUP)
ATTEMPTS: Final = 5
"""How often a change is made of the newest version, while others make changes of their own."""

_TAG = re.compile(r'(?:W/)?"([0-9]{1,12})"')
_NEVER = 0
"""A version that no resource has."""

Answer = tuple[dict[str, Any] | None, int, dict[str, str]]
"""The content, the HTTP status, and headers."""


@dataclass(frozen=True, slots=True)
class Operations:
    """``base`` is the address above those of resources, ``documentation`` that of a page about this server."""

    provisioning: Provisioning
    base: str
    documentation: str

    def search(self, *kinds: ResourceKind) -> Answer:
        """``GET`` of a list (3.4.2)."""
        return searching.search(self._reader, kinds, _arguments(request.args)), 200, {}

    def post_search(self, *kinds: ResourceKind) -> Answer:
        """``POST`` to ``.search`` (3.4.3)."""
        return searching.search(self._reader, kinds, searching.body_of(read_body())), 200, {}

    def read(self, kind: ResourceKind, resource_id: str) -> Answer:
        """``GET`` of one (3.4.1)."""
        parameters = parameters_of(kind, _arguments(request.args))
        found = self.provisioning.find(kind, resource_id)
        if _is_known(found):
            return None, 304, {"ETag": version(found)}
        return self._reader.whole(kind, found, parameters), 200, {"ETag": version(found)}

    def create(self, kind: ResourceKind) -> Answer:
        """``POST`` (3.3)."""
        body = read_body()
        if kind is ResourceKind.USER:
            made = self.provisioning.create_user(taken(kind, body))
        else:
            members = members_in(value_of(body, "members"))
            made = self.provisioning.create_group(taken(kind, without(body, _MEMBERS)), members)
        return self._shown(kind, made, 201)

    def replace(self, kind: ResourceKind, resource_id: str) -> Answer:
        """``PUT`` (3.5.1). Members that are not sent are none."""
        body = read_body()
        members = members_in(value_of(body, "members")) if kind is ResourceKind.GROUP else frozenset()
        rest = without(body, _MEMBERS) if kind is ResourceKind.GROUP else body

        def change(before: ScimResource) -> tuple[dict[str, Any], MemberChange]:
            return taken(kind, rest, before), MemberChange(clears=True, added=members)

        return self._shown(kind, self._changed(kind, resource_id, change), 200)

    def patch(self, kind: ResourceKind, resource_id: str) -> Answer:
        """``PATCH`` (3.5.2)."""
        operations = operations_in(read_body())

        def change(before: ScimResource) -> tuple[dict[str, Any], MemberChange]:
            if kind is ResourceKind.USER:
                return patched(kind, before, operations), MemberChange()
            read = GroupPatch(before, lambda: self.provisioning.members_of(before.id, GroupMembers()))
            read.read(operations)
            return patched(kind, before, read.rest), read.change

        after = self._changed(kind, resource_id, change)
        if kind is ResourceKind.GROUP and not request.args.get("attributes"):
            return None, 204, {"ETag": version(after)}  # its members may be ten thousand, and nobody asks for them
        return self._shown(kind, after, 200)

    def delete(self, kind: ResourceKind, resource_id: str) -> Answer:
        """``DELETE`` (3.6)."""
        wanted = _wanted_version()
        remove = self.provisioning.delete_user if kind is ResourceKind.USER else self.provisioning.delete_group
        if not remove(resource_id, version=wanted):
            raise _other_version()
        return None, 204, {}

    def configuration(self) -> Answer:
        """What this server can do (4)."""
        return configuration(self.base, self.documentation), 200, {}

    def resource_types(self, name: str = "") -> Answer:
        """The types of resources, or one (4)."""
        return _described(resource_types(self.base), name)

    def schemas(self, name: str = "") -> Answer:
        """The schemas, or one (4)."""
        return _described(schemas(self.base), name)

    @property
    def _reader(self) -> Reader:
        return Reader(self.provisioning, self.base)

    def _changed(
        self,
        kind: ResourceKind,
        resource_id: str,
        change: Callable[[ScimResource], tuple[dict[str, Any], MemberChange]],
    ) -> ScimResource:
        """Makes the *change* of the version that the client has read, or of the newest where it does not say."""
        wanted = _wanted_version()
        for _ in range(ATTEMPTS):
            before = self.provisioning.find(kind, resource_id)
            if wanted not in (None, before.version):
                raise _other_version()
            content, members = change(before)
            if kind is ResourceKind.USER:
                after = self.provisioning.change_user(resource_id, content, version=before.version)
            else:
                after = self.provisioning.change_group(resource_id, content, members, version=before.version)
            if after is not None:
                return after
        raise ScimError(409, "Others are changing the resource; try again.")

    def _shown(self, kind: ResourceKind, found: ScimResource, status: int) -> Answer:
        """A resource after a change, with the attributes that were asked for (3.9)."""
        parameters = parameters_of(kind, _arguments(request.args))
        at = location(kind, found.id, self.base)
        return self._reader.whole(kind, found, parameters), status, {"ETag": version(found), "Location": at}


_MEMBERS = frozenset({"members"})


def _arguments(given: MultiDict[str, str]) -> Mapping[str, str]:
    twice = [name for name, values in given.lists() if len(values) > 1]
    if twice:
        raise invalid_value(f"The parameter {twice[0][:100]} is given twice.")
    return given.to_dict()


def _wanted_version() -> int | None:
    """The version that ``If-Match`` names (3.14); None for any."""
    given = request.headers.get("If-Match", "*").strip()
    if given == "*":
        return None
    found = _TAG.fullmatch(given)
    return _NEVER if found is None else int(found[1])


def _is_known(found: ScimResource) -> bool:
    return request.if_none_match.contains_weak(str(found.version))


def _other_version() -> ScimError:
    return ScimError(412, "The resource has another version by now; read it again.")


def _described(found: list[dict[str, Any]], name: str) -> Answer:
    if request.args.get("filter"):  # (4): must be refused
        raise ScimError(403, "This list takes no filter.")
    if name:
        one = next((each for each in found if each["id"].lower() == name.lower()), None)
        if one is None:
            raise ScimError(404, "There is no such description.")
        return one, 200, {}
    listed = {"totalResults": len(found), "itemsPerPage": len(found), "startIndex": 1, "Resources": found}
    return {"schemas": [LIST], **listed}, 200, {}

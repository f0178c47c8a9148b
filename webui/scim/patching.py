"""PATCH (RFC 7644, 3.5.2): of users by the library; of groups, whose members may be ten thousand, by what comes
and what goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from pydantic import ValidationError
from scim2_models import Context, Path, SCIMException, ScimFilter
from scim2_models.path import CompareOperator, Comparison, FilterNode, LogicalExpr, LogicalOperator, ValuePath

from appliance.model.provisioning import MemberChange, ResourceKind, ScimMember, ScimResource
from webui.scim.requests import (
    MOST_MEMBERS,
    MOST_OF_ATTRIBUTES,
    MOST_OPERATIONS,
    ScimError,
    invalid_syntax,
    invalid_value,
    value_of,
    without,
)
from webui.scim.resources import FORMS, OURS, POLICY, Group, kept, model_of, refused

MESSAGE: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
_GROUP: Final = f"{Group.__schema__}:".lower()
_SAID = OURS | {"schemas"}
"""What operations without a path may bring along, and does not count (Okta sends a group's id)."""

Operation = dict[str, Any]


def patched(kind: ResourceKind, resource: ScimResource, operations: Sequence[Operation]) -> dict[str, Any]:
    """What is kept of *resource* after these operations. Raises :class:`ScimError`."""
    if len(operations) > MOST_OF_ATTRIBUTES:
        raise invalid_value(f"A request has at most {MOST_OF_ATTRIBUTES} operations that are not about members.")
    forms = FORMS[kind]
    message = {"schemas": [MESSAGE], "Operations": list(operations)}
    try:
        with POLICY:
            whole = forms.model.model_validate({**resource.content, "id": resource.id})
            if operations:
                forms.patch.model_validate(message, scim_ctx=Context.RESOURCE_PATCH_REQUEST).patch(whole)
    except (ValidationError, SCIMException) as error:
        raise refused(error) from error
    return kept(whole)


def operations_in(body: Mapping[str, Any]) -> list[Operation]:
    """The operations of a request, without what no client can say. Raises :class:`ScimError`."""
    if value_of(body, "schemas") != [MESSAGE]:
        raise invalid_value(f"schemas has to be {MESSAGE}.")
    given = value_of(body, "Operations")
    if not isinstance(given, list) or not given or not all(isinstance(each, dict) for each in given):
        raise invalid_syntax("Operations is a list of one or more objects.")
    if len(given) > MOST_OPERATIONS:
        raise invalid_value(f"A request has at most {MOST_OPERATIONS} operations.")
    return [_plain({name.lower(): value for name, value in each.items()}) for each in given]


def _plain(operation: Operation) -> Operation:
    value = operation.get("value")
    if not operation.get("path"):
        operation.pop("path", None)
        if isinstance(value, dict):
            operation["value"] = without(value, _SAID)
    return operation


def members_in(value: object) -> frozenset[str]:
    """The ids of members as they are sent, in a list or alone. Raises :class:`ScimError`."""
    listed = value if isinstance(value, list) else [] if value is None else [value]
    if len(listed) > MOST_MEMBERS:
        raise invalid_value(f"A request names at most {MOST_MEMBERS} members.")
    return frozenset(map(_member, listed))


def _member(given: object) -> str:
    if isinstance(given, dict):
        address = value_of(given, "$ref")
        given = value_of(given, "value") or (address.rpartition("/")[2] if isinstance(address, str) else None)
    if not isinstance(given, str) or not given:
        raise invalid_value("A member of a group has a value: the id of a user or of a group.")
    return given


class GroupPatch:
    """What the operations on a group come to: its members are folded into one change, and what is about other
    attributes is left over. *load* gives the members that the group has."""

    def __init__(self, group: ScimResource, load: Callable[[], Sequence[ScimMember]]) -> None:
        self._group, self._load = group, load
        self._clears, self._added, self._removed = False, set[str](), set[str]()
        self._looked_at = 0
        self.rest: list[Operation] = []

    def read(self, operations: Sequence[Operation]) -> GroupPatch:
        """Takes *operations* in their order. Raises :class:`ScimError`."""
        for each in operations:
            self._take(each)
        if len(self._added) + len(self._removed) > MOST_MEMBERS:
            raise invalid_value(f"A request names at most {MOST_MEMBERS} members.")
        return self

    @property
    def change(self) -> MemberChange:
        """What becomes of the members."""
        return MemberChange(self._clears, frozenset(self._added), frozenset(self._removed))

    def _take(self, operation: Operation) -> None:
        kind, path, value = str(operation.get("op")).lower(), operation.get("path"), operation.get("value")
        if path is None and isinstance(value, dict) and kind in ("add", "replace"):
            self._take_object(kind, operation, value)
            return
        name = str(path or "").removeprefix(" ").strip()
        name = name[len(_GROUP) :] if name.lower().startswith(_GROUP) else name
        if name.lower() == "members" and kind in ("add", "replace", "remove"):
            self._take_members(kind, value)
        elif name.lower().startswith("members[") and kind == "remove":
            self._remove(self._selected(name))
        else:
            self.rest.append(operation)

    def _take_object(self, kind: str, operation: Operation, value: Mapping[str, Any]) -> None:
        named = {name: each for name, each in value.items() if name.lower().removeprefix(_GROUP) == "members"}
        for each in named.values():
            self._take_members(kind, each)
        left = {name: each for name, each in value.items() if name not in named}
        if left:
            self.rest.append({**operation, "value": left})

    def _take_members(self, kind: str, value: object) -> None:
        if kind == "replace" or (kind == "remove" and value is None):
            self._clears, self._added, self._removed = True, set(), set()
        if kind == "remove":
            self._remove(members_in(value))
        else:
            came = members_in(value)
            self._removed -= came
            self._added |= came

    def _remove(self, gone: frozenset[str]) -> None:
        self._added -= gone
        self._removed |= gone

    def _selected(self, path: str) -> frozenset[str]:
        """The members that a filter selects: those that it names, or among all."""
        try:
            node = ScimFilter(path).ast
        except SCIMException as error:
            raise ScimError(400, f"The path cannot be read: {error.detail}"[:500], "invalidPath") from error
        named = _named(node.val_filter) if isinstance(node, ValuePath) else None
        if named is not None:
            return named
        now = {each.id: each for each in (() if self._clears else self._load())}
        now |= {each: ScimMember(each, ResourceKind.USER) for each in self._added if each not in now}
        there = [each for name, each in now.items() if name not in self._removed]
        self._looked_at += len(there)
        if self._looked_at > MOST_MEMBERS:
            raise ScimError(400, "The group is too large for this filter; use value eq.", "tooMany")
        try:
            with POLICY:
                whole = model_of(ResourceKind.GROUP, self._group, "", members=there)
                found = Path[Group](path).get(whole)
        except (ValidationError, SCIMException) as error:
            raise refused(error) from error
        listed = found if isinstance(found, list) else [] if found is None else [found]
        return frozenset(str(getattr(each, "value", "")) for each in listed)


def _named(node: FilterNode) -> frozenset[str] | None:
    """The ids that a filter names: ``value eq "…"``, or several of these with ``or`` between."""
    if isinstance(node, LogicalExpr) and node.op is LogicalOperator.or_:
        parts = [_named(each) for each in node.terms]
        return None if None in parts else frozenset().union(*(each for each in parts if each is not None))
    if (
        isinstance(node, Comparison)
        and node.op is CompareOperator.eq
        and node.attr_path.attr.lower() == "value"
        and node.attr_path.sub_attr is None
        and isinstance(node.value, str)
    ):
        return frozenset({node.value})
    return None

"""Finding resources (RFC 7644, 3.4.2): by filters, some at a time, with the attributes that were asked for.

A filter is looked at by its tree. What has to be equal to something that is indexed narrows down which resources
are read; each of these is then compared with the whole filter by the library. No more than so many are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from pydantic import ValidationError
from scim2_models import Context, ResponseParameters, SCIMException, ScimFilter, SearchRequest
from scim2_models.path import (
    AttrPath,
    CompareOperator,
    Comparison,
    FilterNode,
    LogicalExpr,
    LogicalOperator,
    Not,
    Present,
    ValuePath,
)

from appliance.directories.provisioning import GroupMembers, Provisioning, compared
from appliance.model.provisioning import Narrowing, ResourceKind, ScimResource
from webui.scim.requests import LONGEST_FILTER, ScimError, invalid_value, value_of, without
from webui.scim.resources import (
    FORMS,
    MOST_RESULTS,
    POLICY,
    SEARCH_OF_ALL,
    Found,
    Group,
    User,
    model_of,
    refused,
    shown,
)

MOST_READ: Final = 20_000
"""Resources, and members of groups, that one search reads."""

SEARCH: Final = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
LIST: Final = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
_LARGEST_NUMBER = 2**31

_UNSORTED = frozenset({"sortby", "sortorder", "cursor"})
"""Parameters of what is not offered, which are ignored (RFC 7644, 3.4.2)."""

_PARAMETERS: Final[Mapping[str, str]] = {
    each.lower(): each for each in ("attributes", "excludedAttributes", "filter", "startIndex", "count")
}


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads resources whole; ``base`` is the address above theirs."""

    provisioning: Provisioning
    base: str

    def whole(
        self, kind: ResourceKind, resource: ScimResource, parameters: ResponseParameters[Any] | None = None
    ) -> dict[str, Any]:
        """The resource with the attributes that were asked for."""
        groups = kind is ResourceKind.USER and _wants(parameters, "groups")
        members = kind is ResourceKind.GROUP and _wants(parameters, "members")
        found = self.model(kind, resource, groups=groups, members=GroupMembers(every=members))
        return shown(found, parameters)

    def model(self, kind: ResourceKind, resource: ScimResource, *, groups: bool, members: GroupMembers) -> Found:
        """The resource with its *groups*, and with these of its *members*."""
        of_group = kind is ResourceKind.GROUP
        return model_of(
            kind,
            resource,
            self.base,
            groups=self.provisioning.groups_of(resource.id) if groups and not of_group else (),
            members=self.provisioning.members_of(resource.id, members) if of_group else (),
        )


def parameters_of(kind: ResourceKind, given: Mapping[str, Any]) -> ResponseParameters[Any]:
    """The ``attributes`` and ``excludedAttributes`` of a request. Raises :class:`ScimError`."""
    asked = {each: value_of(given, each) for each in ("attributes", "excludedAttributes")}
    try:
        with POLICY:
            found: ResponseParameters[Any] = FORMS[kind].parameters.model_validate(
                {name: value for name, value in asked.items() if value}
            )
            return found
    except (ValidationError, SCIMException) as error:
        raise refused(error) from error


def search(reader: Reader, kinds: Sequence[ResourceKind], given: Mapping[str, Any]) -> dict[str, Any]:
    """The list that answers the parameters (RFC 7644, 3.4.2). Raises :class:`ScimError`."""
    request = _request(kinds, given)
    start = max(1, request.start_index or 1)
    limit = MOST_RESULTS if request.count is None else min(MOST_RESULTS, max(0, request.count))
    total, found = (_page if request.filter is None else _matching)(reader, kinds, request, start - 1, limit)
    resources = list(_bounded(reader, found, request))
    return {
        "schemas": [LIST],
        "totalResults": total,
        "itemsPerPage": len(resources),
        "startIndex": start,
        "Resources": resources,
    }


_Numbered = list[tuple[ResourceKind, ScimResource]]


def _request(kinds: Sequence[ResourceKind], given: Mapping[str, Any]) -> SearchRequest[Any]:
    asked = {_PARAMETERS[name.lower()]: value for name, value in given.items() if name.lower() in _PARAMETERS}
    if len(str(asked.get("filter") or "")) > LONGEST_FILTER:
        raise ScimError(400, f"The filter is longer than {LONGEST_FILTER} characters.", "invalidFilter")
    asked |= {name: _number(name, asked[name]) for name in ("startIndex", "count") if name in asked}
    form = FORMS[kinds[0]].search if len(kinds) == 1 else SEARCH_OF_ALL
    try:
        with POLICY:
            found: SearchRequest[Any] = form.model_validate(
                {"schemas": [SEARCH], **asked}, scim_ctx=Context.SEARCH_REQUEST
            )
            return found
    except (ValidationError, SCIMException) as error:
        raise refused(error) from error


def _number(name: str, value: object) -> int:
    try:
        found = int(str(value)[:20])
    except ValueError as wrong:
        raise invalid_value(f"{name} is no number.") from wrong
    return max(0, min(found, _LARGEST_NUMBER))


def _page(
    reader: Reader, kinds: Sequence[ResourceKind], _request: SearchRequest[Any], skip: int, limit: int
) -> tuple[int, _Numbered]:
    total, found = 0, _Numbered()
    for kind in kinds:
        left = limit - len(found)
        count, resources = reader.provisioning.page(kind, skip=max(0, skip - total), limit=left)
        found += [(kind, each) for each in resources]
        total += count
    return total, found


def _matching(
    reader: Reader, kinds: Sequence[ResourceKind], request: SearchRequest[Any], skip: int, limit: int
) -> tuple[int, _Numbered]:
    total, found = 0, _Numbered()
    room = _Room()
    for kind in kinds:
        with POLICY:
            matching: ScimFilter[Any] = FORMS[kind].filter(str(request.filter))
            for each in _matches(reader, kind, matching, room):
                if skip <= total and len(found) < limit:
                    found.append((kind, each))
                total += 1
    return total, found


def _matches(reader: Reader, kind: ResourceKind, wanted: ScimFilter[Any], room: _Room) -> Iterator[ScimResource]:
    needs = _Needs().looked_at(wanted.ast)
    for each in reader.provisioning.narrowed(kind, narrowing(kind, wanted.ast)):
        room.take(1)
        members = GroupMembers(every=needs.every_member, only=frozenset(needs.members))
        if kind is ResourceKind.GROUP and members.every:
            room.take(reader.provisioning.count_members(each.id))
        if wanted.match(reader.model(kind, each, groups=needs.groups, members=members)):
            yield each


class _Room:
    """How much one search may still read."""

    def __init__(self) -> None:
        self._left = MOST_READ

    def take(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise ScimError(
                400,
                f"The filter would read more than {MOST_READ} resources; name a userName, externalId, id or"
                " displayName with eq.",
                "tooMany",
            )


def _bounded(reader: Reader, found: _Numbered, request: SearchRequest[Any]) -> Iterator[dict[str, Any]]:
    """The resources as they are shown: fewer than were asked for where groups have very many members (3.4.2.4)."""
    members = 0
    wanted = _wants(request, "members")
    for index, (kind, each) in enumerate(found):
        if kind is ResourceKind.GROUP and wanted:
            members += reader.provisioning.count_members(each.id)
            if index and members > MOST_READ:
                return
        yield reader.whole(kind, each, request)


def _wants(parameters: ResponseParameters[Any] | None, attribute: str) -> bool:
    if parameters is None:
        return True
    if parameters.attributes:
        return any(_first(str(each)) == attribute for each in parameters.attributes)
    return all(_short(str(each)) != attribute for each in parameters.excluded_attributes or ())


def _short(path: str) -> str:
    """A path without its schema, in small letters."""
    return path.rpartition(":")[2].lower()


def _first(path: str) -> str:
    return _short(path).partition(".")[0]


def narrowing(kind: ResourceKind, node: FilterNode) -> Narrowing:
    """What every resource that fits the filter has to have, as far as that is indexed."""
    terms = node.terms if isinstance(node, LogicalExpr) and node.op is LogicalOperator.and_ else (node,)
    found = Narrowing()
    for term in terms:
        if isinstance(term, ValuePath) and _name(kind, term.attr_path) == "members":
            term = term.val_filter  # noqa: PLW2901 -- looked at in place of what it is of
            path = "members" if isinstance(term, Comparison) and term.attr_path.attr.lower() == "value" else ""
        else:
            path = _name(kind, term.attr_path) if isinstance(term, Comparison) else ""
        if isinstance(term, Comparison) and term.op is CompareOperator.eq and isinstance(term.value, str):
            found = _narrowed(kind, found, path, term.value)
    return found


def _narrowed(kind: ResourceKind, found: Narrowing, path: str, value: str) -> Narrowing:
    if path == "id":
        return replace(found, id=value)
    if path == "externalid":
        return replace(found, external_id=value)
    if path == ("username" if kind is ResourceKind.USER else "displayname"):
        return replace(found, name=compared(value))
    if path in ("members", "members.value") and kind is ResourceKind.GROUP:
        return replace(found, member=value)
    return found


def _name(kind: ResourceKind, path: AttrPath) -> str:
    """The attribute in small letters; empty for one of an extension."""
    core = User.__schema__ if kind is ResourceKind.USER else Group.__schema__
    if path.uri is not None and path.uri.lower() != str(core).lower():
        return ""
    return f"{path.attr}.{path.sub_attr}".lower() if path.sub_attr else path.attr.lower()


class _Needs:
    """What a filter has to know of a resource that follows from others: the ids of ``members`` that it names,
    whether it needs ``every_member``, and whether it needs a user's ``groups``."""

    def __init__(self) -> None:
        self.members = set[str]()
        self.every_member = self.groups = False

    def looked_at(self, node: FilterNode, inside: str = "") -> _Needs:
        """These, with what *node* needs; *inside* is the attribute whose values it is about."""
        if isinstance(node, LogicalExpr):
            for term in node.terms:
                self.looked_at(term, inside)
        elif isinstance(node, Not):
            self.looked_at(node.expr, inside)
        elif isinstance(node, ValuePath):
            self.looked_at(node.val_filter, node.attr_path.attr.lower())
        elif isinstance(node, Comparison | Present):
            self._attribute(node, inside)
        return self

    def _attribute(self, node: Comparison | Present, inside: str) -> None:
        attribute = inside or node.attr_path.attr.lower()
        part = node.attr_path.attr if inside else node.attr_path.sub_attr or "value"
        self.groups |= attribute == "groups"
        if attribute != "members":
            return
        named = isinstance(node, Comparison) and node.op in (CompareOperator.eq, CompareOperator.ne)
        if named and part.lower() == "value" and isinstance(node.value, str):  # type: ignore[union-attr]  # named: a comparison
            self.members.add(node.value)  # type: ignore[union-attr]
        else:
            self.every_member = True


def body_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a search that was posted (RFC 7644, 3.4.3). Raises :class:`ScimError`."""
    if value_of(given, "schemas") != [SEARCH]:
        raise invalid_value(f"schemas has to be {SEARCH}.")
    return without(given, _UNSORTED | {"schemas"})

"""Users and groups in the words of RFC 7643: what is taken, what is kept of it, and how it is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Final, TypeAlias

from pydantic import Field, ValidationError, ValidatorFunctionWrapHandler, model_validator
from scim2_models import (
    AnyExtension,
    AuthenticationScheme,
    Bulk,
    CaseExact,
    ChangePassword,
    Context,
    Error,
    ETag,
    Filter,
    Mutability,
    Pagination,
    Patch,
    PatchOp,
    Reference,
    Resource,
    ResourceType,
    ResponseParameters,
    Schema,
    SCIMException,
    ScimFilter,
    ScimPolicy,
    SearchRequest,
    ServiceProviderConfig,
    Sort,
)
from scim2_models import EnterpriseUser as StandardEnterpriseUser
from scim2_models import Group as StandardGroup
from scim2_models import User as StandardUser
from scim2_models.resources.enterprise_user import Manager as StandardManager
from scim2_models.resources.group import GroupMember as StandardMember
from scim2_models.resources.user import Email as StandardEmail

from appliance.model.provisioning import MemberOf, ResourceKind, ScimMember, ScimResource
from webui.scim.requests import LARGEST, ScimError, invalid_value, value_of, without

POLICY: Final = ScimPolicy(
    unknown=ScimPolicy.Unknown.ignore,
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)
"""What Entra ID and others send beside the standard is understood; attributes of no schema are ignored (RFC 7644,
3.3)."""

MOST_RESULTS: Final = 200
"""Resources of one answer."""

OURS: Final = frozenset({"id", "meta", "groups", "password"})
"""Attributes of a user or group, in small letters, that are ours to say, follow from others, or are never kept."""

Found: TypeAlias = Resource[Any]


class Manager(StandardManager):
    """Some clients send the manager's id alone, as a text; and its address is ours to say (RFC 7643, 8.7.1:
    neither is required)."""

    value: Annotated[str | None, CaseExact.true] = None
    ref: Reference[User] | None = Field(  # type: ignore[type-arg, assignment]  # the name of a type of resource
        None, serialization_alias="$ref", validation_alias="$ref"
    )

    @model_validator(mode="wrap")
    @classmethod
    def _of_text(cls, value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        return handler({"value": value} if isinstance(value, str) else value)


class EnterpriseUser(StandardEnterpriseUser):
    """Attributes of users in an enterprise (RFC 7643, 4.3)."""

    manager: Manager | None = None
    """The user's manager, another user."""


class Email(StandardEmail):
    """Any text is taken: an address that is not in use on the internet is one in an enterprise. Whether mail can
    go there, the account says."""

    value: str | None = None
    """A mail address of the user."""


class User(StandardUser[AnyExtension]):
    """A person."""

    emails: list[Email] | None = None  # type: ignore[assignment]  # nobody assigns: values are validated
    """Mail addresses of the user."""


class GroupMember(StandardMember):
    """What a member is called is its own to say."""

    display: Annotated[str | None, Mutability.read_only] = None
    """What the member is called."""


class Group(StandardGroup):
    """A group of people, and of groups."""

    members: list[GroupMember] | None = None  # type: ignore[assignment]  # as above
    """The members of the group."""


Person = User[EnterpriseUser]


@dataclass(frozen=True, slots=True)
class Forms:
    """The library's classes for one kind of resource, or for both: the ``model``, and what is bound to it."""

    model: Any
    patch: Any
    filter: Any
    search: Any
    parameters: Any


FORMS: Final[Mapping[ResourceKind, Forms]] = {
    ResourceKind.USER: Forms(
        Person, PatchOp[Person], ScimFilter[Person], SearchRequest[Person], ResponseParameters[Person]
    ),
    ResourceKind.GROUP: Forms(
        Group, PatchOp[Group], ScimFilter[Group], SearchRequest[Group], ResponseParameters[Group]
    ),
}
SEARCH_OF_ALL: Final[Any] = SearchRequest[Person | Group]

_NAMES: Final = {
    ResourceKind.USER: frozenset({str(User.__schema__).lower(), str(EnterpriseUser.__schema__).lower()}),
    ResourceKind.GROUP: frozenset({str(Group.__schema__).lower()}),
}


def refused(error: ValidationError | SCIMException) -> ScimError:
    """What is wrong, in the terms of RFC 7644."""
    cause = error.__cause__ if isinstance(error, SCIMException) else error
    if isinstance(cause, ValidationError):
        first = cause.errors(include_url=False, include_context=True, include_input=False)[:1]
        found = Error.from_validation_errors(first)[0]
        if isinstance(error, SCIMException):
            found.scim_type, found.status = error.scim_type, error.status
    else:
        found = error.to_error() if isinstance(error, SCIMException) else Error(status=400)
    return ScimError(found.status or 400, (found.detail or "")[:500], found.scim_type or "")


def taken(kind: ResourceKind, body: Mapping[str, Any], original: ScimResource | None = None) -> dict[str, Any]:
    """What is kept of a resource that was sent (RFC 7644, 3.3), or sent in place of the *original* (3.5.1). What
    clients cannot say is ignored. Raises :class:`ScimError`."""
    _require_schemas(kind, value_of(body, "schemas"))
    model, sent = FORMS[kind].model, without(body, OURS)
    try:
        found = model.model_validate(sent, scim_ctx=Context.RESOURCE_REPLACEMENT_REQUEST, scim_policy=POLICY)
        if original is not None:
            with POLICY:
                found.replace(model.model_validate(dict(original.content)))
    except (ValidationError, SCIMException) as error:
        raise refused(error) from error
    return kept(found)


def kept(found: Found) -> dict[str, Any]:
    """What is kept of a resource: all but what is ours to say, what follows from others, and any password."""
    with POLICY:
        return without(found.model_dump(), OURS | {"members"})


def model_of(
    kind: ResourceKind,
    resource: ScimResource,
    base: str,
    *,
    groups: Sequence[MemberOf] = (),
    members: Sequence[ScimMember] = (),
) -> Found:
    """The whole resource, as RFC 7643 describes it; *base* is the address above those of resources."""
    whole: dict[str, Any] = {
        **resource.content,
        "id": resource.id,
        "meta": {
            "resourceType": kind.value,
            "created": resource.made,
            "lastModified": resource.changed,
            "location": location(kind, resource.id, base),
            "version": version(resource),
        },
    }
    if groups:
        whole["groups"] = [_membership(each, base) for each in groups]
    if members:
        whole["members"] = [
            {"value": each.id, "$ref": location(each.kind, each.id, base), "type": each.kind.value}
            for each in members
        ]
    found: Found = FORMS[kind].model.model_validate(whole, scim_policy=POLICY)
    return found


def shown(found: Found, parameters: ResponseParameters[Any] | None = None) -> dict[str, Any]:
    """The resource as it is answered, with the attributes that were asked for (RFC 7644, 3.9)."""
    return found.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE, response_parameters=parameters)


def version(resource: ScimResource) -> str:
    """The entity tag of *resource* (RFC 7644, 3.14): a weak one, since an answer may leave attributes out."""
    return f'W/"{resource.version}"'


def location(kind: ResourceKind, resource_id: str, base: str) -> str:
    """The address of a resource."""
    return f"{base}/{kind.value}s/{resource_id}"


def resource_types(base: str) -> list[dict[str, Any]]:
    """The types of resources (RFC 7643, 6)."""
    return [
        _described(ResourceType.from_resource(forms.model), "ResourceType", f"{base}/ResourceTypes/{kind.value}")
        for kind, forms in FORMS.items()
    ]


def schemas(base: str) -> list[dict[str, Any]]:
    """The schemas of the resources (RFC 7643, 7)."""
    return [_described(each, "Schema", f"{base}/Schemas/{each.id}") for each in _schemas()]


def configuration(base: str, documentation: str) -> dict[str, Any]:
    """What this server can do (RFC 7643, 5)."""
    found = ServiceProviderConfig(
        documentation_uri=Reference(documentation),
        patch=Patch(supported=True),
        bulk=Bulk(supported=False, max_operations=0, max_payload_size=LARGEST),
        filter=Filter(supported=True, max_results=MOST_RESULTS),
        change_password=ChangePassword(supported=False),
        sort=Sort(supported=False),
        etag=ETag(supported=True),
        pagination=Pagination(
            cursor=False, index=True, default_page_size=MOST_RESULTS, max_page_size=MOST_RESULTS
        ),
        authentication_schemes=[
            AuthenticationScheme(
                type=AuthenticationScheme.Type.oauthbearertoken,
                name="OAuth Bearer Token",
                description="The id and the secret of an API client with the scope directory:write, with a dot"
                " between, or an access token with that scope",
                spec_uri=Reference("https://www.rfc-editor.org/info/rfc6750"),
                primary=True,
            )
        ],
    )
    return _described(found, "ServiceProviderConfig", f"{base}/ServiceProviderConfig")


@cache
def _schemas() -> tuple[Schema, ...]:
    return tuple(each.to_schema() for each in (User, EnterpriseUser, Group))


def _described(found: Found, kind: str, address: str) -> dict[str, Any]:
    meta = {"resourceType": kind, "location": address}
    return {**found.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE), "meta": meta}


def _membership(found: MemberOf, base: str) -> dict[str, str]:
    return {
        "value": found.group,
        "$ref": location(ResourceKind.GROUP, found.group, base),
        "display": found.name,
        "type": "direct" if found.direct else "indirect",
    }


def _require_schemas(kind: ResourceKind, given: object) -> None:
    if not isinstance(given, list) or not given or not all(isinstance(each, str) for each in given):
        raise invalid_value("schemas is a list with the schemas of the resource.")
    unknown = [each for each in given if each.lower() not in _NAMES[kind]]
    if unknown:
        raise invalid_value(f"No {kind.value} has the schema {unknown[0][:200]}.")

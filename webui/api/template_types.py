"""What the API takes and gives of templates."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from webui.api.typed import FieldValues, NamedParties
from webui.api.types import (
    ApiAmount,
    ApiDeadline,
    Cursor,
    Limit,
    Method,
    Moment,
    Number,
    Order,
    Purpose,
    Title,
    Tongue,
    Who,
)

FieldKind = Literal["text", "long-text", "number", "money", "date", "choice", "party", "yes-no"]
RoleWord = Literal["sender", "person", "seal", "open"]
TemplateId = Annotated[str, Meta(pattern="^[0-9a-f]{24}$", description="The template's `id`.")]


class ApiTemplateReader(Struct, forbid_unknown_fields=True):
    """As whom templates are read."""

    initiator: Who


class ApiTemplatePage(Struct, forbid_unknown_fields=True):
    """As whom templates are read, and which page of them."""

    initiator: Who
    limit: Limit = 50
    after: Cursor = ""


class ApiTemplateSummary(Struct):
    """A template that is offered. `version` counts its versions."""

    id: str
    name: str
    organisation: str
    kind: Annotated[str, Meta(description="The type of its contracts.")]
    language: Tongue
    version: int
    changed: Moment


class ApiTemplates(Struct):
    """Some of the templates, by name."""

    templates: list[ApiTemplateSummary]
    next: Annotated[str | None, Meta(description="The `after` of the next page; null behind the last.")]


class ApiTemplateField(Struct):
    """What is filled in. `least` and `most` bound the length of texts, and numbers, amounts and dates themselves;
    empty for no bound. A date is written as 2026-12-31."""

    name: str
    kind: FieldKind
    label: str
    required: bool
    help: str
    default: str
    least: str
    most: str
    choices: list[str]
    currency: Annotated[str | None, Meta(description="Of money (ISO 4217).")]


class ApiTemplateRole(Struct):
    """Who signs, in the order of signing: the initiator (`sender`), the same person or seal each time, or somebody
    who is named for each contract (`open`)."""

    name: str
    kind: RoleWord
    subject: Annotated[str | None, Meta(description="Of the person or the seal.")]
    organisation: Annotated[str, Meta(description="For which an open role always signs; else empty.")]
    method: Method | None


class ApiTemplate(ApiTemplateSummary):
    """A template as it is offered now. Without roles, contracts get their parties one by one, and a row of a batch
    names its counterparty as the role `guest`."""

    order: Order
    fields: list[ApiTemplateField]
    roles: list[ApiTemplateRole]
    open_roles: Annotated[list[str], Meta(description="The names of those that are to be named.")]


class ApiPrefill(Struct, forbid_unknown_fields=True):
    """A new contract from a template. It has the template's type, parties, copies and annexes."""

    initiator: Who
    title: Title
    purpose: Annotated[Purpose, Meta(description="Empty for the title.")] = ""
    fields: FieldValues = {}
    parties: NamedParties = {}
    version: Annotated[
        int | None, Meta(description="The template's version that was read; a newer one refuses the request.")
    ] = None
    deadline: ApiDeadline | None = None
    amount: ApiAmount | None = None
    number: Number | None = None

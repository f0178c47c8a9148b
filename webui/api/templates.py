"""Templates: reading those that people are offered, and making contracts from them."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct, structs

from appliance.contracts.drafting import DraftTerms
from appliance.model.api_clients import Scope
from appliance.model.mail_merge import TypedRow
from appliance.model.template_parties import TemplateRole
from appliance.model.writing import MergeField, MergeFieldKind, Template
from appliance.writing.merge_lists import blank_workbook
from appliance.writing.merge_rows import checked_contract
from appliance.writing.pages import require_current
from webui.api import contracts, conversions
from webui.api.initiators import initiator_of
from webui.api.lists import no_page, one_page
from webui.api.operations import XLSX, Answer, Call, Declared, KeyRule, Leads, operation
from webui.api.typed import FieldValues, NamedParties, fault_of, refused, typed_parties
from webui.api.types import (
    ApiAmount,
    ApiContract,
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
from webui.shared.language import current_language
from webui.shared.served import appliance

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


ONE: Final = "/templates/{template_id}"
FAULTY: Final = "Fields or parties have faults; nothing was made of them."
PERSON: Final = ("unknown-person", "cannot-initiate")


def _leads(of: str, template: str) -> Leads:
    """To what is made of the template, in the same name."""
    initiator = "$request.query.initiator"
    return Leads(
        of, {"template_id": template, "initiator": initiator}, {"template": template, "initiator": initiator}
    )


@operation(
    "GET",
    "/templates",
    Scope.TEMPLATES_READ,
    {200: ApiTemplates},
    Declared(query=ApiTemplatePage, problems=PERSON),
    _leads("listed_template", "$response.body#/templates/0/id"),
)
def list_templates(call: Call) -> Answer:
    """List the templates that an initiator is offered.

    Those of the initiator's organisation, of the client's types, by name.
    """
    asked = call.query(ApiTemplatePage)
    by = initiator_of(call, asked.initiator).subject
    offered = [each for each in appliance.writing.templates.all(by) if each.retired is None]
    first = 0
    if asked.after:
        first = next((place for place, each in enumerate(offered, 1) if each.id == asked.after), 0)
        if not first:
            raise no_page()
    shown, last = one_page(offered[first:], asked.limit, lambda each: each.id)
    return Answer(ApiTemplates([_summary(each) for each in shown], last))


@operation(
    "GET",
    ONE,
    Scope.TEMPLATES_READ,
    {200: ApiTemplate},
    Declared(query=ApiTemplateReader, problems=(*PERSON, "not-found", "state-refused")),
    _leads("template", "$request.path.template_id"),
)
def get_template(call: Call, template_id: str) -> Answer:
    """Read a template with its fields and roles.

    A retired one is refused (`state-refused`).
    """
    by = initiator_of(call, call.query(ApiTemplateReader).initiator).subject
    return Answer(_template(appliance.writing.templates.offered(template_id, by)))


@operation(
    "GET",
    f"{ONE}/list.xlsx",
    Scope.TEMPLATES_READ,
    {200: XLSX},
    Declared(query=ApiTemplateReader, problems=(*PERSON, "not-found", "state-refused")),
)
def get_list(call: Call, template_id: str) -> Answer:
    """Read the workbook to fill in for a batch.

    One row for each contract; it explains its columns. Filled in, it is the `document` of a new batch, which may
    have a column `Reference` besides. Its headings are in the language of `Accept-Language`; a batch takes either.
    """
    by = initiator_of(call, call.query(ApiTemplateReader).initiator).subject
    template = appliance.writing.templates.offered(template_id, by)
    return Answer(blank_workbook(template, current_language()))


@operation(
    "POST",
    f"{ONE}/contracts",
    Scope.CONTRACTS_WRITE,
    {201: ApiContract},
    Declared(
        body=ApiPrefill,
        problems=(*contracts.REFUSALS, *contracts.DOCUMENTS, *PERSON, "fields-refused"),
        key=KeyRule.REQUIRED,
    ),
    contracts.CONTRACT,
)
def draft_from_template(call: Call, template_id: str) -> Answer:
    """Draft a contract from a template.

    Its fields are filled with what is given, its open roles are taken by who is named. Everything that is wrong
    with them is told at once, in `errors`.
    """
    if call.made_before(contracts.read) is None:
        _draft(call, call.body(ApiPrefill), template_id)
    return contracts.drafted(call.chosen)


def _draft(call: Call, given: ApiPrefill, template_id: str) -> None:
    by = initiator_of(call, given.initiator).subject
    template = appliance.writing.templates.offered(template_id, by)
    if given.version is not None:
        require_current(template, given.version)
    row = TypedRow(typed_parties(given.parties), given.fields)
    entry, found = checked_contract(row, template, appliance.now().date())
    if entry is None:
        faults = [fault_of(each, "") for each in found.problems]
        raise refused("fields-refused", FAULTY, faults, found.total)
    terms = DraftTerms(
        title=given.title,
        kind=template.kind,
        purpose=given.purpose or given.title,
        initiator=by,
        deadline=None if given.deadline is None else conversions.deadline_of(given.deadline),
        amount=None if given.amount is None else conversions.money_of(given.amount),
        language=template.language,
        number=given.number,
    )
    guests = entry.guests[: len(template.current.parties.open_roles)]
    appliance.writing.issuing.from_version(
        template.current, entry.values, terms, guests=guests, as_contract=call.chosen
    )


def _summary(template: Template) -> ApiTemplateSummary:
    current = template.current
    return ApiTemplateSummary(
        id=template.id,
        name=template.name,
        organisation=template.organisation,
        kind=template.kind,
        language=template.language.value,
        version=current.number,
        changed=conversions.utc(current.at),
    )


def _template(template: Template) -> ApiTemplate:
    current, parties = template.current, template.current.parties
    return ApiTemplate(
        **structs.asdict(_summary(template)),
        order=parties.order.value,
        fields=[_field(each) for each in current.asked],
        roles=[_role(each) for each in parties.roles],
        open_roles=[each.name for each in parties.open_roles],
    )


def _field(field: MergeField) -> ApiTemplateField:
    return ApiTemplateField(
        name=field.name,
        kind=field.kind.value,
        label=field.label,
        required=field.required,
        help=field.help,
        default=field.default,
        least=field.least,
        most=field.most,
        choices=list(field.choices),
        currency=field.currency.value if field.kind is MergeFieldKind.MONEY else None,
    )


def _role(role: TemplateRole) -> ApiTemplateRole:
    return ApiTemplateRole(
        name=role.name,
        kind=role.kind.value,
        subject=role.subject or None,
        organisation=role.organisation,
        method=None if role.method is None else role.method.value,
    )

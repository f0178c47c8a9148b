"""Powers of attorney: what is on the register, and registering one, which counts once officers have confirmed
it."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from appliance.model.api_clients import Scope
from appliance.model.powers import Power, PowerBasis, PowerScope, RecordedAction
from appliance.powers.register import MOST_NAMES, VOID, PowerDraft
from appliance.powers.register import power_id as id_of_power
from hsm.names import LONGEST_ORGANISATION
from webui.api.contracts import DOCUMENTS, read
from webui.api.conversions import money_of, utc
from webui.api.initiators import initiator_of, subject_of
from webui.api.lists import in_list, one_page
from webui.api.operations import PDF, Answer, Call, Declared, KeyRule, operation
from webui.api.types import ApiAmount, ApiPage, Moment, Pdf, Who
from webui.shared.language import translate
from webui.shared.served import appliance

ONE = "/powers/{power_id}"

BasisWord = Literal["letter", "contract", "legal-representative"]
Name = Annotated[str, Meta(min_length=1, max_length=LONGEST_ORGANISATION, pattern=r"\S")]
"""Not blank: a scope of blank names alone would be one without names, which means all."""
Names = Annotated[list[Name], Meta(max_length=MOST_NAMES)]
Subject = Annotated[str, Meta(min_length=3, max_length=100, examples=["person-zhang"])]


class ApiPowerStep(Struct):
    """Who did something with a power, by `subject`, and when; `reason` where one was given."""

    by: str
    at: Moment
    reason: str


class ApiPower(Struct):
    """A power of attorney: `agent` (a `subject`) signs for `grantor`, from `since` until before `until`. Only a
    verified one counts. No `kinds` or `counterparties` means all of them, no `limit` any amount; seals have to be
    named."""

    id: str
    basis: BasisWord
    grantor: str
    principal: Annotated[str, Meta(description="Who signed the letter for the grantor.")]
    agent: str
    kinds: list[str]
    counterparties: list[str]
    limit: ApiAmount | None
    seals: list[str]
    since: Moment
    until: Moment
    replaces: Annotated[bool, Meta(description="It replaces the grantor's earlier ones for the same agent.")]
    contract: Annotated[str | None, Meta(description="The `id` of the contract that is the letter.")]
    digest: Annotated[str, Meta(description="SHA-256 of the letter, lower-case hex.", pattern="^[0-9a-f]{64}$")]
    state: Literal["registered", "verified", "refused", "revoked"]
    registered: ApiPowerStep
    verified: ApiPowerStep | None
    refused: ApiPowerStep | None
    revoked: ApiPowerStep | None
    entries: Annotated[list[int], Meta(description="Its entries in the log, by number.")]


class ApiPowers(Struct):
    """Some of the powers, the newest first."""

    powers: list[ApiPower]
    next: Annotated[str | None, Meta(description="The `after` of the next page; null behind the last.")]


class ApiNewPower(Struct, forbid_unknown_fields=True):
    """What the letter says. It comes as a `document`, or was signed here as a `contract` that is completed
    (`basis` `contract`). A legal representative's power has no scope."""

    initiator: Who
    basis: BasisWord
    grantor: Name
    principal: Name
    agent: Annotated[
        str, Meta(min_length=3, max_length=254, description="The person, named as the `person` of a party.")
    ]
    since: Moment
    until: Moment
    kinds: Names = []
    counterparties: Names = []
    limit: ApiAmount | None = None
    seals: Annotated[list[Subject], Meta(max_length=MOST_NAMES)] = []
    replaces: bool = False
    contract: Annotated[str, Meta(max_length=100, description="Its `id`.")] = ""
    document: Pdf = b""


@operation("GET", "/powers", Scope.POWERS_READ, {200: ApiPowers}, Declared(query=ApiPage))
def list_powers(call: Call) -> Answer:
    """List powers of attorney.

    Those that people of the client's organisations registered, or representatives of their partners.
    """
    page = call.query(ApiPage)
    with in_list():
        found = appliance.powers.page_of_client(after=page.after, limit=page.limit + 1)
    shown, last = one_page(found, page.limit, lambda each: each.id)
    return Answer(ApiPowers([_power(each) for each in shown], last))


@operation("GET", ONE, Scope.POWERS_READ, {200: ApiPower}, Declared(problems=("not-found",)))
def get_power(call: Call, power_id: str) -> Answer:
    """Read a power of attorney."""
    return Answer(_power(appliance.powers.of_client(power_id)))


@operation("GET", f"{ONE}/letter", Scope.POWERS_READ, {200: PDF}, Declared(problems=("not-found",)))
def get_power_letter(call: Call, power_id: str) -> Answer:
    """Read the letter of a power of attorney.

    A letter that was signed here as a contract can be read where that contract can.
    """
    power = appliance.powers.of_client(power_id)
    if power.contract is not None:
        read(power.contract)  # the letter is this contract's document
    return Answer(appliance.powers.letter(power))


@operation(
    "POST",
    "/powers",
    Scope.POWERS_WRITE,
    {201: ApiPower},
    Declared(
        body=ApiNewPower,
        problems=(*DOCUMENTS, "not-found", "precondition-refused", "unknown-person", "cannot-initiate"),
        key=KeyRule.REQUIRED,
    ),
)
def register_power(call: Call) -> Answer:
    """Register a power of attorney.

    In the name of its `initiator`, who cannot confirm it. It counts for nothing before officers have confirmed it
    with their keys.
    """
    given, made = call.body(ApiNewPower), id_of_power(call.chosen)
    before = call.made_before(lambda chosen: appliance.powers.of_client(id_of_power(chosen)))
    if before is not None:
        return _registered(before)
    by = initiator_of(call, given.initiator).subject
    limit = None if given.limit is None else money_of(given.limit, "/limit")
    draft = PowerDraft(
        basis=PowerBasis(given.basis),
        grantor=given.grantor,
        principal=given.principal,
        agent=subject_of(call, given.agent, "/agent"),
        scope=PowerScope(tuple(given.kinds), tuple(given.counterparties), limit, tuple(given.seals)),
        since=utc(given.since).replace(microsecond=0),
        until=utc(given.until).replace(microsecond=0),
        replaces=given.replaces,
        contract=given.contract or None,
    )
    appliance.powers.register(draft, given.document or None, by=by, as_power=made)
    return _registered(appliance.powers.of_client(made))


def _registered(power: Power) -> Answer:
    return Answer(_power(power), 201, headers={"Location": f"/api/v1/powers/{power.id}"})


def _power(power: Power) -> ApiPower:
    scope = power.scope
    return ApiPower(
        id=power.id,
        basis=power.basis.value,
        grantor=power.grantor,
        principal=power.principal,
        agent=power.agent,
        kinds=list(scope.kinds),
        counterparties=list(scope.counterparties),
        limit=None if scope.limit is None else ApiAmount(str(scope.limit.units), scope.limit.currency),
        seals=list(scope.seals),
        since=utc(power.since),
        until=utc(power.until),
        replaces=power.replaces,
        contract=power.contract,
        digest=power.document,
        state=power.state.value,
        registered=_step(power.registered),
        verified=None if power.verified is None else _step(power.verified),
        refused=None if power.refused is None else _step(power.refused),
        revoked=None if power.revoked is None else _step(power.revoked),
        entries=list(power.entries),
    )


def _step(done: RecordedAction) -> ApiPowerStep:
    return ApiPowerStep(done.by, utc(done.at), translate()(done.reason) if done.reason == VOID else done.reason)

"""Batches: a contract for each row of a list, from one template, and the result of each."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, structs

from appliance.language import Language
from appliance.model.api_clients import Scope
from appliance.model.mail_merge import (
    BatchOrder,
    FaultMode,
    ListProblem,
    MailMerge,
    MergeParties,
    MergeRow,
    MergeStage,
    RowState,
    TypedRow,
)
from appliance.writing.mail_merges import MOST_ON_A_PAGE, ListRefused
from webui.api import contracts, conversions
from webui.api.initiators import initiator_of
from webui.api.lists import in_list, one_page
from webui.api.operations import Answer, Call, Declared, KeyRule, Leads, operation
from webui.api.problems import ProblemError
from webui.api.request_content import ROOM_FOR_ROWS
from webui.api.templates import TemplateId
from webui.api.typed import FieldValues, NamedParties, fault_of, refused, typed_parties
from webui.api.types import ApiFault, ApiPage, Moment, Tongue, Who
from webui.shared.language import translate
from webui.shared.served import appliance

RowWord = Literal["waiting", "making", "draft", "sent", "failed", "cancelled"]
StageWord = Literal["review", "making", "sending"]
ModeWord = Literal["all-or-nothing", "good-rows"]


class ApiNewRow(Struct, forbid_unknown_fields=True):
    """One contract: who takes the open roles of the template, and what its fields say."""

    parties: NamedParties
    fields: FieldValues = {}
    title: Annotated[str, Meta(description="Empty for the template's name and the counterparty's.")] = ""
    amount: Annotated[str, Meta(description="In yuan (CNY).", examples=["1000000.00"])] = ""
    deadline: Annotated[
        str,
        Meta(description="A day, until the end of work; empty for two weeks.", examples=["2026-12-31"]),
    ] = ""
    reference: Annotated[str, Meta(description="Yours, once in each batch.", examples=["PO-4711"])] = ""


class ApiBatchSide(Struct, forbid_unknown_fields=True):
    """Who signs for the initiator's side, where the template has no roles."""

    initiator_signs: bool = True
    seal: Annotated[str, Meta(min_length=3, max_length=100, description="The seal's `subject`.")] | None = None


class ApiNewBatch(Struct, forbid_unknown_fields=True):
    """A contract for each row, from one template. The rows are given as `rows`, or as a `document`."""

    template: TemplateId
    initiator: Who
    rows: Annotated[list[ApiNewRow], Meta(max_length=10_000)] = []
    document: Annotated[
        bytes,
        Meta(description="XLSX or CSV in Base64, with the headings of the template's list and `Reference`."),
    ] = b""
    language: Annotated[Tongue, Meta(description="Of the headings of a document that are told.")] = "en"
    mode: Annotated[
        ModeWord, Meta(description="Whether rows without fault are kept where others have faults.")
    ] = "all-or-nothing"
    send: Annotated[bool, Meta(description="Each contract is sent as soon as it is made.")] = False
    side: ApiBatchSide | None = None


class ApiRowCounts(Struct):
    """How many rows are in each state."""

    waiting: int
    making: int
    draft: int
    sent: int
    failed: int
    cancelled: int


class ApiBatch(Struct):
    """A batch. `busy`: something is still to be made or sent. `rejected` rows had faults and were left out."""

    id: str
    template: str
    version: Annotated[int, Meta(description="Of the template.")]
    initiator: Annotated[str, Meta(description="The person's `subject`.")]
    stage: Annotated[StageWord, Meta(description="Whether drafts were asked for, or that they are sent.")]
    created: Moment
    total: Annotated[int, Meta(description="The rows that were taken.")]
    rejected: int
    busy: bool
    counts: ApiRowCounts


class ApiBatches(Struct):
    """Some of the client's batches, the newest first."""

    batches: list[ApiBatch]
    next: Annotated[str | None, Meta(description="The `after` of the next page; null behind the last.")]


class ApiRowProblem(Struct):
    """Why a row was not made, or not sent."""

    code: Annotated[str, Meta(examples=["precondition-refused"])]
    detail: str


class ApiRow(Struct):
    """What has become of a row. `contract` is the id of its contract once that is there."""

    number: Annotated[int, Meta(description="Counted from 1; in a document as at the edge of the sheet.")]
    reference: str | None
    title: str
    state: RowWord
    contract: str | None
    problem: ApiRowProblem | None
    remark: Annotated[str | None, Meta(description="What is worth knowing of it.")]


class ApiRows(Struct):
    """Some of the rows, in their order."""

    rows: list[ApiRow]
    next: Annotated[int | None, Meta(description="The `after` of the next page; null behind the last.")]


After = Annotated[int, Meta(ge=0, le=1_000_000, description="The `next` of the page before.")]
Most = Annotated[int, Meta(ge=1, le=499, description="How many at most.")]


class ApiRowFilter(Struct, forbid_unknown_fields=True):
    """Which rows."""

    state: RowWord | UnsetType = UNSET
    limit: Most = 100
    after: After = 0


class ApiFaultPage(Struct, forbid_unknown_fields=True):
    """Which page of the faults."""

    after: After = 0


class ApiFaults(Struct):
    """What was wrong with the rows that were left out: the first 1,000 faults, in their order."""

    faults: list[ApiFault]
    next: Annotated[int | None, Meta(description="The `after` of the next page; null behind the last.")]


class ApiChangedRows(Struct):
    """How many rows it changed, and the batch afterwards."""

    rows: int
    batch: ApiBatch


ONE: Final = "/batches/{batch_id}"
BATCH: Final = Leads("batch", {"batch_id": "$response.body#/id"})
CHANGED: Final = Leads("changed_batch", {"batch_id": "$response.body#/batch/id"})
CHANGES: Final = Declared(problems=("not-found", "state-refused"), key=KeyRule.OPTIONAL)


@operation(
    "POST",
    "/batches",
    Scope.CONTRACTS_WRITE,
    {201: ApiBatch},
    Declared(
        body=ApiNewBatch,
        problems=(
            *contracts.REFUSALS,
            "list-refused",
            "document-refused",
            "confinement-failed",
            "unknown-person",
            "cannot-initiate",
        ),
        key=KeyRule.REQUIRED,
        room=ROOM_FOR_ROWS,
    ),
    BATCH,
)
def create_batch(call: Call) -> Answer:
    """Have a contract made for each row.

    All rows are checked before anything is made; what is wrong with them is told in `errors`, each fault with its
    row. The contracts are made and sent afterwards, each at most once; read the batch to see how far it is.
    """
    merge = call.made_before(appliance.mail_merges.find) or _create(call, call.body(ApiNewBatch))
    return Answer(_batch(merge), 201, headers={"Location": f"/api/v1/batches/{merge.id}"})


def _create(call: Call, given: ApiNewBatch) -> MailMerge:
    """Raises :class:`ProblemError` for rows with faults, each with the pointer to it."""
    if bool(given.rows) == bool(given.document):
        raise ProblemError("Give either rows or a document.", "invalid-body", pointer="/rows")
    if len(given.document) > appliance.settings.documents.largest:
        raise ProblemError("The document is too large.", "content-too-large", pointer="/document")
    by = initiator_of(call, given.initiator).subject
    side = given.side
    order = BatchOrder(
        given.template,
        rows=[_typed(each) for each in given.rows],
        document=given.document,
        id=call.chosen,
        stage=MergeStage.SENDING if given.send else MergeStage.MAKING,
        mode=FaultMode(given.mode),
        parties=MergeParties() if side is None else MergeParties(side.initiator_signs, side.seal),
        language=Language(given.language),
    )
    try:
        return appliance.mail_merges.create(order, by=by)
    except ListRefused as refusal:
        faults = [_fault(each, in_document=bool(given.document)) for each in refusal.problems]
        raise refused("list-refused", refusal.template, faults, refusal.total) from refusal


def _typed(row: ApiNewRow) -> TypedRow:
    return TypedRow(typed_parties(row.parties), row.fields, row.title, row.amount, row.deadline, row.reference)


def _fault(problem: ListProblem, *, in_document: bool) -> ApiFault:
    if in_document:
        told = fault_of(replace(problem, column=""), "/document", row=problem.row)
        return structs.replace(told, column=problem.column)
    return fault_of(problem, f"/rows/{problem.row - 1}", row=problem.row)


@operation(
    "GET",
    "/batches",
    Scope.CONTRACTS_READ,
    {200: ApiBatches},
    Declared(query=ApiPage),
    Leads("listed_batch", {"batch_id": "$response.body#/batches/0/id"}),
)
def list_batches(call: Call) -> Answer:
    """List the client's batches.

    The newest come first. A batch with nothing left to do is forgotten after 30 days; its contracts stay.
    """
    page = call.query(ApiPage)
    with in_list():
        found = appliance.mail_merges.of_client(page.after or None, most=page.limit + 1)
    shown, last = one_page(found, page.limit, lambda each: each.id)
    return Answer(ApiBatches([_batch(each) for each in shown], last))


@operation("GET", ONE, Scope.CONTRACTS_READ, {200: ApiBatch}, Declared(problems=("not-found",)), BATCH)
def get_batch(call: Call, batch_id: str) -> Answer:
    """Read how far a batch is."""
    return _answer(batch_id)


@operation(
    "GET",
    f"{ONE}/rows",
    Scope.CONTRACTS_READ,
    {200: ApiRows},
    Declared(query=ApiRowFilter, problems=("not-found",)),
    Leads("row", {"contract_id": "$response.body#/rows/0/contract"}),
)
def list_rows(call: Call, batch_id: str) -> Answer:
    """Read the result of each row of a batch."""
    asked, merge = call.query(ApiRowFilter), appliance.mail_merges.find(batch_id)
    state = None if asked.state is UNSET else RowState(asked.state)
    found = appliance.mail_merges.rows(merge.id, merge.owner, after=asked.after, most=asked.limit + 1, state=state)
    shown, last = one_page(found, asked.limit, lambda each: each.number)
    return Answer(ApiRows([_row(each) for each in shown], last))


@operation(
    "GET",
    f"{ONE}/faults",
    Scope.CONTRACTS_READ,
    {200: ApiFaults},
    Declared(query=ApiFaultPage, problems=("not-found",)),
)
def list_faults(call: Call, batch_id: str) -> Answer:
    """Read why rows of a batch were left out.

    Of a batch in the mode `good-rows`. Send these rows again as another batch.
    """
    asked, merge = call.query(ApiFaultPage), appliance.mail_merges.find(batch_id)
    found = appliance.mail_merges.faults(merge.id, merge.owner, after=asked.after)
    faults = [_fault(each, in_document=bool(each.cell)) for _, each in found]
    return Answer(ApiFaults(faults, found[-1][0] if len(found) == MOST_ON_A_PAGE else None))


@operation("POST", f"{ONE}/send", Scope.CONTRACTS_WRITE, {200: ApiBatch}, CHANGES, BATCH)
def send_batch(call: Call, batch_id: str) -> Answer:
    """Send the drafts of a batch.

    It is refused while drafts are still being made; once more, it changes nothing.
    """
    merge = appliance.mail_merges.find(batch_id)
    appliance.mail_merges.send_all(merge.id, by=merge.owner)
    return _answer(batch_id)


@operation("POST", f"{ONE}/retry", Scope.CONTRACTS_WRITE, {200: ApiChangedRows}, CHANGES, CHANGED)
def retry_batch(call: Call, batch_id: str) -> Answer:
    """Try the rows again that failed.

    A contract that is there already is not made again.
    """
    merge = appliance.mail_merges.find(batch_id)
    return Answer(ApiChangedRows(appliance.mail_merges.retry(merge.id, by=merge.owner), _batch(merge)))


@operation("POST", f"{ONE}/cancel", Scope.CONTRACTS_WRITE, {200: ApiChangedRows}, CHANGES, CHANGED)
def cancel_batch(call: Call, batch_id: str) -> Answer:
    """Cancel the rows of a batch that wait.

    What is in the making is finished; contracts that are there stay.
    """
    merge = appliance.mail_merges.find(batch_id)
    return Answer(ApiChangedRows(appliance.mail_merges.cancel(merge.id, by=merge.owner), _batch(merge)))


def _answer(batch_id: str) -> Answer:
    """The batch as it is now. Raises :class:`NotFound` for one of somebody else."""
    return Answer(_batch(appliance.mail_merges.find(batch_id)))


def _batch(merge: MailMerge) -> ApiBatch:
    progress = appliance.mail_merges.progress(merge.id, merge.owner)
    now = progress.merge
    return ApiBatch(
        id=now.id,
        template=now.template,
        version=now.version,
        initiator=now.owner,
        stage=now.stage.value,
        created=conversions.utc(now.created),
        total=progress.total,
        rejected=now.rejected,
        busy=progress.busy,
        counts=ApiRowCounts(**{state.value: progress.counts.get(state, 0) for state in RowState}),
    )


def _row(row: MergeRow) -> ApiRow:
    say = translate()
    problem = None
    if row.refusal is not None:
        problem = ApiRowProblem(row.code or "internal", row.refusal.translated(say))
    return ApiRow(
        number=row.number,
        reference=row.reference,
        title=row.entry.title,
        state=row.state.value,
        contract=row.contract if _is_there(row) else None,
        problem=problem,
        remark=None if row.remark is None else row.remark.translated(say),
    )


def _is_there(row: MergeRow) -> bool:
    """Whether the row has a contract. One that failed may have a draft that could not be sent."""
    if row.state in (RowState.DRAFT, RowState.SENT):
        return True
    return row.state is RowState.FAILED and row.contract is not None and contracts.exists(row.contract)

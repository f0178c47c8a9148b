"""Batches of deposits: one for each row, of one file each, and the result of each."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Annotated, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, structs

from appliance.model.api_clients import Scope
from appliance.model.deposits import BatchedDeposit, BatchedState, DepositBatch, DepositedFile, ObtainedDeclaration
from appliance.model.mail_merge import ListProblem
from appliance.ownership import DepositOrder
from appliance.ownership.batches import FAULTY, SAME_FILE, SAME_PREDECESSOR
from appliance.ownership.orders import LONGEST_DESCRIPTION, LONGEST_TITLE, MOST_AT_ONCE
from webui.api import conversions
from webui.api.batches import After, ApiRowProblem, Most
from webui.api.deposits import (
    ApiDeclaration,
    ApiDepositedFile,
    ApiNewDeclaration,
    ApiRightsHolder,
    CreationWord,
    DepositId,
    WorkWord,
    declaration_of,
    work_of,
)
from webui.api.initiators import declarer_of, depositor_of
from webui.api.lists import in_list, one_page
from webui.api.operations import Answer, Call, Declared, KeyRule, Leads, operation
from webui.api.request_content import ROOM_FOR_ROWS
from webui.api.typed import fault_of, refused
from webui.api.types import ApiFault, ApiPage, Moment, Who
from webui.shared.language import translate
from webui.shared.served import appliance

ONE: Final = "/deposit-batches/{deposit_batch_id}"
BATCH: Final = Leads("deposit_batch", {"deposit_batch_id": "$response.body#/id"})
CHANGED: Final = Leads("changed_deposit_batch", {"deposit_batch_id": "$response.body#/batch/id"})

BatchedWord = Literal["waiting", "made", "failed"]


class ApiNewDepositRow(Struct, forbid_unknown_fields=True):
    """One deposit: its file, and whose work that is."""

    file: ApiDepositedFile
    kind: WorkWord
    creation: CreationWord
    holder: ApiRightsHolder
    title: Annotated[str, Meta(max_length=LONGEST_TITLE, description="Empty for the file's name.")] = ""
    completed: Annotated[date, Meta(description="When the work was completed.")] | None = None
    description: Annotated[str, Meta(max_length=LONGEST_DESCRIPTION)] = ""
    predecessor: Annotated[DepositId, Meta(description="The deposit whose next version this is.")] | None = None


class ApiNewDepositBatch(Struct, forbid_unknown_fields=True):
    """A deposit for each row, in the name of the `depositor`; the declaration is about all of them."""

    depositor: Who
    declaration: ApiNewDeclaration
    rows: Annotated[list[ApiNewDepositRow], Meta(min_length=1, max_length=MOST_AT_ONCE)]


class ApiDepositRowCounts(Struct):
    """How many rows are in each state."""

    waiting: int
    made: int
    failed: int


class ApiDepositBatch(Struct):
    """A batch of deposits. `busy`: some of them are still to be made."""

    id: str
    depositor: Annotated[str, Meta(description="A `subject`.")]
    declaration: ApiDeclaration
    created: Moment
    total: int
    busy: bool
    counts: ApiDepositRowCounts


class ApiDepositBatches(Struct):
    """Some of the client's batches of deposits, the newest first."""

    batches: list[ApiDepositBatch]
    next: Annotated[str | None, Meta(description="The `after` of the next page; null behind the last.")]


class ApiDepositRow(Struct):
    """What has become of a row. `deposit` is the `id` of its deposit once that is there, by which certificate and
    timestamp are read."""

    number: Annotated[int, Meta(description="Counted from 1.")]
    title: str
    file: ApiDepositedFile
    state: BatchedWord
    deposit: str | None
    problem: ApiRowProblem | None


class ApiDepositRows(Struct):
    """Some of the rows, in their order."""

    rows: list[ApiDepositRow]
    next: Annotated[int | None, Meta(description="The `after` of the next page; null behind the last.")]


class ApiDepositRowFilter(Struct, forbid_unknown_fields=True):
    """Which rows."""

    state: BatchedWord | UnsetType = UNSET
    limit: Most = 100
    after: After = 0


class ApiRetriedDeposits(Struct):
    """How many rows wait once more, and the batch afterwards."""

    rows: int
    batch: ApiDepositBatch


@operation(
    "POST",
    "/deposit-batches",
    Scope.DEPOSITS_WRITE,
    {201: ApiDepositBatch},
    Declared(
        body=ApiNewDepositBatch,
        problems=("precondition-refused", "unknown-person", "cannot-deposit", "list-refused", "state-refused"),
        key=KeyRule.REQUIRED,
        room=ROOM_FOR_ROWS,
    ),
    BATCH,
)
def create_deposit_batch(call: Call) -> Answer:
    """Deposit the digest of each row.

    All rows are checked before anything is deposited; what is wrong with them is told in `errors`, each fault with
    its row. The deposits are made afterwards, each exactly once and with its own timestamp; read the batch to see
    how far it is. The depositor and whoever declared it are told once for all of them. At most ten batches of a
    client wait at the same time; one more is refused (`state-refused`).
    """
    batch = call.made_before(appliance.deposit_batches.find) or _create(call, call.body(ApiNewDepositBatch))
    return Answer(_batch(batch), 201, headers={"Location": f"/api/v1/deposit-batches/{batch.id}"})


def _create(call: Call, given: ApiNewDepositBatch) -> DepositBatch:
    """Raises :class:`ProblemError` for rows with faults, each with the pointer to it."""
    by = depositor_of(call, given.depositor)
    declared = ObtainedDeclaration(declarer_of(call, given.declaration.by), given.declaration.obtained)
    orders = [_order(each, given.declaration.version, declared) for each in given.rows]
    found = appliance.deposit_batches.check_rows(orders, by=by)
    if found.problems:
        faults = [_fault(each) for each in sorted(found.problems, key=lambda problem: problem.row)]
        raise refused("list-refused", FAULTY, faults, found.total)
    return appliance.deposit_batches.keep(found, by=by, number=call.chosen)


def _order(row: ApiNewDepositRow, version: str, declared: ObtainedDeclaration) -> DepositOrder:
    file = DepositedFile(row.file.name, row.file.sha256, row.file.size)
    return DepositOrder(row.title, (file,), work_of(row, version), row.predecessor, declared)


_MEMBERS: Final = {"files": "/file", "name": "/file/name", "size": "/file/size"}
"""Pointers by what of an order a refusal is about, where that is no member of the row."""


def _fault(problem: ListProblem) -> ApiFault:
    pointer = _MEMBERS.get(problem.column, f"/{problem.column}" if problem.column else "")
    told = fault_of(replace(problem, column=""), f"/rows/{problem.row - 1}{pointer}", row=problem.row)
    repeated = problem.sentence.template in (SAME_FILE, SAME_PREDECESSOR)
    return structs.replace(told, code="repeated") if repeated else told


@operation(
    "GET",
    "/deposit-batches",
    Scope.DEPOSITS_READ,
    {200: ApiDepositBatches},
    Declared(query=ApiPage),
    Leads("listed_deposit_batch", {"deposit_batch_id": "$response.body#/batches/0/id"}),
)
def list_deposit_batches(call: Call) -> Answer:
    """List the client's batches of deposits.

    The newest come first. A batch with nothing left to do is forgotten after 30 days; its deposits stay.
    """
    page = call.query(ApiPage)
    with in_list():
        found = appliance.deposit_batches.of_client(page.after, limit=page.limit + 1)
    shown, last = one_page(found, page.limit, lambda each: each.id)
    return Answer(ApiDepositBatches([_batch(each) for each in shown], last))


@operation("GET", ONE, Scope.DEPOSITS_READ, {200: ApiDepositBatch}, Declared(problems=("not-found",)), BATCH)
def get_deposit_batch(call: Call, deposit_batch_id: str) -> Answer:
    """Read how far a batch of deposits is."""
    return Answer(_batch(appliance.deposit_batches.find(deposit_batch_id)))


@operation(
    "GET",
    f"{ONE}/rows",
    Scope.DEPOSITS_READ,
    {200: ApiDepositRows},
    Declared(query=ApiDepositRowFilter, problems=("not-found",)),
    Leads("deposit_row", {"deposit_id": "$response.body#/rows/0/deposit"}),
)
def list_deposit_rows(call: Call, deposit_batch_id: str) -> Answer:
    """Read the result of each row of a batch of deposits."""
    asked, batch = call.query(ApiDepositRowFilter), appliance.deposit_batches.find(deposit_batch_id)
    found = appliance.deposit_batches.rows(
        batch.id,
        by=batch.owner,
        after=asked.after,
        limit=asked.limit + 1,
        state=None if asked.state is UNSET else BatchedState(asked.state),
    )
    shown, last = one_page(found, asked.limit, lambda each: each.number)
    return Answer(ApiDepositRows([_row(each) for each in shown], last))


@operation(
    "POST",
    f"{ONE}/retry",
    Scope.DEPOSITS_WRITE,
    {200: ApiRetriedDeposits},
    Declared(problems=("not-found", "state-refused"), key=KeyRule.OPTIONAL),
    CHANGED,
)
def retry_deposit_batch(call: Call, deposit_batch_id: str) -> Answer:
    """Try the rows again that were not deposited.

    What is there already is not deposited again.
    """
    batch = appliance.deposit_batches.find(deposit_batch_id)
    return Answer(ApiRetriedDeposits(appliance.deposit_batches.retry(batch.id, by=batch.owner), _batch(batch)))


def _batch(batch: DepositBatch) -> ApiDepositBatch:
    progress = appliance.deposit_batches.progress(batch.id, by=batch.owner)
    [first] = appliance.deposit_batches.rows(batch.id, by=batch.owner, limit=1)
    return ApiDepositBatch(
        id=batch.id,
        depositor=batch.owner,
        declaration=declaration_of(first.work.declaration, batch.declared),
        created=conversions.utc(batch.created),
        total=progress.total,
        busy=progress.busy,
        counts=ApiDepositRowCounts(**{state.value: progress.counts.get(state, 0) for state in BatchedState}),
    )


def _row(row: BatchedDeposit) -> ApiDepositRow:
    problem = None
    if row.refusal is not None:
        problem = ApiRowProblem(row.code or "precondition-refused", row.refusal.translated(translate()))
    return ApiDepositRow(
        number=row.number,
        title=row.title,
        file=ApiDepositedFile(row.file.digest, row.file.name, row.file.size),
        state=row.state.value,
        deposit=row.deposit if row.state is BatchedState.MADE else None,
        problem=problem,
    )

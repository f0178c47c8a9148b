"""What the API takes and gives of batches."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from webui.api.template_types import TemplateId
from webui.api.typed import FieldValues, NamedParties
from webui.api.types import ApiFault, Moment, Tongue, Who

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

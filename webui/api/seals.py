"""Requests for seals, and the register of their uses. Programs read them alone: who asks for a seal activates the
request, and who answers it activates it too."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from appliance.model.api_clients import Scope
from appliance.model.people import SealRequest, SealRequestState, SealUse
from webui.api.contracts import ONE, READING
from webui.api.conversions import utc
from webui.api.lists import in_list
from webui.api.operations import Answer, Call, Declared, operation
from webui.api.types import Cursor, Limit, Moment
from webui.shared.language import translate
from webui.shared.served import appliance

SealRequestWord = Literal["waiting", "approved", "used", "refused", "withdrawn", "lapsed"]


class ApiSealRequest(Struct):
    """Somebody asks for the use of a seal. People and seals by `subject`."""

    id: str
    party: Annotated[str, Meta(description="The `id` of the party whose seal it is.")]
    seal: str
    requester: str
    reason: Annotated[str, Meta(description="What the seal is wanted for.")]
    state: SealRequestWord
    needed: Annotated[int, Meta(description="How many custodians have to approve it.")]
    approved_by: list[str]
    asked: Moment
    expires: Moment
    decided: Moment | None
    answer: Annotated[str | None, Meta(description="Why it was refused, or ended without an answer.")]


class ApiSealRequests(Struct):
    """All requests about a contract, the oldest first."""

    seal_requests: list[ApiSealRequest]


class ApiSealUse(Struct):
    """A line of the register. People are named; `custodians` are those who approved. `digest` is the SHA-256 that
    all of them activated and the seal signed."""

    request: Annotated[str, Meta(description="The request's `id`.")]
    state: SealRequestWord
    seal: Annotated[str, Meta(description="Its `subject`.")]
    seal_name: str
    contract: Annotated[str, Meta(description="The contract's `id`.")]
    title: str
    reason: str
    requester: str
    custodians: list[str]
    needed: int
    asked: Moment
    decided: Moment | None
    digest: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    pages: Annotated[int, Meta(description="Of the document.")]
    places: Annotated[int, Meta(description="Of the seal on it.")]
    crossing: Annotated[bool, Meta(description="Whether it is on the edges of all pages, too.")]


class ApiSealUses(Struct):
    """Some of the lines, the newest first."""

    seal_uses: list[ApiSealUse]
    next: Annotated[
        str | None,
        Meta(
            description="The `after` of the next page; null behind the last. A page may have few lines, or none."
        ),
    ]


class ApiSealUseFilter(Struct, forbid_unknown_fields=True):
    """Which lines; `used` are those of seals that were put on a document."""

    state: SealRequestWord | UnsetType = UNSET
    limit: Limit = 50
    after: Cursor = ""


@operation(
    "GET",
    f"{ONE}/seal-requests",
    Scope.SEALS_READ,
    {200: ApiSealRequests},
    Declared(problems=READING),
)
def list_seal_requests(call: Call, contract_id: str) -> Answer:
    """List the requests for seals on a contract.

    Those for seals of the client's organisations; how others use theirs is internal to them. People alone ask for
    a seal, since asking is an activation, and take that back. Recalling the contract ends every request about it.
    """
    found = appliance.client_contracts.seal_requests(contract_id)
    return Answer(ApiSealRequests([_request(each) for each in found]))


@operation("GET", "/seal-uses", Scope.SEALS_READ, {200: ApiSealUses}, Declared(query=ApiSealUseFilter))
def list_seal_uses(call: Call) -> Answer:
    """List the register of seal uses.

    Every request for a seal of the client's organisations on a contract within its reach, with what became of it.
    """
    wanted = call.query(ApiSealUseFilter)
    state = None if wanted.state is UNSET else SealRequestState(wanted.state)
    with in_list():
        page = appliance.client_contracts.seal_uses(state, after=wanted.after or None, limit=wanted.limit)
    return Answer(ApiSealUses([_use(each) for each in page.uses], page.next))


def _request(request: SealRequest) -> ApiSealRequest:
    lapsed = request.state is SealRequestState.LAPSED
    return ApiSealRequest(
        id=request.id,
        party=request.party,
        seal=request.seal,
        requester=request.requester,
        reason=request.reason,
        state=request.state.value,
        needed=request.needed,
        approved_by=list(request.approved_by),
        asked=utc(request.asked),
        expires=utc(request.expires),
        decided=None if request.decided is None else utc(request.decided),
        answer=translate()(request.answer) if lapsed and request.answer else request.answer,
    )


def _use(use: SealUse) -> ApiSealUse:
    return ApiSealUse(
        request=use.request,
        state=use.state.value,
        seal=use.seal,
        seal_name=use.seal_name,
        contract=use.contract,
        title=use.title,
        reason=use.reason,
        requester=use.requester,
        custodians=list(use.custodians),
        needed=use.needed,
        asked=utc(use.asked),
        decided=None if use.decided is None else utc(use.decided),
        digest=use.digest,
        pages=use.pages,
        places=use.places,
        crossing=use.crossing,
    )

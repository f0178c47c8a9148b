"""Contracts: reading, drafting, and what their initiators do with them before everybody has signed."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from msgspec import UNSET

from appliance.contracts.drafting import DraftTerms
from appliance.contracts.permissions import ContractActor
from appliance.errors import NotFound
from appliance.evidence.exporting import Exporting
from appliance.ledger.disclosure import Audience
from appliance.model.api_clients import Scope
from appliance.model.contract import AmendmentKind, Contract, ContractState, RevisionKind, SigningOrder
from appliance.model.listing import ClientContract, ClientFilter
from appliance.writing import amending
from appliance.writing.amendment_drafts import AmendmentTerms
from webui.api import conversions
from webui.api.initiators import initiator_of
from webui.api.lists import in_list
from webui.api.operations import PDF, ZIP, Answer, Call, Declared, KeyRule, Leads, VersionRule, operation
from webui.api.problems import ProblemError
from webui.api.types import (
    ApiAmendment,
    ApiChange,
    ApiContract,
    ApiContractFilter,
    ApiContracts,
    ApiDraft,
    ApiExtension,
    ApiReason,
    ApiSend,
)
from webui.shared.language import translate
from webui.shared.served import appliance

ONE: Final = "/contracts/{contract_id}"
READING: Final = ("not-found", "state-refused")
"""The latter for what was disposed of."""
REFUSALS: Final = (*READING, "precondition-refused")
CHANGES: Final = (*REFUSALS, "version-changed")
CONTRACT: Final = Leads(
    "contract",
    {
        "contract_id": "$response.body#/id",
        "party_id": "$response.body#/parties/0/id",
        "If-Match": "$response.header.ETag",
    },
)
DOCUMENTS: Final = ("document-refused", "content-too-large", "confinement-failed", "storage")


def read(contract_id: str) -> ClientContract:
    """The contract, within the client's reach. Raises :class:`NotFound`."""
    return appliance.client_contracts.read(contract_id)


def answer(contract_id: str, status: int = 200) -> Answer:
    """The contract as it is now."""
    seen = read(contract_id)
    return Answer(conversions.contract_of(seen), status, seen.contract.version)


def to_change(call: Call, contract_id: str) -> tuple[Contract, int]:
    """The contract and its version, which the request is about. Raises as :func:`read`, and
    :class:`ProblemError` (412) for another version."""
    contract = read(contract_id).contract
    return contract, call.require_version(contract.version)


@operation(
    "GET",
    "/contracts",
    Scope.CONTRACTS_READ,
    {200: ApiContracts},
    Declared(query=ApiContractFilter),
    Leads("listed_contract", {"contract_id": "$response.body#/contracts/0/id"}),
)
def list_contracts(call: Call) -> Answer:
    """List contracts.

    Those whose initiators are of the client's organisations, of its types; of drafts those that the client has
    made. The newest come first, with `changed_since` those that changed last.
    """
    wanted = call.query(ApiContractFilter)
    state = None if wanted.state is UNSET else ContractState(wanted.state)
    kind = "" if wanted.kind is UNSET else wanted.kind
    since = None if wanted.changed_since is UNSET else wanted.changed_since
    chosen = ClientFilter(state, kind, since)
    with in_list():
        page = appliance.client_contracts.page(chosen, after=wanted.after or None, limit=wanted.limit)
    return Answer(ApiContracts([conversions.contract_of(each) for each in page.contracts], page.next))


@operation(
    "GET",
    ONE,
    Scope.CONTRACTS_READ,
    {200: ApiContract},
    Declared(problems=READING, version=VersionRule.KNOWN),
    CONTRACT,
)
def get_contract(call: Call, contract_id: str) -> Answer:
    """Read a contract.

    With its `ETag` in `If-None-Match` the answer is 304, without content, while it is still that version.
    """
    return answer(contract_id)


@operation(
    "POST",
    "/contracts",
    Scope.CONTRACTS_WRITE,
    {201: ApiContract},
    Declared(
        body=ApiDraft,
        problems=(*DOCUMENTS, "precondition-refused", "unknown-person", "cannot-initiate", "out-of-reach"),
        key=KeyRule.REQUIRED,
    ),
    CONTRACT,
)
def draft_contract(call: Call) -> Answer:
    """Draft a contract.

    It is made in the name of its initiator, who finds it in the portal, and is told what becomes of it as of any
    other. Nobody else hears of it before it is sent.
    """
    if call.made_before(read) is None:
        given = call.body(ApiDraft)
        appliance.drafting.draft(given.document, _terms(call, given), as_contract=call.chosen)
    return drafted(call.chosen)


def drafted(contract_id: str) -> Answer:
    return replace(answer(contract_id, 201), headers={"Location": f"/api/v1/contracts/{contract_id}"})


def exists(contract_id: str) -> bool:
    try:
        read(contract_id)
    except NotFound:
        return False
    return True


def _terms(call: Call, given: ApiDraft) -> DraftTerms:
    """Raises :class:`ProblemError` for an initiator, or a type, that is not the client's."""
    initiator = initiator_of(call, given.initiator)
    _require_kind(call, given.kind)
    return DraftTerms(
        title=given.title,
        kind=given.kind,
        purpose=given.purpose,
        initiator=initiator.subject,
        deadline=None if given.deadline is None else conversions.deadline_of(given.deadline),
        order=SigningOrder(given.order),
        amount=None if given.amount is None else conversions.money_of(given.amount),
        language=conversions.language_of(given.language),
        number=given.number,
    )


def _require_kind(call: Call, kind: str) -> None:
    kinds = call.client.client.kinds
    if kinds and kind not in kinds:
        raise ProblemError(
            "This client has contracts of these types alone: {kinds}.",
            "out-of-reach",
            pointer="/kind",
            kinds=", ".join(sorted(kinds)),
        )


@operation(
    "PATCH",
    ONE,
    Scope.CONTRACTS_WRITE,
    {200: ApiContract},
    Declared(body=ApiChange, problems=(*CHANGES, "out-of-reach"), version=VersionRule.REQUIRED),
    CONTRACT,
)
def change_contract(call: Call, contract_id: str) -> Answer:
    """Change a draft's words, order, deadline or amount.

    What is left out stays; the initiator does not change.
    """
    given, (draft, seen) = call.body(ApiChange), to_change(call, contract_id)
    terms = DraftTerms(
        title=draft.title if given.title is UNSET else given.title,
        kind=draft.kind if given.kind is UNSET else given.kind,
        purpose=draft.purpose if given.purpose is UNSET else given.purpose,
        initiator=draft.initiator,
        deadline=draft.deadline if given.deadline is UNSET else conversions.deadline_of(given.deadline),
        order=draft.order if given.order is UNSET else SigningOrder(given.order),
        amount=draft.amount,
        language=None if given.language is UNSET else conversions.language_of(given.language),
        number=None if given.number is UNSET else given.number,
    )
    if given.amount is not UNSET:
        terms = replace(terms, amount=None if given.amount is None else conversions.money_of(given.amount))
    if given.kind is not UNSET:
        _require_kind(call, given.kind)
    appliance.drafting.revise(contract_id, terms, by=draft.initiator, seen=seen)
    return answer(contract_id)


@operation(
    "PUT",
    f"{ONE}/document",
    Scope.CONTRACTS_WRITE,
    {200: ApiContract},
    Declared(body=PDF, problems=(*CHANGES, *DOCUMENTS), version=VersionRule.REQUIRED),
    CONTRACT,
)
def replace_document(call: Call, contract_id: str) -> Answer:
    """Replace a draft's document.

    Fields on pages that the new document does not have lose their places.
    """
    draft, seen = to_change(call, contract_id)
    appliance.drafting.replace_document(contract_id, call.body(bytes), by=draft.initiator, seen=seen)
    return answer(contract_id)


@operation(
    "POST",
    f"{ONE}/send",
    Scope.CONTRACTS_WRITE,
    {200: ApiContract},
    Declared(body=ApiSend, problems=CHANGES, key=KeyRule.OPTIONAL, version=VersionRule.OPTIONAL),
    CONTRACT,
)
def send_contract(call: Call, contract_id: str) -> Answer:
    """Send a draft for signing.

    Those whose turn it is are told. The refusal names the first thing that prevents it.
    """
    given = call.body(ApiSend)
    if call.again and read(contract_id).contract.state is not ContractState.DRAFT:
        return answer(contract_id)
    draft, seen = to_change(call, contract_id)
    appliance.sending.send(
        contract_id,
        by=draft.initiator,
        seen=seen,
        accepting_unverified=given.accepting_unverified,
        leaving_open=given.leaving_open,
    )
    return answer(contract_id)


@operation(
    "POST",
    f"{ONE}/recall",
    Scope.CONTRACTS_WRITE,
    {200: ApiContract},
    Declared(body=ApiReason, problems=CHANGES, key=KeyRule.OPTIONAL, version=VersionRule.OPTIONAL),
    CONTRACT,
)
def recall_contract(call: Call, contract_id: str) -> Answer:
    """Recall a contract that waits for signatures.

    It ends; everybody who knows of it is told the reason.
    """
    if call.again and read(contract_id).contract.state is ContractState.RECALLED:
        return answer(contract_id)
    contract, seen = to_change(call, contract_id)
    reason = call.body(ApiReason).reason
    appliance.endings.recall(contract_id, by=contract.initiator, reason=reason, seen=seen)
    return answer(contract_id)


@operation(
    "POST",
    f"{ONE}/extend",
    Scope.CONTRACTS_WRITE,
    {200: ApiContract},
    Declared(body=ApiExtension, problems=CHANGES, key=KeyRule.OPTIONAL, version=VersionRule.OPTIONAL),
    CONTRACT,
)
def extend_contract(call: Call, contract_id: str) -> Answer:
    """Set a later deadline for a contract that waits for signatures."""
    later = conversions.deadline_of(call.body(ApiExtension).deadline)
    if call.again and read(contract_id).contract.deadline == later:
        return answer(contract_id)
    contract, seen = to_change(call, contract_id)
    appliance.endings.extend(contract_id, later, by=contract.initiator, seen=seen)
    return answer(contract_id)


@operation(
    "POST",
    f"{ONE}/void",
    Scope.CONTRACTS_WRITE,
    {200: ApiContract},
    Declared(body=ApiReason, problems=CHANGES, key=KeyRule.OPTIONAL, version=VersionRule.OPTIONAL),
)
def propose_voiding(call: Call, contract_id: str) -> Answer:
    """Propose that all parties declare a completed contract void.

    Everybody who signed is told, and declares it, or refuses, in the portal. Nobody has declared anything yet.
    """
    if call.again and _voided(read(contract_id).contract):
        return answer(contract_id)
    contract, seen = to_change(call, contract_id)
    reason = call.body(ApiReason).reason
    appliance.voiding.propose(contract_id, reason=reason, by=contract.initiator, seen=seen)
    return answer(contract_id)


def _voided(contract: Contract) -> bool:
    return contract.voiding is not None or contract.state is ContractState.VOIDED


@operation(
    "POST",
    f"{ONE}/amendments",
    Scope.CONTRACTS_WRITE,
    {201: ApiContract},
    Declared(
        body=ApiAmendment,
        problems=(*CHANGES, *DOCUMENTS),
        key=KeyRule.REQUIRED,
        version=VersionRule.OPTIONAL,
    ),
)
def draft_amendment(call: Call, contract_id: str) -> Answer:
    """Draft an agreement that supplements, replaces or terminates a completed contract.

    It has the contract's parties, and changes nothing before all of them have signed it. Where `document` is
    given, the fields still need their places. `If-Match` is about the earlier contract.
    """
    given, made = call.body(ApiAmendment), call.chosen
    if call.made_before(read) is not None:
        return drafted(made)
    earlier, seen = to_change(call, contract_id)
    kind = AmendmentKind(given.kind)
    title = amending.usual_title(earlier, kind) if given.title is UNSET else given.title
    terms = DraftTerms(title, earlier.kind, title, earlier.initiator, language=earlier.language)
    if given.document:
        change = AmendmentTerms(kind, given.effective)
        appliance.amending.draft(contract_id, change, given.document, terms, seen=seen, as_contract=made)
    else:
        said = {name: getattr(given, name) for name in amending.TYPED[kind]}
        typed = amending.usual_parts(earlier, kind) | {
            name: text for name, text in said.items() if text is not UNSET
        }
        change_on = (kind, given.effective)
        amending.draft_amendment(
            appliance.amending, contract_id, change_on, typed, terms, seen=seen, as_contract=made
        )
    return drafted(made)


@operation("GET", f"{ONE}/document", Scope.CONTRACTS_READ, {200: PDF}, Declared(problems=READING))
def get_document(call: Call, contract_id: str) -> Answer:
    """Read the document as it is now.

    With every signature that was made so far. Where policy has unsigned copies marked, this one names the client.
    """
    contract = read(contract_id).contract
    mark = _mark(call, contract)
    if mark:
        return Answer(appliance.pictures.copied(contract.current.digest, mark))
    return Answer(appliance.contracts.document(contract))


def _mark(call: Call, contract: Contract) -> str:
    """What lies across the client's copy; empty once it is signed, or where policy asks for none."""
    signed = any(each.kind is RevisionKind.SIGNATURE for each in contract.revisions)
    if signed or not appliance.policy.rules_for(contract.kind).reading.watermark:
        return ""
    who, today = call.client.client.name, appliance.now().date().isoformat()
    return translate()("{who} · {day} · unsigned copy", who=who, day=today)


@operation(
    "GET",
    f"{ONE}/evidence",
    Scope.EVIDENCE_READ,
    {200: ZIP},
    Declared(problems=(*REFUSALS, "evidence-incomplete")),
)
def get_evidence(call: Call, contract_id: str) -> Answer:
    """Read the evidence package of a completed contract.

    Made for the initiator's organisation; anybody can check it without this appliance.
    """
    contract = read(contract_id).contract
    reader = Audience.of_person(appliance.registry.person(contract.initiator))
    exported = Exporting(appliance).export(contract_id, reader, by=ContractActor(contract.initiator))
    return Answer(exported.package)

"""A contract's files: the document as it is now, and the evidence of what is completed."""

from __future__ import annotations

from appliance.contracts.permissions import ContractActor
from appliance.evidence.exporting import Exporting
from appliance.ledger.disclosure import Audience
from appliance.model.api_clients import Scope
from appliance.model.contract import Contract, RevisionKind
from webui.api.contracts import ONE, READING, REFUSALS, read
from webui.api.operations import PDF, ZIP, Answer, Call, Declared, operation
from webui.shared.language import translate
from webui.shared.served import appliance


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

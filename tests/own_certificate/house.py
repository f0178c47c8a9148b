"""What the house does: has an anchor approved, sends a contract, takes what comes back."""

from __future__ import annotations

from datetime import timedelta

from appliance.contracts.drafting import DraftTerms
from appliance.demonstration.participants import LI, OFFICER, ZHANG, ZONE
from appliance.model.anchors import ApprovedAnchor
from appliance.model.contract import Contract, Deadline, GuestDetails, Party, Placement, SignerInput, SigningOrder
from appliance.model.intent import SigningOrigin
from appliance.own_certificates import SignedUpload
from appliance.signing_methods import SigningMethod
from appliance.wiring import Appliance
from tests.own_certificate.counterparty import GAMMA, PERSON, Holder
from tests.world import confirm, confirm_by, contract_now, know_officer, sample_document

HERE = SigningOrigin("192.0.2.7")
BY = ZHANG.subject


def approved(appliance: Appliance, holder: Holder, organisation: str = GAMMA) -> ApprovedAnchor:
    """The authority of *holder* counts for the outside signers of *organisation*: an officer has activated it."""
    know_officer(appliance)
    anchors, decisions = appliance.office.anchors, appliance.office.decisions
    anchor = anchors.register(holder.pem, organisation=organisation, reason="电话核对指纹", by=OFFICER)
    act = appliance.office.drafts.anchors.draft_approval(anchor.id, by=OFFICER)
    confirm_by(appliance, OFFICER, decisions.to_activate(act))
    decisions.perform_decision(act.id, by=OFFICER)
    return anchors.anchor(anchor.id)


def sent(
    appliance: Appliance,
    *,
    house: tuple[str, ...] = (BY,),
    later: tuple[str, ...] = (),
    order: SigningOrder = SigningOrder.SEQUENTIAL,
    organisation: str = GAMMA,
    pages: int = 2,
    document: bytes | None = None,
    fills_in: SignerInput | None = None,
) -> Contract:
    """A contract, of *document* or of so many plain *pages*, that the people *house* sign, then an outside signer
    with a certificate of their own, and then the people *later*, each of whom *fills_in* that."""
    deadline = Deadline(appliance.now() + timedelta(days=3), ZONE)
    terms = DraftTerms("自有证书示例合同", "服务", "示例", BY, deadline, order)
    draft = appliance.drafting.draft(document or sample_document(pages), terms)
    for subject in house:
        appliance.drafting.add_person(draft.id, subject=subject, by=BY)
    guest = GuestDetails(
        PERSON, organisation, "zheng@gamma.example", "+86 138 0000 0000", method=SigningMethod.OWN_CERTIFICATE
    )
    party = appliance.drafting.add_guest(draft.id, guest, by=BY)
    appliance.drafting.place(draft.id, party.id, [Placement(0, 55, 80, 35, 8)], by=BY)
    for subject in later:
        each = appliance.drafting.add_person(draft.id, subject=subject, by=BY)
        if fills_in is not None:
            draft = appliance.signer_inputs.add(draft.id, each.id, fills_in, by=BY)
            added = draft.require_party(each.id).inputs[-1]
            appliance.signer_inputs.place(draft.id, added.id, [Placement(0, 10, 10, 30, 4)], by=BY)
    return appliance.sending.send(draft.id, by=BY)


def outside(contract: Contract) -> Party:
    """The party that signs elsewhere."""
    [party] = [each for each in contract.parties if each.method is SigningMethod.OWN_CERTIFICATE]
    return party


def sign_here(appliance: Appliance, contract: Contract, position: int = 0) -> Contract:
    """The party at *position*, who is of the house, signs."""
    prepared = appliance.cycle.prepare(contract.id, contract.parties[position].id, HERE)
    confirm(appliance, prepared.intent)
    appliance.cycle.sign(prepared.id)
    return appliance.cycle.complete(prepared.id)


def handed_out(appliance: Appliance, contract: Contract) -> bytes:
    party = outside(contract)
    return appliance.own_certificates.document(contract.id, party.id, by=party.subject)


def hand_in(appliance: Appliance, contract: Contract, document: bytes, *crls: bytes) -> Contract:
    party = outside(contract)
    upload = SignedUpload(document, True, crls)
    return appliance.own_certificates.hand_in(contract.id, party.id, upload, by=party.subject, origin=HERE)


def untouched(appliance: Appliance, contract: Contract) -> bool:
    """Whether nothing of a refused upload is left."""
    return contract_now(appliance, contract.id) == contract


__all__ = ["BY", "HERE", "LI", "approved", "hand_in", "handed_out", "outside", "sent", "sign_here", "untouched"]

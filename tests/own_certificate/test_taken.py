"""A good signature that was made elsewhere is taken, dated, and the contract goes on from it to its end."""

from __future__ import annotations

import pytest

from appliance.demonstration.sample import sample_contract
from appliance.errors import PreconditionRefused
from appliance.model.contract import ContractState, PartyState, RevisionKind
from appliance.verification import Indication, Level
from appliance.verification.own_anchors import verifier_of
from appliance.wiring import Appliance
from tests.own_certificate.counterparty import Holder, crl_of, signed_with_pyhanko
from tests.own_certificate.house import BY, LI, hand_in, handed_out, outside, sent, sign_here
from tests.world import World, sequenced


def test_the_last_signature_completes_the_contract(world: World, appliance: Appliance, zheng: Holder) -> None:
    contract = sign_here(appliance, sent(appliance))
    document = handed_out(appliance, contract)
    signed = signed_with_pyhanko(document, zheng, outside(contract).field)
    after = hand_in(appliance, contract, signed)
    assert after.state is ContractState.SIGNED and outside(after).state is PartyState.SIGNED
    assert [each.kind for each in after.revisions[-2:]] == [RevisionKind.SIGNATURE, RevisionKind.ARCHIVE]
    assert appliance.contracts.document(after, after.revisions[-2].number) == signed, "kept as it came"
    with sequenced(appliance, world):
        completed = appliance.finalisation.finalise(contract.id)
    assert completed.state is ContractState.COMPLETED
    strangers = appliance.verifier.verify_pdf(appliance.contracts.document(completed))
    [own] = [each for each in strangers.signatures if each.field == outside(contract).field]
    assert own.verdict.indication is Indication.INDETERMINATE, "nobody believes Gamma's authority unasked"


def test_what_was_typeset_here_is_taken_too(appliance: Appliance, zheng: Holder) -> None:
    """Its trailers are cross-reference streams, and the other side's software writes the time of the change."""
    contract = sign_here(appliance, sent(appliance, document=sample_contract()))
    signed = signed_with_pyhanko(handed_out(appliance, contract), zheng, outside(contract).field)
    assert outside(hand_in(appliance, contract, signed)).state is PartyState.SIGNED


def test_others_sign_after_it(appliance: Appliance, zheng: Holder) -> None:
    contract = sent(appliance, house=(), later=(LI.subject,))
    signed = signed_with_pyhanko(handed_out(appliance, contract), zheng, outside(contract).field)
    assert hand_in(appliance, contract, signed).state is ContractState.SENT
    assert sign_here(appliance, contract, 1).state is ContractState.SIGNED
    assert appliance.finalisation.finalise(contract.id).state is ContractState.COMPLETED


def test_the_initiator_reads_in_time_that_an_authority_is_lacking(appliance: Appliance, root: Holder) -> None:
    """Beside the draft and after sending: whoever signs elsewhere would only learn it with the signed file in
    hand."""
    lacking = sent(appliance, organisation="辛公司示例有限公司")
    [said] = [each for each in appliance.sending.outstanding(lacking) if "organisation" in each.values]
    assert said.values["organisation"] == "辛公司示例有限公司"
    assert root and not appliance.sending.outstanding(sent(appliance))


def test_voiding_is_refused_in_a_sentence(appliance: Appliance, zheng: Holder) -> None:
    """Nobody can sign a declaration elsewhere."""
    contract = sign_here(appliance, sent(appliance))
    hand_in(
        appliance, contract, signed_with_pyhanko(handed_out(appliance, contract), zheng, outside(contract).field)
    )
    appliance.finalisation.finalise(contract.id)
    with pytest.raises(PreconditionRefused, match="elsewhere"):
        appliance.voiding.propose(contract.id, reason="示例", by=BY)


def test_a_list_that_came_along_lies_in_the_document(appliance: Appliance, root: Holder, zheng: Holder) -> None:
    contract = sign_here(appliance, sent(appliance))
    signed = signed_with_pyhanko(handed_out(appliance, contract), zheng, outside(contract).field)
    hand_in(appliance, contract, signed, crl_of(root))
    completed = appliance.finalisation.finalise(contract.id)
    report = verifier_of(appliance.database, appliance.verifier, contract.id).verify_pdf(
        appliance.contracts.document(completed)
    )
    assert report.indication is Indication.PASSED
    [own] = [each for each in report.signatures if each.field == outside(contract).field]
    assert own.level is Level.LTA

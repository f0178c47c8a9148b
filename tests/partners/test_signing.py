"""A representative signs: the certificate names the partner, and the second contract rests on what is there."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from appliance.contracts.agreement import AgreementSides
from appliance.demonstration.participants import ZHANG
from appliance.errors import PreconditionRefused
from appliance.evidence.exporting import Exporting
from appliance.model.contract import AgreementSide, Contract, ContractState
from appliance.model.intent import SigningOrigin
from appliance.verification import Indication
from appliance.wiring import Appliance
from tests.partners.conftest import Company, company
from tests.partners.test_pages import sent_to
from tests.world import OURS, World, agree, confirm, confirm_by, sequenced

HERE = SigningOrigin("192.0.2.7")


@pytest.fixture(scope="module")
def gamma(appliance: Appliance) -> Company:
    return company(appliance)


def signed(appliance: Appliance, contract: Contract, position: int) -> Contract:
    opened = appliance.signing.open(contract.id, contract.parties[position].id, HERE)
    confirm(appliance, opened.intent.intent)
    return appliance.signing.sign(opened.intent.id, HERE)


def test_two_contracts_with_one_enrolment_and_one_acceptance(
    appliance: Appliance, world: World, gamma: Company
) -> None:
    first = sent_to(appliance, ZHANG.subject, gamma.second)
    agree(appliance, ZHANG, gamma.partner.name)
    half = signed(appliance, first, 0)
    with pytest.raises(PreconditionRefused, match="agreement"):
        signed(appliance, half, 1)
    side = appliance.registry.person(gamma.second).side
    assert side == AgreementSide(gamma.partner.name)
    proposal = appliance.agreements.propose(
        gamma.second, AgreementSides(side, (AgreementSide(ZHANG.organisation),))
    )
    confirm_by(appliance, gamma.second, proposal.intent)
    appliance.agreements.accept(proposal.id, by=gamma.second)
    done = appliance.finalisation.finalise(signed(appliance, half, 1).id)
    second = sent_to(appliance, ZHANG.subject, gamma.second)
    again = appliance.finalisation.finalise(signed(appliance, signed(appliance, second, 0), 1).id)
    assert (done.state, again.state) == (ContractState.COMPLETED, ContractState.COMPLETED)
    copy = appliance.drafting.duplicate(again.id, by=ZHANG.subject)
    assert [party.subject for party in copy.parties] == [party.subject for party in again.parties], "no new guests"
    certificate = x509.load_der_x509_certificate(appliance.authority.certificate(gamma.second))
    [organisation] = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    assert organisation.value == gamma.partner.name
    with sequenced(appliance, world):
        package = Exporting(appliance).export(again.id, OURS).package
    assert appliance.verifier.verify(package).indication is Indication.PASSED


def test_who_has_left_signs_nothing(appliance: Appliance) -> None:
    delta = company(appliance)
    contract = sent_to(appliance, delta.second)
    appliance.representatives.deactivate(delta.partner.id, delta.second, by=delta.administrator)
    with pytest.raises(PreconditionRefused, match="closed or suspended"):
        appliance.signing.open(contract.id, contract.parties[0].id, HERE)


def test_nothing_is_sent_to_who_has_left(appliance: Appliance) -> None:
    delta = company(appliance)
    before = sent_to(appliance, delta.second)
    draft = appliance.drafting.duplicate(before.id, by=ZHANG.subject)
    appliance.representatives.deactivate(delta.partner.id, delta.second, by=delta.administrator)
    with pytest.raises(PreconditionRefused, match="closed or suspended"):
        appliance.sending.send(draft.id, by=ZHANG.subject)

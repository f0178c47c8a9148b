"""Two companies sign one contract with certificates of their own: neither's authority counts for the other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from appliance.contracts.drafting import DraftTerms
from appliance.demonstration.participants import ZONE
from appliance.evidence.exporting import Exporting
from appliance.evidence.repacked import read_zip
from appliance.model.contract import Deadline, GuestDetails, Placement, SigningOrder
from appliance.own_certificates import SignedUpload
from appliance.signing_methods import SigningMethod
from appliance.verification import Indication
from appliance.wiring import Appliance
from tests.own_certificate.counterparty import (
    GAMMA,
    PERSON,
    Holder,
    Wanted,
    authority,
    certified,
    signed_with_pyhanko,
)
from tests.own_certificate.house import BY, HERE, approved
from tests.own_certificate.test_forged import Files, forged
from tests.pdf.judges import brought_twice
from tests.world import OURS, World, contract_now, sample_document, sequenced

DELTA = "丁公司示例有限公司"


@pytest.fixture(scope="module")
def two(world: World, appliance: Appliance, zheng: Holder) -> Iterator[bytes]:
    """The package of a contract between the two."""
    root = authority("Delta Root CA")
    approved(appliance, root, DELTA)
    signers = {GAMMA: zheng, DELTA: certified(Wanted(organisation=DELTA), root)}
    deadline = Deadline(appliance.now() + timedelta(days=3), ZONE)
    terms = DraftTerms("两家外部公司", "服务", "示例", BY, deadline, SigningOrder.SEQUENTIAL)
    draft = appliance.drafting.draft(sample_document(1), terms)
    for number, company in enumerate(signers):
        mail = f"signer{number}@outside.example"
        guest = GuestDetails(PERSON, company, mail, "+86 138 0000 0000", method=SigningMethod.OWN_CERTIFICATE)
        party = appliance.drafting.add_guest(draft.id, guest, by=BY)
        place = Placement(0, 55, 60 + 20 * number, 35, 8)
        appliance.drafting.place(draft.id, party.id, [place], by=BY)
    contract = appliance.sending.send(draft.id, by=BY)
    for party in contract.parties:
        document = appliance.own_certificates.document(contract.id, party.id, by=party.subject)
        upload = SignedUpload(signed_with_pyhanko(document, signers[party.organisation], party.field), True, ())
        appliance.own_certificates.hand_in(contract.id, party.id, upload, by=party.subject, origin=HERE)
    appliance.finalisation.finalise(contract.id)
    with sequenced(appliance, world):
        yield Exporting(appliance).export(contract_now(appliance, contract.id).id, OURS).package


def test_both_count_for_their_own(appliance: Appliance, two: bytes) -> None:
    report = appliance.verifier.verify(two)
    assert report.indication is Indication.PASSED, report.reasons
    assert brought_twice(bytes(read_zip(two).files["contract/contract.signed.pdf"])) == []


def test_no_index_makes_either_authority_count_for_the_other(appliance: Appliance, two: bytes) -> None:
    def crossing(files: Files) -> None:
        lines = files["index.txt"].decode().splitlines()
        first, second = (line for line in lines if line.startswith("own "))
        lines += [f"{first[:6]}{second[6:]}", f"{second[:6]}{first[6:]}"]
        files["index.txt"] = "".join(f"{line}\n" for line in lines).encode()

    assert appliance.verifier.verify(forged(appliance, two, crossing)).indication is Indication.FAILED

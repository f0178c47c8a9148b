"""The package of a contract signed under a power carries letter and decision, and the verifier checks them."""

from __future__ import annotations

import hashlib
import json

from appliance.demonstration.participants import BETA, CUSTODIAN, LI, ZHANG
from appliance.evidence.exporting import Exporting
from appliance.evidence.repacked import read_zip
from appliance.identity import IdentityCheck
from appliance.ledger import Sequencer
from appliance.model.contract import Money
from appliance.model.people import Against, IdentityDocument
from appliance.model.powers import PowerScope
from appliance.verification import Indication
from appliance.wiring import Appliance
from hsm.client import AuthorityClient
from tests.powers.conftest import LETTER, Office
from tests.world import OURS, World


def test_letter_decision_and_identity_are_in_the_package(
    office: Office, appliance: Appliance, world: World
) -> None:
    check = IdentityCheck(IdentityDocument.PASSPORT, "E87654321", Against.ORIGINAL, answers=CUSTODIAN.subject)
    appliance.identity.record(ZHANG.subject, check, by=CUSTODIAN.subject)
    of_beta = appliance.powers.register(
        office.draft(grantor=BETA, agent=LI.subject, scope=PowerScope()), LETTER, by=ZHANG.subject
    )
    appliance.powers.verify(of_beta.id, by=CUSTODIAN.subject)
    power = office.verified(scope=PowerScope(kinds=("采购",), counterparties=(BETA,), limit=Money(100, "CNY")))
    contract = office.sent(amount=Money(99, "CNY"))
    for _ in contract.parties:
        contract = office.signed(contract)
    appliance.finalisation.finalise(contract.id)
    appliance.powers.revoke(power.id, reason="此后撤销", by=CUSTODIAN.subject)
    appliance.powers.revoke(of_beta.id, reason="此后撤销", by=CUSTODIAN.subject)
    with AuthorityClient(world.home.authority_socket("scheduler")) as scheduler:
        Sequencer(appliance.database, scheduler).run_once()

    package = Exporting(appliance).export(contract.id, OURS).package

    files = read_zip(package).files
    assert hashlib.sha256(files[f"authority/{power.id}.pdf"]).hexdigest() == power.document
    record = json.loads(bytes(files["authority/01.json"]))
    assert record["words"]["zh"].startswith(f"{ZHANG.name}依据")
    assert record["identity"]["ending"] == "4321"
    assert b"E87654321" not in package
    assert f"authority/{of_beta.id}.pdf" in files
    report = appliance.verifier.verify(package, file="evidence.zip")
    assert report.indication is Indication.PASSED, report.reasons

"""The package of a contract signed under a power carries letter and decision, and the verifier checks them."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path

import pytest

from appliance.demonstration.participants import BETA, CUSTODIAN, LI, OFFICER, ZHANG
from appliance.evidence.exporting import Exporting
from appliance.evidence.repacked import read_zip
from appliance.identity import IdentityCheck
from appliance.ledger import Sequencer
from appliance.ledger.audit_trail import AuditEvent, EventKind, append_event
from appliance.model.contract import Money
from appliance.model.people import Against, IdentityDocument
from appliance.model.powers import Power, PowerScope, RecordedAction
from appliance.store import powers
from appliance.verification import Indication
from appliance.wiring import Appliance
from hsm.client import AuthorityClient
from tests.evidence.test_checkers import CHECKERS, check
from tests.evidence.unpacked import unpack
from tests.powers.conftest import LETTER, Office
from tests.world import OURS, World, confirm_power


def test_letter_decision_and_identity_are_in_the_package(
    office: Office, appliance: Appliance, world: World, tmp_path: Path
) -> None:
    identity = IdentityCheck(IdentityDocument.PASSPORT, "E87654321", Against.ORIGINAL, answers=CUSTODIAN.subject)
    checked = appliance.identity.record(ZHANG.subject, identity, by=CUSTODIAN.subject).id
    of_beta = appliance.powers.register(
        office.draft(grantor=BETA, agent=LI.subject, scope=PowerScope()), LETTER, by=ZHANG.subject
    )
    confirm_power(appliance, of_beta.id)
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
    appliance.identity.withdraw(ZHANG.subject, checked, reason="示例", by=CUSTODIAN.subject)

    files = read_zip(package).files
    assert hashlib.sha256(files[f"authority/{power.id}.pdf"]).hexdigest() == power.document
    record = json.loads(bytes(files["authority/01.json"]))
    said = json.loads(bytes(files[f"authority/{power.id}.json"]))
    assert (said["power"]["limit"], said["agent_name"]) == (100, ZHANG.name)
    assert record["words"]["zh"].startswith(f"{ZHANG.name}依据")
    assert record["identity"]["ending"] == "4321"
    assert b"E87654321" not in package
    assert f"authority/{of_beta.id}.pdf" in files
    report = appliance.verifier.verify(package, file="evidence.zip")
    assert report.indication is Indication.PASSED, report.reasons
    only_to_read, told_alone = (each.template for each in report.remarks)
    assert only_to_read.startswith("These files are only there to be read")
    assert told_alone.startswith("What the package tells of the history")
    for checker in CHECKERS:
        status, told = check(checker, unpack(package, tmp_path / checker[-1]))
        assert status == 0, told


@pytest.mark.long
def test_an_invented_power_does_not_pass(office: Office, appliance: Appliance, world: World) -> None:
    """Whoever has the portal has its database and its socket: the power counts here, and in no evidence."""
    other = appliance.powers.register(
        office.draft(grantor=BETA, agent=LI.subject, scope=PowerScope()), LETTER, by=ZHANG.subject
    )
    confirm_power(appliance, other.id)
    power = office.registered(scope=PowerScope())
    invented(appliance, power)
    contract = office.sent()
    for _ in contract.parties:
        contract = office.signed(contract)
    appliance.finalisation.finalise(contract.id)
    appliance.powers.revoke(other.id, reason="此后撤销", by=CUSTODIAN.subject)
    with AuthorityClient(world.home.authority_socket("scheduler")) as scheduler:
        Sequencer(appliance.database, scheduler).run_once()

    package = Exporting(appliance).export(contract.id, OURS).package

    report = appliance.verifier.verify(package, file="evidence.zip")
    assert report.indication is Indication.FAILED
    assert "not confirmed by officers" in str(report.reasons[0])


@pytest.mark.long
def test_a_power_that_officers_confirmed_after_the_signature_does_not_pass(
    office: Office, appliance: Appliance, world: World
) -> None:
    """The portal signs under a power that nobody has confirmed, and then has it confirmed as any other."""
    power = office.registered(grantor=BETA, agent=LI.subject, scope=PowerScope())
    of_alpha = office.verified(scope=PowerScope())
    counted(appliance, power, RecordedAction(OFFICER, appliance.now()))
    contract = office.sent()
    for _ in contract.parties:
        contract = office.signed(contract)
    appliance.finalisation.finalise(contract.id)
    time.sleep(1.1)  # instants have whole seconds
    counted(appliance, power, None)
    confirm_power(appliance, power.id)
    for each in (power, of_alpha):
        appliance.powers.revoke(each.id, reason="此后撤销", by=CUSTODIAN.subject)
    with AuthorityClient(world.home.authority_socket("scheduler")) as scheduler:
        Sequencer(appliance.database, scheduler).run_once()

    package = Exporting(appliance).export(contract.id, OURS).package

    report = appliance.verifier.verify(package, file="evidence.zip")
    assert report.indication is Indication.FAILED
    assert "before it was used" in str(report.reasons[0])


def counted(appliance: Appliance, power: Power, done: RecordedAction | None) -> None:
    """The portal has *power* count by its register alone, as if it had been verified; or not any more."""
    names = ("power_confirmations_have_statements", "power_confirmations_are_kept")
    names += ("powers_are_confirmed", "powers_end_once")
    with appliance.database.transaction() as tx:
        query = "SELECT sql FROM sqlite_schema WHERE name = ?"
        kept = [tx.execute(query, (name,)).fetchone()[0] for name in names]
        for name in names:
            tx.execute(f"DROP TRIGGER {name}")
        if done is None:
            tx.execute("DELETE FROM power_confirmations WHERE power = ?", (power.id,))
        else:
            tx.execute("INSERT INTO power_confirmations (power) VALUES (?)", (power.id,))
        row = {"verified_by": done and done.by, "verified": done and done.at}
        tx.update("powers", row, id=power.id)
        for sql in kept:
            tx.execute(sql)


def invented(appliance: Appliance, power: Power) -> None:
    """The portal writes that an officer has verified *power*, as before statements began."""
    done = RecordedAction(OFFICER, appliance.now())
    public = {"power": power.id, "agent": power.agent, "digest": power.document}
    with appliance.database.transaction() as tx:
        names = ("power_confirmations_have_statements", "powers_are_confirmed")
        kept = [
            tx.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (name,)).fetchone()[0] for name in names
        ]
        for name in names:
            tx.execute(f"DROP TRIGGER {name}")
        tx.execute("INSERT INTO power_confirmations (power) VALUES (?)", (power.id,))
        tx.update("powers", {"verified_by": done.by, "verified": done.at}, id=power.id)
        event = AuditEvent(EventKind.POWER_VERIFIED, done.at, done.by, None, public, {})
        powers.link(tx, power.id, append_event(tx, event))
        for sql in kept:
            tx.execute(sql)

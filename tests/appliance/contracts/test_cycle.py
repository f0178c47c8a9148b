"""The signing cycle with everything real: authority and HSM, clock, log, PDF, verifier."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from appliance.demonstration.participants import CUSTODIAN, LI, ZHANG
from appliance.errors import DocumentRefused, PreconditionRefused, StateRefused
from appliance.model.contract import Contract, ContractState, PartyState, RevisionKind, SigningOrder
from appliance.model.intent import IntentState, SigningOrigin
from appliance.store import intents, ledger, outbox
from appliance.verification import Indication, Level
from appliance.wiring import Appliance
from hsm import canonical
from hsm.cms import parse, verify
from hsm.errors import ActivationRefused, ActivationUsed
from hsm.timestamp import local_token, verify_token
from tests.world import (
    World,
    confirm,
    confirm_by,
    contract_now,
    require_refused,
    sample_document,
    send,
)

DOCUMENT = sample_document()


@pytest.fixture(scope="module")
def appliance(world: World) -> Iterator[Appliance]:
    with world.opened() as opened:
        yield opened


def sign_next(appliance: Appliance, contract: Contract) -> Contract:
    party = next(party for party in contract.parties if party.state is PartyState.WAITING)
    prepared = appliance.cycle.prepare(contract.id, party.id, SigningOrigin("192.0.2.7", "示例市"))
    confirm(appliance, prepared.intent)
    appliance.cycle.sign(prepared.id)
    return appliance.cycle.complete(prepared.id)


def state_of(appliance: Appliance, intent_id: str) -> IntentState:
    with appliance.database.reading() as tx:
        return intents.load_intent(tx, intent_id).state


def test_two_people_and_a_seal_to_an_archived_contract(appliance: Appliance, tmp_path: Path) -> None:
    contract = send(appliance, DOCUMENT)
    for _ in range(3):
        contract = sign_next(appliance, contract)
    assert contract.state is ContractState.SIGNED
    contract = appliance.finalisation.finalise(contract.id)

    assert contract.state is ContractState.COMPLETED
    assert [revision.kind for revision in contract.revisions] == [
        RevisionKind.ORIGINAL,
        RevisionKind.FIELDS,
        *[RevisionKind.SIGNATURE] * 3,
        RevisionKind.ARCHIVE,
    ]
    final = appliance.contracts.document(contract)
    for revision in contract.revisions:
        assert final.startswith(appliance.contracts.document(contract, revision.number))
    report = appliance.verifier.verify_pdf(final)
    assert report.indication is Indication.PASSED, report.reasons
    levels = {signature.field: signature.level for signature in report.signatures}
    assert all(levels[party.field] is Level.LTA for party in contract.parties)
    judged_by_poppler(final, tmp_path)


def judged_by_poppler(document: bytes, directory: Path) -> None:
    (directory / "signed.pdf").write_bytes(document)
    judged = subprocess.run(
        ["pdfsig", "-nocert", str(directory / "signed.pdf")], capture_output=True, text=True, check=False
    )
    assert judged.stdout.count("Signature is Valid.") == 3


def test_what_is_kept_of_each_signature_proves_it(appliance: Appliance) -> None:
    contract = sign_next(appliance, send(appliance, DOCUMENT))
    (record,) = appliance.contracts.signatures(contract)
    document = appliance.contracts.document(contract)
    assert record.cms.hex().encode() in document.lower()
    verify(parse(record.cms), digest=record.intent.digest)
    token = local_token(parse(record.cms))
    assert verify_token(token).gen_time.replace(microsecond=0) == record.stamped
    assert record.origin == SigningOrigin("192.0.2.7", "示例市")
    entry = appliance.contracts.entries(contract.id)[-1]
    leaf = canonical.decode(appliance.database.query(ledger.leaf, entry))
    assert parse(record.cms).activation() == "webauthn"
    assert leaf["public"]["activated_webauthn"] == leaf["at"], "so the log says it, too"


def test_the_history_is_in_the_log_and_the_notices_are_queued(appliance: Appliance) -> None:
    contract = send(appliance, DOCUMENT)
    before = len(appliance.contracts.entries(contract.id))
    contract = sign_next(appliance, contract)
    assert len(appliance.contracts.entries(contract.id)) == before + 2  # prepared, signed
    with appliance.database.reading() as tx:
        queued = tx.execute("SELECT recipient, kind FROM outbox WHERE contract = ?", (contract.id,)).fetchall()
        assert outbox.counts(tx)["queued"] >= len(queued)
    assert sorted(queued) == [(LI.subject, "your-turn")], "not for Zhang, who sent it to sign at once"


def test_nobody_signs_out_of_turn(appliance: Appliance) -> None:
    contract = send(appliance, DOCUMENT)
    with pytest.raises(PreconditionRefused, match="turn"):
        appliance.cycle.prepare(contract.id, contract.parties[1].id)


def test_nobody_signs_twice(appliance: Appliance) -> None:
    contract = sign_next(appliance, send(appliance, DOCUMENT))
    with pytest.raises(PreconditionRefused, match="turn"):
        appliance.cycle.prepare(contract.id, contract.parties[0].id)


def test_a_refused_activation_changes_nothing_and_may_be_given_again(appliance: Appliance) -> None:
    contract = send(appliance, DOCUMENT)
    prepared = appliance.cycle.prepare(contract.id, contract.parties[0].id)
    for subject, act in (
        (None, prepared.intent),
        (LI.subject, prepared.intent),
        (ZHANG.subject, replace(prepared.intent, signer=LI.subject)),
        (ZHANG.subject, replace(prepared.intent, digest=b"\1" * 32)),
    ):
        if subject is not None:
            require_refused(appliance, subject, prepared.intent, instead=act)
        with pytest.raises(ActivationRefused):
            appliance.cycle.sign(prepared.id)
        assert state_of(appliance, prepared.id) is IntentState.PREPARED
        assert contract_now(appliance, contract.id) == contract
    confirm(appliance, prepared.intent)
    appliance.cycle.sign(prepared.id)
    assert appliance.cycle.complete(prepared.id).parties[0].state is PartyState.SIGNED


def test_an_answer_that_was_lost_costs_no_waiting(appliance: Appliance) -> None:
    """The authority has signed and used the activation up; nobody received it. Signing begins anew, at once."""
    contract = send(appliance, DOCUMENT)
    prepared = appliance.cycle.prepare(contract.id, contract.parties[0].id)
    confirm(appliance, prepared.intent)
    appliance.authority.sign_document(prepared.intent)
    with pytest.raises(ActivationUsed):
        appliance.cycle.sign(prepared.id)
    assert state_of(appliance, prepared.id) is IntentState.ABANDONED
    assert sign_next(appliance, contract).parties[0].state is PartyState.SIGNED


def test_a_seal_needs_its_custodian_and_the_one_who_asks(appliance: Appliance) -> None:
    contract = sign_next(appliance, send(appliance, DOCUMENT, order=SigningOrder.PARALLEL))
    for alone in (ZHANG.subject, CUSTODIAN.subject):
        prepared = appliance.cycle.prepare(contract.id, contract.parties[2].id)
        confirm_by(appliance, alone, prepared.intent)
        require_refused(appliance, alone, prepared.intent, match="already")
        with pytest.raises(ActivationRefused):
            appliance.cycle.sign(prepared.id)
    confirm_by(appliance, ZHANG.subject, prepared.intent)
    appliance.cycle.sign(prepared.id)
    assert appliance.cycle.complete(prepared.id).parties[2].state is PartyState.SIGNED


def test_the_second_of_two_at_once_prepares_and_activates_again(appliance: Appliance) -> None:
    contract = sign_next(appliance, send(appliance, DOCUMENT, order=SigningOrder.PARALLEL))
    first, second = (appliance.cycle.prepare(contract.id, party.id) for party in contract.parties[1:])
    confirm(appliance, first.intent)
    appliance.cycle.sign(first.id)
    confirm(appliance, second.intent)
    with pytest.raises(StateRefused, match="Another signature"):
        appliance.cycle.sign(second.id)
    appliance.cycle.complete(first.id)
    with pytest.raises(StateRefused, match="prepare"):
        appliance.cycle.sign(second.id)
    assert state_of(appliance, second.id) is IntentState.ABANDONED
    again = appliance.cycle.prepare(contract.id, contract.parties[2].id)
    confirm(appliance, again.intent)
    appliance.cycle.sign(again.id)
    assert appliance.cycle.complete(again.id).state is ContractState.SIGNED


def test_what_ended_between_signature_and_completion_is_not_signed(appliance: Appliance) -> None:
    contract = send(appliance, DOCUMENT)
    prepared = appliance.cycle.prepare(contract.id, contract.parties[0].id)
    confirm(appliance, prepared.intent)
    appliance.cycle.sign(prepared.id)
    appliance.endings.recall(contract.id, by=contract.initiator, reason="示例原因")
    with pytest.raises(PreconditionRefused, match="recalled"):
        appliance.cycle.complete(prepared.id)
    after = contract_now(appliance, contract.id)
    assert (after.state, after.current) == (ContractState.RECALLED, contract.current)
    assert state_of(appliance, prepared.id) is IntentState.ABANDONED


def test_completing_twice_is_completing_once(appliance: Appliance) -> None:
    contract = send(appliance, DOCUMENT)
    prepared = appliance.cycle.prepare(contract.id, contract.parties[0].id)
    confirm(appliance, prepared.intent)
    appliance.cycle.sign(prepared.id)
    assert appliance.cycle.complete(prepared.id) == appliance.cycle.complete(prepared.id)


def test_declining_ends_the_contract_for_everybody(appliance: Appliance) -> None:
    contract = send(appliance, DOCUMENT)
    prepared = appliance.cycle.prepare(contract.id, contract.parties[0].id)
    ended = appliance.endings.decline(contract.id, contract.parties[0].id, reason="条款不清", by=ZHANG.subject)
    assert (ended.state, ended.parties[0].state) == (ContractState.DECLINED, PartyState.DECLINED)
    with pytest.raises(PreconditionRefused, match="declined"):
        confirm(appliance, prepared.intent)
        appliance.cycle.sign(prepared.id)


def test_the_deadline_ends_what_nobody_signed(world: World) -> None:
    with world.opened() as appliance:
        contract = send(appliance, DOCUMENT)
    with world.opened(ahead=timedelta(days=4)) as later:
        with pytest.raises(PreconditionRefused, match="deadline"):
            later.cycle.prepare(contract.id, contract.parties[0].id)
        assert contract.id in later.endings.expire()
        assert contract_now(later, contract.id).state is ContractState.EXPIRED


def test_a_refused_document_leaves_nothing(appliance: Appliance) -> None:
    blobs = sum(1 for _ in appliance.settings.home.blobs.rglob("*"))
    with pytest.raises(DocumentRefused):
        send(appliance, b"%PDF-1.7 and then nothing")
    assert sum(1 for _ in appliance.settings.home.blobs.rglob("*")) == blobs

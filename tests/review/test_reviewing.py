"""Reviewing with real parts: policy is enforced by the workflows, whatever a page would have allowed."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pysqlite3
import pytest

from appliance.contracts.drafting import DraftTerms
from appliance.contracts.preconditions import ContentCheckPassed, SigningContext
from appliance.demonstration.participants import CUSTODIAN, LI, ZHANG
from appliance.errors import NotAllowed, NotFound, PreconditionRefused, StateRefused
from appliance.evidence import contents, manifest
from appliance.evidence.contents import require_review
from appliance.evidence.exporting import Exporting
from appliance.evidence.model import PackageRefused
from appliance.evidence.repacked import read_zip
from appliance.ledger.timeline import Timeline
from appliance.model.accounts import AccountRole, AccountState
from appliance.model.contract import Contract, ContractState
from appliance.model.review import CHECK, SIGN_OFF
from appliance.store import accounts, contracts
from appliance.wiring import Appliance
from hsm import canonical
from tests.review.documents import purchase, scan
from tests.world import OURS, World, confirm, contract_now, sequenced

REVIEWER = CUSTODIAN.subject


@pytest.fixture(autouse=True)
def _roles(appliance: Appliance) -> None:
    """Zhao reviews Zhang's; Zhang and Li do too, but never their own contracts, nor another organisation's."""
    with appliance.database.transaction() as tx:
        for person in (ZHANG, LI, CUSTODIAN):
            try:
                accounts.account(tx, person.subject)
            except NotFound:
                accounts.insert_account(
                    tx,
                    person.subject,
                    person.subject,
                    handle=person.subject.encode()[-16:].rjust(16),
                    now=appliance.now(),
                )
                accounts.set_password(tx, person.subject, "$argon2id$not-used")
                accounts.set_state(tx, person.subject, AccountState.ACTIVE)
            accounts.set_roles(
                tx, person.subject, (AccountRole.INITIATOR, AccountRole.SIGNER, AccountRole.REVIEWER)
            )


def drafted(appliance: Appliance, document: bytes, kind: str = "采购", *, pages: int = 1) -> Contract:
    """A draft of Zhang's that Zhang signs, with nothing missing but the review."""
    terms = DraftTerms(title=f"{kind}合同", kind=kind, purpose="示例", initiator=ZHANG.subject)
    draft = appliance.drafting.draft(document, terms)
    appliance.drafting.add_person(draft.id, subject=ZHANG.subject, by=ZHANG.subject)
    return contract_now(appliance, draft.id)


def send(appliance: Appliance, draft: Contract) -> Contract:
    return appliance.sending.send(draft.id, by=ZHANG.subject)


def signed_off(appliance: Appliance, draft: Contract) -> None:
    appliance.reviewing.ask(draft.id, by=ZHANG.subject)
    appliance.reviewing.sign_off(draft.id, by=REVIEWER, seen=draft.original.digest)


def test_what_policy_wants_signed_off_does_not_go_out_before(appliance: Appliance) -> None:
    draft = drafted(appliance, purchase())
    with pytest.raises(PreconditionRefused, match="has not been checked"):
        send(appliance, draft)
    appliance.reviewing.check_content(draft, by=ZHANG.subject)
    with pytest.raises(PreconditionRefused, match="signed the content check off"):
        send(appliance, draft)
    signed_off(appliance, draft)
    assert send(appliance, draft).state is ContractState.SENT


def test_a_type_that_only_has_to_pass(appliance: Appliance) -> None:
    draft = drafted(appliance, purchase(), "服务")
    appliance.reviewing.check_content(draft, by=ZHANG.subject)
    with pytest.raises(PreconditionRefused, match="findings: 3"):  # term, confidentiality, termination
        send(appliance, draft)
    appliance.reviewing.ask(draft.id, by=ZHANG.subject)
    for item in appliance.reviewing.review_status(draft).open:
        appliance.reviewing.waive(draft.id, item.key, "另有框架合同约定", by=REVIEWER)
    assert send(appliance, draft).state is ContractState.SENT


def test_a_type_without_rules_goes_out_unchecked(appliance: Appliance) -> None:
    assert send(appliance, drafted(appliance, purchase(without="违约责任"), "其他")).state is ContractState.SENT


def test_what_is_missing_is_waived_with_a_reason_before_it_is_signed_off(appliance: Appliance) -> None:
    draft = drafted(appliance, purchase(without="争议解决"))
    appliance.reviewing.ask(draft.id, by=ZHANG.subject)
    with pytest.raises(PreconditionRefused, match="pen findings: 1"):
        appliance.reviewing.sign_off(draft.id, by=REVIEWER)
    with pytest.raises(PreconditionRefused, match="reason"):
        appliance.reviewing.waive(draft.id, "dispute-resolution", " ", by=REVIEWER)
    with pytest.raises(StateRefused, match="no open finding"):
        appliance.reviewing.waive(draft.id, "payment", "没有必要", by=REVIEWER)
    appliance.reviewing.waive(draft.id, "dispute-resolution", "见主合同第九条", by=REVIEWER)
    given = appliance.reviewing.sign_off(draft.id, by=REVIEWER)
    assert canonical.decode(given.record)["waivers"][0]["reason"] == "见主合同第九条"
    assert send(appliance, draft).state is ContractState.SENT
    kinds = [event.kind for event in Timeline(appliance.database).of(draft.id, OURS)]
    for kind in ("content-checked", "review-requested", "clause-waived", "review-signed-off"):
        assert kind in kinds


def test_nobody_reviews_their_own_and_only_reviewers_do(appliance: Appliance) -> None:
    draft = drafted(appliance, purchase())
    appliance.reviewing.ask(draft.id, by=ZHANG.subject)
    with pytest.raises(PreconditionRefused, match="of their own"):
        appliance.reviewing.sign_off(draft.id, by=ZHANG.subject)
    with appliance.database.transaction() as tx:
        accounts.set_roles(tx, REVIEWER, (AccountRole.SIGNER,))
    with pytest.raises(NotAllowed):
        appliance.reviewing.sign_off(draft.id, by=REVIEWER)


def test_reviewers_of_another_organisation_learn_nothing(appliance: Appliance) -> None:
    draft = drafted(appliance, purchase(without="违约责任"))
    document = appliance.reviewing.ask(draft.id, by=ZHANG.subject).document
    reviewing, other = appliance.reviewing, LI.subject
    assert draft.id in [each.contract.id for each in reviewing.queue(REVIEWER)]
    assert draft.id not in [each.contract.id for each in reviewing.queue(other)]
    for act in (
        lambda: reviewing.case(draft.id, other),
        lambda: reviewing.waive(draft.id, "liability", "没有必要", by=other),
        lambda: reviewing.sign_off(draft.id, by=other, seen=document),
        lambda: reviewing.send_back(draft.id, "请补充违约责任条款", by=other),
    ):
        with pytest.raises(NotFound):
            act()


@pytest.mark.parametrize("by", [ZHANG.subject, "person-wu"])
def test_the_database_refuses_it_too(appliance: Appliance, by: str) -> None:
    draft = drafted(appliance, purchase())
    with (
        pytest.raises(pysqlite3.IntegrityError, match="not the initiator"),
        appliance.database.transaction() as tx,
    ):
        tx.execute(
            "INSERT INTO review_sign_offs (contract, document, check_digest, kind, by, at, record)"
            " VALUES (?, ?, ?, 'purchase', ?, '2026-11-25T04:00:00Z', x'00')",
            (draft.id, draft.original.digest, "0" * 64, by),
        )


def test_another_document_is_checked_and_signed_off_anew(appliance: Appliance) -> None:
    draft = drafted(appliance, purchase(without="合同生效"))
    appliance.reviewing.ask(draft.id, by=ZHANG.subject)
    appliance.reviewing.waive(draft.id, "effect", "签署即生效", by=REVIEWER)
    changed = appliance.drafting.replace_document(draft.id, purchase(), by=ZHANG.subject)
    with pytest.raises(StateRefused, match="was replaced"):
        appliance.reviewing.sign_off(draft.id, by=REVIEWER, seen=draft.original.digest)
    status = appliance.reviewing.review_status(changed)
    assert status.check is None
    assert not status.items
    signed_off(appliance, changed)
    other = appliance.drafting.replace_document(draft.id, purchase(price="总价为5000元。"), by=ZHANG.subject)
    with pytest.raises(PreconditionRefused, match="has not been checked"):
        send(appliance, other)


def test_another_type_has_other_requirements(appliance: Appliance) -> None:
    draft = drafted(appliance, purchase())
    signed_off(appliance, draft)
    terms = DraftTerms("改为服务", "服务", "示例", ZHANG.subject, draft.deadline)
    changed = appliance.drafting.revise(draft.id, terms, by=ZHANG.subject)
    assert appliance.reviewing.review_status(changed).signed_off is None
    with pytest.raises(PreconditionRefused, match="pen findings: "):
        send(appliance, changed)


def test_a_scan_does_not_pass_but_can_be_answered_for(appliance: Appliance) -> None:
    draft = drafted(appliance, scan())
    appliance.reviewing.ask(draft.id, by=ZHANG.subject)
    with pytest.raises(PreconditionRefused):
        appliance.reviewing.sign_off(draft.id, by=REVIEWER)
    appliance.reviewing.waive(draft.id, "text", "已逐页人工审阅", by=REVIEWER)
    appliance.reviewing.sign_off(draft.id, by=REVIEWER)
    assert send(appliance, draft).state is ContractState.SENT


def test_contradicting_amounts_stand_in_the_way(appliance: Appliance) -> None:
    price = "合同总价为人民币壹拾万元整（¥1,000,000.00），甲方应在收货后十日内支付全部货款。"
    draft = drafted(appliance, purchase(price=price))
    appliance.reviewing.ask(draft.id, by=ZHANG.subject)
    assert [item.key for item in appliance.reviewing.review_status(draft).open] == ["amount-1"]


def test_returned_to_the_initiator_and_asked_for_again(appliance: Appliance) -> None:
    draft = drafted(appliance, purchase(without="违约责任"))
    appliance.reviewing.ask(draft.id, by=ZHANG.subject)
    assert draft.id in [each.contract.id for each in appliance.reviewing.queue(REVIEWER)]
    assert draft.id not in [each.contract.id for each in appliance.reviewing.queue(ZHANG.subject)]
    with pytest.raises(StateRefused, match="asked for already"):
        appliance.reviewing.ask(draft.id, by=ZHANG.subject)
    appliance.reviewing.send_back(draft.id, "请补充违约责任条款", by=REVIEWER)
    assert draft.id not in [each.contract.id for each in appliance.reviewing.queue(REVIEWER)]
    with pytest.raises(StateRefused, match="answered already"):
        appliance.reviewing.sign_off(draft.id, by=REVIEWER)
    appliance.reviewing.ask(draft.id, by=ZHANG.subject)


def test_strangers_learn_nothing_of_a_case(appliance: Appliance) -> None:
    draft = drafted(appliance, purchase())
    for act in (
        lambda: appliance.reviewing.case(draft.id, REVIEWER),
        lambda: appliance.reviewing.sign_off(draft.id, by=REVIEWER),
    ):
        with pytest.raises(NotFound):
            act()
    with pytest.raises(NotFound):
        appliance.reviewing.ask(draft.id, by=REVIEWER)


def test_each_signature_asks_again_whatever_was_sent(appliance: Appliance) -> None:
    """A contract that was sent around the sending workflow, by writing its state, cannot be signed."""
    draft = drafted(appliance, purchase())
    with appliance.database.transaction() as tx:
        tx.execute("UPDATE contracts SET state = 'sent' WHERE id = ?", (draft.id,))
        forged = contracts.load_contract(tx, draft.id)
    with pytest.raises(PreconditionRefused, match="has not been checked"):
        appliance.cycle.prepare(draft.id, forged.parties[0].id)


def test_rules_that_change_while_it_is_out_do_not_stop_it(appliance: Appliance) -> None:
    draft = drafted(appliance, purchase())
    signed_off(appliance, draft)
    sent = send(appliance, draft)
    statuses = replace(appliance.reviewing.statuses, rules="f" * 64)
    with appliance.database.reading() as tx:
        ContentCheckPassed(statuses).require(tx, SigningContext(sent, sent.parties[0], appliance.now()))
        assert not statuses.status_of(tx, sent).cleared


def test_the_evidence_carries_it_and_only_its_own(appliance: Appliance, world: World) -> None:
    draft = drafted(appliance, purchase(without="争议解决"))
    appliance.reviewing.ask(draft.id, by=ZHANG.subject)
    appliance.reviewing.waive(draft.id, "dispute-resolution", "见主合同第九条", by=REVIEWER)
    signed_off_record = appliance.reviewing.sign_off(draft.id, by=REVIEWER).record
    sent = send(appliance, draft)
    prepared = appliance.cycle.prepare(sent.id, sent.parties[0].id)
    confirm(appliance, prepared.intent)
    appliance.cycle.sign(prepared.id)
    appliance.cycle.complete(prepared.id)
    with sequenced(appliance, world):
        appliance.finalisation.finalise(sent.id)
        package = Exporting(appliance).export(sent.id, OURS).package
    files = read_zip(package).files
    assert bytes(files[SIGN_OFF]) == signed_off_record
    report = appliance.verifier.verify(package)
    assert report.indication == "TOTAL-PASSED", report.reasons
    original = bytes(files["contract/contract.pdf"])
    check = canonical.decode(bytes(files[CHECK]))
    assert check["document"] == hashlib.sha256(original).hexdigest()
    events = contents.require_log(files, manifest.decode(bytes(files[manifest.MANIFEST])))
    require_review(files, original, sent.id, events)
    forged = canonical.encode({**check, "document": "0" * 64})
    for changes in ({CHECK: memoryview(forged)}, {CHECK: None}, {SIGN_OFF: None}, {SIGN_OFF: files[CHECK]}):
        kept = {path: data for path, data in {**files, **changes}.items() if data is not None}
        with pytest.raises(PackageRefused):
            require_review(kept, original, sent.id, events)
    with pytest.raises(PackageRefused, match=r"lacks|another document|knows nothing"):
        require_review(files, original + b"\n", sent.id, events)

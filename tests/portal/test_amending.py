"""Agreements that change a completed contract: drafted from its page, linked both ways, said of it everywhere."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from html import unescape

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from appliance.contracts.draft_rules import DraftTerms
from appliance.demonstration.participants import CONTRACT_SEAL, LI, ZHANG
from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.evidence.exporting import Exporting
from appliance.evidence.repacked import read_zip
from appliance.model.contract import AmendmentKind, Contract, ContractState, GuestDetails, PartyState, Placement
from appliance.model.listing import ContractFilter
from appliance.model.notice import Occasion
from appliance.store import amendments, reminders
from appliance.verification import Indication
from appliance.wiring import Appliance
from appliance.writing.amendment_drafts import AmendmentTerms
from tests.portal.conftest import form_token
from tests.portal.estate import once
from tests.portal.visitors import known_person, signed_in
from tests.world import OURS, World, confirm, contract_now, sample_document, sequenced

TITLE = "机床采购合同"
EFFECTIVE = date(2030, 6, 30)
PLACE = Placement(0, 10, 80, 25, 8)
BEFORE, AFTER = date(2030, 3, 1), date(2031, 3, 1)


def completed(appliance: Appliance, contract: Contract) -> Contract:
    """Everybody signs."""
    while contract.state is ContractState.SENT:
        party = next(each for each in contract.parties if each.state is PartyState.WAITING)
        prepared = appliance.cycle.prepare(contract.id, party.id)
        confirm(appliance, prepared.intent)
        appliance.cycle.sign(prepared.id)
        contract = appliance.cycle.complete(prepared.id)
    return appliance.finalisation.finalise(contract.id)


def sent(
    appliance: Appliance, before: Callable[[Contract], object] = lambda _: None, *, leaving_open: int = 0
) -> Contract:
    """A contract that waits for Zhang, Li, and the seal that Zhang asks for; *before* is done to its draft."""
    draft = appliance.drafting.draft(sample_document(1), terms(TITLE))
    for person in (ZHANG, LI):
        appliance.drafting.add_person(draft.id, subject=person.subject, by=ZHANG.subject)
    appliance.drafting.add_seal(draft.id, seal=CONTRACT_SEAL.subject, requester=ZHANG.subject, by=ZHANG.subject)
    before(draft)
    return appliance.sending.send(draft.id, by=ZHANG.subject, leaving_open=leaving_open)


def terms(title: str, by: str = ZHANG.subject) -> DraftTerms:
    return DraftTerms(title, "采购", title, by)


def posted(portal: Flask, appliance: Appliance, contract: Contract, address: str, **fields: str) -> TestResponse:
    zhang = signed_in(portal, appliance, ZHANG.subject)
    seen = str(contract_now(appliance, contract.id).version)
    form = {"form_token": form_token(zhang), "seen": seen, "once": once(), **fields}
    return zhang.post(f"/contracts/{contract.id}/{address}", data=form)


def page_of(portal: Flask, appliance: Appliance, subject: str, address: str) -> str:
    return unescape(signed_in(portal, appliance, subject).get(address).text)


@pytest.fixture(scope="module")
def earlier(appliance: Appliance) -> Contract:
    contract = completed(appliance, sent(appliance))
    days = {Occasion.RENEWAL: BEFORE, Occasion.EXPIRY: AFTER}
    appliance.reminders.dates.change_dates(contract.id, days, by=ZHANG.subject)
    return contract_now(appliance, contract.id)


@pytest.fixture(scope="module")
def ended(portal: Flask, appliance: Appliance, earlier: Contract) -> Contract:
    """The agreement that terminates the earlier contract, from the form to the last signature."""
    page = page_of(portal, appliance, ZHANG.subject, f"/contracts/{earlier.id}/amend/termination")
    assert "《机床采购合同》解除协议" in page
    assert "解决争议方法的条款" in page
    fields = {"title": "机床采购合同解除协议", "effective": EFFECTIVE.isoformat()}
    fields |= {"settlement": "余款十万元于三十日内付清。", "surviving": "保密；争议解决。"}
    refused = posted(
        portal, appliance, earlier, "amend/termination", **{**fields, "effective": "", "surviving": " "}
    )
    assert refused.status_code == 422
    assert "余款十万元于三十日内付清。" in refused.text
    answer = posted(portal, appliance, earlier, "amend/termination", **fields)
    assert answer.status_code == 303, answer.text
    draft = contract_now(appliance, answer.headers["Location"].split("/")[2])
    assert not appliance.sending.problems(draft)
    text = "".join("".join(appliance.workshop.text(appliance.contracts.document(draft))).split())
    for said in (earlier.id, earlier.current.digest[:20], "余款十万元", "2030年6月30日"):
        assert said in text, said
    return completed(appliance, appliance.sending.send(draft.id, by=ZHANG.subject))


def test_it_has_the_parties_and_seals_of_the_contract(earlier: Contract, ended: Contract) -> None:
    assert [(each.subject, each.requester) for each in ended.parties] == [
        (each.subject, each.requester) for each in earlier.parties
    ]
    assert CONTRACT_SEAL.subject in [each.subject for each in ended.parties]


def test_both_pages_lead_to_the_other_and_the_signed_document_stays(
    portal: Flask, appliance: Appliance, earlier: Contract, ended: Contract
) -> None:
    now = contract_now(appliance, earlier.id)
    assert (now.state, now.revisions, now.parties) == (earlier.state, earlier.revisions, earlier.parties)
    page = page_of(portal, appliance, LI.subject, f"/contracts/{earlier.id}")
    assert "已协议解除" in page
    assert f"自 {EFFECTIVE.isoformat()} 起解除" in page
    assert f'href="/contracts/{ended.id}"' in page
    assert "各方协议解除" in page  # in the history, from the log
    assert f'href="/contracts/{earlier.id}"' in page_of(portal, appliance, LI.subject, f"/contracts/{ended.id}")
    rows = {row.id: row.amended for row in appliance.listing.list_page(LI.subject, ContractFilter()).rows}
    assert rows[earlier.id] is AmendmentKind.TERMINATION
    assert rows[ended.id] is None


def test_nobody_learns_of_a_contract_that_they_may_not_read(
    portal: Flask, appliance: Appliance, earlier: Contract, ended: Contract
) -> None:
    """A former signer of the one reads that it is over, and nothing of the other."""
    known_person(appliance, "person-former", "前任示例")
    with appliance.database.transaction() as tx:
        tx.insert(
            "handovers",
            {
                "contract": earlier.id,
                "party": earlier.parties[0].id,
                "giver": "person-former",
                "recipient": ZHANG.subject,
                "reason": "休假",
                "at": appliance.now(),
            },
        )
    page = page_of(portal, appliance, "person-former", f"/contracts/{earlier.id}")
    assert "已协议解除" in page
    assert ended.title not in page
    assert f"/contracts/{ended.id}" not in page
    assert signed_in(portal, appliance, "person-former").get(f"/contracts/{ended.id}").status_code == 404


def test_dates_after_its_end_remind_nobody(appliance: Appliance, earlier: Contract, ended: Contract) -> None:
    with appliance.database.reading() as tx:
        days = [each.at for each in reminders.feed_days(tx, ZHANG.subject, date(2030, 1, 1), limit=50)]
    assert any(str(BEFORE) in str(day) for day in days)
    assert not any(str(AFTER) in str(day) for day in days)


def test_the_ledger_waits_for_no_day_after_its_end(portal: Flask, appliance: Appliance) -> None:
    """The list of what is due: an expiry in forty days, then an agreement that ends the contract before."""
    zhang = signed_in(portal, appliance, ZHANG.subject)
    today = appliance.now().date()
    contract = completed(appliance, sent(appliance))
    appliance.reminders.dates.change_dates(
        contract.id, {Occasion.EXPIRY: today + timedelta(days=40)}, by=ZHANG.subject
    )
    assert contract.id in zhang.get("/contracts/ledger?due=60").text
    change = AmendmentTerms(AmendmentKind.TERMINATION, today + timedelta(days=20), room_for_signatures=True)
    draft = appliance.amending.draft(contract.id, change, sample_document(1), terms("解除协议"))
    completed(appliance, appliance.sending.send(draft.id, by=ZHANG.subject))
    assert contract.id not in zhang.get("/contracts/ledger?due=60").text


def test_what_is_over_is_changed_no_more(
    portal: Flask, appliance: Appliance, earlier: Contract, ended: Contract
) -> None:
    change = AmendmentTerms(AmendmentKind.SUPPLEMENT, EFFECTIVE)
    with pytest.raises(StateRefused, match="replaced or terminated"):
        appliance.amending.draft(earlier.id, change, sample_document(1), terms("补充"))
    page = page_of(portal, appliance, ZHANG.subject, f"/contracts/{earlier.id}")
    assert "/amend/" not in page


def test_evidence_of_both_says_it_and_passes(
    world: World, appliance: Appliance, earlier: Contract, ended: Contract
) -> None:
    with sequenced(appliance, world):
        packages = [Exporting(appliance).export(each.id, OURS).package for each in (earlier, ended)]
    for package, own, other, said in zip(
        packages,
        (earlier, ended),
        (ended, earlier),
        ("has terminated|have terminated", "This contract terminates"),
        strict=True,
    ):
        report = appliance.verifier.verify(package, file="evidence.zip")
        assert report.indication is Indication.PASSED, report.reasons
        remarks = " ".join(str(each) for each in report.remarks)
        assert any(words in remarks for words in said.split("|"))
        assert other.id in remarks
        assert other.current.digest in remarks
        assert EFFECTIVE.isoformat() in remarks
        files = read_zip(package).files
        readme = bytes(files["README.zh.txt"]).decode()
        assert other.id in readme
        assert "关联合同" in readme
        if own is earlier:
            assert other.title not in b" ".join(bytes(each) for each in files.values()).decode("utf-8", "ignore")


def test_a_supplement_needs_every_side_and_counts_until_it_is_void(portal: Flask, appliance: Appliance) -> None:
    contract = completed(appliance, sent(appliance))
    change = AmendmentTerms(AmendmentKind.SUPPLEMENT, EFFECTIVE)
    draft = appliance.amending.draft(contract.id, change, sample_document(2), terms("补充协议一", LI.subject))
    assert draft.initiator == LI.subject
    assert draft.parties[0].subject == LI.subject  # who initiates signs first
    assert {party.placement for party in draft.parties} == {None}
    assert f"/contracts/{draft.id}" not in page_of(portal, appliance, ZHANG.subject, f"/contracts/{contract.id}")
    assert f"/contracts/{draft.id}" in page_of(portal, appliance, LI.subject, f"/contracts/{contract.id}")

    own = next(party for party in draft.parties if party.subject == LI.subject)
    for party in draft.parties:
        if party.id != own.id:
            appliance.drafting.remove_party(draft.id, party.id, by=LI.subject)
    lacking = [str(problem.sentence) for problem in appliance.sending.problems(contract_now(appliance, draft.id))]
    assert any("missing here: 甲公司示例有限公司" in each for each in lacking), lacking


def test_a_void_agreement_changes_nothing_any_more(portal: Flask, appliance: Appliance) -> None:
    contract = completed(appliance, sent(appliance))
    change = AmendmentTerms(AmendmentKind.REPLACEMENT, EFFECTIVE, room_for_signatures=True)
    draft = appliance.amending.draft(contract.id, change, sample_document(1), terms("新合同"))
    newer = completed(appliance, appliance.sending.send(draft.id, by=ZHANG.subject))
    with appliance.database.reading() as tx:
        assert amendments.ended_from(tx, contract.id) == EFFECTIVE
    appliance.voiding.propose(newer.id, reason="有误", by=ZHANG.subject)
    for subject in dict.fromkeys(party.responsible for party in newer.parties):
        declaration = appliance.voiding.prepare(newer.id, by=subject)
        confirm(appliance, declaration.intent)
        appliance.voiding.declare(newer.id, declaration.id)
    with appliance.database.reading() as tx:
        assert amendments.ended_from(tx, contract.id) is None
    page = page_of(portal, appliance, ZHANG.subject, f"/contracts/{contract.id}")
    assert "变更本合同的协议已作废" in page
    assert "已被替代" not in page


def test_only_who_signed_or_initiated_changes_a_completed_contract(
    appliance: Appliance, earlier: Contract
) -> None:
    known_person(appliance, "person-stranger", "路人示例")
    change = AmendmentTerms(AmendmentKind.SUPPLEMENT, EFFECTIVE)
    with pytest.raises((NotFound, PreconditionRefused)):
        appliance.amending.draft(earlier.id, change, sample_document(1), terms("补充", "person-stranger"))
    with pytest.raises(StateRefused, match="only a completed contract"):
        appliance.amending.draft(sent(appliance).id, change, sample_document(1), terms("补充"))


def test_a_contract_is_duplicated_from_any_state(portal: Flask, appliance: Appliance, earlier: Contract) -> None:
    waiting = sent(appliance)
    for contract in (earlier, waiting):
        answer = posted(portal, appliance, contract, "duplicate")
        draft = contract_now(appliance, answer.headers["Location"].split("/")[2])
        assert draft.state is ContractState.DRAFT
        assert draft.original.digest == contract.original.digest
        for was, now in zip(contract.parties, draft.parties, strict=True):
            assert (now.subject, now.places, now.requester) == (was.subject, was.places, was.requester)
            assert now.state is PartyState.WAITING
    li = signed_in(portal, appliance, LI.subject)
    seen = str(contract_now(appliance, waiting.id).version)
    refused = li.post(
        f"/contracts/{waiting.id}/duplicate", data={"form_token": form_token(li), "seen": seen, "once": once()}
    )
    assert refused.status_code == 409


def test_an_outside_signer_joins_anew(appliance: Appliance) -> None:
    """A guest is bound to one contract: the copy has another one of the same name, with an own key."""
    by = ZHANG.subject
    draft = appliance.drafting.draft(sample_document(1), terms("咨询合同"))
    guest = appliance.drafting.add_guest(draft.id, GuestDetails("郑示例", "丙公司", "zheng@gamma.example"), by=by)
    other = appliance.drafting.duplicate(draft.id, by=by)
    [copied] = other.parties
    assert (copied.name, copied.organisation) == (guest.name, guest.organisation)
    assert copied.guest
    assert copied.subject != guest.subject
    for each in (draft, other):
        appliance.drafting.place(each.id, contract_now(appliance, each.id).parties[0].id, [PLACE], by=by)
        assert appliance.sending.send(each.id, by=by).state is ContractState.SENT

"""Copies (抄送): colleagues who read a contract once it is sent, and are told when it is completed."""

from __future__ import annotations

import pytest
from flask import Flask

from appliance.demonstration.participants import LI, ZHANG
from appliance.errors import PreconditionRefused
from appliance.language import Language
from appliance.model.contract import Contract, GuestDetails
from appliance.model.listing import ContractFilter
from appliance.model.notice import NoticeKind
from appliance.model.people import Person
from appliance.store.database import Transaction
from appliance.wiring import Appliance
from tests.portal.conftest import form_token
from tests.portal.test_amending import completed, sent, terms
from tests.portal.visitors import known_person, signed_in
from tests.world import contract_now, sample_document

READER = "person-copied"


def test_a_colleague_reads_it_once_sent_and_hears_of_the_end(portal: Flask, appliance: Appliance) -> None:
    known_person(appliance, READER, "抄送示例")
    colleague = signed_in(portal, appliance, READER)
    zhang = signed_in(portal, appliance, ZHANG.subject)

    def copied(draft: Contract) -> None:
        page = zhang.get(f"/contracts/{draft.id}/copies?find=抄送")
        assert "抄送示例" in page.text
        form = {"form_token": form_token(zhang), "seen": str(contract_now(appliance, draft.id).version)}
        answer = zhang.post(f"/contracts/{draft.id}/copies", data={**form, "person": READER})
        assert answer.status_code == 303, answer.text
        assert colleague.get(f"/contracts/{draft.id}").status_code == 404  # a draft is its initiator's alone

    contract = sent(appliance, before=copied)
    assert colleague.get(f"/contracts/{contract.id}").status_code == 200
    assert contract.id in [row.id for row in appliance.listing.list_page(READER, ContractFilter()).rows]
    assert "抄送示例" in zhang.get(f"/contracts/{contract.id}").text
    li = signed_in(portal, appliance, LI.subject)
    assert "抄送示例" not in li.get(f"/contracts/{contract.id}").text  # internal to who copied
    completed(appliance, contract)

    def told(tx: Transaction) -> list[str]:
        return tx.column(
            str, "SELECT kind FROM outbox WHERE contract = ? AND recipient = ?", (contract.id, READER)
        )

    assert appliance.database.query(told) == [NoticeKind.COMPLETED]
    appliance.copying.remove_reader(contract.id, READER, by=ZHANG.subject)
    assert colleague.get(f"/contracts/{contract.id}").status_code == 404


def test_copies_stay_with_the_organisations_of_the_contract(appliance: Appliance) -> None:
    by = ZHANG.subject
    draft = appliance.drafting.draft(sample_document(1), terms("抄送示例合同"))
    guest = appliance.drafting.add_guest(draft.id, GuestDetails("郑示例", "丙公司", "z@gamma.example"), by=by)
    stranger = Person("person-gamma", "丁示例", "癸公司示例有限公司", "d@delta.example", Language.CHINESE, "UTC")
    appliance.registry.add_person(stranger, None, by="officer-wang")
    for subject, why in (
        (guest.subject, "no open account"),
        (stranger.subject, "no part in this contract"),
        (by, "reads this contract already"),
    ):
        with pytest.raises(PreconditionRefused, match=why):
            appliance.copying.add_reader(draft.id, subject, by=by)
    appliance.endings.discard(draft.id, by=by)

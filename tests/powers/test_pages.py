"""What a signer sees of the own authority: on the signing page, in a refusal, and in the decision afterwards."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from flask import Flask

from appliance.demonstration.participants import BETA, ZHANG
from appliance.errors import PreconditionRefused
from appliance.language import Language, translator
from appliance.model.contract import Money
from appliance.model.powers import PowerScope
from appliance.wiring import Appliance
from tests.portal.conftest import portal_of
from tests.portal.visitors import signed_in
from tests.powers.conftest import Office


@pytest.fixture(scope="module")
def portal(appliance: Appliance) -> Flask:
    return portal_of(appliance, appliance.authority)


def said(text: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", " ", text))


def test_the_refusal_names_reason_and_remedy(office: Office, appliance: Appliance, portal: Flask) -> None:
    contract = office.sent(amount=Money(100, "CNY"))
    power = office.verified(scope=PowerScope(limit=Money(99, "CNY")))
    refused = signed_in(portal, appliance, ZHANG.subject).get(f"/contracts/{contract.id}/sign")
    assert refused.status_code == 409
    words = f"授权委托书 {power.id} 的金额上限为 CNY 0.99，本合同金额为 CNY 1.00，超出授权；请登记上限更高的"
    assert words in said(refused.text)


def test_one_reads_under_which_authority_one_signs(office: Office, appliance: Appliance, portal: Flask) -> None:
    power = office.verified(scope=PowerScope(counterparties=(BETA,)))
    contract = office.sent(amount=Money(100, "CNY"))
    zhang = signed_in(portal, appliance, ZHANG.subject)
    sentence = f"张示例依据钱示例签发的授权委托书 {power.id}，代表甲公司示例有限公司签署。"
    assert sentence in said(zhang.get(f"/contracts/{contract.id}/sign").text)
    office.signed(contract)
    page = said(zhang.get(f"/contracts/{contract.id}").text)
    assert sentence in page
    assert "本合同的相对方均在授权委托书" in page
    assert f"/powers/{power.id}" in zhang.get(f"/contracts/{contract.id}").text


def test_what_own_people_lack_keeps_a_draft_from_being_sent(
    office: Office, appliance: Appliance, portal: Flask
) -> None:
    """Others may bring their powers along until they sign."""
    draft = office.drafted(amount=Money(100, "CNY"))
    zhang, say = signed_in(portal, appliance, ZHANG.subject), translator(Language.CHINESE)
    own, other = appliance.sending.problems(draft), appliance.sending.outstanding(draft)
    assert ([problem.party for problem in own], len(other)) == ([draft.parties[0].id], 1)
    lacking = say(own[0].template, **own[0].values)
    assert lacking in said(zhang.get(f"/contracts/{draft.id}/draft/parties").text)
    page = said(zhang.get(f"/contracts/{draft.id}/draft/check").text)
    assert lacking in page
    assert "还不能发出" in page
    assert say(other[0].template, **other[0].values) in page.split("签署前须办妥")[1]
    with pytest.raises(PreconditionRefused) as refused:
        appliance.sending.send(draft.id, by=ZHANG.subject)
    assert refused.value.template == own[0].template


def test_a_power_that_ends_before_the_deadline_is_told_and_can_be_sent(
    office: Office, appliance: Appliance, portal: Flask
) -> None:
    power = office.verified(until=appliance.now() + timedelta(days=1), scope=PowerScope())
    draft = office.drafted(amount=Money(100, "CNY"))
    assert appliance.sending.problems(draft) == []
    page = said(signed_in(portal, appliance, ZHANG.subject).get(f"/contracts/{draft.id}/draft/check").text)
    assert power.id in page.split("签署截止前即将失效")[1]
    appliance.sending.send(draft.id, by=ZHANG.subject)

"""What a signer sees of the own authority: on the signing page, in a refusal, and in the decision afterwards."""

from __future__ import annotations

import html
import re

import pytest
from flask import Flask

from appliance.demonstration.cast import BETA, ZHANG
from appliance.language import Language, translator
from appliance.model.money import Money
from appliance.model.powers import Scope
from appliance.wiring import Appliance
from tests.portal.conftest import parts
from tests.portal.visitors import signed_in
from tests.powers.conftest import Office
from webui.portal.application import create_app


@pytest.fixture(scope="module")
def portal(appliance: Appliance) -> Flask:
    return create_app(parts(appliance, appliance.authority))


def said(text: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", " ", text))


def test_the_refusal_names_reason_and_remedy(office: Office, appliance: Appliance, portal: Flask) -> None:
    contract = office.sent(amount=Money(100, "CNY"))
    power = office.verified(scope=Scope(limit=Money(99, "CNY")))
    refused = signed_in(portal, appliance, ZHANG.subject).get(f"/contracts/{contract.id}/sign")
    assert refused.status_code == 409
    words = f"授权委托书 {power.id} 的金额上限为 CNY 0.99，本合同金额为 CNY 1.00，超出授权；请登记上限更高的"
    assert words in said(refused.text)


def test_one_reads_under_which_authority_one_signs(office: Office, appliance: Appliance, portal: Flask) -> None:
    power = office.verified(scope=Scope(counterparties=(BETA,)))
    contract = office.sent(amount=Money(100, "CNY"))
    zhang = signed_in(portal, appliance, ZHANG.subject)
    sentence = f"张示例依据钱示例签发的授权委托书 {power.id}，代表甲公司示例有限公司签署。"
    assert sentence in said(zhang.get(f"/contracts/{contract.id}/sign").text)
    office.signed(contract)
    page = said(zhang.get(f"/contracts/{contract.id}").text)
    assert sentence in page
    assert "本合同的相对方均在授权委托书" in page
    assert f"/powers/{power.id}" in zhang.get(f"/contracts/{contract.id}").text


def test_the_initiator_is_told_before_sending(office: Office, appliance: Appliance, portal: Flask) -> None:
    draft = office.drafted(amount=Money(100, "CNY"))
    zhang = signed_in(portal, appliance, ZHANG.subject)
    page = said(zhang.get(f"/contracts/{draft.id}/draft/check").text)
    assert "签署前须办妥" in page
    told = appliance.sending.unauthorised(draft)
    assert len(told) == len(draft.parties)
    for each in told:
        assert translator(Language.CHINESE)(each.template, **each.values) in page
    assert "发出" in page, "it can be sent all the same"

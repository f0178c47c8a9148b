"""The screens of the content check: a draft's last step, the reviewer's queue and case, the contract's page."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from appliance.contracts.drafting import DraftTerms
from appliance.demonstration.participants import CUSTODIAN, LI, ZHANG
from appliance.model.accounts import AccountRole
from appliance.model.contract import Contract, ContractState
from appliance.wiring import Appliance
from tests.portal.conftest import portal_of
from tests.portal.drafts import hidden
from tests.portal.visitors import signed_in
from tests.review.documents import purchase, scan
from tests.world import contract_now


@pytest.fixture
def portal(appliance: Appliance) -> Flask:
    return portal_of(appliance, appliance.authority)


@pytest.fixture
def zhang(portal: Flask, appliance: Appliance) -> FlaskClient:
    return signed_in(portal, appliance, ZHANG.subject)


@pytest.fixture
def reviewer(portal: Flask, appliance: Appliance) -> Iterator[FlaskClient]:
    yield signed_in(portal, appliance, CUSTODIAN.subject, (AccountRole.SIGNER, AccountRole.REVIEWER))


def drafted(appliance: Appliance, document: bytes) -> Contract:
    draft = appliance.drafting.draft(document, DraftTerms("采购合同", "采购", "示例", ZHANG.subject))
    appliance.drafting.add_person(draft.id, subject=LI.subject, by=ZHANG.subject)
    return contract_now(appliance, draft.id)


def posted(client: FlaskClient, page: str, action: str, **fields: str) -> int:
    shown = client.get(page).text
    form = {"form_token": hidden(shown, "form_token"), **fields}
    for name in ("document", "seen"):
        if f'name="{name}"' in shown:
            form.setdefault(name, hidden(shown, name))
    return client.post(action, data=form).status_code


def test_from_the_draft_to_the_reviewer_and_out(
    appliance: Appliance, zhang: FlaskClient, reviewer: FlaskClient
) -> None:
    draft = drafted(appliance, purchase(without="争议解决"))
    step, case = f"/contracts/{draft.id}/draft/check", f"/reviews/{draft.id}"
    page = zhang.get(step).text
    assert "争议解决" in page
    assert "缺失" in page
    assert 'value="send"' not in page
    assert f'href="{step}#review"' in page
    assert posted(zhang, step, step, act="review") == 303
    assert "采购合同" in reviewer.get("/reviews").text
    shown = reviewer.get(case).text
    assert "sign-off" in shown
    assert "<button>审签</button>" not in shown
    assert posted(reviewer, case, f"{case}/waive", item="dispute-resolution", reason="x") == 422
    assert posted(reviewer, case, f"{case}/waive", item="dispute-resolution", reason="见主合同第九条") == 303
    assert "见主合同第九条" in reviewer.get(case).text
    assert posted(reviewer, case, f"{case}/sign-off") == 303
    assert "审核人已审签" in zhang.get(step).text
    assert posted(zhang, step, step, act="send", once=hidden(zhang.get(step).text, "once")) == 303
    assert contract_now(appliance, draft.id).state is ContractState.SENT
    assert "内容审查" in zhang.get(f"/contracts/{draft.id}").text


def test_boxes_lead_to_their_items_and_back(appliance: Appliance, zhang: FlaskClient) -> None:
    draft = drafted(appliance, purchase())
    zhang.get(f"/contracts/{draft.id}/draft/check")
    page = zhang.get(f"/contracts/{draft.id}/review").text
    to_page = set(re.findall(r'href="#(at-[a-z-]+-\d+)"', page))
    assert to_page
    assert to_page <= set(re.findall(r'id="(at-[a-z-]+-\d+)"', page))
    to_item = set(re.findall(r'<a href="#(item-[a-z-]+)"', page))
    assert to_item <= set(re.findall(r'id="(item-[a-z-]+)"', page))
    assert page.count("<rect") >= 10
    assert "style=" not in page


def test_an_amount_that_stands_often_is_shown_once(appliance: Appliance, zhang: FlaskClient) -> None:
    price = "价款为EUR 12,500，分期支付。" + "每期支付EUR 12,500或12,500欧元。" * 30 + "违约金为EUR 900。"
    draft = drafted(appliance, purchase(price=price))
    zhang.get(f"/contracts/{draft.id}/draft/check")
    page = zhang.get(f"/contracts/{draft.id}/review").text
    values = re.sub(r"<[^>]+>", " ", page[page.index('id="values"') : page.index("</dl>")])
    assert re.findall(r"EUR 12,?500|12,500欧元|EUR 900", values) == [
        "EUR 12,500", "12,500欧元", "EUR 12500", "EUR 900", "EUR 900"
    ]  # fmt: skip


def test_a_scan_is_called_one(appliance: Appliance, zhang: FlaskClient) -> None:
    draft = drafted(appliance, scan())
    assert "没有文字的页面" in zhang.get(f"/contracts/{draft.id}/draft/check").text
    assert "扫描件" in zhang.get(f"/contracts/{draft.id}/review").text


def test_pages_of_a_case_are_for_its_reviewers(
    appliance: Appliance, zhang: FlaskClient, reviewer: FlaskClient
) -> None:
    draft = drafted(appliance, purchase())
    picture = f"/reviews/{draft.id}/pages/1.png"
    assert reviewer.get(picture).status_code == 404
    appliance.reviewing.ask(draft.id, by=ZHANG.subject)
    assert reviewer.get(picture).mimetype == "image/png"
    assert reviewer.get(f"/reviews/{draft.id}/pages/2.png").status_code == 404
    for address in ("/reviews", f"/reviews/{draft.id}", picture):
        assert zhang.get(address).status_code == 403


def test_a_sign_off_of_another_document_than_was_shown_is_refused(
    appliance: Appliance, reviewer: FlaskClient
) -> None:
    draft = drafted(appliance, purchase())
    appliance.reviewing.ask(draft.id, by=ZHANG.subject)
    case = f"/reviews/{draft.id}"
    assert posted(reviewer, case, f"{case}/sign-off", document="0" * 64) == 409


def test_returned_with_words(appliance: Appliance, zhang: FlaskClient, reviewer: FlaskClient) -> None:
    draft = drafted(appliance, purchase())
    appliance.reviewing.ask(draft.id, by=ZHANG.subject)
    case = f"/reviews/{draft.id}"
    assert posted(reviewer, case, f"{case}/return", words="请补充验收标准") == 303
    assert "请补充验收标准" in zhang.get(f"/contracts/{draft.id}/draft/check").text
    assert posted(reviewer, case, f"{case}/sign-off", document=draft.original.digest) == 409

"""Several seals by one confirmation each of whoever asks and of the custodian: what is asked before, what becomes
of each, and what history and evidence say of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from appliance.contracts.drafting import DraftTerms
from appliance.demonstration.participants import CONTRACT_SEAL, CUSTODIAN, ZHANG, ZONE
from appliance.evidence.repacked import read_zip
from appliance.model.contract import Contract, Deadline, PartyState
from appliance.model.people import SealRequest, SealRequestState
from appliance.verification import Indication
from appliance.wiring import Appliance
from tests.portal import signing_visits as visits
from tests.portal.test_signing_together import choose, confirm_all, exported, sealed_alone, sent, states, words
from tests.portal.visitors import signed_in
from tests.world import confirm_by, sample_document
from webui.portal.signing import batch_results

REASON = "年度框架采购，一式两份"


@pytest.fixture
def zhang(portal: Flask, appliance: Appliance) -> FlaskClient:
    return signed_in(portal, appliance, ZHANG.subject)


@pytest.fixture
def zhao(portal: Flask, appliance: Appliance) -> FlaskClient:
    return signed_in(portal, appliance, CUSTODIAN.subject)


def asked_for(appliance: Appliance, zhang: FlaskClient, contracts: Sequence[Contract]) -> list[SealRequest]:
    """The requests for the seals, made by one touch."""
    check = choose(zhang, contracts)
    assert check.status_code == 200 and "请填写用印事由" in check.text
    zhang.get(confirm_all(appliance, go_on(zhang, check, reason=REASON)))
    found = [appliance.seal_requests.of_party(each.parties[0].id) for each in contracts]
    return [each for each in found if each is not None]


def go_on(client: FlaskClient, check: TestResponse, **more: str) -> TestResponse:
    """Goes on with what the page offers."""
    [action] = re.findall(r'<form class="form" method="post" action="([^"]+)"', check.text)
    chosen = re.findall(r'name="(contract|request)" value="([^"]+)"', check.text)
    data: dict[str, object] = {**visits.hidden(check.text), **more}
    for name in ("contract", "request"):
        data[name] = [value for each, value in chosen if each == name]
    return client.post(action, data=data)


def approve(client: FlaskClient, requests: Sequence[SealRequest]) -> TestResponse:
    fields = visits.hidden(client.get("/seals/requests").text)
    return client.post("/batches/seals", data={**fields, "request": [each.id for each in requests]})


def answers(appliance: Appliance, requests: Sequence[SealRequest]) -> list[SealRequestState]:
    return [appliance.seal_requests.get(each.id).state for each in requests]


USED, WAITS = SealRequestState.USED, SealRequestState.WAITING


def test_one_touch_asks_for_seals_beside_own_signatures(appliance: Appliance, zhang: FlaskClient) -> None:
    first, own, last = (
        sealed_alone(appliance, "用印之一"),
        sent(appliance, "本人签署"),
        sealed_alone(appliance, "之二"),
    )
    contracts = [first, own, last]
    page = zhang.get("/?bucket=to-sign").text
    assert all(f'value="{each.id}"' in page for each in contracts)
    check = choose(zhang, contracts)
    assert "请填写用印事由" in check.text and "本人签署" in check.text
    for wrong in ("", "字" * 501):
        refused = go_on(zhang, check, reason=wrong)
        assert refused.status_code == 422
    back = confirm_all(appliance, go_on(zhang, check, reason=REASON))
    done = words(zhang.get(back).text)
    assert "全部办理完毕" in done and done.count("已申请用印") == 2 and REASON in done
    assert states(appliance, contracts) == [PartyState.WAITING, PartyState.SIGNED, PartyState.WAITING]
    again = choose(zhang, [contracts[0]])
    assert again.status_code == 409 and "已申请用印" in words(again.text)


def test_a_custodian_approves_all_by_one_touch(
    appliance: Appliance, zhang: FlaskClient, zhao: FlaskClient
) -> None:
    requests = asked_for(appliance, zhang, [sealed_alone(appliance, f"批量用印 {number}") for number in range(3)])
    page = zhao.get("/seals/requests").text
    assert all(f'name="request" value="{each.id}"' in page for each in requests) and "批准所选" in page
    assert 'name="request"' not in zhang.get("/seals/requests").text, "who asks does not answer"
    back = confirm_all(appliance, approve(zhao, requests), CUSTODIAN.subject)
    assert answers(appliance, requests) == [WAITS] * 3
    done = words(zhao.get(back).text)
    assert "全部办理完毕" in done and done.count("已用印") == 3
    assert answers(appliance, requests) == [USED] * 3
    assert zhao.get(back).status_code == 200, "looked at again, sealed once"
    assert zhang.get(back).status_code == 404, "a batch is its person's alone"


def test_a_fault_in_one_leaves_the_others(
    appliance: Appliance, zhang: FlaskClient, zhao: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = asked_for(appliance, zhang, [sealed_alone(appliance, f"其一有变 {number}") for number in range(3)])
    back = confirm_all(appliance, approve(zhao, requests), CUSTODIAN.subject)
    monkeypatch.setattr(batch_results, "PATIENCE", -1.0)
    waits = zhao.get(back)
    assert waits.status_code == 202 and "Refresh" in waits.headers and "已办理 0 份，共 3 份" in words(waits.text)
    monkeypatch.undo()
    appliance.seal_requests.withdraw(requests[1].id, by=ZHANG.subject)
    done = words(zhao.get(back).text)
    assert "部分未办理" in done and "已办理 2 份，共 3 份" in done and "申请人已撤回" in done
    assert answers(appliance, requests) == [USED, SealRequestState.WITHDRAWN, USED]


def test_what_cannot_be_approved_is_named(appliance: Appliance, zhang: FlaskClient, zhao: FlaskClient) -> None:
    requests = asked_for(appliance, zhang, [sealed_alone(appliance, f"可批 {number}") for number in range(2)])
    gone, mine = requests
    appliance.seal_requests.withdraw(gone.id, by=ZHANG.subject)
    check = approve(zhao, [gone, mine])
    assert check.status_code == 200 and "该申请已经处理" in words(check.text)
    foreign = approve(zhang, [mine])
    assert foreign.status_code == 409 and "请由其他印章管理员" in words(foreign.text)
    for number, count in (("f" * 24, 404), ("x", 400)):
        fields = visits.hidden(zhao.get("/seals/requests").text)
        answer = zhao.post("/batches/seals", data={**fields, "request": [number]})
        assert answer.status_code in (409, count)
    none = approve(zhao, [])
    assert none.status_code == 422
    single = go_on(zhao, check)
    visits.confirm(zhao, appliance, CUSTODIAN.subject, single)
    assert answers(appliance, [mine]) == [USED]


def test_two_uses_on_one_contract_are_two_confirmations(
    appliance: Appliance, zhang: FlaskClient, zhao: FlaskClient
) -> None:
    """The second seal is over a document that the first one's signature changes."""
    contract = sealed_alone(appliance, "同一份")
    [request] = asked_for_alone(appliance, zhang, contract)
    data = {**visits.hidden(zhao.get("/seals/requests").text), "request": [request.id], "contract": [contract.id]}
    answer = zhao.post("/batches/seals", data=data)
    assert answer.status_code == 200 and "可签署：1 份" in words(answer.text)


def asked_for_alone(appliance: Appliance, zhang: FlaskClient, contract: Contract) -> list[SealRequest]:
    check = choose(zhang, [contract])
    visits.confirm(zhang, appliance, ZHANG.subject, go_on(zhang, check, reason=REASON))
    found = appliance.seal_requests.of_party(contract.parties[0].id)
    return [] if found is None else [found]


def test_who_signs_asks_for_the_seal_straight_after(appliance: Appliance, zhang: FlaskClient) -> None:
    """One click of the portal, two touches: the seal's digest is known only once the signature is made."""
    contract = with_seal(appliance)
    asked = visits.ask(zhang, f"/contracts/{contract.id}/sign", reason=REASON)
    between = visits.confirm(zhang, appliance, ZHANG.subject, asked)
    assert states(appliance, [contract]) == [PartyState.SIGNED]
    page = visits.confirm(zhang, appliance, ZHANG.subject, between)
    request = appliance.seal_requests.of_party(contract.parties[1].id)
    assert request is not None and request.reason == REASON and page.status_code == 303
    assert page.headers["Location"] == f"/seals/requests/{request.id}"


def test_who_gives_no_reason_only_signs(appliance: Appliance, zhang: FlaskClient) -> None:
    contract = with_seal(appliance)
    asked = visits.ask(zhang, f"/contracts/{contract.id}/sign")
    assert (
        visits.confirm(zhang, appliance, ZHANG.subject, asked)
        .headers["Location"]
        .endswith("/signed?party=" + contract.parties[0].id)
    )
    assert states(appliance, [contract]) == [PartyState.SIGNED]
    assert appliance.seal_requests.of_party(contract.parties[1].id) is None
    assert "印章“" in zhang.get(f"/contracts/{with_seal(appliance).id}/sign").text


def with_seal(appliance: Appliance) -> Contract:
    """Zhang signs, then the seal for which Zhang asks."""
    deadline = Deadline(appliance.now() + timedelta(days=3), ZONE)
    draft = appliance.drafting.draft(
        sample_document(1), DraftTerms("签字盖章", "服务", "示例", ZHANG.subject, deadline)
    )
    appliance.drafting.add_person(draft.id, subject=ZHANG.subject, by=ZHANG.subject)
    appliance.drafting.add_seal(draft.id, seal=CONTRACT_SEAL.subject, requester=ZHANG.subject, by=ZHANG.subject)
    return appliance.sending.send(draft.id, by=ZHANG.subject)


@pytest.mark.long
def test_forty_seals_one_touch_of_the_custodian(
    appliance: Appliance, zhang: FlaskClient, zhao: FlaskClient
) -> None:
    requests = asked_for(appliance, zhang, [sealed_alone(appliance, f"第 {number} 份") for number in range(40)])
    back = confirm_all(appliance, approve(zhao, requests), CUSTODIAN.subject)
    for _ in range(60):
        page = zhao.get(back)
        if page.status_code == 200:
            break
    assert "全部办理完毕" in page.text and answers(appliance, requests) == [USED] * 40


@pytest.mark.long
def test_history_and_evidence_say_that_they_were_approved_together(
    appliance: Appliance, zhang: FlaskClient, zhao: FlaskClient
) -> None:
    contracts = [sealed_alone(appliance, f"证据 {number}") for number in range(3)]
    requests = asked_for(appliance, zhang, contracts)
    zhao.get(confirm_all(appliance, approve(zhao, requests[:2]), CUSTODIAN.subject))
    confirm_by(appliance, CUSTODIAN.subject, appliance.seal_requests.act(requests[2]))
    appliance.seal_requests.approve(requests[2].id, by=CUSTODIAN.subject)
    page = words(zhang.get(f"/contracts/{contracts[1].id}").text)
    assert "一并确认的文件数（含本文件） 3" in page and "一并确认的文件数（含本文件） 2" in page

    package = exported(appliance, contracts[1])
    files = read_zip(package).files
    assert "approved together with others, documents in all: 3, 2" in bytes(files["README.en.txt"]).decode()
    assert "用印系与其他文件一并申请或批准，文件份数：3、2" in bytes(files["README.zh.txt"]).decode()
    report = appliance.verifier.verify(package, file="evidence.zip")
    assert report.indication is Indication.PASSED, report.reasons
    assert [each.values["counts"] for each in report.remarks if "counts" in each.values] == ["3, 2"]
    alone = appliance.verifier.verify(exported(appliance, contracts[2]), file="evidence.zip")
    assert [each.values["counts"] for each in alone.remarks if "counts" in each.values] == ["3"]

"""Several contracts signed by one confirmation: what cannot be among them, how an interrupted return goes on, and
what the history says afterwards."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pysqlite3 import dbapi2 as sqlite
from werkzeug.test import TestResponse

from appliance.contracts.drafting import DraftTerms
from appliance.demonstration.participants import CONTRACT_SEAL, CUSTODIAN, LI, ZHANG, ZONE
from appliance.evidence.exporting import Exporting
from appliance.evidence.repacked import read_zip
from appliance.ledger import Sequencer
from appliance.model.accounts import AccountRole
from appliance.model.contract import Contract, Deadline, PartyState, SigningOrder
from appliance.model.intent import SigningOrigin
from appliance.verification import Indication
from appliance.wiring import Appliance
from hsm.client import AuthorityClient
from hsm.errors import AuthorityUnreachable
from hsm.operation_types import KnownCredential
from tests import activation_service as service
from tests.authority import soon
from tests.portal import signing_visits as visits
from tests.portal.conftest import portal_of
from tests.portal.visitors import signed_in
from tests.world import OURS, confirm, contract_now, sample_document, with_parts
from webui.portal.signing import batch_results as batch_pages


@pytest.fixture
def zhang(portal: Flask, appliance: Appliance) -> FlaskClient:
    return signed_in(portal, appliance, ZHANG.subject)


def sent(
    appliance: Appliance,
    title: str,
    *subjects: str,
    by: str = ZHANG.subject,
    order: SigningOrder = SigningOrder.SEQUENTIAL,
) -> Contract:
    """A contract of persons alone, of Zhang unless others are named. Who sends it signs first."""
    deadline = Deadline(appliance.now() + timedelta(days=3), ZONE)
    draft = appliance.drafting.draft(
        sample_document(1), DraftTerms(title, "服务", "示例", by, deadline, order=order)
    )
    for subject in subjects or (ZHANG.subject,):
        appliance.drafting.add_person(draft.id, subject=subject, by=by)
    return appliance.sending.send(draft.id, by=by)


def choose(client: FlaskClient, contracts: Sequence[Contract]) -> TestResponse:
    fields = visits.hidden(client.get("/?bucket=to-sign").text)
    data = {**fields, "contract": [each.id for each in contracts]}
    return client.post("/batches?bucket=to-sign", data=data)


def confirm_all(appliance: Appliance, asked: TestResponse, subject: str = ZHANG.subject) -> str:
    """One touch on the page to which the portal leads; the path of the portal to which that page leads."""
    settings = appliance.settings
    origin = settings.activation.origin
    assert asked.status_code == 303 and asked.headers["Location"].startswith(f"{origin}/batch/"), asked.text
    with service.activation_service(settings) as app:
        browser = service.browser_at(app)
        page = browser.get(urlsplit(asked.headers["Location"]).path, base_url=origin)
        assert page.status_code == 200, page.text
        form = service.passkey_form(page.text)
        given = service.send_to(browser, origin, form, credential=service.answer(settings.home, subject, form))
    assert given.status_code == 303, given.text
    return given.headers["Location"].removeprefix(settings.web.origin)


def words(page: str) -> str:
    return " ".join(html.unescape(re.sub("<[^>]+>", " ", page)).split())


def states(appliance: Appliance, contracts: Sequence[Contract]) -> list[PartyState]:
    return [contract_now(appliance, each.id).parties[0].state for each in contracts]


SIGNED, WAITING = PartyState.SIGNED, PartyState.WAITING


def test_the_list_of_what_waits_for_me_lets_me_select(appliance: Appliance, zhang: FlaskClient) -> None:
    for number in range(2):
        sent(appliance, f"选择 {number}")
    page = zhang.get("/?bucket=to-sign").text
    assert page.count('type="checkbox" name="contract"') >= 2 and "批量签署" in page
    assert 'name="contract"' not in zhang.get("/").text


def test_three_contracts_one_touch_three_signatures(appliance: Appliance, zhang: FlaskClient) -> None:
    contracts = [sent(appliance, f"合同 {number}") for number in range(3)]
    back = confirm_all(appliance, choose(zhang, contracts))
    assert states(appliance, contracts) == [WAITING] * 3
    page = zhang.get(back)
    assert page.status_code == 200 and "所选合同均已签署" in page.text
    assert states(appliance, contracts) == [SIGNED] * 3
    assert zhang.get(back).status_code == 200, "looked at again, signed once"
    for each in contracts:
        assert [one.party for one in contract_now(appliance, each.id).revisions].count(each.parties[0].id) == 1


@pytest.mark.long
def test_the_history_and_the_authority_say_that_it_was_one_of_three(
    appliance: Appliance, zhang: FlaskClient
) -> None:
    contracts = [sent(appliance, f"历史 {number}") for number in range(3)]
    zhang.get(confirm_all(appliance, choose(zhang, contracts)))
    page = words(zhang.get(f"/contracts/{contracts[1].id}").text)
    assert "一并确认的文件数（含本文件） 3" in page and "本文件在其中的序号 2" in page
    [root] = re.findall(r"全部文件的 Merkle 根（SHA-256） ([0-9a-f]{64})", page)
    path = appliance.settings.home.root / "authority/authority.db"
    kept = sqlite.connect(path).execute("SELECT count(*) FROM acts WHERE act LIKE ?", (f"%{root}%",)).fetchone()
    assert kept == (3,)

    package = exported(appliance, contracts[1])
    files = read_zip(package).files
    assert "Confirmed together with others, 3 documents in all" in bytes(files["README.en.txt"]).decode()
    assert "与其他文件一并确认，共 3 份" in bytes(files["README.zh.txt"]).decode()
    report = appliance.verifier.verify(package, file="evidence.zip")
    assert report.indication is Indication.PASSED, report.reasons
    assert [each.values["count"] for each in report.remarks if "count" in each.values] == [3]

    alone = sent(appliance, "单独")
    asked = visits.ask(zhang, f"/contracts/{alone.id}/sign")
    visits.confirm(zhang, appliance, ZHANG.subject, asked)
    assert "一并确认" not in zhang.get(f"/contracts/{alone.id}").text
    single = exported(appliance, alone)
    assert b"together" not in read_zip(single).files["README.en.txt"].tobytes()
    remarks = appliance.verifier.verify(single, file="evidence.zip").remarks
    assert not any("count" in each.values for each in remarks)


def exported(appliance: Appliance, contract: Contract) -> bytes:
    """The evidence package of *contract*, whose parties have all signed."""
    appliance.finalisation.finalise(contract.id)
    with AuthorityClient(appliance.settings.home.authority_socket("scheduler")) as scheduler:
        Sequencer(appliance.database, scheduler).run_once()
    return Exporting(appliance).export(contract.id, OURS).package


def test_what_cannot_be_among_them_is_named_with_its_reason(appliance: Appliance, zhang: FlaskClient) -> None:
    good = [sent(appliance, f"可签 {number}") for number in range(2)]
    not_on_turn = sent(appliance, "未到顺序", LI.subject, ZHANG.subject, by=LI.subject)
    recalled = sent(appliance, "已撤回")
    appliance.endings.recall(recalled.id, by=ZHANG.subject, reason="改期")
    others = sent(appliance, "别人的", LI.subject)
    page = choose(zhang, [not_on_turn, good[0], recalled, others, good[1]])
    assert page.status_code == 200
    said = words(page.text).partition("可签署：2 份")[0]
    for title, reason in (
        ("未到顺序", "还没有轮到您签署"),
        ("已撤回", "不能签署"),
        ("别人的", "“别人的”"),
    ):
        assert title in said and reason in said, said
    form = service.Form("/batches?bucket=to-sign", visits.hidden(page.text), {})
    ready = re.findall(r'name="contract" value="([^"]+)"', page.text)
    assert ready == [each.id for each in good]
    again = zhang.post(form.action, data={**form.fields, "contract": [*ready, recalled.id]})
    assert again.status_code == 200 and "已撤回" in again.text, "what ends meanwhile is named as well"
    asked = zhang.post(form.action, data={**form.fields, "contract": ready})
    zhang.get(confirm_all(appliance, asked))
    assert states(appliance, good) == [SIGNED] * 2
    assert states(appliance, [not_on_turn]) == [WAITING]


def sealed_alone(appliance: Appliance, title: str) -> Contract:
    """A contract on which nobody but the seal signs, for which Zhang asks."""
    deadline = Deadline(appliance.now() + timedelta(days=3), ZONE)
    draft = appliance.drafting.draft(
        sample_document(1), DraftTerms(title, "服务", "示例", ZHANG.subject, deadline)
    )
    appliance.drafting.add_seal(draft.id, seal=CONTRACT_SEAL.subject, requester=ZHANG.subject, by=ZHANG.subject)
    return appliance.sending.send(draft.id, by=ZHANG.subject)


def test_nothing_that_can_be_signed_offers_no_button(appliance: Appliance, zhang: FlaskClient) -> None:
    recalled = sent(appliance, "撤回的")
    appliance.endings.recall(recalled.id, by=ZHANG.subject, reason="改期")
    page = choose(zhang, [recalled])
    assert page.status_code == 409 and "所选合同现在均不能签署" in page.text and 'name="contract"' not in page.text


@pytest.mark.parametrize(
    ("count", "said"), [(0, "请选择要签署的合同"), (51, "一次最多可签署 50 份合同")], ids=["none", "too many"]
)
def test_a_wrong_selection_is_told_in_a_sentence(zhang: FlaskClient, count: int, said: str) -> None:
    fields = visits.hidden(zhang.get("/?bucket=to-sign").text)
    data = {**fields, "contract": [f"{number:024x}" for number in range(count)]}
    answer = zhang.post("/batches?bucket=to-sign", data=data)
    assert answer.status_code == 422 and said in answer.text


def test_one_alone_is_confirmed_on_its_own_page(appliance: Appliance, zhang: FlaskClient) -> None:
    contract = sent(appliance, "只有一份")
    page = visits.confirm(zhang, appliance, ZHANG.subject, choose(zhang, [contract]))
    assert "所选合同均已签署" in page.text and states(appliance, [contract]) == [SIGNED]


def test_who_cancels_has_signed_nothing_and_can_go_on(appliance: Appliance, zhang: FlaskClient) -> None:
    contracts = [sent(appliance, f"取消 {number}") for number in range(2)]
    asked = choose(zhang, contracts)
    with service.activation_service(appliance.settings) as app:
        page = service.browser_at(app).get(
            urlsplit(asked.headers["Location"]).path, base_url=appliance.settings.activation.origin
        )
    [cancel] = re.findall(r'class="button plain" href="([^"]+)"', page.text)
    back = zhang.get(cancel.removeprefix(appliance.settings.web.origin))
    assert back.status_code == 200 and "尚未签署任何合同" in back.text and "未确认" in back.text
    form = service.Form("/batches?bucket=to-sign", visits.hidden(back.text), {})
    again = zhang.post(form.action, data={**form.fields, "contract": [each.id for each in contracts]})
    assert "所选合同均已签署" in zhang.get(confirm_all(appliance, again)).text


def test_a_contract_that_changed_after_the_touch_is_not_signed_and_the_others_are(
    appliance: Appliance, zhang: FlaskClient
) -> None:
    contracts = [sent(appliance, f"变化 {number}") for number in range(3)]
    back = confirm_all(appliance, choose(zhang, contracts))
    appliance.endings.recall(contracts[1].id, by=ZHANG.subject, reason="改期")
    page = zhang.get(back)
    assert page.status_code == 200 and "部分合同尚未签署" in page.text and "已签署 2 份，共 3 份" in page.text
    assert "发起人已撤回" in words(page.text)
    assert 'name="contract"' not in page.text, "what has ended is not offered again"
    assert states(appliance, contracts) == [SIGNED, WAITING, SIGNED]


def test_a_contract_that_is_gone_leaves_the_others_on_the_page(appliance: Appliance, zhang: FlaskClient) -> None:
    contracts = [sent(appliance, f"仍在 {number}") for number in range(2)]
    back = confirm_all(appliance, choose(zhang, contracts))
    for gone, rest in ((contracts[0], "仍在 1"), (contracts[1], None)):
        with appliance.database.transaction() as tx:
            tx.execute("UPDATE contracts SET initiator = ? WHERE id = ?", (LI.subject, gone.id))
            tx.execute("UPDATE parties SET subject = ? WHERE contract = ?", (LI.subject, gone.id))
        page = zhang.get(back)
        assert page.status_code == (404 if rest is None else 200) and "仍在 0" not in page.text
        assert rest is None or (rest in page.text and "所选合同中有 1 份您已无权查看" in words(page.text))


def test_an_interrupted_return_goes_on_where_it_stopped(
    appliance: Appliance, zhang: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    contracts = [sent(appliance, f"中断 {number}") for number in range(3)]
    back = confirm_all(appliance, choose(zhang, contracts))
    monkeypatch.setattr(batch_pages, "PATIENCE", -1.0)
    stopped = zhang.get(back)
    assert stopped.status_code == 202 and stopped.headers["Refresh"] and "已签署 0 份，共 3 份" in stopped.text
    monkeypatch.setattr(batch_pages, "PATIENCE", 4.0)
    assert "所选合同均已签署" in zhang.get(back).text
    assert states(appliance, contracts) == [SIGNED] * 3


def test_what_was_confirmed_and_never_came_back_is_signed_from_the_list(
    appliance: Appliance, zhang: FlaskClient
) -> None:
    """The browser was closed after the touch: the same contracts again need no other touch."""
    contracts = [sent(appliance, f"关闭 {number}") for number in range(2)]
    confirm_all(appliance, choose(zhang, contracts))
    again = choose(zhang, contracts)
    assert again.status_code == 303 and again.headers["Location"].startswith("/batches/")
    assert "所选合同均已签署" in zhang.get(again.headers["Location"]).text


class Instead:
    """The authority, with other answers to some questions."""

    def __init__(self, real: AuthorityClient, **answers: object) -> None:
        self._real, self._answers = real, answers

    def __getattr__(self, name: str) -> object:
        if name in self._answers:
            return lambda *_asked: self._answers[name]
        return getattr(self._real, name)


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"batch_limit": 0}, "此处须逐份签署"),
        ({"credentials": [KnownCredential("pin-totp", None, soon())]}, "批量签署只能使用通行密钥确认"),
    ],
    ids=["switched off", "PIN alone"],
)
def test_where_it_is_not_possible_one_sentence_says_so(
    appliance: Appliance, answers: dict[str, object], said: str
) -> None:
    contracts = [sent(appliance, f"不可 {number}") for number in range(2)]
    other = with_parts(appliance, authority=Instead(appliance.authority, **answers))
    client = signed_in(portal_of(other, other.authority), appliance, ZHANG.subject)
    assert ('name="contract"' in client.get("/?bucket=to-sign").text) == ("batch_limit" not in answers)
    answer = choose(client, contracts)
    assert answer.status_code == 422 and said in answer.text
    assert states(appliance, contracts) == [WAITING] * 2


class Silent(Instead):
    """The authority, which stops answering after some signatures."""

    def __init__(self, real: AuthorityClient, signatures: int) -> None:
        super().__init__(real)
        self._left = signatures

    def approvals(self, intent: object) -> object:
        if not self._left:
            raise AuthorityUnreachable("The authority does not answer.")
        self._left -= 1
        return self._real.approvals(intent)  # type: ignore[arg-type]  # as it came


def test_an_authority_that_stops_answering_loses_nothing(appliance: Appliance, zhang: FlaskClient) -> None:
    contracts = [sent(appliance, f"无应答 {number}") for number in range(2)]
    back = confirm_all(appliance, choose(zhang, contracts))
    broken = with_parts(appliance, authority=Silent(appliance.authority, 1))
    page = signed_in(portal_of(broken, broken.authority), appliance, ZHANG.subject).get(back)
    assert "部分合同尚未签署" in page.text and "已签署 1 份，共 2 份" in page.text
    assert states(appliance, contracts) == [SIGNED, WAITING]
    assert "所选合同均已签署" in zhang.get(back).text


def test_a_document_signed_by_another_first_is_prepared_anew(appliance: Appliance, zhang: FlaskClient) -> None:
    """Two parties at the same time: the other one signs after the touch and before the return."""
    both = (ZHANG.subject, LI.subject)
    parallel = sent(appliance, "同时", *both, by=CUSTODIAN.subject, order=SigningOrder.PARALLEL)
    plain = sent(appliance, "单方")
    back = confirm_all(appliance, choose(zhang, [parallel, plain]))
    opened = appliance.signing.open(parallel.id, parallel.parties[1].id, SigningOrigin())
    confirm(appliance, opened.intent.intent)
    appliance.signing.sign(opened.intent.id, SigningOrigin())

    page = zhang.get(back)
    assert "部分合同尚未签署" in page.text and "文件已有变化" in words(page.text)
    assert states(appliance, [parallel, plain]) == [WAITING, SIGNED]
    visits.confirm(zhang, appliance, ZHANG.subject, choose(zhang, [parallel]))
    assert states(appliance, [parallel]) == [SIGNED]


def test_a_batch_is_its_persons_alone(portal: Flask, appliance: Appliance, zhang: FlaskClient) -> None:
    contracts = [sent(appliance, f"本人 {number}", ZHANG.subject, LI.subject) for number in range(2)]
    asked = choose(zhang, contracts)
    back = confirm_all(appliance, asked)
    li = signed_in(portal, appliance, LI.subject, [AccountRole.SIGNER])
    for address in (back, "/batches/none", f"/batches/{'0' * 32}"):
        assert li.get(address).status_code == 404
    assert states(appliance, contracts) == [WAITING] * 2
    assert "所选合同均已签署" in zhang.get(back).text

"""The signing page with real signatures behind it: every refusal first, then the way that works."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

import webui
from appliance.activation_requests import ActivationRequest
from appliance.contracts.drafting import DraftTerms
from appliance.demonstration.participants import CUSTODIAN, LI, ZHANG, ZONE, DemonstrationAuthenticators
from appliance.language import Language
from appliance.model.accounts import AccountRole
from appliance.model.contract import (
    Contract,
    ContractState,
    Deadline,
    GuestDetails,
    PartyState,
    Placement,
    SigningOrder,
)
from appliance.model.intent import SigningOrigin
from appliance.wiring import Appliance
from hsm.errors import ModuleUnavailable
from tests.activation_service import posted
from tests.portal import signing_visits as visits
from tests.portal.conftest import portal_of
from tests.portal.visitors import known_person, signed_in
from tests.world import confirm, contract_now, sample_document, with_parts

SIZE = 150 * 1024


@pytest.fixture
def zhang(portal: Flask, appliance: Appliance) -> FlaskClient:
    return signed_in(portal, appliance, ZHANG.subject)


@pytest.fixture
def li(portal: Flask, appliance: Appliance) -> FlaskClient:
    return signed_in(portal, appliance, LI.subject, [AccountRole.SIGNER])


def alone(appliance: Appliance, *subjects: str, deadline: timedelta = timedelta(days=3)) -> Contract:
    """A contract of persons alone, in parallel order."""
    terms = DraftTerms(
        title="<b>补充协议</b> 𠮷野",
        kind="服务",
        purpose="示例",
        initiator=ZHANG.subject,
        deadline=Deadline(appliance.now() + deadline, ZONE),
        order=SigningOrder.PARALLEL,
    )
    draft = appliance.drafting.draft(sample_document(2), terms)
    for subject in subjects:
        appliance.drafting.add_person(draft.id, subject=subject, by=ZHANG.subject)
    return appliance.sending.send(draft.id, by=ZHANG.subject)


@pytest.fixture(scope="module")
def waiting(appliance: Appliance) -> Contract:
    """For refusals alone: Zhang is on turn, then Li, and nobody signs it."""
    return alone(appliance, ZHANG.subject, LI.subject)


def by_workflow(appliance: Appliance, contract: Contract, position: int) -> Contract:
    opened = appliance.signing.open(contract.id, contract.parties[position].id, SigningOrigin())
    confirm(appliance, opened.intent.intent)
    return appliance.signing.sign(opened.intent.id, SigningOrigin())


def page_of(contract: Contract) -> str:
    return f"/contracts/{contract.id}/sign"


# Who may not.


def test_strangers_do_not_learn_that_there_is_something_to_sign(
    portal: Flask, appliance: Appliance, waiting: Contract
) -> None:
    known_person(appliance, "person-passer-by", "孙路人")
    stranger = signed_in(portal, appliance, "person-passer-by")
    assert stranger.get(page_of(waiting)).status_code == 404
    assert stranger.get(f"/contracts/{waiting.id}/signed").status_code == 404


def test_who_is_signed_out_signs_in_first(browser: FlaskClient, waiting: Contract) -> None:
    asked = browser.get(page_of(waiting))
    assert (asked.status_code, asked.headers["Location"]) == (
        303,
        f"/login?next=%2Fcontracts%2F{waiting.id}%2Fsign",
    )


def test_it_is_not_your_turn_yet_is_no_error(li: FlaskClient, waiting: Contract) -> None:
    page = li.get(page_of(waiting))
    assert page.status_code == 200
    assert "还没有轮到您" in page.text
    assert "data-passkey" not in page.text and 'class="form way"' not in page.text


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (Language.CHINESE, "下一步将进入确认页面，请核对后在该页确认。"),
        (Language.ENGLISH, "Next, review it on the confirmation page and confirm it there."),
    ],
)
def test_the_page_says_beside_the_button_where_one_confirms(
    zhang: FlaskClient, appliance: Appliance, waiting: Contract, language: Language, said: str
) -> None:
    appliance.accounts.own.prefer(ZHANG.subject, language)
    form = zhang.get(page_of(waiting)).text.partition('class="form way"')[2].partition("</form>")[0]
    appliance.accounts.own.prefer(ZHANG.subject, Language.CHINESE)
    assert f'<p class="hint">{said}</p>' in form


def test_an_initiator_who_does_not_sign_is_told_so(zhang: FlaskClient, appliance: Appliance) -> None:
    contract = alone(appliance, LI.subject)
    page = zhang.get(page_of(contract))
    assert page.status_code == 200
    assert "您不是这份合同的签署人" in page.text


def test_pictures_of_what_is_signed_are_for_those_who_sign(
    zhang: FlaskClient, li: FlaskClient, waiting: Contract
) -> None:
    picture = re.search(r'src="(/contracts/[^"]+/1\.png)\?width=1000"', zhang.get(page_of(waiting)).text)
    assert picture is not None
    assert zhang.get(f"{picture[1]}?width=320").mimetype == "image/png"
    assert li.get(picture[1]).status_code == 404
    assert zhang.get(picture[1].replace("/1.png", "/3.png")).status_code == 404
    assert zhang.get(picture[1].replace(waiting.id, "0" * 24)).status_code == 404


# What is wrong in the form.


@pytest.mark.parametrize(
    "credential", ["", "{}", "[1]", "null", '{"rawId": "AA", "response": {}}', "x" * 30_000, "[" * 20_000]
)
def test_an_answer_that_is_none_is_asked_for_again(
    zhang: FlaskClient, appliance: Appliance, waiting: Contract, credential: str
) -> None:
    form = visits.sheet_form(zhang.get(page_of(waiting)).text)
    asked = visits.send(zhang, form, place="上海")
    answer = visits.confirm(zhang, appliance, ZHANG.subject, asked, credential)
    assert answer.status_code == 409
    assert visits.passkey_form(answer.text).action == urlsplit(asked.headers["Location"]).path, "the same act"
    back = zhang.get(page_of(waiting)).text
    assert 'value="上海"' in back, "what was typed is kept"
    assert visits.sheet_form(back).fields["intent"] == form.fields["intent"]


def test_somebody_elses_passkey_does_not_sign(zhang: FlaskClient, appliance: Appliance, waiting: Contract) -> None:
    answer = visits.sign(zhang, appliance, LI.subject, page_of(waiting))
    assert answer.status_code == 403
    assert "没有签署" in answer.text
    assert contract_now(appliance, waiting.id).parties[0].state is PartyState.WAITING


def test_an_activation_of_another_contract_does_not_sign(
    zhang: FlaskClient, appliance: Appliance, waiting: Contract
) -> None:
    another = appliance.signing.open(waiting.id, waiting.parties[0].id, SigningOrigin()).intent.intent
    given = posted(DemonstrationAuthenticators(appliance.settings.home).activate(ZHANG.subject, another))
    asked = visits.ask(zhang, page_of(alone(appliance, ZHANG.subject)))
    assert visits.confirm(zhang, appliance, ZHANG.subject, asked, given).status_code == 403


@pytest.mark.parametrize("intent", ["", "0" * 32, "../../etc", "<script>"])
def test_a_form_without_an_intent_of_ones_own_begins_again(
    zhang: FlaskClient, waiting: Contract, intent: str
) -> None:
    form = visits.sheet_form(zhang.get(page_of(waiting)).text)
    answer = zhang.post(form.action, data={**form.fields, "intent": intent})
    assert (answer.status_code, answer.headers["Location"]) == (303, page_of(waiting))


def test_an_intent_of_somebody_else_is_not_ones_own(
    zhang: FlaskClient, li: FlaskClient, appliance: Appliance
) -> None:
    contract = alone(appliance, ZHANG.subject, LI.subject)
    by_workflow(appliance, contract, 0)
    foreign = appliance.signing.open(contract.id, contract.parties[1].id, SigningOrigin()).intent.id
    form = visits.sheet_form(li.get(page_of(contract)).text)
    token = visits.hidden(zhang.get("/verify").text)["form_token"]
    answer = zhang.post(form.action, data={"form_token": token, "intent": foreign})
    assert (answer.status_code, answer.headers["Location"]) == (303, page_of(contract))


def test_without_the_form_token_nothing_is_done(
    zhang: FlaskClient, appliance: Appliance, waiting: Contract
) -> None:
    form = visits.sheet_form(zhang.get(page_of(waiting)).text)
    assert zhang.post(form.action, data={**form.fields, "form_token": "0" * 64}).status_code == 403
    assert contract_now(appliance, waiting.id).parties[0].state is PartyState.WAITING


@pytest.mark.parametrize("place", ["x" * 121, "a\nb"])
def test_a_place_is_a_short_line(zhang: FlaskClient, appliance: Appliance, waiting: Contract, place: str) -> None:
    assert visits.sign(zhang, appliance, ZHANG.subject, page_of(waiting), place=place).status_code == 422
    assert contract_now(appliance, waiting.id).parties[0].state is PartyState.WAITING


# What happened meanwhile.


def test_another_party_signed_first_and_the_document_is_prepared_anew(
    li: FlaskClient, appliance: Appliance
) -> None:
    contract = by_workflow(appliance, alone(appliance, ZHANG.subject, LI.subject, CUSTODIAN.subject), 0)
    form = visits.sheet_form(li.get(page_of(contract)).text)
    asked = visits.send(li, form)
    by_workflow(appliance, contract, 2)
    again = visits.confirm(li, appliance, LI.subject, asked)
    assert again.status_code == 409
    assert "其他签署方刚刚签署" in again.text
    renewed = visits.sheet_form(again.text)
    assert renewed.fields["intent"] != form.fields["intent"]
    done = visits.press(li, appliance, LI.subject, renewed)
    assert done.status_code == 303
    assert contract_now(appliance, contract.id).state is ContractState.SIGNED


def test_a_preparation_whose_time_is_over_is_renewed(appliance: Appliance, zhang: FlaskClient) -> None:
    contract = alone(appliance, ZHANG.subject)
    form = visits.sheet_form(zhang.get(page_of(contract)).text)
    with appliance.database.transaction() as tx:
        tx.execute(
            "UPDATE intents SET state = 'abandoned', suffix = NULL, reason = 'late' WHERE id = ?",
            (form.fields["intent"],),
        )
    again = visits.press(zhang, appliance, ZHANG.subject, form)
    assert again.status_code == 409
    assert "重新准备好" in again.text
    assert visits.sheet_form(again.text).fields["intent"] != form.fields["intent"]


def test_a_contract_that_was_recalled_meanwhile_says_so(appliance: Appliance, zhang: FlaskClient) -> None:
    contract = alone(appliance, ZHANG.subject)
    form = visits.sheet_form(zhang.get(page_of(contract)).text)
    appliance.endings.recall(contract.id, by=ZHANG.subject, reason="示例原因")
    answer = visits.press(zhang, appliance, ZHANG.subject, form)
    assert answer.status_code == 409
    assert "发起人已撤回这份合同" in answer.text
    assert "发起人已撤回这份合同" in zhang.get(page_of(contract)).text


def test_the_deadline_passes_meanwhile(appliance: Appliance) -> None:
    contract = alone(appliance, ZHANG.subject, deadline=timedelta(minutes=30))
    ahead = [timedelta()]
    app = portal_of(with_parts(appliance, now=lambda: appliance.now() + ahead[0]), appliance.authority)
    zhang = signed_in(app, appliance, ZHANG.subject)
    form = visits.sheet_form(zhang.get(page_of(contract)).text)
    ahead[0] = timedelta(minutes=31)
    with appliance.database.transaction() as tx:
        tx.execute(
            "UPDATE intents SET state = 'abandoned', suffix = NULL, reason = 'late' WHERE id = ?",
            (form.fields["intent"],),
        )
    answer = visits.press(zhang, appliance, ZHANG.subject, form)
    assert answer.status_code == 409
    assert "签署截止时间已过" in answer.text


def test_the_hsm_is_away_and_nothing_is_lost(
    appliance: Appliance, zhang: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract = alone(appliance, ZHANG.subject)
    form = visits.sheet_form(zhang.get(page_of(contract)).text)

    def away(*_: object) -> bytes:
        raise ModuleUnavailable("The HSM does not answer now; try again.")

    with monkeypatch.context() as patch:
        patch.setattr(type(appliance.authority), "sign_document", away)
        answer = visits.press(zhang, appliance, ZHANG.subject, form, place="上海")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert 'value="上海"' in answer.text
    same = visits.sheet_form(answer.text)
    assert same.fields["intent"] == form.fields["intent"], "the same preparation is tried again"
    assert visits.press(zhang, appliance, ZHANG.subject, same).status_code == 303
    assert contract_now(appliance, contract.id).parties[0].state is PartyState.SIGNED


# What works.


def test_a_signature_is_made_confirmed_and_recorded(zhang: FlaskClient, appliance: Appliance) -> None:
    contract = alone(appliance, ZHANG.subject, LI.subject)
    done = visits.sign(zhang, appliance, ZHANG.subject, page_of(contract), place="上海，示例大厦")
    assert done.status_code == 303
    page = zhang.get(done.headers["Location"])
    assert page.status_code == 200
    assert "您已签署" in page.text
    signed = contract_now(appliance, contract.id)
    assert signed.parties[0].state is PartyState.SIGNED
    assert signed.current.digest in re.sub(r"<[^>]+>|\s", "", page.text)
    [record] = appliance.contracts.signatures(contract)
    assert record.origin == SigningOrigin("127.0.0.1", "上海，示例大厦")


def test_the_same_form_twice_signs_once(zhang: FlaskClient, appliance: Appliance) -> None:
    contract = alone(appliance, ZHANG.subject, LI.subject)
    form = visits.sheet_form(zhang.get(page_of(contract)).text)
    first, second = (visits.press(zhang, appliance, ZHANG.subject, form) for _ in range(2))
    assert first.status_code == second.status_code == 303
    assert first.headers["Location"] == second.headers["Location"]
    assert len(appliance.contracts.signatures(contract)) == 1
    assert zhang.get(page_of(contract)).headers["Location"].startswith(f"/contracts/{contract.id}/signed")


def test_looking_twice_prepares_once(zhang: FlaskClient, waiting: Contract) -> None:
    first, second = (visits.sheet_form(zhang.get(page_of(waiting)).text) for _ in range(2))
    assert first.fields["intent"] == second.fields["intent"]


def test_what_is_signed_stands_above_the_button(
    zhang: FlaskClient, appliance: Appliance, waiting: Contract
) -> None:
    page = zhang.get(page_of(waiting)).text
    intent = visits.sheet_form(page).fields["intent"]
    digest = appliance.signing.opened(waiting, intent).intent.intent.digest.hex()
    deed = page[page.index('id="what"') : page.index('class="form way"')]
    assert re.sub(r"<[^>]+>|\s", "", deed).count(digest) == 1
    assert waiting.id in deed
    assert "&lt;b&gt;补充协议&lt;/b&gt; 𠮷野" in deed
    assert "<b>补充" not in page
    assert "<dd>2</dd>" in deed
    assert datetime.fromisoformat(str(re.findall(r'<time datetime="([^"]+)"', deed)[0])).utcoffset() is not None


def test_the_page_is_light(zhang: FlaskClient, waiting: Contract) -> None:
    page = zhang.get(page_of(waiting))
    static = Path(webui.__file__).parent / "static"
    own = sum((static / name).stat().st_size for name in ("page.css", "signing.css", "signing.js", "passkey.js"))
    assert len(page.data) + own < SIZE


def test_the_page_names_its_other_ways_out(zhang: FlaskClient, waiting: Contract) -> None:
    page = zhang.get(page_of(waiting)).text
    assert f'href="/contracts/{waiting.id}/decline"' in page
    assert f'href="/contracts/{waiting.id}/hand-over"' in page


# Before the first contract between the same sides.


def request_of(appliance: Appliance, answer: TestResponse) -> ActivationRequest:
    ticket = answer.headers["Location"].rpartition("/")[2]
    return appliance.activation_requests.load(ActivationRequest, ticket)


def test_after_the_agreement_the_document_comes_at_once(zhang: FlaskClient, appliance: Appliance) -> None:
    """Both acts follow each other, and no page of the portal waits in between for a click."""
    terms = DraftTerms(
        "示例协议", "服务", "示例", ZHANG.subject, Deadline(appliance.now() + timedelta(days=3), ZONE)
    )
    draft = appliance.drafting.draft(sample_document(2), terms)
    appliance.drafting.add_person(draft.id, subject=ZHANG.subject, by=ZHANG.subject)
    guest = GuestDetails("郑外部", "丁公司示例有限公司", "zheng@delta.example")
    party = appliance.drafting.add_guest(draft.id, guest, by=ZHANG.subject)
    appliance.drafting.place(draft.id, party.id, [Placement(0, 10, 80, 25, 8)], by=ZHANG.subject)
    contract = appliance.sending.send(draft.id, by=ZHANG.subject)
    agreement = zhang.get(page_of(contract)).headers["Location"]
    assert "/agreement" in agreement

    leads = visits.ask(zhang, agreement, place="示例市")
    assert request_of(appliance, leads).paired
    document = visits.confirm(zhang, appliance, ZHANG.subject, leads)
    acts = f"{appliance.settings.activation.origin}/act/"
    assert document.status_code == 303 and document.headers["Location"].startswith(acts)
    assert request_of(appliance, document).paired
    opened = appliance.signing.open(contract.id, contract.parties[0].id, SigningOrigin())
    assert opened.intent.origin.location == "示例市"
    done = visits.confirm(zhang, appliance, ZHANG.subject, document)
    assert "/signed" in done.headers["Location"]
    assert contract_now(appliance, contract.id).parties[0].state is PartyState.SIGNED
    after = zhang.get(done.headers["Location"]).text
    assert f'href="/contracts/{contract.id}/guests/{party.id}"' in after, "the guest waits for link and code"

"""A new contract: the upload, the words of step 1, the parties of step 2. Refusals first."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pikepdf import Dictionary, Encryption, Name, Pdf

from appliance.demonstration.participants import ALPHA, BETA, CONTRACT_SEAL, CUSTODIAN, LI, ZHANG
from appliance.errors import PreconditionRefused
from appliance.language import Language
from appliance.model.accounts import AccountRole
from appliance.model.contract import GuestDetails, PartyKind, SigningOrder
from appliance.wiring import Appliance
from tests.portal.drafts import Wizard, begun, hidden, upload
from tests.portal.visitors import signed_in
from tests.world import contract_now, sample_document
from webui.portal.drafting.parties import guest_problems, may_move, reordered


@pytest.fixture
def zhang(portal: Flask, appliance: Appliance) -> FlaskClient:
    return signed_in(portal, appliance, ZHANG.subject)


@pytest.fixture
def wizard(zhang: FlaskClient) -> Wizard:
    return begun(zhang)


def encrypted() -> bytes:
    stream = io.BytesIO()
    with Pdf.open(io.BytesIO(sample_document(1))) as pdf:
        pdf.save(stream, encryption=Encryption(owner="o", user="u"))
    return stream.getvalue()


def scripted() -> bytes:
    stream = io.BytesIO()
    with Pdf.open(io.BytesIO(sample_document(1))) as pdf:
        pdf.Root.OpenAction = Dictionary(S=Name.JavaScript, JS="app.alert(1)")
        pdf.save(stream)
    return stream.getvalue()


# who may


def test_nobody_starts_a_contract_without_signing_in(browser: FlaskClient) -> None:
    answer = browser.get("/contracts/new")
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/login")


def test_who_only_signs_does_not_start_contracts(portal: Flask, appliance: Appliance) -> None:
    assert signed_in(portal, appliance, LI.subject, [AccountRole.SIGNER]).get("/contracts/new").status_code == 403


@pytest.mark.parametrize("step", ["document", "parties", "fields", "check"])
def test_a_draft_does_not_exist_for_others(portal: Flask, appliance: Appliance, wizard: Wizard, step: str) -> None:
    other = signed_in(portal, appliance, LI.subject)
    assert other.get(f"/contracts/{wizard.contract}/draft/{step}").status_code == 404
    assert other.get(f"/contracts/{'0' * 24}/draft/{step}").status_code == 404


# upload


@pytest.mark.parametrize(
    ("document", "name", "said"),
    [
        (b"", "leer.pdf", "文件是空的"),
        (b"no PDF at all", "合同.pdf", "PDF"),
        (encrypted(), "合同.pdf", "加密"),
        (scripted(), "合同.pdf", "JavaScript"),
    ],
    ids=["empty", "not a PDF", "encrypted", "scripted"],
)
def test_what_cannot_be_taken_is_told_beside_the_field_and_the_title_stays(
    zhang: FlaskClient, document: bytes, name: str, said: str
) -> None:
    answer = upload(zhang, document, name=name, title="我的 <b>标题</b>")
    assert answer.status_code == 422
    beside = answer.text.split('id="field-document-problem">')[1].split("<")[0]
    assert said in beside
    assert "我的 &lt;b&gt;标题&lt;/b&gt;" in answer.text


def test_no_file_is_told_beside_the_field(zhang: FlaskClient) -> None:
    page = zhang.get("/contracts/new").text
    answer = zhang.post("/contracts/new", data={name: hidden(page, name) for name in ("form_token", "once")})
    assert answer.status_code == 422
    assert "请选择要签署的文件" in answer.text


def test_more_than_is_taken_in_is_refused_with_its_size(zhang: FlaskClient, appliance: Appliance) -> None:
    too_much = b"%PDF-1.7\n" + bytes(appliance.settings.documents.largest)
    answer = upload(zhang, too_much)
    assert answer.status_code == 422
    problem = answer.text.split('id="field-document-problem">')[1][:200]
    assert "100.1 MB" in problem and "100.0 MB" in problem


def test_a_title_that_is_too_long_is_refused(zhang: FlaskClient) -> None:
    answer = upload(zhang, title="长" * 201)
    assert answer.status_code == 422
    assert 'id="field-title-problem"' in answer.text


def test_a_refused_upload_may_be_sent_again_with_the_same_form(zhang: FlaskClient) -> None:
    page = upload(zhang, b"no PDF").text
    data: dict[str, object] = {name: hidden(page, name) for name in ("form_token", "once")}
    data["document"] = (io.BytesIO(sample_document(1)), "合同.pdf")
    assert zhang.post("/contracts/new", data=data).status_code == 303


def test_a_second_submit_leads_to_the_first_draft(zhang: FlaskClient, appliance: Appliance) -> None:
    page = zhang.get("/contracts/new").text
    fields = {name: hidden(page, name) for name in ("form_token", "once")}
    document = sample_document(1)
    answers = [
        zhang.post("/contracts/new", data={**fields, "document": (io.BytesIO(document), "一次.pdf")})
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert len({answer.headers["Location"] for answer in answers}) == 1


def test_an_upload_is_a_draft_at_once_with_the_name_of_the_file(zhang: FlaskClient, appliance: Appliance) -> None:
    answer = upload(zhang, name="𠮷野 <b>.pdf")
    draft = contract_now(appliance, answer.headers["Location"].split("/")[2])
    assert draft.title == "𠮷野 <b>"
    assert (draft.kind, draft.purpose, draft.pages) == ("", "", 3)
    assert "𠮷野 &lt;b&gt;" in zhang.get(answer.headers["Location"]).text


# step 1


def test_a_title_that_no_act_could_name_is_refused_before_anybody_signs(zhang: FlaskClient) -> None:
    """In the normal form that is hashed, each of these letters takes two places."""
    answer = upload(zhang, title="\u0958" * 150)
    assert (answer.status_code, "最多 200" in answer.text) == (409, True)


@pytest.mark.parametrize(("field", "length"), [("title", 201), ("kind", 61), ("purpose", 2001)])
def test_words_that_are_too_long_are_refused_at_their_field(wizard: Wizard, field: str, length: int) -> None:
    answer = wizard.save("document", **{field: "长" * length})
    assert answer.status_code == 422
    assert f'id="field-{field}-problem"' in answer.text
    assert "长" * length in answer.text


def test_a_draft_keeps_a_title(wizard: Wizard) -> None:
    answer = wizard.save("document", title="  ", kind="采购")
    assert answer.status_code == 422
    assert 'value="采购"' in answer.text


def test_incomplete_words_are_kept_and_another_step_can_be_chosen(wizard: Wizard, appliance: Appliance) -> None:
    answer = wizard.save("document", kind="采购", go="fields")
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"/contracts/{wizard.contract}/draft/fields"
    assert contract_now(appliance, wizard.contract).kind == "采购"


def test_the_second_of_two_tabs_is_told_and_loses_nothing(wizard: Wizard, appliance: Appliance) -> None:
    old = wizard.form("document")
    wizard.save("document", kind="采购")
    answer = wizard.send("document", old, kind="租赁", purpose="我打的字")
    assert answer.status_code == 409
    assert ZHANG.name in answer.text
    assert "我打的字" in answer.text
    assert contract_now(appliance, wizard.contract).kind == "采购"
    old.setlist("seen", [hidden(answer.text, "seen")])
    assert wizard.send("document", old, kind="租赁").status_code == 303
    assert contract_now(appliance, wizard.contract).kind == "租赁"


def test_a_script_saves_in_the_background_and_learns_the_version(wizard: Wizard, appliance: Appliance) -> None:
    form = wizard.form("document")
    saved = wizard.send("document", form, json=True, purpose="<script>alert(1)</script>")
    assert saved.get_json()["steps"].keys() == {"document", "parties", "fields", "check"}
    assert saved.get_json()["version"] == contract_now(appliance, wizard.contract).version
    stale = wizard.send("document", form, json=True, purpose="第二个")
    assert stale.status_code == 409
    assert stale.get_json()["version"] == saved.get_json()["version"]
    assert "&lt;script&gt;alert(1)" in wizard.step("document")


@pytest.mark.parametrize("seen", ["", "x", "-1", "9" * 40])
def test_a_form_without_the_version_that_it_showed_is_no_form_of_ours(wizard: Wizard, seen: str) -> None:
    assert wizard.save("document", seen=seen).status_code == 400


def test_another_document_takes_the_place_of_the_first(wizard: Wizard, appliance: Appliance) -> None:
    page = wizard.step("document")
    data: dict[str, object] = {name: hidden(page, name) for name in ("form_token", "once", "seen")}
    address = f"/contracts/{wizard.contract}/draft/replace"
    refused = wizard.client.post(address, data={**data, "document": (io.BytesIO(b"x"), "x.pdf")})
    assert refused.status_code == 422
    assert contract_now(appliance, wizard.contract).pages == 3
    data["document"] = (io.BytesIO(sample_document(1)), "新.pdf")
    assert wizard.client.post(address, data=data).status_code == 303
    assert contract_now(appliance, wizard.contract).pages == 1


# step 2


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"date": "2020-01-01"}, "date"),
        ({"date": "9999-12-31", "zone": "America/New_York"}, "date"),  # there is no such day in Shanghai
        ({"date": "2026-02-31"}, "date"),
        ({"date": ""}, "date"),
        ({"time": "25:00"}, "date"),
        ({"zone": "Mars/Olympus"}, "date"),
        ({"zone": "../../etc/passwd"}, "date"),
        ({"date": "2027-03-28", "time": "02:30", "zone": "Europe/Berlin"}, "date"),
        ({"order": "random"}, "order"),
        ({"act": "search", "query": " "}, "query"),
        ({"act": "seal"}, "seal"),
        ({"act": "seal", "seal": "seal-nobody"}, "seal"),
        ({"act": "person:person-nobody"}, "query"),
        ({"act": "guest"}, "guest-name"),
        ({"act": "guest", "guest_name": "丙", "guest_email": "丙"}, "guest-email"),
        ({"act": "guest", "guest_name": "丙", "guest_email": "c@c.example", "guest_phone": "电话"}, "guest-phone"),
        ({"act": "guest", "guest_name": "丙" * 101, "guest_email": "c@c.example"}, "guest-name"),
        ({"guest_name": "丙", "go": "fields"}, "guest-email"),
        ({"act": "guest", "guest_name": "丙", "guest_zone": "Mars/Olympus"}, "guest-zone"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field_and_nothing_typed_is_lost(
    wizard: Wizard, appliance: Appliance, changes: dict[str, str], field: str
) -> None:
    answer = wizard.save("parties", **{"time": "09:17", **changes})
    assert answer.status_code == 422
    assert f'href="#field-{field}"' in answer.text
    assert f'id="field-{field}' in answer.text
    assert "time" in changes or 'value="09:17"' in answer.text
    assert not contract_now(appliance, wizard.contract).parties


def test_a_deadline_is_kept_with_its_zone(wizard: Wizard, appliance: Appliance) -> None:
    date = f"{appliance.now() + timedelta(days=5):%Y-%m-%d}"
    assert wizard.save("parties", date=date, time="12:30", zone="Europe/Berlin").status_code == 303
    deadline = contract_now(appliance, wizard.contract).deadline
    assert deadline.zone == "Europe/Berlin"
    page = wizard.step("parties")
    assert f'value="{date}"' in page
    assert 'value="12:30"' in page
    local = datetime.fromisoformat(f"{date}T12:30").replace(tzinfo=ZoneInfo("Europe/Berlin"))
    offset = local.strftime("%z")
    shown = f"{date} 12:30 UTC{offset[:3]}:{offset[3:]} (Europe/Berlin)"
    assert shown in wizard.step("check"), "as it was typed, whatever zone the reader is in"


@pytest.mark.parametrize("days", [3, 7, 14, 30])
def test_a_press_sets_the_deadline_so_many_days_ahead(wizard: Wizard, appliance: Appliance, days: int) -> None:
    assert wizard.save("parties", act=f"days:{days}").status_code == 303
    left = contract_now(appliance, wizard.contract).deadline.at - appliance.now()
    assert timedelta(days=days - 1) < left < timedelta(days=days + 1)


def test_people_are_found_by_a_few_letters_and_added(wizard: Wizard, appliance: Appliance) -> None:
    answer = wizard.save("parties", act="search", query="样本")
    page = wizard.client.get(answer.headers["Location"]).text
    assert f"person:{LI.subject}" in page
    assert f"person:{CUSTODIAN.subject}" not in page
    assert wizard.save("parties", act=f"person:{LI.subject}").status_code == 303
    again = wizard.save("parties", act=f"person:{LI.subject}")
    assert again.status_code == 422
    assert [party.subject for party in contract_now(appliance, wizard.contract).parties] == [LI.subject]


@pytest.mark.parametrize("query", ["%", "_", "\\", "' OR 1=1 --", "<zz>", "没有这个人"])
def test_a_search_finds_letters_not_patterns(wizard: Wizard, query: str) -> None:
    answer = wizard.save("parties", act="search", query=query)
    page = wizard.client.get(answer.headers["Location"]).text
    assert "person:" not in page
    assert "<zz>" not in page


def test_the_initiator_comes_first_and_nobody_passes(wizard: Wizard, appliance: Appliance) -> None:
    wizard.save("parties", act=f"person:{LI.subject}")
    wizard.save("parties", act="seal", seal=CONTRACT_SEAL.subject, requester=ZHANG.subject)
    wizard.save("parties", act="myself")
    draft = contract_now(appliance, wizard.contract)
    assert [party.subject for party in draft.parties] == [ZHANG.subject, LI.subject, CONTRACT_SEAL.subject]
    own, second, third = draft.parties
    assert not may_move(draft, own.id, 1)
    assert not may_move(draft, second.id, -1)
    assert may_move(draft, third.id, -1)
    wizard.save("parties", act=f"up:{third.id}")
    order = [party.kind for party in contract_now(appliance, wizard.contract).parties]
    assert order == [PartyKind.PERSON, PartyKind.SEAL, PartyKind.PERSON]
    wizard.save("parties", act=f"remove:{own.id}")
    assert len(contract_now(appliance, wizard.contract).parties) == 2


def test_moving_what_is_not_there_changes_nothing(wizard: Wizard, appliance: Appliance) -> None:
    wizard.save("parties", act=f"person:{LI.subject}")
    draft = contract_now(appliance, wizard.contract)
    assert reordered(draft, "nobody", 1) == [draft.parties[0].id]
    assert reordered(draft, draft.parties[0].id, 1) == [draft.parties[0].id]
    assert wizard.save("parties", act="remove:nobody").status_code in (404, 422)


def test_somebody_from_outside_is_shown_as_written(wizard: Wizard, appliance: Appliance) -> None:
    guest = {"guest_name": "𠮷野 <b>", "guest_organisation": "丙公司", "guest_email": "y@c.example"}
    spoken = {"guest_language": "en", "guest_zone": "Asia/Kolkata"}
    # Going on with somebody typed in adds them too.
    answer = wizard.save("parties", go="fields", **guest, guest_phone="+86 138 0000 0000", **spoken)
    assert answer.headers["Location"].endswith("/draft/fields")
    [party] = contract_now(appliance, wizard.contract).parties
    assert party.guest
    person = appliance.registry.person(party.subject)
    assert (person.language, person.zone) == (Language.ENGLISH, "Asia/Kolkata")
    page = wizard.step("parties")
    assert "𠮷野 &lt;b&gt;" in page
    assert "<b>" not in page


def test_parties_are_numbered(wizard: Wizard) -> None:
    guest = {"guest_name": "丙", "guest_email": "c@c.example", "guest_phone": "+86 138 0000 0000"}
    wizard.save("parties", act="myself")
    wizard.save("parties", act="guest", **guest, guest_organisation="丙公司")
    shown = wizard.step("parties")
    assert "c@c.example · +86 138 0000 0000" in shown
    assert re.findall(r'<span class="number c\d" aria-hidden="true">([^<]*)</span>', shown) == ["1", "2"]


@pytest.mark.parametrize("organisation", [ALPHA, BETA, "甲公司　示例", "甲公司（示例）有限责任公司"])
def test_a_guest_is_not_of_this_house(wizard: Wizard, appliance: Appliance, organisation: str) -> None:
    """Neither of the enterprise's own name, nor of that of others who sign here with accounts, however written."""
    guest = {"guest_name": "丙", "guest_email": "c@c.example", "guest_phone": "12345"}
    answer = wizard.save("parties", act="guest", **guest, guest_organisation=organisation)
    assert answer.status_code == 422
    assert "是本系统使用单位" in answer.text
    assert 'value="c@c.example"' in answer.text
    assert not contract_now(appliance, wizard.contract).parties


def test_a_draft_with_such_a_guest_from_before_is_not_sent(wizard: Wizard, appliance: Appliance) -> None:
    guest = {"guest_name": "丙", "guest_email": "c@c.example", "guest_phone": "12345"}
    wizard.save("parties", act="guest", **guest, guest_organisation="丙公司")
    [party] = contract_now(appliance, wizard.contract).parties
    with appliance.database.transaction() as tx:
        tx.execute("UPDATE people SET organisation = ? WHERE subject = ?", (ALPHA, party.subject))
        tx.execute("UPDATE parties SET organisation = ? WHERE id = ?", (ALPHA, party.id))
    assert "是本系统使用单位" in wizard.step("check")
    with pytest.raises(PreconditionRefused):
        appliance.sending.send(wizard.contract, by=ZHANG.subject)


def test_a_guest_is_a_counterparty_whatever_name_they_have(wizard: Wizard, appliance: Appliance) -> None:
    """A power that does not cover the guest's organisation does not cover the contract."""
    wizard.save("parties", act="myself")
    guest = {"guest_name": "丙", "guest_email": "c@c.example", "guest_phone": "12345"}
    wizard.save("parties", act="guest", **guest, guest_organisation="丙公司")
    own, outside = contract_now(appliance, wizard.contract).parties
    renamed = replace(outside, organisation=own.organisation)
    contract = replace(contract_now(appliance, wizard.contract), parties=(own, renamed))
    assert contract.counterparties(own) == contract.counterparties(renamed) == (ALPHA,)
    assert replace(contract, parties=(own, own)).counterparties(own) == ()


def test_the_language_of_the_signatures_is_the_initiators_until_another_is_chosen(
    wizard: Wizard, appliance: Appliance
) -> None:
    assert contract_now(appliance, wizard.contract).language is Language.CHINESE
    assert wizard.save("document", language="en").status_code == 303
    assert contract_now(appliance, wizard.contract).language is Language.ENGLISH
    wizard.save("parties", order="parallel")
    assert contract_now(appliance, wizard.contract).language is Language.ENGLISH
    assert wizard.save("document", language="fr").status_code == 422


def test_the_order_is_kept(wizard: Wizard, appliance: Appliance) -> None:
    wizard.save("parties", order="parallel")
    assert contract_now(appliance, wizard.contract).order is SigningOrder.PARALLEL


def test_parties_of_an_old_page_are_not_added(wizard: Wizard, appliance: Appliance) -> None:
    old = wizard.form("parties")
    wizard.save("document", kind="采购")
    answer = wizard.send(
        "parties", old, act="guest", guest_name="丙", guest_email="c@c.example", guest_phone="12345"
    )
    assert answer.status_code == 409
    assert 'value="c@c.example"' in answer.text
    assert not contract_now(appliance, wizard.contract).parties


def test_a_guest_with_everything_right_has_no_problems(portal: Flask) -> None:
    with portal.test_request_context():
        assert guest_problems(GuestDetails("丙", "", "c@c.example", "+86 (0)10-1234")) == {}

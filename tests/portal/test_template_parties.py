"""A template keeps parties, roles, order, fields, copies and annexes; its contracts ask only for who is open."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from appliance.contracts.drafting import DraftTerms
from appliance.demonstration.participants import ALPHA, CONTRACT_SEAL, LI, ZHANG
from appliance.model.contract import (
    Contract,
    ContractState,
    CrossPage,
    GuestDetails,
    InputKind,
    Placement,
    SignerInput,
    SigningOrder,
)
from appliance.model.template_parties import RoleKind
from appliance.model.writing import MergeField, MergeFieldKind, Template
from appliance.store import retention
from appliance.wiring import Appliance
from appliance.writing import typeset_wording
from tests.portal import signing_visits as visits
from tests.portal.test_annexes import TABLE
from tests.portal.test_mail_merges import press, published_template, rows_of, run, upload, workbook
from tests.portal.test_merged_annexes import drawing, page_words
from tests.portal.test_signing_together import words
from tests.portal.visitors import known_person, signed_in
from tests.world import contract_now

FIELDS = (
    MergeField("buyer", MergeFieldKind.PARTY, "买方"),
    MergeField("seller", MergeFieldKind.PARTY, "卖方"),
    MergeField("scope", MergeFieldKind.LONG_TEXT, "范围"),
)
HTML = "".join(f'<p>{each.label}：<span data-field="{each.name}">{each.name}</span></p>' for each in FIELDS)
HTML += "<p>买方签字：</p>"
HEAD = ["姓名", "单位", "电子邮箱", "电话", "范围"]
PLACE = Placement(0, 10.0, 70.0, 30.0, 9.0)
DAY_PLACE = Placement(0, 60.0, 3.0, 30.0, 4.0)
DAY = SignerInput("", 0, InputKind.DATE, "交货日期")
GUEST = GuestDetails("钱外部", "丙公司", "q@c.example", "+86 138 0000 0000")
NAMED = {
    "guest0-name": "孙𠮷野",
    "guest0-organisation": "丁公司",
    "guest0-email": "s@d.example",
    "guest0-phone": GUEST.phone,
}


@pytest.fixture
def zhang(portal: Flask, appliance: Appliance) -> FlaskClient:
    return signed_in(portal, appliance, ZHANG.subject)


@pytest.fixture
def template(appliance: Appliance) -> Template:
    return published_template(appliance, HTML, FIELDS)


@pytest.fixture
def source(appliance: Appliance, template: Template) -> Contract:
    """A draft with its initiator, a seal across the pages, and a guest."""
    drafting, by = appliance.drafting, ZHANG.subject
    terms = DraftTerms("采购", "采购", "采购", by, order=SigningOrder.PARALLEL)
    draft = drafting.draft(typeset_wording(template.current.wording), terms)
    drafting.add_person(draft.id, subject=by, by=by)
    seal = drafting.add_seal(draft.id, seal=CONTRACT_SEAL.subject, requester=by, by=by)
    drafting.place(draft.id, seal.id, [PLACE], CrossPage(40.0), by=by)
    guest = drafting.add_guest(draft.id, GUEST, by=by)
    drafting.place(draft.id, guest.id, [PLACE, Placement(0, 60.0, 70.0, 30.0, 9.0)], by=by)
    draft = appliance.signer_inputs.add(draft.id, guest.id, DAY, by=by)
    [added] = draft.require_party(guest.id).inputs
    return appliance.signer_inputs.place(draft.id, added.id, [DAY_PLACE], by=by)


def keep(client: FlaskClient, template: Template, source: str, **changes: str | list[str]) -> TestResponse:
    address = f"/templates/{template.id}/parties"
    fields = visits.hidden(client.get(f"{address}?contract={source}").text)
    named = {"name-0": "卖方", "name-1": "卖方公章", "name-2": "买方"}
    chosen = {"who-0": "sender", "who-1": "seal", "who-2": "open", "organisation-2": "", "words-2": "买方签字："}
    return client.post(address, data={**fields, **named, **chosen, **changes})


def use(client: FlaskClient, template: Template, **typed: str) -> TestResponse:
    address = f"/templates/{template.id}/use"
    return client.post(
        address, data={**visits.hidden(client.get(address).text), "title": "采购 7", "f-scope": "钢材", **typed}
    )


def test_a_contract_begins_with_the_parties_of_its_template(
    appliance: Appliance, zhang: FlaskClient, template: Template, source: Contract
) -> None:
    assert keep(zhang, template, source.id).status_code == 303
    now = appliance.writing.templates.load_template(template.id, ZHANG.subject).current
    assert now.number == 2
    assert [each.kind for each in now.parties.roles] == [RoleKind.SENDER, RoleKind.SEAL, RoleKind.OPEN]
    assert GUEST.name not in str(now.parties) and GUEST.organisation not in str(now.parties), "named each time"
    page = words(zhang.get(f"/templates/{template.id}/use").text)
    assert "卖方公章" in page and 'name="guest0-email"' in zhang.get(f"/templates/{template.id}/use").text
    assert 'name="f-buyer"' not in zhang.get(f"/templates/{template.id}/use").text, "the role says it"
    missing = use(zhang, template, **{**NAMED, "guest0-email": ""})
    assert missing.status_code == 422 and "电子邮箱" in words(missing.text) and "孙𠮷野" in missing.text
    made = use(zhang, template, **NAMED)
    assert made.status_code == 303, words(made.text)
    draft = contract_now(appliance, made.headers["Location"].split("/")[2])
    person, seal, guest = draft.parties
    assert (person.subject, seal.subject, seal.requester) == (ZHANG.subject, CONTRACT_SEAL.subject, ZHANG.subject)
    assert (guest.name, guest.organisation, guest.phone) == ("孙𠮷野", "丁公司", GUEST.phone)
    assert draft.order is SigningOrder.PARALLEL and seal.places == (PLACE,) and person.places
    assert guest.inputs == (replace(DAY, id=guest.inputs[0].id, number=1, places=(DAY_PLACE,)),)
    first, second = guest.places
    assert second == Placement(0, 60.0, 70.0, 30.0, 9.0) and (first.width, first.height) == pytest.approx((30, 9))
    [hit] = appliance.layouts.find_phrases(draft.original.digest, ["买方签字："])
    assert first.x > hit.x + hit.width and abs(first.y + first.height / 2 - hit.y - hit.height / 2) < 0.1
    assert appliance.layouts.find_phrases(draft.original.digest, ["丁公司"])
    assert appliance.layouts.find_phrases(draft.original.digest, [ALPHA])
    assert appliance.sending.send(draft.id, by=ZHANG.subject).state is ContractState.SENT


def test_another_wording_keeps_the_parties_and_others_are_refused(
    portal: Flask, appliance: Appliance, zhang: FlaskClient, template: Template, source: Contract
) -> None:
    for changes, sentence in (
        ({"name-0": ""}, "请为每个角色填写"),
        ({"name-0": "买方"}, "有两个角色都叫“买方”"),
        ({"words-2": "签" * 101}, "文字超过 100 个字"),
        ({"seen": "7"}, "已有更新的版本"),
    ):
        answer = keep(zhang, template, source.id, **changes)
        assert answer.status_code in (409, 422) and sentence in words(answer.text)
    assert keep(zhang, template, source.id, **{"who-1": "out"}).status_code == 303
    templates, by = appliance.writing.templates, ZHANG.subject
    text = templates.edit(template.id, by)
    published = templates.publish(text.id, by=by, seen=text.version)
    assert published.current.number == 3 and [each.name for each in published.current.parties.roles] == [
        "卖方",
        "买方",
    ]
    li = signed_in(portal, appliance, LI.subject)
    assert li.get(f"/templates/{template.id}/parties").status_code in (403, 404)
    other = appliance.drafting.draft(
        typeset_wording(published.current.wording), DraftTerms("x", "", "", LI.subject)
    )
    assert zhang.get(f"/templates/{template.id}/parties?contract={other.id}").status_code == 404


def test_a_list_fills_the_open_role(
    appliance: Appliance, zhang: FlaskClient, template: Template, source: Contract
) -> None:
    assert keep(zhang, template, source.id).status_code == 303
    head = HEAD
    rows = [[f"周{each}", f"戊{each}公司", f"z{each}@e.example", GUEST.phone, "钢材"] for each in (1, 2)]
    address = kept_list(zhang, template, rows, head)
    press(zhang, address, "make")
    run(appliance)
    for number, each in enumerate(rows_of(appliance, address), 1):
        draft = contract_now(appliance, each.contract)
        assert [party.name for party in draft.parties][2] == f"周{number}" and len(draft.parties) == 3
        assert len(draft.parties[2].places) == 2 and draft.order is SigningOrder.PARALLEL
        assert appliance.layouts.find_phrases(draft.original.digest, [f"戊{number}公司"])
    assert keep(zhang, template, source.id, **{"who-2": "out", "seen": "2"}).status_code == 303
    answer = zhang.get(f"/templates/{template.id}/merge")
    assert answer.status_code == 200
    refused = upload(zhang, template, workbook(rows, head))
    assert refused.status_code == 422 and "只保留一个待指定" in words(refused.text)


def kept_list(client: FlaskClient, template: Template, rows: list[list[str]], head: list[str]) -> str:
    answer = upload(client, template, workbook(rows, head))
    assert answer.status_code == 303, words(answer.text)
    return answer.headers["Location"]


@pytest.fixture
def with_annexes(appliance: Appliance, source: Contract) -> Contract:
    """The source with two people who get copies, a file beside it, two merged ones, and fields on the last of them
    and on the text."""
    by, annexes = ZHANG.subject, appliance.annexes
    for subject, name in (("person-kept-1", "抄送甲"), ("person-kept-2", "抄送乙")):
        known_person(appliance, subject, name)
        appliance.copying.add_reader(source.id, subject, by=by)
    annexes.attach(source.id, "清单.csv", TABLE, by=by)
    for name, content in (("图纸.pdf", drawing("one", 2)), ("买方签字.pdf", drawing("two"))):
        annexes.merge(source.id, annexes.attach(source.id, name, content, by=by).id, by=by)
    person, _seal, guest = contract_now(appliance, source.id).parties
    assert contract_now(appliance, source.id).pages == 4
    appliance.drafting.place(source.id, person.id, [replace(PLACE, y=40.0), replace(PLACE, page=3)], by=by)
    appliance.signer_inputs.place(source.id, guest.inputs[0].id, [DAY_PLACE, replace(DAY_PLACE, page=3)], by=by)
    return contract_now(appliance, source.id)


def made(appliance: Appliance, answer: TestResponse) -> Contract:
    assert answer.status_code == 303, words(answer.text)
    return contract_now(appliance, answer.headers["Location"].split("/")[2])


def test_copies_and_annexes_are_kept_and_can_be_taken_away(
    appliance: Appliance, zhang: FlaskClient, template: Template, with_annexes: Contract
) -> None:
    annexes, by = appliance.annexes, ZHANG.subject
    table, first, second = annexes.of(with_annexes.id)
    page = words(zhang.get(f"/templates/{template.id}/parties?contract={with_annexes.id}").text)
    assert "抄送甲" in page and "图纸.pdf" in page and "合并在合同正文之后" in page
    both, files = [*with_annexes.copied], [table.digest, second.digest]
    assert keep(zhang, template, with_annexes.id, copy=both, annex=files).status_code == 303
    now = appliance.writing.templates.load_template(template.id, by).current.parties
    assert now.copies == tuple(both) and [each.pages for each in now.annexes] == [0, 1]
    for address in ("", "/use", "/merge"):
        page = words(zhang.get(f"/templates/{template.id}{address}").text)
        assert "抄送乙" in page and "清单.csv" in page and "图纸.pdf" not in page

    draft = made(appliance, use(zhang, template, **NAMED))
    assert [(each.name, each.digest, each.merged is None) for each in annexes.of(draft.id)] == [
        ("清单.csv", table.digest, True),
        ("买方签字.pdf", second.digest, False),
    ]
    assert set(draft.copied) == set(both) and page_words(appliance, draft)[1:] == ["two 1"]
    person, _seal, guest = draft.parties
    assert [each.page for each in person.places] == [0, 1], "on the text's last page, and on the annex"
    assert [each.page for each in guest.inputs[0].places] == [0, 1]
    assert "清单.csv" in zhang.get(f"/contracts/{draft.id}/draft/document").text
    assert "抄送甲" in zhang.get(f"/contracts/{draft.id}/draft/check").text
    annexes.detach(draft.id, annexes.of(draft.id)[0].id, by=by)
    appliance.copying.remove_reader(draft.id, both[0], by=by)
    assert appliance.sending.send(draft.id, by=by).state is ContractState.SENT
    assert [each.name for each in annexes.of(draft.id)] == ["买方签字.pdf"]

    for annex in (table, first):
        annexes.detach(with_annexes.id, annex.id, by=by)
    needed = [appliance.database.query(retention.is_needed, each.digest) for each in (table, first)]
    assert needed == [True, False], "what a template keeps does not go with the contracts"


def test_lists_and_duplicates_carry_copies_and_annexes(
    portal: Flask, appliance: Appliance, zhang: FlaskClient, template: Template, with_annexes: Contract
) -> None:
    digests = [each.digest for each in appliance.annexes.of(with_annexes.id)]
    out = {f"who-{place}": "out" for place in range(3)}
    copied, twin = [*with_annexes.copied], appliance.drafting.duplicate(with_annexes.id, by=ZHANG.subject)
    assert set(twin.copied) == set(copied) and len(appliance.annexes.of(twin.id)) == 3
    assert keep(zhang, template, with_annexes.id, copy=copied, annex=digests, **out).status_code == 303
    signed_in(portal, appliance, "person-kept-1")
    appliance.accounts.administration.suspend("person-kept-1", by="officer-wang")
    head = ["姓名", "单位", "电子邮箱", "电话", "买方", "卖方", "范围"]
    row = ["周一", "戊公司", "z@e.example", GUEST.phone, "戊公司", ALPHA, "钢材"]
    address = kept_list(zhang, template, [row], head)
    press(zhang, address, "make")
    run(appliance)
    [each] = rows_of(appliance, address)
    draft = contract_now(appliance, each.contract)
    assert draft.copied == ("person-kept-2",), "who has no account any more gets no copy"
    assert [each.digest for each in appliance.annexes.of(draft.id)] == digests
    assert draft.pages == 4 and [party.name for party in draft.parties] == [ZHANG.name, "周一"]
    assert keep(zhang, template, "", seen="2", copy=[], annex=digests[:1]).status_code == 303
    now = appliance.writing.templates.load_template(template.id, ZHANG.subject).current.parties
    assert now.copies == () and [each.name for each in now.annexes] == ["清单.csv"]


def test_a_role_whose_account_is_closed_is_named_and_left_to_the_draft(
    portal: Flask, appliance: Appliance, zhang: FlaskClient, template: Template, source: Contract
) -> None:
    by, gone = ZHANG.subject, known_person(appliance, "person-kept-3", "离职示例")
    appliance.drafting.add_person(source.id, subject=gone.subject, by=by)
    named = {"name-0": "经办人", "name-3": "卖方", "who-3": "person"}
    assert keep(zhang, template, source.id, **named).status_code == 303
    signed_in(portal, appliance, gone.subject)
    appliance.accounts.administration.suspend(gone.subject, by="officer-wang")
    why = "模板中担任“卖方”的离职示例账号已停用或注销"
    refused = use(zhang, template, **NAMED)
    assert refused.status_code == 422 and why in words(refused.text)
    listed = upload(zhang, template, workbook([["周一", "戊公司", "z@e.example", GUEST.phone, "钢材"]], HEAD))
    assert listed.status_code == 422 and why in words(listed.text)
    asked = use(zhang, template, **NAMED, without="卖方")
    assert asked.status_code == 422 and 'name="f-seller"' in asked.text, "no role fills it in"
    draft = made(appliance, use(zhang, template, **NAMED, **{"without": "卖方", "f-seller": "己公司"}))
    assert [party.name for party in draft.parties] == [ZHANG.name, CONTRACT_SEAL.label, "孙𠮷野"]
    assert appliance.layouts.find_phrases(draft.original.digest, ["己公司"])
    still = use(zhang, template, **NAMED, without="买方")
    assert still.status_code == 422 and why in words(still.text), "only what nobody takes is left out"

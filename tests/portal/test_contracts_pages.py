"""The list of contracts, one contract's page and files, the acts on it: as its people and strangers meet them."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from appliance.contracts import handing_over
from appliance.contracts.drafting import DraftTerms
from appliance.demonstration.participants import CUSTODIAN, LI, ZHANG, ZONE
from appliance.model.accounts import AccountRole
from appliance.model.contract import Contract, ContractState, Deadline, SigningOrder
from appliance.wiring import Appliance
from tests.portal.visitors import known_person, signed_in
from tests.world import contract_now, sample_document, send


@pytest.fixture(scope="module")
def sent(appliance: Appliance) -> Contract:
    return send(appliance, sample_document())


@pytest.fixture
def zhang(portal: Flask, appliance: Appliance) -> FlaskClient:
    return signed_in(portal, appliance, ZHANG.subject)


@pytest.fixture
def li(portal: Flask, appliance: Appliance) -> FlaskClient:
    return signed_in(portal, appliance, LI.subject, [AccountRole.SIGNER])


@pytest.fixture
def stranger(portal: Flask, appliance: Appliance) -> FlaskClient:
    known_person(appliance, "person-stranger", "孙路人")
    return signed_in(portal, appliance, "person-stranger")


@pytest.fixture
def auditor(portal: Flask, appliance: Appliance) -> FlaskClient:
    known_person(appliance, "auditor-qian", "钱审计")
    return signed_in(portal, appliance, "auditor-qian", [AccountRole.AUDITOR])


def draft(appliance: Appliance, title: str = "草稿合同") -> Contract:
    terms = DraftTerms(
        title=title,
        kind="服务",
        purpose="示例",
        initiator=ZHANG.subject,
        deadline=Deadline(appliance.now() + timedelta(days=3), ZONE),
        order=SigningOrder.SEQUENTIAL,
    )
    return appliance.drafting.draft(sample_document(1), terms)


def fields(client: FlaskClient, address: str) -> dict[str, str]:
    """The hidden fields of the form at *address*."""
    text = client.get(address).text
    form = text[text.index('<form class="form"') :]
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form))


def timeless(page: str) -> str:
    """*page* without the clock, which goes on between two answers."""
    return re.sub(r"<time .*?</time>", "", page)


# Refusals first.


@pytest.mark.parametrize("below", ["", "/document.pdf", "/evidence.zip", "/recall", "/decline"])
def test_strangers_do_not_learn_that_a_contract_exists(stranger: FlaskClient, sent: Contract, below: str) -> None:
    real = stranger.get(f"/contracts/{sent.id}{below}")
    made_up = stranger.get(f"/contracts/{'0' * 24}{below}")
    assert (real.status_code, made_up.status_code) == (404, 404)
    assert sent.title not in real.text
    assert timeless(real.text.replace(sent.id, "")) == timeless(made_up.text.replace("0" * 24, ""))


@pytest.mark.parametrize("below", ["", "/document.pdf", "/evidence.zip", "/recall"])
def test_who_is_signed_out_is_led_to_sign_in(browser: FlaskClient, sent: Contract, below: str) -> None:
    answer = browser.get(f"/contracts/{sent.id}{below}")
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/login?next=")


def test_a_draft_is_its_initiators_alone(appliance: Appliance, zhang: FlaskClient, li: FlaskClient) -> None:
    contract = draft(appliance)
    appliance.drafting.add_person(contract.id, subject=LI.subject, by=ZHANG.subject)
    assert zhang.get(f"/contracts/{contract.id}").status_code == 200
    assert li.get(f"/contracts/{contract.id}").status_code == 404


@pytest.mark.parametrize(
    ("who", "act"),
    [
        ("zhang", "discard"),
        ("zhang", "void"),
        ("li", "recall"),
        ("li", "extend"),
        ("li", "decline"),
        ("auditor", "recall"),
        ("auditor", "hand-over"),
    ],
)
def test_what_is_not_allowed_is_refused_with_the_reason(
    request: pytest.FixtureRequest, sent: Contract, who: str, act: str
) -> None:
    client: FlaskClient = request.getfixturevalue(who)
    answer = client.get(f"/contracts/{sent.id}/{act}")
    assert answer.status_code == 409
    assert sent.title in answer.text
    assert f'href="/contracts/{sent.id}/{act}"' not in client.get(f"/contracts/{sent.id}").text


def test_evidence_is_neither_offered_nor_given_before_completion(zhang: FlaskClient, sent: Contract) -> None:
    assert "evidence.zip" not in zhang.get(f"/contracts/{sent.id}").text
    assert zhang.get(f"/contracts/{sent.id}/evidence.zip").status_code == 409


@pytest.mark.parametrize("revision", ["-1", "x", "99999", "1.5", "９"])
def test_there_is_no_such_revision(zhang: FlaskClient, sent: Contract, revision: str) -> None:
    assert zhang.get(f"/contracts/{sent.id}/document.pdf", query_string={"revision": revision}).status_code == 404


@pytest.mark.parametrize("reason", ["", "   ", "很" * 1001])
def test_a_reason_is_needed_and_what_was_typed_is_kept(
    appliance: Appliance, zhang: FlaskClient, reason: str
) -> None:
    contract = send(appliance, sample_document(1))
    address = f"/contracts/{contract.id}/recall"
    answer = zhang.post(address, data=fields(zhang, address) | {"reason": reason})
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    assert reason.strip() in answer.text
    assert contract_now(appliance, contract.id).state is ContractState.SENT


@pytest.mark.parametrize("deadline", ["", "tomorrow", "2026-13-01T00:00", "9999-12-31T23:59", "2020-01-01T00:00"])
def test_a_deadline_that_is_none_is_told_at_the_place(
    appliance: Appliance, zhang: FlaskClient, deadline: str
) -> None:
    contract = send(appliance, sample_document(1))
    address = f"/contracts/{contract.id}/extend"
    answer = zhang.post(address, data=fields(zhang, address) | {"deadline": deadline})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert contract_now(appliance, contract.id).deadline == contract.deadline


@pytest.mark.parametrize("version", ["", "x", "-1", "9" * 30])
def test_a_form_names_the_version_that_it_was_made_for(zhang: FlaskClient, sent: Contract, version: str) -> None:
    address = f"/contracts/{sent.id}/recall"
    answer = zhang.post(address, data=fields(zhang, address) | {"reason": "错了", "seen": version})
    assert answer.status_code == 400


def test_the_second_of_two_is_told_what_the_first_did(appliance: Appliance, zhang: FlaskClient) -> None:
    contract = send(appliance, sample_document(1))
    address = f"/contracts/{contract.id}/recall"
    form = fields(zhang, address)
    later = Deadline(contract.deadline.at + timedelta(days=1), ZONE)
    appliance.endings.extend(contract.id, later, by=ZHANG.subject, seen=contract.version)
    stale = zhang.post(address, data=form | {"reason": "不再需要"})
    assert stale.status_code == 409
    assert ZHANG.name in stale.text
    assert "不再需要" in stale.text
    again = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', stale.text))
    assert zhang.post(address, data=again | {"reason": "不再需要"}).status_code == 303


# What works.


def test_a_recall_sent_twice_happens_once(appliance: Appliance, zhang: FlaskClient) -> None:
    contract = send(appliance, sample_document(1))
    address = f"/contracts/{contract.id}/recall"
    form = fields(zhang, address) | {"reason": "条款有误 <b>"}
    first, second = (zhang.post(address, data=form) for _ in range(2))
    assert (first.status_code, second.status_code) == (303, 303)
    assert first.headers["Location"] == second.headers["Location"]
    page = zhang.get(first.headers["Location"]).text
    assert "条款有误 &lt;b&gt;" in page
    assert "条款有误 <b>" not in page
    assert contract_now(appliance, contract.id).state is ContractState.RECALLED


def test_who_is_on_turn_declines_with_a_reason(appliance: Appliance, zhang: FlaskClient) -> None:
    contract = send(appliance, sample_document(1))
    address = f"/contracts/{contract.id}/decline"
    answer = zhang.post(address, data=fields(zhang, address) | {"reason": "价格未谈妥"})
    assert answer.status_code == 303
    assert "价格未谈妥" in zhang.get(answer.headers["Location"]).text


def test_the_deadline_is_extended_in_the_contracts_zone(appliance: Appliance, zhang: FlaskClient) -> None:
    contract = send(appliance, sample_document(1))
    address = f"/contracts/{contract.id}/extend"
    wanted = (appliance.now() + timedelta(days=30)).strftime("%Y-%m-%dT18:00")
    assert zhang.post(address, data=fields(zhang, address) | {"deadline": wanted}).status_code == 303
    extended = contract_now(appliance, contract.id).deadline
    assert extended.at.strftime("%H:%M") == "10:00"  # 18:00 in Shanghai
    assert extended.zone == ZONE


def test_a_signature_is_handed_over_within_the_organisation(
    portal: Flask, appliance: Appliance, zhang: FlaskClient
) -> None:
    contract = send(appliance, sample_document(1))
    address = f"/contracts/{contract.id}/hand-over"
    page = zhang.get(address).text
    assert CUSTODIAN.subject in page
    assert LI.subject not in page
    form = fields(zhang, address)
    missing = zhang.post(address, data=form | {"reason": "出差"})
    assert missing.status_code == 422
    assert "出差" in missing.text
    unknown = zhang.post(address, data=form | {"reason": "出差", "to": LI.subject})
    assert unknown.status_code == 422
    done = zhang.post(address, data=form | {"reason": "出差", "to": CUSTODIAN.subject})
    assert done.status_code == 303
    assert contract_now(appliance, contract.id).parties[0].subject == CUSTODIAN.subject


def test_whoever_hands_over_looks_people_up_when_there_are_many(
    appliance: Appliance, zhang: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract = send(appliance, sample_document(1))
    address = f"/contracts/{contract.id}/hand-over"
    assert 'name="find"' not in zhang.get(address).text
    monkeypatch.setattr(handing_over, "MOST_CANDIDATES", 0)
    assert 'name="find"' in zhang.get(address).text
    monkeypatch.undo()
    assert CUSTODIAN.subject in zhang.get(f"{address}?find={CUSTODIAN.name[1:]}").text
    nobody = zhang.get(f"{address}?find=%25").text
    assert CUSTODIAN.subject not in nobody
    assert "未找到可以代为签署的人" in nobody


def test_a_draft_is_thrown_away(appliance: Appliance, zhang: FlaskClient) -> None:
    contract = draft(appliance, "要丢弃的草稿")
    address = f"/contracts/{contract.id}/discard"
    assert zhang.post(address, data=fields(zhang, address)).headers["Location"] == "/"
    assert "要丢弃的草稿" not in zhang.get("/").text


def test_the_page_says_whose_turn_it_is(zhang: FlaskClient, li: FlaskClient, sent: Contract) -> None:
    own = zhang.get(f"/contracts/{sent.id}").text
    assert "等待您签署" in own
    assert f"/contracts/{sent.id}/sign" in own
    other = li.get(f"/contracts/{sent.id}").text
    assert f"等待{ZHANG.name}签署" in other
    assert "尚未轮到您签署" in other
    assert re.search(r"还剩 \d+ 天", other)


def test_the_page_says_how_many_have_signed(zhang: FlaskClient, sent: Contract) -> None:
    assert f"{len(sent.parties)} 方中 0 方已签" in zhang.get(f"/contracts/{sent.id}").text


def test_files_are_saved_and_never_shown(zhang: FlaskClient, sent: Contract) -> None:
    for revision in range(len(sent.revisions)):
        answer = zhang.get(f"/contracts/{sent.id}/document.pdf?revision={revision}")
        assert answer.data.startswith(b"%PDF-")
        assert answer.headers["Content-Disposition"].startswith("attachment;")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_title_does_no_harm_as_a_file_name(appliance: Appliance, zhang: FlaskClient) -> None:
    contract = draft(appliance, '../a/b:"<𠮷野>".exe')
    sent_as = zhang.get(f"/contracts/{contract.id}/document.pdf").headers["Content-Disposition"]
    assert not set("/\\<>") & set(sent_as)
    assert "%F0%A0%AE%B7%E9%87%8E" in sent_as


def test_an_auditor_reads_everything_and_changes_nothing(auditor: FlaskClient, sent: Contract) -> None:
    assert sent.title in auditor.get("/").text
    page = auditor.get(f"/contracts/{sent.id}").text
    assert "/log/proof/file?index=" in page or "证明将在一秒内生成" in page
    assert not re.search(rf"/contracts/{sent.id}/(recall|decline|extend|void|sign)", page)


# The list.


def test_nothing_waits_for_somebody_new(stranger: FlaskClient) -> None:
    page = stranger.get("/").text
    assert "还没有合同" in page
    assert 'href="/contracts/new"' in page


def test_counts_come_first_and_lead_to_their_lists(zhang: FlaskClient, sent: Contract) -> None:
    page = zhang.get("/").text
    for bucket in ("to-sign", "waiting", "due-soon", "done"):
        assert f'href="/?bucket={bucket}"' in page
    assert page.index("bucket=to-sign") < page.index(f"/contracts/{sent.id}")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "设备采购"}, True),
        ({"q": LI.name}, True),
        ({"q": "没有这个"}, False),
        ({"bucket": "to-sign"}, True),
        ({"bucket": "done"}, False),
        ({"bucket": "no-such"}, True),
        ({"party": LI.organisation}, True),
        ({"kind": "采购"}, True),
        ({"kind": "<b>"}, False),
        ({"since": "2000-01-01", "until": "2099-01-01"}, True),
        ({"since": "2099-01-01"}, False),
    ],
)
def test_the_list_shows_what_was_asked_for(
    zhang: FlaskClient, sent: Contract, query: dict[str, str], found: bool
) -> None:
    page = zhang.get("/", query_string=query)
    assert page.status_code == 200
    assert ("设备采购合同" in page.text) is found


@pytest.mark.parametrize("day", ["since=yesterday", "until=9999-12-31"])
def test_a_day_that_is_none_is_told_at_the_place(zhang: FlaskClient, day: str) -> None:
    answer = zhang.get(f"/?{day}")
    assert answer.status_code == 422
    assert f'id="field-{day.partition("=")[0]}-problem"' in answer.text


@pytest.mark.parametrize("after", ["x", "'; --", "~", "9" * 300])
def test_a_page_of_the_list_that_does_not_exist(zhang: FlaskClient, after: str) -> None:
    assert zhang.get("/", query_string={"after": after}).status_code in (409, 422)


def test_the_list_goes_on(appliance: Appliance, zhang: FlaskClient) -> None:
    for number in range(21):
        draft(appliance, f"翻页 {number}")
    first = zhang.get("/?bucket=draft").text
    further = re.search(r'href="([^"]*after=[^"]+)" rel="next"', first)
    assert further is not None
    second = zhang.get(further[1].replace("&amp;", "&")).text
    shown = [set(re.findall(r'/contracts/([0-9a-f]{24})"', page)) for page in (first, second)]
    assert len(shown[0]) == 20
    assert shown[1]
    assert not shown[0] & shown[1]


@pytest.mark.parametrize("name", ["<b>甲</b>", "𠮷野 & 儿子"])
def test_names_stand_as_they_were_written(appliance: Appliance, zhang: FlaskClient, name: str) -> None:
    contract = draft(appliance, name)
    for address in ("/?bucket=draft", f"/contracts/{contract.id}"):
        page = zhang.get(address).text
        assert name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") in page
        assert "<b>甲" not in page

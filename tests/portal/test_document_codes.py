"""Document codes: what anybody learns by one, and what nobody does."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from io import BytesIO

import pytest
import zxingcpp
from flask import Flask
from flask.testing import FlaskClient
from pypdfium2 import PdfDocument

from appliance.demonstration.participants import LI, ZHANG
from appliance.model.contract import AmendmentKind, Contract, ContractState, PartyKind
from appliance.model.document_codes import LENGTH, draw_code, read_code, show_code, signatures_of
from appliance.store import contracts
from appliance.verification import Indication
from appliance.wiring import Appliance
from appliance.writing.amendment_drafts import AmendmentTerms
from tests.portal.conftest import form_token
from tests.portal.test_amending import completed, sent, terms
from tests.portal.test_contracts_pages import draft
from tests.portal.visitors import signed_in
from tests.world import World, sample_document, sequenced

ENGLISH = {"Accept-Language": "en"}


@pytest.fixture(scope="module")
def contract(appliance: Appliance) -> Contract:
    return completed(appliance, sent(appliance))


def code_of(appliance: Appliance, contract: Contract) -> str:
    code = appliance.document_codes.code_of(contract.id)
    assert code is not None
    return show_code(code)


def signed_file(appliance: Appliance, contract: Contract) -> bytes:
    return appliance.blobs.get(contract.current.digest)


def test_a_code_tells_that_a_contract_is_complete_and_nothing_of_its_words(
    appliance: Appliance, browser: FlaskClient, contract: Contract
) -> None:
    page = browser.get(f"/verify/{code_of(appliance, contract)}", headers=ENGLISH).text
    assert contract.current.digest in page
    assert page.count("<dt>Signature ") == len(contract.parties)
    assert ZHANG.name[0] + "**" in page
    for secret in (contract.title, contract.kind, contract.purpose, ZHANG.name, LI.name, contract.id):
        assert secret not in page


def test_before_it_is_complete_a_code_tells_that_alone(appliance: Appliance, browser: FlaskClient) -> None:
    waiting = sent(appliance)
    page = browser.get(f"/verify/{code_of(appliance, waiting)}", headers=ENGLISH).text
    assert "Not everybody has signed yet" in page
    assert "SHA-256" not in page
    assert ZHANG.name[0] + "**" not in page


def test_a_file_is_not_called_another_before_there_is_one(appliance: Appliance, browser: FlaskClient) -> None:
    waiting = sent(appliance)
    given = {
        "form_token": form_token(browser),
        "code": code_of(appliance, waiting),
        "file": (BytesIO(signed_file(appliance, waiting)), "contract.pdf"),
    }
    answer = browser.post("/verify", data=given, content_type="multipart/form-data", headers=ENGLISH)
    assert answer.status_code == 200
    assert "document code" not in answer.text


def test_a_contract_that_was_terminated_is_not_called_complete(appliance: Appliance, browser: FlaskClient) -> None:
    earlier = completed(appliance, sent(appliance))
    day = appliance.now().date() + timedelta(days=20)
    change = AmendmentTerms(AmendmentKind.TERMINATION, day, room_for_signatures=True)
    draft_of_it = appliance.amending.draft(earlier.id, change, sample_document(1), terms("解除协议"))
    address = f"/verify/{code_of(appliance, earlier)}"
    assert "is complete" in browser.get(address, headers=ENGLISH).text
    completed(appliance, appliance.sending.send(draft_of_it.id, by=ZHANG.subject))
    page = browser.get(address, headers=ENGLISH).text
    assert "is complete" not in page
    assert f"With effect from {day.isoformat()}" in page
    assert "解除协议" not in page


@pytest.mark.parametrize(
    ("name", "organisation", "shown"),
    [
        ("张三丰", "甲公司", ("张**", "甲公司")),
        ("王", "甲公司", ("**", "甲公司")),
        ("张三丰", "张三丰", ("张**", "")),
        ("Zhang San", "ZHANG  SAN", ("Z**", "")),
        ("张三丰", "", ("张**", "")),
    ],
)
def test_no_name_of_a_person_is_shown_whole(
    contract: Contract, name: str, organisation: str, shown: tuple[str, str]
) -> None:
    person = next(each for each in contract.parties if each.kind is PartyKind.PERSON)
    [found] = signatures_of((replace(person, name=name, organisation=organisation),))
    assert (found.name, found.organisation) == shown


def test_a_draft_has_no_code(appliance: Appliance) -> None:
    assert appliance.document_codes.code_of(draft(appliance).id) is None


@pytest.mark.parametrize("code", ["0000-0000-0000", "x", "%00", "A" * 300, "查验码"])
def test_what_is_no_code_is_answered_in_one_way(browser: FlaskClient, code: str) -> None:
    answer = browser.get(f"/verify/{code}", headers=ENGLISH)
    assert answer.status_code == 404
    assert "No contract here has this code" in answer.text


def test_what_is_typed_may_be_small_and_look_alike(
    appliance: Appliance, browser: FlaskClient, contract: Contract
) -> None:
    code = code_of(appliance, contract)
    typed = code.lower().replace("0", "o").replace("1", "i").replace("-", "  ")
    answer = browser.get("/verify/code", query_string={"code": typed}, headers=ENGLISH)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/verify/{code}")


def test_codes_are_read_as_they_are_shown() -> None:
    codes = {draw_code() for _ in range(200)}
    assert len(codes) == 200
    assert all(read_code(show_code(each)) == each and len(each) == LENGTH for each in codes)


def test_the_file_is_compared_and_verified(appliance: Appliance, browser: FlaskClient, contract: Contract) -> None:
    other = completed(appliance, sent(appliance))
    for file, said in ((contract, "byte for byte"), (other, "is not the contract with the document code")):
        given = {
            "form_token": form_token(browser),
            "code": code_of(appliance, contract),
            "file": (BytesIO(signed_file(appliance, file)), "contract.pdf"),
        }
        answer = browser.post("/verify", data=given, content_type="multipart/form-data", headers=ENGLISH)
        assert answer.status_code == 200
        assert said in answer.text
        assert answer.text.index(said) < answer.text.index(
            "The document is validly signed"
        )  # first, what was asked
        assert "TOTAL-PASSED" in answer.text


def test_the_verdict_about_a_void_contract_says_so(appliance: Appliance, browser: FlaskClient) -> None:
    void = completed(appliance, sent(appliance))
    with appliance.database.transaction() as tx:
        contracts.move(tx, contracts.load_contract(tx, void.id), ContractState.VOIDED)
    given = {
        "form_token": form_token(browser),
        "code": code_of(appliance, void),
        "file": (BytesIO(signed_file(appliance, void)), "contract.pdf"),
    }
    answer = browser.post("/verify", data=given, content_type="multipart/form-data", headers=ENGLISH)
    assert "byte for byte" in answer.text
    assert "The parties have declared the contract" in answer.text


def test_the_contract_page_has_the_code_and_its_picture(
    portal: Flask, appliance: Appliance, contract: Contract
) -> None:
    page = signed_in(portal, appliance, ZHANG.subject).get(f"/contracts/{contract.id}").text
    assert re.search(rf'href="/verify/{code_of(appliance, contract)}"', page)
    assert '<div class="qr"><svg' in page


def test_where_policy_wants_it_the_last_page_leads_there(world: World) -> None:
    before = world.home.policy.read_text(encoding="utf-8")
    world.home.policy.write_text("[document_codes]\non_last_page = true\n", encoding="utf-8")
    try:
        with world.opened() as appliance, sequenced(appliance, world):
            contract = completed(appliance, sent(appliance))
            document = signed_file(appliance, contract)
            [read] = zxingcpp.read_barcodes(PdfDocument(document)[-1 % contract.pages].render(scale=3).to_pil())
            public = appliance.settings.web.public_url.rstrip("/")
            assert read.text == f"{public}/verify/{code_of(appliance, contract)}"
            assert appliance.verifier.verify_pdf(document).indication is Indication.PASSED
    finally:
        world.home.policy.write_text(before, encoding="utf-8")

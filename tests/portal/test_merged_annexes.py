"""Annexes whose pages are merged into the document: fields stay right, the evidence names what was uploaded."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from reportlab.pdfgen.canvas import Canvas

from appliance.demonstration.participants import LI, ZHANG
from appliance.errors import DocumentRefused, StateRefused
from appliance.evidence.exporting import Exporting
from appliance.evidence.repacked import read_zip
from appliance.model.annexes import Annex
from appliance.model.contract import Contract, InputKind, Placement, SignerInput
from appliance.verification import Indication
from appliance.wiring import Appliance
from tests.pdf.documents import encrypted, form
from tests.portal.conftest import form_token
from tests.portal.test_amending import completed, sent
from tests.portal.test_annexes import DRAWING, draft, posted
from tests.portal.visitors import signed_in
from tests.verification.authorities import Profile, authority, issue
from tests.verification.documents import Signing, plain, sign
from tests.world import OURS, World, contract_now, sample_document, sequenced


def drawing(word: str, pages: int = 1) -> bytes:
    """Landscape pages that say *word*."""
    stream = io.BytesIO()
    canvas = Canvas(stream, pagesize=(842, 595))
    for page in range(pages):
        canvas.drawString(72, 300, f"{word} {page + 1}")
        canvas.showPage()
    canvas.save()
    return stream.getvalue()


def arranged(portal: Flask, appliance: Appliance, contract: Contract, annex: Annex, act: str) -> tuple[int, str]:
    zhang = signed_in(portal, appliance, ZHANG.subject)
    form = {"form_token": form_token(zhang), "seen": str(contract_now(appliance, contract.id).version)}
    answer = zhang.post(f"/contracts/{contract.id}/draft/annexes/{act}", data={**form, "annex": annex.id})
    return answer.status_code, answer.text


def page_words(appliance: Appliance, contract: Contract) -> list[str]:
    document = appliance.contracts.document(contract_now(appliance, contract.id), 0)
    return [" ".join(text.split()[:2]) for text in appliance.workshop.text(document)]


def test_pages_come_after_the_text_and_fields_stay_on_theirs(portal: Flask, appliance: Appliance) -> None:
    contract, by = draft(appliance), ZHANG.subject
    given = appliance.contracts.document(contract)
    for name, content in (("甲.pdf", drawing("one", 2)), ("乙.pdf", drawing("two")), ("图.png", DRAWING)):
        appliance.annexes.attach(contract.id, name, content, by=by)
    one, two, picture = appliance.annexes.of(contract.id)
    for annex in (two, one):
        assert arranged(portal, appliance, contract, annex, "merge")[0] == 303
    assert page_words(appliance, contract) == ["Page 1,", "one 1", "one 2", "two 1"]
    assert [str(each.merged) for each in appliance.annexes.of(contract.id)] == ["2–3", "4", "None"]
    status, page = arranged(portal, appliance, contract, picture, "merge")
    assert (status, "只有 PDF 可以合并" in page) == (422, True)
    assert appliance.contracts.document(contract_now(appliance, contract.id)).startswith(given)

    party = appliance.drafting.add_person(contract.id, subject=by, placement=None, by=by)
    places = [Placement(0, 10, 10, 20, 10), Placement(2, 10, 30, 20, 10), Placement(3, 10, 50, 20, 10)]
    appliance.drafting.place(contract.id, party.id, places, by=by)
    account = SignerInput("", 0, InputKind.TEXT, "账号", most=40)
    held = appliance.signer_inputs.add(contract.id, party.id, account, by=by).parties[0].inputs[0]
    appliance.signer_inputs.place(contract.id, held.id, [replace(place, x=60) for place in places], by=by)
    assert arranged(portal, appliance, contract, one, "separate")[0] == 303
    assert [place.page for place in contract_now(appliance, contract.id).parties[0].places] == [0, 1]
    appliance.drafting.replace_document(contract.id, sample_document(3), by=by)
    assert page_words(appliance, contract) == ["Page 1,", "Page 2,", "Page 3,", "two 1"]
    party_now = contract_now(appliance, contract.id).parties[0]
    for places_now in (party_now.places, party_now.inputs[0].places):
        assert [(place.page, place.y) for place in places_now] == [(0, 10), (3, 50)]
    zhang = signed_in(portal, appliance, by)
    assert "已合并：文件第 4 页" in zhang.get(f"/contracts/{contract.id}/draft/document").text

    copy = appliance.drafting.duplicate(contract.id, by=by)
    assert [str(each.merged) for each in appliance.annexes.of(copy.id)] == ["None", "4", "None"]
    assert arranged(portal, appliance, copy, appliance.annexes.of(copy.id)[1], "remove")[0] == 303
    digest = hashlib.sha256(sample_document(3)).hexdigest()
    now = contract_now(appliance, copy.id)
    assert (now.original.size, now.pages) == (len(sample_document(3)), 3) or now.original.digest == digest
    for each in (contract, copy):
        appliance.endings.discard(each.id, by=by)


def test_two_windows_lose_nothing(appliance: Appliance) -> None:
    contract, by = draft(appliance), ZHANG.subject
    appliance.annexes.attach(contract.id, "甲.pdf", drawing("one"), by=by)
    seen = contract_now(appliance, contract.id).version
    (annex,) = appliance.annexes.of(contract.id)
    appliance.annexes.merge(contract.id, annex.id, by=by, seen=seen)
    with pytest.raises(StateRefused):
        appliance.annexes.detach(contract.id, annex.id, by=by, seen=seen)
    assert contract_now(appliance, contract.id).pages == 2
    appliance.endings.discard(contract.id, by=by)


def test_merged_pages_are_signed_and_the_evidence_has_the_file_as_uploaded(
    portal: Flask, appliance: Appliance, world: World
) -> None:
    content, by = drawing("plan", 2), ZHANG.subject

    def with_merged(contract: Contract) -> None:
        annex = appliance.annexes.attach(contract.id, "图纸.pdf", content, by=by)
        appliance.annexes.merge(contract.id, annex.id, by=by)

    contract = completed(appliance, sent(appliance, before=with_merged))
    assert "plan 2" in " ".join(appliance.workshop.text(appliance.contracts.document(contract)))
    li = signed_in(portal, appliance, LI.subject)
    page = li.get(f"/contracts/{contract.id}").text
    pages = str(appliance.annexes.of(contract.id)[0].merged)
    assert f"已合并：文件第 {pages} 页" in page
    assert hashlib.sha256(content).hexdigest() in page
    with sequenced(appliance, world):
        package = Exporting(appliance).export(contract.id, OURS).package
    files = read_zip(package).files
    assert bytes(files["annexes/01.pdf"]) == content
    assert f"图纸.pdf（文件第 {pages} 页）" in bytes(files["README.zh.txt"]).decode()
    report = appliance.verifier.verify(package, file="evidence.zip")
    assert report.indication is Indication.PASSED, report.verdict


def test_what_is_signed_stays_as_it_is(portal: Flask, appliance: Appliance) -> None:
    start = datetime.now(UTC) - timedelta(days=1)
    root = authority("Foreign CA", start=start)
    signed = sign(plain(1), Signing("before", issue(Profile("外方示例", start=start, days=300), root), [root]))
    contract, by = draft(appliance), ZHANG.subject
    assert posted(portal, appliance, contract, "已签.pdf", signed).status_code == 303
    (annex,) = appliance.annexes.of(contract.id)
    status, said = arranged(portal, appliance, contract, annex, "merge")
    assert (status, "含有签名或表单域" in said) == (422, True)
    appliance.annexes.detach(contract.id, annex.id, by=by)
    appliance.drafting.replace_document(contract.id, signed, by=by)
    added = appliance.annexes.attach(contract.id, "图纸.pdf", drawing("plan"), by=by)
    with pytest.raises(DocumentRefused, match="more pages would break"):
        appliance.annexes.merge(contract.id, added.id, by=by)
    assert contract_now(appliance, contract.id).original.digest == hashlib.sha256(signed).hexdigest()
    appliance.endings.discard(contract.id, by=by)


def test_each_person_merges_one_at_a_time(
    portal: Flask, appliance: Appliance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twenty windows would take the confined processes from everybody else."""
    one, other, by, merge = draft(appliance), draft(appliance), ZHANG.subject, appliance.workshop.merge
    annexes = [appliance.annexes.attach(each.id, "甲.pdf", drawing("one"), by=by) for each in (one, other)]
    meanwhile: list[tuple[int, str]] = []

    def merging(document: bytes, annex: bytes, name: str) -> tuple[bytes, int]:
        if not meanwhile:
            meanwhile.append(arranged(portal, appliance, other, annexes[1], "merge"))
            appliance.drafting.replace_document(other.id, sample_document(2), by=by)  # nothing is merged there
        return merge(document, annex, name)

    monkeypatch.setattr(appliance.workshop, "merge", merging)
    appliance.annexes.merge(one.id, annexes[0].id, by=by)
    [(status, page)] = meanwhile
    assert (status, "您的附件正在合并" in page) == (422, True)
    assert arranged(portal, appliance, other, annexes[1], "merge")[0] == 303, "the turn is given back"


def test_what_cannot_be_merged_is_refused_in_a_sentence(portal: Flask, appliance: Appliance) -> None:
    contract = draft(appliance)
    assert posted(portal, appliance, contract, "密.pdf", encrypted()).status_code == 422
    assert posted(portal, appliance, contract, "表.pdf", form()).status_code == 303
    before = contract_now(appliance, contract.id)
    status, said = arranged(portal, appliance, contract, appliance.annexes.of(contract.id)[0], "merge")
    assert (status, "含有签名或表单域" in said) == (422, True)
    assert contract_now(appliance, contract.id) == before
    appliance.endings.discard(contract.id, by=ZHANG.subject)

"""Annexes: attached to a draft, open to everybody who signs, in the log before anybody has, in the evidence."""

from __future__ import annotations

import hashlib
import io

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from appliance.contracts import annexes
from appliance.demonstration.participants import CUSTODIAN, LI, ZHANG
from appliance.errors import DocumentRefused, PreconditionRefused
from appliance.evidence import history
from appliance.evidence.exporting import Exporting
from appliance.evidence.history import PackageEvent
from appliance.evidence.model import PackageRefused
from appliance.evidence.repacked import read_zip
from appliance.model.accounts import AccountRole
from appliance.model.contract import Contract
from appliance.verification import Indication
from appliance.wiring import Appliance
from hsm import checkers
from tests.appliance.contracts.seal_asking import asked, sign
from tests.portal.conftest import form_token
from tests.portal.estate import once
from tests.portal.test_amending import completed, sent, terms
from tests.portal.test_drafting import encrypted
from tests.portal.visitors import known_person, signed_in
from tests.world import OURS, World, contract_now, sample_document, sequenced

TABLE = "品名,数量\n机床,3\n".encode()
COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
LOCKED = COMPOUND + "EncryptedPackage".encode("utf-16-le")
DRAWING = b"\x89PNG\r\n\x1a\n" + b"<script>alert(1)</script>"


def draft(appliance: Appliance) -> Contract:
    return appliance.drafting.draft(sample_document(1), terms("附件示例合同"))


def posted(portal: Flask, appliance: Appliance, contract: Contract, name: str, content: bytes) -> TestResponse:
    zhang = signed_in(portal, appliance, ZHANG.subject)
    seen = str(contract_now(appliance, contract.id).version)
    form = {"form_token": form_token(zhang), "seen": seen, "once": once(), "annex": (io.BytesIO(content), name)}
    return zhang.post(f"/contracts/{contract.id}/draft/annexes", data=form)


def test_files_are_attached_taken_out_and_shown(portal: Flask, appliance: Appliance) -> None:
    contract = draft(appliance)
    assert posted(portal, appliance, contract, "清单.csv", TABLE).status_code == 303
    assert posted(portal, appliance, contract, "示例.pdf", sample_document(1)).status_code == 303
    names = [annex.name for annex in appliance.annexes.of(contract.id)]
    assert names == ["清单.csv", "示例.pdf"]
    zhang = signed_in(portal, appliance, ZHANG.subject)
    page = zhang.get(f"/contracts/{contract.id}/draft/document").text
    assert hashlib.sha256(TABLE).hexdigest() in page
    form = {"form_token": form_token(zhang), "seen": str(contract_now(appliance, contract.id).version)}
    taken = appliance.annexes.of(contract.id)[0]
    address = f"/contracts/{contract.id}/draft/annexes/remove"
    assert zhang.post(address, data={**form, "annex": taken.id}).status_code == 303
    assert [annex.name for annex in appliance.annexes.of(contract.id)] == ["示例.pdf"]


def test_readers_of_office_files_are_told_that_these_can_hide(portal: Flask, appliance: Appliance) -> None:
    """What is hidden in which file is not read, and neither listed nor left out: the whole file is an annex."""

    def with_workbook(contract: Contract) -> None:
        appliance.annexes.attach(contract.id, "报价.XLSX", b"PK\x03\x04 two sheets, one hidden", by=ZHANG.subject)

    contract = sent(appliance, before=with_workbook)
    zhang = signed_in(portal, appliance, ZHANG.subject)
    for address in (f"/contracts/{contract.id}/sign", f"/contracts/{contract.id}"):
        assert "隐藏的工作表" in zhang.get(address).text


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("setup.exe", b"MZ", "不支持这类附件"),
        ("图纸.docm", b"PK\x03\x04", "不支持这类附件"),
        ("清单.xlsx", b"MZ not a table", "内容与扩展名不符"),
        ("清单.csv", b"a,b\0c", "内容与扩展名不符"),
        ("空.txt", b"", "文件是空的|空"),
        ("坏.pdf", b"%PDF-1.7 broken", ""),
        ("清单.pdf", b"MZ not a PDF", "内容与扩展名不符"),
        ("邮件.pdf", b"From: scanner\r\n\r\n" + sample_document(1), "PDF 开头之前还有其他内容（17 字节）"),
        ("加密.pdf", encrypted(), "文档已加密"),
        ("加密.docx", LOCKED, "“加密.docx”设有密码"),
        ("加密.xlsx", LOCKED, "“加密.xlsx”设有密码"),
        ("加密.xls", LOCKED, "“加密.xls”设有密码"),
        ("旧.docx", COMPOUND, "“旧.docx”是旧版办公软件的格式"),
        ("旧.doc", COMPOUND, "“旧.doc”是旧版办公软件的格式"),
        ("安装.msi", COMPOUND, "不支持这类附件"),
        ("旧.pdf", COMPOUND, "内容与扩展名不符"),
    ],
)
def test_what_is_no_annex_is_refused_in_a_sentence(
    portal: Flask, appliance: Appliance, name: str, content: bytes, why: str
) -> None:
    contract = draft(appliance)
    answer = posted(portal, appliance, contract, name, content)
    assert answer.status_code == 422
    assert any(each in answer.text for each in why.split("|"))
    assert not appliance.annexes.of(contract.id)


def test_unicode_text_of_spreadsheet_programs_is_text(appliance: Appliance) -> None:
    contract, content = draft(appliance), "品名\t数量\r\n".encode("utf-16")
    assert appliance.annexes.attach(contract.id, "清单.txt", content, by=ZHANG.subject).size == len(content)


def test_limits(appliance: Appliance, monkeypatch: pytest.MonkeyPatch) -> None:
    contract, by = draft(appliance), ZHANG.subject
    monkeypatch.setattr(annexes, "LARGEST", 30)
    monkeypatch.setattr(annexes, "LARGEST_TOGETHER", 40)
    monkeypatch.setattr(annexes, "MOST", 2)
    with pytest.raises(DocumentRefused, match="at most"):
        appliance.annexes.attach(contract.id, "a.txt", b"x" * 31, by=by)
    appliance.annexes.attach(contract.id, "a.txt", b"x" * 30, by=by)
    with pytest.raises(PreconditionRefused, match="attached already"):
        appliance.annexes.attach(contract.id, "b.txt", b"x" * 30, by=by)
    with pytest.raises(PreconditionRefused, match="together"):
        appliance.annexes.attach(contract.id, "b.txt", b"y" * 11, by=by)
    appliance.annexes.attach(contract.id, "b.txt", b"y" * 10, by=by)
    with pytest.raises(PreconditionRefused, match="at most 2 annexes"):
        appliance.annexes.attach(contract.id, "c.txt", b"z", by=by)
    long = annexes._tidy_name("很" * 300 + ".pdf")
    assert len(long) == annexes.LONGEST_NAME
    assert long.endswith("….pdf")
    assert annexes._tidy_name("C:\\图纸\\..\\清\u202e单.csv") == "清 单.csv"
    assert all(checkers.is_data(f"annexes/01{ending}") for ending in annexes.KINDS)
    others = ("01.py", "x.pdf", "json.py", "01.docm", "1/01.pdf")
    assert not any(checkers.is_data(f"annexes/{name}") for name in others)


def test_a_package_has_exactly_the_annexes_of_the_log(appliance: Appliance) -> None:
    digest = hashlib.sha256(TABLE).hexdigest()
    public = {"contract": "c", "annex": digest}
    told = [PackageEvent(1, "annex-attached", appliance.now(), ZHANG.subject, public, {})]
    history.require_annexes({"annexes/01.csv": memoryview(TABLE)}, told, "c")
    for files, contract in (
        ({}, "c"),
        ({"annexes/01.csv": memoryview(DRAWING)}, "c"),
        ({"annexes/01.csv": memoryview(TABLE), "annexes/02.csv": memoryview(TABLE)}, "c"),
        ({"annexes/01.csv": memoryview(TABLE)}, "another"),
    ):
        with pytest.raises(PackageRefused):
            history.require_annexes(files, told, contract)
    other = {"contract": "c", "annex": hashlib.sha256(DRAWING).hexdigest()}
    told.append(PackageEvent(2, "annex-attached", appliance.now(), ZHANG.subject, other, {}))
    history.require_annexes(
        {"annexes/01.csv": memoryview(TABLE), "annexes/02.pdf": memoryview(DRAWING)}, told, "c"
    )
    with pytest.raises(PackageRefused):  # exchanged
        exchanged = {"annexes/01.pdf": memoryview(DRAWING), "annexes/02.csv": memoryview(TABLE)}
        history.require_annexes(exchanged, told, "c")


def test_signers_open_them_others_do_not_and_the_evidence_has_them(
    portal: Flask, appliance: Appliance, world: World
) -> None:
    def with_annexes(contract: Contract) -> None:
        appliance.annexes.attach(contract.id, "清单.csv", TABLE, by=ZHANG.subject)
        appliance.annexes.attach(contract.id, "图.png", DRAWING, by=ZHANG.subject)

    contract = sent(appliance, before=with_annexes)
    table, drawing = appliance.annexes.of(contract.id)
    zhang = signed_in(portal, appliance, ZHANG.subject)
    page = zhang.get(f"/contracts/{contract.id}/sign").text
    assert "清单.csv" in page and "隐藏的工作表" not in page
    li = signed_in(portal, appliance, LI.subject)
    got = li.get(f"/contracts/{contract.id}/annexes/{drawing.id}")
    assert got.data == DRAWING
    assert got.headers["Content-Type"] == "application/octet-stream"
    assert got.headers["Content-Disposition"].startswith("attachment")
    known_person(appliance, "person-stranger", "路人示例")
    stranger = signed_in(portal, appliance, "person-stranger")
    assert stranger.get(f"/contracts/{contract.id}/annexes/{table.id}").status_code == 404
    assert li.get(f"/contracts/{contract.id}/annexes/none").status_code == 404
    with pytest.raises(Exception, match="only a draft"):
        appliance.annexes.detach(contract.id, table.id, by=ZHANG.subject)

    contract = completed(appliance, contract)
    page = li.get(f"/contracts/{contract.id}").text
    assert "附件（随合同发出时）" in page
    assert "<dt>文件</dt><dd>清单.csv</dd>" in page
    with sequenced(appliance, world):
        package = Exporting(appliance).export(contract.id, OURS).package
    files = read_zip(package).files
    assert bytes(files["annexes/01.csv"]) == TABLE
    assert bytes(files["annexes/02.png"]) == DRAWING
    assert "annexes/01.csv  清单.csv" in bytes(files["README.zh.txt"]).decode()
    assert appliance.verifier.verify(package, file="evidence.zip").indication is Indication.PASSED

    copy = appliance.drafting.duplicate(contract.id, by=ZHANG.subject)
    assert [each.digest for each in appliance.annexes.of(copy.id)] == [table.digest, drawing.digest]
    appliance.endings.discard(copy.id, by=ZHANG.subject)


def test_the_custodian_of_a_seal_sees_them_before_deciding(portal: Flask, appliance: Appliance) -> None:
    def with_annex(contract: Contract) -> None:
        appliance.annexes.attach(contract.id, "清单.csv", TABLE, by=ZHANG.subject)

    contract = sent(appliance, before=with_annex)
    for position in (0, 1):
        contract = sign(appliance, contract, position)
    request = asked(appliance, contract)
    custodian = signed_in(portal, appliance, CUSTODIAN.subject, [AccountRole.CUSTODIAN])
    assert "清单.csv" in custodian.get(f"/seals/requests/{request.id}").text

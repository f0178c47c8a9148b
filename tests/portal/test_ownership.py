"""The pages of deposits: what a form says of bad input and keeps, and what comes of good input."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from appliance.demonstration.participants import LI, ZHANG
from appliance.model.deposits import Deposit
from appliance.ownership import DepositOrder, load_declaration
from appliance.ownership.batches import MOST_QUEUED
from appliance.ownership.manifest import MOST_FILES
from appliance.wiring import Appliance
from appliance.workbook_reading import read_workbook
from tests.deposits import file_of, filled, work
from tests.portal.conftest import form_token
from tests.portal.visitors import signed_in
from webui.portal.guards import LARGE_FORMS

ENGLISH = {"Accept-Language": "en"}


@pytest.fixture
def zhang(portal: Flask, appliance: Appliance) -> FlaskClient:
    return signed_in(portal, appliance, ZHANG.subject)


def listed(*contents: tuple[str, bytes]) -> str:
    """What the page's script posts of these files."""
    files = [file_of(name, content) for name, content in contents]
    return json.dumps([[each.name, each.digest, each.size] for each in files])


def form(**changed: str) -> dict[str, str]:
    return {
        "title": "设计图",
        "kind": "drawing",
        "creation": "employee",
        "holder_kind": "organisation",
        "holder": "甲公司示例有限公司",
        "completed": "2026-11-01",
        "description": "",
        "declaration": "1",
        "listed": "",
        "sums": "",
        **changed,
    }


def post(browser: FlaskClient, given: dict[str, str]) -> TestResponse:
    data: dict[str, Any] = {"form_token": form_token(browser), **given}
    return browser.post("/ownership", data=data, content_type="multipart/form-data")


def made(appliance: Appliance, answer: TestResponse) -> Deposit:
    assert answer.status_code == 303, answer.text
    return appliance.ownership.get(answer.location.rpartition("/")[2], by=ZHANG.subject)


def test_what_a_browser_lists_is_deposited_and_shown(appliance: Appliance, zhang: FlaskClient) -> None:
    names = ("作品/一 <b>.txt", "作品/\U0001f600.png", "作品/\u202egnp.exe", "作品/two\nlines", "作品/empty")
    contents = [(name, name.encode() if number < 4 else b"") for number, name in enumerate(names)]
    found = made(appliance, post(zhang, form(listed=listed(*contents))))
    assert {each.name for each in appliance.ownership.files(found)} == set(names)
    page = zhang.get(f"/ownership/{found.id}").text
    assert "作品/一 &lt;b&gt;.txt" in page
    assert "作品/\\u202egnp.exe" in page
    assert "\u202e" not in page
    manifest = zhang.get(f"/ownership/{found.id}/manifest.json").data
    assert hashlib.sha256(manifest).hexdigest() == found.digest


def test_what_sha256sum_prints_is_deposited(appliance: Appliance, zhang: FlaskClient) -> None:
    digest = hashlib.sha256(b"typed").hexdigest()
    found = made(appliance, post(zhang, form(sums=f"{digest}  a file.txt\n")))
    assert (found.digest, found.size) == (digest, None)
    assert zhang.get(f"/ownership/{found.id}/manifest.json").status_code == 404


@pytest.mark.parametrize(
    ("changed", "field", "sentence"),
    [
        ({"title": ""}, "title", "该标题将印在证明上"),
        ({"title": "题" * 201}, "title", "标题最多 200 个字符"),
        ({"kind": "nothing"}, "kind", "请选择其中一项"),
        ({"creation": ""}, "creation", "请选择其中一项"),
        ({"holder_kind": ""}, "holder_kind", "请选择其中一项"),
        ({"holder": ""}, "holder", "请填写权利人名称"),
        ({"completed": "2026-02-30"}, "completed", "2026-11-30 的格式"),
        ({"completed": "9999-12-31"}, "completed", "尚未到来"),
        ({"completed": "0026-01-01"}, "completed", "四位数字"),
        ({"description": "长" * 2001}, "description", "说明最多 2000 个字符"),
        ({"declaration": ""}, "declaration", "请先勾选存证人声明"),
        ({"listed": ""}, "sums", "请选择要存证的文件"),
        ({"listed": "", "sums": "no digest"}, "sums", "第 1 行"),
        ({"listed": "[["}, "sums", "在传输中损坏"),
        ({"listed": '[["a","b"]]'}, "sums", "在传输中损坏"),
        ({"listed": '[["a",5,5]]'}, "sums", "在传输中损坏"),
        ({"listed": '[["a","00",true]]'}, "sums", "在传输中损坏"),
        ({"listed": '{"a":1}'}, "sums", "在传输中损坏"),
        ({"listed": "[" * 100_000}, "sums", "在传输中损坏"),
        ({"listed": json.dumps([["\ud800", "0" * 64, 1]])}, "sums", "请重命名该文件"),
        ({"listed": listed(("a", b""))}, "sums", "0 字节"),
        ({"listed": listed(("a", b"1"), ("a", b"2"))}, "sums", "出现了两次"),
        ({"listed": listed(("a", b"1"), ("b", b"1")), "apart": "1"}, "", "与第 1 行内容完全相同"),
        ({"predecessor": "0" * 24}, "", "无法作为其新版本存证"),
    ],
)
def test_bad_input_gets_one_sentence_at_its_field_and_nothing_is_lost(
    zhang: FlaskClient, changed: dict[str, str], field: str, sentence: str
) -> None:
    given = form(listed=listed(("a.txt", b"kept")), description="说明文字") | changed
    answer = post(zhang, given)
    assert answer.status_code == 422
    assert answer.text.count(sentence) >= 1, answer.text
    assert (f'id="field-{field}-problem"' in answer.text) == bool(field)
    if "description" not in changed:
        assert "说明文字" in answer.text
    if "listed" not in changed:
        assert "a.txt" in answer.text


def test_a_completion_date_of_today_is_taken_where_the_depositor_is(
    appliance: Appliance, zhang: FlaskClient
) -> None:
    today = appliance.now().astimezone().date()
    tomorrow = (today + timedelta(days=2)).isoformat()
    assert post(zhang, form(listed=listed(("t", b"t")), completed=tomorrow)).status_code == 422
    assert post(zhang, form(listed=listed(("t", b"t")), completed=today.isoformat())).status_code == 303


def test_ten_thousand_files_with_long_names_fit_into_the_form(appliance: Appliance, zhang: FlaskClient) -> None:
    rows = [(f"文件夹/{number:05}" + "名" * 70, b"%d" % number) for number in range(MOST_FILES)]
    found = made(appliance, post(zhang, form(listed=listed(*rows))))
    assert found.files == MOST_FILES
    page = zhang.get(f"/ownership/{found.id}").text
    assert "共 10,000 个文件，此处显示 100 个" in page
    assert len(page) < 200_000


def test_a_form_that_is_larger_than_any_list_is_refused(zhang: FlaskClient) -> None:
    assert post(zhang, form(listed="[" + " " * LARGE_FORMS["ownership.deposit"] + "]")).status_code == 413


def test_a_batch_shows_how_far_it_is_and_then_gives_the_list_and_all_timestamps(
    appliance: Appliance, zhang: FlaskClient
) -> None:
    files = [(f"{number}.jpg", b"photograph %d" % number) for number in range(3)]
    answer = post(zhang, form(title="照片", listed=listed(*files), apart="1"))
    assert answer.status_code == 303, answer.text
    before = zhang.get(answer.location)
    assert "已存证 0 个，共 3 个。本页会自动更新" in before.text
    assert before.headers["Refresh"] == "3"
    appliance.deposit_batches.run_round()
    after = zhang.get(answer.location)
    assert "已存证 3 个，共 3 个。" in after.text
    assert "Refresh" not in after.headers
    for page in (after.text, zhang.get("/ownership").text):
        assert all(f"照片 · {name}" in page for name, _ in files)
    with ZipFile(BytesIO(zhang.get(f"{answer.location}/deposits.zip").data)) as packed:
        names = [f"timestamps/{number:05}.tsr" for number in (1, 2, 3)]
        assert packed.namelist() == ["list.xlsx", *names]
        rows = read_workbook(packed.read("list.xlsx")).rows
        for row, name in zip(rows, names, strict=True):
            cells = [each.text for each in row.cells()]
            assert cells[8] == name
            assert packed.read(name) == appliance.ownership.reply(
                appliance.ownership.get(cells[5], by=ZHANG.subject)
            )


def test_rows_that_were_not_deposited_are_tried_again_unless_many_batches_wait(
    appliance: Appliance, zhang: FlaskClient
) -> None:
    file = ("retried.jpg", b"a photograph, retried")
    other = DepositOrder("不同", (file_of(*file),), work())
    files = [file, ("beside.jpg", b"beside it")]
    batch = post(zhang, form(title="照片", listed=listed(*files), apart="1")).location
    assert "重试这些行" not in zhang.get(batch).text
    appliance.ownership.deposit(other, by=ZHANG.subject)
    appliance.deposit_batches.run_round()
    assert "重试这些行" in zhang.get(batch).text
    once_more = {"form_token": form_token(zhang)}
    assert zhang.post(f"{batch}/retry", data=once_more).status_code == 303
    waiting = zhang.get(batch)
    assert "已存证 1 个，共 2 个。本页会自动更新" in waiting.text and "重试这些行" not in waiting.text
    appliance.deposit_batches.run_round()
    many = [[(f"queue {number}-{place}", b"%d %d" % (number, place)) for place in (0, 1)] for number in range(11)]
    answers = [post(zhang, form(title="排队", listed=listed(*each), apart="1")) for each in many]
    assert [each.status_code for each in answers] == [303] * MOST_QUEUED + [409]
    assert "已有 10 批存证正在等待处理" in answers[-1].text
    refused = zhang.post(f"{batch}/retry", data=once_more)
    assert (refused.status_code, "已有 10 批存证正在等待处理" in refused.text) == (409, True)
    while appliance.deposit_batches.run_round():
        pass
    assert zhang.post(f"{batch}/retry", data=once_more).status_code == 303
    appliance.deposit_batches.run_round()


def upload(browser: FlaskClient, table: bytes, **changed: str) -> TestResponse:
    data: dict[str, Any] = {"form_token": form_token(browser), "declaration": "1", **changed}
    data["list"] = (BytesIO(table), "table.xlsx")
    return browser.post("/ownership/table", data=data, content_type="multipart/form-data")


def test_a_table_comes_with_the_chosen_files_and_goes_back_filled(
    appliance: Appliance, zhang: FlaskClient
) -> None:
    files = (("a.c", b"int a;"), ("=b.c", b"int b;"))
    asked = {"form_token": form_token(zhang), "listed": listed(*files), "sums": ""}
    given = zhang.post("/ownership/table.xlsx", data=asked)
    assert given.status_code == 200, given.text
    table = filled(given.data, kind="计算机软件", creation="独立创作", holder_kind="存证人本人")
    answer = upload(zhang, table)
    assert answer.status_code == 303, answer.text
    appliance.deposit_batches.run_round()
    assert "a.c" in zhang.get(answer.location).text
    for name, content in files:
        [found] = appliance.ownership.of_digest(hashlib.sha256(content).hexdigest())
        [file] = appliance.ownership.files(found)
        assert (file.name, file.size, found.title) == (name, len(content), name)


def test_a_table_with_faults_is_told_cell_by_cell_and_nothing_is_deposited(zhang: FlaskClient) -> None:
    asked = {"form_token": form_token(zhang), "listed": listed(("good", b"good"), ("bad", b"bad"))}
    table = zhang.post("/ownership/table.xlsx", data=asked).data
    answer = upload(zhang, table)
    assert answer.status_code == 422
    for sentence in ("表格中有 6 处问题", "E2:E3", "第 2 至 3 行", "作品或数据种类", "尚未存证任何文件"):
        assert sentence in answer.text, sentence
    assert "已存证" not in zhang.get(f"/ownership/find?digest={hashlib.sha256(b'good').hexdigest()}").text
    for changed, sentence in (({"declaration": ""}, "请先勾选存证人声明"), ({}, "请选择")):
        again = upload(zhang, table if changed else b"", **changed)
        assert (again.status_code, sentence in again.text) == (422, True)


@pytest.mark.parametrize("file", ['["a", "\\ud800", 1]', f'["a", "{"0" * 64}", 1{"0" * 400}]'])
def test_what_no_browser_lists_gets_no_table(zhang: FlaskClient, file: str) -> None:
    asked = {"form_token": form_token(zhang), "listed": f"[{file}]"}
    assert zhang.post("/ownership/table.xlsx", data=asked).status_code == 422


def test_nobody_sees_a_batch_of_somebody_else(portal: Flask, appliance: Appliance, zhang: FlaskClient) -> None:
    pair = listed(("mine", b"of a batch"), ("mine, too", b"of the batch"))
    answer = post(zhang, form(listed=pair, apart="1"))
    other = signed_in(portal, appliance, LI.subject)
    assert other.get(answer.location).status_code == 404
    assert other.get(f"{answer.location}/deposits.zip").status_code == 404


def test_a_new_version_begins_with_what_was_said_and_is_shown_on_both(
    appliance: Appliance, zhang: FlaskClient
) -> None:
    first = made(appliance, post(zhang, form(title="初稿", description="第一稿", listed=listed(("v", b"v1")))))
    blank = zhang.get(f"/ownership/new?after={first.id}").text
    assert "第一稿" in blank
    assert 'name="declaration" type="checkbox" value="1" checked' not in blank
    answer = post(zhang, form(title="二稿", listed=listed(("v", b"v2")), predecessor=first.id))
    second = made(appliance, answer)
    assert f"/ownership/{second.id}" in zhang.get(f"/ownership/{first.id}").text
    assert f"/ownership/{first.id}" in zhang.get(f"/ownership/{second.id}").text
    refused = post(zhang, form(title="三稿", listed=listed(("v", b"v3")), predecessor=first.id))
    assert "已有更新的版本" in refused.text


def test_nobody_sees_or_follows_a_deposit_of_somebody_else(appliance: Appliance, zhang: FlaskClient) -> None:
    order = DepositOrder("他人的", (file_of("x", b"of Li"), file_of("y", b"of Li, too")), work())
    theirs = appliance.ownership.deposit(order, by=LI.subject)
    for path in ("", "/certificate.pdf", "/token.tsr", "/manifest.json"):
        assert zhang.get(f"/ownership/{theirs.id}{path}").status_code == 404
    assert zhang.get(f"/ownership/new?after={theirs.id}").status_code == 404
    assert zhang.get(f"/ownership?after={theirs.id}").status_code == 404
    refused = post(zhang, form(listed=listed(("z", b"z")), predecessor=theirs.id))
    assert refused.status_code == 422
    assert "他人的" not in refused.text


def test_anybody_finds_a_file_of_a_manifest_and_learns_when_but_not_who(
    appliance: Appliance, browser: FlaskClient
) -> None:
    files = (file_of("secret name.txt", b"found by anybody"), file_of("other", b"another"))
    found = appliance.ownership.deposit(DepositOrder("秘密的标题", files, work()), by=LI.subject)
    for digest in (files[0].digest, files[0].digest.upper(), found.digest):
        page = browser.get(f"/ownership/find?digest={digest}", headers=ENGLISH).text
        assert "Yes, it was deposited." in page
        for secret in ("秘密的标题", "secret name", LI.name, found.id, "甲公司示例有限公司 "):
            assert secret not in page
    assert "No file with this digest" in browser.get(f"/ownership/find?digest={'9' * 64}", headers=ENGLISH).text


def test_who_deposits_what_somebody_else_has_deposited_learns_nothing_of_them(
    appliance: Appliance, zhang: FlaskClient
) -> None:
    theirs = DepositOrder("他人所用的标题", (file_of("their name.txt", b"of both"),), work())
    other = appliance.ownership.deposit(theirs, by=LI.subject)
    mine = made(appliance, post(zhang, form(listed=listed(("mine.txt", b"of both")))))
    digest = hashlib.sha256(b"of both").hexdigest()
    pages = [zhang.get(f"/ownership{path}").text for path in ("", f"/{mine.id}", f"/find?digest={digest}")]
    batch = post(zhang, form(listed=listed(("mine.txt", b"of both"), ("new", b"of one")), apart="1"))
    for page in (*pages, batch.text):
        for secret in ("他人所用的标题", "their name", LI.name, other.id):
            assert secret not in page
    assert f"{other.entry:,}" in pages[2]
    assert f"{mine.entry:,}" in pages[2]


def test_the_verification_centre_says_that_a_file_was_deposited(
    appliance: Appliance, browser: FlaskClient
) -> None:
    order = DepositOrder("稿", (file_of("a", b"looked up"), file_of("b", b"not given")), work())
    found = appliance.ownership.deposit(order, by=LI.subject)

    def said(content: bytes) -> str:
        data = {"form_token": form_token(browser), "file": (BytesIO(content), "a.txt")}
        return browser.post("/verify", data=data, content_type="multipart/form-data", headers=ENGLISH).text

    assert f"log entry {found.entry:,}" in said(b"looked up")
    assert "deposited" not in said(b"never deposited")


def test_the_declaration_is_served_as_its_digest_is_of(browser: FlaskClient) -> None:
    answer = browser.get("/ownership/declarations/1.json")
    assert hashlib.sha256(answer.data).hexdigest() == load_declaration("1").digest
    assert browser.get("/ownership/declarations/2.json").status_code == 404

"""One template for a list of counterparties: the workbook, what is wrong with a list, and that each row becomes
one contract whatever interrupts the work."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from appliance.contracts.drafting import Drafting
from appliance.contracts.sending import Sending
from appliance.demonstration.participants import CONTRACT_SEAL, LI, ZHANG
from appliance.errors import NotFound
from appliance.language import Language
from appliance.model.contract import ContractState, Money
from appliance.model.mail_merge import RowState
from appliance.model.writing import MergeField, MergeFieldKind, Template, TextPurpose
from appliance.store import mail_merges as store
from appliance.wiring import Appliance
from appliance.workbooks import MOST_ROWS
from appliance.writing import Beginning, merge_rounds
from tests.portal import signing_visits as visits
from tests.portal.test_signing_together import words
from tests.portal.visitors import signed_in
from tests.sweeps import long
from tests.world import contract_now

FIELDS = (
    MergeField("价格", MergeFieldKind.MONEY, "价格"),
    MergeField("交货", MergeFieldKind.DATE, "交货日期", required=False),
    MergeField("方式", MergeFieldKind.CHOICE, "运输方式", choices=("陆运", "海运")),
    MergeField("含税", MergeFieldKind.YES_NO, "是否含税", default="yes"),
    MergeField("name", MergeFieldKind.TEXT, "Name", required=False),
)
HTML = "".join(f'<p>{each.label}：<span data-field="{each.name}">{each.name}</span></p>' for each in FIELDS)
HEAD = [
    "姓名",
    "单位",
    "电子邮箱",
    "电话",
    "语言",
    "金额（人民币）",
    "签署截止日",
    "价格",
    "交货日期",
    "运输方式",
    "是否含税",
]
LATER = date.today() + timedelta(days=30)  # noqa: DTZ011  # any day that is far enough
Row = Sequence[Any]


def row(number: int = 1, **changes: Any) -> list[Any]:
    name, phone = f"钱{'𠮷' * (number % 3)}野Müller", "+86 138 0000 0000"
    other = [name, f"丙{number}公司", f"q{number}@c.example", phone, "English"]
    told = dict(zip(HEAD, [*other, 1000, LATER, 99.5, LATER, "陆运", "是"], strict=True))
    return [*(told | changes).values()]


def workbook(rows: Sequence[Row], head: Sequence[str] = HEAD, **options: Any) -> bytes:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True, "default_date_format": "yyyy-mm-dd", **options}) as book:
        if options.get("hidden"):
            book.add_worksheet("旧名单").hide()
        sheet = book.add_worksheet()
        sheet.activate()
        sheet.set_first_sheet()
        for line, each in enumerate([head, *rows]):
            for place, value in enumerate(each):
                sheet.write(line, place, value)
    return file.getvalue()


@pytest.fixture
def zhang(portal: Flask, appliance: Appliance) -> FlaskClient:
    return signed_in(portal, appliance, ZHANG.subject)


@pytest.fixture
def template(appliance: Appliance) -> Template:
    return published_template(appliance, HTML, FIELDS)


def published_template(appliance: Appliance, html: str, fields: Sequence[MergeField]) -> Template:
    """Zhang's template of this wording."""
    writing, by = appliance.writing, ZHANG.subject
    text = writing.texts.new(
        by, Beginning("采购", "采购", Language.CHINESE, TextPurpose.TEMPLATE, html, tuple(fields))
    )
    return writing.templates.publish(text.id, by=by, seen=text.version)


def upload(client: FlaskClient, template: Template, content: bytes, **more: str) -> TestResponse:
    address = f"/templates/{template.id}/merge"
    fields = visits.hidden(client.get(address).text)
    sent = {**fields, "signs": "1", **more, "list": (io.BytesIO(content), "list.xlsx")}
    return client.post(address, data=sent, content_type="multipart/form-data")


def kept(client: FlaskClient, template: Template, rows: Sequence[Row], **more: str) -> str:
    """The address of the list that was uploaded."""
    answer = upload(client, template, workbook(rows), **more)
    assert answer.status_code == 303, words(answer.text)
    return answer.headers["Location"]


def press(client: FlaskClient, address: str, act: str) -> TestResponse:
    return client.post(f"{address}/{act}", data=visits.hidden(client.get(address).text))


def run(appliance: Appliance, lanes: int = merge_rounds.LANES) -> None:
    while appliance.merge_rounds.run_round(lanes=lanes):
        pass


def rows_of(appliance: Appliance, address: str) -> list[Any]:
    return appliance.database.query(store.rows_of, address.rpartition("/")[2])


def test_the_workbook_has_the_fields_and_explains_them(zhang: FlaskClient, template: Template) -> None:
    book = openpyxl.load_workbook(io.BytesIO(zhang.get(f"/templates/{template.id}/merge.xlsx").data))
    sheet, explained = book.worksheets
    head = [cell.value for cell in sheet[1]]
    assert head[:3] == ["姓名", "单位", "电子邮箱"] and set(HEAD) <= set(head) and "Name [name]" in head
    lists = {str(each.sqref): each.formula1 for each in sheet.data_validations.dataValidation}
    assert '"陆运,海运"' in lists.values() and '"中文,English"' in lists.values()
    told = " ".join(str(cell.value) for line in explained.rows for cell in line)
    assert "2026-12-31" in told and "Whom they sign for" in told and "签署人所代表的单位" in told


def test_each_row_becomes_one_contract_and_is_sent(
    appliance: Appliance, zhang: FlaskClient, template: Template
) -> None:
    address = kept(zhang, template, [row(1), row(2), [], row(3)], seal=CONTRACT_SEAL.subject)
    page = zhang.get(address)
    assert "共 3 行，尚未生成" in words(page.text) and "丙2公司" in page.text
    run(appliance)
    assert {each.state for each in rows_of(appliance, address)} == {RowState.WAITING}, (
        "nothing before it is asked for"
    )
    assert press(zhang, address, "make").status_code == 303
    assert "Refresh" in zhang.get(address).headers and press(zhang, address, "send").status_code == 409
    run(appliance)
    made = rows_of(appliance, address)
    assert [each.number for each in made] == [2, 3, 5] and {each.state for each in made} == {RowState.DRAFT}
    draft = contract_now(appliance, made[1].contract)
    assert (
        draft.title == "采购 丙2公司"
        and draft.amount == Money(100_000, "CNY")
        and draft.initiator == ZHANG.subject
    )
    assert [each.subject for each in draft.parties[:2]] == [ZHANG.subject, CONTRACT_SEAL.subject]
    guest = appliance.registry.person(draft.parties[2].subject)
    assert (guest.name, guest.email, guest.language) == ("钱𠮷𠮷野Müller", "q2@c.example", Language.ENGLISH)
    assert all(each.placement is not None for each in draft.parties)

    assert press(zhang, address, "send").status_code == 303
    run(appliance)
    assert press(zhang, address, "send").status_code == 303, "once more changes nothing"
    run(appliance)
    assert {contract_now(appliance, each.contract).state for each in made} == {ContractState.SENT}
    page = zhang.get(address)
    assert "已发送 3 份，共 3 份" in words(page.text) and "前往签署" in page.text
    report = openpyxl.load_workbook(io.BytesIO(zhang.get(f"{address}/report.xlsx").data)).active
    lines = [[cell.value for cell in line] for line in report.rows]
    assert lines[2][0] == 3 and lines[2][6].endswith(f"/contracts/{made[1].contract}")
    assert "丙1公司" in zhang.get("/?bucket=to-sign").text
    assert press(zhang, address, "remove").status_code == 303 and zhang.get(address).status_code == 404
    assert contract_now(appliance, made[0].contract).state is ContractState.SENT


FAULT = re.compile(r"[A-Z]\d+ 第 \d+ 行.*?(?=[A-Z]\d+ 第 \d+ 行|$)", re.DOTALL)
BAD = [
    ({"电子邮箱": "nobody"}, "C{0} 第 {0} 行 电子邮箱", "邮箱"),
    ({"电子邮箱": None}, "C{0} 第 {0} 行", "必填"),
    ({"姓名": "  "}, "A{0} 第 {0} 行 姓名", "必填"),
    ({"价格": "=1+1"}, "H{0} ", "H{0} 中是公式"),
    ({"价格": "-5"}, "H{0} ", "金额"),
    ({"签署截止日": 46387}, "G{0} ", "46387 是数字而不是日期"),
    ({"签署截止日": date(2020, 1, 1)}, "G{0} ", "已过"),
    ({"签署截止日": date(9999, 12, 31)}, "G{0} ", "10 年以内"),
    ({"交货日期": "31.12.2030"}, "I{0} ", "2026-12-31"),
    ({"运输方式": "空运"}, "J{0} ", "选择"),
    ({"是否含税": "maybe"}, "K{0} ", "是或否"),
    ({"电话": "12"}, "D{0} ", "电话"),
    ({"语言": "Deutsch"}, "E{0} ", "中文”或“English"),
    ({"金额（人民币）": "much"}, "F{0} ", "金额"),
]


def test_each_fault_is_named_with_its_cell(appliance: Appliance, zhang: FlaskClient, template: Template) -> None:
    """In one list, as each that is read starts a process; every other row has none."""
    before = len(appliance.mail_merges.mine(ZHANG.subject))
    rows = [each for place, (change, _, _) in enumerate(BAD) for each in (row(place, **change), row(20 + place))]
    answer = upload(zhang, template, workbook(rows))
    said = words(answer.text).replace(" · ", " ")
    assert answer.status_code == 422 and f"表格中有 {len(BAD)} 处问题" in said, said
    faults = FAULT.findall(said)
    assert len(faults) == len(BAD), said
    for place, ((_, where, why), fault) in enumerate(zip(BAD, faults, strict=True)):
        assert fault.startswith(where.format(2 + 2 * place)) and why.format(2 + 2 * place) in fault, fault
    assert len(appliance.mail_merges.mine(ZHANG.subject)) == before


def test_what_people_type_is_understood(appliance: Appliance, zhang: FlaskClient, template: Template) -> None:
    """Numbers as text, dates as people write them, English headings, a telephone number as a number."""
    english = ["Name", "Organisation", "E-MAIL ", "telephone", "Language", "Amount (CNY)", "Sign until", *HEAD[7:]]
    day = f"{LATER.year}年{LATER.month}月{LATER.day}日"
    told = row(1, 电话=13800000000, 语言=None, 签署截止日=day.replace("年", "/").replace("月", "/").rstrip("日"))
    told[5], told[7], told[8], told[10] = "1,000", "99.50", day, "YES"
    answer = upload(zhang, template, workbook([told], english))
    assert answer.status_code == 303, words(answer.text)
    [found] = rows_of(appliance, answer.headers["Location"])
    assert found.entry.guest.phone == "13800000000" and found.entry.deadline == LATER.isoformat()
    assert found.entry.values == {
        "价格": "99.50",
        "交货": LATER.isoformat(),
        "方式": "陆运",
        "含税": "yes",
        "name": "",
    }


def test_headings_that_do_not_fit_are_named(zhang: FlaskClient, template: Template) -> None:
    wrong = ["姓名", "姓名", "单位", "Colour", *HEAD[3:]]
    said = words(upload(zhang, template, workbook([row(1)], wrong)).text)
    assert "B1" in said and "该列重复" in said and "D1" in said and "没有这一列" in said
    assert "电子邮箱 ：缺少这一列" in said, said


def test_the_same_person_twice_is_a_remark(appliance: Appliance, zhang: FlaskClient, template: Template) -> None:
    address = kept(zhang, template, [row(1), row(2), row(1)])
    assert "与第 2 行为同一人" in zhang.get(address).text
    assert [bool(each.remark) for each in rows_of(appliance, address)] == [False, False, True]


def encrypted() -> bytes:
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le")


def bomb() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("xl/workbook.xml", b"")
        for number in range(5):
            parts.writestr(f"xl/worksheets/sheet{number}.xml", bytes(50 * 1024 * 1024))
    return file.getvalue()


FILES: list[tuple[Callable[[], bytes], str]] = [
    (encrypted, "设有密码"),
    (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "旧版 Excel 文件"),
    (lambda: b"%PDF-1.7 nothing", "既不是 Excel"),
    (lambda: b"PK\x03\x04 nothing", "既不是 Excel"),
    (lambda: workbook([[]]), "表格是空的"),
    (lambda: workbook([row(1)] * 1)[:3000], "既不是 Excel"),
    (lambda: workbook([[each] for each in range(100_000)]), f"超过 {MOST_ROWS:,} 行"),
    (bomb, "解压后超过 200 MB"),
    (lambda: b"", "请选择填写好的文件"),
]


@pytest.mark.parametrize(
    ("make", "said"),
    [*FILES[:6:5], *FILES[6:], *map(long, FILES[1:5])],
    ids=["password", "cut off", "100,000 rows", "zip bomb", "no file", "xls", "pdf", "no zip", "empty"],
)
def test_a_file_that_is_no_list_is_refused_in_a_sentence(
    zhang: FlaskClient, template: Template, make: Callable[[], bytes], said: str
) -> None:
    answer = upload(zhang, template, make())
    assert answer.status_code in (409, 422) and said in words(answer.text), words(answer.text)


def test_a_hidden_sheet_is_not_read_and_csv_is(
    appliance: Appliance, zhang: FlaskClient, template: Template
) -> None:
    answer = upload(zhang, template, workbook([row(1)], hidden=True))
    assert answer.status_code == 303 and "“旧名单”已隐藏" in zhang.get(answer.headers["Location"]).text
    lines = [HEAD, [*map(str, row(1))], [*map(str, row(2))]]
    for encoding in ("utf-8-sig", "gb18030"):
        table = "\n".join(";".join(each).replace("ü", "u") for each in lines).encode(encoding)
        answer = upload(zhang, template, table)
        assert answer.status_code == 303, words(answer.text)
        assert len(rows_of(appliance, answer.headers["Location"])) == 2
        assert ("未注明文字编码" in zhang.get(answer.headers["Location"]).text) == (encoding == "gb18030")


@pytest.mark.parametrize("cell", ["=x\x1fz", "=x\x1f\x1f"])
def test_what_stands_between_cells_on_the_way_stands_in_none(
    zhang: FlaskClient, template: Template, cell: str
) -> None:
    lines = [HEAD, [cell, *map(str, row(1)[1:])]]
    answer = upload(zhang, template, "\n".join(";".join(each) for each in lines).encode())
    assert answer.status_code == 422 and "A2 中是公式" in words(answer.text)


def test_a_list_is_its_owners_alone(
    appliance: Appliance, portal: Flask, zhang: FlaskClient, template: Template
) -> None:
    address = kept(zhang, template, [row(1)])
    li = signed_in(portal, appliance, LI.subject)
    assert li.get(address).status_code in (403, 404) and li.get(f"{address}/report.xlsx").status_code in (403, 404)
    for act in ("make", "send", "retry", "remove"):
        assert li.post(f"{address}/{act}", data=visits.hidden(li.get("/").text)).status_code in (400, 403, 404)
    with pytest.raises(NotFound):
        appliance.mail_merges.load(address.rpartition("/")[2], LI.subject)
    answer = upload(zhang, template, workbook([row(1)]), signs="", seal="")
    assert answer.status_code in (409, 422) and "请选择我方的签署方式" in words(answer.text)


class Killed(BaseException):
    """Stands for the end of the process: nothing catches it."""


STEPS = [
    (Drafting, "draft"), (Sending, "send"), (store, "begin_rows"), (store, "settle_row"),
]  # fmt: skip


def interrupt_everywhere(monkeypatch: pytest.MonkeyPatch) -> set[tuple[object, ...]]:
    """Each step of each row ends the process once before it is done, and once after; the steps that did."""
    ended: set[tuple[object, ...]] = set()

    def wrapped(name: str, whole: Callable[..., Any]) -> Callable[..., Any]:
        def step(*args: Any, **kwargs: Any) -> Any:
            named = tuple(each for each in args if isinstance(each, str | int))
            what = kwargs.get("as_contract") or named[: 3 if name == "settle_row" else 2]  # with the state
            for when in ("before", "after"):
                result = whole(*args, **kwargs) if when == "after" else None
                if (name, what, when) not in ended:
                    ended.add((name, what, when))
                    raise Killed
            return result

        return step

    for owner, name in STEPS:
        monkeypatch.setattr(owner, name, wrapped(name, getattr(owner, name)))
    return ended


def test_what_is_interrupted_at_every_step_of_every_row_goes_on(
    appliance: Appliance, zhang: FlaskClient, template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is repeated makes nothing twice, and loses nothing."""
    count = "SELECT count(*) FROM contracts WHERE initiator = ?"
    before = appliance.database.query(lambda tx: tx.count(count, (ZHANG.subject,)))
    address = kept(zhang, template, [row(1), row(2), row(3)], seal=CONTRACT_SEAL.subject)
    ended = interrupt_everywhere(monkeypatch)
    kills = 0
    for act in ("make", "send"):
        press(zhang, address, act)
        while True:
            try:
                run(appliance, lanes=1)
                break
            except Killed:
                kills += 1
    assert kills == len(ended) >= 2 * (1 + 3 * (len(STEPS)))
    made = rows_of(appliance, address)
    assert [each.state for each in made] == [RowState.SENT] * 3
    contracts = [contract_now(appliance, each.contract) for each in made]
    assert [len(each.parties) for each in contracts] == [3] * 3
    assert {each.state for each in contracts} == {ContractState.SENT}
    assert appliance.database.query(lambda tx: tx.count(count, (ZHANG.subject,))) == before + 3


def test_a_row_that_is_refused_leaves_the_others(
    appliance: Appliance, zhang: FlaskClient, template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = kept(zhang, template, [row(1), row(2, 单位="甲公司示例有限公司"), row(3)])
    press(zhang, address, "make")
    run(appliance)
    assert [each.state for each in rows_of(appliance, address)] == [
        RowState.DRAFT,
        RowState.FAILED,
        RowState.DRAFT,
    ]
    page = words(zhang.get(address).text)
    assert "未能办理的行：1" in page and "第 3 行" in page
    press(zhang, address, "retry")
    run(appliance)
    assert [each.state for each in rows_of(appliance, address)][1] is RowState.FAILED
    press(zhang, address, "send")
    run(appliance)
    assert [each.state for each in rows_of(appliance, address)] == [RowState.SENT, RowState.FAILED, RowState.SENT]


def test_a_long_list_does_not_hold_up_a_short_one(
    appliance: Appliance, zhang: FlaskClient, template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the same owner; of two owners still less."""
    monkeypatch.setattr(merge_rounds, "TOGETHER", 1)
    long = kept(zhang, template, [row(number) for number in range(4)])
    short = kept(zhang, template, [row(9)])
    for address in (long, short):
        press(zhang, address, "make")
    run(appliance, lanes=1)
    made = "SELECT rowid FROM contracts WHERE id = ?"
    first, second = (
        [
            appliance.database.query(lambda tx, row=row: tx.count(made, (row.contract,)))
            for row in rows_of(appliance, each)
        ]
        for each in (long, short)
    )
    assert first[0] < second[0] < first[2]


ROUNDS = """
import sys
from pathlib import Path
from appliance.config import load
from appliance.home import Home
from appliance.wiring import open_appliance
with open_appliance(load(Home(Path(sys.argv[1])))) as appliance:
    print("open", flush=True)
    while appliance.merge_rounds.run_round():
        pass
"""


@pytest.mark.long
def test_a_process_that_is_killed_again_and_again_makes_each_contract_once(
    appliance: Appliance, zhang: FlaskClient, template: Template
) -> None:
    count = "SELECT count(*) FROM contracts WHERE initiator = ?"
    before = appliance.database.query(lambda tx: tx.count(count, (ZHANG.subject,)))
    address = kept(zhang, template, [row(number) for number in range(12)])
    command = [sys.executable, "-c", ROUNDS, str(appliance.settings.home.root)]
    kills = 0
    for act in ("make", "send"):
        press(zhang, address, act)
        for seconds in (0.4, 0.7, 1.1, 300.0):  # the last one ends by itself
            with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
                assert process.stdout is not None and process.stdout.readline() == b"open\n"
                try:
                    process.wait(seconds)
                except subprocess.TimeoutExpired:
                    process.kill()
                    kills += 1
    made = rows_of(appliance, address)
    assert kills and {each.state for each in made} == {RowState.SENT}
    assert {len(contract_now(appliance, each.contract).parties) for each in made} == {2}
    assert appliance.database.query(lambda tx: tx.count(count, (ZHANG.subject,))) == before + 12


@pytest.mark.long
def test_five_hundred_rows(appliance: Appliance, zhang: FlaskClient, template: Template) -> None:
    address = kept(zhang, template, [row(number) for number in range(500)])
    for act in ("make", "send"):
        press(zhang, address, act)
        run(appliance)
        assert zhang.get(address).status_code == 200
    assert {each.state for each in rows_of(appliance, address)} == {RowState.SENT}

"""The contract ledger as people meet it: pages, files that programs read, shared views, and who has none."""

from __future__ import annotations

import csv
import io
import json
import re
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from flask import Flask
from flask.testing import FlaskClient
from openpyxl.worksheet.worksheet import Worksheet

from appliance.contracts.drafting import DraftTerms
from appliance.demonstration.participants import LI, ZHANG
from appliance.errors import PreconditionRefused, StateRefused
from appliance.ledger.audit_trail import EventKind
from appliance.ledger.disclosure import Audience
from appliance.listing.contract_ledger import LedgerReader
from appliance.listing.exports import LABELS, LedgerFile
from appliance.model.accounts import PEOPLES_ROLES, AccountRole
from appliance.model.contract import Contract, Money
from appliance.model.contract_ledger import LedgerColumn, LedgerFilter
from appliance.model.listing import ListedContract
from appliance.model.notice import Occasion
from appliance.store import people
from appliance.wiring import Appliance
from hsm import canonical
from tests.portal.conftest import form_token
from tests.portal.visitors import known_person, signed_in
from tests.world import sample_document

HOSTILE = (
    '=HYPERLINK("https://evil.example","点我")',
    "+1+1",
    "-2+3",
    "@SUM(A1:A9)",
    "＝1＋1",
    "https://evil.example/",
    '逗号,引号"与𠮷野家',
    "عقد توريد 合同",
    "很长的名称" * 16,
)
LEDGER = "/contracts/ledger"
KIND = "台账试验"


@pytest.fixture(scope="module")
def hostile(appliance: Appliance) -> list[Contract]:
    """A contract of each title, sent, of the legal department; one with an amount and dates."""
    with appliance.database.transaction() as tx:
        people.set_department(tx, ZHANG.subject, "法务部")
    made = [sent(appliance, title) for title in HOSTILE]
    with appliance.database.transaction() as tx:
        people.set_department(tx, ZHANG.subject, "")
    days = {Occasion.EFFECTIVE: date(2027, 1, 1), Occasion.EXPIRY: date(2027, 12, 31)}
    appliance.reminders.dates.change_dates(made[0].id, days, by=ZHANG.subject)
    return made


def sent(appliance: Appliance, title: str) -> Contract:
    amount = Money(123456, "CNY") if title == HOSTILE[0] else Money(88, "JPY") if title == HOSTILE[1] else None
    terms = DraftTerms(title, KIND, "试验", ZHANG.subject, amount=amount)
    draft = appliance.drafting.draft(sample_document(1), terms)
    for person in (ZHANG, LI):
        appliance.drafting.add_person(draft.id, subject=person.subject, by=ZHANG.subject)
    return appliance.sending.send(draft.id, by=ZHANG.subject)


@pytest.fixture
def zhang(portal: Flask, appliance: Appliance) -> FlaskClient:
    return signed_in(portal, appliance, ZHANG.subject, PEOPLES_ROLES)


@pytest.fixture
def li(portal: Flask, appliance: Appliance) -> FlaskClient:
    return signed_in(portal, appliance, LI.subject, PEOPLES_ROLES)


def workbook(client: FlaskClient, query: str = f"kind={quote(KIND)}") -> tuple[Worksheet, list[dict[str, Any]]]:
    """The sheet, and its rows by the heads of their columns."""
    answer = client.get(f"{LEDGER}.xlsx?{query}")
    assert answer.status_code == 200
    book = openpyxl.load_workbook(io.BytesIO(answer.data))
    sheet = book.worksheets[0]
    heads, *rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    return sheet, [dict(zip(map(str, heads), row, strict=True)) for row in rows]


def table(client: FlaskClient, query: str = f"kind={quote(KIND)}") -> list[dict[str, str]]:
    answer = client.get(f"{LEDGER}.csv?{query}")
    assert answer.data.startswith(b"\xef\xbb\xbf") and answer.content_type == "text/csv; charset=utf-8"
    text = answer.data.decode("utf-8-sig")
    assert text.count("\r\n") == text.count("\n"), "lines end as RFC 4180 says"
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_a_workbook_has_texts_dates_and_amounts_and_nothing_that_is_computed(
    zhang: FlaskClient, hostile: list[Contract]
) -> None:
    sheet, rows = workbook(zhang)
    assert {row["合同名称"] for row in rows} == {contract.title for contract in hostile}
    assert all(cell.data_type != "f" and cell.hyperlink is None for line in sheet.iter_rows() for cell in line)
    first = next(row for row in rows if row["合同名称"] == HOSTILE[0])
    assert (first["合同编号"], first["合同金额"], first["币种"]) == (hostile[0].number, 1234.56, "CNY")
    assert first["到期日"] == datetime(2027, 12, 31)  # noqa: DTZ001 -- workbooks have no zones
    local = hostile[0].deadline.at.astimezone(ZoneInfo("Asia/Shanghai")).replace(tzinfo=None)
    assert first["签署截止时间"] == local.replace(microsecond=0), "by the reader's clocks"
    assert (first["部门"], first["相对方"], first["状态"]) == ("法务部", LI.organisation, "签署中")
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", sheet.dimensions)
    quoted = next(cell for line in sheet.iter_rows() for cell in line if cell.value == HOSTILE[0])
    assert quoted.quotePrefix and quoted.data_type == "s", "it stays text also when somebody edits the cell"


def test_csv_is_read_by_programs_and_computed_by_none(zhang: FlaskClient, hostile: list[Contract]) -> None:
    rows = table(zhang)
    assert {row["合同名称"].removeprefix("'") for row in rows} == {contract.title for contract in hostile}
    assert not [cell for row in rows for cell in row.values() if cell.startswith(tuple("=+-@＝\t\r"))]
    amounts = {row["合同名称"]: (row["合同金额"], row["币种"]) for row in rows}
    assert amounts[f"'{HOSTILE[0]}"] == ("1234.56", "CNY") and amounts[f"'{HOSTILE[1]}"] == ("88", "JPY")
    assert all(row["签署进度"] == "已签 0/2" for row in rows), "no spreadsheet takes it for a day of February"


def test_files_have_exactly_the_rows_and_columns_of_the_page(zhang: FlaskClient, hostile: list[Contract]) -> None:
    number = hostile[3].number
    for query, titles in (
        (f"number={number}", {HOSTILE[3]}),
        (f"q={quote('𠮷野家')}", {HOSTILE[6]}),
        ("least=1%2C000&most=2000&currency=CNY", {HOSTILE[0]}),
        (f"department={quote('法务部')}&kind={quote(KIND)}", set(HOSTILE)),
        ("dated=expiry&since=2027-12-01&until=2027-12-31", {HOSTILE[0]}),
    ):
        assert {row["合同名称"].removeprefix("'") for row in table(zhang, query)} == titles, query
        page = zhang.get(f"{LEDGER}?{query}").text
        assert page.count('<th scope="row">') == len(titles)
    sheet, rows = workbook(zhang, f"kind={quote(KIND)}&order=number&up=1&c=title&c=number")
    assert list(rows[0]) == ["合同编号", "合同名称"]
    assert [row["合同编号"] for row in rows] == [contract.number for contract in hostile]
    assert sheet.title == "合同台账"


def test_the_page_shows_all_of_it_in_the_readers_language_and_as_text(
    zhang: FlaskClient, appliance: Appliance, hostile: list[Contract]
) -> None:
    page = zhang.get(f"{LEDGER}?kind={quote(KIND)}").text
    assert all(contract.number in page for contract in hostile)
    assert "=HYPERLINK(&#34;https://evil.example&#34;" in page and 'href="https://evil' not in page
    for column in LedgerColumn:
        assert f'value="{column}"' in page
    everything = "&".join(f"c={column}" for column in LedgerColumn)
    answer = zhang.get(f"{LEDGER}?kind={quote(KIND)}&{everything}", headers={"Accept-Language": "en"})
    assert "2027-12-31" in answer.text and "法务部" in answer.text and LI.organisation in answer.text
    with appliance.database.transaction() as tx:
        tx.execute("UPDATE people SET language = 'en' WHERE subject = ?", (ZHANG.subject,))
    try:
        _, rows = workbook(zhang)
        assert list(rows[0]) == [LABELS[column] for column in LedgerColumn]
        assert "Contract ledger" in zhang.get(LEDGER).text
    finally:
        with appliance.database.transaction() as tx:
            tx.execute("UPDATE people SET language = 'zh' WHERE subject = ?", (ZHANG.subject,))


def test_departments_and_dates_are_the_own_organisations_alone(li: FlaskClient, hostile: list[Contract]) -> None:
    rows = table(li)
    assert len(rows) == len(hostile)
    assert {(row["部门"], row["生效日"], row["到期日"]) for row in rows} == {("", "", "")}
    assert {row["合同编号"] for row in rows} == {contract.number for contract in hostile}, "all parties quote it"
    assert {row["相对方"] for row in rows} == {ZHANG.organisation}
    assert not table(li, f"department={quote('法务部')}")
    assert "法务部" not in li.get(f"/contracts/{hostile[0].id}").text


def test_what_is_typed_wrongly_is_said_at_its_field_and_exports_nothing(zhang: FlaskClient) -> None:
    for query, sentence in (
        ("since=gestern", "不是有效的日期"),
        ("since=0001-01-01", "不是有效的日期"),
        ("least=viel", "1,000,000.00"),
        ("most=1.234", "1,000,000.00"),
        ("since=2026-02-02&until=2026-02-01", "截止日期早于起始日期"),
        ("least=5&most=4.99", "金额上限低于金额下限"),
    ):
        for address in (LEDGER, f"{LEDGER}.xlsx"):
            answer = zhang.get(f"{address}?{query}")
            assert answer.status_code == 422 and "aria-invalid" in answer.text, sentence
    assert zhang.get(f"{LEDGER}?after=x").status_code == 409
    assert zhang.get(f"{LEDGER}?state=none&order=none&c=none&due=x&department=nirgends").status_code == 200


def test_every_export_is_in_the_log_with_its_rows_and_its_filter(
    zhang: FlaskClient, appliance: Appliance, hostile: list[Contract]
) -> None:
    table(zhang, f"kind={quote(KIND)}&q={quote('𠮷野家')}")
    with appliance.database.reading() as tx:
        leaf, opening = tx.execute(
            "SELECT l.leaf, o.fields FROM ledger AS l JOIN openings AS o ON o.entry = l.number"
            " ORDER BY l.number DESC LIMIT 1"
        ).fetchone()
    event = canonical.decode(leaf)
    assert (event["kind"], event["public"]["rows"], event["public"]["form"]) == (
        EventKind.LEDGER_EXPORTED,
        1,
        "csv",
    )
    assert event["public"]["actor"] == ZHANG.subject
    assert "𠮷野家".encode() not in leaf, "the log itself is public"
    assert json.loads(json.loads(opening)["filter"]["value"])["text"] == "𠮷野家"


def test_officers_operators_and_guests_have_no_ledger(portal: Flask, appliance: Appliance) -> None:
    for subject, role in (("officer-ledger", AccountRole.OFFICER), ("operator-ledger", AccountRole.OPERATOR)):
        known_person(appliance, subject, "无台账")
        client = signed_in(portal, appliance, subject, [role])
        for address in (LEDGER, f"{LEDGER}.xlsx", f"{LEDGER}.csv"):
            assert client.get(address).status_code == 403
    assert "/login" in portal.test_client().get(f"{LEDGER}.csv").location


def save(client: FlaskClient, **fields: str) -> Any:
    return client.post(f"{LEDGER}/views", data={"form_token": form_token(client), **fields})


def test_a_view_is_saved_shared_with_a_department_by_role_and_gives_nobody_access(
    portal: Flask, appliance: Appliance, zhang: FlaskClient, hostile: list[Contract]
) -> None:
    colleagues = {}
    for subject, department, roles in (
        ("person-ledger-near", "法务部", [AccountRole.REVIEWER]),
        ("person-ledger-other-role", "法务部", [AccountRole.SIGNER]),
        ("person-ledger-far", "采购部", [AccountRole.REVIEWER]),
        ("person-ledger-elsewhere", "法务部", [AccountRole.REVIEWER]),
    ):
        known_person(appliance, subject, subject)
        organisation = LI.organisation if "elsewhere" in subject else ZHANG.organisation
        with appliance.database.transaction() as tx:
            tx.update("people", {"department": department, "organisation": organisation}, subject=subject)
        colleagues[subject] = signed_in(portal, appliance, subject, roles)
    query = f"kind={quote(KIND)}&c=number"
    refused = save(zhang, name="本部门合同", query=query, shared="yes")
    assert refused.status_code == 422 and "已登记部门" in refused.text and 'value="本部门合同"' in refused.text
    with appliance.database.transaction() as tx:
        people.set_department(tx, ZHANG.subject, "法务部")
    try:
        saved = save(zhang, name="本部门合同", query=query, shared="yes", role="reviewer")
        assert saved.status_code == 303 and saved.location.endswith(query)
        save(zhang, name="自用", query="state=sent")
        page = zhang.get(f"{LEDGER}?{query}").text
        assert re.search(r'aria-current="page">本部门合同', page) and "自用" in page
        for subject, client in colleagues.items():
            shown = "本部门合同" in client.get(LEDGER).text
            assert shown == (subject == "person-ledger-near"), subject
        assert not table(colleagues["person-ledger-near"], query), "a view shares the filter, never access"
        save(zhang, name="自用", query="state=completed")
        views, _ = appliance.contract_ledger.views(reader_of(appliance))
        assert [(view.name, view.query) for view in views] == [("本部门合同", query), ("自用", "state=completed")]
        near = colleagues["person-ledger-near"]
        stolen = near.post(
            f"{LEDGER}/views/remove", data={"form_token": form_token(near), "view": str(views[0].id)}
        )
        assert stolen.status_code == 404
        for view in views:
            zhang.post(f"{LEDGER}/views/remove", data={"form_token": form_token(zhang), "view": str(view.id)})
        assert not appliance.contract_ledger.views(reader_of(appliance))[0]
    finally:
        with appliance.database.transaction() as tx:
            people.set_department(tx, ZHANG.subject, "")


def reader_of(appliance: Appliance) -> LedgerReader:
    audience = Audience.of_person(ZHANG)
    return LedgerReader(ZHANG.subject, PEOPLES_ROLES, audience, ZHANG.organisation, "Asia/Shanghai")


def test_a_view_has_a_name_and_its_query_is_no_address_of_elsewhere(zhang: FlaskClient) -> None:
    for name in (" ", "x" * 61):
        assert save(zhang, name=name, query="").status_code == 422
    answer = save(zhang, name="转向", query="//evil.example/?q=1&next=https://evil.example")
    assert answer.status_code == 303 and answer.location == LEDGER


MANY = 5_000


def test_a_large_export_needs_the_memory_of_a_few_rows(
    appliance: Appliance, hostile: list[Contract], monkeypatch: pytest.MonkeyPatch
) -> None:
    exports, reader = appliance.ledger_exports, reader_of(appliance)
    rows = list(appliance.contract_ledger.rows(reader, LedgerFilter(kind=KIND)))

    def many(_reader: LedgerReader, _wanted: LedgerFilter) -> Iterator[ListedContract]:
        for number in range(MANY):
            if number == 100:
                with pytest.raises(StateRefused, match="Another export"):
                    exports.export(reader, LedgerFilter(), [LedgerColumn.TITLE], LedgerFile.CSV, str.format)
            yield replace(rows[number % len(rows)], title=f"{rows[number % len(rows)].title}{number}")

    monkeypatch.setattr(appliance.contract_ledger, "rows", many)
    tracemalloc.start()
    try:
        made = exports.export(
            reader,
            LedgerFilter(),
            list(LedgerColumn)[:8],
            LedgerFile.XLSX,
            lambda text, **values: text.format(**values),
        )
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert made.rows == MANY and peak < 3 * 2**20
    monkeypatch.setattr("appliance.listing.exports.MOST_EXPORTED", MANY // 2)
    with pytest.raises(PreconditionRefused, match="narrow the filter"):
        exports.export(reader, LedgerFilter(), [LedgerColumn.TITLE], LedgerFile.CSV, str.format)
    book = openpyxl.load_workbook(made.file, read_only=True)
    assert sum(1 for _ in book.worksheets[0].iter_rows()) == MANY + 1
    book.close()
    made.file.close()


def test_the_home_list_has_what_a_contract_manager_looks_for(zhang: FlaskClient, hostile: list[Contract]) -> None:
    page = zhang.get(f"/?q={hostile[0].number}").text
    for words in (hostile[0].number, "CNY 1,234.56", LI.organisation, "0/2"):
        assert words in page

"""Lists as other programs write them, made by hand: the library that writes ours writes none of these."""

from __future__ import annotations

import io
import zipfile

import pytest

from appliance.errors import DocumentRefused
from appliance.workbook_reading import read_workbook
from appliance.workbooks import ReadSheet

USUAL = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
)
STRICT = (
    "http://purl.oclc.org/ooxml/spreadsheetml/main",
    "http://purl.oclc.org/ooxml/officeDocument/relationships",
)
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
SHEETS = "application/vnd.openxmlformats-officedocument.spreadsheetml"
PHONETIC = "<si><t>姓名</t><rPh sb='0' eb='2'><t>xingming</t></rPh></si><si><r><t>李</t></r><r><t>四</t></r></si>"
HEADED = "<row r='1'><c t='inlineStr'><is><t>姓名</t></is></c></row>"


def book(rows: str, names: tuple[str, str] = USUAL, strings: str = PHONETIC) -> bytes:
    main, relations = names
    kinds = {"workbook": "sheet.main", "worksheets/sheet1": "worksheet", "sharedStrings": "sharedStrings"}
    types = "".join(
        f"<Override PartName='/xl/{part}.xml' ContentType='{SHEETS}.{kind}+xml'/>" for part, kind in kinds.items()
    )
    links = "".join(
        f"<Relationship Id='r{number}' Type='{relations}/{kind}' Target='{part}.xml'/>"
        for number, (part, kind) in enumerate(
            [("worksheets/sheet1", "worksheet"), ("sharedStrings", "sharedStrings")], 1
        )
    )
    parts = {
        "[Content_Types].xml": f"<Types xmlns='{PACKAGE}/content-types'>{types}</Types>",
        "xl/workbook.xml": f"<workbook xmlns='{main}' xmlns:r='{relations}'><workbookPr date1904='1'/>"
        "<sheets><sheet name='表' sheetId='1' r:id='r1'/></sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f"<Relationships xmlns='{PACKAGE}/relationships'>{links}</Relationships>",
        "xl/worksheets/sheet1.xml": f"<worksheet xmlns='{main}'><sheetData>{rows}</sheetData></worksheet>",
        "xl/sharedStrings.xml": f"<sst xmlns='{main}'>{strings}</sst>",
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as written:
        for name, content in parts.items():
            written.writestr(name, content)
    return file.getvalue()


def texts(sheet: ReadSheet) -> list[tuple[int, list[str]]]:
    return [(row.number, [cell.text for cell in row.cells()]) for row in (sheet.headings, *sheet.rows)]


SHARED = "<row r='1'><c r='A1' t='s'><v>0</v></c></row><row r='2'><c r='A2' t='s'><v>1</v></c></row>"


@pytest.mark.parametrize("names", [USUAL, STRICT], ids=["usual", "strict"])
def test_strict_workbooks_and_readings_of_characters_are_read(names: tuple[str, str]) -> None:
    assert texts(read_workbook(book(SHARED, names))) == [(1, ["姓名"]), (2, ["李四"])]


def test_a_row_at_the_end_of_the_sheet_costs_nothing() -> None:
    """A column that is formatted to its end has one, and a million before it are not written."""
    last = "<row r='1048576'><c r='A1048576' t='inlineStr'><is><t>李四</t></is></c></row>"
    assert texts(read_workbook(book(HEADED + last))) == [(1, ["姓名"]), (1_048_576, ["李四"])]


def test_a_workbook_that_points_nowhere_is_refused_as_none() -> None:
    with pytest.raises(DocumentRefused, match="neither an Excel"):
        read_workbook(book(SHARED, strings="<si><t>姓名</t></si>"))


LINES = "姓名{0}电子邮箱\r\n李四{0}li@b.example\r\n"


@pytest.mark.parametrize(
    ("table", "first"),
    [
        (LINES.format("\t").encode("utf-16"), 1),
        (b"\xfe\xff" + LINES.format("\t").encode("utf-16-be"), 1),
        (b"\r\n" + LINES.format(";").encode(), 2),
        (b"sep=|\r\n" + LINES.format("|").encode("utf-8-sig"), 2),
    ],
    ids=["Unicode text", "big-endian", "blank line", "sep"],
)
def test_tables_as_spreadsheet_programs_save_them_are_read(table: bytes, first: int) -> None:
    found = read_workbook(table)
    assert texts(found) == [(first, ["姓名", "电子邮箱"]), (first + 1, ["李四", "li@b.example"])]
    assert not found.guessed


def test_letters_that_are_guessed_are_said_to_be() -> None:
    """Any other encoding fits GB 18030, too, and is read as something else."""
    assert read_workbook(LINES.format(",").encode("gb18030")).guessed
    assert read_workbook("Name,E-mail\r\nMüller,m@b.example\r\n".encode("cp1252")).guessed


def test_a_line_that_is_no_csv_is_named() -> None:
    with pytest.raises(DocumentRefused) as refused:
        read_workbook(b'Name,E-mail\r\nA,a@b.example\r\n"B" Ltd,b@b.example\r\n')
    assert refused.value.values == {"line": 3}

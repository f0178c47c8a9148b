"""PDFs that this project did not write: made by reportlab and rearranged by qpdf (pikepdf), or by hand."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, ObjectStreamMode, Pdf
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen import canvas


def plain(pages: int = 3) -> bytes:
    return _drawn(pages, lambda sheet: None)


def form() -> bytes:
    """Three pages, with a text field and a check box on each."""

    def fields(sheet: canvas.Canvas) -> None:
        number = sheet.getPageNumber()
        sheet.acroForm.textfield(name=f"amount-{number}", x=100, y=500, width=200, height=20, value="1000")
        sheet.acroForm.checkbox(name=f"agree-{number}", x=100, y=450)

    return _drawn(3, fields)


def _drawn(pages: int, more: Callable[[canvas.Canvas], None]) -> bytes:
    file = BytesIO()
    sheet = canvas.Canvas(file, pagesize=A4, invariant=1)
    for number in range(1, pages + 1):
        sheet.drawString(100, 700, f"Page {number} of a contract")
        sheet.rect(40, 40, A4[0] - 80, A4[1] - 80)
        more(sheet)
        sheet.showPage()
    sheet.save()
    return file.getvalue()


def changed(change: Callable[[Pdf], None], source: bytes | None = None, **how: Any) -> bytes:
    """*source* (a plain document) after *change*, saved by qpdf."""
    file = BytesIO()
    with Pdf.open(BytesIO(source or plain())) as pdf:
        change(pdf)
        pdf.save(file, **how)
    return file.getvalue()


def turned(degrees: int, crop: tuple[int, int, int, int] | None = None) -> bytes:
    def turn(pdf: Pdf) -> None:
        for page in pdf.pages:
            page.Rotate = degrees
            if crop:
                page.CropBox = Array(crop)

    return changed(turn)


def shifted() -> bytes:
    """A last page whose lower left corner is not the origin and whose unit is 1/36 inch."""

    def shift(pdf: Pdf) -> None:
        pdf.pages[2].MediaBox = Array([-100, -200, 495, 642])
        pdf.pages[2].UserUnit = 2

    return changed(shift)


def with_action(**action: Any) -> bytes:
    def act(pdf: Pdf) -> None:
        pdf.Root.OpenAction = Dictionary(**action)

    return changed(act)


def with_annotation(**entries: Any) -> bytes:
    def annotate(pdf: Pdf) -> None:
        annotation = Dictionary(**{"Type": Name.Annot, "Rect": Array([0, 0, 100, 100]), **entries})
        pdf.pages[0].Annots = Array([pdf.make_indirect(annotation)])

    return changed(annotate)


def with_layer(*, hidden: bool) -> bytes:
    def layer(pdf: Pdf) -> None:
        group = pdf.make_indirect(Dictionary(Type=Name.OCG, Name="Layer"))
        default = Dictionary(OFF=Array([group])) if hidden else Dictionary()
        pdf.Root.OCProperties = Dictionary(OCGs=Array([group]), D=default)

    return changed(layer)


def with_attachment() -> bytes:
    def attach(pdf: Pdf) -> None:
        pdf.attachments["note.txt"] = b"attached"

    return changed(attach)


def packed_signature() -> bytes:
    """One that has the numbers of a signed range in an object stream."""

    def state(pdf: Pdf) -> None:
        pdf.Root.Other = pdf.make_indirect(Dictionary(ByteRange=Array([0, 10, 20, 30])))

    return changed(state, object_stream_mode=ObjectStreamMode.generate)


def unlisted_packing() -> bytes:
    """One that has an object stream, of which nothing is known, among what is drawn on a page."""

    def hide(pdf: Pdf) -> None:
        hidden = b"% 99 0 obj <</#4e 1/First 5/Length 9>>stream\n%9 0 <<>>\n%endstream endobj\n"
        pdf.pages[0].Contents = pdf.make_stream(hidden)

    return changed(hide, compress_streams=False)


def xfa() -> bytes:
    def make(pdf: Pdf) -> None:
        pdf.Root.AcroForm = Dictionary(Fields=Array([]), XFA=pdf.make_stream(b"<xdp/>"))

    return changed(make)


def encrypted() -> bytes:
    return changed(lambda pdf: None, encryption=pikepdf.Encryption(owner="owner", user=""))


def compressed() -> bytes:
    return changed(lambda pdf: None, object_stream_mode=pikepdf.ObjectStreamMode.generate)


def linearised() -> bytes:
    return changed(lambda pdf: None, linearize=True)


def newest() -> bytes:
    return changed(lambda pdf: None, force_version="2.0")


def external_stream() -> bytes:
    def point_outside(pdf: Pdf) -> None:
        stream = pdf.make_stream(b"")
        stream.F = "elsewhere.bin"
        pdf.pages[0].Contents = stream

    return changed(point_outside)


def no_pages() -> bytes:
    file = BytesIO()
    with Pdf.new() as pdf:
        pdf.save(file)
    return file.getvalue()


def bomb() -> bytes:
    """An object stream that unpacks to 2 GB of blanks and holds the catalogue."""
    packer = zlib.compressobj(9)
    body = packer.compress(b"1 0 << /Type /Catalog /Pages 2 0 R >>")
    blank = b" " * (1 << 20)
    body = b"".join([body, *(packer.compress(blank) for _ in range(2048)), packer.flush()])
    out = BytesIO()
    out.write(b"%PDF-1.7\n")
    stream_at = out.tell()
    out.write(b"3 0 obj\n<</Type/ObjStm/N 1/First 4/Filter/FlateDecode/Length %d>>stream\n" % len(body))
    out.write(body + b"\nendstream\nendobj\n")
    pages_at = out.tell()
    out.write(b"2 0 obj\n<</Type/Pages/Kids[]/Count 0>>\nendobj\n")
    table_at = out.tell()
    entries = [(2, 3, 0), (1, pages_at, 0), (1, stream_at, 0), (1, table_at, 0)]
    table = b"".join(bytes([kind]) + place.to_bytes(4, "big") + bytes([index]) for kind, place, index in entries)
    out.write(b"4 0 obj\n<</Type/XRef/W[1 4 1]/Index[1 4]/Size 5/Root 1 0 R/Length %d>>stream\n" % len(table))
    out.write(table + b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % table_at)
    return out.getvalue()


def hybrid() -> bytes:
    """A hybrid-reference file (7.5.8.4), as word processors write them: object 7 exists only for newer readers."""
    objects = {
        1: b"<</Type/Catalog/Pages 2 0 R>>",
        2: b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R"
        b"/Resources<</Font<</F1 5 0 R>>>>/PieceInfo 7 0 R>>",
        4: b"<</Length 44>>stream\nBT /F1 24 Tf 100 700 Td (Hybrid file) Tj ET   \nendstream",
        5: b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        6: b"<</Type/ObjStm/N 1/First 4/Length 15>>stream\n7 0 <</A true>>\nendstream",
    }
    out = BytesIO()
    out.write(b"%PDF-1.5\n")
    places = {}
    for number, body in objects.items():
        places[number] = out.tell()
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    stream_at = out.tell()
    table = b"\x02\x00\x06\x00" + b"\x01" + stream_at.to_bytes(2, "big") + b"\x00"
    out.write(b"8 0 obj\n<</Type/XRef/W[1 2 1]/Size 9/Index[7 2]/Root 1 0 R/Length 8>>stream\n%s" % table)
    out.write(b"\nendstream\nendobj\n")
    table_at = out.tell()
    out.write(b"xref\n0 9\n0000000007 65535 f \n")
    for number in range(1, 9):
        out.write(b"%010d 00000 %s \n" % (places.get(number, 0), b"n" if number in places else b"f"))
    out.write(b"trailer\n<</Size 9/Root 1 0 R/XRefStm %d>>\nstartxref\n%d\n%%%%EOF\n" % (stream_at, table_at))
    return out.getvalue()


def flattened(document: bytes) -> bytes:
    """*document* with its annotations drawn into the pages, so that their text can be extracted."""
    return changed(lambda pdf: pdf.flatten_annotations("all"), document)

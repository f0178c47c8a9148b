"""What is signed: contents and file shapes, which are combined. Below half of the first page nothing is drawn, so
that fields have room there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO

import pikepdf
from pikepdf import Array, Dictionary, Name, ObjectStreamMode, Pdf
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigFieldSpec, append_signature_field
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen import canvas

from tests.interop.bench import Bench
from tests.interop.producers import Box
from tests.pdf import documents
from tests.verification.documents import Signing, change, sign

PLACES = 5
_PAGE = (
    "<html lang=en><head><title>Contract</title></head><body><h1>Contract</h1><p>The buyer pays 100 euro.</p>"
    "<table><tr><th>Goods</th><th>Price</th></tr><tr><td>Chairs</td><td>100</td></tr></table></body></html>"
)


def existing_field(number: int) -> tuple[str, Box]:
    """Name and place of the waiting field *number*, from 0."""
    return f"agreed {number + 1}", (110, 220 + 45 * number, 290, 258 + 45 * number)


def new_place(number: int) -> tuple[str, Box]:
    """Name and place for the field that signature *number* makes."""
    return f"made {number + 1}", (300, 220 + 45 * number, 480, 258 + 45 * number)


@dataclass(frozen=True)
class Content:
    """``fields``: what can be filled, its name, and the value to fill in; ``shapes``: the only ones that it can
    have, when not all; ``office``: LibreOffice makes it."""

    build: Callable[[Bench], bytes]
    fields: Mapping[str, tuple[str, str]] = ()  # type: ignore[assignment]
    shapes: tuple[str, ...] = ()
    office: bool = False


def _drawn(more: Callable[[canvas.Canvas], None] = lambda sheet: None, version: tuple[int, int] = (1, 7)) -> bytes:
    file = BytesIO()
    sheet = canvas.Canvas(file, pagesize=A4, invariant=1, pdfVersion=version)
    for number in (1, 2):
        sheet.drawString(120, 740, f"Contract, page {number}: the buyer pays 100 euro")
        if number == 1:
            more(sheet)
        sheet.showPage()
    sheet.save()
    return file.getvalue()


def _form(sheet: canvas.Canvas) -> None:
    form = sheet.acroForm
    form.textfield(name="amount", x=120, y=690, width=150, height=20, value="100", borderWidth=0)
    form.choice(
        name="goods", x=300, y=690, width=120, height=20, value="chairs", options=["chairs", "tables"],
        fieldFlags="combo", borderWidth=0,
    )  # fmt: skip
    for value, x in (("sea", 120), ("air", 160)):
        form.radio(name="way", value=value, x=x, y=650, size=20, selected=value == "sea")
    form.checkbox(name="insured", x=300, y=650, size=20)


def _turned() -> bytes:
    def turn(pdf: Pdf) -> None:
        for page in pdf.pages:
            page.Rotate, page.CropBox = 90, Array([100, 200, 500, 780])

    return documents.changed(turn, _drawn())


def _outlined() -> bytes:
    def outline(pdf: Pdf) -> None:
        with pdf.open_outline() as listed:
            listed.root.extend(pikepdf.OutlineItem(f"Page {number + 1}", number) for number in (0, 1))
        pdf.Root.Lang = pikepdf.String("en")

    return documents.changed(outline, _drawn())


def _extended() -> bytes:
    def extend(pdf: Pdf) -> None:
        pdf.Root.Extensions = Dictionary(ADBE=Dictionary(BaseVersion=Name("/1.7"), ExtensionLevel=3))

    return documents.changed(extend, _drawn())


def _with_signed_attachment(bench: Bench) -> bytes:
    """A signed PDF lies uncompressed in a stream of this one."""
    world = bench.people.world
    attached = sign(_drawn(), Signing("inner", world.other, [world.issuing]))

    def attach(pdf: Pdf) -> None:
        pdf.attachments["signed.pdf"] = attached

    return documents.changed(attach, _drawn(), compress_streams=False)


def _by_office(bench: Bench) -> bytes:
    return bench.asked("office", _PAGE.encode(), {"do": "export", "tagged": True})


def _by_weasyprint(_bench: Bench) -> bytes:
    import weasyprint  # noqa: PLC0415 - half a second that only who prints needs

    return bytes(weasyprint.HTML(string=_PAGE).write_pdf(pdf_tags=True) or b"")


FILLING = {"text": ("amount", "250"), "choice": ("goods", "tables"), "radio": ("way", "air")}
APART = ("version 1.3", "a developer extension")
"""What iText takes a part of away, so that it is in recipes of its own."""
CONTENTS: Mapping[str, Content] = {
    "plain": Content(lambda bench: _drawn()),
    "form": Content(lambda bench: _drawn(_form), FILLING),
    "tagged": Content(_by_office, office=True),
    "tagged, by weasyprint": Content(_by_weasyprint),
    "turned and cropped": Content(lambda bench: _turned()),
    "outlines": Content(lambda bench: _outlined()),
    "a signed attachment": Content(_with_signed_attachment, shapes=("as it is",)),
    "version 1.3": Content(lambda bench: _drawn(version=(1, 3)), shapes=("as it is",)),
    "a developer extension": Content(lambda bench: _extended(), shapes=("as it is",)),
    "hybrid table": Content(
        lambda bench: documents.hybrid().replace(b"%PDF-1.5", b"%PDF-1.7"), shapes=("as it is",)
    ),
}


def _saved_before(document: bytes) -> bytes:
    return change(document, lambda writer: writer.update_root())


def _packed(document: bytes) -> bytes:
    return documents.changed(lambda pdf: None, document, object_stream_mode=ObjectStreamMode.generate)


def _linearised(document: bytes) -> bytes:
    return documents.changed(lambda pdf: None, document, linearize=True)


SHAPES: Mapping[str, Callable[[bytes], bytes]] = {
    "as it is": lambda document: document,
    "object streams": _packed,
    "linearised": _linearised,
    "saved before": _saved_before,
    "no end of line": lambda document: document.rstrip(),
}


def original(bench: Bench, content: str, shape: str, *, waiting: int) -> bytes:
    """The document with *waiting* fields for signatures, in its shape."""
    document = CONTENTS[content].build(bench)
    if waiting:

        def add(writer: IncrementalPdfFileWriter) -> None:
            for number in range(waiting):
                name, box = existing_field(number)
                append_signature_field(writer, SigFieldSpec(name, on_page=0, box=box))

        document = documents.changed(lambda pdf: None, change(document, add))
    return SHAPES[shape](document)


__all__ = ["CONTENTS", "SHAPES", "existing_field", "new_place", "original"]

"""Hostile PDFs that wait for a signature: its dictionary, or the room in it, is something else as well."""

from __future__ import annotations

from dataclasses import dataclass

WIDTH, ROOM = 200, 16_200
"""Pixels across of the picture, one for each byte, and bytes of the gap."""

FIELD = "Signature1"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document of ``base`` bytes and the rest; ``gap``: where the room starts and its length."""

    content: bytes
    base: int
    gap: tuple[int, int]

    def filled(self, message: bytes) -> bytes:
        start, length = self.gap
        digits = message.hex().upper().ljust(length - 2, "0").encode()
        return self.content[: start + 1] + digits + self.content[start + length - 1 :]


@dataclass(slots=True)
class Shape:
    """What is written: ``before`` and ``after`` the signature dictionary (``LENGTH`` is how far it is from the
    first ``stream`` to the last ``endstream``), ``within`` it, more of the
    ``page``, further objects, ``late`` ones behind, and what else is ``drawn`` on the page."""

    before: bytes = b""
    after: bytes = b""
    within: bytes = b""
    listed: bool = True
    catalogue: bytes = b""
    annotations: bytes = b""
    late: bytes = b""
    inside: bool = False
    page: bytes = b""
    drawn: bytes = b""


def _picture(length: bytes = b"/Length LENGTH", dark: bytes = b"3") -> bytes:
    table = b"".join(b"00" if each in dark else b"FF" for each in range(256))
    return (
        b"5 0 obj\n<</Type/XObject/Subtype/Image/Width 200/Height 81/BitsPerComponent 8"
        b"/ColorSpace[/Indexed/DeviceGray 255<" + table + b">]" + length + b">>stream\n"
    )


_STREAM_END = b"\nendstream\nendobj\n"
_NOTE = b"/Subtype/Square/Rect[60 500 560 700]/DA(/F 12 Tf 0 g)/F 4"
_SCRIPT = b"/OpenAction<</S/JavaScript/JS(app.alert\\(1\\))>>"

HONEST = Shape(b"5 0 obj\n<</Subtype/Form/BBox[0 0 1 1]/Length 0>>stream\n\nendstream\nendobj\n")
PICTURE = Shape(_picture(), _STREAM_END)
IN_SMALL_LETTERS = Shape(_picture(dark=b"abcdef"), _STREAM_END)

OVERLAPPING: dict[str, Shape] = {
    "a picture": PICTURE,
    "a picture in small letters": IN_SMALL_LETTERS,
    "a length elsewhere": Shape(_picture(b"/Length 9 0 R"), _STREAM_END, late=b"9 0 obj\nLENGTH\nendobj\n"),
    "a length in other letters": Shape(_picture(b"/L#65ngth LENGTH"), _STREAM_END),
}
"""Streams that every reader follows over the signature."""

BROKEN: dict[str, Shape] = {
    "a length that is too short": Shape(_picture(b"/Length 7"), _STREAM_END),
    "two lengths": Shape(_picture(b"/Length 1/Length LENGTH"), _STREAM_END),
    "no length": Shape(_picture(b""), _STREAM_END),
}
"""Streams that some readers do."""

HIDDEN: dict[str, Shape] = {
    "a picture that no table lists": Shape(_picture(), _STREAM_END, listed=False),
    "a text": Shape(b"5 0 obj\n(", b")\nendobj\n"),
    "a note": Shape(HONEST.before, within=_NOTE, annotations=b" 6 0 R"),
    "an object inside": Shape(HONEST.before, within=b"/Reason(\n9 0 obj <</X 1>> endobj)", inside=True),
    "an entry that is not a signature's": Shape(HONEST.before, within=b"/Kids[5 0 R]"),
    "a table": Shape(HONEST.before + b"xref\n0 100\n"),
}
"""What some reader might follow."""

TWO_READINGS: dict[str, Shape] = {
    "a header with many blanks": Shape(HONEST.before + b"9" + b" " * 80 + b"0 obj\n<</X 1>>\nendobj\n"),
    "a header with a comment": Shape(HONEST.before + b"9 % so\n 0 obj\n<</X 1>>\nendobj\n"),
    "a page with two texts": Shape(HONEST.before, page=b"/Contents 10 0 R"),
}
"""What programs choose differently in, wherever the signature is."""

SCRIPTED = Shape(HONEST.before, catalogue=_SCRIPT)


def prepared(shape: Shape) -> Prepared:
    """The document, with its ByteRange and its tables right, and zeros in the room."""
    first = _written(shape, 0)
    apart = (
        first.content.rfind(b"\nendstream") - first.content.find(b">>stream\n", first.content.find(b"5 0 obj")) - 9
    )
    return _written(shape, max(apart, 0))


def _written(shape: Shape, apart: int) -> Prepared:
    length = b"%010d" % apart
    out, previous = _empty_base()
    base = len(out)
    places: dict[int, int] = {}

    def add(number: int, body: bytes) -> None:
        places[number] = len(out)
        out.extend(b"%d 0 obj\n" % number + body + b"\nendobj\n")

    shown = b"BT /F 24 Tf 60 760 Td (Non-disclosure agreement) Tj ET q 400 0 0 168 60 500 cm /I Do Q" + shape.drawn
    add(1, b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[4 0 R]/SigFlags 3>>" + shape.catalogue + b">>")
    add(2, b"<</Type/Pages/Kids[3 0 R]/Count 1>>")
    resources = b"/Resources<</XObject<</I 5 0 R>>/Font<</F 8 0 R>>>>"
    annotations = b"/Contents 7 0 R/Annots[4 0 R" + shape.annotations + b"]"
    add(3, b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]" + resources + annotations + shape.page + b">>")
    widget = b"<</Type/Annot/Subtype/Widget/FT/Sig/T(Signature1)/V 6 0 R/Rect[0 0 0 0]/F 132/P 3 0 R>>"
    add(4, widget)
    add(7, b"<</Length %d>>stream\n%s\nendstream" % (len(shown), shown))
    add(8, b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>")
    add(10, b"<</Length 46>>stream\nBT /F 24 Tf 60 760 Td (Deed of donation) Tj ET\nendstream")
    if shape.listed:
        places[5] = len(out)
    out.extend(shape.before.replace(b"LENGTH", length))
    places[6] = len(out)
    head = b"6 0 obj\n<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached"
    head += shape.within
    numbers = len(out) + len(head)
    out.extend(head + b" " * 50 + b"/Contents ")
    start = len(out)
    out.extend(b"<" + b"0" * (ROOM - 2) + b">>>\nendobj\n" + shape.after)
    if shape.late:
        places[9] = len(out)
        out.extend(shape.late.replace(b"LENGTH", length))
    elif shape.inside:
        places[9] = out.find(b"9 0 obj")
    table = len(out)
    rows = (
        b"%010d 00000 n \n" % places[each] if each in places else b"0000000000 00000 f \n" for each in range(1, 11)
    )
    out.extend(b"xref\n0 11\n0000000000 65535 f \n" + b"".join(rows))
    trailer = b"trailer\n<</Size 11/Root 1 0 R/Prev %d>>\nstartxref\n%d\n%%%%EOF\n"
    out.extend(trailer % (previous, table))
    ranges = b"/ByteRange [0 %d %d %d]" % (start, start + ROOM, len(out) - start - ROOM)
    out[numbers : numbers + len(ranges)] = ranges
    return Prepared(bytes(out), base, (start, ROOM))


def _empty_base() -> tuple[bytearray, int]:
    """The revision before, of one empty page, and where its table is."""
    return _one_page(b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>")


def _one_page(*bodies: bytes) -> tuple[bytearray, int]:
    """A document of one page, whose object and those behind it these are, and where its table is."""
    out, places = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), []
    above = (b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>")
    for number, body in enumerate((*above, *bodies), start=1):
        places.append(len(out))
        out.extend(b"%d 0 obj\n" % number + body + b"\nendobj\n")
    table, size = len(out), len(places) + 1
    rows = b"".join(b"%010d 00000 n \n" % each for each in places)
    out.extend(b"xref\n0 %d\n0000000000 65535 f \n" % size + rows)
    out.extend(b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (size, table))
    return out, table


def endless() -> bytes:
    """A picture of 60,000 bytes, of which four are there yet."""
    shown = b"q 500 0 0 300 40 300 cm /I Do Q"
    image = b"<</Type/XObject/Subtype/Image/Width 200/Height 300/BitsPerComponent 8/ColorSpace/DeviceGray"
    made, _ = _one_page(
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</XObject<</I 5 0 R>>>>/Contents 4 0 R>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(shown), shown),
        image + b"/Length 60000>>stream\n0000\nendstream",
    )
    return bytes(made)

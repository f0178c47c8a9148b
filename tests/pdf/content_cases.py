"""Content streams that programs draw differently, and odd ones that all draw alike."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import partial
from io import BytesIO

from pikepdf import Array, Dictionary, Name, Object, Pdf
from PIL import Image

from tests.pdf import documents

_WORDS = b" BT /F1 18 Tf 20 %s Td (ONE MILLION) Tj ET"


def at(height: bytes) -> bytes:
    """Words whose place is written like that."""
    return _WORDS % height


def _coloured(colour: bytes) -> bytes:
    return b" " + colour + at(b"100")


def _picture(form: str, mode: str, **how: str) -> bytes:
    file = BytesIO()
    Image.new(mode, (9, 9)).save(file, form, **how)
    return file.getvalue()


def _fax() -> bytes:
    """An inline picture of nine lines of nine dots from its filter on, as old printers' drivers write letters."""
    file = BytesIO(_picture("TIFF", "1", compression="group4"))
    with Image.open(file) as picture:
        (start,), (length,) = picture.tag_v2[273], picture.tag_v2[279]
    data = file.getvalue()[start : start + length]
    return b" /IM true /F /CCF /DP <</K -1 /Columns 9>> ID " + data + b"\nEI"


_FAX = _fax()

ODD: dict[str, bytes] = {
    **{
        f"the number {each.decode()}": at(each)
        for each in (b"--100", b"+-3", b"1e2", b"4294967296", b"-4294967196", b"2147483748", b"100-300",
                     b"16#64", b"0x64", b"100.0.5", b".", b"-", b"1,5")
    },
    "a vertical tab": b" BT /F1 18 Tf 20\x0b100 Td (WORDS) Tj ET",
    "a blank of PDFium": b" BT /F1 18 Tf 20\x80100 Td (WORDS) Tj ET",
    "a number and an operator in one": at(b"100").replace(b" Td", b"Td"),
    "two operators in one": at(b"100").replace(b"Tj ET", b"TjET"),
    "a font that is not there": at(b"100").replace(b"/F1", b"/None"),
    "text without a font": b" BT 20 100 Td (WORDS) Tj ET",
    "a font that was put away": b" q /F1 9 Tf Q BT 20 100 Td (WORDS) Tj ET",
    "a font in a name that is no name": at(b"100").replace(b"/F1", b"/F#1"),
    "a colour space that is not there": _coloured(b"/None cs 0 0 0 sc"),
    "one for lines": _coloured(b"/None CS 0 0 0 SC"),
    "a pattern that is not there": _coloured(b"/Pattern cs /None scn"),
    "a picture that is not there": b" /None Do",
    "a state that is not there": _coloured(b"/None gs"),
    "a shading that is not there": b" /None sh",
    "a colour of two numbers": _coloured(b"1 1 rg"),
    "a colour of four": _coloured(b"0 1 1 1 rg"),
    "a gray of no number": _coloured(b"g"),
    "a gray of two": _coloured(b"1 0 g"),
    "a gray of text": _coloured(b"(0) g"),
    "a colour of too many for its space": _coloured(b"/DeviceGray cs 1 0 0 scn"),
    "one that a gray has replaced": _coloured(b"/DeviceRGB cs 0 g 1 0 0 sc"),
    "one that Q has brought back": _coloured(b"/DeviceGray cs q /DeviceRGB cs 1 0 0 sc Q 1 0 0 sc"),
    "a pattern for a colour": _coloured(b"/DeviceRGB cs /Pattern scn"),
    "a matrix of five": b" 1 0 0 1 20 cm" + at(b"100"),
    "too few operands": at(b"100").replace(b"20 100 Td", b"100 Td"),
    "too many operands": at(b"7 100"),
    "an unknown operator": b" foo" + at(b"100"),
    "a PostScript procedure": b" {pop}" + at(b"100"),
    "a bracket too many": b" ]" + at(b"100"),
    "a dictionary's end": b" >>" + at(b"100"),
    "a parenthesis too many": b" )" + at(b"100"),
    "a string without end": b" BT /F1 18 Tf (WORDS Tj ET",
    "an octal number beyond a byte": at(b"100").replace(b"(ONE", rb"(\500NE"),
    "letters in a hex string": at(b"100").replace(b"(ONE MILLION)", b"<41xx42>"),
    "a string that PDFium cuts off": at(b"100").replace(b"ONE", b"O" * 32768),
    "text in text": b" BT" + at(b"100") + b" ET",
    "text without end": b" BT",
    "a state kept in text": b" BT q /F1 18 Tf (WORDS) Tj Q ET",
    "text outside": b" /F1 18 Tf (WORDS) Tj",
    "a matrix within a path": b" 0 0 m 1 0 0 1 50 50 cm 100 100 l S",
    "a path without beginning": b" 100 100 l S",
    "a state kept in a path": b" 0 0 m q 9 9 l Q S",
    "a path without end": b" 0 0 m 1 g",
    "a word that PDFium takes for two": b" BX 0 0 99 99 re\x80f EX",
    "a word of numbers that only some know": b" BX 0 0 99 99 re\xfff EX",
    "a colour space without a colour": b" 1 g /DeviceRGB cs" + at(b"100"),
    "one for lines without a colour": b" 1 G q /DeviceRGB CS 0 0 m 9 9 l S Q",
    "one of another first colour": b" /Pattern cs 0 0 9 9 re f",
    "something after a Q too many": b" 1 g Q" + at(b"100"),
    "something kept after a Q too many": b" 9 0 0 9 0 0 cm Q q 0 0 9 9 re f Q",
    "a line of negative width": b" -20 w 0 0 m 9 9 l S",
    "ends of lines that are none": b" 3 J 0 0 m 9 9 l S",
    "ends between two": b" 1.9 J 0 0 m 9 9 l S",
    "corners that are none": b" 0 0 m 9 j 9 9 l S",
    "a mode of text that is none": b" 3.5 Tr" + at(b"100"),
    "dashes of no length": b" [0 0] 0 d 0 0 m 9 9 l S",
    "dashes that are hardly any": b" [.0001] 0 d 0 0 m 9 9 l S",
    "negative dashes": b" [5 -5] 0 d 0 0 m 9 9 l S",
    "a dash that begins in its gap": b" [900] 900 d 0 0 m 9 9 l S",
    "three dashes": b" [0 900 0] 900 d 0 0 m 9 9 l S",
    "three long dashes": b" [1 900 1] 0 d 0 0 m 9 9 l S",
    "a negative beginning of dashes": b" [900 900] -900 d 0 0 m 9 9 l S",
    "the same of one": b" [900] -900 d 0 0 m 9 9 l S",
    "more dashes than programs remember": b" [%b] 0 d 0 0 m 9 9 l S" % (b"9 " * 34),
    "letters as a clip": b" q BT /F1 0 Tf 7 Tr (WORDS) Tj ET 0 0 99 99 re f Q",
    "letters as a clip, and others": b" q BT /F1 9 Tf 4 Tr (WORDS) Tj 0 Tr ET 0 0 99 99 re f Q",
    "a picture of no filter": b" BI /W 1 /H 1 /BPC 8 /CS /G /F null ID 1 EI",
    "a picture whose filter is a text": b" BI /W 1 /H 1 /BPC 8 /CS /G /F (Fl) ID 1 EI",
    "a picture whose data PDFium ends before": b" BI /W 1 /H 1 /BPC 8 /CS /G /F /A85 ID J,v\x80EI\x80n\x80~> EI",
    "a path that is not painted": b" 0 0 10 10 re W" + at(b"100"),
    "EX without BX": b" EX",
    "a picture of too much data": b" BI /W 1 /H 1 /BPC 8 /CS /G ID 12" + at(b"100") + b" EI",
    "a picture of too little": b" BI /W 9 /H 9 /BPC 8 /CS /G ID 1 EI" + at(b"100") + b" " * 80 + b"EI",
    "a picture with an end in its data": b" BI /W 9 /H 1 /BPC 8 /CS /G ID 1 EI n (678 EI",
    "a picture in Flate that goes on": b" BI /W 1 /H 1 /BPC 8 /CS /G /F /Fl ID "
    + zlib.compress(b" EI n (", 0) + b" EI n) EI",
    "a picture in Flate that ends before": b" BI /W 1 /H 1 /BPC 8 /CS /G /F /Fl ID "
    + zlib.compress(b"1") + b"x EI",
    "a picture in a space of its own": b" BI /W 1 /H 1 /BPC 8 /CS [/CalRGB <<>>] ID 1 EI n (4 EI",
    "a picture without data": b" BI /W 1 /H 1 EI",
    "a picture with two widths": b" BI /W 1 /Width 9 /H 1 /BPC 8 /CS /G ID 1 EI",
    "a fax that goes on behind its end": b" BI /W 9 /H 99" + _FAX + at(b"100"),
    "a fax with an end in it": b" BI /W 9 /H 9" + _FAX.replace(b"ID ", b"ID 12 EI "),
    **{
        f"a line without length, {each.decode()}": b" 100 w " + each
        for each in (b"2 J 50 50 m 50.0 50 l S", b"2 J 9 9 m 20 20 l 50 50 m 50 50 l h B", b"1 J 50 50 0 0 re S",
                     b"1 J 50 50 m 50 50 50 50 50 50 c s", b"2 J 50 50 m 0 g 50 50 l S",
                     b"2 J [0 500] 0 d 9 9 m 99 9 l S", b"[0 500] 0 d 2 J 9 9 m 99 9 l S",
                     b"1 J 50 50 0 0 re 99 9 l S", b"q 2 J q Q 50 50 m 50 50 l S Q")
    },
}  # fmt: skip
"""Of a page whose font is F1."""

PLAIN: dict[str, bytes] = {
    "numbers": b" 1 0 0 1 +.5 -5. cm 00 0 m 12.0123456789012 -.002 l S 123456789 i",
    "blanks": b"\x00\t\n\x0c\r 0 g%comment 1 g\r1 g",
    "words side by side": b" BT/F1 9 Tf[(a)-20(b)<41 4>]TJ(c)' ET 0 0 1 rg/DeviceRGB cs 1 0 0 scn",
    "strings": rb" BT /F1 9 Tf (a(b)\)\\\053\8) Tj 1 2 (x) " + b'" T* (\x80\xff\r\n) Tj ET',
    "states in states": b" q q 0 G Q Q [] 0 d [3 2.5] 1 d /Perceptual ri 0.2 i 1 j",
    "Q too many": b" Q Q",
    "Q too many at the end": b" q 1 g Q 9 0 0 9 0 0 cm Q EMC Q",
    "Q too many before anything": b" q 1 g Q Q 0 0 9 9 re f",
    "a first colour space": b" /DeviceRGB cs /DeviceGray CS 0 0 9 9 re B",
    "a colour for each space": b" 1 g /DeviceRGB cs /DeviceRGB CS 2 w 1 0 0 sc 1 0 0 SC 0 0 9 9 re B",
    "a colour space for a clip": b" 1 g q /DeviceRGB cs 0 0 9 9 re W n Q 0 0 9 9 re f",
    "dashes": b" [9] 8.5 d [3 4 5 6] 99 d [] -1 d [%b] 0 d 0 0 m 9 9 l S" % (b"9 " * 32),
    "hidden letters": b" BT /F1 9 Tf 3 Tr (WORDS) Tj ET",
    "round dots": b" 9 w 1 J [0 9] 0 d 5 5 m 5 5 l S 0 Tr",
    "a colour space for what is not drawn": b" 1 g 1 G /DeviceRGB cs 0 0 m 9 9 l S 0 g /DeviceRGB CS 0 0 9 9 re f",
    "square ends": b" 2 J 1 j 0 0 m 9 0 l S [ 5 0.5 ] 0 d 0 0 m 9 9 l S",
    "a q that stays": b" q 1 g",
    "a path of many parts": b" 0 0 m 1 1 l 2 2 3 3 4 4 c 1 1 2 2 v 1 1 2 2 y h 0 0 1 1 re W* n",
    "a path with a colour in it": b" 0 0 9 9 re /DeviceRGB cs 1 0 0 scn 2 w 0 G 0 0 m 9 9 l 9 0 l W [] 0 d f 0 g",
    "a font that is not there for no text": b" BT /None 0 Tf ET q /None 9 Tf Q BT /F1 9 Tf (a) Tj ET",
    "lines without length that all draw alike": b" 2 J 0 0 0 0 re W n 9 9 m h S 1 J [0 3] 0 d 9 9 m 9 9 l S"
    b" q [] 0 d 2 J Q 9 9 m 9 9 l S 0 J 9 9 m 9 9 l S 0 0 0 0 re S [3] 0 d 2 J 9 9 m 9 9 l 20 9 l S 9 9 m 9 9 l f",
    "a path that is none": b" n 0 0 m S f* q B Q",
    "marks": b" /P <</MCID 0/A [/B (c)]>> BDC EMC /Span /MC0 BDC BT ET EMC /T MP",
    "operators that only some know": b" BX 1 (a) foo EX",
    "a picture": b" BI /W 2 /H 1 /BPC 8 /CS /RGB ID 123456 EI Q",
    "a picture in Flate": b" BI /W 90 /H 90 /BPC 8 /CS /G /F /Fl ID " + zlib.compress(bytes(8100)) + b" EI n",
    "a packed picture": b" BI /W 1 /H 1 /BPC 8 /CS /G /F /AHx ID 00> EI" + at(b"100"),
    "a fax": b" q BI /W 9 /H 9" + _FAX + b" Q" + at(b"100"),
    "a photograph": b" BI /W 9 /H 9 /BPC 8 /CS /G /F /DCT ID " + _picture("JPEG", "L") + b" EI" + at(b"100"),
}


def with_content(content: bytes) -> bytes:
    """A document whose second page is this."""

    def draw(pdf: Pdf) -> None:
        pdf.pages[1].Contents = pdf.make_stream(content)

    return documents.changed(draw)


def in_parts(*parts: bytes) -> bytes:
    """A document whose page is drawn in these parts."""

    def divide(pdf: Pdf) -> None:
        pdf.pages[0].Contents = Array([pdf.make_stream(each) for each in parts])

    return documents.changed(divide)


def packed(name: str, data: bytes) -> bytes:
    """A document whose page has contents that are packed with this filter."""

    def pack(pdf: Pdf) -> None:
        stream = pdf.make_stream(b"")
        stream.write(data, filter=Name(f"/{name}"))
        pdf.pages[0].Contents = stream

    return documents.changed(pack)


def lzw(content: bytes) -> bytes:
    """*content* in codes of nine bits, the table thrown away in time, at last once used."""
    codes = [each for byte in content for each in (256, byte)] + [256, 32, 258, 257]
    bits = "".join(f"{each:09b}" for each in codes)
    return int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8))


def runs(content: bytes) -> bytes:
    """*content* in short runs, with blanks behind it."""
    return b"".join(bytes([0, byte]) for byte in content) + b"\xf0 \x80"


def _form(pdf: Pdf, content: bytes, **entries: object) -> Object:
    form = pdf.make_stream(content)
    form.Type, form.Subtype, form.BBox = Name.XObject, Name.Form, Array([0, 0, 99, 99])
    for key, given in entries.items():
        form[f"/{key}"] = given
    return form


def in_form(content: bytes, before: bytes = b"") -> bytes:
    def draw(pdf: Pdf) -> None:
        inner = _form(pdf, content, Resources=Dictionary(Font=pdf.pages[0].Resources.Font))
        outer = _form(pdf, b"/In Do", Resources=Dictionary(XObject=Dictionary(In=inner)))
        pdf.pages[0].Resources.XObject = Dictionary(Out=outer)
        pdf.pages[0].contents_add(before + b" /Out Do")

    return documents.changed(draw)


def in_pattern(content: bytes) -> bytes:
    def draw(pdf: Pdf) -> None:
        tile = _form(pdf, content, PatternType=1, PaintType=1, TilingType=1, XStep=9, YStep=9)
        tile.Resources = Dictionary(Font=pdf.pages[0].Resources.Font)
        pdf.pages[0].Resources.Pattern = Dictionary(Tile=tile)
        pdf.pages[0].contents_add(b" /Pattern cs /Tile scn 0 0 99 99 re f")

    return documents.changed(draw)


def in_glyph(content: bytes) -> bytes:
    def draw(pdf: Pdf) -> None:
        font = Dictionary(
            Type=Name.Font, Subtype=Name.Type3, FontBBox=Array([0, 0, 9, 9]), FontMatrix=Array([1, 0, 0, 1, 0, 0]),
            CharProcs=Dictionary(a=pdf.make_stream(content)), FirstChar=97, LastChar=97, Widths=Array([9]),
            Encoding=Dictionary(Type=Name.Encoding, Differences=Array([97, Name.a])), Resources=Dictionary(),
        )  # fmt: skip
        pdf.pages[0].Resources.Font.T3 = pdf.make_indirect(font)
        pdf.pages[0].contents_add(b" BT /T3 9 Tf (a) Tj ET")

    return documents.changed(draw)


def in_mask(content: bytes) -> bytes:
    def draw(pdf: Pdf) -> None:
        group = _form(pdf, content, Group=Dictionary(S=Name.Transparency, CS=Name.DeviceGray))
        state = Dictionary(SMask=Dictionary(S=Name.Luminosity, G=group))
        pdf.pages[0].Resources.ExtGState = Dictionary(GS=state)
        pdf.pages[0].contents_add(b" /GS gs")

    return documents.changed(draw)


def stated(**entries: Object) -> bytes:
    """A line under a state with these *entries*."""

    def draw(pdf: Pdf) -> None:
        pdf.pages[0].Resources.ExtGState = Dictionary(GS=Dictionary(**entries))
        pdf.pages[0].contents_add(b" /GS gs 0 0 m 9 9 l S")

    return documents.changed(draw)


def in_stamp(content: bytes) -> bytes:
    def annotate(pdf: Pdf) -> None:
        picture = _form(pdf, content)
        note = Dictionary(Type=Name.Annot, Subtype=Name.Stamp, Rect=Array([0, 0, 9, 9]), AP=Dictionary(N=picture))
        pdf.pages[0].Annots = Array([pdf.make_indirect(note)])

    return documents.changed(annotate)


def nested(depth: int) -> bytes:
    """Forms in forms, the innermost one also on the page, so that it does not lie deep by one way."""

    def draw(pdf: Pdf) -> None:
        form = _form(pdf, b"0 g")
        for _ in range(depth - 1):
            form = _form(pdf, b"/In Do", Resources=Dictionary(XObject=Dictionary(In=form)))
        pdf.pages[0].Resources.XObject = Dictionary(Out=form)
        pdf.pages[0].contents_add(b" /Out Do")

    return documents.changed(draw)


def in_itself() -> bytes:
    def draw(pdf: Pdf) -> None:
        form = _form(pdf, b"/Out Do")
        form.Resources = Dictionary(XObject=Dictionary(Out=form))
        pdf.pages[0].Resources.XObject = Dictionary(Out=form)
        pdf.pages[0].contents_add(b" /Out Do")

    return documents.changed(draw)


PLACES: dict[str, tuple[Callable[[bytes], bytes], bytes]] = {
    "a form in a form": (in_form, b""),
    "a pattern": (in_pattern, b""),
    "a glyph": (in_glyph, b"9 0 d0 "),
    "a mask": (in_mask, b""),
    "a stamp": (in_stamp, b""),
}
"""Where else content is, and how it begins there."""

ODD_DOCUMENTS: dict[str, Callable[[], bytes]] = {
    "a dash of a state that begins in its gap": lambda: stated(D=Array([Array([900]), 900])),
    "dashes of a state that are none": lambda: stated(D=Array([Array([900])])),
    "a line width of a state below zero": lambda: stated(LW=-9),
    "ends of lines of a state that are none": lambda: stated(LC=7),
    "a string in two parts": partial(in_parts, b"BT /F1 9 Tf (ab", b"cd) Tj ET"),
    "a comment in two parts": partial(in_parts, b"% no end", b"0 g"),
    "a picture in two parts": partial(in_parts, b"BI /W 2 /H 1 /BPC 8 /CS /RGB ID 123", b"56 EI"),
    "a glyph without width": partial(in_glyph, b"0 0 9 9 re f"),
    "a font of its caller": partial(in_form, b"BT (a) Tj ET"),
    "a form in itself": in_itself,
    "forms in forms": partial(nested, 30),
    "a line without length in a form": partial(in_form, b"9 9 m 9 9 l S", before=b" 2 J"),
    "old packing": lambda: packed("LZWDecode", lzw(at(b"--100"))),
    "packing in runs": lambda: packed("RunLengthDecode", runs(at(b"--100"))),
}

PLAIN_DOCUMENTS: dict[str, Callable[[], bytes]] = {
    "a state": lambda: stated(D=Array([Array([3, 2.5]), 1]), LW=0, LC=2, LJ=1),
    "operands in two parts": partial(in_parts, b"BT /F1 9 Tf 1", b"2 Td (a) Tj", b"", b"ET 0 0 m", b"9 9 l S"),
    "a line without length in a form": partial(in_form, b"9 9 m 9 9 l S"),
    "a few forms": partial(nested, 9),
    "old packing": lambda: packed("LZWDecode", lzw(at(b"100"))),
    "packing in runs": lambda: packed("RunLengthDecode", runs(at(b"100"))),
}

"""Fonts by whose dictionaries PDFium showed something else than Poppler or MuPDF: refused. Those that all show
alike are taken in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pikepdf import Array, Dictionary, Name, Object, Pdf, String

from tests.pdf.compared_pages import TEXT, Make, made, page_with, require_refused, require_taken, stream

_IDENTITY = Name("/Identity-H")
_SQUARE = b" 0 0 800 800 re f"
_PLAIN_GLYPH, _BARE_GLYPH = b"1000 0 d0" + _SQUARE, b"1000 0 0 0 1000 1000 d1"


def _font(text: bytes = b"(PAY)", **entries: Any) -> Make:
    def draw(pdf: Pdf, page: Object) -> bytes:
        page.Resources.Font.F1.update({f"/{k}": made(pdf, v) for k, v in entries.items()})
        return TEXT.replace(b"(PAY)", text)

    return page_with(draw)


def _named(*differences: Any, **more: Any) -> Dictionary:
    return Dictionary(Type=Name.Encoding, Differences=Array(differences), **more)


def _file(flags: int) -> Callable[[Pdf], Object]:
    def describe(pdf: Pdf) -> Object:
        font = pdf.make_stream(Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf").read_bytes())
        return Dictionary(Type=Name.FontDescriptor, FontName=Name.D, Flags=flags, FontFile2=font)

    return describe


def _composite(codes: Any = _IDENTITY, text: bytes = b"<00330024>", **entries: Any) -> Make:
    def draw(pdf: Pdf, page: Object) -> bytes:
        system = Dictionary(Registry=String("Adobe"), Ordering=String("Identity"), Supplement=0)
        given = {k: made(pdf, v) for k, v in entries.items()}
        below = Dictionary(
            Type=Name.Font,
            Subtype=Name.CIDFontType2,
            BaseFont=Name.D,
            CIDSystemInfo=system,
            FontDescriptor=_file(4)(pdf),
            **given,
        )
        page.Resources.Font.F1 = Dictionary(
            Type=Name.Font,
            Subtype=Name.Type0,
            BaseFont=Name.D,
            DescendantFonts=Array([below]),
            Encoding=made(pdf, codes),
        )
        return b" BT /F1 40 Tf 60 600 Td " + text + b" Tj ET"

    return page_with(draw)


def _codes(ranges: bytes, space: bytes = b"<0000> <FFFF>", head: bytes = b"") -> Callable[[Pdf], Object]:
    begun = b"begincmap " + head + b" 1 begincodespacerange " + space + b" endcodespacerange "
    return stream(begun + ranges + b" endcmap", Type=Name.CMap, CMapName=Name.X)


def _glyphs(first: bytes, second: bytes, **entries: Any) -> Make:
    def draw(pdf: Pdf, page: Object) -> bytes:
        said = {"FirstChar": 65, "LastChar": 66, "Widths": Array([1000, 1000]), **entries}
        page.Resources.Font.F1 = Dictionary(
            Type=Name.Font,
            Subtype=Name.Type3,
            FontMatrix=Array([0.001, 0, 0, 0.001, 0, 0]),
            FontBBox=Array([0, 0, 1000, 1000]),
            CharProcs=Dictionary(a=pdf.make_stream(first), b=pdf.make_stream(second)),
            Encoding=_named(65, Name.a, Name.b),
            **said,
        )
        return b" 1 0 0 rg BT /F1 60 Tf 60 600 Td (AB) Tj ET"

    return page_with(draw)


ODD: dict[str, Make] = {
    "letters by other names": _font(Encoding=_named(65, Name("/g66"))),
    "letters without a name": _font(Encoding=_named(65, Name("/.notdef"))),
    "a sign that PDFium leaves empty": _font(Encoding=_named(65, Name.notequal)),
    "letters by numbers": _font(Encoding=_named(65, Name("/c66"))),
    "letters at a broken code": _font(Encoding=_named(65.7, Name.B)),
    "letters at no code": _font(Encoding=_named(Name.B)),
    "letters of experts": _font(Encoding=Name.MacExpertEncoding),
    "symbols without their names": _font(BaseFont=Name.Symbol, Encoding=_named(65, Name.B)),
    "ornaments without their names": _font(BaseFont=Name.ZapfDingbats, Encoding=_named(65, Name.a80)),
    "letters that go back": _font(FirstChar=65, LastChar=65, Widths=Array([-600])),
    "names in a font of symbols": _font(
        Subtype=Name.TrueType, FontDescriptor=_file(4), Encoding=_named(65, Name.B)
    ),
    "numbers in a font": _font(Subtype=Name.TrueType, FontDescriptor=_file(32), Encoding=_named(65, Name("/g50"))),
    "codes that nobody knows": _composite(Name("/Foo-H")),
    "codes less one": _composite(_codes(b"1 begincidrange <0000> <FFFF> -1 endcidrange")),
    "vertical codes": _composite(_codes(b"1 begincidrange <0000> <FFFF> 0 endcidrange", head=b"/WMode 1 def")),
    "codes of three bytes": _composite(
        _codes(b"1 begincidrange <000000> <0000FF> 0 endcidrange", b"<000000> <FFFFFF>")
    ),
    "a code twice": _composite(
        _codes(b"1 begincidrange <0000> <FFFF> 0 endcidrange 1 begincidchar <0033> 80 endcidchar")
    ),
    "a letter beyond the map": _composite(CIDToGIDMap=stream(b"\0\1" * 0x33)),
    "one in plain": _composite(CIDToGIDMap=stream(b"\0\1" * 0x33), text=rb"(\000\063)"),
    "a short map of bytes": _composite(
        _codes(b"1 begincidrange <00> <FF> 0 endcidrange", b"<00> <FF>"), CIDToGIDMap=stream(b"\0\1" * 255)
    ),
    "widths without end": _composite(
        W=Array([each for at in range(999) for each in (at << 17, at << 17 | 65535, 1)])
    ),
    "two widths": _composite(W=Array([36, 60, 3000, 36, Array([100])])),
    "a width below nothing": _composite(DW=-700),
    "glyphs without widths": _glyphs(_PLAIN_GLYPH, _PLAIN_GLYPH, FirstChar=70, LastChar=71),
    "a colour in a glyph without": _glyphs(_PLAIN_GLYPH, _BARE_GLYPH + b" 1 g" + _SQUARE),
    "a picture in a glyph without": _glyphs(
        _PLAIN_GLYPH, _BARE_GLYPH + b" q 9 0 0 9 0 0 cm BI /W 1 /H 1 /BPC 8 /CS /G ID 1 EI Q"
    ),
    "a code of Macintosh": _font(b"(PAY \\266)", Encoding=Name.MacRomanEncoding),
    "another code of Macintosh": _font(b"<BD>", Encoding=_named(65, Name.B, BaseEncoding=Name.MacRomanEncoding)),
    "symbols by codes of Macintosh": _font(BaseFont=Name.Symbol, Encoding=Name.MacRomanEncoding),
    "one in a glyph": _glyphs(_PLAIN_GLYPH, b"1000 0 d0 0 500 800 .01 re f"),
}

PLAIN: dict[str, Make] = {
    "letters by their names": _font(Encoding=_named(65, Name.B, Name.Euro, 200, Name("/.notdef"))),
    "characters in a font": _font(
        Subtype=Name.TrueType, FontDescriptor=_file(32), Encoding=_named(65, Name("/uni0042"), Name.afii10018)
    ),
    "own names": _font(FontDescriptor=_file(32), Encoding=_named(65, Name("/g50"))),
    "other names of letters": _font(Encoding=_named(160, Name.nbspace, 173, Name.sfthyphen)),
    "symbols by names": _font(BaseFont=Name.Symbol, Encoding=_named(65, Name.alpha, Name.bullet)),
    "ornaments by names": _font(BaseFont=Name.ZapfDingbats, Encoding=_named(65, Name.a10, Name.a89)),
    "letters by numbers": _composite(W=Array([36, Array([700, 600]), 40, 60, 500])),
    "a width that is said twice": _composite(W=Array([36, 60, 700, 36, Array([700, 700])])),
    "codes of a country": _composite(Name("/UniGB-UTF16-H")),
    "all codes": _composite(_codes(b"1 begincidrange <0000> <FFFF> 0 endcidrange")),
    "all bytes": _composite(_codes(b"1 begincidrange <00> <ff> 0 endcidrange", b"<00> <ff>"), text=b"<33>"),
    "codes that are not vertical": _composite(
        _codes(b"1 begincidrange <0000> <FFFF> 0 endcidrange", head=b"/WMode 0 def")
    ),
    "a map": _composite(CIDToGIDMap=stream(b"\0\1" * 0x34)),
    "a map of all codes": _composite(
        _codes(b"1 begincidrange <0000> <FFFF> 0 endcidrange"), CIDToGIDMap=stream(b"\0\1" * 0x34)
    ),
    "a map of bytes": _composite(
        _codes(b"1 begincidrange <00> <FF> 0 endcidrange", b"<00> <FF>"),
        text=b"<33>",
        CIDToGIDMap=stream(b"\0\1" * 256),
    ),
    "a map in plain": _composite(CIDToGIDMap=stream(b"\0\1" * 0x34), text=rb"(\0003\0\063)"),
    "glyphs and more widths": _glyphs(_PLAIN_GLYPH, _PLAIN_GLYPH, Widths=Array([1000] * 3)),
    "glyphs": _glyphs(_PLAIN_GLYPH + b" 1 g" + _SQUARE, _BARE_GLYPH + _SQUARE),
    "a stencil in a glyph": _glyphs(
        _PLAIN_GLYPH, _BARE_GLYPH + b" BI /W 8 /H 1 /IM true /BPC 1 /D [1 0] ID \x0f EI"
    ),
    "codes of Macintosh": _font(b"(\\212\\312\\333\\322)", Encoding=Name.MacRomanEncoding),
    "a code of Macintosh with a name": _font(
        b"<BD>", Encoding=_named(189, Name.B, BaseEncoding=Name.MacRomanEncoding)
    ),
    "codes of Macintosh in a font": _font(
        Subtype=Name.TrueType, FontDescriptor=_file(32), Encoding=Name.MacRomanEncoding
    ),
}


@pytest.mark.parametrize("make", ODD.values(), ids=ODD)
def test_what_programs_show_differently_is_refused(make: Make) -> None:
    require_refused(make())


@pytest.mark.parametrize("make", PLAIN.values(), ids=PLAIN)
def test_what_all_show_alike_is_taken_in(make: Make) -> None:
    require_taken(make())

"""Colours, functions, shadings, patterns, pictures, notes and pages by whose dictionaries PDFium showed
something else than Poppler or MuPDF: refused. What all three show alike is taken in."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import pytest
from pikepdf import Array, Dictionary, Name, Object, Pdf, String

from tests.pdf.compared_pages import TEXT, Make, made, page_with, require_refused, require_taken, stream

_WHITE = {"WhitePoint": Array([0.95, 1, 1.09])}


def _tint(*ends: float, **more: Any) -> Dictionary:
    ends = ends or (1, 0)
    said = {"Domain": Array([0, 1]), "C0": Array([ends[0]]), "C1": Array([ends[1]]), "N": 1, **more}
    return Dictionary(FunctionType=2, **said)


def _program(code: bytes, inputs: int = 1) -> Callable[[Pdf], Object]:
    return stream(code, FunctionType=4, Domain=Array([0, 1] * inputs), Range=Array([0, 1]))


def _space(*parts: Any, colour: bytes = b"1") -> Make:
    def draw(pdf: Pdf, page: Object) -> bytes:
        page.Resources.ColorSpace = Dictionary(S=Array([made(pdf, each) for each in parts]))
        return b"/S cs " + colour + b" sc " + TEXT

    return page_with(draw)


def _ink(name: str, function: Any, alternate: Object = Name.DeviceGray) -> Make:
    return _space(Name.Separation, Name(f"/{name}"), alternate, function)


def _stitched(*bounds: float) -> Dictionary:
    count = len(bounds) + 1
    return Dictionary(
        FunctionType=3,
        Domain=Array([0, 1]),
        Functions=Array([_tint()] * count),
        Bounds=Array(bounds),
        Encode=Array([0, 1] * count),
    )


def _round(pdf: Pdf, page: Object) -> None:
    function = pdf.make_indirect(_stitched())
    function.Functions = Array([function])
    page.Resources.ColorSpace = Dictionary(S=Array([Name.Separation, Name.Spot, Name.DeviceGray, function]))


def _circle(pdf: Pdf, page: Object) -> None:
    space = pdf.make_indirect(Array([Name.Pattern]))
    space.append(space)
    shading = Dictionary(ShadingType=2, ColorSpace=space, Coords=Array([0, 0, 9, 9]), Function=_tint())
    page.Resources.Shading = Dictionary(S=shading)


def _default(name: str, space: Any) -> Make:
    return page_with(
        lambda pdf, page: page.Resources.update({"/ColorSpace": Dictionary({f"/{name}": made(pdf, space)})})
    )


def _state(**entries: Any) -> Make:
    def draw(pdf: Pdf, page: Object) -> bytes:
        page.Resources.ExtGState = Dictionary(G=Dictionary({f"/{k}": made(pdf, v) for k, v in entries.items()}))
        return b"/G gs " + TEXT

    return page_with(draw)


def _mask(**entries: Any) -> Callable[[Pdf], Object]:
    group = stream(b"1 g 0 0 595 842 re f", Type=Name.XObject, Subtype=Name.Form, BBox=Array([0, 0, 595, 842]))
    return lambda pdf: Dictionary(
        {"/S": Name.Luminosity, "/G": group(pdf)} | {f"/{k}": v for k, v in entries.items()}
    )


def _form(state: Dictionary, content: bytes, box: tuple[float, ...] = (0, 0, 595, 842)) -> Make:
    def draw(pdf: Pdf, page: Object) -> bytes:
        form = Dictionary(Type=Name.XObject, Subtype=Name.Form, BBox=Array(box))
        page.Resources.update({"/ExtGState": Dictionary(G=state)})
        page.Resources.XObject = Dictionary(F=pdf.make_stream(content, form))
        return b"/G gs /F Do"

    return page_with(draw)


def _image(data: bytes = b"\x00\xff", use: bytes = b"", **entries: Any) -> Make:
    said: dict[str, Any] = {
        "Width": 2,
        "Height": 1,
        "BitsPerComponent": 8,
        "ColorSpace": Name.DeviceGray,
        **entries,
    }

    def draw(pdf: Pdf, page: Object) -> bytes:
        given = {k: made(pdf, v) for k, v in said.items() if v is not None}
        image = pdf.make_stream(data, Dictionary(Type=Name.XObject, Subtype=Name.Image, **given))
        page.Resources.XObject = Dictionary(I=image)
        return TEXT + use + b" q 300 0 0 100 60 300 cm /I Do Q"

    return page_with(draw)


def _picture(data: bytes = b"\xff\x00", **entries: Any) -> Callable[[Pdf], Object]:
    said = {"Width": 2, "Height": 1, "BitsPerComponent": 8, "ColorSpace": Name.DeviceGray, **entries}
    return stream(data, Type=Name.XObject, Subtype=Name.Image, **said)


def _endless(pdf: Pdf, page: Object) -> bytes:
    space = pdf.make_indirect(Array([Name.Pattern]))
    space.append(space)
    page.Resources.ColorSpace = Dictionary(S=space)
    return b"/S cs" + TEXT


_STENCIL = {"ImageMask": True, "BitsPerComponent": 1, "ColorSpace": None, "Width": 8}


def _shaded(data: bytes | None = None, **entries: Any) -> Make:
    said = {"ShadingType": 2, "ColorSpace": Name.DeviceGray, "Coords": Array([60, 0, 360, 0]), "Function": _tint()}

    def draw(pdf: Pdf, page: Object) -> bytes:
        given = {k: made(pdf, v) for k, v in {**said, **entries}.items() if v is not None}
        shading = Dictionary(**given) if data is None else pdf.make_stream(data, Dictionary(**given))
        page.Resources.Shading = Dictionary(S=shading)
        return TEXT + b" /S sh"

    return page_with(draw)


_LATTICE = {
    "ShadingType": 5,
    "Coords": None,
    "Function": None,
    "VerticesPerRow": 2,
    "BitsPerCoordinate": 8,
    "BitsPerComponent": 8,
    "Decode": Array([60, 360, 100, 400, 0, 1]),
}


def _tiled(
    use: bytes = b" /Pattern cs /P scn 60 100 300 300 re f", *, content: bytes = b"0 0 9 9 re f", **entries: Any
) -> Make:
    said = {
        "PatternType": 1,
        "PaintType": 1,
        "TilingType": 1,
        "BBox": Array([0, 0, 20, 20]),
        "XStep": 20,
        "YStep": 20,
    }

    def draw(pdf: Pdf, page: Object) -> bytes:
        tile = pdf.make_stream(content, Dictionary(Resources=Dictionary(), **{**said, **entries}))
        page.Resources.Pattern = Dictionary(P=tile)
        page.Resources.ColorSpace = Dictionary(U=Array([Name.Pattern, Name.DeviceGray]))
        return TEXT + use

    return page_with(draw)


def _noted(kind: str, *, form: bool = False, **entries: Any) -> Make:
    def draw(pdf: Pdf, page: Object) -> None:
        look = pdf.make_stream(b"0 0 99 99 re f", Dictionary(Subtype=Name.Form, BBox=Array([0, 0, 99, 99])))
        said = {"F": 4, "Rect": Array([100, 500, 300, 600]), "AP": Dictionary(N=look), **entries}
        note = pdf.make_indirect(Dictionary(Type=Name.Annot, Subtype=Name(f"/{kind}"), **said))
        page.Annots = Array([note])
        if form:
            pdf.Root.AcroForm = Dictionary(Fields=Array([note]))

    return page_with(draw)


def _boxed(**entries: Any) -> Make:
    return page_with(lambda pdf, page: page.update({f"/{k}": v for k, v in entries.items()}))


def _drawn(content: bytes) -> Make:
    return page_with(lambda pdf, page: TEXT + content)


def _formed(content: bytes) -> Make:
    def draw(pdf: Pdf, page: Object) -> bytes:
        form = Dictionary(Subtype=Name.Form, BBox=Array([0, 0, 300, 300]))
        page.Resources.XObject = Dictionary(X=pdf.make_stream(content, form))
        return TEXT + b" /X Do"

    return page_with(draw)


def _grouped(state: Dictionary, **group: Any) -> Make:
    def draw(pdf: Pdf, page: Object) -> bytes:
        form = Dictionary(Subtype=Name.Form, BBox=Array([0, 0, 300, 300]), Group=Dictionary(**group))
        form.Resources = Dictionary(ExtGState=Dictionary(G=state))
        page.Resources.XObject = Dictionary(X=pdf.make_stream(b"/G gs 0 0 99 99 re f", form))
        return TEXT + b" /X Do"

    return page_with(draw)


def _outlined(path: bytes, lines: float) -> Make:
    def draw(pdf: Pdf, page: Object) -> bytes:
        page.Resources.ExtGState = Dictionary(G=Dictionary(CA=lines))
        return TEXT + b" /G gs " + path + b" B"

    return page_with(draw)


_QUAD = Array([100, 600, 300, 600, 100, 500, 300, 500])
_INDEXED = Array([Name.Indexed, Name.DeviceRGB, 1, String(b"\0\0\0\xff\xff\xff")])
_INLINE = b" q 99 0 0 99 0 0 cm BI /W 1 /H 1 %b ID 1 EI Q"

ODD: dict[str, Make] = {
    "a gray of an odd gamma": _space(Name.CalGray, Dictionary(**_WHITE, Gamma=1000), colour=b".99"),
    "colours of odd gammas": _space(Name.CalRGB, Dictionary(**_WHITE, Gamma=Array([9, 9, 9])), colour=b".9 .9 .9"),
    "colours of an odd white": _space(Name.CalRGB, Dictionary(WhitePoint=Array([0.01, 1, 0.01])), colour=b"1 1 1"),
    "the ink None": _ink("None", _tint()),
    "inks None": _space(Name.DeviceN, Array([Name("/None")]), Name.DeviceGray, _tint()),
    "black that is white": _ink("Black", _tint(0, 1)),
    "an ink of too few colours": _ink("Spot", _tint(), Name.DeviceRGB),
    "a function backwards": _ink("Spot", _tint(Domain=Array([1, 0]))),
    "a function of itself": page_with(_round),
    "a space of itself": page_with(_circle),
    "a program in a program": _ink("Spot", _program(b"{" * 3000 + b"}" * 3000)),
    "a part for no choice": _ink("Spot", _program(b"{{0} pop 0}")),
    "a function of two sizes": _ink("Spot", _tint(C0=Array([1, 1, 1]))),
    "parts out of order": _ink("Spot", _stitched(0.8, 0.2)),
    "samples of three bits": _ink(
        "Spot",
        stream(
            b"\xe0", FunctionType=0, Domain=Array([0, 1]), Range=Array([0, 1]), Size=Array([2]), BitsPerSample=3
        ),
    ),
    **{
        f"the program {each.decode()}": _ink("Spot", _program(each))
        for each in (
            b"{pop -0.5 round 1 add}",
            b"{pop true {0} if 1}",
            b"{pop -1 sqrt}",
            b"{pop 16#0}",
            b"{pop 1e-5}",
            b"{foo pop 0}",
            b"{pop}",
            b"{pop 0",
            b"{pop 0} {pop 1}",
            b"pop 0",
            b"{exch}",
            b"{2 copy}",
            b"{dup 0 gt {0} {1 1} ifelse}",
            b"{dup index}",
            b"{9 index}",
            b"{0.5 gt}",
            b"{0 div}",
            b"{1 or}",
            b"{cvi 0.5 idiv}",
            b"{true {0} if 1 pop}",
        )
    },
    **{
        f"another {each}": _default(each, lambda pdf: Array([Name.Separation, Name.X, Name.DeviceGray, _tint()]))
        for each in ("DefaultGray", "DefaultRGB", "DefaultCMYK")
    },
    "transfer functions": _state(TR=Array([_tint()] * 4)),
    "a transfer function of a mask": _state(SMask=_mask(TR=_tint())),
    "a mask of no kind": _state(SMask=_mask(S=Name.Foo)),
    "light upon black": _state(BM=Name.ColorDodge),
    "a picture of three bits": _image(BitsPerComponent=3),
    "a picture of no bits": _image(BitsPerComponent=None),
    "a picture of no colours": _image(ColorSpace=None),
    "a picture of patterns": _image(ColorSpace=Name.Pattern),
    "a picture of too little": _image(Height=9),
    "half a mapping": _image(Decode=Array([1])),
    "a stencil of gray": _image(b"\x0f", **_STENCIL, Decode=Array([0.6, 0.4])),
    "a stencil of eight bits": _image(b"\x0f" * 8, **{**_STENCIL, "BitsPerComponent": 8}),
    "half a colour key": _image(Mask=Array([0])),
    "a mask of colours": _image(SMask=_picture(b"\xff\0\0\xff\0\0", ColorSpace=Name.DeviceRGB)),
    "a mask that is a picture": _image(Mask=_picture()),
    "a short palette": _image(
        b"\0\5", ColorSpace=Array([Name.Indexed, Name.DeviceRGB, 5, String(b"\xff\xff\xff\0\0\0")])
    ),
    "a palette backwards": _image(b"\0\1", ColorSpace=_INDEXED, Decode=Array([1, 0])),
    "a palette of a palette": _image(ColorSpace=Array([Name.Indexed, _INDEXED, 1, String(b"\1\0")])),
    "a background": _shaded(Background=Array([0])),
    "a shading without way": _shaded(Coords=Array([60, 0, 60, 0])),
    "a circle upon itself": _shaded(ShadingType=3, Coords=Array([9, 9, 50, 9, 9, 50])),
    "a circle of less than nothing": _shaded(ShadingType=3, Coords=Array([9, 9, 0, 9, 9, -50])),
    "a shading of patterns": _shaded(ColorSpace=Name.Pattern),
    "one colour for three": _shaded(ColorSpace=Name.DeviceRGB),
    "a root of nothing": _shaded(Function=_program(b"{neg sqrt}")),
    "a lattice with a rest": _shaded(b"\0\0\0" * 5, **_LATTICE),
    "patterns of patterns": page_with(_endless),
    "a program of braces": _ink("Spot", _program(b"{" * 9999 + b"}" * 9999)),
    "a mesh": _shaded(b"\0\0\0\0" * 3, **{**_LATTICE, "ShadingType": 4, "BitsPerFlag": 8}),
    "a pattern that stays": _tiled(XStep=0),
    "a pattern of no kind": _tiled(PaintType=3),
    "a pattern that wants a colour": _tiled(PaintType=2),
    "a pattern that wants none": _tiled(b" /U cs 0 /P scn 60 100 300 300 re f"),
    "a pattern through a stencil": _tiled(
        b" /Pattern cs /P scn q 9 0 0 9 0 0 cm BI /W 8 /H 1 /IM true ID \x0f EI Q"
    ),
    "a link with a picture": _noted("Link", Border=Array([0, 0, 0])),
    "a polygon without corners": _noted("Polygon"),
    "a highlight of nothing": _noted("Highlight"),
    "a highlight of half": _noted("Highlight", QuadPoints=Array([1, 2, 3, 4])),
    "a file that is none": _noted("FileAttachment", Rect=Array([0, 0, 20, 20])),
    "an invisible stamp": _noted("Stamp", F=5),
    "a stamp of one size": _noted("Stamp", F=12),
    "a large icon": _noted("Text", F=28),
    "a field of no form": _noted("Widget", FT=Name.Tx, T=String("x")),
    "a page turned by 45": _boxed(Rotate=45),
    "a page turned by 90.0": _boxed(Rotate=Object.parse(b"90.0")),
    "a page of nothing": _boxed(CropBox=Array([0, 0, 0, 0])),
    "a page beside itself": _boxed(CropBox=Array([1000, 1000, 1200, 1200])),
    "an area without height": _drawn(b" 50 50 200 0 re f"),
    "one that is hardly any": _drawn(b" q 1 0 0 .00001 0 50 cm 50 0 200 1 re f Q"),
    "one in a form": _formed(b"50 50 200 .001 re f"),
    "a line that is filled": _drawn(b" 50 50 m 250 250 l f"),
    "an area that folds back": _drawn(b" 50 50 m 100 50 l 100 100 l 250 100 l 100 100 l 50 100 l f"),
    "an area with faint lines": _outlined(b"50 50 m 250 50 l", 0),
    "a frame of twice the same": _drawn(b" 50 50 m 250 50 l h 49 49 204 9 re 49 49 204 9 re f*"),
    "a clip without width": _drawn(b" 50 50 0 200 re W n 0 0 300 300 re f"),
    "clips that hardly meet": _drawn(b" 50 50 200 100 re W n 50 149.999 200 100 re W n 0 0 300 300 re f"),
    "a picture without height": _image(use=b" q 300 0 0 .001 60 200 cm /I Do Q"),
    "an inline picture without height": _drawn(b" q 300 0 0 .001 60 200 cm BI /W 1 /H 1 /BPC 8 /CS /G ID \0 EI Q"),
    "a shading without height": _shaded(BBox=Array([50, 50, 250, 50.001])),
    "a form without height": _form(Dictionary(), b"0 0 300 300 re f", (50, 50, 250, 50.001)),
    "an area of a form with faint lines": _form(Dictionary(CA=0), b"50 50 m 250 50 l B"),
    "an area of a form with lines half as faint": _form(Dictionary(CA=0.5), b"50 50 99 99 re B"),
    "a note without height": _noted("Stamp", Rect=Array([100, 500, 300, 500.001])),
    "white upon white": _state(BM=Name.ColorBurn),
    "colours mixed in a group": _grouped(Dictionary(BM=Name.Multiply), S=Name.Transparency),
    "nothing that knocks out": _grouped(Dictionary(ca=0), S=Name.Transparency, K=True, I=True),
    "an area with lines half as faint": _outlined(b"50 50 99 99 re", 0.5),
    "a pattern without height": _tiled(BBox=Array([0, 0, 10, 0.001])),
    "an area without height in a pattern": _tiled(content=b"0 5 9 0 re f"),
    "an inline picture of three bits": _drawn(_INLINE % b"/BPC 3 /CS /G"),
    "an inline picture of no colours": _drawn(_INLINE % b"/BPC 8"),
    "an inline mapping": _drawn(_INLINE % b"/BPC 8 /CS /G /D [.6 .4]"),
    "an inline mapping of three": _drawn(_INLINE % b"/BPC 8 /CS /G /D [0 10 1]"),
    "an inline palette backwards": _drawn(_INLINE % b"/BPC 8 /CS [/I /G 1 <00ff>] /D [1 0]"),
}

PLAIN: dict[str, Make] = {
    "a page": page_with(lambda pdf, page: None),
    "a gray of a usual gamma": _space(Name.CalGray, Dictionary(**_WHITE, Gamma=2.2)),
    "colours as on screens": _space(Name.CalRGB, Dictionary(**_WHITE, Gamma=Array([2.2] * 3)), colour=b"1 0 0"),
    "a spot": _ink("Spot", _tint()),
    "every ink": _ink("All", _tint()),
    "black": _ink("Black", _tint()),
    "black by a program": _ink("Black", _program(b"{1 exch sub}")),
    "inks with None": _space(
        Name.DeviceN,
        Array([Name.Red, Name("/None")]),
        Name.DeviceGray,
        _program(b"{pop 1 exch sub}", 2),
        colour=b"1 1",
    ),
    "an ink by a program": _ink("Spot", _program(b"{dup 0.5 mul exch 0 gt {1 mul} {pop 0} ifelse 1 1 roll}")),
    "parts that end together": _ink("Spot", _stitched(0.5, 0.5)),
    "black by another program": _ink("Black", _program(b"{1 exch sub }\n")),
    "another profile": _default("DefaultGray", lambda pdf: Array([Name.ICCBased, stream(b"profile", N=1)(pdf)])),
    "a font called TR": page_with(lambda pdf, page: page.Resources.Font.update({"/TR": page.Resources.Font.F1})),
    "a mask": _state(SMask=_mask(TR=Name.Identity, BC=Array([0]))),
    "a mode": _state(BM=Name.Multiply),
    "a picture": _image(),
    "an ink by halves": _ink("Spot", _program(b"{dup 2 div exch 0.5 gt true and not {1 sub abs} if}")),
    "a negative": _image(Decode=Array([1, 0])),
    "a picture without its last line": _image(Height=2),
    "a stencil": _image(b"\x0f", **_STENCIL, Decode=Array([1, 0])),
    "a palette backwards": _image(b"\x40", ColorSpace=_INDEXED, BitsPerComponent=1, Decode=Array([1, 0])),
    "an inline palette backwards": _drawn(_INLINE % b"/BPC 1 /CS [/I /G 1 <00ff>] /D [1 0]"),
    "a palette": _image(b"\0\1", ColorSpace=_INDEXED, Decode=Array([0, 255])),
    "a picture that is packed twice": _image(
        zlib.compress(zlib.compress(bytes(9999))), Width=99, Height=101, Filter=Array([Name.FlateDecode] * 2)
    ),
    "masks": _image(SMask=_picture(), Mask=Array([0, 10])),
    "a shading": _shaded(Extend=Array([True, True])),
    "a shading of three": _shaded(ColorSpace=Name.DeviceRGB, Function=Array([_tint()] * 3)),
    "a distance": _shaded(
        ShadingType=1,
        Coords=None,
        Function=_program(b"{dup mul exch dup mul add sqrt}", 2),
    ),
    "circles": _shaded(ShadingType=3, Coords=Array([9, 9, 0, 9, 9, 50])),
    "a lattice": _shaded(b"\0\0\0" * 4, **_LATTICE),
    "a pattern": _tiled(),
    "a pattern without resources": lambda: _tiled()().replace(b"/Resources << >>", b"/Resources null "),
    "a pattern with a colour": _tiled(b" /U cs 0 /P scn 60 100 300 300 re f", PaintType=2),
    "a highlight": _noted("Highlight", QuadPoints=_QUAD),
    "a polygon": _noted("Polygon", Vertices=Array([100, 500, 300, 600, 100, 600])),
    "an icon": _noted("Text", F=28, Rect=Array([0, 0, 24, 24])),
    "a field": _noted("Widget", form=True, FT=Name.Tx, T=String("x")),
    "a page that is not turned": _boxed(Rotate=Object.parse(b"0.0")),
    "a turned page": _boxed(Rotate=-90, CropBox=Array([-9, -9, 500, 900])),
    "a bar of nothing on its axis": _drawn(b" 50 50 20 0 re f 1 w 40 50 m 90 50 l S"),
    "a line that is filled and drawn": _drawn(b" 50 50 m 250 50 l B"),
    "a frame that is nothing but its lines": _drawn(
        b" 50 50 m 250 50 l 250 50 l 50 50 l h 49.25 49.25 m 49.25 50.75 l 250.75 50.75 l 250.75 49.25 l h f*"
    ),
    "a form": _form(Dictionary(CA=0.5, ca=0.5), b"50 50 99 99 re B"),
    "a note with a picture": _noted("Stamp", Rect=Array([100, 500, 300, 550])),
    "a path of nothing": _drawn(b" 1 0 0 RG /DeviceRGB cs S 0 g 50 50 m 250 250 l S"),
    "thin bars": _drawn(b" 50 50 200 .1 re f 50 60 .1 99 re f"),
    "a clip around nothing that is drawn": _drawn(b" q 0 0 0 0 re W n Q"),
    "colours mixed in a group of its own": _grouped(Dictionary(BM=Name.Multiply), S=Name.Transparency, I=True),
    "a group of office software": _grouped(Dictionary(BM=Name.Normal), S=Name.Transparency, K=True),
    "hatches": _tiled(content=b"0 0 m 9 9 l B"),
    "an inline mapping to itself": _drawn(_INLINE % b"/BPC 8 /CS /G /D [0.0 1.0]"),
    "an inline negative": _drawn(_INLINE % b"/BPC 8 /CS /G /D [1 0]"),
}


@pytest.mark.parametrize("make", ODD.values(), ids=ODD)
def test_what_programs_show_differently_is_refused(make: Make) -> None:
    require_refused(make())


@pytest.mark.parametrize("make", PLAIN.values(), ids=PLAIN)
def test_what_all_show_alike_is_taken_in(make: Make) -> None:
    require_taken(make())

"""What could change its look after signing, and what only looks alike."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from pikepdf import Array, Dictionary, Name, Pdf, String

from tests.attacks.writing import FONT, contract, stream, written
from tests.pdf import documents
from tests.pdf.documents import changed

_PAGE = b"/Contents 4 0 R"


def _font(**entries: object) -> bytes:
    """A document whose page uses a font of these entries."""

    def use(pdf: Pdf) -> None:
        font = pdf.make_indirect(Dictionary(Type=Name.Font, **entries))
        pdf.pages[0].Resources.Font.F9 = font

    return changed(use)


def _layers(group: Dictionary | None = None, **properties: object) -> bytes:
    """A document with one visible layer, and more."""

    def layer(pdf: Pdf) -> None:
        one = pdf.make_indirect(Dictionary(Type=Name.OCG, Name="Layer"))
        pdf.Root.OCProperties = Dictionary(**{"OCGs": Array([one]), "D": Dictionary(), **properties})
        if group is not None:
            pdf.pages[0].Resources.Properties = Dictionary(M=pdf.make_indirect(group))

    return changed(layer)


def _used_layer(**states: str) -> bytes:
    """A document with a layer of this usage, by event."""
    usage = Dictionary()
    for event, state in states.items():
        usage[f"/{event}"] = Dictionary({f"/{event}State": Name(f"/{state}")})
    return _layers(Dictionary(Type=Name.OCG, Name="Used", Usage=usage))


def _unlisted_layer() -> bytes:
    def layer(pdf: Pdf) -> None:
        one = pdf.make_indirect(Dictionary(Type=Name.OCG, Name="Layer"))
        pdf.Root.OCProperties = Dictionary(OCGs=Array([]), D=Dictionary(OFF=Array([one])))

    return changed(layer)


def _drawn_by_programs(kind: str) -> bytes:
    """A note that has no picture of its own."""
    return documents.with_annotation(Subtype=Name(f"/{kind}"), Contents="one million")


_EMPTY = Dictionary(N=Name.Nothing)


def _without_picture(kind: str) -> bytes:
    """A note whose pictures have none that is shown: some programs draw it, and others do not."""
    return documents.with_annotation(Subtype=Name(f"/{kind}"), AP=_EMPTY)


def _links(*places: tuple[float, float], border: float = 3) -> bytes:
    """Links over each other, each from one height to another."""

    def annotate(pdf: Pdf) -> None:
        notes = [
            Dictionary(
                Type=Name.Annot, Subtype=Name.Link, Rect=Array([90, low, 300, high]),
                C=Array([1, 1, 1]), Border=Array([0, 0, border]),
            )
            for low, high in places
        ]  # fmt: skip
        pdf.pages[0].Annots = Array([pdf.make_indirect(each) for each in notes])

    return changed(annotate)


def _field_behind_links() -> bytes:
    """Two fields over each other, as the last ones of many notes on the page."""

    def place(pdf: Pdf) -> None:
        link = pdf.make_indirect(
            Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=Array([0, 0, 0, 0]), Border=Array([0, 0, 0]))
        )
        fields = [_widget("100", b"100")(pdf), _widget("200", b"200", T="other")(pdf)]
        pdf.pages[0].Annots = Array([link] * 300 + fields)
        pdf.Root.AcroForm = Dictionary(Fields=Array(fields))

    return changed(place)


def _link(**entries: object) -> bytes:
    return documents.with_annotation(Subtype=Name.Link, C=Array([1, 1, 1]), **entries)


def _states(chosen: str | None) -> bytes:
    """A stamp that has two states, and is in the one that is *chosen*."""

    def annotate(pdf: Pdf) -> None:
        pictures = Dictionary(One=pdf.make_stream(b"q Q"), Off=pdf.make_stream(b"q Q"))
        note = Dictionary(Type=Name.Annot, Subtype=Name.Stamp, Rect=Array([0, 0, 9, 9]), AP=Dictionary(N=pictures))
        if chosen is not None:
            note.AS = Name(f"/{chosen}")
        pdf.pages[0].Annots = Array([pdf.make_indirect(note)])

    return changed(annotate)


def _signature_field(pdf: Pdf) -> Any:
    """One that waits for its signature, and has a ground in white."""
    return pdf.make_indirect(
        Dictionary(
            Type=Name.Annot, Subtype=Name.Widget, FT=Name.Sig, T="sign",
            Rect=Array([100, 100, 200, 120]), MK=Dictionary(BG=Array([1, 1, 1])),
        )
    )  # fmt: skip


def _widget(value: str, shown: bytes, **entries: object) -> Callable[[Pdf], Any]:
    def make(pdf: Pdf) -> Any:
        picture = pdf.make_stream(b"BT /F1 12 Tf (%s) Tj ET" % shown)
        picture.Subtype, picture.BBox = Name.Form, Array([0, 0, 100, 20])
        field = Dictionary(
            Type=Name.Annot, Subtype=Name.Widget, FT=Name.Tx, T="amount", V=String(value),
            Rect=Array([100, 100, 200, 120]), AP=Dictionary(N=picture),
        )  # fmt: skip
        for key, given in entries.items():
            field[f"/{key}"] = given
        return pdf.make_indirect(field)

    return make


def _form(*widgets: Callable[[Pdf], Any]) -> bytes:
    def place(pdf: Pdf) -> None:
        made = Array([each(pdf) for each in widgets])
        pdf.pages[0].Annots = made
        pdf.Root.AcroForm = Dictionary(Fields=made)

    return changed(place)


def _annotation(**appearances: bytes) -> bytes:
    def annotate(pdf: Pdf) -> None:
        pictures = Dictionary()
        for key, drawn in appearances.items():
            pictures[f"/{key}"] = pdf.make_stream(drawn)
        note = Dictionary(Type=Name.Annot, Subtype=Name.Stamp, Rect=Array([0, 0, 9, 9]), AP=pictures)
        pdf.pages[0].Annots = Array([pdf.make_indirect(note)])

    return changed(annotate)


def _image(**entries: object) -> bytes:
    def show(pdf: Pdf) -> None:
        image = pdf.make_stream(b"\xff")
        image.Type, image.Subtype, image.Width, image.Height = Name.XObject, Name.Image, 1, 1
        image.ColorSpace, image.BitsPerComponent = Name.DeviceGray, 8
        for key, given in entries.items():
            image[f"/{key}"] = given
        pdf.pages[0].Resources.XObject = Dictionary(Im=image)

    return changed(show)


def _missing(page: bytes) -> bytes:
    """A page that refers to an object 900, which the file does not have."""
    return written(contract({3: page}))


def _gbk_font() -> bytes:
    """The name in the bytes that old Chinese software writes."""
    return written(contract({5: b"<</Type/Font/Subtype/TrueType/BaseFont/#CB#CE#CC#E5>>"}))


_SPARE_PAGE = {21: contract()[3].replace(b"2 0 R", b"1 0 R")}
_WAITS = contract()[3].replace(_PAGE, b"/Contents[4 0 R 900 0 R]")

REFUSED: dict[str, tuple[str, Callable[[], bytes]]] = {
    "contents that wait": ("waiting-content", partial(_missing, _WAITS)),
    "a note that waits": ("waiting-content", partial(_missing, contract(annotations=b"900 0 R")[3])),
    "a spare page": ("unreferenced-pages", lambda: written(contract(_SPARE_PAGE))),
    "a spare catalogue": ("unreferenced-pages", lambda: written(contract({20: b"<</Type/Catalog/Pages 2 0 R>>"}))),
    "a font of no name": ("unknown-font", lambda: _font(Subtype=Name.Type1)),
    "a font that nobody has": ("unknown-font", lambda: _font(Subtype=Name.TrueType, BaseFont=Name.Evil)),
    "a subset that is not there": (
        "unknown-font", lambda: _font(Subtype=Name.TrueType, BaseFont=Name("/ABCDEF+Arial"))
    ),
    "a descriptor without a file": (
        "unknown-font",
        lambda: _font(Subtype=Name.CIDFontType2, BaseFont=Name.Evil, FontDescriptor=Dictionary(Flags=4)),
    ),
    "a layer that shows when another is off": (
        "optional-content", lambda: _layers(Dictionary(Type=Name.OCMD, P=Name.AllOff))
    ),
    "a layer with a condition": (
        "optional-content", lambda: _layers(Dictionary(Type=Name.OCMD, VE=Array([Name.Not])))
    ),
    "a layer of none": ("optional-content", lambda: _layers(Dictionary(Type=Name.OCMD, OCGs=Array([])))),
    "a layer that shows when all are on": (
        "optional-content", lambda: _layers(Dictionary(Type=Name.OCMD, P=Name.AllOn))
    ),
    "layers of another intent": ("optional-content", lambda: _layers(D=Dictionary(Intent=Name.Design))),
    "other settings for layers": ("optional-content", lambda: _layers(Configs=Array([Dictionary()]))),
    "a layer that PDFium hides of itself": ("optional-content", lambda: _used_layer(View="OFF")),
    "a layer that is not printed": ("optional-content", lambda: _used_layer(Print="OFF")),
    "a layer that no list has": ("optional-content", _unlisted_layer),
    **{
        f"a {kind} that programs draw": ("second-look", partial(_drawn_by_programs, kind))
        for kind in ("Stamp", "FreeText", "Line", "Polygon", "PolyLine", "Caret", "Watermark", "FileAttachment")
    },
    "a stamp of several states": ("second-look", lambda: _states(None)),
    "a stamp of no state that it has": ("second-look", lambda: _states("Third")),
    "a signature field with a ground": ("second-look", lambda: _form(_signature_field)),
    "a link as wide as a bar": ("second-look", lambda: _link(Border=Array([0, 0, 30]))),
    "a link as wide by its style": ("second-look", lambda: _link(BS=Dictionary(W=4))),
    "a link that strikes out": ("second-look", lambda: _link(Rect=Array([20, 80, 250, 81]))),
    "a square without its picture": ("second-look", partial(_without_picture, "Square")),
    "a drawing without its picture": ("second-look", partial(_without_picture, "Ink")),
    "a box to tick without its picture": ("second-look", lambda: _form(_widget("", b"", FT=Name.Btn, AP=_EMPTY))),
    "links as a blind": ("second-look", lambda: _links((692, 698), (696, 702), (700, 706))),
    "links that are all frame": ("second-look", lambda: _links((692, 698), (698, 704))),
    "links over each other": ("second-look", lambda: _links((680, 720), (683, 723), (686, 726))),
    "fields over each other behind links": ("overlapping-fields", _field_behind_links),
    "a field that shows something else": ("field-disagrees", lambda: _form(_widget("900", b"100"))),
    "a field over another one": (
        "overlapping-fields", lambda: _form(_widget("100", b"100"), _widget("200", b"200", T="other"))
    ),
    "a picture for paper": ("second-look", lambda: _image(Alternates=Array([]))),
    "a picture from elsewhere": ("second-look", lambda: _image(OPI=Dictionary())),
    "a program for printers": ("scripted", lambda: _image(Subtype=Name.PS)),
    "a note with another look under the mouse": ("second-look", lambda: _annotation(N=b"q Q", R=b"q Q")),
    "a note with another look when pressed": ("second-look", lambda: _annotation(N=b"q Q", D=b"q Q")),
    "a note that is toggled": ("second-look", lambda: documents.with_annotation(Subtype=Name.Stamp, F=256)),
    "a passage to be removed": ("pending-redaction", lambda: documents.with_annotation(Subtype=Name.Redact)),
    "an address that runs": ("scripted", lambda: documents.with_action(S=Name.URI, URI="javascript:alert(1)")),
}  # fmt: skip
"""Reason to refuse, and the document."""

ACCEPTED: dict[str, Callable[[], bytes]] = {
    "a standard font": lambda: _font(Subtype=Name.Type1, BaseFont=Name("/Times-Roman")),
    "an office font": lambda: _font(Subtype=Name.TrueType, BaseFont=Name("/TimesNewRomanPS-BoldMT")),
    "a Chinese font": lambda: _font(Subtype=Name.TrueType, BaseFont=Name.SimSun),
    "a Chinese font by its own name": _gbk_font,
    "a Japanese font for its descendants": lambda: _font(
        Subtype=Name.CIDFontType0, BaseFont=Name("/HeiseiMin-W3")
    ),
    "a field that shows what it holds": lambda: _form(_widget("1,000.00", b"1000.00")),
    "a field in a font's own codes": lambda: _form(_widget("900", b"\\001\\002")),
    "a password": lambda: _form(_widget("secret", b"xxxxxx", Ff=1 << 13)),
    "an empty field": lambda: _form(_widget("", b"")),
    "fields side by side": lambda: _form(
        _widget("100", b"100"), _widget("200", b"200", T="other", Rect=Array([210, 100, 300, 120]))
    ),
    "a spare stream": lambda: written(contract({20: stream(b"left over"), 21: FONT})),
    "an address": lambda: documents.with_action(S=Name.URI, URI="https://example.org/"),
    "a link": lambda: documents.with_annotation(Subtype=Name.Link),
    "a link with a frame": lambda: _link(Border=Array([0, 0, 0.5])),
    "a flat link without a frame": lambda: _link(Border=Array([0, 0, 0]), Rect=Array([20, 80, 250, 80])),
    "links one below the other": lambda: _links((692, 703), (702, 713), border=1),
    "a highlight": partial(_drawn_by_programs, "Highlight"),
    "a stamp": lambda: _annotation(N=b"q Q"),
    "a stamp of the state that it is in": lambda: _states("One"),
    "a layer that is used when it is on": lambda: _used_layer(View="ON", Print="ON"),
    "a picture": _image,
    "a layer in a group": lambda: _layers(Dictionary(Type=Name.OCMD, P=Name.AnyOn)),
}

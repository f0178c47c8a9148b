"""Forms that other software fills: good files, and attacks that use what is allowed for their sake."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from io import BytesIO
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import FieldMDPAction, FieldMDPSpec
from reportlab.pdfgen import canvas

from appliance.verification import Level
from tests.attacks import good
from tests.attacks.registry import FORMAT, UNEXPLAINED, register
from tests.attacks.victims import FIELD, amount, filled, form, next_signature, shown, signing
from tests.attacks.writing import RED_BOX, contract, present, written
from tests.verification.documents import change, sign, with_fields

NAME = generic.pdf_name
_Edit = Callable[[IncrementalPdfFileWriter], None]
_UNEXPLAINED_OR_SEEN = (UNEXPLAINED, FORMAT)


# radio buttons: the value is in the field, the picture in kids without a name


@cache
def radio(*, certify: bool) -> bytes:
    """Three radio buttons by reportlab, the first one chosen, then signed, or certified with P=2."""
    file = BytesIO()
    paper = canvas.Canvas(file, invariant=1)
    paper.drawString(72, 760, "The buyer takes:")
    for place, value in enumerate("abc"):
        paper.acroForm.radio(name="choice", value=value, selected=value == "a", x=72, y=700 - 30 * place)
    paper.showPage()
    paper.save()
    return sign(with_fields(file.getvalue(), "first", "second"), signing("first", certify=certify))


def _group(writer: IncrementalPdfFileWriter) -> Any:
    fields = (each.get_object() for each in writer.root["/AcroForm"]["/Fields"])
    return next(each for each in fields if each["/T"] == "choice")


def _choose(writer: IncrementalPdfFileWriter, value: str = "/b", shown_as: str | None = None) -> None:
    """Choose *value*, and show that *shown_as* is chosen."""
    group = _group(writer)
    group["/V"] = NAME(value)
    writer.update_container(group)
    for kid in group["/Kids"]:
        widget = kid.get_object()
        states = [state for state in widget["/AP"]["/N"] if state != "/Off"]
        widget["/AS"] = NAME(shown_as or value) if (shown_as or value) in states else NAME("/Off")
        writer.update_container(widget)


def _move_widget(writer: IncrementalPdfFileWriter) -> None:
    _choose(writer)
    widget = _group(writer)["/Kids"][1].get_object()
    widget["/Rect"] = generic.ArrayObject(map(generic.NumberObject, (72, 740, 300, 780)))
    writer.update_container(widget)


def _widget_elsewhere(writer: IncrementalPdfFileWriter) -> None:
    """A kid of the field becomes one that lies somewhere else."""
    _choose(writer)
    group = _group(writer)
    kid = generic.DictionaryObject(group["/Kids"][1].get_object())
    kid["/Rect"] = generic.ArrayObject(map(generic.NumberObject, (72, 740, 300, 780)))
    group["/Kids"][1] = writer.add_object(kid)
    writer.update_container(group)


def _redraw_widget(writer: IncrementalPdfFileWriter) -> None:
    """The picture of a button that is chosen already, and no other value."""
    picture = _group(writer)["/Kids"][0].get_object()["/AP"]["/N"]["/a"]
    picture._data = b"0 0 20 20 re f"
    picture._encoded_data = None
    writer.update_container(picture)


def _without_value(writer: IncrementalPdfFileWriter) -> None:
    for place, state in ((0, "/Off"), (1, "/b")):
        widget = _group(writer)["/Kids"][place].get_object()
        widget["/AS"] = NAME(state)
        writer.update_container(widget)


def _signed_after(edit: _Edit, document: bytes) -> bytes:
    return next_signature(change(document, edit))


for _certify in (True, False):
    _how = "certified" if _certify else "signed"
    good.register(
        "forms", f"a radio button, {_how}, filled, signed",
        lambda certify=_certify: _signed_after(_choose, radio(certify=certify)), Level.T,
    )  # fmt: skip
_RADIO: dict[str, _Edit] = {
    "a radio button that shows another value": lambda writer: _choose(writer, "/b", "/c"),
    "a radio button chosen, and a widget moved": _move_widget,
    "a radio button chosen, and a widget of its exchanged": _widget_elsewhere,
    "a radio button drawn anew": _redraw_widget,
    "a radio button that shows another value, the value as it was": _without_value,
}
for _name, _edit in _RADIO.items():
    register(
        "form details", _name,
        lambda edit=_edit: _signed_after(edit, radio(certify=True)), *_UNEXPLAINED_OR_SEEN,
    )  # fmt: skip
register(
    "form details", "a radio button chosen, and nobody signed for it",
    lambda: change(radio(certify=False), _choose), *_UNEXPLAINED_OR_SEEN,
)  # fmt: skip


# typefaces of the form and of its fields, and lists to choose from

LIST = (
    b"<</Type/Annot/Subtype/Widget/FT/Ch/Ff 131072/T(kind)/Opt[(A)(B)]/V(A)/I[0]/DA(/F1 12 Tf)/F 4"
    b"/Rect[72 480 300 520]/P 3 0 R/AP<</N 17 0 R>>>>"
)
_CHOSEN = {16: LIST.replace(b"/V(A)/I[0]", b"/V(B)/I[1]"), 17: amount(b"B")}


@cache
def two_fields(*locked: str, text: bytes = FIELD) -> bytes:
    """A text and a list, signed once; the signature locks the fields *locked*, if any."""
    fields = b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[11 0 R 16 0 R]/DR<</Font<</F1 5 0 R>>>>>>>>"
    more = {1: fields, 11: text, 12: amount(b"100"), 16: LIST, 17: amount(b"A")}
    lock = FieldMDPSpec(FieldMDPAction.INCLUDE, list(locked)) if locked else None
    document = with_fields(written(contract(more, annotations=b"11 0 R 16 0 R")), "first", "second", lock=lock)
    return sign(document, signing("first"))


def _defaults(
    writer: IncrementalPdfFileWriter, *, typeface: str = "Helv", resources: bool = True, **more: Any
) -> None:
    """The entries that signing programs add to a form; *more* ones by their names."""
    forms = writer.root["/AcroForm"]
    forms["/DA"] = generic.pdf_string(f"/{typeface} 0 Tf 0 g")
    if resources:
        font = {"/Type": "/Font", "/Subtype": "/Type1", "/BaseFont": "/Courier"}
        added = generic.DictionaryObject({NAME(key): NAME(value) for key, value in font.items()})
        forms["/DR"]["/Font"][NAME(f"/{typeface}")] = writer.add_object(added)
    for key, value in more.items():
        forms[NAME(f"/{key}")] = value
    writer.update_root()


_DEFAULTS: dict[str, Callable[[], bytes]] = {
    "a typeface for the form, then signed": lambda: _signed_after(_defaults, filled()),
    "a list, the number of its value with it": lambda: next_signature(written(_CHOSEN, after=two_fields())),
    "a text in another typeface with another value": lambda: next_signature(
        written(
            {11: FIELD.replace(b"(100)", b"(200)").replace(b"12 Tf", b"0 Tf 0 g"), 12: amount(b"200")},
            after=filled(),
        )
    ),
    "a field beside a locked one": lambda: next_signature(written(_CHOSEN, after=two_fields("amount"))),
}
_SECOND = FIELD.replace(b"/T(amount)", b"/T(other)").replace(b"600 300 640", b"400 300 440")
_BARE = FIELD.replace(b"/DA(/F1 12 Tf)", b"")
_BAD_DEFAULTS: dict[str, Callable[[], bytes]] = {
    "a typeface for the form, which a field needs": lambda: _signed_after(_defaults, two_fields(text=_BARE)),
    "a typeface for the form in place of another": lambda: _signed_after(
        partial(_defaults, typeface="F2"), change_before_signing(_defaults)
    ),
    "a font exchanged": lambda: _signed_after(partial(_defaults, typeface="F1"), filled()),
    "a font written anew": lambda: next_signature(
        written({5: b"<</Type/Font/Subtype/Type1/BaseFont/Symbol>>"}, after=filled())
    ),
    "a wish to draw the fields anew": lambda: _signed_after(
        partial(_defaults, NeedAppearances=generic.BooleanObject(True)), filled()
    ),
    "texts to the right": lambda: _signed_after(partial(_defaults, Q=generic.NumberObject(2)), filled()),
    "resources that are a stream": lambda: _signed_after(_resources_in_stream, filled()),
    "a text in another typeface with the same value": lambda: next_signature(
        written({11: FIELD.replace(b"12 Tf", b"0 Tf 0 g")}, after=filled())
    ),
    "another number of the same value": lambda: next_signature(
        written({16: LIST.replace(b"/I[0]", b"/I[1]")}, after=two_fields())
    ),
    "a locked field, and one beside it": lambda: next_signature(
        written(_CHOSEN | {11: FIELD.replace(b"(100)", b"(200)"), 12: amount(b"200")}, after=two_fields("amount"))
    ),
    "a locked field drawn anew beside a filled one": lambda: next_signature(
        written(_CHOSEN | {12: amount(b"900")}, after=two_fields("amount"))
    ),
    "the locked field below its name": lambda: next_signature(
        written({20: _PARENT.replace(b"(100)", b"(900)"), 12: amount(b"900")}, after=_nested())
    ),
}


def _awaited(key: str, content: bytes) -> bytes:
    """The form, whose page waits for an object that is missing, signed; the object comes as one of the form's
    resources (/DR), or as the picture of a field that is filled (/AP)."""
    page = present(form(), 3).replace(b"/Contents 4 0 R", b"/Contents [4 0 R 90 0 R]")
    document = sign(written({3: page}, after=form()), signing("first"))
    come = {90: shown(content)}
    if key == "/AP":
        field = FIELD.replace(b"(100)", b"(200)").replace(b"12 0", b"90 0")
        return next_signature(written(come | {11: field}, after=document))
    catalogue = present(document, 1).replace(b"/DR <<", b"/DR <</XObject<</X 90 0 R>>")
    return next_signature(written(come | {1: catalogue}, after=document))


for _key in ("/DR", "/AP"):
    for _seen, _content in (("seen", RED_BOX), ("not seen", b"BT 3 Tr /F1 12 Tf 72 650 Td (900 euro) Tj ET")):
        register(
            "form details", f"an object that a page waited for, {_seen}, in {_key}",
            lambda key=_key, content=_content: _awaited(key, content), *_UNEXPLAINED_OR_SEEN,
        )  # fmt: skip


def change_before_signing(edit: _Edit) -> bytes:
    """The form with *edit*, then signed."""
    return sign(change(form(), edit), signing("first"))


def _resources_in_stream(writer: IncrementalPdfFileWriter) -> None:
    resources = generic.StreamObject(stream_data=b"0 0 600 800 re f")
    resources.update(writer.root["/AcroForm"]["/DR"])
    writer.root["/AcroForm"]["/DR"] = writer.add_object(resources)
    writer.update_root()


_PARENT = b"<</FT/Tx/T(price)/V(100)/Kids[11 0 R]/DA(/F1 12 Tf)>>"


@cache
def _nested() -> bytes:
    """A field whose kid has a name, and is locked by it; its value is that of the field above."""
    kid = FIELD.replace(b"/FT/Tx", b"/Parent 20 0 R").replace(b"/V(100)/DA(/F1 12 Tf)", b"")
    forms = b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[20 0 R]/DR<</Font<</F1 5 0 R>>>>>>>>"
    more = {1: forms, 11: kid, 12: amount(b"100"), 20: _PARENT}
    lock = FieldMDPSpec(FieldMDPAction.INCLUDE, ["price.amount"])
    document = with_fields(written(contract(more, annotations=b"11 0 R")), "first", "second", lock=lock)
    return sign(document, signing("first"))


for _name, _build in _DEFAULTS.items():
    good.register("forms", _name, _build, Level.T)
for _name, _build in _BAD_DEFAULTS.items():
    register("form details", _name, _build, *_UNEXPLAINED_OR_SEEN)

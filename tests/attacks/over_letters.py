"""Pictures of later signatures over letters of what was signed before: seals lie over text, and a picture may make
other letters of it."""

from __future__ import annotations

from collections.abc import Callable

from reportlab.pdfbase.pdfmetrics import stringWidth

from appliance.verification import Level
from tests.attacks import good
from tests.attacks.later_widgets import AREA, over
from tests.attacks.registry import UNEXPLAINED, register
from tests.attacks.writing import contract, stream

_FAMILY = "later widget"

_STAR = b"35 70 m 56 7 l 3 46 l 67 46 l 14 7 l h f"
_ROOM = {4: stream(b"BT /F1 18 Tf 72 700 Td (The buyer pays 100          euro) Tj ET")}
_AFTER = stringWidth("The buyer pays 100", "Helvetica", 18)
_AROUND_TEXT = (70, 665, 140, 740)
_STATES = b"/Type/XObject/Subtype/Form/BBox[0 0 %d %d]/Resources<</Font<</F1 5 0 R>>/ExtGState<<%s>>>>"


def _in_state(content: bytes, state: bytes, box: tuple[int, ...] = AREA) -> bytes:
    """The contract, signed, and *content* over it in a graphics state."""
    picture = stream(b"/G gs " + content, _STATES % (box[2] - box[0], box[3] - box[1], b"/G<<%s>>" % state))
    return over({}, b"", box, picture_object=picture)


for _name, _build in {
    "a seal multiplied with letters": lambda: _in_state(b"1 0 0 rg " + _STAR, b"/BM/Multiply", _AROUND_TEXT),
    "a seal that letters show through": lambda: _in_state(b"1 .3 .3 rg " + _STAR, b"/BM/Darken", _AROUND_TEXT),
    "a red number near a number": lambda: over(_ROOM, b"1 0 0 rg BT /F1 18 Tf %f 60 Td (0) Tj ET" % (_AFTER + 12)),
    "a name in writing away from letters": lambda: over({}, b"2 w 10 10 m 40 40 l 80 12 l 120 38 l S"),
    "a frame around letters": lambda: over({}, b"1 w 2 2 336 136 re S 4 4 332 132 re S"),
}.items():
    good.register("later widget", _name, _build, Level.T)

_TO_FOUR = b"2 w %f 60 m %f 78 l S" % (_AFTER - 26, _AFTER - 30)
_OVER_LETTERS: dict[str, Callable[[], bytes]] = {
    "a star of a seal": lambda: over({}, b"1 0 0 rg " + _STAR, _AROUND_TEXT),
    "a star of a seal that is pale": lambda: _in_state(b"1 .8 .8 rg " + _STAR, b"/ca 0.9/BM/Normal", _AROUND_TEXT),
    "a digit more": lambda: over(_ROOM, b"BT /F1 18 Tf %f 60 Td (0) Tj ET" % (_AFTER + 12)),
    "a digit more in grey": lambda: over(_ROOM, b".4 g BT /F1 18 Tf %f 60 Td (0) Tj ET" % (_AFTER + 12)),
    "a digit more in dark blue": lambda: over(_ROOM, b"0 0 .3 rg BT /F1 18 Tf %f 60 Td (0) Tj ET" % (_AFTER + 12)),
    "a digit more, the field beside the letters": lambda: over(
        _ROOM, b"BT /F1 18 Tf 0.3 10 Td (0) Tj ET", (round(72 + _AFTER), 690, 330, 720)
    ),
    "a stroke that makes another digit": lambda: over({}, _TO_FOUR),
    "a line through the text": lambda: over({}, b"1 w 6 66 m 300 66 l S"),
    "a white veil": lambda: _in_state(b"1 g 0 0 340 140 re f", b"/ca .7"),
    "strokes of the paper's colour": lambda: over({}, b"1 G 1.5 w 6 66 m 300 66 l S"),
    "a seal in the text's colour": lambda: _in_state(b"0 g " + _STAR, b"/BM/Multiply", _AROUND_TEXT),
}
for _name, _build in _OVER_LETTERS.items():
    register(_FAMILY, f"over letters, {_name}", _build, UNEXPLAINED, says="covers text of page 1")


# on pages that are too large to be drawn closely as a whole, as plans are; and large letters


def _on_plan(text: bytes, picture: bytes, turned: int = 0, box: tuple[int, ...] = AREA) -> bytes:
    page = contract()[3].replace(b"[0 0 600 800]", b"[-20 -30 2364 3340]/Rotate %d" % turned)
    objects = {3: page, 4: stream(b"BT /F1 10 Tf 72 700 Td (%s) Tj ET" % text)}
    return over(objects, picture, box)


def _large(text: bytes, size: int, picture: bytes) -> bytes:
    return over({4: stream(b"BT /F1 %d Tf 72 700 Td (%s) Tj ET" % (size, text))}, picture)


_ALTERED: dict[str, Callable[[], bytes]] = {
    "a minus hidden on a plan": lambda: _on_plan(b"-100 euro", b"1 g 12 60 3.3 10 re f"),
    "a digit hidden on a plan": lambda: _on_plan(b"1100 euro", b"1 g 0 0 6 12 re f", box=(71, 699, 77, 711)),
    "a digit more on a plan": lambda: _on_plan(b"100 euro", b"BT /F1 10 Tf 28.7 60 Td (0) Tj ET"),
    "a large letter hidden": lambda: _large(b"II tons", 48, b"1 g 12.5 55 14 44 re f"),
    "a large digit more": lambda: _large(
        b"pays 100", 36, b"BT /F1 36 Tf %f 60 Td (0) Tj ET" % (16 + stringWidth("pays 100", "Helvetica", 36))
    ),
    "a stroke through a large one": lambda: over({4: stream(b"72 700 30 2.5 re f")}, b"0 g 26 46 2.5 30 re f"),
}
for _turned in (90, 180, 270):
    _ALTERED[f"a stroke that makes another digit, on a plan turned by {_turned}"] = lambda turned=_turned: (
        _on_plan(b"100 euro", b"0 g 13 66.5 4 .9 re f", turned)
    )
for _name, _build in _ALTERED.items():
    register(_FAMILY, f"over letters, {_name}", _build, UNEXPLAINED, says="covers text of page 1")
for _turned in (0, 90, 180, 270):
    good.register(
        "later widget", f"a name in writing on a plan turned by {_turned}",
        lambda turned=_turned: _on_plan(b"100 euro", b"2 w 90 10 m 120 40 l 160 12 l S", turned), Level.T,
    )  # fmt: skip
good.register("later widget", "a frame around large letters", lambda: _large(
    b"pays 100", 36, b"1 w 2 2 336 136 re S 4 4 332 132 re S"), Level.T
)  # fmt: skip

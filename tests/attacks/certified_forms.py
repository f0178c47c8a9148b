"""Attacks on certifications that allow to fill fields or to add notes (:mod:`tests.attacks.permitted`)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import FieldMDPAction, MDPPerm

from tests.attacks.certified import annotate
from tests.attacks.incremental import draw_over_page
from tests.attacks.leniency import both
from tests.attacks.permitted import FILLED, certified_form, locking
from tests.attacks.registry import FORMAT, UNEXPLAINED, Words, register
from tests.attacks.victims import BOX, FIELD, amount, certified, form, next_signature, signing
from tests.attacks.writing import OTHER_TEXT, stream, written
from tests.verification.documents import change, sign

_SEEN_OR_NOT = (FORMAT, UNEXPLAINED)
_HIDDEN_VALUE = {11: FIELD.replace(b"(100)", b"(200)")}
_ANOTHER_PICTURE = {12: amount(b"900")}
_MOVED = {11: FIELD.replace(b"(100)", b"(200)").replace(b"[72 600", b"[72 500"), 12: amount(b"200")}


def _approved_then_certified() -> bytes:
    """A signature that certifies nothing, then a certification, then a field filled."""
    document = next_signature(sign(form(), signing("first")), certify=True, permission=MDPPerm.FILL_FORMS)
    return written(FILLED, after=document)


_CERTIFIED: dict[str, tuple[Callable[[], bytes], tuple[Words, ...]]] = {
    "filled, P=1": (lambda: written(FILLED, after=certified_form(1)), (FORMAT,)),
    "certified after another signature, filled": (_approved_then_certified, (UNEXPLAINED,)),
    "a locked field filled": (
        lambda: written(FILLED, after=locking(FieldMDPAction.INCLUDE, "amount", certify=True)), (FORMAT,),
    ),
    "a field filled that is not excepted": (
        lambda: written(FILLED, after=locking(FieldMDPAction.EXCLUDE, "agreed", certify=True)), (FORMAT,),
    ),
    "a locked field filled beside an unknown change": (
        lambda: written(
            FILLED | {1: b"<</Type/Catalog/Pages 2 0 R/PageMode/UseThumbs/AcroForm 16 0 R>>"},
            after=locking(FieldMDPAction.ALL),
        ),
        (*_SEEN_OR_NOT,),
    ),
    "the certification removed, filled": (
        lambda: change(written(FILLED, after=certified_form(1)), _unlocked), (FORMAT,),
    ),
}  # fmt: skip


def _unlocked(writer: IncrementalPdfFileWriter) -> None:
    if "/Perms" in writer.root:
        del writer.root["/Perms"]
        writer.update_root()


for _name, (_build, _words) in _CERTIFIED.items():
    register("certified form", _name, _build, *_words)
for _permission in (2, 3):
    for _name, _objects, _words in (
        ("a value that is not shown", _HIDDEN_VALUE, (UNEXPLAINED,)),
        ("another picture of the same value", _ANOTHER_PICTURE, (FORMAT,)),
        ("moved while it is filled", _MOVED, (FORMAT,)),
        ("filled, and the page changed", FILLED | {4: stream(OTHER_TEXT)}, (FORMAT,)),
        ("a box redrawn, its value kept", {13: BOX.replace(b"/AS/Off", b"/AS/Yes")}, (FORMAT,)),
    ):
        register(
            "certified form", f"{_name}, P={_permission}",
            lambda p=_permission, objects=_objects: written(objects, after=certified_form(p)), *_words,
        )  # fmt: skip
register(
    "certified form", "a note beside the text, P=3",
    lambda: change(certified(3), partial(annotate, "/Text")), UNEXPLAINED, FORMAT,
)  # fmt: skip
register(
    "certified form", "a note, and the page changed, P=3",
    lambda: change(certified(3), both(partial(annotate, "/Stamp"), draw_over_page)), FORMAT,
)  # fmt: skip
register(
    "certified form", "a note, and a field redrawn, P=3",
    lambda: change(written(_ANOTHER_PICTURE, after=certified_form(3)), partial(annotate, "/Stamp")), FORMAT,
)  # fmt: skip

"""What a document's form says: its fields, who signed before, what those signatures forbid, and the further places
of a signature: the same signature on more pages, and a seal cut across all of them (骑缝章).

What a signer fills in, a text, a date or a choice, is shown in such places too, by the same rules.

A signature field has one widget (verifiers look at no other), so each further place is a field of its own: a check
box that nobody can tick, whose ticked state looks like the signature. The signature that fills the signature field
ticks its places in the same revision and locks them by name. See docs/decisions/0012.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pyhanko.pdf_utils.generic import ArrayObject, DictionaryObject, NumberObject, pdf_name, pdf_string
from pyhanko.sign.fields import enumerate_sig_fields

from appliance.errors import DocumentRefused
from appliance.model.contract import Placement
from appliance.pdf.geometry import DEEPEST_TREE, PageFrame
from appliance.pdf.incremental_updates import IncrementalUpdate, dictionary
from appliance.pdf.reader import entry
from appliance.pdf.values import ExistingSignature, FieldKind, FieldPlacement

SIGNATURES_EXIST_APPEND_ONLY = 3
"""/SigFlags, ISO 32000-2 table 225."""


_PRINTED_AND_LOCKED = 1 << 2 | 1 << 7


def signature_widget(name: str, page: Any, rectangle: Sequence[float], **more: Any) -> DictionaryObject:
    """Signature field and widget in one dictionary (12.7.4.1), with *more* entries."""
    return dictionary(
        Type="/Annot",
        Subtype="/Widget",
        FT="/Sig",
        T=pdf_string(name),
        F=_PRINTED_AND_LOCKED,
        P=page,
        Rect=rectangle,
        **more,
    )


def nodes(root: Any) -> set[int]:
    """The dictionaries of all fields and their widgets below the catalogue *root*, by their identity."""
    form, found = entry(root, "/AcroForm"), set[int]()
    waiting = [entry(form, "/Fields")] if isinstance(form, DictionaryObject) else []
    while waiting:
        listed = waiting.pop()
        for index in range(len(listed) if isinstance(listed, ArrayObject) else 0):
            node = listed[index]
            if isinstance(node, DictionaryObject) and id(node) not in found:
                found.add(id(node))
                waiting.append(entry(node, "/Kids"))
    return found


@dataclass(frozen=True, slots=True)
class FormField:
    """A terminal field: fully qualified ``name``, ``kind`` (/Sig, /Tx, ...), its dictionary and its reference."""

    name: str
    kind: str
    dictionary: Any
    reference: Any


def terminal_fields(root: Any) -> Iterator[FormField]:
    """Every terminal field of the form below the catalogue *root* (12.7.4.2), widgets left out."""
    form = entry(root, "/AcroForm")
    if isinstance(form, DictionaryObject) and isinstance(entry(form, "/Fields"), ArrayObject):
        yield from _below(form["/Fields"], "", "", depth=0)


def signature_fields(reader: Any, *, filled: bool | None = None) -> Iterator[tuple[str, Any, Any]]:
    """Name, value and reference of every signature field of *reader*, as pyHanko finds them; *filled*: only those
    that are signed, or only those that are not. A name whose octets are no text in any encoding of strings
    (ISO 32000-2, 7.9.2.2) comes from pyHanko as octets, and is a text here as everywhere else."""
    for name, value, reference in enumerate_sig_fields(reader, filled_status=filled):
        yield str(name), value, reference


def _below(nodes: Any, prefix: str, inherited: str, *, depth: int) -> Iterator[FormField]:
    if depth > DEEPEST_TREE:
        raise DocumentRefused("malformed", "The form is circular or nested too deeply.")
    for index in range(len(nodes)):
        node = nodes[index]
        if not isinstance(node, DictionaryObject) or "/T" not in node:
            continue
        name = f"{prefix}.{node['/T']}" if prefix else str(node["/T"])
        kind = str(entry(node, "/FT", inherited))
        kids = entry(node, "/Kids")
        if isinstance(kids, ArrayObject) and any("/T" in kids[position] for position in range(len(kids))):
            yield from _below(kids, name, kind, depth=depth + 1)
        else:
            yield FormField(name, kind, node, nodes.raw_get(index))


def _signed(root: Any) -> Iterator[tuple[str, DictionaryObject]]:
    """Each filled signature field by its name, with the signature dictionary."""
    for field in terminal_fields(root):
        value = entry(field.dictionary, "/V") if field.kind == "/Sig" else None
        if isinstance(value, DictionaryObject):
            yield field.name, value


def existing_signatures(root: Any) -> tuple[ExistingSignature, ...]:
    """The signatures that the document already carries."""
    return tuple(
        ExistingSignature(
            field=name,
            certifies=_transform(signature, "/DocMDP") is not None,
            timestamp=entry(signature, "/SubFilter") == "/ETSI.RFC3161",
        )
        for name, signature in _signed(root)
    )


def refuse_if_locked(root: Any) -> None:
    """Raise DocumentRefused when an earlier signature forbids further signature fields."""
    for name, signature in _signed(root):
        if _transform(signature, "/DocMDP") is not None:
            raise DocumentRefused(
                "certified",
                "The document was certified in the field {field} and allows no further signature fields; "
                "use the document from before that signature.",
                field=name,
            )
        lock = _transform(signature, "/FieldMDP")
        if lock is not None and entry(lock, "/Action") != "/Include":
            raise DocumentRefused(
                "locked",
                "The signature in the field {field} locked the form; use the document from before that signature.",
                field=name,
            )


def form_of(revision: IncrementalUpdate) -> Any:
    """The form dictionary, made when missing, marked as carrying signatures; /NeedAppearances goes, because with
    it a viewer would draw fields anew, and differently, after they were signed."""
    root = revision.root
    if not isinstance(entry(root, "/AcroForm"), DictionaryObject):
        root[pdf_name("/AcroForm")] = revision.add_object(DictionaryObject())
        revision.update_root()
    form = root["/AcroForm"]
    if not isinstance(entry(form, "/Fields"), ArrayObject):
        form[pdf_name("/Fields")] = ArrayObject()
        revision.update_container(form)
    if entry(form, "/SigFlags") != SIGNATURES_EXIST_APPEND_ONLY or "/NeedAppearances" in form:
        form[pdf_name("/SigFlags")] = NumberObject(SIGNATURES_EXIST_APPEND_ONLY)
        form.pop("/NeedAppearances", None)
        revision.update_container(form)
    return form


def _transform(signature: Any, method: str) -> Any:
    """The parameters of the signature reference with transform *method* (12.8.2), or None."""
    references = entry(signature, "/Reference")
    if not isinstance(references, ArrayObject):
        return None
    for index in range(len(references)):
        reference = references[index]
        if isinstance(reference, DictionaryObject) and entry(reference, "/TransformMethod") == method:
            parameters = entry(reference, "/TransformParams")
            return parameters if isinstance(parameters, DictionaryObject) else DictionaryObject()
    return None


MOST_SLICES = 200
PLACE_FLAGS = 1
"""/Ff of a place, and nothing else: a check box that no reader lets people change."""

PLACE_EMPTY, PLACE_SIGNED = pdf_name("/Off"), pdf_name("/Signed")
"""The two states of a place (12.7.5.2.3)."""

_POINTS_PER_MILLIMETRE = 72 / 25.4
_ACTS = frozenset({"/A", "/AA", "/Kids", "/Parent"})
_PLACE = re.compile(
    r"(?P<field>.+)_(?:place_\d+|slice_(?P<number>\d+)_of_(?P<count>\d+)|input_(?P<input>\d+)_\d+)"
)


@dataclass(frozen=True, slots=True)
class SealSlice:
    """The part ``number`` (from 1, the leftmost) of a picture that is cut into ``count`` upright strips."""

    number: int
    count: int


def further_places(placement: FieldPlacement, frames: Sequence[PageFrame]) -> list[tuple[str, Placement]]:
    """The further places of *placement* in a document with pages of these *frames*, by the names of their fields,
    those of what its signer fills in left out (:func:`input_places`).

    Raises DocumentRefused for a cross-page seal that cannot be.
    """
    repeated = [
        (f"{placement.name}_place_{number}", place) for number, place in enumerate(placement.more, start=2)
    ]
    return [*repeated, *_slices(placement, frames)]


def input_places(placement: FieldPlacement) -> Iterator[tuple[str, Placement, str]]:
    """The places of what the signer of *placement* fills in: the name of each, where it is, and its label."""
    for each in placement.inputs:
        for count, place in enumerate(each.places, start=1):
            yield f"{placement.name}_input_{each.number}_{count}", place, each.label


def place_owner(name: str) -> str | None:
    """The signature field that a place called *name* belongs to, or None when no place is called so."""
    found = _PLACE.fullmatch(name)
    return found["field"] if found else None


def is_place(field: DictionaryObject) -> bool:
    """Whether *field* is a further place as made here: by its name, and as a check box that nobody can tick. Other
    people's forms have fields called ``birth_place_1``."""
    return (
        entry(field, "/FT") == "/Btn"
        and entry(field, "/Ff") == PLACE_FLAGS
        and not _ACTS & field.keys()
        and place_owner(str(entry(field, "/T", ""))) is not None
    )


def places_of_signature(
    field: str, fields: Sequence[FormField]
) -> Iterator[tuple[FormField, SealSlice | int | None]]:
    """The places among *fields* that belong to the signature field named *field*, each with the part of the seal,
    or the number of what the signer fills in, that it shows."""
    for one in fields:
        found = _PLACE.fullmatch(one.name) if is_place(one.dictionary) else None
        if found and found["field"] == field:
            part = SealSlice(int(found["number"]), int(found["count"])) if found["number"] else None
            yield one, int(found["input"]) if found["input"] else part


def tick_place(place: DictionaryObject, look: DictionaryObject) -> None:
    """Show *look* (a reference to a form) in *place* from now on; the caller marks it as changed."""
    states = dictionary(Off=place["/AP"]["/N"].raw_get(PLACE_EMPTY), Signed=look)
    place[pdf_name("/AP")] = dictionary(N=states)
    place[pdf_name("/AS")] = place[pdf_name("/V")] = PLACE_SIGNED


def _slices(placement: FieldPlacement, frames: Sequence[PageFrame]) -> Iterator[tuple[str, Placement]]:
    seal, count = placement.cross_page, len(frames)
    if seal is None:
        return
    _refuse_impossible(placement, count)
    diameter = seal.diameter_mm * _POINTS_PER_MILLIMETRE
    for page, frame in enumerate(frames):
        size = frame.seen()
        width, height = diameter / count / size.width * 100, diameter / size.height * 100
        if not (seal.y >= 0 and width > 0 and seal.y + height <= 100 and width <= 100):
            raise DocumentRefused(
                "seal-outside",
                "The cross-page seal does not fit on page {page}; put it higher or choose a smaller one.",
                page=page + 1,
            )
        place = Placement(page, 100 - width, seal.y, width, height)
        yield f"{placement.name}_slice_{page + 1}_of_{count}", place


def _refuse_impossible(placement: FieldPlacement, pages: int) -> None:
    if placement.kind is not FieldKind.SEAL:
        raise DocumentRefused("not-a-seal", "Only a company seal can be put across pages.")
    if pages < 2:
        raise DocumentRefused(
            "one-page", "A cross-page seal needs at least two pages; this document has only one."
        )
    if pages > MOST_SLICES:
        raise DocumentRefused(
            "too-many-slices",
            "A cross-page seal is cut into at most {most} slices, and this document has {pages} pages.",
            most=MOST_SLICES,
            pages=pages,
        )

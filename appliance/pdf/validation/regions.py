"""Where form fields lie on the pages."""

from __future__ import annotations

from collections.abc import Iterator

from pyhanko.pdf_utils import generic
from pyhanko.sign.fields import enumerate_sig_fields

from appliance.pdf.validation.comparing import entry, number_of
from appliance.pdf.validation.model import PageRegion
from appliance.pdf.validation.opening import DAMAGE, OpenedPdf

_DEEPEST = 50


def of_fields(pdf: OpenedPdf, names: frozenset[str]) -> tuple[PageRegion, ...]:
    """The rectangles of the widgets of the fields *names*; a widget that is on no page has none."""
    if not names:
        return ()
    try:
        widgets = dict(_widgets(pdf, names))
        return tuple(
            PageRegion(page, widgets[number])
            for page, annotations in enumerate(_annotations(pdf))
            for number in annotations
            if number in widgets
        )
    except DAMAGE:
        return ()


def _widgets(
    pdf: OpenedPdf, names: frozenset[str]
) -> Iterator[tuple[tuple[int, int], tuple[float, float, float, float]]]:
    for name, _, field in _fields(pdf):
        if name not in names:
            continue
        for reference in entry(field.get_object(), "/Kids", [field]):
            number = (reference.idnum, reference.generation)
            left, bottom, right, top = (float(each) for each in reference.get_object()["/Rect"])
            yield number, (min(left, right), min(bottom, top), max(left, right), max(bottom, top))


def _fields(pdf: OpenedPdf) -> Iterator[tuple[str, object, generic.IndirectObject]]:
    """All fields with their full names (ISO 32000-2, 12.7.4.2): signature fields by pyHanko, then all."""
    yield from enumerate_sig_fields(pdf.reader)
    yield from _walk(pdf.reader.root["/AcroForm"]["/Fields"], "", 0)


def _walk(
    fields: generic.ArrayObject, above: str, depth: int
) -> Iterator[tuple[str, object, generic.IndirectObject]]:
    for index in range(len(fields)):
        reference = fields.raw_get(index)
        field = reference.get_object()
        if "/T" not in field or depth > _DEEPEST:
            continue
        name = f"{above}.{field['/T']}" if above else str(field["/T"])
        yield name, None, reference
        if "/Kids" in field:
            yield from _walk(field["/Kids"], name, depth + 1)


def _annotations(pdf: OpenedPdf) -> Iterator[list[tuple[int, int]]]:
    for page in _pages(pdf.reader.root["/Pages"], 0):
        raw = entry(page, "/Annots", generic.ArrayObject())
        numbers = (number_of(raw.raw_get(index)) for index in range(len(raw)))
        yield [number for number in numbers if number is not None]


def _pages(node: generic.DictionaryObject, depth: int) -> Iterator[generic.DictionaryObject]:
    if "/Kids" not in node or depth > _DEEPEST:
        yield node
        return
    for kid in node["/Kids"]:
        yield from _pages(kid.get_object(), depth + 1)

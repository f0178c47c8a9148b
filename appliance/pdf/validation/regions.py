"""Where form fields lie on the pages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

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
        pages = _stated_pages(pdf, widgets) or enumerate(_pages(pdf.reader.root["/Pages"], 0))
        return tuple(
            PageRegion(number, widgets[annotation])
            for number, page in pages
            for annotation in _annotations(page)
            if annotation in widgets
        )
    except DAMAGE:
        return ()


def _stated_pages(
    pdf: OpenedPdf, widgets: Iterable[tuple[int, int]]
) -> list[tuple[int, generic.DictionaryObject]] | None:
    """The pages that the widgets say they are on (/P), if every page agrees; reading all pages takes long."""
    numbers = {number: index for index, number in enumerate(_page_numbers(pdf.reader.root["/Pages"], 0))}
    found: dict[int, generic.DictionaryObject] = {}
    for widget in widgets:
        value = pdf.reader.get_object(generic.Reference(*widget, pdf.reader))
        stated = number_of(value.raw_get("/P")) if "/P" in value else None
        if stated not in numbers or widget not in _annotations(value["/P"]):
            return None
        found[numbers[stated]] = value["/P"]
    return list(found.items())


def _page_numbers(node: generic.DictionaryObject, depth: int) -> Iterator[tuple[int, int] | None]:
    """The object numbers of all pages in order; a node with as many kids as pages has only pages for kids."""
    kids = node["/Kids"]
    leaves = entry(node, "/Count") == len(kids)
    for index in range(len(kids)):
        if leaves or "/Kids" not in kids[index] or depth > _DEEPEST:
            yield number_of(kids.raw_get(index))
        else:
            yield from _page_numbers(kids[index], depth + 1)


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


def _annotations(page: generic.DictionaryObject) -> list[tuple[int, int]]:
    raw = entry(page, "/Annots", generic.ArrayObject())
    numbers = (number_of(raw.raw_get(index)) for index in range(len(raw)))
    return [number for number in numbers if number is not None]


def _pages(node: generic.DictionaryObject, depth: int) -> Iterator[generic.DictionaryObject]:
    if "/Kids" not in node or depth > _DEEPEST:
        yield node
        return
    for kid in node["/Kids"]:
        yield from _pages(kid.get_object(), depth + 1)

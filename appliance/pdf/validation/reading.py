"""The signatures and the validation store of an opened PDF, and where its form fields lie on the pages.

An object counts as part of the store only where the store has the shape of ETSI EN 319 142-1, 5.4.2.2: anything
else below it may be part of a page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from pyhanko.pdf_utils import generic

from appliance.pdf.byte_ranges import ByteRange, startxref_at
from appliance.pdf.forms import signature_fields
from appliance.pdf.validation.looks import Looks
from appliance.pdf.validation.model import (
    FieldLock,
    FoundSignature,
    Look,
    Unparseable,
)
from appliance.pdf.validation.opening import DAMAGE, OpenedPdf, place_of_contents
from appliance.pdf.validation.references import entry, number_of
from appliance.pdf.values import PageRegion, ValidationMaterial

_MOST_STORED = 5000


def signatures(pdf: OpenedPdf, looks: Looks) -> list[FoundSignature]:
    """Every filled signature field, in the order of revisions; a field that cannot be read has no ``signed``.

    Raises :class:`Unparseable` when the form cannot be read.
    """
    try:
        filled = list(signature_fields(pdf.reader, filled=True))
    except DAMAGE as error:
        raise Unparseable from error
    found = []
    for name, value, field in filled:
        try:
            found.append(_signature(pdf, name, value.get_object(), field.get_object(), looks))
        except DAMAGE:
            found.append(FoundSignature(name, False, "", None, None, pdf.revisions - 1, complete=False))
    return sorted(found, key=lambda each: (each.revision, each.document_timestamp))


def store(pdf: OpenedPdf) -> ValidationMaterial:
    """What the document security store holds; entries that cannot be read are left out."""
    try:
        dss = pdf.reader.root["/DSS"]
    except DAMAGE:
        return ValidationMaterial((), ())
    keys = zip(_STORE_LISTS, _ENTRY_LISTS, strict=True)
    return ValidationMaterial(*(_streams(dss, each) for each in keys))


def _signature(pdf: OpenedPdf, name: str, value: object, field: object, looks: Looks) -> FoundSignature:
    if not isinstance(value, generic.DictionaryObject) or not isinstance(field, generic.DictionaryObject):
        raise TypeError("a signature is a dictionary")
    numbers = [int(number) for number in value["/ByteRange"]]
    signed = ByteRange.from_numbers(numbers, len(pdf.document))
    revision = max(_last_change(pdf, value), pdf.first_revision)
    complete = signed is not None and _is_complete(pdf, signed, revision)
    return FoundSignature(
        field=name,
        document_timestamp=entry(value, "/Type") == "/DocTimeStamp"
        or entry(value, "/SubFilter") == "/ETSI.RFC3161",
        subfilter=str(entry(value, "/SubFilter", "")),
        signed=signed,
        contents=_contents(pdf, value, signed) if signed else None,
        revision=revision,
        complete=complete,
        claimed=_claimed(value),
        permission=_permission(value, field),
        lock=lock_of(value),
        look=looks.of_signature(value, signed, revision) if signed is not None and complete else Look.ONE,
    )


def _contents(pdf: OpenedPdf, value: generic.DictionaryObject, signed: ByteRange) -> bytes | None:
    """The bytes in the gap, if the gap is where this dictionary's /Contents lies, or has the same value."""
    gap = signed.contents(pdf.document)
    raw = value.raw_get("/Contents", decrypt=generic.EncryptedObjAccess.RAW)
    if not isinstance(raw, generic.TextStringObject | generic.ByteStringObject):
        return None
    stated = bytes(raw.original_bytes)
    place = place_of_contents(stated)
    if place is not None:
        return gap if place == (signed.gap_start, signed.gap_end) else None
    return gap if stated == gap else None


def _is_complete(pdf: OpenedPdf, signed: ByteRange, revision: int) -> bool:
    """The signed bytes end as that revision ends, and all cross-reference sections up to it lie within."""
    xrefs = pdf.reader.xrefs
    if startxref_at(pdf.document, signed.end) != xrefs.get_startxref_for_revision(revision):
        return False
    ends = (xrefs.get_xref_container_info(number).end_location for number in range(revision + 1))
    return all(end <= signed.end for end in ends)


def _claimed(value: generic.DictionaryObject) -> datetime | None:
    try:
        moment = generic.parse_pdf_date(value["/M"], strict=False)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except DAMAGE:  # a moment beyond the years 1 to 9999 in UTC, too
        return None


def _references(value: generic.DictionaryObject, method: str) -> Iterator[generic.DictionaryObject]:
    for each in entry(value, "/Reference", ()):
        reference = each.get_object()
        if entry(reference, "/TransformMethod") == method:
            yield reference["/TransformParams"]


def _permission(value: generic.DictionaryObject, field: generic.DictionaryObject) -> int | None:
    """DocMDP's P of a certification, or of a field lock (ISO 32000-2, table 257 and 12.7.5.5)."""
    for parameters in _references(value, "/DocMDP"):
        return int(entry(parameters, "/P", 2))
    lock = entry(field, "/Lock")
    return int(lock["/P"]) if isinstance(lock, generic.DictionaryObject) and "/P" in lock else None


def lock_of(value: generic.DictionaryObject) -> FieldLock | None:
    """What a signature locks by FieldMDP, or None."""
    for parameters in _references(value, "/FieldMDP"):
        names = frozenset(str(name) for name in entry(parameters, "/Fields", ()))
        return FieldLock(str(parameters["/Action"])[1:], names)
    return None


def _streams(dss: generic.DictionaryObject, keys: tuple[str, str]) -> tuple[bytes, ...]:
    """The streams under the store's key and under the other key in every VRI entry."""
    holders = [(dss, keys[0])]
    try:
        holders += [(each.get_object(), keys[1]) for each in entry(dss, "/VRI", {}).values()]
    except DAMAGE:
        holders = holders[:1]
    found: dict[bytes, None] = {}
    seen: set[object] = set()
    for holder, key in holders:
        for data in _values(holder, key, seen):
            found[data] = None
            if len(found) >= _MOST_STORED:
                return tuple(found)
    return tuple(found)


def _values(holder: generic.DictionaryObject, key: str, seen: set[object]) -> Iterator[bytes]:
    try:
        for each in entry(holder, key, ()):
            mark = each.reference if isinstance(each, generic.IndirectObject) else id(each)
            if mark not in seen:
                seen.add(mark)
                yield bytes(each.get_object().data)
    except DAMAGE:
        return


def _last_change(pdf: OpenedPdf, value: generic.DictionaryObject) -> int:
    """The last revision that wrote the object that *value* lies in."""
    reference = value.container_ref
    if not isinstance(reference, generic.Reference):
        raise TypeError("the object lies in no revision")
    return int(pdf.reader.xrefs.get_last_change(reference))


def stored_since(pdf: OpenedPdf) -> int | None:
    """The first revision that has a document security store, or None."""
    try:
        if "/DSS" not in pdf.reader.root:
            return None
        return next(number for number in range(pdf.revisions) if _has_store(pdf, number))
    except DAMAGE:
        return None


def revisions_within(pdf: OpenedPdf, length: int) -> int:
    """How many revisions are the first *length* bytes, when those are a whole file by themselves, and the chain of
    cross-reference sections leads through its last one; else 0."""
    xrefs = pdf.reader.xrefs
    try:
        ends = [xrefs.get_xref_container_info(number).end_location for number in range(pdf.revisions)]
        count = sum(end <= length for end in ends)
        whole = all(end <= length for end in ends[:count])
        last = startxref_at(pdf.document, length)
        return count if count and whole and last == xrefs.get_startxref_for_revision(count - 1) else 0
    except DAMAGE:
        return 0


def _has_store(pdf: OpenedPdf, number: int) -> bool:
    try:
        return "/DSS" in pdf.reader.get_historical_root(number)
    except KeyError:  # the first section of a linearised file may not have the catalogue yet
        return False


_STORE_LISTS, _ENTRY_LISTS = ("/Certs", "/CRLs", "/OCSPs"), ("/Cert", "/CRL", "/OCSP")
_STORE, _ENTRY = {"/Type", "/VRI", *_STORE_LISTS}, {"/Type", "/TU", "/TS", *_ENTRY_LISTS}


def stored_numbers(root: generic.DictionaryObject) -> frozenset[int]:
    """The numbers of the store's objects; none without a store. Raises ValueError for another shape."""
    return frozenset(_of_store(root)) if "/DSS" in root else frozenset()


def _of_store(root: generic.DictionaryObject) -> Iterator[int]:
    yield from _number(root, "/DSS")
    store = _dictionary(root["/DSS"], _STORE)
    yield from _of_lists(store, _STORE_LISTS)
    if "/VRI" in store:
        yield from _number(store, "/VRI")
        entries = _dictionary(store["/VRI"], None)
        for key in entries:
            yield from _number(entries, key)
            each = _dictionary(entries[key], _ENTRY)
            yield from _of_lists(each, _ENTRY_LISTS)
            for key_of_time in ("/TU", "/TS"):
                yield from _number(each, key_of_time)


def _of_lists(holder: generic.DictionaryObject, keys: Iterable[str]) -> Iterator[int]:
    for key in holder.keys() & set(keys):
        yield from _number(holder, key)
        array = holder[key]
        if not isinstance(array, generic.ArrayObject):
            raise ValueError("validation data is a list")
        for index in range(len(array)):
            number = number_of(array.raw_get(index))
            stream = array[index]
            if number is None or not isinstance(stream, generic.StreamObject):
                raise ValueError("validation data is in streams")
            yield number[0]
            yield from _number(stream, "/Length")


def _number(holder: generic.DictionaryObject, key: str) -> Iterator[int]:
    number = number_of(holder.raw_get(key)) if key in holder else None
    if number is not None:
        yield number[0]


def _dictionary(value: object, keys: set[str] | None) -> generic.DictionaryObject:
    if not isinstance(value, generic.DictionaryObject) or isinstance(value, generic.StreamObject):
        raise ValueError("a store is made of dictionaries")
    if keys is not None and set(value) - keys:
        raise ValueError("a store has no such entries")
    return value


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
    numbers = pdf.page_numbers
    found: dict[int, generic.DictionaryObject] = {}
    listed: dict[int, frozenset[tuple[int, int]]] = {}
    for widget in widgets:
        value = pdf.reader.get_object(generic.Reference(*widget, pdf.reader))
        stated = number_of(value.raw_get("/P")) if "/P" in value else None
        if stated not in numbers:
            return None
        page = numbers[stated]
        if page not in found:
            found[page], listed[page] = value["/P"], frozenset(_annotations(value["/P"]))
        if widget not in listed[page]:
            return None
    return list(found.items())


def page_tree(pdf: OpenedPdf) -> tuple[dict[int, int], frozenset[int]]:
    """The pages by their object numbers, counted from 0, and the numbers of the objects that the tree above them
    is made of. Raises ValueError for a tree of another form than ISO 32000-2, 7.7.3, has."""
    pages: dict[int, int] = {}
    nodes: set[int] = set()
    _count_pages(pdf.reader.root.raw_get("/Pages"), pages, nodes, 0)
    return pages, frozenset(nodes)


def _count_pages(reference: object, pages: dict[int, int], nodes: set[int], depth: int) -> None:
    number = number_of(reference)
    if number is None or number[0] in nodes or number[0] in pages or depth > _DEEPEST:
        raise ValueError("no tree of pages")
    node = reference.get_object()  # type: ignore[attr-defined]  # it is a reference, since it has a number
    if "/Kids" not in node:
        pages[number[0]] = len(pages)
        return
    nodes.add(number[0])
    listed = number_of(node.raw_get("/Kids"))
    nodes.update(() if listed is None else listed[:1])
    before, kids = len(pages), node["/Kids"]
    for index in range(len(kids)):
        _count_pages(kids.raw_get(index), pages, nodes, depth + 1)
    if entry(node, "/Count") != len(pages) - before:
        raise ValueError("a tree with another number of pages")


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
    yield from signature_fields(pdf.reader)
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

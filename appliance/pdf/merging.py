"""The pages of one document after those of another, as one incremental update (ISO 32000-2, 7.5.6).

Of each page come its contents, its resources and its frame, and nothing that leads elsewhere: no notes, no links,
no structure. A page that would not look as it did alone is refused, so what people read in the annex is what is in
the contract.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

from pyhanko.pdf_utils.generic import ArrayObject, DictionaryObject, NumberObject, pdf_name

from appliance.errors import DocumentRefused
from appliance.pdf import forms, geometry, pages
from appliance.pdf.incremental_updates import IncrementalUpdate, dictionary, refusing_malformed
from appliance.pdf.reader import entry, read_pdf

MOST_MERGED = 500
"""Pages of one annex: each is drawn twice, to be compared."""

_COMPARED_WIDTH = 600
"""Pixels; at this width a line of half a point still shows."""

_OWN = ("/Contents", "/UserUnit", "/Group")
_INHERITED = ("/Resources", "/MediaBox", "/CropBox")


@refusing_malformed()
def merge(document: bytes, annex: bytes, name: str, most_pages: int) -> dict[str, Any]:
    """See PdfWorkshop.merge; the bytes to append to *document*, and how many ``pages`` they add."""
    reader = read_pdf(annex)
    if forms.existing_signatures(reader.root) or list(forms.terminal_fields(reader.root)):
        raise DocumentRefused(
            "merged-fields",
            "“{name}” has signatures or form fields, which would be lost in another document: attach it, or print"
            " it to a new PDF first.",
            name=name,
        )
    found = [each.get_object() for each in geometry.pages(reader.root, most=most_pages)]
    if len(found) > MOST_MERGED:
        raise DocumentRefused(
            "too-many-pages",
            "“{name}” is too long to be merged: pages {found}, at most {most}. Attach it beside the document.",
            name=name,
            found=len(found),
            most=MOST_MERGED,
        )
    update = IncrementalUpdate(document)
    before = sum(1 for _ in geometry.pages(update.root, most=most_pages))
    _append(update, list(_taken(found)))
    appended = update.appended()
    _require_same_look(document + appended, annex, before, len(found), name)
    return {"appended": appended, "pages": len(found)}


def _taken(found: list[Any]) -> Iterator[DictionaryObject]:
    """What is taken of each page; all of them know that they are of the annex, for importing them."""
    for page in found:
        taken = dictionary(Type="/Page", Rotate=geometry.frame(page).rotation)
        for key in (*_OWN, *_INHERITED):
            value = _raw(page, key, levels=1 if key in _OWN else geometry.DEEPEST_TREE)
            if value is not None:
                taken[pdf_name(key)] = value
        if "/MediaBox" not in taken:
            taken.update(dictionary(MediaBox=list(geometry.LETTER)))
        if "/CropBox" not in taken:
            taken[pdf_name("/CropBox")] = taken.raw_get("/MediaBox")
        taken.container_ref = page.container_ref
        yield taken


def _raw(page: Any, key: str, *, levels: int) -> Any:
    """What the page, or the nearest of so many *levels* above it, has under *key*, references left as they are."""
    node = page
    for _ in range(levels):
        if isinstance(node, DictionaryObject) and entry(node, key) is not None:
            return node.raw_get(key)
        node = entry(node, "/Parent") if isinstance(node, DictionaryObject) else None
    return None


def _append(update: IncrementalUpdate, taken: list[DictionaryObject]) -> None:
    """Puts the pages at the end of the document's page tree. Each has its own frame: the tree's may differ."""
    collected = ArrayObject(taken)
    collected.container_ref = taken[0].container_ref
    tree = update.root.raw_get("/Pages")
    node = tree.get_object()
    references = []
    imported: Any = update.import_object(collected)
    for page in imported:
        page[pdf_name("/Parent")] = tree
        references.append(update.add_object(page))
    node["/Kids"].extend(references)
    node[pdf_name("/Count")] = NumberObject(int(node["/Count"]) + len(references))
    update.update_container(node["/Kids"])
    update.mark_update(tree.reference)


def _require_same_look(merged: bytes, annex: bytes, before: int, count: int, name: str) -> None:
    with pages.opened(annex) as alone, pages.opened(merged) as together:
        for number in range(count):
            if _drawn(alone, number) != _drawn(together, before + number):
                raise DocumentRefused(
                    "merged-look",
                    "Page {page} of “{name}” would look different in the contract, as pages with notes, stamps or"
                    " layers do: print it to a new PDF first, or attach it.",
                    page=number + 1,
                    name=name,
                )


def _drawn(document: Any, number: int) -> bytes:
    with closing(document[number]) as page:
        size = page.get_size()
        return bytes(page.render(scale=pages.bounded(size, _COMPARED_WIDTH / size[0])).to_pil().tobytes())

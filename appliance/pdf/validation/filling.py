"""What honest form filling changes: a field's value, and with it the picture that shows the value.

pyHanko's rules let more pass as form filling: another picture of the same value, a value that the picture does not
show, a widget that is hidden or moved. Signature fields have rules of their own; they are not looked at here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver

from appliance.pdf.validation.comparing import changed_keys, entry, same

_FIELD_MAY_CHANGE = frozenset({"/V", "/AP", "/AS", "/M", "/RV", "/I", "/TI"})
_DEEPEST = 50
_BUTTON, _OFF = "/Btn", "/Off"


@dataclass(frozen=True, slots=True)
class _Node:
    """A field or widget with the kind and the value that it has or inherits (ISO 32000-2, 12.7.4.1)."""

    dictionary: generic.DictionaryObject
    kind: object
    value: generic.PdfObject | None


def is_honest(old: HistoricalResolver, new: HistoricalResolver) -> bool:
    """Whether every field that is no signature, and was there before, was filled or left as it was."""
    before, after = dict(_nodes(old)), dict(_nodes(new))
    return all(
        name in after and _is_filled(node, after[name], new)
        for name, node in before.items()
        if node.kind != "/Sig"
    )


def _is_filled(before: _Node, after: _Node, new: HistoricalResolver) -> bool:
    changed = changed_keys(before.dictionary, after.dictionary)
    redrawn = is_redrawn(after.dictionary, new) or bool(changed & {"/AP", "/AS"})
    if before.kind != after.kind or changed - _FIELD_MAY_CHANGE:
        return False
    if _same(before.value, after.value):
        return not redrawn and not changed & {"/RV", "/I"}
    if "/AP" not in after.dictionary:
        return "/AP" not in before.dictionary
    if before.kind == _BUTTON:
        return entry(after.dictionary, "/AS", _OFF) in (after.value, _OFF)
    return redrawn


def is_redrawn(widget: generic.DictionaryObject, revision: HistoricalResolver) -> bool:
    """Whether anything that the widget's picture is made of was written in *revision*."""
    if "/AP" not in widget:
        return False
    made_of = revision.collect_dependencies(widget.raw_get("/AP"))
    return not made_of.isdisjoint(revision.explicit_refs_in_revision())


def _same(before: generic.PdfObject | None, after: generic.PdfObject | None) -> bool:
    return before is after if before is None or after is None else same(before, after)


def _nodes(resolver: HistoricalResolver) -> Iterator[tuple[tuple[str, ...], _Node]]:
    """Every field and widget below the form, by its path of names (of numbers, for widgets without one)."""
    form = entry(resolver.root, "/AcroForm")
    if isinstance(form, generic.DictionaryObject):
        yield from _below(entry(form, "/Fields", ()), (), None, None)


def _below(
    nodes: object, above: tuple[str, ...], kind: object, value: generic.PdfObject | None
) -> Iterator[tuple[tuple[str, ...], _Node]]:
    if not isinstance(nodes, generic.ArrayObject) or len(above) > _DEEPEST:
        return
    for place, each in enumerate(nodes):
        node = each.get_object()
        if not isinstance(node, generic.DictionaryObject):
            continue
        path = (*above, str(node["/T"]) if "/T" in node else f"#{place}")
        known = _Node(node, entry(node, "/FT", kind), node.get("/V", value))
        yield path, known
        yield from _below(entry(node, "/Kids"), path, known.kind, known.value)

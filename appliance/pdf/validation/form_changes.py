"""Which changes of form fields after a signature are form filling: a field's value, and the picture that shows
it.

pyHanko's rules let more pass: another picture of the same value, a value that the picture does not show, a
widget that is hidden or moved. Signature fields have rules of their own and are not checked here. The further
places of a signature (:mod:`appliance.pdf.forms`) are check boxes; a place may change once, in the revision
that fills its signature field, by a signature that locks it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver

from appliance.pdf import forms
from appliance.pdf.validation.model import FieldLock
from appliance.pdf.validation.opening import DAMAGE
from appliance.pdf.validation.reading import lock_of
from appliance.pdf.validation.references import changed_keys, entry, number_of, same

_FIELD_MAY_CHANGE = frozenset({"/V", "/AP", "/AS", "/M", "/RV", "/I", "/TI", "/DA"})
_WITH_VALUE_ALONE = frozenset({"/RV", "/I", "/DA"})
"""What says how a value is shown: it may change with the value, not without it."""
_SIGNED_MAY_CHANGE = frozenset({"/V", "/AP", "/AS", "/M", "/Type", "/Border"})
_WIDGET_MAY_CHANGE = frozenset({"/V", "/AP", "/Type"})
_SHOWS_NOTHING = frozenset({"/M", "/Border", "/AS"})
_WRITTEN = frozenset({"/Tx", "/Ch"})
_DEEPEST = 50
_REFILLED_BY = frozenset({"/NeedAppearances", "/DA", "/Q"})
_ACTIONS = frozenset({"/A", "/AA", "/PA"})
_SPOKEN = frozenset({"/TU", "/Contents"})
_BUTTON, _OFF = "/Btn", "/Off"
_Fields = dict[str, generic.DictionaryObject]


@dataclass(frozen=True, slots=True)
class FormNode:
    """A field or widget with its full name, and the kind, value and typeface (/DA) that it has or inherits from a
    field above it (ISO 32000-2, 12.7.4.1)."""

    dictionary: generic.DictionaryObject
    name: str = ""
    kind: object = None
    value: generic.PdfObject | None = None
    typeface: generic.PdfObject | None = None


def is_honest(old: HistoricalResolver, new: HistoricalResolver) -> bool:
    """Whether every field that is no signature, and was there before, was filled or left as it was."""
    before, after = dict(form_nodes(old)), dict(form_nodes(new))
    return all(
        name in after and _is_filled(node, after[name], new)
        for name, node in before.items()
        if node.kind != "/Sig"
    )


def _is_filled(before: FormNode, after: FormNode, new: HistoricalResolver) -> bool:
    changed = changed_keys(before.dictionary, after.dictionary)
    redrawn = is_redrawn(after.dictionary, new) or bool(changed & {"/AP", "/AS"})
    if (
        before.kind != after.kind
        or changed - _FIELD_MAY_CHANGE
        or shows_further(before.dictionary, after.dictionary)
    ):
        return False
    if _same(before.value, after.value):
        return not redrawn and not changed & _WITH_VALUE_ALONE
    if not _is_one_value(after):
        return False
    if "/AP" not in after.dictionary:
        return "/AP" not in before.dictionary
    if before.kind == _BUTTON:
        states = entry(entry(after.dictionary, "/AP"), "/N", ())
        return bool(entry(after.dictionary, "/AS", _OFF) == (after.value if after.value in states else _OFF))
    return redrawn


def shows_further(before: generic.DictionaryObject, after: generic.DictionaryObject) -> bool:
    """Whether the widget *after* got another picture than the one that is printed: one for the pointer over it, or
    for a pressed button (ISO 32000-2, 12.5.5), which no comparison of pages sees."""
    was, now = (entry(each, "/AP", generic.DictionaryObject()) for each in (before, after))
    return bool((changed_keys(was, now) - {"/N"}) & now.keys())


_TAG = re.compile(r"<[^<>]*>")
_TEXTS = generic.TextStringObject | generic.ByteStringObject
_VALUES = {"/Tx": _TEXTS | generic.StreamObject, "/Ch": _TEXTS | generic.ArrayObject, "/Btn": generic.NameObject}


def _is_one_value(field: FormNode) -> bool:
    """Whether the value is of its field's kind, and the rich text and the places of what was chosen in the list
    are those of the value (12.7.4 and 12.7.5)."""
    dictionary, value = field.dictionary, field.value
    if not isinstance(value, _VALUES.get(str(field.kind), generic.PdfObject) | None):
        return False
    if "/RV" in dictionary:
        rich = "".join(html.unescape(_TAG.sub("", str(dictionary["/RV"]))).split())
        if rich != "".join(str(value).split()):
            return False
    if "/I" not in dictionary:
        return True
    options = [each[0] if isinstance(each, list) else each for each in entry(dictionary, "/Opt", ())]
    places, chosen = entry(dictionary, "/I"), value if isinstance(value, list) else [value]
    if not isinstance(places, list) or not all(
        isinstance(each, int) and 0 <= each < len(options) for each in places
    ):
        return False
    return [options[each] for each in places] == list(chosen)


def acts(old: HistoricalResolver, new: HistoricalResolver) -> bool:
    """Whether a field or widget has come that does something (12.6.3), as a page opens or under the pointer, that
    shows something then, or that is read aloud."""
    before = dict(form_nodes(old))
    empty = generic.DictionaryObject()
    return any(
        path not in before
        and (
            _ACTIONS & node.dictionary.keys()
            or shows_further(empty, node.dictionary)
            or is_spoken(node.dictionary)
        )
        for path, node in form_nodes(new)
    )


def is_spoken(field: generic.DictionaryObject) -> bool:
    """Whether *field*, a new one, has a text that is read aloud (/TU, 14.9.3, or /Contents, 12.5.2) and says more
    than its name, and no person signed in it: who signs answers for what the field says, and a timestamp can be
    had by anybody."""
    value, name = entry(field, "/V"), entry(field, "/T")
    signature = isinstance(value, generic.DictionaryObject) and entry(value, "/Type", "/Sig") == "/Sig"
    if signature and "/ByteRange" in value:
        return False
    # pyHanko calls a timestamp's field "Timestamp-" and a number, to be read aloud as "Timestamp"
    return any(not str(name).startswith(str(entry(field, key))) for key in _SPOKEN & field.keys())


def is_form_weakened(old: generic.DictionaryObject, new: generic.DictionaryObject) -> bool:
    """Whether the form *new* no longer says that there are signatures, or that the file may only be appended to
    (/SigFlags, table 225), or its fields are in another order than in *old*: nothing asks for that."""
    before, after = entry(old, "/SigFlags", 0), entry(new, "/SigFlags", 0)
    if not isinstance(before, int) or not isinstance(after, int):
        return not same(old.get("/SigFlags"), new.get("/SigFlags"))
    listed = [
        [number_of(fields.raw_get(place)) for place in range(len(fields))]
        for fields in (entry(form, "/Fields", generic.ArrayObject()) for form in (old, new))
    ]
    kept = [[each for each in numbers if each in listed[1 - place]] for place, numbers in enumerate(listed)]
    return bool(before & ~after) or kept[0] != kept[1]


def is_redrawn(widget: generic.DictionaryObject, revision: HistoricalResolver) -> bool:
    """Whether anything that the widget's picture is made of was written in *revision*."""
    if "/AP" not in widget:
        return False
    made_of = revision.collect_dependencies(widget.raw_get("/AP"))
    return not made_of.isdisjoint(revision.explicit_refs_in_revision())


def _same(before: generic.PdfObject | None, after: generic.PdfObject | None) -> bool:
    return before is after if before is None or after is None else same(before, after)


def touched(old: HistoricalResolver, new: HistoricalResolver) -> frozenset[str]:
    """The full names of the fields that were added or removed, or are not what they were: in themselves, in a
    widget of theirs, or in what they inherit, or because their picture was written anew."""
    before, after = dict(form_nodes(old)), dict(form_nodes(new))
    found = {
        node.name for path, node in (*before.items(), *after.items()) if path not in before or path not in after
    }
    found |= {node.name for path, node in before.items() if path in after and _is_touched(node, after[path], new)}
    return frozenset(found)


def filled(old: HistoricalResolver, new: HistoricalResolver) -> frozenset[str]:
    """The full names of the fields that were filled honestly: given a value that their picture shows, or signed,
    in a field that was there or in a new one. Where a name is not of one field alone it is not among them."""
    before, after = list(form_nodes(old)), list(form_nodes(new))
    was, now = dict(before), dict(after)
    honest, other = set[str](), {name for nodes in (before, after) for name in _twice(nodes)}
    other |= {node.name for path, node in before if path not in now}
    other |= {name for name in _ever_places(old) if not _is_place_kept(name, old, new)}
    for path, node in after:
        (honest if _is_honest(was.get(path), node, new) else other).add(node.name)
    return frozenset(honest - other)


def _is_honest(before: FormNode | None, after: FormNode, new: HistoricalResolver) -> bool:
    if after.kind != "/Sig":
        return before is not None and _is_filled(before, after, new)
    if before is None:
        return True  # what a new field of a signature shows is its signer's word, once it is signed
    if before.kind != "/Sig":
        return False
    if not _is_touched(before, after, new):
        return True
    changed = changed_keys(before.dictionary, after.dictionary)
    return before.value is None and after.value is not None and changed <= _SIGNED_MAY_CHANGE


def _twice(nodes: list[tuple[tuple[str, ...], FormNode]]) -> Iterator[str]:
    seen = set()
    for path, node in nodes:
        if path in seen:
            yield node.name
        seen.add(path)


def _is_place_kept(name: str, old: HistoricalResolver, new: HistoricalResolver) -> bool:
    """Whether the place is as it was, or shows the signature that it belongs to."""
    before, after = dict(_fields(old)), dict(_fields(new))
    if name not in before or not _changed(name, before, after, new):
        return True
    owner = forms.place_owner(name) or ""
    return is_filled_by(name, {owner: _lock(owner, before, after)})


def _is_touched(before: FormNode, after: FormNode, new: HistoricalResolver) -> bool:
    if changed_keys(before.dictionary, after.dictionary) or not _same(before.value, after.value):
        return True
    return is_redrawn(after.dictionary, new) or _is_written(after, new)


def _is_written(node: FormNode, revision: HistoricalResolver) -> bool:
    """Whether anything that its value is made of was written in *revision*: of a signature, itself alone, since
    what it refers to may be the whole document (/Data, 12.8.1)."""
    value, written = node.value, revision.explicit_refs_in_revision()
    if value is None:
        return False
    if node.kind == "/Sig":
        number = number_of(value)
        return number is not None and generic.Reference(*number, revision.reader) in written
    return not revision.collect_dependencies(value).isdisjoint(written)


def refills(old: HistoricalResolver, new: HistoricalResolver) -> bool:
    """Whether readers may now draw fields anew that were filled before: asked to, or with another typeface.

    A typeface for all fields may come where each that shows text has its own; resources may be added alone.
    """
    before = entry(old.root, "/AcroForm", generic.DictionaryObject())
    after = entry(new.root, "/AcroForm", generic.DictionaryObject())
    changed = changed_keys(before, after) & _REFILLED_BY
    if changed - {"/DA"} or (changed and ("/DA" in before or not _have_typefaces(old))):
        return True
    resources = entry(after, "/DR", generic.DictionaryObject())
    if isinstance(resources, generic.StreamObject) or not isinstance(resources, generic.DictionaryObject):
        return True
    held = entry(before, "/DR", generic.DictionaryObject())
    return any(
        not isinstance(entry(resources, kind), generic.DictionaryObject)
        or changed_keys(named, entry(resources, kind)) & named.keys()
        for kind, named in ((each, entry(held, each)) for each in held)
        if isinstance(named, generic.DictionaryObject)
    )


def _have_typefaces(resolver: HistoricalResolver) -> bool:
    """Whether every text and choice field has one of its own, or of a field above it."""
    return all(
        node.typeface is not None
        for _, node in form_nodes(resolver)
        if node.kind in _WRITTEN and not entry(node.dictionary, "/Kids")
    )


def form_nodes(resolver: HistoricalResolver) -> Iterator[tuple[tuple[str, ...], FormNode]]:
    """Every field and widget below the form, by its path of names (of numbers, for widgets without one)."""
    form = entry(resolver.root, "/AcroForm")
    if isinstance(form, generic.DictionaryObject):
        yield from _below(entry(form, "/Fields", ()), (), FormNode(generic.DictionaryObject()))


def _below(nodes: object, path: tuple[str, ...], above: FormNode) -> Iterator[tuple[tuple[str, ...], FormNode]]:
    if not isinstance(nodes, generic.ArrayObject) or len(path) > _DEEPEST:
        return
    for place, each in enumerate(nodes):
        node = each.get_object()
        if not isinstance(node, generic.DictionaryObject):
            continue
        name = str(node["/T"]) if "/T" in node else None
        inner = (*path, f"#{place}" if name is None else name)
        known = FormNode(
            node,
            ".".join(part for part in (above.name, name) if part),
            entry(node, "/FT", above.kind),
            node.get("/V", above.value),
            node.get("/DA", above.typeface),
        )
        yield inner, known
        yield from _below(entry(node, "/Kids"), inner, known)


def is_empty(field: generic.DictionaryObject) -> bool:
    """Whether *field* is a place that shows nothing yet."""
    return forms.is_place(field) and entry(field, "/AS") == forms.PLACE_EMPTY and "/V" not in field


def is_filled(field: generic.DictionaryObject) -> bool:
    """Whether *field*, an empty place before, shows its signature now."""
    return bool(entry(field, "/AS") == entry(field, "/V") == forms.PLACE_SIGNED)


def is_filled_by(place: str, locks: dict[str, FieldLock | None]) -> bool:
    """Whether one of the signatures made in the same revision (``field: its lock``) accounts for *place*."""
    lock = locks.get(forms.place_owner(place) or "")
    return lock is not None and lock.locks(place)


def changed_alone(old: HistoricalResolver, new: HistoricalResolver) -> bool:
    """Whether a place was changed between the two revisions by anything but the signature that it belongs to."""
    before, after = dict(_fields(old)), dict(_fields(new))
    changed = [name for name in _ever_places(old) & before.keys() if _changed(name, before, after, new)]
    locks = {name: _lock(name, before, after) for name in {forms.place_owner(name) or "" for name in changed}}
    return not all(is_filled_by(name, locks) for name in changed)


def _ever_places(resolver: HistoricalResolver) -> set[str]:
    """The names of all fields that were places in that revision or before: what was made something else since,
    so that it may be filled, is still one."""
    found: set[str] = set()
    for revision in range(resolver.revision + 1):
        try:
            earlier = _fields(resolver.reader.get_historical_resolver(revision))
            found |= {name for name, field in earlier if forms.is_place(field)}
        except DAMAGE:  # the first section of a linearised file may not have the catalogue yet
            continue
    return found


def _changed(name: str, before: _Fields, after: _Fields, new: HistoricalResolver) -> bool:
    """Whether the place differs in itself, or in anything that its picture is made of."""
    if name not in after or changed_keys(before[name], after[name]):
        return True
    return is_redrawn(after[name], new)


def _lock(owner: str, before: _Fields, after: _Fields) -> FieldLock | None:
    """The lock of the signature that was put into the field *owner* just then, or None."""
    if owner not in before or owner not in after or "/V" in before[owner] or "/V" not in after[owner]:
        return None
    return lock_of(after[owner]["/V"])


def _fields(resolver: HistoricalResolver) -> Iterator[tuple[str, generic.DictionaryObject]]:
    form = entry(resolver.root, "/AcroForm")
    for reference in entry(form, "/Fields", ()) if isinstance(form, generic.DictionaryObject) else ():
        field = reference.get_object()
        if isinstance(field, generic.DictionaryObject) and "/T" in field:
            yield str(field["/T"]), field


def _shows_nothing(widget: generic.DictionaryObject) -> bool:
    """Whether the widget has no picture, or an empty one."""
    picture = entry(entry(widget, "/AP", generic.DictionaryObject()), "/N")
    return picture is None or (isinstance(picture, generic.StreamObject) and not picture.data.strip())


def is_shown_alike(changed: set[str], before: generic.DictionaryObject, widget: generic.DictionaryObject) -> bool:
    """Whether nothing of *widget* was *changed* but its value and its one picture, and what shows nothing beside
    that: when it was changed, no border, a state where there are none (Poppler writes these), no area where it
    showed nothing (PDFBox, of a signature that is not to be seen)."""
    further = changed - _WIDGET_MAY_CHANGE
    if "/Rect" in further and _shows_nothing(before) and not is_visible(widget):
        further = further - {"/Rect"}
    if not further:
        return True
    pictures = entry(widget, "/AP", generic.DictionaryObject())
    borders = [float(each) for each in entry(widget, "/Border", (0,))]
    one = isinstance(entry(pictures, "/N"), generic.StreamObject) and set(pictures) == {"/N"}
    return further <= _SHOWS_NOTHING and one and not any(borders)


def is_visible(widget: generic.DictionaryObject) -> bool:
    """Whether its rectangle has an area."""
    left, bottom, right, top = (float(each) for each in entry(widget, "/Rect", (0, 0, 0, 0)))
    return abs(right - left) * abs(top - bottom) > 0

"""Which objects may be written anew when a form is filled: pyHanko's rules about fields, and the same for their
widgets, which pyHanko passes over.

A field of several widgets, as a group of radio buttons is, has these as kids without a name (ISO 32000-2,
12.7.4.1 and 12.5.6.19): what changes when it is filled is written in them. Each is compared as if it was a field,
and has to be where widgets are: below its field and among the annotations of a page.

These rules say what may be touched, not that it was filled honestly: that is for
:mod:`appliance.pdf.validation.form_changes`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.misc import PdfReadError
from pyhanko.pdf_utils.reader import RawPdfPath
from pyhanko.sign.diff_analysis import (
    FormUpdatingRule,
    GenericFieldModificationRule,
    ModificationLevel,
    SigFieldCreationRule,
    SigFieldModificationRule,
    SuspiciousModification,
)
from pyhanko.sign.diff_analysis.commons import compare_dicts
from pyhanko.sign.diff_analysis.constants import ACROFORM_EXEMPT_STRICT_COMPARISON, VALUE_UPDATE_KEYS
from pyhanko.sign.diff_analysis.form_rules_api import FieldComparisonContext, FieldComparisonSpec, FormUpdate
from pyhanko.sign.diff_analysis.rules.form_field_rules import (
    _allow_appearance_update,
    _allow_in_place_appearance_update,
)
from pyhanko.sign.diff_analysis.rules_api import RelativeContext

from appliance.pdf.validation.form_changes import is_shown_alike
from appliance.pdf.validation.page_changes import changed_of_page, is_page
from appliance.pdf.validation.references import changed_keys, entry, number_of

_Updates = Iterable[tuple[ModificationLevel, FormUpdate]]
_VALUE_KEYS = VALUE_UPDATE_KEYS | {"/I", "/TI", "/RV", "/M"}
_SHOWS_NOTHING = frozenset({"/M", "/Border"})
_SIGNED_KEYS = VALUE_UPDATE_KEYS | _SHOWS_NOTHING
_SIGNED_WIDGET_KEYS = frozenset({"/AP", "/AS", "/M", "/Type"})


def form_rule() -> FormUpdatingRule:
    """The rule about the form and its fields."""
    return FormUpdatingRule(
        [
            _CreationRule(),
            _SignatureRule(value_update_keys=_SIGNED_KEYS),
            _FillingRule(value_update_keys=_VALUE_KEYS),
        ],
        ignored_acroform_keys=ACROFORM_EXEMPT_STRICT_COMPARISON | {"/SigFlags"},
    )


class _CreationRule(SigFieldCreationRule):
    """New signature fields, and the pages that show their widgets, as pyHanko has it; but what shows and says the
    same may be written anew in these pages."""

    def __init__(self) -> None:
        super().__init__(approve_widget_bindings=False)  # type: ignore[no-untyped-call]

    def apply(self, context: FieldComparisonContext) -> _Updates:
        """What may be written anew of the fields and pages."""
        yield from super().apply(context)
        names = dict(_new_widgets(context))
        for page in _pages(context.old.root["/Pages"], ()) if names else ():
            yield from ((ModificationLevel.LTA_UPDATES, each) for each in _shown(page, names, context))


def _pages(node: generic.DictionaryObject, above: tuple[generic.Reference, ...]) -> Iterator[generic.Reference]:
    """The pages below *node* of the page tree. Raises PdfReadError for a tree that leads back to itself."""
    for each in node["/Kids"]:
        if each.reference in above:
            raise PdfReadError("a circle in the page tree")
        kid = each.get_object()
        if kid["/Type"] == "/Pages":
            yield from _pages(kid, (*above, each.reference))
        else:
            yield each.reference


def _new_widgets(context: FieldComparisonContext) -> Iterator[tuple[generic.Reference, str]]:
    """The widgets of new signature fields, with the names of these."""
    for name, spec in context.field_specs.items():
        if spec.field_type == "/Sig" and spec.old_field_ref is None and spec.new_field_ref is not None:
            yield spec.new_field_ref, name
            kids = entry(spec.new_field, "/Kids", ()) if spec.new_field is not None else ()
            yield from ((each.reference, name) for each in kids if "/T" not in each.get_object())


def _shown(
    page: generic.Reference, names: Mapping[generic.Reference, str], context: FieldComparisonContext
) -> Iterator[FormUpdate]:
    """The *page* and its list of annotations, if nothing but the widgets *names* came to them."""
    before, after = context.old(page), context.new(page)
    if not is_page(before) or not is_page(after) or changed_of_page(before, after) - {"/Annots"}:
        return
    old, new = (_annotations(each) for each in (before, after))
    added = new - old
    if not old <= new or not added or not added <= names.keys():
        return
    named = {names[each] for each in added}
    name = named.pop() if len(named) == 1 else None
    yield FormUpdate(updated_ref=page, field_name=name, valid_when_locked=True)
    was, now = (number_of(each.raw_get("/Annots")) if "/Annots" in each else None for each in (before, after))
    if now is not None:
        lists = generic.Reference(*now, context.new.reader)
        if was == now or context.old.is_ref_unassignable(lists):
            place = RelativeContext(page, RawPdfPath("/Annots"))
            yield FormUpdate(lists, field_name=name, valid_when_locked=True, context_checked=place)


def _annotations(page: generic.DictionaryObject) -> set[generic.Reference]:
    listed = entry(page, "/Annots", generic.ArrayObject())
    return {each.reference for each in listed}


class _FillingRule(GenericFieldModificationRule):
    """A field that is no signature, and its widgets."""

    def check_form_field(
        self, fq_name: str, spec: FieldComparisonSpec, context: FieldComparisonContext
    ) -> _Updates:
        """What may be written anew of the field."""
        yield from super().check_form_field(fq_name, spec, context)
        if spec.field_type != "/Sig":
            for widget in _widgets(spec):
                yield from super().check_form_field(fq_name, widget, context)


class _SignatureRule(SigFieldModificationRule):
    """A signature field, and its widgets, which may change when it is signed."""

    def compare_fields(self, spec: FieldComparisonSpec) -> bool:
        """As pyHanko compares them; what shows nothing has to show nothing."""
        alike = super().compare_fields(spec)
        old, new = spec.old_field, spec.new_field
        if old is not None and new is not None:
            changed = changed_keys(old, new)
            if changed & _SHOWS_NOTHING and not is_shown_alike(changed, old, new):
                raise SuspiciousModification("a signature field that looks otherwise")
        return alike

    def check_form_field(
        self, fq_name: str, spec: FieldComparisonSpec, context: FieldComparisonContext
    ) -> _Updates:
        """What may be written anew of the field."""
        yield from super().check_form_field(fq_name, spec, context)
        old, new = spec.old_field, spec.new_field
        if spec.field_type != "/Sig" or old is None or new is None or "/V" in old or "/V" not in new:
            return
        for widget in _widgets(spec):
            compare_dicts(widget.old_field, widget.new_field, _SIGNED_WIDGET_KEYS)
            yield from ((ModificationLevel.FORM_FILLING, each) for each in _redrawn(fq_name, widget, context))


def _redrawn(name: str, widget: FieldComparisonSpec, context: FieldComparisonContext) -> Iterator[FormUpdate]:
    before, after, reference = widget.old_field, widget.new_field, widget.new_field_ref
    if reference is not None:
        for place in widget.expected_contexts():
            yield FormUpdate(reference, field_name=name, context_checked=place)
    for each in _allow_appearance_update(before, after, context.old, context.new):
        yield FormUpdate(each, field_name=name)
    yield from _allow_in_place_appearance_update(before, after, context.old, context.new, fq_name=name)


def _widgets(spec: FieldComparisonSpec) -> Iterator[FieldComparisonSpec]:
    """The kids without a name of a field that was there, each with what it is now at the same place."""
    if spec.old_field is None or spec.new_field is None:
        return
    before, after = entry(spec.old_field, "/Kids"), entry(spec.new_field, "/Kids")
    if not isinstance(before, generic.ArrayObject) or not isinstance(after, generic.ArrayObject):
        return
    for index in range(min(len(before), len(after))):
        old, new = before.raw_get(index), after.raw_get(index)
        if number_of(old) is None or number_of(old) != number_of(new):
            continue
        if _is_widget(old.get_object()) and _is_widget(new.get_object()):
            above = spec.old_canonical_path
            path = None if above is None else above + "/Kids" + index
            yield FieldComparisonSpec(spec.field_type, old.reference, new.reference, path)


def _is_widget(value: object) -> bool:
    return (
        isinstance(value, generic.DictionaryObject)
        and not isinstance(value, generic.StreamObject)
        and "/T" not in value
        and entry(value, "/Subtype") == "/Widget"
    )

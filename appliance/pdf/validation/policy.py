"""The full analysis of a change: pyHanko's policy, stricter where it was fooled and more lenient where it cried
wolf.

Stricter: an object that the older revision already referred to is no orphan, even if it did not exist yet (that
is how shadow attacks reveal what they hid). More lenient: objects may be marked free when nothing used them, and
validation data may be written anew, VRI entries included; common producers do both.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver
from pyhanko.sign.diff_analysis import (
    CatalogModificationRule,
    DocInfoRule,
    FormUpdatingRule,
    GenericFieldModificationRule,
    MetadataUpdateRule,
    ModificationLevel,
    ObjectStreamRule,
    SigFieldCreationRule,
    SigFieldModificationRule,
    StandardDiffPolicy,
    SuspiciousModification,
    WhitelistRule,
    XrefStreamRule,
)
from pyhanko.sign.diff_analysis.policies import _find_orphans
from pyhanko.sign.diff_analysis.rules.form_field_rules import is_field_visible
from pyhanko.sign.diff_analysis.rules_api import Context, ReferenceUpdate
from pyhanko.sign.fields import enumerate_sig_fields

from appliance.pdf.validation.comparing import changed_keys, entry
from appliance.pdf.validation.form_changes import changed_alone, is_honest
from appliance.pdf.validation.model import RevisionStep, StepKind
from appliance.pdf.validation.opening import DAMAGE, OpenedPdf

_STORE = ("/Root", "/DSS")
_STORED = ("/Certs", "/CRLs", "/OCSPs")
_REFILLED_BY = frozenset({"/NeedAppearances", "/DA", "/Q"})


class UnusedRule(WhitelistRule):
    """New or freed objects that no object of the older revision refers to, and nothing changed refers to."""

    def apply(self, old: HistoricalResolver, new: HistoricalResolver) -> Iterable[ReferenceUpdate]:
        """The references of such objects."""
        for reference in _find_orphans(new) | new.refs_freed_in_revision():
            if not old._get_usages_of_ref(reference):
                yield ReferenceUpdate(reference)


class StoreRule(WhitelistRule):
    """Whatever is reachable from the validation store, as far as it is not also used elsewhere."""

    def apply(self, old: HistoricalResolver, new: HistoricalResolver) -> Iterable[ReferenceUpdate]:
        """The references in the newer store; for those that existed, only their use in the older store."""
        if "/DSS" not in new.root:
            return
        for reference in new.collect_dependencies(new.root.raw_get("/DSS")):
            usages = old._get_usages_of_ref(reference)
            if not usages:
                yield ReferenceUpdate(reference)
            for path in usages:
                if tuple(path.path[:2]) == _STORE:
                    yield ReferenceUpdate(reference, context_checked=Context.from_absolute(old, path))


_POLICY = StandardDiffPolicy(
    global_rules=[
        CatalogModificationRule(),
        DocInfoRule().as_qualified(ModificationLevel.LTA_UPDATES),
        XrefStreamRule().as_qualified(ModificationLevel.LTA_UPDATES),
        ObjectStreamRule().as_qualified(ModificationLevel.LTA_UPDATES),
        MetadataUpdateRule().as_qualified(ModificationLevel.LTA_UPDATES),
        StoreRule().as_qualified(ModificationLevel.LTA_UPDATES),
        UnusedRule().as_qualified(ModificationLevel.LTA_UPDATES),
    ],
    form_rule=FormUpdatingRule(
        [SigFieldCreationRule(), SigFieldModificationRule(), GenericFieldModificationRule()]
    ),
    reject_object_freeing=False,
    ignore_orphaned_objects=False,
)
_KINDS = {
    ModificationLevel.NONE: StepKind.NOTHING,
    ModificationLevel.LTA_UPDATES: StepKind.VALIDATION_DATA,
    ModificationLevel.FORM_FILLING: StepKind.FORM_FILLING,
}
_LONGEST_DETAIL = 300

logging.getLogger("pyhanko").addHandler(logging.NullHandler())


def analyse(pdf: OpenedPdf, number: int) -> RevisionStep:
    """The step to revision *number*; never raises for what is in the file."""
    old = pdf.reader.get_historical_resolver(number - 1)
    new = pdf.reader.get_historical_resolver(number)
    try:
        result = _POLICY.apply(old, new)
        objection = _objection(old, new)
        new_visible = frozenset(_visible_fields(new) - _visible_fields(old))
    except SuspiciousModification as error:
        return RevisionStep(number, StepKind.UNEXPLAINED, detail=str(error)[:_LONGEST_DETAIL])
    except DAMAGE as error:
        return RevisionStep(number, StepKind.UNEXPLAINED, detail=type(error).__name__)
    if objection is not None:
        return RevisionStep(number, StepKind.UNEXPLAINED, detail=objection)
    kind = _KINDS.get(result.modification_level, StepKind.UNEXPLAINED)
    return RevisionStep(number, kind, frozenset(result.changed_form_fields), new_visible)


def _objection(old: HistoricalResolver, new: HistoricalResolver) -> str | None:
    """What pyHanko's rules let pass and we do not."""
    if _refills(old, new):
        return "the form's defaults were changed"
    if changed_alone(old, new):
        return "a place of a signature was changed without it"
    if not _keeps_store(old, new):
        return "validation data was taken away"
    if not is_honest(old, new):
        return "a field was changed, but not filled"
    return None


def _keeps_store(old: HistoricalResolver, new: HistoricalResolver) -> bool:
    """Whether there is a validation store as one is made, with something of every kind that it had."""
    if "/DSS" not in new.root:
        return "/DSS" not in old.root
    before, after = entry(old.root, "/DSS"), entry(new.root, "/DSS")
    if not isinstance(after, generic.DictionaryObject) or isinstance(after, generic.StreamObject):
        return False
    held = before if isinstance(before, generic.DictionaryObject) else generic.DictionaryObject()
    return all(entry(after, key) for key in _STORED if entry(held, key))


def _visible_fields(resolver: HistoricalResolver) -> set[str]:
    """The names of the signature fields that have a widget with an area."""
    found = enumerate_sig_fields(resolver)
    return {name for name, _, field in found if is_field_visible(field.get_object())}


def _refills(old: HistoricalResolver, new: HistoricalResolver) -> bool:
    """Whether readers may now draw fields anew that were filled before: asked to, or with another typeface."""
    before = entry(old.root, "/AcroForm", generic.DictionaryObject())
    after = entry(new.root, "/AcroForm", generic.DictionaryObject())
    if changed_keys(before, after) & _REFILLED_BY:
        return True
    resources = entry(after, "/DR", generic.DictionaryObject())
    return any(
        not isinstance(entry(resources, kind), generic.DictionaryObject)
        or changed_keys(named, entry(resources, kind)) & named.keys()
        for kind, named in entry(before, "/DR", generic.DictionaryObject()).items()
        if isinstance(named, generic.DictionaryObject)
    )

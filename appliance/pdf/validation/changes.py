"""What each revision after the first signature did to the one before it.

A change that :mod:`known_changes` does not recognise is for the full analysis: pyHanko's policy, stricter where it
was fooled and more lenient where it was too strict. Stricter: an object that the older revision already referred
to is no orphan, even if it did not exist yet (that is how shadow attacks reveal what they hid). More lenient:
objects may be marked free when nothing used them, and validation data may be written anew, VRI entries included;
common producers do both.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver
from pyhanko.sign.diff_analysis import (
    CatalogModificationRule,
    DocInfoRule,
    MetadataUpdateRule,
    ModificationLevel,
    ObjectStreamRule,
    StandardDiffPolicy,
    SuspiciousModification,
    WhitelistRule,
    XrefStreamRule,
)
from pyhanko.sign.diff_analysis.constants import ROOT_EXEMPT_STRICT_COMPARISON
from pyhanko.sign.diff_analysis.policies import _find_orphans
from pyhanko.sign.diff_analysis.rules.form_field_rules import is_field_visible
from pyhanko.sign.diff_analysis.rules_api import Context, ReferenceUpdate

from appliance.pdf.forms import signature_fields
from appliance.pdf.validation import known_changes
from appliance.pdf.validation.field_rules import form_rule
from appliance.pdf.validation.form_changes import (
    acts,
    changed_alone,
    filled,
    is_form_weakened,
    is_honest,
    refills,
    touched,
)
from appliance.pdf.validation.model import RevisionStep, RevisionStepKind
from appliance.pdf.validation.opening import DAMAGE, OpenedPdf
from appliance.pdf.validation.plainness import is_plain
from appliance.pdf.validation.references import References, changed_keys, entry, number_of, same


def steps(pdf: OpenedPdf, *, since: int) -> tuple[RevisionStep, ...]:
    """The steps from revision *since* to the last one, one by one; each is judged once for all signatures.

    Step by step, because an intermediate revision can no longer be seen in the last one.
    """
    numbers = range(since + 1, pdf.revisions)
    if not numbers:
        return ()
    xrefs = pdf.reader.xrefs
    try:
        wanted = {each.idnum for number in numbers for each in xrefs.explicit_refs_in_revision(number)}
        wanted |= known_changes.former_stores(pdf, since)
        references = References(pdf, wanted.union(*(known_changes.needed_for(pdf, each) for each in numbers)))
    except DAMAGE:
        return tuple(RevisionStep(number, RevisionStepKind.UNEXPLAINED) for number in numbers)
    return tuple(_step(pdf, number, references) for number in numbers)


def _step(pdf: OpenedPdf, number: int, references: References) -> RevisionStep:
    recognised = known_changes.recognise(pdf, number, references) if references.complete else None
    step = recognised or analyse(pdf, number, references)
    if is_plain(pdf, number):
        return step
    return replace(step, kind=RevisionStepKind.UNEXPLAINED, recognised=False)  # readers may disagree about it


def is_described_anew(pdf: OpenedPdf, *, since: int) -> bool:
    """Whether what the file says of itself (title, author, other metadata) is not what it said in revision
    *since*, or cannot be read; but for the time and the program, which every program that signs writes anew."""
    last = pdf.revisions - 1
    try:
        return since < last and not all(map(_alike, _told(pdf, since), _told(pdf, last)))
    except DAMAGE:
        return True


_WRITTEN_ANEW = frozenset({"/ModDate", "/Producer"})
_NAMES = rb"(?:xmp:ModifyDate|xmp:MetadataDate|xmpMM:InstanceID|pdf:Producer)"
_XMP_WRITTEN_ANEW = re.compile(rb"<%s>[^<]*</|\b%s\s*=\s*[\"'][^\"'<]*" % (_NAMES, _NAMES))


def _alike(old: object, new: object) -> bool:
    if isinstance(old, generic.StreamObject) and isinstance(new, generic.StreamObject):
        return bool(_XMP_WRITTEN_ANEW.sub(b"", old.data) == _XMP_WRITTEN_ANEW.sub(b"", new.data))
    if isinstance(new, generic.DictionaryObject):
        before = generic.DictionaryObject() if old is None else old
        return isinstance(before, generic.DictionaryObject) and not changed_keys(before, new) - _WRITTEN_ANEW
    return same(old, new)


def _told(pdf: OpenedPdf, revision: int) -> Iterator[object]:
    """Read without pyHanko's copies of old revisions, which it cannot make of every dictionary."""
    then = pdf.reader.get_historical_resolver(revision)
    for holder, key in ((then.trailer_view, "/Info"), (then.root, "/Metadata")):
        value = holder.raw_get(key) if key in holder else None
        number = number_of(value)
        yield value if number is None else pdf.reader.get_object(generic.Reference(*number, pdf.reader), revision)


_STORE = ("/Root", "/DSS")
_STORED = ("/Certs", "/CRLs", "/OCSPs")


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


class PrivateRule(WhitelistRule):
    """What a page has as private data of programs (ISO 32000-2, 14.5), as far as it is not also used elsewhere: a
    number that was free may be in use for something now, and still stand there."""

    def apply(self, old: HistoricalResolver, new: HistoricalResolver) -> Iterable[ReferenceUpdate]:
        """The references that a revision wrote, for their use in private data."""
        for reference in new.explicit_refs_in_revision():
            for path in old._get_usages_of_ref(reference):
                if _PRIVATE.fullmatch("".join(map(str, path.path))):
                    yield ReferenceUpdate(reference, context_checked=Context.from_absolute(old, path))


_PRIVATE = re.compile(r"/Root/Pages(?:/Kids\d+)+/PieceInfo")
"""Itself alone: of what it leads to pyHanko does not know each way that leads there."""


class BackgroundRule(WhitelistRule):
    """What :func:`known_changes.background` explains."""

    def __init__(self, background: known_changes.Background) -> None:
        self._numbers = background.numbers

    def apply(self, old: HistoricalResolver, new: HistoricalResolver) -> Iterable[ReferenceUpdate]:
        """The references of these objects."""
        for reference in new.explicit_refs_in_revision():
            if reference.idnum in self._numbers:
                yield ReferenceUpdate(reference)


def _policy(background: known_changes.Background) -> StandardDiffPolicy:
    rules = (
        DocInfoRule(),
        XrefStreamRule(),
        ObjectStreamRule(),
        MetadataUpdateRule(),
        StoreRule(),
        PrivateRule(),
        UnusedRule(),
        BackgroundRule(background),
    )
    catalogue = CatalogModificationRule(ROOT_EXEMPT_STRICT_COMPARISON | background.keys)
    return StandardDiffPolicy(
        global_rules=[catalogue, *(rule.as_qualified(ModificationLevel.LTA_UPDATES) for rule in rules)],
        form_rule=form_rule(),
        reject_object_freeing=False,
        ignore_orphaned_objects=False,
    )


_KINDS = {
    ModificationLevel.NONE: RevisionStepKind.NOTHING,
    ModificationLevel.LTA_UPDATES: RevisionStepKind.VALIDATION_DATA,
    ModificationLevel.FORM_FILLING: RevisionStepKind.FORM_FILLING,
}

logging.getLogger("pyhanko").addHandler(logging.NullHandler())


def analyse(pdf: OpenedPdf, number: int, references: References) -> RevisionStep:
    """The step to revision *number*; never raises for what is in the file.

    What is not explained keeps the fields that were filled honestly. An object that a reference leads to and that
    is not there is null (ISO 32000-2, 7.3.10); the revision's own objects are read strictly elsewhere.
    """
    old = pdf.reader.get_historical_resolver(number - 1)
    new = pdf.reader.get_historical_resolver(number)
    strict = pdf.reader.strict
    pdf.reader.strict = strict and not references.complete
    try:
        background = known_changes.background(pdf, number, references)
        if known_changes.fills_gap(pdf, number, references):
            background = replace(background, kept=False)
        return _analysed(old, new, background)
    except DAMAGE:
        return RevisionStep(number, RevisionStepKind.UNEXPLAINED)
    finally:
        pdf.reader.strict = strict


def _analysed(
    old: HistoricalResolver, new: HistoricalResolver, background: known_changes.Background
) -> RevisionStep:
    new_visible = frozenset(_visible_fields(new) - _visible_fields(old))
    changed = touched(old, new)
    unexplained = RevisionStep(
        new.revision, RevisionStepKind.UNEXPLAINED, filled(old, new) & changed, changed, new_visible
    )
    try:
        result = _policy(background).apply(old, new)
        if not background.kept or _is_objectionable(old, new):
            return unexplained
    except (SuspiciousModification, *DAMAGE):
        return unexplained
    kind = _KINDS.get(result.modification_level, RevisionStepKind.UNEXPLAINED)
    # pyHanko names every field with an appearance that an older revision wrote
    fields = frozenset(result.changed_form_fields) & changed
    return replace(
        unexplained, kind=kind, fields=fields if kind is not RevisionStepKind.UNEXPLAINED else unexplained.fields
    )


def _is_objectionable(old: HistoricalResolver, new: HistoricalResolver) -> bool:
    """Whether there is a change that pyHanko's rules allow and ours do not: the form's defaults were changed, a
    place of a signature was changed without it, validation data was removed, or a field was changed but not
    filled, the form says less of its signatures, or something new acts or is read aloud."""
    forms = (entry(each.root, "/AcroForm", generic.DictionaryObject()) for each in (old, new))
    if acts(old, new) or is_form_weakened(*forms):
        return True
    return refills(old, new) or changed_alone(old, new) or not _keeps_store(old, new) or not is_honest(old, new)


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
    return {name for name, _, field in signature_fields(resolver) if is_field_visible(field.get_object())}

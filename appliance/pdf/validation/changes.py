"""What each revision after the first signature did to the one before it, and whether every reader sees the
same.

Readers that find a cross-reference section odd search the whole file for objects instead, and then show what no
section lists (ISO 32000-2, 7.5.4 and 7.5.6). So after a signature every object in the bytes is listed, nothing
outside them is, and the section and its trailer have only one reading.

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

from appliance.pdf.object_text import without_digits
from appliance.pdf.validation import known_changes
from appliance.pdf.validation.form_changes import changed_alone, is_honest
from appliance.pdf.validation.model import RevisionStep, StepKind
from appliance.pdf.validation.opening import DAMAGE, OpenedPdf
from appliance.pdf.validation.references import References, changed_keys, entry, number_of, same

_SPACE = rb"[\x00\t\n\x0c\r ]"
_OBJECT = re.compile(rb"(?:\d|%[^\r\n]{0,256}[\r\n])" + _SPACE + rb"*(obj)")
_HEADER = re.compile(rb"0*(\d+)" + _SPACE + rb"+0*(\d+)" + _SPACE + rb"+obj")
_SUBSECTION = rb"\d{1,10} \d{1,10} ?(?:\r\n|\r|\n)(?:\d{10} \d{5} [nf](?: \r| \n|\r\n))*"
_KEYWORD = re.compile(rb"\Wxref ?(?:\r\n|\r|\n)\Z")  # pyHanko's section starts after it
_TABLE = re.compile(rb"((?:" + _SUBSECTION + rb")+)trailer")
_COUNTS = re.compile(rb"(\d{1,10}) (\d{1,10}) ?(?:\r\n|\r|\n)((?:\d{10} \d{5} [nf](?: \r| \n|\r\n))*)")
_ENTRY_LENGTH = 20
_ONCE = re.compile(rb"/(Size|Prev|Root|Encrypt|XRefStm|Index|W|Type)(?![A-Za-z0-9])")
_ENCRYPTED = re.compile(rb"/Encrypt(?![A-Za-z0-9])")
_ESCAPED = re.compile(rb"/[A-Za-z]*#")
_MOST_OBJECTS = 1 << 23  # what PDF's implementation limits and the common readers allow


def is_plain(pdf: OpenedPdf, number: int) -> bool:
    """Whether revision *number*, which is not the first, is."""
    sections = pdf.reader.xrefs
    try:
        before, section = (sections.get_xref_container_info(each) for each in (number - 1, number))
        listed = sections.get_xref_data(number)
        start, middle = before.end_location, section.start_location
        end = pdf.document.find(b"startxref", section.end_location)
        if listed.hybrid is not None or not start <= middle < end:
            return False
        if not before.size <= section.size <= _MOST_OBJECTS:
            return False
        places = {place[1]: each for each, place in listed.standard_xrefs.items()}
        streams = {each.obj_stream_id for each in listed.xrefs_in_objstm.values()}
        if not streams <= listed.standard_xrefs.keys() or not _are_listed(pdf.document, (start, middle), places):
            return False
        keyword = _KEYWORD.search(pdf.document[middle - 8 : middle]) is not None
        text = pdf.document[middle:end]
        if _ENCRYPTED.search(text) and not pdf.reader.encrypted:
            return False  # some readers would take all strings and streams, the signed ones too, for encrypted
        return _reads_one_way(text, table=keyword) and _is_strict(pdf, number)
    except DAMAGE:
        return False


def _are_listed(document: bytes, span: tuple[int, int], places: dict[int, int]) -> bool:
    """Every object that starts within *span* starts at one of the *places* (offset: number), under its number; and
    none is elsewhere: bytes that were there before would become another object, or that of a later revision."""
    if not all(span[0] <= at <= span[1] for at in places):
        return False
    headers = [(found, number) for at, number in places.items() if (found := _HEADER.match(document, at))]
    keywords = {found.end() - len(b"obj") for found, number in headers if int(found[1]) == number}
    start, text = span[0], without_digits(document[slice(*span)])
    return all(start + found.start(1) in keywords for found in _OBJECT.finditer(text))


def _reads_one_way(section: bytes, *, table: bool) -> bool:
    """A table with as many entries as it says, or a stream; and each key once in its trailer."""
    if table:
        section = section.removeprefix(b"\n")  # of the CR LF after the keyword, where pyHanko stops between them
        found = _TABLE.match(section)
        if found is None:
            return False
        counts = [(int(each[1]), int(each[2]), each[3]) for each in _COUNTS.finditer(found[1])]
        if any(
            count * _ENTRY_LENGTH != len(entries) or first + count > _MOST_OBJECTS
            for first, count, entries in counts
        ):
            return False
        dictionary = section[found.end() :]
    elif _HEADER.match(section):
        dictionary = section.partition(b"stream")[0]
    else:
        return False
    keys = _ONCE.findall(dictionary)
    return len(keys) == len(set(keys)) and not _ESCAPED.search(dictionary)


def _is_strict(pdf: OpenedPdf, revision: int) -> bool:
    """Whether the objects of that revision read strictly, no key twice, in a file that was read leniently."""
    if not pdf.lenient:
        return True
    pdf.reader.strict = True
    try:
        for reference in pdf.reader.xrefs.explicit_refs_in_revision(revision):
            pdf.reader.get_object(generic.Reference(reference.idnum, reference.generation, pdf.reader), revision)
    finally:
        pdf.reader.strict = False
    return True


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
        references = References(pdf, wanted.union(*(known_changes.stored_in(pdf, each - 1) for each in numbers)))
    except DAMAGE:
        return tuple(RevisionStep(number, StepKind.UNEXPLAINED) for number in numbers)
    return tuple(_step(pdf, number, references) for number in numbers)


def _step(pdf: OpenedPdf, number: int, references: References) -> RevisionStep:
    recognised = known_changes.recognise(pdf, number, references) if references.complete else None
    step = recognised or analyse(pdf, number)
    if is_plain(pdf, number):
        return step
    return replace(step, kind=StepKind.UNEXPLAINED, recognised=False)  # readers may disagree about it


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

logging.getLogger("pyhanko").addHandler(logging.NullHandler())


def analyse(pdf: OpenedPdf, number: int) -> RevisionStep:
    """The step to revision *number*; never raises for what is in the file."""
    old = pdf.reader.get_historical_resolver(number - 1)
    new = pdf.reader.get_historical_resolver(number)
    try:
        result = _POLICY.apply(old, new)
        objectionable = _is_objectionable(old, new)
        new_visible = frozenset(_visible_fields(new) - _visible_fields(old))
    except (SuspiciousModification, *DAMAGE):
        return RevisionStep(number, StepKind.UNEXPLAINED)
    if objectionable:
        return RevisionStep(number, StepKind.UNEXPLAINED)
    kind = _KINDS.get(result.modification_level, StepKind.UNEXPLAINED)
    return RevisionStep(number, kind, frozenset(result.changed_form_fields), new_visible)


def _is_objectionable(old: HistoricalResolver, new: HistoricalResolver) -> bool:
    """Whether there is a change that pyHanko's rules allow and ours do not: the form's defaults were changed, a
    place of a signature was changed without it, validation data was removed, or a field was changed but not
    filled."""
    return _refills(old, new) or changed_alone(old, new) or not _keeps_store(old, new) or not is_honest(old, new)


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

"""The changes that honest software makes after a signature, recognised without walking the document.

Recognised are: a signature placed in a field that was there, shown in its further places too, or in a new one,
validation data, metadata, objects freed that nothing used. A change is explained object by object: what it was,
what it is, and who refers to it, so that a stream is not both validation data and a page's content, not even by
way of a list or a dictionary that is part of both. Whatever is not recognised is for the full analysis.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver

from appliance.pdf.validation.catalogue_changes import (
    EqualCopies,
    extension_numbers,
    is_outline,
    keeps_extensions,
    keeps_version,
)
from appliance.pdf.validation.form_changes import (
    is_empty,
    is_filled,
    is_filled_by,
    is_form_weakened,
    is_shown_alike,
    is_spoken,
    is_visible,
    refills,
    shows_further,
)
from appliance.pdf.validation.model import FieldLock, RevisionStep, RevisionStepKind
from appliance.pdf.validation.opening import DAMAGE, ListedBefore, OpenedPdf
from appliance.pdf.validation.page_changes import changed_of_page, is_page
from appliance.pdf.validation.reading import lock_of, stored_numbers
from appliance.pdf.validation.references import (
    References,
    changed_keys,
    entry,
    number_of,
    references_in,
    same,
)
from appliance.pdf.validation.structure_changes import explained_structure, lists_near, new_widgets

_CATALOG_MAY_CHANGE = frozenset({"/AcroForm", "/DSS", "/Extensions", "/Metadata", "/Version", "/MarkInfo"})
_FORM_MAY_CHANGE = frozenset({"/Fields", "/SigFlags", "/DR", "/DA"})
_PAGE_MAY_CHANGE = frozenset({"/Annots", "/Tabs"})
_NO_FIELD = frozenset({"/Kids", "/Parent", "/AA", "/A", "/PA"})
_PLACE_MAY_CHANGE = frozenset({"/V", "/AP", "/AS"})


class _Unknown(Exception):
    """A change that is not recognised here."""


def recognise(pdf: OpenedPdf, number: int, references: References) -> RevisionStep | None:
    """The step to revision *number* if all of it is recognised, else None."""
    try:
        return _Recognition(pdf, number, references).step()
    except (_Unknown, *DAMAGE):
        return None


@dataclass(frozen=True, slots=True)
class Background:
    """What a step did to objects that show nothing and say nothing: the ``numbers`` of those that are explained
    (developer extensions, copies equal to what was there, the structure of new widgets), the entries of the
    catalogue that may change for it (``keys``), and whether what may never be taken back is ``kept``."""

    numbers: frozenset[int]
    keys: frozenset[str]
    kept: bool


def background(pdf: OpenedPdf, number: int, references: References) -> Background:
    """That of the step to revision *number*. Raises what pyHanko raises."""
    old, new = (pdf.reader.get_historical_resolver(each) for each in (number - 1, number))
    kept = keeps_extensions(old, new) and keeps_version(old, new, pdf.reader._header_version or (0, 0))
    kept = kept and _keeps_marks(old, new)
    if not references.complete:
        return Background(frozenset(), frozenset(), kept)
    listed = ListedBefore(pdf.first_listed, number)
    copies = EqualCopies(old, new, listed)
    keys = {key for key in changed_keys(old.root, new.root) if copies.of_catalogue(key)}
    for reference in new.explicit_refs_in_revision():
        if reference.idnum in listed and references.holders(reference.idnum, revision=number - 1):
            before, after = old(reference), new(reference)
            if is_outline(before) and is_outline(after) and copies.are_equal(before, after):
                copies.numbers.add(reference.idnum)
            if is_page(before) and is_page(after) and not changed_of_page(before, after):
                copies.numbers.add(reference.idnum)
    extensions = extension_numbers(old.root)
    if not all(is_held_by(old, references, each, extensions, "/Extensions") for each in extensions):
        extensions = frozenset()
    structure = explained_structure(old, new, references, new_widgets(old, new))
    extensions |= {each for each in extension_numbers(new.root) if each not in listed}
    numbers = copies.numbers | structure | extensions
    return Background(frozenset(numbers), frozenset(keys), kept)


def fills_gap(pdf: OpenedPdf, number: int, references: References) -> bool:
    """Whether revision *number* brings an object that was missing or free, and that something referred to before:
    it was null (ISO 32000-2, 7.3.10), and is more now, wherever that reference stands."""
    old = pdf.reader.get_historical_resolver(number - 1)
    listed = ListedBefore(pdf.first_listed, number)
    return any(
        references.holders(each.idnum, revision=number - 1)
        and (each.idnum not in listed or isinstance(old(each), generic.NullObject))
        for each in pdf.reader.get_historical_resolver(number).explicit_refs_in_revision()
    )


def _keeps_marks(old: HistoricalResolver, new: HistoricalResolver) -> bool:
    """Whether a tagged document is still said to be one, and no other: else it is read aloud in another way."""
    if "/StructTreeRoot" not in old.root:
        return True
    before, after = (entry(each.root, "/MarkInfo", generic.DictionaryObject()) for each in (old, new))
    return bool(same(before, after) or entry(before, "/Marked", False) == entry(after, "/Marked", False))


def needed_for(pdf: OpenedPdf, number: int) -> frozenset[int]:
    """The objects, beside those that revision *number* wrote, whose holders have to be known to recognise it:
    those of the validation store before it, of the developer extensions, and lists of the structure."""
    try:
        old, new = (pdf.reader.get_historical_resolver(each) for each in (number - 1, number))
        found = extension_numbers(old.root) | frozenset(lists_near(old, new))
        return found | stored_numbers(old.root)
    except DAMAGE:
        return frozenset()


class _Recognition:
    def __init__(self, pdf: OpenedPdf, number: int, references: References) -> None:
        self._pdf, self._reader = pdf, pdf.reader
        self._number = number
        self._references = references
        self._old: HistoricalResolver = pdf.reader.get_historical_resolver(number - 1)
        self._new: HistoricalResolver = pdf.reader.get_historical_resolver(number)
        self._size = pdf.reader.xrefs.get_xref_container_info(number - 1).size
        self._listed = ListedBefore(pdf.first_listed, number)
        self._background = background(pdf, number, references)
        # what was recognised so far: fields, and objects that a recognised change explains
        self._fields: set[str] = set()
        self._places: set[str] = set()
        self._locks: dict[str, FieldLock | None] = {}
        self._new_visible: set[str] = set()
        self._new_widgets: set[int] = set()
        self._placed: set[int] = set()
        self._appearances: dict[int, int] = {}
        self._visible = False
        self._names: set[str] = set()

    def step(self) -> RevisionStep:
        """Explain the whole step or raise _Unknown."""
        changed = {each.idnum: each for each in self._new.explicit_refs_in_revision()}
        freed = {each.idnum for each in self._new.refs_freed_in_revision()}
        if self._old.root_ref.idnum != self._new.root_ref.idnum:
            raise _Unknown
        self._form()
        store = self._store()
        for number, reference in changed.items():
            holders = self._references.holders(number, revision=self._number - 1)
            if number in freed or self._is_fresh(number):
                if holders:
                    raise _Unknown  # something waited for this number to be filled, or still wants it
            elif not self._explained(reference, holders, store):
                raise _Unknown
        kind = RevisionStepKind.FORM_FILLING if self._fields or self._visible else RevisionStepKind.VALIDATION_DATA
        fields = frozenset(self._fields)
        return RevisionStep(self._number, kind, fields, fields, frozenset(self._new_visible), recognised=True)

    def _is_fresh(self, number: int) -> bool:
        """Whether no section before has the object *number*, so that it is new, wherever its number lies."""
        return number >= self._size or number not in self._listed

    def _explained(self, reference: generic.Reference, holders: set[int], store: frozenset[int]) -> bool:
        number = reference.idnum
        old, new = self._old(reference), self._new(reference)
        if number in store:
            return True
        if number in self._appearances:
            return self._is_held_by(number, {self._appearances[number]})
        if same(old, new) or number in self._vetted or number in self._background.numbers:
            return True
        if self._references.is_in_trailers_alone(number, revision=self._number - 1):
            information = _own_number(self._old.trailer_view, "/Info")
            return number == information and _is_about_document(old) and _is_about_document(new)
        if number == self._metadata and self._is_held_by(number, set(), "/Metadata"):
            return True
        listed = not isinstance(old, generic.ArrayObject) or self._lists_annotations(number, holders)
        return listed and self._only_new_widgets(old, new)

    def _lists_annotations(self, number: int, holders: set[int]) -> bool:
        """Whether one page alone has the list *number*, as that of its annotations: a widget in another list could
        be a page as well, an action, or an element of the structure."""
        found = set()
        for holder in holders:
            value = self._old(generic.Reference(holder, 0, self._reader))
            if isinstance(value, generic.NullObject) or self._references.overflows(number, holder):
                return False
            if not _holds(value, number):
                continue  # it does not any more, or stands beside another one in an object stream
            page = isinstance(value, generic.DictionaryObject) and entry(value, "/Type") == "/Page"
            if not page or {key for key in value if _holds(value.raw_get(key), number)} != {"/Annots"}:
                return False
            found.add(holder)
        return len(found) == 1

    def _is_held_by(self, number: int, holders: Iterable[int], root_key: str = "") -> bool:
        return is_held_by(self._old, self._references, number, holders, root_key)

    def _form(self) -> None:
        """The catalogue, the form, its list of fields, and the fields that changed."""
        old, new = self._old.root, _dictionary(self._new.root)
        if changed_keys(old, new) - _CATALOG_MAY_CHANGE - self._background.keys or not self._background.kept:
            raise _Unknown
        self._vetted = {self._old.root_ref.idnum}
        self._metadata = _own_number(old, "/Metadata")
        old_form, new_form = entry(old, "/AcroForm"), entry(new, "/AcroForm")
        if new_form is None:
            if old_form is not None:
                raise _Unknown
            return
        old_form = generic.DictionaryObject() if old_form is None else _dictionary(old_form)
        if changed_keys(old_form, _dictionary(new_form)) - _FORM_MAY_CHANGE and old_form:
            raise _Unknown
        if old_form and (refills(self._old, self._new) or is_form_weakened(old_form, new_form)):
            raise _Unknown
        before, after = _array(old_form, "/Fields"), _array(new_form, "/Fields")
        if [number_of(each) for each in after[: len(before)]] != [number_of(each) for each in before]:
            raise _Unknown
        form, fields = _own_number(old, "/AcroForm"), _own_number(old_form, "/Fields")
        holders = set() if form is None else {form}
        if form is not None and not self._is_held_by(form, (), "/AcroForm"):
            raise _Unknown
        if fields is not None and not self._is_held_by(fields, holders, "/AcroForm"):
            raise _Unknown
        self._vetted |= {number for number in (form, fields) if number is not None}
        self._resources(old_form, _dictionary(new_form), holders)
        for each in before:
            self._filled(each)
        self._names = {str(entry(_dictionary(each.get_object()), "/T")) for each in entry(old_form, "/Fields", ())}
        for each in after[len(before) :]:
            self._added(each)
        if not all(is_filled_by(place, self._locks) for place in self._places):
            raise _Unknown

    def _resources(
        self, old_form: generic.DictionaryObject, new_form: generic.DictionaryObject, holders: set[int]
    ) -> None:
        """The form's resources, to which some may have come (:func:`refills`), as long as the form alone has them:
        on a page a name that led to nothing would lead to something."""
        if "/DR" not in old_form:
            return
        old, new = _dictionary(old_form["/DR"]), _dictionary(new_form["/DR"])
        places = [(old_form, new_form, "/DR"), *((old, new, kind) for kind in old)]
        for before, after, key in places:
            number = _own_number(before, key)
            if number is None or number != _own_number(after, key) or isinstance(entry(after, key), list):
                continue
            _dictionary(after[key])
            if self._is_held_by(number, holders, "/AcroForm"):
                self._vetted.add(number)
                holders = holders | {number} if key == "/DR" else holders

    def _filled(self, field: object) -> None:
        """A field that was there: unchanged, or signed now, or a place of one that is."""
        number = number_of(field)
        if number is None:
            raise _Unknown
        reference = generic.Reference(*number, self._reader)
        if reference not in self._new.explicit_refs_in_revision():
            return
        old, new = _dictionary(self._old(reference)), _dictionary(self._new(reference))
        changed = changed_keys(old, new)
        if not changed:
            return
        if changed <= _PLACE_MAY_CHANGE and is_empty(old) and is_filled(new):
            self._places.add(str(new["/T"]))
            self._fields.add(str(new["/T"]))
        elif entry(old, "/FT") != "/Sig" or "/V" in old or "/Kids" in old or not is_shown_alike(changed, old, new):
            raise _Unknown
        else:
            self._note_value(str(new["/T"]), new)
        self._note_appearance(old, new, number[0])
        self._vetted.add(number[0])

    def _added(self, field: object) -> None:
        """A new field: one new signature field that is its own widget."""
        number = number_of(field)
        if number is None or not self._is_fresh(number[0]):
            raise _Unknown
        widget = _dictionary(self._new(generic.Reference(*number, self._reader)))
        if entry(widget, "/FT") != "/Sig" or entry(widget, "/Subtype") != "/Widget" or _NO_FIELD & widget.keys():
            raise _Unknown
        if entry(widget, "/Type", "/Annot") != "/Annot" or is_spoken(widget):
            raise _Unknown
        if shows_further(generic.DictionaryObject(), widget):
            raise _Unknown
        name = str(widget["/T"])
        if is_visible(widget) and (name in self._names or "." in name):
            raise _Unknown  # what is seen is told from others by its name (ISO 32000-2, 12.7.4.2)
        self._names.add(name)
        self._new_widgets.add(number[0])
        if "/V" in widget:
            self._note_value(str(widget["/T"]), widget)
        if is_visible(widget):
            self._fields.add(str(widget["/T"]))
            self._new_visible.add(str(widget["/T"]))

    def _note_value(self, name: str, widget: generic.DictionaryObject) -> None:
        value = number_of(widget.raw_get("/V"))
        if value is None or not self._is_fresh(value[0]):
            raise _Unknown
        signature = _dictionary(widget["/V"])
        self._locks[name] = lock_of(signature)
        if "/ByteRange" not in signature or "/Contents" not in signature:
            raise _Unknown
        if entry(signature, "/Type") != "/DocTimeStamp" or is_visible(widget):
            self._fields.add(name)

    def _note_appearance(self, old: generic.DictionaryObject, new: generic.DictionaryObject, widget: int) -> None:
        """The appearance is new, or it is the old one filled in place, which then nobody else may show; what the
        old one was made of may have been given up, and its number used again."""
        if shows_further(old, new):
            raise _Unknown
        before = {number for number, _ in references_in(old.raw_get("/AP"))} if "/AP" in old else set()
        self._appearances |= dict.fromkeys(before, widget)
        for number, _ in references_in(new.raw_get("/AP")) if "/AP" in new else ():
            if number not in before and not self._is_fresh(number):
                raise _Unknown
        self._visible |= is_visible(new)

    def _only_new_widgets(self, old: object, new: object) -> bool:
        """A page, or its list of annotations, to which nothing but new signature fields was added."""
        if isinstance(old, generic.ArrayObject) and isinstance(new, generic.ArrayObject):
            return self._extended(list(_raw(old)), list(_raw(new)))
        if not isinstance(old, generic.DictionaryObject) or not isinstance(new, generic.DictionaryObject):
            return False
        if not is_page(old):
            return False
        changed = changed_of_page(old, new)
        if not changed or changed - _PAGE_MAY_CHANGE or ("/Tabs" in changed and "/Tabs" in old):
            return False
        return "/Annots" not in changed or self._extended(_array(old, "/Annots"), _array(new, "/Annots"))

    def _extended(self, before: list[object], after: list[object]) -> bool:
        kept, added = after[: len(before)], after[len(before) :]
        numbers = {number[0] for number in map(number_of, added) if number is not None}
        if self._placed & numbers or len(numbers) != len(added):
            return False  # a widget is on one page (ISO 32000-2, 12.5.2)
        self._placed |= numbers
        return (
            len(kept) == len(before)
            and all(same(a, b) for a, b in zip(before, kept, strict=True))
            and numbers <= self._new_widgets
        )

    def _store(self) -> frozenset[int]:
        """The numbers of the old revision's validation store: none of its objects is also something else."""
        try:
            old, _ = stored_numbers(self._old.root), stored_numbers(self._new.root)
        except ValueError as error:
            raise _Unknown from error
        if "/DSS" in self._old.root and "/DSS" not in self._new.root:
            raise _Unknown
        if not all(self._is_held_by(number, old, "/DSS") for number in old) and not self._stored_alone(old):
            raise _Unknown
        return old

    def _stored_alone(self, store: frozenset[int]) -> bool:
        """Whether nobody but this store and earlier ones ever referred to the objects of *store*, nor to those of
        the earlier ones that did: who writes a store anew lists the same streams in it."""
        earlier = _stored_before(self._pdf, self._number)
        waiting, seen, root = set(store), set[int](), self._old.root_ref.idnum
        while waiting:
            number = waiting.pop()
            seen.add(number)
            holders = self._references.holders(number, revision=self._number - 1) - {root}
            if not holders <= earlier or not self._is_held_by(number, holders, "/DSS"):
                return False
            waiting |= holders - seen
        return True


def is_held_by(
    old: HistoricalResolver, references: References, number: int, holders: Iterable[int], root_key: str = ""
) -> bool:
    """Whether nobody but *holders*, and the catalogue under *root_key*, ever referred to *number*."""
    root = old.root_ref.idnum
    keys = {key for key in old.root for held, _ in references_in(old.root.raw_get(key)) if held == number}
    found = references.holders(number, revision=old.revision)
    return (
        keys <= {root_key}
        and found <= {*holders, *((root,) if root_key else ())}
        and not any(references.overflows(number, holder) for holder in found)
    )


def former_stores(pdf: OpenedPdf, revision: int) -> frozenset[int]:
    """The objects of all validation stores before *revision*, whose holders have to be known where a later store
    lists the same streams."""
    try:
        return _stored_before(pdf, revision)
    except (_Unknown, *DAMAGE):
        return frozenset()


def _stored_before(pdf: OpenedPdf, revision: int) -> frozenset[int]:
    """The numbers of the objects of all stores before *revision*, to none of which the catalogue then referred
    otherwise. Raises _Unknown, and ValueError for stores of another shape."""
    found: set[int] = set()
    for number in range(pdf.first_revision, revision):
        root = pdf.reader.get_historical_resolver(number).root
        stored = stored_numbers(root)
        for key in root if stored else ():
            if key != "/DSS" and not stored.isdisjoint(held for held, _ in references_in(root.raw_get(key))):
                raise _Unknown
        found |= stored
    return frozenset(found)


def _dictionary(value: object) -> generic.DictionaryObject:
    """*value*, which no stream may be: what is drawn could hide in it."""
    if not isinstance(value, generic.DictionaryObject) or isinstance(value, generic.StreamObject):
        raise _Unknown
    return value


def _is_about_document(value: object) -> bool:
    """Whether it is a dictionary of plain texts and names, as the document's information is."""
    plain = (generic.TextStringObject, generic.ByteStringObject, generic.NameObject)
    return all(isinstance(_dictionary(value)[key], plain) for key in _dictionary(value))


def _own_number(holder: generic.DictionaryObject, key: str) -> int | None:
    number = number_of(holder.raw_get(key)) if key in holder else None
    return None if number is None else number[0]


def _array(holder: generic.DictionaryObject, key: str) -> list[object]:
    value = entry(holder, key)
    return [] if value is None else list(_raw(value))


def _holds(value: object, number: int) -> bool:
    return any(held == number for held, _ in references_in(value))


def _raw(array: generic.ArrayObject) -> Iterator[object]:
    return (array.raw_get(index) for index in range(len(array)))

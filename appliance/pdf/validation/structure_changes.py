"""What a new signature field may add to the structure of a tagged document (ISO 32000-2, 14.7): elements that hold
its widget and nothing else, where they hang, and the way back from the widget to them.

Screen readers read the structure aloud, so all that was there stays as it was and in its order, and what is new
says nothing: neither an alternative nor an actual text, no title, no language. A number in the parent tree is new
and the widget's own, so that it leads from nothing that was there to another element.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver

from appliance.pdf.validation.opening import DAMAGE
from appliance.pdf.validation.references import References, changed_keys, entry, number_of, references_in, same

_ELEMENT_HAS = frozenset({"/Type", "/S", "/P", "/K", "/Pg", "/ID"})
_ROOT_MAY_CHANGE = frozenset({"/K", "/ParentTree", "/ParentTreeNextKey", "/IDTree"})
_GROUPS = frozenset({"/Form", "/Div", "/Sect", "/Part", "/P", "/NonStruct", "/Annot", "/Span"})
_ABOVE = frozenset({"/K", "/P"})
_ELEMENT = b"/StructElem"
_PLAINLY_ABOVE = frozenset({b"K", b"P"})
_DEEPEST = 32
_MOST_ENTRIES = 200_000


class _Unexplained(Exception):
    """The structure was changed in another way."""


def explained_structure(
    old: HistoricalResolver, new: HistoricalResolver, references: References, widgets: Mapping[int, object]
) -> frozenset[int]:
    """The numbers of the changed objects of the structure, if all that was done to it is to add the new *widgets*
    (number: widget); else none. Raises what pyHanko raises."""
    try:
        return _Structure(old, new, references, widgets).explained()
    except _Unexplained:
        return frozenset()


class _Structure:
    def __init__(
        self,
        old: HistoricalResolver,
        new: HistoricalResolver,
        references: References,
        widgets: Mapping[int, object],
    ) -> None:
        self._old, self._new, self._references, self._widgets = old, new, references, widgets
        self._changed = {each.idnum: each for each in new.explicit_refs_in_revision()}
        self._before = number_of(old.root.raw_get("/StructTreeRoot")) if "/StructTreeRoot" in old.root else None
        self._catalogue = old.root_ref.idnum
        self._nodes: set[int] = set()
        self._lists: set[int] = set()
        self._vetted: set[int] = set()
        self._holds: dict[int, set[int]] = {}  # new element: its widgets

    def explained(self) -> frozenset[int]:
        if self._before is None or "/StructTreeRoot" not in self._new.root:
            return frozenset()
        if number_of(self._new.root.raw_get("/StructTreeRoot")) != self._before:
            return frozenset()
        before, after = (
            _dictionary(self._old.root["/StructTreeRoot"]),
            _dictionary(self._new.root["/StructTreeRoot"]),
        )
        self._trees(before, after)
        if self._before[0] in self._changed:
            self._root(before, after)
        for number, reference in self._changed.items():
            if number not in self._vetted and self._holders(number):
                self._element(number, self._old(reference), self._new(reference))
        return frozenset(self._vetted)

    def _root(self, before: generic.DictionaryObject, after: generic.DictionaryObject) -> None:
        changed = changed_keys(before, after)
        if changed - _ROOT_MAY_CHANGE:
            raise _Unexplained
        following = entry(after, "/ParentTreeNextKey", 0)
        if not isinstance(following, int) or following < entry(before, "/ParentTreeNextKey", 0):
            raise _Unexplained
        if "/K" in changed:
            self._kids(_as_list(before), _as_list(after))
        number = self._before[0] if self._before else 0
        if not all(self._is_above(each, number) for each in self._holders(number)):
            raise _Unexplained
        self._vetted.add(number)

    def _element(self, number: int, before: object, after: object) -> None:
        """An element that was there, or its list of kids: kids came to it, and it is used as an element alone."""
        if same(before, after):
            return
        if _is_element(before) and _is_element(after):
            if changed_keys(before, after) != {"/K"}:  # type: ignore[arg-type]  # elements are dictionaries
                raise _Unexplained
            self._kids(_as_list(before), _as_list(after))
        elif isinstance(before, generic.ArrayObject) and isinstance(after, generic.ArrayObject):
            if not self._is_list(number):
                return
            self._kids(_raw(before), _raw(after))
        else:
            return
        if not all(self._is_above(each, number) for each in self._holders(number)):
            raise _Unexplained
        self._vetted.add(number)

    def _holders(self, number: int) -> set[int]:
        return self._references.holders(number, revision=self._old.revision)

    def _is_above(self, holder: int, number: int) -> bool:
        """Whether *holder* refers to *number* as one refers to an element: as its parent or kid, or in the way
        back from the page's content."""
        if holder in self._nodes or holder in self._lists or self._is_plainly_above(holder, number):
            return True
        if self._is_list(holder):
            return True
        if self._references.overflows(number, holder):
            return False
        if holder == self._catalogue:
            return self._before == (number, 0) and not any(
                number in _numbers(self._old.root.raw_get(key))
                for key in self._old.root
                if key != "/StructTreeRoot"
            )
        value = self._old(generic.Reference(holder, 0, self._old.reader))
        if not isinstance(value, generic.DictionaryObject) or isinstance(value, generic.StreamObject):
            return False
        keys = {key for key in value if number in _numbers(value.raw_get(key))}
        return bool(keys) and keys <= _ABOVE and (_is_element(value) or self._before == (holder, 0))

    def _is_plainly_above(self, holder: int, number: int) -> bool:
        """Whether *holder* is known, without reading it as an object, to be such an element since the file began:
        there may be 100,000 of them."""
        found = None if holder == self._catalogue else self._references.plain_values(number, holder)
        if found is None:
            return False
        values, keys = found
        if values.get(b"Type", _ELEMENT) != _ELEMENT or b"P" not in values or not keys:
            return False
        return values.get(b"S", b"").startswith(b"/") and keys <= _PLAINLY_ABOVE

    def _is_list(self, number: int) -> bool:
        """Whether it is a list of kids that elements alone have, and as their kids alone."""
        value = self._old(generic.Reference(number, 0, self._old.reader))
        holders = self._holders(number)
        return (
            isinstance(value, generic.ArrayObject)
            and bool(holders)
            and all(self._has_kids(each, number) for each in holders)
        )

    def _has_kids(self, holder: int, kids: int) -> bool:
        value = self._old(generic.Reference(holder, 0, self._old.reader))
        if not isinstance(value, generic.DictionaryObject) or not (
            _is_element(value) or self._before == (holder, 0)
        ):
            return False
        return {key for key in value if kids in _numbers(value.raw_get(key))} == {"/K"}

    def _kids(self, before: list[object], after: list[object]) -> None:
        """The kids that were there, in their order, and between them new elements for new widgets."""
        rest = list(reversed(before))
        for each in after:
            if rest and same(rest[-1], each):
                rest.pop()
            elif not self._is_new_element(each, 0):
                raise _Unexplained
        if rest:
            raise _Unexplained

    def _is_new_element(self, value: object, depth: int) -> bool:
        """Whether it is a new element of new widgets, which says nothing by itself."""
        number = number_of(value)
        if number is None or number[0] not in self._changed or self._holders(number[0]) or depth > _DEEPEST:
            return False
        element = self._new(generic.Reference(*number, self._new.reader))
        if not _is_element(element) or element.keys() - _ELEMENT_HAS or entry(element, "/S") not in _GROUPS:
            return False
        self._holds.setdefault(number[0], set())
        self._vetted.add(number[0])
        return all(self._is_widget(each, number[0], depth) for each in _as_list(element))

    def _is_widget(self, kid: object, element: int, depth: int) -> bool:
        """A reference to a new widget (14.7.5.3), or an element of such below."""
        value = self._resolved(kid)
        if not isinstance(value, generic.DictionaryObject):
            return False
        if entry(value, "/Type") != "/OBJR":
            return self._is_new_element(kid, depth + 1)
        number, widget = number_of(kid), number_of(value.raw_get("/Obj"))
        if value.keys() - {"/Type", "/Obj", "/Pg"} or widget is None or widget[0] not in self._widgets:
            return False
        if number is not None:
            if number[0] not in self._changed or self._holders(number[0]):
                return False
            self._vetted.add(number[0])
        self._holds[element].add(widget[0])
        return True

    def _resolved(self, value: object) -> object:
        number = number_of(value)
        return value if number is None else self._new(generic.Reference(*number, self._new.reader))

    def _trees(self, before: generic.DictionaryObject, after: generic.DictionaryObject) -> None:
        """The parent tree and the tree of names: grown by the new widgets and the new elements."""
        was, now = self._entries(before, "/ParentTree", "/Nums"), self._entries(after, "/ParentTree", "/Nums")
        added = self._added(was, now)
        named = self._added(self._entries(before, "/IDTree", "/Names"), self._entries(after, "/IDTree", "/Names"))
        if before.keys() & {"/ParentTree"} and not after.keys() & {"/ParentTree"}:
            raise _Unexplained
        for key, value in added:
            number = number_of(value)
            if not self._is_new_element(value, 0) or number is None:
                raise _Unexplained
            if not any(entry(self._widget(each), "/StructParent") == key for each in self._holds[number[0]]):
                raise _Unexplained
        for key, value in named:
            element = self._resolved(value)
            if not self._is_new_element(value, 0) or not isinstance(element, generic.DictionaryObject):
                raise _Unexplained
            if _plain(element.raw_get("/ID") if "/ID" in element else None) != key:
                raise _Unexplained
        self._lists |= {number for number in map(self._list_number, was) if number is not None}
        if not all(self._is_node_kept(number) for number in self._nodes & self._changed.keys()):
            raise _Unexplained
        self._vetted |= self._nodes & self._changed.keys()

    def _list_number(self, item: tuple[object, object]) -> int | None:
        """The number of the list of elements for one page's content (14.7.5.4)."""
        number = number_of(item[1])
        if number is None:
            return None
        value = self._old(generic.Reference(*number, self._old.reader))
        return number[0] if isinstance(value, generic.ArrayObject) else None

    def _is_node_kept(self, number: int) -> bool:
        """Whether a node of the trees that was written now was a node alone."""
        return all(
            each in self._nodes or self._before == (each, 0) or each == self._catalogue
            for each in self._holders(number)
        )

    def _widget(self, number: int) -> generic.DictionaryObject:
        widget = self._widgets[number]
        return widget if isinstance(widget, generic.DictionaryObject) else generic.DictionaryObject()

    @staticmethod
    def _added(
        before: list[tuple[object, object]], after: list[tuple[object, object]]
    ) -> list[tuple[object, object]]:
        """What came to a tree, all of which is otherwise as it was."""
        was, now = dict(before), dict(after)
        if len(was) != len(before) or len(now) != len(after) or not was.keys() <= now.keys():
            raise _Unexplained
        if not all(same(value, now[key]) for key, value in before):
            raise _Unexplained
        return [(key, value) for key, value in after if key not in was]

    def _entries(self, root: generic.DictionaryObject, tree: str, leaf: str) -> list[tuple[object, object]]:
        """The entries of a number or name tree (7.9.6 and 7.9.7), values as they are written; notes its nodes."""
        if tree not in root:
            return []
        found: list[tuple[object, object]] = []
        self._walk(root.raw_get(tree), leaf, found, 0)
        return found

    def _walk(self, value: object, leaf: str, found: list[tuple[object, object]], depth: int) -> None:
        number = number_of(value)
        if number is not None:
            self._nodes.add(number[0])
        node = _dictionary(value.get_object() if isinstance(value, generic.PdfObject) else value)
        if depth > _DEEPEST or len(found) > _MOST_ENTRIES or node.keys() - {leaf, "/Kids", "/Limits", "/Type"}:
            raise _Unexplained
        first = len(found)
        pairs = self._list(node, leaf)
        found += [(_plain(key), each) for key, each in zip(pairs[::2], pairs[1::2], strict=True)]
        for each in self._list(node, "/Kids"):
            self._walk(each, leaf, found, depth + 1)
        if "/Limits" in node and number is not None and number[0] in self._changed:
            limits = [_plain(each) for each in entry(node, "/Limits")]
            if limits != [found[first][0], found[-1][0]]:
                raise _Unexplained

    def _list(self, node: generic.DictionaryObject, key: str) -> list[object]:
        if key not in node:
            return []
        number = number_of(node.raw_get(key))
        if number is not None:
            self._nodes.add(number[0])
        return _raw(node[key])


def _numbers(value: object) -> set[int]:
    return {number for number, _ in references_in(value)}


def _is_element(value: object) -> bool:
    """Whether it is like an element of the structure (14.7.2)."""
    return (
        isinstance(value, generic.DictionaryObject)
        and not isinstance(value, generic.StreamObject)
        and entry(value, "/Type", "/StructElem") == "/StructElem"
        and isinstance(entry(value, "/S"), generic.NameObject)
        and "/P" in value
    )


def _dictionary(value: object) -> generic.DictionaryObject:
    if not isinstance(value, generic.DictionaryObject) or isinstance(value, generic.StreamObject):
        raise _Unexplained
    return value


def _as_list(element: object) -> list[object]:
    """The kids of an element: none, one, or several (14.7.2)."""
    if not isinstance(element, generic.DictionaryObject) or "/K" not in element:
        return []
    kids = element["/K"]
    return _raw(kids) if isinstance(kids, generic.ArrayObject) else [element.raw_get("/K")]


def _raw(array: Iterable[object]) -> list[object]:
    if not isinstance(array, generic.ArrayObject):
        raise _Unexplained
    return [array.raw_get(index) for index in range(len(array))]


def _plain(key: object) -> object:
    """A key of a tree, for comparing: a number or the bytes of a text."""
    if isinstance(key, generic.TextStringObject | generic.ByteStringObject):
        return bytes(key.original_bytes)
    return key


def lists_near(old: HistoricalResolver, new: HistoricalResolver) -> Iterator[int]:
    """The numbers of the lists of kids whose holders have to be known to explain the objects that *new* changed:
    those of changed elements, and of their parents."""
    for reference in new.explicit_refs_in_revision():
        try:
            value = old(reference)
            near = [value, entry(value, "/P")] if _is_element(value) else []
            root = entry(old.root, "/StructTreeRoot")
        except DAMAGE:
            continue
        for each in (*near, root):
            number = (
                number_of(each.raw_get("/K"))
                if isinstance(each, generic.DictionaryObject) and "/K" in each
                else None
            )
            if number is not None:
                yield number[0]


def new_widgets(old: HistoricalResolver, new: HistoricalResolver) -> dict[int, generic.DictionaryObject]:
    """The widgets (by number) of the signature fields that the form has gained."""
    known = {number for number, _ in _signature_fields(old)}
    found: dict[int, generic.DictionaryObject] = {}
    for number, field in _signature_fields(new):
        if number in known:
            continue
        kids = entry(field, "/Kids")
        for each in _raw(kids) if isinstance(kids, generic.ArrayObject) else ():
            kid = number_of(each)
            widget = None if kid is None else new(generic.Reference(*kid, new.reader))
            if kid is not None and isinstance(widget, generic.DictionaryObject):
                found[kid[0]] = widget
        found[number[0]] = field
    return found


def _signature_fields(
    resolver: HistoricalResolver,
) -> Iterator[tuple[tuple[int, int], generic.DictionaryObject]]:
    form = entry(resolver.root, "/AcroForm")
    fields = entry(form, "/Fields") if isinstance(form, generic.DictionaryObject) else None
    for each in _raw(fields) if isinstance(fields, generic.ArrayObject) else ():
        number = number_of(each)
        field = None if number is None else resolver(generic.Reference(*number, resolver.reader))
        if number is not None and isinstance(field, generic.DictionaryObject) and entry(field, "/FT") == "/Sig":
            yield number, field

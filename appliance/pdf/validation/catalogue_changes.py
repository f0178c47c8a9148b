"""What may be written anew in the catalogue after a signature, since it shows and says the same: its version and
developer extensions, which may grow, and equal copies of what it refers to, as of the outlines.

Versions and extensions are promises to readers (ISO 32000-2, 7.2.2 and 7.12): what needs them was signed, so none
is taken back and none is lowered.
"""

from __future__ import annotations

import re
from collections.abc import Container

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver

from appliance.pdf.validation.references import entry, number_of, same

_VERSION = re.compile(r"/?([1-9])\.([0-9])")
_Version = tuple[int, int]


def keeps_version(old: HistoricalResolver, new: HistoricalResolver, header: _Version) -> bool:
    """Whether the document's version, that of its *header* or a higher one in its catalogue, is not lower
    than it was."""
    before, after = _version_in(old.root), _version_in(new.root)
    if before is None or after is None:
        return "/Version" not in new.root or same(old.root.get("/Version"), new.root.get("/Version"))
    return max(after, header) >= max(before, header)


def _version_in(root: generic.DictionaryObject) -> _Version | None:
    """That of the catalogue: (0, 0) when it has none, None when it is not like one."""
    return _parsed(str(entry(root, "/Version"))) if "/Version" in root else (0, 0)


def _parsed(text: str) -> _Version | None:
    found = _VERSION.fullmatch(text)
    return None if found is None else (int(found[1]), int(found[2]))


def keeps_extensions(old: HistoricalResolver, new: HistoricalResolver) -> bool:
    """Whether each developer extension is still there (ISO 32000-2, 7.12), for the same version of PDF and level
    or for higher ones; new ones may have come."""
    before, after = entry(old.root, "/Extensions"), entry(new.root, "/Extensions")
    if before is None and after is None:
        return True
    levels = _levels(after)
    required = {} if before is None else _levels(before)
    if levels is None or required is None:
        return False
    return all(_are_kept(listed, levels.get(prefix, [])) for prefix, listed in required.items())


def _are_kept(before: list[tuple[_Version, int]], after: list[tuple[_Version, int]]) -> bool:
    """Whether each has one of its own afterwards that is not lower."""
    pairs = zip(sorted(before, reverse=True), sorted(after, reverse=True), strict=False)
    return len(before) <= len(after) and all(one <= other for one, other in pairs)


def _levels(extensions: object) -> dict[str, list[tuple[_Version, int]]] | None:
    """Base versions and levels by prefix, or None for what is no dictionary of extensions."""
    if not isinstance(extensions, generic.DictionaryObject) or isinstance(extensions, generic.StreamObject):
        return None
    found: dict[str, list[tuple[_Version, int]]] = {}
    for prefix in extensions.keys() - {"/Type"}:
        listed = extensions[prefix]
        for each in listed if isinstance(listed, generic.ArrayObject) else [listed]:
            extension = each.get_object()
            if not isinstance(extension, generic.DictionaryObject):
                return None
            version = _parsed(str(entry(extension, "/BaseVersion")))
            level = entry(extension, "/ExtensionLevel")
            if version is None or not isinstance(level, int):
                return None
            found.setdefault(prefix, []).append((version, level))
    return found


def extension_numbers(root: generic.DictionaryObject) -> frozenset[int]:
    """The numbers of the objects that the developer extensions are made of."""
    if "/Extensions" not in root:
        return frozenset()
    found = {number_of(root.raw_get("/Extensions"))}
    extensions = entry(root, "/Extensions")
    for prefix in extensions if isinstance(extensions, generic.DictionaryObject) else ():
        found.add(number_of(extensions.raw_get(prefix)))
        listed = extensions[prefix]
        if isinstance(listed, generic.ArrayObject):
            found |= {number_of(listed.raw_get(index)) for index in range(len(listed))}
    return frozenset(number[0] for number in found if number is not None)


_MOST_COPIED = 10000
_NEVER_COPIED = frozenset(
    {"/Pages", "/AcroForm", "/OCProperties", "/StructTreeRoot", "/Perms", "/DSS", "/Metadata", "/AF"}
)
"""Entries of the catalogue to which other objects refer, so that a copy is not the same."""
_HAS_IDENTITY = frozenset({"/FT", "/Subtype", "/Kids", "/Contents", "/MediaBox", "/P", "/Rect"})
_COPIED = frozenset(
    {
        *("/Type", "/Title", "/Parent", "/Prev", "/Next", "/First", "/Last", "/Count", "/Dest", "/A", "/SE", "/C"),
        *("/F", "/S", "/D", "/SD", "/URI", "/N", "/St", "/Nums", "/Names", "/Limits", "/NewWindow", "/IsMap"),
    }
)
"""The entries of outlines, the actions and destinations in them, and page labels (12.3, 12.6.4, 12.4.2)."""
_OUTLINE = frozenset({"/Title", "/First"})
_TYPED_WITHOUT = frozenset({"/Outlines", "/Action", "/PageLabel", "/ViewerPreferences"})


class EqualCopies:
    """Finds out whether values of the *new* revision say what those of the *old* one said, although objects that
    they refer to were copied under new numbers, those that were not *listed* before.

    Copied are data alone: a copied page, field, layer or stream is another one.
    """

    def __init__(self, old: HistoricalResolver, new: HistoricalResolver, listed: Container[int]) -> None:
        self._old, self._new, self._listed = old, new, listed
        self._copies: dict[int, int] = {}
        self.numbers: set[int] = set()
        """Those of the copies found so far."""

    def of_catalogue(self, key: str) -> bool:
        """Whether the catalogue has the same, or an equal copy, under *key*."""
        old, new = self._old.root, self._new.root
        if key in _NEVER_COPIED or key not in old or key not in new:
            return False
        return self.are_equal(old.raw_get(key), new.raw_get(key))

    def are_equal(self, before: object, after: object) -> bool:
        """Whether *after* is equal to *before*."""
        known = dict(self._copies)
        waiting = [(before, after)]
        while waiting:
            one, other = waiting.pop()
            if same(one, other):
                continue
            inner = self._opened(one, other)
            if inner is None or len(self._copies) > _MOST_COPIED:
                self._copies, self.numbers = known, set(known.values())
                return False
            waiting += inner
        return True

    def _opened(self, before: object, after: object) -> list[tuple[object, object]] | None:
        """The parts of both that have to be equal, or None where they are not."""
        one, other = number_of(before), number_of(after)
        if one is not None and other is not None:
            return self._referred(one, other)
        if one is not None or other is not None:  # what was written in its place before
            before, after = self._value(self._old, before), self._value(self._new, after)
            if not is_data(before) or not is_data(after):
                return None
        return _parts(before, after)

    def _referred(self, one: tuple[int, int], other: tuple[int, int]) -> list[tuple[object, object]] | None:
        copy = self._copies.get(one[0])
        if copy is not None:
            return [] if copy == other[0] else None
        if other[0] in self._listed or other[0] in self.numbers:
            return None
        before = self._old(generic.Reference(*one, self._old.reader))
        after = self._new(generic.Reference(*other, self._new.reader))
        if not _is_copied(before) or not _is_copied(after):
            return None
        self._copies[one[0]] = other[0]
        self.numbers.add(other[0])
        return [(before, after)]

    @staticmethod
    def _value(resolver: HistoricalResolver, value: object) -> object:
        number = number_of(value)
        return value if number is None else resolver(generic.Reference(*number, resolver.reader))


def _parts(before: object, after: object) -> list[tuple[object, object]] | None:
    if isinstance(before, generic.ArrayObject) and isinstance(after, generic.ArrayObject):
        if len(before) != len(after):
            return None
        return [(before.raw_get(index), after.raw_get(index)) for index in range(len(before))]
    if not isinstance(before, generic.DictionaryObject) or not isinstance(after, generic.DictionaryObject):
        return [] if same(before, after) else None
    if isinstance(before, generic.StreamObject) or before.keys() != after.keys():
        return None
    return [(before.raw_get(key), after.raw_get(key)) for key in before]


def is_outline(value: object) -> bool:
    """Whether it is the root of outlines or an item of them (12.3.3)."""
    return (
        isinstance(value, generic.DictionaryObject)
        and _is_copied(value)
        and bool({"/Title", "/First"} & value.keys())
    )


def _is_copied(value: object) -> bool:
    """Whether an indirect object may have been copied under another number."""
    return is_data(value) and not (isinstance(value, generic.DictionaryObject) and value.keys() - _COPIED)


def is_data(value: object) -> bool:
    """Whether a copy of *value* is as good as itself."""
    if isinstance(value, generic.StreamObject):
        return False
    if isinstance(value, generic.DictionaryObject):
        return not _HAS_IDENTITY & value.keys() and ("/Type" not in value or value["/Type"] in _TYPED_WITHOUT)
    return True

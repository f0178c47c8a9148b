"""What may be written anew of a page after a signature, since the page shows and says the same: its boxes with
fewer digits (ISO 32000-2, 14.11.2), and without the private data of programs (14.5)."""

from __future__ import annotations

from decimal import Decimal

from pyhanko.pdf_utils import generic

from appliance.pdf.validation.references import changed_keys

_BOXES = frozenset({"/MediaBox", "/CropBox", "/BleedBox", "/TrimBox", "/ArtBox"})
_PRIVATE = "/PieceInfo"
_CORNERS = 4
_ROUNDED = Decimal("2e-6")


def is_page(value: object) -> bool:
    """Whether it is the dictionary of a page."""
    return (
        isinstance(value, generic.DictionaryObject)
        and not isinstance(value, generic.StreamObject)
        and "/Type" in value
        and bool(value["/Type"] == "/Page")
    )


def changed_of_page(before: generic.DictionaryObject, after: generic.DictionaryObject) -> set[str]:
    """The keys of a page that were added, removed or given another value that could be seen or heard."""
    return {key for key in changed_keys(before, after) if not _is_as_before(key, before, after)}


def _is_as_before(key: str, before: generic.DictionaryObject, after: generic.DictionaryObject) -> bool:
    if key == _PRIVATE:
        return key not in after
    both = key in _BOXES and key in before and key in after
    return both and are_rounded(before.raw_get(key), after.raw_get(key))


def are_rounded(old: object, new: object) -> bool:
    """Whether *new* is the box *old* (7.9.5) with fewer digits: programs that write a page anew keep as many as
    they reckon with (annex C.2). No edge moves by more than two millionths of the longer side, whatever a unit
    is (/UserUnit); as each rounding leaves fewer digits, they cannot add up."""
    if not isinstance(old, generic.ArrayObject) or not isinstance(new, generic.ArrayObject):
        return False
    before, after = (list(map(each.raw_get, range(len(each)))) for each in (old, new))
    if len(before) != _CORNERS or len(after) != _CORNERS or not all(map(_is_number, (*before, *after))):
        return False
    was, now = ([Decimal(each) for each in numbers] for numbers in (before, after))
    longest = max(abs(was[2] - was[0]), abs(was[3] - was[1]))
    return all(
        one == other or (_has_fewer(other, one) and abs(one - other) < longest * _ROUNDED)
        for one, other in zip(was, now, strict=True)
    )


def _has_fewer(after: Decimal, before: Decimal) -> bool:
    """Whether *after* is *before* with fewer digits, rounded or cut off."""
    left = _digits(after)
    return left < _digits(before) and abs(before - after) < Decimal(1).scaleb(-left)


def _digits(number: Decimal) -> int:
    """How many there are behind the point, without zeros at the end."""
    exponent = number.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _is_number(value: object) -> bool:
    return isinstance(value, generic.NumberObject | generic.FloatObject)

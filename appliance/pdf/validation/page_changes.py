"""What may be written anew of a page after a signature, since the page shows and says the same: its boxes with
fewer digits (ISO 32000-2, 14.11.2), and without the private data of programs (14.5)."""

from __future__ import annotations

from decimal import Decimal

from pyhanko.pdf_utils import generic

from appliance.pdf.validation.references import changed_keys

_BOXES = frozenset({"/MediaBox", "/CropBox", "/BleedBox", "/TrimBox", "/ArtBox"})
_PRIVATE = "/PieceInfo"
_LEAST_DIGITS = 3
"""Behind the point: a thousandth of a point is a fortieth of what the finest printers can place. As each rounding
leaves fewer digits, all of them together move a box by less than four of these."""


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
    if key not in _BOXES or key not in before or key not in after:
        return False
    was, now = before.raw_get(key), after.raw_get(key)
    if (
        not isinstance(was, generic.ArrayObject)
        or not isinstance(now, generic.ArrayObject)
        or len(was) != len(now)
    ):
        return False
    return all(_is_rounded(was.raw_get(place), now.raw_get(place)) for place in range(len(was)))


def _is_rounded(before: object, after: object) -> bool:
    """Whether the number *after* is *before* with fewer digits behind the point, rounded or cut off."""
    numbers = (generic.NumberObject, generic.FloatObject)
    if not isinstance(before, numbers) or not isinstance(after, numbers):
        return False
    was, now = Decimal(before), Decimal(after)
    if was == now:
        return True
    left = _digits(now)
    return left < _digits(was) and abs(was - now) < Decimal(1).scaleb(-max(left, _LEAST_DIGITS))


def _digits(number: Decimal) -> int:
    """How many there are behind the point, without zeros at the end."""
    exponent = number.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0

"""The further places of a signature (:mod:`appliance.pdf.places`) after a signature.

They are check boxes, which may be ticked by the rules for forms, so they get a rule of their own: a place
changes once, in the revision that fills the signature field it belongs to, by a signature that locks it.
"""

from __future__ import annotations

from collections.abc import Iterator

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver

from appliance.pdf import places
from appliance.pdf.validation.comparing import changed_keys, entry
from appliance.pdf.validation.filling import is_redrawn
from appliance.pdf.validation.model import FieldLock
from appliance.pdf.validation.opening import DAMAGE
from appliance.pdf.validation.reading import lock_of


def is_empty(field: generic.DictionaryObject) -> bool:
    """Whether *field* is a place that shows nothing yet."""
    return places.is_place(field) and entry(field, "/AS") == places.EMPTY and "/V" not in field


def is_filled(field: generic.DictionaryObject) -> bool:
    """Whether *field*, an empty place before, shows its signature now."""
    return bool(entry(field, "/AS") == entry(field, "/V") == places.SIGNED)


def is_filled_by(place: str, locks: dict[str, FieldLock | None]) -> bool:
    """Whether one of the signatures made in the same revision (``field: its lock``) accounts for *place*."""
    lock = locks.get(places.owner(place) or "")
    return lock is not None and lock.locks(place)


def changed_alone(old: HistoricalResolver, new: HistoricalResolver) -> bool:
    """Whether a place was changed between the two revisions by anything but the signature that it belongs to."""
    before, after = dict(_fields(old)), dict(_fields(new))
    changed = [name for name in _ever_places(old) & before.keys() if _changed(name, before, after, new)]
    locks = {name: _lock(name, before, after) for name in {places.owner(name) or "" for name in changed}}
    return not all(is_filled_by(name, locks) for name in changed)


def _ever_places(resolver: HistoricalResolver) -> set[str]:
    """The names of all fields that were places in that revision or before: what was made something else since,
    so that it may be filled, is still one."""
    found: set[str] = set()
    for revision in range(resolver.revision + 1):
        try:
            earlier = _fields(resolver.reader.get_historical_resolver(revision))
            found |= {name for name, field in earlier if places.is_place(field)}
        except DAMAGE:  # the first section of a linearised file may not have the catalogue yet
            continue
    return found


def _changed(
    name: str,
    before: dict[str, generic.DictionaryObject],
    after: dict[str, generic.DictionaryObject],
    new: HistoricalResolver,
) -> bool:
    """Whether the place differs in itself, or in anything that its picture is made of."""
    if name not in after or changed_keys(before[name], after[name]):
        return True
    return is_redrawn(after[name], new)


def _lock(
    owner: str, before: dict[str, generic.DictionaryObject], after: dict[str, generic.DictionaryObject]
) -> FieldLock | None:
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

"""What a merge field's definition may say."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal, InvalidOperation

from appliance.errors import PreconditionRefused
from appliance.model.writing import FIELD_NAME, MergeField, MergeFieldKind
from appliance.writing.merge_fields import LONGEST_TEXT, WrongValue, accepted

LONGEST_LABEL, LONGEST_HELP, MOST_CHOICES, LONGEST_CHOICE = 80, 300, 50, 200
_BY_LENGTH = frozenset({MergeFieldKind.TEXT, MergeFieldKind.LONG_TEXT, MergeFieldKind.PARTY})
_BY_VALUE = frozenset({MergeFieldKind.NUMBER, MergeFieldKind.MONEY})


def require_definition(field: MergeField) -> None:
    """Raises :class:`PreconditionRefused` for a definition that no form could be made of."""
    if not FIELD_NAME.fullmatch(field.name):
        raise PreconditionRefused(
            "The name “{name}” does not do: a letter first, then letters, digits or underlines, at most 40.",
            name=field.name[:60],
        )
    if not field.label or len(field.label) > LONGEST_LABEL:
        raise PreconditionRefused("A merge field needs a label of 1 to {most} characters.", most=LONGEST_LABEL)
    if len(field.help) > LONGEST_HELP:
        raise PreconditionRefused("A help text has at most {most} characters.", most=LONGEST_HELP)
    _require_choices(field)
    _require_bounds(field)
    _require_default(field)


def _require_choices(field: MergeField) -> None:
    if field.kind is not MergeFieldKind.CHOICE:
        return
    distinct = len(set(field.choices)) == len(field.choices)
    if not 2 <= len(field.choices) <= MOST_CHOICES or not distinct:
        raise PreconditionRefused("A choice needs from 2 to {most} different answers.", most=MOST_CHOICES)
    if any(not choice or len(choice) > LONGEST_CHOICE for choice in field.choices):
        raise PreconditionRefused("An answer of a choice has from 1 to {most} characters.", most=LONGEST_CHOICE)


def _require_bounds(field: MergeField) -> None:
    try:
        least, most = _bound(field, field.least), _bound(field, field.most)
    except (ValueError, InvalidOperation) as error:
        raise PreconditionRefused(
            "The bounds of “{label}” are not what its kind needs: characters, a number, or a date.",
            label=field.label,
        ) from error
    if least is not None and most is not None and least > most:
        raise PreconditionRefused("The lower bound of “{label}” is above its upper bound.", label=field.label)


def _bound(field: MergeField, typed: str) -> Decimal | None:
    """The bound as a number that can be compared, days for dates. Raises ValueError."""
    if not typed:
        return None
    if field.kind in _BY_LENGTH:
        if not typed.isascii() or not typed.isdigit() or int(typed) > LONGEST_TEXT:
            raise ValueError(typed)
        return Decimal(typed)
    if field.kind in _BY_VALUE:
        number = Decimal(typed)
        if not number.is_finite():
            raise ValueError(typed)
        return number
    if field.kind is MergeFieldKind.DATE:
        return Decimal(date.fromisoformat(typed).toordinal())
    raise ValueError(typed)


def _require_default(field: MergeField) -> None:
    try:
        accepted(replace(field, required=False), field.default)
    except WrongValue as wrong:
        raise PreconditionRefused(
            "The default of “{label}” is not a value that it takes.", label=field.label
        ) from wrong

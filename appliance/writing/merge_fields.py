"""Merge fields: what a definition may say, and from what somebody typed to what a contract says."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal, InvalidOperation

from appliance.errors import PreconditionRefused
from appliance.language import Language
from appliance.language.characters import without_hidden, words
from appliance.model.writing import FIELD_NAME, Currency, MergeField, MergeFieldKind
from appliance.money import in_capitals
from hsm.errors import Sentence

LONGEST_LINE, LONGEST_TEXT = 200, 10_000
_DECIMAL = re.compile(r"-?\d{1,15}(\.\d{1,6})?")
_AMOUNT = re.compile(r"\d{1,15}(\.\d{1,2})?")
_WITHOUT_CENTS = frozenset({Currency.JPY})
_CHINESE_CURRENCIES = {
    Currency.CNY: "元", Currency.USD: "美元", Currency.EUR: "欧元", Currency.GBP: "英镑", Currency.HKD: "港元",
    Currency.JPY: "日元",
}  # fmt: skip
_MONTHS = "January February March April May June July August September October November December"
YES, NO = "yes", "no"


class WrongValue(Exception):
    """A value that its field does not take; says why."""

    def __init__(self, template: str, **values: object) -> None:
        super().__init__(template)
        self.sentence = Sentence(template, values)


def accepted(field: MergeField, typed: str) -> str:
    """*typed*, tidied up, as it is kept and :func:`written` takes it; empty when nothing was typed.

    Raises :class:`WrongValue`.
    """
    value = _tidy(field, typed)
    if not value:
        if field.required:
            raise WrongValue("This has to be filled in.")
        return ""
    return _ACCEPTING[field.kind](field, value)


def written(field: MergeField, value: str, language: Language) -> str:
    """What the contract says for an accepted *value*; lines are divided by ``\\n``."""
    if not value:
        return "／" if language is Language.CHINESE else "—"
    match field.kind:
        case MergeFieldKind.MONEY:
            return _money(field.currency, Decimal(value), language)
        case MergeFieldKind.DATE:
            return _date(date.fromisoformat(value), language)
        case MergeFieldKind.YES_NO:
            return _ANSWERS[language][value == YES]
        case _:
            return value


_ANSWERS = {Language.CHINESE: ("否", "是"), Language.ENGLISH: ("no", "yes")}


def _tidy(field: MergeField, typed: str) -> str:
    if field.kind is MergeFieldKind.LONG_TEXT:
        lines = without_hidden(typed.replace("\r\n", "\n").replace("\r", "\n")).split("\n")
        return "\n".join(line.strip() for line in lines).strip()
    value = words(typed)
    if field.kind in (MergeFieldKind.NUMBER, MergeFieldKind.MONEY, MergeFieldKind.DATE):
        value = unicodedata.normalize("NFKC", value).replace(",", "").replace(" ", "")
    return value


def _text(field: MergeField, value: str) -> str:
    most = int(field.most or (LONGEST_TEXT if field.kind is MergeFieldKind.LONG_TEXT else LONGEST_LINE))
    if len(value) > most:
        raise WrongValue("Characters: {found}; at most {most} are possible.", most=most, found=len(value))
    if field.least and len(value) < int(field.least):
        raise WrongValue("Characters: {found}; at least {least} are needed.", least=field.least, found=len(value))
    return value


def _number(field: MergeField, value: str) -> str:
    if not _DECIMAL.fullmatch(value):
        raise WrongValue("A number in digits, such as 30 or 0.5.")
    return _between(field, value)


def _amount(field: MergeField, value: str) -> str:
    cents = field.currency not in _WITHOUT_CENTS
    if not _AMOUNT.fullmatch(value) or (not cents and "." in value):
        raise WrongValue("An amount in digits, such as 1000000 or 99.50.")
    return f"{Decimal(_between(field, value)):.{2 if cents else 0}f}"


def _between(field: MergeField, value: str) -> str:
    try:
        number = Decimal(value)
    except InvalidOperation as error:
        raise WrongValue("A number in digits, such as 30 or 0.5.") from error
    if field.least and number < Decimal(field.least):
        raise WrongValue("At least {least}.", least=field.least)
    if field.most and number > Decimal(field.most):
        raise WrongValue("At most {most}.", most=field.most)
    return value


def _day(field: MergeField, value: str) -> str:
    try:
        day = date.fromisoformat(value)
    except ValueError as error:
        raise WrongValue("A date as year-month-day, such as 2026-12-31.") from error
    if field.least and day < date.fromisoformat(field.least):
        raise WrongValue("Not before {least}.", least=field.least)
    if field.most and day > date.fromisoformat(field.most):
        raise WrongValue("Not after {most}.", most=field.most)
    return day.isoformat()


def _choice(field: MergeField, value: str) -> str:
    if value not in field.choices:
        raise WrongValue("Choose one of the list.")
    return value


def _answer(_field: MergeField, value: str) -> str:
    if value not in (YES, NO):
        raise WrongValue("Choose yes or no.")
    return value


_ACCEPTING: Mapping[MergeFieldKind, Callable[[MergeField, str], str]] = {
    MergeFieldKind.TEXT: _text,
    MergeFieldKind.LONG_TEXT: _text,
    MergeFieldKind.NUMBER: _number,
    MergeFieldKind.MONEY: _amount,
    MergeFieldKind.DATE: _day,
    MergeFieldKind.CHOICE: _choice,
    MergeFieldKind.PARTY: _text,
    MergeFieldKind.YES_NO: _answer,
}


def _money(currency: Currency, amount: Decimal, language: Language) -> str:
    figures = f"{amount:,}"
    if language is Language.ENGLISH:
        return f"{currency.value} {figures}"
    if currency is Currency.CNY:
        return f"人民币{figures}元（大写：{in_capitals(amount)}）"
    return f"{figures}{_CHINESE_CURRENCIES[currency]}"


def _date(day: date, language: Language) -> str:
    if language is Language.CHINESE:
        return f"{day.year}年{day.month}月{day.day}日"
    return f"{day.day} {_MONTHS.split()[day.month - 1]} {day.year}"


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

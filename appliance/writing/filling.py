"""Filling: a wording with merge fields, and what was typed into its form, become a wording without fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from appliance.errors import PreconditionRefused
from appliance.model.writing import MergeField, Wording
from appliance.writing.elements import FieldPlace, Inline, Line, LineBreak, Run, TextMark, with_lines
from appliance.writing.markup import markup, read_markup
from appliance.writing.merge_fields import WrongValue, accepted, written
from hsm.errors import Sentence


@dataclass(frozen=True, slots=True)
class CheckedValues:
    """A form as it was sent: ``typed`` and ``accepted`` by field name, ``problems`` where something is wrong."""

    typed: Mapping[str, str]
    accepted: Mapping[str, str]
    problems: Mapping[str, Sentence]


def blank(fields: tuple[MergeField, ...]) -> CheckedValues:
    """A form that nobody has filled in yet: the defaults."""
    return CheckedValues({field.name: field.default for field in fields}, {}, {})


def check_values(fields: tuple[MergeField, ...], posted: Mapping[str, str]) -> CheckedValues:
    """What *posted* (by field name) says. Raises :class:`PreconditionRefused` for fields that are not there."""
    known = {field.name for field in fields}
    unknown = sorted(posted.keys() - known)
    if unknown:
        raise PreconditionRefused(
            "The form has a field “{name}” that the text does not have; load its page again.", name=unknown[0][:40]
        )
    values: dict[str, str] = {}
    problems: dict[str, Sentence] = {}
    for field in fields:
        try:
            values[field.name] = accepted(field, posted.get(field.name, ""))
        except WrongValue as wrong:
            problems[field.name] = wrong.sentence
    return CheckedValues({name: posted.get(name, "") for name in known}, values, problems)


def filled(wording: Wording, values: Mapping[str, str]) -> Wording:
    """*wording* with the accepted *values* in place of its fields.

    Raises :class:`PreconditionRefused` for a field without definition or without value.
    """
    words = {
        field.name: written(field, values[field.name], wording.language)
        for field in wording.fields
        if field.name in values
    }

    def fill(line: Line) -> Line:
        return tuple(part for inline in line for part in _inline(inline, words))

    return replace(wording, html=markup(with_lines(read_markup(wording.html), fill)), fields=())


def places(html: str) -> tuple[str, ...]:
    """The names of the merge fields in *html*, each once, in their order."""
    found: dict[str, None] = {}

    def note(line: Line) -> Line:
        found.update((inline.name, None) for inline in line if isinstance(inline, FieldPlace))
        return line

    with_lines(read_markup(html), note)
    return tuple(found)


def require_defined(wording: Wording) -> None:
    """Raises :class:`PreconditionRefused` unless text and field definitions fit each other."""
    used = places(wording.html)
    known = [field.name for field in wording.fields]
    for name in used:
        if name not in known:
            raise PreconditionRefused(
                "The text has a merge field “{name}” that is not defined; define it or take it out.", name=name
            )
    for name in known:
        if name not in used:
            raise PreconditionRefused(
                "The merge field “{name}” stands nowhere in the text; insert it or remove its definition.",
                name=name,
            )


def _inline(inline: Inline, words: Mapping[str, str]) -> Iterator[Inline]:
    if not isinstance(inline, FieldPlace):
        yield inline
        return
    if inline.name not in words:
        raise PreconditionRefused("The merge field “{name}” has no value; fill the form again.", name=inline.name)
    yield from _spoken(words[inline.name], inline.marks)


def _spoken(words: str, marks: frozenset[TextMark]) -> Iterator[Inline]:
    for number, line in enumerate(words.split("\n")):
        if number:
            yield LineBreak()
        if line:
            yield Run(line, marks)

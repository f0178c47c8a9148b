"""``/writing/<id>/fields``: the definitions of a text's merge fields."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, Response, request

from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.language.characters import words
from appliance.model.writing import Currency, MergeField, MergeFieldKind, Text
from appliance.writing.filling import places
from webui.portal.writing.context import (
    WritingContext,
    field_value,
    redirect_to,
    seen_version,
    sentence,
    status_for,
    writing_page,
)

NEW = MergeField("", MergeFieldKind.TEXT, "")


def add_merge_field_pages(pages: Blueprint, context: WritingContext) -> None:
    """The addresses of this page."""

    @pages.get("/writing/<text_id>/fields")
    def fields(text_id: str) -> Response:
        text = context.text(text_id)
        wanted = request.args.get("field", "")
        return _page(text, _known(text, wanted) if wanted else _new(request.args.get("name", "")), wanted)

    @pages.post("/writing/<text_id>/fields")
    def define(text_id: str) -> Response:
        subject = context.visitor().subject
        text = context.text(text_id)
        before = field_value("before")
        field = _posted()
        try:
            context.texts.define(text_id, field, by=subject, seen=seen_version(), instead_of=before or None)
        except (PreconditionRefused, StateRefused) as refusal:
            return _page(text, field, before, refusal)
        return redirect_to(f"/writing/{text_id}/fields")

    @pages.post("/writing/<text_id>/fields/remove")
    def undefine(text_id: str) -> Response:
        subject = context.visitor().subject
        text = context.text(text_id)
        try:
            context.texts.undefine(text_id, field_value("name"), by=subject, seen=seen_version())
        except StateRefused as refusal:
            return _page(text, NEW, "", refusal)
        return redirect_to(f"/writing/{text_id}/fields")


def _page(
    text: Text, field: MergeField, before: str, refusal: PreconditionRefused | StateRefused | None = None
) -> Response:
    used = places(text.wording.html)
    known = {one.name for one in text.wording.fields}
    return writing_page(
        "fields",
        status_for(refusal) if refusal else 200,
        text=text,
        field=field,
        before=before,
        kinds=list(MergeFieldKind),
        currencies=[(currency.value, currency.value) for currency in Currency],
        used=used,
        undefined=[name for name in used if name not in known],
        problem=sentence(refusal) if refusal else "",
    )


def _known(text: Text, name: str) -> MergeField:
    for field in text.wording.fields:
        if field.name == name:
            return field
    raise NotFound("The text has no merge field “{name}” any more.", name=name[:40])


def _new(name: str) -> MergeField:
    return replace(NEW, name=name[:40], label=name[:40].replace("_", " "))


def _posted() -> MergeField:
    """The definition as it was typed; what cannot be is refused by the workflow."""
    kind, currency = field_value("kind"), field_value("currency")
    return MergeField(
        name=words(field_value("name")),
        kind=MergeFieldKind(kind) if kind in tuple(MergeFieldKind) else MergeFieldKind.TEXT,
        label=words(field_value("label")),
        required=field_value("required") == "1",
        help=words(field_value("help")),
        default=field_value("default").strip()[:10_000],
        least=words(field_value("least"))[:40],
        most=words(field_value("most"))[:40],
        choices=tuple(filter(None, (words(line) for line in field_value("choices").splitlines()))),
        currency=Currency(currency) if currency in tuple(Currency) else Currency.CNY,
    )

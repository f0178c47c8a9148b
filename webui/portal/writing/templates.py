"""``/templates``: the templates of the visitor's organisation, and samples to start from; previews of a text or a
template's version as page pictures, exactly as it will be typeset; and filling in: the form of a template or text
with merge fields, and the draft that comes of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

from flask import Response, redirect, request

from appliance.errors import ConfinementFailed, DocumentRefused, NotFound, PreconditionRefused, StateRefused
from appliance.language.characters import words
from appliance.model.contract import Contract
from appliance.model.writing import Template, TemplateVersion, Text, TextPurpose, Wording
from appliance.writing import Beginning, CheckedValues, blank, check_values, samples
from webui.portal.pages import appliance, once
from webui.portal.writing.template_parties import (
    annexes_of,
    blank_guests,
    copies_of,
    posted_guests,
    problems_of_guests,
    role_row,
)
from webui.portal.writing.texts import DIGITS, edit, field_value, load_text, pages, posted_beginning, writer
from webui.shared.form_pages import Answer, FormProblems, form, form_problems, render, status_in_workflow
from webui.shared.forms import posted_number, whole_number
from webui.shared.language import current_language, translate

MOST_SHOWN = 60
"""Pages on one preview; of more, the PDF shows the rest."""

PREFIX = "f-"
"""Of the names of merge fields in the form, so that they never meet the form's own."""

REFUSALS = (PreconditionRefused, StateRefused, DocumentRefused, ConfinementFailed)


@pages.get("/templates")
def all_templates() -> Answer:
    subject, own = writer(), current_language()
    templates = appliance.writing.templates.all(subject)
    return render(
        "writing/templates.html",
        offered=[template for template in templates if template.retired is None],
        retired=[template for template in templates if template.retired is not None],
        unfinished=appliance.writing.texts.mine(subject, TextPurpose.TEMPLATE),
        source=request.args.get("contract", "")[:24],
        samples=sorted(samples(), key=lambda sample: sample.language is not own),
    )


@pages.post("/templates/new")
def new_template() -> Answer:
    subject, wanted = writer(), field_value("sample")
    beginning = _sample(wanted) if wanted else posted_beginning("Untitled template", TextPurpose.TEMPLATE)
    return once(subject, lambda: f"/writing/{appliance.writing.texts.new(subject, beginning).id}")


def _sample(name: str) -> Beginning:
    for one in samples():
        if one.name == name:
            return one
    raise NotFound("There is no such template.")


@pages.get("/templates/<template_id>")
def template(template_id: str) -> Answer:
    found = appliance.writing.templates.load_template(template_id, writer())
    people = {version.by: appliance.registry.person(version.by) for version in found.versions}
    count = appliance.writing.previews.pages(found.current.wording)
    return render("writing/template.html", template=found, people=people, pages=count, **_kept(found))


def _kept(template: Template) -> dict[str, Any]:
    """What a template keeps beside its text, as pages show it."""
    parties = template.current.parties
    roles = [role_row(role) for role in parties.roles]
    return {"roles": roles, "copies": copies_of(parties), "annexes": annexes_of(parties)}


@pages.post("/templates/<template_id>/edit")
def edit_template(template_id: str) -> Answer:
    return redirect(f"/writing/{appliance.writing.templates.edit(template_id, writer()).id}", 303)


@pages.post("/templates/<template_id>/retire")
def retire_template(template_id: str) -> Answer:
    appliance.writing.templates.retire(template_id, by=writer())
    return redirect(f"/templates/{template_id}", 303)


@pages.post("/templates/<template_id>/offer")
def offer_template(template_id: str) -> Answer:
    appliance.writing.templates.offer_again(template_id, by=writer())
    return redirect(f"/templates/{template_id}", 303)


@pages.get("/writing/<text_id>/preview")
@form(edit, load_text, refusals=(PreconditionRefused, DocumentRefused), status=status_in_workflow)
def preview(text: Text, text_id: str) -> Answer:
    address = f"/writing/{text_id}/preview"
    return _preview(text.wording, address, f"{address}.pdf", text=text, template=None, version=None)


@pages.get("/templates/<template_id>/<int:version>/preview")
def template_preview(template_id: str, version: int) -> Answer:
    wording = _wording(template_id=template_id, version=version)
    shown = appliance.writing.templates.load_template(template_id, writer())
    address = f"/templates/{template_id}/{version}"
    return _preview(wording, address, f"{address}/preview.pdf", text=None, template=shown, version=version)


@pages.get("/writing/<text_id>/preview/<int:number>.png")
@pages.get("/templates/<template_id>/<int:version>/<int:number>.png", endpoint="template_picture")
def picture(number: int, **place: Any) -> Answer:
    return Response(appliance.writing.previews.picture(_wording(**place), number), content_type="image/png")


@pages.get("/writing/<text_id>/preview.pdf")
@pages.get("/templates/<template_id>/<int:version>/preview.pdf", endpoint="template_document")
def document(**place: Any) -> Answer:
    response = Response(appliance.writing.previews.document(_wording(**place)), content_type="application/pdf")
    response.headers["Content-Disposition"] = 'attachment; filename="preview.pdf"'
    return response


def _wording(text_id: str = "", template_id: str = "", version: int = 0) -> Wording:
    """The wording of a text, or of a version of a template."""
    if text_id:
        return load_text(text_id).wording
    return appliance.writing.templates.version(template_id, version, writer()).wording


def _preview(wording: Wording, pictures: str, document: str, **shown: Any) -> Response:
    count = appliance.writing.previews.pages(wording)
    numbers = range(1, min(count, MOST_SHOWN) + 1)
    return render(
        "writing/preview.html",
        wording=wording,
        count=count,
        numbers=numbers,
        pictures=pictures,
        document=document,
        **shown,
    )


@pages.get("/writing/<text_id>/use", endpoint="form")
def text_form(text_id: str) -> Answer:
    text = load_text(text_id)
    typed = _values() if request.method == "POST" else None
    shown: dict[str, Any] = {"text": text, "template": None, "seen": text.version, "number": None}
    shown |= {"roles": (), "open_roles": (), "closed": (), "copies": (), "annexes": ()}
    return _filling(text.wording, typed, {}, address=f"/writing/{text.id}/use", title=text.wording.title, **shown)


def _refused_text(text_id: str) -> Answer:
    return text_form(text_id) if load_text(text_id).wording.fields else edit(text_id)


def _filled(text_id: str) -> tuple[str, CheckedValues | None]:
    """The visitor, and what the form for the text's fields says; None when it has not been shown yet."""
    fields = load_text(text_id).wording.fields
    shown = not fields or field_value("filled") == "1"
    return writer(), check_values(fields, _values()) if shown else None


@pages.post("/writing/<text_id>/use")
@form(_refused_text, _filled, refusals=REFUSALS, status=status_in_workflow)
def use(filled: tuple[str, CheckedValues | None], text_id: str) -> Answer:
    by, checked = filled
    if checked is None:
        return redirect(f"/writing/{text_id}/use?into={field_value('into')}", 303)
    if checked.problems:
        raise FormProblems({})

    def issue() -> Contract:
        seen = posted_number("seen", DIGITS)
        into = field_value("into") or None
        return appliance.writing.issuing.from_text(text_id, checked.accepted, by=by, seen=seen, into=into)

    return _made(issue)


@pages.get("/templates/<template_id>/use")
def template_form(template_id: str) -> Answer:
    template = appliance.writing.templates.offered(template_id, writer())
    number, posted = template.current.number, request.method == "POST"
    title = field_value("title") if posted else template.name
    problems = {} if words(title) else {"title": translate()("The contract needs a title.")}
    shown: dict[str, Any] = {"text": None, "template": template, "seen": None, "number": number}
    typed = _known_values(number) if posted else None
    closed = appliance.writing.templates.closed_roles(template.current.parties)
    current = _without(template.current, closed)
    say = translate()
    left_out = [
        (name, say("Make the draft without “{role}”", role=name), reason.translated(say))
        for name, reason in closed.items()
    ]
    opened = template.current.parties.open_roles
    guests = posted_guests(opened) if posted else blank_guests(opened)
    if posted:
        problems |= problems_of_guests(guests)
    address = f"/templates/{template.id}/use"
    wording = replace(current.wording, fields=current.asked)
    shown |= {"open_roles": opened, "guests": guests, "closed": left_out, **_kept(template)}
    return _filling(wording, typed, problems, address=address, title=title, **shown)


@pages.post("/templates/<template_id>/use")
@form(template_form, writer, refusals=REFUSALS, status=status_in_workflow)
def use_template(by: str, template_id: str) -> Answer:
    number, title = posted_number("number", DIGITS), field_value("title")
    kept = appliance.writing.templates.offered(template_id, by).current
    current = _without(kept, appliance.writing.templates.closed_roles(kept.parties))
    left_out = {role.name for role in kept.parties.roles} - {role.name for role in current.parties.roles}
    checked = check_values(current.asked, _known_values(current.number))
    guests = posted_guests(current.parties.open_roles)
    if checked.problems or not words(title) or problems_of_guests(guests):
        raise FormProblems({})
    make, values = appliance.writing.issuing.from_template, checked.accepted
    return _made(lambda: make(template_id, number, values, title=title, by=by, guests=guests, without=left_out))


def _without(version: TemplateVersion, closed: Collection[str]) -> TemplateVersion:
    """*version* without those of its *closed* roles that the form leaves to the draft."""
    left_out = set(closed).intersection(request.form.getlist("without"))
    return replace(version, parties=version.parties.without(left_out))


def _made(make: Callable[[], Contract]) -> Answer:
    return once(writer(), lambda: f"/contracts/{make().id}/draft/document")


def _values() -> dict[str, str]:
    return {name.removeprefix(PREFIX): value for name, value in request.form.items() if name.startswith(PREFIX)}


def _known_values(number: int) -> dict[str, str]:
    """What was typed; of a form that a newer version, *number*, has overtaken only what that still has."""
    return _values() if whole_number(field_value("number"), DIGITS) == number else {}


def _filling(wording: Wording, typed: dict[str, str] | None, problems: dict[str, str], **shown: Any) -> Response:
    """The form, blank or with what was *typed* and what is wrong with it; *problems* are those of other fields."""
    said, found = translate(), form_problems()
    checked = blank(wording.fields) if typed is None else check_values(wording.fields, typed)
    labels = {f"{PREFIX}{field.name}": field.label for field in wording.fields}
    wrong = {f"{PREFIX}{name}": problem.translated(said) for name, problem in checked.problems.items()}
    named = problems | {
        name: said("{label}: {problem}", label=labels[name], problem=problem) for name, problem in wrong.items()
    }
    return render(
        "writing/filling.html",
        status=found.status,
        fields=wording.fields,
        typed=checked.typed,
        problems=problems | wrong,
        summary={**found.problems, **named},
        prefix=PREFIX,
        **shown,
    )

"""``/writing/<id>``: the editor. With script it saves by itself; without, a plain text form does the same.
``/writing/<id>/fields``: the definitions of a text's merge fields.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from flask import Blueprint, Response, jsonify, make_response, redirect, request

from appliance.errors import DocumentRefused, NotFound, PreconditionRefused, StateRefused
from appliance.language import Language
from appliance.language.characters import words
from appliance.model.accounts import AccountRole
from appliance.model.contract import Contract, ContractState
from appliance.model.writing import Currency, MergeField, MergeFieldKind, Text, TextPurpose
from appliance.writing import Beginning
from appliance.writing.filling import places
from appliance.writing.markup import markup, read_markup
from appliance.writing.plain import from_plain, to_plain
from webui.portal.access import require
from webui.portal.pages import appliance, once
from webui.shared.form_pages import Answer, form, form_problems, render, status_in_workflow
from webui.shared.forms import member_of, posted_number, sentence
from webui.shared.language import NAMES, current_language, moment, translate

REFUSALS = (StateRefused, PreconditionRefused, DocumentRefused)

DIGITS = 9
"""Of a version's number."""

NEW = MergeField("", MergeFieldKind.TEXT, "")

pages = Blueprint("writing", __name__)


def writer() -> str:
    """The visitor, who may write contracts and templates."""
    return require(AccountRole.INITIATOR).subject


def load_text(text_id: str) -> Text:
    """The text, for a visitor who may see it."""
    return appliance.writing.texts.load_text(text_id, writer())


def field_value(name: str) -> str:
    """What stands in a field, as it was sent."""
    return request.form.get(name, "")


def posted_beginning(untitled: str, purpose: TextPurpose = TextPurpose.CONTRACT) -> Beginning:
    """What a form says of a new text."""
    title = field_value("title").strip() or translate()(untitled)
    kind = field_value("kind").strip() or translate()("General contract")
    return Beginning(title, kind, _chosen_language(), purpose)


def _chosen_language() -> Language:
    """The language that a form chose; that of the page for none."""
    return member_of(Language, field_value("language")) or current_language()


@pages.get("/writing")
def listed() -> Answer:
    return render("writing/texts.html", texts=appliance.writing.texts.mine(writer()))


@pages.post("/writing/new")
def new() -> Answer:
    subject, beginning = writer(), posted_beginning("Untitled text")
    return once(subject, lambda: f"/writing/{appliance.writing.texts.new(subject, beginning).id}")


@pages.get("/writing/<text_id>")
def edit(text_id: str) -> Answer:
    """The editor, with what was typed: the *plain* text, or what the form says *about* it."""
    text, posted = load_text(text_id), request.form
    stored = {"title": text.wording.title, "kind": text.kind, "language": text.wording.language}
    typed = {"title": field_value("title"), "kind": field_value("kind"), "language": _chosen_language()}
    return render(
        "writing/editor.html",
        text=text,
        overtaken=form_problems().status == 409,
        becomes=_becomes(text),
        plain=posted["plain"] if "plain" in posted else to_plain(read_markup(text.wording.html)),
        about=typed if request.endpoint == "writing.describe" else stored,
        languages=NAMES,
        own_language=current_language(),
    )


def _becomes(text: Text) -> Contract | None:
    """The visitor's draft that was made of the text, as long as it is one."""
    with suppress(NotFound, StateRefused):
        made = appliance.contracts.read_contract(text.contract or "", writer())
        return made if made.state is ContractState.DRAFT and made.initiator == writer() else None
    return None


@pages.post("/writing/<text_id>")
@form(edit, load_text, refusals=REFUSALS, status=status_in_workflow)
def save(_text: Text, text_id: str) -> Answer:
    if "text" in request.files:
        return _saved_by_script(text_id, request.files["text"].read().decode(errors="replace"))
    plain, seen = from_plain(field_value("plain")), posted_number("seen", DIGITS)
    appliance.writing.texts.save(text_id, markup(plain), by=writer(), seen=seen)
    return redirect(f"/writing/{text_id}#saved", 303)


def _saved_by_script(text_id: str, html: str) -> Response:
    """What the editor's script sends: the HTML as a file, which may be larger than a form's fields."""
    try:
        seen = posted_number("seen", DIGITS)
        text = appliance.writing.texts.save(text_id, html, by=writer(), seen=seen)
    except StateRefused as refusal:
        version = load_text(text_id).version
        return make_response(jsonify({"detail": sentence(refusal), "version": version}), 409)
    except (PreconditionRefused, DocumentRefused) as refusal:
        return make_response(jsonify({"detail": sentence(refusal)}), 422)
    return jsonify({"version": text.version, "at": moment(text.changed)})


@pages.post("/writing/<text_id>/about")
@form(edit, load_text, refusals=REFUSALS, status=status_in_workflow)
def describe(_text: Text, text_id: str) -> Answer:
    appliance.writing.texts.describe(
        text_id,
        title=field_value("title"),
        kind=field_value("kind"),
        language=_chosen_language(),
        by=writer(),
        seen=posted_number("seen", DIGITS),
    )
    return redirect(f"/writing/{text_id}", 303)


@pages.get("/writing/<text_id>/discard")
def ask(text_id: str) -> Answer:
    return render("writing/discard.html", text=load_text(text_id))


@pages.post("/writing/<text_id>/discard")
def discard(text_id: str) -> Answer:
    purpose = load_text(text_id).purpose
    appliance.writing.texts.discard(text_id, by=writer(), seen=posted_number("seen", DIGITS))
    return redirect("/templates" if purpose is TextPurpose.TEMPLATE else "/writing", 303)


@pages.post("/writing/<text_id>/publish")
@form(edit, writer, refusals=REFUSALS, status=status_in_workflow)
def publish(by: str, text_id: str) -> Answer:
    def make() -> str:
        seen = posted_number("seen", DIGITS)
        return f"/templates/{appliance.writing.templates.publish(text_id, by=by, seen=seen).id}"

    return once(by, make)


@pages.get("/writing/<text_id>/fields")
def fields(text_id: str) -> Answer:
    """The fields, and the form for one: as it was typed, the one that is asked for, or a new one."""
    text, wanted = load_text(text_id), request.args.get("field", "")
    typed = request.endpoint == "writing.define"
    used = places(text.wording.html)
    known = {one.name: one for one in text.wording.fields}
    if wanted and not typed and wanted not in known:
        raise NotFound("The text has no merge field “{name}” any more.", name=wanted[:40])
    return render(
        "writing/fields.html",
        text=text,
        field=_posted() if typed else known[wanted] if wanted else _new(request.args.get("name", "")),
        before=field_value("before") if typed else wanted,
        kinds=list(MergeFieldKind),
        currencies=[(currency.value, currency.value) for currency in Currency],
        used=used,
        undefined=[name for name in used if name not in known],
    )


@pages.post("/writing/<text_id>/fields")
@form(fields, load_text, refusals=(PreconditionRefused, StateRefused), status=status_in_workflow)
def define(_text: Text, text_id: str) -> Answer:
    instead, seen = field_value("before") or None, posted_number("seen", DIGITS)
    appliance.writing.texts.define(text_id, _posted(), by=writer(), seen=seen, instead_of=instead)
    return redirect(f"/writing/{text_id}/fields", 303)


@pages.post("/writing/<text_id>/fields/remove")
@form(fields, load_text, refusals=(StateRefused,), status=status_in_workflow)
def undefine(_text: Text, text_id: str) -> Answer:
    seen = posted_number("seen", DIGITS)
    appliance.writing.texts.undefine(text_id, field_value("name"), by=writer(), seen=seen)
    return redirect(f"/writing/{text_id}/fields", 303)


def _new(name: str) -> MergeField:
    return replace(NEW, name=name[:40], label=name[:40].replace("_", " "))


def _posted() -> MergeField:
    """The definition as it was typed; what cannot be is refused by the workflow."""
    return MergeField(
        name=words(field_value("name")),
        kind=member_of(MergeFieldKind, field_value("kind")) or MergeFieldKind.TEXT,
        label=words(field_value("label")),
        required=field_value("required") == "1",
        help=words(field_value("help")),
        default=field_value("default").strip()[:10_000],
        least=words(field_value("least"))[:40],
        most=words(field_value("most"))[:40],
        choices=tuple(filter(None, (words(line) for line in field_value("choices").splitlines()))),
        currency=member_of(Currency, field_value("currency")) or Currency.CNY,
    )

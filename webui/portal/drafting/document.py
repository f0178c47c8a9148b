"""``/contracts/new``: where the text comes from; an upload is a draft at once.

Step 1: what the contract is called, of which type it is, what for and for how much; the document itself, and its
annexes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePath

from flask import request

from appliance.contracts.annexes import KINDS as KINDS_OF_ANNEXES
from appliance.contracts.annexes import LARGEST
from appliance.contracts.drafting import DraftTerms
from appliance.errors import ConfinementFailed, DocumentRefused, PreconditionRefused, StateRefused
from appliance.language import Language
from appliance.language.sizes import ByteSize
from appliance.model.contract import EXPONENTS, Contract, Money
from appliance.money import LONGEST, NotAnAmount, read_money
from appliance.policy.numbering import LONGEST_NUMBER, NumberEntry
from appliance.writing.converting import SUFFIXES
from hsm.errors import RefusalError
from hsm.intents import LONGEST_TITLE
from webui.portal.drafting.sheets import sheets_of
from webui.portal.drafting.steps import (
    DraftStep,
    drafter,
    field_value,
    load_draft,
    pages,
    redirect_onward,
    redirect_to_step,
    seen_version,
    status_of_step,
    step_form,
    step_page,
    terms_of,
)
from webui.portal.pages import appliance, once
from webui.shared.form_pages import Answer, FormProblems, form, render, unprocessable
from webui.shared.forms import member_of
from webui.shared.language import NAMES, translate

MEBIBYTE = 1024 * 1024
PDF = ".pdf"

USUAL_CURRENCY = "CNY"
"""Chosen until somebody chooses another."""

SHOWN = 24
"""Pages that are shown as small pictures."""

FIELDS = ("title", "kind", "number", "purpose", "amount", "language")
LIMITS = {"title": LONGEST_TITLE, "kind": 60, "number": LONGEST_NUMBER, "purpose": 2000, "amount": LONGEST}
"""The longest that each field may be, in characters."""

KINDS = ("Purchase", "Sale", "Services", "Lease", "Labour", "Confidentiality", "Cooperation", "Loan", "Licence")
"""Types that are suggested, by message id."""

UNTAKEN = (DocumentRefused, ConfinementFailed)
"""Why a document cannot be taken."""


@pages.get("/contracts/new")
def new() -> Answer:
    drafter()
    return render(
        "drafting/new.html", typed={"title": field_value("title")}, accept=accepted_types(), hint=upload_hint()
    )


@pages.post("/contracts/new")
@form(new, drafter, "document", refusals=UNTAKEN, status=unprocessable)
def create(subject: str) -> Answer:
    if len(field_value("title")) > LIMITS["title"]:
        raise FormProblems({"title": translate()("At most {most} characters.", most=LIMITS["title"])})

    def make() -> str:
        content = uploaded_document()
        title = field_value("title") or _title_of_upload() or translate()("Untitled contract")
        terms = DraftTerms(title=title, kind="", purpose="", initiator=subject)
        return f"/contracts/{appliance.drafting.draft(content, terms).id}/draft/{DraftStep.DOCUMENT}"

    return once(subject, make)


def accepted_types() -> str:
    """The kinds of files for the browser's chooser."""
    office = SUFFIXES if appliance.converter.available else ()
    return ",".join([PDF, "application/pdf", *office])


def upload_hint() -> str:
    """What may be uploaded, in words."""
    size = appliance.settings.documents.largest // MEBIBYTE
    if appliance.converter.available:
        return translate()("PDF, or DOCX and ODT, which become a PDF here; up to {size} MB.", size=size)
    return translate()("PDF, up to {size} MB.", size=size)


def uploaded_document() -> bytes:
    """The uploaded document as PDF. Raises :class:`DocumentRefused` for none, and for what cannot be converted."""
    given = request.files.get("document")
    if given is None or not given.filename:
        raise DocumentRefused("missing", "Choose the document that is to be signed.")
    content = given.read()
    if not content:
        raise DocumentRefused("empty", "The file is empty; choose another one.")
    converter = appliance.converter
    return converter.convert(content, given.filename) if converter.takes(given.filename) else content


def _title_of_upload() -> str:
    """A title out of the file's name: without its ending and what is no letter."""
    given = request.files.get("document")
    name = given.filename if given is not None and given.filename else ""
    words = "".join(letter if letter.isprintable() else " " for letter in name.replace("\\", "/").split("/")[-1])
    return PurePath(words).stem.strip()[: LIMITS["title"]]


def _stored(draft: Contract) -> dict[str, str]:
    """How the draft stands in the form."""
    stored = {name: getattr(draft, name) or "" for name in FIELDS} | {"currency": USUAL_CURRENCY}
    if draft.amount is not None:
        stored |= {"amount": f"{draft.amount.units:,}", "currency": draft.amount.currency}
    return stored


def _enters_numbers() -> bool:
    """Whether a contract of any type can have a number that its initiator enters."""
    policy = appliance.policy
    rules = (policy.default, *(each.rules for each in policy.types))
    return any(each.numbers.by_hand is not NumberEntry.NEVER for each in rules)


def _posted() -> dict[str, str]:
    typed = {name: field_value(name) for name in (*FIELDS, "currency")}
    return typed | {
        "purpose": typed["purpose"].replace("\r\n", "\n"),
        "currency": typed["currency"] or USUAL_CURRENCY,
    }


def _problems(typed: Mapping[str, str]) -> dict[str, str]:
    """What cannot even be kept in a draft: no title, or more than there is room for."""
    found = {
        name: translate()("At most {most} characters.", most=most)
        for name, most in LIMITS.items()
        if len(typed[name]) > most
    }
    if not typed["title"]:
        found["title"] = translate()("A draft needs a title, so that you find it again.")
    if typed["language"] and typed["language"] not in tuple(Language):
        found["language"] = translate()("Choose a language of the list.")
    if "amount" not in found and (problem := _wrong_amount(typed)):
        found["amount"] = problem
    return found


def _money(typed: Mapping[str, str]) -> Money | None:
    """What the contract is worth; None when nothing was typed. Raises :class:`NotAnAmount`."""
    return read_money(typed["amount"], typed["currency"]) if typed["amount"] else None


def _wrong_amount(typed: Mapping[str, str]) -> str:
    if typed["currency"] not in EXPONENTS:
        return translate()("Choose a currency of the list.")
    try:
        _money(typed)
    except NotAnAmount as wrong:
        if wrong.contradictory:
            return translate()("Figures and capitals name different amounts; check which is right.")
        return translate()("An amount such as 1,000,000.00 or 壹佰万元整, no finer than the currency.")
    return ""


@pages.get("/contracts/<contract_id>/draft/document")
def document(contract_id: str) -> Answer:
    draft = load_draft(contract_id)
    saving = request.endpoint == "drafting.save_document"
    inspection = appliance.layouts.inspection(draft.original.digest)
    return step_page(
        DraftStep.DOCUMENT,
        draft,
        typed=_posted() if saving else _stored(draft),
        dates=appliance.reminders.dates.list_dates(draft.id),
        languages=NAMES,
        enters_number=_enters_numbers(),
        currencies=[(code, code) for code in EXPONENTS],
        kinds=[translate()(kind) for kind in KINDS],
        size=ByteSize(draft.original.size),
        warnings=inspection.warnings,
        earlier=appliance.earlier.signatures_of(draft.original.digest),
        accept=accepted_types(),
        annexes=appliance.annexes.of(draft.id),
        size_of=ByteSize,
        annex_kinds=",".join(KINDS_OF_ANNEXES),
        largest_annex=ByteSize(LARGEST),
        sheets=sheets_of(inspection.pages, range(1, min(SHOWN, draft.pages) + 1)),
    )


@pages.post("/contracts/<contract_id>/draft/document")
@step_form(document, load_draft)
def save_document(draft: Contract, contract_id: str) -> Answer:
    given = _posted()
    problems = _problems(given)
    if problems:
        raise FormProblems(problems)
    terms = replace(
        terms_of(draft),
        title=given["title"],
        kind=given["kind"],
        purpose=given["purpose"],
        amount=_money(given),
        language=member_of(Language, given["language"]),
        number=given["number"] if "number" in request.form else None,
    )
    saved = appliance.drafting.revise(contract_id, terms, by=draft.initiator, seen=seen_version())
    return redirect_onward(saved, DraftStep.DOCUMENT)


def _place(refusal: RefusalError) -> str:
    return "" if isinstance(refusal, StateRefused) else "document"


@pages.post("/contracts/<contract_id>/draft/replace")
@form(document, load_draft, _place, refusals=(*UNTAKEN, StateRefused), status=status_of_step)
def replace_document(draft: Contract, contract_id: str) -> Answer:
    def make() -> str:
        content, by = uploaded_document(), draft.initiator
        appliance.drafting.replace_document(contract_id, content, by=by, seen=seen_version())
        return redirect_to_step(contract_id, DraftStep.DOCUMENT).location or "/"

    return once(draft.initiator, make)


REFUSALS = (DocumentRefused, ConfinementFailed, PreconditionRefused, StateRefused)


def _place_of_annex(refusal: RefusalError) -> str:
    return "" if isinstance(refusal, StateRefused) else "annex"


@pages.post("/contracts/<contract_id>/draft/annexes")
@form(document, load_draft, _place_of_annex, refusals=REFUSALS, status=status_of_step)
def attach(draft: Contract, contract_id: str) -> Answer:
    given = request.files.get("annex")
    if given is None or not given.filename:
        raise DocumentRefused("missing", "Choose the file that is to be attached.")
    name, content = given.filename, given.read()

    def make() -> str:
        appliance.annexes.attach(contract_id, name, content, by=draft.initiator, seen=seen_version())
        return redirect_to_step(contract_id, DraftStep.DOCUMENT, anchor="annexes").location or "/"

    return once(draft.initiator, make)


@pages.post("/contracts/<contract_id>/draft/annexes/<any(remove, merge, separate):act>")
@form(document, load_draft, _place_of_annex, refusals=REFUSALS, status=status_of_step)
def detach(draft: Contract, contract_id: str, act: str) -> Answer:
    annexes = appliance.annexes
    arrange = {"remove": annexes.detach, "merge": annexes.merge, "separate": annexes.separate}[act]
    arrange(contract_id, field_value("annex"), by=draft.initiator, seen=seen_version())
    return redirect_to_step(contract_id, DraftStep.DOCUMENT, anchor="annexes")

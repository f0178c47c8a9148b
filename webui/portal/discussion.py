"""Drafts that are discussed before they are sent.

``/discussions``: what was shared with the visitor. ``/contracts/ID/discussion`` and ``/writing/ID/discussion``:
comments by page or paragraph, and with whom it is shared. ``/writing/ID/proposals``: changes to a text, proposed
and decided; ``/writing/ID/compare``: two of its versions.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, redirect, request

from appliance.errors import DocumentRefused, PreconditionRefused, StateRefused
from appliance.language import Language
from appliance.model.discussion import DraftKind
from appliance.writing import Discussion
from appliance.writing.comments import LONGEST, quote_of
from appliance.writing.markup import markup, read_markup
from appliance.writing.plain import from_plain, to_plain
from appliance.writing.proposals import LONGEST_WORDS, OpenProposal
from appliance.writing.redlines import changes, lines_of, redline, shown
from hsm.errors import RefusalError
from webui.portal.access import require_person, visitor
from webui.portal.pages import appliance, house_names, once
from webui.shared.form_pages import Answer, form, render, status_in_workflow
from webui.shared.forms import posted_number, whole_number
from webui.shared.language import moment, translate

pages = Blueprint("discussion", __name__)

REFUSALS = (PreconditionRefused, StateRefused)
LONGEST_NAME = 60
DIGITS = 9
"""Of a place, and of a version's number."""


@pages.get("/discussions")
def listed() -> Answer:
    return render(
        "discussion/shared.html", drafts=appliance.discussions.shared_with(require_person()), names=_names()
    )


def of_contract(contract_id: str) -> Discussion:
    """The discussion of a contract, for a visitor who may take part, or could while it was a draft."""
    return appliance.discussions.load(DraftKind.CONTRACT, contract_id, require_person())


def of_text(text_id: str) -> Discussion:
    return appliance.discussions.load(DraftKind.TEXT, text_id, require_person())


def _names() -> Callable[[str], str]:
    """How people are called for the visitor."""
    return house_names(visitor().organisation)


def _page(found: Discussion) -> Answer:
    """The page of a discussion, with the form that was refused as it was filled in."""
    draft, looked_for = found.draft, request.values.get("find", "").strip()[:LONGEST_NAME]
    involved = {draft.owner, *found.colleagues}
    people = appliance.registry.search(looked_for, own=visitor().organisation) if draft.own and looked_for else []
    chosen = whole_number(request.values.get("place", ""), DIGITS)
    return render(
        f"discussion/{draft.kind}.html",
        discussion=found,
        draft=draft,
        owns=_owns(),
        people=[each for each in people if each.subject not in involved and not each.guest],
        looked_for=looked_for,
        chosen=chosen,
        lines=[(number, quote_of(line), shown(line)) for number, line in enumerate(found.lines, 1)],
        names=_names(),
        longest=LONGEST,
        me=require_person(),
        tongue=_tongue(found),
    )


def _owns() -> str:
    """The comment whose form was posted; empty for that of a new one."""
    return request.form.get("comment", "")


def _tongue(found: Discussion) -> str:
    text = found.draft.text
    return (Language.ENGLISH if text is None else text.wording.language).tag


@pages.get("/contracts/<contract_id>/discussion")
def contract(contract_id: str) -> Answer:
    return _page(of_contract(contract_id))


@pages.get("/writing/<text_id>/discussion")
def text(text_id: str) -> Answer:
    return _page(of_text(text_id))


def _field(refusal: RefusalError) -> str:
    """What was typed is refused at its field, everything else at the top."""
    typed = isinstance(refusal, PreconditionRefused) and request.form.get("act") in ("comment", "answer")
    return "words" if typed else ""


@pages.post("/contracts/<contract_id>/discussion")
@form(contract, of_contract, _field, refusals=REFUSALS, status=status_in_workflow)
def change_contract(found: Discussion, contract_id: str) -> Answer:
    return _changed(found, f"/contracts/{contract_id}/discussion")


@pages.post("/writing/<text_id>/discussion")
@form(text, of_text, _field, refusals=REFUSALS, status=status_in_workflow)
def change_text(found: Discussion, text_id: str) -> Answer:
    return _changed(found, f"/writing/{text_id}/discussion")


def _changed(found: Discussion, address: str) -> Answer:
    by, workflow, posted = require_person(), appliance.discussions, request.form
    draft = found.draft.kind, found.draft.id
    comment, words, person = _owns(), posted.get("words", ""), posted.get("person", "")[:80]

    def make() -> str:
        match posted.get("act", ""):
            case "comment":
                place = whole_number(posted.get("place", ""), DIGITS) or 0
                made = workflow.comment(*draft, place, words, by=by, quote=posted.get(f"quote-{place}", ""))
                return f"{address}#comment-{made.id}"
            case "answer":
                workflow.answer(*draft, comment, words, by=by)
            case "resolve" | "reopen" as act:
                workflow.resolve(*draft, comment, by=by, again=act == "reopen")
            case "unshare":
                workflow.unshare(*draft, person, by=by)
                return f"{address}#people"
            case _:
                workflow.share(*draft, person, by=by)
                return f"{address}#people"
        return f"{address}#comment-{comment}"

    return once(by, make)


@pages.get("/writing/<text_id>/proposals/new")
def propose_form(text_id: str) -> Answer:
    """The text in its plain form, to be changed; or as it was typed, when that was refused."""
    by, typed = require_person(), request.form
    kept, draft = appliance.proposals.shown(text_id, by=by), of_text(text_id).draft
    return render(
        "discussion/propose.html",
        draft=draft,
        owner=_names()(draft.owner),
        plain=typed["plain"] if "plain" in typed else to_plain(read_markup(kept.html)),
        words=typed.get("words", ""),
        number=whole_number(typed.get("seen", ""), DIGITS) or kept.number,
        longest=LONGEST_WORDS,
    )


@pages.post("/writing/<text_id>/proposals/new")
@form(propose_form, of_text, refusals=(*REFUSALS, DocumentRefused), status=status_in_workflow)
def propose(_found: Discussion, text_id: str) -> Answer:
    by, seen, words = require_person(), posted_number("seen", DIGITS), request.form.get("words", "")
    html = markup(from_plain(request.form.get("plain", "")))

    def make() -> str:
        number = appliance.proposals.propose(text_id, html, words, by=by, seen=seen).number
        return f"/writing/{text_id}/proposals/{number}"

    return once(by, make)


def load_proposal(text_id: str, number: int) -> OpenProposal:
    return appliance.proposals.proposal(text_id, number, by=require_person())


@pages.get("/writing/<text_id>/proposals/<int:number>")
def proposal(text_id: str, number: int) -> Answer:
    found = load_proposal(text_id, number)
    return render(
        "discussion/redline.html",
        draft=found.draft,
        proposal=found.version,
        passages=redline(found.before, found.after),
        left=len(changes(found.before, found.after)),
        decides=found.draft.own,
        withdraws=found.version.author == require_person(),
        names=_names(),
    )


@pages.post("/writing/<text_id>/proposals/<int:number>")
@form(proposal, load_proposal, refusals=(*REFUSALS, DocumentRefused), status=status_in_workflow)
def decide(_found: OpenProposal, text_id: str, number: int) -> Answer:
    """``accept`` or ``reject``: the id of one change, or ``all``; ``withdraw``: the author takes it back."""
    if "withdraw" in request.form:
        appliance.proposals.withdraw(text_id, number, by=require_person())
        return redirect(f"/writing/{text_id}/proposals/{number}", 303)
    accepts = "accept" in request.form
    wanted = request.form.get("accept" if accepts else "reject", "")
    chosen = None if wanted == "all" else (wanted,)
    workflow = appliance.proposals.accept if accepts else appliance.proposals.reject
    workflow(text_id, number, chosen, by=require_person())
    return redirect(f"/writing/{text_id}/proposals/{number}", 303)


@pages.get("/writing/<text_id>/compare")
def compare(text_id: str) -> Answer:
    """``?from=1&to=2``: kept versions and proposals by their numbers, 0 for the text as it is now."""
    found = of_text(text_id)
    newest = found.versions[0].number if found.versions else 0
    numbers = [whole_number(request.args.get(name, ""), DIGITS) for name in ("from", "to")]
    before, after = (other if each is None else each for each, other in zip(numbers, (newest, 0), strict=True))
    wordings = [
        lines_of(appliance.proposals.wording(text_id, each, by=require_person())[1]) for each in (before, after)
    ]
    say = translate()
    named = [("0", say("The text as it is now"))]
    for each in found.versions:
        title = say("Proposal {number}") if each.proposed else say("Version {number}")
        who = say(
            "{what}, {name}, {at}",
            what=title.format(number=each.number),
            name=_names()(each.author),
            at=moment(each.at),
        )
        named.append((str(each.number), who))
    return render(
        "discussion/compare.html",
        draft=found.draft,
        versions=named,
        before=before,
        after=after,
        passages=redline(*wordings),
        same=wordings[0] == wordings[1],
    )

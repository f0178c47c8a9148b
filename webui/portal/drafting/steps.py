"""What the four steps share: the draft that one may edit, the page around a step, and how a save is answered."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, abort, jsonify, make_response, redirect, render_template, request

from appliance.contracts.drafting import DraftTerms
from appliance.contracts.permissions import ContractActor, Permission, Refusal, refusal_for
from appliance.contracts.sending import ProblemPlace
from appliance.errors import ApplianceError, NotFound, StateRefused
from appliance.model.accounts import AccountRole
from appliance.model.contract import UNSENT, Contract
from hsm.errors import RefusalError
from webui.portal.access import require
from webui.portal.pages import appliance
from webui.shared.form_pages import form, form_problems, render
from webui.shared.forms import member_of, posted_number
from webui.shared.language import translate

pages = Blueprint("drafting", __name__)


class DraftStep(StrEnum):
    """The steps, in their order; the value is the last part of the address."""

    DOCUMENT = "document"
    PARTIES = "parties"
    FIELDS = "fields"
    CHECK = "check"


STEP_OF = {
    ProblemPlace.DOCUMENT: DraftStep.DOCUMENT,
    ProblemPlace.PARTIES: DraftStep.PARTIES,
    ProblemPlace.DEADLINE: DraftStep.PARTIES,
    ProblemPlace.FIELDS: DraftStep.FIELDS,
    ProblemPlace.REVIEW: DraftStep.CHECK,
}
"""The step in which each kind of problem is corrected."""


def drafter() -> str:
    """The visitor, who may start contracts."""
    return require(AccountRole.INITIATOR).subject


def load_draft(contract_id: str) -> Contract:
    """The visitor's own draft. Raises :class:`NotFound` for others'; once it is sent, a page says so and leads to
    the contract, for whoever comes back from the browser's history (scripts get :class:`StateRefused`)."""
    subject = drafter()
    actor, now = ContractActor(subject), appliance.now()
    contract = appliance.contracts.read_contract(contract_id, actor)
    if contract.initiator != subject:
        raise NotFound("There is no contract {contract}.", contract=contract_id)
    refusal = refusal_for(contract, Permission.EDIT, actor, now)
    if refusal is not None and contract.state not in UNSENT and not wants_json():
        abort(_already_sent(contract, refusal))
    if refusal is not None:
        raise refusal.error()
    return contract


def _already_sent(contract: Contract, refusal: Refusal) -> Response:
    sentence = translate()(refusal.template, **refusal.values)
    return make_response(render_template("drafting/sent.html", contract=contract, refusal=sentence), 409)


def _complete_steps(draft: Contract) -> dict[DraftStep, bool]:
    """For each step whether sending would find nothing missing in it; for the last step, in any of them."""
    missing = {STEP_OF[problem.place] for problem in appliance.sending.problems(draft)}
    if not draft.parties:
        missing.add(DraftStep.FIELDS)  # without parties, no fields can be complete
    if missing:
        missing.add(DraftStep.CHECK)
    return {step: step not in missing for step in DraftStep}


def status_of_step(refusal: RefusalError) -> int:
    """409 when the draft was changed elsewhere in the meantime, else 422."""
    contract_id = (request.view_args or {})["contract_id"]
    changed = isinstance(refusal, StateRefused) and load_draft(contract_id).version != seen_version()
    return 409 if changed else 422


step_form = partial(form, refusals=(ApplianceError, NotFound), status=status_of_step)
"""A form of a step, which shows all refusals."""


def step_problems() -> tuple[dict[str, str], str]:
    """What a page says about what was typed: sentences by field name, and what happened in the meantime."""
    found = form_problems()
    problems = dict(found.problems)
    return ({}, next(iter(problems.values()))) if found.status == 409 else (problems, "")


def step_page(step: DraftStep, draft: Contract, **shown: Any) -> Response:
    """The step's page, or for the script that saves in the background its answer as JSON."""
    problems, happened = step_problems()
    if wants_json() and (problems or happened):
        return _answer_script(draft, problems, happened)
    return render(
        f"drafting/{step}.html",
        step=step,
        steps=_complete_steps(draft),
        draft=draft,
        seen_version=draft.version,
        problems=problems,
        happened=happened,
        **shown,
    )


def _answer_script(draft: Contract, problems: dict[str, str], happened: str) -> Response:
    """A problem names its field, or the number of the row that it is in."""
    rows = {name: name.removeprefix("spot-") for name in problems}
    found = [
        {"field": name, "sentence": sentence, "row": int(rows[name]) if rows[name].isdecimal() else None}
        for name, sentence in problems.items()
    ]
    said: dict[str, object] = {"detail": happened or next(iter(problems.values())), "problems": found}
    if happened:
        said["version"] = draft.version
    return make_response(jsonify(said), form_problems().status)


def redirect_onward(draft: Contract, here: DraftStep) -> Response:
    """After a save: to the step that was asked for, or back to this one. A script gets the new version."""
    if wants_json():
        return jsonify({"version": draft.version, "steps": _complete_steps(draft)})
    return redirect_to_step(draft.id, member_of(DraftStep, request.form.get("go", "")) or here)


def redirect_to_step(contract_id: str, step: DraftStep, *, anchor: str = "", **query: str) -> Response:
    """303 to a step, at the element with the id *anchor*."""
    where = f"/contracts/{contract_id}/draft/{step}"
    where = f"{where}?{urlencode(query)}" if query else where
    return redirect(f"{where}#{anchor}" if anchor else where, 303)  # type: ignore[return-value]  # werkzeug's class


def terms_of(draft: Contract) -> DraftTerms:
    return DraftTerms(
        draft.title, draft.kind, draft.purpose, draft.initiator, draft.deadline, draft.order, draft.amount
    )


def wants_json() -> bool:
    """Whether the script of the page asks."""
    return request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"


def seen_version() -> int:
    """The version that the page showed. Raises :class:`BadRequest` for a form without one."""
    return posted_number("seen", 12)


def field_value(name: str) -> str:
    """What stands in a field, without blanks around it."""
    return request.form.get(name, "").strip()


@dataclass(frozen=True, slots=True)
class PressedButton:
    """The button that was pressed: ``act`` and what it concerns, both from its value ``act:about``."""

    act: str
    about: str

    @classmethod
    def of_request(cls) -> PressedButton:
        """The button of this request; ``save`` when it was none of the list's."""
        act, _, about = field_value("act").partition(":")
        return cls(act or "save", about)

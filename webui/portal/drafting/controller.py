"""What the four steps share: the draft that one may edit, the page around a step, and how a save is answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

from flask import Response, abort, jsonify, make_response, redirect, render_template, request
from werkzeug.exceptions import BadRequest

from appliance.contracts.access import Command
from appliance.contracts.drafting import DraftTerms
from appliance.contracts.permissions import ContractActor, Permission, Refusal, refusal_for
from appliance.contracts.sending import ProblemPlace
from appliance.errors import ApplianceError, NotFound, StateRefused
from appliance.model.accounts import AccountRole
from appliance.model.contract import UNSENT, Contract
from webui.portal.access import PortalVisitor, require
from webui.portal.parts import PortalParts
from webui.shared.forms import SingleSubmission
from webui.shared.language import translate


class DraftStep(StrEnum):
    """The steps, in their order; the value is the last part of the address."""

    DOCUMENT = "document"
    PARTIES = "parties"
    FIELDS = "fields"
    CHECK = "check"


PLACES = {
    DraftStep.DOCUMENT: frozenset({"document"}),
    DraftStep.PARTIES: frozenset({"parties", "deadline"}),
    DraftStep.FIELDS: frozenset({"fields"}),
    DraftStep.CHECK: frozenset({"document", "parties", "deadline", "fields", "review"}),
}
"""Which places of :class:`Problem` each step is answerable for."""


@dataclass(frozen=True, slots=True)
class StepLink:
    """One step in the bar; ``complete`` when sending would find nothing missing there."""

    key: DraftStep
    label: str
    complete: bool


@dataclass(frozen=True, slots=True)
class Remarks:
    """What a page says about what was typed: sentences by field name, and what happened in the meantime."""

    problems: Mapping[str, str] = field(default_factory=dict)
    happened: str = ""

    @property
    def status(self) -> int:
        """200 when there is nothing to say, 409 for a page that was overtaken, 422 for what cannot be taken."""
        return 409 if self.happened else 422 if self.problems else 200


NOTHING = Remarks()


class DraftController:
    """The drafts of whoever is signed in."""

    def __init__(self, parts: PortalParts) -> None:
        self.parts = parts
        self.appliance = parts.appliance
        self.once = SingleSubmission(parts.appliance.submissions)

    def visitor(self) -> PortalVisitor:
        """Who may start contracts."""
        return require(AccountRole.INITIATOR)

    def load_draft(self, contract_id: str) -> Contract:
        """The visitor's own draft. Raises :class:`NotFound` for others'; once it is sent, a page says so and leads
        to the contract, for whoever comes back from the browser's history (scripts get :class:`StateRefused`)."""
        visitor = self.visitor()
        actor, now = ContractActor(visitor.subject), self.appliance.now()
        contract = self.appliance.contracts.admit(Command(contract_id, Permission.READ, actor, now)).contract
        if contract.initiator != visitor.subject:
            raise NotFound("There is no contract {contract}.", contract=contract_id)
        refusal = refusal_for(contract, Permission.EDIT, actor, now)
        if refusal is not None and contract.state not in UNSENT and not wants_json():
            abort(_already_sent(contract, refusal))
        if refusal is not None:
            raise refusal.error()
        return contract

    def steps(self, draft: Contract) -> list[StepLink]:
        """The bar above each step."""
        missing = {problem.place for problem in self.appliance.sending.problems(draft)}
        if not draft.parties:
            missing.add(ProblemPlace.FIELDS)  # nobody's fields are not complete
        labels = {
            DraftStep.DOCUMENT: translate()("Document"),
            DraftStep.PARTIES: translate()("Parties and order"),
            DraftStep.FIELDS: translate()("Fields"),
            DraftStep.CHECK: translate()("Check and send"),
        }
        return [StepLink(step, label, not missing & PLACES[step]) for step, label in labels.items()]

    def step_page(self, step: DraftStep, draft: Contract, remarks: Remarks, **shown: Any) -> Response:
        """The step's page, or for the script that saves in the background its answer as JSON."""
        if wants_json() and remarks is not NOTHING:
            return self._told(draft, remarks)
        text = render_template(
            f"drafting/{step}.html",
            step=step,
            steps=self.steps(draft),
            draft=draft,
            seen_version=draft.version,
            problems=remarks.problems,
            happened=remarks.happened,
            **shown,
        )
        return make_response(text, remarks.status)

    def redirect_onward(self, draft: Contract, here: DraftStep, **query: str) -> Response:
        """After a save: to the step that was asked for, or back to this one. A script gets the new version."""
        if wants_json():
            steps = {each.key.value: each.complete for each in self.steps(draft)}
            return jsonify({"version": draft.version, "steps": steps})
        wanted = request.form.get("go", "")
        step = DraftStep(wanted) if wanted in tuple(DraftStep) else here
        return redirect_to_step(draft.id, step, **query)

    def remarks(self, refusal: ApplianceError, draft: Contract, *, place: str = "") -> Remarks:
        """What to say of a refusal: that the draft was changed elsewhere, or what is wrong at *place*."""
        sentence = translate()(refusal.template, **refusal.values)
        if isinstance(refusal, StateRefused) and draft.version != seen_version():
            return Remarks(happened=sentence)
        return Remarks({place: sentence})

    def _told(self, draft: Contract, remarks: Remarks) -> Response:
        sentences = [remarks.happened] if remarks.happened else list(remarks.problems.values())
        problems = [problem_for_script(name, sentence) for name, sentence in remarks.problems.items()]
        said: dict[str, object] = {"detail": sentences[0], "problems": problems}
        if remarks.happened:
            said["version"] = draft.version
        return make_response(jsonify(said), remarks.status)


def _already_sent(contract: Contract, refusal: Refusal) -> Response:
    sentence = translate()(refusal.template, **refusal.values)
    return make_response(render_template("drafting/sent.html", contract=contract, refusal=sentence), 409)


def problem_for_script(name: str, sentence: str) -> dict[str, object]:
    """A problem for the script: the field's name, or the number of the row that it is in."""
    row = name.removeprefix("spot-")
    return {"field": name, "sentence": sentence, "row": int(row) if row.isdecimal() else None}


def terms_of(draft: Contract) -> DraftTerms:
    """What the initiator has said so far."""
    return DraftTerms(
        draft.title, draft.kind, draft.purpose, draft.initiator, draft.deadline, draft.order, draft.amount
    )


def redirect_to_step(contract_id: str, step: DraftStep, *, anchor: str = "", **query: str) -> Response:
    """303 to a step, at the element with the id *anchor*."""
    where = f"/contracts/{contract_id}/draft/{step}"
    where = f"{where}?{urlencode(query)}" if query else where
    return redirect(f"{where}#{anchor}" if anchor else where, 303)  # type: ignore[return-value]  # werkzeug's class


def wants_json() -> bool:
    """Whether the script of the page asks."""
    return request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"


def seen_version() -> int:
    """The version that the page showed. Raises :class:`BadRequest` for a form without one."""
    text = request.form.get("seen", "")
    if not text.isascii() or not text.isdecimal() or len(text) > 12:
        raise BadRequest
    return int(text)


def field_value(name: str) -> str:
    """What stands in a field, without blanks around it."""
    return request.form.get(name, "").strip()

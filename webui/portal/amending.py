"""``/contracts/ID/amend/KIND``: an agreement that supplements, replaces or terminates a completed contract,
drafted with the contract's own parties; ``/contracts/ID/duplicate``: a new draft like a contract of one's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from flask import Blueprint, request

from appliance.contracts.drafting import DraftTerms
from appliance.contracts.permissions import Permission
from appliance.errors import ConfinementFailed, DocumentRefused, PreconditionRefused, StateRefused
from appliance.model.contract import AmendmentKind, Contract
from appliance.writing.amending import LONGEST_PART, TYPED, draft_amendment, usual_parts, usual_title
from appliance.writing.amendment_drafts import YEARS, AmendmentTerms, is_near
from hsm.intents import LONGEST_TITLE
from webui.portal.access import ContractView, view_contract
from webui.portal.drafting.document import accepted_types, upload_hint, uploaded_document
from webui.portal.drafting.steps import drafter
from webui.portal.pages import appliance, once
from webui.shared.form_pages import Answer, FormProblems, form, render, status_in_workflow
from webui.shared.forms import date_of, posted_number
from webui.shared.language import translate

pages = Blueprint("amending", __name__, url_prefix="/contracts")

REFUSALS = (DocumentRefused, ConfinementFailed, PreconditionRefused, StateRefused)

ADDRESS = "/<contract_id>/amend/<any(supplement, replacement, termination):name>"


@dataclass(frozen=True, slots=True)
class AmendmentForm:
    """What was typed; ``effective`` is a day as browsers post it. A ``document`` takes the place of the parts."""

    kind: AmendmentKind
    title: str
    effective: str
    parts: dict[str, str]
    document: bool

    @classmethod
    def of_request(cls, contract: Contract, kind: AmendmentKind, now: datetime) -> AmendmentForm:
        """What was posted, or what usually stands there."""
        if request.method == "GET":
            today = now.astimezone(ZoneInfo(contract.deadline.zone)).date()
            return cls(kind, usual_title(contract, kind), today.isoformat(), usual_parts(contract, kind), False)
        posted = request.form
        parts = {name: posted.get(name, "").replace("\r\n", "\n") for name in TYPED[kind]}
        given = request.files.get("document")
        uploaded = given is not None and bool(given.filename)
        return cls(kind, posted.get("title", "").strip(), posted.get("effective", ""), parts, uploaded)

    def day(self, now: datetime) -> date | None:
        """The day that was typed, if it is one within some years."""
        found = date_of(self.effective)
        return found if found is not None and is_near(found, now) else None

    def problems(self, now: datetime) -> dict[str, str]:
        """Field → sentence."""
        say, found = translate(), dict[str, str]()
        if not self.title:
            found["title"] = say("The contract needs a title.")
        if len(self.title) > LONGEST_TITLE:
            found["title"] = say("At most {most} characters.", most=LONGEST_TITLE)
        if self.day(now) is None:
            found["effective"] = say("Choose a day within {years} years.", years=YEARS)
        for name, text in () if self.document else self.parts.items():
            if not text.strip():
                found[name] = say("Write what the parties agree on.")
            if len(text) > LONGEST_PART:
                found[name] = say("At most {most} characters.", most=LONGEST_PART)
        return found


def _amendable(contract_id: str) -> ContractView:
    """The contract, which the visitor may change by agreement."""
    subject = drafter()
    seen = view_contract(contract_id)
    seen.require(Permission.AMEND)
    appliance.amending.require_amendable(contract_id, by=subject)
    return seen


@pages.get(ADDRESS)
def amend(contract_id: str, name: str) -> Answer:
    seen, kind = _amendable(contract_id), AmendmentKind(name)
    return render(
        "contracts/amend.html",
        contract=seen.contract,
        typed=AmendmentForm.of_request(seen.contract, kind, seen.now),
        accept=accepted_types(),
        hint=upload_hint(),
        longest_title=LONGEST_TITLE,
        longest_part=LONGEST_PART,
    )


@pages.post(ADDRESS)
@form(amend, _amendable, refusals=REFUSALS, status=status_in_workflow)
def draft_agreement(seen: ContractView, contract_id: str, name: str) -> Answer:
    contract, by, version = seen.contract, seen.who.subject, posted_number("seen", 12)
    typed = AmendmentForm.of_request(contract, AmendmentKind(name), seen.now)
    problems, effective = typed.problems(seen.now), typed.day(seen.now)
    if problems or effective is None:
        raise FormProblems(problems)
    terms = DraftTerms(typed.title, contract.kind, typed.title, by, language=contract.language)

    def make() -> str:
        """An uploaded text needs its fields placed; ours has room for them, so only the check is left."""
        if typed.document:
            change = AmendmentTerms(typed.kind, effective)
            draft = appliance.amending.draft(contract_id, change, uploaded_document(), terms, seen=version)
            return f"/contracts/{draft.id}/draft/fields"
        written = (typed.kind, effective)
        draft = draft_amendment(appliance.amending, contract_id, written, typed.parts, terms, seen=version)
        return f"/contracts/{draft.id}/draft/check"

    return once(by, make)


@pages.post("/<contract_id>/duplicate")
def duplicate(contract_id: str) -> Answer:
    by, seen, version = drafter(), view_contract(contract_id), posted_number("seen", 12)
    seen.require(Permission.DUPLICATE)

    def make() -> str:
        return f"/contracts/{appliance.drafting.duplicate(contract_id, by=by, seen=version).id}/draft/document"

    return once(by, make)

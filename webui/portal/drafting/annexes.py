"""The annexes of a draft: files are attached and taken out in step 1."""

from __future__ import annotations

from flask import request

from appliance.errors import ConfinementFailed, DocumentRefused, PreconditionRefused, StateRefused
from appliance.model.contract import Contract
from hsm.errors import RefusalError
from webui.portal.drafting.document import document
from webui.portal.drafting.steps import (
    DraftStep,
    field_value,
    load_draft,
    pages,
    redirect_to_step,
    seen_version,
    status_of_step,
)
from webui.portal.pages import appliance, once
from webui.shared.form_pages import Answer, form

REFUSALS = (DocumentRefused, ConfinementFailed, PreconditionRefused, StateRefused)


def _place(refusal: RefusalError) -> str:
    return "" if isinstance(refusal, StateRefused) else "annex"


@pages.post("/contracts/<contract_id>/draft/annexes")
@form(document, load_draft, _place, refusals=REFUSALS, status=status_of_step)
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
@form(document, load_draft, _place, refusals=REFUSALS, status=status_of_step)
def detach(draft: Contract, contract_id: str, act: str) -> Answer:
    annexes = appliance.annexes
    arrange = {"remove": annexes.detach, "merge": annexes.merge, "separate": annexes.separate}[act]
    arrange(contract_id, field_value("annex"), by=draft.initiator, seen=seen_version())
    return redirect_to_step(contract_id, DraftStep.DOCUMENT, anchor="annexes")

"""``/contracts/ID/fill``: what the signer fills in, before the document is read and signed."""

from __future__ import annotations

from collections.abc import Mapping

from flask import request

from appliance.contracts.permissions import Permission, refusal_for
from appliance.contracts.signer_inputs import FIRST_YEAR, LAST_YEAR
from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.model.contract import Contract, Party, SignerInput
from webui.portal.access import ContractView, view_contract
from webui.portal.pages import appliance
from webui.portal.signing.sheet import pages
from webui.shared.form_pages import (
    Answer,
    FormProblems,
    form,
    form_problems,
    render,
    see_other,
    status_in_workflow,
)
from webui.shared.language import translate

PREFIX = "input-"
"""Of the names of the fields in the form."""


def filling_party(seen: ContractView) -> Party | None:
    """The party for which the visitor can fill something in now."""
    own = (each for each in seen.contract.parties if each.inputs and each.responsible == seen.who.subject)
    may = (each for each in own if refusal_for(seen.contract, Permission.SIGN, seen.who, seen.now, each) is None)
    return next(may, None)


def _nothing_to_fill(seen: ContractView) -> Answer:
    """Back to the signing page; whoever signs nothing here learns nothing of the page."""
    if seen.own_party() is None:
        raise NotFound("There is no contract {contract}.", contract=seen.contract.id)
    return see_other("signing.sign", contract_id=seen.contract.id)


def fill_first(contract: Contract, party: Party) -> Answer | None:
    """To the fields that have to be filled in before signing."""
    return see_other("signing.fill", contract_id=contract.id) if party.unfilled else None


@pages.get("/contracts/<contract_id>/fill")
def fill(contract_id: str) -> Answer:
    seen = view_contract(contract_id)
    party = filling_party(seen)
    if party is None:
        return _nothing_to_fill(seen)
    return filling_form(seen, party, f"/contracts/{contract_id}/fill")


def filling_form(seen: ContractView, party: Party, action: str) -> Answer:
    """The page with the fields of *party*, whose form goes to *action*."""
    posted = request.method == "POST"
    problems, say = form_problems().problems, translate()
    return render(
        "signing/fill.html",
        contract=seen.contract,
        party=party,
        action=action,
        prefix=PREFIX,
        values=_posted(party) if posted else {each.id: each.value for each in party.inputs},
        summary={name: _with_label(party, name, sentence) for name, sentence in problems.items()},
        limits={"min": f"{FIRST_YEAR}-01-01", "max": f"{LAST_YEAR}-12-31"},
        choose=say("Choose…"),
    )


def _posted(party: Party) -> Mapping[str, str]:
    return {each.id: request.form.get(f"{PREFIX}{each.id}", "") for each in party.inputs}


def _with_label(party: Party, name: str, sentence: str) -> str:
    known: Mapping[str, SignerInput] = {f"{PREFIX}{each.id}": each for each in party.inputs}
    if name not in known:
        return sentence
    return translate()("{label}: {problem}", label=known[name].label, problem=sentence)


@pages.post("/contracts/<contract_id>/fill")
@form(fill, view_contract, refusals=(PreconditionRefused, StateRefused), status=status_in_workflow)
def keep_filled(seen: ContractView, contract_id: str) -> Answer:
    party = filling_party(seen)
    if party is None:
        return _nothing_to_fill(seen)
    keep(seen, party)
    return see_other("signing.sign", contract_id=contract_id)


def keep(seen: ContractView, party: Party) -> None:
    """Keeps what was posted for *party*. Raises :class:`FormProblems`, and as :meth:`SignerInputs.fill`."""
    found = appliance.signer_inputs.fill(seen.contract.id, party.id, _posted(party), by=seen.who.subject)
    if found:
        say = translate()
        raise FormProblems({f"{PREFIX}{name}": each.translated(say) for name, each in found.items()})

"""``/contracts/ID/copies``: who else of the organisations involved may read the contract; for its initiator."""

from __future__ import annotations

from flask import request

from appliance.contracts.permissions import Permission
from appliance.errors import NotFound, PreconditionRefused, StateRefused
from webui.portal.access import ContractView, view_contract
from webui.portal.contracts.page import pages
from webui.portal.pages import appliance, house_names
from webui.shared.form_pages import Answer, form, render, see_other, status_in_workflow
from webui.shared.forms import field, posted_number

LONGEST_NAME = 60
"""Characters of a name to look for."""


def _copied(contract_id: str) -> ContractView:
    seen = view_contract(contract_id)
    seen.require(Permission.COPY)
    return seen


@pages.get("/<contract_id>/copies")
def copies(contract_id: str) -> Answer:
    """Who gets a copy, and who is found by the words that were typed and could get one."""
    seen = _copied(contract_id)
    contract, own = seen.contract, seen.someone.organisation
    looked_for = request.values.get("find", "").strip()[:LONGEST_NAME]
    involved = {*contract.everybody, *contract.copied}
    found = [each for each in appliance.registry.search(looked_for, own=own) if each.subject not in involved]
    return render(
        "contracts/copies.html", contract=contract, looked_for=looked_for, found=found, names=house_names(own)
    )


@pages.post("/<contract_id>/copies")
@form(copies, _copied, refusals=(PreconditionRefused, StateRefused, NotFound), status=status_in_workflow)
def change_copies(seen: ContractView, contract_id: str) -> Answer:
    subject, by, version = field("person", 80), seen.who.subject, posted_number("seen", 12)
    change = appliance.copying.remove_reader if field("act", 10) == "remove" else appliance.copying.add_reader
    change(contract_id, subject, by=by, seen=version)
    return see_other("contracts.copies", contract_id=contract_id)

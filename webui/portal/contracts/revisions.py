"""``/contracts/ID/revisions``: every state of the document, and what each changed for the eye."""

from __future__ import annotations

from flask import Blueprint, render_template

from appliance.documents.page_pictures import RevisionDifferences
from appliance.errors import NotFound
from appliance.language.sizes import ByteSize
from webui.portal.contracts.view import view_contract
from webui.portal.parts import PortalParts


def install(pages: Blueprint, parts: PortalParts) -> None:
    """The list with the newest revision opened, and one address for each revision."""
    differences = RevisionDifferences(parts.appliance.pictures)

    @pages.get("/<contract_id>/revisions", defaults={"number": None})
    @pages.get("/<contract_id>/revisions/<int:number>")
    def revisions(contract_id: str, number: int | None) -> str:
        contract = view_contract(parts, contract_id).contract
        wanted = contract.current.number if number is None else number
        chosen = next((one for one in contract.revisions if one.number == wanted), None)
        if chosen is None:
            raise NotFound("Contract “{title}” has no revision {number}.", title=contract.title, number=wanted)
        original = chosen.number == contract.original.number
        return render_template(
            "contracts/revisions.html",
            contract=contract,
            chosen=chosen,
            difference=None if original else differences.difference_of(contract, chosen),
            names={party.id: party.name for party in contract.parties},
            size_of=ByteSize,
        )

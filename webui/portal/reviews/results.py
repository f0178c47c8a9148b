"""``/contracts/ID/review``: the content check of a contract for its own organisation."""

from __future__ import annotations

from flask import Blueprint, render_template

from webui.portal.contracts.page import name_lookup
from webui.portal.contracts.view import view_contract
from webui.portal.parts import PortalParts
from webui.portal.reviews.view import review_view


def install(pages: Blueprint, parts: PortalParts) -> None:
    """The result, with its boxes on the pages."""

    @pages.get("/contracts/<contract_id>/review")
    def result(contract_id: str) -> str:
        seen = view_contract(parts, contract_id)
        seen.require_drafting()
        contract = seen.contract
        return render_template(
            "reviews/case.html",
            answers=False,
            pictures=f"/contracts/{contract.id}/pages/",
            problems={},
            names=name_lookup(parts),
            typed={},
            **review_view(parts, contract, parts.appliance.reviewing.review_status(contract)),
        )

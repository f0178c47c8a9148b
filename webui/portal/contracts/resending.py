"""``/contracts/ID/correct``: a new draft in place of a contract that was declined, recalled or expired."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, request
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response as BaseResponse

from appliance.contracts.permissions import Permission, refusal_for
from appliance.model.contract import Contract, ContractState
from webui.portal.contracts.view import ContractView, view_contract
from webui.portal.parts import PortalParts
from webui.shared.once import SingleSubmission


@dataclass(frozen=True, slots=True)
class LinkedContracts:
    """What the contract replaces and what replaces it, as far as the visitor may read them."""

    replaces: Contract | None
    replaced_by: Contract | None


def install(pages: Blueprint, parts: PortalParts) -> None:
    """The form of the button on the page of a contract that has ended."""
    once = SingleSubmission(parts.appliance.submissions)

    @pages.post("/<contract_id>/correct")
    def correct(contract_id: str) -> BaseResponse:
        seen = view_contract(parts, contract_id)
        seen.require(Permission.CORRECT)
        version = request.form.get("seen", "")
        if not (version.isascii() and version.isdecimal() and len(version) <= 12):
            raise BadRequest
        by = seen.who.subject

        def made() -> str:
            """To the draft's first step; to what became of it when somebody has sent it already."""
            draft = parts.appliance.resending.draft_again(contract_id, by=by, seen=int(version))
            step = "/draft/document" if draft.state is ContractState.DRAFT else ""
            return f"/contracts/{draft.id}{step}"

        return once.redirected(by, made)


def linked_contracts(parts: PortalParts, seen: ContractView) -> LinkedContracts:
    """The links of a contract's page."""
    links = parts.appliance.resending.links(seen.contract)
    readable = (
        each if each is not None and refusal_for(each, Permission.READ, seen.who, seen.now) is None else None
        for each in (links.replaces, links.replaced_by)
    )
    return LinkedContracts(*readable)

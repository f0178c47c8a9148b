"""``/contracts/ID/mail``: what became of each mail about a contract, and sending one once more."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from appliance.errors import NotFound
from webui.portal.contracts.view import ContractView, view_contract
from webui.portal.parts import PortalParts

AGAIN = frozenset({"unknown", "refused"})
"""States from which somebody may send a mail once more."""


def add(pages: Blueprint, parts: PortalParts) -> None:
    """The addresses."""
    deliveries, shown = parts.appliance.reminders.deliveries, parts.appliance.disclosing.mail_shown

    @pages.get("/contracts/<contract_id>/mail")
    def mail(contract_id: str) -> str:
        seen = _reader(parts, contract_id)
        return render_template(
            "reminders/mail.html",
            contract=seen.contract,
            mails=[
                each
                for each in deliveries.list_deliveries(contract_id)
                if shown(seen.contract, each.kind, each.recipient, seen.audience)
            ],
            again=AGAIN if seen.who.subject == seen.contract.initiator else frozenset(),
        )

    @pages.post("/contracts/<contract_id>/mail/resend")
    def resend(contract_id: str) -> Response:
        seen = view_contract(parts, contract_id)
        message = request.form.get("message", "")
        if not (message.isascii() and message.isdigit() and len(message) < 16):
            raise BadRequest
        deliveries.resend_message(contract_id, int(message), by=seen.who.subject)
        return redirect(f"/contracts/{contract_id}/mail", 303)


def _reader(parts: PortalParts, contract_id: str) -> ContractView:
    """For the initiator and auditors: to whom others were written is not everybody's business."""
    seen = view_contract(parts, contract_id)
    if seen.who.subject != seen.contract.initiator and not seen.who.auditor:
        raise NotFound("There is no contract {contract}.", contract=contract_id)
    return seen

"""``/contracts/ID/dates``: when the contract takes effect, is to be renewed or ended, and ends.

``/contracts/ID/mail``: what became of the messages about it.
"""

from __future__ import annotations

from datetime import date

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response as BaseResponse

from appliance.errors import NotAllowed, NotFound, PreconditionRefused
from appliance.model.contract import ContractState
from appliance.model.notice import DATES, Occasion
from webui.portal.access import ContractView, view_contract
from webui.portal.parts import PortalParts
from webui.shared.forms import field, sentence
from webui.shared.language import translate


def add_date_pages(pages: Blueprint, parts: PortalParts) -> None:
    """The address."""
    desk = parts.appliance.reminders

    def page(seen: ContractView, typed: dict[str, str], problems: dict[str, str], status: int = 200) -> Response:
        shown = render_template(
            "reminders/dates.html",
            contract=seen.contract,
            typed=typed,
            problems=problems,
            rules=parts.appliance.policy.rules_for(seen.contract.kind).reminders,
            back=_back(seen),
        )
        return make_response(shown, status)

    def keeper(contract_id: str) -> ContractView:
        seen = view_contract(parts, contract_id)
        if not desk.dates.may_change(seen.contract, seen.who.subject):
            raise NotAllowed("Its initiator keeps the dates of a contract, until it ends.")
        return seen

    @pages.get("/contracts/<contract_id>/dates")
    def dates(contract_id: str) -> Response:
        seen = keeper(contract_id)
        known = {each.kind: each.day.isoformat() for each in desk.dates.list_dates(contract_id)}
        return page(seen, {kind.value: known.get(kind, "") for kind in DATES}, {})

    @pages.post("/contracts/<contract_id>/dates")
    def change(contract_id: str) -> Response | BaseResponse:
        seen = keeper(contract_id)
        typed = {kind.value: field(kind.value, 10) for kind in DATES}
        days, problems = _read(typed)
        if problems:
            return page(seen, typed, problems, 422)
        try:
            desk.dates.change_dates(contract_id, days, by=seen.who.subject)
        except PreconditionRefused as refusal:
            return page(seen, typed, {"": sentence(refusal)}, 422)
        return redirect(_back(seen), 303)


def _read(typed: dict[str, str]) -> tuple[dict[Occasion, date | None], dict[str, str]]:
    """The days, and what is wrong with a field."""
    days: dict[Occasion, date | None] = {}
    problems: dict[str, str] = {}
    for kind in DATES:
        text = typed[kind.value].strip()
        try:
            days[kind] = date.fromisoformat(text) if text else None
        except ValueError:
            problems[kind.value] = translate()("Choose a day, like 2026-12-31.")
    return days, problems


def _back(seen: ContractView) -> str:
    """A draft goes on where it was."""
    if seen.contract.state is ContractState.DRAFT:
        return f"/contracts/{seen.contract.id}/draft/document"
    return url_for("contracts.page", contract_id=seen.contract.id)


AGAIN = frozenset({"unknown", "refused"})
"""States from which somebody may send a mail once more."""


def add_delivery_pages(pages: Blueprint, parts: PortalParts) -> None:
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
    def resend(contract_id: str) -> BaseResponse:
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

"""``/office/acts/<id>``: an act in words, and the officer's passkey that does it."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, url_for
from werkzeug.wrappers import Response

from appliance.model.accounts import AccountRole
from appliance.model.office import OfficerDecision, OfficerDecisionState
from appliance.office import describe_decision, subjects_of_decision
from hsm.intents import OfficerIntent
from webui.portal.office.forms import REFUSALS, field_value, office_reader, problem_of, visiting_officer
from webui.portal.parts import PortalParts
from webui.shared import passkeys


def install(pages: Blueprint, parts: PortalParts) -> None:
    """Adds the page of an act, its activation and its refusal to *pages*."""
    office, settings = parts.appliance.office, parts.settings

    def options(act: OfficerIntent, subject: str) -> str:
        known = parts.authority.credentials(subject)
        identifiers = [each.credential_id for each in known if each.credential_id is not None]
        return passkeys.request_options(act.challenge(), identifiers, settings.web.relying_party)

    def question(pending: OfficerDecision) -> str | None:
        """What the visitor's passkey is asked; None for who cannot, or need not, answer."""
        visitor = office_reader()
        waits = pending.state is OfficerDecisionState.OPEN and pending.expires > parts.now()
        if not waits or AccountRole.OFFICER not in visitor.roles or visitor.subject in pending.approved_by:
            return None
        return options(office.decisions.to_activate(pending), visitor.subject)

    def page(act_id: str, problem: str = "", status: int = 200) -> tuple[str, int]:
        pending = office.decisions.find_decision(act_id)
        names = office.members.names(subjects_of_decision(pending))
        shown = render_template(
            "office/act.html",
            act=pending,
            words=describe_decision(pending, names),
            names=names,
            kinds=office.requests.find_request(pending.request).kinds if pending.request else (),
            over=pending.expires <= parts.now(),
            options=question(pending),
            problem=problem,
        )
        return shown, status

    @pages.get("/acts/<act_id>")
    def act(act_id: str) -> tuple[str, int]:
        office_reader()
        return page(act_id)

    @pages.post("/acts/<act_id>")
    def activate(act_id: str) -> Response | tuple[str, int]:
        by = visiting_officer().subject
        try:
            answer = passkeys.activation(by, field_value(passkeys.FIELD, passkeys.LONGEST_ANSWER))
            office.decisions.activate_decision(act_id, answer)
        except REFUSALS as refusal:
            return page(act_id, *problem_of(refusal))
        return redirect(url_for("office.act", act_id=act_id), 303)

    @pages.post("/acts/<act_id>/refuse")
    def refuse(act_id: str) -> Response | tuple[str, int]:
        by = visiting_officer().subject
        try:
            office.decisions.refuse_decision(act_id, reason=field_value("reason", 500), by=by)
        except REFUSALS as refusal:
            return page(act_id, *problem_of(refusal))
        return redirect(url_for("office.everything"), 303)

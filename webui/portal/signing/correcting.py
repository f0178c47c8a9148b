"""``/contracts/ID/guests/PARTY/correct``: another name, mail address or telephone number of a guest."""

from __future__ import annotations

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from appliance.errors import PreconditionRefused, StateRefused
from appliance.model.contract import GuestDetails, Party
from webui.portal.contracts.view import ContractView
from webui.portal.drafting.party_buttons import guest_problems
from webui.portal.office.forms import unprintable_names
from webui.portal.parts import PortalParts
from webui.portal.signing.inviting import guest_of
from webui.shared.language import translate

LONGEST = 1000
"""Letters of a field that are looked at; the rules for names, addresses and numbers refuse less."""


def install(pages: Blueprint, parts: PortalParts) -> None:
    """The form and its target; for the initiator alone."""

    @pages.get("/contracts/<contract_id>/guests/<party_id>/correct")
    def guest_correction(contract_id: str, party_id: str) -> Response:
        seen, party = guest_of(parts, contract_id, party_id)
        person = parts.appliance.registry.person(party.subject)
        return _page(
            parts, seen, party, {"name": person.name, "email": person.email, "phone": party.phone or ""}, {}
        )

    @pages.post("/contracts/<contract_id>/guests/<party_id>/correct")
    def correct_guest(contract_id: str, party_id: str) -> Response:
        seen, party = guest_of(parts, contract_id, party_id)
        typed = {name: request.form.get(name, "").strip()[:LONGEST] for name in ("name", "email", "phone")}
        given, version = (
            GuestDetails(typed["name"], "", typed["email"], typed["phone"]),
            request.form.get("seen", ""),
        )
        problems = unprintable_names(parts.appliance.workshop, {"name": given.name}) | {
            place.removeprefix("guest-"): problem for place, problem in guest_problems(given).items()
        }
        if not given.phone:  # who told the code otherwise needs no number
            problems.pop("phone", None)
        if problems:
            return _page(parts, seen, party, typed, problems, 422)
        try:
            parts.appliance.correcting.correct(
                contract_id,
                party_id,
                given,
                by=seen.who.subject,
                seen=int(version) if version.isascii() and version.isdigit() and len(version) < 16 else None,
            )
        except (PreconditionRefused, StateRefused) as refusal:
            sentence = translate()(refusal.template, **refusal.values)
            return _page(
                parts, seen, party, typed, {"": sentence}, 409 if isinstance(refusal, StateRefused) else 422
            )
        return redirect(url_for("signing.guest_code", contract_id=contract_id, party_id=party_id), 303)


def _page(
    parts: PortalParts,
    seen: ContractView,
    party: Party,
    typed: dict[str, str],
    problems: dict[str, str],
    status: int = 200,
) -> Response:
    page = render_template(
        "signing/guest_correct.html",
        contract=seen.contract,
        party=party,
        typed=typed,
        anew=parts.appliance.correcting.starts_anew(party.subject),
        problems=problems,
    )
    return make_response(page, status)

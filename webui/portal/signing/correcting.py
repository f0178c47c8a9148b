"""``/contracts/ID/guests/PARTY/correct``: another name, mail address or telephone number of a guest."""

from __future__ import annotations

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from appliance.errors import ApplianceError, PreconditionRefused, StateRefused
from appliance.model.contract import Guest, Party
from webui.portal.contracts.reading import Sight
from webui.portal.parts import PortalParts
from webui.portal.signing.inviting import guest_of
from webui.shared.language import translate

LIMITS = {"name": 100, "email": 254, "phone": 32}
"""The longest of each field."""


def install(pages: Blueprint, parts: PortalParts) -> None:
    """The form and its target; for the initiator alone."""

    @pages.get("/contracts/<contract_id>/guests/<party_id>/correct")
    def guest_correction(contract_id: str, party_id: str) -> Response:
        seen, party = guest_of(parts, contract_id, party_id)
        person = parts.appliance.registry.person(party.subject)
        return _page(parts, seen, party, {"name": person.name, "email": person.email, "phone": party.phone or ""})

    @pages.post("/contracts/<contract_id>/guests/<party_id>/correct")
    def correct_guest(contract_id: str, party_id: str) -> Response:
        seen, party = guest_of(parts, contract_id, party_id)
        typed = {name: request.form.get(name, "").strip()[: most + 1] for name, most in LIMITS.items()}
        given, version = Guest(typed["name"], "", typed["email"], typed["phone"]), request.form.get("seen", "")
        try:
            parts.appliance.correcting.correct(
                contract_id,
                party_id,
                given,
                by=seen.who.subject,
                seen=int(version) if version.isascii() and version.isdigit() and len(version) < 16 else None,
            )
        except (PreconditionRefused, StateRefused) as refusal:
            return _page(parts, seen, party, typed, refusal)
        return redirect(url_for("signing.guest_code", contract_id=contract_id, party_id=party_id), 303)


def _page(
    parts: PortalParts, seen: Sight, party: Party, typed: dict[str, str], refusal: ApplianceError | None = None
) -> Response:
    page = render_template(
        "signing/guest_correct.html",
        contract=seen.contract,
        party=party,
        typed=typed,
        limits=LIMITS,
        anew=parts.appliance.correcting.starts_anew(party.subject),
        problems={} if refusal is None else {"": translate()(refusal.template, **refusal.values)},
    )
    status = 200 if refusal is None else 409 if isinstance(refusal, StateRefused) else 422
    return make_response(page, status)

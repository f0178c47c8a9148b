"""``/guest/settings``: the language and zone of pages and mails to an outside signer, who has no account."""

from __future__ import annotations

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from appliance.errors import PreconditionRefused
from appliance.language import Language
from webui.portal.accounts.settings import zones
from webui.portal.parts import PortalParts
from webui.portal.signing.guests import guest_visitor
from webui.shared.language import NAMES, current_language, translate


def install(pages: Blueprint, parts: PortalParts) -> None:
    """The form, and its target."""

    def form(problems: dict[str, str]) -> Response:
        guest = guest_visitor()
        person = parts.appliance.registry.person(guest.subject)
        zone = request.form.get("zone", person.zone)
        page = render_template(
            "signing/guest_settings.html",
            person=person,
            contract=guest.contract,
            languages=NAMES,
            zones=zones(zone),
            typed={"language": request.form.get("language", person.language), "zone": zone},
            problems=problems,
        )
        return make_response(page, 422 if problems else 200)

    @pages.get("/guest/settings")
    def guest_settings() -> Response:
        return form({})

    @pages.post("/guest/settings")
    def save_guest_settings() -> Response:
        guest, chosen = guest_visitor(), request.form.get("language", "")
        wanted = Language(chosen) if chosen in tuple(Language) else current_language()
        try:
            parts.appliance.accounts.own.prefer(guest.subject, wanted, zone=request.form.get("zone", "")[:60])
        except PreconditionRefused as refusal:
            return form({"zone": translate()(refusal.template, **refusal.values)})
        return redirect(url_for("signing.sign", contract_id=guest.contract), 303)

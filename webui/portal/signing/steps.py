"""What comes before the first signature: something to sign with, and the agreement to sign electronically."""

from __future__ import annotations

from flask import make_response, redirect, render_template, url_for
from werkzeug.wrappers import Response

from appliance.model.contract import Contract, Party
from webui.portal.access import visitor
from webui.portal.parts import PortalParts
from webui.portal.signing.activations import means_of


def step_before(parts: PortalParts, contract: Contract, party: Party) -> Response | None:
    """The page that comes first, or None. Raises :class:`AuthorityError`."""
    if not means_of(parts, party.responsible).any:
        if visitor().guest_of is not None:
            return redirect(url_for("signing.guest_credentials"), 303)
        return make_response(render_template("signing/no_means.html"))
    if parts.appliance.agreements.acceptances_of_party(contract.id, party.id) is None:
        return redirect(url_for("signing.agree", contract_id=contract.id, party=party.id), 303)
    return None

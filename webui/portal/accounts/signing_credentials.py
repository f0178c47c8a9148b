"""``/settings/signing``: what one signs with, setting it up at the activation service, and asking an officer
for it; the authority decides."""

from __future__ import annotations

from flask import url_for

from appliance.errors import PreconditionRefused, StateRefused
from appliance.model.office import EnrolmentRequestState
from webui.portal.access import require_signer
from webui.portal.accounts.settings import pages, passkey_name
from webui.portal.activations import to_registration
from webui.portal.pages import appliance
from webui.shared.form_pages import Answer, FormProblems, form, render, see_other
from webui.shared.forms import field, sentence


@pages.get("/settings/signing")
def means() -> Answer:
    subject = require_signer()
    appliance.office.requests.collect_of(subject)
    asked = appliance.office.requests.requests_of(subject)
    return render(
        "accounts/signing.html",
        enrolled=appliance.registry.is_enrolled(subject),
        known=appliance.authority.credentials(subject),
        labels={each.credential_id: passkey_name(each) for each in appliance.accounts.own.passkeys(subject)},
        waiting=next((each for each in asked if each.state is EnrolmentRequestState.OPEN), None),
        refused=asked[0] if asked and asked[0].state is EnrolmentRequestState.REFUSED else None,
    )


@pages.post("/settings/signing")
@form(means, require_signer, refusals=())
def set_up(by: str) -> Answer:
    login = appliance.accounts.administration.account(by).login
    return to_registration(appliance.registry.person(by), login, url_for("accounts.registered"))


@pages.get("/settings/signing/registered")
@form(means, require_signer, refusals=())
def registered(by: str) -> Answer:
    """Back from the activation service: asks an officer for what was set up there, if anything was."""
    if appliance.authority.pending_credentials(by):
        try:
            appliance.office.requests.submit_request(by, by=by)
        except (PreconditionRefused, StateRefused) as refusal:
            raise FormProblems({"": sentence(refusal)}, 409) from refusal
    return see_other("accounts.means")


@pages.post("/settings/signing/withdraw")
def withdraw() -> Answer:
    appliance.office.requests.withdraw_request(field("request", 64), by=require_signer())
    return see_other("accounts.means")

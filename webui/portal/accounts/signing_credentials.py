"""``/settings/signing``: what one signs with, and asking an officer for it; the authority decides."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, url_for
from webauthn.helpers import bytes_to_base64url
from werkzeug.wrappers import Response as BaseResponse

from appliance.errors import PreconditionRefused, StateRefused
from appliance.model.accounts import PEOPLES_ROLES
from appliance.model.office import EnrolmentRequestState, ProposedCredential, ProposedPasskey
from webui.portal import access
from webui.portal.parts import PortalParts
from webui.shared.forms import field, sentence

LONGEST_PIN, LONGEST_CODE, LONGEST_SEALED = 20, 20, 1000

View = BaseResponse | str


def add_credential_pages(pages: Blueprint, parts: PortalParts) -> None:
    """The addresses."""
    accounts, requests = parts.appliance.accounts, parts.appliance.office.requests
    issuer = parts.appliance.settings.organisation.name

    def overview(problems: dict[str, str], *, sealed: str = "", status: int = 200) -> Response:
        who = access.require(*PEOPLES_ROLES)
        account = f"{accounts.administration.account(who.subject).login} 签署"
        asked = requests.requests_of(who.subject)
        known = parts.appliance.authority.credentials(who.subject)
        ids = {each.credential_id for each in known if each.credential_id}
        try:
            draft = (
                requests.reopened_totp(who.subject, sealed=sealed, issuer=issuer, account=account)
                if sealed
                else None
            )
        except PreconditionRefused as refusal:
            draft, problems = None, {"code": sentence(refusal)}
        page = render_template(
            "accounts/signing.html",
            enrolled=parts.appliance.registry.is_enrolled(who.subject),
            known=known,
            labels={each.credential_id: each.label for each in accounts.own.passkeys(who.subject)},
            candidates=[each for each in accounts.own.passkeys(who.subject) if each.credential_id not in ids],
            waiting=next((each for each in asked if each.state is EnrolmentRequestState.OPEN), None),
            refused=asked[0] if asked and asked[0].state is EnrolmentRequestState.REFUSED else None,
            draft=draft or requests.draft_totp(who.subject, issuer=issuer, account=account),
            problems=problems,
        )
        return make_response(page, status)

    def ask(credential: ProposedCredential, place: str) -> View:
        who = access.require(*PEOPLES_ROLES)
        try:
            requests.submit_request(who.subject, [credential], by=who.subject)
        except (PreconditionRefused, StateRefused) as refusal:
            return overview({place: sentence(refusal)}, status=409)
        return redirect(url_for("accounts.means"), 303)

    @pages.get("/settings/signing")
    def means() -> View:
        return overview({})

    @pages.post("/settings/signing/passkey")
    def propose_passkey() -> View:
        who, chosen = access.require(*PEOPLES_ROLES), field("passkey", 1400)
        for each in accounts.own.passkeys(who.subject):
            if bytes_to_base64url(each.credential_id) == chosen:
                proposed = ProposedPasskey(each.credential_id, each.public_key, accounts.passkeys.rp_id)
                return ask(proposed, "passkey")
        refusal = PreconditionRefused("Choose one of your passkeys.")
        return overview({"passkey": sentence(refusal)}, status=422)

    @pages.post("/settings/signing/pin")
    def propose_pin() -> View:
        who = access.require(*PEOPLES_ROLES)
        sealed, pin = field("sealed", LONGEST_SEALED), field("pin", LONGEST_PIN)
        if pin != field("pin_again", LONGEST_PIN):
            refusal = PreconditionRefused("The two PINs differ; type both again.")
            return overview({"pin_again": sentence(refusal)}, sealed=sealed, status=422)
        try:
            code = field("code", LONGEST_CODE)
            proposed = requests.pin_totp(who.subject, sealed=sealed, pin=pin, code=code)
        except PreconditionRefused as refusal:
            place = "pin" if "PIN" in refusal.template else "code"
            return overview({place: sentence(refusal)}, sealed=sealed, status=422)
        return ask(proposed, "")

    @pages.post("/settings/signing/withdraw")
    def withdraw() -> View:
        who = access.require(*PEOPLES_ROLES)
        requests.withdraw_request(field("request", 64), by=who.subject)
        return redirect(url_for("accounts.means"), 303)

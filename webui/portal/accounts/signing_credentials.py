"""``/settings/signing``: what one signs with, and asking an officer for it; the authority decides."""

from __future__ import annotations

from webauthn.helpers import bytes_to_base64url

from appliance.errors import PreconditionRefused, StateRefused
from appliance.model.office import EnrolmentRequestState, ProposedCredential, ProposedPasskey
from webui.portal.access import require_person
from webui.portal.accounts.settings import pages
from webui.portal.pages import appliance
from webui.shared.form_pages import Answer, FormProblems, form, form_problems, render, see_other, unprocessable
from webui.shared.forms import field, sentence
from webui.shared.language import translate

LONGEST_PIN, LONGEST_CODE, LONGEST_SEALED = 20, 20, 1000


@pages.get("/settings/signing")
def means() -> Answer:
    subject, requests = require_person(), appliance.office.requests
    own = appliance.accounts.own.passkeys(subject)
    account = f"{appliance.accounts.administration.account(subject).login} 签署"
    asked, known = requests.requests_of(subject), appliance.authority.credentials(subject)
    ids = {each.credential_id for each in known if each.credential_id}
    problems = form_problems().problems
    try:
        draft = requests.draft_totp(subject, account, sealed=field("sealed", LONGEST_SEALED))
    except PreconditionRefused as refusal:
        problems, draft = {"code": sentence(refusal)}, requests.draft_totp(subject, account)
    return render(
        "accounts/signing.html",
        enrolled=appliance.registry.is_enrolled(subject),
        known=known,
        labels={each.credential_id: each.label for each in own},
        candidates=[each for each in own if each.credential_id not in ids],
        waiting=next((each for each in asked if each.state is EnrolmentRequestState.OPEN), None),
        refused=asked[0] if asked and asked[0].state is EnrolmentRequestState.REFUSED else None,
        draft=draft,
        problems=problems,
    )


def _submit(credential: ProposedCredential, place: str, by: str) -> Answer:
    try:
        appliance.office.requests.submit_request(by, [credential], by=by)
    except (PreconditionRefused, StateRefused) as refusal:
        raise FormProblems({place: sentence(refusal)}, 409) from refusal
    return see_other("accounts.means")


@pages.post("/settings/signing/passkey")
@form(means, require_person, refusals=())
def propose_passkey(by: str) -> Answer:
    accounts, chosen = appliance.accounts, field("passkey", 1400)
    for each in accounts.own.passkeys(by):
        if bytes_to_base64url(each.credential_id) == chosen:
            proposed = ProposedPasskey(each.credential_id, each.public_key, accounts.passkeys.rp_id)
            return _submit(proposed, "passkey", by)
    raise FormProblems({"passkey": translate()("Choose one of your passkeys.")})


@pages.post("/settings/signing/pin")
@form(means, require_person, {"PIN": "pin", "": "code"}, refusals=(PreconditionRefused,), status=unprocessable)
def propose_pin(by: str) -> Answer:
    sealed, pin = field("sealed", LONGEST_SEALED), field("pin", LONGEST_PIN)
    if pin != field("pin_again", LONGEST_PIN):
        raise FormProblems({"pin_again": translate()("The two PINs differ; type both again.")})
    code = field("code", LONGEST_CODE)
    proposed = appliance.office.requests.pin_totp(by, sealed=sealed, pin=pin, code=code)
    return _submit(proposed, "", by)


@pages.post("/settings/signing/withdraw")
def withdraw() -> Answer:
    appliance.office.requests.withdraw_request(field("request", 64), by=require_person())
    return see_other("accounts.means")

"""What a visitor activates with, and what the form brought of it. Nothing is verified here: the authority does.

Before the first signature come something to sign with, and the agreement to sign electronically
(:func:`prerequisite_response`).
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import request

from appliance.errors import PreconditionRefused
from appliance.model.contract import Contract, Party
from hsm.intents import Activation, PinTotpActivation, SigningIntent
from webui.portal.access import visitor
from webui.portal.pages import appliance
from webui.shared import passkeys
from webui.shared.form_pages import Answer, render, see_other

LONGEST_PIN = 12
CODE_DIGITS = 6
WEBAUTHN = "webauthn"


@dataclass(frozen=True, slots=True)
class ActivationMeans:
    """The credentials that the authority knows of a person: passkeys (their ids), and whether PIN and code."""

    credentials: tuple[bytes, ...]
    pin: bool

    @property
    def any(self) -> bool:
        """Whether there is anything to sign with."""
        return bool(self.credentials) or self.pin


def means_of(subject: str) -> ActivationMeans:
    """Asked of the authority, which alone knows. Raises :class:`AuthorityError` when it does not answer."""
    known = appliance.authority.credentials(subject)
    ids = tuple(each.credential_id for each in known if each.kind == WEBAUTHN and each.credential_id is not None)
    return ActivationMeans(ids, any(each.kind != WEBAUTHN for each in known))


def activation_options(act: SigningIntent, means: ActivationMeans) -> str:
    """What the page's script hands to the browser, so that a passkey answers for exactly this act."""
    return passkeys.request_options(act.challenge(), means.credentials, appliance.settings.web.relying_party)


def posted_activation(subject: str) -> Activation:
    """The activation in the form. Raises :class:`PreconditionRefused` when there is none that could be one."""
    if request.form.get(passkeys.FIELD):
        return passkeys.activation(subject, request.form[passkeys.FIELD])
    if "pin" not in request.form:
        raise PreconditionRefused(
            "The passkey did not answer. Your browser needs scripts for it; with PIN and code it works without."
        )
    pin, code = request.form["pin"].strip(), "".join(request.form.get("code", "").split())
    if not pin:
        raise PreconditionRefused("Enter your PIN for signing.")
    if not (code.isascii() and code.isdigit() and len(code) == CODE_DIGITS):
        raise PreconditionRefused("Enter the six digits that your authenticator app shows now.")
    if len(pin) > LONGEST_PIN:
        raise PreconditionRefused("A PIN has at most {most} digits.", most=LONGEST_PIN)
    return PinTotpActivation(subject, pin, code)


def prerequisite_response(contract: Contract, party: Party) -> Answer | None:
    """The page that comes first, or None. Raises :class:`AuthorityError`."""
    if not means_of(party.responsible).any:
        if visitor().guest_of is not None:
            return see_other("signing.guest_credentials")
        return render("signing/no_means.html")
    if appliance.agreements.acceptances_of_party(contract, party.id) is None:
        return see_other("signing.agree", contract_id=contract.id, party=party.id)
    return None

"""What a form brought to activate with, or to register. Nothing is verified here: the authority does."""

from __future__ import annotations

import json

from flask import request
from webauthn.helpers import base64url_to_bytes
from webauthn.helpers.exceptions import WebAuthnException

from appliance.errors import PreconditionRefused
from hsm.intents import Activation, PasskeyRegistration, PinTotpActivation
from webui.shared import passkeys

LONGEST_PIN = 12
CODE_DIGITS = 6


def posted_activation(subject: str) -> Activation:
    """The activation in the form. Raises :class:`PreconditionRefused` when there is none that could be one."""
    if request.form.get(passkeys.FIELD):
        return passkeys.activation(subject, request.form[passkeys.FIELD])
    if "pin" not in request.form:
        raise PreconditionRefused(
            "The passkey did not answer. Your browser needs scripts for it; with PIN and code it works without."
        )
    pin = request.form["pin"].strip()
    if not pin:
        raise PreconditionRefused("Enter your PIN for signing.")
    code = posted_code()
    if len(pin) > LONGEST_PIN:
        raise PreconditionRefused("A PIN has at most {most} digits.", most=LONGEST_PIN)
    return PinTotpActivation(subject, pin, code)


def posted_code() -> str:
    """The six digits in the form. Raises :class:`PreconditionRefused` for anything else."""
    code = "".join(request.form.get("code", "").split())
    if not (code.isascii() and code.isdigit() and len(code) == CODE_DIGITS):
        raise PreconditionRefused("Enter the six digits that your authenticator app shows now.")
    return code


def posted_challenge() -> bytes:
    """The challenge that the form was made with; what is none is refused by the authority."""
    try:
        return bytes.fromhex(request.form.get("challenge", ""))
    except ValueError:
        return b""


def posted_registration() -> PasskeyRegistration:
    """The answer to a registration. Raises :class:`PreconditionRefused` for anything else."""
    try:
        answer = json.loads(request.form.get(passkeys.FIELD, "")[: passkeys.LONGEST_ANSWER])
        response = answer["response"]
        return PasskeyRegistration(
            challenge=posted_challenge(),
            client_data=base64url_to_bytes(response["clientDataJSON"]),
            attestation_object=base64url_to_bytes(response["attestationObject"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError, WebAuthnException, RecursionError) as error:
        raise PreconditionRefused(
            "Your passkey did not answer; press the button and confirm once more."
        ) from error

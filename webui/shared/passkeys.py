"""Passkeys between pages and authority: options for the browser, and what the browser answered.

The page's script (``static/passkey.js``) reads options as JSON with base64url fields and posts the answer in the
same form (WebAuthn Level 3, section 5.1.8 and 5.1.9), in the field ``credential``.
"""

from __future__ import annotations

import json

from flask import request
from webauthn.helpers import base64url_to_bytes
from webauthn.helpers.exceptions import WebAuthnException

from appliance.accounts.passkeys import LONGEST_ANSWER, request_options
from appliance.errors import PreconditionRefused
from hsm.intents import WebAuthnActivation

__all__ = ["FIELD", "LONGEST_ANSWER", "activation", "builtin_browser", "request_options"]

FIELD = "credential"
"""The form field with the browser's answer."""


def builtin_browser() -> str:
    """The app in whose built-in browser the page is read: ``wecom`` (企业微信), ``wechat``, or empty for neither.

    Both name ``MicroMessenger`` in the user agent, 企业微信 ``wxwork`` besides; passkeys do not work in them.
    """
    agent = request.headers.get("User-Agent", "").lower()
    return "wecom" if "wxwork/" in agent else "wechat" if "micromessenger/" in agent else ""


def activation(subject: str, posted: str) -> WebAuthnActivation:
    """The activation of *subject* in what the script posted. Raises :class:`PreconditionRefused` for anything
    else.

    Nothing is verified here: the authority does that.
    """
    try:
        answer = json.loads(posted[:LONGEST_ANSWER])
        response = answer["response"]
        return WebAuthnActivation(
            subject=subject,
            credential_id=base64url_to_bytes(answer["rawId"]),
            client_data=base64url_to_bytes(response["clientDataJSON"]),
            authenticator_data=base64url_to_bytes(response["authenticatorData"]),
            signature=base64url_to_bytes(response["signature"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError, WebAuthnException, RecursionError) as error:
        raise PreconditionRefused(
            "Your passkey did not answer; press the button and confirm once more."
        ) from error

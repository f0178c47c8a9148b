"""PIN and one-time code for signing: made here, proven once, sealed by the authority until an officer decides."""

from __future__ import annotations

import base64
import binascii
import secrets
from datetime import datetime
from itertools import pairwise
from urllib.parse import quote, urlencode

import argon2

from appliance.errors import PreconditionRefused
from appliance.model.office import ProposedPin, TotpDraft
from hsm.activation.pin import matching_step
from hsm.client import AuthorityClient
from hsm.errors import AuthorityError, NotPermitted

_SECRET_BYTES = 20
_PIN_LENGTHS = range(6, 13)
_FORM_IS_OLD = "This form is too old; scan the new code and enter its six digits."


def draft_totp(
    authority: AuthorityClient, subject: str, *, issuer: str, account: str, sealed: str | None = None
) -> TotpDraft:
    """A new secret, or the one in *sealed*, as people scan it (Key URI Format of Google Authenticator)."""
    if sealed is None:
        secret = secrets.token_bytes(_SECRET_BYTES)
        sealed = authority.wrap_key(context_of(subject), secret).hex()
    else:
        secret = unsealed(authority, subject, sealed)
    letters = base64.b32encode(secret).decode()
    label = quote(f"{issuer}:{account}")
    return TotpDraft(letters, f"otpauth://totp/{label}?{urlencode({'secret': letters, 'issuer': issuer})}", sealed)


def proven_pin(
    authority: AuthorityClient, subject: str, *, sealed: str, pin: str, code: str, now: datetime
) -> ProposedPin:
    """PIN and secret as a credential, once *code* shows that the secret was scanned."""
    _require_pin(pin)
    secret = unsealed(authority, subject, sealed)
    if matching_step(secret, code.replace(" ", ""), now) is None:
        raise PreconditionRefused("The six digits are not those of now; wait for the next ones.")
    hasher = argon2.PasswordHasher(memory_cost=65_536, time_cost=3, parallelism=1)
    return ProposedPin(hasher.hash(pin), bytes.fromhex(sealed))


def unsealed(authority: AuthorityClient, subject: str, sealed: str) -> bytes:
    """The secret in *sealed*, which was made for *subject*. Raises :class:`PreconditionRefused`."""
    try:
        return authority.unwrap_key(context_of(subject), bytes.fromhex(sealed))
    except (ValueError, binascii.Error) as error:
        raise PreconditionRefused(_FORM_IS_OLD) from error
    except AuthorityError as error:
        if isinstance(error, NotPermitted) or error.code in ("bad-request", "malformed"):
            raise PreconditionRefused(_FORM_IS_OLD) from error
        raise


def context_of(subject: str) -> str:
    """What a secret that waits for *subject*'s enrolment is wrapped under."""
    return f"enrolment:{subject}"


def _require_pin(pin: str) -> None:
    if len(pin) not in _PIN_LENGTHS or not (pin.isascii() and pin.isdigit()):
        raise PreconditionRefused("A PIN has 6 to 12 digits.")
    steps = {(ord(after) - ord(before)) % 10 for before, after in pairwise(pin)}
    if len(steps) == 1 and steps <= {0, 1, 9}:
        raise PreconditionRefused("This PIN is one that everybody guesses; choose another.")

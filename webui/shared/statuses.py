"""The one table from refusals to HTTP statuses (RFC 9110)."""

from __future__ import annotations

from appliance.errors import ApplianceError
from hsm.errors import AuthorityError

Refusal = ApplianceError | AuthorityError

STATUS_OF = {
    "activation-locked": 429,
    "activation-refused": 403,
    "activation-used": 409,
    "authority-locked": 503,
    "authority-unreachable": 503,
    "bad-request": 400,
    "certificate-refused": 409,
    "confinement-failed": 503,
    "consistency-refused": 503,
    "document-refused": 422,
    "ledger-damaged": 503,
    "malformed": 422,
    "module-unavailable": 503,
    "not-allowed": 403,
    "not-found": 404,
    "not-permitted": 403,
    "precondition-refused": 409,
    "sign-in-refused": 403,
    "state-refused": 409,
    "storage": 503,
    "store-unavailable": 503,
    "time-not-available": 503,
    "too-many-attempts": 429,
    "unknown-key": 404,
}


def status_of(refusal: Refusal) -> int:
    """The HTTP status that says what *refusal* says; 500 for what should have been caught before the web."""
    return STATUS_OF.get(refusal.code, 500)

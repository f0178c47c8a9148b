"""Asking the timestamp authority by its protocol (RFC 3161 over HTTP)."""

from __future__ import annotations

import hashlib
import http.client
import secrets
import time

from hsm.errors import AuthorityError
from hsm.timestamp import RequestRefused, build_request, order_for, parse_response
from tests.machine.visitor import Address

HEADERS = {"Content-Type": "application/timestamp-query", "Connection": "close"}


def token(address: Address, imprint: bytes | None = None) -> bytes:
    """A token over the SHA-256 digest *imprint*. Raises AuthorityError where it is refused, OSError or
    HTTPException where nobody answers as the protocol wants."""
    connection = address.in_the_clear()
    try:
        digest = imprint or hashlib.sha256(secrets.token_bytes(32)).digest()
        connection.request("POST", "/tsa", build_request(order_for(digest)), HEADERS)
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    if answer.status != 200:
        raise http.client.HTTPException(f"answered with {answer.status}")
    return parse_response(body)


def outcome(address: Address) -> str:
    """ "granted", or why not, in one word or two."""
    try:
        token(address)
    except RequestRefused as refusal:
        first, *others = refusal.fail_info.name.lower().split("_")  # RFC 3161, 2.4.2: timeNotAvailable
        return f"{first}{''.join(map(str.capitalize, others))}: {refusal.values['text']}"
    except AuthorityError as failure:
        return f"{type(failure).__name__}: {failure}"
    except (OSError, http.client.HTTPException) as failure:
        return f"no answer: {failure}"
    return "granted"


def until(address: Address, expected: str, patience: float) -> str:
    """Asks until *expected* is in the outcome; what was seen on the way. Raises AssertionError."""
    began, seen = time.monotonic(), dict[str, float]()
    while True:
        told, after = outcome(address), time.monotonic() - began
        seen.setdefault(told, after)
        if expected in told:
            return "; ".join(f"{what} after {when:.1f} s" for what, when in seen.items())
        assert after < patience, f"not “{expected}” within {patience:.0f} s, but {'; '.join(seen)}"
        time.sleep(0.2)

"""Passkeys (WebAuthn Level 3): registering authenticators and checking their answers when people sign in.

The challenge is the SHA-256 of a ticket that the page carries, so it is ours, fresh, and good once.
"""

from __future__ import annotations

import hmac
import json
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from webauthn import verify_authentication_response, verify_registration_response
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.exceptions import WebAuthnException

from appliance.accounts.tickets import Ticket, Tickets, challenge_of, stale_page
from appliance.errors import PreconditionRefused, SignInRefused
from appliance.model.accounts import Passkey

OFFER_LASTS = timedelta(minutes=10)
"""How long a page with a passkey button may stay open."""

TIMEOUT_MS = 120_000
"""Milliseconds that people have for touching their authenticator."""

LONGEST_ANSWER = 20_000
LONGEST_LABEL = 60
ALGORITHMS = [
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]
"""Those that the authority takes too, so that the same passkey can sign."""

ANSWER_ERRORS = (WebAuthnException, ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""What the library raises for hostile answers is not one family; brackets in brackets exhaust the stack."""


@dataclass(frozen=True, slots=True)
class PasskeyOffer:
    """What a page needs for a passkey: ``ticket`` goes into the form, ``options`` (JSON) to the script."""

    ticket: str = field(repr=False)
    options: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """An authenticator that proved itself at registration; ``public_key`` is COSE (RFC 9053)."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    ticket: Ticket


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """The relying party (host name), the one origin that answers may name, and what devices call it;
    ``discoverable``: a device keeps the passkey so that it finds the account by itself."""

    rp_id: str
    origin: str
    name: str
    discoverable: bool = True


class PasskeyVerifier:
    """Offers and verifies for one *site*; keeps nothing. Thread-safe."""

    def __init__(self, site: RelyingParty, tickets: Tickets, key: bytes, now: Callable[[], datetime]) -> None:
        self._site = site
        self._tickets = tickets
        self._key = key
        self._now = now

    def user_handle(self, subject: str) -> bytes:
        """The user handle (16 bytes, section 14.6.1: it tells nothing about the person)."""
        return hmac.digest(self._key, b"handle\n" + subject.encode(), "sha256")[:16]

    def offer_registration(
        self, subject: str, *, login: str, name: str, known: Sequence[bytes] = ()
    ) -> PasskeyOffer:
        """Options to make a passkey for *subject*; *known* are the credential ids that there are already."""
        ticket = self._tickets.issue_ticket("passkey-new", subject, now=self._now(), lasting=OFFER_LASTS)
        options: dict[str, Any] = {
            "challenge": bytes_to_base64url(challenge_of(ticket)),
            "rp": {"id": self._site.rp_id, "name": self._site.name},
            "user": {"id": bytes_to_base64url(self.user_handle(subject)), "name": login, "displayName": name},
            "pubKeyCredParams": [{"type": "public-key", "alg": int(each)} for each in ALGORITHMS],
            "authenticatorSelection": {
                "residentKey": "required" if self._site.discoverable else "discouraged",
                "requireResidentKey": self._site.discoverable,
                "userVerification": "required",
            },
            "excludeCredentials": [{"type": "public-key", "id": bytes_to_base64url(each)} for each in known],
            "attestation": "none",
            "timeout": TIMEOUT_MS,
        }
        return PasskeyOffer(ticket, json.dumps(options))

    def verify_registration(self, subject: str, ticket: str, posted: str) -> NewPasskey:
        """The authenticator that answered :meth:`offer_registration`. The caller spends its ticket.

        Raises :class:`StateRefused` for an old page and :class:`PreconditionRefused` for an answer that does not
        verify (section 7.1): other challenge, site or origin, nobody verified, a kind of key that is not taken.
        """
        read = self._tickets.read_ticket("passkey-new", ticket, now=self._now())
        if read.content != subject:  # whose page it is has proved who they are, not this person
            raise stale_page()
        try:
            verified = verify_registration_response(
                credential=posted[:LONGEST_ANSWER],
                expected_challenge=read.digest,
                expected_rp_id=self._site.rp_id,
                expected_origin=self._site.origin,
                require_user_verification=True,
                supported_pub_key_algs=ALGORITHMS,
            )
        except ANSWER_ERRORS as error:
            raise _not_made() from error
        return NewPasskey(verified.credential_id, verified.credential_public_key, verified.sign_count, read)

    def offer_sign_in(self, known: Sequence[bytes] = ()) -> PasskeyOffer:
        """Options to sign in with one of the *known* passkeys (credential ids). Without any: with whatever passkey
        of this appliance the device has, which names the account itself."""
        ticket = self._tickets.issue_ticket("passkey-in", "", now=self._now(), lasting=OFFER_LASTS)
        return PasskeyOffer(ticket, request_options(challenge_of(ticket), known, self._site.rp_id))

    def verify_assertion(self, passkey: Passkey, ticket: str, posted: str) -> tuple[Ticket, int]:
        """The ticket to spend and the authenticator's new counter, when the answer is by *passkey* (section 7.2).

        Raises :class:`StateRefused` for an old page, :class:`SignInRefused` for an answer that does not verify.
        """
        read = self._tickets.read_ticket("passkey-in", ticket, now=self._now())
        try:
            return read, verified_count(
                self._site, read.digest, posted, passkey.public_key, count=passkey.sign_count
            )
        except ANSWER_ERRORS as error:
            raise unknown_passkey() from error


def verified_count(site: RelyingParty, challenge: bytes, posted: str, public_key: bytes, *, count: int) -> int:
    """The authenticator's new counter, when the answer that was *posted* to *challenge* is by the passkey with
    this *public_key*, whose counter was *count* before. Raises one of :data:`ANSWER_ERRORS` otherwise."""
    return verify_authentication_response(
        credential=posted[:LONGEST_ANSWER],
        expected_challenge=challenge,
        expected_rp_id=site.rp_id,
        expected_origin=site.origin,
        credential_public_key=public_key,
        credential_current_sign_count=count,
        require_user_verification=True,
    ).new_sign_count


def request_options(challenge: bytes, credential_ids: Sequence[bytes], rp_id: str) -> str:
    """What ``navigator.credentials.get`` wants, as JSON. *credential_ids* empty: any passkey of this site."""
    options = {
        "challenge": bytes_to_base64url(challenge),
        "rpId": rp_id,
        "timeout": TIMEOUT_MS,
        "userVerification": "required",
        "allowCredentials": [{"type": "public-key", "id": bytes_to_base64url(each)} for each in credential_ids],
    }
    return json.dumps(options)


def claimed_by_answer(posted: str) -> tuple[bytes, bytes]:
    """Credential id and user handle that an answer claims. Raises :class:`SignInRefused` for what is no answer."""
    try:
        answer = json.loads(posted[:LONGEST_ANSWER])
        handle = answer["response"].get("userHandle") or ""
        return base64url_to_bytes(answer["rawId"]), base64url_to_bytes(handle)
    except ANSWER_ERRORS as error:
        raise unknown_passkey() from error


def unknown_passkey() -> SignInRefused:
    """What every failed sign-in by passkey says."""
    return SignInRefused("This passkey does not open an account here; choose another one, or use your password.")


def _not_made() -> PreconditionRefused:
    return PreconditionRefused("The passkey could not be registered; load the page again and repeat it.")


def good_label(label: str) -> str:
    """How a passkey is called, trimmed. Raises :class:`PreconditionRefused` for nothing, too much, or controls."""
    shown = unicodedata.normalize("NFC", label).strip()
    if not 1 <= len(shown) <= LONGEST_LABEL or not shown.isprintable():
        raise PreconditionRefused("A passkey's name has 1 to {most} characters.", most=LONGEST_LABEL)
    return shown

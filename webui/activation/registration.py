"""``/register/TICKET``: setting up what somebody signs with, and the passkey of an officer who comes by a code.

What is made here waits at the authority. Its owner reads its fingerprint to an officer, who types it where the
enrolment is activated: so no row in any database can put another key in its place.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from typing import Any, Final
from urllib.parse import urlencode

from flask import Flask, Response, make_response, redirect, render_template, request
from webauthn.helpers import bytes_to_base64url

from appliance.accounts import passwords
from appliance.accounts.codes import CodeDraft, LoginCodes
from appliance.accounts.passkeys import ALGORITHMS, TIMEOUT_MS
from appliance.activation_requests import (
    RegistrationPurpose,
    RegistrationRequest,
    digest_of,
    kept_reference,
    new_receipt,
    was_led_by,
)
from appliance.errors import PreconditionRefused, StateRefused
from hsm.errors import RefusalError, UnknownKey
from hsm.operation_types import BegunRegistration, PendingCredential
from hsm.vouching import DIGITS
from webui.activation.parts import ActivationParts, speak_to_reader
from webui.activation.posted import posted_challenge, posted_code, posted_registration
from webui.shared import errors, passkeys
from webui.shared.form_pages import Answer
from webui.shared.forms import sentence
from webui.shared.room import PATIENCE, Checks, place_in, share_of

BY_CODE: Final = frozenset({RegistrationPurpose.APPOINTMENT, RegistrationPurpose.RECOVERY})
"""What takes a code of a ceremony, with the passkey that it admits."""

LONGEST_SETUP_CODE = 80
LONGEST_VOUCHED_CODE = 40
LONGEST_SEALED = 1000

HASHED_AT_ONCE = 2
"""PINs; each hash takes 64 MB of this process. One of a page: who sends the form of theirs again and again makes
others wait for a turn, and keeps nobody from having one."""


class RegistrationPages:
    """The views, all of one registration."""

    def __init__(self, parts: ActivationParts) -> None:
        self._parts = parts
        self._hashing = threading.BoundedSemaphore(HASHED_AT_ONCE)
        self._waiting = Checks(share_of(parts.settings.activation.threads), of_each=1)
        self._codes = LoginCodes(parts.authority, parts.settings.organisation.name, use="enrolment")

    def install(self, app: Flask) -> None:
        """Their addresses."""
        app.add_url_rule("/register/<ticket>", "registration", self.page)
        app.add_url_rule("/register/<ticket>", "register", self.register, methods=["POST"])

    def page(self, ticket: str) -> Answer:
        """The form, with a challenge of its own."""
        return self._shown(ticket, self._loaded(ticket))

    def register(self, ticket: str) -> Answer:
        """Hands what was made to the authority; its fingerprint, or the way back to the portal for an officer."""
        asked = self._loaded(ticket)
        if request.form.get("seen", "") != digest_of(asked):
            raise StateRefused("This page is too old; open it again in the portal.")
        receipt = new_receipt()
        try:
            if asked.purpose in BY_CODE:
                self._take_officer(asked, receipt)
                return redirect(self._back(asked, receipt), 303)
            if asked.purpose is RegistrationPurpose.VOUCHED:
                self._take_vouched(asked, receipt)
                return redirect(self._back(asked, receipt), 303)
            made = self._registered(ticket, asked, receipt)
        except RefusalError as refusal:
            return self._shown(ticket, asked, sentence(refusal), errors.status_of(refusal))
        page = render_template("registered.html", asked=asked, made=made, back=self._back(asked, receipt))
        return make_response(page)

    def _back(self, asked: RegistrationRequest, receipt: str) -> str:
        """The way back of whoever has made a passkey, with the receipt where the portal wants one."""
        address = self._parts.portal(asked.back)
        return f"{address}?{urlencode({'receipt': receipt})}" if asked.reference else address

    def _take_officer(self, asked: RegistrationRequest, receipt: str) -> None:
        code = request.form.get("setup_code", "")[:LONGEST_SETUP_CODE]
        if not code.strip():
            raise PreconditionRefused("Enter the code of the key ceremony.")
        made, authority = posted_registration(), self._parts.authority
        if asked.purpose is RegistrationPurpose.RECOVERY:
            authority.restore_officer(code, asked.subject, made, _kept(asked, receipt))
        else:
            kept = _kept(asked, receipt)
            authority.appoint_officer(code, asked.subject, asked.name, asked.organisation, made, kept)

    def _take_vouched(self, asked: RegistrationRequest, receipt: str) -> None:
        code = request.form.get("vouched_code", "")[:LONGEST_VOUCHED_CODE]
        if sum(map(str.isdigit, code)) != DIGITS:  # no try is lost by a slip
            raise PreconditionRefused("The code has {digits} digits; look again.", digits=DIGITS)
        self._parts.authority.register_vouched(asked.subject, code, posted_registration(), _kept(asked, receipt))

    def _registered(self, ticket: str, asked: RegistrationRequest, receipt: str) -> PendingCredential:
        authority, subject = self._parts.authority, asked.subject
        if asked.purpose is RegistrationPurpose.ACCOUNT:
            return authority.register_passkey(subject, posted_registration(), _kept(asked, receipt))
        if "pin" in request.form:
            pin = request.form["pin"].strip()
            passwords.require_good_pin(pin)
            if pin != request.form.get("pin_again", "").strip():
                raise PreconditionRefused("The two PINs are not the same.")
            sealed, code = bytes.fromhex(self._draft(asked).sealed), posted_code()
            with self._waiting.of(ticket.encode()), place_in(self._hashing, patience=PATIENCE):
                hashed = passwords.hash_pin(pin)
            return authority.register_pin(subject, hashed, sealed, code)
        if "known" not in request.form:
            return authority.register_passkey(subject, posted_registration())
        assertion = passkeys.activation(subject, request.form.get(passkeys.FIELD, ""))
        key = next((each.public_key for each in asked.known if each.credential_id == assertion.credential_id), b"")
        return authority.register_known_passkey(subject, posted_challenge(), key, assertion)

    def _draft(self, asked: RegistrationRequest) -> CodeDraft:
        """The secret to scan: the same again when its form has come back."""
        sealed = request.form.get("sealed", "")[:LONGEST_SEALED]
        try:
            return self._codes.draft_secret(asked.subject, asked.login, sealed=sealed)
        except PreconditionRefused:  # too old: another one, which is to be scanned again
            return self._codes.draft_secret(asked.subject, asked.login)

    def _loaded(self, ticket: str) -> RegistrationRequest:
        asked = self._parts.requests.load(RegistrationRequest, ticket)
        speak_to_reader(self._parts.settings, asked.language, asked.zone)
        # Another passkey would take the place of this one on the device, and would sign nobody in.
        if asked.purpose is RegistrationPurpose.ACCOUNT and self._is_made(asked):
            raise StateRefused(
                "A passkey was made by this link already. If it is yours, sign in to the portal with it; "
                "else tell an officer."
            )
        if asked.purpose is RegistrationPurpose.VOUCHED and self._parts.authority.credentials(asked.subject):
            raise StateRefused(
                "A passkey was made by this invitation already. If it is yours, sign in to the portal with it;"
                " else tell whoever invited you."
            )
        return asked

    def _vouched_by(self, asked: RegistrationRequest) -> str:
        """Who has vouched for whoever registers, as enrolled; empty for other registrations."""
        if asked.purpose is not RegistrationPurpose.VOUCHED:
            return ""
        authority = self._parts.authority
        try:
            by = authority.known_subject(authority.vouching(asked.subject).vouched_by)
        except UnknownKey as error:
            raise StateRefused(
                "Whoever invited you has not vouched for you yet; ask them, then open the link again."
            ) from error
        return f"{by.name} · {by.organisation}"

    def _is_made(self, asked: RegistrationRequest) -> bool:
        authority, subject = self._parts.authority, asked.subject
        references = [each.reference for each in authority.pending_credentials(subject)]
        references += [each.reference for each in authority.credentials(subject)]
        return any(was_led_by(each, asked.reference) for each in references)

    def _shown(self, ticket: str, asked: RegistrationRequest, problem: str = "", status: int = 200) -> Response:
        begun = self._parts.authority.begin_registration(asked.subject, _form_of(ticket))
        known = [each.credential_id for each in asked.known] if not begun.attestation else []
        page = render_template(
            "register.html",
            ticket=ticket,
            asked=asked,
            seen=digest_of(asked),
            vouched_by=self._vouched_by(asked),
            challenge=begun.challenge.hex(),
            options=json.dumps(self._options(asked, begun)),
            known=passkeys.request_options(begun.challenge, known, self._parts.settings.web.relying_party)
            if known
            else "",
            draft=self._draft(asked) if begun.pin and asked.purpose is RegistrationPurpose.SIGNING else None,
            problem=problem,
            back=self._parts.portal(asked.back),
        )
        return make_response(page, status)

    def _options(self, asked: RegistrationRequest, begun: BegunRegistration) -> dict[str, Any]:
        """What ``navigator.credentials.create`` wants (WebAuthn Level 3, section 5.4)."""
        settings = self._parts.settings
        return {
            "challenge": bytes_to_base64url(begun.challenge),
            "rp": {"id": settings.web.relying_party, "name": settings.organisation.name},
            "user": {"id": bytes_to_base64url(asked.handle), "name": asked.login, "displayName": asked.name},
            "pubKeyCredParams": [{"type": "public-key", "alg": int(each)} for each in ALGORITHMS],
            "authenticatorSelection": {
                "residentKey": "required",
                "requireResidentKey": True,
                "userVerification": "required",
            },
            "excludeCredentials": [
                {"type": "public-key", "id": bytes_to_base64url(each.credential_id)} for each in asked.known
            ],
            "attestation": "direct" if begun.attestation else "none",
            "timeout": TIMEOUT_MS,
        }


def _form_of(ticket: str) -> str:
    """What the authority tells one page from another by: whoever has the address of one, such as anybody who knows
    the login of an officer who is given a new passkey, keeps nobody else's from being answered."""
    return hashlib.sha256(ticket.encode()).hexdigest()


def _kept(asked: RegistrationRequest, receipt: str) -> str:
    return kept_reference(asked.reference, receipt, at=time.time())

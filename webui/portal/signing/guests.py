"""``/guest/…``: how somebody from outside sets up something to sign with, waits for the officer, and chooses
language and zone.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from appliance.accounts.codes import CodeDraft
from appliance.errors import ApplianceError, NotAllowed, PreconditionRefused
from appliance.language import Language
from appliance.model.office import (
    EnrolmentRequest,
    EnrolmentRequestState,
    ProposedCredential,
    ProposedPasskey,
)
from appliance.model.people import Person
from webui.portal.access import PortalVisitor, visitor
from webui.portal.accounts.settings import zones
from webui.portal.pages import name_of
from webui.portal.parts import PortalParts
from webui.portal.signing.activations import means_of
from webui.shared.errors import status_of
from webui.shared.language import NAMES, current_language, translate

_LOOK_AGAIN = "20"
"""Seconds between two looks at a request that an officer has to decide."""


@dataclass(frozen=True, slots=True)
class GuestVisitor:
    """A guest who is in: who, and to which contract and party."""

    visitor: PortalVisitor
    contract: str
    party: str

    @property
    def subject(self) -> str:
        """The guest's subject."""
        return self.visitor.subject


def add_guest_credential_pages(pages: Blueprint, parts: PortalParts) -> None:
    """The credentials, and the waiting."""

    @pages.get("/guest/credentials")
    def guest_credentials() -> BaseResponse:
        guest = guest_visitor()
        if _open_request(parts, guest.subject) is not None:
            return redirect(url_for("signing.guest_waiting"), 303)
        if means_of(guest.subject).any and "more" not in request.args:
            return redirect(url_for("signing.sign", contract_id=guest.contract), 303)
        return _set_up(parts, guest)

    @pages.post("/guest/credentials")
    def propose_credentials() -> BaseResponse:
        guest = guest_visitor()
        try:
            proposed = _proposed(parts, guest.subject)
            parts.appliance.office.requests.submit_request(guest.subject, [proposed], by=guest.subject)
        except ApplianceError as refusal:
            if _open_request(parts, guest.subject) is None:
                return _set_up(parts, guest, refusal)
        return redirect(url_for("signing.guest_waiting"), 303)

    @pages.get("/guest/waiting")
    def guest_waiting() -> BaseResponse:
        guest = guest_visitor()
        waiting = _open_request(parts, guest.subject)
        if waiting is None:
            enrolled = means_of(guest.subject).any
            page = url_for("signing.sign", contract_id=guest.contract) if enrolled else None
            return redirect(page or url_for("signing.guest_credentials"), 303)
        return _waiting(parts, guest, waiting)


def guest_visitor() -> GuestVisitor:
    """The guest. Raises :class:`SignedOut`, or :class:`NotAllowed` for people with accounts."""
    someone = visitor()
    if someone.guest_of is None:
        raise NotAllowed("This page is for outside signers; you set up what you sign with in your settings.")
    return GuestVisitor(someone, *someone.guest_of)


def _open_request(parts: PortalParts, subject: str) -> EnrolmentRequest | None:
    found = parts.appliance.office.requests.requests_of(subject)
    return next((each for each in found if each.state is EnrolmentRequestState.OPEN), None)


def _proposed(parts: PortalParts, subject: str) -> ProposedCredential:
    """What the form proposes. Raises :class:`PreconditionRefused` or :class:`StateRefused`."""
    if "ticket" in request.form:
        passkeys = parts.appliance.accounts.passkeys
        made = passkeys.verify_registration(subject, request.form["ticket"], request.form.get("credential", ""))
        return ProposedPasskey(made.credential_id, made.public_key, passkeys.rp_id)
    pin, again = request.form.get("pin", "").strip(), request.form.get("again", "").strip()
    if pin != again:
        raise PreconditionRefused("The two PINs are not the same.")
    return parts.appliance.office.requests.pin_totp(
        subject, sealed=request.form.get("sealed", ""), pin=pin, code=request.form.get("code", "")
    )


def _set_up(parts: PortalParts, guest: GuestVisitor, refusal: ApplianceError | None = None) -> BaseResponse:
    person = parts.appliance.registry.person(guest.subject)
    offer = parts.appliance.accounts.passkeys.offer_registration(
        guest.subject, login=person.email, name=person.name
    )
    refused = [
        each
        for each in parts.appliance.office.requests.requests_of(guest.subject)
        if each.state is EnrolmentRequestState.REFUSED
    ]
    page = render_template(
        "signing/guest_credentials.html",
        person=person,
        contract=parts.appliance.contracts.get(guest.contract),
        offer=offer,
        draft=_draft(parts, person),
        problem="" if refusal is None else translate()(refusal.template, **refusal.values),
        by_pin="sealed" in request.form,
        refused=refused[0] if refused else None,
    )
    status = 200 if refusal is None else (status_of(refusal) if status_of(refusal) >= 500 else 422)
    return make_response(page, status)


def _draft(parts: PortalParts, person: Person) -> CodeDraft:
    """A secret to scan: the same one again when its form came back with a mistake in it."""
    requests, issuer = parts.appliance.office.requests, parts.appliance.settings.organisation.name
    sealed = request.form.get("sealed", "")
    if sealed:
        try:
            return requests.reopened_totp(person.subject, sealed=sealed, issuer=issuer, account=person.email)
        except ApplianceError:  # the form is too old: begin with a new one, the refusal is shown already
            pass
    return requests.draft_totp(person.subject, issuer=issuer, account=person.email)


def _waiting(parts: PortalParts, guest: GuestVisitor, waiting: EnrolmentRequest) -> BaseResponse:
    contract = parts.appliance.contracts.get(guest.contract)
    invitation = parts.appliance.guests.of_person(guest.subject)
    page = render_template(
        "signing/guest_waiting.html",
        contract=contract,
        waiting=waiting,
        inviter=name_of(invitation.invited_by),
        email=parts.appliance.registry.person(guest.subject).email,
    )
    response = make_response(page)
    response.headers["Refresh"] = _LOOK_AGAIN
    return response


def add_guest_settings_pages(pages: Blueprint, parts: PortalParts) -> None:
    """The form, and its target."""

    def form(problems: dict[str, str]) -> BaseResponse:
        guest = guest_visitor()
        person = parts.appliance.registry.person(guest.subject)
        zone = request.form.get("zone", person.zone)
        page = render_template(
            "signing/guest_settings.html",
            person=person,
            contract=guest.contract,
            languages=NAMES,
            zones=zones(zone),
            typed={"language": request.form.get("language", person.language), "zone": zone},
            problems=problems,
        )
        return make_response(page, 422 if problems else 200)

    @pages.get("/guest/settings")
    def guest_settings() -> BaseResponse:
        return form({})

    @pages.post("/guest/settings")
    def save_guest_settings() -> BaseResponse:
        guest, chosen = guest_visitor(), request.form.get("language", "")
        wanted = Language(chosen) if chosen in tuple(Language) else current_language()
        try:
            parts.appliance.accounts.own.prefer(guest.subject, wanted, zone=request.form.get("zone", "")[:60])
        except PreconditionRefused as refusal:
            return form({"zone": translate()(refusal.template, **refusal.values)})
        return redirect(url_for("signing.sign", contract_id=guest.contract), 303)

"""``/guest/…``: how somebody from outside sets up something to sign with, waits for the officer, and chooses
language and zone.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import request

from appliance.accounts.codes import CodeDraft
from appliance.errors import ApplianceError, NotAllowed, NotFound, PreconditionRefused
from appliance.language import Language
from appliance.model.office import (
    EnrolmentRequest,
    EnrolmentRequestState,
    ProposedCredential,
    ProposedPasskey,
)
from appliance.model.people import Person
from hsm.errors import RefusalError
from webui.portal.access import view_contract, visitor
from webui.portal.accounts.settings import zones
from webui.portal.pages import Answer, appliance, form, name_of, render, see_other, unprocessable
from webui.portal.signing.activations import means_of
from webui.portal.signing.sheet import pages
from webui.shared.errors import status_of
from webui.shared.forms import member_of
from webui.shared.language import NAMES, current_language

_LOOK_AGAIN = "20"
"""Seconds between two looks at a request that an officer has to decide."""


@dataclass(frozen=True, slots=True)
class GuestVisitor:
    """A guest who is in: who, and to which contract."""

    subject: str
    contract: str


def guest_visitor() -> GuestVisitor:
    """The guest. Raises :class:`SignedOut`, or :class:`NotAllowed` for people with accounts."""
    someone = visitor()
    if someone.guest_of is None:
        raise NotAllowed("This page is for outside signers; you set up what you sign with in your settings.")
    return GuestVisitor(someone.subject, someone.guest_of[0])


@pages.get("/guest/credentials")
def guest_credentials() -> Answer:
    guest = guest_visitor()
    waits = _open_request(guest.subject) is not None
    if not waits and means_of(guest.subject).any and "more" not in request.args:
        return see_other("signing.sign", contract_id=guest.contract)
    return _set_up()


def _set_up() -> Answer:
    """The form; who has asked already waits for the answer."""
    guest, requests = guest_visitor(), appliance.office.requests
    if _open_request(guest.subject) is not None:
        return see_other("signing.guest_waiting")
    person, passkeys = appliance.registry.person(guest.subject), appliance.accounts.passkeys
    asked = requests.requests_of(guest.subject)
    return render(
        "signing/guest_credentials.html",
        person=person,
        contract=view_contract(guest.contract).contract,
        offer=passkeys.offer_registration(guest.subject, login=person.email, name=person.name),
        draft=_draft(person),
        by_pin="sealed" in request.form,
        refused=next((each for each in asked if each.state is EnrolmentRequestState.REFUSED), None),
    )


def _status(refusal: RefusalError) -> int:
    return status_of(refusal) if status_of(refusal) >= 500 else 422


@pages.post("/guest/credentials")
@form(_set_up, guest_visitor, refusals=(ApplianceError, NotFound), status=_status)
def propose_credentials(guest: GuestVisitor) -> Answer:
    proposed = _proposed(guest.subject)
    appliance.office.requests.submit_request(guest.subject, [proposed], by=guest.subject)
    return see_other("signing.guest_waiting")


@pages.get("/guest/waiting")
def guest_waiting() -> Answer:
    guest = guest_visitor()
    waiting = _open_request(guest.subject)
    if waiting is None:
        if means_of(guest.subject).any:
            return see_other("signing.sign", contract_id=guest.contract)
        return see_other("signing.guest_credentials")
    response = render(
        "signing/guest_waiting.html",
        contract=view_contract(guest.contract).contract,
        waiting=waiting,
        inviter=name_of(appliance.guests.of_person(guest.subject).invited_by),
        email=appliance.registry.person(guest.subject).email,
    )
    response.headers["Refresh"] = _LOOK_AGAIN
    return response


def _open_request(subject: str) -> EnrolmentRequest | None:
    found = appliance.office.requests.requests_of(subject)
    return next((each for each in found if each.state is EnrolmentRequestState.OPEN), None)


def _proposed(subject: str) -> ProposedCredential:
    """What the form proposes. Raises :class:`PreconditionRefused` or :class:`StateRefused`."""
    if "ticket" in request.form:
        passkeys = appliance.accounts.passkeys
        made = passkeys.verify_registration(subject, request.form["ticket"], request.form.get("credential", ""))
        return ProposedPasskey(made.credential_id, made.public_key, passkeys.rp_id)
    pin, again = request.form.get("pin", "").strip(), request.form.get("again", "").strip()
    if pin != again:
        raise PreconditionRefused("The two PINs are not the same.")
    return appliance.office.requests.pin_totp(
        subject, sealed=request.form.get("sealed", ""), pin=pin, code=request.form.get("code", "")
    )


def _draft(person: Person) -> CodeDraft:
    """A secret to scan: the same one again when its form came back with a mistake in it."""
    requests, issuer = appliance.office.requests, appliance.settings.organisation.name
    sealed = request.form.get("sealed", "")
    if sealed:
        try:
            return requests.reopened_totp(person.subject, sealed=sealed, issuer=issuer, account=person.email)
        except ApplianceError:  # the form is too old: begin with a new one, the refusal is shown already
            pass
    return requests.draft_totp(person.subject, issuer=issuer, account=person.email)


@pages.get("/guest/settings")
def guest_settings() -> Answer:
    guest = guest_visitor()
    person = appliance.registry.person(guest.subject)
    zone = request.form.get("zone", person.zone)
    return render(
        "signing/guest_settings.html",
        person=person,
        contract=guest.contract,
        languages=NAMES,
        zones=zones(zone),
        typed={"language": request.form.get("language", person.language), "zone": zone},
    )


@pages.post("/guest/settings")
@form(guest_settings, guest_visitor, "zone", refusals=(PreconditionRefused,), status=unprocessable)
def save_guest_settings(guest: GuestVisitor) -> Answer:
    wanted = member_of(Language, request.form.get("language", "")) or current_language()
    appliance.accounts.own.prefer(guest.subject, wanted, zone=request.form.get("zone", "")[:60])
    return see_other("signing.sign", contract_id=guest.contract)

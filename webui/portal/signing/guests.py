"""``/guest/…``: how somebody from outside comes in, by link and code or passkey, or gets another link; sets up
something to sign with, waits for the officer, and chooses language and zone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from flask import request, url_for
from werkzeug.wrappers import Response as BaseResponse

from appliance.errors import (
    ApplianceError,
    NotAllowed,
    PreconditionRefused,
    SignInRefused,
    StateRefused,
    TooManyAttempts,
)
from appliance.language import Language
from appliance.model.accounts import GuestAccess, GuestAccessMethod, GuestAdmission
from appliance.model.contract import Contract, ContractState, Party, PartyState
from appliance.model.office import EnrolmentRequest, EnrolmentRequestState
from appliance.model.people import Person
from appliance.signing_methods import SigningMethod
from webui.portal.access import start_session, view_contract, visitor, visitor_or_none
from webui.portal.accounts.settings import zones
from webui.portal.activations import brought_receipt, means_of, to_registration, to_vouched_registration
from webui.portal.pages import appliance, name_of
from webui.portal.signing.page import why_ended
from webui.portal.signing.sheet import pages
from webui.shared import passkeys
from webui.shared.form_pages import Answer, FormProblems, form, render, see_other, unprocessable
from webui.shared.forms import member_of, sentence
from webui.shared.language import NAMES, current_language, speak_to
from webui.shared.session_cookies import client_info

_TOKEN = re.compile(r"[A-Za-z0-9_-]{20,120}")
_REFUSALS = (PreconditionRefused, StateRefused, SignInRefused, TooManyAttempts)


def _read(token: str) -> str:
    """A token that could be one; what cannot is refused like an unknown one."""
    return token if _TOKEN.fullmatch(token) else ""


@pages.get("/guest/<token>")
def guest_entry(token: str) -> Answer:
    entry, someone = appliance.entering.entry(_read(token)), visitor_or_none()
    if someone is not None and someone.guest_of == (entry.contract.id, entry.invitation.party):
        return _redirect_onward(entry.contract, entry.invitation.party)
    if request.method == "GET":
        appliance.entering.arrived(entry)
    return _page(token, entry)


def _page_again(token: str) -> Answer:
    return _page(token, appliance.entering.entry(_read(token)))


@contextmanager
def _refused_at(place: str, token: str) -> Iterator[None]:
    """What is refused comes back on the link's page, in the guest's language; *place* is ``code``, ``passkey``,
    ``text`` or ``link``."""
    try:
        yield
    except _REFUSALS as refusal:
        _speak_to_guest(appliance.entering.entry(token).invitation.person)
        raise FormProblems({place: sentence(refusal)}) from refusal


@pages.post("/guest/<token>")
@form(_page_again, _read, refusals=())
def guest_enter(known: str, token: str) -> Answer:
    entry = appliance.entering.entry(known)
    if _is_vouched(entry) and entry.method is GuestAccessMethod.CODE:
        guest = _speak_to_guest(entry.invitation.person)
        return to_vouched_registration(guest, url_for("signing.guest_vouched", token=token))
    with _refused_at("code", known):
        return _let_in(appliance.entering.admit(known, request.form.get("code", "")[:40], client_info()))


@pages.get("/guest/<token>/vouched")
def guest_vouched(token: str) -> Answer:
    """Back from the activation service: lets in who has just made the passkey there."""
    known, receipt = _read(token), brought_receipt()
    admission = appliance.entering.admit_by_receipt(known, receipt, client_info()) if receipt else None
    if admission is None:
        return see_other("signing.guest_entry", token=token)
    return _let_in(admission)


def _method(entry: GuestAccess) -> SigningMethod | None:
    party = entry.contract.party(entry.invitation.party)
    return None if party is None else party.method


def _is_vouched(entry: GuestAccess) -> bool:
    return _method(entry) is SigningMethod.VOUCHED


@pages.post("/guest/<token>/passkey")
@form(_page_again, _read, refusals=())
def guest_passkey(known: str, token: str) -> Answer:
    ticket = request.form.get("ticket", "")[:4000]
    posted = request.form.get(passkeys.FIELD, "")[: passkeys.LONGEST_ANSWER]
    with _refused_at("passkey", known):
        return _let_in(appliance.entering.admit_by_passkey(known, ticket, posted, client_info()))


@pages.post("/guest/<token>/another")
@form(_page_again, _read, refusals=())
def another_guest_link(known: str, token: str) -> Answer:
    with _refused_at("link", known):
        invitation = appliance.entering.send_another(known)
    guest = _speak_to_guest(invitation.person)
    return render("signing/guest_sent.html", address=_masked(guest.email))


@pages.post("/guest/<token>/text")
@form(_page_again, _read, refusals=())
def text_guest_code(known: str, token: str) -> Answer:
    with _refused_at("text", known):
        appliance.entering.text_code(known)
    return see_other("signing.guest_entry", token=token)


@pages.post("/guest/<token>/ask")
@form(_page_again, _read, refusals=())
def ask_for_guest_code(known: str, token: str) -> Answer:
    with _refused_at("link", known):
        invitation = appliance.entering.ask_for_code(known)
    _speak_to_guest(invitation.person)
    return render("signing/guest_asked.html", inviter=appliance.registry.person(invitation.invited_by))


def _let_in(admission: GuestAdmission) -> Answer:
    return start_session(_after_entry(admission.contract, admission.party), admission.session)


def _after_entry(contract: Contract, party_id: str) -> BaseResponse:
    """At once to setting up what to sign with, for a guest who is to sign and has asked for nothing yet; else as
    :func:`_redirect_onward`."""
    party = contract.party(party_id)
    if party is not None and party.method is SigningMethod.VOUCHED:
        appliance.vouchings.collect_of(party.subject)
        return _redirect_onward(contract, party_id)
    if party is None or not _is_to_sign(contract, party) or party.method is SigningMethod.OWN_CERTIFICATE:
        return _redirect_onward(contract, party_id)
    if means_of(party.responsible).any or appliance.office.requests.requests_of(party.responsible):
        return _redirect_onward(contract, party_id)
    return _to_setting_up(party.responsible)


def _to_setting_up(subject: str) -> BaseResponse:
    guest = _speak_to_guest(subject)
    return to_registration(guest, guest.email, url_for("signing.guest_registered"), account=False)


def _is_to_sign(contract: Contract, party: Party) -> bool:
    return contract.state is ContractState.SENT and party.state is PartyState.WAITING


def _redirect_onward(contract: Contract, party_id: str) -> BaseResponse:
    """To signing while the guest has not answered, else to the contract."""
    party = contract.party(party_id)
    signs = party is not None and _is_to_sign(contract, party)
    return see_other("signing.sign" if signs else "contracts.page", contract_id=contract.id)


def _page(token: str, entry: GuestAccess) -> Answer:
    """Who invites whom, and how to come in; of the contract it shows only the title and how it ended."""
    text = appliance.entering.code_text(entry)
    response = render(
        "signing/guest_entry.html",
        token=token,
        person=_speak_to_guest(entry.invitation.person),
        inviter=appliance.registry.person(entry.invitation.invited_by),
        contract=entry.contract,
        way=entry.method,
        ended=why_ended(entry.contract, appliance.now()),
        offer=appliance.entering.passkey_offer(entry) if entry.passkeys else None,
        vouched=_is_vouched(entry),
        own_certificate=_method(entry) is SigningMethod.OWN_CERTIFICATE,
        again=entry.method is GuestAccessMethod.ANOTHER_LINK,
        text=text,
    )
    if text is not None and text.under_way and not text.slow and request.method == "GET":
        response.headers["Refresh"] = _LOOK_FOR_TEXT
    return response


def _speak_to_guest(subject: str) -> Person:
    """Whose link it is, in whose language and zone the page is."""
    guest = appliance.registry.person(subject)
    speak_to(guest.language, guest.zone)
    return guest


def _masked(address: str) -> str:
    """An address that its owner knows again and that tells nobody else who it is: ``z…@gamma.example``."""
    name, _, domain = address.rpartition("@")
    return f"{name[:1]}…@{domain}"


_LOOK_FOR_TEXT = "3"
"""Seconds between two looks at a text message that is being sent."""

_LOOK_AGAIN = "20"
"""Seconds between two looks at a request that an officer has to decide."""


@dataclass(frozen=True, slots=True)
class GuestVisitor:
    """A signed-in guest, and the contract to which they are admitted."""

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
    if _signs_elsewhere(guest):
        return see_other("signing.sign", contract_id=guest.contract)
    appliance.office.requests.collect_of(guest.subject)
    waits = _open_request(guest.subject) is not None
    if not waits and means_of(guest.subject).any and "more" not in request.args:
        return see_other("signing.sign", contract_id=guest.contract)
    return _set_up()


def _signs_elsewhere(guest: GuestVisitor) -> bool:
    """Whether there is nothing to set up here."""
    party = view_contract(guest.contract).own_party()
    return party is not None and party.method is SigningMethod.OWN_CERTIFICATE


def _set_up() -> Answer:
    """The form; the waiting page for who has already asked."""
    guest, requests = guest_visitor(), appliance.office.requests
    if _open_request(guest.subject) is not None:
        return see_other("signing.guest_waiting")
    asked = requests.requests_of(guest.subject)
    return render(
        "signing/guest_credentials.html",
        contract=view_contract(guest.contract).contract,
        refused=next((each for each in asked if each.state is EnrolmentRequestState.REFUSED), None),
    )


@pages.post("/guest/credentials")
@form(_set_up, guest_visitor, refusals=())
def set_up_credentials(guest: GuestVisitor) -> Answer:
    """Leads to the activation service."""
    return _to_setting_up(guest.subject)


@pages.get("/guest/registered")
@form(_set_up, guest_visitor, refusals=(ApplianceError,))
def guest_registered(guest: GuestVisitor) -> Answer:
    """Back from the activation service: asks an officer for what was set up there, if anything was."""
    if not appliance.authority.pending_credentials(guest.subject):
        return see_other("signing.guest_credentials")
    appliance.office.requests.submit_request(guest.subject, by=guest.subject)
    return see_other("signing.guest_waiting")


@pages.get("/guest/waiting")
def guest_waiting() -> Answer:
    guest = guest_visitor()
    appliance.office.requests.collect_of(guest.subject)
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

"""``/guest/TOKEN``: how somebody from outside comes in, by link and code or passkey, or gets another link."""

from __future__ import annotations

import re

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from appliance.errors import ApplianceError, PreconditionRefused, SignInRefused, StateRefused, TooManyAttempts
from appliance.model.accounts import GuestAccess, GuestAccessMethod, GuestAdmission
from appliance.model.contract import Contract, ContractState, PartyState
from appliance.model.people import Person
from webui.portal.access import start_session, visitor_or_none
from webui.portal.parts import PortalParts
from webui.portal.signing.refusing import why_ended
from webui.shared import passkeys
from webui.shared.forms import sentence
from webui.shared.language import speak_to
from webui.shared.session_cookies import client_info

_TOKEN = re.compile(r"[A-Za-z0-9_-]{20,120}")
_REFUSALS = (PreconditionRefused, StateRefused, SignInRefused, TooManyAttempts)


def add_guest_entry_pages(pages: Blueprint, parts: PortalParts) -> None:
    """The page behind every link of a guest, and what is done on it."""
    entering = parts.appliance.entering

    @pages.get("/guest/<token>")
    def guest_entry(token: str) -> Response:
        entry = entering.entry(_read(token))
        if _in_already(entry):
            return redirect(_onwards(entry.contract, entry.invitation.party), 303)
        if request.method == "GET":
            entering.arrived(entry)
        return _page(parts, token, entry)

    @pages.post("/guest/<token>")
    def guest_enter(token: str) -> Response:
        given = request.form.get("code", "")[:40]
        try:
            admission = entering.admit(_read(token), given, client_info())
        except _REFUSALS as refusal:
            return _page(parts, token, entering.entry(_read(token)), code=refusal)
        return _let_in(parts, admission)

    @pages.post("/guest/<token>/passkey")
    def guest_passkey(token: str) -> Response:
        ticket = request.form.get("ticket", "")[:4000]
        posted = request.form.get(passkeys.FIELD, "")[: passkeys.LONGEST_ANSWER]
        try:
            admission = entering.admit_by_passkey(_read(token), ticket, posted, client_info())
        except _REFUSALS as refusal:
            return _page(parts, token, entering.entry(_read(token)), passkey=refusal)
        return _let_in(parts, admission)

    @pages.post("/guest/<token>/another")
    def another_guest_link(token: str) -> Response:
        try:
            invitation = entering.send_another(_read(token))
        except _REFUSALS as refusal:
            return _page(parts, token, entering.entry(_read(token)), link=refusal)
        guest = _spoken_to(parts, invitation.person)
        return make_response(render_template("signing/guest_sent.html", address=_masked(guest.email)), 200)

    @pages.post("/guest/<token>/ask")
    def ask_for_guest_code(token: str) -> Response:
        try:
            invitation = entering.ask_for_code(_read(token))
        except _REFUSALS as refusal:
            return _page(parts, token, entering.entry(_read(token)), link=refusal)
        _spoken_to(parts, invitation.person)
        inviter = parts.appliance.registry.person(invitation.invited_by)
        return make_response(render_template("signing/guest_asked.html", inviter=inviter), 200)


def _read(token: str) -> str:
    """A token that could be one; what cannot is refused like an unknown one."""
    return token if _TOKEN.fullmatch(token) else ""


def _in_already(entry: GuestAccess) -> bool:
    """Whether the visitor is signed in as the guest of this link."""
    someone = visitor_or_none()
    return someone is not None and someone.guest_of == (entry.contract.id, entry.invitation.party)


def _let_in(parts: PortalParts, admission: GuestAdmission) -> Response:
    contract = parts.appliance.contracts.get(admission.contract)
    return start_session(redirect(_onwards(contract, admission.party), 303), admission.session)


def _onwards(contract: Contract, party_id: str) -> str:
    """To signing while the guest has not answered, else to the contract."""
    party = contract.party(party_id)
    signs = contract.state is ContractState.SENT and party is not None and party.state is PartyState.WAITING
    return url_for("signing.sign" if signs else "contracts.page", contract_id=contract.id)


def _page(parts: PortalParts, token: str, entry: GuestAccess, **refusals: ApplianceError) -> Response:
    """Who invites whom, and the ways in; nothing of the contract but its name and how it ended is told before.

    *refusals*: what became of ``code``, ``passkey`` or ``link`` just now.
    """
    guest = _spoken_to(parts, entry.invitation.person)
    page = render_template(
        "signing/guest_entry.html",
        token=token,
        person=guest,
        inviter=parts.appliance.registry.person(entry.invitation.invited_by),
        contract=entry.contract,
        way=entry.method,
        ended=why_ended(entry.contract, parts.appliance.now()),
        offer=parts.appliance.entering.passkey_offer(entry) if entry.passkeys else None,
        problems={name: sentence(refusal) for name, refusal in refusals.items()},
        again=entry.method is GuestAccessMethod.ANOTHER_LINK,
    )
    return make_response(page, 422 if refusals else 200)


def _spoken_to(parts: PortalParts, subject: str) -> Person:
    """Whose link it is, in whose language and zone the page is."""
    guest = parts.appliance.registry.person(subject)
    speak_to(guest.language, guest.zone)
    return guest


def _masked(address: str) -> str:
    """An address that its owner knows again and that tells nobody else who it is: ``z…@gamma.example``."""
    name, _, domain = address.rpartition("@")
    return f"{name[:1]}…@{domain}"

"""``/guest/TOKEN``: how somebody from outside comes in, by link and code or passkey, or gets another link."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from flask import request
from werkzeug.wrappers import Response as BaseResponse

from appliance.errors import PreconditionRefused, SignInRefused, StateRefused, TooManyAttempts
from appliance.model.accounts import GuestAccess, GuestAccessMethod, GuestAdmission
from appliance.model.contract import Contract, ContractState, PartyState
from appliance.model.people import Person
from webui.portal.access import start_session, visitor_or_none
from webui.portal.pages import Answer, FormProblems, appliance, form, render, see_other
from webui.portal.signing.refusing import why_ended
from webui.portal.signing.sheet import pages
from webui.shared import passkeys
from webui.shared.forms import sentence
from webui.shared.language import speak_to
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
    """What is refused comes back on the link's page, in the guest's language; *place* is ``code``, ``passkey`` or
    ``link``."""
    try:
        yield
    except _REFUSALS as refusal:
        _speak_to_guest(appliance.entering.entry(token).invitation.person)
        raise FormProblems({place: sentence(refusal)}) from refusal


@pages.post("/guest/<token>")
@form(_page_again, _read, refusals=())
def guest_enter(known: str, token: str) -> Answer:
    with _refused_at("code", known):
        return _let_in(appliance.entering.admit(known, request.form.get("code", "")[:40], client_info()))


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


@pages.post("/guest/<token>/ask")
@form(_page_again, _read, refusals=())
def ask_for_guest_code(known: str, token: str) -> Answer:
    with _refused_at("link", known):
        invitation = appliance.entering.ask_for_code(known)
    _speak_to_guest(invitation.person)
    return render("signing/guest_asked.html", inviter=appliance.registry.person(invitation.invited_by))


def _let_in(admission: GuestAdmission) -> Answer:
    return start_session(_redirect_onward(admission.contract, admission.party), admission.session)


def _redirect_onward(contract: Contract, party_id: str) -> BaseResponse:
    """To signing while the guest has not answered, else to the contract."""
    party = contract.party(party_id)
    signs = contract.state is ContractState.SENT and party is not None and party.state is PartyState.WAITING
    return see_other("signing.sign" if signs else "contracts.page", contract_id=contract.id)


def _page(token: str, entry: GuestAccess) -> Answer:
    """Who invites whom, and the ways in; nothing of the contract but its name and how it ended is told before."""
    return render(
        "signing/guest_entry.html",
        token=token,
        person=_speak_to_guest(entry.invitation.person),
        inviter=appliance.registry.person(entry.invitation.invited_by),
        contract=entry.contract,
        way=entry.method,
        ended=why_ended(entry.contract, appliance.now()),
        offer=appliance.entering.passkey_offer(entry) if entry.passkeys else None,
        again=entry.method is GuestAccessMethod.ANOTHER_LINK,
    )


def _speak_to_guest(subject: str) -> Person:
    """Whose link it is, in whose language and zone the page is."""
    guest = appliance.registry.person(subject)
    speak_to(guest.language, guest.zone)
    return guest


def _masked(address: str) -> str:
    """An address that its owner knows again and that tells nobody else who it is: ``z…@gamma.example``."""
    name, _, domain = address.rpartition("@")
    return f"{name[:1]}…@{domain}"

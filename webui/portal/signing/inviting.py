"""``/contracts/ID/guests/PARTY``: the code and, without mail, the link that the initiator gives a guest; and the
correction of a guest's details after sending. ``/contracts/ID/vouch``: the initiator vouches for guests.
"""

from __future__ import annotations

from flask import request, url_for

from appliance.contracts.permissions import Permission
from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.model.contract import GuestDetails, Party
from appliance.signing_methods import SigningMethod
from webui.portal.access import ContractView, view_contract
from webui.portal.activations import means_of, to_activation
from webui.portal.drafting.parties import guest_problems
from webui.portal.pages import appliance
from webui.portal.signing.sheet import pages
from webui.shared.form_pages import Answer, FormProblems, form, render, see_other, status_in_workflow
from webui.shared.forms import sentence, whole_number

OF_GUEST = "/contracts/<contract_id>/guests/<party_id>"
REFUSALS = (PreconditionRefused, StateRefused)

LONGEST = 1000
"""Characters of a field that are read; the rules for names, addresses and numbers allow fewer."""


def guest_of(contract_id: str, party_id: str) -> tuple[ContractView, Party]:
    """The guest's party, for the initiator. Raises :class:`NotFound` for everybody else."""
    seen = view_contract(contract_id)
    party = seen.contract.party(party_id)
    if party is None or not party.guest or not seen.initiates:
        raise NotFound("There is no such guest of this contract.")
    return seen, party


@pages.get(OF_GUEST)
def guest_code(contract_id: str, party_id: str) -> Answer:
    return _code_page(*guest_of(contract_id, party_id))


@pages.post(f"{OF_GUEST}/show")
def show_guest_link(contract_id: str, party_id: str) -> Answer:
    seen, party = guest_of(contract_id, party_id)
    invitation = appliance.guests.show_link(contract_id, party_id, by=seen.who.subject)
    return _code_page(seen, party, appliance.addresses.invitation_url(invitation))


@pages.post(f"{OF_GUEST}/code")
def new_guest_code(contract_id: str, party_id: str) -> Answer:
    seen, party = guest_of(contract_id, party_id)
    if party.method is SigningMethod.VOUCHED:
        return see_other("signing.vouch", contract_id=contract_id, party=party_id)
    appliance.guests.new_code(contract_id, party_id, by=seen.who.subject)
    return see_other("signing.guest_code", contract_id=contract_id, party_id=party_id)


@pages.post(f"{OF_GUEST}/link")
def new_guest_link(contract_id: str, party_id: str) -> Answer:
    seen, _party = guest_of(contract_id, party_id)
    appliance.guests.invite_again(contract_id, party_id, by=seen.who.subject)
    return see_other("signing.guest_code", contract_id=contract_id, party_id=party_id)


def _code_page(seen: ContractView, party: Party, link: str = "") -> Answer:
    code, problem, vouched = "", "", party.method is SigningMethod.VOUCHED
    invitation = appliance.guests.of_party(party.id)
    try:
        code = appliance.guests.code(seen.contract.id, party.id, by=seen.who.subject)
    except REFUSALS as refusal:
        problem = sentence(refusal)
    return render(
        "signing/guest_code.html",
        contract=seen.contract,
        party=party,
        code="" if vouched else code,
        vouched=appliance.vouchings.of_person(party.subject) if vouched else None,
        by_vouching=vouched,
        link=link,
        problem=problem,
        mail_works=appliance.mail.works(),
        invitation=invitation,
        text=appliance.entering.code_text_for(seen.contract, invitation),
        person=appliance.registry.person(party.subject),
    )


@pages.get(f"{OF_GUEST}/correct")
def guest_correction(contract_id: str, party_id: str) -> Answer:
    seen, party = guest_of(contract_id, party_id)
    person = appliance.registry.person(party.subject)
    known = GuestDetails(person.name, "", person.email, party.phone or "")
    return render(
        "signing/guest_correct.html",
        contract=seen.contract,
        party=party,
        typed=_typed() if request.method == "POST" else known,
        anew=appliance.correcting.starts_anew(party.subject),
    )


@pages.post(f"{OF_GUEST}/correct")
@form(guest_correction, guest_of, refusals=REFUSALS, status=status_in_workflow)
def correct_guest(guest: tuple[ContractView, Party], contract_id: str, party_id: str) -> Answer:
    given, by = _typed(), guest[0].who.subject
    problems = guest_problems(given)
    if not given.phone:  # who told the code otherwise needs no number
        problems.pop("phone", None)
    if problems:
        raise FormProblems(problems)
    seen = whole_number(request.form.get("seen", ""), 15)
    appliance.correcting.correct(contract_id, party_id, given, by=by, seen=seen)
    return see_other("signing.guest_code", contract_id=contract_id, party_id=party_id)


def _typed() -> GuestDetails:
    name, email, phone = (request.form.get(each, "").strip()[:LONGEST] for each in ("name", "email", "phone"))
    return GuestDetails(name, "", email, phone)


_LONGEST = 60


@pages.get("/contracts/<contract_id>/vouch")
def vouch(contract_id: str) -> Answer:
    """To the activation service; with ``party`` for that one alone, whose code is replaced."""
    seen = view_contract(contract_id)
    by, party = seen.who.subject, request.args.get("party", "")[:_LONGEST] or None
    if not seen.initiates:
        raise NotFound("There is nobody here for whom you could vouch.")
    if party is None and not appliance.vouchings.lacking(seen.contract):
        return _onward(contract_id)
    if not means_of(by).passkeys:
        return render("signing/no_means.html")
    intent = appliance.vouchings.open(contract_id, by=by, party_id=party)
    return to_activation(by, intent, url_for("signing.vouched", contract_id=contract_id))


@pages.get("/contracts/<contract_id>/vouched")
def vouched(contract_id: str) -> Answer:
    """Back from there: to the own signature, or to the contract."""
    view_contract(contract_id)
    appliance.vouchings.collect(contract_id)
    return _onward(contract_id)


def _onward(contract_id: str) -> Answer:
    seen = view_contract(contract_id)
    signs = seen.may(Permission.SIGN) and seen.own_party() in seen.contract.on_turn
    return see_other("signing.sign" if signs else "contracts.page", contract_id=contract_id)

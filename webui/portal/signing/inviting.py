"""``/contracts/ID/guests/PARTY``: the code and, without mail, the link that the initiator gives a guest; and the
correction of a guest's details after sending.
"""

from __future__ import annotations

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.model.contract import GuestDetails, Party
from webui.portal.access import ContractView, view_contract
from webui.portal.drafting.parties import guest_problems
from webui.portal.office.forms import unprintable_names
from webui.portal.parts import PortalParts
from webui.shared.language import translate


def add_invitation_pages(pages: Blueprint, parts: PortalParts) -> None:
    """The page and its acts; for the initiator alone."""
    guests = parts.appliance.guests

    def page(seen: ContractView, party: Party, link: str = "") -> str:
        code, problem = "", ""
        try:
            code = guests.code(seen.contract.id, party.id, by=seen.who.subject)
        except (PreconditionRefused, StateRefused) as refusal:
            problem = translate()(refusal.template, **refusal.values)
        return render_template(
            "signing/guest_code.html",
            contract=seen.contract,
            party=party,
            code=code,
            link=link,
            problem=problem,
            mail_works=parts.appliance.mail.works(),
            invitation=guests.of_party(party.id),
            person=parts.appliance.registry.person(party.subject),
        )

    @pages.get("/contracts/<contract_id>/guests/<party_id>")
    def guest_code(contract_id: str, party_id: str) -> str:
        return page(*guest_of(parts, contract_id, party_id))

    @pages.post("/contracts/<contract_id>/guests/<party_id>/show")
    def show_guest_link(contract_id: str, party_id: str) -> str:
        seen, party = guest_of(parts, contract_id, party_id)
        invitation = guests.show_link(contract_id, party_id, by=seen.who.subject)
        return page(seen, party, parts.appliance.addresses.invitation_url(invitation))

    @pages.post("/contracts/<contract_id>/guests/<party_id>/code")
    def new_guest_code(contract_id: str, party_id: str) -> BaseResponse:
        seen, _party = guest_of(parts, contract_id, party_id)
        guests.new_code(contract_id, party_id, by=seen.who.subject)
        return redirect(url_for("signing.guest_code", contract_id=contract_id, party_id=party_id), 303)

    @pages.post("/contracts/<contract_id>/guests/<party_id>/link")
    def new_guest_link(contract_id: str, party_id: str) -> BaseResponse:
        seen, _party = guest_of(parts, contract_id, party_id)
        guests.invite_again(contract_id, party_id, by=seen.who.subject)
        return redirect(url_for("signing.guest_code", contract_id=contract_id, party_id=party_id), 303)


def guest_of(parts: PortalParts, contract_id: str, party_id: str) -> tuple[ContractView, Party]:
    """The guest's party, for the initiator. Raises :class:`NotFound` for everybody else."""
    seen = view_contract(contract_id)
    party = seen.contract.party(party_id)
    if party is None or not party.guest or seen.who.subject != seen.contract.initiator:
        raise NotFound("There is no such guest of this contract.")
    return seen, party


LONGEST = 1000
"""Letters of a field that are looked at; the rules for names, addresses and numbers refuse less."""


def add_correction_pages(pages: Blueprint, parts: PortalParts) -> None:
    """The form and its target; for the initiator alone."""

    @pages.get("/contracts/<contract_id>/guests/<party_id>/correct")
    def guest_correction(contract_id: str, party_id: str) -> BaseResponse:
        seen, party = guest_of(parts, contract_id, party_id)
        person = parts.appliance.registry.person(party.subject)
        return _page(
            parts, seen, party, {"name": person.name, "email": person.email, "phone": party.phone or ""}, {}
        )

    @pages.post("/contracts/<contract_id>/guests/<party_id>/correct")
    def correct_guest(contract_id: str, party_id: str) -> BaseResponse:
        seen, party = guest_of(parts, contract_id, party_id)
        typed = {name: request.form.get(name, "").strip()[:LONGEST] for name in ("name", "email", "phone")}
        given, version = (
            GuestDetails(typed["name"], "", typed["email"], typed["phone"]),
            request.form.get("seen", ""),
        )
        problems = unprintable_names({"name": given.name}) | {
            place.removeprefix("guest-"): problem for place, problem in guest_problems(given).items()
        }
        if not given.phone:  # who told the code otherwise needs no number
            problems.pop("phone", None)
        if problems:
            return _page(parts, seen, party, typed, problems, 422)
        try:
            parts.appliance.correcting.correct(
                contract_id,
                party_id,
                given,
                by=seen.who.subject,
                seen=int(version) if version.isascii() and version.isdigit() and len(version) < 16 else None,
            )
        except (PreconditionRefused, StateRefused) as refusal:
            sentence = translate()(refusal.template, **refusal.values)
            return _page(
                parts, seen, party, typed, {"": sentence}, 409 if isinstance(refusal, StateRefused) else 422
            )
        return redirect(url_for("signing.guest_code", contract_id=contract_id, party_id=party_id), 303)


def _page(
    parts: PortalParts,
    seen: ContractView,
    party: Party,
    typed: dict[str, str],
    problems: dict[str, str],
    status: int = 200,
) -> BaseResponse:
    page = render_template(
        "signing/guest_correct.html",
        contract=seen.contract,
        party=party,
        typed=typed,
        anew=parts.appliance.correcting.starts_anew(party.subject),
        problems=problems,
    )
    return make_response(page, status)

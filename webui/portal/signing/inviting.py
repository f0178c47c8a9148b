"""``/contracts/ID/guests/PARTY``: the code and, without mail, the link that the initiator gives a guest."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, url_for
from werkzeug.wrappers import Response

from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.model.contract import Party
from webui.portal.contracts.view import ContractView, view_contract
from webui.portal.parts import PortalParts
from webui.shared.language import translate


def install(pages: Blueprint, parts: PortalParts) -> None:
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
    def new_guest_code(contract_id: str, party_id: str) -> Response:
        seen, _party = guest_of(parts, contract_id, party_id)
        guests.new_code(contract_id, party_id, by=seen.who.subject)
        return redirect(url_for("signing.guest_code", contract_id=contract_id, party_id=party_id), 303)

    @pages.post("/contracts/<contract_id>/guests/<party_id>/link")
    def new_guest_link(contract_id: str, party_id: str) -> Response:
        seen, _party = guest_of(parts, contract_id, party_id)
        guests.invite_again(contract_id, party_id, by=seen.who.subject)
        return redirect(url_for("signing.guest_code", contract_id=contract_id, party_id=party_id), 303)


def guest_of(parts: PortalParts, contract_id: str, party_id: str) -> tuple[ContractView, Party]:
    """The guest's party, for the initiator. Raises :class:`NotFound` for everybody else."""
    seen = view_contract(parts, contract_id)
    party = seen.contract.party(party_id)
    if party is None or not party.guest or seen.who.subject != seen.contract.initiator:
        raise NotFound("There is no such guest of this contract.")
    return seen, party

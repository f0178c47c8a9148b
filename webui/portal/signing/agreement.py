"""``/contracts/ID/agreement``: the agreement on electronic signing, accepted before the first contract between the
same parties; ``/agreement``: its current text, with whom it was accepted, and the same as a framework agreement on
paper."""

from __future__ import annotations

from flask import request, url_for

from appliance.contracts.permissions import Permission
from appliance.contracts.signing import LONGEST_PLACE
from appliance.language import Language
from appliance.model.contract import PartyKind
from appliance.writing.framework import framework_agreement
from webui.portal import activations
from webui.portal.access import ContractView, signatory, view_contract
from webui.portal.pages import appliance, name_of, saved_file
from webui.portal.signing.page import activate_at_once, refusals_in_form
from webui.portal.signing.sheet import pages
from webui.shared.form_pages import Answer, form, render, see_other
from webui.shared.forms import member_of
from webui.shared.language import current_language
from webui.shared.markdown import render_markdown, render_whole

_ID = frozenset("0123456789abcdef")


@pages.get("/agreement")
def agreement() -> Answer:
    accepted = appliance.agreements.of_person(signatory().subject)
    title, text = render_markdown(appliance.agreements.text(current_language()))
    return render("signing/agreed.html", accepted=accepted, title=title, text=text, names=name_of)


@pages.get("/agreement/framework.pdf")
def framework() -> Answer:
    """The same on paper, in the language that is asked for, or the visitor's."""
    signatory()
    language = member_of(Language, request.args.get("language", "")) or current_language()
    title, shown = render_whole(appliance.agreements.text(language))
    operator = appliance.settings.organisation.name
    paper = framework_agreement(
        appliance.agreements.current, language, operator=operator, title=title, shown=shown
    )
    name = "电子签名框架协议" if language is Language.CHINESE else "Framework agreement on electronic signing"
    return saved_file(paper, "application/pdf", f"{name}.pdf")


@pages.get("/contracts/<contract_id>/agreement")
def agree(contract_id: str) -> Answer:
    """The text with a new proposal; the signing page when there is nothing to accept any more."""
    seen, agreements = view_contract(contract_id), appliance.agreements
    party = seen.own_party()
    if party is None or not seen.may(Permission.SIGN) or agreements.is_accepted_for(seen.contract, party.id):
        return _redirect_onward(seen)
    if not activations.means_of(seen.who.subject).any:
        return _redirect_onward(seen)
    proposal = agreements.propose_for(seen.contract, party.id, current_language())
    title, text = render_markdown(proposal.text)
    return render(
        "signing/agreement.html",
        contract=seen.contract,
        party=party,
        title=title,
        text=text,
        proposal=proposal,
        longest_place=LONGEST_PLACE,
    )


@pages.post("/contracts/<contract_id>/agreement")
@form(agree, view_contract, refusals=())
def accept(seen: ContractView, contract_id: str) -> Answer:
    posted, by, party = request.form.get("agreement", "")[:64], seen.who.subject, seen.own_party()
    with refusals_in_form():
        proposal = appliance.agreements.proposed(posted if _ID.issuperset(posted) else "", by=by)
        place = request.form.get("place", "")[:LONGEST_PLACE]
        back = url_for("signing.accepted", contract_id=contract_id, agreement_id=proposal.id, place=place or None)
        return activations.to_activation(
            by,
            proposal.intent,
            back,
            record=proposal.record,
            text=proposal.text,
            other_text=proposal.other_text,
            paired=party is not None and party.kind is PartyKind.PERSON,
        )


@pages.get("/contracts/<contract_id>/agreement/<agreement_id>/activated")
@form(agree, view_contract, refusals=())
def accepted(seen: ContractView, contract_id: str, agreement_id: str) -> Answer:
    """Back from the activation service: the acceptance is made, if it was confirmed, and the document is next."""
    by, party = seen.who.subject, seen.own_party()
    with refusals_in_form():
        proposal = appliance.agreements.proposed(agreement_id, by=by)
        if not activations.is_activated(by, proposal.intent):
            return _redirect_onward(seen)
        appliance.agreements.accept(agreement_id, by=by)
    if party is None or party.kind is not PartyKind.PERSON:
        return _redirect_onward(seen)
    return activate_at_once(contract_id, party, request.args.get("place", "")[:LONGEST_PLACE])


def _redirect_onward(seen: ContractView) -> Answer:
    party = seen.own_party()
    return see_other("signing.sign", contract_id=seen.contract.id, party=party.id if party else None)
